"""Cases that chance rarely meets. Each was found as a change to the engine that no test noticed
(docs/mutants.md).
"""

from __future__ import annotations

import pytest

from milestone_engine import (
    EngineError,
    LineAmount,
    MilestoneAmount,
    Position,
    ShareState,
    rebalance,
    spread,
)
from milestone_engine.lines import repair
from milestone_engine.sharing import share
from tests.unit.milestone_engine.builders import a_milestone, at, cents, fixed, positions


def test_who_takes_nothing_of_the_rest_is_not_named():
    """The last 0 % milestone is at its limit; the rest goes past it, and so does the warning."""
    rows = positions(at("0"), at("0", cap="0"))

    split = rebalance(500, rows, currency="USD")

    assert [share.why.code for share in split.shares] == ["rest", "extra"]
    assert [warning.milestone_id for warning in split.warnings] == ["m1"]


def test_a_held_invoice_above_its_limit_is_warned_about():
    """It cannot come down, so a person should know: 30 billed, 10 allowed."""
    rows = positions(at("50", "30", held=True, cap="10"), at("50"))

    split = rebalance(cents("100"), rows, currency="USD")

    found = [(one.code, one.milestone_id, one.amount_minor) for one in split.warnings]
    assert found == [("over_cap", "m1", 2_000)]


def test_a_limit_that_is_just_met_is_no_reason():
    """A fixed amount of exactly its cap, a pin on exactly what is paid: nothing to tell."""
    rows = positions(at(fixed("10"), cap="10"), at("100", "9", "4", pinned="4"))

    split = rebalance(cents("14"), rows, currency="USD")

    assert [share.why.code for share in split.shares] == ["fixed", "pinned"]
    assert "cap_minor" not in split.shares[0].why.as_dict()
    assert split.warnings == ()


def test_a_coin_of_one_unit_is_a_coin():
    """It changes nothing; there is none smaller."""
    rows = positions(at("50"), at("50"))

    assert rebalance(7, rows, currency="USD", cash_step_minor=1).shares == (
        rebalance(7, rows, currency="USD").shares
    )


def test_a_coin_stops_at_a_limit_that_is_no_whole_coin():
    """15 for two in coins of 5, the later at most 8: it rises to 8, and 7 are left."""
    shared = share(15, [1, 1], extras=[0, 0], floors=[0, 0], caps=[None, 8], step=5)

    assert shared.amounts == [7, 8]
    assert shared.units == [0, 1]


def test_coins_are_exact_in_sums_beyond_floating_point():
    """Every amount stays a whole number."""
    purse = 3 * 10**17 + 1
    shared = share(purse, [1, 1, 1], extras=[0] * 3, floors=[0] * 3, caps=[None] * 3, step=5)

    assert shared.amounts == [10**17, 10**17, 10**17 + 1]
    assert {type(amount) for amount in shared.amounts} == {int}


@pytest.mark.parametrize(("extra", "amount"), [("50", "30"), ("20", "20")])
def test_a_limit_holds_for_what_is_bound_to_zero_percent(extra, amount):
    """No share, a change order of 50, at most 30."""
    rows = positions(at("100"), at("0", cap="30", extra=extra))

    split = rebalance(cents("1,000"), rows, currency="USD")

    assert split.shares[1].amount_minor == cents(amount)
    assert split.shares[0].amount_minor == cents("1,000") - cents(amount)
    assert split.shares[1].why.code == "extra"


@pytest.mark.parametrize(
    ("rows", "state"),
    [
        pytest.param([at("100", "500", "500"), at("0")], ShareState.OPEN, id="zero-percent"),
        pytest.param([at("100", "500", "500"), at(fixed("100"))], ShareState.PINNED, id="pinned"),
    ],
)
def test_who_takes_the_rest_stays_what_it_is(rows, state):
    """It has more money and the same state."""
    split = rebalance(cents("1,000"), positions(*rows), currency="USD")

    assert split.shares[1].amount_minor == cents("500")
    assert split.shares[1].why.code == "rest"
    assert split.shares[1].state is state


def test_a_chain_of_swaps_does_not_turn_round():
    """Row 0 has one too many, row 3 lacks one, and rows 1 and 2 could hand a unit to and fro."""
    chosen = [[0], [1], [2], [2]]
    parted = [[0, 1], [1, 2], [1, 2], [2, 3]]
    debts = [-1, 0, 0, 1]

    repair(chosen, parted, debts)

    assert debts == [0, 0, 0, 0]
    assert chosen == [[1], [2], [2], [3]]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        pytest.param("billed", "billed of -1 unit on milestone 'm1'", id="billed"),
        pytest.param("paid", "paid of -1 unit on milestone 'm1'", id="paid"),
    ],
)
def test_an_amount_below_zero_is_named(name, said):
    """Which amount, how much, which milestone."""
    facts = {"billed_minor": 5, "paid_minor": 0} | {f"{name}_minor": -1}

    with pytest.raises(EngineError, match=said) as caught:
        rebalance(5, [Position(milestone=a_milestone(), **facts)], currency="USD")

    assert (caught.value.code, caught.value.at) == ("negative", f"milestones[0].{name}")


def test_a_line_that_is_there_twice_is_named():
    """Its id, and the second place."""
    line = LineAmount(line_id="l1", amount_minor=1)

    with pytest.raises(EngineError, match="'l1' is there twice") as caught:
        spread([line, line], [MilestoneAmount(milestone_id="m1", amount_minor=2)])

    assert caught.value.at == "lines[1].id"
