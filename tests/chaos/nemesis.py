"""What is done to the processes: by a seed, one thing after the other, some of them overlapping."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import httpx
import psycopg
import redis

from sync.fail_points import EXIT_CODE
from sync.quickbooks.circuit import OPEN_S
from sync.quickbooks.faults import THROTTLE_WAIT_S
from tests.chaos.mail_server import Mishap
from tests.chaos.parts import Death, Parts
from tests.chaos.proxy import Toxic
from tests.chaos.recovery import Orphans

#: Every fail point of the code, and the role that passes it.
FAIL_POINTS: Mapping[str, str] = {
    "work.woken": "worker",
    "work.claimed": "worker",
    "pull.fetched": "worker",
    "pull.applied": "worker",
    "decide.planned": "worker",
    "decide.applied": "worker",
    "push.asked": "worker",
    "push.answered": "worker",
    "push.refused": "worker",
    "push.found": "worker",
    "push.confirmed": "worker",
    "mail.asked": "worker",
    "mail.handed_over": "worker",
    "mail.marked": "worker",
    "token.leased": "worker",
    "token.rotated": "worker",
    "dispatch.marked": "dispatcher",
    "inbox.received": "web",
    "inbox.stored": "web",
}
#: What must happen for a rare fail point to be passed at all.
HELPED_BY: Mapping[str, Mapping[str, object]] = {
    "push.refused": {"kind": "status", "status": 503, "entity": "invoice", "operation": "create"},
    "push.found": {"kind": "commit_then_reset", "entity": "invoice", "operation": "create"},
}
#: Longer than the silence (15 s) after which a process's work is taken from it.
FROZEN_S = (17.0, 20.0)
#: From one harm to the next; and from one worker's death to the next where nothing else happens.
GAP_S = (0.6, 1.8)
APART_S = (20.0, 24.0)
#: A fail point that is not passed within this time is given up.
ARMED_S = 25.0
ARMED_MAX = 2
#: A fault that is armed is met within about this time.
FIRES_WITHIN_S = 15.0
WORKER_KILLED = "another worker was killed"
#: A worker that holds a claim is looked for this long before any is killed.
HOLDER_S = 1.5

_WRITES: Mapping[str, object] = {"entity": "invoice", "operation": "create"}
_FAULTS: Sequence[Mapping[str, object]] = (
    {"kind": "commit_then_reset", **_WRITES},
    {"kind": "commit_then_504", **_WRITES},
    {"kind": "commit_then_6000", **_WRITES},
    {"kind": "commit_then_reset", "entity": "invoice", "operation": "update"},
    {"kind": "commit_then_504", "entity": "invoice", "operation": "update"},
    {"kind": "cut_body", **_WRITES},
    {"kind": "slow_body", "seconds": 2, "operation": "cdc", "count": 2},
    {"kind": "slow_body", "seconds": 2, **_WRITES},
    {"kind": "cut_body", "operation": "cdc", "count": 2},
    {"kind": "internal_error", **_WRITES, "count": 2},
    {"kind": "status", "status": 429, "operation": "cdc"},
    {"kind": "status", "status": 429, **_WRITES},
    {"kind": "status", "status": 500, "operation": "cdc", "count": 3},
    {"kind": "status", "status": 503, **_WRITES, "count": 2},
    {"kind": "fault", "code": "3200", "status": 401, "operation": "cdc", "count": 2},
    {"kind": "fault", "code": "3200", "status": 401, **_WRITES},
    {"kind": "html_404", "operation": "cdc"},
    {"kind": "stall", "seconds": 4, "operation": "cdc", "count": 2},
    {"kind": "commit_then_stall", "seconds": 4, **_WRITES},
    {"kind": "query_lag", "seconds": 60, "operation": "query", "count": 8},
    {"kind": "lost_webhooks", "count": 6},
    {"kind": "duplicated_webhooks", "count": 6},
    {"kind": "reordered_webhooks", "count": 4},
)

_HOLDER = """
    SELECT process.pid FROM work JOIN process USING (process_id)
     WHERE work.state = 'running' AND process.gone_at IS NULL
       AND work.kind = ANY(%s) AND seen_at > lease_now() - interval '12 s'
"""


@dataclass(frozen=True, slots=True)
class Trouble:
    """A time in which something that all work needs was away or slow; of no length where another
    worker was killed.
    """

    what: str
    began: float
    ended: float


@dataclass(slots=True)
class _Later:
    at: float
    do: Callable[[], None]


class Nemesis:
    """Does harm until so many processes were killed."""

    def __init__(
        self, parts: Parts, orphans: Orphans, *, seed: int, kills: int, only_workers: bool = False
    ) -> None:
        """Take whom to harm, and how often. With `only_workers` nothing else goes wrong, and one
        has been replaced before the next is killed.
        """
        self._parts, self._orphans = parts, orphans
        self._chance = random.Random(f"nemesis/{seed}")
        self._wanted = kills
        self.kills: Counter[str] = Counter()
        self.fired: Counter[str] = Counter()
        self.troubles: list[Trouble] = []
        self.given_up: list[str] = []
        self._armed: dict[str, tuple[str, int, float]] = {}  #: role -> point, pid, since when
        self._busy_roles: set[str] = set()
        self._later: list[_Later] = []
        self._seen_deaths = 0
        self._next_at = time.monotonic() + 2.0
        self._gap_s = APART_S if only_workers else GAP_S
        self._doings = itertools.repeat(self._kill_holder) if only_workers else self._alternately()

    @property
    def is_done(self) -> bool:
        """Whether enough was killed, and nothing is under way."""
        return sum(self.kills.values()) >= self._wanted and not self._later and not self._armed

    def step(self) -> None:
        """Do what is due. Call it often, from the main thread."""
        now = time.monotonic()
        self._notice_deaths()
        for one in [one for one in self._later if one.at <= now]:
            self._later.remove(one)
            one.do()
        self._give_up(now)
        if now >= self._next_at and sum(self.kills.values()) < self._wanted:
            next(self._doings)()
            self._next_at = time.monotonic() + self._chance.uniform(*self._gap_s)

    def calm_down(self) -> None:
        """End everything that is still wrong; count what the sandbox's faults have done."""
        for one in self._later:
            one.do()
        self._later.clear()
        for role, (point, pid, _) in self._armed.items():
            self.given_up.append(point)
            self._signal(pid, signal.SIGTERM)
            self._parts.arm(role, "")
        self._armed.clear()
        for proxy in self._parts.proxies.values():
            proxy.set(Toxic.PASS)
            for name, count in proxy.fired.items():
                self.fired[f"{proxy.name}: {name}"] += count
        self._parts.mail.behave()
        for name, count in self._parts.mail.fired.items():
            self.fired[f"mail: {name}"] += count
        self._clear_faults()

    def _alternately(self) -> Iterator[Callable[[], None]]:
        killing, harming = self._deck(self._killings), self._deck(self._harmings)
        # A freeze takes long: begin with it.
        yield self._freeze
        while True:
            yield next(killing)
            yield next(harming)

    def _deck(self, cards: Callable[[], list[Callable[[], None]]]) -> Iterator[Callable[[], None]]:
        while True:
            dealt = cards()
            self._chance.shuffle(dealt)
            yield from dealt

    def _killings(self) -> list[Callable[[], None]]:
        armed: list[Callable[[], None]] = [
            lambda p=point: self._arm(p)  # type: ignore[misc]
            for point in FAIL_POINTS
        ]
        return [
            *armed,
            *itertools.repeat(self._kill_holder, len(armed) // 2),
            *itertools.repeat(lambda: self._kill("dispatcher"), 3),
            *itertools.repeat(lambda: self._kill("web"), 3),
        ]

    def _harmings(self) -> list[Callable[[], None]]:
        faults: list[Callable[[], None]] = [
            lambda f=fault: self._arm_fault(f)  # type: ignore[misc]
            for fault in _FAULTS
        ]
        mishaps: list[Callable[[], None]] = [
            partial(self._parts.mail.arm, mishap) for mishap in Mishap
        ]
        toxics = [
            partial(self._poison, name, toxic)
            for name in self._parts.proxies
            for toxic in _TOXICS[name]
        ]
        return [
            *faults, *mishaps, *toxics, self._flush_redis, self._flush_redis, self._kill_redis,
            self._kill_redis, self._stop_postgres, self._stop_postgres, self._freeze, self._freeze,
            lambda: self._term("worker"), lambda: self._term("dispatcher"),
            lambda: self._term("web"),
        ]  # fmt: skip

    # -- killing

    def _kill_holder(self) -> None:
        """Kill a worker that has something in hand; writes and pulls before decisions."""
        by_pid = {pid: role for role, pid in self._parts.pids().items()}
        deadline = time.monotonic() + HOLDER_S
        kinds = ["bill", "revise", "pull", "mail"]
        with contextlib.suppress(psycopg.Error), self._parts.admin() as admin:
            while time.monotonic() < deadline:
                if time.monotonic() > deadline - HOLDER_S / 2:
                    kinds = ["bill", "revise", "pull", "mail", "decide"]
                found = [pid for (pid,) in admin.execute(_HOLDER, [kinds]).fetchall()]
                for pid in found:
                    role = by_pid.get(pid, "")
                    if role.startswith("worker") and role not in self._busy_roles:
                        self._kill_role(role, "worker at work")
                        return
                time.sleep(0.005)
        self._kill("worker")

    def _kill(self, kind: str) -> None:
        role = self._pick(kind)
        if role:
            self._kill_role(role, kind)

    def _kill_role(self, role: str, kind: str) -> None:
        pid = self._parts.pids()[role]
        if role.startswith("worker"):
            self._note_trouble(WORKER_KILLED, 0.0)
        self._signal(pid, signal.SIGKILL)
        self.kills[kind] += 1
        if role.startswith("worker"):
            self._orphans.note(pid, ago_s=0.0, cause=kind)
        self._await_restart(role, pid)

    def _arm(self, point: str) -> None:
        """Kill a process; the one that comes after it dies at a fail point."""
        role = self._pick(FAIL_POINTS[point])
        if not role or len(self._armed) >= ARMED_MAX:
            return
        pid = self._parts.pids()[role]
        nth = 1 if point in HELPED_BY else self._chance.choice((1, 1, 2, 3))
        self._parts.arm(role, f"{point}:{nth}:exit")
        self._kill_role(role, FAIL_POINTS[point])
        self._parts.arm(role, "")
        now_pid = self._parts.pids()[role]
        if now_pid == pid:
            return
        if point in HELPED_BY:
            self._arm_fault(HELPED_BY[point])
        self._armed[role] = (point, now_pid, time.monotonic())
        self._busy_roles.add(role)

    def _notice_deaths(self) -> None:
        new, self._seen_deaths = self._parts.deaths[self._seen_deaths :], len(self._parts.deaths)
        for death in new:
            self._notice(death)

    def _notice(self, death: Death) -> None:
        point, pid, _ = self._armed.get(death.role, ("", 0, 0.0))
        if pid != death.pid:
            return
        del self._armed[death.role]
        self._busy_roles.discard(death.role)
        if death.exit_code != EXIT_CODE:
            self.given_up.append(point)
            return
        self.kills[f"at {point}"] += 1
        if death.role.startswith("worker"):
            self.troubles.append(Trouble(WORKER_KILLED, death.at, death.at))
            self._orphans.note(pid, ago_s=time.time() - death.at, cause=point)

    def _give_up(self, now: float) -> None:
        for role, (_, pid, since) in list(self._armed.items()):
            if now - since > ARMED_S:
                self._signal(pid, signal.SIGTERM)
                self._armed[role] = (self._armed[role][0], pid, now)

    def _await_restart(self, role: str, pid: int) -> None:
        deadline = time.monotonic() + 10
        while self._parts.pids()[role] == pid and time.monotonic() < deadline:
            self._parts.watch()
            self._notice_deaths()
            time.sleep(0.02)

    # -- other harm

    def _term(self, kind: str) -> None:
        role = self._pick(kind)
        if role:
            self._signal(self._parts.pids()[role], signal.SIGTERM)
            self.fired[f"TERM {kind}"] += 1

    def _freeze(self) -> None:
        """Stop a process until its work was taken from it, then let it go on."""
        role = self._pick(self._chance.choice(("worker", "worker", "dispatcher")))
        if not role:
            return
        pid = self._parts.pids()[role]
        self._signal(pid, signal.SIGSTOP)
        self._busy_roles.add(role)
        self.fired[f"STOP and CONT {role.split('-')[0]}"] += 1

        def thaw() -> None:
            self._signal(pid, signal.SIGCONT)
            self._busy_roles.discard(role)

        seconds = self._chance.uniform(*FROZEN_S)
        self._note_trouble(f"{role}: STOP", seconds)
        self._do_later(seconds, thaw)

    def _flush_redis(self) -> None:
        with contextlib.suppress(redis.RedisError):
            redis.Redis.from_url(self._parts.secrets.redis_url, socket_timeout=2).flushall()
            self.fired["redis: FLUSHALL"] += 1
            self._note_trouble("redis: FLUSHALL", 1.0)

    def _kill_redis(self) -> None:
        pid = self._parts.pids()["redis"]
        self._signal(pid, signal.SIGKILL)
        self.fired["redis: kill -9"] += 1
        self._note_trouble("redis: kill -9", 3.0)
        self._await_restart("redis", pid)

    def _stop_postgres(self) -> None:
        pid = self._parts.pids()["postgres"]
        self._signal(pid, signal.SIGQUIT)
        self.fired["postgres: immediate stop"] += 1
        self._note_trouble("postgres: immediate stop", 5.0)
        self._await_restart("postgres", pid)

    def _poison(self, name: str, toxic: Toxic) -> None:
        proxy = self._parts.proxies[name]
        seconds = self._chance.uniform(2.0, 5.0)
        amount = {Toxic.LATENCY: 0.15, Toxic.CUT: float(self._chance.randint(20, 2000))}
        proxy.set(toxic, amount=amount.get(toxic, 0.0), count=self._chance.randint(1, 4))
        if name in ("postgres", "redis") and toxic is not Toxic.CUT_AT_COMMIT:
            self._note_trouble(f"{name}: {toxic.value}", seconds)
        if name == "sandbox":
            # A company that found nobody five times rests before it asks again.
            self._note_trouble(f"{name}: {toxic.value}", seconds + OPEN_S)
        self._do_later(seconds, lambda: proxy.set(Toxic.PASS))

    def _arm_fault(self, fault: Mapping[str, object]) -> None:
        if fault.get("status") == 429:
            self._note_trouble("quickbooks: 429", THROTTLE_WAIT_S + FIRES_WITHIN_S)
        with contextlib.suppress(AssertionError, httpx.HTTPError):
            self._parts.tell_sandbox("faults", dict(fault))

    def _clear_faults(self) -> None:
        for rule in self._parts.tell_sandbox("faults")["faults"]:
            name = rule["kind"] if rule["kind"] != "status" else f"status {rule['status']}"
            self.fired[f"quickbooks: {name}"] += rule["fired"]
        self._parts.tell_sandbox("faults", method="DELETE")

    # -- small change

    def _pick(self, kind: str) -> str:
        roles = [
            role
            for role in self._parts.pids()
            if role.split("-")[0] == kind and role not in self._busy_roles
        ]
        return self._chance.choice(sorted(roles)) if roles else ""

    def _note_trouble(self, what: str, seconds: float) -> None:
        now = time.time()
        self.troubles.append(Trouble(what, now, now + seconds))

    def _do_later(self, seconds: float, what: Callable[[], None]) -> None:
        self._later.append(_Later(time.monotonic() + seconds, what))

    @staticmethod
    def _signal(pid: int, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


_TOXICS: Mapping[str, Sequence[Toxic]] = {
    "postgres": (Toxic.CUT_AT_COMMIT, Toxic.CUT_AT_COMMIT, Toxic.CUT_AT_COMMIT, Toxic.RESET,
                 Toxic.CUT, Toxic.LATENCY, Toxic.BLACK_HOLE, Toxic.DOWN),
    "redis": (Toxic.RESET, Toxic.CUT, Toxic.BLACK_HOLE, Toxic.DOWN, Toxic.LATENCY),
    "sandbox": (Toxic.RESET, Toxic.CUT, Toxic.BLACK_HOLE, Toxic.DOWN, Toxic.LATENCY),
    "mail": (Toxic.RESET, Toxic.CUT, Toxic.BLACK_HOLE, Toxic.DOWN),
}  # fmt: skip
