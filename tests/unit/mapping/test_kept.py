"""What the mirror keeps, and the hash of a document."""

from __future__ import annotations

from decimal import Decimal

import pytest

from mapping.contracts import Coding
from mapping.documents import (
    content_hash,
    keep,
    parse_credit_memo,
    parse_customer,
    parse_estimate,
    parse_invoice,
    parse_payment,
)
from mapping.invoices import create_body
from tests.builders import a_bill, a_fixture, a_line, an_estimate, an_invoice

_BILL = a_bill("1187:1", 100, of_count=1)


@pytest.mark.parametrize(
    ("entity", "parse", "name"),
    [
        ("Estimate", parse_estimate, "estimate_us_ast"),
        ("Estimate", parse_estimate, "estimate_tax_inclusive"),
        ("Estimate", parse_estimate, "estimate_deleted"),
        ("Invoice", parse_invoice, "invoice_milestone"),
        ("Invoice", parse_invoice, "invoice_voided"),
        ("Payment", parse_payment, "payment_part_unapplied"),
        ("Payment", parse_payment, "payment_voided"),
        ("CreditMemo", parse_credit_memo, "credit_memo"),
        ("Customer", parse_customer, "customer_project"),
    ],
)
def test_a_kept_document_reads_like_the_whole_one(entity, parse, name):
    """What the other modules look at is kept."""
    raw = a_fixture(name)

    assert parse(keep(entity, raw)) == parse(raw)


def test_an_invoice_can_be_made_from_a_kept_estimate():
    """Address, mail, location and tax mode come from it."""
    raw = a_fixture("estimate_us_ast") | {
        "ShipAddr": {"Line1": "1 Main St"},
        "BillEmailCc": {"Address": "sam@example.com"},
        "DepartmentRef": {"value": "4"},
        "ClassRef": {"value": "5"},
        "GlobalTaxCalculation": "TaxExcluded",
    }

    bodies = [
        create_body(
            _BILL,
            estimate=parse_estimate(one),
            coding={"1187:1": Coding(item_id="21")},
            currency="USD",
            marker="ms:1.m1.1",
            memo="",
            number=None,
        )
        for one in (raw, keep("Estimate", raw))
    ]

    assert bodies[0] == bodies[1]
    assert {"ShipAddr", "BillEmail", "BillEmailCc", "DepartmentRef", "ClassRef"} <= set(bodies[1])


def test_the_line_array_is_kept_whole():
    """An update sends it back, with fields that we do not know."""
    line = a_line() | {"CustomExtensions": [{"x": 1}]}

    assert keep("Invoice", an_invoice(lines=[line]))["Line"][0] == line


def test_what_nobody_needs_is_left_in_quickbooks():
    """Names of people and addresses of their houses stay out of our database."""
    kept = keep("Estimate", an_estimate(AcceptedBy="Dana", BillAddr={"Line1": "1 Main St"}))

    assert "AcceptedBy" not in kept
    assert "BillAddr" not in kept


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"SyncToken": "9"}, id="revision"),
        pytest.param({"MetaData": {"LastUpdatedTime": "2027-01-01T00:00:00Z"}}, id="time"),
        pytest.param({"EmailStatus": "EmailSent"}, id="mailed"),
        pytest.param({"DeliveryInfo": {"DeliveryType": "Email"}}, id="delivered"),
        pytest.param({"Balance": Decimal(0)}, id="paid"),
        pytest.param({"LinkedTxn": [{"TxnId": "1", "TxnType": "Payment"}]}, id="linked"),
        pytest.param({"ShipDate": None}, id="null"),
        pytest.param({"TotalAmt": 2500}, id="spelling-of-a-number"),
    ],
)
def test_the_hash_stays_when_the_document_says_the_same(fields):
    """Mailing, payments and the revision are not what it says."""
    assert content_hash(an_invoice() | fields) == content_hash(an_invoice())


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"lines": [a_line(amount="2500.01")]}, id="a-cent"),
        pytest.param({"due_on": "2026-05-05"}, id="due-date"),
        pytest.param({"memo": "Hello"}, id="memo"),
        pytest.param({"note": "ms:12.m1.1 called"}, id="note"),
        pytest.param({"number": "7"}, id="number"),
        pytest.param({"Unknown": "x"}, id="a-field-we-do-not-know"),
    ],
)
def test_the_hash_moves_when_the_document_says_something_else(fields):
    """Also where the field means nothing to us."""
    assert content_hash(an_invoice(**fields)) != content_hash(an_invoice())


def test_the_hash_knows_a_number_from_its_text():
    """A number 7 and a text "7" are two contents."""
    assert content_hash({"x": 7}) != content_hash({"x": "7"})


def test_the_hash_does_not_depend_on_the_order_of_fields():
    """JSON objects have none."""
    raw = an_invoice()

    assert content_hash(dict(reversed(raw.items()))) == content_hash(raw)


def test_the_order_of_lines_is_content():
    """People read them in order."""
    one, two = a_line("1", "1.00"), a_line("2", "2.00")

    assert content_hash(an_invoice(lines=[one, two])) != content_hash(an_invoice(lines=[two, one]))
