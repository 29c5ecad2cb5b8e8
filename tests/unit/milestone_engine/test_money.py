"""Reading, printing and splitting amounts."""

from __future__ import annotations

import pytest

from milestone_engine import AllocationError, MoneyError, allocate, format_money, is_settled
from milestone_engine import minor_units as decimals_of
from milestone_engine.money import EXPONENTS, parse_money


@pytest.mark.parametrize(
    ("currency", "decimals"), [("USD", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4), ("CHF", 2)]
)
def test_a_currency_has_its_decimals(currency, decimals):
    """By ISO 4217."""
    assert decimals_of(currency) == decimals


def test_the_table_holds_the_active_currencies():
    """165 codes with a minor unit; metals, test codes and what was withdrawn are not among them."""
    assert len(EXPONENTS) == 165
    assert not {"XAU", "XTS", "XXX", "XDR", "HRK", "DEM", "BGN", "ANG"} & set(EXPONENTS)


@pytest.mark.parametrize("currency", ["usd", "US", "XXX", "", None, 840, "USD "])
def test_refuses_an_unknown_currency(currency):
    """Codes are three capital letters of the list."""
    with pytest.raises(MoneyError) as caught:
        decimals_of(currency)

    assert (caught.value.code, caught.value.at) == ("currency_unknown", "currency")


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [
        ("12000.00", "USD", 1200000),
        ("12000", "USD", 1200000),
        ("12000.5", "USD", 1200050),
        ("0", "USD", 0),
        ("-0.00", "USD", 0),
        ("-0.05", "USD", -5),
        ("007.10", "USD", 710),
        ("12000", "JPY", 12000),
        ("1.234", "KWD", 1234),
        ("1.2345", "CLF", 12345),
        ("999999999999999.99", "USD", 99999999999999999),
    ],
)
def test_reads_an_amount(text, currency, amount):
    """Missing decimals are zeros."""
    assert parse_money(text, currency=currency) == amount


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("12.345", "decimals"),
        ("12.000", "decimals"),
        ("1,000.00", "money_text"),
        ("1 000", "money_text"),
        (" 12", "money_text"),
        ("12\n", "money_text"),
        ("+12", "money_text"),
        ("--12", "money_text"),
        ("12.", "money_text"),
        (".5", "money_text"),
        ("1e3", "money_text"),
        ("NaN", "money_text"),
        ("Infinity", "money_text"),
        ("", "money_text"),
        ("١٢", "money_text"),
        ("1_000", "money_text"),
        (12000, "money_text"),
        (12000.0, "money_text"),
        (None, "money_text"),
        (True, "money_text"),
        (["12"], "money_text"),
        ("1" * 16, "too_large"),
        ("9" * 5000, "too_large"),
    ],
)
def test_refuses_what_is_no_amount(text, code):
    """Each of these has been read as some other amount by some program."""
    with pytest.raises(MoneyError) as caught:
        parse_money(text, currency="USD", at="contract_total")

    assert (caught.value.code, caught.value.at) == (code, "contract_total")
    assert len(caught.value.message) < 200


def test_decimals_of_a_currency_without_any():
    """Yen have none, not even zeros."""
    with pytest.raises(MoneyError) as caught:
        parse_money("12000.00", currency="JPY")

    assert caught.value.code == "decimals"


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (1200000, "USD", "12000.00"),
        (5, "USD", "0.05"),
        (-5, "USD", "-0.05"),
        (-1200, "USD", "-12.00"),
        (0, "USD", "0.00"),
        (0, "JPY", "0"),
        (-12000, "JPY", "-12000"),
        (1, "KWD", "0.001"),
        (12345, "CLF", "1.2345"),
    ],
)
def test_prints_an_amount(amount, currency, text):
    """All decimals of the currency, no separators; reading it gives the same."""
    assert format_money(amount, currency=currency) == text
    assert parse_money(text, currency=currency) == amount


@pytest.mark.parametrize(
    ("total", "weights", "expected"),
    [
        pytest.param(547, [3334, 3333, 3333], [183, 182, 182], id="E37"),
        pytest.param(10000, [1, 1, 1], [3333, 3333, 3334], id="E39a"),
        pytest.param(2000000, [1, 1, 1], [666666, 666667, 666667], id="E39b"),
        pytest.param(5000000, [1] * 12, [416666] * 4 + [416667] * 8, id="E40"),
        pytest.param(1000000, [1, 1, 1], [333333, 333333, 333334], id="E42"),
        pytest.param(2, [1, 1, 1], [0, 1, 1], id="E44"),
        pytest.param(-10000, [1, 1, 1], [-3333, -3333, -3334], id="a-credit-rounds-toward-zero"),
        pytest.param(100, [0, 1, 0], [0, 100, 0], id="a-zero-weight-gets-nothing"),
        pytest.param(0, [1, 2], [0, 0], id="nothing-to-split"),
    ],
)
def test_allocates(total, weights, expected):
    """The parts add up; the later one takes the odd cent."""
    assert allocate(total, weights) == expected


@pytest.mark.parametrize("weights", [[], [0], [0, 0], [1, -1], [2, -1]])
def test_refuses_to_allocate(weights):
    """No weights, only zeros or a negative one."""
    with pytest.raises(AllocationError) as caught:
        allocate(100, weights)

    assert caught.value.code == "weights"


@pytest.mark.parametrize(
    ("billed", "paid", "settled"),
    [
        (100, 100, True),
        (100, 101, True),
        (100, 99, True),
        (100, 98, False),
        (99, 98, False),
        (99, 99, True),
        (0, 0, True),
    ],
)
def test_settled(billed, paid, settled):
    """In full, or one unit short of 100 units or more."""
    assert is_settled(billed_minor=billed, paid_minor=paid) is settled
