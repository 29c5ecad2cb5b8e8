"""A Canadian company: a numbered code on every line, rates added up, prices with tax inside; and
several currencies.
"""

from decimal import Decimal

import pytest

from sandbox.books import Books
from sandbox.clock import FixedClock, MovableClock
from sandbox.journal import MemoryJournal
from sandbox.seeds import read_company_file, shipped_files
from tests.unit.sandbox.conftest import OPENED, Client, CountedIds


def opened(name: str) -> Client:
    """Open one of the company files that are not opened by default."""
    clock = FixedClock(OPENED)
    books = Books(MemoryJournal(), clock=MovableClock(clock), ids=CountedIds())
    books.found([read_company_file(shipped_files()[0].parent / f"{name}.json")])
    return Client(books.first_company(), clock)


@pytest.fixture
def maple():
    """The builder in Toronto."""
    return opened("maple")


def a_form(client, amount, code=None, **fields):
    """A form of one line with a tax code."""
    detail = {"ItemRef": {"value": client.id_of("Item", "Permit")}}
    if code:
        detail["TaxCodeRef"] = {"value": client.id_of("TaxCode", code)}
    line = {"Amount": amount, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": detail}
    return {"CustomerRef": client.customer("Osei, Kwame"), "Line": [line], **fields}


def test_two_rates_of_one_code_are_added_up(maple):
    """5 % and 9.975 % of the same base, each rounded once."""
    invoice = maple.save("Invoice", a_form(maple, 1000, "GST/QST QC - 9.975"))

    assert [row["Amount"] for row in invoice["TxnTaxDetail"]["TaxLine"]] == [
        Decimal("50.00"),
        Decimal("99.75"),
    ]
    assert invoice["TotalAmt"] == Decimal("1149.75")
    assert invoice["GlobalTaxCalculation"] == "TaxExcluded"


def test_line_without_code_is_refused(maple, refused):
    """6000, in QuickBooks' own words for Canada."""
    with refused("6000"):
        maple.save("Invoice", a_form(maple, 100))


def test_pseudo_code_of_the_us_means_nothing_abroad(maple, refused):
    """TAX and NON are American."""
    body = a_form(maple, 100)
    body["Line"][0]["SalesItemLineDetail"]["TaxCodeRef"] = {"value": "NON"}
    with refused("6000"):
        maple.save("Invoice", body)


def test_price_with_tax_inside_keeps_its_total(maple):
    """The line shows the net, and the gross beside it."""
    body = a_form(maple, 113, "HST ON", GlobalTaxCalculation="TaxInclusive")

    invoice = maple.save("Invoice", body)

    assert invoice["TotalAmt"] == Decimal("113.00")
    line = invoice["Line"][0]
    assert (line["Amount"], line["SalesItemLineDetail"]["TaxInclusiveAmt"]) == (100, 113)
    again = maple.change("Invoice", invoice, Line=invoice["Line"][:1])
    assert again["TotalAmt"] == Decimal("113.00")


def test_foreign_currency_shows_its_worth_at_home():
    """By the day's rate unless one is sent; the customer's currency is fixed."""
    sampler = opened("sampler")
    customer = sampler.customer("Estrela Lda")
    line = sampler.line(100, item="Pest Control", TaxCodeRef={"value": "NON"})
    body = {"CustomerRef": customer, "Line": [line]}

    invoice = sampler.save("Invoice", body)
    other = sampler.save("Invoice", {**body, "ExchangeRate": 2})

    assert (invoice["CurrencyRef"]["value"], invoice["ExchangeRate"]) == ("EUR", Decimal("1.09"))
    assert (invoice["HomeTotalAmt"], other["HomeTotalAmt"]) == (109, 200)


def test_other_currency_than_the_customers_is_refused(refused):
    """6000."""
    sampler = opened("sampler")
    line = sampler.line(100, item="Pest Control")
    body = {"CustomerRef": sampler.customer("Estrela Lda"), "Line": [line]}
    with refused("6000"):
        sampler.save("Invoice", {**body, "CurrencyRef": {"value": "USD"}})
