"""What the customer's page says, as texts: the job view put into words, ready for the template."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sync.reports.changes import ChangeView
from sync.reports.job_view import JobView, LineView
from sync.reports.timeline import Stop, stops
from sync.words.amounts import about, day, money, near_day
from sync.words.letters import job_title, say_change
from sync.words.payments import PaymentWords, next_phrases, open_minor, say_payment
from sync.words.texts import one_line

#: More lines than this are told by number and sum, so that the page stays small.
LINES_MAX = 40
CHANGES_MAX = 10
WORDING_LENGTH_MAX = 1000

_EVENT_BADGES = {"planned": "Planned", "completed": "Done", "cancelled": "Cancelled"}


@dataclass(frozen=True, slots=True, kw_only=True)
class StopWords:
    """One stop of the timeline: the acceptance, an event, today, or a payment."""

    kind: str  #: accepted, event, today, payment
    state: str  #: for looks: completed, planned, cancelled, paid, due, overdue, upcoming, waiting
    on: str  #: for machines: `2026-11-24`, "" where there is no day
    date: str
    label: str
    badge: str
    payment: PaymentWords | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SumWords:
    """One of the three sums on top."""

    name: str
    amount: str
    more: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """One payment before and after a change."""

    label: str
    old: str
    new: str
    is_moved: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeWords:
    """One change of the plan."""

    title: str
    on: str
    date: str
    reasons: tuple[str, ...]
    rows: tuple[ChangeRow, ...]
    old_total: str
    new_total: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalPage:
    """The whole page."""

    company: str
    job: str  #: `Kitchen remodel`
    base: str
    customer: str
    headline: tuple[str, ...]  #: the phrases of one sentence
    notices: tuple[str, ...]
    paid_percent: int | None  #: for the bar; None: nothing to measure
    sums: tuple[SumWords, ...]
    stops: tuple[StopWords, ...]
    payment_count: int
    wordings: tuple[str, ...]  #: what the law wants said
    changes: tuple[ChangeWords, ...]
    lines: tuple[tuple[str, str], ...]
    lines_left: str
    total: str
    today: str


def portal_page(view: JobView) -> PortalPage:
    """Put a job's page into words."""
    lines, lines_left = _lines(view)
    return PortalPage(
        company=one_line(view.company),
        job=job_title(view),
        base=one_line(view.base),
        customer=one_line(view.customer.rpartition(":")[0] or view.customer),
        headline=next_phrases(view),
        notices=tuple(_notices(view)),
        paid_percent=_paid_percent(view),
        sums=_sums(view) if view.milestones else (),
        stops=tuple(_stops(view)),
        payment_count=len(view.milestones),
        wordings=tuple(one_line(one, limit=WORDING_LENGTH_MAX) for one in view.wordings),
        changes=tuple(_change(view, one) for one in view.changes[:CHANGES_MAX]),
        lines=lines,
        lines_left=lines_left,
        total=money(view.contract_total_minor, currency=view.currency),
        today=day(view.today),
    )


def _notices(view: JobView) -> Iterator[str]:
    company = one_line(view.company)
    if not view.milestones:
        yield (
            f"{company} is preparing the payments for this job. They appear here as soon as they "
            "are ready; you need do nothing."
        )
    if view.state == "frozen":
        yield (
            f"{company} has put this job on hold. Below is the plan as it stands; nothing new is "
            "asked until the job goes on."
        )
    if view.state == "cancelled":
        yield f"{company} has ended this job. Below is what it comes to."
    if view.credit_minor:
        amount = money(view.credit_minor, currency=view.currency)
        yield f"{amount} more is paid than the contract comes to. {company} will settle that."
    if view.unallocated_minor:
        amount = money(view.unallocated_minor, currency=view.currency)
        yield f"{amount} of the contract is on no payment yet. {company} will tell you about it."


def _paid_percent(view: JobView) -> int | None:
    if view.contract_total_minor <= 0:
        return None
    return min(view.paid_minor * 100 // view.contract_total_minor, 100)


def _sums(view: JobView) -> tuple[SumWords, ...]:
    currency = view.currency
    received = sum(one.received_minor or 0 for one in view.milestones)
    open_ones = [one for one in view.milestones if one.is_open]
    exact = [open_minor(one) for one in open_ones]
    tax = sum(
        one.tax_minor if left is None else left - one.due_minor
        for one, left in zip(open_ones, exact, strict=True)
    )
    say = about if None in exact else money
    return (
        SumWords(
            name="Contract",
            amount=money(view.contract_total_minor, currency=currency),
            more="before tax",
        ),
        SumWords(
            name="Paid",
            amount=money(view.paid_minor, currency=currency),
            more=f"{money(received, currency=currency)} with tax"
            if received > view.paid_minor
            else "",
        ),
        SumWords(
            name="Left",
            amount=money(view.left_minor, currency=currency),
            more=f"plus {say(tax, currency=currency)} tax" if tax > 0 else "",
        ),
    )


def _stops(view: JobView) -> Iterator[StopWords]:
    is_told = not view.milestones
    for stop in stops(view):
        if not is_told and (stop.on is None or stop.on > view.today):
            is_told = True
            yield _today(view)
        yield _stop(view, stop)


def _today(view: JobView) -> StopWords:
    return StopWords(
        kind="today",
        state="",
        on=view.today.isoformat(),
        date=near_day(view.today, today=view.today),
        label="Today",
        badge="",
    )


def _stop(view: JobView, stop: Stop) -> StopWords:
    on = stop.on.isoformat() if stop.on else ""
    shown = near_day(stop.on, today=view.today) if stop.on else "No date yet"
    if stop.payment is not None:
        words = say_payment(view, stop.payment)
        return StopWords(
            kind="payment",
            state=words.state,
            on=on,
            date=_payment_date(stop, shown),
            label=words.label,
            badge=words.badge,
            payment=words,
        )
    if stop.event is not None:
        return StopWords(
            kind="event",
            state=stop.event.state,
            on=on,
            date=shown,
            label=one_line(stop.event.label),
            # "Planned" beside "no date yet" would be a riddle.
            badge=_EVENT_BADGES[stop.event.state]
            if stop.on or stop.event.state != "planned"
            else "",
        )
    return StopWords(
        kind="accepted",
        state="completed",
        on=on,
        date=shown,
        label="Estimate accepted",
        badge="Done",
    )


def _payment_date(stop: Stop, shown: str) -> str:
    one = stop.payment
    assert one is not None
    if stop.on is None or one.state in ("paid", "upcoming"):
        return shown
    if one.state == "waiting":
        return f"Expected {shown}"
    return f"Was due {shown}" if one.state == "overdue" else f"Due {shown}"


def _change(view: JobView, change: ChangeView) -> ChangeWords:
    labels = {one.id: one_line(one.label) for one in view.milestones}
    names = [name for name in labels if name in change.new or name in change.old]
    names += [name for name in (*change.old, *change.new) if name not in labels]
    rows = []
    for name in dict.fromkeys(names):
        old, new = change.old.get(name, 0), change.new.get(name, 0)
        rows.append(
            ChangeRow(
                label=labels.get(name, "Another payment"),
                old=money(old, currency=view.currency),
                new=money(new, currency=view.currency),
                is_moved=old != new,
            )
        )
    is_order = change.cause == "change_order"
    return ChangeWords(
        title="Change order" if is_order else "Payments shared again",
        on=change.on.isoformat(),
        date=near_day(change.on, today=view.today),
        reasons=say_change(change, view.currency),
        rows=tuple(rows),
        old_total=money(change.old_total_minor, currency=view.currency),
        new_total=money(change.new_total_minor, currency=view.currency),
    )


def _lines(view: JobView) -> tuple[tuple[tuple[str, str], ...], str]:
    """Give the contract's lines as texts, and what is said of those that are too many."""

    def text(line: LineView) -> tuple[str, str]:
        amount = money(line.amount_minor, currency=view.currency)
        return one_line(line.description) or "Item", amount

    shown = tuple(text(line) for line in view.lines[:LINES_MAX])
    rest = view.lines[LINES_MAX:]
    if not rest:
        return shown, ""
    amount = money(sum(line.amount_minor for line in rest), currency=view.currency)
    return shown, f"{len(rest)} more, {amount} together"
