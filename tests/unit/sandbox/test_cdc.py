"""Change data capture: what changed, once, in its latest state."""

from datetime import timedelta

import pytest


def captured(company, entities, since):
    [answer] = company.changes(entities, since)["CDCResponse"]
    return answer["QueryResponse"]


def test_changed_objects_come_once_and_whole(client, company):
    """Several changes of one object are one row; types without changes are empty."""
    since = client.clock.at.isoformat()
    invoice = client.invoice(100)
    client.change("Invoice", invoice, PrivateNote="x")

    invoices, items = captured(company, "invoice,Item", since)

    assert invoices["Invoice"] == [client.again("Invoice", invoice)]
    assert items == {}


def test_deleted_object_is_a_stub_and_a_voided_one_is_not(client, company):
    """Only `status` tells a deleted object; void is an ordinary update."""
    since = client.clock.at.isoformat()
    gone, void = client.invoice(1), client.invoice(2)
    client.delete("Invoice", gone)
    client.void("Invoice", void)

    [answer] = captured(company, "Invoice", since)

    stub, whole = answer["Invoice"]
    assert (stub["Id"], stub["status"]) == (gone["Id"], "Deleted")
    assert "TotalAmt" not in stub
    assert (whole["Id"], whole["TotalAmt"]) == (void["Id"], 0)


def test_time_without_offset_is_pacific(client, company):
    """The same digits mean seven hours later than in UTC."""
    client.invoice(1)

    assert captured(company, "Invoice", "2026-05-04T11:00:00")[0]["maxResults"] == 1
    assert captured(company, "Invoice", "2026-05-04T11:00:01") == [{}]
    assert captured(company, "Invoice", "2026-05-04T18:00:01") == [{}]
    assert captured(company, "Invoice", "2026-05-04T18:00:00Z")[0]["maxResults"] == 1


def test_thousand_objects_are_shared_by_all_types(client, company, books):
    """At the cap every type may be incomplete; there is no sign but the number."""
    books.set({"cdc_limit": 5})
    since = client.clock.at.isoformat()
    for amount in range(1, 4):
        client.invoice(amount)
        client.estimate(amount)

    answer = captured(company, "Invoice,Estimate", since)

    assert sum(part["maxResults"] for part in answer) == 5


@pytest.mark.parametrize(
    ("entities", "days", "code"),
    [
        pytest.param("Invoice", 31, "2060", id="older-than-thirty-days"),
        pytest.param("TaxCode", 1, "2170", id="type-without-capture"),
        pytest.param("Colour", 1, "2170", id="no-such-type"),
        pytest.param("", 1, "2020", id="no-types"),
    ],
)
def test_capture_that_cannot_be_is_refused(client, company, refused, entities, days, code):
    """Full resync is the only way on after thirty days."""
    since = (client.clock.at - timedelta(days=days)).isoformat()

    with refused(code):
        company.changes(entities, since)
