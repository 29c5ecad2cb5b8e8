"""Sent invoices when the total changes: E16 to E26 and E53 to E61 of the money rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from milestone_engine.decisions import HoldPayment, VoidInvoice
from milestone_engine.job import HeldBy, InvoiceState, Notice, Policy, Told
from milestone_engine.rebalance import OnInvoiced, ShareState
from milestone_engine.timeline import PaymentState
from tests.unit.milestone_engine.jobs import (
    KNOWN,
    M1_PAID,
    M2_PAID,
    M2_SENT,
    SOON,
    TODAY,
    a_job,
    a_payment,
    all_done,
    amounts,
    an_invoice,
    asked,
    bills,
    codes,
    notices,
    planned,
    revisions,
    settled,
    the_finding,
    voids,
)

HOLD = Policy(on_invoiced=OnInvoiced.HOLD)
SUPPLEMENT = Policy(on_invoiced=OnInvoiced.SUPPLEMENT)
#: Sent after removal, due on receipt.
FIRST = replace(M2_SENT, due_on=TODAY)
E22 = a_job(1_200_000, invoices=(M1_PAID, FIRST), policy=SUPPLEMENT, told=(KNOWN,))


def test_e16_a_part_payment_changes_nothing():
    """1,500 due on M1."""
    plan = planned(a_job(invoices=(an_invoice("m1", 250_000, paid=100_000),), told=(KNOWN,)))

    assert amounts(plan) == [250_000, 250_000, 500_000]
    assert plan.milestones[0].amount_minor - plan.milestones[0].paid_minor == 150_000
    assert (bills(plan), revisions(plan)) == ([], [])


def test_e17_a_part_paid_invoice_is_revised():
    """3,000 / 3,000 / 6,000; 2,000 due on M1."""
    plan = planned(a_job(1_200_000, invoices=(an_invoice("m1", 250_000, paid=100_000),)))

    assert amounts(plan) == [300_000, 300_000, 600_000]
    assert [(one.doc_number, one.amount_minor) for one in revisions(plan)] == [("1042-M1", 300_000)]
    assert plan.milestones[0].amount_minor - plan.milestones[0].paid_minor == 200_000


def test_e18_under_hold_a_sent_invoice_stays():
    """2,500 / 3,166.67 / 6,333.33."""
    part_paid = an_invoice("m1", 250_000, paid=100_000)
    plan = planned(a_job(1_200_000, invoices=(part_paid,), policy=HOLD))

    assert amounts(plan) == [250_000, 316_667, 633_333]
    assert revisions(plan) == []


def test_e20_the_same_invoice_is_brought_to_the_new_amount():
    """M2 3,166.67 on the same invoice; M3 6,333.33."""
    plan = planned(a_job(1_200_000, invoices=(M1_PAID, M2_SENT)))

    assert amounts(plan) == [250_000, 316_667, 633_333]
    (revised,) = revisions(plan)
    assert (revised.invoice_id, revised.amount_minor) == (M2_SENT.invoice_id, 316_667)


def test_e21_under_hold_the_rest_takes_it_all():
    """M2 2,500; M3 7,000."""
    plan = planned(a_job(1_200_000, invoices=(M1_PAID, M2_SENT), policy=HOLD))

    assert amounts(plan) == [250_000, 250_000, 700_000]
    assert revisions(plan) == []


def test_under_hold_an_invoice_gives_way_when_the_contract_is_too_small():
    """Rule 6: pinned ones that may move come down; an invoice above the plan would ask too much."""
    plan = planned(a_job(400_000, invoices=(M1_PAID, M2_SENT), policy=HOLD))

    assert amounts(plan) == [250_000, 150_000, 0]
    assert [(one.doc_number, one.amount_minor) for one in revisions(plan)] == [("1042-M2", 150_000)]


def test_e22_a_second_invoice_asks_for_the_difference():
    """M2 2,500 and a second invoice 666.67; M3 6,333.33."""
    plan = planned(all_done(E22))

    assert amounts(plan) == [250_000, 316_667, 633_333]
    assert asked(plan) == [("1042-M2-2", 66_667), ("1042-M3", 633_333)]
    assert bills(plan)[0].ordinal == 2
    assert revisions(plan) == []


def test_e22_both_invoices_make_the_milestone():
    """Billed and paid are sums, and the customer hears of each invoice."""
    second = settled(bills(planned(all_done(E22)))[0], paid=0)
    told = (*E22.told, Told(notice=Notice.DUE, occasion="m2-1"))
    job = replace(E22, invoices=(M1_PAID, second, FIRST), told=told)

    plan = planned(job)
    m2 = plan.milestones[1]

    assert (m2.billed_minor, m2.paid_minor, m2.amount_minor) == (316_667, 0, 316_667)
    assert m2.invoices == (FIRST, second)
    assert m2.invoice == second
    told_now = (*told, Told(notice=Notice.CHANGED, occasion="1",
                            amounts={"m1": 250_000, "m2": 316_667, "m3": 633_333}))  # fmt: skip
    assert (Notice.DUE, "m2-2") in notices(planned(replace(job, told=told_now)))
    assert bills(plan) == []


@pytest.mark.parametrize(
    ("first_paid", "second_paid", "state", "shown"),
    [
        (250_000, 0, ShareState.OPEN, PaymentState.DUE),
        (260_000, 56_667, ShareState.OPEN, PaymentState.DUE),
        (250_000, 66_667, ShareState.LOCKED, PaymentState.PAID),
        (249_999, 66_666, ShareState.LOCKED, PaymentState.PAID),
    ],
    ids=["one-of-two", "what-one-has-too-much-does-not-pay-the-other", "both", "a-cent-short-each"],
)
def test_e22_is_locked_once_all_of_them_are_settled(first_paid, second_paid, state, shown):
    """One overpaid invoice does not settle its neighbour."""
    second = settled(bills(planned(all_done(E22)))[0], paid=second_paid)
    first = replace(FIRST, paid_minor=first_paid)

    plan = planned(replace(E22, invoices=(M1_PAID, first, second)))

    assert plan.milestones[1].share is state
    assert plan.milestones[1].state is shown
    assert plan.on_account_minor == max(first_paid - 250_000, 0)


def test_e22_when_the_total_falls_later_the_newest_invoice_gives_way_first():
    """5,500 in all: M2 comes down to 3,000 on its second invoice, to 2,000 it takes the first."""
    second = settled(bills(planned(all_done(E22)))[0], paid=0)
    lower = a_job(550_000, invoices=(M1_PAID, FIRST, second), policy=SUPPLEMENT)
    lowest = a_job(450_000, invoices=(M1_PAID, FIRST, second), policy=SUPPLEMENT,
                   decisions=(VoidInvoice(invoice_id=second.invoice_id),))  # fmt: skip

    plan = planned(lower)
    assert amounts(plan) == [250_000, 300_000, 0]
    assert [(one.doc_number, one.amount_minor) for one in revisions(plan)] == [
        ("1042-M2-2", 50_000)
    ]
    plan = planned(lowest)
    assert amounts(plan) == [250_000, 200_000, 0]
    assert [(one.doc_number, one.amount_minor) for one in revisions(plan)] == [("1042-M2", 200_000)]
    assert voids(plan) == [second.invoice_id]


def test_e22_under_revise_the_newest_unpaid_one_is_revised():
    """The policy changed meanwhile."""
    second = settled(bills(planned(all_done(E22)))[0], paid=0)
    job = a_job(1_500_000, invoices=(M1_PAID, FIRST, second))

    plan = planned(job)

    assert amounts(plan) == [250_000, 416_667, 833_333]
    assert [(one.doc_number, one.amount_minor) for one in revisions(plan)] == [
        ("1042-M2-2", 166_667)
    ]


def test_rule_8_an_invoice_that_falls_to_zero_is_voided_on_a_yes():
    """A finding until then; never an invoice of nothing."""
    job = a_job(250_000, invoices=(M1_PAID, M2_SENT))

    plan = planned(job)
    assert amounts(plan) == [250_000, 0, 0]
    assert (revisions(plan), voids(plan)) == ([], [])
    assert the_finding(plan, "invoice_to_void").subject == f"invoice:{M2_SENT.invoice_id}"

    plan = planned(replace(job, decisions=(VoidInvoice(invoice_id=M2_SENT.invoice_id),)))
    assert voids(plan) == [M2_SENT.invoice_id]
    assert "invoice_to_void" not in codes(plan)


def test_a_yes_to_void_means_nothing_while_there_is_something_to_ask():
    """The price went up again before the invoice was voided."""
    yes = (VoidInvoice(invoice_id=M2_SENT.invoice_id),)
    assert voids(planned(a_job(invoices=(M1_PAID, M2_SENT), decisions=yes))) == []


def test_e25_a_pending_payment_holds_the_invoice():
    """M3 7,000; nobody is told that it is due; if it fails, back to the policy."""
    job = a_job(1_200_000, invoices=(M1_PAID, M2_SENT), told=(KNOWN,))
    by_person = planned(replace(job, decisions=(HoldPayment(milestone_id="m2"),)))
    seen = planned(replace(job, invoices=(M1_PAID, replace(M2_SENT, held_by=HeldBy.PENDING))))

    for plan in (by_person, seen):
        assert amounts(plan) == [250_000, 250_000, 700_000]
        assert revisions(plan) == []
        assert plan.milestones[1].share is ShareState.HELD
        assert the_finding(plan, "payment_pending").subject == f"invoice:{M2_SENT.invoice_id}"
        assert (Notice.DUE, "m2-1") not in notices(plan)
    assert amounts(planned(job)) == [250_000, 316_667, 633_333]


def test_e26_paid_while_it_is_being_revised():
    """Read again, M2 is locked 2,500 and M3 7,000, not 6,333.33."""
    assert amounts(planned(a_job(1_200_000, invoices=(M1_PAID, M2_SENT)))) == [
        250_000, 316_667, 633_333,
    ]  # fmt: skip

    plan = planned(a_job(1_200_000, invoices=(M1_PAID, M2_PAID)))

    assert amounts(plan) == [250_000, 250_000, 700_000]
    assert plan.milestones[1].share is ShareState.LOCKED
    assert revisions(plan) == []


def test_e53_only_contract_money_counts():
    """2,500 + 200 tax, 1,350 received: 1,250 is the contract's."""
    invoice = an_invoice("m1", 250_000, paid=125_000, tax_minor=20_000)

    plan = planned(a_job(invoices=(invoice,)))
    assert plan.milestones[0].amount_minor - plan.milestones[0].paid_minor == 125_000
    assert amounts(planned(a_job(1_200_000, invoices=(invoice,)))) == [300_000, 300_000, 600_000]


@pytest.mark.parametrize(
    ("paid", "unapplied"),
    [(260_000, ()), (250_000, (a_payment(10_000),)), (260_000, (a_payment(10_000),))],
    ids=["above-billed", "as-the-payments-rest", "told-both-ways"],
)
def test_e55_what_is_paid_too_much_is_on_account(paid, unapplied):
    """Split unchanged; 100 on account, once."""
    plan = planned(a_job(invoices=(an_invoice("m1", 250_000, paid=paid),), unapplied=unapplied))

    assert amounts(plan) == [250_000, 250_000, 500_000]
    assert plan.on_account_minor == 10_000


def test_e56_one_payment_on_three_invoices():
    """M3 1,000 of 5,000; then +2,000: M3 7,000, 6,000 due."""
    part = an_invoice("m3", 500_000, paid=100_000)
    assert amounts(planned(a_job(invoices=(M1_PAID, M2_PAID, part)))) == [
        250_000, 250_000, 500_000,
    ]  # fmt: skip

    plan = planned(a_job(1_200_000, invoices=(M1_PAID, M2_PAID, part)))

    assert amounts(plan) == [250_000, 250_000, 700_000]
    assert [(one.doc_number, one.amount_minor) for one in revisions(plan)] == [("1042-M3", 700_000)]
    assert plan.milestones[2].amount_minor - plan.milestones[2].paid_minor == 600_000


def test_e57_a_late_fee_is_outside():
    """3,166.67 / 6,333.33."""
    invoice = an_invoice("m1", 250_000, paid=250_000, outside_minor=5_000)
    plan = planned(a_job(1_200_000, invoices=(invoice,)))

    assert amounts(plan) == [250_000, 316_667, 633_333]
    assert plan.on_account_minor == 0


def test_e61_a_bookkeepers_line_stays_beside_the_contract():
    """Invoice 2,650, contract part 2,500; T unchanged; the 150 can be reported."""
    plan = planned(a_job(invoices=(an_invoice("m1", 250_000, outside_minor=15_000),)))

    assert amounts(plan) == [250_000, 250_000, 500_000]
    assert plan.milestones[0].invoices[0].outside_minor == 15_000
    assert revisions(plan) == []


def test_closed_books_hold_an_invoice():
    """Its date lies in a closed period: it stays, the others share the rest."""
    closed = replace(M2_SENT, held_by=HeldBy.CLOSED)
    plan = planned(a_job(1_200_000, invoices=(M1_PAID, closed)))

    assert amounts(plan) == [250_000, 250_000, 700_000]
    assert the_finding(plan, "books_closed").subject == f"invoice:{M2_SENT.invoice_id}"


def test_e62_a_persons_amount_stays():
    """M2 2,600; M3 4,900; named in the report; its due date is left alone too."""
    edited = an_invoice("m2", 260_000, held_by=HeldBy.EDITED, due_on=SOON + timedelta(days=9))
    plan = planned(a_job(invoices=(M1_PAID, edited)))

    assert amounts(plan) == [250_000, 260_000, 490_000]
    assert revisions(plan) == []
    assert codes(plan) == ["invoice_edited"]


def test_a_voided_supplement_is_asked_again_only_on_a_persons_word():
    """The first invoice still stands; the difference waits."""
    gone = replace(settled(bills(planned(all_done(E22)))[0], paid=0), state=InvoiceState.VOIDED)
    plan = planned(replace(E22, invoices=(M1_PAID, FIRST, gone)), today=TODAY)

    assert bills(plan) == []
    assert the_finding(plan, "invoice_voided").subject == f"invoice:{gone.invoice_id}"
