"""The production database with a border before and after every transaction: there a process may
die, and there a connection may.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from sync.store.database import Database
from tests.simulation.baton import Baton
from tests.simulation.chance import Chance


class SimDatabase(Database):
    """Real transactions, each an atomic step of the scheduler."""

    def __init__(self, url: str) -> None:
        """Prepare the pool; `attach` says whose world it is in."""
        super().__init__(url, pool_size=40, name="simulation")
        self.engine.pool._pre_ping = False  # the server is our own child, and stays
        self._baton: Baton | None = None
        self._chance: Chance | None = None
        self.on_commit: Callable[[], None] = lambda: None

    def attach(self, baton: Baton, chance: Chance, on_commit: Callable[[], None]) -> None:
        """Let a new world begin on the same connections."""
        self._baton, self._chance, self.on_commit = baton, chance, on_commit

    @contextmanager
    def begin(
        self, realm_no: int | None = None, *, lookup: bytes | None = None
    ) -> Iterator[Session]:
        """Open one transaction, as the production code does."""
        baton, chance = self._baton, self._chance
        if baton is None or chance is None or baton.current is None:
            with super().begin(realm_no, lookup=lookup) as session:
                yield session
            return
        baton.park("begin transaction")
        if chance.fires("connection_lost"):
            raise _lost("before the transaction")
        with super().begin(realm_no, lookup=lookup) as session:
            yield session
        self.on_commit()
        if chance.fires("commit_unknown"):
            raise _lost("at COMMIT, which went through")
        baton.park("committed")


def _lost(when: str) -> OperationalError:
    return OperationalError("COMMIT", None, ConnectionError(f"connection lost {when}"))
