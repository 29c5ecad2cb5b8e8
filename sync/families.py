"""Customers above and below each other, and whose money may be whose.

A payment, credit or refund on a parent may be for the job of any sub-customer. It is a job's own
where no other open job stands on its customer or below.
"""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import CTE, Text, exists, func, literal, select
from sqlalchemy.orm import Session

from mapping.errors import DocumentError
from mapping.raw import read_number
from sync.store import mirror
from sync.store.tables import JobRow, MilestoneRow, MirrorRow

#: Where a document says what of its money is on no other document; a refund is on none at all.
_LOOSE = {"Payment": "UnappliedAmt", "CreditMemo": "RemainingCredit", "RefundReceipt": "TotalAmt"}


def above(session: Session, realm_no: int, customer_id: str) -> dict[str, MirrorRow]:
    """Give a customer and those above it, the nearest first."""
    family: dict[str, MirrorRow] = {}
    current: str | None = customer_id
    while current is not None and current not in family:
        row = mirror.rows(session, realm_no, "Customer", ids=[current]).get(current)
        if row is None:
            break
        family[current] = row
        current = row.customer_id
    return family


def jobs_of(session: Session, realm_no: int, customer_id: str) -> set[int]:
    """Give the jobs of a customer and of all below it."""
    below = _below(realm_no, customer_id)
    jobs = select(JobRow.job_id).where(
        JobRow.realm_no == realm_no, JobRow.customer_id.in_(select(below.c.id))
    )
    return set(session.scalars(jobs))


def open_jobs_of(session: Session, realm_no: int, customer_id: str) -> set[int]:
    """Give those of them that money may still be meant for: they go on and are not paid yet."""
    newest = (
        select(func.max(MilestoneRow.version))
        .where(MilestoneRow.realm_no == JobRow.realm_no, MilestoneRow.job_id == JobRow.job_id)
        .correlate(JobRow)
        .scalar_subquery()
    )
    unpaid = exists().where(
        MilestoneRow.realm_no == JobRow.realm_no,
        MilestoneRow.job_id == JobRow.job_id,
        MilestoneRow.version == newest,
        MilestoneRow.paid_minor < MilestoneRow.amount_minor,
    )
    below = _below(realm_no, customer_id)
    jobs = select(JobRow.job_id).where(
        JobRow.realm_no == realm_no,
        JobRow.customer_id.in_(select(below.c.id)),
        JobRow.state == "active",
        newest.is_(None) | unpaid,
    )
    return set(session.scalars(jobs))


def sharing(session: Session, realm_no: int, customer_id: str) -> set[int]:
    """Give the jobs that loose money of a customer, or of one above it, may be meant for."""
    found: set[int] = set()
    for one in above(session, realm_no, customer_id):
        rows = [
            row
            for entity in _LOOSE
            for row in mirror.of_customers(session, realm_no, entity, customer_ids=[one])
        ]
        if any(is_loose(row) for row in rows):
            found |= jobs_of(session, realm_no, one)
    return found


def is_loose(row: MirrorRow) -> bool:
    """Whether money of a payment, credit or refund is on no other document."""
    try:
        amount = read_number(row.fields, _LOOSE[row.entity])
    except DocumentError:
        return False
    return not row.is_deleted and (amount or Decimal(0)) > 0


def _below(realm_no: int, customer_id: str) -> CTE:
    """Give the ids of a customer and of all below it; a ring of parents ends by itself."""
    found = select(literal(customer_id, Text()).label("id")).cte("below", recursive=True)
    return found.union(
        select(MirrorRow.qbo_id).where(
            MirrorRow.realm_no == realm_no,
            MirrorRow.entity == "Customer",
            MirrorRow.customer_id == found.c.id,
        )
    )
