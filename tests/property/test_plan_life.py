"""`plan_job()` over whole lives of jobs: laws after every step, and every cent at the end."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from milestone_engine.job import InvoiceState
from milestone_engine.plan import BillMilestone, Plan, ReviseInvoice, plan_job
from tests.property.plan_world import TODAY, World, jobs, play_to_the_end, step

LIVES = settings(max_examples=100, deadline=None)


def check(world: World, plan: Plan) -> None:
    """What holds of every plan."""
    total = plan.contract_total_minor + plan.credit_minor - plan.unallocated_minor
    assert sum(one.amount_minor for one in plan.milestones) == total
    assert all(one.amount_minor >= 0 for one in plan.milestones)
    asked = [one for one in plan.effects if isinstance(one, BillMilestone | ReviseInvoice)]
    for one in asked:
        assert one.amount_minor > 0
        assert sum(line.amount_minor for line in one.lines) == one.amount_minor
    known = [one.doc_number for one in world.job.invoices]
    made = [one.doc_number for one in plan.effects if isinstance(one, BillMilestone)]
    assert len({*known, *made}) == len(set(known)) + len(made)
    for effect in asked:
        if isinstance(effect, ReviseInvoice):
            invoice = world.invoice(effect.invoice_id)
            assert effect.amount_minor >= invoice.paid_minor
            assert not invoice.is_settled


@LIVES
@given(jobs(), st.integers(0, 12), st.data())
def test_a_plan_is_a_function_of_the_facts(job, count, data):
    """The same again; in any order of invoices, decisions and payments; and once it is stored."""
    world = World(job=job)
    for _ in range(count):
        step(world, data)

    plan = world.plan()

    check(world, plan)
    assert world.plan() == plan
    turned = replace(
        world.job,
        invoices=world.job.invoices[::-1],
        decisions=data.draw(st.permutations(world.job.decisions).map(tuple)),
        unapplied=world.job.unapplied[::-1],
    )
    assert plan_job(turned, today=TODAY) == plan
    kept = replace(world.job, schedule=plan.schedule, bound=plan.bound)
    assert plan_job(kept, today=TODAY) == plan


@LIVES
@given(jobs(), st.integers(0, 16), st.data())
def test_every_cent_is_billed_at_the_end_of_any_life(job, count, data):
    """Invoices add up to the contract, and each line is billed to the cent."""
    world = World(job=job)
    for _ in range(count):
        step(world, data)
        check(world, world.plan())

    is_last_billed = play_to_the_end(world)

    plan = world.plan()
    check(world, plan)
    live = [one for one in world.job.invoices if one.state is InvoiceState.LIVE]
    billed = sum(one.amount_minor for one in live)
    if not world.forgotten:
        total = plan.contract_total_minor - plan.unallocated_minor
        assert billed == total + plan.credit_net_minor
    if is_last_billed and not (world.forgotten or plan.credit_minor or plan.unallocated_minor):
        left = {line.id: line.amount_minor for line in world.job.contract.lines}
        for one in live:
            for line in one.lines:
                left[line.line_id] = left.get(line.line_id, 0) - line.amount_minor
        assert set(left.values()) <= {0}
