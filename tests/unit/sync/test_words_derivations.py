"""Every derivation can be said, and says its figures."""

from __future__ import annotations

import pytest

from milestone_engine.cases import rebalance_case
from milestone_engine.explain import CODES
from sync.words.derivations import say_derivation, say_pool, say_verdict
from tests.unit.milestone_engine.test_cases import CASE, a_case


def a_milestone(share="25", **facts):
    """Return a milestone of a case."""
    basis = share if isinstance(share, dict) else {"percent": share}
    return {"basis": basis, **facts}


def said_of(*milestones, total="1000.00", policy="revise"):
    """Return code and words of the first milestone."""
    rows = [{"id": f"m{place}", **one} for place, one in enumerate(milestones)]
    case = a_case(("milestones", rows), ("contract_total", total), ("on_invoiced", policy))
    why = rebalance_case(case)["milestones"][0]["why"]
    return why["code"], say_derivation(why["code"], why["facts"])


REST = a_milestone("75")

SAID = [
    ("locked", "billed 250.00 and paid 250.00: it stays",
     [a_milestone(billed="250", paid="250"), REST], {}),
    ("held", "its invoice of 250.00 cannot move", [a_milestone(billed="250", held=True), REST], {}),
    ("hold", "sent with 200.00; the policy leaves sent invoices alone",
     [a_milestone(billed="200"), REST], {"policy": "hold"}),
    ("pinned", "a person set 300.00", [a_milestone(pinned="300"), REST], {}),
    ("fixed", "fixed at 300.00, -50.00 bound to it, no more than 200.00",
     [a_milestone({"fixed": "300"}, cap="200", extra="-50"), a_milestone("100")], {}),
    ("fixed", "fixed at 300.00", [a_milestone({"fixed": "300"}), a_milestone("100")], {}),
    ("paid_floor", "200.00 is paid on it, more than the 100.00",
     [a_milestone(pinned="100", billed="250", paid="200"), REST], {}),
    ("share", "25/100 of 1000.00", [a_milestone(), REST], {}),
    ("share", "2/3 of 0.04, one unit more by rounding",
     [a_milestone({"parts": 2}), a_milestone({"parts": 1})], {"total": "0.04"}),
    ("share", "25/100 of 900.00, 100.00 bound to it", [a_milestone(extra="100"), REST], {}),
    ("floor", "its share is below the 400.00 that is paid or billed",
     [a_milestone(billed="500", paid="400"), REST], {}),
    ("cap", "its share is above its limit of 100.00", [a_milestone(cap="100"), REST], {}),
    ("extra", "no weight: only what is bound to it, 100.00",
     [a_milestone("0", extra="100"), a_milestone("100")], {}),
    ("rest", "0.00, and 500.00 that no weight could take",
     [a_milestone("0"), a_milestone("100", billed="500", paid="500")], {}),
    ("gave_way", "1200.00 less 200.00: the contract is too small",
     [a_milestone({"fixed": "1200"}), a_milestone("100")], {}),
]  # fmt: skip


@pytest.mark.parametrize(("code", "words", "milestones", "options"), SAID)
def test_a_derivation_is_said_with_its_figures(code, words, milestones, options):
    """One calculation, money as the case has it."""
    assert said_of(*milestones, **options) == (code, words)


def test_every_code_can_be_said():
    """None is missing from the examples."""
    assert {row[0] for row in SAID} == set(CODES)


def test_the_pool_is_told_without_zeros():
    """Only what took part."""
    facts = rebalance_case(CASE)["milestones"][0]["why"]["facts"]

    assert say_pool(facts) == "12000.00 - 2500.00 locked - 500.00 pinned = 9000.00 to share"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({}, "the contract"),
        ({"twice": "5.00"}, "5.00 twice"),
        ({"too_little": "1", "twice": "5.00"}, "1 too little, 5.00 twice"),
    ],
)
def test_a_verdict_names_what_is_wrong(wrong, said):
    """Or that the rule asks the contract."""
    assert say_verdict({"too_little": "0.00", "too_much": "0", "twice": "0.000"} | wrong) == said
