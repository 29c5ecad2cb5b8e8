"""Findings: opened when a rule breaks, closed when it holds again."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from milestone_engine.finding import Finding
from sync.store.tables import FindingRow


def open_one(session: Session, realm_no: int, finding: Finding, *, job_id: int | None) -> None:
    """Open a finding, or bring an open one's facts up to date."""
    row = {
        "realm_no": realm_no,
        "job_id": job_id,
        "code": finding.code,
        "subject": finding.subject,
        "facts": dict(finding.facts),
        "opened_at": func.business_now(),
    }
    session.execute(
        upsert(FindingRow)
        .values(row)
        .on_conflict_do_update(
            index_elements=["realm_no", "code", "subject"],
            index_where=FindingRow.closed_at.is_(None),
            set_={"facts": row["facts"], "job_id": job_id},
        )
    )


def agree(
    session: Session,
    realm_no: int,
    job_id: int,
    found: Sequence[Finding],
    *,
    subjects: Collection[str] = (),
) -> None:
    """Make the open findings of a job the ones that hold now: open what is new,
    close what is over.

    Args:
        session: open, on the company.
        realm_no: the company.
        job_id: the job.
        found: what holds now.
        subjects: what the job has taken in: findings about them that no job had are the job's now.
    """
    mine = FindingRow.job_id == job_id
    _close_all_but(session, realm_no, found, mine | _without_job(subjects))
    for finding in found:
        open_one(session, realm_no, finding, job_id=job_id)


def agree_without_job(
    session: Session, realm_no: int, subject: str, found: Sequence[Finding]
) -> None:
    """Make the open findings about something that is no job's the ones that hold now."""
    _close_all_but(session, realm_no, found, _without_job([subject]))
    for finding in found:
        open_one(session, realm_no, finding, job_id=None)


def _without_job(subjects: Collection[str]) -> ColumnElement[bool]:
    return FindingRow.job_id.is_(None) & FindingRow.subject.in_(subjects)


def _close_all_but(
    session: Session, realm_no: int, found: Sequence[Finding], which: ColumnElement[bool]
) -> None:
    holding = {(finding.code, finding.subject) for finding in found}
    is_open = (FindingRow.realm_no == realm_no) & FindingRow.closed_at.is_(None)
    for row in session.scalars(select(FindingRow).where(is_open, which)).all():
        if (row.code, row.subject) not in holding:
            session.execute(
                update(FindingRow)
                .where(FindingRow.realm_no == realm_no, FindingRow.finding_id == row.finding_id)
                .values(closed_at=func.business_now())
            )


def open_ones(
    session: Session, realm_no: int, *, job_id: int | None = None
) -> Sequence[FindingRow]:
    """Give the open findings of a company, or of one job, oldest first."""
    asked = select(FindingRow).where(
        FindingRow.realm_no == realm_no, FindingRow.closed_at.is_(None)
    )
    if job_id is not None:
        asked = asked.where(FindingRow.job_id == job_id)
    return session.scalars(asked.order_by(FindingRow.finding_id)).all()
