"""The dispatcher: wakes what is due, hands ready rows out fairly, and brings back what got lost.

Two or more may run: rows are picked with SKIP LOCKED and every step is safe twice. Rows are marked
`sent` and committed before the wake-up is pushed; a wake-up that never arrives is repaired by the
sweep, so Redis may lose everything.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from sync import fail_points
from sync.ports import Clock, OutsideClock, WakeQueue
from sync.store.database import Database, business_now
from sync.store.tables import BusinessClockRow

logger = logging.getLogger(__name__)

TICK_S = 0.1
SWEEP_EVERY_S = 3.0
#: A wake-up that nobody took within this time is sent again.
SENT_LOST_S = 15
#: A process that has not renewed its row for this long holds no lease any more.
PROCESS_SILENT_S = 15
#: At most this many rows of one company are in the workers' hands at a time.
IN_HAND_PER_REALM = 8
BATCH = 200
#: Deliveries that nobody can read lead to a pull of every company, and each to one in this time:
#: reads cost money.
UNTOLD_PAUSE_S = 300
#: A step of the business clock: a day, or up to the next day on which something falls due.
CLOCK_STEP_S = 86_400
#: An outside clock is asked this often; more only while we are behind it.
CLOCK_ASKED_EVERY_S = 0.3
#: A row that cannot be finished does not hold time up for longer than this.
CLOCK_PATIENCE_S = 20.0


class _Stop(Protocol):
    def wait(self, timeout: float) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WakeUp:
    """One row on its way to a worker."""

    queue: str
    realm_no: int
    work_id: int


class Dispatcher:
    """The loop around `tick`. Holds nothing but times: everything else is in the database."""

    def __init__(
        self,
        *,
        database: Database,
        wake_queue: WakeQueue,
        outside_clock: OutsideClock | None,
        clock: Clock,
    ) -> None:
        """Take the dispatcher's own database role and the queue to push to."""
        self._database = database
        self._wake_queue = wake_queue
        self._outside_clock = outside_clock
        self._clock = clock
        self._swept_at = 0.0
        self._asked_at = 0.0
        self._held_since: float | None = None

    def run(self, stop: _Stop) -> None:
        """Tick until told to stop. A tick that fails is logged and tried again."""
        while not stop.wait(TICK_S):
            try:
                self.tick()
            except Exception as exc:
                logger.warning("dispatch.tick_failed", extra={"error_class": type(exc).__name__})
                stop.wait(0.5)

    def tick(self) -> int:
        """Do everything that is due once; tell how many rows were handed out."""
        if self._outside_clock is not None:
            self._follow(self._outside_clock)
        if self._clock.monotonic() - self._swept_at >= SWEEP_EVERY_S:
            self._swept_at = self._clock.monotonic()
            with self._database.begin() as session:
                sweep(session)
        with self._database.begin() as session:
            wake_jobs(session)
            run_timers(session)
        with self._database.begin() as session:
            picked = pick(session)
        if picked:
            fail_points.reach("dispatch.marked")
        for one in picked:
            self._wake_queue.wake(one.queue, one.realm_no, one.work_id)
        return len(picked)

    def _follow(self, clock: OutsideClock) -> None:
        if self._clock.monotonic() - self._asked_at < CLOCK_ASKED_EVERY_S:
            return
        self._asked_at = self._clock.monotonic()
        target = clock.now()
        if target is None:
            return
        with self._database.begin() as session:
            seen_s = session.execute(select(BusinessClockRow.offset_s)).scalar_one()
            ahead_s = int((target - business_now(session)).total_seconds())
            if ahead_s < 2:
                self._held_since = None
                return
            if ahead_s > 60 and self._is_held(session):
                return
            self._held_since = None
            quiet_s = session.execute(_QUIET_FOR).scalar_one()
            step_s = min(ahead_s, max(CLOCK_STEP_S, int(quiet_s)))
            self._asked_at = 0.0  # there may be more to follow at once
            # Another dispatcher may have taken the same step meanwhile: it is not taken twice.
            session.execute(
                update(BusinessClockRow)
                .where(BusinessClockRow.offset_s == seen_s)
                .values(offset_s=seen_s + step_s)
            )

    def _is_held(self, session: Session) -> bool:
        # What is due today is done today, before the clock goes on; but not for ever.
        if not is_busy(session):
            return False
        self._held_since = self._held_since or self._clock.monotonic()
        return self._clock.monotonic() - self._held_since < CLOCK_PATIENCE_S


_WAKE_JOBS = text("""
    INSERT INTO work (realm_no, kind, queue, job_id, lane, coalesce_key, priority)
    SELECT realm_no, 'decide', 'engine', job_id, 'job/' || job_id, 'decide/' || job_id, 20
      FROM job
     WHERE look_at <= business_now()
       AND NOT EXISTS (SELECT FROM work
                        WHERE work.realm_no = job.realm_no AND work.job_id = job.job_id
                          AND kind = 'decide' AND state IN ('ready', 'sent', 'running', 'parked'))
     LIMIT :batch
    ON CONFLICT DO NOTHING
""")

_RUN_TIMERS = text("""
    WITH due AS (
        SELECT realm_no, name FROM timer WHERE next_at <= business_now()
         ORDER BY next_at LIMIT :batch FOR UPDATE SKIP LOCKED
    ), next_turn AS (
        UPDATE timer SET next_at = business_now() + make_interval(secs => every_s)
          FROM due WHERE (timer.realm_no, timer.name) = (due.realm_no, due.name)
        RETURNING timer.realm_no
    )
    INSERT INTO work (realm_no, kind, queue, lane, coalesce_key, priority)
    SELECT realm_no, 'pull', 'pull', 'pull', 'pull', 30 FROM next_turn
    ON CONFLICT DO NOTHING
""")

# A delivery that nobody could read, and that does not say whose it is, may tell of any company:
# each is pulled unless it was since. This role sees nothing of it but its time.
_PULL_UNTOLD = text("""
    WITH told AS (
        SELECT max(received_at) AS at FROM inbox
         WHERE realm_no IS NULL AND operation = 'unreadable'
           AND received_at > lease_now() - interval '1 day'
    )
    INSERT INTO work (realm_no, kind, queue, lane, coalesce_key, priority)
    SELECT realm_no, 'pull', 'pull', 'pull', 'pull', 30 FROM realm, told
     WHERE realm.state = 'connected' AND told.at IS NOT NULL
       AND NOT EXISTS (SELECT FROM work
                        WHERE work.realm_no = realm.realm_no AND kind = 'pull'
                          AND (state IN ('ready', 'sent') OR first_tried_at >
                               least(told.at, lease_now() - make_interval(secs => :pause_s))))
    ON CONFLICT DO NOTHING
""")

# Of every lane only the first row, and none while another of the lane is in hand. No effect of a
# job whose facts have moved: it is decided first. None of a company whose books are to be read
# first. Round by round every company gets one, and none more than its share.
_PICK = text("""
    WITH unread AS MATERIALIZED (SELECT realm_no FROM unread_realm), heads AS (
        SELECT DISTINCT ON (realm_no, lane) realm_no, work_id, priority, retry_at
          FROM work
         WHERE state = 'ready' AND retry_at <= lease_now()
           AND (not_before IS NULL OR not_before <= business_now())
           AND (kind = 'decide' OR NOT EXISTS (SELECT FROM job
                            WHERE job.realm_no = work.realm_no AND job.job_id = work.job_id
                              AND job.look_at <= business_now()))
           AND (work.kind NOT IN ('bill', 'revise', 'void', 'mail')
                OR work.realm_no NOT IN (SELECT realm_no FROM unread))
           AND NOT EXISTS (SELECT FROM work AS held
                            WHERE held.realm_no = work.realm_no AND held.lane = work.lane
                              AND held.state IN ('sent', 'running'))
         ORDER BY realm_no, lane, priority, retry_at, work_id
    ), ready AS (
        SELECT realm_no, work_id,
               row_number() OVER (PARTITION BY realm_no ORDER BY priority, retry_at, work_id)
               + (SELECT count(*) FROM work AS held WHERE held.realm_no = work.realm_no
                                                      AND held.state IN ('sent', 'running')) AS turn
          FROM heads AS work
         WHERE EXISTS (SELECT FROM realm
                        WHERE realm.realm_no = work.realm_no AND realm.state = 'connected'
                          AND coalesce(realm.blocked_until, '-infinity') <= lease_now())
    ), chosen AS (
        SELECT realm_no, work_id FROM ready WHERE turn <= :in_hand ORDER BY turn LIMIT :batch
    ), locked AS (
        SELECT work.realm_no, work.work_id FROM work JOIN chosen USING (realm_no, work_id)
         WHERE work.state = 'ready' FOR UPDATE OF work SKIP LOCKED
    )
    UPDATE work SET state = 'sent', sent_at = lease_now()
      FROM locked WHERE (work.realm_no, work.work_id) = (locked.realm_no, locked.work_id)
    RETURNING work.queue, work.realm_no, work.work_id
""")

_SWEEP_SENT = text("""
    UPDATE work SET state = 'ready', retry_at = lease_now()
     WHERE state = 'sent' AND sent_at < lease_now() - make_interval(secs => :lost_s)
    RETURNING realm_no, work_id
""")

_SWEEP_RUNNING = text("""
    UPDATE work
       SET state = CASE WHEN EXISTS (SELECT FROM work AS other
                                      WHERE other.realm_no = work.realm_no
                                        AND other.coalesce_key = work.coalesce_key
                                        AND other.work_id <> work.work_id
                                        AND other.state IN ('ready', 'sent'))
                        THEN 'cancelled' ELSE 'ready' END,
           retry_at = lease_now(), lease_until = NULL
     WHERE state = 'running'
       AND (lease_until < lease_now()
            OR NOT EXISTS (SELECT FROM process
                            WHERE process.process_id = work.process_id AND gone_at IS NULL
                              AND seen_at > lease_now() - make_interval(secs => :silent_s)))
    RETURNING realm_no, work_id, process_id
""")

_END_LOST_ATTEMPTS = text("""
    UPDATE attempt SET ended_at = lease_now(), outcome = 'lost'
     WHERE (realm_no, work_id) = (:realm_no, :work_id) AND ended_at IS NULL
""")

# The time from now to the next date that a job or a row of work waits for.
_QUIET_FOR = text("""
    SELECT extract(epoch FROM
                   coalesce(min(due), business_now() + interval '10 years') - business_now())
      FROM (SELECT min(look_at) AS due FROM job WHERE look_at > business_now()
            UNION ALL
            SELECT min(not_before) FROM work WHERE state = 'ready' AND not_before > business_now())
        AS waiting
""")

_BUSY = text("""
    WITH unread AS MATERIALIZED (SELECT realm_no FROM unread_realm), awake AS (
        SELECT realm_no FROM realm
         WHERE state = 'connected' AND coalesce(blocked_until, '-infinity') <= lease_now()
    )
    SELECT EXISTS (SELECT FROM work WHERE state IN ('sent', 'running'))
        OR EXISTS (SELECT FROM work JOIN awake USING (realm_no)
                    WHERE state = 'ready' AND retry_at <= lease_now() + interval '5 s'
                      AND (not_before IS NULL OR not_before <= business_now())
                      AND (kind NOT IN ('bill', 'revise', 'void', 'mail')
                           OR realm_no NOT IN (SELECT realm_no FROM unread))
                      AND (kind = 'decide' OR NOT EXISTS (SELECT FROM job
                            WHERE job.realm_no = work.realm_no AND job.job_id = work.job_id
                              AND job.look_at <= business_now())))
        OR EXISTS (SELECT FROM job JOIN awake USING (realm_no)
                    WHERE look_at <= business_now()
                      AND NOT EXISTS (SELECT FROM work
                                       WHERE work.realm_no = job.realm_no
                                         AND work.job_id = job.job_id
                                         AND kind = 'decide' AND work.state = 'parked'))
""")


def wake_jobs(session: Session) -> None:
    """Give every job whose time to be looked at has come a row of work, unless
    one waits already.
    """
    session.execute(_WAKE_JOBS, {"batch": BATCH})


def run_timers(session: Session) -> None:
    """Give every timer that is due its row of work and set its next turn."""
    session.execute(_RUN_TIMERS, {"batch": BATCH})


def pick(session: Session) -> Sequence[WakeUp]:
    """Mark ready rows as sent, round by round over the companies, and give them for waking."""
    limits = {"in_hand": IN_HAND_PER_REALM, "batch": BATCH}
    rows = session.execute(_PICK, limits)
    return [WakeUp(queue=queue, realm_no=realm, work_id=work) for queue, realm, work in rows]


def sweep(session: Session) -> None:
    """Bring back rows whose wake-up was lost or whose worker is gone; order the pulls that an
    unreadable delivery may have asked for.
    """
    session.execute(_PULL_UNTOLD, {"pause_s": UNTOLD_PAUSE_S})
    for realm_no, work_id in session.execute(_SWEEP_SENT, {"lost_s": SENT_LOST_S}):
        logger.warning("work.wake_up_lost", extra={"realm_no": realm_no, "work_id": work_id})
    for realm_no, work_id, process_id in session.execute(
        _SWEEP_RUNNING, {"silent_s": PROCESS_SILENT_S}
    ).all():
        session.execute(_END_LOST_ATTEMPTS, {"realm_no": realm_no, "work_id": work_id})
        facts = {"realm_no": realm_no, "work_id": work_id, "process_id": process_id}
        logger.warning("work.worker_lost", extra=facts)


def is_busy(session: Session) -> bool:
    """Tell whether anything is under way or due within seconds."""
    return bool(session.execute(_BUSY).scalar_one())
