"""An invoice and its payments -> contract money."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.documents import parse_invoice, parse_payment
from mapping.errors import DocumentError
from mapping.receipts import progress_invoice
from milestone_engine.job import BilledLine, HeldBy, InvoiceState
from tests.builders import a_discount, a_fixture, a_line, a_payment, an_invoice

OURS = a_line("1", "2500.00")
LINE_IDS = {"1": "1187:1"}


def _receipt(raw, *, synced=None, payments=(), line_ids=LINE_IDS, currency="USD"):
    return progress_invoice(
        parse_invoice(raw),
        milestone_id="m1",
        ordinal=1,
        line_ids=line_ids,
        synced=parse_invoice(synced) if synced else None,
        payments=[parse_payment(payment) for payment in payments],
        currency=currency,
    )


def test_a_paid_invoice_is_contract_money_without_its_tax():
    """3,000 of contract, 168 of tax, all of it paid on 16 March."""
    found = _receipt(
        a_fixture("invoice_milestone"),
        line_ids={"1": "1187:1", "2": "1187:2"},
        payments=[a_fixture("payment_part_unapplied")],
    )

    assert (found.amount_minor, found.paid_minor, found.tax_minor) == (300_000, 300_000, 16_800)
    assert found.lines == (
        BilledLine(line_id="1187:1", amount_minor=210_000),
        BilledLine(line_id="1187:2", amount_minor=90_000),
    )
    assert (found.outside_minor, found.held_by) == (0, None)
    assert (found.invoice_id, found.doc_number) == ("1190", "1042-M1")
    assert (found.issued_on, found.due_on) == (date(2026, 3, 10), date(2026, 3, 17))
    assert found.settled_on == date(2026, 3, 16)


@pytest.mark.parametrize(
    ("settled", "paid"),
    [
        pytest.param("0", 0, id="nothing"),
        pytest.param("1350.00", 125_000, id="E53-half"),
        pytest.param("0.01", 0, id="a-cent-rounds-down"),
        pytest.param("2699.99", 249_999, id="a-cent-short"),
        pytest.param("2700.00", 250_000, id="all"),
    ],
)
def test_a_part_payment_pays_contract_and_tax_alike(settled, paid):
    """E53: billed 2,500 + 8 % tax 200."""
    found = _receipt(an_invoice(lines=[OURS], tax="200.00", settled=settled))

    assert (found.amount_minor, found.paid_minor) == (250_000, paid)


def test_a_late_fee_is_outside_and_paid_last():
    """E57: QuickBooks adds 50, 2,550 paid."""
    raw = an_invoice(lines=[OURS, a_line("2", "50.00", description="Late fee")], settled="2550.00")

    found = _receipt(raw, synced=an_invoice())

    assert (found.amount_minor, found.paid_minor, found.outside_minor) == (250_000, 250_000, 5_000)
    assert found.held_by is None


@pytest.mark.parametrize(
    ("settled", "paid"),
    [("0", 0), ("1000.00", 100_000), ("2500.00", 250_000), ("2650.00", 250_000)],
)
def test_a_permit_added_by_the_bookkeeper_is_outside_the_contract(settled, paid):
    """E61: invoice 2,650; contract part 2,500; 150 reported."""
    raw = an_invoice(lines=[OURS, a_line("2", "150.00", description="Permit")], settled=settled)

    found = _receipt(raw, synced=an_invoice())

    assert (found.amount_minor, found.outside_minor, found.paid_minor) == (250_000, 15_000, paid)
    assert found.held_by is None


def test_money_that_a_person_changed_is_what_stands_there():
    """E62: M2's unpaid invoice changed to 2,600."""
    found = _receipt(an_invoice(lines=[a_line("1", "2600.00")]), synced=an_invoice())

    assert (found.amount_minor, found.held_by) == (260_000, HeldBy.EDITED)


@pytest.mark.parametrize(
    ("lines", "amount"),
    [
        pytest.param([OURS, a_discount("100.00")], 240_000, id="discount"),
        pytest.param([a_line("7", "10.00", description="Other")], 0, id="our-line-taken-away"),
    ],
)
def test_other_edits_of_our_money_are_edits(lines, amount):
    """A discount and a missing line move our amount too."""
    found = _receipt(an_invoice(lines=lines), synced=an_invoice())

    assert (found.amount_minor, found.held_by) == (amount, HeldBy.EDITED)


def test_a_discount_that_moves_with_lines_beside_ours_is_an_edit_too():
    """Its share on our line changed though nobody touched that line."""
    discounted = an_invoice(lines=[OURS, a_discount("100.00")])
    now = an_invoice(lines=[OURS, a_line("2", "2500.00", description="X"), a_discount("100.00")])

    found = _receipt(now, synced=discounted)

    assert (found.amount_minor, found.held_by) == (245_000, HeldBy.EDITED)


def test_coding_that_a_person_changed_is_no_edit_of_money():
    """Class, words and item belong to people."""
    line = a_line("1", "2500.00", item="99", description="Deposit, thanks", class_id="5")

    assert _receipt(an_invoice(lines=[line]), synced=an_invoice()).held_by is None


def test_a_discounted_invoice_settled_in_full_is_paid_in_full():
    """What stands there is what is asked."""
    raw = an_invoice(lines=[OURS, a_discount("100.00")], settled="2400.00")

    found = _receipt(raw, synced=an_invoice())

    assert (found.amount_minor, found.paid_minor) == (240_000, 240_000)


def test_nothing_is_paid_on_a_contract_part_below_zero():
    """A deduction that outweighs the rest, beside a line from outside."""
    raw = an_invoice(
        lines=[a_line("1", "-10.00"), a_line("2", "50.00", description="Fee")], settled="40.00"
    )

    found = _receipt(raw)

    assert (found.amount_minor, found.paid_minor, found.outside_minor) == (-1_000, 0, 5_000)


@pytest.mark.parametrize(
    ("tax_code", "settled", "paid"),
    [
        pytest.param("NON", "2700.00", 250_000, id="untaxed-neighbour-owes-none-of-the-tax"),
        pytest.param("NON", "2699.99", 249_999, id="a-cent-short"),
        pytest.param("TAX", "2666.66", 250_000, id="a-taxed-neighbour-owes-its-part"),
        pytest.param("TAX", "2666.65", 249_999, id="a-cent-short-of-that"),
    ],
)
def test_tax_is_shared_among_taxed_lines(tax_code, settled, paid):
    """200.00 of tax on 2,500 of contract and 500 of extra work."""
    ours = a_line("1", "2500.00", tax_code="TAX")
    extra = a_line("2", "500.00", description="Extra", tax_code=tax_code)

    found = _receipt(an_invoice(lines=[ours, extra], tax="200.00", settled=settled))

    assert found.paid_minor == paid
    assert (found.outside_minor, found.tax_minor) == (50_000, 20_000)


def test_taxed_lines_that_cancel_out_share_no_tax():
    """There is nothing to share by; the tax is then asked with the contract part."""
    lines = [
        a_line("1", "-5.00", tax_code="TAX"),
        a_line("2", "5.00", tax_code="TAX", description="Swap"),
        a_line("3", "10.00"),
    ]
    raw = an_invoice(lines=lines, tax="1.00", settled="6.00")

    found = _receipt(raw, line_ids={"1": "9:a", "3": "9:b"})

    assert (found.amount_minor, found.paid_minor) == (500, 500)


def test_an_applied_credit_counts_as_received():
    """Settled is cash and credits alike; its day is the day it was applied."""
    found = _receipt(an_invoice(settled="500.00"), payments=[a_fixture("payment_credit_applied")])

    assert (found.paid_minor, found.settled_on) == (50_000, date(2026, 3, 20))


def test_the_day_is_that_of_the_last_payment_on_this_invoice():
    """Voided and deleted payments and those on other invoices play no part."""
    payments = [
        a_payment("1", amount="10.00", dated_on="2026-03-20"),
        a_payment("2", amount="10.00", dated_on="2026-03-18"),
        a_payment("3", amount="10.00", dated_on="2026-04-20", invoice_id="7"),
        a_payment("4", amount="10.00", dated_on="2026-05-20", status="Deleted"),
        a_fixture("payment_voided"),
    ]

    assert _receipt(an_invoice(settled="20.00"), payments=payments).settled_on == date(2026, 3, 20)
    assert _receipt(an_invoice()).settled_on is None


def test_a_voided_invoice_asks_for_nothing():
    """Balance 0 does not mean paid."""
    found = _receipt(a_fixture("invoice_voided"), synced=a_fixture("invoice_milestone"))

    assert (found.state, found.amount_minor, found.paid_minor) == (InvoiceState.VOIDED, 0, 0)
    assert (found.lines, found.held_by, found.doc_number) == ((), None, "1042-M1")
    assert (found.tax_minor, found.outside_minor) == (0, 0)


def test_a_deleted_invoice_is_known_from_its_last_copy():
    """The stub has neither number nor dates."""
    stub = {"Id": "1190", "status": "Deleted"}

    found = _receipt(stub, synced=a_fixture("invoice_milestone"))

    assert (found.state, found.doc_number) == (InvoiceState.DELETED, "1042-M1")
    assert (found.issued_on, found.due_on) == (date(2026, 3, 10), date(2026, 3, 17))


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        pytest.param(an_invoice(Balance=None), "balance_missing", id="no-balance"),
        pytest.param(an_invoice(TxnDate=None), "date_missing", id="no-date"),
        pytest.param(an_invoice(Balance=Decimal("0.005")), "decimals", id="half-a-cent"),
    ],
)
def test_an_invoice_whose_money_is_unknown_is_refused(raw, code):
    """Absent is not zero."""
    with pytest.raises(DocumentError) as caught:
        _receipt(raw)

    assert caught.value.code == code


cents = st.integers(min_value=1, max_value=10**8)


@given(cents, st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**9))
def test_paid_is_never_above_the_contract_part_or_what_came_in(ours, tax, fee, received):
    """And whole once everything is settled."""
    total = ours + tax + fee
    settled = min(received, total)
    lines = [
        a_line("1", str(Decimal(ours) / 100), tax_code="TAX"),
        a_line("2", str(Decimal(fee) / 100), description="Fee"),
    ]
    raw = an_invoice(lines=lines, tax=str(Decimal(tax) / 100), settled=str(Decimal(settled) / 100))

    found = _receipt(raw)

    assert 0 <= found.paid_minor <= min(ours, settled)
    assert (found.paid_minor == ours) == (settled >= ours + tax)
    assert found.amount_minor + found.tax_minor + found.outside_minor == total
