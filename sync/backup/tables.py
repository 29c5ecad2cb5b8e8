"""All tables out of one snapshot, and back into an empty database.

Rows are told as JSON by the database itself and read back by it, so that no number meets a float
and no time a zone. Processes, consents under way and the clock's offset are of their machine and
stay behind.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from sync.backup import archive
from sync.backup.archive import ArchiveError
from sync.keys import Keyring
from sync.store.database import Database, become, lease_now
from sync.store.tables import Row

FORMAT = 1
#: Of the machine, not of the companies.
LEFT_BEHIND = frozenset({"process", "oauth_state", "business_clock"})
#: Every table with rows of companies, in an order in which references find what they name.
TABLES = tuple(name for name in Row.metadata.tables if name not in LEFT_BEHIND)
#: Columns that number themselves: table -> column.
NUMBERED = {
    "realm": "realm_no",
    "job": "job_id",
    "decision": "decision_id",
    "inbox": "inbox_id",
    "work": "work_id",
    "journal": "entry_no",
    "finding": "finding_id",
}
BATCH = 500
#: A restored company waits this long for `recover`; nobody waits longer.
BLOCKED_FOR = "100 years"


@dataclass(slots=True)
class Counted:
    """How many rows of each table were written or read."""

    rows: dict[str, int] = field(default_factory=dict)
    taken_at: datetime | None = None
    size: int = 0

    def add(self, table: str, count: int) -> None:
        """Count some rows."""
        self.rows[table] = self.rows.get(table, 0) + count


def backup(
    database: Database, realm_numbers: Sequence[int], path: Path, *, keyring: Keyring
) -> Counted:
    """Write all companies' rows, as they stand at one moment, into a new sealed file.

    Args:
        database: of the role `milestone_app`.
        realm_numbers: all companies.
        path: a file that is not there yet.
        keyring: the installation's.

    Raises:
        ArchiveError: the file is there already.
    """
    counted = Counted()
    with database.begin() as session:
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        counted.taken_at = lease_now(session)
        counted.size = archive.write(path, _lines(session, realm_numbers, counted), keyring=keyring)
    return counted


def _lines(session: Session, realm_numbers: Sequence[int], counted: Counted) -> Iterator[str]:
    assert counted.taken_at is not None
    head = {
        "format": FORMAT,
        "taken_at": counted.taken_at.isoformat(),
        "columns": {name: _columns(session, name) for name in TABLES},
    }
    yield f"#head {json.dumps(head)}"
    told = hashlib.sha256()
    for realm_no in (*realm_numbers, None):
        become(session, realm_no)
        for name in TABLES if realm_no is not None else ("inbox",):
            yield f"#table {json.dumps({'name': name, 'realm_no': realm_no})}"
            for line in _rows(session, name, realm_no):
                counted.add(name, 1)
                told.update(line.encode())
                yield line
    yield f"#end {json.dumps({'rows': counted.rows, 'sha256': told.hexdigest()})}"


def _rows(session: Session, name: str, realm_no: int | None) -> Iterator[str]:
    mine = "realm_no IS NULL" if realm_no is None else "realm_no = :realm_no"
    asked = text(f"SELECT row_to_json(one)::text FROM {name} AS one WHERE {mine}")
    found = session.execute(asked, {"realm_no": realm_no}, execution_options={"yield_per": BATCH})
    for (line,) in found:
        yield line


def _columns(session: Session, name: str) -> list[str]:
    asked = text(
        "SELECT attname FROM pg_attribute WHERE attrelid = CAST(:name AS regclass)"
        " AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
    )
    return list(session.scalars(asked, {"name": name}))


def restore(database: Database, owner: Database, path: Path, *, keyring: Keyring) -> Counted:
    """Read a backup into an empty, migrated database. Nothing is handed out before `recover`.

    Args:
        database: of the role `milestone_app`.
        owner: of the role that owns the tables: it sets what counts on.
        path: what `backup()` wrote.
        keyring: the installation's: the same secret key as then.

    Raises:
        ArchiveError: the database is not empty, or the file is not what it should be.
    """
    counted = Counted()
    with owner.begin() as session:
        is_used = session.scalars(
            text("SELECT last_value > 1 OR is_called FROM realm_realm_no_seq")
        )
        if is_used.one():
            raise ArchiveError("the database is not empty: restore into a new, migrated one")
    with database.begin() as session:
        realm_numbers = _read_all(session, path, counted, keyring)
        numbers = _last_numbers(session, realm_numbers)
    with owner.begin() as session:
        for table, last in numbers.items():
            sequence = "work_token" if table == "token" else f"{table}_{NUMBERED[table]}_seq"
            session.execute(
                text("SELECT setval(CAST(:name AS regclass), :last)"),
                {"name": sequence, "last": max(last, 1)},
            )
    return counted


def _read_all(session: Session, path: Path, counted: Counted, keyring: Keyring) -> list[int]:
    columns: dict[str, list[str]] = {}
    realm_numbers: list[int] = []
    name, waiting = "", []
    told, has_end = hashlib.sha256(), False
    for line in archive.read(path, keyring=keyring):
        if not line.startswith("#"):
            told.update(line.encode())
            waiting.append(line)
            if len(waiting) >= BATCH:
                _insert(session, name, columns[name], waiting, counted)
                waiting = []
            continue
        if waiting:
            _insert(session, name, columns[name], waiting, counted)
            waiting = []
        word, _, said = line.partition(" ")
        facts: dict[str, Any] = json.loads(said)
        if word == "#head":
            columns = _known_columns(session, facts)
            counted.taken_at = datetime.fromisoformat(facts["taken_at"])
        elif word == "#table":
            name = facts["name"]
            if name == "realm" or facts["realm_no"] is None:
                # What was deferred is checked while its company can still be seen.
                session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
                session.execute(text("SET CONSTRAINTS ALL DEFERRED"))
            become(session, facts["realm_no"])
            realm_numbers += [facts["realm_no"]] if name == "realm" else []
        else:
            has_end = facts == {"rows": counted.rows, "sha256": told.hexdigest()}
    if not has_end:
        raise ArchiveError("the backup does not hold what it says")
    for realm_no in realm_numbers:
        become(session, realm_no)
        session.execute(
            text(f"UPDATE realm SET blocked_until = lease_now() + interval '{BLOCKED_FOR}'")
        )
    return realm_numbers


def _known_columns(session: Session, head: dict[str, Any]) -> dict[str, list[str]]:
    """Give the columns of the backup; what this version does not know it cannot take."""
    if head["format"] != FORMAT:
        raise ArchiveError(f"the backup has format {head['format']}, this version reads {FORMAT}")
    columns: dict[str, list[str]] = head["columns"]
    for name, names in columns.items():
        missing = set(names) - set(_columns(session, name) if name in TABLES else ())
        if missing:
            said = ", ".join(sorted(missing))
            raise ArchiveError(
                f"this version has no {said} in {name}: the backup is of a newer one"
            )
    return columns


def _insert(
    session: Session, name: str, columns: Sequence[str], lines: Sequence[str], counted: Counted
) -> None:
    names = ", ".join(f'"{one}"' for one in columns)
    session.execute(
        text(
            f"INSERT INTO {name} ({names}) OVERRIDING SYSTEM VALUE SELECT {names}"
            f" FROM jsonb_populate_recordset(NULL::{name}, CAST(:rows AS jsonb))"
        ),
        {"rows": f"[{','.join(lines)}]"},
    )
    counted.add(name, len(lines))


def _last_numbers(session: Session, realm_numbers: Sequence[int]) -> dict[str, int]:
    """Give the highest number of each table that numbers its rows, and the highest token."""
    found = dict.fromkeys((*NUMBERED, "token"), 0)
    for realm_no in realm_numbers:
        become(session, realm_no)
        for table, column in NUMBERED.items():
            found[table] = max(found[table], _highest(session, table, column))
        found["token"] = max(found["token"], _highest(session, "work", "token"))
    return found


def _highest(session: Session, table: str, column: str) -> int:
    return int(session.scalars(text(f"SELECT coalesce(max({column}), 0) FROM {table}")).one())
