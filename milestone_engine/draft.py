"""One planning as far as it has come before anything is decided: amounts, dates, invoices, lines.

Everything that the effects, the findings and the milestones of a Plan are read off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from milestone_engine.amounts import Amounts, amounts_of
from milestone_engine.asks import RELEASE, Ask, asks_of, release_milestone
from milestone_engine.cells import Cells, cells_of
from milestone_engine.job import Job, JobState, ProgressInvoice
from milestone_engine.schedule import Milestone
from milestone_engine.timeline import EventState, Timing, timing
from milestone_engine.unapplied import OnAccount, on_account


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What the steps of one planning share."""

    job: Job
    today: date
    amounts: Amounts
    milestones: tuple[Milestone, ...]  #: of the schedule, and the release if there is one
    timings: Mapping[str, Timing]
    asks: tuple[Ask, ...]
    lines: Cells
    account: OnAccount

    @property
    def released_minor(self) -> int:
        """What the release comes to, with what of it a person said to forget."""
        forgotten = self.amounts.standing(RELEASE).forgotten_minor
        return forgotten + sum(one.gross_minor for one in self.asks_on(RELEASE))

    @property
    def credit_net_minor(self) -> int:
        """What the customer is to get back: what was withheld and is not released is set off."""
        withheld = sum(one.withheld_minor for one in self.asks if one.milestone_id != RELEASE)
        return self.amounts.credit_minor - (withheld - self.released_minor)

    @property
    def is_planned(self) -> bool:
        """Whether anything may be done about it."""
        job = self.job
        is_agreed = job.state is JobState.CANCELLED and self.amounts.settlement is not None
        is_open = job.state is JobState.ACTIVE or is_agreed
        return is_open and job.is_currency_held and not self.strays

    @property
    def strays(self) -> list[ProgressInvoice]:
        """Live invoices of milestones that are in the schedule no more: what is asked on them would
        be asked twice.
        """
        known = {one.id for one in self.milestones}
        stands = self.amounts.stands
        return [one for name in stands if name not in known for one in stands[name].live]

    def is_event_cancelled(self, milestone: Milestone) -> bool:
        """Whether what a milestone hangs on will not happen; a settlement hangs on nothing."""
        settlement = self.amounts.settlement
        if settlement is not None and settlement.milestone_id == milestone.id:
            return False
        event = self.job.events.get(milestone.trigger.event)
        return event is not None and event.state is EventState.CANCELLED

    def asks_on(self, milestone_id: str) -> list[Ask]:
        """Return what the invoices of one milestone are to ask."""
        return [one for one in self.asks if one.milestone_id == milestone_id]

    def may_bill(self, ask: Ask) -> bool:
        """Whether a new invoice may be made once its day has come (rule 8 among others)."""
        if ask.invoice is not None or ask.amount_minor <= 0 or ask.is_blocked:
            return False
        return ask.milestone_id != RELEASE or self._is_all_billed()

    def _is_all_billed(self) -> bool:
        """Whether every other invoice stands: before that nobody knows what was withheld."""
        return not any(
            one.invoice is None and one.amount_minor > 0
            for one in self.asks
            if one.milestone_id != RELEASE
        )


def draft(job: Job, *, today: date, holidays: frozenset[date]) -> Draft:
    """Return what one planning is read off."""
    amounts = amounts_of(job)
    asks = asks_of(amounts, job.policy)
    milestones = amounts.schedule.milestones
    released = sum(one.gross_minor for one in asks if one.milestone_id == RELEASE)
    if any(one.milestone_id == RELEASE for one in asks):
        milestones = (*milestones, release_milestone(milestones, released))
    timings = {one.id: _timing(job, one, amounts, holidays) for one in milestones}
    drawn = Draft(
        job=job,
        today=today,
        amounts=amounts,
        milestones=milestones,
        timings=timings,
        asks=asks,
        lines=cells_of(amounts, asks, job.policy.on_invoiced),
        account=OnAccount(total_minor=0, loose_minor=0, proposed=(), quiet=frozenset()),
    )
    live = {one.id: amounts.standing(one.id).live for one in milestones}
    return replace(drawn, account=on_account(job, live, _next(drawn)))


def effective(when: Timing, invoice: ProgressInvoice | None) -> Timing:
    """Return the dates that hold for the customer: nothing is due before they have its invoice."""
    if invoice is None:
        return when
    if invoice.is_due_edited:
        return replace(when, due_on=invoice.due_on)
    due_on = max(when.due_on, invoice.issued_on) if when.due_on else invoice.due_on
    return replace(when, due_on=due_on)


def look_on(drawn: Draft) -> date | None:
    """The next day that matters: an invoice to issue, or a due date that passes."""
    if not drawn.is_planned:
        return None
    days = [drawn.timings[one.milestone_id].issue_on for one in drawn.asks if one.invoice is None]
    days += [
        one.invoice.due_on + timedelta(days=1)
        for one in drawn.asks
        if one.invoice is not None and one.invoice.due_on
    ]
    coming = [day for day in days if day is not None and day > drawn.today]
    return min(coming, default=None)


def _timing(job: Job, milestone: Milestone, amounts: Amounts, holidays: frozenset[date]) -> Timing:
    settlement = amounts.settlement
    if settlement is None or settlement.milestone_id != milestone.id:
        return timing(milestone.trigger, job.events, job.policy.terms, holidays)
    on = settlement.agreed.on
    due_on = on + timedelta(days=job.policy.terms.payment_days)
    return Timing(issue_on=on, due_on=due_on, waits_for=None)


def _next(drawn: Draft) -> Sequence[Ask]:
    """Return the first invoices that could be made, those of today first."""
    if not drawn.is_planned:
        return ()
    first = [
        one
        for one in drawn.asks
        if drawn.may_bill(one) and not drawn.amounts.standing(one.milestone_id).live
    ]
    return sorted(first, key=lambda one: not _is_time(drawn, one))


def _is_time(drawn: Draft, ask: Ask) -> bool:
    issue_on = drawn.timings[ask.milestone_id].issue_on
    return issue_on is not None and issue_on <= drawn.today


def is_to_be_made(drawn: Draft, ask: Ask) -> bool:
    """Whether an invoice is to be made today."""
    waits = ask.milestone_id in drawn.account.waiting
    has_none = not drawn.amounts.standing(ask.milestone_id).live
    return drawn.may_bill(ask) and _is_time(drawn, ask) and not (waits and has_none)
