"""Events and payments of a job on one line, in the order of time: like the stops of a parcel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from milestone_engine.timeline import APPROVED, When
from sync.reports.job_view import EventView, JobView, MilestoneView


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """One stop: an event, a payment, or the acceptance where both are None."""

    on: date | None  #: the day it happened or is to happen, as far as is known
    event: EventView | None = None
    payment: MilestoneView | None = None


def stops(view: JobView) -> tuple[Stop, ...]:
    """Give the stops of a job: dated ones by day, those without a date at the end, in the order of
    the work. A payment stands before or after its event, as its trigger says.
    """
    places = {event.name: place for place, event in enumerate(view.events)}
    keyed: list[tuple[tuple[date, int, int, int], Stop]] = []
    for place, event in enumerate(view.events):
        keyed.append(((event.day or date.max, place, 1, 0), Stop(on=event.day, event=event)))
    for one in view.milestones:
        on = _day(one)
        # A trigger whose event the calendar does not know waits at the very end.
        place = -1 if one.trigger.event == APPROVED else places.get(one.trigger.event, len(places))
        side = 0 if one.trigger.when is When.BEFORE else 2
        keyed.append(((on or date.max, place, side, one.number), Stop(on=on, payment=one)))
    keyed.sort(key=lambda pair: pair[0])
    first = [Stop(on=view.accepted_on)] if view.accepted_on else []
    return (*first, *(stop for _, stop in keyed))


def _day(one: MilestoneView) -> date | None:
    """The day a payment was made, is due, or may be expected."""
    if one.state == "paid":
        return one.settled_on or one.due_on or one.event_on
    if one.due_on is not None:
        return one.due_on
    if one.event_on is None or one.event_state == "cancelled":
        return None
    step = timedelta(days=one.trigger.days)
    return one.event_on - step if one.trigger.when is When.BEFORE else one.event_on + step
