"""Greenlets that hand one baton round: exactly one runs, and only a port or a transaction's border
gives it away.

So transactions are atomic steps, an interleaving is a list of choices, and the same seed makes the
same one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from greenlet import getcurrent, greenlet


class SimCrash(BaseException):
    """The process is gone. Nothing may catch it."""


@dataclass(slots=True, eq=False)
class Strand:
    """One thread of one simulated process, parked at a border or waiting for a time."""

    name: str
    process: str
    greenlet: greenlet
    at: str = "begin"  #: where it is parked
    until: float = 0.0  #: not before this moment of simulated time
    is_doomed: bool = field(default=False)

    @property
    def is_over(self) -> bool:
        """Tell whether it has ended."""
        return bool(self.greenlet.dead)


class Baton:
    """Starts strands, parks the one that runs, resumes or crashes a parked one."""

    def __init__(self) -> None:
        """Nobody runs yet; whoever makes it is the scheduler."""
        self._scheduler = getcurrent()
        self.strands: list[Strand] = []
        self.failures: list[BaseException] = []
        self._running: dict[greenlet, Strand] = {}

    def start(self, name: str, process: str, body: Callable[[], object]) -> Strand:
        """Make a strand; it runs when it is resumed for the first time."""

        def run() -> None:
            try:
                body()
            except SimCrash:
                pass
            except BaseException as exc:
                self.failures.append(exc)

        strand = Strand(name, process, greenlet(run, parent=self._scheduler))
        self._running[strand.greenlet] = strand
        self.strands.append(strand)
        return strand

    @property
    def current(self) -> Strand | None:
        """Give the strand that runs; None in the scheduler itself."""
        return self._running.get(getcurrent())

    def park(self, at: str, *, until: float = 0.0) -> None:
        """Give the baton back. Outside of any strand nothing happens."""
        strand = self.current
        if strand is None:
            return
        strand.at, strand.until = at, until
        self._scheduler.switch()
        if strand.is_doomed:
            raise SimCrash

    def resume(self, strand: Strand) -> None:
        """Let a parked strand run up to its next border."""
        strand.greenlet.switch()
        self._forget(strand)

    def crash(self, strand: Strand) -> None:
        """End a parked strand where it stands: memory and connection are lost."""
        strand.is_doomed = True
        if strand.at != "begin":
            strand.greenlet.switch()
        self._forget(strand, anyway=True)

    def _forget(self, strand: Strand, *, anyway: bool = False) -> None:
        if strand.is_over or anyway:
            self.strands.remove(strand)
            self._running.pop(strand.greenlet, None)
