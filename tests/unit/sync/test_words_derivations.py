"""Every derivation can be said, and says its figures."""

from __future__ import annotations

import pytest

from milestone_engine.cases import rebalance_case
from milestone_engine.explain import CODES
from milestone_engine.split import WARNINGS
from sync.words.derivations import (
    grouped,
    say_derivation,
    say_pool,
    say_verdict,
    say_warning,
)
from tests.unit.milestone_engine.test_cases import a_case


def a_milestone(share="25", **facts):
    """Return a milestone of a case."""
    basis = share if isinstance(share, dict) else {"percent": share}
    return {"basis": basis, **facts}


def said_of(*milestones, total="1000.00", policy="revise"):
    """Return code and words of the first milestone."""
    rows = [{"id": f"m{place}", **one} for place, one in enumerate(milestones)]
    case = a_case(("milestones", rows), ("contract_total", total), ("on_invoiced", policy))
    why = rebalance_case(case)["milestones"][0]["why"]
    return why["code"], say_derivation(why["code"], why["facts"], currency="USD")


REST = a_milestone("75")

SAID = [
    ("locked", "billed 250.00 and paid: it stays",
     [a_milestone(billed="250", paid="250"), REST], {}),
    ("locked", "billed 250.00 and paid 249.99: it stays",
     [a_milestone(billed="250", paid="249.99"), REST], {}),
    ("held", "its invoice of 250.00 cannot move", [a_milestone(billed="250", held=True), REST], {}),
    ("hold", "sent with 200.00; sent invoices are left alone",
     [a_milestone(billed="200"), REST], {"policy": "hold"}),
    ("pinned", "a person set 300.00", [a_milestone(pinned="300"), REST], {}),
    ("fixed", "fixed at 300.00, 50.00 less by a change order, but its limit is 200.00",
     [a_milestone({"fixed": "300"}, cap="200", extra="-50"), a_milestone("100")], {}),
    ("fixed", "fixed at 300.00", [a_milestone({"fixed": "300"}), a_milestone("100")], {}),
    ("paid_floor", "200.00 is paid on it, more than the 100.00 it was to be",
     [a_milestone(pinned="100", billed="250", paid="200"), REST], {}),
    ("share", "25/100 of 1,000.00", [a_milestone(), REST], {}),
    ("share", "2/3 of 0.04, one cent more by rounding",
     [a_milestone({"parts": 2}), a_milestone({"parts": 1})], {"total": "0.04"}),
    ("share", "25/100 of 900.00, 100.00 more by a change order",
     [a_milestone(extra="100"), REST], {}),
    ("share", "25/100 of 1,100.00, 100.00 less by a change order",
     [a_milestone(extra="-100"), REST], {}),
    ("share", "33.33 % of 1,000.00", [a_milestone("33.33"), a_milestone("66.67")], {}),
    ("share", "about 0.01 % of 1,000.00, one cent more by rounding",
     [a_milestone({"parts": 1}), a_milestone({"parts": 14999})], {}),
    ("floor", "stays at 400.00, paid or billed on it already; its share would be less",
     [a_milestone(billed="500", paid="400"), REST], {}),
    ("floor", "nothing is left for it",
     [a_milestone(extra="-500"), REST], {}),
    ("cap", "stops at its limit of 100.00; its share would be more",
     [a_milestone(cap="100"), REST], {}),
    ("extra", "0 %, 100.00 more by a change order",
     [a_milestone("0", extra="100"), a_milestone("100")], {}),
    ("extra", "0 %: it asks for nothing", [a_milestone("0"), a_milestone("100")], {}),
    ("rest", "takes 500.00 that no other milestone can take",
     [a_milestone("0"), a_milestone("100", billed="500", paid="500")], {}),
    ("rest", "200.00 as it was, and takes 300.00 that no other milestone can take",
     [a_milestone({"fixed": "200"}), a_milestone("100", billed="500", paid="500")], {}),
    ("gave_way", "1,200.00 less 200.00: the contract is too small",
     [a_milestone({"fixed": "1200"}), a_milestone("100")], {}),
]  # fmt: skip


@pytest.mark.parametrize(("code", "words", "milestones", "options"), SAID)
def test_a_derivation_is_said_with_its_figures(code, words, milestones, options):
    """One calculation, money as the case has it."""
    assert said_of(*milestones, **options) == (code, words)


def test_every_code_can_be_said():
    """None is missing from the examples."""
    assert {row[0] for row in SAID} == set(CODES)


@pytest.mark.parametrize(
    ("currency", "coin", "total", "said"),
    [
        ("CHF", "0.05", "100.03", "1/3 of 100.03, 0.04 CHF less by rounding to coins of 0.05"),
        ("CHF", None, "0.05", "1/3 of 0.05, 0.01 CHF more by rounding"),
        ("USD", "0.05", "0.33", "1/3 of 0.33, one cent less by rounding to coins of 0.05"),
        ("USD", "0.05", "0.40", "1/3 of 0.40, 3 cents less by rounding to coins of 0.05"),
        ("JPY", None, "5", "1/3 of 5, 1 JPY more by rounding"),
        ("KWD", None, "0.005", "1/3 of 0.005, 0.001 KWD more by rounding"),
    ],
)
def test_rounding_is_said_in_the_money_of_the_case(currency, coin, total, said):
    """Cents, coins, or the least amount that the currency has; of the share that was rounded."""
    rows = [{"id": f"m{place}", **a_milestone({"parts": 1})} for place in range(3)]
    case = a_case(("milestones", rows), ("contract_total", total), ("currency", currency),
                  ("cash_step", coin))  # fmt: skip

    whys = [one["why"] for one in rebalance_case(case)["milestones"]]

    assert said in [say_derivation("share", why["facts"], currency=currency, coin=coin)
                    for why in whys]  # fmt: skip


@pytest.mark.parametrize(
    ("case", "said"),
    [
        pytest.param([], "12,000.00 - 2,500.00 locked - 500.00 pinned = 9,000.00 to share",
                     id="only-what-took-part"),
        pytest.param([("milestones.1.extra", "-1200")],
                     "12,000.00 - 2,500.00 locked - 500.00 pinned"
                     " + 1,200.00 taken off by change orders = 10,200.00 to share", id="less"),
        pytest.param([("milestones.1.extra", "1200")],
                     "12,000.00 - 2,500.00 locked - 500.00 pinned"
                     " - 1,200.00 bound by change orders = 7,800.00 to share", id="more"),
        pytest.param([("contract_total", "2000")],
                     "2,000.00 - 2,500.00 locked - 500.00 pinned = 1,000.00 too little",
                     id="too-little"),
        pytest.param([("milestones", [{"id": "a", "basis": {"percent": "100"}}])],
                     "12,000.00 to share", id="all-of-it"),
    ],
)  # fmt: skip
def test_the_pool_is_told_as_a_calculation(case, said):
    """No zeros, and no two signs."""
    facts = rebalance_case(a_case(*case))["milestones"][0]["why"]["facts"]

    assert say_pool(facts) == said


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({}, "the contract"),
        ({"twice": "5.00"}, "5.00 twice"),
        ({"too_little": "1", "twice": "5000.00"}, "1 too little, 5,000.00 twice"),
        ({"below_zero": "1500.00"}, "asks for money back: 1,500.00 on invoices below zero"),
        ({"credit": "5000.00"}, "the contract; gives 5,000.00 back, once you say yes"),
        ({"unallocated": "850.00"}, "the contract; proposes a new milestone of 850.00"),
    ],
)
def test_a_verdict_names_what_is_wrong(wrong, said):
    """Or that the rule asks the contract, and what it proposes."""
    names = ("too_little", "too_much", "twice", "below_zero", "credit", "unallocated")

    assert say_verdict(dict.fromkeys(names, "0.00") | wrong) == said


@pytest.mark.parametrize("code", sorted(WARNINGS))
def test_every_warning_is_a_sentence(code):
    """With the milestone's name and the amount, and without its code."""
    said = say_warning({"code": code, "amount": "1200.00"}, name="Deposit")

    assert "Deposit" in said
    assert "1,200.00" in said
    assert code not in said


@pytest.mark.parametrize(
    ("amount", "said"),
    [("0", "0"), ("-0.50", "-0.50"), ("1234567.89", "1,234,567.89"), ("-1000", "-1,000")],
)
def test_amounts_have_separators(amount, said):
    """Decimals as they are."""
    assert grouped(amount) == said
