"""Readers of single fields."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.errors import DocumentError
from mapping.raw import (
    Ref,
    read_date,
    read_flag,
    read_number,
    read_object,
    read_objects,
    read_ref,
    read_text,
    read_time,
)


@pytest.mark.parametrize("raw", [{}, {"x": None}], ids=["missing", "null"])
def test_what_is_not_there_reads_as_nothing(raw):
    """A missing field and a null are the same."""
    assert read_text(raw, "x") == ""
    assert read_number(raw, "x") is None
    assert read_date(raw, "x") is None
    assert read_time(raw, "x") is None
    assert read_ref(raw, "x") is None
    assert read_object(raw, "x") == {}
    assert list(read_objects(raw, "x")) == []
    assert read_flag(raw, "x") is False


@pytest.mark.parametrize(
    ("value", "number"),
    [
        pytest.param(12000, Decimal(12000), id="int"),
        pytest.param(Decimal("8400.10"), Decimal("8400.10"), id="decimal"),
        pytest.param("0.05", Decimal("0.05"), id="text"),
        pytest.param(Decimal("1E+3"), Decimal(1000), id="exponent"),
    ],
)
def test_a_number_is_read_exactly(value, number):
    """Whatever its spelling."""
    assert read_number({"x": value}, "x") == number


@pytest.mark.parametrize(
    "value",
    [0.1, True, "twelve", [], Decimal("NaN"), "Infinity", "1e999", Decimal("1E-30")],
    ids=str,
)
def test_what_is_no_exact_number_is_refused(value):
    """A float has lost its cents; NaN and the endless are no money."""
    with pytest.raises(DocumentError) as caught:
        read_number({"x": value}, "x", at="Line[2]")

    assert (caught.value.code, caught.value.at) == ("not_a_number", "Line[2].x")


def test_a_number_stands_in_for_a_text():
    """Some clients write ids as numbers."""
    assert read_text({"Id": 33}, "Id") == "33"


@pytest.mark.parametrize("value", ["2026-02-30", "soon"])
def test_a_day_that_is_none_is_refused(value):
    """30 February never comes."""
    with pytest.raises(DocumentError, match="expected a date"):
        read_date({"x": value}, "x")


def test_a_day_is_read_from_a_date_with_a_time():
    """Only the day counts."""
    assert read_date({"x": "2026-05-04T00:00:00"}, "x") == date(2026, 5, 4)


def test_a_time_keeps_its_offset():
    """QuickBooks writes US Pacific time as a rule."""
    found = read_time({"x": "2026-03-09T16:40:02-08:00"}, "x")

    assert found is not None
    assert found.isoformat() == "2026-03-09T16:40:02-08:00"


@pytest.mark.parametrize("value", ["2026-03-09T16:40:02", "yesterday"])
def test_a_time_without_an_offset_is_refused(value):
    """Nobody can tell when it was."""
    with pytest.raises(DocumentError) as caught:
        read_time({"x": value}, "x")

    assert caught.value.code == "not_a_time"


def test_a_reference_with_a_blank_id_is_none():
    """QuickBooks clears a reference that way."""
    assert read_ref({"x": {"value": " "}}, "x") is None
    assert read_ref({"x": {"value": "7", "name": "A"}}, "x") == Ref(id="7", name="A")


@pytest.mark.parametrize(
    ("reader", "value", "code"),
    [
        (read_object, [], "not_an_object"),
        (read_objects, {}, "not_a_list"),
        (read_objects, ["x"], "not_an_object"),
        (read_text, {}, "not_text"),
        (read_text, True, "not_text"),
    ],
)
def test_a_wrong_shape_is_refused_with_its_code(reader, value, code):
    """The code says what was expected."""
    with pytest.raises(DocumentError) as caught:
        reader({"x": value}, "x")

    assert caught.value.code == code


def test_a_refusal_does_not_repeat_a_long_value():
    """What people wrote does not belong into messages."""
    with pytest.raises(DocumentError) as caught:
        read_number({"x": "secret " * 100}, "x")

    assert len(caught.value.message) < 80


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, places=2, min_value=-(10**15), max_value=10**15
    )
)
def test_every_amount_of_money_survives_as_text_and_as_number(amount):
    """Reading loses nothing."""
    assert read_number({"x": amount}, "x") == read_number({"x": str(amount)}, "x") == amount
