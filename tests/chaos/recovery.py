"""How long work stood still after the process that had it in hand was gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg

from tests.chaos.parts import Parts

#: What a dying process had sent to the database is done by then.
_SETTLE_S = 0.05

_HELD = """
    SELECT work.realm_no, work.work_id, work.kind, process.process_id
      FROM work JOIN process USING (process_id)
     WHERE work.state = 'running' AND process.pid = %s AND process.gone_at IS NULL
"""

# The row went on when somebody began it again; or it was let go because another says the same.
_RESUMED = """
    SELECT coalesce(
        (SELECT min(started_at) FROM attempt
          WHERE (realm_no, work_id) = (%(realm_no)s, %(work_id)s) AND started_at > %(at)s),
        (SELECT max(ended_at) FROM attempt JOIN work USING (realm_no, work_id)
          WHERE (realm_no, work_id) = (%(realm_no)s, %(work_id)s) AND ended_at > %(at)s
            AND work.state IN ('cancelled', 'done')))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphan:
    """One row of work whose worker was killed."""

    realm_no: int
    work_id: int
    kind: str
    killed_at: datetime
    cause: str  #: what killed it


class Orphans:
    """The rows that lost their workers, as the run goes on."""

    def __init__(self, parts: Parts) -> None:
        """Begin with none."""
        self._parts = parts
        self.rows: list[Orphan] = []

    def note(self, pid: int, *, ago_s: float, cause: str) -> int:
        """Note what a process that ended so long ago held; tell how many rows."""
        try:
            with self._parts.admin() as admin:
                admin.execute("SELECT pg_sleep(%s)", [_SETTLE_S])
                (now,) = admin.execute("SELECT clock_timestamp()").fetchone() or (None,)
                assert isinstance(now, datetime)
                held = admin.execute(_HELD, [pid]).fetchall()
        except psycopg.OperationalError:
            return 0
        at = now - timedelta(seconds=ago_s + _SETTLE_S)
        self.rows += [
            Orphan(realm_no=realm_no, work_id=work_id, kind=kind, killed_at=at, cause=cause)
            for realm_no, work_id, kind, _ in held
        ]  # fmt: skip
        return len(held)

    def waited_s(self) -> list[tuple[Orphan, float | None]]:
        """Give how long each stood still; None: it still does."""
        with self._parts.admin() as admin:
            return [(row, _waited_s(admin, row)) for row in self.rows]


def _waited_s(admin: psycopg.Connection[tuple[Any, ...]], row: Orphan) -> float | None:
    asked = {"realm_no": row.realm_no, "work_id": row.work_id, "at": row.killed_at}
    (resumed_at,) = admin.execute(_RESUMED, asked).fetchone() or (None,)
    return (resumed_at - row.killed_at).total_seconds() if resumed_at else None


def percentile(values: Sequence[float], share: float) -> float:
    """Give the value that so large a share of all does not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(share * 100) * len(ordered) // 100) - 1)]
