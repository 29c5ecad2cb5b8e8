"""Every open question about QuickBooks is a switch."""

from datetime import UTC, datetime

import pytest

from sandbox.notices import cloud_events
from sandbox.settings import SettingError


def changes(client, **step):
    """What change data capture says of invoices since a moment ago."""
    client.wait(**step)
    since = (client.clock.at).isoformat()
    answer = client.company.changes("Invoice", since)["CDCResponse"][0]["QueryResponse"][0]
    return [row["Id"] for row in answer.get("Invoice", ())]


def test_repeated_request_with_another_body_can_be_refused(books, client, refused):
    """Otherwise the first answer comes again."""
    first = client.save("Invoice", client.form(10), request_id="r")
    assert client.save("Invoice", client.form(11), request_id="r") == first

    books.set({"refuse_changed_repeats": True})

    assert client.save("Invoice", client.form(10), request_id="r") == first
    with refused("600"):
        client.save("Invoice", client.form(11), request_id="r")


def test_change_data_capture_may_leave_out_its_very_moment(books, client):
    """Inclusive unless told otherwise."""
    client.wait(hours=1)
    invoice = client.invoice(10)
    assert changes(client) == [invoice["Id"]]

    books.set({"cdc_inclusive": False})

    assert changes(client) == []


def test_change_data_capture_may_give_the_newest_first(books, client):
    """The order within a type is not documented."""
    client.wait(hours=1)
    since = client.clock.at.isoformat()
    made = [client.invoice(10)["Id"], client.invoice(10)["Id"]]

    def order():
        answer = client.company.changes("Invoice", since)["CDCResponse"][0]["QueryResponse"][0]
        return [row["Id"] for row in answer["Invoice"]]

    assert order() == made
    books.set({"cdc_newest_first": True})
    assert order() == made[::-1]


def test_link_may_leave_the_estimates_token_alone(books, client, journal):
    """Then the estimate is converted without an event of its own."""
    books.set({"link_touches_estimate": False})
    estimate = client.estimate(10)
    link = {"TxnId": estimate["Id"], "TxnType": "Estimate"}

    client.invoice(10, LinkedTxn=[link])

    taken = client.again("Estimate", estimate)
    assert (taken["TxnStatus"], taken["SyncToken"]) == ("Converted", estimate["SyncToken"])
    assert [row["entity"] for row in journal.records[-1]["events"]] == ["Invoice"]


def test_change_orders_may_be_unknown_to_change_data_capture(books, client, refused):
    """And to webhooks."""
    books.set({"change_orders_told": False})
    with refused("2170"):
        client.company.changes("ChangeOrder", "2026-05-01")


def test_void_has_two_words_and_data_may_be_filled():
    """CloudEvents, as different sources say."""
    at = datetime(2026, 5, 4, tzinfo=UTC).isoformat()
    event = {
        "id": "1",
        "realm_id": "2",
        "entity": "Invoice",
        "entity_id": "3",
        "operation": "Void",
        "at": at,
    }

    told = cloud_events([event], source="x", void_word="void", data_of=lambda _: {"Id": "3"})[0]

    assert told["type"] == "qbo.invoice.void.v1"
    assert told["data"] == {"Id": "3"}


def test_lagging_query_sees_the_books_as_they_were(client, company):
    """Changed, new and deleted documents alike."""
    changed, gone = client.invoice(10), client.invoice(11)
    client.wait(hours=1)
    client.change("Invoice", changed, PrivateNote="new")
    client.delete("Invoice", gone)
    new = client.invoice(12)

    ids = [changed["Id"], gone["Id"], new["Id"]]
    statement = f"SELECT * FROM Invoice WHERE Id IN ({', '.join(repr(id) for id in ids)})"
    rows = company.query(statement, lag_s=60)["QueryResponse"]["Invoice"]

    assert {row["Id"] for row in rows} == {changed["Id"], gone["Id"]}
    assert not any("PrivateNote" in row for row in rows)


@pytest.mark.parametrize(
    "wishes",
    [
        pytest.param({"colour": 1}, id="unknown"),
        pytest.param({"cdc_limit": "1"}, id="wrong-type"),
        pytest.param({"cdc_limit": -1}, id="negative"),
        pytest.param({"void_word": "gone"}, id="not-a-choice"),
    ],
)
def test_switch_that_cannot_be_is_refused(books, wishes):
    """And changes nothing."""
    with pytest.raises(SettingError):
        books.set(wishes)
