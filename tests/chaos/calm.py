"""The end of all trouble, and waiting until nothing is left to do.

Waits of minutes (130 s before an unanswered write is made again, back-off of up to hours) are not
slept through: where nothing but waiting is left, the real-time clock of the ledger and QuickBooks'
clock are moved to the end of the wait, together.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import psycopg

from tests.chaos.parts import Parts

_LEASE_NOW = (
    "CREATE OR REPLACE FUNCTION lease_now() RETURNS timestamptz LANGUAGE sql VOLATILE AS "
    "$$ SELECT clock_timestamp() + interval '{seconds} s' $$"
)

#: What is under way, or due now: rows in hand, rows to be picked, jobs to be looked at, a clock
#: that is behind QuickBooks'.
_BUSY = """
    SELECT (SELECT count(*) FROM work WHERE state IN ('sent', 'running'))
         + (SELECT count(*) FROM work WHERE state = 'ready'
              AND (not_before IS NULL OR not_before <= business_now())
              AND retry_at <= lease_now())
         + (SELECT count(*) FROM job WHERE look_at <= business_now())
         + (SELECT count(*) FROM timer JOIN realm USING (realm_no)
             WHERE next_at <= business_now() AND realm.state = 'connected')
"""

#: How long the next waiting row, or paused company, still waits.
_WAITS_S = """
    SELECT extract(epoch FROM min(until) - lease_now())::float FROM (
        SELECT greatest(retry_at, blocked_until) AS until FROM work JOIN realm USING (realm_no)
         WHERE work.state = 'ready' AND realm.state = 'connected'
           AND (not_before IS NULL OR not_before <= business_now())) AS waiting
     WHERE until > lease_now()
"""

_UNFINISHED = """
    SELECT work.realm_no, work_id, kind, work.state, attempts, error_class, retry_at, realm.state
      FROM work JOIN realm USING (realm_no)
     WHERE work.state IN ('ready', 'sent', 'running')
       AND (not_before IS NULL OR not_before <= business_now())
     LIMIT 5
"""

#: Nothing was under way for so long: it is over.
_QUIET_S = 1.2
#: A shorter wait is slept through.
_JUMP_S_MIN = 3.0


class Calm:
    """Waits for the end of the work, moving clocks past waits."""

    def __init__(self, parts: Parts, watch: Callable[[], None]) -> None:
        """Take what to call while waiting: somebody must look after the processes."""
        self._parts, self._watch = parts, watch
        self.moved_s = 0

    def wait(self, *, timeout_s: float) -> list[str]:
        """Wait until nothing is left to do; tell what still was when the time was over."""
        deadline = time.monotonic() + timeout_s
        quiet_since: float | None = None
        while time.monotonic() < deadline:
            self._watch()
            busy, waits_s = self._look()
            if busy:
                quiet_since = None
            elif waits_s is not None:
                quiet_since = None
                if waits_s >= _JUMP_S_MIN:
                    self._jump(int(waits_s) + 1)
            elif quiet_since is None:
                quiet_since = time.monotonic()
            elif time.monotonic() - quiet_since > _QUIET_S:
                return []
            time.sleep(0.1)
        return [f"not idle after {timeout_s:.0f} s: {said}" for said in self._unfinished()]

    def _look(self) -> tuple[bool, float | None]:
        try:
            with self._parts.admin() as admin:
                (busy,) = admin.execute(_BUSY).fetchone() or (1,)
                (waits_s,) = admin.execute(_WAITS_S).fetchone() or (None,)
                is_behind = self._is_behind(admin)
        except psycopg.OperationalError:
            return True, None
        return bool(busy) or is_behind, waits_s

    def _is_behind(self, admin: psycopg.Connection[tuple[Any, ...]]) -> bool:
        theirs = self._parts.tell_sandbox("clock")["now"]
        asked = "SELECT business_now() < %s::timestamptz - interval '3 s'"
        (is_behind,) = admin.execute(asked, [theirs]).fetchone() or (True,)
        return bool(is_behind)

    def _jump(self, seconds: int) -> None:
        self.moved_s += seconds
        self._parts.tell_sandbox("clock/advance", {"by": f"{seconds}s"})
        with self._parts.admin() as admin, admin.transaction():
            admin.execute(_LEASE_NOW.format(seconds=self.moved_s).encode())
            # Whoever is alive was seen just now on the new clock as well.
            admin.execute("UPDATE process SET seen_at = lease_now() WHERE gone_at IS NULL")

    def _unfinished(self) -> list[str]:
        with self._parts.admin() as admin:
            rows = admin.execute(_UNFINISHED).fetchall()
        return [str(row) for row in rows] or ["no row of work, but jobs to look at"]
