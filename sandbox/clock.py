"""Time in the books: a clock that can be moved forward, and the way QuickBooks writes times (US
Pacific, with offset).

Network time-outs, rate limits and the retries of webhooks do not use this clock: they happen in the
real world.
"""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

PACIFIC = ZoneInfo("America/Los_Angeles")

#: What `POST /sandbox/clock/advance` understands.
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
STEP_PATTERN = re.compile(r"(\d{1,9})([smhdw])")
STEP_S_MAX = 20 * 366 * 86400


class Clock(Protocol):
    """Whatever tells the books their time."""

    def now(self) -> datetime:
        """Return the time of the books, aware, in UTC."""
        ...


class RealClock:
    """The machine's own time."""

    def now(self) -> datetime:
        """Return the time, aware, in UTC."""
        return datetime.now(UTC)


class MovableClock:
    """Another clock's time plus an offset that only grows; usually the real time."""

    def __init__(self, base: Clock | None = None) -> None:
        self.offset_s = 0
        self._base = base or RealClock()

    def now(self) -> datetime:
        """Return the base's time plus the offset."""
        return self._base.now() + timedelta(seconds=self.offset_s)

    def moved_to(self, offset_s: int) -> None:
        """Take an offset over from the journal; a smaller one is ignored, for time never runs
        backwards.
        """
        self.offset_s = max(self.offset_s, offset_s)


class FixedClock:
    """A clock that stands still until told otherwise: for seeds and for simulation."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        """Return the time it was set to."""
        return self.at


def step_seconds(text: str) -> int:
    """Read a step such as `7d`, `36h`, `90m` or `30s`.

    Raises:
        ValueError: anything else, or more than twenty years.
    """
    match = STEP_PATTERN.fullmatch(text.strip().lower())
    if match is None:
        raise ValueError(f"{text!r} is not a step such as 7d, 36h, 90m or 30s")
    step_s = int(match[1]) * UNITS[match[2]]
    if step_s > STEP_S_MAX:
        raise ValueError(f"{text!r} is more than twenty years")
    return step_s


def stamp(at: datetime) -> str:
    """Return a `MetaData` time: Pacific, whole seconds, with offset."""
    return at.astimezone(PACIFIC).isoformat(timespec="seconds")


def answer_time(at: datetime) -> str:
    """Return the `time` of an answer: Pacific, milliseconds, with offset."""
    return at.astimezone(PACIFIC).isoformat(timespec="milliseconds")


def read_time(text: str) -> datetime:
    """Read a time that a client sent; without offset it is Pacific, as in QuickBooks.

    Raises:
        ValueError: not ISO 8601.
    """
    # A plus sign that a client forgot to encode arrives as a blank.
    at = datetime.fromisoformat(re.sub(r" (\d\d:?\d\d)$", r"+\1", text.strip()))
    return at if at.tzinfo else at.replace(tzinfo=PACIFIC)


def today(at: datetime) -> date:
    """Return the company's date: this stand-in's companies live in Pacific time."""
    return at.astimezone(PACIFIC).date()
