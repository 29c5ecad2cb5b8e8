"""The facts of the contractor's report, read in few statements, however many jobs there are.

Ledger times run on the real clock. The business clock may be ahead of it; what carries a business
date of its own (an invoice's issue, a mail's sending, a payment's day) is told by that date.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from sync.reports.contractor_facts import (
    Asked,
    Coming,
    ContractorFacts,
    JobName,
    Moved,
    Parked,
    Sent,
    Totals,
)
from sync.store import findings, mirror, realms, schedules
from sync.store.database import business_now, lease_now
from sync.store.tables import (
    EventRow,
    JobRow,
    MilestoneRow,
    MirrorRow,
    ReceiptRow,
    ScheduleRow,
    WorkRow,
)

#: How far ahead the report looks.
AHEAD = timedelta(days=14)
_SATURDAY = 5
_MONEY_STATES = ("due", "overdue", "upcoming")

Statement = TypeVar("Statement", bound=Select[*tuple[Any, ...]])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Desk:
    """What the readers below share."""

    session: Session
    realm_no: int
    zone: ZoneInfo
    today: date
    since: date
    real_since: datetime  #: the window's start on the ledger's clock
    ahead: timedelta  #: how far the business clock is ahead of the real one
    jobs: Mapping[int, JobName]


def gather_contractor(session: Session, realm_no: int) -> ContractorFacts:
    """Read one company's facts."""
    realm = realms.get(session, realm_no)
    desk = _desk(session, realm_no, realm.zone)
    return ContractorFacts(
        realm_no=realm_no,
        company=realm.name,
        currency=realm.currency,
        zone=realm.zone,
        state=realm.state,
        mode=realm.mode,
        synced_at=realm.synced_at,
        today=desk.today,
        since=desk.since,
        pulled=_pulled(desk),
        moved=tuple(_moved(desk)),
        invoiced=tuple(_invoiced(desk)),
        paid=tuple(_paid(desk)),
        sent=tuple(_sent(desk)),
        coming=tuple(_coming(desk)),
        findings=tuple(findings.open_ones(session, realm_no)),
        bases={job_id: job.base for job_id, job in desk.jobs.items()},
        parked=tuple(_parked(desk)),
        proposed_count=_proposed_count(desk),
        totals=tuple(_totals(desk)),
    )


def business_day_before(today: date) -> date:
    """Give the last day before that is no Saturday or Sunday."""
    day = today - timedelta(days=1)
    while day.weekday() >= _SATURDAY:
        day -= timedelta(days=1)
    return day


def _desk(session: Session, realm_no: int, zone_name: str) -> _Desk:
    zone = ZoneInfo(zone_name)
    now, real_now = business_now(session), lease_now(session)
    today = now.astimezone(zone).date()
    since = business_day_before(today)
    start = datetime.combine(since, time.min, tzinfo=zone)
    rows = session.scalars(select(JobRow).where(JobRow.realm_no == realm_no)).all()
    customers = mirror.rows(
        session, realm_no, "Customer", ids=sorted({row.customer_id for row in rows})
    )
    jobs = {
        row.job_id: JobName(
            base=row.base,
            customer=_name(customers.get(row.customer_id)),
            currency=row.currency,
        )
        for row in rows
    }
    return _Desk(
        session=session,
        realm_no=realm_no,
        zone=zone,
        today=today,
        since=since,
        real_since=start - (now - real_now),
        ahead=now - real_now,
        jobs=jobs,
    )


def _name(row: MirrorRow | None) -> str:
    fields: Mapping[str, Any] = row.fields if row else {}
    return str(fields.get("FullyQualifiedName") or fields.get("DisplayName") or "")


def _pulled(desk: _Desk) -> Mapping[str, int]:
    counted = desk.session.execute(
        select(MirrorRow.entity, func.count())
        .where(MirrorRow.realm_no == desk.realm_no, MirrorRow.stored_at >= desk.real_since)
        .group_by(MirrorRow.entity)
        .order_by(MirrorRow.entity)
    )
    return {str(entity): int(count) for entity, count in counted}


def _moved(desk: _Desk) -> list[Moved]:
    """Compare each job's plan now with the one it had before the window began."""
    mine = ScheduleRow.realm_no == desk.realm_no
    newest = _tops(desk, mine)
    touched = {row.job_id for row in newest.values() if row.on_day >= desk.since}
    before = _tops(desk, mine, ScheduleRow.on_day < desk.since, ScheduleRow.job_id.in_(touched))
    keys = [(job_id, newest[job_id].version) for job_id in sorted(touched)]
    keys += [(row.job_id, row.version) for row in before.values()]
    amounts = _amounts(desk, keys)
    found = []
    for job_id in sorted(touched):
        now, then = newest[job_id], before.get(job_id)
        old = amounts.get((job_id, then.version), {}) if then else {}
        payments = tuple(
            (label, old[name][1] if name in old else None, amount)
            for name, (label, amount) in amounts.get((job_id, now.version), {}).items()
            if name not in old or old[name][1] != amount
        )
        if payments:
            found.append(
                Moved(
                    job=desk.jobs[job_id],
                    old_total_minor=then.contract_total_minor if then else None,
                    new_total_minor=now.contract_total_minor,
                    payments=payments,
                )
            )
    return found


def _tops(desk: _Desk, *where: Any) -> dict[int, ScheduleRow]:
    """Give the newest version of every job, of those that fit."""
    rows = desk.session.scalars(
        select(ScheduleRow)
        .where(*where)
        .order_by(ScheduleRow.job_id, ScheduleRow.version.desc())
        .ext(distinct_on(ScheduleRow.job_id))
    )
    return {row.job_id: row for row in rows}


def _amounts(
    desk: _Desk, keys: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], dict[str, tuple[str, int]]]:
    rows = desk.session.scalars(
        select(MilestoneRow)
        .where(
            MilestoneRow.realm_no == desk.realm_no,
            tuple_(MilestoneRow.job_id, MilestoneRow.version).in_(keys),
        )
        .order_by(MilestoneRow.job_id, MilestoneRow.version, MilestoneRow.position)
    )
    grouped = groupby(rows, key=lambda row: (row.job_id, row.version))
    return {
        key: {row.milestone_id: (row.label, row.amount_minor) for row in group}
        for key, group in grouped
    }


def _invoiced(desk: _Desk) -> list[Asked]:
    found = []
    for row in _done(desk, "bill", "revise"):
        planned = row.payload["planned"]
        on = (
            date.fromisoformat(planned["issue_on"])
            if "issue_on" in planned
            else _moment(desk, row).astimezone(desk.zone).date()
        )
        if on >= desk.since and row.job_id is not None:
            found.append(
                Asked(
                    job=desk.jobs[row.job_id],
                    number=planned["doc_number"],
                    label=planned["label"],
                    amount_minor=planned["amount_minor"],
                    on=on,
                    kind=row.kind,
                )
            )
    return found


def _paid(desk: _Desk) -> list[Asked]:
    rows = desk.session.execute(
        _with_newest(select(ReceiptRow, MilestoneRow), desk)
        .where(
            ReceiptRow.realm_no == desk.realm_no,
            ReceiptRow.job_id == MilestoneRow.job_id,
            ReceiptRow.milestone_id == MilestoneRow.milestone_id,
            ReceiptRow.settled_on >= desk.since,
            ReceiptRow.paid_minor > 0,
        )
        .order_by(ReceiptRow.settled_on, ReceiptRow.job_id, ReceiptRow.doc_number)
    )
    return [
        Asked(
            job=desk.jobs[receipt.job_id],
            number=receipt.doc_number,
            label=milestone.label,
            amount_minor=receipt.paid_minor,
            on=receipt.settled_on or desk.today,
            kind="paid",
        )
        for receipt, milestone in rows
    ]


def _sent(desk: _Desk) -> list[Sent]:
    found = []
    for row in _done(desk, "mail"):
        sent_at = (row.result or {}).get("sent_at")
        moment = datetime.fromisoformat(sent_at) if sent_at else _moment(desk, row)
        on = moment.astimezone(desk.zone).date()
        if on >= desk.since and row.job_id is not None:
            found.append(Sent(job=desk.jobs[row.job_id], notice=row.payload["notice"], on=on))
    return found


def _coming(desk: _Desk) -> list[Coming]:
    """Give what is due within the days ahead, and what waits for an event planned in them."""
    until = desk.today + AHEAD
    rows = desk.session.execute(
        _with_newest(select(MilestoneRow, EventRow), desk)
        .join(
            EventRow,
            (EventRow.realm_no == MilestoneRow.realm_no)
            & (EventRow.job_id == MilestoneRow.job_id)
            & (EventRow.name == MilestoneRow.trigger["event"].astext),
            isouter=True,
        )
        .join(
            JobRow,
            (JobRow.realm_no == MilestoneRow.realm_no) & (JobRow.job_id == MilestoneRow.job_id),
        )
        .where(
            JobRow.state.in_(["active", "cancelled"]),
            (MilestoneRow.state.in_(_MONEY_STATES) & (MilestoneRow.due_on <= until))
            | (
                (MilestoneRow.state == "waiting")
                & (EventRow.state == "planned")
                & (EventRow.on_date <= until)
            ),
        )
    )
    found = [_coming_one(desk, milestone, event) for milestone, event in rows]
    return sorted(found, key=lambda one: (one.on, one.job.base, one.label))


def _coming_one(desk: _Desk, row: MilestoneRow, event: EventRow | None) -> Coming:
    trigger = schedules.trigger_of(row.trigger)
    planned = event.on_date if event else None
    on = row.due_on or planned
    assert on is not None, "the statement asks for rows with a day"
    return Coming(
        job=desk.jobs[row.job_id],
        label=row.label,
        open_minor=max(row.amount_minor - row.paid_minor, 0),
        on=on,
        state=row.state,
        trigger=trigger,
        event_label=event.label if event else trigger.event.capitalize(),
    )


def _parked(desk: _Desk) -> list[Parked]:
    rows = desk.session.scalars(
        select(WorkRow)
        .where(WorkRow.realm_no == desk.realm_no, WorkRow.state == "parked")
        .order_by(WorkRow.work_id)
    )
    return [
        Parked(
            work_id=row.work_id,
            job=desk.jobs.get(row.job_id or 0),
            kind=row.kind,
            error=row.error or row.error_class or "",
            remedy=row.remedy or "",
        )
        for row in rows
    ]


def _proposed_count(desk: _Desk) -> int:
    mine = (WorkRow.realm_no == desk.realm_no) & (WorkRow.state == "proposed")
    return desk.session.scalars(select(func.count(WorkRow.work_id)).where(mine)).one()


def _totals(desk: _Desk) -> list[Totals]:
    """Sum up all jobs, by currency."""
    asked = func.coalesce(func.sum(MilestoneRow.billed_minor), 0)
    left = func.sum(func.greatest(MilestoneRow.amount_minor - MilestoneRow.paid_minor, 0)).filter(
        MilestoneRow.state.not_in(["paid", "forgotten"])
    )
    paid, contract = func.sum(MilestoneRow.paid_minor), func.min(ScheduleRow.contract_total_minor)
    by_job = select(MilestoneRow.job_id, contract, asked, paid, func.coalesce(left, 0))
    rows = desk.session.execute(_with_newest(by_job, desk).group_by(MilestoneRow.job_id))
    sums: dict[str, list[int]] = {}
    for job_id, *amounts in rows:
        total = sums.setdefault(desk.jobs[job_id].currency, [0, 0, 0, 0, 0])
        for place, amount in enumerate([1, *amounts]):
            total[place] += int(amount)
    return [
        Totals(
            currency=currency,
            job_count=count,
            contract_minor=contract_minor,
            billed_minor=billed_minor,
            paid_minor=paid_minor,
            left_minor=left_minor,
        )
        for currency, (count, contract_minor, billed_minor, paid_minor, left_minor) in sorted(
            sums.items()
        )
    ]


def _with_newest(statement: Statement, desk: _Desk) -> Statement:
    """Keep a statement on milestones to the newest version of each job."""
    newest = (
        select(ScheduleRow.job_id, func.max(ScheduleRow.version).label("version"))
        .where(ScheduleRow.realm_no == desk.realm_no)
        .group_by(ScheduleRow.job_id)
        .subquery()
    )
    return (
        statement.where(MilestoneRow.realm_no == desk.realm_no)
        .join(
            newest,
            (newest.c.job_id == MilestoneRow.job_id) & (newest.c.version == MilestoneRow.version),
        )
        .join(
            ScheduleRow,
            (ScheduleRow.realm_no == MilestoneRow.realm_no)
            & (ScheduleRow.job_id == MilestoneRow.job_id)
            & (ScheduleRow.version == MilestoneRow.version),
        )
    )


def _done(desk: _Desk, *kinds: str) -> Sequence[WorkRow]:
    return desk.session.scalars(
        select(WorkRow)
        .where(
            WorkRow.realm_no == desk.realm_no,
            WorkRow.kind.in_(kinds),
            WorkRow.state == "done",
            WorkRow.done_at >= desk.real_since,
        )
        .order_by(WorkRow.work_id)
    ).all()


def _moment(desk: _Desk, row: WorkRow) -> datetime:
    """Give the time a row was done, on the business clock."""
    assert row.done_at is not None
    return row.done_at + desk.ahead
