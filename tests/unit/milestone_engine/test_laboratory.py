"""One job under six rules: what each asks, and what is wrong with it."""

from __future__ import annotations

import pytest

from milestone_engine.laboratory import RULES, comparison


def outcomes(total, *rows):
    """Return rule -> outcome for milestones of (percent, billed, paid) or a basis alone."""
    milestones = []
    for place, row in enumerate(rows, 1):
        share, billed, paid = row if isinstance(row, tuple) else (row, None, "0")
        basis = share if isinstance(share, dict) else {"percent": share}
        milestones.append({"id": f"m{place}", "basis": basis, "billed": billed, "paid": paid})
    case = {"currency": "USD", "contract_total": total, "milestones": milestones}
    return {one["rule"]: one for one in comparison(case)["rules"]}


PAID = ("25", "2500", "2500")


@pytest.mark.parametrize(
    ("rule", "amounts"),
    [
        ("ours", ["2500.00", "2500.00", "2500.00", "2500.00"]),
        ("last_absorbs", ["2500.00", "2500.00", "2500.00", "2500.00"]),
        ("catch_up", ["2500.00", "2500.00", "2500.00", "2500.00"]),
        ("no_catch_up", ["2500.00", "2500.00", "2500.00", "2500.00"]),
        ("rest_by_hand", ["2500.00", "1875.00", "1406.25", "4218.75"]),
        ("rest_on_every_row", ["4375.00", "1875.00", "1875.00", "1875.00"]),
    ],
)
def test_where_nothing_changed_most_rules_agree(rule, amounts):
    """All but those that look at what remains."""
    assert outcomes("10000", PAID, "25", "25", "25")[rule]["amounts"] == amounts


@pytest.mark.parametrize(
    ("rule", "amounts"),
    [
        ("ours", ["1000.00", "4500.00", "4500.00"]),
        ("last_absorbs", ["1000.00", "4500.00", "4500.00"]),
        ("catch_up", ["1000.00", "4500.00", "4500.00"]),
        ("no_catch_up", ["1000.00", "4500.00", "4500.00"]),
        ("rest_on_every_row", ["1000.00", "4500.00", "4500.00"]),
    ],
)
def test_fixed_amounts_come_first_under_every_rule(rule, amounts):
    """E27: percents are of what the fixed ones leave."""
    assert outcomes("10000", {"fixed": "1000"}, "50", "50")[rule]["amounts"] == amounts


def test_a_lower_price_shows_who_asks_too_much():
    """10,000 became 8,000 with 2,500 paid: nothing is made good without catching up."""
    found = outcomes("8000", PAID, "25", "50")

    assert found["ours"]["amounts"] == ["2500.00", "1833.33", "3666.67"]
    assert found["no_catch_up"]["amounts"] == ["2500.00", "2000.00", "4000.00"]
    assert found["no_catch_up"]["too_much"] == "500.00"
    assert found["catch_up"]["amounts"] == ["2500.00", "1500.00", "4000.00"]


def test_thirds_alone_lose_a_cent_without_a_last_that_absorbs():
    """Each rounded by itself: 33.33 three times."""
    found = outcomes("100", {"parts": 1}, {"parts": 1}, {"parts": 1})

    assert found["no_catch_up"]["too_little"] == "0.01"
    assert found["last_absorbs"]["amounts"][-1] == "33.34"


def test_a_credit_is_not_asked():
    """Ours proposes to give 500 back (E12); others send an invoice below zero."""
    found = outcomes("2000", PAID, "25", "50")

    assert found["ours"]["too_much"] == "0.00"
    assert (found["ours"]["credit"], found["ours"]["below_zero"]) == ("500.00", "0.00")
    assert found["last_absorbs"]["amounts"] == ["2500.00", "500.00", "-1000.00"]
    assert found["last_absorbs"]["below_zero"] == "1000.00"
    assert found["catch_up"]["below_zero"] == "1500.00"


def test_where_nothing_is_left_to_ask_nothing_absorbs():
    """All are billed, and the price rose: 850 that no rule but a new milestone asks."""
    found = outcomes("10850", ("100", "10000", "10000"))

    others = [found[rule] for rule in RULES if rule not in ("ours", "rest_on_every_row")]
    assert {one["too_little"] for one in others} == {"850.00"}
    assert found["rest_on_every_row"]["twice"] == "850.00"
    assert (found["ours"]["too_little"], found["ours"]["unallocated"]) == ("0.00", "850.00")


def test_one_measure_for_all():
    """What is asked, less the credit and with what is proposed, is held against the contract."""
    found = outcomes("5000", ("100", "10000", "10000"))

    ours, other = found["ours"], found["last_absorbs"]
    assert ours["amounts"] == other["amounts"] == ["10000.00"]
    assert (ours["credit"], ours["too_much"]) == ("5000.00", "0.00")
    assert (other["credit"], other["too_much"]) == ("0.00", "5000.00")
    assert found["rest_on_every_row"]["below_zero"] == "5000.00"


def test_what_a_customer_paid_too_much_is_not_asked_back():
    """2,600 on 2,500: it is on account, and no rule sends an invoice below zero."""
    found = outcomes("10000", ("25", "2500", "2600"), "75")

    assert {one["below_zero"] for one in found.values()} == {"0.00"}


def test_every_rule_says_where_it_is_found():
    """The list is what is compared, ours first."""
    assert list(outcomes("1", "100")) == list(RULES)
