"""Corners of `plan_job()` that no example of the money rules reaches."""

from __future__ import annotations

from dataclasses import replace

from milestone_engine.decisions import RouteChangeOrder, Routing
from milestone_engine.job import Contract, ContractLine, Policy
from milestone_engine.rebalance import OnInvoiced
from milestone_engine.schedule import Schedule
from tests.unit.milestone_engine.builders import fixed
from tests.unit.milestone_engine.jobs import (
    M1_PAID,
    M2_PAID,
    M2_SENT,
    M3_PAID,
    SCHEDULE,
    TODAY,
    a_job,
    all_done,
    amounts,
    an_invoice,
    asked,
    bills,
    codes,
    planned,
    revisions,
    settled,
    stored,
    with_order,
)

#: All amounts are fixed: 1,000 / 2,000 / 3,000.
FIXED = Schedule(
    currency="USD",
    milestones=tuple(
        replace(one, basis=fixed(f"{place},000"))
        for place, one in enumerate(SCHEDULE.milestones, start=1)
    ),
)


def test_a_rest_that_was_billed_stays_where_it_is():
    """Rule 5 gives a rest to a milestone without an invoice; once billed it does not move on."""
    job = all_done(a_job(700_000, schedule=FIXED))
    plan = planned(job)
    assert asked(plan) == [("1042-M1", 100_000), ("1042-M2", 200_000), ("1042-M3", 400_000)]

    for made in (bills(plan), bills(plan)[2:]):
        sent = replace(job, invoices=tuple(settled(one, paid=0) for one in made))
        again = planned(sent)
        assert amounts(again) == [100_000, 200_000, 400_000]
        assert revisions(again) == []
        why = again.milestones[2].why
        assert (why.code, why.fact("base_minor"), why.fact("rest_minor")) == (
            "rest", 300_000, 100_000,
        )  # fmt: skip


def test_a_swap_after_the_last_invoice_goes_on_a_sent_one():
    """Amounts stand; the lines of what is not paid yet follow."""
    swap = (
        ContractLine(id="1:1", amount_minor=450_000),
        ContractLine(id="1:2", amount_minor=550_000),
    )
    sent = an_invoice("m3", 500_000, due_on=TODAY)
    job = a_job(invoices=(M1_PAID, M2_PAID, sent), contract=Contract(lines=swap))

    (revised,) = revisions(planned(job))
    assert [line.amount_minor for line in revised.lines] == [150_000, 350_000]

    held = replace(job, policy=Policy(on_invoiced=OnInvoiced.HOLD))
    paid = replace(job, invoices=(M1_PAID, M2_PAID, M3_PAID))
    for one in (held, paid):
        assert revisions(planned(one)) == []
        assert codes(planned(one)) == ["lines_left"]


def test_a_pool_of_its_own_in_a_contract_of_fixed_amounts_is_one_milestone():
    """There is no pattern to follow."""
    own = (RouteChangeOrder(change_order_id="7", routing=Routing.OWN),)
    job = with_order(a_job(600_000, schedule=FIXED), 120_000)

    assert amounts(planned(replace(job, decisions=own))) == [100_000, 200_000, 300_000, 120_000]


def test_a_change_order_that_left_its_pool_may_come_back():
    """Its paid milestone stays what it is; new ones get names of their own."""
    own = (RouteChangeOrder(change_order_id="7", routing=Routing.OWN),)
    job = all_done(replace(with_order(a_job(invoices=(M1_PAID,)), 120_000), decisions=own))
    plan = planned(job)
    first = next(one for one in bills(plan) if one.milestone_id == "co-7-1")
    job = replace(stored(job, plan), invoices=(M1_PAID, settled(first)))

    spread = replace(job, decisions=(RouteChangeOrder(change_order_id="7",
                                                      routing=Routing.SPREAD),))  # fmt: skip
    plan = planned(spread)
    assert amounts(plan) == [250_000, 280_000, 560_000, 30_000]

    back = replace(stored(spread, plan), decisions=own)
    names = [one.milestone.id for one in planned(back).milestones]
    assert names == ["m1", "m2", "m3", "co-7-1", "co-7-1x", "co-7-2", "co-7-3"]


def test_a_change_order_that_shrinks_after_it_was_paid_is_taken_from_the_others():
    """Its milestone of 1,200 is paid; it becomes 1,000: 200 less for those that are open."""
    separate = (RouteChangeOrder(change_order_id="7", routing=Routing.SEPARATE),)
    job = replace(with_order(a_job(invoices=(M1_PAID,)), 120_000), decisions=separate)
    plan = planned(job)
    paid = settled(bills(plan)[0])
    job = replace(stored(job, plan), invoices=(M1_PAID, paid))
    lines = tuple(
        replace(one, amount_minor=100_000) if one.id == "7:1" else one for one in job.contract.lines
    )
    orders = (replace(job.contract.change_orders[0], amount_minor=100_000),)

    plan = planned(replace(job, contract=Contract(lines=lines, change_orders=orders)))

    assert amounts(plan) == [250_000, 243_333, 486_667, 120_000]
    assert sum(one.amount_minor for one in plan.bound) == 100_000


def test_a_frozen_job_binds_nothing():
    """What was bound stands; a new change order waits until the job goes on."""
    job = with_order(a_job(invoices=(M1_PAID, M2_SENT)), 120_000)
    frozen = replace(job, state=type(job.state).FROZEN, policy=Policy(routing=Routing.SEPARATE))

    plan = planned(frozen)

    assert (plan.schedule, plan.bound) == (job.schedule, ())
    assert len(plan.milestones) == 3


def test_an_invoice_whose_milestone_left_the_schedule_stops_the_job():
    """Its money would be asked twice."""
    schedule = replace(SCHEDULE, milestones=(SCHEDULE.milestones[0], SCHEDULE.milestones[2]))
    plan = planned(all_done(a_job(schedule=schedule, invoices=(M1_PAID, M2_SENT))))

    assert plan.effects == ()
    assert codes(plan) == ["invoice_stray"]
