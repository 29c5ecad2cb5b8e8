"""Queries against the countertop contractor's books."""

import pytest


def numbers(rows):
    return [row.get("DocNumber") for row in rows]


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        pytest.param("SELECT * FROM Estimate WHERE DocNumber = '1042'", ["1042"], id="equal"),
        pytest.param(
            "select * from estimate where docnumber = '1043-co-1'", ["1043-CO-1"], id="case"
        ),
        pytest.param(
            "SELECT * FROM Estimate WHERE DocNumber IN ('1042', '1035', 'x') ORDERBY DocNumber",
            ["1035", "1042"],
            id="in",
        ),
        pytest.param(
            "SELECT * FROM Estimate WHERE DocNumber LIKE '1043%' ORDER BY DocNumber",
            ["1043", "1043-CO-1"],
            id="like",
        ),
        pytest.param(
            "SELECT * FROM Estimate WHERE TotalAmt > '10000' AND TotalAmt < 13000.5 ORDERBY Id",
            ["1042", "1043"],
            id="numbers-quoted-or-not",
        ),
        pytest.param(
            "SELECT * FROM Invoice WHERE Balance != 0 AND TxnDate <= CURRENT_DATE",
            ["2012"],
            id="today",
        ),
        pytest.param(
            "SELECT * FROM Estimate ORDERBY TotalAmt DESC STARTPOSITION 2 MAXRESULTS 2",
            ["1042", "1043"],
            id="page",
        ),
        pytest.param("SELECT * FROM Estimate MAXRESULTS 1", ["1049"], id="newest-first"),
        pytest.param(
            "SELECT * FROM Estimate WHERE MetaData.CreateTime >= '2026-04-29T00:00:00-07:00'",
            ["1049"],
            id="created-since",
        ),
        pytest.param("SELECT * FROM CreditMemo WHERE CustomerRef = '11'", ["CM-7"], id="reference"),
        pytest.param("SELECT * FROM Invoice WHERE DocNumber = ''", [], id="nothing"),
    ],
)
def test_query_finds(client, statement, found):
    """Keywords, names and values in any case; conditions by every operator."""
    assert numbers(client.ask(statement)) == found


def test_count_gives_a_number_and_no_rows(company):
    """With the same conditions as a query."""
    answer = company.query("SELECT COUNT(*) FROM Estimate WHERE DocNumber LIKE '104%'")

    assert answer["QueryResponse"] == {"totalCount": 9}


def test_empty_answer_has_nothing_in_it(company):
    """Not even an empty list."""
    answer = company.query("SELECT * FROM Invoice WHERE DocNumber = 'none'")

    assert answer["QueryResponse"] == {}


def test_chosen_fields_come_alone(client):
    """Nested ones too, in QuickBooks' own spelling."""
    [row] = client.ask("SELECT Id, metadata.createtime FROM Estimate WHERE DocNumber = '1042'")

    assert set(row) == {"domain", "sparse", "Id", "MetaData"}
    assert list(row["MetaData"]) == ["CreateTime"]


def test_inactive_entries_are_hidden_unless_asked_for(client):
    """`Active IN (true, false)` brings them back."""
    entry = client.save("Class", {"Name": "Old"})
    client.change("Class", entry, Active=False)

    assert len(client.ask("SELECT * FROM Class")) == 4
    assert len(client.ask("SELECT * FROM Class WHERE Active IN (true, false)")) == 5
    assert len(client.ask("SELECT * FROM Class WHERE Active = false")) == 1


def test_apostrophes_and_backslashes_are_escaped(client):
    """A name with both is found by the escaped text only."""
    client.save("Customer", {"DisplayName": "O'Neil \\ Sons"})

    found = client.ask(r"SELECT * FROM Customer WHERE DisplayName = 'O\'Neil \\ Sons'")

    assert [row["DisplayName"] for row in found] == ["O'Neil \\ Sons"]


def test_page_is_a_hundred_unless_said(client, refused):
    """And never more than a thousand."""
    for amount in range(1, 121):
        client.invoice(amount)

    assert len(client.ask("SELECT * FROM Invoice")) == 100
    assert len(client.ask("SELECT * FROM Invoice MAXRESULTS 1000")) == 122
    with refused("4001"):
        client.ask("SELECT * FROM Invoice MAXRESULTS 1001")


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        pytest.param("SELEC * FROM Invoice", "4000", id="misspelt"),
        pytest.param("SELECT * FROM Invoice WHERE", "4000", id="cut-off"),
        pytest.param("SELECT * FROM Invoice WHERE Id = '1' OR Id = '2'", "4000", id="or"),
        pytest.param("SELECT * FROM Invoice WHERE DocNumber = 'it's'", "4000", id="unescaped"),
        pytest.param("SELECT * FROM Invoices", "4001", id="no-such-entity"),
        pytest.param("SELECT * FROM Invoice WHERE Colour = 'red'", "4001", id="no-such-field"),
        pytest.param("SELECT Colour FROM Invoice", "4001", id="no-such-chosen-field"),
        pytest.param(
            "SELECT * FROM Estimate WHERE TxnStatus = 'Accepted'", "4001", id="not-queryable"
        ),
        pytest.param("SELECT * FROM Invoice WHERE Id > '5'", "4001", id="id-by-equality-only"),
        pytest.param("SELECT * FROM Invoice STARTPOSITION 0", "4001", id="position-zero"),
        pytest.param("SELECT * FROM Invoice WHERE TotalAmt = 'x'", "4001", id="no-number"),
        pytest.param("SELECT * FROM Customer WHERE Active = 'x'", "4001", id="no-boolean"),
        pytest.param(
            "SELECT * FROM Invoice WHERE MetaData.CreateTime > 'soon'", "4001", id="no-time"
        ),
    ],
)
def test_query_that_makes_no_sense_is_refused(client, refused, statement, code):
    """4000 for what does not read, 4001 for what reads and means nothing."""
    with refused(code):
        client.ask(statement)


def test_any_index_finds_what_a_scan_finds(client):
    """Whatever narrows the search, the rows and their order are those of looking at each one."""
    customer = client.customer()["value"]
    for amount in (5, 7, 9):
        client.invoice(amount, DocNumber=f"9{amount}")

    by_customer = client.ask(f"SELECT * FROM Invoice WHERE CustomerRef = '{customer}'")
    by_amount = client.ask("SELECT * FROM Invoice WHERE TotalAmt < 10")

    assert by_customer == by_amount
    assert numbers(by_customer) == ["99", "97", "95"]
