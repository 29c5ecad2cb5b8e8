"""Rates, notes and files, recurring transactions, the tax service, receipts, change orders."""

import pytest

from sandbox.files import File
from tests.unit.sandbox.conftest import known


def test_exchange_rate_is_set_and_has_no_id(client):
    """One per currency and day; the second one replaces the first."""
    client.save("ExchangeRate", {"SourceCurrencyCode": "EUR", "Rate": "1.10"})
    client.save("ExchangeRate", {"SourceCurrencyCode": "EUR", "Rate": "1.20"})

    rates = client.ask("SELECT * FROM ExchangeRate WHERE SourceCurrencyCode = 'EUR'")

    assert [(row["Rate"].to_eng_string(), row["TargetCurrencyCode"]) for row in rates] == [
        ("1.20", "USD")
    ]
    assert "Id" not in rates[0]


def test_uploaded_file_comes_back_byte_for_byte(company):
    """Its content is not among what is shown of the attachable."""
    answer = company.attach(
        {"Note": "plan"},
        content=b"\x00\xff",
        content_type="image/png",
        file_name="plan.png",
        actor="client:test",
    )["Attachable"]

    assert (answer["FileName"], answer["Size"], answer["Note"]) == ("plan.png", 2, "plan")
    assert not any(name.startswith("_") for name in answer)
    assert company.file_of(answer["Id"]) == File(
        name="plan.png", content_type="image/png", content=b"\x00\xff"
    )


def a_template(client, name="Monthly", amount=50):
    """A recurring invoice as a client sends it."""
    info = {"Name": name, "RecurType": "Automated", "ScheduleInfo": {"IntervalType": "Monthly"}}
    return {"Invoice": {**client.form(amount), "RecurringInfo": info}}


def test_recurring_transaction_is_wrapped_in_its_kind(client, company):
    """On create, read, query, update and delete."""
    made = client.save("RecurringTransaction", a_template(client))["Invoice"]

    found = client.ask("SELECT * FROM RecurringTransaction WHERE Type = 'Invoice'")
    assert [row["Invoice"]["Id"] for row in found] == [made["Id"]]
    made["RecurringInfo"]["Name"] = "Quarterly"
    changed = client.save("RecurringTransaction", {"Invoice": made})["Invoice"]
    assert (changed["SyncToken"], changed["RecurringInfo"]["Name"]) == ("1", "Quarterly")
    company.delete("RecurringTransaction", {"Invoice": known(changed)}, actor="client:test")
    assert client.ask("SELECT * FROM RecurringTransaction") == []


def test_recurring_names_are_unique(client, refused):
    """6240."""
    client.save("RecurringTransaction", a_template(client))
    with refused("6240"):
        client.save("RecurringTransaction", a_template(client))


def test_tax_service_makes_a_code_with_its_rates(client, company):
    """The answer has no envelope; code and rate can be read afterwards."""
    agency = client.save("TaxAgency", {"DisplayName": "County"})["Id"]
    rate = {"TaxRateName": "County 2", "RateValue": 2, "TaxAgencyId": agency}

    answer = company.make_tax_code(
        {"TaxCode": "County", "TaxRateDetails": [rate]}, actor="client:test"
    )

    assert answer["TaxCode"] == "County"
    assert answer["TaxRateDetails"][0]["TaxAgencyId"] == agency
    assert client.read("TaxCode", answer["TaxCodeId"])["Name"] == "County"


def test_tax_codes_come_with_their_pseudo_codes_whatever_the_page(client):
    """A defect of QuickBooks that clients know: MAXRESULTS does not count TAX and NON."""
    names = [row["Name"] for row in client.ask("SELECT * FROM TaxCode MAXRESULTS 1")]

    assert names[:2] == ["TAX", "NON"]
    assert len(names) == 3


def test_sales_receipt_is_paid_and_can_be_voided(client):
    """It has no balance from the start, and needs no customer."""
    receipt = client.save("SalesReceipt", {"Line": [client.line(80)]})
    assert (receipt["TotalAmt"], receipt["Balance"]) == (80, 0)

    voided = client.void("SalesReceipt", receipt)

    assert (voided["TotalAmt"], voided["PrivateNote"]) == (0, "Voided")


def test_refund_receipt_needs_the_account_it_is_paid_from(client, refused):
    """2020 without."""
    with refused("2020"):
        client.save("RefundReceipt", {"Line": [client.line(80)]})


def test_change_order_names_its_estimate(client, refused):
    """2020 without, 2500 for one that is not there; the estimate itself stays as it is."""
    estimate = client.estimate(100)
    with refused("2020"):
        client.save("ChangeOrder", client.form(10))
    with refused("2500"):
        link = {"TxnId": "99999", "TxnType": "Estimate"}
        client.save("ChangeOrder", client.form(10, LinkedTxn=[link]))

    link = {"TxnId": estimate["Id"], "TxnType": "Estimate"}
    order = client.save("ChangeOrder", client.form(10, LinkedTxn=[link]))

    assert order["TotalAmt"] == 10
    assert client.again("Estimate", estimate) == estimate


@pytest.mark.parametrize("entity", ["CreditMemo", "RefundReceipt", "Payment", "ChangeOrder"])
def test_document_numbers_have_their_limit(client, refused, entity):
    """21 characters on every form, 2050 beyond."""
    name = "PaymentRefNum" if entity == "Payment" else "DocNumber"
    with refused("2050"):
        client.save(entity, {name: "x" * 22})
