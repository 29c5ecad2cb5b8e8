"""Credit memos that change the contract: what of them stands on which invoice, to the cent."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.credits import credits_on_invoices, less_credits
from mapping.documents import CreditMemo, Payment, parse_credit_memo, parse_payment
from mapping.receipts import Money
from tests.builders import a_line, a_payment, an_invoice


def a_credit(*amounts: str, tax: str = "0", id: str = "1300") -> CreditMemo:
    """A credit memo with one line for each amount."""
    lines = [a_line(str(place), amount=amount) for place, amount in enumerate(amounts, start=1)]
    return parse_credit_memo(an_invoice(id, number="CM-9", lines=lines, tax=tax))


def applied(
    id: str, *ends: tuple[str, str, str], dated_on: str = "2026-03-20", **fields: Any
) -> Payment:
    """A payment that applies credits: (amount, id, kind) each."""
    lines = [
        {"Amount": Decimal(amount), "LinkedTxn": [{"TxnId": to, "TxnType": kind}]}
        for amount, to, kind in ends
    ]
    return parse_payment(a_payment(id, dated_on=dated_on, TotalAmt=0, Line=lines, **fields))


def an_invoices_money(contract_minor: int, tax_minor: int, settled_minor: int) -> Money:
    """The money of an invoice that bills one contract line."""
    return Money(
        by_line={"1187:1": contract_minor},
        contract_minor=contract_minor,
        contract_tax_minor=tax_minor,
        tax_minor=tax_minor,
        outside_minor=0,
        settled_minor=settled_minor,
    )


def test_an_applied_credit_is_neither_asked_nor_received() -> None:
    """1,000 and 82.50 tax on an invoice of 3,000 and 247.50: 2,000 and 165 stay to be asked."""
    credit = a_credit("1000.00", tax="82.50")
    pay = applied("1410", ("1082.50", "1190", "Invoice"), ("1082.50", "1300", "CreditMemo"))
    (one,) = credits_on_invoices([credit], [pay], currency="USD")
    assert (one.net_minor, one.tax_minor, one.by_line) == (100_000, 8_250, {"cm1300:1": -100_000})

    money = less_credits(an_invoices_money(300_000, 24_750, 108_250), [one])
    assert (money.contract_minor, money.contract_tax_minor) == (200_000, 16_500)
    assert (money.settled_minor, money.paid_minor) == (0, 0)
    assert money.by_line == {"1187:1": 300_000, "cm1300:1": -100_000}
    paid = less_credits(an_invoices_money(300_000, 24_750, 324_750), [one])
    assert paid.paid_minor == 200_000


def test_a_credit_larger_than_the_contract_money_of_its_invoice_takes_the_tax() -> None:
    """An invoice never asks for less than nothing."""
    pay = applied("1410", ("1082.50", "1190", "Invoice"), ("1082.50", "1300", "CreditMemo"))
    (one,) = credits_on_invoices([a_credit("1082.50")], [pay], currency="USD")
    money = less_credits(an_invoices_money(100_000, 8_250, 108_250), [one])
    assert (money.contract_minor, money.contract_tax_minor, money.settled_minor) == (0, 0, 0)
    assert sum(money.by_line.values()) == 0


def test_what_a_credits_tax_pays_is_paid() -> None:
    """500 without tax, settled by a credit with tax: nothing is left to ask, nothing is due."""
    pay = applied("1410", ("500.00", "1190", "Invoice"), ("500.00", "1300", "CreditMemo"))
    (one,) = credits_on_invoices([a_credit("500.00", tax="41.25")], [pay], currency="USD")
    money = less_credits(an_invoices_money(50_000, 0, 50_000), [one])
    assert one.net_minor + one.tax_minor == 50_000
    assert money.contract_minor == money.paid_minor == 50_000 - one.net_minor > 0


def test_credits_fill_invoices_one_after_the_other_and_cash_the_rest() -> None:
    """A payment does not say which went where."""
    pay = applied(
        "1410",
        ("900.00", "1190", "Invoice"),
        ("600.00", "1191", "Invoice"),
        ("1000.00", "1300", "CreditMemo"),
    )
    found = credits_on_invoices([a_credit("1000.00")], [pay], currency="USD")
    assert [(one.invoice_id, one.net_minor) for one in found] == [
        ("1190", 90_000),
        ("1191", 10_000),
    ]


@pytest.mark.parametrize("fields", [{"status": "Deleted"}, {"Line": []}])
def test_an_application_that_was_taken_back_counts_nothing(fields: dict[str, Any]) -> None:
    """The payment over nothing was deleted or voided."""
    body = a_payment("1410", amount="0", **fields)
    assert not credits_on_invoices([a_credit("1000.00")], [parse_payment(body)], currency="USD")


@given(
    amounts=st.lists(st.integers(1, 300_000), min_size=1, max_size=4),
    tax=st.integers(0, 50_000),
    cuts=st.lists(st.integers(1, 100_000), max_size=6),
)
def test_the_parts_of_a_credit_add_up_to_it(amounts: list[int], tax: int, cuts: list[int]) -> None:
    """However it is applied: net, tax and each line, once it is used up."""
    credit = a_credit(*(f"{one / 100:.2f}" for one in amounts), tax=f"{tax / 100:.2f}")
    left, parts = sum(amounts) + tax, []
    for cut in cuts:
        parts.append(min(cut, left))
        left -= parts[-1]
    parts.append(left)
    payments = [
        applied(
            str(1410 + place),
            (f"{part / 100:.2f}", "1190", "Invoice"),
            (f"{part / 100:.2f}", "1300", "CreditMemo"),
        )
        for place, part in enumerate(parts)
        if part
    ]
    found = credits_on_invoices([credit], payments, currency="USD")

    assert sum(one.net_minor for one in found) == sum(amounts)
    assert sum(one.tax_minor for one in found) == tax
    assert all(sum(one.by_line.values()) == -one.net_minor for one in found)
    for place, amount in enumerate(amounts, start=1):
        assert sum(one.by_line[f"cm1300:{place}"] for one in found) == -amount
