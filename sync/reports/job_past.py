"""One job as it stood at the end of a day that is over: from stored versions and the journal.

What only QuickBooks knows (tax on invoices, what is open on them with tax) is not told of the past.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from sync.reports.job_reading import milestones_of, view_job
from sync.reports.job_view import EventView, JobView, LineView, PendingView, ProposalView
from sync.store import journal, realms, schedules
from sync.store.tables import FindingRow, JournalRow


class NotYet(Exception):
    """The job had no schedule on that day. The message names its first."""


def view_job_at(session: Session, realm_no: int, job_id: int, *, on: date) -> JobView:
    """Read one job as it stood at the end of a day.

    Args:
        on: the day, at the company's place.

    Raises:
        NotYet: it had no schedule then.
    """
    now = view_job(session, realm_no, job_id)
    zone = ZoneInfo(realms.get(session, realm_no).zone)
    end = datetime.combine(on + timedelta(days=1), time.min, tzinfo=zone)
    entries = journal.entries(session, realm_no, job_id, until=end)
    version = schedules.as_of(session, realm_no, job_id, versions=_versions(entries))
    if version is None:
        raise NotYet(f"job {now.base} had no schedule on {on}")
    events = _events(entries)
    return replace(
        now,
        today=on,
        state=_state(entries),
        contract_total_minor=version.row.contract_total_minor,
        credit_minor=version.row.credit_minor,
        unallocated_minor=version.row.unallocated_minor,
        on_account_minor=version.row.on_account_minor,
        pending=tuple(
            PendingView(
                label=one["label"], amount_minor=one["amount_minor"], amounts=one["amounts"]
            )
            for one in version.row.previews
        ),
        proposal=_proposal(version.row.proposal),
        wordings=tuple(version.row.wordings),
        tax_drift_minor=None,
        lines=tuple(
            LineView(description=line.description, amount_minor=line.amount_minor)
            for line in version.lines
            if line.amount_minor
        ),
        milestones=milestones_of(version, events, _numbers(entries)),
        events=events,
        changes=tuple(one for one in now.changes if one.on <= on),
        findings=_findings(session, realm_no, job_id, end),
    )


def _versions(entries: Sequence[JournalRow]) -> list[int]:
    return [row.job_version for row in entries if row.cause not in journal.BESIDE_VERSIONS]


def _events(entries: Sequence[JournalRow]) -> tuple[EventView, ...]:
    told: dict[str, Any] = next(
        (row.after for row in reversed(entries) if row.cause == journal.EVENTS), {}
    )
    return tuple(
        EventView(
            name=name,
            label=one["label"],
            on=_day(one["on"]),
            state=one["state"],
            completed_on=_day(one["completed_on"]),
        )
        for name, one in sorted(told.items(), key=lambda item: item[1]["position"])
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _state(entries: Sequence[JournalRow]) -> str:
    told = [row.after["state"] for row in entries if row.cause == journal.STATE]
    return told[-1] if told else "active"


def _numbers(entries: Sequence[JournalRow]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for row in entries:
        if row.cause == journal.OUTCOMES["bill"]:
            number = row.after.get("doc_number") or row.after["invoice_id"]
            found.setdefault(row.after["milestone_id"], []).append(str(number))
    return {name: ", ".join(numbers) for name, numbers in found.items()}


def _proposal(said: dict[str, Any] | None) -> ProposalView | None:
    if said is None:
        return None
    return ProposalView(label=said["label"], amount_minor=said["amount_minor"])


def _findings(
    session: Session, realm_no: int, job_id: int, end: datetime
) -> tuple[FindingRow, ...]:
    return tuple(
        session.scalars(
            select(FindingRow)
            .where(
                FindingRow.realm_no == realm_no,
                FindingRow.job_id == job_id,
                FindingRow.opened_at < end,
                or_(FindingRow.closed_at.is_(None), FindingRow.closed_at >= end),
            )
            .order_by(FindingRow.finding_id)
        )
    )
