"""The contractor's report against QuickBooks' own books."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import text

from mapping.invoices import find_marker
from sync.errors import MailRefused
from sync.reports.contractor import ContractorReport, contractor_report
from sync.reports.contractor_gather import business_day_before
from sync.store.database import dump_json
from tests.functional.test_story import LINES, complete, net
from tests.house import House


def a_report(house: House) -> ContractorReport:
    """Make the report of the company."""
    with house.app.database.begin(house.realm_no) as session:
        return contractor_report(session, house.realm_no)


def test_report_says_what_happened_and_ties_out(house: House) -> None:
    """Invoiced, paid, sent, coming, and what needs a person: on one screen, to the cent."""
    customer = house.new_customer()
    house.accepted_estimate("7201", LINES, customer_id=customer)
    house.sync()
    house.pay(house.sandbox.invoices("7201")[0])
    house.accepted_estimate(
        "7201-CO-1", [("Undermount sink", "1400.00", "TAX", None)], customer_id=customer
    )
    house.accepted_estimate("7202", LINES, memo="25% before Measurements; 80% after Removal")
    estimate = house.accepted_estimate("7203", LINES)
    house.sandbox.change("Estimate", estimate, BillEmail={"Address": "nobody"})
    house.sync()
    complete(house, "7201", "removal")
    house.sync()
    house.mail.fail_with = [MailRefused("no such mailbox")]
    house.accepted_estimate("7204", LINES)
    house.sync()

    report = a_report(house)
    shown, said = report.as_text(), report.as_json()

    dump_json(said)
    assert max(map(len, shown.splitlines())) <= 80
    mine = [one for one in said["invoiced"] if one["job"] == "7201"]
    books = {one["DocNumber"]: net(one) for one in house.sandbox.invoices("7201")}
    assert {one["number"]: Decimal(one["amount"]) for one in mine} == books
    paid = [one for one in said["paid"] if one["job"] == "7201"]
    assert [(one["number"], one["amount"]) for one in paid] == [("7201-M1", "3000.00")]
    assert {"7201-M1", "7201-M2", "$3,466.67"} <= set(shown.split())
    kinds = sorted(one["notice"] for one in said["sent"] if one["job"] == "7201")
    assert kinds == ["changed", "due", "due", "received", "scheduled"]
    expected = [one for one in said["coming"] if one["job"] == "7201"]
    assert [(one["label"], one["amount"]) for one in expected] == [
        ("After removal", "3466.67"),
        ("After installation", "6933.33"),
    ]
    needs = {(one["job"], one["code"]) for one in said["needs_you"]}
    assert {("7202", "percent_sum"), ("7203", "no_mail_address"), ("7204", "parked")} <= needs
    assert all(one["remedy"] for one in said["needs_you"])
    ours = [one for one in house.sandbox.query("Invoice") if find_marker(one.get("PrivateNote"))]
    total = said["totals"][0]
    assert Decimal(total["contract"]) == Decimal(total["paid"]) + Decimal(total["left"])
    assert Decimal(total["invoiced"]) == sum(net(one) for one in ours)


def test_quiet_company_says_so(house: House) -> None:
    """Before the first sync there is nothing, and the report says that too."""
    shown = a_report(house).as_text()
    assert "QuickBooks has not been read yet." in shown
    assert "Invoiced: nothing" in shown
    assert "In all: no jobs yet" in shown


def test_a_plan_that_changed_since_yesterday_shows_old_and_new(house: House) -> None:
    """A job's plan is compared with the one it had before the window began."""
    customer = house.new_customer()
    house.accepted_estimate("7204", LINES, customer_id=customer)
    house.sync()
    with house.owner.begin() as session:
        session.execute(text("UPDATE schedule SET on_day = on_day - 9"))
    house.accepted_estimate(
        "7204-CO-1", [("Undermount sink", "1400.00", "TAX", None)], customer_id=customer
    )
    house.sync()

    report = a_report(house)

    changed = [one for one in report.as_json()["changed"] if one["job"] == "7204"]
    assert [(one["old_total"], one["new_total"]) for one in changed] == [("12000.00", "13400.00")]
    assert [(one["old"], one["new"]) for one in changed[0]["payments"]] == [
        ("3000.00", "3350.00"), ("3000.00", "3350.00"), ("6000.00", "6700.00"),
    ]  # fmt: skip
    assert "contract $12,000.00 -> $13,400.00" in report.as_text()


@pytest.mark.parametrize(
    ("today", "before"),
    [
        pytest.param(date(2026, 6, 2), date(2026, 6, 1), id="tuesday"),
        pytest.param(date(2026, 6, 1), date(2026, 5, 29), id="monday-looks-back-to-friday"),
        pytest.param(date(2026, 6, 7), date(2026, 6, 5), id="sunday"),
    ],
)
def test_the_window_begins_on_the_business_day_before(today: date, before: date) -> None:
    """What happened over the weekend is told on Monday."""
    assert business_day_before(today) == before
