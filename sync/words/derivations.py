"""How an amount was made, for people who check it: one calculation each, money as in the case.

The facts are those of `schedule rebalance`: names without a unit, money as text. Sentences for
homeowners are in reasons.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Facts = Mapping[str, Any]


def say_pool(facts: Facts) -> str:
    """Say what the open milestones share: `12000.00 - 2500.00 locked = 9500.00 to share`."""
    taken = [
        f" - {facts[name]} {word}"
        for name, word in (("locked", "locked"), ("pinned", "pinned"), ("extras", "bound"))
        if _is_more(facts[name])
    ]
    return f"{facts['total']}{''.join(taken)} = {facts['pool']} to share"


def say_verdict(outcome: Facts) -> str:
    """Say whether a rule of the laboratory is true to the contract: `2375.00 twice`."""
    wrong = [
        f"{outcome[name]} {name.replace('_', ' ')}"
        for name in ("too_little", "too_much", "twice")
        if _is_more(outcome[name])
    ]
    return ", ".join(wrong) or "the contract"


def say_derivation(code: str, facts: Facts) -> str:
    """Say how one amount was made: `25/75 of 9500.00, one unit more by rounding`."""
    return _SAID[code](facts)


def _is_more(amount: str) -> bool:
    """Return whether an amount written as text is other than zero."""
    return bool(amount.strip("-0."))


def _share(facts: Facts) -> str:
    said = f"{facts['weight']}/{facts['weight_sum']} of {facts['shared']}"
    unit = facts["unit"]
    if unit:
        units = "one unit" if abs(unit) == 1 else f"{abs(unit)} units"
        said += f", {units} {'more' if unit > 0 else 'less'} by rounding"
    return f"{said}, {facts['extra']} bound to it" if "extra" in facts else said


def _fixed(facts: Facts) -> str:
    said = f"fixed at {facts['fixed']}"
    if _is_more(facts["extra"]):
        said += f", {facts['extra']} bound to it"
    return f"{said}, no more than {facts['cap']}" if "cap" in facts else said


_SAID: Mapping[str, Callable[[Facts], str]] = {
    "locked": lambda facts: f"billed {facts['billed']} and paid {facts['paid']}: it stays",
    "held": lambda facts: f"its invoice of {facts['billed']} cannot move",
    "hold": lambda facts: f"sent with {facts['billed']}; the policy leaves sent invoices alone",
    "pinned": lambda facts: f"a person set {facts['set']}",
    "fixed": _fixed,
    "paid_floor": lambda facts: f"{facts['paid']} is paid on it, more than the {facts['wanted']}",
    "share": _share,
    "floor": lambda facts: f"its share is below the {facts['floor']} that is paid or billed",
    "cap": lambda facts: f"its share is above its limit of {facts['cap']}",
    "extra": lambda facts: f"no weight: only what is bound to it, {facts['extra']}",
    "rest": lambda facts: f"{facts['base']}, and {facts['rest']} that no weight could take",
    "gave_way": lambda facts: f"{facts['wanted']} less {facts['given']}: the contract is too small",
}
