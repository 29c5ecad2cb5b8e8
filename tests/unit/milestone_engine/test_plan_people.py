"""What people decide and do by hand: E58, E60, E85 to E88 of the money rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from milestone_engine.decisions import (
    BillAgain,
    ClaimPayment,
    DismissPayment,
    Forget,
    ReopenPayment,
)
from milestone_engine.job import HeldBy, InvoiceState, Notice
from milestone_engine.rebalance import ShareState
from milestone_engine.timeline import PaymentState
from tests.unit.milestone_engine.jobs import (
    KNOWN,
    M1_PAID,
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
)

BOUNCED = an_invoice("m1", 250_000, was_settled=True)
GONE = (InvoiceState.VOIDED, InvoiceState.DELETED)


def test_e58_a_bounced_check_makes_the_invoice_due_again():
    """M1 held at 2,500 and due again, others unchanged, until a person decides."""
    paid = planned(a_job(1_200_000, invoices=(M1_PAID,)))

    plan = planned(a_job(1_200_000, invoices=(BOUNCED,)))

    assert amounts(plan) == amounts(paid) == [250_000, 316_667, 633_333]
    assert plan.milestones[0].share is ShareState.HELD
    assert plan.milestones[0].state is PaymentState.DUE
    assert the_finding(plan, "payment_reversed").subject == f"invoice:{BOUNCED.invoice_id}"
    late = planned(a_job(1_200_000, invoices=(BOUNCED,)), today=SOON + timedelta(days=1))
    assert late.milestones[0].state is PaymentState.OVERDUE
    assert revisions(plan) == revisions(late) == []


def test_e58_a_person_lets_it_follow_the_policy_again():
    """3,000 / 3,000 / 6,000 on the same invoice."""
    again = (ReopenPayment(invoice_id=BOUNCED.invoice_id),)
    plan = planned(a_job(1_200_000, invoices=(BOUNCED,), decisions=again))

    assert amounts(plan) == [300_000, 300_000, 600_000]
    assert [one.amount_minor for one in revisions(plan)] == [300_000]
    assert codes(plan) == []


def test_e58_a_second_bounce_is_a_new_question():
    """The yes was to the first: the invoice is held and told of again, until it has its own."""
    twice = replace(BOUNCED, reversals=2)
    first = ReopenPayment(invoice_id=BOUNCED.invoice_id)
    second = replace(first, reversal=2)

    plan = planned(a_job(1_200_000, invoices=(twice,), decisions=(first,)))
    assert plan.milestones[0].share is ShareState.HELD
    assert revisions(plan) == []
    assert the_finding(plan, "payment_reversed").facts["reversal"] == "2"

    # Either order, and with or without the answer to the first.
    for said in ((first, second), (second, first), (second,)):
        plan = planned(a_job(1_200_000, invoices=(twice,), decisions=said))
        assert (amounts(plan), codes(plan)) == ([300_000, 300_000, 600_000], [])


@pytest.mark.parametrize(
    ("facts", "reversal"),
    [
        pytest.param({}, 0, id="never-settled"),
        pytest.param({"was_settled": True}, 1, id="nobody-counted"),
        pytest.param({"held_by": HeldBy.REVERSED}, 1, id="seen-in-the-books"),
        pytest.param({"was_settled": True, "reversals": 1}, 1, id="counted-once"),
        pytest.param({"was_settled": True, "reversals": 3}, 3, id="counted"),
        pytest.param({"paid": 250_000, "was_settled": True, "reversals": 3}, 0, id="paid-again"),
    ],
)
def test_a_reversal_has_a_number(facts, reversal):
    """1 for the first, 0 where none leaves the invoice open."""
    assert an_invoice("m1", 250_000, **facts).reversal == reversal


def test_e58_paid_again_is_locked_again():
    """Nothing to decide any more."""
    plan = planned(a_job(1_200_000, invoices=(replace(BOUNCED, paid_minor=250_000),)))

    assert plan.milestones[0].share is ShareState.LOCKED
    assert codes(plan) == []


def test_e60_money_that_came_before_the_invoice_is_proposed():
    """M1 is not billed until a person says whose money it is."""
    plan = planned(a_job(unapplied=(a_payment(250_000),)))

    assert bills(plan) == []
    finding = the_finding(plan, "payment_unapplied")
    assert finding.subject == "payment:p1"
    assert dict(finding.facts) == {
        "amount_minor": "250000", "milestone": "m1", "label": "Deposit",
    }  # fmt: skip
    assert plan.on_account_minor == 250_000
    assert "on_account" not in codes(plan)


def test_e60_claimed_money_keeps_the_customer_from_being_asked():
    """Billed, but nobody says that it is due while the payment covers it."""
    claim = (ClaimPayment(payment_id="p1", milestone_id="m1"),)
    job = a_job(unapplied=(a_payment(250_000),), decisions=claim, told=(KNOWN,))

    plan = planned(job)
    assert asked(plan) == [("1042-M1", 250_000)]
    assert "payment_unapplied" not in codes(plan)

    billed = replace(job, invoices=(settled(bills(plan)[0], paid=0),))
    assert notices(planned(billed)) == []
    part = replace(billed, unapplied=(a_payment(100_000),))
    assert notices(planned(part)) == [(Notice.DUE, "m1-1")]
    taxed = replace(billed, invoices=(replace(billed.invoices[0], tax_minor=20_000),))
    assert notices(planned(taxed)) == [(Notice.DUE, "m1-1")]


def test_e60_dismissed_money_changes_nothing():
    """Billed as usual; the money stays on account."""
    dismissed = (DismissPayment(payment_id="p1"),)
    plan = planned(a_job(unapplied=(a_payment(250_000),), decisions=dismissed))

    assert asked(plan) == [("1042-M1", 250_000)]
    assert plan.on_account_minor == 250_000
    assert the_finding(plan, "on_account").facts["amount_minor"] == "250000"


def test_e60_several_payments_fill_one_milestone_after_the_other():
    """Two halves are for M1, a third payment for M2; whatever their order."""
    payments = [a_payment(125_000, id=f"p{n}", on=TODAY - timedelta(days=9 - n)) for n in (1, 2, 3)]
    job = all_done(a_job(unapplied=tuple(payments)))

    plan = planned(job)

    proposed = {f.subject: f.facts["milestone"] for f in plan.findings}
    assert proposed == {"payment:p1": "m1", "payment:p2": "m1", "payment:p3": "m2"}
    assert [one.milestone_id for one in bills(plan)] == ["m3"]
    assert planned(replace(job, unapplied=tuple(payments[::-1]))) == plan


def test_e60_what_is_billed_today_comes_first():
    """M2 is to be billed now, M1's event has no date: the money is proposed for M2."""
    events = dict(a_job().events)
    events |= {"removal": all_done(a_job()).events["removal"]}
    events["measure"] = replace(events["measure"], on=None)
    plan = planned(a_job(events=events, unapplied=(a_payment(250_000),)))

    assert the_finding(plan, "payment_unapplied").facts["milestone"] == "m2"


@pytest.mark.parametrize("state", GONE)
def test_e85_e86_a_lost_invoice_is_billed_again_only_on_a_word(state):
    """M2 back to unbilled 2,500; once, with a new number; another loss is another question."""
    gone = an_invoice("m2", 250_000, state=state, paid=0, lines=())
    job = all_done(a_job(invoices=(M1_PAID, gone, an_invoice("m3", 500_000))))

    plan = planned(job)
    assert (amounts(plan)[1], bills(plan)) == (250_000, [])
    assert plan.milestones[1].billed_minor is None
    assert the_finding(plan, f"invoice_{state.value}").subject == f"invoice:{gone.invoice_id}"

    again = replace(job, decisions=(BillAgain(invoice_id=gone.invoice_id),))
    plan = planned(again)
    assert asked(plan) == [("1042-M2-2", 250_000)]
    assert codes(plan) == []

    second = settled(bills(plan)[0], paid=0, id="92-2")
    assert bills(planned(replace(again, invoices=(*again.invoices, second)))) == []
    lost = replace(again, invoices=(*again.invoices, replace(second, state=state)))
    assert bills(planned(lost)) == []
    assert the_finding(planned(lost), f"invoice_{state.value}").subject == "invoice:92-2"
    third = replace(lost, decisions=(*lost.decisions, BillAgain(invoice_id="92-2")))
    assert asked(planned(third)) == [("1042-M2-3", 250_000)]


@pytest.mark.parametrize("state", GONE)
def test_e86_what_is_forgotten_keeps_its_amount_and_is_never_billed(state):
    """The milestone keeps 2,500 whatever the total does; no finding; the sums still tie."""
    gone = an_invoice("m2", 250_000, state=state, lines=())
    forget = (Forget(invoice_id=gone.invoice_id, amount_minor=250_000),)
    job = all_done(a_job(1_200_000, invoices=(M1_PAID, gone), decisions=forget))

    plan = planned(job)

    assert amounts(plan) == [250_000, 250_000, 700_000]
    assert asked(plan) == [("1042-M3", 700_000)]
    assert codes(plan) == []
    m2 = plan.milestones[1]
    assert (m2.state, m2.why.code) == (PaymentState.FORGOTTEN, "forgotten")
    assert (m2.why.fact("forgotten_minor"), m2.billed_minor, m2.paid_minor) == (250_000, None, 0)
    assert planned(replace(job, decisions=(*forget, BillAgain(invoice_id="92")))) == plan


def test_a_decision_about_what_is_not_there_means_nothing():
    """The invoice is live, the payment was applied."""
    job = a_job(invoices=(M1_PAID,), told=(KNOWN,))
    decided = replace(
        job,
        decisions=(
            BillAgain(invoice_id="91"),
            Forget(invoice_id="91", amount_minor=1),
            ClaimPayment(payment_id="p9", milestone_id="m2"),
            DismissPayment(payment_id="p8"),
        ),
    )
    assert planned(decided) == planned(job)


def test_e88_however_often_it_is_tried_it_is_one_invoice():
    """Until the invoice is seen the Plan asks for the same one; then for none."""
    job = a_job()
    first, second = bills(planned(job)), bills(planned(job))

    assert first == second
    assert bills(planned(replace(job, invoices=(settled(first[0]),)))) == []
