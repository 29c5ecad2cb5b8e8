"""One job's facts, read in one transaction, and how they become the engine's Job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from mapping.contracts import MappedContract, contract_of
from mapping.documents import (
    Customer,
    parse_customer,
    parse_estimate,
    parse_invoice,
    parse_payment,
)
from mapping.errors import DocumentError
from mapping.events import EventWords, event_dates
from mapping.jobs import JobDocuments, estimate_state, gather, job_key
from mapping.receipts import progress_invoice
from mapping.schedules import ChosenSchedule, Template, choose_schedule, words_left_behind
from milestone_engine.finding import Finding
from milestone_engine.job import Job, JobState, Notice, Policy, ProgressInvoice, Told
from milestone_engine.rebalance import OnInvoiced
from milestone_engine.timeline import APPROVED, Event, EventState, Terms, approved
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
    payments: tuple[MirrorRow, ...]
    events: tuple[EventRow, ...]
    told: tuple[Told, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedJob:
    """A job as the engine wants it, or why it cannot be had."""

    contract: MappedContract
    job: Job | None
    events: tuple[EventWords, ...] = ()
    source: str = ""
    findings: tuple[Finding, ...] = ()


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
    family = _family(session, realm_no, job.customer_id)
    invoice_ids = [one.qbo_id for one in documents if one.role == "invoice"]
    return JobFacts(
        realm=realm,
        job=job,
        today=business_today(session, realm.zone),
        version=schedules.newest(session, realm_no, job_id),
        estimates=_estimates(session, job, family, documents),
        customers=family,
        documents=documents,
        invoices=mirror.rows(session, realm_no, "Invoice", ids=invoice_ids),
        payments=tuple(
            mirror.of_customers(session, realm_no, "Payment", customer_ids=list(family))
        ),
        events=tuple(
            session.scalars(
                select(EventRow)
                .where(EventRow.realm_no == realm_no, EventRow.job_id == job_id)
                .order_by(EventRow.position)
            )
        ),
        told=_told(session, realm_no, job_id),
    )


def job_of(facts: JobFacts, *, templates: Sequence[Template]) -> MappedJob:
    """Map a job's facts to what the engine is given. Pure."""
    try:
        return _map(facts, templates)
    except DocumentError as exc:
        finding = exc.as_finding(f"estimate:{facts.job.estimate_id}")
        nothing = contract_of(JobDocuments(main=None), first_totals={})
        return MappedJob(contract=nothing, job=None, findings=(finding,))


def _map(facts: JobFacts, templates: Sequence[Template]) -> MappedJob:
    estimates = [parse_estimate(mirror.document(row)) for row in facts.estimates]
    documents = gather(estimates, main_id=facts.job.estimate_id)
    contract = contract_of(
        documents,
        first_totals={
            one.qbo_id: one.first_total_minor
            for one in facts.documents
            if one.first_total_minor is not None
        },
        home_currency=facts.realm.currency,
    )
    if not contract.is_sound or documents.main is None:
        return MappedJob(contract=contract, job=None, findings=contract.findings)
    said = choose_schedule(
        documents.main, contract.coding, templates=templates, currency=contract.currency
    )
    stored_schedule = _stored_schedule(facts, contract.currency)
    chosen = stored_schedule or said
    if not isinstance(chosen, ChosenSchedule):
        return MappedJob(contract=contract, job=None, findings=(*contract.findings, *chosen))
    if stored_schedule:
        of_words = words_left_behind(documents.main, said, stored_schedule.schedule)
    else:
        of_words = chosen.findings
    by_hand = _made_by_hand(facts, documents)
    is_active = estimate_state(documents.main).is_agreed and not by_hand
    stored = facts.version.contract() if facts.version else contract.contract
    job = Job(
        base=facts.job.base,
        currency=contract.currency,
        # A frozen job keeps its last known contract: a rejected estimate is never a total of zero.
        contract=contract.contract if is_active else stored,
        schedule=chosen.schedule,
        events=_events(facts, chosen.events, documents),
        invoices=_invoices(facts, contract.currency),
        told=facts.told,
        policy=policy_of(facts.realm),
        state=JobState.ACTIVE if is_active else JobState.FROZEN,
    )
    return MappedJob(
        contract=contract,
        job=job,
        events=chosen.events,
        source=chosen.source,
        findings=(*contract.findings, *of_words, *by_hand),
    )


def _made_by_hand(facts: JobFacts, documents: JobDocuments) -> tuple[Finding, ...]:
    """Find invoices that a person made from an estimate of the job: billing beside them would be
    twice.
    """
    ours = {one.qbo_id for one in facts.documents if one.role == "invoice"}
    estimates = [one for one in (documents.main, *documents.change_orders) if one is not None]
    return tuple(
        Finding(
            code="invoiced_by_hand",
            subject=f"invoice:{link.id}",
            facts={"number": estimate.doc_number},
        )
        for estimate in estimates
        for link in estimate.links
        if link.kind == "Invoice" and link.id not in ours
    )


def policy_of(realm: RealmRow) -> Policy:
    """Read a company's policy; what it does not say is the default."""
    said = realm.policy
    return Policy(
        on_invoiced=OnInvoiced(said.get("on_invoiced", "revise")),
        terms=Terms(
            lead_days=int(said.get("lead_days", 3)), payment_days=int(said.get("payment_days", 0))
        ),
    )


def _stored_schedule(facts: JobFacts, currency: str) -> ChosenSchedule | None:
    """Give the job's own schedule, if it has one: an edited memo does not
    change weights by itself.
    """
    if facts.version is None:
        return None
    return ChosenSchedule(
        schedule=facts.version.schedule(currency),
        events=tuple(
            EventWords(name=row.name, label=row.label, words=tuple(row.words))
            for row in facts.events
        ),
        source=facts.version.row.source,
    )


def _events(
    facts: JobFacts, words: Sequence[EventWords], documents: JobDocuments
) -> dict[str, Event]:
    assert documents.main is not None
    stored = {row.name: row for row in facts.events}
    dates = event_dates((documents.main, *documents.change_orders), words)
    events = {one.name: _event(one, stored.get(one.name), dates.get(one.name)) for one in words}
    main = documents.main
    accepted_on = main.accepted_on or main.dated_on or facts.today
    return events | {APPROVED: approved(accepted_on)}


def _event(words: EventWords, row: EventRow | None, on: date | None) -> Event:
    if row is None or row.source != "person":
        return Event(name=words.name, label=words.label, on=on)
    return Event(
        name=words.name,
        label=words.label,
        on=row.on_date,
        state=EventState(row.state),
        completed_on=row.completed_on,
    )


def _invoices(facts: JobFacts, currency: str) -> tuple[ProgressInvoice, ...]:
    payments = [parse_payment(mirror.document(row)) for row in facts.payments]
    found = []
    for one in facts.documents:
        row = facts.invoices.get(one.qbo_id)
        if one.role != "invoice" or row is None:
            continue
        assert one.milestone_id is not None
        assert one.ordinal is not None
        found.append(
            progress_invoice(
                parse_invoice(mirror.document(row)),
                milestone_id=one.milestone_id,
                ordinal=one.ordinal,
                line_ids=one.lines or {},
                synced=parse_invoice(row.synced) if row.synced else None,
                payments=payments,
                currency=currency,
            )
        )
    return tuple(sorted(found, key=lambda one: (one.milestone_id, one.ordinal)))


def _family(session: Session, realm_no: int, customer_id: str) -> dict[str, MirrorRow]:
    """Give a customer and those above it: a payment may stand on the parent."""
    family: dict[str, MirrorRow] = {}
    current: str | None = customer_id
    while current is not None and current not in family:
        row = mirror.rows(session, realm_no, "Customer", ids=[current]).get(current)
        if row is None:
            break
        family[current] = row
        current = row.customer_id
    return family


def _estimates(
    session: Session,
    job: JobRow,
    family: Mapping[str, MirrorRow],
    documents: Sequence[JobDocumentRow],
) -> tuple[MirrorRow, ...]:
    """Give the estimates of the job's key, and those that were part of it before."""
    customers: dict[str, Customer] = {
        qbo_id: parse_customer(mirror.document(row)) for qbo_id, row in family.items()
    }
    known = {one.qbo_id for one in documents if one.entity == "Estimate"} | {job.estimate_id}
    of_customer = mirror.of_customers(
        session, job.realm_no, "Estimate", customer_ids=list(family) or [job.customer_id]
    )
    others = set(
        session.scalars(
            select(JobRow.estimate_id).where(
                JobRow.realm_no == job.realm_no, JobRow.job_id != job.job_id
            )
        )
    )
    found = [
        row
        for row in of_customer
        if row.qbo_id in known or (row.qbo_id not in others and _has_key(row, job.key, customers))
    ]
    missing = known - {row.qbo_id for row in found}
    found += mirror.rows(session, job.realm_no, "Estimate", ids=sorted(missing)).values()
    return tuple(found)


def _has_key(row: MirrorRow, key: str, customers: Mapping[str, Customer]) -> bool:
    try:
        return job_key(parse_estimate(mirror.document(row)), customers) == key
    except DocumentError:
        return False


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
