"""Views over QuickBooks' documents."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mapping.documents import (
    Link,
    is_deleted,
    parse_credit_memo,
    parse_customer,
    parse_estimate,
    parse_invoice,
    parse_payment,
    sync_token,
    updated_at,
)
from mapping.errors import DocumentError
from tests.builders import a_customer, a_fixture, a_payment, an_estimate, an_invoice

PARSERS = (parse_estimate, parse_invoice, parse_payment, parse_credit_memo, parse_customer)


def test_an_estimate_shows_what_quickbooks_sent():
    """Everything that the other modules look at."""
    found = parse_estimate(a_fixture("estimate_us_ast"))

    assert (found.id, found.sync_token, found.doc_number) == ("1187", 3, "1042")
    assert (found.status, found.accepted_on) == ("Accepted", date(2026, 3, 9))
    assert found.customer is not None
    assert (found.customer.id, found.project_id) == ("318", "447190233")
    assert (found.total, found.tax, found.currency) == (Decimal("12672.00"), Decimal(672), "USD")
    assert found.lines[0].service_on == date(2026, 5, 4)
    assert found.lines[0].class_ref is not None
    assert found.lines[0].class_ref.name == "Kitchen"
    assert found.customer_memo == "Valid for 30 days."
    assert found.updated_at == datetime(2026, 3, 10, 0, 40, 2, tzinfo=UTC)


def test_an_invoice_shows_balance_links_and_whether_it_was_sent():
    """The facts that receipts are made of."""
    found = parse_invoice(a_fixture("invoice_milestone"))

    assert (found.balance, found.is_sent, found.is_voided) == (0, True, False)
    assert found.links == (Link(id="1402", kind="Payment"),)
    assert found.due_on == date(2026, 3, 17)


def test_a_missing_balance_is_not_zero():
    """An answer without a balance says nothing about what is open."""
    assert parse_invoice(an_invoice(Balance=None)).balance is None


def test_a_payment_shows_where_its_money_went():
    """3,168.00 on the invoice, 132.00 on account."""
    found = parse_payment(a_fixture("payment_part_unapplied"))

    assert [(part.amount, part.link.id) for part in found.applied] == [(Decimal(3168), "1190")]
    assert (found.total, found.unapplied) == (Decimal(3300), Decimal(132))


def test_a_credit_memo_shows_what_is_left_of_it():
    """500.00, of which 380.00 is applied."""
    assert parse_credit_memo(a_fixture("credit_memo")).remaining == Decimal(120)


def test_a_projects_customer_row_is_a_job():
    """Transactions point at it as at any sub-customer."""
    found = parse_customer(a_fixture("customer_project"))

    assert (found.is_job, found.is_project, found.parent_id) == (True, True, "300")
    assert found.email == "dana@example.com,sam@example.com"


@pytest.mark.parametrize(
    ("fields", "is_active", "is_job"),
    [
        pytest.param({}, True, True, id="as-usual"),
        pytest.param({"Active": None}, True, True, id="not-said"),
        pytest.param({"Active": False}, False, True, id="inactive"),
        pytest.param({"Job": None}, True, False, id="no-job"),
        pytest.param({"Job": "true"}, True, True, id="flag-as-text"),
    ],
)
def test_a_customers_flags_have_their_defaults(fields, is_active, is_job):
    """Active unless it says otherwise, a job only if it says so."""
    found = parse_customer(a_customer(**fields))

    assert (found.is_active, found.is_job) == (is_active, is_job)


@pytest.mark.parametrize("parse", PARSERS, ids=lambda parse: parse.__name__)
def test_the_stub_of_a_deleted_document_parses(parse):
    """It has an id, a status and nothing else."""
    raw = a_fixture("estimate_deleted")

    assert parse(raw).is_deleted is True
    assert is_deleted(raw) is True


@pytest.mark.parametrize("parse", PARSERS, ids=lambda parse: parse.__name__)
def test_a_document_without_an_id_is_refused(parse):
    """Nothing could be told of it."""
    with pytest.raises(DocumentError) as caught:
        parse({"DocNumber": "1"})

    assert caught.value.code == "id_missing"


def test_voided_needs_both_the_zero_and_the_word():
    """A zero total may be a gift; the word may be a person's."""
    assert parse_invoice(a_fixture("invoice_voided")).is_voided
    assert not parse_invoice(an_invoice(note="Voided the old one")).is_voided
    assert not parse_invoice(an_invoice(lines=[])).is_voided


def test_a_payment_of_zero_that_applies_a_credit_is_not_voided():
    """Both signals are needed: no money and no lines."""
    assert not parse_payment(a_fixture("payment_credit_applied")).is_voided
    assert parse_payment(a_fixture("payment_voided")).is_voided
    assert not parse_payment(a_payment()).is_voided


def test_the_revision_is_a_number():
    """It is compared, and "10" comes after "9"."""
    assert sync_token({"SyncToken": "10"}) == 10
    assert sync_token({"SyncToken": 7}) == 7
    assert sync_token({}) == 0
    with pytest.raises(DocumentError):
        sync_token({"SyncToken": "v2"})


def test_the_time_of_the_last_change_has_an_offset():
    """So that it can be compared with ours."""
    assert updated_at({"MetaData": {"LastUpdatedTime": "2026-03-09T16:40:02Z"}}) == datetime(
        2026, 3, 9, 16, 40, 2, tzinfo=UTC
    )
    assert updated_at({}) is None


def test_the_view_of_equal_content_is_equal():
    """`raw` plays no part: unknown fields make no difference."""
    assert parse_estimate(an_estimate()) == parse_estimate(an_estimate(Unknown=[1, {"a": None}]))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.decimals() | st.floats(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
fields = st.sampled_from(
    sorted(
        {*a_fixture("estimate_us_ast"), *a_fixture("invoice_milestone"), *a_fixture("credit_memo")}
    )
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.dictionaries(fields, json_values, max_size=6), st.sampled_from(PARSERS))
def test_odd_data_parses_or_is_refused_and_never_crashes(odd, parse):
    """Any field may hold anything: the answer is a view or a DocumentError."""
    with suppress(DocumentError):
        assert parse({"Id": "1", **odd}).id


@settings(max_examples=100, deadline=None)
@given(st.lists(json_values, max_size=3), json_values)
def test_odd_lines_parse_or_are_refused(lines, detail):
    """Lines are the richest part of a document."""
    odd = {"DetailType": "SalesItemLineDetail", "SalesItemLineDetail": detail, "Amount": detail}
    with suppress(DocumentError):
        assert parse_invoice({"Id": "1", "Line": [*lines, odd]}).lines
