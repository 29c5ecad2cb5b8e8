"""How an amount was made, for contractors who check it: one calculation each.

The facts are those of `schedule rebalance`: names without a unit, money as text. Sentences for
homeowners are in reasons.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

Facts = Mapping[str, Any]

#: Weights up to this are said as they are, `25/75`; others as a percent.
PLAIN_WEIGHT = 1000

#: Currencies whose hundredth is called a cent; of others the amount is said.
_IN_CENTS = frozenset(("AUD", "CAD", "EUR", "NZD", "USD"))


def grouped(amount: str) -> str:
    """Give an amount written as text with separators of thousands: `1,234,567.89`."""
    whole, point, decimals = amount.partition(".")
    sign = "-" if whole.startswith("-") else ""
    return f"{sign}{int(whole.lstrip('-')):,}{point}{decimals}"


def say_pool(facts: Facts) -> str:
    """Say what the open ones share: `12,000.00 - 2,500.00 locked = 9,500.00 to share`."""
    taken = [
        f" - {grouped(facts[name])} {name}" for name in ("locked", "pinned") if is_some(facts[name])
    ]
    extras = facts["extras"]
    if is_some(extras):
        sign, said = ("+", "taken off") if _is_below(extras) else ("-", "bound")
        taken.append(f" {sign} {_size(extras)} {said} by change orders")
    pool = facts["pool"]
    if not taken and not _is_below(pool):
        return f"{grouped(pool)} to share"
    end = f"{_size(pool)} too little" if _is_below(pool) else f"{grouped(pool)} to share"
    return f"{grouped(facts['total'])}{''.join(taken)} = {end}"


def say_verdict(outcome: Facts) -> str:
    """Say whether a rule of the laboratory is true to the contract: `2,375.00 twice`."""
    said = [
        f"{grouped(outcome[name])} {name.replace('_', ' ')}"
        for name in ("too_little", "too_much", "twice")
        if is_some(outcome[name])
    ]
    if is_some(outcome["below_zero"]):
        said.append(f"asks for money back: {grouped(outcome['below_zero'])} on invoices below zero")
    proposed = [
        words.format(grouped(outcome[name]))
        for name, words in (
            ("credit", "gives {} back, once you say yes"),
            ("unallocated", "proposes a new milestone of {}"),
        )
        if is_some(outcome[name])
    ]
    return "; ".join([", ".join(said) or "the contract", *proposed])


def say_warning(warning: Facts, *, name: str) -> str:
    """Say what a person should look at.

    Args:
        warning: code and amount.
        name: what the milestone is called.
    """
    return _WARNED[warning["code"]].format(name=name, amount=grouped(warning["amount"]))


def say_derivation(code: str, facts: Facts, *, currency: str = "", coin: str | None = None) -> str:
    """Say how one amount was made: `25/75 of 9,500.00, one cent more by rounding`.

    Args:
        code: of the derivation.
        facts: of the derivation.
        currency: of the case: what rounding gave is said in it.
        coin: the case's smallest coin, where it has one.
    """
    if code == "share":
        return _share(facts, currency=currency, coin=coin)
    return _SAID[code](facts)


def is_some(amount: str) -> bool:
    """Return whether an amount written as text is other than zero."""
    return bool(amount.strip("-0."))


def _is_below(amount: str) -> bool:
    return amount.startswith("-")


def _size(amount: str) -> str:
    """Give an amount without its sign."""
    return grouped(amount.lstrip("-"))


def _share(facts: Facts, *, currency: str, coin: str | None) -> str:
    said = f"{_part(int(facts['weight']), int(facts['weight_sum']))} of {grouped(facts['shared'])}"
    unit = int(facts["unit"])
    if unit:
        more = "more" if unit > 0 else "less"
        said += f", {_units(abs(unit), facts['shared'], currency)} {more} by rounding"
        said += f" to coins of {coin}" if coin else ""
    return f"{said}{_with_extra(facts)}"


def _part(weight: int, whole: int) -> str:
    """Say a part of a whole: `25/75`, `33.33 %`, `about 50 %`."""
    if whole <= PLAIN_WEIGHT:
        return f"{weight}/{whole}"
    percent = Fraction(100 * weight, whole)
    shown = round(percent, 2)
    text = f"{Decimal(shown.numerator) / shown.denominator:f} %"
    return text if shown == percent else f"about {text}"


def _units(count: int, like: str, currency: str) -> str:
    """Say so many of the currency's smallest unit: `one cent`, `0.04 CHF`."""
    if currency in _IN_CENTS:
        return "one cent" if count == 1 else f"{count} cents"
    decimals = len(like.partition(".")[2])
    return f"{Decimal(count).scaleb(-decimals):f} {currency}".rstrip()


def _with_extra(facts: Facts) -> str:
    """Say what a change order put on top, or took off."""
    extra = facts.get("extra", "0")
    if not is_some(extra):
        return ""
    return f", {_size(extra)} {'less' if _is_below(extra) else 'more'} by a change order"


def _fixed(facts: Facts) -> str:
    said = f"fixed at {grouped(facts['fixed'])}{_with_extra(facts)}"
    return f"{said}, but its limit is {grouped(facts['cap'])}" if "cap" in facts else said


def _locked(facts: Facts) -> str:
    billed, paid = facts["billed"], facts["paid"]
    if billed == paid:
        return f"billed {grouped(billed)} and paid: it stays"
    return f"billed {grouped(billed)} and paid {grouped(paid)}: it stays"


def _floor(facts: Facts) -> str:
    floor = facts["floor"]
    if not is_some(floor):
        return "nothing is left for it"
    return f"stays at {grouped(floor)}, paid or billed on it already; its share would be less"


def _extra(facts: Facts) -> str:
    if not is_some(facts["extra"]):
        return "0 %: it asks for nothing"
    return f"0 %{_with_extra(facts)}"


def _rest(facts: Facts) -> str:
    rest = f"takes {grouped(facts['rest'])} that no other milestone can take"
    return f"{grouped(facts['base'])} as it was, and {rest}" if is_some(facts["base"]) else rest


_SAID: Mapping[str, Callable[[Facts], str]] = {
    "locked": _locked,
    "held": lambda facts: f"its invoice of {grouped(facts['billed'])} cannot move",
    "hold": lambda facts: f"sent with {grouped(facts['billed'])}; sent invoices are left alone",
    "pinned": lambda facts: f"a person set {grouped(facts['set'])}",
    "fixed": _fixed,
    "paid_floor": lambda facts: (
        f"{grouped(facts['paid'])} is paid on it, more than the {grouped(facts['wanted'])} it was "
        "to be"
    ),
    "floor": _floor,
    "cap": lambda facts: f"stops at its limit of {grouped(facts['cap'])}; its share would be more",
    "extra": _extra,
    "rest": _rest,
    "gave_way": lambda facts: (
        f"{grouped(facts['wanted'])} less {grouped(facts['given'])}: the contract is too small"
    ),
}

#: Code of a split's warning -> what is said of it.
_WARNED: Mapping[str, str] = {
    "below_paid": "{name} keeps what is paid on it, {amount} more than it was to be.",
    "gave_way": "{name} asks {amount} less than planned: the contract is too small for it.",
    "over_cap": "{name} is {amount} above its limit and cannot come down.",
    "rest_to_pinned": "{name} takes {amount} more: no other milestone is open to take it.",
    "zero_weights": "{name} takes {amount} though its share is 0 %: no other milestone is open.",
}
