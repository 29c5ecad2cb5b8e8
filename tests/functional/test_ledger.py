"""The ledger and the dispatcher on real PostgreSQL: one claim, one row a lane, fencing, what the
sweep brings back.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from sync import dispatch, work
from sync.bootstrap import SystemClock
from sync.errors import Fenced, QuickBooksUnavailable
from sync.store.database import Database
from sync.store.tables import WorkRow
from tests.house import Services


class Ledger:
    """An empty ledger with two companies, seen as app and as dispatcher."""

    def __init__(self, services: Services, name: str) -> None:
        def url(role: str) -> str:
            return services.url(role, name).replace("postgresql://", "postgresql+psycopg://")

        self.app = Database(url("milestone_app"), pool_size=12)
        self.dispatcher = Database(url("milestone_dispatcher"), pool_size=4)
        self.admin = Database(url("milestone_admin"), pool_size=2)
        for number in (1, 2):
            self.sql(
                "INSERT INTO realm"
                " (realm_id_sealed, realm_id_hmac, zone, mode, synced_at, pulled_at)"
                f" VALUES ('', '{number}', 'UTC', 'auto', business_now(), lease_now())"
            )
        self.sql(
            "INSERT INTO process (process_id, role, host, pid) VALUES ('p1', 'worker', 'h', 1),"
            " ('p2', 'worker', 'h', 2)"
        )

    def sql(self, statement: str) -> None:
        """Do something as the administrator."""
        with self.admin.begin() as session:
            session.execute(text(statement))

    def add(self, *, realm_no: int = 1, lane: str = "a", kind: str = "pull") -> int:
        """Add a row and give its id."""
        with self.app.begin(realm_no) as session:
            added = work.add(session, realm_no=realm_no, kind=kind, lane=lane)
        assert added is not None
        return added

    def pick(self) -> list[int]:
        """Hand ready rows out, as the dispatcher does."""
        with self.dispatcher.begin() as session:
            return [one.work_id for one in dispatch.pick(session)]

    def sweep(self) -> None:
        """Bring back what got lost."""
        with self.dispatcher.begin() as session:
            dispatch.sweep(session)

    def row(self, work_id: int) -> WorkRow:
        """Give a row as it stands."""
        with self.app.begin(1) as session:
            return session.get_one(WorkRow, (1, work_id))

    def claim(self, work_id: int, process_id: str = "p1") -> work.Claim | None:
        """Try to take a row."""
        return work.claim(self.app, 1, work_id, process_id=process_id)

    def close(self) -> None:
        """Close every connection."""
        for database in (self.app, self.dispatcher, self.admin):
            database.close()


@pytest.fixture
def ledger(services: Services) -> Iterator[Ledger]:
    """An empty ledger."""
    name = services.new_database()
    opened = Ledger(services, name)
    yield opened
    opened.close()
    services.drop_database(name)


def test_of_many_claims_one_wins(ledger: Ledger) -> None:
    """A wake-up that comes ten times runs the row once."""
    work_id = ledger.add()
    ledger.pick()

    with ThreadPoolExecutor(10) as pool:
        claims = list(pool.map(lambda _: ledger.claim(work_id), range(10)))

    assert len([one for one in claims if one is not None]) == 1
    assert ledger.row(work_id).attempts == 1


def test_a_row_that_was_not_handed_out_cannot_be_claimed(ledger: Ledger) -> None:
    """A forged or late wake-up finds nothing to do."""
    assert ledger.claim(ledger.add()) is None


def test_two_rows_of_a_lane_never_run_together(ledger: Ledger) -> None:
    """Even when both were handed out, the second goes back and comes later."""
    first, second = ledger.add(), ledger.add()
    ledger.sql("UPDATE work SET state = 'sent', sent_at = now()")

    assert ledger.claim(first) is not None
    assert ledger.claim(second) is None

    assert ledger.row(second).state == "ready"
    assert ledger.pick() == []


def test_only_the_head_of_a_lane_is_handed_out(ledger: Ledger) -> None:
    """Rows of one lane go one by one, those of different lanes side by side."""
    first, _, other = ledger.add(), ledger.add(), ledger.add(lane="b")

    assert sorted(ledger.pick()) == [first, other]


def test_a_small_company_does_not_wait_behind_a_big_one(ledger: Ledger) -> None:
    """Round by round: the other company's only row is in the first hand-out."""
    for number in range(50):
        ledger.add(lane=f"big/{number}")
    small = ledger.add(realm_no=2)

    picked = ledger.pick()

    assert small in picked
    assert len(picked) == dispatch.IN_HAND_PER_REALM + 1


def test_a_paused_company_gets_nothing(ledger: Ledger) -> None:
    """Throttled or disconnected: its rows wait, the others go on."""
    ledger.add()
    small = ledger.add(realm_no=2)
    ledger.sql("UPDATE realm SET blocked_until = now() + interval '1 minute' WHERE realm_no = 1")

    assert ledger.pick() == [small]


def test_a_lost_wake_up_is_sent_again(ledger: Ledger) -> None:
    """Redis may lose everything: what was sent and not taken is ready again."""
    work_id = ledger.add()
    ledger.pick()
    ledger.sql("UPDATE work SET sent_at = now() - interval '16 s'")

    ledger.sweep()

    assert ledger.pick() == [work_id]


@pytest.mark.parametrize(
    "death",
    [
        pytest.param("UPDATE work SET lease_until = now() - interval '1 s'", id="lease-over"),
        pytest.param("UPDATE process SET gone_at = now()", id="process-gone"),
        pytest.param("UPDATE process SET seen_at = now() - interval '16 s'", id="process-silent"),
    ],
)
def test_the_work_of_a_dead_process_is_taken_over_and_its_writes_are_fenced(
    ledger: Ledger, death: str
) -> None:
    """Whoever was frozen past its lease writes nothing any more."""
    work_id = ledger.add()
    ledger.pick()
    frozen = ledger.claim(work_id)
    assert frozen is not None
    ledger.sql(death)
    ledger.sweep()
    ledger.sql("UPDATE process SET gone_at = NULL, seen_at = now()")
    ledger.pick()
    heir = ledger.claim(work_id, "p2")
    assert heir is not None

    for write in (
        lambda session: work.finish(session, frozen),
        lambda session: work.ask(session, frozen, request_id="r"),
        lambda session: work.park(session, frozen, error=ValueError()),
        lambda session: work.retry_later(session, frozen, error=ValueError()),
    ):
        with pytest.raises(Fenced), ledger.app.begin(1) as session:
            write(session)
    with ledger.app.begin(1) as session:
        work.finish(session, heir)
    assert ledger.row(work_id).state == "done"


def test_the_first_request_id_stays(ledger: Ledger) -> None:
    """An unanswered write is made again under the id it had."""
    work_id = ledger.add()
    ledger.pick()
    held = ledger.claim(work_id)
    assert held is not None

    with ledger.app.begin(1) as session:
        assert work.ask(session, held, request_id="first") == "first"
    with ledger.app.begin(1) as session:
        assert work.ask(session, held, request_id="second") == "first"


def test_a_row_that_keeps_failing_is_parked_after_twelve_tries(ledger: Ledger) -> None:
    """Past the last try a person gets it, with the reason."""
    work_id = ledger.add(kind="mail")
    for _ in range(len(work.RETRY_DELAYS_S)):
        ledger.sql("UPDATE work SET retry_at = now() WHERE state = 'ready'")
        ledger.pick()
        held = ledger.claim(work_id)
        assert held is not None
        with ledger.app.begin(1) as session:
            work.retry_later(session, held, error=QuickBooksUnavailable("away"))

    row = ledger.row(work_id)
    assert (row.state, row.attempts, row.error) == ("parked", 12, "away")
    assert sum(work.RETRY_DELAYS_S) > 1.9 * 86_400


def test_waiting_rows_that_say_the_same_are_one(ledger: Ledger) -> None:
    """Ten notices make one pull; one that comes while the pull runs makes another."""

    def order() -> int | None:
        with ledger.app.begin(1) as session:
            return work.add(session, realm_no=1, kind="pull", lane="pull", coalesce_key="pull")

    first = order()
    assert first is not None
    assert order() is None
    ledger.pick()
    assert order() is None
    ledger.claim(first)

    assert order() is not None


@pytest.mark.parametrize("end", ["retry", "put-back", "death"])
def test_a_running_row_whose_twin_waits_gives_way_to_it(ledger: Ledger, end: str) -> None:
    """A pull runs, another is ordered, the first fails or dies: one goes on, nothing jams."""

    def order() -> int | None:
        with ledger.app.begin(1) as session:
            return work.add(session, realm_no=1, kind="pull", lane="pull", coalesce_key="pull")

    first = order()
    assert first is not None
    ledger.pick()
    held = ledger.claim(first)
    assert held is not None
    second = order()
    assert second is not None

    if end == "death":
        ledger.sql("UPDATE process SET gone_at = now()")
        ledger.sweep()
    else:
        with ledger.app.begin(1) as session:
            if end == "retry":
                work.retry_later(session, held, error=QuickBooksUnavailable("away"))
            else:
                work.put_back(session, held, delay_s=0, costs_a_try=False)

    assert ledger.row(first).state == "cancelled"
    assert ledger.pick() == [second]


def test_effects_have_one_unfinished_row_a_target(ledger: Ledger) -> None:
    """A second effect on the same invoice is refused while one is unfinished,
    and its key for ever.
    """
    with ledger.app.begin(1) as session:
        first = work.add(session, realm_no=1, kind="bill", lane="a", target="t", effect_key="k1")
        assert (
            work.add(session, realm_no=1, kind="bill", lane="a", target="t", effect_key="k2")
            is None
        )
    assert first is not None
    ledger.sql("UPDATE work SET state = 'done'")
    with ledger.app.begin(1) as session:
        assert (
            work.add(session, realm_no=1, kind="bill", lane="a", target="t", effect_key="k1")
            is None
        )
        assert work.add(session, realm_no=1, kind="bill", lane="a", target="t", effect_key="k3")


def test_a_pull_is_tried_for_ever(ledger: Ledger) -> None:
    """A company whose books nobody reads any more would be a sync that stopped without a word."""
    work_id = ledger.add(kind="pull")
    for _ in range(2 * len(work.RETRY_DELAYS_S)):
        ledger.sql("UPDATE work SET retry_at = now() WHERE state = 'ready'")
        ledger.pick()
        held = ledger.claim(work_id)
        assert held is not None
        with ledger.app.begin(1) as session:
            assert work.retry_later(session, held, error=QuickBooksUnavailable("away"))

    row = ledger.row(work_id)
    assert (row.state, row.error) == ("ready", "away")


class OutsideClock:
    """A clock that somebody has moved on by three days."""

    def now(self) -> datetime:
        """Tell the time of the others."""
        return datetime.now(UTC) + timedelta(days=3)

    def close(self) -> None:
        """Nothing is open."""


class NoQueue:
    """A queue for rows that nobody hands out."""

    def wake(self, queue: str, realm_no: int, work_id: int) -> None:
        """Take it for nothing."""


def test_two_dispatchers_take_a_step_of_the_clock_once(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that read the clock before another moved it does not move it on from there."""

    def dispatcher() -> dispatch.Dispatcher:
        return dispatch.Dispatcher(
            database=ledger.dispatcher,
            wake_queue=NoQueue(),
            outside_clock=OutsideClock(),
            clock=SystemClock(),
        )

    others = [dispatcher()]

    def meanwhile(_session: Session) -> bool:
        if others:
            others.pop().tick()
        return False

    monkeypatch.setattr(dispatch, "is_busy", meanwhile)
    dispatcher().tick()

    with ledger.dispatcher.begin() as session:
        offset_s = session.execute(text("SELECT offset_s FROM business_clock")).scalar_one()
    assert offset_s == pytest.approx(timedelta(days=3).total_seconds(), abs=5)
