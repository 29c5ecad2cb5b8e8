"""Versions of a job's payment schedule: milestones as rows, and back as the engine's values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from milestone_engine.decisions import Routing
from milestone_engine.job import Bound, Contract, ContractLine
from milestone_engine.plan import MilestonePlan, Plan, Preview
from milestone_engine.schedule import Basis, Fixed, Milestone, Parts, Percent, Schedule
from milestone_engine.timeline import Trigger, When
from sync.store.tables import ContractLineRow, MilestoneRow, ScheduleRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One stored version of a schedule."""

    row: ScheduleRow
    milestones: tuple[MilestoneRow, ...]
    lines: tuple[ContractLineRow, ...]

    def schedule(self, currency: str) -> Schedule:
        """Give its milestones as the engine's Schedule."""
        return Schedule(currency=currency, milestones=tuple(map(milestone_of, self.milestones)))

    def contract(self) -> Contract:
        """Give its contract lines as they stood."""
        return Contract(
            lines=tuple(
                ContractLine(
                    id=line.line_id, amount_minor=line.amount_minor, description=line.description
                )
                for line in self.lines
            )
        )

    def bound(self) -> tuple[Bound, ...]:
        """Give where change orders were put when they came."""
        return tuple(
            Bound(
                change_order_id=one["change_order_id"],
                routing=Routing(one["routing"]),
                amount_minor=one["amount_minor"],
                milestone_ids=tuple(one["milestone_ids"]),
            )
            for one in self.row.bound
        )


def newest(session: Session, realm_no: int, job_id: int) -> Version | None:
    """Give the newest version of a job's schedule, or None before the first."""
    row = session.scalars(_versions(realm_no, job_id).limit(1)).one_or_none()
    return _version(session, row) if row else None


def as_of(
    session: Session, realm_no: int, job_id: int, *, versions: Sequence[int]
) -> Version | None:
    """Give the newest of some versions of a job's schedule, None of none."""
    asked = _versions(realm_no, job_id).where(ScheduleRow.version.in_(versions)).limit(1)
    row = session.scalars(asked).one_or_none()
    return _version(session, row) if row else None


def history(session: Session, realm_no: int, job_id: int, *, limit: int = 50) -> list[Version]:
    """Give the newest versions of a job's schedule, newest first."""
    rows = session.scalars(_versions(realm_no, job_id).limit(limit)).all()
    return [_version(session, row) for row in rows]


def save(
    session: Session,
    *,
    realm_no: int,
    job_id: int,
    version: int,
    plan: Plan,
    contract: Contract,
    tax_rate_percent: Decimal | None,
    source: str,
    cause: str,
    today: date,
) -> None:
    """Write a new version. The database refuses one that does not add up."""
    key = {"realm_no": realm_no, "job_id": job_id, "version": version}
    session.execute(
        insert(ScheduleRow).values(
            **key,
            contract_total_minor=plan.contract_total_minor,
            credit_minor=plan.credit_minor,
            unallocated_minor=plan.unallocated_minor,
            tax_rate_percent=tax_rate_percent,
            source=source,
            cause=cause,
            on_day=today,
            **schedule_values(plan),
        )
    )
    session.execute(
        insert(MilestoneRow),
        [
            {**key, **milestone_values(one, plan), "position": place}
            for place, one in enumerate(plan.milestones)
        ],
    )
    if contract.lines:
        session.execute(
            insert(ContractLineRow),
            [
                {
                    **key,
                    "line_id": line.id,
                    "position": place,
                    "amount_minor": line.amount_minor,
                    "description": line.description,
                }
                for place, line in enumerate(contract.lines)
            ],
        )


def schedule_values(plan: Plan) -> dict[str, Any]:
    """Give what a Plan says of the whole schedule beside its sums, as columns of its row."""
    proposal = plan.proposal
    return {
        "bound": [_jsonable(one) for one in plan.bound],
        "on_account_minor": plan.on_account_minor,
        "previews": [_jsonable(one) for one in plan.previews],
        "wordings": list(plan.wordings),
        "proposal": {
            "label": proposal.milestone.label,
            "amount_minor": proposal.amount_minor,
            "change_order_ids": list(proposal.change_order_ids),
        }
        if proposal
        else None,
    }


def _jsonable(value: Bound | Preview) -> dict[str, Any]:
    found = asdict(value)
    if "milestone_ids" in found:
        found["milestone_ids"] = list(found["milestone_ids"])
    return found | {"routing": value.routing.value}


def milestone_values(one: MilestonePlan, plan: Plan) -> dict[str, Any]:
    """Give a planned milestone as the columns of its row, position aside.

    Its terms are those of the schedule to be stored: the law's caps hold for one Plan only.
    """
    milestone = plan.schedule.milestone(one.milestone.id)
    return {
        "milestone_id": milestone.id,
        "label": milestone.label,
        "basis": basis_json(milestone.basis),
        "trigger": trigger_json(milestone.trigger),
        "pinned_minor": milestone.pinned_minor,
        "held": milestone.held,
        "cap_minor": milestone.cap_minor,
        "extra_minor": milestone.extra_minor,
        "share": one.share.value,
        "state": one.state.value,
        "amount_minor": one.amount_minor,
        "billed_minor": one.billed_minor,
        "paid_minor": one.paid_minor,
        "issue_on": one.issue_on,
        "due_on": one.due_on,
        "why": {"code": one.why.code, "facts": one.why.as_dict()},
        "pool": one.pool,
    }


def milestone_of(row: MilestoneRow) -> Milestone:
    """Read a milestone back from its row."""
    return Milestone(
        id=row.milestone_id,
        label=row.label,
        basis=basis_of(row.basis),
        trigger=trigger_of(row.trigger),
        pinned_minor=row.pinned_minor,
        held=row.held,
        cap_minor=row.cap_minor,
        extra_minor=row.extra_minor,
    )


def terms_json(milestone: Milestone) -> dict[str, Any]:
    """Give what was agreed of a milestone as JSON: no amount and no state."""
    return {
        "id": milestone.id,
        "label": milestone.label,
        "basis": basis_json(milestone.basis),
        "trigger": trigger_json(milestone.trigger),
    }


def terms_of(stored: Mapping[str, Any]) -> Milestone:
    """Read what was agreed of a milestone back."""
    return Milestone(
        id=stored["id"],
        label=stored["label"],
        basis=basis_of(stored["basis"]),
        trigger=trigger_of(stored["trigger"]),
    )


def basis_json(basis: Basis) -> dict[str, str]:
    """Give a basis as JSON: {"percent": "25"}, {"parts": "1"}, {"fixed_minor": "50000"}."""
    if isinstance(basis, Percent):
        return {"percent": f"{basis.value:f}"}
    if isinstance(basis, Parts):
        return {"parts": str(basis.count)}
    return {"fixed_minor": str(basis.amount_minor)}


def basis_of(stored: Mapping[str, str]) -> Basis:
    """Read a basis back."""
    if "percent" in stored:
        return Percent(value=Decimal(stored["percent"]))
    if "parts" in stored:
        return Parts(count=int(stored["parts"]))
    return Fixed(amount_minor=int(stored["fixed_minor"]))


def trigger_json(trigger: Trigger) -> dict[str, Any]:
    """Give a trigger as JSON, as `job show --json` prints it."""
    return {
        "when": trigger.when.value,
        "event": trigger.event,
        "days": trigger.days,
        "business_days": trigger.business_days,
    }


def trigger_of(stored: Mapping[str, Any]) -> Trigger:
    """Read a trigger back."""
    return Trigger(
        when=When(stored["when"]),
        event=stored["event"],
        days=stored["days"],
        business_days=stored["business_days"],
    )


def is_same(version: Version | None, plan: Plan, contract: Contract) -> bool:
    """Tell whether a plan says just what a stored version says already."""
    if version is None or len(version.milestones) != len(plan.milestones):
        return False
    sums = (plan.contract_total_minor, plan.credit_minor, plan.unallocated_minor)
    row = version.row
    return (
        sums == (row.contract_total_minor, row.credit_minor, row.unallocated_minor)
        and contract.lines == version.contract().lines
        and _holds(row, schedule_values(plan))
        and all(
            _holds(stored, milestone_values(one, plan))
            for stored, one in zip(version.milestones, plan.milestones, strict=True)
        )
    )


def _holds(row: ScheduleRow | MilestoneRow, values: Mapping[str, Any]) -> bool:
    return all(getattr(row, name) == value for name, value in values.items())


def _versions(realm_no: int, job_id: int) -> Any:
    mine = (ScheduleRow.realm_no == realm_no) & (ScheduleRow.job_id == job_id)
    return select(ScheduleRow).where(mine).order_by(ScheduleRow.version.desc())


def _version(session: Session, row: ScheduleRow) -> Version:
    def of(table: type[MilestoneRow] | type[ContractLineRow]) -> Any:
        return (
            select(table)
            .where(
                table.realm_no == row.realm_no,
                table.job_id == row.job_id,
                table.version == row.version,
            )
            .order_by(table.position)
        )

    return Version(
        row=row,
        milestones=tuple(session.scalars(of(MilestoneRow))),
        lines=tuple(session.scalars(of(ContractLineRow))),
    )
