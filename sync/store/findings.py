"""Findings: opened when a rule breaks, closed when it holds again."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select, update
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


def agree(session: Session, realm_no: int, job_id: int, found: Sequence[Finding]) -> None:
    """Make the open findings of a job the ones that hold now: open what is new,
    close what is over.
    """
    holding = {(finding.code, finding.subject) for finding in found}
    for row in open_ones(session, realm_no, job_id=job_id):
        if (row.code, row.subject) not in holding:
            session.execute(
                update(FindingRow)
                .where(FindingRow.realm_no == realm_no, FindingRow.finding_id == row.finding_id)
                .values(closed_at=func.business_now())
            )
    for finding in found:
        open_one(session, realm_no, finding, job_id=job_id)


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
