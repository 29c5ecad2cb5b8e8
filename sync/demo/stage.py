"""Waiting for what the product does about it, read back from the timeline, the ledger and the
mails.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date
from email import message_from_bytes
from email.policy import default as mail_policy
from pathlib import Path
from typing import TypeVar

import httpx
from sqlalchemy import select

from milestone_engine.timeline import EventState
from sync.calendar import report_event
from sync.demo.cast import NUMBER, DemoFailed, Story
from sync.demo.people import business_day, create, day_of, invoices
from sync.demo.shown import step
from sync.dispatch import is_busy
from sync.reports.job_reading import find_job, view_job
from sync.reports.job_view import JobView
from sync.store.database import Database
from sync.store.tables import ProcessRow, WorkRow

T = TypeVar("T")

#: Every wait of the story; a healthy machine needs a few seconds.
PATIENCE_S = 60.0


def until(story: Story, what: str, look: Callable[[], T | None]) -> T:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.1)
    raise DemoFailed(f"waited {PATIENCE_S:.0f} s for: {what}")


def find_view(story: Story) -> JobView | None:
    for realm_no in (1, 2):
        with story.app.database.begin(realm_no) as session:
            job_id = find_job(session, realm_no, NUMBER)
            if job_id is not None:
                story.realm_no, story.job_id = realm_no, job_id
                view = view_job(session, realm_no, job_id)
                return view if view.milestones else None
    return None


def current_view(story: Story) -> JobView:
    with story.app.database.begin(story.realm_no) as session:
        return view_job(session, story.realm_no, story.job_id)


def view_if(story: Story, is_so: Callable[[JobView], bool]) -> JobView | None:
    view = current_view(story)
    return view if is_so(view) else None


def is_quiet(story: Story) -> bool:
    """Tell whether nothing is under way: then the next invoice to be made is ours."""
    database = Database(story.app.settings.dispatcher_url, pool_size=1, name="demo")
    try:
        with database.begin() as session:
            return not is_busy(session)
    finally:
        database.close()


def asking_worker(story: Story) -> int | None:
    """Give the process id of the worker that waits for QuickBooks' answer now."""
    with story.app.database.begin(story.realm_no) as session:
        return session.scalars(
            select(ProcessRow.pid)
            .join(WorkRow, WorkRow.process_id == ProcessRow.process_id)
            .where(
                WorkRow.job_id == story.job_id,
                WorkRow.kind == "bill",
                WorkRow.state == "running",
                WorkRow.asked_at.is_not(None),
            )
        ).one_or_none()


def show_mails(story: Story, notice: str, occasion: str) -> None:
    """Wait for a mail of this kind to arrive, and show what has arrived since the last look."""
    until(story, f"the mail '{notice}'", lambda: _mail_count(story, notice, occasion))
    mails = sorted(Path(story.facts["mail_dir"]).glob("*.eml"))
    for path in mails[story.mails_seen :]:
        mail = message_from_bytes(path.read_bytes(), policy=mail_policy)
        if "elena@example.com" in str(mail["To"]):
            story.console.print(f"      [cyan]mail[/cyan] {mail['Subject']}")
    story.mails_seen = len(mails)


def _mail_count(story: Story, notice: str, occasion: str) -> int:
    """Count the mails of a kind that went out; 0 while one of them still waits."""
    with story.app.database.begin(story.realm_no) as session:
        states = session.scalars(
            select(WorkRow.state).where(
                WorkRow.job_id == story.job_id,
                WorkRow.kind == "mail",
                WorkRow.payload["notice"].astext == notice,
                WorkRow.payload["occasion"].astext.startswith(occasion),
                WorkRow.state != "cancelled",
            )
        ).all()
    return len(states) if all(state == "done" for state in states) else 0


def complete(story: Story, event: str) -> None:
    with story.app.database.begin(story.realm_no) as session:
        report_event(
            session,
            story.realm_no,
            story.job_id,
            name=event,
            state=EventState.COMPLETED,
            on=_happened_on(view_job(session, story.realm_no, story.job_id), event),
            author="demo",
        )
    step(story, f"The contractor reports: {event} is done", "")


def _happened_on(view: JobView, event: str) -> date:
    """Things happen as planned; what has no date yet happens today."""
    planned = next(one.day for one in view.events if one.name == event)
    return min(planned or view.today, view.today)


def advance(story: Story, by: str) -> None:
    """Let time pass: the sandbox's clock moves, ours follows day by day."""
    url = story.facts["sandbox_url"]
    moved = httpx.post(f"{url}/sandbox/clock/advance", json={"by": by}, trust_env=False, timeout=10)
    target = day_of(story, moved.raise_for_status().json()["now"])
    view = until(
        story,
        "our clock follows",
        lambda: view_if(story, lambda view: view.today >= target),
    )
    step(story, f"{by[:-1]} days later", f"it is {view.today:%A, %d %B %Y}")


def await_invoice(story: Story, milestone_id: str, why: str) -> None:
    """Wait until a milestone's invoice stands in QuickBooks, we know it, and
    the customer was told.
    """
    number = f"{NUMBER}-{milestone_id.upper()}"
    until(
        story,
        f"invoice {number}",
        lambda: view_if(story, lambda view: view.milestone(milestone_id).doc_number == number),
    )
    found = invoices(story, number)
    if len(found) != 1:
        raise DemoFailed(f"QuickBooks holds {len(found)} invoices {number}")
    step(story, f"Invoice {number} in QuickBooks", f"{found[0]['TotalAmt']:,} with tax: {why}")
    show_mails(story, "due", f"{milestone_id}-1")


def pay(story: Story, milestone_id: str) -> None:
    """The customer pays an invoice in QuickBooks; wait until the timeline shows it."""
    number = f"{NUMBER}-{milestone_id.upper()}"
    invoice = invoices(story, number)[0]
    create(story, "payment", {
        "CustomerRef": {"value": story.customer_id}, "TotalAmt": invoice["TotalAmt"],
        "TxnDate": business_day(story).isoformat(),
        "Line": [{"Amount": invoice["TotalAmt"],
                  "LinkedTxn": [{"TxnId": invoice["Id"], "TxnType": "Invoice"}]}],
    }, actor="customer")  # fmt: skip
    step(story, f"The customer pays {number}", f"{invoice['TotalAmt']:,}")
    until(
        story,
        f"{number} shows as paid",
        lambda: view_if(story, lambda view: view.milestone(milestone_id).state == "paid"),
    )
    show_mails(story, "received", "")
