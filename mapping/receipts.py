"""An invoice of ours and the payments on it -> ProgressInvoice, in contract money.

What QuickBooks settled (cash and credits alike) pays the contract's lines and their tax first, then
lines that people added. Tax and lines from outside never count as contract money.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from mapping.documents import Invoice, Payment
from mapping.edits import human_edits
from mapping.errors import DocumentError
from mapping.lines import Line, minor_of, net_amounts
from mapping.ours import our_lines
from milestone_engine.job import BilledLine, HeldBy, InvoiceState, ProgressInvoice, UnappliedPayment


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """An invoice's money, told apart. `contract + outside + tax` is its total."""

    by_line: Mapping[str, int]  #: contract line id -> net amount
    contract_minor: int
    contract_tax_minor: int
    tax_minor: int
    outside_minor: int
    settled_minor: int

    @classmethod
    def nothing(cls) -> Money:
        """Return the money of an invoice that is gone."""
        return cls(
            by_line={},
            contract_minor=0,
            contract_tax_minor=0,
            tax_minor=0,
            outside_minor=0,
            settled_minor=0,
        )

    @property
    def paid_minor(self) -> int:
        """Contract money received.

        Source: money rules, section 1: the whole contract part once it and its tax are settled,
        else the settled money's share of it, rounded down.
        """
        asked_minor = self.contract_minor + self.contract_tax_minor
        if self.contract_minor <= 0:
            return 0
        # What a credit left may be paid by the credit's own tax: nothing asked, nothing to come.
        if self.settled_minor >= asked_minor:
            return self.contract_minor
        if self.settled_minor <= 0:
            return 0
        return self.settled_minor * self.contract_minor // asked_minor


def progress_invoice(
    invoice: Invoice,
    *,
    milestone_id: str,
    ordinal: int,
    line_ids: Mapping[str, str],
    synced: Invoice | None,
    payments: Sequence[Payment],
    currency: str,
    was_settled: bool = False,
    closed_until: date | None = None,
    without: Callable[[Money], Money] | None = None,
) -> ProgressInvoice:
    """Return an invoice of ours as the engine sees it.

    Args:
        invoice: as QuickBooks holds it now; the stub of a deleted one too.
        milestone_id: the milestone it bills.
        ordinal: 1 for the milestone's first invoice.
        line_ids: QuickBooks' line id -> contract line id, as recorded at our last write.
        synced: the invoice as answered to our last write; None where nothing is known of it.
        payments: any payments; those that are not on this invoice play no part.
        currency: ISO 4217.
        was_settled: it was seen settled before.
        closed_until: the books are closed up to this day, inclusive.
        without: takes off the credits on it that changed the contract; None: there are none.

    Raises:
        DocumentError: its money or its date cannot be read (`balance_missing`, ...).
    """
    state = state_of(invoice)
    money, is_edited = Money.nothing(), False
    issued_on = _issued_on(invoice, synced)
    if state is InvoiceState.LIVE:
        ours = our_lines(invoice, line_ids=line_ids, synced=synced)
        money = money_of(invoice, ours, currency=currency)
        is_edited = synced is not None and (
            human_edits(invoice.raw, synced.raw, line_ids=line_ids).money
            or _is_moved(money, synced, line_ids, currency=currency)
        )
        money = without(money) if without else money
    return ProgressInvoice(
        milestone_id=milestone_id,
        ordinal=ordinal,
        invoice_id=invoice.id,
        doc_number=invoice.doc_number or (synced.doc_number if synced else ""),
        state=state,
        amount_minor=money.contract_minor,
        paid_minor=money.paid_minor,
        lines=tuple(
            BilledLine(line_id=line_id, amount_minor=amount_minor)
            for line_id, amount_minor in money.by_line.items()
        ),
        issued_on=issued_on,
        due_on=invoice.due_on or (synced.due_on if synced else None),
        tax_minor=money.tax_minor,
        outside_minor=money.outside_minor,
        settled_on=settled_on(invoice, payments),
        held_by=_held_by(is_edited, issued_on, closed_until)
        or (HeldBy.CREDITED if without else None),
        was_settled=was_settled,
        is_due_edited=(
            synced is not None and synced.due_on is not None and invoice.due_on != synced.due_on
        ),
    )


def unapplied_payments(
    payments: Sequence[Payment], *, currency: str, on: date
) -> tuple[UnappliedPayment, ...]:
    """Return the payments with money that is on no document.

    Args:
        payments: any payments.
        currency: ISO 4217.
        on: the day for a payment that has no date.
    """
    return tuple(
        UnappliedPayment(
            payment_id=one.id,
            amount_minor=minor_of(one.unapplied, currency=currency, at="UnappliedAmt"),
            received_on=one.dated_on or on,
            is_rest=bool(one.applied),
        )
        for one in payments
        if not one.is_deleted and not one.is_voided and one.unapplied and one.unapplied > 0
    )


def _held_by(is_edited: bool, issued_on: date, closed_until: date | None) -> HeldBy | None:
    """Return why an invoice cannot move, as far as its documents tell."""
    if is_edited:
        return HeldBy.EDITED
    return HeldBy.CLOSED if closed_until and issued_on <= closed_until else None


def state_of(invoice: Invoice) -> InvoiceState:
    """Return what became of an invoice."""
    if invoice.is_deleted:
        return InvoiceState.DELETED
    return InvoiceState.VOIDED if invoice.is_voided else InvoiceState.LIVE


def money_of(invoice: Invoice, ours: Mapping[str, str], *, currency: str) -> Money:
    """Tell an invoice's money apart. What is neither contract nor tax is from outside.

    Args:
        invoice: a live one.
        ours: QuickBooks' line id -> contract line id; two may bill one.
        currency: ISO 4217.
    """
    if invoice.total is None or invoice.balance is None:
        raise DocumentError("balance_missing", "the invoice has no total or no balance")
    amounts = net_amounts(invoice.lines, currency=currency)
    by_line: dict[str, int] = {}
    for line, amount in amounts:
        if line.id in ours:
            by_line[ours[line.id]] = by_line.get(ours[line.id], 0) + amount
    total_minor = minor_of(invoice.total, currency=currency, at="TotalAmt")
    balance_minor = minor_of(invoice.balance, currency=currency, at="Balance")
    tax_minor = minor_of(invoice.tax or Decimal(0), currency=currency, at="TxnTaxDetail.TotalTax")
    contract_minor = sum(by_line.values())
    return Money(
        by_line=by_line,
        contract_minor=contract_minor,
        contract_tax_minor=_contract_tax(tax_minor, amounts, ours),
        tax_minor=tax_minor,
        outside_minor=total_minor - tax_minor - contract_minor,
        settled_minor=total_minor - balance_minor,
    )


def _contract_tax(
    tax_minor: int, amounts: Sequence[tuple[Line, int]], ours: Mapping[str, str]
) -> int:
    """Return the contract lines' part of the tax: pro rata over the taxed lines, rounded down.

    Rounded down, so that a customer never seems to owe a cent of contract money for a neighbour's
    tax. Rates that differ by line (outside the US) are not told apart: QuickBooks does not say.
    """
    taxed = [(line, amount) for line, amount in amounts if line.is_taxed] or amounts
    whole_minor = sum(amount for _, amount in taxed)
    contract_minor = sum(amount for line, amount in taxed if line.id in ours)
    if whole_minor <= 0:
        return tax_minor
    return max(0, min(tax_minor, tax_minor * contract_minor // whole_minor))


def _is_moved(money: Money, synced: Invoice, line_ids: Mapping[str, str], *, currency: str) -> bool:
    """Whether our lines come to something else than before: a discount's share may have moved."""
    amounts = net_amounts(synced.lines, currency=currency)
    before = {line_ids[line.id]: amount for line, amount in amounts if line.id in line_ids}
    return _moneyed(before) != _moneyed(money.by_line)


def _moneyed(by_line: Mapping[str, int]) -> dict[str, int]:
    return {line_id: amount for line_id, amount in by_line.items() if amount}


def _issued_on(invoice: Invoice, synced: Invoice | None) -> date:
    issued_on = invoice.dated_on or (synced.dated_on if synced else None)
    if issued_on is None:
        raise DocumentError("date_missing", "the invoice has no date", at="TxnDate")
    return issued_on


def settled_on(invoice: Invoice, payments: Sequence[Payment]) -> date | None:
    """Return the day of the last payment on the invoice; a credit being applied counts too."""
    days = (
        payment.dated_on
        for payment in payments
        if not payment.is_deleted and not payment.is_voided
        for applied in payment.applied
        if applied.link.kind == "Invoice" and applied.link.id == invoice.id and applied.amount > 0
    )
    return max((day for day in days if day), default=None)
