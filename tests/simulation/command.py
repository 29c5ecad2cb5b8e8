"""The command: many seeds on all cores, what was fired, what was broken, and a failing seed shrunk
to what it needs.
"""

from __future__ import annotations

import argparse
import json
import logging
import multiprocessing
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.simulation.planted import BUGS, CAUGHT_BY, Planted, planted
from tests.simulation.run import Outcome, run_seed
from tests.simulation.services import databases, fast_services
from tests.simulation.shrink import shrunk
from tests.simulation.world import Databases

#: A planted bug has to be caught within this many seeds.
PROVE_SEEDS_MAX = 500
#: Where the seed that is known does not catch it any more, because the code takes other turns now,
#: so many are tried.
QUICK_SEEDS_MAX = 20
#: Of so many seeds one is run twice: the same seed is the same run.
TWICE_EVERY = 100


@dataclass(slots=True)
class Total:
    """What came of many seeds."""

    seeds: int = 0
    broken: list[Outcome] = field(default_factory=list)
    fired: Counter[str] = field(default_factory=Counter)
    figures: Counter[str] = field(default_factory=Counter)
    acts: Counter[str] = field(default_factory=Counter)

    def add(self, outcome: Outcome) -> None:
        """Count one seed."""
        self.seeds += 1
        self.fired += outcome.fired
        self.figures += outcome.figures
        self.acts += outcome.done
        if outcome.violations:
            self.broken.append(outcome)


def main() -> int:
    """Run what is asked for; 1 if anything was broken, or a planted bug was not caught."""
    wish = _arguments()
    logging.basicConfig(level=logging.INFO if wish.verbose else logging.CRITICAL)
    if wish.prove:
        return _prove(wish)
    began = time.monotonic()
    total = Total()
    for outcome in _many(range(wish.first, wish.first + wish.seeds), wish.processes):
        total.add(outcome)
        for one in outcome.violations[:5]:
            print(f"seed {outcome.seed}: {one}", flush=True)
    _say(total, took_s=time.monotonic() - began, is_json=wish.json)
    if total.broken and not wish.no_shrink:
        print(shrunk(total.broken[0].seed))
    return 1 if total.broken else 0


def _arguments() -> argparse.Namespace:
    asked = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    asked.add_argument("--seeds", type=int, default=100)
    asked.add_argument("--from", dest="first", type=int, default=0)
    asked.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    asked.add_argument("--prove", action="store_true", help="look for planted bugs")
    asked.add_argument("--quick", action="store_true", help="by the seeds known to catch them")
    asked.add_argument("--only", default="", help="planted bugs by name, with commas")
    asked.add_argument("--no-shrink", action="store_true")
    asked.add_argument("--json", action="store_true")
    asked.add_argument("-v", "--verbose", action="store_true")
    return asked.parse_args()


def _many(seeds: Sequence[int], processes: int) -> Iterator[Outcome]:
    """Run seeds in several processes, each with a server and a database of its own."""
    shares = [list(seeds[place::processes]) for place in range(processes)]
    yield from _in_processes(_share, shares)


def _in_processes(work: Callable[[Any, Any], None], shares: Sequence[Any]) -> Iterator[Any]:
    """Give what every process puts into its queue, until each has put a None."""
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    running = [context.Process(target=work, args=(share, queue)) for share in shares]
    for one in running:
        one.start()
    left = len(running)
    while left:
        found = queue.get()
        if found is None:
            left -= 1
        else:
            yield found
    for one in running:
        one.join()
        if one.exitcode != 0:
            raise SystemExit(f"a process ended with {one.exitcode}")


def _share(seeds: list[int], queue: Any) -> None:
    logging.basicConfig(level=logging.CRITICAL)
    try:
        with fast_services() as services, databases(services) as opened:
            for seed in seeds:
                outcome = run_seed(seed, opened)
                if seed % TWICE_EVERY == 0:
                    outcome.same_again(run_seed(seed, opened))
                queue.put(outcome)
    finally:
        queue.put(None)


def _say(total: Total, *, took_s: float, is_json: bool) -> None:
    known = {"fired": total.fired, "figures": total.figures, "acts": total.acts}
    if is_json:
        broken = [[one.seed, [asdict(v) for v in one.violations]] for one in total.broken]
        print(json.dumps({"seeds": total.seeds, "broken": broken, **known}, sort_keys=True))
        return
    for name, counted in known.items():
        words = ", ".join(f"{key} {count}" for key, count in sorted(counted.items()))
        print(f"{name}: {words}")
    violations = sum(len(one.violations) for one in total.broken)
    print(f"{total.seeds} seeds, {violations} violations in {len(total.broken)}, {took_s:.0f} s")


def _prove(wish: argparse.Namespace) -> int:
    """Plant every bug and look for a seed that catches it."""
    asked = wish.only.split(",") if wish.only else [one.name for one in BUGS]
    names = [one.name for one in BUGS if one.name in asked]
    shares = [(names[place :: wish.processes], wish.quick) for place in range(wish.processes)]
    missed = []
    for found in _in_processes(_prove_share, shares):
        if found.seed is None:
            missed.append(found.name)
            print(f"{found.name:28} NOT CAUGHT in {found.tried} seeds", flush=True)
        else:
            print(f"{found.name:28} seed {found.seed:<6} {found.said}", flush=True)
    print(f"{len(names) - len(missed)} of {len(names)} planted bugs caught")
    return 1 if missed else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Caught:
    """Which seed found a planted bug, if any did."""

    name: str
    seed: int | None
    said: str
    tried: int


def _prove_share(share: tuple[list[str], bool], queue: Any) -> None:
    names, is_quick = share
    logging.basicConfig(level=logging.CRITICAL)
    try:
        with fast_services() as services, databases(services) as opened:
            for bug in BUGS:
                if bug.name in names:
                    queue.put(_look_for(bug, opened, is_quick=is_quick))
    finally:
        queue.put(None)


def _look_for(bug: Planted, opened: Databases, *, is_quick: bool) -> Caught:
    """Run seeds with a bug in the code until one does not hold."""
    seeds = list(range(PROVE_SEEDS_MAX))
    if is_quick:
        seeds = [CAUGHT_BY[bug.name], *seeds[:QUICK_SEEDS_MAX]]
    for tried, seed in enumerate(seeds, start=1):
        with planted(bug):
            found = run_seed(seed, opened).violations
        # What the seed finds without the bug as well says nothing about the bug.
        if found and not run_seed(seed, opened).violations:
            return Caught(name=bug.name, seed=seed, said=str(found[0])[:90], tried=tried)
    return Caught(name=bug.name, seed=None, said="", tried=len(seeds))
