"""The ledger in the terminal: what is waiting, what is parked and why, retry, drop."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select

from sync import ops
from sync.cli.attach import (
    Attached,
    DataOption,
    JsonOption,
    WrongUse,
    attached,
    print_json,
    realm_numbers,
)
from sync.store.tables import WorkRow

IdArgument = Annotated[int, typer.Argument(metavar="ID", help="as `queue parked` shows it")]


def add_commands(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    queue = typer.Typer(help="The ledger of work.", invoke_without_command=True)
    queue.callback()(show_queue)
    queue.command("parked")(show_parked)
    queue.command("retry")(retry)
    queue.command("drop")(drop)
    app.add_typer(queue, name="queue")


def show_queue(
    context: typer.Context, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """Count the work by kind and state."""
    if context.invoked_subcommand is not None:
        return
    with attached(data) as found, found.dispatcher.begin() as session:
        rows = session.execute(
            select(WorkRow.kind, WorkRow.state, func.count(), func.min(WorkRow.created_at))
            .where(WorkRow.state.not_in(["done", "cancelled"]))
            .group_by(WorkRow.kind, WorkRow.state)
            .order_by(WorkRow.kind, WorkRow.state)
        ).all()
    if as_json:
        print_json(
            [dict(zip(("kind", "state", "count", "oldest"), row, strict=True)) for row in rows]
        )
        return
    table = Table("kind", "state", "count", "oldest", box=None)
    for kind, state, count, oldest in rows:
        table.add_row(kind, state, str(count), f"{oldest:%Y-%m-%d %H:%M:%S}")
    Console().print(table if rows else "Nothing waits.")


def show_parked(data: DataOption = None, as_json: JsonOption = False) -> None:
    """List what waits for a person, with the reason and what to do."""
    with attached(data) as found:
        rows = [row for realm_no in realm_numbers(found, None) for row in _parked(found, realm_no)]
    if as_json:
        print_json([_row_json(row) for row in rows])
    else:
        _show(rows)
    raise typer.Exit(1 if rows else 0)


def retry(work_id: IdArgument, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Let a parked row be tried again, from its first try."""
    _act(work_id, data, as_json, "ready", lambda session, realm_no: ops.retry(
        session, realm_no, work_id, author=getpass.getuser()
    ))  # fmt: skip


def drop(
    work_id: IdArgument,
    why: Annotated[str, typer.Option("--why", help="the reason, for the record")],
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a parked row up, with a reason: it is not wanted again before `job undo`."""
    _act(work_id, data, as_json, "cancelled", lambda session, realm_no: ops.drop(
        session, realm_no, work_id, why=why, author=getpass.getuser()
    ))  # fmt: skip


def _act(work_id: int, data: Any, as_json: bool, state: str, do: Any) -> None:
    with attached(data) as found:
        for realm_no in realm_numbers(found, None):
            with found.app.database.begin(realm_no) as session:
                if do(session, realm_no):
                    break
        else:
            raise WrongUse(f"nothing is parked under {work_id}", code="not_parked")
    print_json({"id": work_id, "state": state}) if as_json else Console().print(
        f"{work_id} is {state}."
    )


def _parked(found: Attached, realm_no: int) -> Sequence[WorkRow]:
    with found.app.database.begin(realm_no) as session:
        return ops.parked(session, realm_no)


def _row_json(row: WorkRow) -> dict[str, Any]:
    names = ("work_id", "realm_no", "job_id", "kind", "target", "attempts", "error_class", "error",
             "remedy", "created_at")  # fmt: skip
    return {name: getattr(row, name) for name in names}


def _show(rows: Sequence[WorkRow]) -> None:
    console = Console()
    if not rows:
        console.print("Nothing is parked.")
    for row in rows:
        console.print(f"[bold]{row.work_id}[/bold]  {row.kind} {row.target}", highlight=False)
        console.print(f"  {row.error_class}: {row.error}", highlight=False)
        console.print(f"  [dim]{row.remedy}[/dim]", highlight=False)
