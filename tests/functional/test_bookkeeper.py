"""A bookkeeper at work beside us: copies, closed books, credits, refunds, customers merged away.

What people do is respected, told, and never overwritten. One installation for all of it; the test
that closes the books comes last.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from milestone_engine.decisions import ClaimPayment, DismissPayment
from sync.job_decisions import CANCEL, Kept
from sync.store import findings
from tests.functional.test_decisions import decide
from tests.functional.test_push import raise_price
from tests.functional.test_story import LINES, complete, net
from tests.house import House, Services, open_house


@pytest.fixture(scope="module")
def house(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One installation for the module, its seed company at rest."""
    with open_house(services, tmp_path_factory.mktemp("bookkeeper")) as opened:
        opened.sync()
        yield opened


def told(house: House, subject: str) -> dict[str, dict[str, Any]]:
    """The open findings about something: code and facts."""
    with house.app.database.begin(house.realm_no) as session:
        rows = findings.open_ones(session, house.realm_no)
        return {row.code: dict(row.facts) for row in rows if row.subject == subject}


def test_a_copied_invoice_stops_all_writes_until_it_is_gone(house: House) -> None:
    """Fault 50: our mark is there twice; nothing is billed and nothing revised."""
    estimate = house.accepted_estimate("8101", LINES)
    house.sync()
    (ours,) = house.sandbox.invoices("8101")
    kept = ("CustomerRef", "PrivateNote", "Line")
    body = {name: ours[name] for name in kept} | {"DocNumber": "8101-COPY"}
    copy = house.sandbox.create("Invoice", body)
    house.sync()
    assert told(house, f"invoice:{copy['Id']}") == {
        "invoice_copied": {"number": "8101-M1", "copy": "8101-COPY"}
    }

    raise_price(house, estimate, "400.00")
    house.sync()
    complete(house, "8101", "removal")
    for one in (ours, copy):
        assert house.sandbox.read("Invoice", one["Id"])["SyncToken"] == one["SyncToken"]
    assert house.view("8101").state == "frozen"

    house.sandbox.operation("Invoice", copy, "delete")
    house.sync()
    assert told(house, f"invoice:{copy['Id']}") == {}
    assert [net(one) for one in house.sandbox.invoices("8101")] == [3100, 3100]


def test_a_customer_who_is_merged_away_takes_the_job_along(house: House) -> None:
    """QuickBooks moves the estimate and makes the old one inactive: one job, the new customer's
    money.
    """
    old, new = house.new_customer(), house.new_customer()
    estimate = house.accepted_estimate("8102", LINES, customer_id=old)
    house.sync()
    known = house.sandbox.read("Customer", old)
    off = {name: known[name] for name in ("Id", "SyncToken", "DisplayName")}
    house.sandbox.create("Customer", {**off, "sparse": True, "Active": False})
    house.sync()
    assert "customer_inactive" in told(house, f"customer:{old}")

    house.sandbox.change("Estimate", estimate, CustomerRef={"value": new})
    house.sandbox.change("Invoice", house.sandbox.invoices("8102")[0], CustomerRef={"value": new})
    house.sandbox.create("Payment", {"CustomerRef": {"value": new}, "TotalAmt": Decimal("50")})
    house.sync()

    assert told(house, f"customer:{old}") == {}
    view = house.view("8102")
    assert (view.on_account_minor, len(house.sandbox.invoices("8102"))) == (5_000, 1)
    assert "payment_unapplied" in [one.code for one in view.findings]


def family(house: House) -> tuple[str, str, str]:
    """A customer with two kitchens: its id and theirs."""
    one = house.new_customer()
    parent = house.sandbox.read("Customer", one)["ParentRef"]["value"]
    sub = {"DisplayName": f"Second kitchen {one}", "Job": True, "ParentRef": {"value": parent}}
    return parent, one, str(house.sandbox.create("Customer", sub)["Id"])


def loose(house: House, base: str) -> list[tuple[str, str]]:
    """What is told of money beside a job's payments: code and whose."""
    about = ("payment_", "credit_open", "refund")
    return [
        (one.code, one.subject) for one in house.view(base).findings if one.code.startswith(about)
    ]


def test_money_on_the_parent_is_proposed_to_its_only_open_job(house: House) -> None:
    """A customer pays ahead on its own name, the job is a sub-customer's."""
    parent, kitchen, _ = family(house)
    paid = {"CustomerRef": {"value": parent}, "TotalAmt": Decimal("3200")}
    early = house.sandbox.create("Payment", paid, actor="customer")

    house.accepted_estimate("8121", LINES, customer_id=kitchen)
    house.sync()

    assert loose(house, "8121") == [("payment_unapplied", f"payment:{early['Id']}")]
    assert house.view("8121").on_account_minor == 320_000
    assert house.sandbox.invoices("8121") == []


def test_money_that_two_jobs_could_be_meant_by_is_told_at_both_and_counts_once(
    house: House,
) -> None:
    """It comes to the parent after both began; a person says whose it is."""
    parent, kitchen, other = family(house)
    house.accepted_estimate("8122", LINES, customer_id=kitchen)
    house.accepted_estimate("8123", LINES, customer_id=other)
    house.sync()
    paid = {"CustomerRef": {"value": parent}, "TotalAmt": Decimal("6000")}
    payment = house.sandbox.create("Payment", paid, actor="customer")
    house.sync()

    for base in ("8122", "8123"):
        subject = f"payment:{payment['Id']}/{base}"
        assert loose(house, base) == [("payment_of_several", subject)]
        assert house.view(base).on_account_minor == 0

    decide(house, "8123", ClaimPayment(payment_id=payment["Id"], milestone_id="m2"))
    house.sync()

    assert (loose(house, "8122"), loose(house, "8123")) == ([], [])
    assert house.view("8122").on_account_minor == 0
    assert house.view("8123").on_account_minor == 600_000


def test_a_second_job_of_the_family_makes_the_money_a_question(house: House) -> None:
    """Proposed to the first while it is the only one; then to none of the two."""
    parent, kitchen, other = family(house)
    paid = {"CustomerRef": {"value": parent}, "TotalAmt": Decimal("700")}
    house.sandbox.create("Payment", paid, actor="customer")
    house.accepted_estimate("8124", LINES, customer_id=kitchen)
    house.sync()
    assert [code for code, _ in loose(house, "8124")] == ["payment_unapplied"]

    house.accepted_estimate("8125", LINES, customer_id=other)
    house.sync()

    for base in ("8124", "8125"):
        assert [code for code, _ in loose(house, base)] == ["payment_of_several"]
        assert len(house.sandbox.invoices(base)) == 1

    decide(house, "8125", Kept(kind=CANCEL, subject="job", facts={}))
    house.sync()
    assert [code for code, _ in loose(house, "8124")] == ["payment_unapplied"]


def test_the_rest_of_a_payment_stays_with_the_job_whose_invoice_it_paid(house: House) -> None:
    """100 too much, paid by the parent on one kitchen's invoice: the other has no part in it."""
    parent, kitchen, other = family(house)
    house.accepted_estimate("8127", LINES, customer_id=kitchen)
    house.accepted_estimate("8128", LINES, customer_id=other)
    house.sync()
    (deposit,) = house.sandbox.invoices("8127")
    link = {"TxnId": deposit["Id"], "TxnType": "Invoice"}
    house.sandbox.create(
        "Payment",
        {
            "CustomerRef": {"value": parent},
            "TotalAmt": deposit["Balance"] + 100,
            "Line": [{"Amount": deposit["Balance"], "LinkedTxn": [link]}],
        },
    )

    house.sync()

    assert [house.view(base).on_account_minor for base in ("8127", "8128")] == [10_000, 0]
    assert (loose(house, "8127"), loose(house, "8128")) == ([], [])


def test_credits_and_refunds_of_the_parent_are_told_at_its_job(house: House) -> None:
    """They come after the job began, and route to it."""
    parent, kitchen, _ = family(house)
    house.accepted_estimate("8126", LINES, customer_id=kitchen)
    house.sync()
    form = {"CustomerRef": {"value": parent}, "Line": [house.line("Removal", "120.00")]}
    memo = house.sandbox.create("CreditMemo", form)
    refund = house.sandbox.create("RefundReceipt", {**form, "DepositToAccountRef": {"value": "1"}})

    house.sync()

    assert sorted(loose(house, "8126")) == [
        ("credit_open", f"credit:{memo['Id']}"),
        ("refund", f"refund:{refund['Id']}"),
    ]


def test_a_credit_that_is_applied_pays_and_one_that_is_not_is_told(house: House) -> None:
    """Money rules, section 1: an applied credit is a receipt like any other."""
    customer = house.new_customer()
    house.accepted_estimate("8103", LINES, customer_id=customer)
    house.sync()
    (deposit,) = house.sandbox.invoices("8103")
    memo = house.sandbox.create(
        "CreditMemo",
        {"CustomerRef": {"value": customer}, "Line": [house.line("Quartz slab", "1000.00")]},
    )
    house.sync()
    subject = f"credit:{memo['Id']}"
    assert told(house, subject)["credit_open"]["amount_minor"] == "100000"

    links = [(deposit["Id"], "Invoice"), (memo["Id"], "CreditMemo")]
    applied = [
        {"Amount": Decimal("1000.00"), "LinkedTxn": [{"TxnId": id, "TxnType": kind}]}
        for id, kind in links
    ]
    house.sandbox.create(
        "Payment", {"CustomerRef": {"value": customer}, "TotalAmt": 0, "Line": applied}
    )
    house.sync()

    first = house.view("8103").milestones[0]
    assert first.received_minor == 100_000
    assert 0 < first.paid_minor < 100_000  # its tax is paid along
    assert told(house, subject) == {}


def test_a_refund_is_told_until_somebody_has_seen_it(house: House) -> None:
    """It moves no invoice's balance, so nothing else shows it."""
    customer = house.new_customer()
    house.accepted_estimate("8104", LINES, customer_id=customer)
    house.sync()
    house.pay(house.sandbox.invoices("8104")[0])
    refund = house.sandbox.create(
        "RefundReceipt",
        {
            "CustomerRef": {"value": customer},
            "DepositToAccountRef": {"value": "1"},
            "Line": [house.line("Removal", "120.00")],
        },
    )
    house.sync()
    subject = f"refund:{refund['Id']}"
    assert told(house, subject)["refund"]["amount_minor"] == "12000"
    assert house.view("8104").milestones[0].state == "paid"

    decide(house, "8104", DismissPayment(payment_id=refund["Id"]))
    assert told(house, subject) == {}


def test_a_deposited_payment_locks_and_a_bounce_opens_it_again(house: House) -> None:
    """6540: what lies in a bank deposit cannot be changed. We never try; the bank can."""
    estimate = house.accepted_estimate("8105", LINES)
    house.sync()
    paid = house.pay(house.sandbox.invoices("8105")[0])
    house.sandbox.admin("act", {"verb": "deposit", "document": f"payment:#{paid['Id']}"})
    raise_price(house, estimate, "400.00")
    house.sync()
    assert house.amounts("8105") == [300_000, 313_333, 626_667]

    house.sandbox.admin("act", {"verb": "bounce", "document": f"payment:#{paid['Id']}"})
    house.sync()
    deposit = house.sandbox.invoices("8105")[0]
    assert told(house, f"invoice:{deposit['Id']}")["payment_reversed"]["reversal"] == "1"
    assert house.amounts("8105") == [300_000, 313_333, 626_667]
    assert [one for one in house.unfinished() if one[1] == "parked"] == []


def test_closed_books_hold_what_is_out_and_park_what_is_new(house: House) -> None:
    """The sent invoice stays, the price goes to the others; a new bill is refused with 6210, and
    parked with the day until the books are open.
    """
    estimate = house.accepted_estimate("8106", LINES)
    house.sync()
    (sent,) = house.sandbox.invoices("8106")
    today = house.today()
    house.sandbox.admin("act", {"verb": "close-books", "on": today.isoformat()})
    raise_price(house, estimate, "400.00")
    house.sync()
    assert "books_closed" in told(house, f"invoice:{sent['Id']}")
    assert house.amounts("8106") == [300_000, 313_333, 626_667]

    complete(house, "8106", "removal")
    parked = [row for row in house.work("bill") if row.state == "parked"]
    assert [row.error_class for row in parked] == ["BooksClosed"]
    assert "6210" in (parked[0].error or "")
    assert today.isoformat() in (parked[0].error or "")
    assert len(house.sandbox.invoices("8106")) == 1

    opened = (today - timedelta(days=30)).isoformat()
    house.sandbox.admin("act", {"verb": "close-books", "on": opened})
    house.sync()
    assert told(house, f"invoice:{sent['Id']}") == {}
