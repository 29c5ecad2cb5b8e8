"""What stands on each milestone: live invoices, those that are gone, and what cannot move.

A milestone may have several live invoices (supplements, billed again). What is settled counts as
paid in full, so a milestone is locked only once all of them are, and what one was overpaid does not
pay another.

An invoice that is gone (voided, deleted) blocks further billing of its milestone until a person
says `BillAgain` or `Forget`. What is forgotten counts as billed and paid: it takes its part of the
contract and asks for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from milestone_engine.decisions import BillAgain, Forget, HoldPayment, ReopenPayment
from milestone_engine.job import HeldBy, InvoiceState, Job, ProgressInvoice


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What was billed on one milestone, and what people said about it."""

    live: tuple[ProgressInvoice, ...] = ()  #: oldest first
    undecided: tuple[ProgressInvoice, ...] = ()  #: gone, and nobody said what to do
    forgotten_minor: int = 0  #: of gone ones: a part of the contract that we never bill
    held: Mapping[str, HeldBy] = field(default_factory=dict)  #: live invoice id -> why
    last_ordinal: int = 0  #: of all invoices it ever had

    @property
    def billed_minor(self) -> int | None:
        """Gross, on live invoices and forgotten; None: neither."""
        if not self.live and not self.forgotten_minor:
            return None
        return self.forgotten_minor + sum(one.gross_minor for one in self.live)

    @property
    def paid_minor(self) -> int:
        """Gross, never more than billed: what the milestone cannot fall below."""
        return self.forgotten_minor + sum(map(gross_paid_on, self.live))

    @property
    def is_settled(self) -> bool:
        """Whether it is billed and nothing on it is left to pay."""
        return self.billed_minor is not None and all(one.is_settled for one in self.live)

    @property
    def is_held(self) -> bool:
        """Whether an unsettled invoice of it cannot move."""
        return any(one.invoice_id in self.held for one in self.live if not one.is_settled)

    @property
    def is_forgotten(self) -> bool:
        """Whether all that stands on it is what a person said to forget."""
        return bool(self.forgotten_minor) and not self.live


#: Nothing was ever billed.
NOTHING = Standing()


def gross_paid_on(invoice: ProgressInvoice) -> int:
    """Return what counts as paid on an invoice before retainage.

    A settled one counts in full. Of a part payment the withheld part grows with it, rounded down:
    counted at once, it would keep money on a milestone that nobody paid.
    """
    if invoice.is_settled:
        return invoice.gross_minor
    paid = max(invoice.paid_minor, 0)
    return paid + paid * invoice.withheld_minor // invoice.amount_minor


def standings(job: Job) -> dict[str, Standing]:
    """Return what stands on each milestone that ever had an invoice, by its id."""
    by_milestone: dict[str, list[ProgressInvoice]] = {}
    for one in sorted(job.invoices, key=lambda one: (one.ordinal, one.invoice_id)):
        by_milestone.setdefault(one.milestone_id, []).append(one)
    return {name: _standing(job, invoices) for name, invoices in by_milestone.items()}


def _standing(job: Job, invoices: list[ProgressInvoice]) -> Standing:
    live = tuple(one for one in invoices if one.state is InvoiceState.LIVE)
    gone = [one for one in invoices if one.state is not InvoiceState.LIVE]
    again = {one.invoice_id for one in job.decisions if isinstance(one, BillAgain)}
    forgotten: dict[str, int] = {}
    for one in job.decisions:
        if isinstance(one, Forget):
            forgotten[one.invoice_id] = max(forgotten.get(one.invoice_id, 0), one.amount_minor)
    return Standing(
        live=live,
        undecided=tuple(one for one in gone if one.invoice_id not in again | forgotten.keys()),
        forgotten_minor=sum(forgotten.get(one.invoice_id, 0) for one in gone),
        held={one.invoice_id: why for one in live if (why := _held_by(job, one))},
        last_ordinal=max(one.ordinal for one in invoices),
    )


def _held_by(job: Job, invoice: ProgressInvoice) -> HeldBy | None:
    """Return why an invoice cannot move; of several reasons the one seen in the books."""
    if invoice.is_settled:
        # It does not move anyway; but whose amount it is stays worth knowing.
        return HeldBy.EDITED if invoice.held_by is HeldBy.EDITED else None
    stands_still = (HeldBy.CREDITED, HeldBy.ADOPTED)
    may_be_reversed = invoice.held_by in (None, HeldBy.REVERSED, *stands_still)
    if may_be_reversed and invoice.reversal > _answered(job, invoice):
        return HeldBy.REVERSED
    if invoice.held_by not in (None, HeldBy.REVERSED):
        return invoice.held_by
    is_pending = HoldPayment(milestone_id=invoice.milestone_id) in job.decisions
    return HeldBy.PENDING if is_pending else None


def _answered(job: Job, invoice: ProgressInvoice) -> int:
    """Return the last reversal of an invoice that a person said yes to; 0: none."""
    said = [
        one.reversal
        for one in job.decisions
        if isinstance(one, ReopenPayment) and one.invoice_id == invoice.invoice_id
    ]
    return max(said, default=0)
