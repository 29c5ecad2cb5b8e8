"""Every amount carries how it was made."""

from __future__ import annotations

import pytest

from milestone_engine import Derivation, OnInvoiced, rebalance
from milestone_engine.explain import CODES, SPLIT_FACTS
from tests.unit.milestone_engine.builders import at, cents, fixed, paid, positions

RULE_1 = {
    "total_minor": 1200000,
    "locked_minor": 250000,
    "pinned_minor": 0,
    "extras_minor": 0,
    "pool_minor": 950000,
}


def test_a_share_says_what_was_shared_and_how_it_was_rounded():
    """E06: 9,500 by 25 of 75 is 3,166.67, rounded up by a cent."""
    split = rebalance(
        cents("12,000"), positions(paid("25", "2,500"), at("25"), at("50")), currency="USD"
    )

    locked, second, third = (share.why for share in split.shares)

    assert locked == Derivation(
        code="locked", facts=(*RULE_1.items(), ("billed_minor", 250000), ("paid_minor", 250000))
    )
    shared = {"shared_minor": 950000, "weight_sum": 75}
    assert second.as_dict() == RULE_1 | shared | {"weight": 25, "unit": 1}
    assert third.as_dict() == RULE_1 | shared | {"weight": 50, "unit": 0}
    assert third.fact("weight") == 50


@pytest.mark.parametrize(
    ("total", "row", "on_invoiced", "code", "facts"),
    [
        ("1,000", at("50", "700", held=True), "revise", "held", {"billed_minor": 70000}),
        ("1,000", at("50", "700"), "hold", "hold", {"billed_minor": 70000}),
        ("1,000", at("50", pinned="70"), "revise", "pinned", {"set_minor": 7000}),
        (
            "1,000",
            at(fixed("70"), extra="5"),
            "revise",
            "fixed",
            {"fixed_minor": 7000, "extra_minor": 500},
        ),
        (
            "1,000",
            at(fixed("70"), cap="50"),
            "revise",
            "fixed",
            {"fixed_minor": 7000, "extra_minor": 0, "cap_minor": 5000},
        ),
        (
            "1,000",
            at(fixed("70"), "90", "80"),
            "revise",
            "paid_floor",
            {"wanted_minor": 7000, "paid_minor": 8000},
        ),
        (
            "1,000",
            at("10", "900", "800"),
            "revise",
            "floor",
            {"floor_minor": 80000, "weight": 10},
        ),
        ("1,000", at("50", cap="100"), "revise", "cap", {"cap_minor": 10000, "weight": 50}),
        ("1,000", at("0", extra="40"), "revise", "extra", {"extra_minor": 4000}),
        (
            "30",
            at("0", extra="40"),
            "revise",
            "gave_way",
            {"wanted_minor": 4000, "given_minor": 1000},
        ),
        (
            "30",
            at(fixed("40")),
            "revise",
            "gave_way",
            {"wanted_minor": 4000, "given_minor": 1000},
        ),
    ],
)
def test_each_reason_has_its_facts(total, row, on_invoiced, code, facts):
    """After the facts of rule 1 come those of its own."""
    rows = positions(row, at("50"))

    why = rebalance(
        cents(total), rows, currency="USD", on_invoiced=OnInvoiced(on_invoiced)
    ).shares[0].why  # fmt: skip

    own = {name: fact for name, fact in why.facts if name not in SPLIT_FACTS}
    assert (why.code, own) == (code, facts)
    assert tuple(why.as_dict())[: len(SPLIT_FACTS)] == SPLIT_FACTS
    assert code in CODES


def test_the_rest_says_what_was_there_before():
    """E34: 500 on top of nothing."""
    split = rebalance(cents("10,500"), positions(paid("100", "10,000"), at("0")), currency="USD")

    why = split.shares[1].why

    assert (why.code, why.fact("base_minor"), why.fact("rest_minor")) == ("rest", 0, 50000)


def test_a_bound_change_order_is_part_of_the_facts():
    """A share with an extra names it."""
    split = rebalance(cents("11,200"), positions(at("25"), at("75", extra="1,200")), currency="USD")

    why = split.shares[1].why
    assert (why.fact("extras_minor"), why.fact("pool_minor")) == (120000, 1000000)
    assert why.fact("extra_minor") == 120000
    assert "extra_minor" not in split.shares[0].why.as_dict()


def test_an_unknown_fact_is_no_fact():
    """Asking for it is a fault of the caller."""
    with pytest.raises(KeyError):
        Derivation(code="share", facts=()).fact("weight")
