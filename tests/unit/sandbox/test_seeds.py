"""Company files: the two that are shipped, and what is said about a wrong one."""

import json
from datetime import UTC, datetime

import pytest

from sandbox.books import Books
from sandbox.clock import FixedClock, MovableClock
from sandbox.errors import SeedError
from sandbox.journal import MemoryJournal
from sandbox.seeds import read_company_file, shipped_files

NOW = datetime(2026, 5, 4, 18, 0, tzinfo=UTC)
FILES = [pytest.param(path, id=path.stem) for path in shipped_files()]


def opened(*files, now=NOW):
    books = Books(MemoryJournal(), clock=MovableClock(FixedClock(now)))
    books.found(list(files))
    return books


def rows(company, entity):
    return list(company.tables.rows[entity].values())


@pytest.mark.parametrize("path", FILES)
def test_shipped_company_has_estimates_in_every_status(path):
    """A dozen or more, with bundles, discounts, service dates and a change order among them."""
    company = opened(read_company_file(path)).first_company()

    estimates = rows(company, "Estimate")
    assert len(estimates) >= 12
    assert {row["TxnStatus"] for row in estimates} == {
        "Pending",
        "Accepted",
        "Rejected",
        "Closed",
        "Converted",
    }
    kinds = {line["DetailType"] for row in estimates for line in row["Line"]}
    assert kinds >= {"GroupLineDetail", "DiscountLineDetail", "DescriptionOnly"}
    assert sum("-CO-1" in row["DocNumber"] for row in estimates) == 1
    accepted = [row for row in estimates if row["TxnStatus"] == "Accepted"]
    assert sum(row["TotalAmt"] == 0 for row in accepted) == 1


@pytest.mark.parametrize("path", FILES)
def test_shipped_company_has_customers_of_every_kind(path):
    """Jobs and a project; every address goes nowhere."""
    company = opened(read_company_file(path)).first_company()

    customers = rows(company, "Customer")
    assert any(row["Job"] and not row["IsProject"] for row in customers)
    assert any(row["IsProject"] for row in customers)
    mails = [row["PrimaryEmailAddr"]["Address"] for row in customers if "PrimaryEmailAddr" in row]
    assert len(mails) >= 10
    assert all(mail.endswith("example.com") for mail in mails)


@pytest.mark.parametrize("path", FILES)
@pytest.mark.parametrize("hour", [0, 6, 12, 23])
def test_dates_follow_the_day_of_opening(path, hour):
    """At any hour: what is past is past, and the next events are still to come."""
    now = datetime(2027, 11, 30, hour, 30, tzinfo=UTC)
    company = opened(read_company_file(path), now=now).first_company()

    times = [change.at for change in company.tables.history]
    assert times == sorted(times)
    assert times[-1] <= now
    coming = [
        line["SalesItemLineDetail"]["ServiceDate"]
        for estimate in rows(company, "Estimate")
        for line in estimate["Line"]
        if "ServiceDate" in line.get("SalesItemLineDetail", {})
    ]
    assert min(coming) > "2027-11-30"


def test_countertop_estimate_of_the_demo_is_worth_twelve_thousand():
    """Before tax: 350 + 850 + 9,620 + 1,180."""
    company = opened(read_company_file(shipped_files()[0])).first_company()

    [estimate] = [row for row in rows(company, "Estimate") if row["DocNumber"] == "1042"]
    assert estimate["TotalAmt"] - estimate["TxnTaxDetail"]["TotalTax"] == 12000


def test_companies_get_realms_in_their_order():
    """Each has its own tokens; the first one is the one that is printed."""
    books = opened(*(read_company_file(path) for path in shipped_files()))

    facts = books.facts("http://127.0.0.1:1")
    first, second = facts["companies"]
    assert facts["realm_id"] == first["realm_id"] != second["realm_id"]
    assert facts["quickbooks_url"] == "http://127.0.0.1:1/v3"
    assert len({first["access_token"], second["access_token"], first["refresh_token"]}) == 3


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param("{", "is not JSON", id="not-json"),
        pytest.param("[]", 'with a "name"', id="no-object"),
        pytest.param('{"name": "X", "colours": []}', "unknown sections: colours", id="section"),
        pytest.param(
            '{"name": "X", "classes": [{"Name": "a:b"}]}', "Class a:b: 2040", id="bad-entry"
        ),
        pytest.param(
            '{"name": "X", "items": [{"Name": "A", "IncomeAccountRef": "Nowhere"}]}',
            "Item A",
            id="name-of-nothing",
        ),
        pytest.param(
            '{"name": "X", "documents": [{"entity": "Estimate", "on": "+3d"}]}',
            "must be a past day",
            id="in-the-future",
        ),
    ],
)
def test_wrong_company_file_is_refused_by_name(tmp_path, content, said):
    """The message names the file or the entry, and nothing is opened."""
    path = tmp_path / "mine.json"
    path.write_text(content)

    with pytest.raises(SeedError, match=said):
        opened(read_company_file(path))


def test_own_company_file_can_be_small(tmp_path):
    """A name is enough; what is not said is empty."""
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"name": "Tiny"}))

    company = opened(read_company_file(path)).first_company()

    assert company.read("CompanyInfo", "1")["CompanyInfo"]["CompanyName"] == "Tiny"
    made = company.save("Customer", {"DisplayName": "One"}, actor="a")
    assert made["Customer"]["Id"] == "1"
