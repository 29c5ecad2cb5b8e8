"""Who runs the ledger: one row (`carry_out`), a worker process on dramatiq, or everything in this
process until quiet.
"""

from __future__ import annotations

import logging
import os
import platform
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta

from dramatiq import Worker
from sqlalchemy import func, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from sync import dispatch, fail_points, work
from sync.actors import build_broker, declare_actors
from sync.bootstrap import App
from sync.decide import decide_job
from sync.errors import (
    AccessWithdrawn,
    AppRefused,
    CircuitOpen,
    Fenced,
    MailUncertain,
    NotNow,
    OutcomeUnknown,
    PermanentSyncError,
    QuickBooksThrottled,
    ReadsUsedUp,
    RealmBlocked,
    RealmDisconnected,
    TransientSyncError,
)
from sync.notify import send_mail
from sync.pull import pull_realm
from sync.push import push_bill, push_revise, push_void
from sync.retention import drop_old_bodies
from sync.store.database import Database
from sync.store.tables import ProcessRow, RealmRow

logger = logging.getLogger(__name__)

HEARTBEAT_S = 5.0
#: Facts that moved are decided within this time; then the row is looked at again.
NOT_NOW_S = 0.3
#: A running row may finish within this time after TERM; what does not comes back by its lease.
GRACE_MS = 35_000
#: An idle worker asks Redis this often per queue: 0.1 s of latency for some commands.
POLL_MS = 100
#: A quiet ledger is believed after nothing moved for this long.
QUIET_S = 0.3

UseCase = Callable[[App, work.Claim], None]

USE_CASES: Mapping[str, UseCase] = {
    "pull": pull_realm,
    "decide": decide_job,
    "bill": push_bill,
    "revise": push_revise,
    "void": push_void,
    "mail": send_mail,
}


def carry_out(app: App, realm_no: int, work_id: int, *, process_id: str) -> None:
    """Claim one row of work and do it. Never raises: what failed stands in the row."""
    fail_points.reach("work.woken")
    try:
        held = work.claim(app.database, realm_no, work_id, process_id=process_id)
        if held is not None:
            fail_points.reach("work.claimed")
            _do(app, held)
    except Fenced:
        facts = {"realm_no": realm_no, "work_id": work_id}
        logger.warning("work.fenced", extra=facts)
    except Exception:
        # The database is away, or worse: the lease brings the row back.
        facts = {"realm_no": realm_no, "work_id": work_id}
        logger.warning("work.interrupted", extra=facts, exc_info=True)


def _do(app: App, held: work.Claim) -> None:
    try:
        USE_CASES[held.kind](app, held)
        if held.kind == "pull":
            drop_old_bodies(app.database)
    except Fenced:
        raise
    except NotNow:
        with app.database.begin(held.realm_no) as session:
            work.put_back(session, held, delay_s=NOT_NOW_S, costs_a_try=False)
    except RealmDisconnected as exc:
        with app.database.begin(held.realm_no) as session:
            if isinstance(exc, AccessWithdrawn):
                _stop_realm(session, held.realm_no)
                app.watch.agree(session, held.realm_no)
            work.put_back(session, held, delay_s=0, costs_a_try=False)
        logger.error("realm.disconnected", extra=_facts(held, exc))
    except (CircuitOpen, ReadsUsedUp) as exc:
        # Not sent: the company's own row says until when, and writes may go on.
        with app.database.begin(held.realm_no) as session:
            if isinstance(exc, ReadsUsedUp):
                app.watch.rest(session, held.realm_no)
            work.put_back(session, held, delay_s=exc.retry_after_s or 60.0, costs_a_try=False)
        logger.warning("work.held_back", extra=_facts(held, exc))
    except AppRefused as exc:
        with app.database.begin(held.realm_no) as session:
            app.watch.note_app_refused(session, held.realm_no)
            _pause_realm(session, held.realm_no, exc.retry_after_s or 60.0)
            work.put_back(session, held, delay_s=0, costs_a_try=False)
        logger.error("app.refused", extra=_facts(held, exc))
    except RealmBlocked as exc:
        with app.database.begin(held.realm_no) as session:
            _pause_realm(session, held.realm_no, exc.retry_after_s or 60.0)
            work.put_back(session, held, delay_s=0, costs_a_try=False)
        logger.error("realm.blocked", extra=_facts(held, exc))
    except QuickBooksThrottled as exc:
        with app.database.begin(held.realm_no) as session:
            _pause_realm(session, held.realm_no, exc.retry_after_s or 60.0)
            work.put_back(session, held, delay_s=exc.retry_after_s or 60.0, costs_a_try=False)
        logger.warning("realm.throttled", extra=_facts(held, exc))
    except (PermanentSyncError, MailUncertain) as exc:
        if work.KINDS[held.kind].is_endless:
            _retry(app, held, exc)
            logger.error("work.refused", extra=_facts(held, exc))
            return
        with app.database.begin(held.realm_no) as session:
            work.park(session, held, error=exc)
        logger.error("work.parked", extra=_facts(held, exc))
    except (TransientSyncError, OutcomeUnknown) as exc:
        _retry(app, held, exc)
    except Exception as exc:
        logger.warning("work.failed", extra=_facts(held, exc), exc_info=True)
        _retry(app, held, exc)


def _retry(app: App, held: work.Claim, error: Exception) -> None:
    with app.database.begin(held.realm_no) as session:
        is_again = work.retry_later(session, held, error=error)
    if is_again:
        logger.warning("work.retried", extra=_facts(held, error))
    else:
        logger.error("work.parked", extra=_facts(held, error))


def _stop_realm(session: Session, realm_no: int) -> None:
    session.execute(
        update(RealmRow)
        .where(RealmRow.realm_no == realm_no, RealmRow.state == "connected")
        .values(state="reauth_needed")
    )


def _pause_realm(session: Session, realm_no: int, wait_s: float) -> None:
    session.execute(
        update(RealmRow)
        .where(RealmRow.realm_no == realm_no)
        .values(blocked_until=func.lease_now() + timedelta(seconds=wait_s))
    )


def _facts(held: work.Claim, error: Exception) -> dict[str, object]:
    return {
        "realm_no": held.realm_no,
        "work_id": held.work_id,
        "job_id": held.job_id,
        "kind": held.kind,
        "attempts": held.attempts,
        "error_class": type(error).__name__,
        "intuit_tid": getattr(error, "intuit_tid", None),
    }


class Heartbeat:
    """This process's row in `process`, renewed every few seconds by a thread of its own."""

    def __init__(self, database: Database, *, role: str) -> None:
        """Name the process; nothing is written yet."""
        self._database = database
        self._role = role
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self.process_id = f"{role}-{uuid.uuid4().hex[:12]}"

    @contextmanager
    def running(self) -> Iterator[str]:
        """Hold the row while the process works; mark it gone at the end."""
        self._renew()
        self._thread.start()
        try:
            yield self.process_id
        finally:
            self._stop.set()
            self._thread.join()
            self._mark_gone()

    @contextmanager
    def patiently(self, stop: threading.Event) -> Iterator[str | None]:
        """Hold the row like `running()`, waiting for the database for as long as it takes.

        Yields:
            The process id; None if `stop` was set before the database was there.
        """
        while not stop.is_set():
            try:
                self._renew()
                break
            except Exception as exc:
                logger.warning("process.unseen", extra={"error_class": type(exc).__name__})
                stop.wait(0.5)
        else:
            yield None
            return
        with self.running() as process_id:
            yield process_id

    def _beat(self) -> None:
        while not self._stop.wait(HEARTBEAT_S):
            try:
                self._renew()
            except Exception as exc:
                logger.warning("process.unseen", extra={"error_class": type(exc).__name__})

    def _renew(self) -> None:
        row = {
            "process_id": self.process_id,
            "role": self._role,
            "host": platform.node(),
            "pid": os.getpid(),
            "started_at": func.lease_now(),
            "seen_at": func.lease_now(),
        }
        with self._database.begin() as session:
            session.execute(
                upsert(ProcessRow)
                .values(row)
                .on_conflict_do_update(
                    index_elements=["process_id"],
                    set_={"seen_at": func.lease_now()},
                )
            )

    def _mark_gone(self) -> None:
        try:
            with self._database.begin() as session:
                mark_gone(session, process_id=self.process_id)
        except Exception as exc:
            logger.warning("process.unseen", extra={"error_class": type(exc).__name__})


def mark_gone(session: Session, *, process_id: str | None = None, pid: int | None = None) -> None:
    """Note that a process has ended: its leases are void at once."""
    gone = update(ProcessRow).where(ProcessRow.gone_at.is_(None))
    if process_id is not None:
        gone = gone.where(ProcessRow.process_id == process_id)
    else:
        gone = gone.where(ProcessRow.pid == pid, ProcessRow.host == platform.node())
    session.execute(gone.values(gone_at=func.lease_now()))


def run_worker(app: App) -> None:
    """Run one worker process until TERM or INT: dramatiq's Worker, without its launcher."""
    stop = stop_on_signals()
    broker = build_broker(app.settings.redis_url)
    heartbeat = Heartbeat(app.database, role="worker")
    with heartbeat.patiently(stop) as process_id:
        if process_id is None:
            return
        declare_actors(
            broker,
            lambda realm_no, work_id: carry_out(app, realm_no, work_id, process_id=process_id),
        )
        broker.emit_after("process_boot")
        worker = Worker(broker, worker_threads=app.settings.threads, worker_timeout=POLL_MS)
        worker.start()
        logger.info("worker.started", extra={"process_id": process_id})
        stop.wait()
        worker.stop(timeout=GRACE_MS)
    logger.info("worker.stopped")


def stop_on_signals() -> threading.Event:
    """Give an event that TERM and INT set, however often they come."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


class _HandOver:
    """A wake queue that only remembers: for running the ledger in this process."""

    def __init__(self) -> None:
        self.waiting: list[tuple[int, int]] = []

    def wake(self, queue: str, realm_no: int, work_id: int) -> None:
        self.waiting.append((realm_no, work_id))


def run_until_quiet(
    app: App,
    dispatcher_database: Database,
    *,
    timeout_s: float,
    on_row: Callable[[], None] = lambda: None,
) -> bool:
    """Do everything that is due, here and now, with no worker and no Redis.

    Returns:
        Whether the ledger came to rest in time.
    """
    queue = _HandOver()
    dispatcher = dispatch.Dispatcher(
        database=dispatcher_database, wake_queue=queue, outside_clock=None, clock=app.clock
    )
    heartbeat = Heartbeat(app.database, role="runner")
    deadline = time.monotonic() + timeout_s
    with heartbeat.running() as process_id:
        while time.monotonic() < deadline:
            dispatcher.tick()
            if not queue.waiting:
                with dispatcher_database.begin() as session:
                    if not dispatch.is_busy(session):
                        return True
                time.sleep(0.05)
            while queue.waiting:
                carry_out(app, *queue.waiting.pop(0), process_id=process_id)
                on_row()
    return False
