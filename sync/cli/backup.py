"""Backup, restore and what follows a restore, in the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from sync.backup import recover as recovery
from sync.backup import tables
from sync.backup.archive import ArchiveError
from sync.cli.attach import (
    Attached,
    DataOption,
    JsonOption,
    WrongUse,
    attached,
    print_json,
    realm_numbers,
)
from sync.store.database import Database

FileArgument = Annotated[Path, typer.Argument(metavar="FILE")]


def add_commands(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command("backup")(backup)
    app.command("restore")(restore)
    app.command("recover")(recover)


def backup(file: FileArgument, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Write everything into one file, sealed with the installation's secret key."""
    with attached(data) as found:
        numbers = realm_numbers(found, None)
        try:
            counted = tables.backup(found.app.database, numbers, file, keyring=found.app.keyring)
        except (ArchiveError, OSError) as exc:
            raise WrongUse(str(exc), code="backup") from None
    said = f"{file}: {sum(counted.rows.values())} rows, {counted.size} bytes"
    _say(said, {"file": str(file), "bytes": counted.size}, counted, as_json=as_json)


def restore(file: FileArgument, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Read a backup into an empty, migrated database; then run `recover`."""
    with attached(data) as found, _owner(found) as owner:
        try:
            counted = tables.restore(found.app.database, owner, file, keyring=found.app.keyring)
        except (ArchiveError, OSError) as exc:
            raise WrongUse(str(exc), code="restore") from None
    said = f"{sum(counted.rows.values())} rows are back. Nothing is done before `recover`"
    _say(said, {"file": str(file)}, counted, as_json=as_json)


def recover(
    taken_at: Annotated[
        datetime,
        typer.Option("--backup-taken-at", help="as `restore` said it: 2026-05-04T03:00:00+00:00",
                     formats=["%Y-%m-%dT%H:%M:%S.%f%z", "%Y-%m-%dT%H:%M:%S%z"]),
    ],
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """After a restore: read back from QuickBooks what was done since, then let the loop go on."""
    with attached(data) as found, _owner(found) as owner:
        numbers = realm_numbers(found, None)
        done = recovery.recover(found.app, owner, numbers, taken_at=taken_at)
    if as_json:
        print_json([_json(one) for one in done])
    else:
        for one in done:
            Console().print(_words(one), highlight=False, soft_wrap=True)
        Console().print(
            "What people decided or reported since the backup is gone: events, yeses, routings."
            " Say it again.",
            soft_wrap=True,
        )
    raise typer.Exit(1 if any(one.is_disconnected or one.mails for one in done) else 0)


@contextmanager
def _owner(found: Attached) -> Iterator[Database]:
    settings = found.app.settings
    owner = Database(settings.owner_url, pool_size=1, name="backup")
    try:
        yield owner
    finally:
        owner.close()


def _say(said: str, facts: dict[str, Any], counted: tables.Counted, *, as_json: bool) -> None:
    taken_at = counted.taken_at.isoformat() if counted.taken_at else ""
    if as_json:
        print_json({**facts, "taken_at": taken_at, "rows": counted.rows})
    else:
        Console().print(f"{said}. Taken at {taken_at}.", highlight=False, soft_wrap=True)


def _json(one: recovery.Recovered) -> dict[str, Any]:
    return {
        "realm": one.realm_no,
        "reconnect": one.is_disconnected,
        "jobs": one.jobs,
        "invoices": one.invoices,
        "confirmed": one.own_changes,
        "edited": one.edits,
        "read_back": one.asked,
        "mails_parked": one.mails,
    }


def _words(one: recovery.Recovered) -> str:
    if one.is_disconnected:
        return (
            f"Company {one.realm_no}: QuickBooks refuses our grant. Connect it again at /connect,"
            " then run `recover` once more; nothing is done for it before."
        )
    return (
        f"Company {one.realm_no}: {one.jobs} jobs and {one.invoices} invoices found again by their"
        f" mark, {one.own_changes} changes of ours confirmed, {one.edits} invoices left as people"
        f" made them, {one.asked} effects read back first, {one.mails} mails wait for a person."
    )
