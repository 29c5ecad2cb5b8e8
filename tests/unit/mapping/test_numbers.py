"""Markers and numbers of our invoices."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.errors import BodyError
from mapping.numbers import Marker, doc_number, find_marker, marker

FOUND = Marker(job_id=12, milestone_id="m1", ordinal=2)


@pytest.mark.parametrize(
    "note",
    [
        "ms:12.m1.2",
        "ms:12.m1.2 estimate 1042",
        "  ms:12.m1.2\nasked twice",
        "Voided ms:12.m1.2",
        "Voided - ms:12.m1.2 estimate 1042",
        "Voided: ms:12.m1.2",
        "Voided\nms:12.m1.2",
        "Voided - Voided - ms:12.m1.2",
        "ms:12.m1.2, called",
    ],
)
def test_a_marker_is_found_at_the_front(note):
    """Behind "Voided" too, with anything after it."""
    assert find_marker(note) == FOUND


@pytest.mark.parametrize(
    "note",
    [
        None,
        "",
        "estimate 1042",
        "replaces ms:12.m1.2",
        "Not voided ms:12.m1.2",
        "ms:12.m1",
        "ms:12.m1.2x",
        "ms:12.m1.2.3",
        "ms:x.m1.2",
        "VoidedX ms:12.m1.2",
    ],
)
def test_no_marker_is_found_elsewhere(note):
    """What a person writes about an invoice of ours does not make theirs ours."""
    assert find_marker(note) is None


@given(
    st.integers(min_value=0, max_value=2**62 // 10),
    st.from_regex(r"[A-Za-z0-9_-]{1,40}", fullmatch=True),
    st.integers(min_value=1, max_value=999_999),
)
def test_every_marker_is_found_again(job_id, milestone_id, ordinal):
    """Before and after a void."""
    text = marker(job_id, milestone_id, ordinal)
    expected = Marker(job_id=job_id, milestone_id=milestone_id, ordinal=ordinal)

    assert find_marker(f"{text} words") == find_marker(f"Voided - {text}") == expected


def test_a_marker_is_short():
    """It leaves the note to people."""
    assert marker(12, "m1", 1) == "ms:12.m1.1"


@pytest.mark.parametrize(
    ("job_id", "milestone_id", "ordinal"), [(1, "m 1", 1), (1, "m1", 0), (-1, "m1", 1)]
)
def test_what_cannot_be_found_again_makes_no_marker(job_id, milestone_id, ordinal):
    """A blank in it would end it early."""
    with pytest.raises(BodyError):
        marker(job_id, milestone_id, ordinal)


@pytest.mark.parametrize(
    ("base", "number", "ordinal", "text"),
    [
        pytest.param("1042", 2, 1, "1042-M2", id="first"),
        pytest.param("1042", 2, 2, "1042-M2-2", id="billed-again"),
        pytest.param("A" * 15, 12, 1, "A" * 15 + "-M12", id="longest-base"),
        pytest.param("A" * 15, 12, 10, "A" * 14 + "-M12-10", id="cut"),
    ],
)
def test_numbers_fit_into_21_characters(base, number, ordinal, text):
    """QuickBooks' limit; the suffix is what tells invoices of a Job apart."""
    assert doc_number(base, number, ordinal) == text
    assert len(text) <= 21
