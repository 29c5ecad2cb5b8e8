"""Payments: what they settle, on both sides, and what comes back."""

from decimal import Decimal

import pytest


def links(document):
    return [(link["TxnType"], link["TxnId"]) for link in document["LinkedTxn"]]


def test_part_payment_lowers_the_balance_and_links_both_ways(client):
    """The rest stays open; what is not applied stays on the payment."""
    invoice = client.invoice(100)

    payment = client.pay(70, (invoice, 60))

    paid = client.again("Invoice", invoice)
    assert paid["Balance"] == Decimal("40.00")
    assert links(paid) == [("Payment", payment["Id"])]
    assert payment["UnappliedAmt"] == Decimal("10.00")
    facts = [row["value"] for row in payment["Line"][0]["LineEx"]["any"]]
    assert {"Name": "txnOpenBalance", "Value": "100.00"} in facts


def test_customer_balance_is_what_is_open_less_what_is_on_account(client):
    """With the jobs below counted in `BalanceWithJobs`."""
    parent = client.customer("Okafor, Ben and Ada")
    job = client.save("Customer", {"DisplayName": "Pantry", "ParentRef": parent, "Job": True})
    invoice = client.invoice(100, CustomerRef={"value": job["Id"]})

    client.pay(130, (invoice, 100), CustomerRef=parent)

    assert client.read("Customer", job["Id"])["Balance"] == 0
    shown = client.read("Customer", parent["value"])
    assert (shown["Balance"], shown["BalanceWithJobs"]) == (Decimal("-30.00"), Decimal("-30.00"))


def test_lines_of_an_update_replace_the_set(client):
    """What is no longer named is open again; an empty list unapplies everything."""
    first, second = client.invoice(100), client.invoice(50)
    payment = client.pay(100, (first, 100))

    moved = client.change(
        "Payment",
        payment,
        Line=[{"Amount": 50, "LinkedTxn": [{"TxnId": second["Id"], "TxnType": "Invoice"}]}],
    )

    assert client.again("Invoice", first)["Balance"] == 100
    assert links(client.again("Invoice", first)) == []
    assert client.again("Invoice", second)["Balance"] == 0
    assert moved["UnappliedAmt"] == 50
    emptied = client.change("Payment", moved, Line=[])
    assert emptied["UnappliedAmt"] == 100
    assert client.again("Invoice", second)["Balance"] == 50


def test_sparse_update_without_lines_leaves_them(client):
    """A new reference number moves no money."""
    invoice = client.invoice(100)
    payment = client.pay(100, (invoice, 100))

    changed = client.change("Payment", payment, PaymentRefNum="Check 7")

    assert changed["Line"] == payment["Line"]
    assert client.again("Invoice", invoice)["SyncToken"] == "1"


def test_voided_payment_stays_empty_and_opens_the_invoice(client):
    """Total zero, no lines, "Voided" in the note: both signals at once."""
    invoice = client.invoice(100)
    payment = client.pay(100, (invoice, 100), PrivateNote="by phone")

    voided = client.void("Payment", payment)

    assert (voided["TotalAmt"], voided["UnappliedAmt"], voided["Line"]) == (0, 0, [])
    assert voided["PrivateNote"] == "Voided - by phone"
    opened = client.again("Invoice", invoice)
    assert (opened["Balance"], links(opened)) == (100, [])


def test_deleted_payment_opens_the_invoice(client, refused):
    """The payment itself is gone."""
    invoice = client.invoice(100)
    payment = client.pay(100, (invoice, 100))

    client.delete("Payment", payment)

    assert client.again("Invoice", invoice)["Balance"] == 100
    with refused("610"):
        client.again("Payment", payment)


def test_voided_invoice_lets_its_payment_go(client):
    """The money stays with the customer, unapplied; the invoice is worth nothing."""
    invoice = client.invoice(100, PrivateNote="ms:1")
    payment = client.pay(100, (invoice, 100))

    voided = client.void("Invoice", client.again("Invoice", invoice))

    assert (voided["TotalAmt"], voided["Balance"], voided["LinkedTxn"]) == (0, 0, [])
    assert voided["PrivateNote"] == "Voided - ms:1"
    freed = client.again("Payment", payment)
    assert (freed["UnappliedAmt"], freed["Line"]) == (100, [])


def test_invoice_made_smaller_than_what_was_paid_gives_the_rest_back(client):
    """The latest payment gives first; no balance ever goes below zero."""
    invoice = client.invoice(100)
    first = client.pay(60, (invoice, 60))
    second = client.pay(40, (invoice, 40))

    smaller = client.change("Invoice", client.again("Invoice", invoice), Line=[client.line(50)])

    assert smaller["Balance"] == 0
    assert client.again("Payment", second)["UnappliedAmt"] == 40
    assert client.again("Payment", first)["UnappliedAmt"] == 10
    assert client.again("Payment", first)["Line"][0]["Amount"] == 50


def test_credit_memo_is_applied_by_a_payment_over_nothing(client):
    """One line to the invoice, one to the credit, both positive."""
    invoice = client.invoice(100)
    credit = client.save("CreditMemo", client.form(30))
    lines = [
        {"Amount": 30, "LinkedTxn": [{"TxnId": invoice["Id"], "TxnType": "Invoice"}]},
        {"Amount": 30, "LinkedTxn": [{"TxnId": credit["Id"], "TxnType": "CreditMemo"}]},
    ]

    payment = client.pay(0, Line=lines)

    assert payment["UnappliedAmt"] == 0
    assert client.again("Invoice", invoice)["Balance"] == 70
    used = client.again("CreditMemo", credit)
    assert (used["Balance"], used["RemainingCredit"]) == (0, 0)
    assert links(used) == [("Payment", payment["Id"])]


def test_open_credit_is_used_on_a_new_invoice_when_the_company_wants_it(client):
    """The oldest first: money on account, then the credit memo through a payment over nothing."""
    client.prefer(SalesFormsPrefs={"AutoApplyCredit": True})
    payment = client.pay(25)
    client.save("CreditMemo", client.form(30))

    invoice = client.invoice(100)

    assert invoice["Balance"] == Decimal("45.00")
    assert len(invoice["LinkedTxn"]) == 2
    assert client.again("Payment", payment)["UnappliedAmt"] == 0


def test_credits_are_left_alone_by_default(client):
    """A new invoice of a customer with money on account is open in full."""
    client.pay(25)

    assert client.invoice(100)["Balance"] == 100


def test_deposit_lowers_the_balance_without_a_payment(client):
    """Money taken with the invoice, where the company allows deposits."""
    invoice = client.invoice(100, Deposit=30)

    assert (invoice["TotalAmt"], invoice["Balance"], invoice["LinkedTxn"]) == (100, 70, [])


def test_deposit_needs_the_preference(client, refused):
    """5030 where deposits are switched off."""
    client.prefer(SalesFormsPrefs={"AllowDeposit": False})

    with refused("5030"):
        client.invoice(100, Deposit=30)


def test_payment_of_a_parent_settles_its_jobs(client, refused):
    """And nobody else's."""
    job = client.customer("Kitchen 2026")
    invoice = client.invoice(100, CustomerRef=job)

    client.pay(40, (invoice, 40), CustomerRef=client.customer("Whitfield, Dana"))

    assert client.again("Invoice", invoice)["Balance"] == 60
    with refused("620"):
        client.pay(10, (invoice, 10))


@pytest.mark.parametrize(
    ("total", "applied", "code"),
    [
        pytest.param(200, 101, "6000", id="more-than-is-open"),
        pytest.param(50, 60, "6000", id="more-than-was-received"),
        pytest.param(50, -5, "6000", id="negative-line"),
        pytest.param(-5, None, "6000", id="negative-payment"),
        pytest.param(None, None, "2020", id="no-total"),
    ],
)
def test_payments_that_do_not_add_up_are_refused(client, refused, total, applied, code):
    """Money is neither made nor applied twice."""
    invoice = client.invoice(100)
    lines = [] if applied is None else [(invoice, applied)]

    with refused(code):
        client.pay(total, *lines)


def test_payment_in_a_bank_deposit_is_frozen(client, company, refused):
    """6540 for every change, void and delete."""
    payment = client.pay(100)
    company.deposit_payment(payment["Id"], actor="bookkeeper")
    frozen = client.again("Payment", payment)

    assert frozen["LinkedTxn"][0]["TxnType"] == "Deposit"
    with refused("6540"):
        client.change("Payment", frozen, PrivateNote="x")
    with refused("6540"):
        client.void("Payment", frozen)
    with refused("6540"):
        client.delete("Payment", frozen)
