"""Job A of the money rules, 10,000.00 at 25/25/50, for tests of `plan_job()`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from milestone_engine.finding import Finding
from milestone_engine.job import (
    BilledLine,
    ChangeOrder,
    Contract,
    ContractLine,
    InvoiceState,
    Job,
    Notice,
    ProgressInvoice,
    Told,
    UnappliedPayment,
)
from milestone_engine.plan import (
    BillMilestone,
    Plan,
    ReviseInvoice,
    TellCustomer,
    VoidSentInvoice,
    plan_job,
)
from milestone_engine.schedule import Milestone, Percent, build_schedule
from milestone_engine.timeline import Event, EventState, Trigger, When, approved

TODAY = date(2026, 5, 1)
SOON = TODAY + timedelta(days=2)
SCHEDULE = build_schedule(
    currency="USD",
    milestones=[
        Milestone(
            id=f"m{number}",
            label=label,
            basis=Percent(value=Decimal(percent)),
            trigger=Trigger(when=when, event=event),
        )
        for number, (label, percent, when, event) in enumerate(
            [
                ("Deposit", 25, When.BEFORE, "measure"),
                ("After removal", 25, When.AFTER, "removal"),
                ("After installation", 50, When.AFTER, "install"),
            ],
            start=1,
        )
    ],
)


def an_event(name: str, on: date | None = None, *, done: bool = False) -> Event:
    """An event of the job's calendar."""
    state = EventState.COMPLETED if done else EventState.PLANNED
    return Event(
        name=name, label=name.title(), on=on, state=state, completed_on=on if done else None
    )


DONE = {
    name: Event(
        name=name, label=name.title(), on=TODAY, state=EventState.COMPLETED, completed_on=TODAY
    )
    for name in ("measure", "removal", "install")
}


def a_job(total: int = 1_000_000, **other: Any) -> Job:
    """Base job A: 10,000.00 at 25/25/50, measured in two days."""
    lines = (
        ContractLine(id="1:1", amount_minor=total * 6 // 10),
        ContractLine(id="1:2", amount_minor=total - total * 6 // 10),
    )
    events = {
        "approved": approved(TODAY),
        "measure": an_event("measure", SOON),
        "removal": an_event("removal"),
        "install": an_event("install"),
    }
    known: dict[str, Any] = {
        "base": "1042",
        "currency": "USD",
        "contract": Contract(lines=lines),
        "schedule": SCHEDULE,
        "events": events,
    }
    return Job(**(known | other))


def an_invoice(milestone: str, amount: int, *, paid: int = 0, **other: Any) -> ProgressInvoice:
    """An invoice of job A, its money spread 60/40 over the two lines."""
    first = amount * 6 // 10
    known: dict[str, Any] = {
        "milestone_id": milestone,
        "ordinal": 1,
        "invoice_id": f"9{milestone[1:]}",
        "doc_number": f"1042-M{milestone[1:]}",
        "state": InvoiceState.LIVE,
        "amount_minor": amount,
        "paid_minor": paid,
        "lines": (
            BilledLine(line_id="1:1", amount_minor=first),
            BilledLine(line_id="1:2", amount_minor=amount - first),
        ),
        "issued_on": TODAY,
        "due_on": SOON,
    }
    return ProgressInvoice(**(known | other))


def told_schedule(amounts: Sequence[int]) -> Told:
    """The customer knows these amounts."""
    known = {f"m{number}": amount for number, amount in enumerate(amounts, start=1)}
    return Told(notice=Notice.SCHEDULED, occasion="1", amounts=known)


def amounts(plan: Plan) -> list[int]:
    """The milestones' amounts in whole cents."""
    return [one.amount_minor for one in plan.milestones]


def bills(plan: Plan) -> list[BillMilestone]:
    """The invoices to make."""
    return [one for one in plan.effects if isinstance(one, BillMilestone)]


def revisions(plan: Plan) -> list[ReviseInvoice]:
    """The invoices to bring to a new amount."""
    return [one for one in plan.effects if isinstance(one, ReviseInvoice)]


def notices(plan: Plan) -> list[tuple[Notice, str]]:
    """What is to be said."""
    return [(one.notice, one.occasion) for one in plan.effects if isinstance(one, TellCustomer)]


def codes(plan: Plan) -> list[str]:
    """What needs a person."""
    return [one.code for one in plan.findings]


M1_PAID = an_invoice("m1", 250_000, paid=250_000)
M2_PAID = an_invoice("m2", 250_000, paid=250_000)
M3_PAID = an_invoice("m3", 500_000, paid=500_000)
M2_SENT = an_invoice("m2", 250_000)
KNOWN = told_schedule([250_000, 250_000, 500_000])


def planned(job: Job, **options: Any) -> Plan:
    """The plan of a job today, whose sums are checked."""
    plan = plan_job(job, today=options.pop("today", TODAY), **options)
    assert sum(amounts(plan)) == (
        plan.contract_total_minor + plan.credit_minor - plan.unallocated_minor
    )
    return plan


def with_order(job: Job, amount: int, *, id: str = "7", label: str = "1042-CO-1") -> Job:
    """The job with one more change order, on one line of its own."""
    contract = job.contract
    return replace(
        job,
        contract=Contract(
            lines=(*contract.lines, ContractLine(id=f"{id}:1", amount_minor=amount)),
            change_orders=(
                *contract.change_orders,
                ChangeOrder(id=id, label=label, amount_minor=amount),
            ),
        ),
    )


def stored(job: Job, plan: Plan) -> Job:
    """The job after its plan was stored."""
    return replace(job, schedule=plan.schedule, bound=plan.bound)


def settled(effect: BillMilestone, *, paid: int | None = None, id: str = "") -> ProgressInvoice:
    """The invoice that an effect makes, paid in full or as said."""
    return ProgressInvoice(
        milestone_id=effect.milestone_id,
        ordinal=effect.ordinal,
        invoice_id=id or f"{effect.milestone_id}/{effect.ordinal}",
        doc_number=effect.doc_number,
        state=InvoiceState.LIVE,
        amount_minor=effect.amount_minor,
        paid_minor=effect.amount_minor if paid is None else paid,
        lines=effect.lines,
        issued_on=effect.issue_on,
        due_on=effect.due_on,
        withheld_minor=effect.withheld_minor,
    )


def all_done(job: Job) -> Job:
    """The job with everything done on site."""
    return replace(job, events=dict(job.events) | DONE)


def asked(plan: Plan) -> list[tuple[str, int]]:
    """Number and amount of the invoices to make."""
    return [(one.doc_number, one.amount_minor) for one in bills(plan)]


def voids(plan: Plan) -> list[str]:
    """The invoices to void."""
    return [one.invoice_id for one in plan.effects if isinstance(one, VoidSentInvoice)]


def the_finding(plan: Plan, code: str) -> Finding:
    """The one finding of this code."""
    (found,) = [one for one in plan.findings if one.code == code]
    return found


def a_payment(amount: int, *, id: str = "p1", on: date = TODAY) -> UnappliedPayment:
    """Money that is on no invoice."""
    return UnappliedPayment(payment_id=id, amount_minor=amount, received_on=on)
