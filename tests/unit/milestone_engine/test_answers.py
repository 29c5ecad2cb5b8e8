"""Answers as JSON text: what is quoted, what is text, what is a number."""

from __future__ import annotations

import json

import pytest

from milestone_engine.cases import REBALANCE_STEPS, answered
from milestone_engine.lines_cases import LINES_STEPS
from tests.unit.milestone_engine.test_cases import CASE, LINES, a_case


@pytest.mark.parametrize(
    "name", ['"', "\\", "\n\x00\x7f", "\u2028", "{}%s", "\u00e9\U0001f600", "], "]
)
def test_ids_are_free_text(name):
    """Whatever is in them, it comes out as it went in."""
    split = answered(a_case(("milestones.1.id", name)), REBALANCE_STEPS)
    table = answered(
        a_case(("lines.0.id", name), ("already.0.line", name), ("milestones.0.id", name),
               base=LINES), LINES_STEPS)  # fmt: skip

    assert split["milestones"][1]["id"] == name
    assert (table["cells"][0]["milestone"], table["cells"][0]["line"]) == (name, name)


def test_an_id_in_a_warning_is_quoted_too():
    """A pin below what is paid is warned about by id."""
    case = a_case(("milestones.1.id", '"'), ("milestones.1.billed", "9.00"),
                  ("milestones.1.paid", "2.00"), ("milestones.1.pinned", "1.00"))  # fmt: skip

    warning = answered(case, REBALANCE_STEPS)["warnings"][0]

    assert warning == {"code": "below_paid", "milestone": '"', "amount": "1.00"}


@pytest.mark.parametrize(
    ("percent", "is_text"),
    [
        pytest.param("0.00000000000001", False, id="small-enough"),
        pytest.param("0.00000000000000000001", True, id="beyond-what-readers-keep"),
    ],
)
def test_weights_that_no_reader_keeps_are_text(percent, is_text):
    """JSON numbers above 2**53 come out wrong in many programs."""
    milestones = [
        {"id": "a", "basis": {"percent": percent}, "billed": "5.00"},
        {"id": "b", "basis": {"percent": "50"}},
        {"id": "c", "basis": {"percent": "7"}},
    ]

    found = answered(a_case(("milestones", milestones)), REBALANCE_STEPS)["milestones"]

    facts = found[1]["why"]["facts"]
    assert isinstance(facts["weight"], str) is is_text
    assert isinstance(facts["weight_sum"], str) is is_text
    assert int(facts["weight"]) < int(facts["weight_sum"])


def test_lines_that_are_left_are_told_where_nothing_is_billed():
    """A swap after the last invoice; where all is billed there is no such key."""
    case = {
        "currency": "USD",
        "lines": [
            {"id": "l1", "amount": "5"},
            {"id": "l2", "amount": "-5"},
            {"id": "l3", "amount": "0"},
        ],
        "milestones": [{"id": "m1", "amount": "0"}],
    }

    found = answered(case, LINES_STEPS)

    assert {cell["amount"] for cell in found["cells"]} == {"0.00"}
    assert found["left"] == [{"line": "l1", "amount": "5.00"}, {"line": "l2", "amount": "-5.00"}]
    for other in (LINES, case | {"lines": [], "milestones": []}, case | {"lines": []}):
        assert set(answered(other, LINES_STEPS)) == {"cells"}


def test_the_text_is_one_line_without_blanks():
    """A line of a stream."""
    found = CASE
    for step in REBALANCE_STEPS:
        found = step(found)

    assert "\n" not in found
    assert found == json.dumps(json.loads(found), separators=(",", ":"))
