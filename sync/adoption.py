"""Taking over a job that was billed before we came: what it would be, and a person's yes to it.

Both run the loop's own pull and decide; the look ahead does so on a transaction that is rolled
back, so that what is shown is what the yes brings. Invoices that people made are never changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from mapping.adoption import (
    Candidates,
    Claim,
    adopted_invoice,
    invoices_of,
    is_own_invoice,
)
from mapping.documents import (
    CreditMemo,
    Estimate,
    Invoice,
    parse_credit_memo,
    parse_estimate,
    parse_invoice,
)
from mapping.errors import DocumentError
from mapping.jobs import EstimateState, estimate_state, gather, job_key
from mapping.lines import minor_of
from milestone_engine.adoption import BEFORE, BilledBefore, Rebuilt, rebuild
from milestone_engine.finding import Finding
from milestone_engine.job import ProgressInvoice
from milestone_engine.plan import plan_job
from milestone_engine.schedule import Schedule
from sync import decide, feed, pull
from sync.bootstrap import App
from sync.gather import JobFacts, gather_facts
from sync.job_decisions import Kept, record
from sync.mapped_job import MappedJob, job_of
from sync.quickbooks.gateway import Changes
from sync.store import mirror
from sync.store.adoptions import ADOPT, AdoptedInvoice, adoption_json
from sync.store.tables import JobRow, MirrorRow

#: States of an estimate that can be taken over.
ADOPTABLE = (EstimateState.ACCEPTED, EstimateState.CONVERTED, EstimateState.CLOSED)


class NotAdoptable(Exception):
    """This estimate cannot be taken over. `code` is a word for programs."""

    def __init__(self, message: str, *, code: str) -> None:
        """Keep what is wrong, and a word for programs."""
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """One invoice that a person made, and where it would have its place."""

    invoice: ProgressInvoice
    claim: Claim
    is_matched: bool  #: it asks for just what that milestone is worth


@dataclass(frozen=True, slots=True, kw_only=True)
class Unplaced:
    """A document of the customer that is told and left alone."""

    id: str
    number: str
    amount_minor: int  #: of an invoice its total with tax; of a credit memo what is not applied


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What taking an estimate over means, all at once."""

    realm_no: int
    base: str
    number: str
    estimate_id: str
    status: str
    currency: str
    placed: tuple[Placed, ...]
    others: tuple[Unplaced, ...]  #: invoices of the customer that nobody can attribute
    credits: tuple[Unplaced, ...]  #: credit memos that are not applied in full
    covered: tuple[tuple[str, int], ...]  #: label and worth of milestones that are past
    expected: Mapping[str, int]  #: what the schedule would have said of each milestone
    decision: decide.Decision  #: what the loop decides after the yes
    decision_no: int

    @property
    def billed_minor(self) -> int:
        """Contract money on the invoices that people made."""
        return sum(one.invoice.amount_minor for one in self.placed)

    @property
    def paid_minor(self) -> int:
        """Contract money received on them."""
        return sum(one.invoice.paid_minor for one in self.placed)

    @property
    def said_minor(self) -> int:
        """What the schedule would have asked for the milestones that are billed by now."""
        of_covered = sum(amount for _, amount in self.covered)
        matched = {one.invoice.milestone_id for one in self.placed if one.is_matched}
        return of_covered + sum(self.expected[name] for name in matched)


class _RollBack(Exception):
    """Ends a transaction without a trace."""


def look_ahead(app: App, realm_no: int, number: str) -> Proposal:
    """Say what taking an estimate over would mean; write nothing.

    Args:
        app: the installation.
        realm_no: the company.
        number: the estimate's number or id.

    Raises:
        NotAdoptable: there is no such estimate, or it cannot be taken over.
    """
    changes = feed.fetch(app, realm_no)
    return _rolled_back(app, realm_no, changes, [number])[0]


def look_ahead_all(app: App, realm_no: int) -> list[Proposal]:
    """Say the same of every estimate that somebody has begun to bill and that is no job."""
    changes = feed.fetch(app, realm_no)
    with app.database.begin(realm_no) as session:
        try:
            pull.apply(session, realm_no, changes)
            numbers = _begun(session, realm_no)
            raise _RollBack
        except _RollBack:
            session.rollback()
    return _rolled_back(app, realm_no, changes, numbers)


def adopt(app: App, realm_no: int, number: str, *, author: str) -> Proposal:
    """Write down a person's yes to taking an estimate over, and what follows from it.

    Raises:
        NotAdoptable: as in `look_ahead()`.
    """
    changes = feed.fetch(app, realm_no)
    with app.database.begin(realm_no) as session:
        pull.apply(session, realm_no, changes)
        return _adopt(session, app, realm_no, number, author=author)


def _rolled_back(
    app: App, realm_no: int, changes: Changes, numbers: Sequence[str]
) -> list[Proposal]:
    found: list[Proposal] = []
    for number in numbers:
        try:
            with app.database.begin(realm_no) as session:
                pull.apply(session, realm_no, changes)
                found.append(_adopt(session, app, realm_no, number, author="nobody"))
                session.expunge_all()
                raise _RollBack
        except _RollBack:
            continue
    return found


def _begun(session: Session, realm_no: int) -> list[str]:
    """Give the ids of estimates without a job on which somebody has begun to bill."""
    jobs = set(session.scalars(select(JobRow.estimate_id).where(JobRow.realm_no == realm_no)))
    rows = session.scalars(
        select(MirrorRow)
        .where(MirrorRow.realm_no == realm_no, MirrorRow.entity == "Estimate")
        .order_by(MirrorRow.qbo_id)
    ).all()
    found = []
    for row in rows:
        try:
            estimate = parse_estimate(mirror.document(row))
        except DocumentError:
            continue
        if estimate.id in jobs or estimate_state(estimate) not in ADOPTABLE:
            continue
        if _candidates(session, realm_no, [estimate], _key(session, realm_no, estimate)).claimed:
            found.append(estimate.id)
    return found


def _adopt(session: Session, app: App, realm_no: int, number: str, *, author: str) -> Proposal:
    estimate = _estimate(session, realm_no, number)
    job_id = _job(session, realm_no, estimate)
    facts = gather_facts(session, realm_no, job_id)
    mapped = job_of(facts, templates=app.templates, legal=app.legal)
    if mapped.job is None:
        raise NotAdoptable(_why_unmapped(mapped.findings), code="unmapped")
    found = _job_candidates(session, facts, mapped)
    billed = [_as_billed(invoice, mapped) for invoice, _ in found.claimed]
    rebuilt = _rebuilt(facts, mapped, billed)
    placed = _placed(facts, mapped, found, rebuilt)
    number_of = record(
        session, realm_no, job_id, _kept(facts, mapped, estimate, rebuilt, placed), author=author
    )
    session.flush()
    decided = decide.decide(app, gather_facts(session, realm_no, job_id))
    decide.apply(session, decided)
    kept = {one.id for one in rebuilt.covered}
    labels = {one.id: one.label for one in _base(facts, mapped).milestones}
    return Proposal(
        realm_no=realm_no,
        base=facts.job.base,
        number=estimate.doc_number,
        estimate_id=estimate.id,
        status=estimate.status,
        currency=mapped.contract.currency,
        placed=placed,
        others=tuple(_other(one, mapped.contract.currency) for one in found.others),
        credits=_credits(session, facts, mapped.contract.currency),
        covered=tuple((labels[name], rebuilt.expected[name]) for name in labels if name in kept),
        expected=rebuilt.expected,
        decision=decided,
        decision_no=number_of,
    )


def _estimate(session: Session, realm_no: int, number: str) -> Estimate:
    rows = session.scalars(
        select(MirrorRow).where(MirrorRow.realm_no == realm_no, MirrorRow.entity == "Estimate")
    ).all()
    known = [
        row
        for row in rows
        if not row.is_deleted
        and number.casefold() in (row.qbo_id, str(row.fields.get("DocNumber") or "").casefold())
    ]
    if not known:
        raise NotAdoptable(f"there is no estimate {number}", code="no_such_estimate")
    if len(known) > 1:
        ids = ", ".join(row.qbo_id for row in known)
        raise NotAdoptable(
            f"several estimates are numbered {number}: say which id, of {ids}", code="ambiguous"
        )
    estimate = parse_estimate(mirror.document(known[0]))
    if estimate_state(estimate) not in ADOPTABLE:
        raise NotAdoptable(
            f"estimate {number} is {estimate.status}: nobody has agreed to it", code="not_agreed"
        )
    if estimate.customer is None:
        raise NotAdoptable(f"estimate {number} names no customer", code="no_customer")
    return estimate


def _job(session: Session, realm_no: int, estimate: Estimate) -> int:
    """Give the estimate's job, opened where there is none."""
    mine = select(JobRow.job_id).where(
        JobRow.realm_no == realm_no, JobRow.estimate_id == estimate.id
    )
    job_id = session.scalars(mine).one_or_none()
    if job_id is not None:
        return job_id
    key = _key(session, realm_no, estimate)
    taken = select(JobRow.base).where(JobRow.realm_no == realm_no, JobRow.key == key)
    other = session.scalars(taken).one_or_none()
    if other is not None:
        raise NotAdoptable(
            f"estimate {estimate.doc_number} stands on the customer of job {other}", code="has_job"
        )
    return pull.open_job(session, realm_no, estimate, key)


def _key(session: Session, realm_no: int, estimate: Estimate) -> str:
    return job_key(estimate, pull.customers_of(session, realm_no, estimate))


def _why_unmapped(findings: Sequence[Finding]) -> str:
    codes = ", ".join(sorted({one.code for one in findings}))
    return f"its contract or schedule cannot be read ({codes}): see docs/findings.md"


def _job_candidates(session: Session, facts: JobFacts, mapped: MappedJob) -> Candidates:
    """Give the invoices of people's that are the job's: adopted before, and new ones."""
    estimates = [parse_estimate(mirror.document(row)) for row in facts.estimates]
    documents = gather(
        estimates,
        main_id=facts.job.estimate_id,
        confirmed_ids=facts.standing.confirmed_ids,
    )
    found = _candidates(session, facts.job.realm_no, documents.estimates, facts.job.key)
    adopted = facts.standing.adoption.invoices if facts.standing.adoption else ()
    known = {invoice.id for invoice, _ in found.claimed}
    again = [
        (parse_invoice(mirror.document(facts.invoices[one.invoice_id])), Claim.LINKED)
        for one in adopted
        if one.invoice_id in facts.invoices and one.invoice_id not in known
    ]
    live = [(invoice, claim) for invoice, claim in again if not invoice.is_voided]
    return Candidates(claimed=(*live, *found.claimed), others=found.others)


def _candidates(
    session: Session, realm_no: int, estimates: Sequence[Estimate], key: str
) -> Candidates:
    ids = {one.customer.id for one in estimates if one.customer}
    known = pull.customer_invoices(session, realm_no, *ids)
    return invoices_of(
        estimates,
        known,
        ours=pull.of_jobs(session, realm_no, [one.id for one in known]),
        is_own=lambda invoice: is_own_invoice(invoice, key),
    )


def _as_billed(invoice: Invoice, mapped: MappedJob) -> BilledBefore:
    read = _read(invoice, mapped, milestone_id=BEFORE, ordinal=1)
    return BilledBefore(
        invoice_id=invoice.id, amount_minor=read.amount_minor, issued_on=read.issued_on
    )


def _read(
    invoice: Invoice, mapped: MappedJob, *, milestone_id: str, ordinal: int
) -> ProgressInvoice:
    return adopted_invoice(
        invoice,
        milestone_id=milestone_id,
        ordinal=ordinal,
        contract=mapped.contract.contract,
        coding=mapped.contract.coding,
        payments=(),
        currency=mapped.contract.currency,
    )


def _base(facts: JobFacts, mapped: MappedJob) -> Schedule:
    """Give the schedule as if nobody had billed anything: an earlier adoption is done anew."""
    assert mapped.job is not None
    adoption = facts.standing.adoption
    if adoption is None:
        return mapped.job.schedule
    known = {one.id for one in adoption.base}
    added = [
        one for one in mapped.job.schedule.milestones if one.id not in known and one.id != BEFORE
    ]
    return Schedule(currency=mapped.contract.currency, milestones=(*adoption.base, *added))


def _rebuilt(facts: JobFacts, mapped: MappedJob, billed: Sequence[BilledBefore]) -> Rebuilt:
    assert mapped.job is not None
    base = _base(facts, mapped)
    ours = {
        one.milestone_id
        for one in facts.documents
        if one.role == "invoice" and one.milestone_id and not one.is_adopted
    }
    if not ours:
        return rebuild(base, mapped.contract.contract.total_minor, billed)
    now = plan_job(mapped.job, today=facts.today, holidays=mapped.holidays)
    fresh = rebuild(base, mapped.contract.contract.total_minor, ()).expected
    worth = {**fresh, **{one.milestone.id: one.amount_minor for one in now.milestones}}
    return rebuild(base, mapped.contract.contract.total_minor, billed, expected=worth, taken=ours)


def _placed(
    facts: JobFacts, mapped: MappedJob, found: Candidates, rebuilt: Rebuilt
) -> tuple[Placed, ...]:
    last: dict[str, int] = {}
    for one in facts.documents:
        if one.milestone_id and one.ordinal and not one.is_adopted:
            last[one.milestone_id] = max(last.get(one.milestone_id, 0), one.ordinal)
    placed = []
    for invoice, claim in found.claimed:
        name = rebuilt.places[invoice.id]
        last[name] = last.get(name, 0) + 1
        read = _read(invoice, mapped, milestone_id=name, ordinal=last[name])
        placed.append(Placed(invoice=read, claim=claim, is_matched=name != BEFORE))
    return tuple(placed)


def _kept(
    facts: JobFacts,
    mapped: MappedJob,
    estimate: Estimate,
    rebuilt: Rebuilt,
    placed: Sequence[Placed],
) -> Kept:
    return Kept(
        kind=ADOPT,
        subject=f"estimate:{estimate.id}",
        facts=adoption_json(
            status=estimate.status,
            milestones=rebuilt.schedule.milestones,
            base=_base(facts, mapped).milestones,
            invoices=[
                AdoptedInvoice(
                    invoice_id=one.invoice.invoice_id,
                    milestone_id=one.invoice.milestone_id,
                    ordinal=one.invoice.ordinal,
                    paid_minor=one.invoice.paid_minor,
                )
                for one in placed
            ],
        ),
    )


def _other(invoice: Invoice, currency: str) -> Unplaced:
    total = minor_of(invoice.total, currency=currency, at="TotalAmt")
    return Unplaced(id=invoice.id, number=invoice.doc_number, amount_minor=total)


def _credits(session: Session, facts: JobFacts, currency: str) -> tuple[Unplaced, ...]:
    """Give the customer's credit memos with something left to apply."""
    found = []
    for row in mirror.of_customers(
        session, facts.job.realm_no, "CreditMemo", customer_ids=[facts.job.customer_id]
    ):
        memo: CreditMemo = parse_credit_memo(mirror.document(row))
        if memo.remaining and not memo.is_deleted and not memo.is_voided:
            left = minor_of(memo.remaining, currency=currency, at="RemainingCredit")
            found.append(Unplaced(id=memo.id, number=memo.doc_number, amount_minor=left))
    return tuple(found)
