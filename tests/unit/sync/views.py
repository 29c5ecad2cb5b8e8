"""A job as people see it, made by hand: valid by default, override what matters."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from milestone_engine.job import Contract, ContractLine, InvoiceState, Job, ProgressInvoice
from milestone_engine.plan import MilestonePlan, plan_job
from milestone_engine.schedule import Milestone, Percent, Schedule
from milestone_engine.timeline import Event, EventState, Trigger, When
from sync.reports.job_view import EventView, JobView, LineView, MilestoneView

TODAY = date(2026, 6, 1)
MEASURE, REMOVE, INSTALL = date(2026, 6, 3), date(2026, 6, 9), date(2026, 6, 17)
TAX_RATE = Decimal("6.5")

EVENTS = {
    "measurements": Event(name="measurements", label="Measurements", on=MEASURE),
    "removal": Event(name="removal", label="Removal", on=REMOVE),
    "installation": Event(name="installation", label="Installation", on=INSTALL),
}
SCHEDULE = Schedule(
    currency="USD",
    milestones=(
        Milestone(
            id="m1",
            label="Deposit",
            basis=Percent(value=Decimal(25)),
            trigger=Trigger(when=When.BEFORE, event="measurements"),
        ),
        Milestone(
            id="m2",
            label="After removal",
            basis=Percent(value=Decimal(25)),
            trigger=Trigger(when=When.AFTER, event="removal"),
        ),
        Milestone(
            id="m3",
            label="After installation",
            basis=Percent(value=Decimal(50)),
            trigger=Trigger(when=When.AFTER, event="installation"),
        ),
    ),
)


def an_invoice(milestone_id: str, amount_minor: int, *, paid_minor: int = 0, **more: Any) -> Any:
    """Give the invoice of a milestone."""
    facts: dict[str, Any] = {
        "milestone_id": milestone_id,
        "ordinal": 1,
        "invoice_id": f"9{milestone_id[1:]}",
        "doc_number": f"2001-{milestone_id.upper()}",
        "state": InvoiceState.LIVE,
        "amount_minor": amount_minor,
        "paid_minor": paid_minor,
        "lines": (),
        "issued_on": TODAY,
        "due_on": MEASURE,
        "tax_minor": round(amount_minor * TAX_RATE / 100),
        "settled_on": TODAY if paid_minor else None,
    }
    return ProgressInvoice(**{**facts, **more})


def a_view(
    *,
    total_minor: int = 1_200_000,
    invoices: tuple[ProgressInvoice, ...] = (),
    done: tuple[str, ...] = (),
    today: date = TODAY,
    schedule: Schedule = SCHEDULE,
    events: dict[str, Event] | None = None,
    **more: Any,
) -> JobView:
    """Give a countertop job: the engine's own plan of it, as people see it."""
    calendar = dict(EVENTS if events is None else events)
    for name in done:
        calendar[name] = Event(
            name=name,
            label=calendar[name].label,
            on=calendar[name].on,
            state=EventState.COMPLETED,
            completed_on=calendar[name].on,
        )
    job = Job(
        base="2001",
        currency=schedule.currency,
        contract=Contract(lines=(ContractLine(id="1:1", amount_minor=total_minor),)),
        schedule=schedule,
        events=calendar,
        invoices=invoices,
    )
    plan = plan_job(job, today=today)
    facts: dict[str, Any] = {
        "realm_no": 1,
        "job_id": 7,
        "base": "2001",
        "state": "active",
        "company": "Granite Peak Countertops",
        "customer": "Rivera, Elena:Kitchen remodel",
        "email": "elena@example.com",
        "estimate_id": "1",
        "currency": schedule.currency,
        "today": today,
        "accepted_on": TODAY - timedelta(days=4),
        "contract_total_minor": plan.contract_total_minor,
        "credit_minor": plan.credit_minor,
        "unallocated_minor": plan.unallocated_minor,
        "on_account_minor": plan.on_account_minor,
        "pending": (),
        "proposal": None,
        "wordings": (),
        "tax_drift_minor": None,
        "lines": (LineView(description="Quartz countertop", amount_minor=total_minor),),
        "milestones": tuple(_milestone(one, calendar) for one in plan.milestones),
        "events": tuple(_event(one) for one in calendar.values()),
        "changes": (),
        "findings": (),
    }
    return JobView(**{**facts, **more})


def _event(one: Event) -> EventView:
    return EventView(
        name=one.name,
        label=one.label,
        on=one.on,
        state=one.state.value,
        completed_on=one.completed_on,
    )


def _milestone(one: MilestonePlan, events: dict[str, Event]) -> MilestoneView:
    invoice, trigger = one.invoice, one.milestone.trigger
    event = events.get(trigger.event)
    known = invoice is not None and invoice.amount_minor == one.amount_minor
    asked_minor = invoice.amount_minor + invoice.tax_minor + invoice.outside_minor if invoice else 0
    settled_minor = 0
    if invoice and invoice.paid_minor:
        settled_minor = (
            asked_minor
            if invoice.paid_minor >= invoice.amount_minor
            else invoice.paid_minor * asked_minor // invoice.amount_minor
        )
    return MilestoneView(
        id=one.milestone.id,
        number=one.number,
        label=one.milestone.label,
        basis=one.milestone.basis,
        trigger=trigger,
        event_label=event.label if event else trigger.event.capitalize(),
        event_state=event.state.value if event else "",
        event_on=event.day if event else None,
        amount_minor=one.amount_minor,
        billed_minor=one.billed_minor,
        paid_minor=one.paid_minor,
        tax_minor=invoice.tax_minor
        if invoice and known
        else round(one.amount_minor * TAX_RATE / 100),
        is_tax_known=known,
        issue_on=one.issue_on,
        due_on=one.due_on,
        state=one.state.value,
        invoice_id=invoice.invoice_id if invoice else None,
        doc_number=invoice.doc_number if invoice else None,
        outside_minor=invoice.outside_minor if invoice else 0,
        invoice_total_minor=asked_minor if invoice else None,
        invoice_open_minor=asked_minor - settled_minor if invoice else None,
        settled_on=invoice.settled_on if invoice else None,
        why_code=one.why.code,
        why_facts=one.why.as_dict(),
    )
