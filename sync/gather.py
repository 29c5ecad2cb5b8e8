"""One job's facts, read in one transaction. What they mean is `sync/mapped_job.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from milestone_engine.job import Notice, Told
from sync import families
from sync.further_estimates import estimates_of
from sync.job_decisions import Standing, claimed_by_others, is_rejoined, standing
from sync.store import mirror, realms, schedules
from sync.store.database import business_today
from sync.store.tables import EventRow, JobDocumentRow, JobRow, MirrorRow, RealmRow, WorkRow


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFacts:
    """Everything stored that a job's Plan depends on."""

    realm: RealmRow
    job: JobRow
    today: date
    version: schedules.Version | None
    estimates: tuple[MirrorRow, ...]
    customers: Mapping[str, MirrorRow]
    documents: tuple[JobDocumentRow, ...]
    invoices: Mapping[str, MirrorRow]
    twins: Mapping[str, MirrorRow]  #: invoices that we made though they were made already
    payments: tuple[MirrorRow, ...]
    events: tuple[EventRow, ...]
    told: tuple[Told, ...]
    standing: Standing
    claimed_elsewhere: frozenset[str]  #: payments and credits that a person gave to another job
    beside: tuple[MirrorRow, ...] = ()  #: the customer's invoices that are no job's
    credits: tuple[MirrorRow, ...] = ()  #: credit memos of the customer and those above it
    refunds: tuple[MirrorRow, ...] = ()  #: refund receipts of the same
    #: Customers of the family whose loose money may be another open job's as well.
    shared: frozenset[str] = frozenset()
    is_open: bool = True  #: it goes on and is not all paid
    orders: tuple[MirrorRow, ...] = ()  #: QuickBooks' own change orders of the customer
    is_rejoined: bool = False  #: it was opened as a job of its own, and that was taken back


def gather_facts(session: Session, realm_no: int, job_id: int) -> JobFacts:
    """Read one job's facts."""
    realm = realms.get(session, realm_no)
    job = session.scalars(
        select(JobRow).where(JobRow.realm_no == realm_no, JobRow.job_id == job_id)
    ).one()
    documents = tuple(
        session.scalars(
            select(JobDocumentRow).where(
                JobDocumentRow.realm_no == realm_no, JobDocumentRow.job_id == job_id
            )
        )
    )
    family = families.above(session, realm_no, job.customer_id)
    decided = standing(session, realm_no, job_id)
    invoice_ids = [one.qbo_id for one in documents if one.role == "invoice"]
    twin_ids = [one.qbo_id for one in documents if one.role == "twin"]
    if decided.adoption is not None:
        invoice_ids += [one.invoice_id for one in decided.adoption.invoices]
    payments, credits, refunds = (
        tuple(mirror.of_customers(session, realm_no, entity, customer_ids=list(family)))
        for entity in ("Payment", "CreditMemo", "RefundReceipt")
    )
    loose = {row.customer_id for row in (*payments, *credits, *refunds) if families.is_loose(row)}
    kin = {one: families.open_jobs_of(session, realm_no, one) for one in loose if one in family}
    return JobFacts(
        realm=realm,
        job=job,
        today=business_today(session, realm.zone),
        version=schedules.newest(session, realm_no, job_id),
        estimates=estimates_of(session, job, family, documents),
        customers=family,
        documents=documents,
        invoices=mirror.rows(session, realm_no, "Invoice", ids=invoice_ids),
        twins=mirror.rows(session, realm_no, "Invoice", ids=twin_ids),
        payments=payments,
        events=tuple(
            session.scalars(
                select(EventRow)
                .where(EventRow.realm_no == realm_no, EventRow.job_id == job_id)
                .order_by(EventRow.position)
            )
        ),
        told=_told(session, realm_no, job_id),
        standing=decided,
        claimed_elsewhere=claimed_by_others(session, realm_no, job_id),
        credits=credits,
        refunds=refunds,
        shared=frozenset(one for one, jobs in kin.items() if jobs - {job_id}),
        is_open=job_id in families.open_jobs_of(session, realm_no, job.customer_id),
        beside=_beside(session, realm_no, list(family), known=invoice_ids),
        orders=tuple(
            mirror.of_customers(session, realm_no, "ChangeOrder", customer_ids=list(family))
        ),
        is_rejoined=is_rejoined(session, realm_no, job.estimate_id),
    )


def _beside(
    session: Session, realm_no: int, customer_ids: Sequence[str], *, known: Sequence[str]
) -> tuple[MirrorRow, ...]:
    """Give the customer's invoices that we did not make and nobody gave to a job."""
    rows = mirror.of_customers(session, realm_no, "Invoice", customer_ids=customer_ids)
    of_jobs = set(
        session.scalars(
            select(JobDocumentRow.qbo_id).where(
                JobDocumentRow.realm_no == realm_no,
                JobDocumentRow.entity == "Invoice",
                JobDocumentRow.qbo_id.in_([row.qbo_id for row in rows]),
            )
        )
    )
    return tuple(row for row in rows if row.qbo_id not in of_jobs | set(known))


def _told(session: Session, realm_no: int, job_id: int) -> tuple[Told, ...]:
    """Give what the customer was told, or is being told: a mail that waits was not told yet."""
    rows = session.scalars(
        select(WorkRow)
        .where(
            WorkRow.realm_no == realm_no,
            WorkRow.job_id == job_id,
            WorkRow.kind == "mail",
            (WorkRow.state == "done") | WorkRow.asked_at.is_not(None),
        )
        .order_by(WorkRow.work_id)
    )
    return tuple(
        Told(
            notice=Notice(row.payload["notice"]),
            occasion=row.payload["occasion"],
            amounts=row.payload["new"],
        )
        for row in rows
    )
