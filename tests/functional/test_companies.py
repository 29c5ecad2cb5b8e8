"""Companies beside each other: limits and circuits that hold for one alone, reads that run out,
and a company that leaves.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg
import pytest
from sqlalchemy import text

from sync import embedded, work
from sync.bootstrap import SystemClock
from sync.disconnect import disconnect, erase
from sync.errors import CircuitOpen, QuickBooksThrottled, QuickBooksUnavailable, ReadsUsedUp
from sync.quickbooks import circuit, limits
from sync.quickbooks.limits import Limits
from sync.store.tables import WITHOUT_TENANT, RealmRow, Row
from tests.functional.test_push import creations, later
from tests.functional.test_story import LINES
from tests.house import House, Services, connect, open_house


@pytest.fixture(scope="module")
def house(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One installation for the whole file; the last test ends it."""
    with open_house(services, tmp_path_factory.mktemp("companies")) as opened:
        yield opened


@pytest.fixture(scope="module")
def other(house: House) -> int:
    """A second company beside the first."""
    return connect(house, house.sandbox.facts["companies"][1]["realm_id"])


def set_realm(house: House, realm_no: int, assignment: str) -> None:
    """Set something of a company, as the administrator."""
    with house.owner.begin() as session:
        session.execute(text(f"UPDATE realm SET {assignment} WHERE realm_no = {realm_no}"))


def trouble(house: House, realm_no: int) -> tuple[int, bool]:
    """Calls in a row that found nobody, and whether nothing is handed out."""
    with house.owner.begin() as session:
        row = session.get_one(RealmRow, realm_no)
        return row.trouble, row.blocked_until is not None


def test_a_company_that_does_not_answer_is_left_alone_and_the_others_go_on(
    house: House, other: int
) -> None:
    """Five calls in a row open its circuit; one probe at a time looks again; one answer closes it,
    and what waited has cost no try.
    """
    realm_id = house.sandbox.realm_id
    house.work_off()
    house.sandbox.admin(
        "faults", {"kind": "status", "status": 503, "count": None, "realm_id": realm_id}
    )
    gateway, mine = house.app.gateway, house.realm_no
    with pytest.raises(QuickBooksUnavailable):  # three tries of its own
        gateway.read(mine, "Customer", "1")
    with pytest.raises(CircuitOpen):  # two, and then nobody is asked any more
        gateway.read(mine, "Customer", "1")

    assert trouble(house, mine) == (5, True)
    with pytest.raises(CircuitOpen):
        gateway.read(mine, "Customer", "1")
    assert trouble(house, mine)[0] == 5  # nothing was sent
    gateway.read(other, "Customer", "1")
    assert trouble(house, other) == (0, False)

    set_realm(house, mine, "blocked_until = now() - interval '1 second'")
    access = house.app.tokens.access(mine)
    door = circuit.Circuit(house.app.database)
    door.enter(mine, access)
    with pytest.raises(CircuitOpen):
        door.enter(mine, access)

    set_realm(house, mine, "blocked_until = now() - interval '1 second'")
    house.sandbox.admin("settings", {"rate_limits": False})
    clear_faults(house)
    house.sync()
    assert trouble(house, mine) == (0, False)
    assert {row.attempts for row in house.work("pull")} == {1}


def clear_faults(house: House) -> None:
    """Disarm every fault of the sandbox."""
    url = f"{house.sandbox.facts['sandbox_url']}/sandbox/faults"
    httpx.delete(url, trust_env=False).raise_for_status()


def test_reads_that_run_out_stop_sweeps_then_pulls_and_no_write(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """80 %: a person is told; 95 %: no sweep until next month; 100 %: no pull, and an invoice whose
    answer was lost is still read back and made.
    """
    gateway, mine, watch = house.app.gateway, house.realm_no, house.app.watch
    lost = {"entity": "Invoice", "operation": "create", "kind": "status", "status": 504}
    house.sandbox.admin("faults", {**lost, "count": 1, "body": "<html>gateway</html>"})
    house.accepted_estimate("9001", LINES)
    house.sync()
    assert creations(house, "9001") == 0

    def used(percent: int) -> list[str]:
        with house.owner.begin() as session:
            calls = watch.reads_per_month * percent // 100
            session.execute(
                text(f"UPDATE metered_call SET calls = {calls} WHERE realm_no = {mine}")
            )
        with house.app.database.begin(mine) as session:
            watch.agree(session, mine)
            watch.rest_sweep(session, mine)
        with house.owner.begin() as session:
            asked = "SELECT code FROM finding WHERE closed_at IS NULL"
            asked += " AND subject LIKE 'company:%'"
            return list(session.execute(text(asked)).scalars())

    def sweep_rests() -> bool:
        with house.owner.begin() as session:
            asked = "SELECT next_at > business_now() + interval '25 hours' OR extract(day FROM"
            asked += f" next_at) = 1 FROM timer WHERE name = 'sweep' AND realm_no = {mine}"
            return bool(session.execute(text(asked)).scalar_one())

    assert used(79) == []
    assert used(80) == ["reads_running_out"]
    assert not sweep_rests()
    assert used(95) == ["reads_running_out"]
    assert sweep_rests()
    assert used(100) == ["reads_running_out"]
    with pytest.raises(ReadsUsedUp):
        gateway.everything(mine)
    assert gateway.read(mine, "Customer", "1") is not None
    house.sync()
    assert [(row.state, row.attempts) for row in house.work("pull")][-1] == ("ready", 0)
    later(house, work.ASK_AGAIN_S)
    house.work_off()
    assert creations(house, "9001") == 1
    assert {row.state for row in house.work("bill")} == {"done"}
    assert used(1) == []


def test_without_redis_all_processes_together_keep_to_one_slow_pace(house: House) -> None:
    """Four processes that cannot reach Redis: their calls are spaced out in the company's row."""
    nowhere = f"redis://127.0.0.1:{embedded.free_port()}/0"
    paces = [Limits(nowhere, database=house.app.database, clock=SystemClock()) for _ in range(4)]
    stop, made = time.monotonic() + 2.0, []
    lock = threading.Lock()

    def call(pace: Limits) -> None:
        while time.monotonic() < stop:
            try:
                with pace.call(house.realm_no, is_write=True), lock:
                    made.append(time.monotonic())
            except QuickBooksThrottled:
                continue

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(call, paces))
    for pace in paces:
        pace.close()

    gaps = [after - before for before, after in itertools.pairwise(made)]
    assert len(made) >= 2
    assert min(gaps) >= limits.ALONE_S * 0.8
    assert limits.CALLS_PER_S + 1 / limits.ALONE_S < 10
    assert limits.CALLS_PER_MIN + 60 / limits.ALONE_S < 500


def test_the_last_calls_of_a_minute_are_for_writes(
    house: House, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A read is put off where a write still goes through; another company is not touched."""
    monkeypatch.setattr(limits, "CALLS_PER_S", 1000)
    monkeypatch.setattr(limits, "CALLS_PER_MIN", 12)
    monkeypatch.setattr(limits, "READS_PER_MIN", 10)
    pace = Limits(services.secrets.redis_url, database=house.app.database, clock=SystemClock())
    company, neighbour = 900_001, 900_002

    for _ in range(10):
        with pace.call(company, is_write=False):
            pass
    with pytest.raises(QuickBooksThrottled), pace.call(company, is_write=False):
        pass
    for _ in range(2):
        with pace.call(company, is_write=True):
            pass
    with pytest.raises(QuickBooksThrottled), pace.call(company, is_write=True):
        pass
    with pace.call(neighbour, is_write=False):
        pass
    pace.close()


def test_a_company_that_leaves_takes_everything_along(
    house: House, services: Services, other: int
) -> None:
    """S42: the grant is dead at Intuit, keys and tokens are gone, nothing is done any more, links
    are dead; erased, no table has a row of it, and the neighbour has all of its own.
    """
    mine = house.realm_no
    house.sync()
    token = house.app.tokens.access(mine)
    neighbour = rows(house, other)

    disconnect(house.app, mine, author="ann")
    disconnect(house.app, mine, author="ann")

    answer = house.sandbox.client.get(
        "/customer/1", headers={"Authorization": f"Bearer {token.access_token}"}
    )
    assert answer.status_code == 401
    with house.owner.begin() as session:
        row = session.get_one(RealmRow, mine)
        assert (row.state, row.refresh_token_sealed, row.access_token_sealed) == (
            "disconnected", None, None,
        )  # fmt: skip
        assert row.realm_id_sealed == b""
        unfinished = "SELECT count(*) FROM work WHERE realm_no = :r AND state NOT IN" \
                     " ('done', 'cancelled')"  # fmt: skip
        assert session.execute(text(unfinished), {"r": mine}).scalar_one() == 0
        live = "SELECT count(*) FROM portal_link WHERE realm_no = :r AND revoked_at IS NULL"
        assert session.execute(text(live), {"r": mine}).scalar_one() == 0
    house.work_off()

    assert erase(house.app, mine) > 50
    assert rows(house, mine) == {}
    assert rows(house, other) == neighbour
    assert b"Customer 1" not in repr(house.dump()).encode()


def test_a_company_at_work_cannot_be_erased(house: House, services: Services, other: int) -> None:
    """Not by mistake, and not by whoever got hold of the app's role without stopping it first."""
    with pytest.raises(Exception, match="only a disconnected company"):
        erase(house.app, other)
    name = house.app.database.engine.url.database
    with (
        psycopg.connect(services.url("milestone_app", str(name)), autocommit=True) as role,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        role.execute("SELECT erase_tenant()")


def rows(house: House, realm_no: int) -> dict[str, int]:
    """How many rows each table has of a company, where it has any."""
    found = {}
    with house.owner.begin() as session:
        for name in set(Row.metadata.tables) - WITHOUT_TENANT:
            count = session.execute(
                text(f"SELECT count(*) FROM {name} WHERE realm_no = {realm_no}")
            ).scalar_one()
            if count:
                found[name] = int(count)
    return found
