"""Money of the customer that is on no invoice: whose is it, and what waits for the answer (E60).

A payment that nobody decided about is proposed for the next milestone that would be billed; that
one is not billed until a person claims the payment for it or dismisses it. What an invoice was
overpaid by is no such payment: it stands on account and holds nothing up (E55). A claimed payment
that covers the invoice keeps us from saying that the invoice is due.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from milestone_engine.asks import Ask
from milestone_engine.decisions import ClaimPayment, DismissPayment
from milestone_engine.job import Job, ProgressInvoice, UnappliedPayment


@dataclass(frozen=True, slots=True, kw_only=True)
class OnAccount:
    """Money that is on no invoice, and what it is taken for."""

    total_minor: int  #: all of it, with what invoices were overpaid
    loose_minor: int  #: what is neither claimed nor proposed for a milestone
    proposed: tuple[tuple[UnappliedPayment, str], ...]  #: payment, milestone id
    quiet: frozenset[str]  #: ids of invoices that a claimed payment covers

    @property
    def waiting(self) -> frozenset[str]:
        """Milestones that are not billed until a person decides."""
        return frozenset(name for _, name in self.proposed)


def on_account(
    job: Job, live: Mapping[str, Sequence[ProgressInvoice]], asks: Sequence[Ask]
) -> OnAccount:
    """Return what is on account.

    Args:
        job: with the unapplied payments and the decisions about them.
        live: live invoices by milestone.
        asks: first invoices of milestones that could be billed, the next one first.
    """
    payments = [one for one in job.unapplied if one.amount_minor > 0]
    claims = _claims(job, payments)
    claimed: dict[str, int] = {}
    for one in payments:
        if one.payment_id in claims:
            name = claims[one.payment_id]
            claimed[name] = claimed.get(name, 0) + one.amount_minor
    dismissed = {one.payment_id for one in job.decisions if isinstance(one, DismissPayment)}
    decided = claims.keys() | dismissed
    open_ones = [p for p in payments if p.payment_id not in decided and not p.is_rest]
    proposed = _proposed(open_ones, asks, claimed)
    unapplied = sum(one.amount_minor for one in payments)
    # The same money may be told in two ways: paid above billed, and as the payment's rest.
    total = max(unapplied, _overpaid(live))
    spoken = sum(claimed.values()) + sum(one.amount_minor for one, _ in proposed)
    return OnAccount(
        total_minor=total,
        loose_minor=total - spoken,
        proposed=proposed,
        quiet=_covered(live, claimed),
    )


def _claims(job: Job, payments: Sequence[UnappliedPayment]) -> dict[str, str]:
    """Return payment id -> the milestone it is claimed for; of two the first by name."""
    known = {one.payment_id for one in payments}
    said = [one for one in job.decisions if isinstance(one, ClaimPayment)]
    by_name = sorted(said, key=lambda one: one.milestone_id, reverse=True)
    return {one.payment_id: one.milestone_id for one in by_name if one.payment_id in known}


def _proposed(
    payments: Sequence[UnappliedPayment], asks: Sequence[Ask], claimed: Mapping[str, int]
) -> tuple[tuple[UnappliedPayment, str], ...]:
    """Propose each payment for the first milestone that is not covered yet, oldest first."""
    covered = dict(claimed)
    found = []
    for one in sorted(payments, key=lambda one: (one.received_on, one.payment_id)):
        name = next(
            (a.milestone_id for a in asks if covered.get(a.milestone_id, 0) < a.amount_minor), None
        )
        if name is not None:
            covered[name] = covered.get(name, 0) + one.amount_minor
            found.append((one, name))
    return tuple(found)


def _overpaid(live: Mapping[str, Sequence[ProgressInvoice]]) -> int:
    return sum(max(one.paid_minor - one.amount_minor, 0) for some in live.values() for one in some)


def _covered(
    live: Mapping[str, Sequence[ProgressInvoice]], claimed: Mapping[str, int]
) -> frozenset[str]:
    """Return the unsettled invoices of milestones whose claimed money covers them all."""
    found: set[str] = set()
    for name, money in claimed.items():
        unpaid = [one for one in live.get(name, ()) if not one.is_settled]
        owed = sum(
            one.amount_minor + one.tax_minor + one.outside_minor - one.paid_minor for one in unpaid
        )
        if money >= owed:
            found |= {one.invoice_id for one in unpaid}
    return frozenset(found)
