"""PULL: everything that changed in one company's books, into the mirror, with the new watermark, in
one transaction.

What a change may concern is told to look again; what it means is decided elsewhere.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from mapping.adoption import invoices_of, is_own_invoice
from mapping.documents import (
    Customer,
    Estimate,
    Invoice,
    parse_customer,
    parse_estimate,
    parse_invoice,
)
from mapping.errors import DocumentError
from mapping.invoices import find_marker
from mapping.jobs import (
    EstimateState,
    base_number,
    change_order_number,
    estimate_state,
    job_key,
)
from milestone_engine.finding import Finding
from sync import fail_points, families, feed, native_orders, work
from sync.bootstrap import App
from sync.quickbooks.gateway import NATIVE_ORDER, Changes
from sync.store import findings, mirror, realms
from sync.store.tables import (
    FindingRow,
    InboxRow,
    JobDocumentRow,
    JobRow,
    MirrorRow,
    RealmRow,
    TimerRow,
)

logger = logging.getLogger(__name__)

#: Without a word from any webhook the books are looked at this often; once webhooks are seen to
#: work, the second is enough.
SWEEP_S, CALM_SWEEP_S = 900, 86_400


@dataclass(slots=True)
class Pulled:
    """What one pull brought."""

    seen: int = 0
    changed: list[tuple[str, str]] = field(default_factory=list)
    job_ids: set[int] = field(default_factory=set)


def pull_realm(app: App, held: work.Claim) -> None:
    """Carry out a row of work of kind `pull`."""
    changes = feed.fetch(app, held.realm_no)
    fail_points.reach("pull.fetched")
    with app.database.begin(held.realm_no) as session:
        pulled = apply(session, held.realm_no, changes)
        app.watch.rest_sweep(session, held.realm_no)
        app.watch.agree(session, held.realm_no)
        work.finish(session, held, result={"seen": pulled.seen, "changed": len(pulled.changed)})
        fail_points.reach("pull.applied")
    facts = {"realm_no": held.realm_no, "seen": pulled.seen, "changed": len(pulled.changed)}
    logger.info("realm.pulled", extra=facts)


def apply(session: Session, realm_no: int, changes: Changes) -> Pulled:
    """Store what was fetched and the watermark that covers it; tell the jobs concerned to look
    again.
    """
    pulled = Pulled(seen=len(changes.documents))
    realm = realms.get(session, realm_no)
    told_until = realm.watermark - feed.OVERLAP if realm.watermark else None
    changes = native_orders.with_silence(session, realm, changes, told_until=told_until)
    is_another_company = False
    for entity, raw in changes.documents:
        if entity in ("CompanyInfo", "Preferences"):
            is_another_company |= realms.note_company(session, realm_no, entity, raw)
            continue
        name = (entity, str(raw["Id"]))
        if mirror.store(session, realm_no, entity, raw, is_reread=name in changes.reread):
            pulled.changed.append(name)
    pulled.changed += _take_out(session, realm_no, changes)
    native_orders.note(session, realm_no, changes)
    pulled.job_ids = _route(session, realm_no, pulled.changed)
    if is_another_company:
        # Books were closed or opened, say: every invoice that is out may move, or not any more.
        every = select(JobRow.job_id).where(JobRow.realm_no == realm_no)
        pulled.job_ids |= set(session.scalars(every))
    for job_id in sorted(pulled.job_ids):
        work.look_again(session, realm_no, job_id)
    _set_sweep(session, realm_no, has_changes=bool(pulled.changed))
    session.execute(
        update(RealmRow)
        .where(RealmRow.realm_no == realm_no)
        .values(watermark=changes.as_of, synced_at=func.business_now())
    )
    return pulled


def _set_sweep(session: Session, realm_no: int, *, has_changes: bool) -> None:
    """Set when the books are looked at next without being asked to: a day from now while webhooks
    tell of every change, a quarter of an hour from now once one did not.
    """
    realm = realms.get(session, realm_no)
    is_silent = False
    if has_changes and realm.pulled_at is not None:
        told = select(InboxRow.inbox_id).where(
            InboxRow.realm_no == realm_no, InboxRow.received_at > realm.pulled_at
        )
        is_silent = session.scalars(told.limit(1)).one_or_none() is None
    seen_at = None if is_silent else realm.webhook_seen_at
    every_s = CALM_SWEEP_S if seen_at is not None else SWEEP_S
    session.execute(
        update(RealmRow)
        .where(RealmRow.realm_no == realm_no)
        .values(webhook_seen_at=seen_at, pulled_at=func.lease_now())
    )
    session.execute(
        update(TimerRow)
        .where(TimerRow.realm_no == realm_no, TimerRow.name == "sweep")
        .values(every_s=every_s, next_at=func.business_now() + timedelta(seconds=every_s))
    )


def _take_out(session: Session, realm_no: int, changes: Changes) -> list[tuple[str, str]]:
    """Mark what is gone and left no other trace; give what was not known to be."""
    return [
        (entity, qbo_id)
        for entity, qbo_id in sorted(changes.gone)
        if mirror.mark_missing(session, realm_no, entity, qbo_id)
    ]


def _route(session: Session, realm_no: int, changed: Sequence[tuple[str, str]]) -> set[int]:
    """Say which jobs the changed documents may concern; make the jobs that newly accepted estimates
    open.
    """
    found: set[int] = set()
    for entity, qbo_id in changed:
        row = session.get(MirrorRow, (realm_no, entity, qbo_id))
        assert row is not None
        if entity == "Estimate":
            found |= _of_estimate(session, realm_no, row)
        elif entity == "Customer":
            found |= families.jobs_of(session, realm_no, qbo_id)
        elif entity == NATIVE_ORDER:
            found |= _of_order(session, realm_no, row)
        else:
            found |= _of_document(session, realm_no, row)
        if entity == "Invoice":
            found |= _of_billed_estimates(session, realm_no, row.customer_id or "")
    return found


def _of_billed_estimates(session: Session, realm_no: int, customer_id: str) -> set[int]:
    """Look again at a customer's estimates that open no job because somebody has begun to bill
    them: that invoice may be gone.
    """
    stopped = select(FindingRow.subject).where(
        FindingRow.realm_no == realm_no,
        FindingRow.code == "estimate_billed",
        FindingRow.closed_at.is_(None),
    )
    subjects = set(session.scalars(stopped))
    if not subjects:
        return set()
    rows = mirror.of_customers(session, realm_no, "Estimate", customer_ids=[customer_id])
    found: set[int] = set()
    for row in rows:
        if f"estimate:{row.qbo_id}" in subjects:
            found |= _of_estimate(session, realm_no, row)
    return found


def _of_estimate(session: Session, realm_no: int, row: MirrorRow) -> set[int]:
    known = session.get(JobDocumentRow, (realm_no, "Estimate", row.qbo_id))
    found = {known.job_id} if known else set()
    subject = f"estimate:{row.qbo_id}"
    try:
        estimate = parse_estimate(mirror.document(row))
        key = job_key(estimate, customers_of(session, realm_no, estimate))
    except DocumentError as exc:
        findings.agree_without_job(session, realm_no, subject, [exc.as_finding(subject)])
        return found
    job_id = session.scalars(
        select(JobRow.job_id).where(JobRow.realm_no == realm_no, JobRow.key == key)
    ).one_or_none()
    mine = session.scalars(
        select(JobRow.job_id).where(JobRow.realm_no == realm_no, JobRow.estimate_id == estimate.id)
    ).one_or_none()
    if mine is not None:
        # Moved to another customer or project: it stays the job it is, never a second one.
        found.add(mine)
        _follow_customer(session, realm_no, mine, estimate)
    elif job_id is None and known is None:
        hindrance = _hindrance(estimate) or _billed_before(session, realm_no, estimate, key)
        findings.agree_without_job(session, realm_no, subject, [hindrance] if hindrance else [])
        if hindrance is None and estimate_state(estimate).is_agreed:
            job_id = open_job(session, realm_no, estimate, key)
            # Money that could be one job's alone may now be this one's as well.
            assert estimate.customer is not None
            found |= families.sharing(session, realm_no, estimate.customer.id)
    if not key.startswith("estimate:") and estimate.customer is not None:
        # A second job may stand on its sub-customer or project, and this be its change order.
        found |= families.jobs_of(session, realm_no, estimate.customer.id)
    return found | ({job_id} if job_id is not None else set())


def _follow_customer(session: Session, realm_no: int, job_id: int, estimate: Estimate) -> None:
    """Note whom a job is for now: its payments and credits are looked for there."""
    if estimate.customer is not None:
        mine = (JobRow.realm_no == realm_no) & (JobRow.job_id == job_id)
        session.execute(update(JobRow).where(mine).values(customer_id=estimate.customer.id))


def _hindrance(estimate: Estimate) -> Finding | None:
    """Give why an agreed estimate opens no job: that needs a person."""
    state = estimate_state(estimate)
    if not state.is_agreed:
        return None
    subject, facts = f"estimate:{estimate.id}", {"number": estimate.doc_number}
    if change_order_number(estimate.doc_number):
        return Finding(code="change_order_without_job", subject=subject, facts=facts)
    if not estimate.customer:
        return Finding(code="estimate_without_customer", subject=subject, facts=facts)
    if state is EstimateState.CONVERTED:  # it was billed before us
        return Finding(code="estimate_converted", subject=subject, facts=facts)
    return None


def _billed_before(session: Session, realm_no: int, estimate: Estimate, key: str) -> Finding | None:
    """Give why an agreed estimate is not billed from the start: somebody has begun to."""
    if not estimate_state(estimate).is_agreed:
        return None
    known = customer_invoices(session, realm_no, estimate.customer.id if estimate.customer else "")
    found = invoices_of(
        [estimate],
        known,
        ours=of_jobs(session, realm_no, [one.id for one in known]),
        is_own=lambda invoice: is_own_invoice(invoice, key),
    )
    if not found.claimed:
        return None
    numbers = ", ".join(invoice.doc_number or invoice.id for invoice, _ in found.claimed)
    return Finding(
        code="estimate_billed",
        subject=f"estimate:{estimate.id}",
        facts={"number": estimate.doc_number, "invoices": numbers},
    )


def customer_invoices(session: Session, realm_no: int, *customer_ids: str) -> list[Invoice]:
    """Give the invoices of customers that can be read."""
    found = []
    for row in mirror.of_customers(session, realm_no, "Invoice", customer_ids=customer_ids):
        # One that cannot be read says nothing about whose it is.
        with suppress(DocumentError):
            found.append(parse_invoice(mirror.document(row)))
    return found


def of_jobs(session: Session, realm_no: int, invoice_ids: Sequence[str]) -> frozenset[str]:
    """Give those of some invoices that belong to a job already."""
    known = select(JobDocumentRow.qbo_id).where(
        JobDocumentRow.realm_no == realm_no,
        JobDocumentRow.entity == "Invoice",
        JobDocumentRow.qbo_id.in_(invoice_ids),
    )
    return frozenset(session.scalars(known))


def open_job(session: Session, realm_no: int, estimate: Estimate, key: str) -> int:
    """Open a job for an accepted estimate."""
    assert estimate.customer is not None
    taken = session.scalars(select(JobRow.base).where(JobRow.realm_no == realm_no)).all()
    job = JobRow(
        realm_no=realm_no,
        key=key,
        base=base_number(estimate, taken=taken),
        estimate_id=estimate.id,
        customer_id=estimate.customer.id,
        currency=estimate.currency or realms.get(session, realm_no).currency,
        state="active",
        version=0,
    )
    job.created_at = session.scalars(select(func.lease_now())).one()
    session.add(job)
    session.flush()
    logger.info("job.opened", extra={"realm_no": realm_no, "job_id": job.job_id})
    return job.job_id


def customers_of(session: Session, realm_no: int, estimate: Estimate) -> Mapping[str, Customer]:
    """Give the customer of an estimate, by id."""
    ids = [estimate.customer.id] if estimate.customer else []
    found = mirror.rows(session, realm_no, "Customer", ids=ids)
    return {qbo_id: parse_customer(mirror.document(row)) for qbo_id, row in found.items()}


def _of_document(session: Session, realm_no: int, row: MirrorRow) -> set[int]:
    """An invoice, payment, credit or refund concerns the jobs of its customer and of all below, and
    those of the invoices that it is or names.
    """
    invoice_ids = {row.qbo_id} if row.entity == "Invoice" else set(_linked_invoices(row.fields))
    named = session.scalars(
        select(JobDocumentRow.job_id).where(
            JobDocumentRow.realm_no == realm_no,
            JobDocumentRow.entity == "Invoice",
            JobDocumentRow.qbo_id.in_(invoice_ids),
        )
    )
    found = set(named) | families.jobs_of(session, realm_no, row.customer_id or "")
    marker = find_marker(str(row.fields.get("PrivateNote") or ""))
    if row.entity == "Invoice" and marker is not None:
        found |= set(
            session.scalars(
                select(JobRow.job_id).where(
                    JobRow.realm_no == realm_no, JobRow.job_id == marker.job_id
                )
            )
        )
    return found


def _of_order(session: Session, realm_no: int, row: MirrorRow) -> set[int]:
    """A change order concerns the jobs of its customer, and those of the estimate that it names."""
    links = row.fields.get("LinkedTxn") or []
    ids = [str(one.get("TxnId")) for one in links if one.get("TxnType") == "Estimate"]
    mine = select(JobRow.job_id).where(JobRow.realm_no == realm_no, JobRow.estimate_id.in_(ids))
    known = select(JobDocumentRow.job_id).where(
        JobDocumentRow.realm_no == realm_no,
        JobDocumentRow.entity == "Estimate",
        JobDocumentRow.qbo_id.in_(ids),
    )
    named = {*session.scalars(mine), *session.scalars(known)}
    return named | families.jobs_of(session, realm_no, row.customer_id or "")


def _linked_invoices(fields: Mapping[str, Any]) -> Iterable[str]:
    for line in fields.get("Line") or []:
        for link in line.get("LinkedTxn") or []:
            if link.get("TxnType") == "Invoice":
                yield str(link.get("TxnId"))


def order_pull(session: Session, realm_no: int, *, delay_s: float = 0) -> int | None:
    """Write down that a company is to be pulled; any number of calls make one pull.

    Returns:
        Its work id, or None where one waits already.
    """
    return work.add(
        session, realm_no=realm_no, kind="pull", lane="pull", coalesce_key="pull", delay_s=delay_s
    )
