"""Which of the invoices made since an unanswered call is the one that it made."""

from __future__ import annotations

import pytest

from mapping.lost_answer import alike, marked
from tests.builders import a_bill, a_line, an_invoice

WORDS = "Deposit (1 of 3): Granite slab"
PLANNED = a_bill("9:a", 300_000, of_count=3)
LINES = [a_line("1", "3000.00", description=WORDS)]


def looked_for(*made, number="1042-M1", known=()):
    """Which of them are it for sure, and which may be, by id."""
    body = {"Line": [{"Description": WORDS}], **({"DocNumber": number} if number else {})}
    found = alike(made, body=body, planned=PLANNED, currency="USD", known=known)
    return [one["Id"] for one in found.sure], [one["Id"] for one in found.perhaps]


def test_the_mark_tells_behind_voided_too():
    """A person's words behind it do not matter; another payment's mark does."""
    other = an_invoice(id="1", note="ms:8.m2.1")
    ours = an_invoice(id="2", note="Voided - ms:8.m1.1 as agreed")

    assert marked([other, ours], marker="ms:8.m1.1") == ours
    assert marked([other], marker="ms:8.m1.1") is None


@pytest.mark.parametrize(
    ("number", "lines", "sure"),
    [
        pytest.param("1042-m1 ", LINES, True, id="our-number-and-our-money"),
        pytest.param("1042-M1", [a_line("1", "3100.00")], False, id="our-number-other-money"),
        pytest.param("77", LINES, False, id="our-money-other-number"),
        pytest.param(
            "1042-M1", [*LINES, a_line("2", "50.00")], False, id="our-number-and-a-line-beside"
        ),
    ],
)
def test_number_and_money_together_tell_and_one_alone_is_for_a_person(number, lines, sure):
    """Without its mark, an invoice is ours for sure only where nothing speaks against it."""
    one = an_invoice(id="5", number=number, lines=lines, note="per phone call with Ann")

    assert looked_for(one) == ((["5"], []) if sure else ([], ["5"]))


def test_where_quickbooks_numbers_by_itself_money_and_words_tell():
    """The words name payment and step; the money alone may be anybody's."""
    ours = an_invoice(id="5", number="1009", lines=LINES, note="")
    theirs = an_invoice(id="6", number="1010", lines=[a_line("1", "3000.00")], note="")
    other = an_invoice(id="7", number="1011", lines=[a_line("1", "12.00")], note="")

    assert looked_for(ours, number="") == (["5"], [])
    assert looked_for(theirs, other, number="") == ([], ["6"])


def test_what_belongs_to_a_job_or_carries_a_mark_is_not_looked_at():
    """It has its place already."""
    known = an_invoice(id="5", number="1042-M1", lines=LINES, note="")
    other = an_invoice(id="6", number="1042-M1", lines=LINES, note="ms:9.m1.1")

    assert looked_for(known, other, known=["5"]) == ([], [])
