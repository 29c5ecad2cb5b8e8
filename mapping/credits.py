"""Credit memos that a person called a change of the contract, and the invoices they stand on.

Such a credit takes its net amount off the contract. Where it is applied to an invoice it is no
receipt: that invoice asks for so much less, contract money and tax apart, so the same money counts
once and all invoices less the credit come to the contract.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from mapping.documents import Applied, CreditMemo, Payment
from mapping.lines import minor_of, net_amounts
from mapping.receipts import Money
from milestone_engine.money import allocate


@dataclass(frozen=True, slots=True, kw_only=True)
class Credited:
    """What of one credit memo stands on one invoice."""

    credit_id: str
    invoice_id: str
    net_minor: int  #: > 0
    tax_minor: int
    by_line: Mapping[str, int]  #: contract line id -> net amount, of the credit's lines: < 0

    @property
    def total_minor(self) -> int:
        """With tax: what it took off the invoice's balance."""
        return self.net_minor + self.tax_minor


def credits_on_invoices(
    credits: Sequence[CreditMemo], payments: Sequence[Payment], *, currency: str
) -> tuple[Credited, ...]:
    """Return where credit memos stand, oldest application first.

    The parts of one credit memo add up to it exactly, net and tax alike, once it is used up.

    Args:
        credits: those that a person called a change of the contract.
        payments: any payments; QuickBooks applies a credit by one, often over nothing.
        currency: ISO 4217.
    """
    known = {one.id: one for one in credits}
    used: dict[str, list[Credited]] = {}
    for credit_id, invoice_id, amount_minor in _applications(payments, currency):
        if credit_id in known:
            before = used.setdefault(credit_id, [])
            part = _part(known[credit_id], invoice_id, amount_minor, before, currency)
            before.append(part)
    return tuple(part for parts in used.values() for part in parts)


def less_credits(money: Money, credited: Sequence[Credited]) -> Money:
    """Return an invoice's money without the credits on it: neither asked nor received.

    An invoice never asks for less than nothing: what a credit takes beyond its contract money is
    its tax.
    """
    for one in credited:
        net_minor = min(one.net_minor, max(money.contract_minor, 0))
        tax_minor = one.total_minor - net_minor
        by_line = dict(money.by_line)
        for name, amount in _shared(one.by_line, -net_minor).items():
            by_line[name] = by_line.get(name, 0) + amount
        money = replace(
            money,
            by_line=by_line,
            contract_minor=money.contract_minor - net_minor,
            contract_tax_minor=money.contract_tax_minor - tax_minor,
            tax_minor=money.tax_minor - tax_minor,
            settled_minor=money.settled_minor - one.total_minor,
        )
    return money


def _applications(payments: Sequence[Payment], currency: str) -> list[tuple[str, str, int]]:
    """Return (credit memo, invoice, amount) in the order of time.

    A payment says what it took and where it went, not which went where: its credits fill its
    invoices one after the other, and cash what is left.
    """
    found = []
    for payment in sorted(
        payments, key=lambda one: (one.dated_on or date.max, len(one.id), one.id)
    ):
        if payment.is_deleted or payment.is_voided:
            continue
        invoices = [one for one in payment.applied if one.link.kind == "Invoice"]
        open_minor = [_applied_minor(one, currency) for one in invoices]
        for credit in payment.applied:
            if credit.link.kind != "CreditMemo":
                continue
            left = _applied_minor(credit, currency)
            for place, invoice in enumerate(invoices):
                taken = min(left, open_minor[place])
                if taken > 0:
                    found.append((credit.link.id, invoice.link.id, taken))
                    open_minor[place] -= taken
                    left -= taken
    return found


def _age(payment: Payment) -> tuple[date, int, str]:
    return payment.dated_on or date.max, len(payment.id), payment.id


def _applied_minor(applied: Applied, currency: str) -> int:
    return minor_of(applied.amount, currency=currency, at="Line.Amount")


def _part(
    credit: CreditMemo,
    invoice_id: str,
    amount_minor: int,
    before: Sequence[Credited],
    currency: str,
) -> Credited:
    """Return one application: the difference between all of them with it and without."""
    lines = {
        f"{credit.contract_id}:{line.id or line.at}": -amount
        for line, amount in net_amounts(credit.lines, currency=currency)
    }
    net_minor = -sum(lines.values())
    whole_minor = minor_of(credit.total or Decimal(0), currency=currency, at="TotalAmt")
    used_minor = sum(one.total_minor for one in before)
    after_minor = min(used_minor + amount_minor, whole_minor)
    net_after = net_minor * after_minor // whole_minor if whole_minor else 0
    of_net = net_after - sum(one.net_minor for one in before)
    by_line = _shared(lines, -net_after)
    for one in before:
        by_line = {name: amount - one.by_line.get(name, 0) for name, amount in by_line.items()}
    return Credited(
        credit_id=credit.id,
        invoice_id=invoice_id,
        net_minor=of_net,
        tax_minor=amount_minor - of_net,
        by_line=by_line,
    )


def _shared(lines: Mapping[str, int], total_minor: int) -> dict[str, int]:
    """Return a part of a credit over its lines, in proportion; all of it is its lines."""
    if total_minor == sum(lines.values()) or not any(lines.values()):
        return dict(lines)
    parts = allocate(total_minor, [abs(amount) for amount in lines.values()])
    return dict(zip(lines, parts, strict=True))
