"""Retainage through to the release: E80 and E82 of the money rules."""

from __future__ import annotations

from dataclasses import replace

import pytest

from milestone_engine.asks import RELEASE
from milestone_engine.job import HeldBy, Policy
from milestone_engine.rebalance import OnInvoiced, ShareState
from milestone_engine.retainage import Retainage
from milestone_engine.timeline import PaymentState
from tests.unit.milestone_engine.builders import percent
from tests.unit.milestone_engine.jobs import (
    a_job,
    all_done,
    amounts,
    asked,
    bills,
    planned,
    revisions,
    settled,
    the_finding,
)

TEN = Retainage(percent=percent("10"))
STEP = Retainage(percent=percent("10"), after_half=percent("5"))


def played(job):
    """Return the job with everything billed and paid to the end, and its invoices' amounts."""
    for _ in range(6):
        made = bills(planned(job))
        job = replace(job, invoices=(*job.invoices, *map(settled, made)))
    return job


@pytest.mark.parametrize(
    ("retainage", "nets", "release"),
    [(TEN, [225_000, 225_000, 450_000], 100_000), (STEP, [225_000, 225_000, 475_000], 75_000)],
    ids=["e80", "e82"],
)
def test_e80_e82_invoices_ask_the_net_and_the_release_comes_last(retainage, nets, release):
    """Every line is billed to the cent, the release included."""
    job = all_done(a_job(1_000_000, retainage=retainage))

    plan = planned(job)
    assert amounts(plan) == [250_000, 250_000, 500_000]
    assert [one.net_minor for one in plan.milestones] == nets
    assert asked(plan) == [(f"1042-M{n}", net) for n, net in enumerate(nets, 1)]
    assert plan.release is not None
    assert (plan.release.amount_minor, plan.release.state) == (release, PaymentState.DUE)

    billed = replace(job, invoices=tuple(map(settled, bills(plan))))
    assert asked(planned(billed)) == [("1042-M4", release)]

    done = played(job)
    lines: dict[str, int] = {}
    for one in done.invoices:
        for line in one.lines:
            lines[line.line_id] = lines.get(line.line_id, 0) + line.amount_minor
    assert lines == {"1:1": 600_000, "1:2": 400_000}
    last = planned(done)
    assert bills(last) == revisions(last) == []
    assert {one.share for one in last.milestones} == {ShareState.LOCKED}
    assert last.release is not None
    assert last.release.state is PaymentState.PAID


def test_e80_a_paid_net_locks_the_milestone():
    """Gross paid = net paid + withheld: M1 stays 2,500, the rest is shared."""
    job = all_done(a_job(retainage=TEN))
    first = settled(bills(planned(job))[0])

    plan = planned(a_job(1_200_000, retainage=TEN, invoices=(first,)))

    assert amounts(plan) == [250_000, 316_667, 633_333]
    assert (plan.milestones[0].billed_minor, plan.milestones[0].paid_minor) == (250_000, 250_000)
    assert [one.withheld_minor for one in plan.milestones] == [25_000, 31_666, 63_333]


def test_e80_a_revised_invoice_withholds_at_its_own_rate():
    """3,000 gross asks 2,700; T below it leaves no money on what nobody paid."""
    first = settled(bills(planned(a_job(retainage=TEN)))[0], paid=0)

    (revised,) = revisions(planned(a_job(1_200_000, retainage=TEN, invoices=(first,))))
    assert (revised.amount_minor, revised.withheld_minor) == (270_000, 30_000)
    assert planned(a_job(0, retainage=TEN, invoices=(first,))).credit_minor == 0


@pytest.mark.parametrize("policy", list(OnInvoiced))
def test_e80_the_release_waits_for_all_other_invoices(policy):
    """M2's invoice cannot be made yet: nobody knows what will be withheld."""
    job = all_done(a_job(retainage=TEN, policy=Policy(on_invoiced=policy)))
    events = dict(job.events) | {"removal": replace(job.events["removal"], on=None,
                                                    completed_on=None)}  # fmt: skip
    job = replace(job, events=events)
    job = replace(job, invoices=tuple(map(settled, bills(planned(job)))))

    plan = planned(job)

    assert [one.milestone_id for one in job.invoices] == ["m1", "m3"]
    assert bills(plan) == []
    assert plan.release is not None
    assert plan.release.amount_minor == 100_000


def test_without_retainage_there_is_no_release():
    """The usual job."""
    plan = planned(a_job())
    assert plan.release is None
    assert {one.withheld_minor for one in plan.milestones} == {0}


def test_a_held_release_does_not_move():
    """A person changed its money."""
    job = played(all_done(a_job(retainage=TEN)))
    *others, release = job.invoices
    assert release.milestone_id == RELEASE
    edited = replace(release, amount_minor=90_000, paid_minor=0, held_by=HeldBy.EDITED)
    assert revisions(planned(replace(job, invoices=(*others, edited)))) == []


def test_e80_what_is_withheld_is_set_off_against_a_credit():
    """M1's net is paid, the contract falls to nothing: what was paid goes back, no release."""
    first = settled(bills(planned(a_job(retainage=TEN)))[0])
    plan = planned(all_done(a_job(0, retainage=TEN, invoices=(first,))))

    assert (plan.credit_minor, plan.credit_net_minor) == (250_000, 225_000)
    assert the_finding(plan, "credit").facts["amount_minor"] == "225000"
    assert (plan.release, bills(plan)) == (None, [])
