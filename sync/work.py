"""The ledger `work`: add, claim, ask, finish, retry, park.

A row goes ready -> sent -> running -> done, back to ready with a later time, or to parked or
cancelled. A claim takes a lease and a fresh token; every later write carries the token, so a
process that was frozen past its lease writes nothing (`Fenced`). `asked_at` is committed just
before an effect's call: whoever claims a row and finds it set reads back first.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    case,
    func,
    insert,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from sync.errors import Fenced, SyncError
from sync.store.database import Database
from sync.store.tables import AttemptRow, JobRow, WorkRow

LEASE_S = 90
#: A row that fails for this many tries, over about two days, is parked.
RETRY_DELAYS_S = (2, 5, 15, 60, 300, 900, 3600, 7200, 14_400, 28_800, 57_600, 57_600)
#: What is tried for ever is tried this often: as often as a company's books are read anyway.
ENDLESS_DELAY_S = 900
#: An unanswered write is made again only this long after it was asked: Intuit may work 120 s on it.
ASK_AGAIN_S = 130
#: Another row of the lane is running: come back this soon.
LANE_WAIT_S = (0.05, 0.35)

#: In an effect's payload: when a person said that nothing came of its unanswered call, or let a
#: mail go.
CLEARED_AT = "cleared_at"

UNFINISHED = ("proposed", "ready", "sent", "running", "parked")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of work: the queue that carries it and how urgent it is (lower is sooner)."""

    queue: str
    priority: int
    #: It is tried again for ever: what it brings is needed whenever the trouble ends.
    is_endless: bool = False


KINDS: Mapping[str, Kind] = {
    "bill": Kind(queue="push", priority=0),
    "revise": Kind(queue="push", priority=0),
    "void": Kind(queue="push", priority=0),
    "mail": Kind(queue="mail", priority=10),
    "decide": Kind(queue="engine", priority=20),
    "pull": Kind(queue="pull", priority=30, is_endless=True),
}
QUEUES = tuple(sorted({kind.queue for kind in KINDS.values()}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A row of work in our hands, until the lease ends or somebody takes it over."""

    realm_no: int
    work_id: int
    token: int
    kind: str
    job_id: int | None
    payload: Mapping[str, Any]
    attempts: int
    asked_at: datetime | None
    request_id: str | None
    fingerprint: str | None
    created_at: datetime


def add(
    session: Session,
    *,
    realm_no: int,
    kind: str,
    lane: str,
    job_id: int | None = None,
    coalesce_key: str | None = None,
    target: str | None = None,
    effect_key: str | None = None,
    payload: Mapping[str, Any] | None = None,
    fingerprint: str | None = None,
    plan_hash: str | None = None,
    not_before: datetime | None = None,
    delay_s: float = 0,
    state: str = "ready",
    continues: WorkRow | None = None,
) -> int | None:
    """Write down something to be done, in the caller's transaction.

    `continues` is an earlier row that was asked and given up: it is read back from its time on.

    Returns:
        Its work id, or None where a waiting row already says the same (`coalesce_key`, `target` or
        `effect_key`).
    """
    row = {
        "realm_no": realm_no,
        "kind": kind,
        "queue": KINDS[kind].queue,
        "priority": KINDS[kind].priority,
        "lane": lane,
        "job_id": job_id,
        "coalesce_key": coalesce_key,
        "target": target,
        "effect_key": effect_key,
        "payload": dict(payload or {}),
        "fingerprint": fingerprint,
        "plan_hash": plan_hash,
        "not_before": not_before,
        "retry_at": func.lease_now() + timedelta(seconds=delay_s),
        "state": state,
    }
    if continues is not None:
        row |= {"asked_at": continues.asked_at, "created_at": continues.created_at}
    added = upsert(WorkRow).values(row).on_conflict_do_nothing().returning(WorkRow.work_id)
    return session.scalars(added).one_or_none()


def job_lane(job_id: int) -> str:
    """Name the lane in which everything of one job runs one after the other."""
    return f"job/{job_id}"


def claim(database: Database, realm_no: int, work_id: int, *, process_id: str) -> Claim | None:
    """Take a sent row: at most one process gets it, and at most one row of its lane runs.

    Returns:
        The claim, or None: the wake-up was stale or doubled, or the lane is busy (the row then
        comes back soon).
    """
    try:
        with database.begin(realm_no) as session:
            return _take(session, realm_no, work_id, process_id=process_id)
    except IntegrityError:
        with database.begin(realm_no) as session:
            _put_back_for_lane(session, realm_no, work_id)
        return None


def _take(session: Session, realm_no: int, work_id: int, *, process_id: str) -> Claim | None:
    taken = (
        update(WorkRow)
        .where(_is(realm_no, work_id), WorkRow.state == "sent")
        .values(
            state="running",
            attempts=WorkRow.attempts + 1,
            first_tried_at=func.coalesce(WorkRow.first_tried_at, func.lease_now()),
            token=text("nextval('work_token')"),
            process_id=process_id,
            lease_until=func.lease_now() + timedelta(seconds=LEASE_S),
        )
        .returning(WorkRow)
    )
    row = session.scalars(taken).one_or_none()
    if row is None:
        return None
    number = select(func.coalesce(func.max(AttemptRow.number), 0) + 1).where(
        AttemptRow.realm_no == realm_no, AttemptRow.work_id == work_id
    )
    session.execute(
        insert(AttemptRow).values(
            realm_no=realm_no,
            work_id=work_id,
            number=number.scalar_subquery(),
            process_id=process_id,
            started_at=func.lease_now(),
        )
    )
    return Claim(
        realm_no=realm_no,
        work_id=work_id,
        token=row.token,
        kind=row.kind,
        job_id=row.job_id,
        payload=row.payload,
        attempts=row.attempts,
        asked_at=row.asked_at,
        request_id=row.request_id,
        fingerprint=row.fingerprint,
        created_at=row.created_at,
    )


def ask(session: Session, held: Claim, *, request_id: str) -> str:
    """Note that the call is about to be made, and under which `requestid`: the first one stays for
    ever.
    """
    stored: str | None = session.scalars(
        _mine(held)
        .values(
            asked_at=func.lease_now(),
            request_id=func.coalesce(WorkRow.request_id, request_id),
            lease_until=func.lease_now() + timedelta(seconds=LEASE_S),
        )
        .returning(WorkRow.request_id)
    ).one_or_none()
    if stored is None:
        raise Fenced(f"work {held.work_id} belongs to another process")
    return stored


def not_asked(session: Session, held: Claim) -> None:
    """Take `asked_at` back: the call certainly did not reach QuickBooks."""
    _fenced(held, session.execute(_mine(held).values(asked_at=None)))


def is_in_doubt(asked_at: datetime | None, payload: Mapping[str, Any]) -> bool:
    """Tell whether a call may have made something that no person has looked for since."""
    cleared_at = payload.get(CLEARED_AT)
    if asked_at is None or cleared_at is None:
        return asked_at is not None
    return datetime.fromisoformat(cleared_at) < asked_at


def finish(session: Session, held: Claim, *, result: Mapping[str, Any] | None = None) -> None:
    """End the row as done, in the caller's transaction: what it brought is stored beside it."""
    done = _mine(held).values(
        state="done", result=dict(result or {}), done_at=func.lease_now(), lease_until=None
    )
    _fenced(held, session.execute(done))
    _end_attempt(session, held, outcome="done")


def cancel(session: Session, held: Claim, *, why: str) -> None:
    """End the row as overtaken: what it was to do is no longer wanted."""
    ended = _mine(held).values(
        state="cancelled", error=why, done_at=func.lease_now(), lease_until=None
    )
    _fenced(held, session.execute(ended))
    _end_attempt(session, held, outcome="cancelled")


def put_back(session: Session, held: Claim, *, delay_s: float, costs_a_try: bool) -> None:
    """Give the row back for later without a verdict."""
    attempts = WorkRow.attempts if costs_a_try else WorkRow.attempts - 1
    again = _mine(held).values(
        state=ready_unless_another_waits(),
        attempts=attempts,
        lease_until=None,
        retry_at=func.lease_now() + timedelta(seconds=delay_s),
    )
    _fenced(held, session.execute(again))
    _end_attempt(session, held, outcome="put back")


def retry_later(session: Session, held: Claim, *, error: Exception) -> bool:
    """Note the failure and come back later; past the last try, park.

    What is endless is not parked: a company whose books nobody reads any more would be a sync that
    stopped without a word.

    Returns:
        Whether the row is tried again.
    """
    if KINDS[held.kind].is_endless:
        wait_s = min(RETRY_DELAYS_S[min(held.attempts, len(RETRY_DELAYS_S)) - 1], ENDLESS_DELAY_S)
    elif held.attempts > len(RETRY_DELAYS_S) - 1:
        park(session, held, error=error)
        return False
    else:
        wait_s = RETRY_DELAYS_S[held.attempts - 1]
    again = _mine(held).values(
        state=ready_unless_another_waits(),
        lease_until=None,
        retry_at=func.lease_now() + timedelta(seconds=wait_s * random.uniform(0.8, 1.2)),
        error_class=type(error).__name__,
        error=_said(error),
    )
    _fenced(held, session.execute(again))
    _end_attempt(session, held, outcome="retry", error=error)
    return True


def park(session: Session, held: Claim, *, error: Exception) -> None:
    """Leave the row to a person, with the reason and what to do about it."""
    parked = _mine(held).values(
        state="parked",
        lease_until=None,
        error_class=type(error).__name__,
        error=_said(error),
        remedy=getattr(error, "remedy", "") or "See the runbook, then: milestone-sync queue retry.",
    )
    _fenced(held, session.execute(parked))
    _end_attempt(session, held, outcome="parked", error=error)


def due_now() -> ColumnElement[datetime]:
    """Give a moment at which a job is to be looked at that is now, and never the one on record.

    A decision that is under way knows by a moment other than the one it read that the facts have
    moved; two changes of one instant must not look like one.
    """
    is_due = JobRow.look_at <= func.business_now()
    return case((is_due, JobRow.look_at - timedelta(microseconds=1)), else_=func.business_now())


def look_again(session: Session, realm_no: int, job_id: int) -> None:
    """Say that a job's Plan must be made again, now. Part of whatever transaction changed its
    facts.
    """
    session.execute(
        update(JobRow)
        .where(JobRow.realm_no == realm_no, JobRow.job_id == job_id)
        .values(look_at=due_now())
    )
    # A decision that was parked is worth another try: its facts have changed.
    session.execute(
        update(WorkRow)
        .where(
            WorkRow.realm_no == realm_no,
            WorkRow.job_id == job_id,
            WorkRow.kind == "decide",
            WorkRow.state == "parked",
        )
        .values(state="cancelled", done_at=func.lease_now(), error=literal("facts changed"))
    )


def ready_unless_another_waits() -> ColumnElement[str]:
    """Give the state in which a row goes back: `ready`, or `cancelled` if one like it waits.

    While a row runs, another of its `coalesce_key` may have been added: two cannot wait.
    """
    other = aliased(WorkRow)
    waits = (
        select(other.work_id)
        .where(
            other.realm_no == WorkRow.realm_no,
            other.coalesce_key == WorkRow.coalesce_key,
            other.work_id != WorkRow.work_id,
            other.state.in_(["ready", "sent"]),
        )
        .exists()
    )
    return case((waits, "cancelled"), else_="ready")


def facts_moved(session: Session, held: Claim) -> bool:
    """Tell whether the job's facts have changed since it was last decided on."""
    waiting = select(JobRow.look_at <= func.business_now()).where(
        JobRow.realm_no == held.realm_no, JobRow.job_id == held.job_id
    )
    return bool(session.scalars(waiting).one())


def _mine(held: Claim) -> Any:
    return update(WorkRow).where(
        _is(held.realm_no, held.work_id), WorkRow.state == "running", WorkRow.token == held.token
    )


def _is(realm_no: int, work_id: int) -> Any:
    return (WorkRow.realm_no == realm_no) & (WorkRow.work_id == work_id)


def _fenced(held: Claim, outcome: Any) -> None:
    assert isinstance(outcome, CursorResult)
    if outcome.rowcount != 1:
        raise Fenced(f"work {held.work_id} belongs to another process")


def _put_back_for_lane(session: Session, realm_no: int, work_id: int) -> None:
    wait = timedelta(seconds=random.uniform(*LANE_WAIT_S))
    session.execute(
        update(WorkRow)
        .where(_is(realm_no, work_id), WorkRow.state == "sent")
        .values(state="ready", retry_at=func.lease_now() + wait)
    )


def _end_attempt(
    session: Session, held: Claim, *, outcome: str, error: Exception | None = None
) -> None:
    last = select(func.max(AttemptRow.number)).where(
        AttemptRow.realm_no == held.realm_no, AttemptRow.work_id == held.work_id
    )
    session.execute(
        update(AttemptRow)
        .where(
            AttemptRow.realm_no == held.realm_no,
            AttemptRow.work_id == held.work_id,
            AttemptRow.number == last.scalar_subquery(),
        )
        .values(
            ended_at=func.lease_now(),
            outcome=outcome,
            error_class=type(error).__name__ if error else None,
            error=_said(error) if error else None,
            intuit_tid=getattr(error, "intuit_tid", None),
        )
    )


def _said(error: Exception) -> str:
    # Only our own errors are written to be read; a foreign one may quote a customer's data.
    return str(error) if isinstance(error, SyncError) else type(error).__name__
