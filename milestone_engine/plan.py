"""What should be, less what is: one Job in, a Plan out. Pure, and twice gives the same.

The Plan holds the amounts and dates of every milestone, the effects that would make QuickBooks and
the customer's knowledge agree with them, and what needs a person. When nothing is to be done the
list of effects is empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from milestone_engine.finding import Finding
from milestone_engine.job import (
    BilledLine,
    ContractLine,
    InvoiceState,
    Job,
    JobState,
    ProgressInvoice,
)
from milestone_engine.lines import spread_lines
from milestone_engine.notices import tell
from milestone_engine.planned import (
    BillMilestone,
    Effect,
    MilestonePlan,
    Plan,
    ReviseInvoice,
    TellCustomer,
)
from milestone_engine.rebalance import OnInvoiced, Position, Share, ShareState, Split, rebalance
from milestone_engine.schedule import Milestone
from milestone_engine.timeline import Timing, payment_state, timing

__all__ = [
    "BillMilestone",
    "Effect",
    "MilestonePlan",
    "Plan",
    "ReviseInvoice",
    "TellCustomer",
    "plan_job",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Desk:
    """What the steps of one planning share."""

    job: Job
    today: date
    live: Mapping[str, ProgressInvoice]
    split: Split
    timings: Mapping[str, Timing]
    cells: Mapping[str, tuple[BilledLine, ...]]


def plan_job(job: Job, *, today: date, holidays: frozenset[date] = frozenset()) -> Plan:
    """Decide what should become of a Job today.

    Args:
        job: everything known of it.
        today: the day at the job's place.
        holidays: days that business-day offsets pass over.
    """
    live = {one.milestone_id: one for one in job.invoices if one.state is InvoiceState.LIVE}
    split = rebalance(
        job.contract.total_minor,
        [_position(milestone, live.get(milestone.id)) for milestone in job.schedule.milestones],
        currency=job.schedule.currency,
        on_invoiced=job.policy.on_invoiced,
        cash_step_minor=job.policy.cash_step_minor,
    )
    desk = _Desk(
        job=job,
        today=today,
        live=live,
        split=split,
        timings={
            milestone.id: timing(milestone.trigger, job.events, job.policy.terms, holidays)
            for milestone in job.schedule.milestones
        },
        cells=_cells(job, split, live),
    )
    milestones = tuple(_milestone_plan(desk, place) for place in range(len(split.shares)))
    effects = _effects(desk, milestones) if job.state is JobState.ACTIVE else ()
    return Plan(
        milestones=milestones,
        effects=effects,
        findings=_findings(desk),
        contract_total_minor=job.contract.total_minor,
        credit_minor=split.credit_minor,
        on_account_minor=split.on_account_minor,
        unallocated_minor=split.unallocated_minor,
        look_on=_look_on(desk),
    )


def _position(milestone: Milestone, invoice: ProgressInvoice | None) -> Position:
    if invoice is None:
        return Position(milestone=milestone, billed_minor=None, paid_minor=0)
    # A person changed its money in QuickBooks: it is theirs, we do not move it (E62).
    kept = replace(milestone, held=True) if invoice.is_edited else milestone
    return Position(
        milestone=kept, billed_minor=invoice.amount_minor, paid_minor=invoice.paid_minor
    )


def _milestone_plan(desk: _Desk, place: int) -> MilestonePlan:
    share = desk.split.shares[place]
    milestone = desk.job.schedule.milestones[place]
    when = _effective(desk.timings[milestone.id], desk.live.get(milestone.id))
    return MilestonePlan(
        milestone=milestone,
        number=place + 1,
        share=share.state,
        state=payment_state(
            when,
            billed_minor=share.billed_minor,
            paid_minor=share.paid_minor,
            amount_minor=share.amount_minor,
            today=desk.today,
        ),
        amount_minor=share.amount_minor,
        billed_minor=share.billed_minor,
        paid_minor=share.paid_minor,
        issue_on=when.issue_on,
        due_on=when.due_on,
        waits_for=when.waits_for,
        why=share.why,
        invoice=desk.live.get(milestone.id),
    )


def _effective(when: Timing, invoice: ProgressInvoice | None) -> Timing:
    """Return the dates that hold for the customer: nothing is due before they have its invoice."""
    if invoice is None:
        return when
    if invoice.is_due_edited:
        return replace(when, due_on=invoice.due_on)
    due_on = max(when.due_on, invoice.issued_on) if when.due_on else invoice.due_on
    return replace(when, due_on=due_on)


# Which contract lines an invoice bills ---------------------------------------------------------


def _cells(
    job: Job, split: Split, live: Mapping[str, ProgressInvoice]
) -> Mapping[str, tuple[BilledLine, ...]]:
    """Spread the amounts that may still move over what is left of every contract line.

    An invoice whose amount stands keeps its lines; when there is nothing left to put a swapped line
    on, a sent invoice takes it too.
    """
    kept = {
        share.milestone_id: live[share.milestone_id] for share in split.shares if _stands(share)
    }
    moving = [share for share in split.shares if share.milestone_id not in kept]
    left = _left(job.contract.lines, kept.values())
    if not any(share.amount_minor for share in moving) and any(left.values()):
        reopened = [s for s in split.shares if s.state is ShareState.OPEN and s.amount_minor]
        moving = [*moving, *(share for share in reopened if share.milestone_id in kept)]
        kept = {
            name: one for name, one in kept.items() if name not in {s.milestone_id for s in moving}
        }
        left = _left(job.contract.lines, kept.values())
    rows = [share for share in moving if share.amount_minor > 0]
    if not rows or sum(left.values()) != sum(share.amount_minor for share in rows):
        return {name: one.lines for name, one in kept.items()}
    table = spread_lines(list(left.values()), [share.amount_minor for share in rows])
    spread = {
        share.milestone_id: tuple(
            BilledLine(line_id=line_id, amount_minor=cell)
            for line_id, cell in zip(left, row, strict=True)
            if cell
        )
        for share, row in zip(rows, table, strict=True)
    }
    return {name: one.lines for name, one in kept.items()} | spread


def _stands(share: Share) -> bool:
    return share.billed_minor is not None and share.billed_minor == share.amount_minor


def _left(lines: Sequence[ContractLine], invoices: Iterable[ProgressInvoice]) -> dict[str, int]:
    left = {line.id: line.amount_minor for line in lines}
    for invoice in invoices:
        for line in invoice.lines:
            left[line.line_id] = left.get(line.line_id, 0) - line.amount_minor
    return left


# What is to be done -----------------------------------------------------------------------------


def _effects(desk: _Desk, milestones: Sequence[MilestonePlan]) -> tuple[Effect, ...]:
    bills = [bill for plan in milestones if (bill := _bill(desk, plan))]
    revisions = [revision for plan in milestones if (revision := _revise(desk, plan))]
    return (*bills, *revisions, *tell(desk.job.told, milestones, is_revising=bool(revisions)))


def _bill(desk: _Desk, plan: MilestonePlan) -> BillMilestone | None:
    earlier = [one for one in desk.job.invoices if one.milestone_id == plan.milestone.id]
    # What a person voided or deleted is billed again only on their word (E85, E86).
    if earlier or plan.amount_minor <= 0 or plan.issue_on is None or desk.today < plan.issue_on:
        return None
    if plan.milestone.id not in desk.cells:
        return None
    assert plan.due_on is not None
    return BillMilestone(
        milestone_id=plan.milestone.id,
        label=plan.milestone.label,
        number=plan.number,
        of_count=len(desk.split.shares),
        ordinal=1,
        doc_number=f"{desk.job.base}-M{plan.number}",
        amount_minor=plan.amount_minor,
        lines=desk.cells[plan.milestone.id],
        issue_on=desk.today,
        due_on=max(plan.due_on, desk.today),
        why=plan.why,
    )


def _revise(desk: _Desk, plan: MilestonePlan) -> ReviseInvoice | None:
    invoice = plan.invoice
    if invoice is None or plan.share is not ShareState.OPEN or plan.amount_minor <= 0:
        return None
    if desk.job.policy.on_invoiced is not OnInvoiced.REVISE:
        return None
    lines = desk.cells.get(plan.milestone.id, invoice.lines)
    due_on = plan.due_on or invoice.due_on or invoice.issued_on
    is_same = plan.amount_minor == invoice.amount_minor and _by_line(lines) == _by_line(
        invoice.lines
    )
    if is_same and due_on == invoice.due_on:
        return None
    if sum(line.amount_minor for line in lines) != plan.amount_minor:
        return None
    return ReviseInvoice(
        milestone_id=plan.milestone.id,
        label=plan.milestone.label,
        number=plan.number,
        of_count=len(desk.split.shares),
        ordinal=invoice.ordinal,
        doc_number=invoice.doc_number,
        invoice_id=invoice.invoice_id,
        amount_minor=plan.amount_minor,
        lines=lines,
        due_on=due_on,
        why=plan.why,
    )


def _by_line(lines: Sequence[BilledLine]) -> dict[str, int]:
    return {line.line_id: line.amount_minor for line in lines if line.amount_minor}


# What needs a person ----------------------------------------------------------------------------


def _findings(desk: _Desk) -> tuple[Finding, ...]:
    job, split = desk.job, desk.split
    found = [
        Finding(
            code=f"schedule_{warning.code}",
            subject=f"job:{job.base}/{warning.milestone_id}",
            facts={"amount_minor": str(warning.amount_minor)},
        )
        for warning in split.warnings
    ]
    found += [_of_job(desk, "frozen")] if job.state is JobState.FROZEN else []
    found += [_of_job(desk, "credit", split.credit_minor)] if split.credit_minor else []
    found += (
        [_of_job(desk, "unallocated", split.unallocated_minor)] if split.unallocated_minor else []
    )
    found += [_of_job(desk, "on_account", split.on_account_minor)] if split.on_account_minor else []
    found += [_of_invoice(one) for one in job.invoices if _needs_a_person(one, desk)]
    if sum(_left(job.contract.lines, desk.live.values()).values()) == 0:
        left = _left(job.contract.lines, desk.live.values())
        found += [_of_job(desk, "lines_left", max(left.values()))] if any(left.values()) else []
    return tuple(found)


def _of_job(desk: _Desk, code: str, amount_minor: int = 0) -> Finding:
    facts = {"amount_minor": str(amount_minor)} if amount_minor else {}
    return Finding(code=code, subject=f"job:{desk.job.base}", facts=facts)


def _needs_a_person(invoice: ProgressInvoice, desk: _Desk) -> bool:
    if invoice.state is not InvoiceState.LIVE:
        return invoice.milestone_id not in desk.live
    share = next(s for s in desk.split.shares if s.milestone_id == invoice.milestone_id)
    return invoice.is_edited or (share.amount_minor == 0 and share.state is ShareState.OPEN)


def _of_invoice(invoice: ProgressInvoice) -> Finding:
    code = (
        "invoice_to_void"
        if invoice.state is InvoiceState.LIVE
        else f"invoice_{invoice.state.value}"
    )
    return Finding(
        code="invoice_edited" if invoice.is_edited else code,
        subject=f"invoice:{invoice.invoice_id}",
        facts={"number": invoice.doc_number, "milestone": invoice.milestone_id},
    )


def _look_on(desk: _Desk) -> date | None:
    """The next day that matters: an invoice to issue, or a due date that passes."""
    days = [when.issue_on for name, when in desk.timings.items() if name not in desk.live]
    days += [one.due_on + timedelta(days=1) for one in desk.live.values() if one.due_on]
    coming = [day for day in days if day is not None and day > desk.today]
    return min(coming, default=None)
