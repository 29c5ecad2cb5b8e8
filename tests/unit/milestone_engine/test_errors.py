"""Refusals carry a code from the published list."""

from __future__ import annotations

import re
from pathlib import Path

import milestone_engine
from milestone_engine import REMEDIES, EngineError, MoneyError

#: Where codes are those of findings and derivations, not of refusals.
OTHERS = {"plan.py", "needs.py", "amounts.py"}
SOURCES = sorted(Path(milestone_engine.__file__).parent.glob("*.py"))


def test_every_code_that_is_raised_is_published():
    """Every `code=` of the package's refusals has a remedy; every default code too."""
    text = "\n".join(path.read_text() for path in SOURCES if path.name not in OTHERS)
    raised = set(re.findall(r'code="(\w+)"', text))
    defaults = {one.default_code for one in EngineError.__subclasses__()}

    assert {"percent_sum", "negative", "decimals"} <= raised
    assert raised | defaults <= set(REMEDIES)


def test_an_error_says_what_where_and_what_to_do():
    """Code, place, message and remedy."""
    error = MoneyError("12.345 has 3 decimals", code="decimals", at="milestones[2].paid")

    assert str(error) == error.message == "12.345 has 3 decimals"
    assert (error.code, error.at) == ("decimals", "milestones[2].paid")
    assert error.remedy == REMEDIES["decimals"]


def test_each_kind_has_a_code_of_its_own():
    """An error that names no code has that of its class."""
    assert MoneyError("x").code == "money_text"
    assert EngineError("x").remedy


def test_amounts_in_a_message_are_units_until_somebody_knows_the_currency():
    """One unit is singular; text between the amounts stays as it is, braces and all."""
    error = EngineError(("milestone '{0}' is paid ", 500, ", not ", -1))

    assert str(error) == "milestone '{0}' is paid 500 units, not -1 unit"
    assert error.said(lambda amount: f"${amount}") == "milestone '{0}' is paid $500, not $-1"
