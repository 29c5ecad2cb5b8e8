"""What subscribers are told, and in which words."""

import pytest

from sandbox.notices import cloud_events, legacy


@pytest.fixture
def told(books):
    """Return a function that gives the events queued since it was last asked."""
    books.outbox.register("http://a/", "cloudevents")

    def take():
        pending = books.outbox.subscriptions["http://a/"].pending
        events = [(event["entity"], event["operation"]) for event in pending]
        pending.clear()
        return events

    return take


def test_payment_tells_of_itself_and_of_what_it_paid(client, told):
    """The invoice's balance moved: that is an update of the invoice."""
    invoice = client.invoice(10)
    told()

    payment = client.pay(10, (invoice, 10))
    assert told() == [("Payment", "Create"), ("Invoice", "Update")]
    client.void("Payment", payment)

    assert sorted(told()) == [("Invoice", "Update"), ("Payment", "Void")]


def test_entry_made_inactive_is_told_as_deleted(client, told):
    """Every other change of a list entry is an update."""
    customer = client.save("Customer", {"DisplayName": "Al"})
    client.change("Customer", customer, Notes="x")
    client.change("Customer", client.again("Customer", customer), Active=False)

    assert told() == [("Customer", "Create"), ("Customer", "Update"), ("Customer", "Delete")]


def test_sent_form_is_told_as_emailed(client, company, told):
    """And only as that."""
    invoice = client.invoice(10)
    told()

    company.send("Invoice", invoice["Id"], actor="a", send_to="a@example.com")

    assert told() == [("Invoice", "Emailed")]


def test_linked_estimate_is_told_as_updated(client, told):
    """It was converted by the invoice."""
    estimate = client.estimate(10)
    told()

    client.invoice(10, LinkedTxn=[{"TxnId": estimate["Id"], "TxnType": "Estimate"}])

    assert told() == [("Invoice", "Create"), ("Estimate", "Update")]


def test_nobody_is_told_of_a_write_that_is_to_stay_silent(client, told):
    """`notify=False` is how a test loses a webhook."""
    client.save("Invoice", client.form(), notify=False)

    assert told() == []


EVENT = {
    "id": "e-1",
    "realm_id": "9",
    "entity": "Invoice",
    "entity_id": "145",
    "operation": "Void",
    "at": "2026-05-04T18:00:00.123456+00:00",
}


def test_cloud_event_has_intuits_fields():
    """Nine digits of a second in UTC, lower-case type, empty data."""
    [event] = cloud_events([EVENT], source="intuit.x")

    assert event == {
        "specversion": "1.0",
        "id": "e-1",
        "source": "intuit.x",
        "type": "qbo.invoice.voided.v1",
        "datacontenttype": "application/json",
        "time": "2026-05-04T18:00:00.123456000Z",
        "intuitentityid": "145",
        "intuitaccountid": "9",
        "data": {},
    }


def test_older_envelope_groups_by_company():
    """Several companies share one post."""
    body = legacy([EVENT, {**EVENT, "realm_id": "8"}, {**EVENT, "entity_id": "146"}])

    first, second = body["eventNotifications"]
    assert (first["realmId"], second["realmId"]) == ("9", "8")
    assert first["dataChangeEvent"]["entities"] == [
        {
            "name": "Invoice",
            "id": id,
            "operation": "Void",
            "lastUpdated": "2026-05-04T18:00:00.123Z",
        }
        for id in ("145", "146")
    ]
