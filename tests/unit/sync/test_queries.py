"""The query language: whatever a value holds, it stays one literal."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.quickbooks.queries import VALUE_CHARACTERS_MAX, by_ids, everything, literal

printable = st.text(
    st.characters(min_codepoint=32, exclude_categories=["Cs"]), max_size=VALUE_CHARACTERS_MAX
)


def read_back(quoted: str) -> str:
    """Read a literal as QuickBooks does; the end of the literal must be the end of the text."""
    assert quoted[0] == "'"
    value, position = "", 1
    while quoted[position] != "'":
        if quoted[position] == "\\":
            position += 1
        value += quoted[position]
        position += 1
    assert position == len(quoted) - 1
    return value


@given(printable)
def test_any_value_reads_back_as_itself(value: str) -> None:
    """S30: backslash first, then apostrophe; nothing breaks out."""
    assert read_back(literal(value)) == value


@pytest.mark.parametrize("value", ["a\nb", "a\x00", "x" * (VALUE_CHARACTERS_MAX + 1)])
def test_what_is_no_value_is_refused(value: str) -> None:
    """Control characters and endless texts are never asked for."""
    with pytest.raises(ValueError, match="not a value"):
        literal(value)


def test_ids_become_one_statement() -> None:
    """Two reads of one kind are one metered call."""
    assert by_ids("Invoice", ["1", "2"]) == (
        "SELECT * FROM Invoice WHERE Id IN ('1', '2') MAXRESULTS 1000"
    )


def test_all_documents_are_asked_for_from_a_bound_that_moves() -> None:
    """Positions shift while people work; a moment does not."""
    moment = datetime(2026, 5, 1, 9, tzinfo=UTC)
    assert everything("Invoice") == (
        "SELECT * FROM Invoice ORDERBY MetaData.LastUpdatedTime STARTPOSITION 1 MAXRESULTS 1000"
    )
    assert everything("Invoice", since=moment, start=1000) == (
        "SELECT * FROM Invoice WHERE MetaData.LastUpdatedTime >= '2026-05-01T09:00:00+00:00'"
        " ORDERBY MetaData.LastUpdatedTime STARTPOSITION 1000 MAXRESULTS 1000"
    )


def test_customers_are_asked_for_with_the_inactive_ones() -> None:
    """QuickBooks hides them else, and the jobs on them have no customer."""
    is_shown = "Active IN (true, false)"
    assert f"WHERE {is_shown} ORDERBY" in everything("Customer")
    assert f"WHERE Id IN ('5') AND {is_shown} MAXRESULTS" in by_ids("Customer", ["5"])
