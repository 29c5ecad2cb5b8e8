"""A Plan's effects as rows of `work`: added, kept, or cancelled so that they say what the newest
Plan says.

An effect key names target, purpose and generation, not content: at most one unfinished effect per
target. A newer Plan cancels what was not asked yet; what was asked is left to find out what became
of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from mapping.contracts import Coding, MappedContract
from mapping.documents import Estimate, parse_customer, parse_estimate, parse_invoice
from mapping.errors import BodyError
from mapping.invoices import billed_coding, create_body, marker, update_body
from mapping.recipients import recipient_of
from milestone_engine.explain import Derivation
from milestone_engine.finding import Finding
from milestone_engine.job import BilledLine, Job
from milestone_engine.plan import (
    BillMilestone,
    Effect,
    Plan,
    ReviseInvoice,
    TellCustomer,
    VoidSentInvoice,
)
from sync import work
from sync.errors import MailRefused
from sync.gather import JobFacts
from sync.mail.addresses import recipients
from sync.store import mirror
from sync.store.database import dump_json
from sync.store.tables import JobDocumentRow, WorkRow
from sync.words import invoice_memo

#: In which state effects are born, by the company's mode; in `observe` there are none.
BORN = {"auto": "ready", "approve": "proposed"}
#: Kinds of work that leave this machine, each for one job.
EFFECT_KINDS = ("bill", "revise", "void", "mail")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One effect as the ledger keeps it."""

    kind: str
    target: str  #: within the job: `invoice/m1`
    payload: Mapping[str, Any]

    @property
    def fingerprint(self) -> str:
        """Tell two payloads apart."""
        return hashlib.sha256(dump_json(self.payload).encode()).hexdigest()


def wanted_of(
    plan: Plan, facts: JobFacts, contract: MappedContract, job: Job
) -> tuple[tuple[Wanted, ...], tuple[Finding, ...]]:
    """Give a Plan's effects as the ledger keeps them, and a finding for each
    that cannot be built.
    """
    wanted: list[Wanted] = []
    refused: list[Finding] = []
    # Change orders may have brought milestones that the stored schedule does not have yet.
    planned = replace(job, schedule=plan.schedule)
    for effect in plan.effects:
        try:
            wanted.append(as_work(effect, facts, contract, planned))
        except BodyError as exc:
            refused.append(exc.as_finding(f"job:{job.base}/{effect.milestone_id}"))
        except MailRefused as exc:
            # The customer is told once there is an address; the invoices need not wait for it.
            about = {"message": str(exc)}
            found = Finding(code="no_mail_address", subject=f"job:{job.base}", facts=about)
            refused += [found] if found not in refused else []
    return tuple(wanted), tuple(refused)


def twins_of(facts: JobFacts) -> tuple[tuple[Wanted, ...], tuple[Finding, ...]]:
    """Give what is to be done about invoices that we made twice: the later one is taken back,
    unless somebody has paid or changed it since.
    """
    wanted: list[Wanted] = []
    met: list[Finding] = []
    recorded = {
        (one.milestone_id, one.ordinal): one.qbo_id
        for one in facts.documents
        if one.role == "invoice"
    }
    for one in facts.documents:
        row = facts.twins.get(one.qbo_id)
        first = recorded.get((one.milestone_id, one.ordinal))
        if row is None or first is None or row.is_deleted:
            continue
        twin = parse_invoice(row.fields)
        number = twin.doc_number or twin.id
        if twin.is_voided:
            continue
        if row.sync_token == 0 and twin.balance == twin.total:
            body = {"Id": row.qbo_id, "SyncToken": "0"}
            payload = {"body": body, "doc_number": number, "milestone_id": one.milestone_id}
            target = f"invoice/{row.qbo_id}/void"
            wanted.append(Wanted(kind="void", target=target, payload=payload))
        else:
            about = {"number": number, "first": first}
            met.append(Finding(code="invoice_twin", subject=f"invoice:{row.qbo_id}", facts=about))
    return tuple(wanted), tuple(met)


def agree(session: Session, facts: JobFacts, wanted: Sequence[Wanted]) -> None:
    """Make the job's unfinished effects the ones that are wanted, in the caller's transaction."""
    born = BORN.get(facts.realm.mode)
    by_target = {_target(facts, one): one for one in wanted} if born else {}
    unfinished = {row.target: row for row in _unfinished(session, facts)}
    for target, row in unfinished.items():
        one = by_target.get(target or "")
        # One that waits for a yes was asked only in the row that it continues.
        is_asked = row.state == "running" or (row.asked_at is not None and row.state != "proposed")
        if is_asked or (one is not None and one.fingerprint == row.fingerprint):
            by_target.pop(target or "", None)
        else:
            _overtake(session, row)
    plan_hash = hash_of(facts, wanted)
    _rename_proposed(session, facts, plan_hash)
    for target, one in by_target.items():
        assert born is not None
        _add(session, facts, target, one, state=born, plan_hash=plan_hash)


def hash_of(facts: JobFacts, wanted: Sequence[Wanted]) -> str:
    """Name a job's effects: what a person says yes to. "" where there are none."""
    if not wanted:
        return ""
    parts = sorted(f"{_target(facts, one)}:{one.fingerprint}" for one in wanted)
    named = f"{facts.job.realm_no}/{'/'.join(parts)}"
    return hashlib.sha256(named.encode()).hexdigest()[:12]


def _rename_proposed(session: Session, facts: JobFacts, plan_hash: str) -> None:
    """What is still proposed of earlier plans is part of this one: one yes lets all of it go."""
    session.execute(
        update(WorkRow)
        .where(
            WorkRow.realm_no == facts.job.realm_no,
            WorkRow.job_id == facts.job.job_id,
            WorkRow.state == "proposed",
        )
        .values(plan_hash=plan_hash)
    )


def as_work(effect: Effect, facts: JobFacts, contract: MappedContract, job: Job) -> Wanted:
    """Give an effect with everything that carrying it out needs."""
    if isinstance(effect, BillMilestone):
        return _bill(effect, facts, contract, job)
    if isinstance(effect, ReviseInvoice):
        return _revise(effect, facts, contract, job)
    if isinstance(effect, VoidSentInvoice):
        return _void(effect, facts)
    return _mail(effect, facts)


def planned_of(payload: Mapping[str, Any]) -> BillMilestone | ReviseInvoice:
    """Read back what was planned from an effect's payload."""
    stored = dict(payload["planned"])
    shared: dict[str, Any] = {
        **stored,
        "lines": tuple(BilledLine(**line) for line in stored["lines"]),
        "due_on": date.fromisoformat(stored["due_on"]),
        "why": Derivation(code=stored["why"]["code"], facts=()),
    }
    if "issue_on" in stored:
        return BillMilestone(**{**shared, "issue_on": date.fromisoformat(stored["issue_on"])})
    return ReviseInvoice(**shared)


def _bill(effect: BillMilestone, facts: JobFacts, contract: MappedContract, job: Job) -> Wanted:
    estimate = _main_estimate(facts)
    mark = marker(facts.job.job_id, effect.milestone_id, effect.ordinal)
    body = create_body(
        effect,
        estimate=estimate,
        coding=_coding(facts, contract),
        currency=job.currency,
        marker=mark,
        memo=_memo(effect, facts, job),
        number=effect.doc_number if facts.realm.preferences.get("custom_numbers") else None,
    )
    payload = {
        "planned": _stored(effect),
        "body": body,
        "marker": mark,
        "customer_id": estimate.customer.id if estimate.customer else facts.job.customer_id,
        "currency": job.currency,
    }
    return Wanted(kind="bill", target=_invoice_target(effect), payload=payload)


def _revise(effect: ReviseInvoice, facts: JobFacts, contract: MappedContract, job: Job) -> Wanted:
    row = facts.invoices[effect.invoice_id]
    known = next(one.lines or {} for one in facts.documents if one.qbo_id == effect.invoice_id)
    body = update_body(
        effect,
        current=row.fields,
        synced=row.synced or row.fields,
        coding=_coding(facts, contract),
        line_ids=known,
        currency=job.currency,
        memo=_memo(effect, facts, job),
    )
    payload = {
        "planned": _stored(effect),
        "body": body,
        "current": dict(row.fields),
        "synced": dict(row.synced or row.fields),
        "line_ids": known,
        "currency": job.currency,
    }
    return Wanted(kind="revise", target=_invoice_target(effect), payload=payload)


def _void(effect: VoidSentInvoice, facts: JobFacts) -> Wanted:
    row = facts.invoices[effect.invoice_id]
    body = {"Id": row.qbo_id, "SyncToken": str(row.sync_token)}
    payload = {"body": body, "doc_number": effect.doc_number, "milestone_id": effect.milestone_id}
    return Wanted(kind="void", target=f"invoice/{effect.invoice_id}/void", payload=payload)


def _invoice_target(effect: BillMilestone | ReviseInvoice) -> str:
    """Name the invoice: a milestone may have several (`supplement`), each worked on by itself."""
    further = "" if effect.ordinal == 1 else f"-{effect.ordinal}"
    return f"invoice/{effect.milestone_id}{further}"


def _mail(effect: TellCustomer, facts: JobFacts) -> Wanted:
    main = _main_estimate(facts)
    family = [parse_customer(mirror.document(row)) for row in facts.customers.values()]
    to = recipients(recipient_of(main, family).email)
    payload = {
        # A mended address is another mail; the address itself is read when it is sent.
        "to_hash": hashlib.sha256(",".join(to).encode()).hexdigest()[:12],
        "notice": effect.notice.value,
        "occasion": effect.occasion,
        "milestone_id": effect.milestone_id,
        "old": dict(effect.old),
        "new": dict(effect.new),
    }
    target = f"mail/{effect.notice.value}/{effect.milestone_id or 'job'}"
    return Wanted(kind="mail", target=target, payload=payload)


def _main_estimate(facts: JobFacts) -> Estimate:
    return next(
        parse_estimate(mirror.document(row))
        for row in facts.estimates
        if row.qbo_id == facts.job.estimate_id
    )


def _coding(facts: JobFacts, contract: MappedContract) -> dict[str, Coding]:
    """How every contract line is booked; one that has left the contract, as it was billed."""
    coding: dict[str, Coding] = {}
    for one in facts.documents:
        row = facts.invoices.get(one.qbo_id)
        if one.lines and row is not None and not row.is_deleted:
            coding |= billed_coding(parse_invoice(row.synced or row.fields), one.lines)
    return coding | dict(contract.coding)


def _memo(effect: BillMilestone | ReviseInvoice, facts: JobFacts, job: Job) -> str:
    milestone = job.schedule.milestone(effect.milestone_id)
    return invoice_memo(
        base=job.base,
        label=effect.label,
        number=effect.number,
        of_count=effect.of_count,
        basis=milestone.basis,
        trigger=milestone.trigger,
        event=job.events.get(milestone.trigger.event),
        why=effect.why,
        currency=job.currency,
    )


def _stored(effect: BillMilestone | ReviseInvoice) -> dict[str, Any]:
    stored = asdict(effect)
    stored["why"] = {"code": effect.why.code, "facts": effect.why.as_dict()}
    return stored


def _target(facts: JobFacts, one: Wanted) -> str:
    return f"job/{facts.job.job_id}/{one.target}"


def _unfinished(session: Session, facts: JobFacts) -> list[WorkRow]:
    return list(
        session.scalars(
            select(WorkRow)
            .where(
                WorkRow.realm_no == facts.job.realm_no,
                WorkRow.job_id == facts.job.job_id,
                WorkRow.target.is_not(None),
                WorkRow.state.in_(work.UNFINISHED),
            )
            .with_for_update()
        )
    )


def _overtake(session: Session, row: WorkRow) -> None:
    session.execute(
        update(WorkRow)
        .where(WorkRow.realm_no == row.realm_no, WorkRow.work_id == row.work_id)
        .values(state="cancelled", error="overtaken by a newer plan", done_at=func.lease_now())
    )


def _add(
    session: Session, facts: JobFacts, target: str, one: Wanted, *, state: str, plan_hash: str
) -> None:
    earlier = session.scalars(
        select(func.count())
        .select_from(WorkRow)
        .where(WorkRow.realm_no == facts.job.realm_no, WorkRow.target == target)
    ).one()
    asked = _given_up_asked(session, facts, target) if one.kind == "bill" else None
    work.add(
        session,
        realm_no=facts.job.realm_no,
        kind=one.kind,
        lane=work.job_lane(facts.job.job_id),
        job_id=facts.job.job_id,
        target=target,
        effect_key=f"{facts.job.realm_no}/{target}/{one.kind}/{earlier + 1}",
        payload=one.payload,
        fingerprint=one.fingerprint,
        plan_hash=plan_hash,
        state=state,
        continues=asked,
    )


def _given_up_asked(session: Session, facts: JobFacts, target: str) -> WorkRow | None:
    """Give the invoice's earlier row that was asked and then given up: what it may have made is
    looked for before one is made, unless a person has said that nothing came of it.
    """
    row = session.scalars(
        select(WorkRow)
        .where(
            WorkRow.realm_no == facts.job.realm_no,
            WorkRow.target == target,
            WorkRow.kind == "bill",
            WorkRow.state == "cancelled",
            WorkRow.asked_at.is_not(None),
        )
        .order_by(WorkRow.work_id.desc())
        .limit(1)
    ).one_or_none()
    return row if row is not None and work.is_in_doubt(row.asked_at, row.payload) else None


def record_invoice(
    session: Session, realm_no: int, job_id: int, *, answer: Mapping[str, Any],
    synced: Mapping[str, Any],
    milestone_id: str, ordinal: int, lines: Mapping[str, str],
) -> None:  # fmt: skip
    """Note an invoice that QuickBooks confirmed: mirror, document of the job, and a new look."""
    mirror.store(session, realm_no, "Invoice", answer, synced=synced)
    known = session.get(JobDocumentRow, (realm_no, "Invoice", str(answer["Id"])))
    if known is None:
        session.add(
            JobDocumentRow(
                realm_no=realm_no,
                entity="Invoice",
                qbo_id=str(answer["Id"]),
                job_id=job_id,
                role="invoice",
                milestone_id=milestone_id,
                ordinal=ordinal,
                lines=dict(lines),
                is_live=True,
                was_settled=False,
                is_settled=False,
                reversals=0,
                is_adopted=False,
            )
        )
    else:
        known.role, known.is_live = "invoice", True
        known.lines = dict(lines)
    work.look_again(session, realm_no, job_id)
