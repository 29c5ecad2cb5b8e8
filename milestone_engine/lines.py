"""Spread milestone amounts over contract lines so that every cent lands on a line, twice.

Given R, what is left to bill of each line, and M, what each milestone bills of it (sum R = sum M =
S), the exact value of a cell is M_k * R_l / S. Wanted is a table of whole units whose rows add up
to M, whose columns add up to R, and whose cells are the exact values rounded down or up: controlled
rounding.

A solution exists. Take every cell rounded down; what its row and column still lack, a row's need
r_k and a column's need c_l, are the sums of fractional parts, so they are whole. Cells that are
whole already take nothing, all others 0 or 1 more. The fractional parts themselves are a flow
through that network from the columns to the rows, and a network of whole capacities that carries a
flow carries a whole one.

It is found in two passes.

1. *Columns in order.* Each row carries a debt: fractional parts so far less units received. A
   column's c_l units go to the rows with the largest debt among those with a fractional part in it
   (there are more of these than units, for each part is below 1); on a tie the later milestone
   wins, as everywhere. Columns are exact now, and debts stay small, so rows are nearly exact: one
   pass is enough for most tables.
2. *Repair.* Rows end with a debt of whole units. While some row has one too many, another lacks
   one, and a chain of swaps inside columns leads from the first to the second. For else take all
   rows that chains reach from those with too many: in a column where one of them holds a unit,
   every other row that may hold one does, so the reached rows hold no more of it than their
   fractional parts; and over all columns no more than they need, though they have too many. The
   shortest chain moves one unit; columns and bounds hold.

Negative lines are rounded down like all others, so their fractional parts are positive too and
nothing changes. If S = 0 there is no exact value: milestones of zero bill nothing, and lines that
still have something left are a finding of the caller's. Milestones that cancel out (one of
them is negative then) are billed through the last row and the last column.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from milestone_engine.errors import LinesError


@dataclass(frozen=True, slots=True, kw_only=True)
class LineAmount:
    """What a contract line comes to."""

    line_id: str
    amount_minor: int  #: negative for a deduction


@dataclass(frozen=True, slots=True, kw_only=True)
class MilestoneAmount:
    """What a milestone is to bill."""

    milestone_id: str
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What a milestone bills of a line, or has billed."""

    milestone_id: str
    line_id: str
    amount_minor: int


def spread(
    lines: Sequence[LineAmount],
    milestones: Sequence[MilestoneAmount],
    already: Iterable[Cell] = (),
) -> tuple[Cell, ...]:
    """Spread what the milestones are to bill over what is left of the lines.

    Args:
        lines: the contract's lines in order, net, before tax.
        milestones: those still to be billed or revised, in order; not the locked and pinned ones
            that stand.
        already: what stands on other invoices. A line that is not among `lines` was removed after
            it was part billed: it counts as a line of zero, behind the others, so what was billed
            of it is given back (E79).

    Returns:
        One Cell per milestone and line, milestone by milestone, zeros included.

    Raises:
        LinesError: `duplicate_id`; `lines_sum` where the milestones do not add up to what is left.
    """
    left = left_to_bill(lines, already)
    _refuse_repeated([milestone.milestone_id for milestone in milestones], "milestones")
    table = spread_lines(list(left.values()), [milestone.amount_minor for milestone in milestones])
    return tuple(
        Cell(milestone_id=milestone.milestone_id, line_id=line_id, amount_minor=amount)
        for milestone, row in zip(milestones, table, strict=True)
        for line_id, amount in zip(left, row, strict=True)
    )


def left_to_bill(lines: Sequence[LineAmount], already: Iterable[Cell]) -> dict[str, int]:
    """Return line id -> what is left of it, in order, removed lines last."""
    _refuse_repeated([line.line_id for line in lines], "lines")
    left = {line.line_id: line.amount_minor for line in lines}
    take_off(left, ((cell.line_id, cell.amount_minor) for cell in already))
    return left


def take_off(left: dict[str, int], billed: Iterable[tuple[str, int]]) -> None:
    """Take what is billed, by line id, off what is left."""
    for line_id, amount in billed:
        left[line_id] = left.get(line_id, 0) - amount


def _refuse_repeated(ids: Sequence[str], name: str) -> None:
    seen: set[str] = set()
    for place, repeated in enumerate(ids):
        if repeated in seen:
            raise LinesError(
                f"{repeated!r} is there twice", code="duplicate_id", at=f"{name}[{place}].id"
            )
        seen.add(repeated)


def spread_lines(
    line_remaining: Sequence[int], milestone_amounts: Sequence[int]
) -> list[list[int]]:
    """Spread milestone amounts over lines, exact by row and column, each cell rounded down or up.

    Args:
        line_remaining: what is left to bill of each line, in minor units, signed.
        milestone_amounts: what each milestone bills. Their sum is that of the lines.

    Returns:
        One row per milestone with one amount per line. If both sums are zero: see the module.

    Raises:
        LinesError: `lines_sum`.
    """
    whole = sum(line_remaining)
    if whole != sum(milestone_amounts) or (any(milestone_amounts) and not line_remaining):
        raise LinesError(
            (
                *("the milestones come to ", sum(milestone_amounts)),
                *(", what is left of the lines to ", whole),
            ),
            at="milestones",
        )
    if not whole:
        return _cancel_out(line_remaining, milestone_amounts)
    if whole < 0:  # the same fractions with a positive whole
        whole, milestone_amounts = -whole, [-amount for amount in milestone_amounts]
    columns, chosen, debts = _fill_columns(line_remaining, milestone_amounts, whole)
    if any(debts):
        parted = [
            [place for place, amount in enumerate(milestone_amounts) if amount * left % whole]
            for left in line_remaining
        ]
        repair(chosen, parted, debts)
    for column, places in zip(columns, chosen, strict=True):
        for place in places:
            column[place] += 1
    return [list(row) for row in zip(*columns, strict=True)]


def _fill_columns(
    line_remaining: Sequence[int], milestone_amounts: Sequence[int], whole: int
) -> tuple[list[list[int]], list[list[int]], list[int]]:
    """Make every column exact, and every row nearly so.

    Returns:
        Cells rounded down by column; the rows that get one unit more, by column; units that each
        row lacks.
    """
    columns: list[list[int]] = []
    chosen: list[list[int]] = []
    debts = [0] * len(milestone_amounts)  # in parts of `whole`
    later_first = range(len(milestone_amounts) - 1, -1, -1)
    for left in line_remaining:
        column, parts = [], []
        for amount in milestone_amounts:
            quotient, part = divmod(amount * left, whole)
            column.append(quotient)
            parts.append(part)
        columns.append(column)
        units = left - sum(column)
        if not units:
            chosen.append([])
            continue
        for place, part in enumerate(parts):
            debts[place] += part
        eager = [place for place in later_first if parts[place]]
        eager.sort(key=debts.__getitem__, reverse=True)
        del eager[units:]
        for place in eager:
            debts[place] -= whole
        chosen.append(eager)
    return columns, chosen, [debt // whole for debt in debts]


def repair(chosen: list[list[int]], parted: Sequence[Sequence[int]], debts: list[int]) -> None:
    """Move units between the rows of a column until no row lacks one. Changes `chosen` and `debts`.

    Args:
        chosen: the rows that get one unit more, by column.
        parted: the rows that may get one, by column: those with a fractional part.
        debts: units that each row lacks; negative: has too many. Their sum is 0.
    """
    while any(debts):
        places, columns = _chain(chosen, parted, debts)
        for column, giver, taker in zip(columns, places, places[1:], strict=False):
            chosen[column].remove(giver)
            chosen[column].append(taker)
        debts[places[0]] += 1
        debts[places[-1]] -= 1


def _chain(
    chosen: Sequence[Sequence[int]], parted: Sequence[Sequence[int]], debts: Sequence[int]
) -> tuple[list[int], list[int]]:
    """Return the shortest chain of rows from one with too many to one that lacks."""
    reached = [place for place, debt in enumerate(debts) if debt < 0]
    came_from: dict[int, tuple[int, int]] = {}
    for giver in reached:  # grows while it is walked: breadth first
        for column, takers in enumerate(parted):
            if giver not in chosen[column]:
                continue
            for taker in takers:
                if taker in chosen[column] or taker in came_from or debts[taker] < 0:
                    continue
                came_from[taker] = (giver, column)
                if debts[taker] > 0:
                    return _walk_back(taker, came_from)
                reached.append(taker)
    raise AssertionError("a flow of fractions exists, so a chain does")


def _walk_back(taker: int, came_from: Mapping[int, tuple[int, int]]) -> tuple[list[int], list[int]]:
    places, columns = [taker], []
    while places[-1] in came_from:
        giver, column = came_from[places[-1]]
        places.append(giver)
        columns.append(column)
    return places[::-1], columns[::-1]


def _cancel_out(line_remaining: Sequence[int], milestone_amounts: Sequence[int]) -> list[list[int]]:
    """Return a table where there is no exact value: zeros, or by the last row and last column."""
    table = [[0] * len(line_remaining) for _ in milestone_amounts]
    if any(milestone_amounts):
        table[-1] = list(line_remaining)
        for row, amount in zip(table[:-1], milestone_amounts[:-1], strict=True):
            row[-1] += amount
            table[-1][-1] -= amount
    return table
