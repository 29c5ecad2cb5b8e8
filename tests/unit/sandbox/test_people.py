"""A customer and a bookkeeper act by the same rules as any client; only the name differs."""

import pytest

from sandbox.people import NotPossible, Person


@pytest.fixture
def person(company):
    """Somebody at work in the company's books."""
    return Person(company)


def test_customer_pays_in_full_unless_an_amount_is_said(client, person):
    """The payment is applied to the invoice, and is in the customer's name."""
    invoice = client.invoice(100, DocNumber="P-1")

    payment = person.act("pay", {"document": "P-1"})["Payment"]

    assert payment["TotalAmt"] == 100
    assert client.again("Invoice", invoice)["Balance"] == 0
    assert client.company.tables.history[-1].actor == "customer"


def test_what_is_paid_too_much_stays_unapplied(client, person):
    """A customer may pay more than is open."""
    client.invoice(100, DocNumber="P-2")

    payment = person.act("pay", {"document": "invoice:P-2", "amount": "130"})["Payment"]

    assert (payment["TotalAmt"], payment["UnappliedAmt"]) == (130, 30)


def test_bounced_payment_leaves_its_deposit_and_is_voided(client, person):
    """What it had paid is open again, and both steps stand in the history."""
    invoice = client.invoice(100)
    payment = client.pay(100, (invoice, 100))
    said = {"document": f"#{payment['Id']}"}
    person.act("deposit", said)

    bounced = person.act("bounce", said)["Payment"]

    assert bounced["TotalAmt"] == 0
    assert bounced["PrivateNote"] == "Voided - Bounced"
    assert client.again("Invoice", invoice)["Balance"] == 100
    assert not client.company.tables.rows["Deposit"]


def test_converted_estimate_becomes_a_linked_invoice(client, person):
    """Same customer, same lines, same total; the estimate is used up."""
    estimate = client.estimate(250, DocNumber="E-9")

    invoice = person.act("convert", {"document": "E-9"})["Invoice"]

    assert invoice["TotalAmt"] == estimate["TotalAmt"]
    assert client.again("Estimate", estimate)["TxnStatus"] == "Converted"


def test_books_are_closed_and_opened_again(client, person, refused):
    """What lies in a closed period cannot be voided (6210)."""
    invoice = client.invoice(100)
    person.act("close-books", {"on": "2026-12-31"})

    with refused("6210"):
        person.act("void", {"document": f"invoice:#{invoice['Id']}"})
    person.act("close-books", {})
    person.act("void", {"document": f"invoice:#{invoice['Id']}"})

    assert client.again("Invoice", invoice)["TotalAmt"] == 0


@pytest.mark.parametrize("is_told", [True, False])
def test_a_merged_customer_leaves_its_documents_to_the_other(client, person, books, is_told):
    """With a new SyncToken and a word of it, or without either."""
    books.set({"merge_touches_documents": is_told})
    kept, merged = (client.save("Customer", {"DisplayName": name}) for name in ("Ann", "Ann B."))
    invoice = client.invoice(100, CustomerRef={"value": merged["Id"]})

    person.act("merge", {"document": merged["Id"], "into": kept["Id"]})

    moved = client.again("Invoice", invoice)
    assert moved["CustomerRef"]["value"] == kept["Id"]
    assert (moved["SyncToken"] != invoice["SyncToken"]) is is_told
    assert client.again("Customer", merged)["Active"] is False
    assert client.again("Customer", kept)["Balance"] == 100


def test_edit_sets_fields_or_the_price_of_the_first_line(client, person):
    """An edit is a sparse update; other lines stay."""
    estimate = client.estimate(Line=[client.line(100), client.line(50)], DocNumber="E-1")

    person.act("edit", {"document": "E-1", "set": {"PrivateNote": "late"}, "amount": 120})

    changed = client.again("Estimate", estimate)
    assert changed["PrivateNote"] == "late"
    assert changed["TotalAmt"] == 170


@pytest.mark.parametrize(
    ("verb", "wishes"),
    [
        pytest.param("fly", {}, id="no-such-verb"),
        pytest.param("pay", {}, id="no-document"),
        pytest.param("pay", {"document": "nowhere"}, id="unknown-number"),
        pytest.param("void", {"document": "moon:1"}, id="unknown-entity"),
        pytest.param("edit", {"document": "1042"}, id="nothing-to-edit"),
        pytest.param("edit", {"document": "1042", "set": 1}, id="set-is-no-object"),
        pytest.param("pay", {"document": "2011", "amount": "much"}, id="no-amount"),
        pytest.param("close-books", {"on": "soon"}, id="no-date"),
        pytest.param("merge", {"document": "nobody", "into": "1"}, id="nobody-to-merge"),
    ],
)
def test_what_makes_no_sense_is_told(person, verb, wishes):
    """The message says what is wrong."""
    with pytest.raises(NotPossible):
        person.act(verb, wishes)
