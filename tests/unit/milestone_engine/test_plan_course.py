"""The course of a job: schedule edits, events, law, the end. E32, E63 to E68, E76 to E78, E89."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from config.legal import read_legal
from milestone_engine.decisions import AgreeValue
from milestone_engine.job import InvoiceState, JobState, Policy
from milestone_engine.legal import Site, parse_rules
from milestone_engine.rebalance import OnInvoiced
from milestone_engine.schedule import (
    Milestone,
    Percent,
    add_milestone,
    build_schedule,
    remove_milestone,
    replace_milestone,
)
from milestone_engine.timeline import EventState, PaymentState, Terms, Trigger, When
from tests.unit.milestone_engine.jobs import (
    M1_PAID,
    M2_PAID,
    M2_SENT,
    SCHEDULE,
    SOON,
    TODAY,
    a_job,
    all_done,
    amounts,
    an_event,
    an_invoice,
    asked,
    bills,
    codes,
    planned,
    revisions,
    the_finding,
)

RULES = parse_rules(read_legal())
HOME = Site(place="US-CA", work=frozenset({"home_improvement"}), signed_on=date(2026, 4, 4))


def test_e32_the_law_caps_the_down_payment():
    """8,000: M1 800, then 2,400 / 4,800; the stored schedule has no cap."""
    job = a_job(800_000, legal=RULES, site=HOME)

    plan = planned(job)

    assert amounts(plan) == [80_000, 240_000, 480_000]
    assert asked(plan) == [("1042-M1", 80_000)]
    finding = the_finding(plan, "legal_down_payment")
    assert finding.subject == "job:1042/m1"
    assert plan.schedule == job.schedule
    assert [one.milestone.cap_minor for one in plan.milestones] == [None, None, None]


def test_e32_a_company_may_switch_a_rule_off_and_other_places_have_none():
    """2,000 / 2,000 / 4,000."""
    off = Policy(rules_off=frozenset({"us-ca-down-payment"}))
    elsewhere = replace(HOME, place="US-NV")
    for job in (
        a_job(800_000, legal=RULES, site=HOME, policy=off),
        a_job(800_000, legal=RULES, site=elsewhere),
        a_job(800_000, legal=RULES),
    ):
        assert amounts(planned(job)) == [200_000, 200_000, 400_000]
        assert codes(planned(job)) == []


def test_e33_a_walk_through_of_nothing_raises_no_invoice():
    """2,500 / 2,500 / 0 / 5,000."""
    walk = Milestone(
        id="w", label="Walk-through", basis=Percent(value=Decimal(0)),
        trigger=Trigger(when=When.AFTER, event="removal"),
    )  # fmt: skip
    plan = planned(all_done(a_job(schedule=add_milestone(SCHEDULE, walk, after="m2"))))

    assert amounts(plan) == [250_000, 250_000, 0, 500_000]
    assert [one.milestone_id for one in bills(plan)] == ["m1", "m2", "m3"]


def test_e63_a_further_milestone():
    """Weights 25/25/50 over 7,500; no number is given twice."""
    new = replace(SCHEDULE.milestone("m2"), id="mx", label="Half way")
    schedule = add_milestone(SCHEDULE, new, after="m2", settled_ids=["m1"])

    plan = planned(a_job(schedule=schedule, invoices=(M1_PAID,)))
    assert amounts(plan) == [250_000, 187_500, 187_500, 375_000]

    sent = an_invoice("m3", 375_000)
    numbers = [number for number, _ in asked(planned(all_done(a_job(
        schedule=schedule, invoices=(M1_PAID, sent)))))]  # fmt: skip
    assert numbers == ["1042-M2", "1042-M3-2"]


def test_e64_one_milestone_less():
    """M3 7,500."""
    schedule = remove_milestone(SCHEDULE, "m2", settled_ids=["m1"])
    assert amounts(planned(a_job(schedule=schedule, invoices=(M1_PAID,)))) == [250_000, 750_000]


def test_e65_a_cancelled_event_makes_its_milestone_wait():
    """Not billable; a person merges it (M3 7,500) or ties it to another event (unchanged)."""
    gone = replace(an_event("removal", SOON), state=EventState.CANCELLED)
    job = all_done(a_job(invoices=(M1_PAID,)))
    job = replace(job, events=dict(job.events) | {"removal": gone})

    plan = planned(job)
    assert [one.milestone_id for one in bills(plan)] == ["m3"]
    assert plan.milestones[1].state is PaymentState.WAITING
    finding = the_finding(plan, "event_cancelled")
    assert finding.subject == "job:1042/m2"
    assert dict(finding.facts) == {"event": "Removal", "label": "After removal"}

    merged = remove_milestone(SCHEDULE, "m2", settled_ids=["m1"])
    assert amounts(planned(replace(job, schedule=merged))) == [250_000, 750_000]
    moved = replace(SCHEDULE.milestone("m2"), trigger=Trigger(when=When.AFTER, event="install"))
    anchored = replace_milestone(SCHEDULE, moved, settled_ids=["m1"])
    plan = planned(replace(job, schedule=anchored))
    assert amounts(plan) == [250_000, 250_000, 500_000]
    assert [one.milestone_id for one in bills(plan)] == ["m2", "m3"]
    assert codes(plan) == []


def test_e65_what_is_sent_already_stays_and_a_person_is_told():
    """The invoice is out: it stays, due with its date and never overdue, and a finding asks."""
    gone = replace(an_event("removal", SOON), state=EventState.CANCELLED)
    job = a_job(invoices=(M1_PAID, M2_SENT))
    job = replace(job, events=dict(job.events) | {"removal": gone})

    plan = planned(job, today=SOON + timedelta(days=30))
    assert (codes(plan), revisions(plan)) == (["event_cancelled"], [])
    assert the_finding(plan, "event_cancelled").subject == "job:1042/m2"
    assert (plan.milestones[1].state, plan.milestones[1].due_on) == (PaymentState.DUE, SOON)

    # Paid in part, money is still asked; paid in full, there is nothing to decide.
    part = replace(job, invoices=(M1_PAID, replace(M2_SENT, paid_minor=100_000)))
    assert codes(planned(part)) == ["event_cancelled"]
    assert codes(planned(replace(job, invoices=(M1_PAID, M2_PAID)))) == []


def test_e65_an_event_that_only_lost_its_date_excuses_nobody():
    """It was put off, not cancelled: the invoice is overdue once its own date has passed."""
    later = planned(a_job(invoices=(M1_PAID, M2_SENT)), today=SOON + timedelta(days=1))

    assert later.milestones[1].state is PaymentState.OVERDUE
    assert codes(later) == []


@pytest.mark.parametrize("policy", list(OnInvoiced))
def test_e66_a_due_date_follows_its_event(policy):
    """3 days before Install, 24 -> 31 March: due 21 -> 28; a sent invoice's date follows."""
    trigger = Trigger(when=When.BEFORE, event="install", days=3)
    milestones = [replace(one, trigger=trigger) if one.id == "m3" else one
                  for one in SCHEDULE.milestones]  # fmt: skip
    schedule = build_schedule(currency="USD", milestones=milestones)
    march, today = date(2026, 3, 24), date(2026, 3, 20)
    issued = {"issued_on": today, "due_on": date(2026, 3, 21)}
    sent = an_invoice("m3", 500_000, **issued)
    job = a_job(schedule=schedule, invoices=(M1_PAID, M2_PAID, sent),
                policy=Policy(on_invoiced=policy))  # fmt: skip

    def on(day, invoice=sent):
        events = dict(job.events) | {"install": an_event("install", day)}
        invoices = (*job.invoices[:2], invoice)
        return planned(replace(job, events=events, invoices=invoices), today=today)

    assert on(march).milestones[2].due_on == date(2026, 3, 21)
    assert revisions(on(march)) == []
    plan = on(march + timedelta(days=7))
    assert plan.milestones[2].due_on == date(2026, 3, 28)
    assert [(one.due_on, one.amount_minor) for one in revisions(plan)] == [
        (date(2026, 3, 28), 500_000)
    ]
    assert amounts(plan) == [250_000, 250_000, 500_000]
    theirs = replace(sent, is_due_edited=True)
    assert revisions(on(march + timedelta(days=7), theirs)) == []


CANCELLED = a_job(state=JobState.CANCELLED, invoices=(M1_PAID, M2_PAID))


def agreed(amount, *, on=TODAY):
    """Return the value that people agreed on."""
    return AgreeValue(amount_minor=amount, on=on)


def test_e68_cancelled_without_a_value_stands_still():
    """Nothing is billed, revised or told; a person must agree on a value."""
    plan = planned(all_done(replace(CANCELLED, invoices=(M1_PAID,))))

    assert (plan.effects, plan.look_on) == ((), None)
    assert codes(plan) == ["job_cancelled"]


def test_e68_less_than_was_paid_is_a_credit():
    """3,200: credit 1,800, M3 nothing."""
    plan = planned(replace(CANCELLED, decisions=(agreed(320_000),)))

    assert amounts(plan) == [250_000, 250_000, 0]
    assert (plan.contract_total_minor, plan.credit_minor) == (320_000, 180_000)
    assert (bills(plan), codes(plan)) == ([], ["credit"])


def test_e68_more_than_was_paid_is_one_settlement():
    """6,100: M3 1,100, at once, due by the terms."""
    terms = Policy(terms=Terms(payment_days=14))
    plan = planned(replace(CANCELLED, decisions=(agreed(610_000),), policy=terms))

    assert amounts(plan) == [250_000, 250_000, 110_000]
    (bill,) = bills(plan)
    assert (bill.doc_number, bill.amount_minor) == ("1042-M3", 110_000)
    assert (bill.issue_on, bill.due_on) == (TODAY, TODAY + timedelta(days=14))
    assert sum(line.amount_minor for line in bill.lines) == 110_000
    assert plan.schedule == CANCELLED.schedule


def test_e68_lines_are_scaled_to_the_value_and_still_tie_out():
    """Over all three invoices each scaled line is billed to the cent."""
    job = replace(CANCELLED, decisions=(agreed(610_001),))
    (bill,) = bills(planned(job))

    billed: dict[str, int] = {}
    for line in (*M1_PAID.lines, *M2_PAID.lines, *bill.lines):
        billed[line.line_id] = billed.get(line.line_id, 0) + line.amount_minor
    assert billed == {"1:1": 366_001, "1:2": 244_000}


def test_e68_the_last_open_one_settles_and_the_others_ask_nothing():
    """M1 paid, M2 sent and part paid, M3 open: one settlement, M2 down to what is paid."""
    part = an_invoice("m2", 250_000, paid=100_000)
    job = replace(CANCELLED, invoices=(M1_PAID, part), decisions=(agreed(610_000),))

    plan = planned(job)

    assert amounts(plan) == [250_000, 100_000, 260_000]
    assert asked(plan) == [("1042-M3", 260_000)]
    assert [one.amount_minor for one in revisions(plan)] == [100_000]


def test_e68_the_newest_value_counts_in_any_order():
    """Agreed anew a day later."""
    values = (agreed(320_000), agreed(610_000, on=TODAY + timedelta(days=1)))
    for decisions in (values, values[::-1]):
        plan = planned(replace(CANCELLED, decisions=decisions))
        assert plan.contract_total_minor == 610_000
        assert bills(plan) == []  # tomorrow
        assert plan.look_on == TODAY + timedelta(days=1)


def test_e68_a_value_means_nothing_while_the_job_goes_on():
    """Only what was called off is settled."""
    job = a_job(decisions=(agreed(320_000),))
    assert planned(job).contract_total_minor == 1_000_000


def test_e76_e77_e78_a_frozen_job_stands_still():
    """Rejected, closed or deleted: the last known plan, never T = 0; a person decides."""
    job = all_done(a_job(state=JobState.FROZEN, invoices=(M1_PAID,)))

    plan = planned(job)

    assert amounts(plan) == [250_000, 250_000, 500_000]
    assert plan.effects == ()
    assert codes(plan) == ["frozen"]


def test_e89_a_currency_that_the_company_does_not_hold():
    """Nothing created; a visible blocked row."""
    plan = planned(all_done(a_job(is_currency_held=False)))

    assert plan.effects == ()
    assert the_finding(plan, "currency_not_held").facts["currency"] == "USD"


def test_a_lost_invoice_of_a_milestone_that_is_worth_nothing_asks_nobody():
    """M2 fell to nothing and was voided: there is nothing to decide until it is worth more."""
    gone = replace(M2_SENT, state=InvoiceState.VOIDED)
    assert codes(planned(a_job(250_000, invoices=(M1_PAID, gone)))) == []
    assert codes(planned(a_job(invoices=(M1_PAID, gone)))) == ["invoice_voided"]
