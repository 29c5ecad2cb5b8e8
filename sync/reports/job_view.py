"""One job as people see it: the same view feeds portal, mail, terminal and reports, so all say the
same.

Amounts are minor units; words are made from them in `sync/words/`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from mapping.documents import Estimate, parse_customer, parse_estimate, parse_invoice
from mapping.errors import DocumentError
from mapping.jobs import estimate_state
from mapping.lines import minor_of
from mapping.recipients import Recipient, recipient_of
from milestone_engine.schedule import Basis
from milestone_engine.timeline import Trigger
from sync.reports.changes import ChangeView, changes_of, history
from sync.store import findings, mirror, realms, schedules
from sync.store.database import business_today
from sync.store.tables import (
    EventRow,
    FindingRow,
    JobRow,
    MilestoneRow,
    ReceiptRow,
    ScheduleRow,
)

#: QuickBooks nests customers at most five levels deep.
FAMILY_DEPTH_MAX = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class EventView:
    """One event of the timeline."""

    name: str
    label: str
    on: date | None
    state: str  #: planned, completed, cancelled
    completed_on: date | None

    @property
    def day(self) -> date | None:
        """The day it happened, else the day it is planned for."""
        return self.completed_on or self.on


@dataclass(frozen=True, slots=True, kw_only=True)
class MilestoneView:
    """One payment of the timeline."""

    id: str
    number: int
    label: str
    basis: Basis
    trigger: Trigger
    event_label: str
    event_state: str  #: planned, completed, cancelled; "" for the approval
    event_on: date | None  #: the day its event happened, else the day it is planned for
    amount_minor: int  #: contract money, before tax
    billed_minor: int | None
    paid_minor: int
    tax_minor: int  #: as billed; before that, about what it will be
    is_tax_known: bool
    issue_on: date | None
    due_on: date | None
    state: str  #: waiting, upcoming, due, overdue, paid, forgotten
    invoice_id: str | None  #: of its newest live invoice
    doc_number: str | None  #: of its live invoices, oldest first: `1042-M2, 1042-M2-2`
    outside_minor: int  #: on its invoices, but not the contract's: a permit, a late fee
    invoice_total_minor: int | None  #: what its invoices ask, tax and all, as QuickBooks says
    invoice_open_minor: int | None  #: what is left to pay on them, as QuickBooks says
    settled_on: date | None
    why_code: str
    why_facts: Mapping[str, Any]

    @property
    def due_minor(self) -> int:
        """What is still to be paid on it, before tax."""
        return max(self.amount_minor - self.paid_minor, 0)

    @property
    def received_minor(self) -> int | None:
        """What the customer has paid on its invoice, tax and all."""
        if self.invoice_total_minor is None or self.invoice_open_minor is None:
            return None
        return self.invoice_total_minor - self.invoice_open_minor

    @property
    def is_open(self) -> bool:
        """Whether anything is still to be asked of the customer, or is."""
        return self.state not in ("paid", "forgotten")

    @property
    def is_asked(self) -> bool:
        """Whether its invoice is out and not settled."""
        return self.state in ("due", "overdue") and self.invoice_id is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineView:
    """One line of the contract, before tax."""

    description: str
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingView:
    """What a change order would do if it were approved."""

    label: str  #: its number
    amount_minor: int
    amounts: Mapping[str, int]  #: by milestone id


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalView:
    """A payment that a person may add for contract money that has no place."""

    label: str
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """One job as people see it."""

    realm_no: int
    job_id: int
    base: str
    state: str  #: active, frozen, cancelled, unmapped
    company: str
    customer: str
    email: str  #: may hold several addresses, separated by commas; "" where none is known
    estimate_id: str
    currency: str
    today: date
    accepted_on: date | None
    contract_total_minor: int
    credit_minor: int
    unallocated_minor: int  #: contract money that is on no payment yet
    on_account_minor: int  #: the customer's money that is on no invoice, or too much on one
    pending: tuple[PendingView, ...]  #: change orders that are offered, not approved
    proposal: ProposalView | None  #: a payment for money that has no place
    wordings: tuple[str, ...]  #: what the law wants to stand beside the plan
    tax_drift_minor: int | None  #: QuickBooks' tax less the estimates'; None until all is billed
    lines: tuple[LineView, ...]  #: what the contract covers
    milestones: tuple[MilestoneView, ...]
    events: tuple[EventView, ...]
    changes: tuple[ChangeView, ...]  #: newest first
    findings: tuple[FindingRow, ...]

    @property
    def paid_minor(self) -> int:
        """Contract money received so far."""
        return sum(one.paid_minor for one in self.milestones)

    @property
    def left_minor(self) -> int:
        """Contract money that is still to be paid."""
        return sum(one.due_minor for one in self.milestones if one.is_open)

    @property
    def asked_now(self) -> tuple[MilestoneView, ...]:
        """The payments whose invoices are out and not settled, in order."""
        return tuple(one for one in self.milestones if one.is_asked)

    @property
    def next_payment(self) -> MilestoneView | None:
        """The payment that comes next: what is due before what is dated before what waits."""
        open_ones = [one for one in self.milestones if one.is_open]
        return min(open_ones, key=_urgency, default=None)

    def milestone(self, milestone_id: str) -> MilestoneView:
        """Give one payment by its id."""
        return next(one for one in self.milestones if one.id == milestone_id)


def view_job(session: Session, realm_no: int, job_id: int) -> JobView:
    """Read one job as people see it."""
    realm = realms.get(session, realm_no)
    job = session.scalars(
        select(JobRow).where(JobRow.realm_no == realm_no, JobRow.job_id == job_id)
    ).one()
    versions = history(session, job)
    newest = versions[0] if versions else None
    estimates = _estimates(session, job, versions)
    main = estimates.get(job.estimate_id)
    events = _events(session, job)
    recipient = _customer(session, job, main)
    milestones = _milestones(session, job, newest, events) if newest else ()
    return JobView(
        realm_no=realm_no,
        job_id=job_id,
        base=job.base,
        state=job.state,
        company=realm.name,
        customer=recipient.name or job.customer_id,
        email=recipient.email,
        estimate_id=job.estimate_id,
        currency=job.currency,
        today=business_today(session, realm.zone),
        accepted_on=(main.accepted_on or main.dated_on) if main else None,
        contract_total_minor=newest.row.contract_total_minor if newest else 0,
        credit_minor=newest.row.credit_minor if newest else 0,
        unallocated_minor=newest.row.unallocated_minor if newest else 0,
        on_account_minor=newest.row.on_account_minor if newest else 0,
        pending=_pending(newest) if newest else (),
        proposal=_proposal(newest) if newest else None,
        wordings=tuple(newest.row.wordings) if newest else (),
        tax_drift_minor=_tax_drift(job, estimates, milestones) if newest else None,
        lines=_lines(newest) if newest else (),
        milestones=milestones,
        events=events,
        changes=changes_of(versions, estimates),
        findings=tuple(findings.open_ones(session, realm_no, job_id=job_id)),
    )


def find_job(session: Session, realm_no: int, base: str) -> int | None:
    """Find a job by its name for people."""
    return session.scalars(
        select(JobRow.job_id).where(JobRow.realm_no == realm_no, JobRow.base == base)
    ).one_or_none()


def _urgency(one: MilestoneView) -> tuple[int, date, int]:
    order = ("overdue", "due", "upcoming", "waiting")
    return order.index(one.state), one.due_on or date.max, one.number


def _estimates(
    session: Session, job: JobRow, versions: Sequence[schedules.Version]
) -> dict[str, Estimate]:
    """Give the estimates that the contract was made of, by id."""
    ids = {line.line_id.split(":")[0] for version in versions for line in version.lines}
    rows = mirror.rows(session, job.realm_no, "Estimate", ids=sorted(ids | {job.estimate_id}))
    found = {}
    for qbo_id, row in rows.items():
        # One that cannot be read any more is a finding; the page shows what is stored.
        with suppress(DocumentError):
            found[qbo_id] = parse_estimate(mirror.document(row))
    return found


def _lines(version: schedules.Version) -> tuple[LineView, ...]:
    return tuple(
        LineView(description=line.description, amount_minor=line.amount_minor)
        for line in version.lines
        if line.amount_minor
    )


def _milestones(
    session: Session, job: JobRow, version: schedules.Version, events: Sequence[EventView]
) -> tuple[MilestoneView, ...]:
    receipts = session.scalars(
        select(ReceiptRow).where(
            ReceiptRow.realm_no == job.realm_no,
            ReceiptRow.job_id == job.job_id,
            ReceiptRow.state == "live",
        )
    ).all()
    asked = _invoice_money(session, job, [one.invoice_id for one in receipts])
    by_name = {event.name: event for event in events}
    return tuple(
        _milestone(
            row,
            number,
            version.row,
            _invoices_of(row.milestone_id, receipts, asked),
            by_name,
        )
        for number, row in enumerate(version.milestones, start=1)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Invoices:
    """The live invoices of one payment taken together, oldest first."""

    receipts: tuple[ReceiptRow, ...]
    total_minor: int | None  #: None where QuickBooks does not say of one of them, or there is none
    open_minor: int | None

    @property
    def billed_minor(self) -> int:
        return sum(one.billed_minor for one in self.receipts)

    @property
    def settled_on(self) -> date | None:
        """The day of the last payment."""
        return max((one.settled_on for one in self.receipts if one.settled_on), default=None)


def _pending(version: schedules.Version) -> tuple[PendingView, ...]:
    return tuple(
        PendingView(label=one["label"], amount_minor=one["amount_minor"], amounts=one["amounts"])
        for one in version.row.previews
    )


def _proposal(version: schedules.Version) -> ProposalView | None:
    said = version.row.proposal
    if said is None:
        return None
    return ProposalView(label=said["label"], amount_minor=said["amount_minor"])


def _tax_drift(
    job: JobRow, estimates: Mapping[str, Estimate], milestones: Sequence[MilestoneView]
) -> int | None:
    """Give what rounding by invoice made of the tax: it is QuickBooks' to say, and is not forced.

    Known once the whole contract is billed and nothing else stands on its invoices.
    """
    is_billed = all(one.is_tax_known or not one.amount_minor for one in milestones)
    is_alone = not any(one.outside_minor for one in milestones)
    taxes = [one.tax for one in estimates.values() if estimate_state(one).is_agreed]
    if not is_billed or not is_alone or None in taxes:
        return None
    told = [tax for tax in taxes if tax is not None]
    on_estimates = minor_of(sum(told, Decimal(0)), currency=job.currency, at="TotalTax")
    return sum(one.tax_minor for one in milestones) - on_estimates


def _invoices_of(
    milestone_id: str, receipts: Sequence[ReceiptRow], asked: Mapping[str, tuple[int, int]]
) -> _Invoices:
    mine = sorted(
        (one for one in receipts if one.milestone_id == milestone_id),
        key=lambda one: (len(one.doc_number), one.doc_number),
    )
    told = [asked[one.invoice_id] for one in mine if one.invoice_id in asked]
    is_told = bool(mine) and len(told) == len(mine)
    return _Invoices(
        receipts=tuple(mine),
        total_minor=sum(total for total, _ in told) if is_told else None,
        open_minor=sum(left for _, left in told) if is_told else None,
    )


def _invoice_money(
    session: Session, job: JobRow, invoice_ids: Sequence[str]
) -> dict[str, tuple[int, int]]:
    """Give what invoices ask and what is open on them, in QuickBooks' own words."""
    found = {}
    for qbo_id, row in mirror.rows(session, job.realm_no, "Invoice", ids=invoice_ids).items():
        with suppress(DocumentError):
            invoice = parse_invoice(mirror.document(row))
            if invoice.total is not None and invoice.balance is not None:
                found[qbo_id] = (
                    minor_of(invoice.total, currency=job.currency, at="TotalAmt"),
                    minor_of(invoice.balance, currency=job.currency, at="Balance"),
                )
    return found


def _milestone(
    row: MilestoneRow,
    number: int,
    schedule: ScheduleRow,
    invoices: _Invoices,
    events: Mapping[str, EventView],
) -> MilestoneView:
    trigger = schedules.trigger_of(row.trigger)
    event = events.get(trigger.event)
    rate = schedule.tax_rate_percent or Decimal(0)
    about = round(Decimal(row.amount_minor) * rate / 100)
    receipts = invoices.receipts
    # Before invoices say just this amount, its tax is only about known.
    is_tax_known = bool(receipts) and invoices.billed_minor == row.amount_minor
    return MilestoneView(
        id=row.milestone_id,
        number=number,
        label=row.label,
        basis=schedules.basis_of(row.basis),
        trigger=trigger,
        event_label=event.label if event else trigger.event.capitalize(),
        event_state=event.state if event else "",
        event_on=event.day if event else None,
        amount_minor=row.amount_minor,
        billed_minor=row.billed_minor,
        paid_minor=row.paid_minor,
        tax_minor=sum(one.tax_minor for one in receipts) if is_tax_known else about,
        is_tax_known=is_tax_known,
        issue_on=row.issue_on,
        due_on=row.due_on,
        state=row.state,
        invoice_id=receipts[-1].invoice_id if receipts else None,
        doc_number=", ".join(one.doc_number for one in receipts) if receipts else None,
        outside_minor=sum(one.outside_minor for one in receipts),
        invoice_total_minor=invoices.total_minor,
        invoice_open_minor=invoices.open_minor,
        settled_on=invoices.settled_on,
        why_code=row.why["code"],
        why_facts=row.why["facts"],
    )


def _events(session: Session, job: JobRow) -> tuple[EventView, ...]:
    rows = session.scalars(
        select(EventRow)
        .where(EventRow.realm_no == job.realm_no, EventRow.job_id == job.job_id)
        .order_by(EventRow.position)
    )
    return tuple(
        EventView(
            name=row.name,
            label=row.label,
            on=row.on_date,
            state=row.state,
            completed_on=row.completed_on,
        )
        for row in rows
    )


def _customer(session: Session, job: JobRow, main: Estimate | None) -> Recipient:
    """Give whom the job's mails go to."""
    family, current = [], job.customer_id
    for _ in range(FAMILY_DEPTH_MAX):
        row = mirror.rows(session, job.realm_no, "Customer", ids=[current]).get(current)
        if row is None:
            break
        current = row.customer_id or ""
        with suppress(DocumentError):
            family.append(parse_customer(mirror.document(row)))
    return recipient_of(main, family)
