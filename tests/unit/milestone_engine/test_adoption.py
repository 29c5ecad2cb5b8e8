"""A job that was billed before us: which invoice is which milestone, and what remains."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from milestone_engine.adoption import BEFORE, BilledBefore, rebuild
from milestone_engine.decisions import ReopenPayment
from milestone_engine.job import HeldBy, Job, ProgressInvoice
from milestone_engine.plan import plan_job
from milestone_engine.schedule import Fixed, Percent
from milestone_engine.timeline import approved
from tests.unit.milestone_engine.jobs import (
    DONE,
    SCHEDULE,
    TODAY,
    a_job,
    amounts,
    an_invoice,
    bills,
    codes,
    revisions,
)

TOTAL = 1_000_000


def billed(*amounts: int) -> list[BilledBefore]:
    """Invoices that people made, one a day."""
    return [
        BilledBefore(
            invoice_id=str(number), amount_minor=amount, issued_on=TODAY + timedelta(days=number)
        )
        for number, amount in enumerate(amounts, start=1)
    ]


@pytest.mark.parametrize(
    ("asked", "places", "left"),
    [
        pytest.param([250_000], ["m1"], ["m1", "m2", "m3"], id="the-deposit"),
        pytest.param([250_000, 250_000], ["m1", "m2"], ["m1", "m2", "m3"], id="two-of-three"),
        pytest.param([500_000], [BEFORE], [BEFORE, "m3"], id="half-may-be-two-quarters"),
        pytest.param([250_000, 500_000], ["m1", "m3"], ["m1", "m2", "m3"], id="first-and-last"),
        pytest.param([100_000], [BEFORE], [BEFORE, "m1", "m2", "m3"], id="covers-nothing"),
        pytest.param([300_000], [BEFORE], [BEFORE, "m2", "m3"], id="covers-the-deposit"),
        pytest.param([100_000, 150_000], [BEFORE, BEFORE], [BEFORE, "m2", "m3"], id="in-two"),
        pytest.param([TOTAL], [BEFORE], [BEFORE], id="all-on-one-invoice"),
        pytest.param([], [], ["m1", "m2", "m3"], id="nothing"),
    ],
)
def test_every_invoice_has_its_place(asked: list[int], places: list[str], left: list[str]) -> None:
    """25/25/50 of 10,000: matched where there is no doubt, else in one milestone before."""
    found = rebuild(SCHEDULE, TOTAL, billed(*asked))

    assert [found.places[str(number)] for number in range(1, len(asked) + 1)] == places
    assert [one.id for one in found.schedule.milestones] == left
    fixed = [one.basis.amount_minor for one in found.schedule.milestones if one.id == BEFORE
             and isinstance(one.basis, Fixed)]  # fmt: skip
    unmatched = [amount for amount, place in zip(asked, places, strict=True) if place == BEFORE]
    assert sum(fixed) == sum(unmatched)


def test_the_only_milestone_of_an_amount_is_the_one_that_was_meant() -> None:
    """Of 10/30/60 an invoice of 60 is the last: no sum of the first ones comes to it."""
    tens = [
        replace(one, basis=Percent(value=Decimal(value)))
        for one, value in zip(SCHEDULE.milestones, (10, 30, 60), strict=True)
    ]
    found = rebuild(replace(SCHEDULE, milestones=tuple(tens)), TOTAL, billed(600_000))

    assert found.places == {"1": "m3"}
    assert [one.id for one in found.schedule.milestones] == ["m1", "m2", "m3"]


def test_a_milestone_with_an_invoice_of_ours_is_nobody_elses() -> None:
    """A hand-made invoice on a running job: the next milestone that is free."""
    found = rebuild(SCHEDULE, TOTAL, billed(250_000), taken={"m1"})

    assert found.places == {"1": "m2"}


def adopted(asked: list[int], paid: int = 0, total: int = TOTAL) -> Job:
    """Job A with these invoices of a person; the last one is paid so far."""
    found = rebuild(SCHEDULE, TOTAL, billed(*asked))
    invoices: list[ProgressInvoice] = []
    for number, amount in enumerate(asked, start=1):
        place = found.places[str(number)]
        is_last = number == len(asked)
        invoices.append(
            replace(
                an_invoice(place, amount, paid=paid if is_last else amount),
                ordinal=number,
                invoice_id=str(number),
                held_by=HeldBy.ADOPTED,
            )
        )
    return a_job(total, schedule=found.schedule, invoices=tuple(invoices))


@pytest.mark.parametrize("paid", [0, 100_000, 300_000])
def test_what_remains_is_shared_and_what_is_past_never_moves(paid: int) -> None:
    """3,000 billed before, paid or not: 7,000 over 25 and 50; a change goes to what remains."""
    job = adopted([300_000], paid)
    plan = plan_job(job, today=date(2026, 5, 1))
    assert amounts(plan) == [300_000, 233_333, 466_667]

    more = plan_job(adopted([300_000], paid, total=1_200_000), today=date(2026, 5, 1))
    assert amounts(more) == [300_000, 300_000, 600_000]
    assert revisions(more) == []
    assert not [one for one in more.findings if one.subject.startswith("invoice:")]


def test_only_what_remains_is_billed() -> None:
    """All events are over: two invoices of ours, none for what was billed before."""
    done = {**DONE, "approved": approved(TODAY)}
    plan = plan_job(replace(adopted([300_000], 300_000), events=done), today=TODAY)

    assert [(one.milestone_id, one.amount_minor) for one in bills(plan)] == [
        ("m2", 233_333),
        ("m3", 466_667),
    ]


def test_all_billed_before_leaves_nothing_and_a_change_order_is_proposed() -> None:
    """One invoice over everything: as E72 where all is paid."""
    assert amounts(plan_job(adopted([TOTAL], TOTAL), today=TODAY)) == [TOTAL]
    more = plan_job(adopted([TOTAL], TOTAL, total=1_100_000), today=TODAY)
    assert (more.unallocated_minor, codes(more)) == (
        100_000,
        ["unallocated"],
    )


def test_a_bounce_on_an_adopted_invoice_is_told_until_a_person_answers() -> None:
    """It was paid before us and is open again: that needs a person as with one of ours."""
    job = adopted([300_000])
    bounced = replace(job, invoices=(replace(job.invoices[0], was_settled=True, reversals=1),))
    assert codes(plan_job(bounced, today=TODAY)) == ["payment_reversed"]

    said = ReopenPayment(invoice_id="1", reversal=1)
    answered = plan_job(replace(bounced, decisions=(said,)), today=TODAY)
    assert answered.findings == ()
    assert amounts(answered) == [300_000, 233_333, 466_667]
