"""Bills, what pays them, deposits, journal entries: added up, linked, open to unknown fields."""

import pytest


@pytest.fixture
def vendor(client):
    """A vendor, as a reference."""
    return {"value": client.save("Vendor", {"DisplayName": "Stone yard"})["Id"]}


def expense(client, amount):
    """A line that books an amount to an account."""
    account = {"value": client.id_of("Account", "Cost of Goods Sold")}
    return {
        "Amount": amount,
        "DetailType": "AccountBasedExpenseLineDetail",
        "AccountBasedExpenseLineDetail": {"AccountRef": account},
    }


def a_bill(client, vendor, amount=200, **fields):
    """A bill of one line."""
    return client.save("Bill", {"VendorRef": vendor, "Line": [expense(client, amount)], **fields})


def pay(client, vendor, bill, amount):
    """A bill payment by check."""
    link = {"TxnId": bill["Id"], "TxnType": "Bill"}
    body = {
        "VendorRef": vendor,
        "PayType": "Check",
        "TotalAmt": amount,
        "Line": [{"Amount": amount, "LinkedTxn": [link]}],
    }
    return client.save("BillPayment", body)


def test_bill_adds_up_and_its_payment_moves_the_balance(client, vendor):
    """Both sides carry the link."""
    bill = a_bill(client, vendor)

    payment = pay(client, vendor, bill, 150)

    left = client.again("Bill", bill)
    assert (bill["TotalAmt"], left["Balance"]) == (200, 50)
    assert left["LinkedTxn"] == [{"TxnId": payment["Id"], "TxnType": "BillPayment"}]


def test_voided_bill_payment_opens_the_bill_again(client, vendor):
    """It stays, with nothing in it."""
    bill = a_bill(client, vendor)
    payment = pay(client, vendor, bill, 200)

    voided = client.void("BillPayment", payment)

    assert voided["TotalAmt"] == 0
    assert voided["PrivateNote"] == "Voided"
    assert client.again("Bill", bill)["Balance"] == 200


def test_bill_cannot_be_overpaid_nor_deleted_while_paid(client, vendor, refused):
    """6000 for both."""
    bill = a_bill(client, vendor)
    with refused("6000"):
        pay(client, vendor, bill, 201)
    pay(client, vendor, bill, 10)
    with refused("6000"):
        client.delete("Bill", client.again("Bill", bill))


def test_unknown_fields_pass_through_and_come_back(client, vendor):
    """Of entities that are not modelled in depth QuickBooks may know more than this stand-in."""
    bill = a_bill(client, vendor, FancyNewField={"a": [1, 2]}, _internal="no")

    assert client.again("Bill", bill)["FancyNewField"] == {"a": [1, 2]}
    assert "_internal" not in bill


@pytest.mark.parametrize("entity", ["Invoice", "SalesReceipt", "Attachable", "Customer"])
def test_unknown_fields_are_refused_where_the_entity_is_modelled(client, refused, entity):
    """2010, as QuickBooks words it."""
    with refused("2010"):
        client.save(entity, {"FancyNewField": 1})


def test_deposit_freezes_a_payment_until_it_is_deleted(client, refused):
    """6540 for the payment, and for depositing it twice."""
    payment = client.pay(100)
    bank = {"value": client.id_of("Account", "Checking")}
    link = {"TxnId": payment["Id"], "TxnType": "Payment", "TxnLineId": "0"}
    body = {"DepositToAccountRef": bank, "Line": [{"LinkedTxn": [link]}]}

    deposit = client.save("Deposit", body)

    assert deposit["TotalAmt"] == 100
    with refused("6540"):
        client.void("Payment", client.again("Payment", payment))
    with refused("6540"):
        client.save("Deposit", body)
    client.delete("Deposit", deposit)
    client.void("Payment", client.again("Payment", payment))


def test_journal_entry_must_balance(client, refused):
    """Debits and credits are the same, or it is refused."""
    account = {"value": client.id_of("Account", "Checking")}

    def side(kind, amount):
        detail = {"PostingType": kind, "AccountRef": account}
        return {"Amount": amount, "JournalEntryLineDetail": detail}

    entry = client.save("JournalEntry", {"Line": [side("Debit", 10), side("Credit", 10)]})
    assert entry["TotalAmt"] == 10
    with refused("6000"):
        client.save("JournalEntry", {"Line": [side("Debit", 10), side("Credit", 9)]})


def test_vendors_share_their_names_with_customers(client, refused):
    """6240 across the name list."""
    with refused("6240"):
        client.save("Vendor", {"DisplayName": "Lindqvist, Maja"})
