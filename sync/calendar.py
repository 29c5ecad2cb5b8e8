"""What a person reports about a job's events: dated, moved, completed, cancelled. A fact with
author and time.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from milestone_engine.timeline import APPROVED, EventState
from sync import work
from sync.store import journal
from sync.store.tables import DecisionRow, EventRow


class NoSuchEvent(Exception):
    """The job has no such event. The message names those it has."""


def report_event(
    session: Session,
    realm_no: int,
    job_id: int,
    *,
    name: str,
    state: EventState,
    on: date | None,
    author: str,
) -> None:
    """Write down what a person says of an event, and have the job looked at again.

    Args:
        name: the event, by its name or label.
        state: what became of it.
        on: planned: its date. Completed: the day it happened. Cancelled: not used.
        author: who says so.

    Raises:
        NoSuchEvent: the job's timeline does not know it.
    """
    row = _find(session, realm_no, job_id, name)
    before = journal.calendar(session, realm_no, job_id)
    was = {"state": row.state, "on": row.on_date}
    values: dict[str, object] = {"state": state.value, "source": "person", "completed_on": None}
    if state is EventState.COMPLETED:
        values |= {"completed_on": on, "on_date": row.on_date or on}
    elif state is EventState.PLANNED:
        values |= {"on_date": on}
    session.execute(
        update(EventRow)
        .where(EventRow.realm_no == realm_no, EventRow.job_id == job_id, EventRow.name == row.name)
        .values(**values)
    )
    session.execute(
        insert(DecisionRow).values(
            realm_no=realm_no,
            job_id=job_id,
            kind=f"event_{state.value}",
            subject=f"event:{row.name}",
            facts={"on": on, "before": was},
            author=author,
            decided_at=func.business_now(),
        )
    )
    journal.add(
        session,
        realm_no,
        job_id,
        cause=journal.EVENTS,
        author=author,
        before=before,
        after=journal.calendar(session, realm_no, job_id),
    )
    work.look_again(session, realm_no, job_id)


def _find(session: Session, realm_no: int, job_id: int, name: str) -> EventRow:
    rows = session.scalars(
        select(EventRow)
        .where(EventRow.realm_no == realm_no, EventRow.job_id == job_id)
        .order_by(EventRow.position)
    ).all()
    wanted = name.strip().casefold()
    for row in rows:
        if wanted in (row.name.casefold(), row.label.casefold()):
            return row
    known = ", ".join(row.name for row in rows) or "none"
    hint = " (approval is the estimate's own)" if wanted == APPROVED else ""
    raise NoSuchEvent(f"no event {name!r} on this job{hint}; it has: {known}")
