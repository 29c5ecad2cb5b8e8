"""The journal: what changed on a job, when, why and by whom. It only grows, and each entry is
chained to the one before, so that an altered or missing one shows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from sync.store.database import business_now, dump_json, load_json
from sync.store.tables import EventRow, JobRow, JournalRow, MilestoneRow, ScheduleRow

#: Who made an entry where no person did.
OURSELVES = "milestone-sync"
#: How new entries are chained: over the whole of them.
CHAIN_FORM = 2

#: Causes of entries that are no new version of the schedule.
DECISION, EVENTS, STATE, RECOVERED = "decision", "events", "state", "recovered"
#: What became of an effect, by its kind.
OUTCOMES: Mapping[str, str] = {
    "bill": "invoice_made",
    "revise": "invoice_revised",
    "void": "invoice_voided",
    "mail": "mail_sent",
}
#: All of them.
BESIDE_VERSIONS = frozenset({DECISION, EVENTS, STATE, RECOVERED, *OUTCOMES.values()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """An entry that is not as it was written."""

    job_id: int
    entry_no: int | None  #: None: an entry is missing at the end
    why: str


def add(
    session: Session,
    realm_no: int,
    job_id: int,
    *,
    cause: str,
    author: str = OURSELVES,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any],
    version: int | None = None,
) -> None:
    """Write one entry, in the caller's transaction; entries of one job wait for each other.

    Args:
        cause: a word for why.
        author: who did it.
        before: what stood there.
        after: what stands there now.
        version: of the job; None: as it is.
    """
    mine = (JobRow.realm_no == realm_no) & (JobRow.job_id == job_id)
    current, known, head = session.execute(
        select(JobRow.version, JobRow.journal_count, JobRow.journal_head)
        .where(mine)
        .with_for_update()
    ).one()
    entry = {
        "at": business_now(session),
        "author": author,
        "before": load_json(dump_json(before or {})),
        "after": load_json(dump_json(after)),
        "cause": cause,
        "job_version": current if version is None else version,
    }
    if known is None:
        known = count(session, realm_no, job_id)
        head = _last_chain(session, realm_no, job_id)
    # From the end on record, not from the last entry that is there: a gap stays one.
    chain = _chain(head, entry)
    session.execute(
        insert(JournalRow).values(
            realm_no=realm_no, job_id=job_id, **entry, chain=chain, chain_form=CHAIN_FORM
        )
    )
    session.execute(update(JobRow).where(mine).values(journal_count=known + 1, journal_head=chain))


def _last_chain(session: Session, realm_no: int, job_id: int) -> str | None:
    return session.scalars(
        select(JournalRow.chain)
        .where(JournalRow.realm_no == realm_no, JournalRow.job_id == job_id)
        .order_by(JournalRow.entry_no.desc())
        .limit(1)
    ).one_or_none()


def outcome(
    session: Session, realm_no: int, job_id: int, *, kind: str, after: Mapping[str, Any]
) -> None:
    """Write down what became of an effect."""
    add(session, realm_no, job_id, cause=OUTCOMES[kind], after=after)


def calendar(session: Session, realm_no: int, job_id: int) -> dict[str, Any]:
    """Give a job's events as an entry holds them."""
    rows = session.scalars(
        select(EventRow)
        .where(EventRow.realm_no == realm_no, EventRow.job_id == job_id)
        .order_by(EventRow.position)
        .execution_options(populate_existing=True)
    )
    return {
        row.name: {
            "position": row.position,
            "label": row.label,
            "on": row.on_date,
            "state": row.state,
            "completed_on": row.completed_on,
        }
        for row in rows
    }


def entries(
    session: Session, realm_no: int, job_id: int, *, until: datetime | None = None
) -> Sequence[JournalRow]:
    """Give a job's entries, oldest first."""
    asked = select(JournalRow).where(JournalRow.realm_no == realm_no, JournalRow.job_id == job_id)
    if until is not None:
        asked = asked.where(JournalRow.at < until)
    return session.scalars(asked.order_by(JournalRow.entry_no)).all()


def verify(session: Session, realm_no: int, job_id: int) -> Broken | None:
    """Give the first entry of a job that is not as it was written; None where all are."""
    last: str | None = None
    rows = entries(session, realm_no, job_id)
    for row in rows:
        if row.chain != _chain_of(last, row):
            why = "it was altered, or the entry before it is gone"
            return Broken(job_id=job_id, entry_no=row.entry_no, why=why)
        last = row.chain
    return _against_head(session, realm_no, job_id, rows) or _against_versions(
        session, realm_no, job_id, rows
    )


def _against_head(
    session: Session, realm_no: int, job_id: int, rows: Sequence[JournalRow]
) -> Broken | None:
    """Compare the entries with how many there are, and how the last is chained, by the job."""
    mine = (JobRow.realm_no == realm_no) & (JobRow.job_id == job_id)
    known, head = session.execute(
        select(JobRow.journal_count, JobRow.journal_head).where(mine)
    ).one()
    if known is None or (known, head) == (len(rows), rows[-1].chain if rows else None):
        return None
    why = f"it has {len(rows)} entries of {known}: the last are gone, or others came in"
    return Broken(job_id=job_id, entry_no=None, why=why)


def _against_versions(
    session: Session, realm_no: int, job_id: int, rows: Sequence[JournalRow]
) -> Broken | None:
    """Compare the entries with the versions of the schedule that they tell of."""
    told = {row.job_version: row for row in rows if row.cause not in BESIDE_VERSIONS}
    mine = (ScheduleRow.realm_no == realm_no) & (ScheduleRow.job_id == job_id)
    for version in session.scalars(select(ScheduleRow.version).where(mine).order_by("version")):
        row = told.get(version)
        if row is None:
            why = f"no entry tells of version {version} of the schedule"
            return Broken(job_id=job_id, entry_no=None, why=why)
        if row.after != amounts_of(_milestones(session, realm_no, job_id, version)):
            why = f"version {version} of the schedule says something else"
            return Broken(job_id=job_id, entry_no=row.entry_no, why=why)
    return None


def _milestones(
    session: Session, realm_no: int, job_id: int, version: int
) -> Sequence[MilestoneRow]:
    return session.scalars(
        select(MilestoneRow).where(
            MilestoneRow.realm_no == realm_no,
            MilestoneRow.job_id == job_id,
            MilestoneRow.version == version,
        )
    ).all()


def amounts_of(milestones: Sequence[MilestoneRow]) -> dict[str, list[Any]]:
    """Give what an entry says of a version: milestone -> amount, billed, paid, state."""
    return {
        row.milestone_id: [row.amount_minor, row.billed_minor, row.paid_minor, row.state]
        for row in milestones
    }


def _chain_of(last: str | None, row: JournalRow) -> str:
    if row.chain_form == 1:
        entry: dict[str, Any] = {
            "before": row.before,
            "after": row.after,
            "cause": row.cause,
            "version": row.job_version,
        }
        return hashlib.sha256(f"{last or ''}{dump_json(entry)}".encode()).hexdigest()
    return _chain(
        last,
        {
            "at": row.at,
            "author": row.author,
            "before": row.before,
            "after": row.after,
            "cause": row.cause,
            "job_version": row.job_version,
        },
    )


def _chain(last: str | None, entry: Mapping[str, Any]) -> str:
    return hashlib.sha256(f"{last or ''}{dump_json(entry)}".encode()).hexdigest()


def count(session: Session, realm_no: int, job_id: int) -> int:
    """Count a job's entries."""
    asked = select(func.count()).select_from(JournalRow)
    mine = (JournalRow.realm_no == realm_no) & (JournalRow.job_id == job_id)
    return session.scalars(asked.where(mine)).one()
