"""Which estimates concern a job: those of its key, those that its number claims, and no other job's
own.

Two jobs may stand on one sub-customer or project where a person said that an estimate is a job of
its own (`job separate`): then the number in front of `-CO-1` tells whose a change order is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from mapping.documents import Customer, Estimate, parse_customer, parse_estimate
from mapping.errors import DocumentError
from mapping.jobs import EstimateState, change_order_number, estimate_state, job_key
from mapping.raw import read_number
from sync import work
from sync.job_decisions import SEPARATE, Kept, is_rejoined, set_apart_ever
from sync.pull import open_job
from sync.store import mirror
from sync.store.tables import JobDocumentRow, JobRow, MirrorRow


class NotFurther(Exception):
    """No estimate of this number is a further one of the job."""


def estimates_of(
    session: Session,
    job: JobRow,
    family: Mapping[str, MirrorRow],
    documents: Sequence[JobDocumentRow],
) -> tuple[MirrorRow, ...]:
    """Give the estimates that concern a job, and those that were part of it before.

    Args:
        session: open, on the company.
        job: whose.
        family: its customer and those above, by id.
        documents: what is known to belong to it.
    """
    customers = {qbo_id: parse_customer(mirror.document(row)) for qbo_id, row in family.items()}
    jobs = _jobs(session, job)
    known = {one.qbo_id for one in documents if one.entity == "Estimate"} - jobs.own
    known |= {job.estimate_id}
    of_customer = mirror.of_customers(
        session, job.realm_no, "Estimate", customer_ids=list(family) or [job.customer_id]
    )
    main = mirror.rows(session, job.realm_no, "Estimate", ids=[job.estimate_id])
    key = next((one for row in main.values() if (one := _key(row, customers))), job.key)
    found = [
        row
        for row in of_customer
        if row.qbo_id in known
        or (row.qbo_id not in jobs.own and jobs.is_of(job, row, _key(row, customers), natural=key))
    ]
    missing = known - {row.qbo_id for row in found}
    found += mirror.rows(session, job.realm_no, "Estimate", ids=sorted(missing)).values()
    return tuple(found)


class _Jobs:
    """The other jobs of a company: their own estimates, and the neighbours' numbers."""

    def __init__(self, own: frozenset[str], bases: frozenset[str]) -> None:
        self.own = own
        self._bases = bases

    def is_of(self, job: JobRow, row: MirrorRow, key: str | None, *, natural: str) -> bool:
        """Whether an estimate with this key is the job's; `natural` is the key of its main one."""
        number = change_order_number(str(row.fields.get("DocNumber") or ""))
        base = number.base.casefold() if number else ""
        if base in self._bases:
            return False
        return key == job.key or (key == natural and base == job.base.casefold())


def _jobs(session: Session, job: JobRow) -> _Jobs:
    others = (JobRow.realm_no == job.realm_no) & (JobRow.job_id != job.job_id)
    own = set(session.scalars(select(JobRow.estimate_id).where(others)))
    beside = session.scalars(
        select(JobRow).where(others, JobRow.customer_id == job.customer_id)
    ).all()
    apart = set_apart_ever(session, job.realm_no, [one.estimate_id for one in beside])
    given_back = {
        one.estimate_id
        for one in beside
        if one.estimate_id in apart and _is_given_back(session, one)
    }
    bases = {one.base.casefold() for one in beside if one.estimate_id not in given_back}
    return _Jobs(own=frozenset(own - given_back), bases=frozenset(bases))


def _is_given_back(session: Session, job: JobRow) -> bool:
    """Whether a second job was taken back and holds no live invoice: its estimate is free again."""
    if not is_rejoined(session, job.realm_no, job.estimate_id):
        return False
    documents = select(JobDocumentRow.qbo_id).where(
        JobDocumentRow.realm_no == job.realm_no,
        JobDocumentRow.job_id == job.job_id,
        JobDocumentRow.entity == "Invoice",
    )
    rows = mirror.rows(session, job.realm_no, "Invoice", ids=list(session.scalars(documents)))
    return not any(
        not row.is_deleted and read_number(row.fields, "TotalAmt") for row in rows.values()
    )


def _key(row: MirrorRow, customers: Mapping[str, Customer]) -> str | None:
    try:
        return job_key(parse_estimate(mirror.document(row)), customers)
    except DocumentError:
        return None


def further_estimate(job: JobRow, rows: Sequence[MirrorRow], text: str) -> Estimate:
    """Find a further estimate of a job by its number or id.

    Args:
        job: whose.
        rows: the estimates that concern the job.
        text: as a person wrote it.

    Raises:
        NotFurther: there is none, or several.
    """
    further = [row for row in rows if row.qbo_id != job.estimate_id and not row.is_deleted]
    found = [
        row
        for row in further
        if text.casefold() in (row.qbo_id, str(row.fields.get("DocNumber") or "").casefold())
    ]
    if len(found) != 1:
        known = ", ".join(str(one.fields.get("DocNumber") or one.qbo_id) for one in further)
        raise NotFurther(
            f"no further estimate or credit memo {text} on job {job.base};"
            f" its estimates: {known or 'none'}"
        )
    try:
        return parse_estimate(mirror.document(found[0]))
    except DocumentError as exc:
        raise NotFurther(f"estimate {text} cannot be read: {exc}") from None


def may_be_separate(estimate: Estimate) -> bool:
    """Whether an estimate can be a job of its own: the customer said yes to it."""
    agreed = (EstimateState.ACCEPTED, EstimateState.CONVERTED)
    return estimate.customer is not None and estimate_state(estimate) in agreed


def set_apart(session: Session, job: JobRow, estimate: Estimate) -> Kept:
    """Open a job for a further estimate, or wake the one that it had before.

    Returns:
        The decision that says so, to be put on record.
    """
    known = session.get(JobDocumentRow, (job.realm_no, "Estimate", estimate.id))
    if known is not None and known.job_id == job.job_id:
        session.delete(known)
    mine = (JobRow.realm_no == job.realm_no) & (JobRow.estimate_id == estimate.id)
    job_id = session.scalars(select(JobRow.job_id).where(mine)).one_or_none()
    if job_id is None:
        job_id = open_job(session, job.realm_no, estimate, f"estimate:{estimate.id}")
    work.look_again(session, job.realm_no, job_id)
    return about_estimate(SEPARATE, estimate)


def about_estimate(kind: str, estimate: Estimate) -> Kept:
    """Give a word about a further estimate as the table keeps it."""
    facts = {"number": estimate.doc_number or estimate.id}
    return Kept(kind=kind, subject=f"estimate:{estimate.id}", facts=facts)
