"""DISCONNECT: a company leaves. Its grant ends at Intuit, its tokens are destroyed, its work is
called off, its customers' links open nothing; with `erase` nothing of it is left.

Its state changes first, so that nothing is handed out and no token is used any more: what fails
half way is done by the next try.
"""

from __future__ import annotations

import logging

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from sync import work
from sync.bootstrap import App
from sync.errors import RealmDisconnected, RejectedWrite
from sync.store import realms
from sync.store.tables import (
    DecisionRow,
    FindingRow,
    JobRow,
    PortalLinkRow,
    RealmRow,
    TimerRow,
    WorkRow,
)

logger = logging.getLogger(__name__)


def disconnect(app: App, realm_no: int, *, author: str) -> None:
    """Disconnect a company. Doing it again changes nothing.

    Raises:
        QuickBooksUnavailable: Intuit cannot be reached: the company is stopped, its tokens are kept
            for the next try.
    """
    with app.database.begin(realm_no) as session:
        realm = realms.get(session, realm_no)
        session.execute(
            update(RealmRow).where(RealmRow.realm_no == realm_no).values(state="disconnected")
        )
        token = app.tokens.refresh_token(realm)
    if token is not None:
        try:
            app.oauth.revoke(token)
        except (RealmDisconnected, RejectedWrite):
            # It was dead before: from within QuickBooks, or by its age.
            logger.info("realm.grant_was_dead", extra={"realm_no": realm_no})
    with app.database.begin(realm_no) as session:
        _destroy(session, realm_no)
        _call_off(session, realm_no)
        session.execute(
            insert(DecisionRow).values(
                realm_no=realm_no,
                job_id=None,
                kind="company_disconnected",
                subject=f"company:{realm_no}",
                facts={},
                author=author,
                decided_at=func.business_now(),
            )
        )
    logger.info("realm.left", extra={"realm_no": realm_no})


def erase(app: App, realm_no: int) -> int:
    """Remove every row of a company that is disconnected, its history included.

    Returns:
        How many rows there were.
    """
    with app.database.begin(realm_no) as session:
        gone = int(session.scalars(select(func.erase_tenant())).one())
    logger.info("realm.erased", extra={"realm_no": realm_no, "row_count": gone})
    return gone


def _destroy(session: Session, realm_no: int) -> None:
    session.execute(
        update(RealmRow)
        .where(RealmRow.realm_no == realm_no)
        .values(
            realm_id_sealed=b"",
            access_token_sealed=None,
            refresh_token_sealed=None,
            access_expires_at=None,
            refresh_expires_at=None,
            refresh_lease_until=None,
            token_version=RealmRow.token_version + 1,
            blocked_until=None,
            trouble=0,
        )
    )


def _call_off(session: Session, realm_no: int) -> None:
    """End everything that would still be done; a row in somebody's hands is fenced by its state."""
    session.execute(
        update(WorkRow)
        .where(WorkRow.realm_no == realm_no, WorkRow.state.in_(work.UNFINISHED))
        .values(
            state="cancelled",
            error="the company was disconnected",
            done_at=func.lease_now(),
            lease_until=None,
        )
    )
    session.execute(delete(TimerRow).where(TimerRow.realm_no == realm_no))
    session.execute(update(JobRow).where(JobRow.realm_no == realm_no).values(look_at=None))
    session.execute(
        update(PortalLinkRow)
        .where(PortalLinkRow.realm_no == realm_no, PortalLinkRow.revoked_at.is_(None))
        .values(revoked_at=func.business_now())
    )
    session.execute(
        update(FindingRow)
        .where(
            FindingRow.realm_no == realm_no,
            FindingRow.subject == f"company:{realm_no}",
            FindingRow.closed_at.is_(None),
        )
        .values(closed_at=func.business_now())
    )
