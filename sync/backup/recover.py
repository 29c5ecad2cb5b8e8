"""After a restore: what was done since the backup is read back from QuickBooks before anything is
done again.

Everything is read anew. Jobs opened since are known by the mark on their invoices and opened under
their old numbers; invoices made since are found by it and taken for ours. What was under way when
the backup was taken counts as asked then, so it reads back first. A mail that may have gone out is
parked for a person. What people decided or reported since is gone: nobody but they can say it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from mapping.adoption import contract_lines
from mapping.contracts import Coding
from mapping.documents import Customer, Estimate, parse_customer, parse_estimate, parse_invoice
from mapping.edits import human_edits, synced_after
from mapping.errors import DocumentError
from mapping.jobs import base_number, change_order_number, job_key
from mapping.numbers import Marker, find_marker
from mapping.recovery import (
    lines_added_by_us,
    synced_as_planned,
    synced_as_sent,
    with_our_memo,
)
from milestone_engine.plan import ReviseInvoice
from sync import decide, feed, pull
from sync.bootstrap import App
from sync.errors import RealmDisconnected
from sync.gather import JobFacts, gather_facts
from sync.mapped_job import job_of
from sync.quickbooks.gateway import Changes
from sync.store import journal, mirror
from sync.store.database import Database
from sync.store.tables import JobDocumentRow, JobRow, MirrorRow, RealmRow, WorkRow

logger = logging.getLogger(__name__)

Raw = Mapping[str, Any]

#: A job is decided again as long as that causes mails, which is at most this often: the schedule,
#: then what is due, then what changed.
ROUNDS_MAX = 5
_ASKING = ("bill", "revise", "void")
_IN_HAND = ("ready", "sent", "running")
UNCERTAIN = "it may have been sent between the backup and the restore"


@dataclass(slots=True)
class Recovered:
    """What was read back of one company."""

    realm_no: int
    is_disconnected: bool = False  #: it must be connected again, then recovered again
    jobs: int = 0  #: opened again under their old numbers
    invoices: int = 0  #: found by their mark
    own_changes: int = 0  #: revisions of ours that are confirmed by what stands there
    edits: int = 0  #: invoices that people changed since: they stay as they are
    asked: int = 0  #: effects that read back before they do anything
    mails: int = 0  #: parked: they may have gone out


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the backup knew of an invoice."""

    synced: Mapping[str, Any]
    lines: Mapping[str, Any]  #: QuickBooks' line id -> contract line id


def recover(
    app: App, owner: Database, realm_numbers: Sequence[int], *, taken_at: datetime
) -> list[Recovered]:
    """Read back what was done since a backup, company by company.

    Args:
        app: the installation, on the restored database; no worker runs.
        owner: of the role that owns the tables.
        realm_numbers: all companies.
        taken_at: when the backup was taken.
    """
    return [_recover_one(app, owner, one, taken_at=taken_at) for one in realm_numbers]


def _recover_one(app: App, owner: Database, realm_no: int, *, taken_at: datetime) -> Recovered:
    done = Recovered(realm_no=realm_no)
    with app.database.begin(realm_no) as session:
        lease_over = update(RealmRow).where(RealmRow.realm_no == realm_no)
        session.execute(lease_over.values(refresh_lease_until=None))
    try:
        changes = feed.everything(app, realm_no)
    except RealmDisconnected:
        # The grant of then may have been replaced since. The company stays shut until it is back.
        done.is_disconnected = True
        logger.error("realm.recovery_waits", extra={"realm_no": realm_no})
        return done
    marked = _marked(changes)
    _number_beyond(owner, [mark.job_id for mark, _ in marked])
    with app.database.begin(realm_no) as session:
        _take_back(session, realm_no, taken_at, done)
        done.jobs = _reopen(session, realm_no, changes, marked)
        pull.apply(session, realm_no, changes)
        for job_id in session.scalars(select(JobRow.job_id).where(JobRow.realm_no == realm_no)):
            _recover_job(session, app, realm_no, job_id, taken_at, done)
        _ask_again(session, realm_no, taken_at, done)
        session.execute(
            update(RealmRow).where(RealmRow.realm_no == realm_no).values(blocked_until=None)
        )
    facts = {"realm_no": realm_no, "invoices": done.invoices, "mails": done.mails}
    logger.info("realm.recovered", extra=facts)
    return done


def _marked(changes: Changes) -> list[tuple[Marker, Raw]]:
    """Give the invoices that carry a mark of ours."""
    found = []
    for entity, raw in changes.documents:
        mark = find_marker(str(raw.get("PrivateNote") or "")) if entity == "Invoice" else None
        if mark is not None:
            found.append((mark, raw))
    return found


def _number_beyond(owner: Database, job_ids: Sequence[int]) -> None:
    """Let new jobs be numbered beyond every number that stands in a mark: one job, one number."""
    with owner.begin() as session:
        session.execute(
            text(
                "SELECT setval('job_job_id_seq', greatest(:highest,"
                " (SELECT last_value FROM job_job_id_seq)))"
            ),
            {"highest": max(job_ids, default=1)},
        )


def _take_back(session: Session, realm_no: int, taken_at: datetime, done: Recovered) -> None:
    """Bring back what was in hands when the backup was taken; park the mails among it."""
    mine = (WorkRow.realm_no == realm_no) & WorkRow.state.in_(_IN_HAND)
    session.execute(
        update(WorkRow)
        .where(mine, WorkRow.kind.in_(("decide", "pull")))
        .values(state="cancelled", error="restored from a backup", done_at=func.lease_now())
    )
    done.mails += _park_mails(session, realm_no, taken_at)
    session.execute(
        update(WorkRow)
        .where(mine, WorkRow.state != "ready")
        .values(
            state="ready",
            retry_at=func.lease_now(),
            lease_until=None,
            process_id=None,
        )
    )


def _park_mails(session: Session, realm_no: int, taken_at: datetime) -> int:
    parked = session.scalars(
        update(WorkRow)
        .where(
            WorkRow.realm_no == realm_no,
            WorkRow.kind == "mail",
            WorkRow.state.in_((*_IN_HAND, "proposed")),
        )
        .values(
            state="parked",
            asked_at=func.coalesce(WorkRow.asked_at, taken_at),
            error_class="MailUncertain",
            error=UNCERTAIN,
            remedy="Ask the customer or read the mail server's log; then send or drop it.",
            lease_until=None,
        )
        .returning(WorkRow.work_id)
    )
    return len(parked.all())


def _ask_again(session: Session, realm_no: int, taken_at: datetime, done: Recovered) -> None:
    """Let every effect read back before it does anything."""
    asked = session.scalars(
        update(WorkRow)
        .where(
            WorkRow.realm_no == realm_no,
            WorkRow.kind.in_(_ASKING),
            WorkRow.state == "ready",
        )
        .values(asked_at=func.coalesce(WorkRow.asked_at, taken_at), retry_at=func.lease_now())
        .returning(WorkRow.work_id)
    )
    done.asked = len(asked.all())


def _reopen(
    session: Session, realm_no: int, changes: Changes, marked: Sequence[tuple[Marker, Raw]]
) -> int:
    """Open the jobs that were opened since the backup, under the numbers in their marks."""
    known = set(session.scalars(select(JobRow.job_id).where(JobRow.realm_no == realm_no)))
    lost = [(mark.job_id, raw) for mark, raw in marked if mark.job_id not in known]
    estimates, customers = _parsed(changes)
    opened = 0
    for estimate in estimates:
        found = {job_id for job_id, raw in lost if _is_of(raw, estimate)}
        if len(found) == 1 and not _has_job(session, realm_no, estimate):
            (job_id,) = found
            key = job_key(estimate, customers)
            if _is_taken(session, realm_no, key):
                # A person had set it apart: two jobs on one sub-customer or project.
                key = f"estimate:{estimate.id}"
            _insert_job(session, realm_no, job_id, estimate, key)
            opened += 1
    return opened


def _parsed(changes: Changes) -> tuple[list[Estimate], dict[str, Customer]]:
    estimates: list[Estimate] = []
    customers: dict[str, Customer] = {}
    for entity, raw in changes.documents:
        try:
            if entity == "Estimate":
                estimates.append(parse_estimate(raw))
            elif entity == "Customer":
                one = parse_customer(raw)
                customers[one.id] = one
        except DocumentError:
            continue
    return estimates, customers


def _is_of(raw: Raw, estimate: Estimate) -> bool:
    """Whether an invoice of ours was made from an estimate: same customer, its number in front."""
    if estimate.customer is None or change_order_number(estimate.doc_number):
        return False
    customer = raw.get("CustomerRef") or {}
    number = str(raw.get("DocNumber") or "")
    bases = {base_number(estimate, taken=()), f"E{estimate.id}"}
    is_numbered = any(number.casefold().startswith(f"{base}-M".casefold()) for base in bases)
    return str(customer.get("value")) == estimate.customer.id and is_numbered


def _has_job(session: Session, realm_no: int, estimate: Estimate) -> bool:
    mine = (JobRow.realm_no == realm_no) & (JobRow.estimate_id == estimate.id)
    return session.scalars(select(JobRow.job_id).where(mine)).one_or_none() is not None


def _is_taken(session: Session, realm_no: int, key: str) -> bool:
    known = (JobRow.realm_no == realm_no) & (JobRow.key == key)
    return session.scalars(select(JobRow.job_id).where(known)).one_or_none() is not None


def _insert_job(session: Session, realm_no: int, job_id: int, estimate: Estimate, key: str) -> None:
    assert estimate.customer is not None
    taken = session.scalars(select(JobRow.base).where(JobRow.realm_no == realm_no)).all()
    session.execute(
        text(
            "INSERT INTO job (realm_no, job_id, key, base, estimate_id, customer_id, currency)"
            " OVERRIDING SYSTEM VALUE"
            " SELECT realm_no, :job_id, :key, :base, :estimate_id, :customer_id,"
            " coalesce(nullif(:currency, ''), currency) FROM realm WHERE realm_no = :realm_no"
        ),
        {
            "realm_no": realm_no,
            "job_id": job_id,
            "key": key,
            "base": base_number(estimate, taken=taken),
            "estimate_id": estimate.id,
            "customer_id": estimate.customer.id,
            "currency": estimate.currency,
        },
    )


def _recover_job(
    session: Session, app: App, realm_no: int, job_id: int, taken_at: datetime, done: Recovered
) -> None:
    """Take what stands in the books for ours or for people's, and decide without mailing."""
    said = {"backup_taken_at": taken_at}
    journal.add(session, realm_no, job_id, cause=journal.RECOVERED, after=said)
    facts = gather_facts(session, realm_no, job_id)
    coding = job_of(facts, templates=app.templates, legal=app.legal).contract.coding
    trusted = _found_by_mark(session, facts, coding, done)
    trusted |= _changed_since(session, facts, coding)
    session.flush()
    _tell_apart(session, app, realm_no, job_id, trusted, done)
    for _ in range(ROUNDS_MAX):
        decided = decide.decide(app, gather_facts(session, realm_no, job_id))
        decide.apply(session, decided)
        parked = _park_mails(session, realm_no, taken_at)
        done.mails += parked
        session.expire_all()
        if not parked:
            return


def _found_by_mark(
    session: Session, facts: JobFacts, coding: Mapping[str, Coding], done: Recovered
) -> dict[str, Known | None]:
    """Note the invoices of the job that its documents do not know; by id, nothing known of them."""
    known = {(one.milestone_id, one.ordinal) for one in facts.documents if one.role == "invoice"}
    found: dict[str, Known | None] = {}
    for row in facts.beside:
        invoice = parse_invoice(mirror.document(row))
        mark = find_marker(invoice.private_note)
        if mark is None or mark.job_id != facts.job.job_id or invoice.is_deleted:
            continue
        if (mark.milestone_id, mark.ordinal) in known:
            continue  # a copy: a finding says so
        known.add((mark.milestone_id, mark.ordinal))
        lines = contract_lines(invoice, coding, currency=facts.job.currency)
        session.add(
            JobDocumentRow(
                realm_no=facts.job.realm_no,
                entity="Invoice",
                qbo_id=row.qbo_id,
                job_id=facts.job.job_id,
                role="invoice",
                milestone_id=mark.milestone_id,
                ordinal=mark.ordinal,
                lines={id: name for id, name in lines.items() if name},
                is_live=not invoice.is_voided,
                was_settled=False,
                is_settled=False,
                reversals=0,
                is_adopted=False,
            )
        )
        stored = session.get_one(MirrorRow, (row.realm_no, row.entity, row.qbo_id))
        stored.synced = synced_as_sent(row.fields, lines, coding)
        done.invoices += 1
        found[row.qbo_id] = None
    return found


def _changed_since(
    session: Session, facts: JobFacts, coding: Mapping[str, Coding]
) -> dict[str, Known | None]:
    """Take the money of known invoices that were saved since for ours; by id, what was known."""
    found: dict[str, Known | None] = {}
    for one in facts.documents:
        row = facts.invoices.get(one.qbo_id)
        if one.role != "invoice" or one.is_adopted or row is None or not row.synced:
            continue
        if row.is_deleted or parse_invoice(row.fields).is_voided:
            continue
        before = Known(synced=row.synced, lines=one.lines or {})
        lines = {**before.lines, **lines_added_by_us(row.fields, before.lines, coding)}
        edits = human_edits(row.fields, row.synced, line_ids=before.lines)
        if not edits.money and lines == before.lines:
            continue
        found[row.qbo_id] = before
        stored = session.get_one(MirrorRow, (row.realm_no, row.entity, row.qbo_id))
        stored.synced = with_our_memo(
            synced_after(
                row.fields,
                current=row.fields,
                synced=row.synced,
                known=before.lines,
                written=lines,
            ),
            current=row.fields,
        )
        session.get_one(JobDocumentRow, (row.realm_no, row.entity, row.qbo_id)).lines = lines
    return found


def _tell_apart(
    session: Session,
    app: App,
    realm_no: int,
    job_id: int,
    trusted: Mapping[str, Known | None],
    done: Recovered,
) -> None:
    """What stands there just as we would ask it was ours; anything else a person's, and stays."""
    session.expire_all()
    decided = decide.decide(app, gather_facts(session, realm_no, job_id))
    wanted = {
        one.invoice_id: one
        for one in (decided.plan.effects if decided.plan else ())
        if isinstance(one, ReviseInvoice)
    }
    for invoice_id, before in trusted.items():
        ask = wanted.get(invoice_id)
        stored = session.get_one(MirrorRow, (realm_no, "Invoice", invoice_id))
        if ask is None or not _is_other_money(decided, ask):
            done.own_changes += before is not None
            continue
        known = session.get_one(JobDocumentRow, (realm_no, "Invoice", invoice_id))
        if before is not None:
            stored.synced, known.lines = dict(before.synced), dict(before.lines)
        else:
            stored.synced = synced_as_planned(
                stored.synced or stored.fields,
                {line.line_id: line.amount_minor for line in ask.lines},
                known.lines or {},
                currency=decided.facts.job.currency,
            )
        done.edits += 1
    session.flush()
    session.expire_all()


def _is_other_money(decided: decide.Decision, ask: ReviseInvoice) -> bool:
    assert decided.job is not None
    standing = next(one for one in decided.job.invoices if one.invoice_id == ask.invoice_id)
    return standing.amount_minor != ask.amount_minor
