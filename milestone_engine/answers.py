"""Answers of the command line, written as JSON text.

A stream of cases is mostly the writing of answers, and building dictionaries only to have them
written takes twice as long as writing. So the text is made here, piece by piece. Whoever wants
values reads the text (`cases.rebalance_case()`).

What a case may choose freely, its ids, is quoted by `json`; all else is our own names and digits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from json import JSONEncoder

from milestone_engine.desk import Desk
from milestone_engine.explain import Fact
from milestone_engine.readers import MAX_SAFE_NUMBER, Text
from milestone_engine.split import SplitWarning

#: Name of a fact -> how it begins in JSON, for those that are money: `pool_minor` becomes `pool`.
_MONEY_FACTS = {
    name: f'"{name.removesuffix("_minor")}":"'
    for name in (
        "base_minor", "billed_minor", "cap_minor", "extra_minor", "extras_minor", "fixed_minor",
        "floor_minor", "given_minor", "locked_minor", "paid_minor", "pinned_minor", "pool_minor",
        "rest_minor", "set_minor", "shared_minor", "total_minor", "wanted_minor",
    )
}  # fmt: skip

#: Facts of a share that is nothing but a share: its weight, and what rounding gave it.
PLAIN_SHARE_FACTS = 2

_quoted = JSONEncoder(ensure_ascii=False).encode


def split_text(desk: Desk, nets: Sequence[int], text: Text) -> str:
    """Return a settled case as JSON, one object per milestone in order.

    Args:
        desk: settled.
        nets: what each invoice asks.
        text: amounts of the case's currency as text.
    """
    zero = text(0)
    are_small = desk.share_facts[-1][1] < MAX_SAFE_NUMBER  # the sum of all weights
    of_split = _facts(desk.split_facts, text)
    of_shares = _facts(desk.share_facts, text)
    milestones = []
    columns = (desk.positions, desk.states, desk.amounts, nets, desk.codes, desk.facts)
    for position, state, amount, net, code, own in zip(*columns, strict=True):
        billed, paid = position.billed_minor, position.paid_minor
        shown = text(amount)
        if are_small and code == "share" and len(own) == PLAIN_SHARE_FACTS:
            (_, weight), (_, unit) = own
            told = f'"weight":{weight},"unit":{unit}'
        else:
            told = _facts(own, text)
        milestones.append(
            f'{{"id":{_quoted(position.milestone.id)}'
            f',"state":"{state._value_}"'  # `value` takes four times as long
            f',"amount":"{shown}"'
            f',"billed":{"null" if billed is None else _in_quotes(text(billed))}'
            f',"paid":"{text(paid) if paid else zero}"'
            f',"due":"{text(max(amount - paid, 0)) if paid else shown}"'
            f',"net":"{shown if net == amount else text(net)}"'
            f',"why":{{"code":"{code}"'
            f',"facts":{{{of_shares if code == "share" else of_split},{told}}}}}}}'
        )
    warnings = [_warning(one, text) for one in desk.warnings]
    return (
        f'{{"milestones":[{",".join(milestones)}]'
        f',"credit":"{text(desk.credit)}"'
        f',"on_account":"{text(desk.on_account)}"'
        f',"unallocated":"{text(desk.unallocated)}"'
        f',"warnings":[{",".join(warnings)}]}}'
    )


def _in_quotes(text: str) -> str:
    return f'"{text}"'


def _facts(facts: Iterable[Fact], text: Text) -> str:
    """Return facts as the inside of a JSON object."""
    found = []
    for name, value in facts:
        if name in _MONEY_FACTS:
            found.append(f'{_MONEY_FACTS[name]}{text(value)}"')
        elif value < MAX_SAFE_NUMBER:
            found.append(f'"{name}":{value}')
        else:
            found.append(f'"{name}":"{value}"')
    return ",".join(found)


def _warning(warning: SplitWarning, text: Text) -> str:
    return (
        f'{{"code":"{warning.code}","milestone":{_quoted(warning.milestone_id)}'
        f',"amount":"{text(warning.amount_minor)}"}}'
    )


def cells_text(
    lines: Sequence[str],
    milestones: Sequence[str],
    table: Sequence[Sequence[int]],
    text: Text,
    *,
    left: Sequence[tuple[str, int]] = (),
) -> str:
    """Return a table of lines as JSON, one object per cell, milestone by milestone.

    Args:
        lines: their ids.
        milestones: their ids.
        table: one row per milestone, one amount per line.
        text: as above.
        left: lines that still have something when nothing is billed; told only where there are any.
    """
    starts = [f',"line":{_quoted(line)},"amount":"' for line in lines]
    cells = []
    for milestone, row in zip(milestones, table, strict=True):
        opening = f'{{"milestone":{_quoted(milestone)}'
        for start, amount in zip(starts, row, strict=True):
            cells.append(f'{opening}{start}{text(amount)}"}}')
    told = [f'{{"line":{_quoted(line)},"amount":"{text(amount)}"}}' for line, amount in left]
    end = f',"left":[{",".join(told)}]' if told else ""
    return f'{{"cells":[{",".join(cells)}]{end}}}'
