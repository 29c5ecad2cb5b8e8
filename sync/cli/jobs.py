"""Jobs in the terminal: jobs, job show, event set / complete / cancel."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text
from sqlalchemy import select
from sqlalchemy.orm import Session

from milestone_engine.money import format_money
from milestone_engine.timeline import EventState
from sync.calendar import NoSuchEvent, report_event
from sync.cli import adopt, job_decisions, job_documents
from sync.cli.attach import (
    DataOption,
    JsonOption,
    RealmOption,
    WrongUse,
    attached,
    open_job,
    print_json,
    realm_numbers,
)
from sync.cli.show import show_finding, show_view
from sync.reports.job_past import NotYet, view_job_at
from sync.reports.job_reading import view_job
from sync.reports.job_view import JobView
from sync.store import findings
from sync.store.database import business_today
from sync.store.realms import get
from sync.store.schedules import trigger_json
from sync.store.tables import FindingRow, JobRow
from sync.words import day, money, say_finding, say_why
from sync.words.texts import one_line

JobArgument = Annotated[str, typer.Argument(metavar="JOB", help="the job's number, such as 1042")]
EventArgument = Annotated[str, typer.Argument(metavar="EVENT", help="such as removal")]


#: A job's line fits 80 columns.
CUSTOMER_LENGTH_MAX = 24
NEXT_LENGTH_MAX = 21

#: States that say more than what comes next.
_STATES = {"unmapped": "needs you", "frozen": "on hold", "cancelled": "ended"}


def add_commands(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command("jobs")(list_jobs)
    job = typer.Typer(help="One job.", no_args_is_help=True)
    job.command("show")(show_job)
    adopt.add_commands(job)
    job_decisions.add_commands(job)
    job_documents.add_commands(job)
    app.add_typer(job, name="job")
    event = typer.Typer(
        help="The timeline: what is planned, what has happened.", no_args_is_help=True
    )
    event.command("set")(set_event)
    event.command("complete")(complete_event)
    event.command("cancel")(cancel_event)
    app.add_typer(event, name="event")


def list_jobs(
    realm: RealmOption = None, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """List the jobs, and what needs a person."""
    books: list[_Books] = []
    with attached(data) as found:
        for realm_no in realm_numbers(found, realm):
            with found.app.database.begin(realm_no) as session:
                books.append(_books(session, realm_no))
    views = [view for one in books for view in one.views]
    loose = [finding for one in books for finding in one.loose]
    if as_json:
        print_json([*map(_row_json, views), *map(_loose_json, loose)])
    else:
        for one in books:
            _show_books(Console(), one, is_alone=len(books) == 1)
    raise typer.Exit(1 if loose or any(view.findings for view in views) else 0)


def show_job(
    name: JobArgument,
    at: Annotated[
        str, typer.Option("--at", metavar="DATE", help="as it stood at the end of that day")
    ] = "",
    realm: RealmOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one job: timeline and money."""
    with attached(data) as found, open_job(found, realm, name) as (session, realm_no, job_id):
        try:
            view = (
                view_job_at(session, realm_no, job_id, on=_day(at))
                if at
                else view_job(session, realm_no, job_id)
            )
        except NotYet as exc:
            raise WrongUse(str(exc), code="not_yet") from None
    if as_json:
        print_json(job_json(view))
    else:
        show_view(Console(), view)


def set_event(
    name: JobArgument,
    event: EventArgument,
    on: Annotated[str, typer.Argument(metavar="DATE", help="2026-05-04")],
    realm: RealmOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Date an event, or move it."""
    _report(name, event, EventState.PLANNED, lambda _: _day(on), realm, data, as_json=as_json)


def complete_event(
    name: JobArgument,
    event: EventArgument,
    on: Annotated[str, typer.Option("--on", help="the day it happened; default today")] = "",
    realm: RealmOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that an event has happened."""
    _report(
        name,
        event,
        EventState.COMPLETED,
        lambda today: _day(on) if on else today,
        realm,
        data,
        as_json=as_json,
    )


def cancel_event(
    name: JobArgument,
    event: EventArgument,
    realm: RealmOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that an event will not happen: its payment waits until a person decides."""
    _report(name, event, EventState.CANCELLED, lambda _: None, realm, data, as_json=as_json)


def _report(
    name: str,
    event: str,
    state: EventState,
    on: Callable[[date], date | None],
    realm: int | None,
    data: Any,
    *,
    as_json: bool,
) -> None:
    with attached(data) as found, open_job(found, realm, name) as (session, realm_no, job_id):
        today = business_today(session, get(session, realm_no).zone)
        when = on(today)
        if state is EventState.COMPLETED and when and when > today:
            raise WrongUse(f"{when} has not come: today is {today}", code="date")
        try:
            report_event(
                session,
                realm_no,
                job_id,
                name=event,
                state=state,
                on=when,
                author=getpass.getuser(),
            )
        except NoSuchEvent as exc:
            raise WrongUse(str(exc), code="no_such_event") from None
    if as_json:
        print_json({"job": name, "event": event, "state": state.value, "on": when})
    else:
        said = f" on {day(when)}" if when else ""
        Console().print(f"{name}: {event} is {state.value}{said}.")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise WrongUse(f"{text!r} is not a date such as 2026-05-04", code="date") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Books:
    """One company's jobs, and what needs a person and is no job."""

    company: str
    currency: str
    views: tuple[JobView, ...]
    loose: tuple[FindingRow, ...]


def _books(session: Session, realm_no: int) -> _Books:
    realm = get(session, realm_no)
    ids = session.scalars(
        select(JobRow.job_id).where(JobRow.realm_no == realm_no).order_by(JobRow.job_id)
    ).all()
    return _Books(
        company=realm.name,
        currency=realm.currency,
        views=tuple(view_job(session, realm_no, job_id) for job_id in ids),
        loose=tuple(one for one in findings.open_ones(session, realm_no) if not one.job_id),
    )


def _row_json(view: JobView) -> dict[str, Any]:
    return {
        "job": view.base,
        "estimate_id": view.estimate_id,
        "customer": view.customer,
        "contract_total": format_money(view.contract_total_minor, currency=view.currency),
        "state": view.state,
        "findings": len(view.findings),
    }


def _loose_json(finding: FindingRow) -> dict[str, Any]:
    """Give what needs a person and is no job yet: an estimate that cannot become one."""
    kind, _, name = finding.subject.partition(":")
    reason, remedy = say_finding(finding.code, finding.subject, finding.facts, currency="USD")
    return {
        "job": None,
        "estimate_id": name if kind == "estimate" else None,
        "customer": "",
        "contract_total": None,
        "state": "no_job",
        "findings": 1,
        "code": finding.code,
        "reason": reason,
        "remedy": remedy,
    }


def job_json(view: JobView) -> dict[str, Any]:
    """Give one job as `job show --json` prints it (design, section 4)."""

    def text(amount_minor: int) -> str:
        return format_money(amount_minor, currency=view.currency)

    return {
        "job": view.base,
        "contract_total": text(view.contract_total_minor),
        "currency": view.currency,
        "credit": text(view.credit_minor),
        "on_account": text(view.on_account_minor),
        "tax_drift": None if view.tax_drift_minor is None else text(view.tax_drift_minor),
        "unallocated": text(view.unallocated_minor),
        "pending": [
            {
                "change_order": one.label,
                "amount": text(one.amount_minor),
                "milestones": {name: text(minor) for name, minor in one.amounts.items()},
            }
            for one in view.pending
        ],
        "proposal": {"label": view.proposal.label, "amount": text(view.proposal.amount_minor)}
        if view.proposal
        else None,
        "events": [{"event": one.name, "on": one.day, "state": one.state} for one in view.events],
        "milestones": [
            {
                "id": one.id,
                "label": one.label,
                "trigger": {
                    name: value
                    for name, value in trigger_json(one.trigger).items()
                    if name != "business_days" or value
                },
                "amount": text(one.amount_minor),
                "billed": None if one.billed_minor is None else text(one.billed_minor),
                "paid": text(one.paid_minor),
                "due_on": one.due_on,
                "state": one.state,
                "invoice_id": one.invoice_id,
                "doc_number": one.doc_number,
                "why": say_why(one, currency=view.currency),
            }
            for one in view.milestones
        ],
        "findings": [
            {"code": one.code, "subject": one.subject, "facts": one.facts} for one in view.findings
        ],
    }


def _show_books(console: Console, books: _Books, *, is_alone: bool) -> None:
    if not is_alone:
        console.print(Text(f"\n{one_line(books.company)}", style="bold"))
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="dim")
    for name in ("job", "customer", "contract", "paid", "next"):
        justify: JustifyMethod = "right" if name in ("contract", "paid") else "left"
        table.add_column(name, no_wrap=True, justify=justify)
    for view in books.views:
        table.add_row(*_cells(view))
    console.print(table if books.views else "No jobs yet.")
    for view in books.views:
        for finding in view.findings:
            show_finding(console, finding, view.currency, about=_about(finding, view))
    for finding in books.loose:
        show_finding(console, finding, books.currency)


def _cells(view: JobView) -> tuple[str, str, str, str, str]:
    is_planned = bool(view.milestones)
    coming = view.next_payment
    going = f"{coming.state}: {coming.label}" if coming else "paid in full"
    return (
        one_line(view.base),
        one_line(view.customer.replace(":", ", "), limit=CUSTOMER_LENGTH_MAX),
        money(view.contract_total_minor, currency=view.currency) if is_planned else "",
        money(view.paid_minor, currency=view.currency) if view.paid_minor else "",
        one_line(_STATES.get(view.state, going), limit=NEXT_LENGTH_MAX),
    )


def _about(finding: FindingRow, view: JobView) -> str:
    """Name the job where the subject is its own: nobody knows QuickBooks' ids."""
    own = (f"estimate:{view.estimate_id}", f"job:{view.base}")
    return f"Job {one_line(view.base)}" if finding.subject in own else ""
