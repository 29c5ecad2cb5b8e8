"""QuickBooks' answers to our writes."""

from __future__ import annotations

from datetime import date

import pytest

from mapping.answers import billed_coding, line_ids
from mapping.contracts import Coding
from mapping.documents import parse_invoice
from mapping.errors import DocumentError
from milestone_engine.explain import Derivation
from milestone_engine.job import BilledLine
from milestone_engine.plan import BillMilestone
from tests.builders import a_fixture, a_line, an_invoice


def _planned(*cells):
    lines = tuple(BilledLine(line_id=line_id, amount_minor=amount) for line_id, amount in cells)
    return BillMilestone(
        milestone_id="m1",
        label="Deposit",
        number=1,
        of_count=3,
        ordinal=1,
        doc_number="1042-M1",
        amount_minor=sum(line.amount_minor for line in lines),
        lines=lines,
        issue_on=date(2026, 5, 1),
        due_on=date(2026, 5, 4),
        why=Derivation(code="share", facts=()),
    )


def test_the_lines_of_a_new_invoice_are_known_by_their_order():
    """Also where two have the same amount; zero cells were not sent."""
    answer = an_invoice(lines=[a_line("1", "10.00"), a_line("2", "10.00"), a_line("3", "5.00")])
    planned = _planned(("9:a", 1000), ("9:z", 0), ("9:b", 1000), ("9:c", 500))

    assert line_ids(answer, planned, currency="USD") == {"1": "9:a", "2": "9:b", "3": "9:c"}


def test_another_order_is_known_by_the_amounts():
    """QuickBooks promises nothing about it."""
    answer = an_invoice(lines=[a_line("1", "5.00"), a_line("2", "10.00")])

    found = line_ids(answer, _planned(("9:a", 1000), ("9:b", 500)), currency="USD")

    assert found == {"2": "9:a", "1": "9:b"}


def test_after_a_revision_peoples_lines_are_not_taken_for_ours():
    """A permit of the same amount as a new line of ours."""
    permit = a_line("7", "10.00", description="Permit")
    current = an_invoice(lines=[permit, a_line("1", "10.00")])
    answer = an_invoice(lines=[permit, a_line("1", "20.00"), a_line("8", "10.00")])

    found = line_ids(
        answer,
        _planned(("9:b", 1000), ("9:a", 2000)),
        currency="USD",
        known={"1": "9:a"},
        current=current,
    )

    assert found == {"1": "9:a", "8": "9:b"}


def test_lines_that_kept_their_ids_stay_what_they_were():
    """Even with equal amounts in another order."""
    answer = an_invoice(lines=[a_line("1", "10.00"), a_line("2", "10.00")])

    found = line_ids(
        answer,
        _planned(("9:b", 1000), ("9:a", 1000)),
        currency="USD",
        known={"1": "9:a", "2": "9:b"},
        current=answer,
    )

    assert found == {"1": "9:a", "2": "9:b"}


def test_lines_that_lost_their_ids_in_a_revision_are_found_again():
    """And lines that are not billed any more are forgotten."""
    answer = an_invoice(lines=[a_line("5", "20.00"), a_line("6", "10.00")])
    current = an_invoice(lines=[a_line("1", "10.00"), a_line("2", "10.00"), a_line("3", "1.00")])

    found = line_ids(
        answer,
        _planned(("9:a", 2000), ("9:b", 1000)),
        currency="USD",
        known={"1": "9:a", "2": "9:b", "3": "9:c"},
        current=current,
    )

    assert found == {"5": "9:a", "6": "9:b"}


def test_an_answer_without_one_of_our_lines_is_refused():
    """It is not the invoice that we sent."""
    with pytest.raises(DocumentError) as caught:
        line_ids(an_invoice(), _planned(("9:a", 1)), currency="USD")

    assert caught.value.code == "answer_lines"


def test_an_invoice_tells_how_its_contract_lines_were_booked():
    """Without the milestone that stood before the words."""
    found = billed_coding(parse_invoice(a_fixture("invoice_milestone")), {"1": "1187:1"})

    assert found == {
        "1187:1": Coding(
            item_id="21",
            item_name="Cabinets",
            class_id="5000000000000017",
            class_name="Kitchen",
            tax_code="TAX",
            description="Cabinets, supplied",
            account="79",
        )
    }


def test_words_of_a_persons_own_are_kept_as_booked():
    """They name no milestone."""
    invoice = parse_invoice(an_invoice(lines=[a_line("1", "5.00", description="Call 1 of 3: x")]))

    assert billed_coding(invoice, {"1": "9:a"})["9:a"].description == "Call 1 of 3: x"
