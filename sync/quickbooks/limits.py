"""Per-company limits on calls, shared by all workers: one Redis script, on Redis' own clock.

Ours lie under Intuit's (10 a second, 500 a minute, shared with every other app of the company).
While Redis is away each process keeps to a small share of its own instead, so a company is never
flooded.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

import redis

from sync.errors import QuickBooksThrottled

CALLS_PER_S = 8
CALLS_PER_MIN = 400
CALLS_AT_ONCE = 6
#: A holder that died gives its place back after this long: longer than any call may take.
PLACE_LEASE_MS = 65_000
#: A wait up to this long is slept here; a longer one gives the worker's thread back.
SLEEP_S_MAX = 2.0
#: One process' own share while Redis cannot be asked.
ALONE_PER_S = 2
ALONE_PER_MIN = 100
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

    def __init__(self, redis_url: str) -> None:
        """Take Redis' address; nothing connects yet."""
        self._redis = redis.Redis.from_url(
            redis_url, socket_timeout=_REDIS_TIMEOUT_S, socket_connect_timeout=_REDIS_TIMEOUT_S
        )
        self._script = self._redis.register_script(_SCRIPT)
        self._alone: dict[int, deque[float]] = {}
        self._lock = threading.Lock()

    @contextmanager
    def call(self, realm_no: int) -> Iterator[None]:
        """Wait for a place, hold it during the call, give it back.

        Raises:
            QuickBooksThrottled: the wait would be long; the row of work comes back later.
        """
        place = uuid.uuid4().hex
        waited_s = 0.0
        while (wait_s := self._take(realm_no, place)) > 0:
            if waited_s + wait_s > SLEEP_S_MAX:
                raise QuickBooksThrottled("our own limit for this company", retry_after_s=wait_s)
            time.sleep(wait_s)
            waited_s += wait_s
        try:
            yield
        finally:
            self._give_back(realm_no, place)

    def close(self) -> None:
        """Close the connections to Redis."""
        self._redis.close()

    def _take(self, realm_no: int, place: str) -> float:
        limits = [CALLS_PER_S, CALLS_PER_MIN, CALLS_AT_ONCE, PLACE_LEASE_MS]
        try:
            wait_ms = self._script(keys=_keys(realm_no), args=[place, *limits])
        except redis.RedisError:
            return self._take_alone(realm_no)
        return float(str(wait_ms)) / 1000

    def _take_alone(self, realm_no: int) -> float:
        with self._lock:
            now = time.monotonic()
            calls = self._alone.setdefault(realm_no, deque())
            while calls and calls[0] <= now - 60:
                calls.popleft()
            if len(calls) >= ALONE_PER_MIN:
                return calls[0] + 60 - now
            if len(calls) >= ALONE_PER_S and calls[-ALONE_PER_S] > now - 1:
                return calls[-ALONE_PER_S] + 1 - now
            calls.append(now)
            return 0.0

    def _give_back(self, realm_no: int, place: str) -> None:
        try:
            self._redis.zrem(_keys(realm_no)[1], place)
        except redis.RedisError:
            return


def _keys(realm_no: int) -> list[str]:
    return [f"milestone-sync:calls:{{{realm_no}}}", f"milestone-sync:places:{{{realm_no}}}"]
