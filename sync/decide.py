"""DECIDE: make what we intend agree with what we know of one job. Running it again changes nothing.

Gather: one consistent read, nothing stays locked. Decide: pure (`mapping`, `milestone_engine`).
Apply: one short transaction that writes only if the job's version is still the one that was read,
the effects inside it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import case, delete, insert, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from mapping.contracts import MappedContract
from mapping.documents import document_of
from mapping.edits import Conflict
from mapping.events import EventWords
from milestone_engine.finding import Finding
from milestone_engine.job import InvoiceState, Job, ProgressInvoice
from milestone_engine.plan import Plan, plan_job
from sync import effects, fail_points, families, work
from sync.bootstrap import App
from sync.gather import JobFacts, gather_facts
from sync.given_up import without_given_up
from sync.mapped_job import job_of
from sync.store import findings, journal, schedules
from sync.store.tables import EventRow, JobDocumentRow, JobRow, ReceiptRow

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was decided of a job, before anything is written."""

    facts: JobFacts
    contract: MappedContract
    events: tuple[EventWords, ...]
    source: str  #: where the schedule comes from
    job: Job | None  #: None: it cannot be mapped, the findings say why
    plan: Plan | None
    findings: tuple[Finding, ...]
    wanted: tuple[effects.Wanted, ...]  #: the Plan's effects as the ledger keeps them


def decide_job(app: App, held: work.Claim) -> None:
    """Carry out a row of work of kind `decide`."""
    assert held.job_id is not None
    with app.database.begin(held.realm_no) as session:
        facts = gather_facts(session, held.realm_no, held.job_id)
    decision = decide(app, facts)
    fail_points.reach("decide.planned")
    with app.database.begin(held.realm_no) as session:
        if not apply(session, decision):
            # Somebody decided meanwhile: read again.
            work.put_back(session, held, delay_s=0.05, costs_a_try=False)
            return
        work.finish(session, held)
        fail_points.reach("decide.applied")


def decide(app: App, facts: JobFacts) -> Decision:
    """Plan one job from its facts. Pure but for the templates, which were read at the start."""
    mapped = job_of(facts, templates=app.templates, legal=app.legal)
    plan = plan_job(mapped.job, today=facts.today, holidays=mapped.holidays) if mapped.job else None
    wanted: tuple[effects.Wanted, ...] = ()
    refused: tuple[Finding, ...] = ()
    if mapped.job is not None and plan is not None:
        wanted, refused = effects.wanted_of(plan, facts, mapped.contract, mapped.job)
    twins, met = effects.twins_of(facts)
    wanted, given_up = without_given_up((*wanted, *twins), facts)
    return Decision(
        facts=facts,
        contract=mapped.contract,
        events=mapped.events,
        source=mapped.source,
        job=mapped.job,
        plan=plan,
        findings=(
            *mapped.findings,
            *with_values(plan.findings if plan else (), mapped.conflicts),
            *refused,
            *met,
            *given_up,
        ),
        wanted=wanted,
    )


def with_values(
    found: Sequence[Finding], by_invoice: Mapping[str, Sequence[Conflict]]
) -> list[Finding]:
    """Give findings with what we wrote and what stands there now, and one for each field of an
    invoice's identity that says another thing.
    """
    money = {
        f"invoice:{invoice_id}": {"ours": one.ours, "theirs": one.theirs}
        for invoice_id, some in by_invoice.items()
        for one in some
        if one.field == "money"
    }
    valued = [
        replace(one, facts={**one.facts, **money[one.subject]})
        if one.code == "invoice_edited" and one.subject in money
        else one
        for one in found
    ]
    return valued + [
        Finding(
            code="invoice_differs",
            subject=f"invoice:{invoice_id}/{one.field}",
            facts={"field": one.field, "ours": one.ours, "theirs": one.theirs},
        )
        for invoice_id, some in by_invoice.items()
        for one in some
        if one.field != "money"
    ]


def apply(session: Session, decision: Decision) -> bool:
    """Write down what was decided.

    Returns:
        False if the job moved on since its facts were read; nothing is written then.
    """
    facts = decision.facts
    moved = session.scalars(
        update(JobRow)
        .where(
            JobRow.realm_no == facts.job.realm_no,
            JobRow.job_id == facts.job.job_id,
            JobRow.version == facts.job.version,
        )
        .values(
            version=JobRow.version + 1,
            state=_state(decision),
            # What came in since stays: only the look that the decision saw is cleared.
            look_at=case(
                (JobRow.look_at.is_not_distinct_from(facts.job.look_at), _look_at(decision)),
                else_=JobRow.look_at,
            ),
        )
        .returning(JobRow.version)
    ).one_or_none()
    if moved is None:
        return False
    _journal_state(session, decision, version=moved)
    findings.agree(
        session,
        facts.job.realm_no,
        facts.job.job_id,
        decision.findings,
        subjects=[f"estimate:{row.qbo_id}" for row in facts.estimates],
    )
    if decision.job is not None and decision.plan is not None:
        _save_events(session, decision)
        _save_documents(session, decision)
        _save_adopted(session, facts)
        _save_receipts(session, facts, decision.job)
        _save_schedule(session, decision, decision.plan, version=moved)
    # A job that cannot be read any more is not billed by the plan that was made when it could.
    effects.agree(session, facts, decision.wanted)
    _tell_kin(session, facts)
    return True


def _tell_kin(session: Session, facts: JobFacts) -> None:
    """Have the jobs looked at that share money with this one, where it begins or ends to be one
    that the money could be meant for.
    """
    realm_no, customer_id = facts.job.realm_no, facts.job.customer_id
    is_open = facts.job.job_id in families.open_jobs_of(session, realm_no, customer_id)
    if is_open != facts.is_open:
        for other in families.sharing(session, realm_no, customer_id) - {facts.job.job_id}:
            work.look_again(session, realm_no, other)


def _state(decision: Decision) -> str:
    if decision.job is None:
        return "unmapped" if decision.facts.version is None else decision.facts.job.state
    return decision.job.state.value


def _look_at(decision: Decision) -> datetime | None:
    day: date | None = decision.plan.look_on if decision.plan else None
    if decision.wanted and decision.facts.realm.mode == "approve":
        # What waits for a yes carries dates: tomorrow it is proposed with tomorrow's.
        day = min(day or date.max, decision.facts.today + timedelta(days=1))
    zone = ZoneInfo(decision.facts.realm.zone)
    return datetime.combine(day, time.min, tzinfo=zone) if day else None


def _save_events(session: Session, decision: Decision) -> None:
    """Keep the calendar: what a person said stays, the rest follows the estimate."""
    assert decision.job is not None
    job = decision.facts.job
    before = journal.calendar(session, job.realm_no, job.job_id)
    for position, words in enumerate(decision.events):
        event = decision.job.events[words.name]
        row = {
            "realm_no": job.realm_no,
            "job_id": job.job_id,
            "name": words.name,
            "label": words.label,
            "position": position,
            "on_date": event.on,
            "state": event.state.value,
            "completed_on": event.completed_on,
            "source": "template" if event.on is None else "estimate",
            "words": list(words.words),
        }
        fresh = {name: row[name] for name in ("label", "position", "on_date", "source", "words")}
        session.execute(
            upsert(EventRow)
            .values(row)
            .on_conflict_do_update(
                index_elements=["realm_no", "job_id", "name"],
                set_=fresh,
                where=EventRow.source != "person",
            )
        )
    after = journal.calendar(session, job.realm_no, job.job_id)
    if after != before:
        journal.add(
            session, job.realm_no, job.job_id, cause=journal.EVENTS, before=before, after=after
        )


def _save_documents(session: Session, decision: Decision) -> None:
    """Note which documents make the contract, and what each was worth when it was first agreed."""
    job = decision.facts.job
    for name, total_minor in decision.contract.totals.items():
        entity, qbo_id = document_of(name)
        is_main = (entity, qbo_id) == ("Estimate", job.estimate_id)
        session.execute(
            upsert(JobDocumentRow)
            .values(
                realm_no=job.realm_no,
                job_id=job.job_id,
                entity=entity,
                qbo_id=qbo_id,
                role="contract" if is_main else "change_order",
                first_total_minor=total_minor,
            )
            .on_conflict_do_nothing()
        )


def _save_adopted(session: Session, facts: JobFacts) -> None:
    """Keep which invoices of people's belong to the job, as the standing yes says."""
    adoption = facts.standing.adoption
    wanted = {one.invoice_id: one for one in adoption.invoices} if adoption else {}
    key = {"realm_no": facts.job.realm_no, "entity": "Invoice"}
    for one in facts.documents:
        if one.is_adopted and one.qbo_id not in wanted:
            gone = session.get(JobDocumentRow, (one.realm_no, one.entity, one.qbo_id))
            if gone is not None:
                session.delete(gone)
    for one_id, invoice in wanted.items():
        place = {"milestone_id": invoice.milestone_id, "ordinal": invoice.ordinal}
        session.execute(
            upsert(JobDocumentRow)
            .values(
                **key,
                **place,
                qbo_id=one_id,
                job_id=facts.job.job_id,
                role="invoice",
                lines={},
                is_adopted=True,
            )
            .on_conflict_do_update(
                index_elements=["realm_no", "entity", "qbo_id"],
                set_=place,
                where=JobDocumentRow.is_adopted.is_(True),
            )
        )


def _save_receipts(session: Session, facts: JobFacts, job: Job) -> None:
    """Write anew what stands on our invoices and what was received on them."""
    mine = (ReceiptRow.realm_no == facts.job.realm_no) & (ReceiptRow.job_id == facts.job.job_id)
    session.execute(delete(ReceiptRow).where(mine))
    rows = [
        {
            "realm_no": facts.job.realm_no,
            "job_id": facts.job.job_id,
            "invoice_id": one.invoice_id,
            "milestone_id": one.milestone_id,
            "doc_number": one.doc_number,
            "state": one.state.value,
            "billed_minor": one.amount_minor,
            "paid_minor": one.paid_minor,
            "tax_minor": one.tax_minor,
            "outside_minor": one.outside_minor,
            "due_on": one.due_on,
            "settled_on": one.settled_on,
        }
        for one in job.invoices
    ]
    if rows:
        session.execute(insert(ReceiptRow), rows)
    for one in job.invoices:
        session.execute(
            update(JobDocumentRow)
            .where(
                JobDocumentRow.realm_no == facts.job.realm_no,
                JobDocumentRow.entity == "Invoice",
                JobDocumentRow.qbo_id == one.invoice_id,
            )
            .values(
                is_live=one.state.value == "live",
                was_settled=JobDocumentRow.was_settled | _is_paid(one),
                is_settled=_is_paid(one),
                reversals=one.reversals,
            )
        )


def _is_paid(one: ProgressInvoice) -> bool:
    return one.state is InvoiceState.LIVE and one.amount_minor > 0 and one.is_settled


def _save_schedule(session: Session, decision: Decision, plan: Plan, *, version: int) -> None:
    """Write a new version and its journal entry, if it says anything new."""
    facts = decision.facts
    assert decision.job is not None
    contract = decision.job.contract
    if schedules.is_same(facts.version, plan, contract):
        return
    cause = _cause(decision, plan)
    schedules.save(
        session,
        realm_no=facts.job.realm_no,
        job_id=facts.job.job_id,
        version=version,
        plan=plan,
        contract=contract,
        tax_rate_percent=decision.contract.tax_rate_percent,
        source=decision.source,
        cause=cause,
        today=facts.today,
    )
    _journal(session, decision, plan, version=version, cause=cause)


def _cause(decision: Decision, plan: Plan) -> str:
    """Say in a word why there is a new version: the first thing that differs, in the order of
    weight.
    """
    before = decision.facts.version
    if before is None:
        return "accepted"
    if before.row.contract_total_minor != plan.contract_total_minor:
        return "change_order"
    old = {row.milestone_id: row for row in before.milestones}
    new = {one.milestone.id: one for one in plan.milestones}
    if any(new[name].paid_minor != old[name].paid_minor for name in new if name in old):
        return "payment"
    if any(new[name].billed_minor != old[name].billed_minor for name in new if name in old):
        return "invoice"
    if any(new[name].due_on != old[name].due_on for name in new if name in old):
        return "event"
    return "date"


def _journal(session: Session, decision: Decision, plan: Plan, *, version: int, cause: str) -> None:
    facts = decision.facts
    journal.add(
        session,
        facts.job.realm_no,
        facts.job.job_id,
        cause=cause,
        before=journal.amounts_of(facts.version.milestones) if facts.version else {},
        after={
            one.milestone.id: [one.amount_minor, one.billed_minor, one.paid_minor, one.state.value]
            for one in plan.milestones
        },
        version=version,
    )


def _journal_state(session: Session, decision: Decision, *, version: int) -> None:
    """Write down that the job stands still, goes on or has ended."""
    job, state = decision.facts.job, _state(decision)
    if job.state != state:
        before, after = {"state": job.state}, {"state": state}
        journal.add(
            session,
            job.realm_no,
            job.job_id,
            cause=journal.STATE,
            before=before,
            after=after,
            version=version,
        )
