"""`plan_job()`: what should be, less what is. Examples by their number in the money rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from milestone_engine.job import (
    Contract,
    ContractLine,
    HeldBy,
    InvoiceState,
    JobState,
    Notice,
    Policy,
    ProgressInvoice,
    Told,
)
from milestone_engine.plan import BillMilestone, TellCustomer, plan_job
from milestone_engine.rebalance import OnInvoiced
from milestone_engine.timeline import EventState, PaymentState
from tests.unit.milestone_engine.jobs import (
    SOON,
    TODAY,
    a_job,
    amounts,
    an_event,
    an_invoice,
    bills,
    codes,
    notices,
    revisions,
    told_schedule,
)


def test_a_deposit_is_billed_within_its_lead_time() -> None:
    """Two days before measurements, three days of lead: the invoice is made, due on the day."""
    plan = plan_job(a_job(), today=TODAY)

    assert amounts(plan) == [250_000, 250_000, 500_000]
    assert [(one.doc_number, one.amount_minor, one.due_on) for one in bills(plan)] == [
        ("1042-M1", 250_000, SOON)
    ]
    assert sum(line.amount_minor for line in bills(plan)[0].lines) == 250_000
    assert notices(plan) == [(Notice.SCHEDULED, "1")]


def test_a_deposit_waits_for_its_day() -> None:
    """Before the lead time nothing is billed, and the plan says when to look again."""
    events = dict(a_job().events) | {"measure": an_event("measure", TODAY + timedelta(days=10))}

    plan = plan_job(a_job(events=events), today=TODAY)

    assert bills(plan) == []
    assert plan.look_on == TODAY + timedelta(days=7)
    assert [one.state for one in plan.milestones] == [
        PaymentState.UPCOMING, PaymentState.WAITING, PaymentState.WAITING,
    ]  # fmt: skip


def test_twice_gives_the_same_plan() -> None:
    """Pure: no hidden clock, no hidden state."""
    assert plan_job(a_job(), today=TODAY) == plan_job(a_job(), today=TODAY)


def test_nothing_is_to_be_done_when_what_is_equals_what_should_be() -> None:
    """M1 billed and told, nothing else due: no effects."""
    told = (
        told_schedule([250_000, 250_000, 500_000]),
        Told(notice=Notice.DUE, occasion="m1-1"),
    )
    job = a_job(invoices=(an_invoice("m1", 250_000),), told=told)

    assert plan_job(job, today=TODAY).effects == ()


@pytest.mark.parametrize(
    ("total", "invoices", "policy", "expected"),
    [
        pytest.param(1_200_000, [("m1", 250_000, 250_000)], "revise",
                     [250_000, 316_667, 633_333], id="E06"),
        pytest.param(1_000_000, [("m1", 250_000, 100_000)], "revise",
                     [250_000, 250_000, 500_000], id="E16"),
        pytest.param(1_200_000, [("m1", 250_000, 100_000)], "revise",
                     [300_000, 300_000, 600_000], id="E17"),
        pytest.param(1_200_000, [("m1", 250_000, 100_000)], "hold",
                     [250_000, 316_667, 633_333], id="E18"),
        pytest.param(1_200_000, [("m1", 250_000, 250_000), ("m2", 250_000, 0)], "revise",
                     [250_000, 316_667, 633_333], id="E20"),
        pytest.param(1_200_000, [("m1", 250_000, 250_000), ("m2", 250_000, 0)], "hold",
                     [250_000, 250_000, 700_000], id="E21"),
    ],
)  # fmt: skip
def test_a_sent_invoice_follows_the_policy(
    total: int, invoices: Sequence[tuple[str, int, int]], policy: str, expected: list[int]
) -> None:
    """What became of a sent, unpaid invoice when the total changed."""
    job = a_job(
        total,
        invoices=tuple(an_invoice(name, billed, paid=paid) for name, billed, paid in invoices),
        policy=Policy(on_invoiced=OnInvoiced(policy)),
        told=(told_schedule([250_000, 250_000, 500_000]),),
    )

    plan = plan_job(job, today=TODAY)

    assert amounts(plan) == expected
    moved = [one for one in invoices if one[1] != expected[int(one[0][1]) - 1]]
    assert [(one.milestone_id, one.amount_minor) for one in revisions(plan)] == [
        (one[0], expected[int(one[0][1]) - 1]) for one in moved if policy == "revise"
    ]


def test_a_change_is_told_once_the_revised_invoice_stands() -> None:
    """No mail states a fact that is not confirmed: first the invoice, then the word."""
    job = a_job(
        1_200_000,
        invoices=(an_invoice("m1", 250_000),),
        told=(told_schedule([250_000, 250_000, 500_000]), Told(notice=Notice.DUE, occasion="m1-1")),
    )
    assert notices(plan_job(job, today=TODAY)) == []

    done = replace(job, invoices=(an_invoice("m1", 300_000),))
    plan = plan_job(done, today=TODAY)
    assert notices(plan) == [(Notice.CHANGED, "1")]
    told = next(one for one in plan.effects if isinstance(one, TellCustomer))
    assert (dict(told.old), dict(told.new)) == (
        {"m1": 250_000, "m2": 250_000, "m3": 500_000},
        {"m1": 300_000, "m2": 300_000, "m3": 600_000},
    )


def test_what_is_due_is_told_after_the_schedule() -> None:
    """A bill makes sense to who knows the plan."""
    job = a_job(invoices=(an_invoice("m1", 250_000),))
    assert notices(plan_job(job, today=TODAY)) == [(Notice.SCHEDULED, "1")]


def test_a_payment_is_thanked_for_once_an_amount() -> None:
    """A second part payment is a new occasion, the same one is not."""
    known = told_schedule([250_000, 250_000, 500_000])
    due = Told(notice=Notice.DUE, occasion="m1-1")
    job = a_job(invoices=(an_invoice("m1", 250_000, paid=100_000),), told=(known, due))

    assert notices(plan_job(job, today=TODAY)) == [(Notice.RECEIVED, "m1-1-100000")]
    thanked = Told(notice=Notice.RECEIVED, occasion="m1-1-100000")
    assert notices(plan_job(replace(job, told=(known, due, thanked)), today=TODAY)) == []


def test_an_after_milestone_waits_for_its_event_to_be_completed() -> None:
    """A date alone bills nothing; done on site does."""
    past = TODAY - timedelta(days=1)
    planned = dict(a_job().events) | {"removal": an_event("removal", past)}
    assert [one.milestone_id for one in bills(plan_job(a_job(events=planned), today=TODAY))] == [
        "m1"
    ]

    done = dict(a_job().events) | {"removal": an_event("removal", past, done=True)}
    assert [one.milestone_id for one in bills(plan_job(a_job(events=done), today=TODAY))] == [
        "m1", "m2",
    ]  # fmt: skip


def test_a_cancelled_event_bills_nothing() -> None:
    """E65: the milestone waits until a person decides."""
    gone = replace(an_event("measure", SOON), state=EventState.CANCELLED)
    plan = plan_job(a_job(events=dict(a_job().events) | {"measure": gone}), today=TODAY)

    assert bills(plan) == []
    assert plan.milestones[0].state is PaymentState.WAITING


def test_a_moved_event_moves_the_due_date_of_a_sent_invoice() -> None:
    """E66: amounts unchanged."""
    later = SOON + timedelta(days=7)
    job = a_job(
        events=dict(a_job().events) | {"measure": an_event("measure", later)},
        invoices=(an_invoice("m1", 250_000),),
        told=(told_schedule([250_000, 250_000, 500_000]),),
    )
    found = revisions(plan_job(job, today=TODAY))
    assert [(one.due_on, one.amount_minor) for one in found] == [(later, 250_000)]


@pytest.mark.parametrize(
    ("state", "code"),
    [(InvoiceState.VOIDED, "invoice_voided"), (InvoiceState.DELETED, "invoice_deleted")],
)
def test_what_a_person_took_away_is_not_billed_again(state: InvoiceState, code: str) -> None:
    """E85, E86: back to unbilled, and a person decides."""
    plan = plan_job(a_job(invoices=(an_invoice("m1", 250_000, state=state),)), today=TODAY)

    assert bills(plan) == []
    assert plan.milestones[0].billed_minor is None
    assert codes(plan) == [code]


def test_a_persons_money_edit_pins_the_invoice() -> None:
    """E62: M2 at 2,600; M3 4,900; named in the report, never revised."""
    edited = an_invoice("m2", 260_000, held_by=HeldBy.EDITED)
    job = a_job(invoices=(an_invoice("m1", 250_000, paid=250_000), edited))

    plan = plan_job(job, today=TODAY)

    assert amounts(plan) == [250_000, 260_000, 490_000]
    assert revisions(plan) == []
    assert codes(plan) == ["invoice_edited"]


def test_a_frozen_job_does_nothing() -> None:
    """E76, E78: no effect of any kind, and a person is asked."""
    plan = plan_job(a_job(state=JobState.FROZEN), today=TODAY)
    assert plan.effects == ()
    assert codes(plan) == ["frozen"]


@pytest.mark.parametrize(
    ("total", "expected", "credit"),
    [
        pytest.param(250_000, [250_000, 0, 0], 0, id="E11"),
        pytest.param(200_000, [250_000, 0, 0], 50_000, id="E12"),
    ],
)
def test_no_document_of_zero_is_ever_made(total: int, expected: list[int], credit: int) -> None:
    """Rule 8: a zero milestone raises no invoice; what was overpaid is a credit to be decided."""
    done = {name: an_event(name, TODAY, done=True) for name in ("measure", "removal", "install")}
    job = a_job(total, events=dict(a_job().events) | done,
                invoices=(an_invoice("m1", 250_000, paid=250_000),))  # fmt: skip

    plan = plan_job(job, today=TODAY)

    assert amounts(plan) == expected
    assert bills(plan) == []
    assert plan.credit_minor == credit
    assert ("credit" in codes(plan)) is (credit > 0)


def test_over_all_invoices_every_line_is_billed_to_the_cent() -> None:
    """E79, section 4: walk the job to its end with a swap of scope on the way; no cent is left."""
    done = {name: an_event(name, TODAY, done=True) for name in ("measure", "removal", "install")}
    job = a_job(1_000_001, events=dict(a_job().events) | done)
    billed: tuple[ProgressInvoice, ...] = ()
    for step in range(3):
        if step == 1:
            job = replace(job, contract=swapped(job.contract))
        plan = plan_job(replace(job, invoices=billed), today=TODAY)
        one = bills(plan)[0]
        billed = (*billed, paid_invoice(one))

    left: Mapping[str, int] = {
        line.id: line.amount_minor
        - sum(cell.amount_minor for one in billed for cell in one.lines if cell.line_id == line.id)
        for line in job.contract.lines
    }
    assert set(left.values()) == {0}
    assert sum(one.amount_minor for one in billed) == 1_000_001
    assert "lines_left" not in codes(plan_job(replace(job, invoices=billed), today=TODAY))


def swapped(contract: Contract) -> Contract:
    """The first line becomes 1,500.00 smaller, a new one takes that money."""
    first, *others = contract.lines
    smaller = replace(first, amount_minor=first.amount_minor - 150_000)
    return Contract(lines=(smaller, *others, ContractLine(id="1:9", amount_minor=150_000)))


def paid_invoice(effect: BillMilestone) -> ProgressInvoice:
    """The invoice that an effect makes, paid in full."""
    return an_invoice(
        effect.milestone_id, effect.amount_minor, paid=effect.amount_minor, lines=effect.lines
    )
