"""Dates that follow from events, and what a milestone asks for today."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from milestone_engine import (
    APPROVED,
    Event,
    EventState,
    PaymentState,
    Terms,
    Timing,
    Trigger,
    When,
    approved,
    payment_state,
    timing,
)

TERMS = Terms()
INSTALL = Event(name="install", label="Install", on=date(2026, 3, 24))
DONE = replace(INSTALL, state=EventState.COMPLETED, completed_on=date(2026, 3, 26))
BEFORE = Trigger(when=When.BEFORE, event="install")
AFTER = Trigger(when=When.AFTER, event="install")


def dates(trigger, *events, terms=TERMS, holidays=frozenset()):
    """Return issue and due date as text, or the event that is waited for."""
    when = timing(trigger, {event.name: event for event in events}, terms, holidays)
    if when.issue_on is None or when.due_on is None:
        assert (when.issue_on, when.due_on, when.is_billable) == (None, None, False)
        return when.waits_for
    assert when.waits_for is None
    assert when.is_billable
    return f"{when.issue_on} {when.due_on}"


def test_E66_before_follows_the_event():  # noqa: N802
    """3 days before Install: due 21 March, and 28 when it moves from the 24th to the 31st."""
    trigger = replace(BEFORE, days=3)

    assert dates(trigger, INSTALL) == "2026-03-18 2026-03-21"
    assert dates(trigger, replace(INSTALL, on=date(2026, 3, 31))) == "2026-03-25 2026-03-28"


@pytest.mark.parametrize("trigger", [BEFORE, AFTER])
def test_E65_a_cancelled_event_waits(trigger):  # noqa: N802
    """It is not billable, whatever date it had."""
    assert dates(trigger, replace(INSTALL, state=EventState.CANCELLED)) == "install"
    assert dates(trigger, replace(DONE, state=EventState.CANCELLED)) == "install"


@pytest.mark.parametrize("trigger", [BEFORE, AFTER])
def test_no_date_waits(trigger):
    """Nor is an event that the calendar does not know a reason to bill."""
    assert dates(trigger, replace(INSTALL, on=None)) == "install"
    assert dates(trigger) == "install"


def test_after_waits_until_the_event_is_completed():
    """A planned date is no reason to bill; the day it happened is."""
    assert dates(AFTER, INSTALL) == "install"
    assert dates(AFTER, DONE) == "2026-03-26 2026-03-26"
    assert dates(replace(AFTER, days=10), DONE) == "2026-04-05 2026-04-05"


def test_before_takes_the_day_it_happened_once_it_has():
    """Two days late moves the due date two days."""
    assert dates(BEFORE, DONE) == "2026-03-23 2026-03-26"


def test_a_completed_event_without_a_day_takes_the_planned_one():
    """A person ticked it off and said no more."""
    assert dates(AFTER, replace(DONE, completed_on=None)) == "2026-03-24 2026-03-24"
    assert dates(AFTER, replace(DONE, completed_on=None, on=None)) == "install"


def test_terms():
    """Lead days for *before*, payment days for *after*."""
    terms = Terms(lead_days=10, payment_days=14)

    assert dates(BEFORE, INSTALL, terms=terms) == "2026-03-14 2026-03-24"
    assert dates(AFTER, DONE, terms=terms) == "2026-03-26 2026-04-09"


def test_approved_is_built_in():
    """E72: due on approval."""
    trigger = Trigger(when=When.AFTER, event=APPROVED)

    assert dates(trigger, approved(date(2026, 2, 2))) == "2026-02-02 2026-02-02"
    assert dates(trigger) == "approved"


@pytest.mark.parametrize(
    ("when", "on", "days", "due"),
    [
        pytest.param(When.BEFORE, date(2026, 3, 24), 3, "2026-03-19", id="over-a-weekend"),
        pytest.param(When.BEFORE, date(2026, 3, 24), 2, "2026-03-20", id="a-friday"),
        pytest.param(When.BEFORE, date(2026, 3, 22), 0, "2026-03-20", id="sunday-moves-back"),
        pytest.param(When.BEFORE, date(2026, 3, 22), 1, "2026-03-20", id="one-before-sunday"),
        pytest.param(When.BEFORE, date(2026, 4, 7), 1, "2026-04-02", id="over-easter"),
        pytest.param(When.AFTER, date(2026, 3, 20), 1, "2026-03-23", id="friday-plus-one"),
        pytest.param(When.AFTER, date(2026, 3, 21), 0, "2026-03-23", id="saturday-moves-on"),
        pytest.param(When.AFTER, date(2026, 3, 21), 1, "2026-03-23", id="one-after-saturday"),
        pytest.param(When.AFTER, date(2026, 4, 2), 1, "2026-04-07", id="on-over-easter"),
        pytest.param(When.AFTER, date(2026, 3, 23), 0, "2026-03-23", id="a-business-day-stays"),
    ],
)
def test_business_days(when, on, days, due):
    """Back for *before*, on for *after*, over weekends and the holidays given."""
    easter = frozenset({date(2026, 4, 3), date(2026, 4, 6)})
    event = Event(
        name="install", label="Install", on=on, state=EventState.COMPLETED, completed_on=on
    )
    trigger = Trigger(when=when, event="install", days=days, business_days=True)

    assert dates(trigger, event, holidays=easter).split()[1] == due


def test_calendar_days_pay_no_heed_to_weekends():
    """21 March 2026 is a Saturday."""
    trigger = replace(BEFORE, days=3)

    assert dates(trigger, INSTALL, holidays=frozenset({date(2026, 3, 21)})).endswith("03-21")


DATED = Timing(issue_on=date(2026, 3, 18), due_on=date(2026, 3, 21), waits_for=None)
UNDATED = Timing(issue_on=None, due_on=None, waits_for="install")


@pytest.mark.parametrize(
    ("when", "billed", "received", "amount", "today", "state"),
    [
        pytest.param(UNDATED, None, 0, 100, 20, PaymentState.WAITING, id="no-date"),
        pytest.param(UNDATED, 100, 0, 100, 20, PaymentState.DUE, id="no-date-but-an-invoice"),
        pytest.param(DATED, None, 0, 100, 17, PaymentState.UPCOMING, id="not-to-be-issued-yet"),
        pytest.param(DATED, None, 0, 100, 18, PaymentState.DUE, id="to-be-issued"),
        pytest.param(DATED, None, 0, 100, 30, PaymentState.DUE, id="our-delay-is-not-theirs"),
        pytest.param(DATED, 100, 0, 100, 17, PaymentState.DUE, id="issued-early"),
        pytest.param(DATED, 100, 0, 100, 21, PaymentState.DUE, id="on-the-day"),
        pytest.param(DATED, 100, 0, 100, 22, PaymentState.OVERDUE, id="a-day-late"),
        pytest.param(DATED, 100, 40, 100, 22, PaymentState.OVERDUE, id="part-paid"),
        pytest.param(DATED, 100, 100, 100, 22, PaymentState.PAID, id="paid"),
        pytest.param(DATED, 100, 99, 100, 22, PaymentState.PAID, id="one-unit-short"),
        pytest.param(DATED, 100, 98, 100, 22, PaymentState.OVERDUE, id="two-units-short"),
        pytest.param(DATED, 100, 120, 100, 22, PaymentState.PAID, id="overpaid"),
        pytest.param(DATED, 100, 99, 150, 22, PaymentState.OVERDUE, id="billed-less-than-it-is"),
        pytest.param(UNDATED, None, 0, 0, 20, PaymentState.PAID, id="E11-nothing-to-ask"),
    ],
)
def test_payment_state(when, billed, received, amount, today, state):
    """Waiting, upcoming, due, overdue, paid: from dates and money alone."""
    found = payment_state(
        when,
        billed_minor=billed,
        paid_minor=received,
        amount_minor=amount,
        today=date(2026, 3, today),
    )

    assert found is state
