"""Writing to one company: versions, partial bodies, repeated requests, history."""

from decimal import Decimal

import pytest

from sandbox.books import Books
from sandbox.errors import Fault
from sandbox.journal import MemoryJournal


def test_new_document_starts_at_version_zero_with_pacific_times(client):
    """QuickBooks writes times with the Pacific offset, whatever the company's zone."""
    made = client.invoice()

    assert made["SyncToken"] == "0"
    assert made["MetaData"] == {
        "CreateTime": "2026-05-04T11:00:00-07:00",
        "LastUpdatedTime": "2026-05-04T11:00:00-07:00",
    }


def test_every_change_raises_the_version_by_one(client):
    """However many documents and rules take part, a version is one step of one document."""
    invoice = client.invoice(100)

    client.pay(60, (invoice, 60))

    assert client.again("Invoice", invoice)["SyncToken"] == "1"


def test_stale_version_is_refused_and_names_who_was_first(client, company, refused):
    """5010 tells whose work would have been overwritten."""
    old = client.invoice()
    body = {"Id": old["Id"], "SyncToken": "0", "sparse": True, "PrivateNote": "mine"}
    company.save("Invoice", body, actor="bookkeeper")

    with pytest.raises(Fault, match="You and bookkeeper were working") as caught:
        client.change("Invoice", old, PrivateNote="theirs")

    assert caught.value.code == "5010"
    assert client.again("Invoice", old)["PrivateNote"] == "mine"


def test_full_update_nulls_what_it_leaves_out(client):
    """Without `sparse` a body is the whole document."""
    invoice = client.invoice(PrivateNote="ms:1", BillEmail={"Address": "a@example.com"})

    body = {"Id": invoice["Id"], "SyncToken": "0", **client.form(100, PrivateNote="ms:2")}
    updated = client.save("Invoice", body)

    assert updated["PrivateNote"] == "ms:2"
    assert "BillEmail" not in updated
    assert updated["TxnDate"] == invoice["TxnDate"]


def test_sparse_update_changes_only_what_it_names(client):
    """Fields that are not in the body stay as they are, the lines among them."""
    invoice = client.invoice(PrivateNote="ms:1", BillEmail={"Address": "a@example.com"})

    updated = client.change("Invoice", invoice, PrivateNote="ms:2")

    changed = {name for name in updated if updated[name] != invoice.get(name)}
    assert changed == {"PrivateNote", "SyncToken"}


def test_sparse_update_replaces_the_lines_as_a_whole(client):
    """A sent `Line` is the new set; a known line keeps its id, a new one gets a new id."""
    invoice = client.invoice(Line=[client.line(40), client.line(60)])
    second = invoice["Line"][1]

    updated = client.change("Invoice", invoice, Line=[second, client.line(5)])

    ids = [line["Id"] for line in updated["Line"] if "Id" in line]
    assert ids == [second["Id"], "3"]
    assert updated["TotalAmt"] == Decimal("65.00")


def test_repeated_request_id_gets_the_first_answer_and_changes_nothing(client, company):
    """Also with another body, and after the document has moved on."""
    first = company.save("Invoice", client.form(100), actor="a", request_id="r-1")
    client.change("Invoice", first["Invoice"], PrivateNote="moved on")
    steps = len(company.tables.history)

    again = company.save("Invoice", client.form(999), actor="a", request_id="r-1")

    assert again == first
    assert len(company.tables.history) == steps


def test_request_id_has_a_length_limit(client, company, refused):
    """Fifty characters pass, one more is 2130."""
    company.save("Invoice", client.form(), actor="a", request_id="x" * 50)

    with refused("2130"):
        company.save("Invoice", client.form(), actor="a", request_id="x" * 51)


def test_refused_request_may_be_tried_again_with_the_same_id(client, company, refused):
    """By default only answers are remembered; a switch makes refusals stick too."""
    with refused("2500"):
        company.save(
            "Invoice", client.form(CustomerRef={"value": "999"}), actor="a", request_id="r"
        )

    assert company.save("Invoice", client.form(), actor="a", request_id="r")["Invoice"]["Id"]


def test_remembered_refusal_is_replayed_when_switched_on(client, company, books, refused):
    """The open question whether QuickBooks replays errors is a switch."""
    books.set({"remember_refusals": True})
    with refused("2500"):
        company.save(
            "Invoice", client.form(CustomerRef={"value": "999"}), actor="a", request_id="r"
        )

    with refused("2500"):
        company.save("Invoice", client.form(), actor="a", request_id="r")


def test_forgotten_request_id_acts_again(client, company, books):
    """With a window, an id that is older than it is new again."""
    books.set({"remember_requests_s": 60})
    first = company.save("Invoice", client.form(), actor="a", request_id="r")
    client.wait(seconds=61)

    second = company.save("Invoice", client.form(), actor="a", request_id="r")

    assert second["Invoice"]["Id"] != first["Invoice"]["Id"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param({"Id": "104"}, "2020", id="no-sync-token"),
        pytest.param({"Id": "abc", "SyncToken": "0"}, "2030", id="id-is-no-number"),
        pytest.param({"Id": "99999", "SyncToken": "0"}, "610", id="never-was"),
        pytest.param({"Id": "104", "SyncToken": "99"}, "5010", id="version-from-the-future"),
    ],
)
def test_update_needs_a_document_and_its_version(client, refused, body, code):
    """An update says exactly which version of which document it means."""
    with refused(code):
        client.save("Invoice", {**body, "sparse": True, "PrivateNote": "x"})


def test_unknown_field_is_refused_and_named(client, refused):
    """2010, also deep inside a line."""
    with pytest.raises(Fault, match='"Colour"') as caught:
        client.invoice(Colour="red")
    assert caught.value.code == "2010"
    line = client.line(5, Colour="red")
    with refused("2010"):
        client.invoice(Line=[line])


def test_read_only_fields_from_a_client_are_ignored(client):
    """Totals, balances and times are the server's."""
    invoice = client.invoice(100, TotalAmt=1, Balance=1, MetaData={"CreateTime": "2001-01-01"})

    assert (invoice["TotalAmt"], invoice["Balance"]) == (Decimal("100.00"), Decimal("100.00"))
    assert invoice["MetaData"]["CreateTime"].startswith("2026-05-04")


def test_history_keeps_actor_operation_before_and_after(client, company):
    """Every step of every document, with the request that caused it."""
    made = company.save("Invoice", client.form(), actor="client:app", request_id="r-9")["Invoice"]
    client.void("Invoice", made)

    create, void = company.tables.history[-2:]
    assert (create.actor, create.operation, create.request_id) == ("client:app", "Create", "r-9")
    assert create.before is None
    assert create.after == made
    assert (void.actor, void.operation, void.before) == ("client:test", "Void", made)
    assert void.after["TotalAmt"] == 0


def test_refused_write_leaves_no_trace(client, company, journal, refused):
    """Neither the journal nor the documents nor the history move, whatever rule refused last."""
    invoice = client.invoice(100)
    records, steps = len(journal.records), len(company.tables.history)

    with refused("6000"):
        client.pay(150, (invoice, 150))

    assert (len(journal.records), len(company.tables.history)) == (records, steps)
    assert client.again("Invoice", invoice) == invoice


def test_journal_brings_the_very_same_company_back(client, company, journal):
    """Reading the records again gives equal documents, history, mails and memory."""
    invoice = company.save("Invoice", client.form(120), actor="a", request_id="r")["Invoice"]
    client.pay(50, (invoice, 50))
    company.send("Invoice", invoice["Id"], actor="a", send_to="x@example.com")
    client.delete("Estimate", client.ask("SELECT * FROM Estimate WHERE DocNumber = '1047'")[0])

    copy = Books(MemoryJournal())
    for record in journal.records:
        copy.apply(record)

    twin = copy.first_company()
    assert twin.tables.rows == company.tables.rows
    assert twin.tables.history == company.tables.history
    assert twin.mails == company.mails
    assert twin.save("Invoice", {}, actor="a", request_id="r")["Invoice"] == invoice
    assert twin.tables.next_id("Invoice") == company.tables.next_id("Invoice")


def test_deleted_document_is_gone_for_readers_and_queries(client, refused):
    """Deleted is 610 for a read and silence for a query."""
    invoice = client.invoice(DocNumber="GONE")

    stub = client.delete("Invoice", invoice)

    assert stub == {"domain": "QBO", "status": "Deleted", "Id": invoice["Id"]}
    with refused("610"):
        client.again("Invoice", invoice)
    assert client.ask("SELECT * FROM Invoice WHERE DocNumber = 'GONE'") == []


def test_invoice_link_comes_only_when_asked_for_and_possible(client):
    """It takes `include=invoiceLink`, online payment, and somebody to send it to."""
    client.prefer(SalesFormsPrefs={"ETransactionPaymentEnabled": True})
    invoice = client.invoice(AllowOnlineACHPayment=True, BillEmail={"Address": "a@example.com"})

    assert "InvoiceLink" not in client.read("Invoice", invoice["Id"])
    assert client.read("Invoice", invoice["Id"], "invoicelink")["InvoiceLink"].startswith("https")
