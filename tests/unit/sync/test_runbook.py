"""docs/runbook.md against the code: every ERROR of the logs has its section, and what the page
tells people to type works.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.main import get_command

from sync import embedded, errors
from sync.cli.main import app as cli
from tests.house import Services

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
STATEMENTS = dict(re.findall(r"```sql\n-- ([^\n]+)\n(.*?)```", PAGE, re.S))


def logged_errors() -> Iterator[str]:
    """The name of everything that `sync` logs at ERROR or above."""
    for path in sorted((ROOT / "sync").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            call = node.func if isinstance(node, ast.Call) else None
            if isinstance(call, ast.Attribute) and call.attr in ("error", "exception", "critical"):
                is_logger = isinstance(call.value, ast.Name) and call.value.id == "logger"
                if is_logger:
                    assert isinstance(node, ast.Call)
                    name = node.args[0]
                    assert isinstance(name, ast.Constant), f"{path.name}:{node.lineno}"
                    yield str(name.value)


def test_every_error_has_its_section() -> None:
    """No name in the logs without a section, no section for a name that is not logged."""
    sections = re.findall(r"^## `([\w.]+)`$", PAGE, re.M)

    assert sections == list(dict.fromkeys(sections))
    assert set(sections) == set(logged_errors())


def test_every_section_says_symptom_place_and_deed() -> None:
    """Symptom, look here, do this: in this order, in each."""
    for section in re.split(r"^## `", PAGE, flags=re.M)[1:]:
        said = re.findall(r"^\*\*(Symptom|Look here|Do this)\b", section, re.M)
        assert said == ["Symptom", "Look here", "Do this"], section[:40]


def test_every_reason_to_park_is_explained() -> None:
    """Each class of error that parks a row is named under `work.parked`, and no other is."""
    section = PAGE.split("## `work.parked`")[1].split("\n## ")[0]
    named = {name for row in re.findall(r"^- (`.*?):", section, re.M) for name in row.split("`")}
    permanent = set(leaves(errors.PermanentSyncError)) - {"RealmDisconnected"}

    assert permanent - named == set()
    known = {name for name in dir(errors) if isinstance(getattr(errors, name), type)}
    assert {name for name in named if name.isidentifier()} <= known


def leaves(base: type[Exception]) -> Iterator[str]:
    """The names of an error's subclasses, all the way down."""
    for one in base.__subclasses__():
        yield one.__name__
        yield from leaves(one)


@pytest.fixture
def app(services: Services) -> Iterator[psycopg.Connection[Any]]:
    """The app's role on a database with one parked mail: company 1, row 42."""
    name = services.new_database()
    with psycopg.connect(services.url(embedded.ADMIN, name), autocommit=True) as admin:
        admin.execute(
            "INSERT INTO realm (realm_id_sealed, realm_id_hmac, zone, mode)"
            " VALUES ('', '1', 'UTC', 'auto')"
        )
        admin.execute(
            "INSERT INTO work (realm_no, work_id, kind, queue, lane, priority, state, attempts,"
            " asked_at, error, error_class, remedy, retry_at) OVERRIDING SYSTEM VALUE VALUES"
            " (1, 42, 'mail', 'mail', 'job/1', 10, 'parked', 12, now(), 'why', 'MailUncertain',"
            " 'what', 'infinity')"
        )
        admin.execute("INSERT INTO attempt (realm_no, work_id, number, process_id)"
                      " VALUES (1, 42, 1, 'p')")  # fmt: skip
    with psycopg.connect(services.url("milestone_app", name), autocommit=True) as connection:
        yield connection
    services.drop_database(name)


def run(app: psycopg.Connection[Any], title: str) -> list[list[tuple[Any, ...]]]:
    """Type what a block of the page says, and give what each statement showed."""
    shown = []
    for statement in filter(str.strip, STATEMENTS[title].split(";\n")):
        done = app.execute(statement.encode())
        shown.append(done.fetchall() if done.description else [])
    return shown


def test_the_statement_of_the_page_shows_a_rows_tries(app: psycopg.Connection[Any]) -> None:
    """As the app's role, once the company is named; it is the page's only block of SQL."""
    assert set(STATEMENTS) == {"the tries of row 42"}

    _, attempts = run(app, "the tries of row 42")

    assert [row[0] for row in attempts] == [1]


def test_the_commands_of_the_page_exist() -> None:
    """What the page tells people to type is what the command line understands."""
    typed = set(re.findall(r"^    milestone-sync (queue(?: [a-z]+)?)", PAGE, re.M))

    queue = get_command(cli).commands["queue"]
    assert typed == {"queue", *(f"queue {name}" for name in queue.commands)}
