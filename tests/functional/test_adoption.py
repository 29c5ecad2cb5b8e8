"""Jobs that were billed before us: told all at once, taken over on a yes, given back by `job undo`.

One installation for all of it: every test has an estimate and a customer of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sync import adoption
from sync.adoption import NotAdoptable, Proposal
from sync.job_decisions import undo
from sync.store import findings
from tests.functional.test_push import raise_price
from tests.functional.test_story import LINES, complete, net
from tests.house import House, Services, open_house


@pytest.fixture(scope="module")
def house(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One installation for the module, its seed company at rest."""
    folder: Path = tmp_path_factory.mktemp("adoption")
    with open_house(services, folder) as opened:
        opened.sync()
        yield opened


def codes(house: House, subject: str) -> list[str]:
    """The open findings about something."""
    with house.app.database.begin(house.realm_no) as session:
        found = findings.open_ones(session, house.realm_no)
        return [one.code for one in found if one.subject == subject]


def by_hand(
    house: House,
    customer: str,
    lines: list[Any],
    *,
    number: str = "",
    estimate: Any = None,
) -> Any:
    """An invoice that a bookkeeper makes."""
    body: dict[str, Any] = {"CustomerRef": {"value": customer}, "Line": lines}
    if number:
        body["DocNumber"] = number
    if estimate is not None:
        body["LinkedTxn"] = [{"TxnId": estimate["Id"], "TxnType": "Estimate"}]
    return house.sandbox.create("Invoice", body)


def part(house: House, percent: int) -> list[Any]:
    """The lines of LINES, so much of each."""
    return [
        house.line(item, str(Decimal(amount) * percent / 100), tax)
        for item, amount, tax, _ in LINES
    ]


def contract_money(invoice: Any) -> int:
    """The money of an invoice before tax, in cents, as the sandbox says."""
    return int(net(invoice) * 100)


def ties_out(house: House, base: str, customer: str) -> None:
    """Every invoice of the customer stands in the job with what QuickBooks says of it."""
    invoices = [
        one
        for one in house.sandbox.query("Invoice", f"WHERE CustomerRef = '{customer}'")
        if one["TotalAmt"]
    ]
    view = house.view(base)
    assert sum(one.billed_minor or 0 for one in view.milestones) == sum(
        map(contract_money, invoices)
    )
    asked = sum((one["TotalAmt"] - one["Balance"]) * 100 for one in invoices)
    assert sum(one.received_minor or 0 for one in view.milestones) == asked
    assert sum(house.amounts(base)) == view.contract_total_minor


def test_one_payment_jobs_are_taken_over_as_paid(house: House) -> None:
    """Converted into one invoice and paid: nothing is left, nothing is written, nobody is thanked
    twice.
    """
    customer = house.new_customer()
    estimate = house.accepted_estimate("7001", LINES, customer_id=customer)
    house.sandbox.admin("act", {"verb": "convert", "document": "7001"})
    (invoice,) = house.sandbox.query("Invoice", f"WHERE CustomerRef = '{customer}'")
    house.pay(invoice)
    house.sync()
    assert codes(house, f"estimate:{estimate['Id']}") == ["estimate_converted"]
    before = house.dump(without=["realm", "metered_call"])

    proposal = adoption.look_ahead(house.app, house.realm_no, "7001")

    assert house.dump(without=["realm", "metered_call"]) == before
    assert (proposal.billed_minor, proposal.paid_minor, proposal.said_minor) == (
        1_200_000, 1_200_000, 1_200_000,
    )  # fmt: skip
    assert [one.kind for one in proposal.decision.wanted] == ["mail"]  # the schedule, as it is

    adoption.adopt(house.app, house.realm_no, "7001", author="owner")
    house.work_off()
    house.sync()
    assert codes(house, f"estimate:{estimate['Id']}") == []
    assert [(one.label, one.amount_minor, one.state) for one in house.view("7001").milestones] == [
        ("Billed before", 1_200_000, "paid")
    ]
    ties_out(house, "7001", customer)
    assert [row.payload["notice"] for row in house.work("mail")
            if row.job_id == house.view("7001").job_id] == ["scheduled"]  # fmt: skip


def test_a_deposit_on_the_estimate_and_a_hand_made_quarter(house: House) -> None:
    """An invoice of just the deposit is the deposit: the loop goes on with the second quarter.

    The old invoice is not touched: QuickBooks' history knows no write of ours on it.
    """
    customer = house.new_customer()
    estimate = house.accepted_estimate("7002", LINES, customer_id=customer)
    deposit = by_hand(house, customer, part(house, 25), number="D-17", estimate=estimate)
    house.pay(deposit, "1000.00")
    house.sync()
    assert house.sandbox.invoices("7002") == []

    found = adoption.adopt(house.app, house.realm_no, "7002", author="owner")
    assert [(one.invoice.milestone_id, one.is_matched) for one in found.placed] == [("m1", True)]
    house.work_off()
    complete(house, "7002", "removal")
    house.sync()

    assert [one["DocNumber"] for one in house.sandbox.invoices("7002")] == ["7002-M2"]
    assert house.amounts("7002") == [300_000, 300_000, 600_000]
    assert house.view("7002").milestones[0].doc_number == "D-17"
    ties_out(house, "7002", customer)
    touched = [one for one in house.sandbox.writes_of("Invoice") if one["id"] == deposit["Id"]]
    assert [one["actor"] for one in touched] == ["bookkeeper", "customer"]

    # A rise goes to what is open: neither the deposit of theirs nor its unpaid part moves.
    house.accepted_estimate(
        "7002-CO-1", [("Undermount sink", "1400.00", "TAX", None)], customer_id=customer
    )
    house.sync()
    assert house.amounts("7002") == [300_000, 346_667, 693_333]
    ties_out(house, "7002", customer)


def test_what_matches_nothing_stands_before_and_the_rest_is_shared(house: House) -> None:
    """3,400 on one invoice with 150 of something else beside it, 500 credited, 200
    paid early: all told at once; 8,600 left, by 25 and 50.
    """
    customer = house.new_customer()
    house.accepted_estimate("7003", LINES, customer_id=customer)
    progress = by_hand(
        house,
        customer,
        [house.line("Quartz slab", "3400.00", "TAX"), house.line("Backsplash", "150.00")],
    )
    memo = house.sandbox.create(
        "CreditMemo",
        {"CustomerRef": {"value": customer}, "Line": [house.line("Quartz slab", "500.00")]},
    )
    house.sandbox.create(
        "Payment", {"CustomerRef": {"value": customer}, "TotalAmt": Decimal("200.00")}
    )
    house.sync()
    assert codes(house, f"estimate:{progress_estimate(house, '7003')}") == ["estimate_billed"]
    assert house.sandbox.invoices("7003") == []

    found = adoption.look_ahead(house.app, house.realm_no, "7003")

    assert [(one.invoice.amount_minor, one.invoice.outside_minor) for one in found.placed] == [
        (340_000, 15_000)
    ]
    assert [(one.id, one.amount_minor) for one in found.credits] == [(memo["Id"], 50_000)]
    assert "payment_unapplied" in [one.code for one in found.decision.findings]
    assert (found.billed_minor, found.said_minor) == (340_000, 300_000)
    assert amounts(found) == [340_000, 286_667, 573_333]

    adoption.adopt(house.app, house.realm_no, "7003", author="owner")
    house.work_off()
    assert house.amounts("7003") == [340_000, 286_667, 573_333]
    assert house.view("7003").milestones[0].outside_minor == 15_000
    assert house.sandbox.read("Invoice", progress["Id"])["SyncToken"] == progress["SyncToken"]


def progress_estimate(house: House, number: str) -> str:
    """The id of an estimate."""
    (found,) = house.sandbox.query("Estimate", f"WHERE DocNumber = '{number}'")
    return str(found["Id"])


def amounts(proposal: Proposal) -> list[int]:
    """What the milestones would come to."""
    assert proposal.decision.plan is not None
    return [one.amount_minor for one in proposal.decision.plan.milestones]


def test_a_yes_can_be_taken_back_and_said_again(house: House) -> None:
    """Given back, the job stands still and says so; said again, it goes on where it was."""
    customer = house.new_customer()
    estimate = house.accepted_estimate("7004", LINES, customer_id=customer)
    by_hand(house, customer, part(house, 25), estimate=estimate)
    house.sync()
    said = adoption.adopt(house.app, house.realm_no, "7004", author="owner")
    house.work_off()
    job_id = house.view("7004").job_id

    with house.app.database.begin(house.realm_no) as session:
        undo(session, house.realm_no, job_id, said.decision_no, author="owner")
    house.work_off()
    complete(house, "7004", "removal")
    assert house.view("7004").state == "frozen"
    assert "adoption_undone" in codes(house, f"estimate:{estimate['Id']}")
    assert house.sandbox.invoices("7004") == []

    adoption.adopt(house.app, house.realm_no, "7004", author="owner")
    house.work_off()
    assert house.view("7004").state == "active"
    assert [one["DocNumber"] for one in house.sandbox.invoices("7004")] == ["7004-M2"]


def test_a_hand_made_invoice_on_a_running_job_is_proposed_and_given_a_place(house: House) -> None:
    """Fault 48: the job stands still, no second invoice; adopted, it is the second payment."""
    customer = house.new_customer()
    estimate = house.accepted_estimate("7005", LINES, customer_id=customer)
    house.sync()
    house.pay(house.sandbox.invoices("7005")[0])
    mine = by_hand(house, customer, part(house, 25), number="H-2", estimate=estimate)
    house.sync()
    assert codes(house, f"invoice:{mine['Id']}") == ["invoiced_by_hand"]
    complete(house, "7005", "removal")
    assert len(house.sandbox.invoices("7005")) == 1

    adoption.adopt(house.app, house.realm_no, "7005", author="owner")
    house.work_off()
    complete(house, "7005", "installation")

    assert codes(house, f"invoice:{mine['Id']}") == []
    assert [one["DocNumber"] for one in house.sandbox.invoices("7005")] == ["7005-M1", "7005-M3"]
    assert [one.doc_number for one in house.view("7005").milestones] == [
        "7005-M1", "H-2", "7005-M3",
    ]  # fmt: skip
    ties_out(house, "7005", customer)


def test_a_closed_estimate_is_billed_on_only_by_a_yes(house: House) -> None:
    """Closed with half of it billed: in `--all`, and after the yes its other half is asked."""
    customer = house.new_customer()
    estimate = house.accepted_estimate("7006", LINES, customer_id=customer)
    by_hand(house, customer, part(house, 50), estimate=estimate)
    house.sandbox.change("Estimate", estimate, TxnStatus="Closed")
    house.sync()

    every = adoption.look_ahead_all(house.app, house.realm_no)
    mine = next(one for one in every if one.number == "7006")
    assert amounts(mine) == [600_000, 600_000]

    adoption.adopt(house.app, house.realm_no, "7006", author="owner")
    house.work_off()
    complete(house, "7006", "installation")
    house.sync()
    assert [net(one) for one in house.sandbox.invoices("7006")] == [Decimal("6000.00")]
    ties_out(house, "7006", customer)


def test_a_deposit_that_made_the_whole_estimate_an_invoice(house: House) -> None:
    """QuickBooks converts the estimate when its deposit is paid online: all is billed, 3,000 paid.

    Nothing is left to ask until the price rises; then the difference is proposed (E72), and the
    invoice stays as QuickBooks made it.
    """
    customer = house.new_customer()
    estimate = house.accepted_estimate("7008", LINES, customer_id=customer)
    house.sandbox.admin("act", {"verb": "convert", "document": "7008"})
    (invoice,) = house.sandbox.query("Invoice", f"WHERE CustomerRef = '{customer}'")
    house.pay(invoice, "3000.00")
    house.sync()
    adoption.adopt(house.app, house.realm_no, "7008", author="owner")
    house.work_off()
    (only,) = house.view("7008").milestones
    assert (only.billed_minor, only.state) == (1_200_000, "due")
    ties_out(house, "7008", customer)

    raise_price(house, estimate, "400.00")
    house.sync()
    view = house.view("7008")
    assert (view.unallocated_minor, [one.code for one in view.findings]) == (
        40_000,
        ["unallocated"],
    )
    (now,) = house.sandbox.query("Invoice", f"WHERE CustomerRef = '{customer}'")
    assert now["TotalAmt"] == invoice["TotalAmt"]


def test_a_job_opens_once_the_invoice_that_stopped_it_is_gone(house: House) -> None:
    """It was a slip, and not linked: deleting it is enough, the estimate itself does not change."""
    customer = house.new_customer()
    slip = by_hand(house, customer, part(house, 25))
    estimate = house.accepted_estimate("7009", LINES, customer_id=customer)
    house.sync()
    assert codes(house, f"estimate:{estimate['Id']}") == ["estimate_billed"]

    house.sandbox.operation("Invoice", slip, "delete")
    house.sync()

    assert codes(house, f"estimate:{estimate['Id']}") == []
    assert [one["DocNumber"] for one in house.sandbox.invoices("7009")] == ["7009-M1"]


def test_what_cannot_be_taken_over_says_why(house: House) -> None:
    """No such estimate; one that nobody agreed to."""
    with pytest.raises(NotAdoptable, match="no estimate"):
        adoption.look_ahead(house.app, house.realm_no, "none such")
    offered = house.accepted_estimate("7007", LINES)
    house.sandbox.change("Estimate", offered, TxnStatus="Pending")
    with pytest.raises(NotAdoptable, match="Pending"):
        adoption.adopt(house.app, house.realm_no, "7007", author="owner")
