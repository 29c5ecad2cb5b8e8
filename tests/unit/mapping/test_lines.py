"""Lines: bundles walked, subtotals and texts left out, discounts spread."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.errors import DocumentError
from mapping.lines import LineKind, minor_of, money_lines, net_amounts, parse_lines, walk
from tests.builders import a_bundle, a_discount, a_fixture, a_line, a_text, an_estimate

cents = st.integers(min_value=-(10**9), max_value=10**9)


def _net(*lines):
    raw = an_estimate(lines=list(lines))
    return [(line.id, amount) for line, amount in net_amounts(parse_lines(raw), currency="USD")]


def test_money_stands_on_sales_lines_and_children_of_bundles():
    """The bundle's own amount repeats its children's, as the subtotal repeats all."""
    lines = parse_lines(a_fixture("estimate_bundle_discount"))

    assert [line.id for line in money_lines(lines)] == ["5", "6", "7"]
    assert [line.kind for line in lines][-2:] == [LineKind.SUBTOTAL, LineKind.DISCOUNT]
    assert lines[1].item is not None
    assert lines[1].item.name == "Bath package"


def test_a_text_line_has_no_money_whatever_its_amount_says():
    """The UI leaves amounts on text lines."""
    assert _net(a_line(), a_text("Subtotal: kitchen", amount="12000.00")) == [("1", 1_200_000)]


def test_a_sales_line_without_an_item_is_only_words():
    """QuickBooks ignores its amount, and so do we."""
    bare = a_line("2", "500.00")
    del bare["SalesItemLineDetail"]["ItemRef"]

    assert _net(a_line(), bare) == [("1", 1_200_000)]


def test_a_discount_is_spread_over_what_it_covers():
    """250.00 over 900 + 450 + 1,150 by largest remainder."""
    lines = parse_lines(a_fixture("estimate_bundle_discount"))

    found = [amount for _, amount in net_amounts(lines, currency="USD")]

    assert found == [81_000, 40_500, 103_500]


def test_a_percent_discount_is_what_quickbooks_says():
    """10 % of 100.05 is 10.005: QuickBooks rounded it, we do not round again."""
    assert _net(a_line("1", "100.05"), a_discount("10.01", percent="10")) == [("1", 9_004)]


def test_a_discount_does_not_cover_shipping_or_deductions():
    """They keep their amounts."""
    shipping = a_line("2", "100.00", item="SHIPPING_ITEM_ID")
    deduction = a_line("3", "-50.00")

    found = _net(a_line("1", "1000.00"), shipping, deduction, a_discount("100.00"))

    assert found == [("1", 90_000), ("2", 10_000), ("3", -5_000)]


def test_a_discount_that_covers_no_line_is_refused():
    """There is nothing to take it from."""
    with pytest.raises(DocumentError) as caught:
        _net(a_line("1", "-5.00"), a_discount("1.00"))

    assert caught.value.code == "discount_spread"


@given(st.lists(st.integers(min_value=1, max_value=10**9), min_size=1, max_size=12), st.data())
def test_net_lines_add_up_to_subtotal_less_discount(amounts, data):
    """No cent is lost in the spread."""
    discount = data.draw(st.integers(min_value=0, max_value=sum(amounts)))
    lines = [a_line(str(i), str(Decimal(cent) / 100)) for i, cent in enumerate(amounts, start=1)]

    found = _net(*lines, a_discount(str(Decimal(discount) / 100)))

    assert sum(amount for _, amount in found) == sum(amounts) - discount
    assert all(0 <= amount <= before for (_, amount), before in zip(found, amounts, strict=True))


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        pytest.param("12.34", "USD", 1234, id="cents"),
        pytest.param("1200", "JPY", 1200, id="yen"),
        pytest.param("1200.00", "JPY", 1200, id="yen-with-zeros"),
        pytest.param("1.234", "KWD", 1234, id="fils"),
        pytest.param("-0.05", "USD", -5, id="deduction"),
    ],
)
def test_amounts_become_minor_units(amount, currency, minor):
    """By the currency's own number of decimals."""
    assert minor_of(Decimal(amount), currency=currency, at="Amount") == minor


@pytest.mark.parametrize(("amount", "currency"), [("0.005", "USD"), ("0.1", "JPY")])
def test_more_decimals_than_the_currency_has_are_refused(amount, currency):
    """Rounding here would lose money silently."""
    with pytest.raises(DocumentError) as caught:
        minor_of(Decimal(amount), currency=currency, at="Line[0].Amount")

    assert (caught.value.code, caught.value.at) == ("decimals", "Line[0].Amount")


def test_the_place_of_a_childs_amount_is_named():
    """A person can find it."""
    bundle = a_bundle("4", a_line("5", "1.005"))

    with pytest.raises(DocumentError) as caught:
        _net(a_line(), bundle)

    assert caught.value.at == "Line[1].GroupLineDetail.Line[0].Amount"


def test_bundles_without_end_are_refused():
    """QuickBooks has none; a hostile document may."""
    line = a_line()
    for _ in range(20):
        line = a_bundle("9", line)

    with pytest.raises(DocumentError) as caught:
        parse_lines({"Line": [line]})

    assert caught.value.code == "lines_too_deep"


def test_an_unknown_kind_of_line_is_kept_and_has_no_money():
    """QuickBooks adds kinds; the total tells if one of them mattered."""
    found = list(walk(parse_lines({"Line": [{"DetailType": "New", "Amount": 5}]})))

    assert [(line.kind, line.is_money) for line in found] == [(LineKind.OTHER, False)]


def test_a_line_says_whether_it_is_taxed():
    """NON and no code at all are untaxed."""
    bare = a_line("3")
    del bare["SalesItemLineDetail"]["TaxCodeRef"]

    found = parse_lines({"Line": [a_line("1", tax_code="TAX"), a_line("2"), bare]})

    assert [line.is_taxed for line in found] == [True, False, False]
