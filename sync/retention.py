"""RETENTION: what is kept for a while only. Done after a pull, so as often as there is anything."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, update

from sync.store.database import Database
from sync.store.tables import InboxRow

#: A body that could not be read is kept this long for a person to look at.
BODY_KEPT = timedelta(days=30)


def drop_old_bodies(database: Database) -> int:
    """Forget the bodies of notifications that nobody could read and nobody asked for in time.

    Returns:
        How many there were.
    """
    with database.begin() as session:
        dropped = session.scalars(
            update(InboxRow)
            .where(
                InboxRow.realm_no.is_(None),
                InboxRow.body_sealed.is_not(None),
                InboxRow.received_at < func.lease_now() - BODY_KEPT,
            )
            .values(body_sealed=None)
            .returning(InboxRow.inbox_id)
        ).all()
    return len(dropped)
