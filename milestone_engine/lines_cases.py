"""One case of `schedule lines`: read, spread over the lines, and written. See cases.py."""

from __future__ import annotations

from dataclasses import dataclass

from milestone_engine.answers import cells_text
from milestone_engine.errors import EngineError
from milestone_engine.lines import spread_lines, take_off
from milestone_engine.readers import (
    Money,
    Steps,
    in_money,
    money_of,
    needed,
    read_id,
    read_list,
    read_object,
    refusal,
    shown,
    texts_of,
)

#: Cells of one table of lines: 50 times the largest schedule known, and some 100 MB of answer.
MAX_CELLS = 1_000_000

_LINES_KEYS = frozenset(("currency", "lines", "milestones", "already"))
_AMOUNT_KEYS = frozenset(("id", "amount"))
_CELL_KEYS = frozenset(("milestone", "line", "amount"))


@dataclass(slots=True)
class LinesCase:
    """What is left of each line, and what the milestones bill: by id, in order."""

    currency: str
    left: dict[str, int]
    milestones: dict[str, int]


def parse_lines(raw: object) -> LinesCase:
    """Read one case of `schedule lines`.

    Raises:
        EngineError: the case has no meaning; code and place say why and where.
    """
    found = read_object(raw, _LINES_KEYS)
    money = money_of(needed(found, "currency"))
    left = _amounts(found.get("lines"), "lines", money)
    already = read_list(found.get("already"), ("already",))
    take_off(left, [_cell(one, place, money) for place, one in enumerate(already)])
    milestones = _amounts(found.get("milestones"), "milestones", money)
    for place, amount in enumerate(milestones.values()):
        if amount < 0:
            raise refusal(
                "a milestone bills less than nothing", "negative", ("milestones", place, "amount")
            )
    if not milestones and any(left.values()):
        raise refusal("no milestones to bill the lines", "no_milestones", ("milestones",))
    if len(left) * len(milestones) > MAX_CELLS:
        said = f"{len(left)} lines by {len(milestones)} milestones are more than {MAX_CELLS} cells"
        raise refusal(said, "too_many_cells", ("milestones",))
    return LinesCase(money.currency, left, milestones)


def _spread(case: LinesCase) -> tuple[LinesCase, list[list[int]]]:
    try:
        return case, spread_lines(list(case.left.values()), list(case.milestones.values()))
    except EngineError as error:
        raise in_money(error, case.currency) from None


def _cells_text(found: tuple[LinesCase, list[list[int]]]) -> str:
    case, table = found
    left: list[tuple[str, int]] = []
    if not any(case.milestones.values()):
        # Nothing is billed, so what the lines still have is a finding; else every line is exact.
        left = [(line, amount) for line, amount in case.left.items() if amount]
    text = texts_of(case.currency)
    return cells_text(list(case.left), list(case.milestones), table, text, left=left)


def _amounts(raw: object, name: str, money: Money) -> dict[str, int]:
    """Read amounts by id, in order."""
    found: dict[str, int] = {}
    for place, one in enumerate(read_list(raw, (name,))):
        row = read_object(one, _AMOUNT_KEYS, (name, place))
        known, amount = row.get("id"), row.get("amount")
        if type(known) is not str or not known:
            known = read_id(row, "id", (name, place))  # says what is wrong with it
        if known in found:
            raise refusal(f"{shown(known)} is there twice", "duplicate_id", (name, place, "id"))
        if amount is None:
            needed(row, "amount", (name, place))
        found[known] = money.signed(amount, (name, place, "amount"))
    return found


def _cell(raw: object, place: int, money: Money) -> tuple[str, int]:
    """Read what is billed already: the line, and how much of it."""
    found = read_object(raw, _CELL_KEYS, ("already", place))
    amount = needed(found, "amount", ("already", place))
    read_id(found, "milestone", ("already", place))
    line = read_id(found, "line", ("already", place))
    return line, money.signed(amount, ("already", place, "amount"))


#: What `schedule lines` does with a case, as `cases.REBALANCE_STEPS`.
LINES_STEPS: Steps = (parse_lines, _spread, _cells_text)
