"""The rule once more, by the book: exact fractions, slow and plain, no line of the engine's.

It reads the page top to bottom: say what each milestone is, find the level by trying every bend,
round, then place what is left or take what is missing. Cash steps are checked by their own law.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from milestone_engine import Fixed, OnInvoiced, Percent, Position


@dataclass
class Row:
    """One milestone on the way to its amount."""

    kind: str
    amount: int = 0
    exact: Fraction = Fraction(0)  #: before rounding, for those that share
    is_free: bool = False  #: at no floor and no cap
    weight: Fraction = Fraction(0)
    extra: int = 0
    floor: int = 0
    cap: int | None = None
    paid: int = 0
    has_invoice: bool = False


@dataclass
class Answer:
    """What the page says of one case."""

    rows: list[Row] = field(default_factory=list)
    credit: int = 0
    unallocated: int = 0

    @property
    def amounts(self) -> list[int]:
        """The amounts in order."""
        return [row.amount for row in self.rows]


def answer(total: int, positions: Sequence[Position], policy: OnInvoiced) -> Answer:
    """Return what the page says."""
    rows = [_row(position, policy) for position in positions]
    shares = [row for row in rows if row.kind == "open"]
    purse = total - sum(row.amount for row in rows if row.kind != "open")
    rest = _level_out(shares, purse)
    if rest > 0:
        rest = _leave(rest, rows, shares)
    for row in _yielding(rows):
        if rest < 0:
            taken = min(-rest, row.amount - row.paid)
            row.amount -= taken
            rest += taken
    return Answer(rows=rows, credit=max(-rest, 0), unallocated=max(rest, 0))


def _row(position: Position, policy: OnInvoiced) -> Row:
    one, billed, paid = position.milestone, position.billed_minor, position.paid_minor
    if billed is not None and (paid >= billed or (billed >= 100 and paid == billed - 1)):
        return Row(kind="locked", amount=billed)
    if billed is not None and one.held:
        return Row(kind="held", amount=billed)
    pin = None
    if one.pinned_minor is not None:
        pin = one.pinned_minor
    elif billed is not None and policy is OnInvoiced.HOLD:
        pin = billed
    elif isinstance(one.basis, Fixed):
        pin = one.basis.amount_minor + one.extra_minor
        pin = max(pin if one.cap_minor is None else min(pin, one.cap_minor), 0)
    invoice = billed is not None
    if pin is not None:
        return Row(
            kind="pinned", amount=max(pin, paid), paid=paid, has_invoice=invoice, cap=one.cap_minor
        )
    floor = billed if billed is not None and policy is OnInvoiced.SUPPLEMENT else paid
    basis = one.basis
    weight = Fraction(basis.value) if isinstance(basis, Percent) else Fraction(basis.count)
    cap = None if one.cap_minor is None else max(one.cap_minor, floor)
    return Row(kind="open", weight=weight, extra=one.extra_minor, floor=floor, cap=cap, paid=paid)


def _at(row: Row, level: Fraction) -> Fraction:
    amount = level * row.weight + row.extra
    if row.cap is not None:
        amount = min(amount, Fraction(row.cap))
    return max(amount, Fraction(row.floor))


def _level_out(rows: list[Row], purse: int) -> int:
    """Give the open ones their amounts; return what is left (negative: missing)."""
    weighted = [row for row in rows if row.weight]
    bends = {(row.floor - row.extra) / row.weight for row in weighted}
    bends |= {(row.cap - row.extra) / row.weight for row in weighted if row.cap is not None}
    if not bends:
        return _only_extras(rows, purse)
    levels = [min(bends) - 1, *sorted(bends), max(bends) + 1]
    sums = [sum((_at(row, level) for row in rows), Fraction(0)) for level in levels]
    if purse <= sums[0]:
        _settle(rows, levels[0])
        return _take_extras(rows, purse - int(sums[0]))
    if purse >= sums[-1] and sums[-1] == sums[-2]:
        _settle(rows, levels[-1])
        return purse - int(sums[-1])
    above = next((i for i, reached in enumerate(sums) if reached >= purse), len(sums) - 1)
    rise = (sums[above] - sums[above - 1]) / (levels[above] - levels[above - 1])
    _settle(rows, levels[above - 1] + (purse - sums[above - 1]) / rise)
    _round(rows, purse)
    return 0


def _settle(rows: list[Row], level: Fraction) -> None:
    for row in rows:
        row.exact = _at(row, level)
        inner = row.floor < row.exact and (row.cap is None or row.exact < row.cap)
        row.is_free = bool(row.weight) and inner
        row.amount = row.exact.numerator // row.exact.denominator


def _round(rows: list[Row], purse: int) -> None:
    order = sorted(
        range(len(rows)), key=lambda i: (rows[i].exact - rows[i].amount, i), reverse=True
    )
    for i in order[: purse - sum(row.amount for row in rows)]:
        rows[i].amount += 1


def _only_extras(rows: list[Row], purse: int) -> int:
    _settle(rows, Fraction(0))
    rest = purse - sum(row.amount for row in rows)
    return rest if rest >= 0 else _take_extras(rows, rest)


def _take_extras(rows: list[Row], rest: int) -> int:
    for row in reversed(rows):
        taken = min(-rest, row.amount - row.floor)
        row.amount -= taken
        rest += taken
    return rest


def _leave(rest: int, rows: list[Row], shares: list[Row]) -> int:
    """Rules 4 and 5."""
    if shares and any(row.weight for row in shares):
        return rest
    takers = (
        list(reversed(shares))
        or [row for row in reversed(rows) if row.kind == "pinned" and not row.has_invoice][:1]
    )
    for row in takers:
        taken = rest if row.cap is None else max(min(rest, row.cap - row.amount), 0)
        row.amount += taken
        rest -= taken
    return rest


def _yielding(rows: list[Row]) -> list[Row]:
    pinned = [row for row in reversed(rows) if row.kind == "pinned"]
    return pinned + [row for row in reversed(rows) if row.kind == "open"]
