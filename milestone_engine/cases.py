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

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from milestone_engine.answers import split_text
from milestone_engine.desk import Desk
from milestone_engine.errors import EngineError
from milestone_engine.lines_cases import LINES_STEPS
from milestone_engine.readers import (
    At,
    Json,
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

#: Wrong keys of one object that a message names.
MAX_KEYS_SHOWN = 3

_REBALANCE_KEYS = frozenset(
    ("currency", "contract_total", "milestones", "on_invoiced", "cash_step", "retainage")
)
_MILESTONE_KEYS = frozenset(
    ("id", "basis", "billed", "paid", "pinned", "held", "cap", "extra", "label")
)
_USUAL_KEYS = frozenset(("id", "basis", "billed", "paid"))
_RETAINAGE_KEYS = frozenset(("percent", "after_half"))

_POLICIES = {policy.value: policy for policy in OnInvoiced}

#: The rule asks for no dates; a case has none.
_NO_TRIGGER = Trigger(when=When.AFTER, event=APPROVED)


#: What few milestones have: pinned, held, cap, extra, label.
_Rare: TypeAlias = tuple[int | None, bool, int | None, int, str]

_PLAIN: _Rare = (None, False, None, 0, "")


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
        try:
            return rebalance(
                self.total_minor,
                self.positions,
                currency=self.currency,
                on_invoiced=self.on_invoiced,
                cash_step_minor=self.cash_step_minor,
            )
        except EngineError as error:
            raise in_money(error, self.currency) from None


def rebalance_case(raw: object) -> Json:
    """Return the answer to one case of `schedule rebalance`.

    Raises:
        EngineError: the case has no meaning; code and place say why and where.
    """
    return answered(raw, REBALANCE_STEPS)


def lines_case(raw: object) -> Json:
    """Return the answer to one case of `schedule lines`.

    Raises:
        EngineError: as above.
    """
    return answered(raw, LINES_STEPS)


def answered(raw: object, steps: Steps) -> Json:
    """Take one case through its steps, and return the answer as values.

    Raises:
        EngineError: as above.
    """
    found: Any = raw
    for step in steps:
        found = step(found)
    values: Json = json.loads(found)
    return values


def parse_case(raw: object) -> Case:
    """Read one case of `schedule rebalance`.

    Raises:
        EngineError: as above.
    """
    found = read_object(raw, _REBALANCE_KEYS)
    money = money_of(needed(found, "currency"))
    total = money.signed(needed(found, "contract_total"), ("contract_total",))
    policy, step = found.get("on_invoiced"), found.get("cash_step")
    return Case(
        money.currency,
        total,
        _positions(found.get("milestones"), money),
        OnInvoiced.REVISE if policy is None else _policy(policy),
        None if step is None else money.signed(step, ("cash_step",)),
        _retainage(found.get("retainage")),
    )


def _settled(case: Case) -> tuple[Case, Desk]:
    try:
        desk = settle(case.total_minor, case.positions, case.on_invoiced, case.cash_step_minor)
    except EngineError as error:
        raise in_money(error, case.currency) from None
    return case, desk


def _split_text(settled: tuple[Case, Desk]) -> str:
    case, desk = settled
    nets = desk.amounts if case.retainage is None else _nets(case, case.retainage, desk.amounts)
    return split_text(desk, nets, texts_of(case.currency))


def error_object(error: EngineError) -> Json:
    """Return a refusal as JSON: its code, what is wrong and what to do about it, its place."""
    message = error.message.rstrip(".")
    said = f"{message[:1].upper()}{message[1:]}. {error.remedy}".rstrip()
    return {"error": {"code": error.code, "message": said, "at": error.at}}


def _positions(raw: object, money: Money) -> list[Position]:
    found = read_list(raw, ("milestones",))
    if not found:
        raise refusal("there are no milestones", "no_milestones", ("milestones",))
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
    pinned, held, cap, extra, label = _PLAIN
    if type(raw) is dict and _USUAL_KEYS.issuperset(raw):
        found = raw
    else:
        found = read_object(raw, _MILESTONE_KEYS, ("milestones", place))
        pinned, held, cap, extra, label = _rare(found, place, money)
    name, billed, paid = found.get("id"), found.get("billed"), found.get("paid")
    if type(name) is not str or not name:
        name = read_id(found, "id", ("milestones", place))  # says what is wrong with it
    return make_position(
        name,
        label,
        _basis(found.get("basis"), place, money),
        _NO_TRIGGER,
        pinned,
        held,
        cap,
        extra,
        None if billed is None else money.amount(billed, ("milestones", place, "billed")),
        0 if paid is None else money.amount(paid, ("milestones", place, "paid")),
    )


def _rare(found: Json, place: int, money: Money) -> _Rare:
    """Read what few milestones have."""
    pinned, cap, extra = found.get("pinned"), found.get("cap"), found.get("extra")
    held, label = found.get("held"), found.get("label")
    return (
        None if pinned is None else money.amount(pinned, ("milestones", place, "pinned")),
        held is not None and _held(held, place),
        None if cap is None else money.amount(cap, ("milestones", place, "cap")),
        0 if extra is None else money.signed(extra, ("milestones", place, "extra")),
        "" if label is None else _label(label, place),
    )


def _label(raw: object, place: int) -> str:
    if not isinstance(raw, str):
        said, remedy = f"the label is {shown(raw)}", "Write it as text, in quotation marks."
        raise refusal(said, "wrong_type", ("milestones", place, "label"), remedy)
    return raw


def _held(raw: object, place: int) -> bool:
    if not isinstance(raw, bool):
        said, remedy = f"held is {shown(raw)}", "Write true or false, without quotation marks."
        raise refusal(said, "wrong_type", ("milestones", place, "held"), remedy)
    return raw


def _basis(raw: object, place: int, money: Money) -> Basis:
    if type(raw) is not dict:
        if raw is None:
            raise refusal("basis is missing", "missing_key", ("milestones", place, "basis"))
        raise refusal(f"{shown(raw)} is no basis", "basis", ("milestones", place, "basis"))
    if len(raw) == 1:
        ((kind, value),) = raw.items()
        if kind == "percent":
            return _percent(value, ("milestones", place, "basis"))
        if kind == "parts":
            return Parts(count=_count(value, place))
        if kind == "fixed":
            return Fixed(amount_minor=money.amount(value, ("milestones", place, "basis")))
    if raw.keys() >= {"percent", "parts"}:
        raise refusal(
            "percent and parts in one milestone", "mixed_basis", ("milestones", place, "basis")
        )
    raise refusal(_no_basis(raw), "basis", ("milestones", place, "basis"))


def _no_basis(raw: Json) -> str:
    """Name the keys that a basis has; those that it may have are in the remedy."""
    if not raw:
        return "the basis is empty"
    names = [shown(key) for key in raw]
    if len(names) > MAX_KEYS_SHOWN:
        names = [*names[:MAX_KEYS_SHOWN], f"{len(names) - MAX_KEYS_SHOWN} more"]
    return f"the basis is given by {' and '.join(names)}"


def _percent(raw: object, at: At) -> Percent:
    if type(raw) is not str:
        raise refusal(f"{shown(raw)} is no percent written as text", "percent_text", at)
    try:
        return _known_percent(raw)
    except EngineError as error:
        raise refusal(error.message, error.code, at) from None


#: A Percent is a value, and the same few come again and again.
_known_percent = lru_cache(maxsize=1024)(parse_percent)


def _count(raw: object, place: int) -> int:
    """Read a number of parts: 3 or "3"."""
    if isinstance(raw, str) and len(raw) <= MAX_PARTS_DIGITS and raw.isascii() and raw.isdecimal():
        raw = int(raw)
    if type(raw) is int and 0 < raw < 10**MAX_PARTS_DIGITS:
        return raw
    raise refusal(f"{shown(raw)} is no number of parts", "parts", ("milestones", place, "basis"))


def _policy(raw: object) -> OnInvoiced:
    known = _POLICIES.get(raw) if isinstance(raw, str) else None
    if known is None:
        raise refusal(f"{shown(raw)} is no policy", "on_invoiced", ("on_invoiced",))
    return known


def _retainage(raw: object) -> Retainage | None:
    if raw is None:
        return None
    found = read_object(raw, _RETAINAGE_KEYS, ("retainage",))
    after = found.get("after_half")
    return Retainage(
        percent=_percent(needed(found, "percent", ("retainage",)), ("retainage", "percent")),
        after_half=None if after is None else _percent(after, ("retainage", "after_half")),
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


#: What `schedule rebalance` does with a case, from JSON values to the answer as JSON text. Streams
#: take some cases through each step together: code that has just run runs a quarter faster.
REBALANCE_STEPS: Steps = (parse_case, _settled, _split_text)
