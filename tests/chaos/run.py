"""One chaos run: begin, harm, calm down, judge."""

from __future__ import annotations

import json
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.grants import APP_ACTOR
from sync import embedded
from tests.chaos import judge
from tests.chaos.calm import Calm
from tests.chaos.nemesis import Nemesis, Trouble
from tests.chaos.parts import Parts, Wishes
from tests.chaos.people import People
from tests.chaos.recovery import Orphan, Orphans, percentile
from tests.checker import HistoryChecker, check_history

_TICK_S = 0.02
#: After the last harm, work must have come to rest within this time; waits of minutes are not
#: slept through (`calm.py`).
IDLE_WITHIN_S = 120.0
#: A killed worker's rows are begun again within this time: it is missed after 15 s of silence, the
#: dispatcher looks every 3 s, and the row has to be handed out.
RESUMED_P95_S_MAX = 20.0
#: How long people rest between two things that they do, about; what a death costs is measured on
#: workers that have something in hand, not on ones that are behind.
HURRIED_S, UNHURRIED_S = 0.4, 2.0
#: A company that has to be connected again more often than this at rest is not at rest.
RECONNECTS_MAX = 3
#: Lost webhooks are made good by the next sweep; where webhooks were seen to work, after a day.
SWEEP = "25h"


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What every kind of run tells at least."""

    seed: int
    took_s: float = 0.0
    errors_logged: dict[str, int] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Report(Outcome):
    """What was done, and what came of it."""

    idle_after_s: float = 0.0
    clock_moved_s: int = 0
    kills: dict[str, int] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    not_reached: list[str] = field(default_factory=list)
    people: dict[str, int] = field(default_factory=dict)
    our_writes: int = 0
    mails: int = 0
    parked: dict[str, int] = field(default_factory=dict)
    resumed: dict[str, float] = field(default_factory=dict)
    slowest: list[str] = field(default_factory=list)


@contextmanager
def installation(
    wishes_of: dict[str, Any], report: Outcome, *, keep: Path | None = None
) -> Iterator[Parts]:
    """Run an installation in a folder of its own; what still runs at its end is a violation."""
    signal.signal(signal.SIGTERM, _stop_by_signal)
    began = time.monotonic()
    folder = keep or Path(tempfile.mkdtemp(prefix="milestone-sync-chaos-"))
    parts = Parts(Wishes(folder=folder, **wishes_of))
    try:
        parts.start()
        yield parts
    finally:
        report.violations += parts.stop()
        report.errors_logged = _errors_logged(folder)
        report.took_s = round(time.monotonic() - began, 1)
        if keep is None:
            embedded.remove_folder(folder)


def run(
    *,
    seed: int,
    kills: int,
    companies: int,
    jobs: int,
    only_workers: bool = False,
    keep: Path | None = None,
) -> Report:
    """Do one run and report it."""
    report = Report(seed=seed)
    with installation({"companies": companies}, report, keep=keep) as parts:
        orphans = Orphans(parts)
        people = People(
            parts, seed=seed, jobs=jobs,
            pause_s=UNHURRIED_S if only_workers else HURRIED_S, days=not only_workers,
        )  # fmt: skip
        nemesis = Nemesis(parts, orphans, seed=seed, kills=kills, only_workers=only_workers)
        people.start()
        while not nemesis.is_done:
            parts.watch()
            nemesis.step()
            time.sleep(_TICK_S)
        nemesis.calm_down()
        people.stop()
        report.violations += people.failures
        report.kills, report.faults = dict(nemesis.kills), _sorted(nemesis.fired)
        report.not_reached = nemesis.given_up
        _come_to_rest(parts, people, orphans, report)
        report.people = _sorted(people.done)
        report.resumed = _resumed(orphans, nemesis.troubles, report.violations)
        report.slowest = _slowest(orphans, nemesis.troubles)
        report.violations += judge_all_of(parts)
        _count(parts, report)
    return report


def _come_to_rest(parts: Parts, people: People, orphans: Orphans, report: Report) -> None:
    calm = Calm(parts, parts.watch)
    began = time.monotonic()
    # Clocks are not moved before every orphan was taken up: its wait is what is measured.
    deadline = began + 60
    while time.monotonic() < deadline and any(s is None for _, s in orphans.waited_s()):
        parts.watch()
        time.sleep(0.1)
    report.violations += _rest(calm, people)
    report.idle_after_s = round(time.monotonic() - began, 1)
    parts.tell_sandbox("clock/advance", {"by": SWEEP})
    report.violations += _rest(calm, people)
    report.clock_moved_s = calm.moved_s


def _rest(calm: Calm, people: People) -> list[str]:
    """Wait for rest, a person connecting again what cannot go on without."""
    left = calm.wait(timeout_s=IDLE_WITHIN_S)
    for _ in range(RECONNECTS_MAX):
        if not people.reconnect():
            break
        left = calm.wait(timeout_s=IDLE_WITHIN_S)
    return left


def judge_all_of(parts: Parts) -> list[str]:
    """Judge from outside: the history, the mails, and every job against QuickBooks' figures."""
    rows = judge.history(parts)
    mails = [one.message for one in parts.mail.accepted]
    said = [str(one) for one in check_history(rows, mails, ours=APP_ACTOR)]
    return said + judge.judge(parts, rows)


def _count(parts: Parts, report: Report) -> None:
    report.mails = len(parts.mail.accepted)
    counted = HistoryChecker(APP_ACTOR)
    for row in judge.history(parts):
        counted.feed(row)
    report.our_writes = counted.our_writes
    with parts.admin() as admin:
        parked = admin.execute(
            "SELECT kind, error_class, count(*) FROM work WHERE state = 'parked' GROUP BY 1, 2"
        ).fetchall()
    report.parked = {f"{kind}: {error}": count for kind, error, count in parked}


def _resumed(orphans: Orphans, troubles: list[Trouble], violations: list[str]) -> dict[str, float]:
    """Tell how long rows stood still after their worker was killed: with nothing else wrong, and
    all of them.
    """
    waits = [(row, waited) for row, waited in orphans.waited_s() if waited is not None]
    lost = len(orphans.rows) - len(waits)
    violations += [f"{lost} rows were never begun again after a kill"] if lost else []
    alone = [waited for row, waited in waits if not _is_troubled(row, waited, troubles)]
    every = [waited for _, waited in waits]
    found: dict[str, float] = {"alone": len(alone), "all": len(every)}
    for name, values in (("alone", alone), ("all", every)):
        if values:
            found |= {
                f"{name} p50 s": round(percentile(values, 0.5), 1),
                f"{name} p95 s": round(percentile(values, 0.95), 1),
                f"{name} max s": round(max(values), 1),
            }
    if alone and percentile(alone, 0.95) > RESUMED_P95_S_MAX:
        violations.append(f"p95 of work begun again is {percentile(alone, 0.95):.1f} s")
    return found


def _slowest(orphans: Orphans, troubles: list[Trouble]) -> list[str]:
    """Tell of the rows that waited longest, and what else was wrong then."""
    waits = [(waited, row) for row, waited in orphans.waited_s() if waited is not None]
    return [
        f"{waited:.1f} s: {row.kind} {row.realm_no}/{row.work_id}, killed as {row.cause}"
        + (" beside other trouble" if _is_troubled(row, waited, troubles) else "")
        for waited, row in sorted(waits, key=lambda pair: -pair[0])[:5]
    ]


def _is_troubled(row: Orphan, waited_s: float, troubles: list[Trouble]) -> bool:
    began = row.killed_at.timestamp()
    return any(one.began < began + waited_s and began < one.ended for one in troubles)


def _errors_logged(folder: Path) -> dict[str, int]:
    counted: Counter[str] = Counter()
    for path in sorted((folder / "logs").glob("*.log")):
        for line in path.read_text(errors="replace").splitlines():
            if line.startswith('{"at"') and '"ERROR"' in line:
                counted[str(json.loads(line).get("name"))] += 1
            elif line.startswith("Traceback"):
                counted[f"{path.stem}: Traceback"] += 1
    return _sorted(counted)


def _sorted(counted: Counter[str]) -> dict[str, int]:
    return {name: count for name, count in sorted(counted.items()) if count}


def _stop_by_signal(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)
