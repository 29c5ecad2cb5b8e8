"""When a milestone is billed and due: events on site, triggers tied to them, dates that follow.

A Trigger is before or after an Event, with an offset in days. *Before*: due on the event's date
less the offset, issued `lead_days` ahead of that. *After*: issued once the event is completed plus
the offset, due when the payment terms are over. Whatever has no date waits, and says for which
event. `approved`, the estimate's acceptance, is an event like any other that the caller puts among
the events with `approved()`.

Offsets in calendar days land where they land, on a Sunday too. Offsets in business days count only
Monday to Friday less the holidays given, backward for *before* and forward for *after*; an offset
of zero business days moves to the nearest business day in the same direction. So *before* is never
late and *after* never early. Lead days and payment days are calendar days. Dates are the job's
local dates; the caller knows its zone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum

from milestone_engine.money import is_settled

#: The built-in event: the estimate is accepted, or a further one is approved.
APPROVED = "approved"

#: Ten years. A longer offset is a slip of the finger.
MAX_OFFSET_DAYS = 3650

_SATURDAY = 5


class When(Enum):
    """Which side of the event."""

    BEFORE = "before"  #: asked for ahead of the event: a deposit, materials
    AFTER = "after"  #: asked for once the event has happened


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """What a milestone waits for. A value."""

    when: When
    event: str  #: name of an Event; `approved` is built in
    days: int = 0  #: 0 to 3650; how far before or after
    business_days: bool = False  #: the offset counts business days


class EventState(Enum):
    """What became of an event."""

    PLANNED = "planned"  #: it has a date, or will have one
    COMPLETED = "completed"  #: it happened, on `completed_on`
    CANCELLED = "cancelled"  #: it will not happen; its milestones wait and cannot be billed


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A dated entry in the job calendar."""

    name: str  #: stable: `measurements`
    label: str  #: what people call it: "Measurements"
    on: date | None  #: the planned date, None while there is none
    state: EventState = EventState.PLANNED
    completed_on: date | None = None  #: the day it happened; `on` where nobody said which

    @property
    def day(self) -> date | None:
        """The day it happened, else the day it is planned for. None: no date yet, or cancelled."""
        if self.state is EventState.CANCELLED:
            return None
        if self.state is EventState.COMPLETED:
            return self.completed_on or self.on
        return self.on


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How far ahead an invoice goes out, and how long a customer has to pay."""

    lead_days: int = 3  #: from issue to due date of a *before* milestone
    payment_days: int = 0  #: from issue to due date of an *after* one; 0: on receipt


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The dates of one milestone: both are there, or `waits_for` says what is missing."""

    issue_on: date | None  #: the day its invoice goes out
    due_on: date | None  #: the day it is to be paid
    waits_for: str | None  #: the event that has no date, is not completed or is cancelled

    @property
    def is_billable(self) -> bool:
        """Whether it may be billed once `issue_on` has come."""
        return self.issue_on is not None


class PaymentState(Enum):
    """What a milestone asks of the customer today."""

    WAITING = "waiting"  #: no date yet, and no invoice
    UPCOMING = "upcoming"  #: dated, not to be issued yet
    DUE = "due"  #: to be issued, or issued and the due date has not passed
    OVERDUE = "overdue"  #: issued, and the due date has passed
    PAID = "paid"  #: nothing is left to ask
    FORGOTTEN = "forgotten"  #: a person said not to bill it: it is asked elsewhere, or given up


def approved(on: date) -> Event:
    """Return the built-in event: accepted on this day."""
    return Event(
        name=APPROVED, label="Approval", on=on, state=EventState.COMPLETED, completed_on=on
    )


def timing(
    trigger: Trigger,
    events: Mapping[str, Event],
    terms: Terms,
    holidays: frozenset[date] = frozenset(),
) -> Timing:
    """Return when a milestone is issued and due, or what it waits for.

    A *before* milestone follows the event's date wherever it moves, and the day it really happened
    once it has. An event that the calendar does not know is waited for like one without a date.
    """
    event = events.get(trigger.event)
    day = event.day if event else None
    if event is None or day is None:
        return Timing(issue_on=None, due_on=None, waits_for=trigger.event)
    if trigger.when is When.BEFORE:
        due_on = offset(day, -1, trigger, holidays)
        return Timing(
            issue_on=due_on - timedelta(days=terms.lead_days), due_on=due_on, waits_for=None
        )
    if event.state is not EventState.COMPLETED:
        return Timing(issue_on=None, due_on=None, waits_for=trigger.event)
    issue_on = offset(day, 1, trigger, holidays)
    return Timing(
        issue_on=issue_on, due_on=issue_on + timedelta(days=terms.payment_days), waits_for=None
    )


def offset(day: date, direction: int, trigger: Trigger, holidays: frozenset[date]) -> date:
    """Return the day that lies the trigger's offset after (1) or before (-1) another."""
    if not trigger.business_days:
        return day + timedelta(days=direction * trigger.days)
    step = timedelta(days=direction)
    for _ in range(trigger.days):
        day = _business_day(day + step, step, holidays)
    return _business_day(day, step, holidays)


def _business_day(day: date, step: timedelta, holidays: frozenset[date]) -> date:
    while day.weekday() >= _SATURDAY or day in holidays:
        day += step
    return day


def payment_state(
    timing: Timing,
    *,
    billed_minor: int | None,
    paid_minor: int,
    amount_minor: int,
    today: date,
) -> PaymentState:
    """Return what a milestone asks of the customer today.

    Nothing left to ask is PAID: that holds for a milestone of zero too, so a job that fell to what
    was paid shows as paid in full (E11). Only what was billed can be overdue: an invoice that we
    did not send is our delay and not the customer's. An invoice that is out while its event lost
    its date still asks for its money: DUE. Where the event was cancelled it stays DUE, though the
    invoice's own due date stands: the plan gives no `due_on` then, and a finding asks a person
    what is to become of it (E65).
    """
    settled = billed_minor is not None and is_settled(
        billed_minor=billed_minor, paid_minor=paid_minor
    )
    if amount_minor <= paid_minor or (settled and amount_minor == billed_minor):
        return PaymentState.PAID
    if billed_minor is not None:
        late = timing.due_on is not None and today > timing.due_on
        return PaymentState.OVERDUE if late else PaymentState.DUE
    if timing.issue_on is None:
        return PaymentState.WAITING
    return PaymentState.DUE if today >= timing.issue_on else PaymentState.UPCOMING
