"""How a command finds its installation: a running `up` by its data folder, else the environment."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from sqlalchemy import select
from sqlalchemy.orm import Session

from config.settings import Settings, data_folder, read_settings
from sync.bootstrap import App, build_app
from sync.reports.job_reading import find_job
from sync.store.database import Database, dump_json
from sync.store.tables import RealmRow
from sync.up import read_run

DataOption = Annotated[
    Path | None, typer.Option("--data", help="folder of a running `up` (or MILESTONE_SYNC_DATA)")
]
JsonOption = Annotated[bool, typer.Option("--json", help="print JSON")]
RealmOption = Annotated[int | None, typer.Option("--realm", help="one company, by its number")]


class WrongUse(Exception):
    """The command was used wrongly. One line, exit 2."""

    def __init__(self, message: str, *, code: str = "wrong_use") -> None:
        """Keep what is wrong, and a word for programs."""
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """An installation that a command talks to."""

    app: App
    dispatcher: Database
    facts: dict[str, Any]  #: of the running `up`; empty without one


@contextmanager
def attached(data: Path | None) -> Iterator[Attached]:
    """Give the App of the installation, and close it afterwards."""
    run = read_run(data_folder(data))
    if run is not None and not (os.environ.get("DATABASE_URL") and data is None):
        os.environ.update(run["environment"])
    elif not os.environ.get("DATABASE_URL"):
        raise WrongUse(
            f"no `milestone-sync up` runs on {data_folder(data)} and DATABASE_URL is not set",
            code="not_running",
        )
    settings = read_settings()
    app = build_app(settings)
    dispatcher = Database(settings.dispatcher_url, pool_size=2)
    try:
        yield Attached(app=app, dispatcher=dispatcher, facts=run["facts"] if run else {})
    finally:
        app.close()
        dispatcher.close()


def settings_from_environment() -> Settings:
    """Read the settings of a role that was started by a supervisor."""
    return read_settings()


def realm_numbers(found: Attached, realm: int | None) -> Sequence[int]:
    """Give the companies a command is about: the one asked for, or all that are connected."""
    with found.dispatcher.begin() as session:
        known = session.scalars(select(RealmRow.realm_no).order_by(RealmRow.realm_no)).all()
    if realm is None:
        return known
    if realm not in known:
        raise WrongUse(f"there is no company {realm}", code="no_such_company")
    return [realm]


@contextmanager
def open_job(found: Attached, realm: int | None, name: str) -> Iterator[tuple[Session, int, int]]:
    """Open a transaction on the job of this name, in whichever company has it."""
    holders = []
    for realm_no in realm_numbers(found, realm):
        with found.app.database.begin(realm_no) as session:
            job_id = find_job(session, realm_no, name)
            if job_id is not None:
                holders.append((realm_no, job_id))
    if not holders:
        raise WrongUse(f"there is no job {name}", code="no_such_job")
    if len(holders) > 1:
        numbers = ", ".join(str(realm_no) for realm_no, _ in holders)
        raise WrongUse(f"companies {numbers} each have a job {name}: say --realm")
    realm_no, job_id = holders[0]
    with found.app.database.begin(realm_no) as session:
        yield session, realm_no, job_id


def print_json(value: object) -> None:
    """Print one line of JSON."""
    print(dump_json(value), flush=True)


def fail(console: Console, message: str, *, as_json: bool, code: str) -> NoReturn:
    """Say in one line what is wrong and exit 2."""
    if as_json:
        print(json.dumps({"error": {"code": code, "message": message, "at": None}}))
    else:
        console.print(f"milestone-sync: {message}", style="red", highlight=False, soft_wrap=True)
    raise typer.Exit(2)
