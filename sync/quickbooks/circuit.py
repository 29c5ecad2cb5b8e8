"""A circuit per company, in its row: after too many calls in a row that found nobody it opens.

While it is open nothing of the company is handed out (`realm.blocked_until`, as for a throttled
one) and rows that are in hand already go back without costing a try. When the time is up one call
goes first, the probe; the others wait for what it finds. Nothing is read or written for it while
calls succeed: `Access.trouble` tells.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, or_, update

from sync.errors import CircuitOpen
from sync.quickbooks.tokens import Access
from sync.store.database import Database
from sync.store.tables import RealmRow

#: Calls in a row without an answer that open the circuit.
OPEN_AT = 5
#: How long it stays open, from the first time on: each probe that fails doubles it.
OPEN_S, OPEN_S_MAX = 15.0, 300.0
#: A probe has this long before another may be made: a call's time-out and a little.
PROBE_S = 65.0


class Circuit:
    """Keeps calls from a company whose books cannot be reached."""

    def __init__(self, database: Database) -> None:
        """Take where the companies are."""
        self._database = database

    def enter(self, realm_no: int, access: Access) -> None:
        """Return if a call may be made; where the circuit is open, to one caller at a time.

        Raises:
            CircuitOpen: not now; nothing was sent.
        """
        if access.trouble < OPEN_AT:
            return
        is_over = or_(RealmRow.blocked_until.is_(None), RealmRow.blocked_until <= func.lease_now())
        with self._database.begin(realm_no) as session:
            probe = session.scalars(
                update(RealmRow)
                .where(RealmRow.realm_no == realm_no, or_(is_over, RealmRow.trouble < OPEN_AT))
                .values(blocked_until=func.lease_now() + timedelta(seconds=PROBE_S))
                .returning(RealmRow.realm_no)
            ).one_or_none()
        if probe is None:
            raise CircuitOpen("QuickBooks did not answer for this company", retry_after_s=OPEN_S)

    def failed(self, realm_no: int) -> None:
        """Note a call that found nobody."""
        with self._database.begin(realm_no) as session:
            trouble = session.scalars(
                update(RealmRow)
                .where(RealmRow.realm_no == realm_no)
                .values(trouble=RealmRow.trouble + 1)
                .returning(RealmRow.trouble)
            ).one()
            if trouble >= OPEN_AT:
                wait_s = min(OPEN_S * 2 ** min(trouble - OPEN_AT, 10), OPEN_S_MAX)
                session.execute(
                    update(RealmRow)
                    .where(RealmRow.realm_no == realm_no)
                    .values(blocked_until=func.lease_now() + timedelta(seconds=wait_s))
                )

    def answered(self, realm_no: int, access: Access) -> None:
        """Close the circuit: the company answers."""
        if access.trouble == 0:
            return
        with self._database.begin(realm_no) as session:
            session.execute(
                update(RealmRow)
                .where(RealmRow.realm_no == realm_no)
                .values(trouble=0, blocked_until=None)
            )
