"""The journal in the terminal: is it as it was written?"""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from sqlalchemy import select
from sqlalchemy.orm import Session

from sync.cli.attach import (
    DataOption,
    JsonOption,
    RealmOption,
    WrongUse,
    attached,
    print_json,
    realm_numbers,
)
from sync.store import journal
from sync.store.journal import Broken
from sync.store.tables import JobRow


def add_commands(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    group = typer.Typer(help="The journal of what changed.", no_args_is_help=True)
    group.command("verify")(verify)
    group.callback()(_nothing)
    app.add_typer(group, name="journal")


def _nothing() -> None:
    """Keep `verify` a command of its own: alone it would be the whole group."""


def verify(
    job: Annotated[str | None, typer.Option("--job", help="one job, by its number")] = None,
    realm: RealmOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check that no entry was altered or taken away since it was written."""
    checked, broken = 0, []
    with attached(data) as found:
        for realm_no in realm_numbers(found, realm):
            with found.app.database.begin(realm_no) as session:
                for job_id, base in _jobs(session, realm_no, job):
                    checked += journal.count(session, realm_no, job_id)
                    wrong = journal.verify(session, realm_no, job_id)
                    broken += [(base, wrong)] if wrong else []
    if job is not None and not checked:
        raise WrongUse(f"there is no job {job}", code="no_such_job")
    if as_json:
        print_json({"entries": checked, "broken": [_json(base, one) for base, one in broken]})
    else:
        for base, one in broken:
            place = f"entry {one.entry_no}" if one.entry_no is not None else "the end"
            Console().print(f"Job {base}, {place}: {one.why}.", style="red", highlight=False)
        if not broken:
            Console().print(f"{checked} entries, all as they were written.", highlight=False)
    raise typer.Exit(1 if broken else 0)


def _jobs(session: Session, realm_no: int, base: str | None) -> list[tuple[int, str]]:
    asked = select(JobRow.job_id, JobRow.base).where(JobRow.realm_no == realm_no)
    if base is not None:
        asked = asked.where(JobRow.base == base)
    return [(job_id, name) for job_id, name in session.execute(asked.order_by(JobRow.job_id))]


def _json(base: str, one: Broken) -> dict[str, object]:
    return {"job": base, "entry": one.entry_no, "why": one.why}
