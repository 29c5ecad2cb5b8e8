"""The judgement at the end of a seed: nothing is left to do, and everything ties out against
QuickBooks' own figures.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

from sqlalchemy import select, text

from milestone_engine.schedule import Basis, Percent
from sync.reports.job_reading import view_job
from sync.reports.job_view import JobView
from sync.store.tables import DecisionRow, FindingRow, JobRow, MirrorRow, WorkRow
from tests.checker import Violation
from tests.simulation.world import Side, World
from tests.unseen.rule import page_of

TERMINAL = ("done", "cancelled", "parked")
COMPARED = ("Estimate", "Invoice", "Payment", "CreditMemo", "Customer")


def judge_end(world: World, figures: Counter[str]) -> list[Violation]:
    """Judge a world that has come to rest; `figures` counts what was there to be judged."""
    found = [*_constraints(world)]
    world.look()
    explained = {
        (side.company.realm_id, subject.removeprefix("invoice:"))
        for side in world.sides
        for subject in _twins_told(world, side)
    }
    found += world.checker.finish(explained=explained)
    if world.mode == "observe" and (world.checker.our_writes or world.mail.accepted):
        found.append(Violation(rule="observe", message="something was written or sent"))
    for side in world.sides:
        if side is world.broken:
            continue
        found += _ledger(world, side, figures)
        found += _mirror(world, side, figures)
        found += _jobs(world, side, figures)
    return found


def _ledger(world: World, side: Side, figures: Counter[str]) -> Iterator[Violation]:
    with world.databases.app.begin(side.realm_no) as session:
        rows = session.scalars(select(WorkRow)).all()
        approved = {
            key
            for one in session.scalars(select(DecisionRow).where(DecisionRow.kind == "approve"))
            for key in one.facts["effects"]
        }
    for row in rows:
        if world.mode == "approve" and row.asked_at and row.effect_key not in approved:
            said = f"{row.effect_key} was asked for without a yes"
            yield Violation(rule="approval", message=said)
        figures[f"work {row.state}"] += 1
        if row.state == "parked":
            figures[f"parked {row.error_class}"] += 1
            if not row.error or not row.remedy:
                yield Violation(rule="parked", message=f"{row.kind} {row.work_id} says nothing")
        elif row.state not in TERMINAL:
            said = f"{row.kind} {row.work_id} is {row.state} for ever: {row.error}"
            yield Violation(rule="liveness", message=said)


def _mirror(world: World, side: Side, figures: Counter[str]) -> Iterator[Violation]:
    """What we hold is what QuickBooks holds."""
    with world.databases.app.begin(side.realm_no) as session:
        rows = session.scalars(select(MirrorRow).where(MirrorRow.entity.in_(COMPARED))).all()
    known = {(row.entity, row.qbo_id): row for row in rows if not row.is_deleted}
    theirs = {
        (entity, id): int(document["SyncToken"])
        for entity in COMPARED
        for id, document in side.company.tables.rows[entity].items()
    }
    figures["documents"] += len(theirs)
    for where, token in theirs.items():
        row = known.get(where)
        if row is None or row.sync_token != token:
            have = row.sync_token if row is not None else None
            yield Violation(rule="mirror", message=f"{where}: we have {have}, they have {token}")
    for where in set(known) - set(theirs):
        yield Violation(rule="mirror", message=f"{where} is gone and we still hold it")


def _jobs(world: World, side: Side, figures: Counter[str]) -> Iterator[Violation]:
    with world.databases.app.begin(side.realm_no) as session:
        jobs = session.scalars(select(JobRow).order_by(JobRow.job_id)).all()
        views = [view_job(session, side.realm_no, job.job_id) for job in jobs]
        parked = set(session.scalars(select(WorkRow.job_id).where(WorkRow.state == "parked")))
    for view in views:
        figures["jobs"] += 1
        figures[f"job {view.state}"] += 1
        if not any(one.subject.startswith("estimate:") for one in view.findings):
            # Else nobody can read what was agreed: the page stands still until a person helps.
            yield from _tie_out(world, side, view)
        for finding in view.findings:
            figures[f"finding {finding.code}"] += 1
        if view.state != "active" or not view.milestones:
            continue
        yield from _by_the_rule(view, figures)
        if world.mode != "observe" and not view.findings and view.job_id not in parked:
            yield from _all_is_billed(view, figures)


def _tie_out(world: World, side: Side, view: JobView) -> Iterator[Violation]:
    """Every payment says what QuickBooks' own invoices say."""
    ours = [
        side.company.render("Invoice", side.company.tables.rows["Invoice"][id])
        for (_, id), key in world.checker.live().items()
        if key.startswith(f"{side.company.realm_id}/{view.job_id}.")
        and id in side.company.tables.rows["Invoice"]
    ]
    total = sum(_cents(one["TotalAmt"]) for one in ours)
    left = sum(_cents(one["Balance"]) for one in ours)
    shown_total = sum(one.invoice_total_minor or 0 for one in view.milestones)
    shown_left = sum(one.invoice_open_minor or 0 for one in view.milestones)
    if view.milestones and (total, left) != (shown_total, shown_left):
        said = f"job {view.base}: QuickBooks {total} of which {left} open"
        message = f"{said}, the page {shown_total} and {shown_left}"
        yield Violation(rule="tie_out", message=message)


def _by_the_rule(view: JobView, figures: Counter[str]) -> Iterator[Violation]:
    """The sums keep, and where nothing was pinned the amounts are those of the page's rule."""
    amounts = [one.amount_minor for one in view.milestones]
    expected = view.contract_total_minor + view.credit_minor - view.unallocated_minor
    if sum(amounts) != expected:
        yield Violation(rule="sum", message=f"job {view.base}: {amounts} is not {expected}")
    if view.findings or any(one.state == "forgotten" for one in view.milestones):
        return
    figures["jobs by the rule"] += 1
    page = page_of(
        {
            "currency": view.currency,
            "contract_total": f"{view.contract_total_minor // 100}"
            f".{view.contract_total_minor % 100:02d}",
            "milestones": [
                {
                    "basis": _basis(one.basis),
                    "billed": _text(one.billed_minor),
                    "paid": _text(one.paid_minor),
                }
                for one in view.milestones
            ],
        }
    )
    by_rule = [row.amount for row in page.rows]
    if by_rule != amounts:
        said = f"job {view.base}: {amounts}, by the rule {by_rule}"
        yield Violation(rule="rule", message=said)


def _basis(basis: Basis) -> dict[str, str]:
    """Write a milestone's basis as the page's JSON has it."""
    assert isinstance(basis, Percent), basis
    return {"percent": str(basis.value)}


def _all_is_billed(view: JobView, figures: Counter[str]) -> Iterator[Violation]:
    """The work on site is over: whatever has a price has an invoice, and the customer knows."""
    figures["jobs billed"] += 1
    for one in view.milestones:
        if one.amount_minor > 0 and one.billed_minor != one.amount_minor:
            said = f"job {view.base} {one.id}: {one.amount_minor}, billed {one.billed_minor}"
            yield Violation(rule="unbilled", message=said)


def _twins_told(world: World, side: Side) -> Iterator[str]:
    with world.databases.app.begin(side.realm_no) as session:
        rows = session.scalars(
            select(FindingRow).where(
                FindingRow.closed_at.is_(None),
                FindingRow.code.in_(["invoice_twin", "invoice_copied"]),
            )
        )
        for row in rows:
            yield row.subject
            yield f"invoice:{row.facts.get('first', '')}"


def _constraints(world: World) -> Iterator[Violation]:
    with world.databases.owner.begin() as session:
        doubled = session.execute(
            text(
                "SELECT target FROM work WHERE target IS NOT NULL AND state NOT IN"
                " ('done', 'cancelled') GROUP BY realm_no, target HAVING count(*) > 1"
            )
        ).all()
    for row in doubled:
        yield Violation(rule="ledger", message=f"two rows for {row[0]}")


def _cents(amount: object) -> int:
    return int(Decimal(str(amount)).scaleb(2))


def _text(minor: int | None) -> str | None:
    return None if minor is None else f"{minor // 100}.{minor % 100:02d}"
