"""Which contract lines each invoice bills: every cent lands on a line, twice.

What may still move is spread over what is left of every line; an invoice whose amount stands keeps
its lines, and when there is nothing left to put a swapped line on, a sent invoice takes it too.
What will never be billed (unallocated, forgotten) takes its part of the lines beside the invoices.

Change orders with milestones of their own are spread over their own lines, as long as these can be
told and meet. Where a credit is owed, amounts and lines do not meet: what is then brought down
keeps the proportions that it has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from milestone_engine.amounts import Amounts
from milestone_engine.asks import Ask
from milestone_engine.job import BilledLine, ContractLine, ProgressInvoice
from milestone_engine.lines import spread_lines
from milestone_engine.rebalance import OnInvoiced

#: Milestone id and ordinal: one invoice, made or to be made.
Key = tuple[str, int]

Cells = Mapping[Key, tuple[BilledLine, ...]]


def cells_of(amounts: Amounts, asks: Sequence[Ask], on_invoiced: OnInvoiced) -> Cells:
    """Return the lines of every invoice, by milestone and ordinal."""
    lines = amounts.contract.lines
    standing, moving = _parted(lines, asks, on_invoiced)
    kept = {_key(one): one.invoice.lines for one in standing if one.invoice}
    left = left_on_lines(lines, [one.invoice for one in standing if one.invoice])
    rows = [one for one in moving if one.amount_minor > 0]
    if not rows:
        return kept
    own = amounts.routed.own
    groups = _grouped(left, rows, own)
    if all(_rest(left_of_group, rows_of_group) >= 0 for left_of_group, rows_of_group in groups):
        parts = groups
    elif _rest(left, rows) >= 0:
        parts = [(left, rows)]
    else:
        return kept | {_key(one): _alone(one, lines) for one in rows}
    return kept | {
        key: cells for part, some in parts if some for key, cells in _spread(part, some).items()
    }


def left_on_lines(
    lines: Sequence[ContractLine], invoices: Iterable[ProgressInvoice]
) -> dict[str, int]:
    """Return what these invoices leave of every contract line; removed lines last."""
    left = {line.id: line.amount_minor for line in lines}
    for invoice in invoices:
        for line in invoice.lines:
            left[line.line_id] = left.get(line.line_id, 0) - line.amount_minor
    return left


def _key(ask: Ask) -> Key:
    return ask.milestone_id, ask.ordinal


def _parted(
    lines: Sequence[ContractLine], asks: Sequence[Ask], on_invoiced: OnInvoiced
) -> tuple[list[Ask], list[Ask]]:
    """Return the invoices that keep their lines, and those whose lines are made anew."""
    standing = [one for one in asks if one.is_standing]
    moving = [one for one in asks if not one.is_standing]
    if any(one.amount_minor for one in moving) or on_invoiced is not OnInvoiced.REVISE:
        return standing, moving
    left = left_on_lines(lines, [one.invoice for one in standing if one.invoice])
    if sum(left.values()) or not any(left.values()):
        return standing, moving
    return (
        [one for one in standing if not one.is_free],
        [*moving, *(one for one in standing if one.is_free)],
    )


def _rest(left: Mapping[str, int], rows: Sequence[Ask]) -> int:
    """Return what no invoice will ever ask; negative: the lines are short by a credit."""
    return sum(left.values()) - sum(one.amount_minor for one in rows)


def _grouped(
    left: Mapping[str, int], rows: Sequence[Ask], own: Mapping[str, str]
) -> list[tuple[dict[str, int], list[Ask]]]:
    """Return lines and invoices apart, by the change order that made the milestones, if any."""
    orders = set(own.values())
    groups: dict[str, tuple[dict[str, int], list[Ask]]] = {}
    for line_id, amount in left.items():
        estimate_id = line_id.partition(":")[0]
        name = estimate_id if estimate_id in orders else ""
        groups.setdefault(name, ({}, []))[0][line_id] = amount
    for one in rows:
        groups.setdefault(own.get(one.milestone_id, ""), ({}, []))[1].append(one)
    return list(groups.values())


def _spread(left: Mapping[str, int], rows: Sequence[Ask]) -> dict[Key, tuple[BilledLine, ...]]:
    """Spread invoices over lines; the last row is for what no invoice will ever ask."""
    amounts = [one.amount_minor for one in rows]
    rest = _rest(left, rows)
    table = spread_lines(list(left.values()), [*amounts, rest] if rest else amounts)
    return {_key(one): _cells(left, row) for one, row in zip(rows, table, strict=False)}


def _cells(line_ids: Iterable[str], row: Sequence[int]) -> tuple[BilledLine, ...]:
    return tuple(
        BilledLine(line_id=line_id, amount_minor=cell)
        for line_id, cell in zip(line_ids, row, strict=True)
        if cell
    )


def _alone(ask: Ask, lines: Sequence[ContractLine]) -> tuple[BilledLine, ...]:
    """Scale an invoice's own lines, or the contract's, to what it is to ask."""
    found = {line.id: line.amount_minor for line in lines}
    if ask.invoice is not None and ask.invoice.lines:
        found = {line.line_id: line.amount_minor for line in ask.invoice.lines}
    whole = sum(found.values())
    if not whole:
        return ()
    row, _ = spread_lines(list(found.values()), [ask.amount_minor, whole - ask.amount_minor])
    return _cells(found, row)
