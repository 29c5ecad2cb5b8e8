"""A seed from beginning to end: chaos, calm, and the judgement."""

from __future__ import annotations

import hashlib
import logging
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from sqlalchemy import text

from sync.quickbooks import gateway, queries
from tests.checker import Violation, check_mails
from tests.simulation.checks import judge_end
from tests.simulation.world import DISPATCH, FULL_FEED, FULL_PAGE, WEB, Databases, Shrunk, World

logger = logging.getLogger(__name__)

STEPS = 1500
#: How often a patient person acts while we are at work all the same.
ACTS_BETWEEN = 0.01
#: Calm may take this many steps before "it never ends" is the finding.
CALM_STEPS_MAX = 8_000
#: How far time jumps when nobody has anything to do.
IDLE_JUMPS_S = (0.5, 2.0, 6.0, 16.0, 20.0, 61.0, 140.0)


@dataclass(slots=True)
class Outcome:
    """What came of one seed."""

    seed: int
    violations: list[Violation] = field(default_factory=list)
    fired: Counter[str] = field(default_factory=Counter)
    faults: list[tuple[str, int]] = field(default_factory=list)
    acts: list[tuple[int, str]] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    figures: Counter[str] = field(default_factory=Counter)
    trace: str = ""

    def same_again(self, other: Outcome) -> None:
        """Note where the same seed took another course: chance has leaked in."""
        if self.trace != other.trace:
            said = f"two runs of the seed differ: {self.trace} and {other.trace}"
            self.violations.append(Violation(rule="chance", message=said))


def run_seed(
    seed: int, databases: Databases, *, without: Shrunk | None = None, steps: int = STEPS
) -> Outcome:
    """Run one world and judge it."""
    random.seed(f"production/{seed}")  # back-off and its jitter
    world = World(seed, databases, steps=steps, without=without or Shrunk())
    outcome = Outcome(seed, acts=[(one.number, one.verb) for one in world.acts])
    trace = hashlib.sha256()
    try:
        with _full_answers(world):
            _chaos(world, steps, trace)
            _calm(world, trace)
    except AssertionError as exc:
        outcome.violations.append(Violation(rule="assertion", message=str(exc) or repr(exc)))
    except _Stuck as exc:
        outcome.violations.append(Violation(rule="liveness", message=str(exc)))
    else:
        outcome.violations += judge_end(world, outcome.figures)
    finally:
        while world.baton.strands:
            world.baton.crash(world.baton.strands[0])
    world.look()
    outcome.violations += [*world.violations, *world.checker.violations]
    outcome.violations += check_mails(world.mail.accepted)
    outcome.violations += [
        Violation(rule="failure", message=f"{type(exc).__name__}: {exc}"[:500])
        for exc in world.baton.failures
    ]
    outcome.faults = world.chance.fired
    outcome.fired.update(kind for kind, _ in world.chance.fired)
    for side in world.sides:
        outcome.done += side.people.done
    outcome.figures["our_writes"] += world.checker.our_writes
    outcome.figures["mails"] += len(world.mail.accepted)
    outcome.trace = trace.hexdigest()[:16]
    return outcome


@contextmanager
def _full_answers(world: World) -> Iterator[None]:
    """Have pages and cut change feeds where the seed has full books: with 1,000 objects to an
    answer none would ever come.
    """
    if not world.is_full:
        yield
        return
    with (
        patch.object(queries, "PAGE_SIZE", FULL_PAGE),
        patch.object(gateway, "CDC_OBJECTS_MAX", FULL_FEED),
    ):
        yield


class _Stuck(Exception):
    """It does not come to rest."""


def _chaos(world: World, steps: int, trace: Any) -> None:
    """Let people act while everything goes wrong. Hasty ones act by the step, whatever we are at;
    patient ones mostly wait until we have come to rest, so that there are invoices to act on.
    """
    acts = list(world.acts)
    order, stream = world.chance.order, world.chance.stream("patience")
    is_hasty, eagerness = stream.choice([(True, 0.5), (False, 0.2), (False, 0.1)])
    for step in range(steps):
        while acts and acts[0].step <= (step if is_hasty else 0):
            world.act(acts.pop(0))
        if acts and order.random() < ACTS_BETWEEN:
            world.act(acts.pop(0))
        if _step(world, trace):
            continue
        if acts and order.random() < eagerness:
            world.act(acts.pop(0))
        else:
            world.pass_time(order.choice(IDLE_JUMPS_S))
        if not acts and _next_moment_s(world) is None:
            break
    for act in acts:
        world.act(act)


def _step(world: World, trace: Any) -> bool:
    """Let one thing happen; tell whether anything could."""
    chance, order = world.chance, world.chance.order
    if world.processes and chance.fires("kill_process"):
        world.kill_process(order.choice(world.processes))
    if world.processes and chance.fires("pause_process"):
        # Who has something in hand is the one whose absence is felt.
        at_work = {strand.process for strand in world.baton.strands}
        busy = [one for one in world.processes if one.name in at_work]
        process = order.choice(busy or world.processes)
        process.is_paused = True
        process.paused_until = world.time.elapsed_s + order.choice([10.0, 20.0, 40.0, 120.0])
    for role, fault in ((DISPATCH, "kill_dispatcher"), (WEB, "kill_web")):
        strands = [one for one in world.baton.strands if one.process == role]
        if strands and chance.fires(fault):
            world.baton.crash(strands[0])
            world.is_stirred = True
    world.tell()
    if order.random() < 0.15 or not world.runnable():
        world.dispatch()
    while order.random() < 0.7 and world.deliver():
        pass
    runnable = world.runnable()
    if not runnable:
        return False
    strand = order.choice(runnable)
    trace.update(f"{strand.name}@{strand.at};".encode())
    # A few steps at a time: what lies between two borders of one strand is seldom of interest.
    for _ in range(order.choice([1, 1, 2, 4, 8])):
        world.baton.resume(strand)
        if strand.is_over or strand.until > world.time.elapsed_s:
            break
    if order.random() < 0.03:
        world.pass_time(order.choice([0.1, 0.5, 2.0]))
    world.look()
    return True


def _calm(world: World, trace: Any) -> None:
    """Faults and people stop; everything must come to rest. Then the work on site ends."""
    world.chance.is_calm = True
    for process in world.processes:
        process.is_paused = False
    _until_quiet(world, trace)
    _look_again(world, trace)
    # The sweep that needs no webhook comes round within a day.
    world.books.advance("25h")
    _until_quiet(world, trace)
    for side in world.sides:
        side.people.complete_everything()
    world.is_stirred = True
    _until_quiet(world, trace)
    with _nothing_more(world, "a day later"):
        world.books.advance("25h")
        _until_quiet(world, trace)


def _look_again(world: World, trace: Any) -> None:
    """Decide every job once more: whoever is at rest has nothing left to do."""
    with _nothing_more(world, "a second look"):
        with world.databases.owner.begin() as session:
            session.execute(text("UPDATE job SET look_at = business_now()"))
        world.is_stirred = True
        _until_quiet(world, trace)


@contextmanager
def _nothing_more(world: World, occasion: str) -> Iterator[None]:
    """Note it as a violation if anything is written or mailed."""
    writes, mails = world.checker.our_writes, len(world.mail.accepted)
    yield
    again = world.checker.our_writes - writes, len(world.mail.accepted) - mails
    if any(again):
        said = f"{occasion} wrote {again[0]} times and sent {again[1]} mails"
        world.violations.append(Violation(rule="restless", message=said))


def _until_quiet(world: World, trace: Any) -> None:
    for _ in range(CALM_STEPS_MAX):
        if _step(world, trace):
            continue
        if world.reconnect() or world.approve_all():
            world.is_stirred = True
            continue
        wait_s = _next_moment_s(world)
        if wait_s is None and not world.is_busy():
            return
        world.pass_time(1.0 if wait_s is None else wait_s)
    with world.databases.owner.begin() as session:
        rows = session.execute(
            text("SELECT kind, state, attempts, error FROM work WHERE state NOT IN"
                 " ('done', 'cancelled', 'parked')")
        ).all()  # fmt: skip
    raise _Stuck(f"no rest after {CALM_STEPS_MAX} steps: {[tuple(row) for row in rows][:5]}")


def _next_moment_s(world: World) -> float | None:
    """Tell in how many seconds something comes about by itself; None if nothing is known of."""
    now_s = world.time.elapsed_s
    waits = [moment - now_s for moment in world.moments() if moment > now_s]
    asked = text(
        "SELECT extract(epoch FROM min(moment) - lease_now()) FROM ("
        " SELECT greatest(retry_at, coalesce(blocked_until, '-infinity')) AS moment"
        "   FROM work JOIN realm USING (realm_no)"
        "  WHERE work.state = 'ready' AND realm.state = 'connected'"
        "    AND (not_before IS NULL OR not_before <= business_now())"
        "    AND realm_no <> :broken"
        " UNION ALL SELECT sent_at + interval '20 s' FROM work WHERE state = 'sent'"
        " UNION ALL SELECT lease_until + interval '5 s' FROM work WHERE state = 'running'"
        " UNION ALL SELECT seen_at + interval '20 s' FROM process JOIN work USING (process_id)"
        "  WHERE work.state = 'running') AS moments WHERE moment > lease_now()"
    )
    with world.databases.owner.begin() as session:
        broken = world.broken.realm_no if world.broken else 0
        found = session.execute(asked, {"broken": broken}).scalar_one()
    if found is not None:
        waits.append(max(0.1, float(found)))
    return min(waits, default=None)
