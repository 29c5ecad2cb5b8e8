"""What is to be done in the books: invoices to make, to bring to a new amount or date, to void.

No document of zero or less is ever made (rule 8), and none whose lines do not add up to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from milestone_engine.asks import Ask
from milestone_engine.decisions import VoidInvoice
from milestone_engine.draft import Draft, effective, is_to_be_made
from milestone_engine.job import BilledLine
from milestone_engine.planned import (
    BillMilestone,
    MilestonePlan,
    ReviseInvoice,
    VoidSentInvoice,
)


def bills(drawn: Draft, plans: Mapping[str, MilestonePlan]) -> list[BillMilestone]:
    """Return the invoices to make today."""
    made: list[BillMilestone] = []
    taken = {one.doc_number for one in drawn.job.invoices}
    for ask in drawn.asks:
        lines = drawn.lines.get((ask.milestone_id, ask.ordinal), ())
        if is_to_be_made(drawn, ask) and _sum(lines) == ask.amount_minor:
            bill = _bill(drawn, ask, lines, plans[ask.milestone_id], taken)
            taken.add(bill.doc_number)
            made.append(bill)
    return made


def _bill(
    drawn: Draft,
    ask: Ask,
    lines: tuple[BilledLine, ...],
    plan: MilestonePlan,
    taken: set[str],
) -> BillMilestone:
    due_on = drawn.timings[ask.milestone_id].due_on
    assert due_on is not None
    return BillMilestone(
        milestone_id=ask.milestone_id,
        label=plan.milestone.label,
        number=plan.number,
        of_count=len(drawn.milestones),
        ordinal=ask.ordinal,
        doc_number=_free_number(f"{drawn.job.base}-M{plan.number}", ask.ordinal, taken),
        amount_minor=ask.amount_minor,
        lines=lines,
        issue_on=drawn.today,
        due_on=max(due_on, drawn.today),
        why=plan.why,
        withheld_minor=ask.withheld_minor,
    )


def _free_number(stem: str, ordinal: int, taken: set[str]) -> str:
    """Return an invoice's number. A milestone that was put before it may have taken its first."""
    number = stem if ordinal == 1 else f"{stem}-{ordinal}"
    while number in taken:
        ordinal += 1
        number = f"{stem}-{ordinal}"
    return number


def revisions(drawn: Draft, plans: Mapping[str, MilestonePlan]) -> list[ReviseInvoice]:
    """Return the sent invoices to bring to a new amount, other lines or another due date."""
    found = (_revise(drawn, ask, plans[ask.milestone_id]) for ask in drawn.asks)
    return [one for one in found if one is not None]


def _revise(drawn: Draft, ask: Ask, plan: MilestonePlan) -> ReviseInvoice | None:
    invoice = ask.invoice
    if invoice is None or not ask.is_free or ask.amount_minor <= 0:
        return None
    lines = drawn.lines.get((ask.milestone_id, ask.ordinal), invoice.lines)
    when = effective(drawn.timings[ask.milestone_id], invoice)
    due_on = when.due_on or invoice.due_on or invoice.issued_on
    is_same = ask.is_standing and _by_line(lines) == _by_line(invoice.lines)
    if (is_same and due_on == invoice.due_on) or _sum(lines) != ask.amount_minor:
        return None
    return ReviseInvoice(
        milestone_id=ask.milestone_id,
        label=plan.milestone.label,
        number=plan.number,
        of_count=len(drawn.milestones),
        ordinal=ask.ordinal,
        doc_number=invoice.doc_number,
        invoice_id=invoice.invoice_id,
        amount_minor=ask.amount_minor,
        lines=lines,
        due_on=due_on,
        why=plan.why,
        withheld_minor=ask.withheld_minor,
    )


def is_empty(ask: Ask) -> bool:
    """Whether a sent invoice has nothing left to ask, and may be voided."""
    return ask.invoice is not None and ask.is_free and ask.amount_minor <= 0


def voids(drawn: Draft) -> list[VoidSentInvoice]:
    """Return the sent invoices to void: nothing is left to ask, and a person said yes."""
    return [
        VoidSentInvoice(
            milestone_id=ask.milestone_id,
            invoice_id=ask.invoice.invoice_id,
            doc_number=ask.invoice.doc_number,
        )
        for ask in drawn.asks
        if is_empty(ask)
        and ask.invoice is not None
        and VoidInvoice(invoice_id=ask.invoice.invoice_id) in drawn.job.decisions
    ]


def _sum(lines: Sequence[BilledLine]) -> int:
    return sum(line.amount_minor for line in lines)


def _by_line(lines: Sequence[BilledLine]) -> dict[str, int]:
    return {line.line_id: line.amount_minor for line in lines if line.amount_minor}
