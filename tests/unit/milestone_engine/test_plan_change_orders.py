"""Change orders: where their money goes. E10 to E13, E70 to E75, E79 of the money rules."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from milestone_engine.decisions import RouteChangeOrder, Routing
from milestone_engine.job import ChangeOrder, Contract, ContractLine, Policy
from milestone_engine.rebalance import OnInvoiced
from milestone_engine.schedule import Milestone, Percent
from milestone_engine.timeline import APPROVED, Trigger, When
from sync.words.findings import say_finding
from tests.unit.milestone_engine.jobs import (
    M1_PAID,
    M2_PAID,
    M2_SENT,
    M3_PAID,
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
    the_finding,
    with_order,
)

A = a_job(invoices=(M1_PAID,))
HALVES = tuple(
    Milestone(
        id=name,
        label=label,
        basis=Percent(value=Decimal(50)),
        trigger=Trigger(when=When.AFTER, event=event),
    )
    for name, label, event in (("a", "First half", APPROVED), ("b", "Second half", "install"))
)


def routed(routing, *, id="7", **more):
    """Return the decision to route a change order."""
    return RouteChangeOrder(change_order_id=id, routing=routing, **more)


def with_amount(job, amount, *, id="7"):
    """Return the job with its change order at another amount; 0: it is gone."""
    bare = replace(
        job,
        contract=Contract(
            lines=tuple(x for x in job.contract.lines if not x.id.startswith(f"{id}:")),
            change_orders=tuple(x for x in job.contract.change_orders if x.id != id),
        ),
    )
    return with_order(bare, amount, id=id) if amount else bare


@pytest.mark.parametrize(
    ("routing", "expected"),
    [
        (Routing.SPREAD, [250_000, 290_000, 580_000]),
        (Routing.FINAL, [250_000, 250_000, 620_000]),
        (Routing.NEXT, [250_000, 370_000, 500_000]),
        (Routing.SEPARATE, [250_000, 250_000, 500_000, 120_000]),
        (Routing.OWN, [250_000, 250_000, 500_000, 60_000, 60_000]),
    ],
)
def test_e70_a_change_order_goes_where_it_is_routed(routing, expected):
    """By the company's policy, and by a person's decision against another policy."""
    given = routed(routing, milestones=HALVES)
    job = with_order(replace(A, policy=Policy(routing=Routing.FINAL)), 120_000)

    plan = planned(replace(job, decisions=(given,)))
    assert amounts(plan) == expected
    if routing is not Routing.OWN:
        by_policy = replace(job, policy=Policy(routing=routing))
        assert amounts(planned(by_policy)) == expected

    again = stored(replace(job, decisions=(given,)), plan)
    assert planned(again) == plan
    assert amounts(planned(replace(again, decisions=()))) == expected


def test_e70_own_defaults_to_the_contracts_pattern():
    """25 / 25 / 50 of 1,200, each after the same event."""
    plan = planned(replace(with_order(A, 120_000), decisions=(routed(Routing.OWN),)))

    assert amounts(plan) == [250_000, 250_000, 500_000, 30_000, 30_000, 60_000]
    assert [one.pool for one in plan.milestones] == ["", "", "", "7", "7", "7"]
    assert plan.milestones[3].milestone.label == "Change order 1: Deposit"


def test_e70_separate_is_billed_on_approval_with_its_own_lines():
    """A milestone of its own bills what the change order says, not a part of everything."""
    plan = planned(replace(with_order(A, 120_000), decisions=(routed(Routing.SEPARATE),)))

    (bill,) = bills(plan)
    assert (bill.milestone_id, bill.doc_number, bill.label) == ("co-7", "1042-M4", "Change order 1")
    assert [(line.line_id, line.amount_minor) for line in bill.lines] == [("7:1", 120_000)]


@pytest.mark.parametrize("routing", list(Routing))
def test_e10_a_change_and_its_reversal_are_no_change(routing):
    """2,500 / 5,000 exactly, however it was routed, with nothing billed between."""
    job = replace(with_order(A, 200_000), decisions=(routed(routing),))
    job = stored(job, planned(job))

    plan = planned(with_amount(job, 0))

    assert amounts(plan) == [250_000, 250_000, 500_000]
    assert plan.schedule == A.schedule
    assert plan.bound == ()


@pytest.mark.parametrize(
    ("routing", "expected"),
    [
        (Routing.FINAL, [250_000, 250_000, 650_000]),
        (Routing.NEXT, [250_000, 400_000, 500_000]),
        (Routing.SEPARATE, [250_000, 250_000, 500_000, 150_000]),
        (Routing.OWN, [250_000, 250_000, 500_000, 75_000, 75_000]),
    ],
)
def test_e70_a_later_change_of_its_amount_goes_to_the_same_place(routing, expected):
    """+1,200 becomes +1,500: 300 more where the 1,200 are."""
    decided = (routed(routing, milestones=HALVES),)
    job = replace(with_order(A, 120_000), decisions=decided)
    job = stored(job, planned(job))

    assert amounts(planned(with_amount(job, 150_000))) == expected


def test_e70_what_was_bound_stays_and_only_the_difference_moves_on():
    """M2 took the 1,200 and is paid; 300 more go to the next one. Then all of it is taken back."""
    job = replace(with_order(A, 120_000), policy=Policy(routing=Routing.NEXT))
    job = stored(job, planned(job))
    job = replace(job, invoices=(M1_PAID, an_invoice("m2", 370_000, paid=370_000)))

    more = with_amount(job, 150_000)
    plan = planned(more)
    assert amounts(plan) == [250_000, 370_000, 530_000]
    assert [(one.milestone_ids, one.amount_minor) for one in plan.bound] == [
        (("m2",), 120_000), (("m3",), 30_000),
    ]  # fmt: skip

    plan = planned(with_amount(stored(more, plan), 0))
    assert amounts(plan) == [250_000, 370_000, 380_000]
    assert plan.bound == ()


def test_e70_next_passes_over_what_is_sent():
    """M2's invoice is out: the next without one is M3."""
    job = with_order(a_job(invoices=(M1_PAID, M2_SENT)), 120_000)
    plan = planned(replace(job, policy=Policy(routing=Routing.NEXT)))

    assert amounts(plan) == [250_000, 250_000, 620_000]
    assert revisions(plan) == []


def test_e70_next_is_spread_where_everything_is_sent():
    """No milestone without an invoice: the sent ones share it by their weights."""
    sent = (M1_PAID, M2_SENT, an_invoice("m3", 500_000))
    job = with_order(a_job(invoices=sent), 120_000)
    plan = planned(replace(job, policy=Policy(routing=Routing.NEXT)))

    assert amounts(plan) == [250_000, 290_000, 580_000]


def test_e70_a_new_policy_does_not_move_what_was_routed():
    """Spread when it came, spread for good; a person's decision moves it."""
    job = with_order(A, 120_000)
    job = replace(stored(job, planned(job)), policy=Policy(routing=Routing.FINAL))

    assert amounts(planned(job)) == [250_000, 290_000, 580_000]
    decided = replace(job, decisions=(routed(Routing.NEXT),))
    assert amounts(planned(decided)) == [250_000, 370_000, 500_000]
    back = replace(stored(decided, planned(decided)), decisions=(routed(Routing.SPREAD),))
    assert amounts(planned(back)) == [250_000, 290_000, 580_000]


@pytest.mark.parametrize("routing", [Routing.SEPARATE, Routing.OWN])
def test_e70_what_takes_money_away_is_spread(routing):
    """No milestone is worth less than nothing."""
    job = replace(with_order(A, -100_000), decisions=(routed(routing),))
    assert amounts(planned(job)) == [250_000, 216_667, 433_333]


@pytest.mark.parametrize("routing", [Routing.SEPARATE, Routing.OWN])
def test_e70_what_turns_from_taking_to_bringing_money_is_routed_anew(routing):
    """-1,200 was spread for want of another place; +1,200 goes where the company wants it."""
    by_policy = replace(A, policy=Policy(routing=routing))
    job = with_order(by_policy, -120_000)
    job = stored(job, planned(job))

    turned = with_amount(job, 120_000)
    plan = planned(turned)

    assert amounts(plan) == amounts(planned(with_order(by_policy, 120_000)))
    assert amounts(plan)[:3] == [250_000, 250_000, 500_000]
    again = stored(turned, plan)
    assert planned(again) == plan
    back = with_amount(again, -120_000)
    assert amounts(planned(back)) == amounts(planned(job)) == [250_000, 210_000, 420_000]
    assert planned(back).schedule == planned(job).schedule


@pytest.mark.parametrize("first", [-120_000, 120_000])
def test_e70_what_does_not_turn_stays_where_it_was_spread(first):
    """Another amount of the same sign is no new question, whatever the policy is by now."""
    job = with_order(A, first)
    job = replace(stored(job, planned(job)), policy=Policy(routing=Routing.SEPARATE))

    assert len(planned(with_amount(job, first * 2)).milestones) == 3


def test_a_pool_of_its_own_that_is_reduced_says_whose_credit_it_is():
    """300 too much of the change order, while the contract still has open money."""
    decided = (routed(Routing.OWN, milestones=HALVES),)
    job = replace(with_order(A, 120_000), decisions=decided)
    plan = planned(job)
    first = settled(next(one for one in bills(plan) if one.milestone_id == "co-7-1"))
    job = replace(stored(job, plan), invoices=(M1_PAID, first))

    plan = planned(with_amount(job, 30_000))

    assert amounts(plan) == [250_000, 250_000, 500_000, 60_000, 0]
    facts = the_finding(plan, "credit").facts
    assert dict(facts) == {"amount_minor": "30000", "change_orders": "1042-CO-1"}
    reason, _ = say_finding("credit", "job:1042", facts, currency="USD")
    assert "More was paid than change order 1042-CO-1 is worth" in reason


def test_a_credit_of_the_contract_names_no_change_order():
    """All paid, -400: the change order has no pool."""
    facts = the_finding(planned(all_done(with_order(ALL_PAID, -40_000))), "credit").facts

    assert dict(facts) == {"amount_minor": "40000"}
    reason, _ = say_finding("credit", "job:1042", facts, currency="USD")
    assert "More was paid than the contract is worth" in reason


def test_e70_a_billed_change_order_that_is_taken_back_stays_at_what_is_paid():
    """Its milestone is paid: 1,200 stay, the others come down by it."""
    job = replace(with_order(A, 120_000), decisions=(routed(Routing.SEPARATE),))
    plan = planned(job)
    paid = settled(bills(plan)[0])
    job = replace(stored(job, plan), invoices=(M1_PAID, paid))

    assert amounts(planned(with_amount(job, 0))) == [250_000, 210_000, 420_000, 120_000]


def test_e71_a_pending_change_order_is_a_preview():
    """Not in T; "+1,200 if approved -> 2,900 / 5,800"."""
    pending = (ChangeOrder(id="7", label="1042-CO-1", amount_minor=120_000),)
    plan = planned(replace(A, pending=pending))

    assert amounts(plan) == [250_000, 250_000, 500_000]
    assert plan.contract_total_minor == 1_000_000
    (preview,) = plan.previews
    assert (preview.label, preview.amount_minor) == ("1042-CO-1", 120_000)
    assert preview.amounts == {"m1": 250_000, "m2": 290_000, "m3": 580_000}
    assert plan.bound == ()


def test_e71_the_preview_follows_its_routing():
    """As a milestone of its own, if a person said so already."""
    pending = (ChangeOrder(id="7", label="1042-CO-1", amount_minor=120_000),)
    plan = planned(replace(A, pending=pending, decisions=(routed(Routing.SEPARATE),)))

    (preview,) = plan.previews
    assert preview.routing is Routing.SEPARATE
    assert preview.amounts == {"m1": 250_000, "m2": 250_000, "m3": 500_000, "co-7": 120_000}


ALL_PAID = a_job(invoices=(M1_PAID, M2_PAID, M3_PAID))


def test_e72_a_change_order_after_the_last_payment_is_proposed():
    """ "Change order 1" 850, due on approval; nothing is billed until a person says yes."""
    job = all_done(with_order(ALL_PAID, 85_000))

    plan = planned(job)
    assert (amounts(plan), plan.unallocated_minor) == ([250_000, 250_000, 500_000], 85_000)
    assert (bills(plan), codes(plan)) == ([], ["unallocated"])
    assert plan.proposal is not None
    assert (plan.proposal.milestone.label, plan.proposal.amount_minor) == ("Change order 1", 85_000)
    assert plan.proposal.change_order_ids == ("7",)
    assert plan.proposal.milestone.trigger == Trigger(when=When.AFTER, event=APPROVED)

    plan = planned(replace(job, decisions=(routed(Routing.SEPARATE),)))
    assert amounts(plan) == [250_000, 250_000, 500_000, 85_000]
    assert asked(plan) == [("1042-M4", 85_000)]
    assert bills(plan)[0].due_on == TODAY
    assert (plan.proposal, codes(plan)) == (None, [])
    assert plan.milestones[3].milestone.label == "Change order 1"


def test_e72_there_is_no_proposal_while_something_is_open():
    """The rule shares it."""
    assert planned(with_order(A, 85_000)).proposal is None


def test_e73_a_credit_is_proposed_and_never_issued():
    """All paid, -400."""
    plan = planned(all_done(with_order(ALL_PAID, -40_000)))

    assert amounts(plan) == [250_000, 250_000, 500_000]
    assert plan.credit_minor == 40_000
    assert the_finding(plan, "credit").facts["amount_minor"] == "40000"
    assert (bills(plan), revisions(plan)) == ([], [])


def test_e75_a_second_estimate_beside_or_merged():
    """A unchanged, B 2,000 / 2,000; merged 3,833.33 / 7,666.67."""
    job = with_order(A, 400_000)
    beside = replace(job, decisions=(routed(Routing.OWN, milestones=HALVES),))

    assert amounts(planned(beside)) == [250_000, 250_000, 500_000, 200_000, 200_000]
    assert amounts(planned(job)) == [250_000, 383_333, 766_667]
    first = next(one for one in bills(planned(beside)) if one.milestone_id == "co-7-1")
    assert {line.line_id for line in first.lines} == {"7:1"}


@pytest.mark.parametrize(
    ("invoices", "total", "expected", "credit"),
    [
        ((M1_PAID,), 250_000, [250_000, 0, 0], 0),
        ((M1_PAID,), 200_000, [250_000, 0, 0], 50_000),
        ((M1_PAID, M2_PAID), 460_000, [250_000, 250_000, 0], 40_000),
    ],
    ids=["e11", "e12", "e13"],
)
def test_e11_e12_e13_nothing_is_left_to_ask(invoices, total, expected, credit):
    """No invoice of zero; the job is shown paid in full."""
    plan = planned(all_done(a_job(total, invoices=invoices)))

    assert (amounts(plan), plan.credit_minor) == (expected, credit)
    assert bills(plan) == []
    assert {one.state.value for one in plan.milestones} == {"paid"}


def test_e79_a_line_that_was_part_billed_is_given_back():
    """A line worth 4,000 removed after 25 % of it was billed: -1,000 inside positive invoices."""
    lines = (ContractLine(id="1:1", amount_minor=600_000),)
    job = all_done(a_job(invoices=(M1_PAID,), contract=Contract(lines=lines)))

    plan = planned(job)

    assert amounts(plan) == [250_000, 116_667, 233_333]
    cells = [{line.line_id: line.amount_minor for line in one.lines} for one in bills(plan)]
    assert sum(row["1:1"] for row in cells) == 450_000
    assert [row["1:2"] for row in cells] == [-33_333, -66_667]
    assert all(one.amount_minor > 0 for one in bills(plan))


@pytest.mark.parametrize("policy", list(OnInvoiced))
def test_lines_of_an_invoice_that_comes_down_beside_a_credit_keep_their_proportion(policy):
    """T falls below what is paid on M1: M2's part paid invoice comes down to what is paid on it."""
    part = an_invoice("m2", 250_000, paid=100_000)
    plan = planned(a_job(200_000, invoices=(M1_PAID, part), policy=Policy(on_invoiced=policy)))

    (revised,) = revisions(plan)
    assert (revised.amount_minor, plan.credit_minor) == (100_000, 150_000)
    assert [line.amount_minor for line in revised.lines] == [60_000, 40_000]


def test_a_pool_of_its_own_asks_no_more_than_the_contract_holds():
    """+1,200 in a pool of its own, then most of the contract is taken away: no credit."""
    job = replace(with_order(a_job(), 120_000), decisions=(routed(Routing.OWN, milestones=HALVES),))
    job = with_order(stored(job, planned(job)), -1_040_000, id="8")

    plan = planned(job)

    assert amounts(plan) == [0, 0, 0, 40_000, 40_000]
    assert plan.credit_minor == 0
