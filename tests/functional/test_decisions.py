"""What people decide about a job, and what the books tell beyond paid and unpaid."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from mapping.schedules import schedule_of_words
from milestone_engine.decisions import (
    AgreeValue,
    BillAgain,
    ClaimPayment,
    Decision,
    Forget,
    HoldPayment,
    ReopenPayment,
    RouteChangeOrder,
    Routing,
    VoidInvoice,
)
from milestone_engine.timeline import EventState
from sync.calendar import report_event
from sync.company import Wish, set_company
from sync.job_decisions import CANCEL, Kept, NoSuchDecision, kept_of, record, standing, undo
from sync.store import findings
from sync.store.tables import JobDocumentRow
from tests.functional.test_story import LINES, complete, net
from tests.house import House

SINK = [("Undermount sink", "1400.00", "TAX", None)]


def decide(house: House, base: str, *decisions: Decision | Kept) -> list[int]:
    """Say something about a job, and do what follows."""
    job_id = house.view(base).job_id
    with house.app.database.begin(house.realm_no) as session:
        numbers = [
            record(
                session,
                house.realm_no,
                job_id,
                one if isinstance(one, Kept) else kept_of(one),
                author="owner",
            )
            for one in decisions
        ]
    house.work_off()
    return numbers


def take_back(house: House, base: str, number: int) -> None:
    """Undo a decision, and do what follows."""
    with house.app.database.begin(house.realm_no) as session:
        undo(session, house.realm_no, house.view(base).job_id, number, author="owner")
    house.work_off()


def policy(house: House, **values: Any) -> None:
    """Set the company's policy."""
    with house.app.database.begin(house.realm_no) as session:
        set_company(session, house.realm_no, Wish(policy=values), author="owner")


def codes(house: House, base: str) -> list[str]:
    """The open findings of a job."""
    with house.app.database.begin(house.realm_no) as session:
        rows = findings.open_ones(session, house.realm_no, job_id=house.view(base).job_id)
        return sorted(row.code for row in rows)


def numbers(house: House, base: str) -> list[tuple[str, Decimal]]:
    """The invoices of a job in the books: number and contract money."""
    return [(one["DocNumber"], net(one)) for one in house.sandbox.invoices(base)]


def begun(house: House, base: str) -> str:
    """A job whose deposit is invoiced and paid; gives its customer."""
    customer = house.new_customer()
    house.accepted_estimate(base, LINES, customer_id=customer)
    house.sync()
    house.pay(house.sandbox.invoices(base)[0])
    house.sync()
    return customer


def test_e22_a_supplement_is_a_second_invoice(house: House) -> None:
    """The sent invoice stays as it was; what is above it has a number, a mail and money of its
    own.
    """
    policy(house, on_invoiced="supplement")
    customer = begun(house, "9101")
    complete(house, "9101", "removal")
    house.accepted_estimate("9101-CO-1", SINK, customer_id=customer)
    house.sync()

    assert numbers(house, "9101") == [
        ("9101-M1", Decimal("3000.00")),
        ("9101-M2", Decimal("3000.00")),
        ("9101-M2-2", Decimal("466.67")),
    ]
    second = house.view("9101").milestones[1]
    assert (second.amount_minor, second.billed_minor) == (346_667, 346_667)
    assert second.doc_number == "9101-M2, 9101-M2-2"
    attached = [part.get_filename() for one in house.mail.sent for part in one.iter_attachments()]
    assert attached[-2:] == ["9101-M2.pdf", "9101-M2-2.pdf"]

    for invoice in house.sandbox.invoices("9101")[1:]:
        house.pay(invoice)
    house.sync()
    complete(house, "9101", "installation")
    house.sync()
    assert [one.state for one in house.view("9101").milestones] == ["paid", "paid", "due"]
    assert sum(amount for _, amount in numbers(house, "9101")) == Decimal("13400.00")


def test_e58_a_bounced_check_holds_its_invoice_until_a_person_decides(house: House) -> None:
    """Due again at what it asked, the others unchanged; then the policy."""
    customer = begun(house, "9102")
    house.accepted_estimate("9102-CO-1", SINK, customer_id=customer)
    house.sync()
    before = house.amounts("9102")
    (payment,) = house.sandbox.query("Payment", f"WHERE CustomerRef = '{customer}'")
    house.sandbox.operation("Payment", payment, "void")
    house.sync()

    assert house.amounts("9102") == before == [300_000, 346_667, 693_333]
    assert house.view("9102").milestones[0].state == "due"
    assert codes(house, "9102") == ["payment_reversed"]

    deposit = house.sandbox.invoices("9102")[0]
    decide(house, "9102", ReopenPayment(invoice_id=deposit["Id"]))
    assert house.amounts("9102") == [335_000, 335_000, 670_000]
    assert numbers(house, "9102")[0] == ("9102-M1", Decimal("3350.00"))


def test_e58_a_second_bounce_is_a_new_question(house: House) -> None:
    """A yes to the first is no yes to the next."""
    begun(house, "9118")
    deposit = house.sandbox.invoices("9118")[0]
    for reversal in (1, 2):
        (payment,) = [
            one
            for one in house.sandbox.query("Payment")
            if one["CustomerRef"] == deposit["CustomerRef"] and one["TotalAmt"]
        ]
        house.sandbox.operation("Payment", payment, "void")
        house.sync()
        assert codes(house, "9118") == ["payment_reversed"]
        decide(house, "9118", ReopenPayment(invoice_id=deposit["Id"], reversal=reversal))
        assert codes(house, "9118") == []
        house.pay(house.sandbox.invoices("9118")[0])
        house.sync()
        assert house.view("9118").milestones[0].state == "paid"


def test_e85_a_voided_invoice_is_billed_again_once_on_a_persons_word(house: House) -> None:
    """With a new number, and not a third time."""
    begun(house, "9103")
    complete(house, "9103", "removal")
    house.sandbox.operation("Invoice", house.sandbox.invoices("9103")[1], "void")
    house.sync()
    assert codes(house, "9103") == ["invoice_voided"]
    voided = next(one for one in house.sandbox.query("Invoice") if one["DocNumber"] == "9103-M2")

    (number,) = decide(house, "9103", BillAgain(invoice_id=voided["Id"]))
    house.sync()

    assert ("9103-M2-2", Decimal("3000.00")) in numbers(house, "9103")
    assert codes(house, "9103") == []
    with pytest.raises(NoSuchDecision):
        take_back(house, "9103", number + 1000)


def test_e86_what_is_forgotten_is_never_asked(house: House) -> None:
    """It keeps its part of the contract: the others ask no more than before."""
    begun(house, "9104")
    complete(house, "9104", "removal")
    gone = house.sandbox.invoices("9104")[1]
    house.sandbox.operation("Invoice", gone, "delete")
    house.sync()

    decide(house, "9104", Forget(invoice_id=gone["Id"], amount_minor=300_000))
    complete(house, "9104", "installation")

    assert numbers(house, "9104") == [
        ("9104-M1", Decimal("3000.00")),
        ("9104-M3", Decimal("6000.00")),
    ]
    assert [one.state for one in house.view("9104").milestones] == ["paid", "forgotten", "due"]


def test_e60_money_that_came_early_is_proposed_and_not_asked_twice(house: House) -> None:
    """No invoice until a person says whose it is; then the invoice, and no word that it is due."""
    customer = house.new_customer()
    early = house.sandbox.create(
        "Payment",
        {"CustomerRef": {"value": customer}, "TotalAmt": Decimal("3200.00")},
        actor="customer",
    )
    house.accepted_estimate("9105", LINES, customer_id=customer)
    house.sync()
    assert numbers(house, "9105") == []
    assert codes(house, "9105") == ["payment_unapplied"]

    decide(house, "9105", ClaimPayment(payment_id=early["Id"], milestone_id="m1"))

    assert numbers(house, "9105") == [("9105-M1", Decimal("3000.00"))]
    told = [row.payload["notice"] for row in house.work("mail") if row.job_id == _id(house, "9105")]
    assert told == ["scheduled"]


def test_e55_a_rest_stands_on_account_and_holds_nothing_up(house: House) -> None:
    """100 too much on the deposit: the split is the same, the next invoice goes out."""
    house.accepted_estimate("9106", LINES)
    house.sync()
    deposit = house.sandbox.invoices("9106")[0]
    house.sandbox.create(
        "Payment",
        {
            "CustomerRef": deposit["CustomerRef"],
            "TotalAmt": deposit["Balance"] + 100,
            "Line": [
                {
                    "Amount": deposit["Balance"],
                    "LinkedTxn": [{"TxnId": deposit["Id"], "TxnType": "Invoice"}],
                }
            ],
        },
        actor="customer",
    )
    house.sync()
    complete(house, "9106", "removal")

    assert house.view("9106").on_account_minor == 10_000
    assert codes(house, "9106") == ["on_account"]
    assert [number for number, _ in numbers(house, "9106")] == ["9106-M1", "9106-M2"]


@pytest.mark.parametrize(
    ("routing", "expected"),
    [
        (Routing.SPREAD, [300_000, 346_667, 693_333]),
        (Routing.NEXT, [300_000, 440_000, 600_000]),
        (Routing.FINAL, [300_000, 300_000, 740_000]),
        (Routing.SEPARATE, [300_000, 300_000, 600_000, 140_000]),
    ],
)
def test_e70_a_change_order_goes_where_the_company_says(
    house: House, routing: Routing, expected: list[int]
) -> None:
    """Bound when it comes, and there to stay however often it is planned again."""
    policy(house, routing=routing.value)
    customer = begun(house, "9107")
    house.accepted_estimate("9107-CO-1", SINK, customer_id=customer)
    house.sync()
    assert house.amounts("9107") == expected

    policy(house, routing="spread")
    house.sync()
    complete(house, "9107", "removal")
    assert house.amounts("9107") == expected


def test_e70_a_persons_routing_goes_first_and_can_be_taken_back(house: House) -> None:
    """Routed to the next payment, then back to where the policy had it."""
    customer = begun(house, "9108")
    order = house.accepted_estimate("9108-CO-1", SINK, customer_id=customer)
    house.sync()
    said = RouteChangeOrder(change_order_id=order["Id"], routing=Routing.NEXT)
    (number,) = decide(house, "9108", said)
    assert house.amounts("9108") == [300_000, 440_000, 600_000]
    with house.app.database.begin(house.realm_no) as session:
        rows = standing(session, house.realm_no, _id(house, "9108")).rows
    assert [(row.decision_id, row.author) for row in rows] == [(number, "owner")]

    spread = RouteChangeOrder(change_order_id=order["Id"], routing=Routing.SPREAD)
    decide(house, "9108", spread)
    assert house.amounts("9108") == [300_000, 346_667, 693_333]


def test_e70_a_change_order_has_its_own_schedule(house: House) -> None:
    """50/50 of 1,400 beside the contract, as it was said."""
    customer = begun(house, "9117")
    order = house.accepted_estimate("9117-CO-1", SINK, customer_id=customer)
    house.sync()
    halves = schedule_of_words("50% on approval; 50% after Installation", currency="USD")
    said = RouteChangeOrder(
        change_order_id=order["Id"], routing=Routing.OWN, milestones=halves.milestones
    )
    decide(house, "9117", said)

    assert house.amounts("9117") == [300_000, 300_000, 600_000, 70_000, 70_000]
    assert numbers(house, "9117")[-1] == ("9117-M4", Decimal("700.00"))


def test_e71_an_offered_change_order_shows_what_it_would_do(house: House) -> None:
    """No part of the contract, until it is accepted."""
    customer = begun(house, "9109")
    house.accepted_estimate("9109-CO-1", SINK, customer_id=customer)
    order = house.sandbox.query("Estimate", "WHERE DocNumber = '9109-CO-1'")[0]
    house.sandbox.change("Estimate", order, TxnStatus="Pending")
    house.sync()

    view = house.view("9109")
    assert house.amounts("9109") == [300_000, 300_000, 600_000]
    (offered,) = view.pending
    assert (offered.label, offered.amount_minor) == ("9109-CO-1", 140_000)
    assert list(offered.amounts.values()) == [300_000, 346_667, 693_333]


def test_e72_money_without_a_place_is_proposed_and_billed_on_a_yes(house: House) -> None:
    """All is paid, then a change order: nothing goes out until a person routes it."""
    customer = begun(house, "9110")
    for event, place in (("removal", 1), ("installation", 2)):
        complete(house, "9110", event)
        house.pay(house.sandbox.invoices("9110")[place])
        house.sync()
    order = house.accepted_estimate("9110-CO-1", SINK, customer_id=customer)
    house.sync()
    proposal = house.view("9110").proposal
    assert proposal is not None
    assert proposal.amount_minor == 140_000
    assert codes(house, "9110") == ["unallocated"]
    assert len(numbers(house, "9110")) == 3

    decide(house, "9110", RouteChangeOrder(change_order_id=order["Id"], routing=Routing.SEPARATE))

    assert numbers(house, "9110")[-1] == ("9110-M4", Decimal("1400.00"))
    assert codes(house, "9110") == []


def test_e68_a_cancelled_job_is_settled_at_what_was_agreed(house: House) -> None:
    """3,000 paid, 4,100 agreed: one settlement of 1,100, and nothing more."""
    begun(house, "9111")
    decide(house, "9111", Kept(kind=CANCEL, subject="job", facts={}))
    assert codes(house, "9111") == ["job_cancelled"]
    complete(house, "9111", "removal")
    assert len(numbers(house, "9111")) == 1

    decide(house, "9111", AgreeValue(amount_minor=410_000, on=house.today()))

    assert sum(amount for _, amount in numbers(house, "9111")) == Decimal("4100.00")
    assert codes(house, "9111") == []
    assert house.view("9111").state == "cancelled"


def test_e25_a_payment_on_its_way_keeps_its_invoice_still(house: House) -> None:
    """Said by a person; taken back, the policy holds again."""
    customer = begun(house, "9112")
    complete(house, "9112", "removal")
    (number,) = decide(house, "9112", HoldPayment(milestone_id="m2"))
    house.accepted_estimate("9112-CO-1", SINK, customer_id=customer)
    house.sync()
    assert house.amounts("9112") == [300_000, 300_000, 740_000]

    take_back(house, "9112", number)
    assert house.amounts("9112") == [300_000, 346_667, 693_333]


def test_rule_8_an_empty_invoice_is_voided_on_a_yes(house: House) -> None:
    """The contract falls to what is paid: the sent invoice is voided by us, and only then."""
    begun(house, "9113")
    complete(house, "9113", "removal")
    (estimate,) = house.sandbox.query("Estimate", "WHERE DocNumber = '9113'")
    work = [one for one in estimate["Line"] if one["DetailType"] == "SalesItemLineDetail"]
    paid_part = [{**one, "Amount": one["Amount"] / 4} for one in work]
    house.sandbox.change("Estimate", estimate, Line=paid_part)
    house.sync()
    assert codes(house, "9113") == ["invoice_to_void"]
    sent = house.sandbox.invoices("9113")[1]
    assert sent["TotalAmt"] > 0

    decide(house, "9113", VoidInvoice(invoice_id=sent["Id"]))

    assert house.sandbox.read("Invoice", sent["Id"])["TotalAmt"] == 0
    assert codes(house, "9113") == []


def test_e32_the_law_of_the_place_caps_the_deposit(house: House) -> None:
    """California: 1,000 at most before the work begins; a company may switch the rule off."""
    estimate = house.accepted_estimate("9114", LINES)
    address = {"Line1": "1 Main St", "CountrySubDivisionCode": "California", "Country": "USA"}
    house.sandbox.change("Estimate", estimate, ShipAddr=address)
    house.sync()
    assert house.amounts("9114") == [100_000, 366_667, 733_333]
    assert codes(house, "9114") == ["legal_down_payment"]
    assert numbers(house, "9114") == [("9114-M1", Decimal("1000.00"))]
    assert "WHICHEVER IS LESS" in house.view("9114").wordings[0]
    plan = next(one for one in house.mail.sent if one["To"] == "owner@example.com")
    body = plan.get_body(("plain",))
    assert body is not None
    assert "WHICHEVER IS LESS" in " ".join(body.get_content().split())

    policy(house, rules_off=["us-ca-down-payment"])
    house.sync()
    assert house.amounts("9114") == [300_000, 300_000, 600_000]
    assert codes(house, "9114") == []


def test_business_days_pass_over_the_holidays_of_the_place(house: House) -> None:
    """One business day before the fifth of July in the United States is never the fourth."""
    year = house.today().year + 1
    lines = [(*LINES[0][:3], None), *LINES[1:]]
    memo = "50% 1 business day before Measurements; 50% after Installation"
    house.accepted_estimate("9115", lines, memo=memo)
    house.sync()
    day = house.today().replace(year=year, month=7, day=5)
    while day.weekday() > 4 or (day - timedelta(days=1)).weekday() > 4:
        day = day.replace(year=day.year + 1)
    with house.app.database.begin(house.realm_no) as session:
        report_event(
            session,
            house.realm_no,
            _id(house, "9115"),
            name="measurements",
            state=EventState.PLANNED,
            on=day,
            author="test",
        )
    house.work_off()

    due = house.view("9115").milestones[0].due_on
    assert due is not None
    assert (due.month, due.day) < (7, 4)


def test_an_invoice_that_was_settled_is_remembered(house: House) -> None:
    """What tells a bounce from an invoice that was never paid."""
    begun(house, "9116")
    with house.app.database.begin(house.realm_no) as session:
        asked = select(JobDocumentRow.was_settled).where(
            JobDocumentRow.job_id == _id(house, "9116"), JobDocumentRow.role == "invoice"
        )
        assert session.scalars(asked).all() == [True]


def _id(house: House, base: str) -> int:
    return house.view(base).job_id
