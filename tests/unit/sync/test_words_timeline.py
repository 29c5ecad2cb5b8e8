"""Events and payments on one line, in the order of time."""

from __future__ import annotations

from datetime import date

from milestone_engine.timeline import Event
from sync.reports.job_view import JobView, LineView
from sync.reports.timeline import stops
from sync.web.page import portal_page
from tests.unit.sync.views import EVENTS, a_view, an_invoice


def line(view: JobView) -> list[str]:
    """Name the stops in order: events by name, payments by id."""
    return [
        stop.event.name if stop.event else stop.payment.id if stop.payment else "accepted"
        for stop in stops(view)
    ]


IN_ORDER = ["accepted", "m1", "measurements", "removal", "m2", "installation", "m3"]


def test_a_payment_stands_on_its_side_of_its_event() -> None:
    """Before Measurements is before it, also on the same day."""
    assert line(a_view()) == IN_ORDER


def test_without_dates_the_order_of_the_work_stands() -> None:
    """No date yet is no reason to lose the thread."""
    undated = {name: Event(name=name, label=event.label, on=None) for name, event in EVENTS.items()}
    assert line(a_view(events=undated)) == IN_ORDER


def test_an_event_that_moves_takes_its_payment_along() -> None:
    """Removal after installation: so are their payments."""
    moved = {**EVENTS, "removal": Event(name="removal", label="Removal", on=date(2026, 6, 30))}
    assert line(a_view(events=moved)) == [
        "accepted", "m1", "measurements", "installation", "m3", "removal", "m2",
    ]  # fmt: skip


def test_a_late_payment_stands_on_the_day_it_was_made() -> None:
    """The line tells what happened."""
    paid = an_invoice("m1", 300_000, paid_minor=300_000, settled_on=date(2026, 6, 12))
    view = a_view(invoices=(paid,), done=("measurements", "removal"), today=date(2026, 6, 13))
    assert line(view).index("removal") < line(view).index("m1") < line(view).index("installation")


def test_today_parts_what_was_from_what_comes() -> None:
    """One stop says where we are."""
    page = portal_page(a_view(today=date(2026, 6, 5), done=("measurements",)))
    kinds = [stop.kind for stop in page.stops]
    assert kinds.count("today") == 1
    before = [stop.label for stop in page.stops[: kinds.index("today")]]
    assert before == ["Estimate accepted", "Deposit", "Measurements"]


def test_too_many_lines_are_told_by_their_sum() -> None:
    """The page stays small, and adds up."""
    lines = tuple(LineView(description=f"Item {n}", amount_minor=100) for n in range(5000))
    page = portal_page(a_view(lines=lines))
    assert len(page.lines) == 40
    assert page.lines_left == "4960 more, $4,960.00 together"
