"""What people changed on an invoice of ours."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.documents import parse_invoice
from mapping.edits import HumanEdits, human_edits
from mapping.receipts import progress_invoice
from milestone_engine.job import HeldBy
from tests.builders import a_discount, a_fixture, a_line, a_text, an_invoice

OURS = a_line("1", "2500.00", class_id="5", class_name="Kitchen")


def _edits(now, *, then=None, line_ids=None):
    return human_edits(now, then or an_invoice(lines=[OURS]), line_ids=line_ids)


def test_an_untouched_invoice_has_no_edits():
    """Payments, mail and the revision are not people's edits of it."""
    now = an_invoice(lines=[OURS], settled="2500.00", version=7, EmailStatus="EmailSent")

    assert _edits(now) == HumanEdits(money=False, fields=())


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"due_on": "2026-06-01"}, "due_on"),
        ({"memo": "Thanks, Dana"}, "memo"),
        ({"note": "ms:12.m1.1 called"}, "note"),
        ({"number": "7"}, "number"),
        ({"TxnDate": "2026-03-03"}, "issued_on"),
        ({"SalesTermRef": {"value": "3"}}, "terms"),
        ({"ClassRef": {"value": "9"}}, "class"),
        ({"DepartmentRef": {"value": "2"}}, "location"),
        ({"lines": [a_line("1", "2500.00", class_id="6")]}, "lines.class"),
        ({"lines": [a_line("1", "2500.00", class_id="5", item="9")]}, "lines.item"),
        ({"lines": [a_line("1", "2500.00", class_id="5", tax_code="TAX")]}, "lines.tax_code"),
        ({"lines": [a_line("1", "2500.00", class_id="5", description="x")]}, "lines.description"),
        (
            {"lines": [a_line("1", "2500.00", class_id="5", service_on="2026-05-01")]},
            "lines.service_date",
        ),
        ({"lines": [OURS, a_line("2", "150.00")]}, "lines.added"),
        ({"lines": [OURS, a_text("Thank you")]}, "lines.added"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_coding_is_named_and_is_no_money(fields, word):
    """Each field in our own word."""
    found = _edits(an_invoice(**({"lines": [OURS]} | fields)))

    assert found == HumanEdits(money=False, fields=(word,))


@pytest.mark.parametrize(
    ("lines", "fields"),
    [
        pytest.param([OURS | {"Amount": 2600}], ("lines.amount",), id="amount"),
        pytest.param([], ("lines.removed",), id="removed"),
        pytest.param([OURS, a_discount("10.00")], ("discount",), id="discount"),
    ],
)
def test_money_of_our_lines_is_money(lines, fields):
    """The amount is theirs from now on."""
    assert _edits(an_invoice(lines=lines)) == HumanEdits(money=True, fields=fields)


def test_nothing_written_as_zero_is_no_edit_of_money():
    """QuickBooks leaves amounts out and puts zeros in as it likes."""
    bare = a_line("2", "0.00", description="Included")
    then = an_invoice(lines=[OURS, bare])
    now = an_invoice(lines=[OURS, bare | {"Amount": None}, a_discount("0.00")])

    assert _edits(now, then=then) == HumanEdits(money=False, fields=())


def test_a_new_name_of_a_class_is_no_edit():
    """References are told apart by their ids."""
    renamed = a_line("1", "2500.00", class_id="5", class_name="Kitchens")

    assert _edits(an_invoice(lines=[renamed])).fields == ()


def test_a_line_that_only_got_a_new_id_is_no_edit():
    """QuickBooks' doing."""
    assert _edits(an_invoice(lines=[OURS | {"Id": "9"}])).fields == ()


def test_people_may_change_their_own_lines():
    """Known to be theirs by the ids that we recorded."""
    then = an_invoice(lines=[OURS, a_line("2", "150.00", description="Permit")])
    now = an_invoice(lines=[OURS, a_line("2", "175.00", description="Permit")])

    assert _edits(now, then=then, line_ids={"1": "1187:1"}) == HumanEdits(
        money=False, fields=("lines.beside",)
    )
    assert _edits(now, then=then).money


@pytest.mark.parametrize(
    ("now", "word"),
    [
        pytest.param(a_fixture("invoice_voided"), "voided", id="voided"),
        pytest.param({"Id": "1190", "status": "Deleted"}, "deleted", id="deleted"),
    ],
)
def test_an_invoice_that_is_gone_is_an_edit_of_money(now, word):
    """It must not be written to."""
    assert _edits(now, then=a_fixture("invoice_milestone")) == HumanEdits(
        money=True, fields=(word,)
    )


kept = st.booleans()
cents = st.integers(min_value=-3, max_value=3)


@given(st.lists(st.tuples(kept, cents), min_size=2, max_size=2), st.booleans(), cents)
def test_what_a_revision_must_not_overwrite_is_what_the_engine_holds(ours, has_permit, discount):
    """An edit of money here is one on the ProgressInvoice: no revision is even planned."""
    line_ids = {"1": "9:a", "2": "9:b"}
    then = an_invoice(lines=[a_line("1", "10.00"), a_line("2", "10.00", description="Install")])
    lines = [
        line | {"Amount": line["Amount"] + Decimal(move) / 100}
        for line, (is_kept, move) in zip(then["Line"][:2], ours, strict=True)
        if is_kept
    ]
    permit = [a_line("3", "10.00", description="Permit")] if has_permit else []
    taken_off = [a_discount(str(Decimal(discount) / 100))] if discount > 0 and lines else []
    now = an_invoice(lines=[*permit, *lines, *taken_off])

    receipt = progress_invoice(
        parse_invoice(now),
        milestone_id="m1",
        ordinal=1,
        line_ids=line_ids,
        synced=parse_invoice(then),
        payments=(),
        currency="USD",
    )

    is_money = human_edits(now, then, line_ids=line_ids).money
    assert receipt.held_by is (HeldBy.EDITED if is_money else None)
    assert is_money == bool(taken_off or ours != [(True, 0), (True, 0)])
