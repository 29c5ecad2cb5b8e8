"""Every small world: all that can be is tried, and each result held against the laws.

Small totals tie, meet bounds and run out more often than any amount of chance would have it.

The tests run every kind of milestone at every total in schedules of up to three, and the states of
the rule in schedules of four. Every kind in schedules of four too takes minutes:

    python -m tests.property.test_small_worlds --full

It splits every schedule of one to four milestones of all KINDS, at every total from 0 to 20, under
each policy, and holds each split against the laws as the tests do: exact sum, nothing negative,
locked and held ones as billed, the others never below what is paid, a credit only where nothing
could give way, caps met exactly, and no amount that a total one higher lowers by more than one
unit. It prints how many splits there were, and how long they took.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import product
from time import process_time

import pytest

from milestone_engine import (
    Basis,
    Fixed,
    Milestone,
    OnInvoiced,
    Parts,
    Percent,
    Position,
    ShareState,
    Split,
    Trigger,
    When,
    rebalance,
    spread_lines,
)
from tests.property.oracle import answer

TOTALS = range(21)
_TRIGGER = Trigger(when=When.AFTER, event="removal")
_ZERO = Percent(value=Decimal(0))


def a_kind(
    basis: Basis,
    billed: int | None = None,
    paid: int = 0,
    *,
    pinned: int | None = None,
    held: bool = False,
    cap: int | None = None,
    extra: int = 0,
) -> tuple[Position, ...]:
    """Return one kind of milestone, once for every place it may stand in."""
    return tuple(
        Position(
            milestone=Milestone(
                id=f"m{place}",
                label="",
                basis=basis,
                trigger=_TRIGGER,
                pinned_minor=pinned,
                held=held,
                cap_minor=cap,
                extra_minor=extra,
            ),
            billed_minor=billed,
            paid_minor=paid,
        )
        for place in range(4)
    )


def percent(value: int) -> Percent:
    """Return a share."""
    return Percent(value=Decimal(value))


#: Every state, and what a milestone may bring along, at amounts that get in each other's way.
KINDS = [
    a_kind(percent(1)),
    a_kind(percent(2)),
    a_kind(_ZERO),
    a_kind(percent(1), 4),
    a_kind(percent(1), 4, 2),
    a_kind(percent(2), 5, 5),
    a_kind(percent(1), 3, 6),
    a_kind(percent(1), 5, 1, held=True),
    a_kind(percent(1), pinned=3),
    a_kind(percent(2), 3, 2, pinned=1),
    a_kind(Fixed(amount_minor=6)),
    a_kind(Fixed(amount_minor=2), 5, 1),
    a_kind(percent(2), cap=3),
    a_kind(percent(1), 6, 4, cap=2),
    a_kind(percent(1), extra=3),
    a_kind(percent(2), extra=-4),
    a_kind(_ZERO, extra=5),
    a_kind(_ZERO, 3, 1, cap=4),
    a_kind(Fixed(amount_minor=9), cap=7, extra=1),
]

#: Every state, for schedules of four: open by two weights, by none, sent, paid in part, with a cap
#: and with an extra; locked, held, set by a person and fixed. Under `hold` what is sent is pinned,
#: under `supplement` it has another floor.
STATES = [KINDS[place] for place in (0, 1, 2, 3, 4, 12, 15, 5, 7, 8, 10)]


def worlds(kinds: list[tuple[Position, ...]], length: int) -> Iterator[list[Position]]:
    """Return every schedule of so many milestones."""
    for chosen in product(kinds, repeat=length):
        yield [kind[place] for place, kind in enumerate(chosen)]


def check(total: int, rows: list[Position], policy: OnInvoiced, split: Split) -> None:
    """Hold one split against the laws that need no second split."""
    amounts = [share.amount_minor for share in split.shares]
    assert sum(amounts) == total + split.credit_minor - split.unallocated_minor
    assert min(amounts) >= 0
    assert split.credit_minor >= 0
    assert split.unallocated_minor >= 0
    assert 0 in (split.credit_minor, split.unallocated_minor)
    assert split.on_account_minor == sum(
        max(row.paid_minor - row.billed_minor, 0) for row in rows if row.billed_minor is not None
    )
    for row, share in zip(rows, split.shares, strict=True):
        if share.state in (ShareState.LOCKED, ShareState.HELD):
            assert share.amount_minor == row.billed_minor
        else:
            assert share.amount_minor >= row.paid_minor
            # Whoever gets money back has nothing left that could have given way.
            assert not split.credit_minor or share.amount_minor == row.paid_minor
        if share.why.code == "cap":
            assert share.amount_minor == row.milestone.cap_minor


def check_worlds(kinds: list[tuple[Position, ...]], length: int, policy: OnInvoiced) -> int:
    """Hold every schedule of so many milestones, at every total, against the laws; count splits."""
    count = 0
    for rows in worlds(kinds, length):
        before = None
        for total in TOTALS:
            split = rebalance(total, rows, currency="JPY", on_invoiced=policy)
            check(total, rows, policy, split)
            if before is not None:
                for old, new in zip(before.shares, split.shares, strict=True):
                    assert new.amount_minor >= old.amount_minor - 1, (rows, total)
            before = split
            count += 1
    return count


@pytest.mark.parametrize("policy", OnInvoiced)
@pytest.mark.parametrize(("kinds", "length"), [(KINDS, 1), (KINDS, 2), (KINDS, 3), (STATES, 4)])
def test_every_small_schedule_keeps_the_laws(kinds, length, policy):
    """Totals 0 to 20, up to four milestones; a total one higher lowers nothing by more than one."""
    assert check_worlds(kinds, length, policy) == len(kinds) ** length * len(TOTALS)


@pytest.mark.parametrize("policy", OnInvoiced)
def test_every_pair_is_as_the_page_says(policy):
    """All kinds in twos, totals 0 to 20, against exact fractions."""
    for rows in worlds(KINDS, 2):
        for total in TOTALS:
            split = rebalance(total, rows, currency="JPY", on_invoiced=policy)
            expected = answer(total, rows, policy)
            assert [share.amount_minor for share in split.shares] == expected.amounts, (rows, total)
            assert split.credit_minor == expected.credit
            assert split.unallocated_minor == expected.unallocated


def test_every_schedule_of_parts_is_as_the_page_says():
    """Up to four milestones of one to three parts, nothing billed: the odd units alone."""
    kinds = [a_kind(Parts(count=count)) for count in (1, 2, 3)]
    for length in (1, 2, 3, 4):
        for rows in worlds(kinds, length):
            for total in TOTALS:
                split = rebalance(total, rows, currency="JPY")
                expected = answer(total, rows, OnInvoiced.REVISE)
                assert [share.amount_minor for share in split.shares] == expected.amounts


def sums_to(total: int, length: int) -> Iterator[tuple[int, ...]]:
    """Return every row of so many numbers from 0 with this sum."""
    if length == 1:
        yield (total,)
        return
    for first in range(total + 1):
        for rest in sums_to(total - first, length - 1):
            yield (first, *rest)


def signed(total: int, length: int, most: int) -> Iterator[tuple[int, ...]]:
    """Return every row of so many numbers from -most to most with this sum."""
    for start in product(range(-most, most + 1), repeat=length - 1):
        last = total - sum(start)
        if -most <= last <= most:
            yield (*start, last)


def check_table(lines: tuple[int, ...], milestones: tuple[int, ...]) -> None:
    """Hold one table against the laws of lines."""
    whole = sum(lines)
    table = spread_lines(lines, milestones)
    assert tuple(map(sum, table)) == milestones, (lines, milestones)
    assert tuple(map(sum, zip(*table, strict=True))) == lines, (lines, milestones)
    for amount, row in zip(milestones, table, strict=True):
        for left, cell in zip(lines, row, strict=True):
            assert -whole < cell * whole - amount * left < whole, (lines, milestones)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_every_small_table_ties_out(size):
    """Up to three milestones and three lines, totals 1 to 12."""
    for total in range(1, 13):
        for count in (1, 2, 3):
            for lines in sums_to(total, count):
                for milestones in sums_to(total, size):
                    check_table(lines, milestones)


def test_every_small_table_with_deductions_ties_out():
    """Lines from -6 to 6, two to four milestones."""
    for total in range(1, 8):
        for lines in signed(total, 3, 6):
            for size in (2, 3, 4):
                for milestones in sums_to(total, size):
                    check_table(lines, milestones)


def main(arguments: Sequence[str]) -> None:
    """Run every small schedule there is: see the top of this page."""
    if list(arguments) != ["--full"]:
        raise SystemExit("usage: python -m tests.property.test_small_worlds --full")
    started, whole = process_time(), 0
    for length in (1, 2, 3, 4):
        for policy in OnInvoiced:
            count = check_worlds(KINDS, length, policy)
            whole += count
            took_s = process_time() - started
            print(f"{length} milestones, {policy.value}: {count:,} ({took_s:.0f} s)", flush=True)
    print(f"{whole:,} splits keep the laws, in {process_time() - started:.0f} s of CPU")


if __name__ == "__main__":
    main(sys.argv[1:])
