"""Every small world, all of them: `python -m tests.property.worlds`.

Up to four milestones of every kind (`test_small_worlds.KINDS`), totals 0 to 20, every policy,
each held against the laws and against exact fractions; every table of lines up to 3 x 3 with totals
up to 12, with deductions. Some minutes on two cores; the suite takes every so many of the worlds of
four (`test_worlds.py`), the smaller ones whole.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import islice, product

from milestone_engine import OnInvoiced, Position, rebalance
from tests.property.oracle import answer
from tests.property.test_small_worlds import KINDS, TOTALS, check, check_table, signed, sums_to

World = tuple[int, ...]  #: the kind of each milestone, by its place in KINDS


def all_worlds(length: int, *, every: int = 1) -> Iterator[World]:
    """Return the schedules of so many milestones, or every so many of them."""
    return islice(product(range(len(KINDS)), repeat=length), 0, None, every)


def check_world(world: World) -> int:
    """Hold one schedule against laws and fractions at every total; return how many splits that was.

    Raises:
        AssertionError: with the schedule, the total and the policy.
    """
    rows = [KINDS[kind][place] for place, kind in enumerate(world)]
    for policy in OnInvoiced:
        before: list[int] | None = None
        for total in TOTALS:
            before = _check_split(total, rows, policy, before)
    return len(OnInvoiced) * len(TOTALS)


def _check_split(
    total: int, rows: Sequence[Position], policy: OnInvoiced, before: list[int] | None
) -> list[int]:
    split = rebalance(total, rows, currency="JPY", on_invoiced=policy)
    check(total, list(rows), policy, split)
    amounts = [share.amount_minor for share in split.shares]
    expected = answer(total, rows, policy)
    here = (rows, total, policy)
    assert amounts == expected.amounts, here
    assert (split.credit_minor, split.unallocated_minor) == (
        expected.credit,
        expected.unallocated,
    ), here
    if before is not None:
        assert all(new >= old - 1 for old, new in zip(before, amounts, strict=True)), here
    return amounts


def check_tables(total: int) -> int:
    """Hold every table of one total against the laws of lines; return how many there were."""
    count = 0
    for lines in (1, 2, 3):
        rows = [*sums_to(total, lines), *signed(total, lines, 6)]
        for left in dict.fromkeys(rows):
            for size in (1, 2, 3):
                for milestones in sums_to(total, size):
                    check_table(left, milestones)
                    count += 1
    return count


def main() -> None:
    """Run them all, on every core, and say how many there were."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--every", type=int, default=1, help="take every so many worlds of four")
    every = options.parse_args().every
    began = time.perf_counter()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        tables = sum(pool.map(check_tables, range(1, 13)))
        print(f"{tables} tables of lines tie out", flush=True)
        for length in (1, 2, 3, 4):
            worlds = all_worlds(length, every=every if length == 4 else 1)
            splits = sum(pool.map(check_world, worlds, chunksize=200))
            print(f"{splits} splits of {length} keep the laws", flush=True)
    print(f"{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
