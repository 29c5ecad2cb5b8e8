"""What a sales form gets besides its lines: number, dates, terms, custom fields, closed books."""

import pytest


def test_company_with_own_numbers_leaves_a_missing_number_blank(client):
    """It is not the next one; `AutoDocNumber` asks for that."""
    assert "DocNumber" not in client.invoice()
    assert client.invoice(DocNumber="2099")["DocNumber"] == "2099"
    assert client.invoice(AutoDocNumber=True)["DocNumber"] == "2100"


def test_company_without_own_numbers_counts_by_itself(client):
    """A number that is sent is taken, even twice: the reason not to send one."""
    client.prefer(SalesFormsPrefs={"CustomTxnNumbers": False})

    first = client.invoice()
    second = client.invoice()

    assert int(second["DocNumber"]) == int(first["DocNumber"]) + 1
    assert client.invoice(DocNumber=first["DocNumber"])["DocNumber"] == first["DocNumber"]


def test_taken_number_is_refused_unless_allowed(client, company, books, refused):
    """6140 names the holder; `include=allowduplicatedocnum` or the switch lets it pass."""
    client.invoice(DocNumber="1042-M1")
    twin = client.form(DocNumber="1042-M1")

    with refused("6140"):
        client.save("Invoice", twin)
    assert client.save("Estimate", twin)["DocNumber"] == "1042-M1"
    assert client.save("Invoice", twin, options=frozenset({"allowduplicatedocnum"}))
    books.set({"refuse_duplicate_numbers": False})
    assert client.save("Invoice", twin)["DocNumber"] == "1042-M1"


def test_document_keeps_its_own_number_on_update(client):
    """A full update that sends the same number back is no duplicate of itself."""
    invoice = client.invoice(DocNumber="7-M1")
    known = {"Id": invoice["Id"], "SyncToken": "0"}

    assert client.save("Invoice", {**client.form(DocNumber="7-M1"), **known})


@pytest.mark.parametrize(
    ("fields", "due"),
    [
        pytest.param({}, "2026-05-19", id="company-default-net-15"),
        pytest.param({"SalesTermRef": {"value": "3"}}, "2026-06-03", id="own-net-30"),
        pytest.param({"DueDate": "2026-07-01"}, "2026-07-01", id="said"),
        pytest.param({"TxnDate": "2026-01-01"}, "2026-01-16", id="from-the-invoice-date"),
    ],
)
def test_due_date_follows_the_terms(client, fields, due):
    """A date that is sent wins, then the form's terms, the customer's, the company's."""
    assert client.invoice(**fields)["DueDate"] == due


def test_customers_terms_come_before_the_companys(client):
    """Blue Spruce Cafe has Net 30."""
    invoice = client.invoice(CustomerRef=client.customer("Blue Spruce Cafe"))

    assert (invoice["SalesTermRef"]["name"], invoice["DueDate"]) == ("Net 30", "2026-06-03")


def test_date_is_the_companys_own(client):
    """Late on 3 May in California it is already the 4th in UTC."""
    client.wait(days=-1)
    client.clock.at = client.clock.at.replace(day=5, hour=5)

    assert client.invoice()["TxnDate"] == "2026-05-04"


def test_addresses_come_from_the_customer_at_creation(client):
    """And only then: a full update without one clears it."""
    invoice = client.invoice()
    known = {"Id": invoice["Id"], "SyncToken": "0"}

    assert invoice["BillAddr"]["City"] == "Sandy"
    assert "BillAddr" not in client.save("Invoice", {**client.form(), **known})


def test_custom_field_is_known_by_its_definition(client, refused):
    """The name is the company's; a field that it does not have is 3000."""
    invoice = client.invoice(CustomField=[{"DefinitionId": "1", "StringValue": "2"}])

    assert invoice["CustomField"] == [
        {"DefinitionId": "1", "Name": "CO #", "Type": "StringType", "StringValue": "2"}
    ]
    with refused("3000"):
        client.invoice(CustomField=[{"DefinitionId": "2", "StringValue": "x"}])


def test_project_is_shown_on_documents_of_its_customer(client, refused):
    """Its id is not the customer's id; an unknown one is refused."""
    project = client.invoice(CustomerRef=client.customer("Bar and counter"))["ProjectRef"]

    cafe = client.customer("Blue Spruce Cafe")
    assert client.invoice(CustomerRef=cafe, ProjectRef=project)["ProjectRef"] == project
    assert project["value"] != client.customer("Bar and counter")["value"]
    with refused("2500"):
        client.invoice(ProjectRef={"value": "1"})


def test_closed_books_refuse_posting_documents_only(client, refused):
    """6210 for what is, was or would be dated in the closed period; an estimate posts nothing."""
    late = client.invoice(TxnDate="2026-05-02")
    early = client.invoice(TxnDate="2026-04-01")
    client.prefer(AccountingInfoPrefs={"BookCloseDate": "2026-04-30"})

    with refused("6210"):
        client.invoice(TxnDate="2026-04-30")
    with refused("6210"):
        client.change("Invoice", early, TxnDate="2026-05-01")
    with refused("6210"):
        client.change("Invoice", late, TxnDate="2026-04-01")
    with refused("6210"):
        client.void("Invoice", early)
    with refused("6210"):
        client.delete("Invoice", early)
    with refused("6210"):
        client.pay(10, TxnDate="2026-04-01")
    assert client.estimate(TxnDate="2026-04-01")
    assert client.change("Invoice", late, PrivateNote="x")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        pytest.param({"DocNumber": "x" * 22}, "2050", id="number-too-long"),
        pytest.param({"PrivateNote": "x" * 4001}, "2050", id="note-too-long"),
        pytest.param({"CustomerMemo": {"value": "x" * 1001}}, "2050", id="memo-too-long"),
        pytest.param({"TxnDate": "04.05.2026"}, "2060", id="date-unreadable"),
        pytest.param({"EmailStatus": "Perhaps"}, "2170", id="no-such-status"),
        pytest.param({"EmailStatus": "NeedToSend"}, "2020", id="to-send-without-address"),
        pytest.param({"CustomerRef": None}, "2020", id="no-customer"),
        pytest.param({"CustomerRef": {"value": "4711"}}, "2500", id="customer-unknown"),
        pytest.param({"CustomerRef": {"value": "Maja"}}, "2030", id="customer-is-no-id"),
        pytest.param({"ApplyTaxAfterDiscount": "maybe"}, "2120", id="neither-true-nor-false"),
        pytest.param({"Deposit": "lots"}, "2090", id="no-number"),
        pytest.param({"Line": [{"Amount": "1E15"}]}, "2090", id="more-than-fifteen-digits"),
    ],
)
def test_values_that_do_not_fit_are_refused(client, refused, fields, code):
    """Each with the code by which QuickBooks tells them apart."""
    with refused(code):
        client.invoice(**fields)


def test_sent_form_carries_delivery_and_the_address_it_went_to(client, company, refused):
    """`sendTo` overwrites the address; every call mails again; without an address it is 6420."""
    invoice = client.invoice(BillEmail={"Address": "a@example.com"})

    company.send("Invoice", invoice["Id"], actor="a")
    company.send("Invoice", invoice["Id"], actor="a", send_to="b@example.com")

    sent = client.again("Invoice", invoice)
    assert (sent["EmailStatus"], sent["BillEmail"]) == ("EmailSent", {"Address": "b@example.com"})
    assert sent["DeliveryInfo"]["DeliveryType"] == "Email"
    mails = [mail["to"] for mail in company.mails if mail["id"] == invoice["Id"]]
    assert mails == ["a@example.com", "b@example.com"]
    with refused("6420"):
        company.send("Invoice", client.invoice()["Id"], actor="a")
    with refused("2210"):
        company.send("Invoice", invoice["Id"], actor="a", send_to="nobody")


def test_estimate_cannot_be_voided_and_a_customer_not_deleted(client, refused):
    """Code 500: QuickBooks has no such operation."""
    with refused("500"):
        client.void("Estimate", client.estimate())
    with refused("500"):
        client.delete("Customer", client.read("Customer", "1"))


def test_paid_invoice_cannot_be_deleted(client, refused):
    """Payments have to be taken off it first."""
    invoice = client.invoice(100)
    payment = client.pay(100, (invoice, 100))

    with refused("800"):
        client.delete("Invoice", client.again("Invoice", invoice))

    client.void("Payment", payment)
    assert client.delete("Invoice", client.again("Invoice", invoice))["status"] == "Deleted"


def test_voiding_twice_changes_nothing_but_the_version(client):
    """The note says "Voided" once."""
    once = client.void("Invoice", client.invoice(PrivateNote="ms:1"))

    twice = client.void("Invoice", once)

    assert twice["PrivateNote"] == once["PrivateNote"] == "Voided - ms:1"


def test_preferences_keep_what_is_not_sent_and_what_is_read_only(client, refused):
    """Groups are merged name by name; progress invoicing cannot be turned on or off."""
    client.prefer(SalesFormsPrefs={"AutoApplyCredit": True, "UsingProgressInvoicing": False})

    prefs = client.read("Preferences", "1")["SalesFormsPrefs"]
    assert (prefs["AutoApplyCredit"], prefs["UsingProgressInvoicing"]) == (True, True)
    assert prefs["CustomTxnNumbers"] is True
    with refused("2010"):
        client.prefer(SalesFormsPrefs="all")


def test_amount_that_has_too_many_digits_is_refused(client, refused):
    """2140 where each factor fits and the product does not."""
    with refused("2140"):
        client.invoice(Line=[client.line(None, Qty="9E14", UnitPrice="9E14")])
