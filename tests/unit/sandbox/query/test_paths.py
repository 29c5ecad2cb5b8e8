"""Paths into references and through lists, and the indexes behind them."""

import pytest


def test_attachments_are_found_by_what_they_belong_to(client):
    """The query that every client with attachments sends."""
    invoice = client.invoice(10)
    ref = {"EntityRef": {"type": "Invoice", "value": invoice["Id"]}}
    note = client.save("Attachable", {"Note": "plan", "AttachableRef": [ref]})
    client.save("Attachable", {"Note": "other"})

    found = client.ask(
        "select * from Attachable where AttachableRef.EntityRef.Type = 'invoice' "
        f"and AttachableRef.EntityRef.value = '{invoice['Id']}'"
    )

    assert [row["Id"] for row in found] == [note["Id"]]


def test_customer_is_found_by_the_id_in_its_reference(client):
    """`CustomerRef` and `CustomerRef.value` mean the same."""
    client.invoice(10)
    id = client.customer()["value"]

    short = client.ask(f"SELECT * FROM Invoice WHERE CustomerRef = '{id}'")

    assert short
    assert client.ask(f"SELECT * FROM Invoice WHERE CustomerRef.value = '{id}'") == short


@pytest.mark.parametrize("operator", ["=", "<", "<=", ">", ">=", "!="])
def test_index_of_dates_finds_what_a_walk_finds(client, operator):
    """The same rows in the same order."""
    days = ["2026-04-30", "2026-05-01", "2026-05-02"]
    for day in days:
        client.invoice(10, TxnDate=day)
    walk = client.ask("SELECT * FROM Invoice MAXRESULTS 1000")
    tests = {
        "=": lambda day: day == days[1],
        "!=": lambda day: day != days[1],
        "<": lambda day: day < days[1],
        "<=": lambda day: day <= days[1],
        ">": lambda day: day > days[1],
        ">=": lambda day: day >= days[1],
    }

    found = client.ask(
        f"SELECT * FROM Invoice WHERE TxnDate {operator} '{days[1]}' MAXRESULTS 1000"
    )

    assert found == [row for row in walk if tests[operator](row["TxnDate"])]
