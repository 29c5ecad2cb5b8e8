"""Per-company limits on calls, shared by all workers: one Redis script, on Redis' own clock.

Ours lie under Intuit's (10 a second, 500 a minute, shared with every other app of the company).
A read leaves the last part of a minute to writes. While Redis is away the calls of a company are
spaced out in its row of PostgreSQL instead, for all processes together: so slowly that those who
still reach Redis, if some do, may go on beside it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import redis
from sqlalchemy import func, or_, select, update

from sync.errors import QuickBooksThrottled
from sync.ports import Clock
from sync.store.database import Database
from sync.store.tables import RealmRow

CALLS_PER_S = 8
CALLS_PER_MIN = 400
CALLS_AT_ONCE = 6
#: Of a minute's calls, reads may take this many: the rest is for writes.
READS_PER_MIN = 320
#: A holder that died gives its place back after this long: longer than any call may take.
PLACE_LEASE_MS = 65_000
#: A wait up to this long is slept here; a longer one gives the worker's thread back.
SLEEP_S_MAX = 2.0
#: Between two calls to a company while Redis cannot be asked: 1.5 a second, 90 a minute. Added to
#: Redis' own 8 and 400 it still lies under Intuit's 10 and 500. The dispatcher hands out no more
#: than 8 rows of a company at a time: so many calls at once, at most.
ALONE_S = 0.67
_REDIS_TIMEOUT_S = 1.0

# KEYS: calls of the last minute, places in use. ARGV: id, per second, per minute, at once, lease in
# ms.
# Answers 0 and takes a place, or the number of milliseconds to wait.
_SCRIPT = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - 60000)
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
local wait = 0
local function room(window, limit)
    local first = redis.call('ZRANGEBYSCORE', KEYS[1], now - window + 1, '+inf', 'WITHSCORES')
    local over = #first / 2 - limit
    if over >= 0 then
        wait = math.max(wait, tonumber(first[2 * over + 2]) + window - now)
    end
end
room(1000, tonumber(ARGV[2]))
room(60000, tonumber(ARGV[3]))
if redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[4]) then
    wait = math.max(wait, 50)
end
if wait > 0 then
    return wait
end
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZADD', KEYS[2], now + ARGV[5], ARGV[1])
redis.call('PEXPIRE', KEYS[1], 61000)
redis.call('PEXPIRE', KEYS[2], ARGV[5])
return 0
"""


class Limits:
    """Lets calls to a company through at the pace that it bears."""

    def __init__(self, redis_url: str, *, database: Database, clock: Clock) -> None:
        """Take Redis' address, and what stands in for it; nothing connects yet."""
        self._database = database
        self._clock = clock
        self._redis = redis.Redis.from_url(
            redis_url, socket_timeout=_REDIS_TIMEOUT_S, socket_connect_timeout=_REDIS_TIMEOUT_S
        )
        self._script = self._redis.register_script(_SCRIPT)

    @contextmanager
    def call(self, realm_no: int, *, is_write: bool) -> Iterator[None]:
        """Wait for a place, hold it during the call, give it back.

        Raises:
            QuickBooksThrottled: the wait would be long; the row of work comes back later.
        """
        place = uuid.uuid4().hex
        waited_s = 0.0
        while (wait_s := self._take(realm_no, place, is_write=is_write)) > 0:
            if waited_s + wait_s > SLEEP_S_MAX:
                raise QuickBooksThrottled("our own limit for this company", retry_after_s=wait_s)
            self._clock.sleep(wait_s)
            waited_s += wait_s
        try:
            yield
        finally:
            self._give_back(realm_no, place)

    def close(self) -> None:
        """Close the connections to Redis."""
        self._redis.close()

    def _take(self, realm_no: int, place: str, *, is_write: bool) -> float:
        per_min = CALLS_PER_MIN if is_write else READS_PER_MIN
        limits = [CALLS_PER_S, per_min, CALLS_AT_ONCE, PLACE_LEASE_MS]
        try:
            wait_ms = self._script(keys=_keys(realm_no), args=[place, *limits])
        except redis.RedisError:
            return self._take_alone(realm_no)
        return float(str(wait_ms)) / 1000

    def _take_alone(self, realm_no: int) -> float:
        paced = RealmRow.paced_until
        with self._database.begin(realm_no) as session:
            taken = session.scalars(
                update(RealmRow)
                .where(
                    RealmRow.realm_no == realm_no, or_(paced.is_(None), paced <= func.lease_now())
                )
                .values(paced_until=func.lease_now() + timedelta(seconds=ALONE_S))
                .returning(RealmRow.realm_no)
            ).one_or_none()
            if taken is not None:
                return 0.0
            left = func.extract("epoch", paced - func.lease_now())
            wait = session.scalars(select(left).where(RealmRow.realm_no == realm_no)).one()
            return max(float(wait), 0.05)

    def _give_back(self, realm_no: int, place: str) -> None:
        try:
            self._redis.zrem(_keys(realm_no)[1], place)
        except redis.RedisError:
            return


def _keys(realm_no: int) -> list[str]:
    return [f"milestone-sync:calls:{{{realm_no}}}", f"milestone-sync:places:{{{realm_no}}}"]
