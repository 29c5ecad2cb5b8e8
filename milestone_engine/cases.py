"""One case of the command line: plain JSON values in, plain JSON values out.

    schedule rebalance   {"currency", "contract_total", "milestones": [...]} -> rebalance_case()
    schedule lines       {"currency", "lines", "milestones", "already"}      -> lines_case()

Money is text in both directions. Whatever JSON comes in, either an answer comes out or an
`EngineError` is raised that names the place: `milestones[2].basis`. What is not asked for is
refused, for a misspelt "pinned" that is passed over would cost money; what is optional may be null.

A case is in gross amounts throughout: `billed` and `paid` count what is withheld as billed and
paid (retainage.py). `net` is what an invoice over `amount` asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from milestone_engine.desk import Desk
from milestone_engine.errors import EngineError
from milestone_engine.explain import Fact
from milestone_engine.lines import Cell, LineAmount, left_to_bill, spread_lines
from milestone_engine.readers import (
    MAX_SAFE_NUMBER,
    Json,
    Money,
    Texts,
    money_of,
    needed,
    read_id,
    read_list,
    read_object,
    refusal,
    shown,
    texts_of,
)
from milestone_engine.rebalance import rebalance, settle
from milestone_engine.retainage import Gross, Retainage, rate, retain, withhold
from milestone_engine.schedule import (
    Basis,
    Fixed,
    Parts,
    Percent,
    check_basis,
    check_ids,
    check_percent_sum,
    parse_percent,
)
from milestone_engine.split import OnInvoiced, Position, Split, make_position
from milestone_engine.timeline import APPROVED, Trigger, When

#: Digits of a number of parts: more is a slip of the finger.
MAX_PARTS_DIGITS = 9

#: Facts of a share that is nothing but a share: its weight, and what rounding gave it.
PLAIN_SHARE_FACTS = 2

_REBALANCE_KEYS = frozenset(
    ("currency", "contract_total", "milestones", "on_invoiced", "cash_step", "retainage")
)
_MILESTONE_KEYS = frozenset(
    ("id", "basis", "billed", "paid", "pinned", "held", "cap", "extra", "label")
)
_RETAINAGE_KEYS = frozenset(("percent", "after_half"))
_LINES_KEYS = frozenset(("currency", "lines", "milestones", "already"))
_AMOUNT_KEYS = frozenset(("id", "amount"))
_CELL_KEYS = frozenset(("milestone", "line", "amount"))

#: Name of a fact -> its name in JSON, for those that are money.
_MONEY_FACTS = {
    name: name.removesuffix("_minor")
    for name in (
        "base_minor", "billed_minor", "cap_minor", "extra_minor", "extras_minor", "fixed_minor",
        "floor_minor", "given_minor", "locked_minor", "paid_minor", "pinned_minor", "pool_minor",
        "rest_minor", "set_minor", "shared_minor", "total_minor", "wanted_minor",
    )
}  # fmt: skip

_POLICIES = {policy.value: policy for policy in OnInvoiced}

#: The rule asks for no dates; a case has none.
_NO_TRIGGER = Trigger(when=When.AFTER, event=APPROVED)


@dataclass(slots=True)
class Case:
    """What `rebalance()` is given, and what the answer needs beside. Made once, then only read."""

    currency: str
    total_minor: int
    positions: list[Position]
    on_invoiced: OnInvoiced
    cash_step_minor: int | None
    retainage: Retainage | None

    def split(self) -> Split:
        """Return what the rule says of it.

        Raises:
            EngineError: what `rebalance()` refuses.
        """
        return rebalance(
            self.total_minor,
            self.positions,
            currency=self.currency,
            on_invoiced=self.on_invoiced,
            cash_step_minor=self.cash_step_minor,
        )


def rebalance_case(raw: object) -> Json:
    """Return the answer to one case of `schedule rebalance`.

    Raises:
        EngineError: the case has no meaning; code and place say why and where.
    """
    case = parse_case(raw)
    desk = settle(case.total_minor, case.positions, case.on_invoiced, case.cash_step_minor)
    return _answer(case, desk)


def parse_case(raw: object) -> Case:
    """Read one case of `schedule rebalance`.

    Raises:
        EngineError: as above.
    """
    found = read_object(raw, _REBALANCE_KEYS)
    money = money_of(needed(found, "currency"))
    total = money.signed(needed(found, "contract_total"), "contract_total")
    policy, step = found.get("on_invoiced"), found.get("cash_step")
    return Case(
        money.currency,
        total,
        _positions(found.get("milestones"), money),
        OnInvoiced.REVISE if policy is None else _policy(policy),
        None if step is None else money.signed(step, "cash_step"),
        _retainage(found.get("retainage")),
    )


def _answer(case: Case, desk: Desk) -> Json:
    """Return a split as JSON, one object per milestone in order."""
    text = texts_of(case.currency)
    nets = None if case.retainage is None else _nets(case, case.retainage, desk.amounts)
    common, common_of_shares = _facts(desk.split_facts, text), _facts(desk.share_facts, text)
    are_small = desk.share_facts[-1][1] < MAX_SAFE_NUMBER  # type: ignore[operator]  # weight_sum
    zero = text[0]
    milestones = []
    columns = (case.positions, desk.states, desk.amounts, desk.codes, desk.facts)
    for place, (position, state, amount, code, own) in enumerate(zip(*columns, strict=True)):
        billed, paid = position.billed_minor, position.paid_minor
        shown = text[amount]
        if code == "share" and are_small and len(own) == PLAIN_SHARE_FACTS:
            facts = common_of_shares.copy()
            facts.update(own)  # no money among them
        else:
            facts = common_of_shares.copy() if code == "share" else common.copy()
            _add_facts(facts, own, text)
        milestones.append(
            {
                "id": position.milestone.id,
                "state": state._value_,  # the hash of an enum, and `value`, are slow
                "amount": shown,
                "billed": None if billed is None else text[billed],
                "paid": text[paid] if paid else zero,
                "due": text[amount - paid if amount > paid else 0] if paid else shown,
                "net": shown if nets is None else text[nets[place]],
                "why": {"code": code, "facts": facts},
            }
        )
    return {
        "milestones": milestones,
        "credit": text[desk.credit],
        "on_account": text[desk.on_account],
        "unallocated": text[desk.unallocated],
        "warnings": [
            {"code": one.code, "milestone": one.milestone_id, "amount": text[one.amount_minor]}
            for one in desk.warnings
        ],
    }


def lines_case(raw: object) -> Json:
    """Return the answer to one case of `schedule lines`.

    Raises:
        EngineError: as for `rebalance_case()`.
    """
    found = read_object(raw, _LINES_KEYS)
    money = money_of(needed(found, "currency"))
    lines = [
        LineAmount(line_id=name, amount_minor=amount)
        for name, amount in _amounts(found.get("lines"), "lines", money)
    ]
    already = [
        _cell(one, place, money)
        for place, one in enumerate(read_list(found.get("already"), "already"))
    ]
    left = left_to_bill(lines, already)
    milestones = _amounts(found.get("milestones"), "milestones", money)
    for place, (_, amount) in enumerate(milestones):
        if amount < 0:
            raise refusal(
                "a milestone bills less than nothing", "negative", "milestones", place, "amount"
            )
    if not milestones and any(left.values()):
        raise refusal("no milestones to bill the lines", "no_milestones", "milestones")
    table = spread_lines(list(left.values()), [amount for _, amount in milestones])
    text = texts_of(money.currency)
    return {
        "cells": [
            {"milestone": milestone, "line": line, "amount": text[amount]}
            for (milestone, _), row in zip(milestones, table, strict=True)
            for line, amount in zip(left, row, strict=True)
        ]
    }


def error_object(error: EngineError) -> Json:
    """Return a refusal as JSON: its code, what is wrong and what to do about it, its place."""
    message = error.message.rstrip(".")
    said = f"{message[:1].upper()}{message[1:]}. {error.remedy}".rstrip()
    return {"error": {"code": error.code, "message": said, "at": error.at}}


def _positions(raw: object, money: Money) -> list[Position]:
    found = read_list(raw, "milestones")
    if not found:
        raise refusal("there are no milestones", "no_milestones", "milestones")
    positions = [_position(one, place, money) for place, one in enumerate(found)]
    for position in positions:
        # Once something is billed only the ratio counts: a schedule may be edited then.
        if position.billed_minor is not None:
            return positions
    milestones = [position.milestone for position in positions]
    try:
        check_percent_sum(milestones)
    except EngineError:
        check_ids(milestones)  # these two say more than a sum that is wrong because of them
        check_basis(milestones)
        raise
    return positions


def _position(raw: object, place: int, money: Money) -> Position:
    found = read_object(raw, _MILESTONE_KEYS, "milestones", place)
    get, amount = found.get, money.amount
    name = get("id")
    if type(name) is not str or not name:
        name = read_id(found, "id", "milestones", place)  # says what is wrong with it
    billed, paid, pinned = get("billed"), get("paid"), get("pinned")
    cap, extra, label, held = get("cap"), get("extra"), get("label"), get("held")
    return make_position(
        name,
        "" if label is None else _label(label, place),
        _basis(get("basis"), place, money),
        _NO_TRIGGER,
        None if pinned is None else amount(pinned, "milestones", place, "pinned"),
        held is not None and _held(held, place),
        None if cap is None else amount(cap, "milestones", place, "cap"),
        0 if extra is None else money.signed(extra, "milestones", place, "extra"),
        None if billed is None else amount(billed, "milestones", place, "billed"),
        0 if paid is None else amount(paid, "milestones", place, "paid"),
    )


def _label(raw: object, place: int) -> str:
    if not isinstance(raw, str):
        raise refusal(f"label is {shown(raw)}", "wrong_type", "milestones", place, "label")
    return raw


def _held(raw: object, place: int) -> bool:
    if not isinstance(raw, bool):
        raise refusal(f"held is {shown(raw)}", "wrong_type", "milestones", place, "held")
    return raw


def _basis(raw: object, place: int, money: Money) -> Basis:
    if type(raw) is not dict:
        if raw is None:
            raise refusal("basis is missing", "missing_key", "milestones", place, "basis")
        raise refusal(f"{shown(raw)} is no basis", "basis", "milestones", place, "basis")
    if len(raw) == 1:
        ((kind, value),) = raw.items()
        if kind == "percent":
            return _percent(value, "milestones", place, "basis")
        if kind == "parts":
            return Parts(count=_count(value, place))
        if kind == "fixed":
            return Fixed(amount_minor=money.amount(value, "milestones", place, "basis", "fixed"))
    if raw.keys() >= {"percent", "parts"}:
        raise refusal(
            "percent and parts in one milestone", "mixed_basis", "milestones", place, "basis"
        )
    raise refusal(f"{shown(raw)} is no basis", "basis", "milestones", place, "basis")


def _percent(raw: object, *at: str | int) -> Percent:
    if type(raw) is not str:
        raise refusal(f"{shown(raw)} is no percent written as text", "percent_text", *at)
    try:
        return _known_percent(raw)
    except EngineError as error:
        raise refusal(error.message, error.code, *at) from None


#: A Percent is a value, and the same few come again and again.
_known_percent = lru_cache(maxsize=1024)(parse_percent)


def _count(raw: object, place: int) -> int:
    """Read a number of parts: 3 or "3"."""
    if isinstance(raw, str) and len(raw) <= MAX_PARTS_DIGITS and raw.isascii() and raw.isdecimal():
        raw = int(raw)
    if type(raw) is int and 0 < raw < 10**MAX_PARTS_DIGITS:
        return raw
    raise refusal(f"{shown(raw)} is no number of parts", "parts", "milestones", place, "basis")


def _policy(raw: object) -> OnInvoiced:
    known = _POLICIES.get(raw) if isinstance(raw, str) else None
    if known is None:
        raise refusal(f"{shown(raw)} is no policy", "on_invoiced", "on_invoiced")
    return known


def _retainage(raw: object) -> Retainage | None:
    if raw is None:
        return None
    found = read_object(raw, _RETAINAGE_KEYS, "retainage")
    after = found.get("after_half")
    return Retainage(
        percent=_percent(needed(found, "percent", "retainage"), "retainage", "percent"),
        after_half=None if after is None else _percent(after, "retainage", "after_half"),
    )


def _nets(case: Case, retainage: Retainage, amounts: Sequence[int]) -> list[int]:
    """Return what the invoices ask.

    What is withheld of a billed milestone is what its rate took: billed ones came before unbilled
    ones, each in order.
    """
    gross, billed = [], 0
    for position, amount in zip(case.positions, amounts, strict=True):
        withheld = None
        if position.billed_minor is not None:
            percent = rate(retainage, billed_minor=billed, whole_minor=case.total_minor)
            withheld = withhold(amount, percent)
            billed += amount
        name = position.milestone.id
        gross.append(Gross(milestone_id=name, amount_minor=amount, withheld_minor=withheld))
    retained = retain(gross, retainage, contract_minor=case.total_minor)
    return [net.net_minor for net in retained.nets]


def _facts(facts: Sequence[Fact], text: Texts) -> Json:
    found: Json = {}
    _add_facts(found, facts, text)
    return found


def _add_facts(found: Json, facts: Sequence[Fact], text: Texts) -> None:
    """Put facts into a JSON object: `pool_minor` becomes `pool`, as text."""
    for name, value in facts:
        if name in _MONEY_FACTS:
            found[_MONEY_FACTS[name]] = text[value]  # type: ignore[index]  # money is whole numbers
        else:
            found[name] = value if value < MAX_SAFE_NUMBER else str(value)  # type: ignore[operator]


def _amounts(raw: object, name: str, money: Money) -> list[tuple[str, int]]:
    """Read ids with amounts, in order."""
    found: list[tuple[str, int]] = []
    seen: set[str] = set()
    for place, one in enumerate(read_list(raw, name)):
        row = read_object(one, _AMOUNT_KEYS, name, place)
        known = read_id(row, "id", name, place)
        if known in seen:
            raise refusal(f"{shown(known)} is there twice", "duplicate_id", name, place, "id")
        seen.add(known)
        amount = needed(row, "amount", name, place)
        found.append((known, money.signed(amount, name, place, "amount")))
    return found


def _cell(raw: object, place: int, money: Money) -> Cell:
    found = read_object(raw, _CELL_KEYS, "already", place)
    amount = needed(found, "amount", "already", place)
    return Cell(
        milestone_id=read_id(found, "milestone", "already", place),
        line_id=read_id(found, "line", "already", place),
        amount_minor=money.signed(amount, "already", place, "amount"),
    )
