"""Invoices that people made for a Job: which are its, and which contract lines they bill.

We never change them. An invoice is the Job's where it is linked to one of its estimates, stands on
a customer row that is this Job's alone, or carries the estimate's number in its own. What it bills
is told from its lines: those that sell what the contract sells are the contract's, the others are
from outside; where no line tells, all of it is the contract's, spread over its lines.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import Enum

from mapping.answers import without_step
from mapping.contracts import Coding
from mapping.documents import Estimate, Invoice, Payment
from mapping.errors import DocumentError
from mapping.lines import Line, money_lines, net_amounts
from mapping.receipts import Money, money_of, settled_on, state_of
from milestone_engine.job import (
    BilledLine,
    Contract,
    HeldBy,
    InvoiceState,
    ProgressInvoice,
)
from milestone_engine.lines import spread_lines


class Claim(Enum):
    """By what an invoice is taken for a Job's."""

    LINKED = "linked"  #: QuickBooks links it to the estimate
    CUSTOMER = "customer"  #: it stands on the sub-customer or project that is the Job
    NUMBER = "number"  #: its number begins with the estimate's


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """The invoices of a Job's customer that are not ours."""

    claimed: tuple[tuple[Invoice, Claim], ...]
    others: tuple[Invoice, ...]  #: on the same customer, and nobody can tell what they are for


def invoices_of(
    estimates: Sequence[Estimate],
    invoices: Sequence[Invoice],
    *,
    ours: Collection[str],
    is_own: Callable[[Invoice], bool],
) -> Candidates:
    """Return the invoices that people made for a Job, oldest first.

    Args:
        estimates: the Job's, the main one first.
        invoices: all of its customer.
        ours: ids of invoices that we made, or that belong to other Jobs.
        is_own: whether the customer row, or the project, of an invoice is this Job's alone.
    """
    claimed: list[tuple[Invoice, Claim]] = []
    others: list[Invoice] = []
    for invoice in sorted(invoices, key=_age):
        if invoice.id in ours or invoice.is_deleted or invoice.is_voided or not invoice.total:
            continue
        claim = _claim(invoice, estimates, is_own=is_own(invoice))
        if claim is None:
            others.append(invoice)
        else:
            claimed.append((invoice, claim))
    return Candidates(claimed=tuple(claimed), others=tuple(others))


def _claim(invoice: Invoice, estimates: Sequence[Estimate], *, is_own: bool) -> Claim | None:
    ids = {one.id for one in estimates}
    linked = {link.id for link in invoice.links if link.kind == "Estimate"}
    back = {link.id for one in estimates for link in one.links if link.kind == "Invoice"}
    if linked & ids or invoice.id in back:
        return Claim.LINKED
    if linked:
        return None  # another estimate's
    begun = min((one.dated_on for one in estimates if one.dated_on), default=date.min)
    if is_own and (invoice.dated_on is None or invoice.dated_on >= begun):
        return Claim.CUSTOMER
    numbers = [one.doc_number for one in estimates if one.doc_number]
    is_named = any(_begins_with(invoice.doc_number, number) for number in numbers)
    return Claim.NUMBER if is_named else None


def is_own_invoice(invoice: Invoice, key: str) -> bool:
    """Whether an invoice stands where only one Job has its estimates: `key` is its `job_key()`."""
    kind, _, name = key.partition(":")
    if kind == "project":
        return name == invoice.project_id
    return kind == "customer" and invoice.customer is not None and invoice.customer.id == name


def _begins_with(number: str, base: str) -> bool:
    return re.fullmatch(rf"{re.escape(base)}(?:[^0-9A-Za-z].*)?", number, re.I) is not None


def _age(invoice: Invoice) -> tuple[date, int, str]:
    return invoice.dated_on or date.max, len(invoice.id), invoice.id


def adopted_invoice(
    invoice: Invoice,
    *,
    milestone_id: str,
    ordinal: int,
    contract: Contract,
    coding: Mapping[str, Coding],
    payments: Sequence[Payment],
    currency: str,
    was_settled: bool = False,
    without: Callable[[Money], Money] | None = None,
) -> ProgressInvoice:
    """Return an invoice that a person made as the engine sees it: it never moves.

    Args:
        invoice: as QuickBooks holds it now; the stub of a deleted one too.
        milestone_id: the milestone that it was given to.
        ordinal: 1 for the milestone's first invoice.
        contract: what was agreed.
        coding: by contract line id.
        payments: any payments; those that are not on this invoice play no part.
        currency: ISO 4217.
        was_settled: it was seen settled before.
        without: takes off the credits on it that changed the contract; None: there are none.

    Raises:
        DocumentError: its money or its date cannot be read.
    """
    state = state_of(invoice)
    if invoice.dated_on is None:
        raise DocumentError("date_missing", "the invoice has no date", at="TxnDate")
    money = Money.nothing()
    if state is InvoiceState.LIVE:
        ours = contract_lines(invoice, coding, currency=currency)
        money = money_of(invoice, ours, currency=currency)
        if any(not line_id for line_id in ours.values()):
            money = replace(money, by_line=_spread(money.contract_minor, contract))
        money = without(money) if without else money
    return ProgressInvoice(
        milestone_id=milestone_id,
        ordinal=ordinal,
        invoice_id=invoice.id,
        doc_number=invoice.doc_number,
        state=state,
        amount_minor=money.contract_minor,
        paid_minor=money.paid_minor,
        lines=tuple(
            BilledLine(line_id=line_id, amount_minor=amount_minor)
            for line_id, amount_minor in money.by_line.items()
        ),
        issued_on=invoice.dated_on,
        due_on=invoice.due_on,
        tax_minor=money.tax_minor,
        outside_minor=money.outside_minor,
        settled_on=settled_on(invoice, payments),
        held_by=HeldBy.ADOPTED,
        was_settled=was_settled,
        is_due_edited=True,
    )


def contract_lines(
    invoice: Invoice, coding: Mapping[str, Coding], *, currency: str
) -> dict[str, str]:
    """Return which of an invoice's lines bill the contract: QuickBooks' line id -> contract line.

    Where none of them sells what the contract sells, all do, and no contract line is named ("").
    """
    lines = [line for line, amount in net_amounts(invoice.lines, currency=currency) if amount]
    found = {line.id: name for line in lines if (name := _sold_by(line, coding))}
    if found:
        return found
    return {line.id: "" for line in money_lines(invoice.lines)}


def _sold_by(line: Line, coding: Mapping[str, Coding]) -> str:
    """Return the contract line that sells the same item, by its words where several do; or ""."""
    item_id = line.item.id if line.item else ""
    alike = {name: code for name, code in coding.items() if code.item_id == item_id}
    words = without_step(line.description).strip()
    said = [name for name, code in alike.items() if words in (code.description, code.item_name)]
    return next(iter(said or alike), "")


def _spread(amount_minor: int, contract: Contract) -> dict[str, int]:
    """Return an amount over all lines of the contract, in proportion, exact."""
    lines = contract.lines
    rest = contract.total_minor - amount_minor
    if not contract.total_minor or not lines:
        return {}
    row, _ = spread_lines([line.amount_minor for line in lines], [amount_minor, rest])
    return {line.id: cell for line, cell in zip(lines, row, strict=True) if cell}
