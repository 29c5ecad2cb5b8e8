"""Sales tax of a US company: by the company's rates, once per rate, on what is taxable."""

from decimal import Decimal

TAXED = {"TaxCodeRef": {"value": "TAX"}}
NOT_TAXED = {"TaxCodeRef": {"value": "NON"}}


def test_each_rate_is_rounded_once_on_the_whole_document(client):
    """4.85 % and 3.10 % of 20.10: 0.97485 and 0.6231, not per line."""
    form = client.invoice(Line=[client.line("10.05", **TAXED), client.line("10.05", **TAXED)])

    assert [row["Amount"] for row in form["TxnTaxDetail"]["TaxLine"]] == [
        Decimal("0.97"),
        Decimal("0.62"),
    ]
    assert form["TotalAmt"] == Decimal("21.69")


def test_only_taxable_lines_are_taxed(client):
    """A NON line adds to the total and not to the base."""
    form = client.invoice(Line=[client.line(100, **TAXED), client.line(50, **NOT_TAXED)])

    [first, _] = form["TxnTaxDetail"]["TaxLine"]
    assert first["TaxLineDetail"]["NetAmountTaxable"] == 100
    assert form["TotalAmt"] == Decimal("157.95")


def test_line_without_code_follows_its_item(client):
    """A slab is taxable, labour is not."""
    slab = client.invoice(Line=[client.line(100, item="Granite slab")])
    labour = client.invoice(Line=[client.line(100, item="Installation")])

    assert (slab["TxnTaxDetail"]["TotalTax"], labour["TxnTaxDetail"]["TotalTax"]) == (
        Decimal("7.95"),
        0,
    )


def test_exempt_customer_pays_no_tax(client):
    """Whatever the lines say."""
    school = client.customer("Wasatch Community School")

    form = client.invoice(CustomerRef=school, Line=[client.line(100, **TAXED)])

    assert form["TotalAmt"] == Decimal("100.00")


def test_discount_lowers_the_base_only_when_the_form_says_so(client):
    """`ApplyTaxAfterDiscount` false taxes the full amount."""
    lines = [
        client.line(100, **TAXED),
        {"Amount": 20, "DetailType": "DiscountLineDetail", "DiscountLineDetail": {}},
    ]

    before = client.invoice(Line=lines)
    after = client.invoice(Line=lines, ApplyTaxAfterDiscount=True)

    assert before["TotalAmt"] == Decimal("87.95")
    assert after["TotalAmt"] == Decimal("86.36")


def test_clients_own_tax_code_is_replaced_by_the_companys(client):
    """Automated sales tax decides the rate itself."""
    form = client.invoice(
        Line=[client.line(100, **TAXED)], TxnTaxDetail={"TxnTaxCodeRef": {"value": "NON"}}
    )

    assert form["TxnTaxDetail"]["TxnTaxCodeRef"] == {"value": "2"}
    assert form["TxnTaxDetail"]["TotalTax"] == Decimal("7.95")


def test_clients_own_tax_total_is_honoured_and_marked(client):
    """It is spread over the rates to the cent, and stays until the lines change."""
    form = client.invoice(Line=[client.line(100, **TAXED)], TxnTaxDetail={"TotalTax": "8.00"})

    detail = form["TxnTaxDetail"]
    assert sum(row["Amount"] for row in detail["TaxLine"]) == Decimal("8.00")
    assert detail["TaxReviewStatus"] == "AST_TAX_OVERRIDE"
    noted = client.change("Invoice", form, PrivateNote="x")
    assert noted["TotalAmt"] == Decimal("108.00")
    changed = client.change("Invoice", noted, Line=[client.line(200, **TAXED)])
    assert changed["TotalAmt"] == Decimal("215.90")


def test_company_without_sales_tax_stores_none(client):
    """What a client sends as tax is dropped."""
    client.prefer(TaxPrefs={"UsingSalesTax": False})

    form = client.invoice(Line=[client.line(100, **TAXED)], TxnTaxDetail={"TotalTax": 9})

    assert "TxnTaxDetail" not in form
    assert form["TotalAmt"] == Decimal("100.00")
