"""What changed on a job and when: the steps between versions of its schedule that moved money."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby, pairwise
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from mapping.documents import SalesForm
from sync.store import schedules
from sync.store.tables import ContractLineRow, JobRow, MilestoneRow, ScheduleRow

#: Changes are told back to this many versions of the schedule.
VERSIONS_MAX = 50

Part = TypeVar("Part", MilestoneRow, ContractLineRow)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineChangeView:
    """One line of the contract that a change order added, took away or priced anew."""

    description: str
    old_minor: int
    new_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeView:
    """A change of the schedule that moved money: amounts before and after, by milestone."""

    on: date
    cause: str  #: `accepted`, `change_order`, `payment`, ...
    documents: tuple[str, ...]  #: numbers of the estimates that it brought in: `1042-CO-1`
    lines: tuple[LineChangeView, ...]
    old_total_minor: int
    new_total_minor: int
    old: Mapping[str, int]
    new: Mapping[str, int]


def history(session: Session, job: JobRow) -> list[schedules.Version]:
    """Give the newest versions of the schedule, newest first, in three reads however many there
    are. Lines are read where the contract changed, and for the newest.
    """
    rows = session.scalars(
        select(ScheduleRow)
        .where(ScheduleRow.realm_no == job.realm_no, ScheduleRow.job_id == job.job_id)
        .order_by(ScheduleRow.version.desc())
        .limit(VERSIONS_MAX)
    ).all()
    milestones = _by_version(session, job, MilestoneRow, [row.version for row in rows])
    changed = {row.version for row in rows[:1]}
    for newer, older in pairwise(rows):
        if newer.cause == "change_order":
            changed |= {newer.version, older.version}
    lines = _by_version(session, job, ContractLineRow, sorted(changed))
    return [
        schedules.Version(
            row=row,
            milestones=tuple(milestones.get(row.version, ())),
            lines=tuple(lines.get(row.version, ())),
        )
        for row in rows
    ]


def _by_version(
    session: Session, job: JobRow, table: type[Part], versions: Sequence[int]
) -> dict[int, list[Part]]:
    rows = session.scalars(
        select(table)
        .where(
            table.realm_no == job.realm_no,
            table.job_id == job.job_id,
            table.version.in_(versions),
        )
        .order_by(table.version, table.position)
    )
    return {version: list(parts) for version, parts in groupby(rows, key=lambda row: row.version)}


def changes_of(
    versions: Sequence[schedules.Version], estimates: Mapping[str, SalesForm]
) -> tuple[ChangeView, ...]:
    """Give the steps between versions that moved an amount, newest first."""
    found = []
    for newer, older in pairwise(versions):
        old = {row.milestone_id: row.amount_minor for row in older.milestones}
        new = {row.milestone_id: row.amount_minor for row in newer.milestones}
        if old != new:
            found.append(
                ChangeView(
                    on=newer.row.on_day,
                    cause=newer.row.cause,
                    documents=_brought_in(older, newer, estimates),
                    lines=_line_changes(older, newer),
                    old_total_minor=older.row.contract_total_minor,
                    new_total_minor=newer.row.contract_total_minor,
                    old=old,
                    new=new,
                )
            )
    return tuple(found)


def _brought_in(
    older: schedules.Version, newer: schedules.Version, estimates: Mapping[str, SalesForm]
) -> tuple[str, ...]:
    if newer.row.cause != "change_order":
        return ()
    known = {line.line_id.split(":")[0] for line in older.lines}
    fresh = dict.fromkeys(line.line_id.split(":")[0] for line in newer.lines)
    numbers = (estimates[one].doc_number for one in fresh if one not in known and one in estimates)
    return tuple(number for number in numbers if number)


def _line_changes(older: schedules.Version, newer: schedules.Version) -> tuple[LineChangeView, ...]:
    if newer.row.cause != "change_order":
        return ()
    old = {line.line_id: line for line in older.lines}
    new = {line.line_id: line for line in newer.lines}
    return tuple(
        LineChangeView(
            description=(new.get(name) or old[name]).description,
            old_minor=old[name].amount_minor if name in old else 0,
            new_minor=new[name].amount_minor if name in new else 0,
        )
        for name in {**old, **new}
        if name not in old or name not in new or old[name].amount_minor != new[name].amount_minor
    )
