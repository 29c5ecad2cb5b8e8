"""A failing seed, cut down to the faults and acts that it needs (ddmin)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from tests.simulation.run import run_seed
from tests.simulation.services import databases, fast_services
from tests.simulation.world import Databases, Shrunk

T = TypeVar("T")

RUNS_MAX = 120


def shrunk(seed: int) -> str:
    """Give the shortest schedule that was found on which a seed still fails."""
    with fast_services() as services, databases(services) as opened:
        return _shrunk(seed, opened)


def _shrunk(seed: int, opened: Databases) -> str:
    whole = run_seed(seed, opened)
    if not whole.violations:
        return f"seed {seed} holds"
    rules = {one.rule for one in whole.violations}
    runs = 0

    def fails(faults: Sequence[tuple[str, int]], acts: Sequence[int]) -> bool:
        nonlocal runs
        runs += 1
        if runs > RUNS_MAX:
            return False
        left_out = Shrunk(
            faults=frozenset(whole.faults) - frozenset(faults),
            acts=frozenset(number for number, _ in whole.acts) - frozenset(acts),
        )
        found = run_seed(seed, opened, without=left_out).violations
        return bool(rules & {one.rule for one in found})

    acts = [number for number, _ in whole.acts]
    faults = _least(whole.faults, lambda some: fails(some, acts))
    acts = _least(acts, lambda some: fails(faults, some))
    verbs = dict(whole.acts)
    return "\n".join(
        [
            f"seed {seed} still fails with",
            f"  acts: {', '.join(f'{number} {verbs[number]}' for number in acts) or 'none'}",
            f"  faults: {', '.join(f'{kind} {turn}' for kind, turn in faults) or 'none'}",
            *(f"  {one}" for one in whole.violations[:5]),
        ]
    )


def _least(items: Sequence[T], fails: Callable[[Sequence[T]], bool]) -> list[T]:
    """Leave out what can be left out, halves first."""
    kept, size = list(items), max(1, len(items) // 2)
    while size >= 1:
        place = 0
        while place < len(kept):
            fewer = kept[:place] + kept[place + size :]
            if fails(fewer):
                kept = fewer
            else:
                place += size
        size //= 2
    return kept
