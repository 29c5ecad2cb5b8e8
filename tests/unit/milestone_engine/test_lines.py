"""Milestone amounts over contract lines, exact both ways."""

from __future__ import annotations

import pytest

from milestone_engine import Cell, LineAmount, LinesError, MilestoneAmount, spread, spread_lines
from milestone_engine.lines import repair
from tests.unit.milestone_engine.builders import cents


def check(table, lines, milestones):
    """Rows add up to the milestones, columns to the lines, cells lie within one unit."""
    whole = sum(lines)
    assert [sum(row) for row in table] == list(milestones)
    assert [sum(column) for column in zip(*table, strict=True)] == list(lines)
    for amount, row in zip(milestones, table, strict=True):
        for left, cell in zip(lines, row, strict=True):
            assert abs(cell * whole - amount * left) < abs(whole)


def test_a_sum_below_zero_is_spread_like_any():
    """Lines that are taken back: the same fractions, the other way."""
    lines, milestones = [-7, -4, 2], [-3, -6]

    check(spread_lines(lines, milestones), lines, milestones)


@pytest.mark.parametrize(
    ("lines", "milestones", "table"),
    [
        pytest.param(["6,000", "4,000"], ["2,500", "7,500"],
                     [["1,500", "1,000"], ["4,500", "3,000"]], id="E48"),
        pytest.param(["8,400", "3,600"], ["3,000", "3,000", "6,000"],
                     [["2,100", "900"], ["2,100", "900"], ["4,200", "1,800"]], id="design"),
        pytest.param(["-1,000", "4,500"], ["1,166.67", "2,333.33"],
                     [["-333.33", "1,500"], ["-666.67", "3,000"]], id="E79"),
        pytest.param(["0.01", "0.01", "0.01"], ["0.01", "0.01", "0.01"],
                     [["0", "0", "0.01"], ["0", "0.01", "0"], ["0.01", "0", "0"]],
                     id="on-a-tie-the-later-milestone-first"),
        pytest.param(["-0.01", "-0.01", "-0.01"], ["-0.01", "-0.01", "-0.01"],
                     [["-0.01", "0", "0"], ["0", "-0.01", "0"], ["0", "0", "-0.01"]],
                     id="below-zero-the-other-way"),
        pytest.param(["0.03"], ["0.01", "0.02"], [["0.01"], ["0.02"]], id="one-line"),
        pytest.param(["0.01", "0.02"], ["0.03"], [["0.01", "0.02"]], id="one-milestone"),
        pytest.param(["0.05", "0", "0.02"], ["0", "0.07"], [["0", "0", "0"], ["0.05", "0", "0.02"]],
                     id="nothing-for-a-milestone-of-zero"),
    ],
)  # fmt: skip
def test_spreads(lines, milestones, table):
    """Examples by their number, and the small ones."""
    lines = [cents(text) for text in lines]
    milestones = [cents(text) for text in milestones]

    found = spread_lines(lines, milestones)

    assert found == [[cents(text) for text in row] for row in table]
    check(found, lines, milestones)


@pytest.mark.parametrize(
    ("lines", "milestones"),
    [
        pytest.param([-2, 6, 8], [2, 2, 3, 2, 3], id="needs-a-swap"),
        pytest.param([4, -2, 4, 6], [2, 2, 3, 3, 2], id="needs-a-swap-too"),
        pytest.param([-3, 2, 3, 4, 6], [3, 4, 2, 3], id="needs-a-swap-as-well"),
        pytest.param([-5, -7], [-4, -8], id="all-below-zero"),
        pytest.param([10**15, 1, -7], [3, 10**15 - 9], id="large-and-small"),
        pytest.param([7] * 40, [280 // 5] * 5, id="many-ties"),
        pytest.param([5, 5], [-2, 12], id="a-milestone-below-zero"),
    ],
)
def test_ties_out_both_ways(lines, milestones):
    """Where columns in order are not enough, units are swapped inside columns."""
    check(spread_lines(lines, milestones), lines, milestones)


def test_as_large_as_it_gets():
    """750 lines and 24 milestones."""
    lines = [1 + n * n * 7919 % 99991 * (-1 if n % 17 == 0 else 1) for n in range(750)]
    weights = [3 + n * n for n in range(24)]
    milestones = [sum(lines) * weight // sum(weights) for weight in weights]
    milestones[-1] += sum(lines) - sum(milestones)

    table = spread_lines(lines, milestones)

    check(table, lines, milestones)
    assert table == spread_lines(lines, milestones)


def test_swaps_reach_over_several_rows():
    """Row 0 has one too many, row 2 lacks one, and only row 1 shares columns with both."""
    chosen = [[0], [1], [3]]
    debts = [-1, 0, 1, 0]

    repair(chosen, parted=[[0, 1], [1, 2], [3, 0]], debts=debts)

    assert (chosen, debts) == ([[1], [2], [3]], [0, 0, 0, 0])


@pytest.mark.parametrize(
    ("lines", "milestones", "table"),
    [
        pytest.param([0, 0], [0], [[0, 0]], id="nothing-left"),
        pytest.param([150000, -150000], [0, 0], [[0, 0], [0, 0]], id="E04-swap-after-the-last"),
        pytest.param([], [], [], id="empty"),
        pytest.param([], [0, 0], [[], []], id="no-lines"),
        pytest.param([5, -5], [3, -3], [[0, 3], [5, -8]], id="milestones-that-cancel-out"),
        pytest.param(
            [5, -5, 0],
            [3, -1, -2],
            [[0, 0, 3], [0, 0, -1], [5, -5, -2]],
            id="three-that-cancel-out",
        ),
    ],
)
def test_nothing_left_to_bill(lines, milestones, table):
    """There is no exact value to be near to; what lines have left is the caller's finding."""
    assert spread_lines(lines, milestones) == table


@pytest.mark.parametrize(
    ("lines", "milestones"),
    [([100], [99]), ([100], []), ([], [1]), ([], [1, -1]), ([1, -1], [1])],
)
def test_refuses_sums_that_differ(lines, milestones):
    """Every cent of a milestone must land on a line."""
    with pytest.raises(LinesError) as caught:
        spread_lines(lines, milestones)

    assert (caught.value.code, caught.value.at) == ("lines_sum", "milestones")


def line(id: str, amount: str) -> LineAmount:
    """Return a contract line."""
    return LineAmount(line_id=id, amount_minor=cents(amount))


def milestone(id: str, amount: str) -> MilestoneAmount:
    """Return a milestone to bill."""
    return MilestoneAmount(milestone_id=id, amount_minor=cents(amount))


def cell(milestone_id: str, line_id: str, amount: str) -> Cell:
    """Return one cell."""
    return Cell(milestone_id=milestone_id, line_id=line_id, amount_minor=cents(amount))


def test_spreads_what_is_left():
    """The example of the design: a quarter is billed, half of all is to be billed next."""
    cells = spread(
        [line("l1", "8,400"), line("l2", "3,600")],
        [milestone("m1", "3,000"), milestone("m2", "6,000")],
        [cell("m0", "l1", "2,100"), cell("m0", "l2", "900")],
    )

    assert cells == (
        cell("m1", "l1", "2,100"),
        cell("m1", "l2", "900"),
        cell("m2", "l1", "4,200"),
        cell("m2", "l2", "1,800"),
    )


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([line("l2", "6,000")], id="left-out"),
        pytest.param([line("l2", "6,000"), line("l1", "0")], id="at-zero"),
    ],
)
def test_E79_a_removed_line_is_given_back(lines):  # noqa: N802
    """1,000 of it was billed: it is carried as a negative line inside positive invoices."""
    cells = spread(
        lines,
        [milestone("m2", "1,166.67"), milestone("m3", "2,333.33")],
        [cell("m1", "l1", "1,000"), cell("m1", "l2", "1,500")],
    )

    assert cells == (
        cell("m2", "l2", "1,500"),
        cell("m2", "l1", "-333.33"),
        cell("m3", "l2", "3,000"),
        cell("m3", "l1", "-666.67"),
    )


def test_E04_a_swap_of_scope_moves_lines_only():  # noqa: N802
    """-1,500 and +1,500 after M1 was billed: the same amounts on other lines."""
    cells = spread(
        [line("l1", "4,500"), line("l2", "4,000"), line("l3", "1,500")],
        [milestone("m2", "2,500"), milestone("m3", "5,000")],
        [cell("m1", "l1", "1,500"), cell("m1", "l2", "1,000")],
    )

    rows = {"m2": 0, "m3": 0}
    columns = {"l1": 0, "l2": 0, "l3": 0}
    for one in cells:
        rows[one.milestone_id] += one.amount_minor
        columns[one.line_id] += one.amount_minor
    assert rows == {"m2": cents("2,500"), "m3": cents("5,000")}
    assert columns == {"l1": cents("3,000"), "l2": cents("3,000"), "l3": cents("1,500")}


@pytest.mark.parametrize(
    ("lines", "milestones", "place"),
    [
        pytest.param([line("a", "1"), line("a", "1")], [milestone("m", "2")], "lines[1].id",
                     id="line"),
        pytest.param([line("a", "2")], [milestone("m", "1"), milestone("m", "1")],
                     "milestones[1].id", id="milestone"),
    ],
)  # fmt: skip
def test_refuses_an_id_that_is_there_twice(lines, milestones, place):
    """A cell would have two addresses."""
    with pytest.raises(LinesError) as caught:
        spread(lines, milestones)

    assert (caught.value.code, caught.value.at) == ("duplicate_id", place)
