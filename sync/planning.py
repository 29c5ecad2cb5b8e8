"""What would change: the loop's own pull and decide on a transaction that is rolled back, and
saying yes to it.

Nothing is stored but what learning costs: a rotated token and the count of metered calls.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, insert, select, text, update
from sqlalchemy.orm import Session

from milestone_engine.money import format_money
from sync import decide, effects, feed, pull, work
from sync.bootstrap import App
from sync.gather import gather_facts
from sync.store import journal
from sync.store.database import lease_now
from sync.store.tables import DecisionRow, JobRow, WorkRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What would become of one job."""

    realm_no: int
    decision: decide.Decision
    plan_hash: str


class _RollBack(Exception):
    """Ends a transaction without a trace."""


class PlanMoved(Exception):
    """The facts moved since the plan was shown: look at it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Previewed:
    """What would become of a company's jobs."""

    jobs: tuple[Preview, ...]

    @property
    def changes(self) -> tuple[Preview, ...]:
        """The jobs for which something would be done, or which need a person."""
        return tuple(one for one in self.jobs if one.decision.wanted or one.decision.findings)


def preview(app: App, realm_no: int, *, base: str | None = None) -> Previewed:
    """Show what a sync would change now, and write nothing.

    Args:
        app: the installation.
        realm_no: the company.
        base: one job, by its name for people; None: every job.
    """
    changes = feed.fetch(app, realm_no)
    found: list[Preview] = []
    try:
        with app.database.begin(realm_no) as session:
            pull.apply(session, realm_no, changes)
            for job_id in _job_ids(session, realm_no, base):
                found.append(_preview_job(session, app, realm_no, job_id))
            session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
            session.expunge_all()
            raise _RollBack
    except _RollBack:
        pass
    return Previewed(jobs=tuple(found))


def _job_ids(session: Session, realm_no: int, base: str | None) -> Sequence[int]:
    asked = select(JobRow.job_id).where(JobRow.realm_no == realm_no).order_by(JobRow.job_id)
    return session.scalars(asked if base is None else asked.where(JobRow.base == base)).all()


def _preview_job(session: Session, app: App, realm_no: int, job_id: int) -> Preview:
    facts = gather_facts(session, realm_no, job_id)
    decision = decide.decide(app, facts)
    if decision.plan is not None:
        decide.apply(session, decision)
    return Preview(
        realm_no=realm_no, decision=decision, plan_hash=effects.hash_of(facts, decision.wanted)
    )


def approve_as_shown(app: App, realm_no: int, plan_hash: str, *, author: str) -> int:
    """Read the books, and let a plan go if it is still the one that was shown.

    Returns:
        How many effects may go; 0 if no such plan waits.

    Raises:
        PlanMoved: the facts have moved since, and how. What was read and decided is kept.
        SyncError: the books could not be read: nobody can say yes to what nobody has seen.
    """
    with app.database.begin(realm_no) as session:
        if not _proposed(session, realm_no, plan_hash):
            return 0
    changes = feed.fetch(app, realm_no)
    with app.database.begin(realm_no) as session:
        pull.apply(session, realm_no, changes)
        moved = _decide_again(session, app, realm_no, plan_hash)
        if not moved:
            return approve(session, realm_no, plan_hash, author=author)
    raise PlanMoved(f"the facts have moved since this plan was shown. {moved}")


def _decide_again(session: Session, app: App, realm_no: int, plan_hash: str) -> str:
    """Decide the plan's jobs whose facts have moved; say what became of the plan, "" if nothing."""
    rows = _proposed(session, realm_no, plan_hash)
    for job_id in sorted({row.job_id for row in rows if row.job_id is not None}):
        if not _has_moved(session, realm_no, job_id):
            continue
        facts = gather_facts(session, realm_no, job_id)
        shown = [_say(row.kind, row.payload, facts.job.currency) for row in rows]
        decision = decide.decide(app, facts)
        if not decide.apply(session, decision):
            return "It is being decided anew: look at it again."
        now = effects.hash_of(facts, decision.wanted)
        if now != plan_hash:
            wanted = [_say(one.kind, one.payload, facts.job.currency) for one in decision.wanted]
            return _say_difference(shown, wanted, plan_hash=now)
    return ""


def _say(kind: str, payload: Mapping[str, Any], currency: str) -> str:
    """Say an effect in a few words: `bill 1042-M1 3000.00`."""
    planned = payload.get("planned")
    if planned is None:
        return f"{kind} {payload.get('doc_number') or payload.get('notice')}"
    amount = format_money(planned["amount_minor"], currency=currency)
    return f"{kind} {planned['doc_number']} {amount}"


def _say_difference(shown: Sequence[str], wanted: Sequence[str], *, plan_hash: str) -> str:
    gone = [one for one in shown if one not in wanted]
    new = [one for one in wanted if one not in shown]
    said = [f"Was: {', '.join(gone)}."] if gone else []
    said += [f"Is: {', '.join(new)}."] if new else []
    said += [f"The plan is {plan_hash} now." if plan_hash else "Nothing is to be done now."]
    return " ".join(said)


def _proposed(session: Session, realm_no: int, plan_hash: str) -> Sequence[WorkRow]:
    mine = (WorkRow.realm_no == realm_no) & (WorkRow.plan_hash == plan_hash)
    asked = select(WorkRow).where(mine, WorkRow.state == "proposed").order_by(WorkRow.work_id)
    return session.scalars(asked.with_for_update()).all()


def _has_moved(session: Session, realm_no: int, job_id: int | None) -> bool:
    """Tell whether a job waits to be decided anew."""
    mine = (JobRow.realm_no == realm_no) & (JobRow.job_id == job_id)
    return bool(session.scalars(select(JobRow.look_at <= func.business_now()).where(mine)).one())


def approve(session: Session, realm_no: int, plan_hash: str, *, author: str) -> int:
    """Let the proposed effects of a plan go, exactly those that were shown.

    What stands in QuickBooks by now is not asked: that is `approve_as_shown()`.

    Returns:
        How many; 0 if no such plan waits.

    Raises:
        PlanMoved: a job's facts have changed since.
    """
    rows = _proposed(session, realm_no, plan_hash)
    for job_id in {row.job_id for row in rows}:
        if _has_moved(session, realm_no, job_id):
            raise PlanMoved("the facts have moved since this plan was shown; look at it again")
        let_go = {"effects": [row.effect_key for row in rows if row.job_id == job_id]}
        session.execute(
            insert(DecisionRow).values(
                realm_no=realm_no,
                job_id=job_id,
                kind="approve",
                subject=f"plan:{plan_hash}",
                facts=let_go,
                author=author,
                decided_at=func.business_now(),
            )
        )
        if job_id is not None:
            said = {"kind": "approve", "subject": f"plan:{plan_hash}", "facts": let_go}
            journal.add(
                session, realm_no, job_id, cause=journal.DECISION, author=author, after=said
            )
    session.execute(
        update(WorkRow)
        .where(WorkRow.realm_no == realm_no, WorkRow.work_id.in_([row.work_id for row in rows]))
        .values(state="ready", retry_at=func.lease_now())
    )
    for row in rows:
        if row.kind == "mail":
            # It waited for the yes: it is no old news by that.
            row.payload = {**row.payload, work.CLEARED_AT: lease_now(session).isoformat()}
    return len(rows)
