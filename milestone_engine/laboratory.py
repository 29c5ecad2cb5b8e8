"""The rule laboratory: one job under our rule and under the other rules of the field.

Each of the others is a way in which products and forms in use answer a changed price. They leave
what is billed or set by a person as it stands, and look at the rest in their own way; a share is
rounded half up by itself. What a milestone comes to under a rule is everything asked on it, before
and from now on, so a rule is true to the contract if its sum is the contract total and nothing is
asked on a payment that was made already. Ours asks no more than the contract either where it
cannot: what is paid beyond it is proposed as a credit, what no milestone may take as a new
milestone. Both count; the others know neither.

Example: 10,000 at 25/25/50, the first 2,500 paid, then the price becomes 12,000.

    ours                 2,500    3,166.67   6,333.33
    last_absorbs         2,500    3,000      6,500       right in sum; the last bears it all
    rest_by_hand         2,500    2,375      7,125       right in sum; the middle one fell
    catch_up             2,500    3,500      6,000       right in sum; the next bears what was short
    rest_on_every_row    4,875    2,375      4,750       2,375 asked again on what was paid
    no_catch_up          2,500    3,000      6,000       500 never asked
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType

from milestone_engine.cases import Case, parse_case
from milestone_engine.money import format_money
from milestone_engine.readers import Json
from milestone_engine.schedule import Fixed, weights
from milestone_engine.split import Position, Share, ShareState

#: Every rule, and where it is found.
RULES: Mapping[str, str] = MappingProxyType(
    {
        "ours": "what is left, by the original weights",
        "last_absorbs": "percent of the new total, the last takes the rest (Odoo, JobTread)",
        "rest_by_hand": "percent of what remains, entered one by one (JobTread)",
        "catch_up": "percent of the new total reached so far, less what was asked "
        "(Dolibarr, AIA G702)",
        "rest_on_every_row": "percent of what remains, on paid rows too (ERPNext)",
        "no_catch_up": "percent of the new total, nothing made good (Invoice Ninja)",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one rule makes of a job."""

    rule: str  #: from RULES
    amounts_minor: tuple[int, ...]  #: everything asked on each milestone, in order
    credit_minor: int  #: proposed: what the customer gets back
    unallocated_minor: int  #: proposed: what a new milestone is to ask
    too_little_minor: int  #: contract money that is never asked
    too_much_minor: int  #: asked beyond the contract
    twice_minor: int  #: asked again on milestones that are paid
    below_zero_minor: int  #: asked back by invoices below zero, which no book takes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """One milestone as the other rules see it."""

    part: Fraction  #: of what the fixed amounts leave
    stands_minor: int | None  #: billed, set or fixed; None: still to be asked


def compare_rules(case: Case) -> tuple[Outcome, ...]:
    """Return what each rule makes of a job, ours first.

    Raises:
        EngineError: what `rebalance()` refuses.
    """
    split = case.split()
    shares = split.shares
    rows = _rows(case.positions)
    fixed = sum(
        row.stands_minor or 0
        for row, position in zip(rows, case.positions, strict=True)
        if isinstance(position.milestone.basis, Fixed)
    )
    found = [
        _outcome(
            "ours",
            case,
            shares,
            [share.amount_minor for share in shares],
            credit_minor=split.credit_minor,
            unallocated_minor=split.unallocated_minor,
        )
    ]
    for rule, amounts in _OTHERS.items():
        asked = amounts(case.total_minor, case.total_minor - fixed, rows)
        found.append(_outcome(rule, case, shares, asked))
    return tuple(found)


def comparison(raw: object) -> Json:
    """Return the comparison of one case of `schedule rebalance` as JSON, money as text.

    Raises:
        EngineError: the case has no meaning.
    """
    case = parse_case(raw)

    def text(amount_minor: int) -> str:
        return format_money(amount_minor, currency=case.currency)

    return {
        "contract_total": text(case.total_minor),
        "milestones": [position.milestone.id for position in case.positions],
        "rules": [
            {
                "rule": one.rule,
                "amounts": [text(amount) for amount in one.amounts_minor],
                "sum": text(sum(one.amounts_minor)),
                "credit": text(one.credit_minor),
                "unallocated": text(one.unallocated_minor),
                "too_little": text(one.too_little_minor),
                "too_much": text(one.too_much_minor),
                "twice": text(one.twice_minor),
                "below_zero": text(one.below_zero_minor),
            }
            for one in compare_rules(case)
        ],
    }


def _rows(positions: Sequence[Position]) -> list[_Row]:
    shares = weights([position.milestone for position in positions])
    whole = sum(shares) or 1
    return [
        _Row(part=Fraction(weight, whole), stands_minor=_stands(position))
        for position, weight in zip(positions, shares, strict=True)
    ]


def _stands(position: Position) -> int | None:
    milestone = position.milestone
    if position.billed_minor is not None:
        return position.billed_minor
    if milestone.pinned_minor is not None:
        return milestone.pinned_minor
    return milestone.basis.amount_minor if isinstance(milestone.basis, Fixed) else None


def _outcome(
    rule: str,
    case: Case,
    shares: Sequence[Share],
    amounts: Sequence[int],
    *,
    credit_minor: int = 0,
    unallocated_minor: int = 0,
) -> Outcome:
    """Judge a rule by what it asks and proposes; all of them by the same measure."""
    over = sum(amounts) - credit_minor + unallocated_minor - case.total_minor
    locked = [place for place, share in enumerate(shares) if share.state is ShareState.LOCKED]
    return Outcome(
        rule=rule,
        amounts_minor=tuple(amounts),
        credit_minor=credit_minor,
        unallocated_minor=unallocated_minor,
        too_little_minor=max(-over, 0),
        too_much_minor=max(over, 0),
        twice_minor=sum(max(amounts[place] - shares[place].amount_minor, 0) for place in locked),
        below_zero_minor=sum(
            max(min(share.paid_minor, share.billed_minor or 0) - amount, 0)
            for share, amount in zip(shares, amounts, strict=True)
        ),
    )


def _last_absorbs(total: int, shared: int, rows: Sequence[_Row]) -> list[int]:
    amounts = _no_catch_up(total, shared, rows)
    _take_rest(amounts, total, rows)
    return amounts


def _rest_by_hand(total: int, shared: int, rows: Sequence[_Row]) -> list[int]:
    amounts = [row.stands_minor or 0 for row in rows]
    for place, row in enumerate(rows):
        if row.stands_minor is None:
            amounts[place] = _rounded(row.part * (total - sum(amounts)))
    _take_rest(amounts, total, rows)
    return amounts


def _catch_up(total: int, shared: int, rows: Sequence[_Row]) -> list[int]:
    amounts: list[int] = []
    reached = Fraction(0)
    fixed = 0
    for row in rows:
        reached += row.part
        fixed += (row.stands_minor or 0) if not row.part else 0
        stands = row.stands_minor
        due = _rounded(reached * shared) + fixed - sum(amounts)
        amounts.append(due if stands is None else stands)
    return amounts


def _rest_on_every_row(total: int, shared: int, rows: Sequence[_Row]) -> list[int]:
    rest = total - sum(row.stands_minor or 0 for row in rows)
    return [(row.stands_minor or 0) + _rounded(row.part * rest) for row in rows]


def _no_catch_up(total: int, shared: int, rows: Sequence[_Row]) -> list[int]:
    return [
        _rounded(row.part * shared) if row.stands_minor is None else row.stands_minor
        for row in rows
    ]


def _take_rest(amounts: list[int], total: int, rows: Sequence[_Row]) -> None:
    """Give the last milestone that is still to be asked whatever the others leave."""
    for place in range(len(rows) - 1, -1, -1):
        if rows[place].stands_minor is None:
            amounts[place] += total - sum(amounts)
            return


def _rounded(amount: Fraction) -> int:
    """Round half up, away from zero below it, as invoices are rounded."""
    whole = (2 * abs(amount.numerator) + amount.denominator) // (2 * amount.denominator)
    return whole if amount >= 0 else -whole


_OTHERS: Mapping[str, Callable[[int, int, Sequence[_Row]], list[int]]] = {
    "last_absorbs": _last_absorbs,
    "rest_by_hand": _rest_by_hand,
    "catch_up": _catch_up,
    "rest_on_every_row": _rest_on_every_row,
    "no_catch_up": _no_catch_up,
}
