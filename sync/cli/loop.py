"""The loop by hand: sync, plan, approve, report."""

from __future__ import annotations

import getpass
import time
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table
from sqlalchemy import func, select

from sync import dispatch
from sync.cli.attach import (
    Attached,
    DataOption,
    JsonOption,
    RealmOption,
    WrongUse,
    attached,
    print_json,
    realm_numbers,
)
from sync.errors import SyncError
from sync.planning import PlanMoved, Preview, approve_as_shown, preview
from sync.pull import order_pull
from sync.reports.contractor import contractor_report
from sync.runner import run_until_quiet
from sync.store.tables import ProcessRow, RealmRow, WorkRow
from sync.words import money

SYNC_TIMEOUT_S = 120.0


def add_commands(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command()(sync)
    app.command()(plan)
    app.command("approve")(approve_plan)
    app.command()(report)


def sync(realm: RealmOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Make one pass now, with a progress bar and a summary."""
    with attached(data) as found:
        numbers = realm_numbers(found, realm)
        began = _newest_work(found, numbers)
        for realm_no in numbers:
            with found.app.database.begin(realm_no) as session:
                order_pull(session, realm_no)
        with _progress(as_json=as_json) as progress:
            task = progress.add_task("syncing", total=None)
            is_quiet = _work_off(found, lambda: progress.advance(task))
        summary = _summary(found, numbers, began)
        summary["disconnected"] = _disconnected(found, numbers)
    if as_json:
        print_json({"quiet": is_quiet, **summary})
    else:
        _show_summary(summary, is_quiet=is_quiet)
    raise typer.Exit(0 if is_quiet and not (summary["parked"] or summary["disconnected"]) else 1)


def plan(
    realm: RealmOption = None,
    job: Annotated[str | None, typer.Option("--job", help="one job, by its number")] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what would change. Writes nothing."""
    with attached(data) as found:
        seen = [preview(found.app, one, base=job) for one in realm_numbers(found, realm)]
    if job is not None and not any(one.jobs for one in seen):
        raise WrongUse(f"there is no job {job}", code="no_such_job")
    previews = [one for previewed in seen for one in previewed.changes]
    if as_json:
        print_json([_preview_json(one) for one in previews])
        return
    _show_previews(previews)


def approve_plan(
    plan_hash: Annotated[str, typer.Argument(metavar="PLAN", help="as `plan` prints it")],
    realm: RealmOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a proposed plan go, exactly as it was shown. Reads the books first."""
    count = 0
    with attached(data) as found:
        for realm_no in realm_numbers(found, realm):
            try:
                count += approve_as_shown(found.app, realm_no, plan_hash, author=getpass.getuser())
            except PlanMoved as exc:
                raise WrongUse(str(exc), code="plan_moved") from None
            except SyncError as exc:
                raise WrongUse(
                    f"nothing was approved: the books could not be read ({exc})", code="not_read"
                ) from None
    if count == 0:
        raise WrongUse(f"no plan {plan_hash} waits for a yes", code="no_such_plan")
    print_json({"approved": count}) if as_json else Console().print(f"{count} effects may go.")


def report(
    realm: RealmOption = None,
    reader: Annotated[str, typer.Option("--for", help="contractor")] = "contractor",
    output: Annotated[str, typer.Option("--format", help="text or json")] = "text",
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what was pulled, changed, invoiced and paid, and what needs a person."""
    if reader != "contractor" or output not in ("text", "json"):
        raise WrongUse("there is --for contractor, --format text or json")
    with attached(data) as found:
        reports = []
        for realm_no in realm_numbers(found, realm):
            with found.app.database.begin(realm_no) as session:
                reports.append(contractor_report(session, realm_no))
    if as_json or output == "json":
        print_json([one.as_json() for one in reports])
    else:
        print("\n\n".join(one.as_text() for one in reports))


def _work_off(found: Attached, advance: Any) -> bool:
    """Wait until the running workers are done; do the work here where none run."""
    if not _has_workers(found):
        return run_until_quiet(
            found.app, found.dispatcher, timeout_s=SYNC_TIMEOUT_S, on_row=advance
        )
    deadline = time.monotonic() + SYNC_TIMEOUT_S
    while time.monotonic() < deadline:
        with found.dispatcher.begin() as session:
            if not dispatch.is_busy(session):
                return True
        advance()
        time.sleep(0.2)
    return False


def _has_workers(found: Attached) -> bool:
    with found.dispatcher.begin() as session:
        alive = select(func.count()).where(
            ProcessRow.role == "worker",
            ProcessRow.gone_at.is_(None),
            ProcessRow.seen_at
            > func.lease_now() - func.make_interval(0, 0, 0, 0, 0, 0, dispatch.PROCESS_SILENT_S),
        )
        return bool(session.scalars(alive).one())


def _newest_work(found: Attached, numbers: Sequence[int]) -> int:
    newest = 0
    for realm_no in numbers:
        with found.app.database.begin(realm_no) as session:
            seen = session.scalars(select(func.max(WorkRow.work_id))).one()
            newest = max(newest, seen or 0)
    return newest


def _summary(found: Attached, numbers: Sequence[int], began: int) -> dict[str, int]:
    counts = dict.fromkeys(("pulled", "invoiced", "revised", "mailed", "parked"), 0)
    names = {"pull": "pulled", "bill": "invoiced", "revise": "revised", "mail": "mailed"}
    for realm_no in numbers:
        with found.app.database.begin(realm_no) as session:
            rows = session.execute(
                select(WorkRow.kind, WorkRow.state, func.count())
                .where(WorkRow.work_id > began)
                .group_by(WorkRow.kind, WorkRow.state)
            )
            for kind, state, count in rows:
                if state == "done" and kind in names:
                    counts[names[kind]] += count
                if state == "parked":
                    counts["parked"] += count
    return counts


def _disconnected(found: Attached, numbers: Sequence[int]) -> int:
    """Count the companies that must be connected again: nothing of theirs was synced."""
    with found.dispatcher.begin() as session:
        asked = select(func.count()).where(
            RealmRow.realm_no.in_(numbers), RealmRow.state != "connected"
        )
        return session.scalars(asked).one()


def _progress(*, as_json: bool) -> Progress:
    return Progress(
        SpinnerColumn(), TextColumn("{task.description}"), TextColumn("{task.completed} steps"),
        console=Console(stderr=True, quiet=as_json), transient=True,
    )  # fmt: skip


def _show_summary(summary: dict[str, int], *, is_quiet: bool) -> None:
    console = Console()
    table = Table.grid(padding=(0, 2))
    for name, count in summary.items():
        table.add_row(name, str(count))
    if summary["disconnected"]:
        console.print("[bold red]A company must be connected again, at /connect.[/bold red]")
    else:
        console.print("[bold]In sync.[/bold]" if is_quiet else "[bold]Still at work.[/bold]")
    console.print(table)


def _preview_json(one: Preview) -> dict[str, Any]:
    decision = one.decision
    plans = decision.plan.milestones if decision.plan else ()
    return {
        "plan": one.plan_hash,
        "realm": one.realm_no,
        "job": decision.facts.job.base,
        "effects": [
            {"kind": wanted.kind, "target": wanted.target, **_effect_facts(wanted.payload)}
            for wanted in decision.wanted
        ],
        "milestones": {plan.milestone.id: plan.amount_minor for plan in plans},
        "findings": [{"code": f.code, "subject": f.subject} for f in decision.findings],
    }


def _effect_facts(payload: Any) -> dict[str, Any]:
    planned = payload.get("planned")
    if "doc_number" in payload:
        return {"number": payload["doc_number"]}
    if planned:
        return {"number": planned["doc_number"], "amount_minor": planned["amount_minor"]}
    return {"notice": payload["notice"]}


def _show_previews(previews: Sequence[Preview]) -> None:
    console = Console()
    if not previews:
        console.print("Nothing would change.")
        return
    table = Table("job", "what", "amount", "plan")
    for one in previews:
        job = one.decision.facts.job
        for wanted in one.decision.wanted:
            facts = _effect_facts(wanted.payload)
            amount = facts.get("amount_minor")
            shown = money(amount, currency=job.currency) if amount is not None else ""
            what = f"{wanted.kind} {facts.get('number') or facts.get('notice') or ''}"
            table.add_row(job.base, what, shown, one.plan_hash)
        for finding in one.decision.findings:
            table.add_row(job.base, f"needs a person: {finding.code}", "", "")
    console.print(table)
