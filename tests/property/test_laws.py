"""The laws of section 3 of the money rules, and of lines, on anything that Hypothesis thinks of."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import assume, given
from hypothesis import strategies as st

from milestone_engine import (
    Cell,
    LineAmount,
    MilestoneAmount,
    Parts,
    Percent,
    Position,
    ShareState,
    allocate,
    format_money,
    parse_money,
    rebalance,
    spread,
    spread_lines,
)
from milestone_engine.lines import repair
from milestone_engine.money import EXPONENTS
from tests.property.oracle import answer
from tests.strategies import amounts_minor, policies, positions, tables, totals_minor


def split_of(total, rows, policy, **options):
    """Return a split in dollars."""
    return rebalance(total, rows, currency="USD", on_invoiced=policy, **options)


def amounts_of(split):
    """Return the amounts in order."""
    return [share.amount_minor for share in split.shares]


@given(totals_minor, positions(), policies)
def test_the_engine_says_what_the_page_says(total, rows, policy):
    """Every amount, the credit and what is unallocated, against exact fractions."""
    split = split_of(total, rows, policy)

    expected = answer(total, rows, policy)

    assert amounts_of(split) == expected.amounts
    assert (split.credit_minor, split.unallocated_minor) == (expected.credit, expected.unallocated)
    assert [share.state.value for share in split.shares] == [row.kind for row in expected.rows]


@given(totals_minor, positions(), policies, st.one_of(st.none(), st.integers(1, 50)))
def test_no_cent_is_lost(total, rows, policy, cash_step):
    """Sum of amounts = total + credit - unallocated, no amount below zero or below what is paid."""
    split = split_of(total, rows, policy, cash_step_minor=cash_step)

    assert sum(amounts_of(split)) == total + split.credit_minor - split.unallocated_minor
    assert split.credit_minor >= 0
    assert split.unallocated_minor >= 0
    assert not (split.credit_minor and split.unallocated_minor)
    for share in split.shares:
        assert share.amount_minor >= 0
        assert share.due_minor == max(share.amount_minor - share.paid_minor, 0)
        if share.state is not ShareState.LOCKED:
            assert share.amount_minor >= share.paid_minor


@given(totals_minor, totals_minor, positions(), policies)
def test_a_change_and_its_reversal_are_no_change(total, other, rows, policy):
    """What came in between leaves no trace; twice is once."""
    before = split_of(total, rows, policy)
    split_of(other, rows, policy)

    assert split_of(total, rows, policy) == before


@given(totals_minor, positions(), policies, st.randoms(use_true_random=False))
def test_facts_may_come_in_any_order(total, rows, policy, random):
    """Bills and receipts are looked up by milestone: only the schedule has an order."""
    facts = [(row.milestone.id, row.billed_minor, row.paid_minor) for row in rows]
    random.shuffle(facts)
    known = {name: (billed, paid) for name, billed, paid in facts}

    again = [
        Position(
            milestone=row.milestone,
            billed_minor=known[row.milestone.id][0],
            paid_minor=known[row.milestone.id][1],
        )
        for row in rows
    ]

    assert split_of(total, again, policy) == split_of(total, rows, policy)


@given(totals_minor, amounts_minor, positions(), policies)
def test_a_higher_total_lowers_no_amount_by_more_than_a_unit(total, more, rows, policy):
    """Nobody pays less because the job grew; the unit is the rounding's."""
    before = split_of(total, rows, policy)
    after = split_of(total + more, rows, policy)

    for old, new in zip(before.shares, after.shares, strict=True):
        assert new.amount_minor >= old.amount_minor - 1
    assert after.credit_minor <= before.credit_minor
    assert after.unallocated_minor >= before.unallocated_minor


@given(totals_minor, totals_minor, positions(), policies, policies)
def test_a_locked_amount_moves_only_with_its_facts(total, other, rows, policy, other_policy):
    """Neither another total nor another policy touches what is billed and paid."""
    before = split_of(total, rows, policy)
    after = split_of(other, rows, other_policy)

    for old, new in zip(before.shares, after.shares, strict=True):
        if old.state is ShareState.LOCKED:
            assert (new.state, new.amount_minor) == (ShareState.LOCKED, old.billed_minor)


@given(totals_minor, positions(), policies, st.integers(2, 7))
def test_scaling_all_weights_changes_nothing(total, rows, policy, factor):
    """Only the ratio of weights counts."""

    def scaled(row):
        basis = row.milestone.basis
        if isinstance(basis, Parts):
            basis = Parts(count=basis.count * factor)
        elif isinstance(basis, Percent):
            basis = Percent(value=basis.value * Decimal(factor))
        return replace(row, milestone=replace(row.milestone, basis=basis))

    larger = split_of(total, [scaled(row) for row in rows], policy)

    assert amounts_of(larger) == amounts_of(split_of(total, rows, policy))


@given(totals_minor, positions(), policies, st.sampled_from([1, 1, 2, 5]))
def test_a_share_can_be_told_again_from_its_facts(total, rows, policy, step):
    """Share before rounding, unit and extra make the amount; nothing is off by a whole unit."""
    exact = {
        row.milestone.id: one.exact
        for row, one in zip(rows, answer(total, rows, policy).rows, strict=True)
    }

    for share in split_of(total, rows, policy, cash_step_minor=step).shares:
        facts = share.why.as_dict()
        assert facts["total_minor"] == total
        assert len(facts) == len(share.why.facts), "no name twice"
        if share.why.code == "share":
            down = facts["shared_minor"] * facts["weight"] // facts["weight_sum"]
            told = down + facts["unit"] + facts.get("extra_minor", 0)
            assert told == share.amount_minor
            assert step > 1 or abs(share.amount_minor - exact[share.milestone_id]) < 1


@given(totals_minor, positions(), policies, st.one_of(st.just(2), st.integers(2, 50)))
def test_coins(total, rows, policy, step):
    """All but bounds, and one that takes the small change, are whole coins next to the exact."""
    split = split_of(total, rows, policy, cash_step_minor=step)
    exact = answer(total, rows, policy)

    odd = 0
    for share, row in zip(split.shares, exact.rows, strict=True):
        if not (row.kind == "open" and row.is_free):
            assert share.amount_minor == row.amount
            continue
        assert row.floor <= share.amount_minor
        assert row.cap is None or share.amount_minor <= row.cap
        assert abs(share.amount_minor - row.exact) < 2 * step
        at_bound = share.amount_minor in (row.floor, row.cap)
        odd += share.amount_minor % step != 0 and not at_bound
    if not any(row.cap is not None for row in exact.rows):
        assert odd <= 1


@given(totals_minor, positions(), policies)
def test_warnings_name_milestones_and_sums(total, rows, policy):
    """A warning is about a milestone of the schedule and more than nothing."""
    names = {row.milestone.id for row in rows}

    for warning in split_of(total, rows, policy).warnings:
        assert warning.milestone_id in names
        assert warning.amount_minor > 0


@given(tables())
def test_lines_are_exact_both_ways(table):
    """Rows, columns, and every cell the exact value rounded down or up."""
    lines, milestones = table
    whole = sum(lines)
    assume(whole)

    cells = spread_lines(lines, milestones)

    assert [sum(row) for row in cells] == milestones
    assert [sum(column) for column in zip(*cells, strict=True)] == lines
    for amount, row in zip(milestones, cells, strict=True):
        for left, cell in zip(lines, row, strict=True):
            assert abs(cell * whole - amount * left) < whole
    assert spread_lines(lines, milestones) == cells


@given(tables(), st.data())
def test_a_repair_always_ends(table, data):
    """From any choice of units that is right by column, swaps make the rows right."""
    lines, milestones = table
    whole = sum(lines)
    assume(whole)
    parts = [[amount * left % whole for amount in milestones] for left in lines]
    parted = [[place for place, part in enumerate(column) if part] for column in parts]
    chosen = [
        data.draw(st.permutations(places))[: sum(column) // whole]
        for places, column in zip(parted, parts, strict=True)
    ]
    needs = [sum(row) // whole for row in zip(*parts, strict=True)]
    got = [sum(place in column for column in chosen) for place in range(len(milestones))]
    debts = [need - have for need, have in zip(needs, got, strict=True)]

    repair(chosen, parted, debts)

    assert debts == [0] * len(milestones)
    for place, need in enumerate(needs):
        assert sum(place in column for column in chosen) == need
    for column, places, part in zip(chosen, parted, parts, strict=True):
        assert len(set(column)) == len(column) == sum(part) // whole
        assert set(column) <= set(places)


@given(tables())
def test_billing_one_after_the_other_ends_at_the_lines(table):
    """What stands on earlier invoices and what is spread later is each line to the cent."""
    lines, milestones = table
    assume(all(milestones))
    contract = [LineAmount(line_id=str(i), amount_minor=left) for i, left in enumerate(lines)]
    todo = [MilestoneAmount(milestone_id=str(i), amount_minor=m) for i, m in enumerate(milestones)]

    stands: list[Cell] = []
    while todo:
        cells = spread(contract, todo, stands)
        stands += [cell for cell in cells if cell.milestone_id == todo[0].milestone_id]
        todo = todo[1:]

    for line in contract:
        billed = sum(cell.amount_minor for cell in stands if cell.line_id == line.line_id)
        assert billed == line.amount_minor


@given(st.integers(-(10**12), 10**12), st.lists(st.integers(0, 10**6), min_size=1, max_size=30))
def test_allocate_keeps_every_cent(total, weights):
    """The parts add up to the total, whatever the weights, each within a unit of the exact."""
    assume(any(weights))

    parts = allocate(total, weights)

    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part * sum(weights) - total * weight) < sum(weights)


@given(st.integers(-(10**15) + 1, 10**15 - 1), st.sampled_from(sorted(EXPONENTS)))
def test_printed_money_reads_the_same(amount, currency):
    """In every currency of the list."""
    assert parse_money(format_money(amount, currency=currency), currency=currency) == amount
