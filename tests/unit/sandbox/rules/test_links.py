"""An invoice and the estimate it came from."""

import pytest


def linked_to(estimate):
    return [{"TxnId": estimate["Id"], "TxnType": "Estimate"}]


def test_link_converts_the_estimate_and_shows_on_both_sides(client):
    """Also when only a quarter of it is invoiced: that is what makes progress invoicing hard."""
    estimate = client.estimate(400, TxnStatus="Accepted")

    invoice = client.invoice(100, LinkedTxn=linked_to(estimate))

    converted = client.again("Estimate", estimate)
    assert converted["TxnStatus"] == "Converted"
    assert converted["LinkedTxn"] == [{"TxnId": invoice["Id"], "TxnType": "Invoice"}]
    assert invoice["LinkedTxn"] == linked_to(estimate)
    assert invoice["Line"][0]["LinkedTxn"] == linked_to(estimate)


def test_second_link_is_refused(client, refused):
    """One link per estimate; the refused invoice does not exist."""
    estimate = client.estimate(400, TxnStatus="Accepted")
    client.invoice(100, LinkedTxn=linked_to(estimate))

    with refused("6000"):
        client.invoice(100, DocNumber="TWO", LinkedTxn=linked_to(estimate))

    assert client.ask("SELECT * FROM Invoice WHERE DocNumber = 'TWO'") == []


@pytest.mark.parametrize("status", ["Closed", "Rejected", "Converted"])
def test_only_open_estimates_can_be_linked(client, refused, status):
    """Pending and Accepted are open."""
    estimate = client.estimate(400, TxnStatus=status)

    with refused("6000"):
        client.invoice(100, LinkedTxn=linked_to(estimate))


def test_estimate_of_another_customer_cannot_be_linked(client, refused):
    """620; the customer's own jobs are the same customer."""
    job, parent = client.customer("Kitchen 2026"), client.customer("Whitfield, Dana")
    estimate = client.estimate(400, CustomerRef=job)

    with refused("620"):
        client.invoice(100, LinkedTxn=linked_to(estimate))
    assert client.invoice(100, CustomerRef=parent, LinkedTxn=linked_to(estimate))


@pytest.mark.parametrize("end", ["void", "delete"])
def test_voided_or_deleted_invoice_gives_the_estimate_back(client, end):
    """It is open again, without a link."""
    estimate = client.estimate(400, TxnStatus="Accepted")
    invoice = client.invoice(100, LinkedTxn=linked_to(estimate))

    getattr(client, end)("Invoice", invoice)

    freed = client.again("Estimate", estimate)
    assert (freed["TxnStatus"], freed["LinkedTxn"]) == ("Accepted", [])


def test_full_update_without_links_unlinks(client):
    """A link is a writable field like any other; a sparse update leaves it alone."""
    estimate = client.estimate(400)
    invoice = client.invoice(100, LinkedTxn=linked_to(estimate))

    noted = client.change("Invoice", invoice, PrivateNote="x")
    assert client.again("Estimate", estimate)["TxnStatus"] == "Converted"
    known = {"Id": invoice["Id"], "SyncToken": noted["SyncToken"]}
    unlinked = client.save("Invoice", {**client.form(100), **known})

    assert unlinked["LinkedTxn"] == []
    assert client.again("Estimate", estimate)["LinkedTxn"] == []


def test_client_cannot_write_links_to_payments(client):
    """They are made from the payment; what is there stays there."""
    invoice = client.invoice(100)
    payment = client.pay(10, (invoice, 10))

    current = client.again("Invoice", invoice)
    updated = client.change("Invoice", current, LinkedTxn=[{"TxnId": "999", "TxnType": "Payment"}])

    assert updated["LinkedTxn"] == [{"TxnId": payment["Id"], "TxnType": "Payment"}]
    assert updated["Balance"] == 90
