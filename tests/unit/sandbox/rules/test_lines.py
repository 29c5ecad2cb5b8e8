"""Lines of a sales form: amounts, bundles, subtotal, discount, what does not add up."""

from decimal import Decimal

import pytest


def kinds(form):
    return [line["DetailType"] for line in form["Line"]]


def test_subtotal_stands_between_items_and_discount(client):
    """Wherever a client puts its discount, QuickBooks puts the subtotal before it."""
    discount = {"Amount": 10, "DetailType": "DiscountLineDetail", "DiscountLineDetail": {}}

    form = client.estimate(Line=[client.line(40), discount, client.line(60)])

    assert kinds(form) == [
        "SalesItemLineDetail",
        "SalesItemLineDetail",
        "SubTotalLineDetail",
        "DiscountLineDetail",
    ]
    assert "Id" not in form["Line"][2]
    assert form["Line"][2]["Amount"] == Decimal("100.00")
    assert form["TotalAmt"] == Decimal("90.00")


def test_percent_discount_is_worked_out_from_the_subtotal(client):
    """Half up to the cent: 33 % of 0.05 is 0.02."""
    discount = {
        "DetailType": "DiscountLineDetail",
        "DiscountLineDetail": {"PercentBased": True, "DiscountPercent": 33},
    }

    form = client.estimate(Line=[client.line("0.05"), discount])

    assert form["Line"][-1]["Amount"] == Decimal("0.02")
    assert form["TotalAmt"] == Decimal("0.03")


def test_bundle_unfolds_into_its_items_and_counts_them(client):
    """Quantity of the bundle times quantity of the part, at the part's own price."""
    bundle = {
        "DetailType": "GroupLineDetail",
        "GroupLineDetail": {
            "GroupItemRef": {"value": client.id_of("Item", "Bath package")},
            "Quantity": 2,
        },
    }

    form = client.estimate(Line=[bundle])

    parts = form["Line"][0]["GroupLineDetail"]["Line"]
    assert [part["Amount"] for part in parts] == [
        Decimal("1872.00"),
        Decimal("1280.00"),
        Decimal("700.00"),
        Decimal("2400.00"),
    ]
    assert len({form["Line"][0]["Id"], *(part["Id"] for part in parts)}) == 5
    assert form["Line"][-1]["Amount"] == Decimal("6252.00")


def test_line_without_item_is_documentation_and_worth_nothing(client):
    """Its amount does not count towards the total."""
    text = {"Amount": 500, "Description": "by hand", "DetailType": "SalesItemLineDetail"}

    form = client.invoice(Line=[client.line(100), text])

    assert form["TotalAmt"] == Decimal("100.00")
    assert form["Line"][1]["DetailType"] == "DescriptionOnly"


def test_amount_is_worked_out_where_it_is_missing(client):
    """Quantity times price, rounded half up."""
    line = client.line(None, Qty="1.5", UnitPrice="10.33")

    assert client.invoice(Line=[line])["TotalAmt"] == Decimal("15.50")


def test_zeros_that_clients_fill_in_are_not_taken_at_their_word(client):
    """python-quickbooks sends Qty 0 and UnitPrice 0 with every line."""
    line = client.line(100, Qty=0, UnitPrice=0)

    assert client.invoice(Line=[line])["TotalAmt"] == Decimal("100.00")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        pytest.param({"Amount": "9.99", "Qty": 1, "UnitPrice": 10}, "6070", id="off-by-a-cent"),
        pytest.param({"TaxCodeRef": {"value": "5"}, "Amount": 1}, "6100", id="tax-code-not-us"),
        pytest.param({"Amount": None}, "2020", id="no-amount-and-no-price"),
        pytest.param({"Amount": 1, "ClassRef": {"value": "77"}}, "2500", id="class-unknown"),
        pytest.param({"Amount": 1, "item": "Bath package"}, "6000", id="bundle-as-plain-item"),
    ],
)
def test_lines_that_do_not_add_up_are_refused(client, refused, line, code):
    """QuickBooks checks what a client worked out."""
    amount = line.pop("Amount", None)

    with refused(code):
        client.invoice(Line=[client.line(amount, **line)])


def test_form_without_any_item_is_refused(client, refused):
    """A form that sells nothing is none; an inline subtotal counts as something."""
    with refused("2020"):
        client.invoice(Line=[])
    with refused("6000"):
        client.invoice(Line=[{"Description": "words", "DetailType": "DescriptionOnly"}])


def test_discount_without_percent_and_amount_is_refused(client, refused):
    """6090: it says nothing."""
    empty = {"DetailType": "DiscountLineDetail", "DiscountLineDetail": {"PercentBased": True}}

    with refused("6090"):
        client.invoice(Line=[client.line(10), empty])


def test_total_below_zero_is_refused(client, refused):
    """A negative line is fine as long as the form is not."""
    assert client.estimate(Line=[client.line(100), client.line(-30)])["TotalAmt"] == 70

    with refused("6000"):
        client.estimate(Line=[client.line(100), client.line(-130)])
