"""Reads one job as people see it (`job_view.py`) in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from mapping.documents import (
    CreditMemo,
    Estimate,
    SalesForm,
    parse_contract_form,
    parse_customer,
    parse_invoice,
)
from mapping.errors import DocumentError
from mapping.lines import minor_of
from mapping.recipients import Recipient, recipient_of
from sync.reports.changes import changes_of, history
from sync.reports.job_view import (
    EventView,
    JobView,
    LineView,
    MilestoneView,
    PendingView,
    ProposalView,
)
from sync.store import findings, mirror, realms, schedules
from sync.store.database import business_today
from sync.store.tables import EventRow, JobRow, MilestoneRow, ReceiptRow, ScheduleRow

#: QuickBooks nests customers at most five levels deep.
FAMILY_DEPTH_MAX = 5


def view_job(session: Session, realm_no: int, job_id: int) -> JobView:
    """Read one job as people see it."""
    realm = realms.get(session, realm_no)
    job = session.scalars(
        select(JobRow).where(JobRow.realm_no == realm_no, JobRow.job_id == job_id)
    ).one()
    versions = history(session, job)
    newest = versions[0] if versions else None
    estimates = _estimates(session, job, versions)
    found = estimates.get(job.estimate_id)
    main = found if isinstance(found, Estimate) else None
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
        tax_drift_minor=_tax_drift(job, newest, estimates, milestones) if newest else None,
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


def _estimates(
    session: Session, job: JobRow, versions: Sequence[schedules.Version]
) -> dict[str, SalesForm]:
    """Give the documents that the contract was made of, by contract id."""
    ids = {line.line_id.split(":")[0] for version in versions for line in version.lines}
    rows = mirror.of_contract(session, job.realm_no, sorted(ids | {job.estimate_id}))
    found = {}
    for name, row in rows.items():
        # One that cannot be read any more is a finding; the page shows what is stored.
        with suppress(DocumentError):
            found[name] = parse_contract_form(row.entity, mirror.document(row))
    return found


def _lines(version: schedules.Version) -> tuple[LineView, ...]:
    return tuple(
        LineView(description=line.description, amount_minor=line.amount_minor)
        for line in version.lines
        if line.amount_minor
    )


def milestones_of(
    version: schedules.Version, events: Sequence[EventView], numbers: Mapping[str, str]
) -> tuple[MilestoneView, ...]:
    """Give the payments of a stored version, without what QuickBooks says of them today.

    Args:
        version: as it was stored.
        events: the calendar of that time.
        numbers: milestone -> the numbers of its invoices, as they were known then.
    """
    by_name = {event.name: event for event in events}
    none = _Invoices(receipts=(), total_minor=None, open_minor=None)
    return tuple(
        replace(
            _milestone(row, number, version.row, none, by_name),
            doc_number=numbers.get(row.milestone_id),
        )
        for number, row in enumerate(version.milestones, start=1)
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
    job: JobRow,
    newest: schedules.Version,
    estimates: Mapping[str, SalesForm],
    milestones: Sequence[MilestoneView],
) -> int | None:
    """Give what rounding by invoice made of the tax: it is QuickBooks' to say, and is not forced.

    Known once the whole contract is billed and nothing else stands on its invoices.
    """
    is_billed = all(one.is_tax_known or not one.amount_minor for one in milestones)
    is_alone = not any(one.outside_minor for one in milestones)
    names = {line.line_id.split(":")[0] for line in newest.lines}
    agreed = [estimates[name] for name in names if name in estimates]
    told = [
        -one.tax if isinstance(one, CreditMemo) else one.tax
        for one in agreed
        if one.tax is not None
    ]
    if not is_billed or not is_alone or len(told) < len(agreed):
        return None
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
