"""The main job, step by step, on the real loop: what QuickBooks holds and what the customer was
told after each.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from milestone_engine.timeline import EventState
from sync.calendar import report_event
from tests.house import House

LINES = [
    ("Measurements", "300.00", "NON", 2),
    ("Quartz slab", "8400.00", "TAX", None),
    ("Removal", "900.00", "NON", 7),
    ("Installation", "2400.00", "NON", 14),
]


def complete(house: House, base: str, event: str) -> None:
    """Report an event as done today, and do what follows."""
    with house.app.database.begin(house.realm_no) as session:
        report_event(
            session,
            house.realm_no,
            house.view(base).job_id,
            name=event,
            state=EventState.COMPLETED,
            on=house.today(),
            author="test",
        )
    house.work_off()


def subjects(house: House) -> list[str]:
    """What the customer of the test was told, without the customers of the seed company."""
    return [str(one["Subject"]) for one in house.mail.sent if one["To"] == "owner@example.com"]


def net(invoice: dict[str, Decimal | dict[str, Decimal]]) -> Decimal:
    """An invoice's contract money: its total less QuickBooks' tax."""
    total, tax = invoice["TotalAmt"], invoice["TxnTaxDetail"]
    assert isinstance(total, Decimal | int)
    assert isinstance(tax, dict)
    return Decimal(total) - tax["TotalTax"]


def test_the_countertop_story_ties_out_to_the_cent(house: House) -> None:
    """Deposit, change order, removal, installation: QuickBooks and the schedule agree after every
    step.
    """
    customer = house.new_customer()
    house.accepted_estimate("3001", LINES, customer_id=customer)
    house.sync()
    assert house.amounts("3001") == [300_000, 300_000, 600_000]
    deposit = house.sandbox.invoices("3001")
    assert [one["DocNumber"] for one in deposit] == ["3001-M1"]
    assert net(deposit[0]) == Decimal("3000.00")

    house.pay(deposit[0])
    house.accepted_estimate(
        "3001-CO-1", [("Undermount sink", "1400.00", "TAX", None)], customer_id=customer
    )
    house.sync()
    assert house.amounts("3001") == [300_000, 346_667, 693_333]

    complete(house, "3001", "removal")
    second = house.sandbox.invoices("3001")[1]
    assert net(second) == Decimal("3466.67")
    house.pay(second)
    complete(house, "3001", "installation")
    house.sync()
    third = house.sandbox.invoices("3001")[2]
    house.pay(third)
    house.sync()

    invoices = house.sandbox.invoices("3001")
    assert [one["DocNumber"] for one in invoices] == ["3001-M1", "3001-M2", "3001-M3"]
    assert sum(net(one) for one in invoices) == Decimal("13400.00")
    assert all(one["Balance"] == 0 for one in invoices)
    assert [one.state for one in house.view("3001").milestones] == ["paid"] * 3
    billed: dict[str, Decimal] = {}
    for invoice in invoices:
        for line in invoice["Line"]:
            if line["DetailType"] == "SalesItemLineDetail":
                item = line["SalesItemLineDetail"]["ItemRef"]["name"]
                billed[item] = billed.get(item, Decimal(0)) + line["Amount"]
    assert billed == {
        "Measurements": 300, "Quartz slab": 8400, "Removal": 900, "Installation": 2400,
        "Undermount sink": 1400,
    }  # fmt: skip


def test_a_second_pass_changes_nothing(house: House) -> None:
    """Level-triggered: when what is equals what should be, the loop is still."""
    house.accepted_estimate("3002", LINES)
    house.sync()
    before = [len(house.sandbox.writes_of("Invoice")), len(house.mail.sent), house.view("3002")]

    house.sync()
    house.sync()

    after = [len(house.sandbox.writes_of("Invoice")), len(house.mail.sent), house.view("3002")]
    assert after[:2] == before[:2]
    assert after[2].milestones == before[2].milestones  # type: ignore[attr-defined]


def test_an_edited_estimate_revises_the_sent_invoice(house: House) -> None:
    """E17 without a payment: the same invoice follows the new price, and the
    customer is told once.
    """
    estimate = house.accepted_estimate("3003", LINES)
    house.sync()
    assert net(house.sandbox.invoices("3003")[0]) == Decimal("3000.00")

    lines = [line for line in house.sandbox.read("Estimate", estimate["Id"])["Line"]
             if line["DetailType"] == "SalesItemLineDetail"]  # fmt: skip
    lines[1]["Amount"] = Decimal("10400.00")
    lines[1]["SalesItemLineDetail"].pop("UnitPrice", None)
    lines[1]["SalesItemLineDetail"].pop("Qty", None)
    house.sandbox.change("Estimate", estimate, Line=lines)
    house.sync()

    invoices = house.sandbox.invoices("3003")
    assert [one["DocNumber"] for one in invoices] == ["3003-M1"]
    assert net(invoices[0]) == Decimal("3500.00")
    assert house.amounts("3003") == [350_000, 350_000, 700_000]
    changed = [row for row in house.work("mail") if row.payload["notice"] == "changed"]
    assert [row.payload["new"] for row in changed] == [
        {"m1": 350_000, "m2": 350_000, "m3": 700_000}
    ]


def test_a_price_that_goes_up_and_back_ends_where_it_was(house: House) -> None:
    """E10: a change and its reversal, with nothing paid between, are no change."""
    estimate = house.accepted_estimate("3004", LINES)
    house.sync()
    original = house.sandbox.read("Estimate", estimate["Id"])["Line"]
    lines = [line for line in original if line["DetailType"] == "SalesItemLineDetail"]
    raised = [{**line} for line in lines]
    raised.append(house.line("Undermount sink", "777.77", "TAX"))

    house.sandbox.change("Estimate", estimate, Line=raised)
    house.sync()
    house.sandbox.change("Estimate", estimate, Line=lines)
    house.sync()

    assert house.amounts("3004") == [300_000, 300_000, 600_000]
    assert net(house.sandbox.invoices("3004")[0]) == Decimal("3000.00")


def test_a_part_payment_leaves_the_rest_due(house: House) -> None:
    """E16: what was received is contract money in proportion to the tax; nothing else moves."""
    house.accepted_estimate("3005", LINES)
    house.sync()
    invoice = house.sandbox.invoices("3005")[0]

    house.pay(invoice, "1000.00")
    house.sync()

    first = house.view("3005").milestones[0]
    tax = invoice["TxnTaxDetail"]["TotalTax"]
    assert first.paid_minor == int(Decimal("1000.00") * 300_000 / (Decimal("3000.00") + tax))
    assert first.state == "due"
    assert house.amounts("3005") == [300_000, 300_000, 600_000]


@pytest.mark.parametrize(
    ("operation", "code"), [("void", "invoice_voided"), ("delete", "invoice_deleted")]
)
def test_what_a_person_took_away_is_not_made_again(house: House, operation: str, code: str) -> None:
    """E85, E86: a voided or deleted invoice is a finding, never revived."""
    house.accepted_estimate("3006", LINES)
    house.sync()

    house.sandbox.operation("Invoice", house.sandbox.invoices("3006")[0], operation)
    house.sync()
    house.sync()

    live = [one for one in house.sandbox.invoices("3006") if one["TotalAmt"] > 0]
    assert live == []
    assert [one.code for one in house.view("3006").findings] == [code]


def test_a_persons_money_edit_pins_the_invoice(house: House) -> None:
    """E62: what a bookkeeper made of an invoice stands; the others share what is left."""
    house.accepted_estimate("3007", LINES)
    house.sync()
    house.pay(house.sandbox.invoices("3007")[0])
    house.sync()
    complete(house, "3007", "removal")
    invoice = house.sandbox.invoices("3007")[1]
    lines = [line for line in invoice["Line"] if line["DetailType"] == "SalesItemLineDetail"]
    lines[0]["Amount"] += Decimal("100.00")
    lines[0]["SalesItemLineDetail"]["UnitPrice"] = lines[0]["Amount"]

    house.sandbox.change("Invoice", invoice, Line=lines)
    house.sync()

    assert house.amounts("3007") == [300_000, 310_000, 590_000]
    assert net(house.sandbox.invoices("3007")[1]) == Decimal("3100.00")
    assert [one.code for one in house.view("3007").findings] == ["invoice_edited"]


def test_a_rejected_estimate_freezes_the_job(house: House) -> None:
    """E76: after a deposit nothing is re-done and nothing more is billed; a person decides."""
    estimate = house.accepted_estimate("3008", LINES)
    house.sync()
    house.pay(house.sandbox.invoices("3008")[0])
    house.sandbox.change("Estimate", estimate, TxnStatus="Rejected")
    house.sync()
    complete(house, "3008", "removal")

    assert house.view("3008").state == "frozen"
    assert house.amounts("3008") == [300_000, 300_000, 600_000]
    assert len(house.sandbox.invoices("3008")) == 1


def test_the_moved_event_moves_the_due_date_of_a_sent_invoice(house: House) -> None:
    """E66: the invoice follows the event it waits for; the amounts stay."""
    house.accepted_estimate("3009", LINES)
    house.sync()
    view = house.view("3009")
    later = date.fromordinal(house.today().toordinal() + 9)
    with house.app.database.begin(house.realm_no) as session:
        report_event(session, house.realm_no, view.job_id, name="Measurements",
                     state=EventState.PLANNED, on=later, author="test")  # fmt: skip
    house.work_off()

    assert house.sandbox.invoices("3009")[0]["DueDate"] == later.isoformat()
    assert house.amounts("3009") == [300_000, 300_000, 600_000]


def test_estimates_that_cannot_be_mapped_hold_nothing_else_up(house: House) -> None:
    """A wrong memo and an empty contract become findings; the job beside them is billed."""
    house.accepted_estimate("3010", LINES, memo="25% before Measurements; 80% after Removal")
    house.accepted_estimate("3011", LINES)
    house.sync()

    assert house.view("3010").state == "unmapped"
    assert [one.code for one in house.view("3010").findings] == ["percent_sum"]
    assert len(house.sandbox.invoices("3011")) == 1


def test_a_corrected_memo_lets_the_job_begin(house: House) -> None:
    """The finding closes by itself once its cause is gone."""
    estimate = house.accepted_estimate(
        "3012", LINES, memo="25% before Measurements; 80% after Removal"
    )
    house.sync()
    house.sandbox.change(
        "Estimate", estimate, CustomerMemo={"value": "20% before Measurements; 80% after Removal"}
    )
    house.sync()

    assert house.view("3012").findings == ()
    assert house.amounts("3012") == [240_000, 960_000]


def test_after_a_long_absence_everything_is_read_again(house: House) -> None:
    """Beyond the change feed's thirty days the books are read whole; nothing is doubled."""
    house.accepted_estimate("3013", LINES)
    house.sync()
    house.sandbox.admin("clock/advance", {"by": "45d"})
    house.pay(house.sandbox.invoices("3013")[0])

    house.sync()

    assert house.view("3013").milestones[0].state == "paid"
    assert len(house.sandbox.invoices("3013")) == 1


def test_what_was_deleted_during_a_long_absence_is_noticed(house: House) -> None:
    """A full reading brings no deletions: what did not come back is gone."""
    house.accepted_estimate("3014", LINES)
    house.sync()
    house.sandbox.admin("clock/advance", {"by": "45d"})
    house.sandbox.operation("Invoice", house.sandbox.invoices("3014")[0], "delete")

    house.sync()

    assert [one.code for one in house.view("3014").findings] == ["invoice_deleted"]
    assert house.sandbox.invoices("3014") == []


@pytest.mark.parametrize(
    ("total", "parts", "drift"), [("10.00", 3, -2), ("20.00", 3, 0), ("9.50", 6, 3)]
)
def test_e45_e47_quickbooks_tax_stands_and_its_drift_is_told(
    house: House, total: str, parts: int, drift: int
) -> None:
    """Tax is rounded on every invoice: contract money ties out, the cent of tax is reported."""
    share = f"1/{parts}"
    memo = "; ".join(f"{share} on approval" for _ in range(parts))
    house.accepted_estimate("3099", [("Quartz slab", total, "TAX", None)], memo=memo)
    house.sync()

    view = house.view("3099")
    invoices = house.sandbox.invoices("3099")
    assert sum(net(one) for one in invoices) == Decimal(total)
    taxes = sum(one["TxnTaxDetail"]["TotalTax"] for one in invoices)
    (estimate,) = house.sandbox.query("Estimate", "WHERE DocNumber = '3099'")
    assert taxes - estimate["TxnTaxDetail"]["TotalTax"] == Decimal(drift) / 100
    assert view.tax_drift_minor == drift
