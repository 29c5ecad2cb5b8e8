"""What a person does with parked work: try it again, or give it up. Both are
decisions on record.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from sync import effects, work
from sync.given_up import kept_of_row
from sync.job_decisions import record
from sync.store.database import lease_now
from sync.store.tables import DecisionRow, WorkRow


def parked(session: Session, realm_no: int) -> Sequence[WorkRow]:
    """Give a company's parked work, oldest first."""
    return session.scalars(
        select(WorkRow)
        .where(WorkRow.realm_no == realm_no, WorkRow.state == "parked")
        .order_by(WorkRow.work_id)
    ).all()


def retry(session: Session, realm_no: int, work_id: int, *, author: str) -> bool:
    """Let a parked row be tried again, with all its tries before it.

    A mail that may have gone out is sent again: that is what the person decides. An invoice that
    may have been made keeps its `asked_at` and is read back first.

    Returns:
        Whether such a row was parked.
    """
    again: dict[str, Any] = {
        "state": work.ready_unless_another_waits(),
        "attempts": 0,
        "first_tried_at": None,
        "retry_at": func.lease_now(),
    }
    row = _take(session, realm_no, work_id)
    if row is None:
        return False
    cleared = {work.CLEARED_AT: lease_now(session).isoformat()}
    if row.kind == "mail":
        payload = {**row.payload, **cleared}
        again |= {"asked_at": None, "request_id": None, "payload": payload}
    elif row.error_class == "InvoiceUncertain":
        # Nothing came of it, says a person: what is only like ours is passed over from now on. Our
        # mark is looked for all the same; and under its old `requestid` QuickBooks would answer
        # with what was deleted.
        again |= {"payload": {**row.payload, **cleared}, "request_id": None}
    _change(session, row, again)
    _note(session, row, kind="work_retried", why="", author=author)
    return True


def drop(session: Session, realm_no: int, work_id: int, *, why: str, author: str) -> bool:
    """Give a parked row up. An effect is not wanted again before that is taken back (`job undo`).

    Returns:
        Whether such a row was parked.
    """
    row = _take(session, realm_no, work_id)
    if row is None:
        return False
    gone = {"state": "cancelled", "error": f"dropped: {why}", "done_at": func.lease_now()}
    if row.job_id is not None and row.kind in effects.EFFECT_KINDS:
        record(session, realm_no, row.job_id, kept_of_row(row, why=why), author=author)
    else:
        _note(session, row, kind="work_dropped", why=why, author=author)
    _change(session, row, gone)
    if row.job_id is not None:
        work.look_again(session, realm_no, row.job_id)
    return True


def _take(session: Session, realm_no: int, work_id: int) -> WorkRow | None:
    return session.scalars(
        select(WorkRow)
        .where(WorkRow.realm_no == realm_no, WorkRow.work_id == work_id, WorkRow.state == "parked")
        .with_for_update()
    ).one_or_none()


def _change(session: Session, row: WorkRow, values: dict[str, Any]) -> None:
    session.execute(
        update(WorkRow)
        .where(WorkRow.realm_no == row.realm_no, WorkRow.work_id == row.work_id)
        .values(**values)
    )


def _note(session: Session, row: WorkRow, *, kind: str, why: str, author: str) -> None:
    session.execute(
        insert(DecisionRow).values(
            realm_no=row.realm_no,
            job_id=row.job_id,
            kind=kind,
            subject=f"work:{row.work_id}",
            facts={"why": why, "error": row.error, "target": row.target},
            author=author,
            decided_at=func.business_now(),
        )
    )
