"""Simulated time: one number for everybody, and its row in the database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from sync.store.database import Database
from tests.simulation.baton import Baton

#: Every world begins on a Monday morning in Salt Lake City.
BEGIN = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)

#: The production functions ask the server's clock; here they ask ours.
OVERRIDE = """
    CREATE TABLE IF NOT EXISTS sim_clock (now timestamptz NOT NULL);
    GRANT SELECT ON sim_clock TO PUBLIC;
    CREATE OR REPLACE FUNCTION lease_now() RETURNS timestamptz LANGUAGE sql VOLATILE AS
    $$ SELECT now FROM sim_clock $$;
    CREATE OR REPLACE FUNCTION business_now() RETURNS timestamptz LANGUAGE sql STABLE AS
    $$ SELECT now + make_interval(secs => (SELECT offset_s FROM business_clock)) FROM sim_clock $$;
"""

_MOVE = text("UPDATE sim_clock SET now = :now")
_BEAT = text("UPDATE process SET seen_at = :now WHERE process_id = ANY(:alive)")


class SimTime:
    """Seconds since the beginning, moved by the scheduler alone."""

    def __init__(self, owner: Database) -> None:
        """Set the database's clock to the beginning."""
        self.elapsed_s = 0.0
        self._owner = owner

    def now(self) -> datetime:
        """Give the moment, for the sandbox's books."""
        return BEGIN + timedelta(seconds=self.elapsed_s)

    def move(self, seconds: float, *, alive: list[str]) -> None:
        """Let time pass for everybody; processes that live renew their rows meanwhile."""
        self.elapsed_s += seconds
        with self._owner.begin() as session:
            session.execute(_MOVE, {"now": self.now()})
            if alive:
                session.execute(_BEAT, {"now": self.now(), "alive": alive})


class SimClock:
    """The port `Clock`: waiting hands the baton on."""

    def __init__(self, time: SimTime, baton: Baton) -> None:
        """Take whose time it is, and who decides when the waiting ends."""
        self._time = time
        self._baton = baton

    def monotonic(self) -> float:
        """Give simulated seconds."""
        return self._time.elapsed_s

    def sleep(self, seconds: float) -> None:
        """Wait in simulated time."""
        self._baton.park("sleep", until=self._time.elapsed_s + seconds)


class BooksClock:
    """The port `OutsideClock`: the sandbox's time."""

    def __init__(self, books: object) -> None:
        """Take the books."""
        self._books = books

    def now(self) -> datetime | None:
        """Tell the books' time."""
        found: datetime = self._books.clock.now()  # type: ignore[attr-defined]
        return found
