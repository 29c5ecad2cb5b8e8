"""JSON values as values of the engine: amounts, ids, objects and lists, each refused at its place.

A place is given in pieces, `"milestones", 2, "billed"`, and put together only for a refusal:
`milestones[2].billed`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any, TypeAlias

from milestone_engine.errors import EngineError, MoneyError
from milestone_engine.money import (
    EXPONENTS,
    MAX_WHOLE_DIGITS,
    minor_units,
    parse_money,
)

Json: TypeAlias = dict[str, Any]
At: TypeAlias = tuple[str | int, ...]  #: a place in pieces
#: Functions of one value, each given what the one before returned; the last returns JSON text.
Steps: TypeAlias = Sequence[Callable[[Any], Any]]
Text: TypeAlias = Callable[[int], str]  #: writes an amount in minor units

#: What a case can be refused for beside `errors.REMEDIES`, and what a person does about it.
CASE_REMEDIES: Mapping[str, str] = MappingProxyType(
    {
        "basis": 'Give exactly one of {"percent": "25"}, {"parts": 1} and {"fixed": "500.00"}.',
        "missing_key": "Add what is missing.",
        "not_json": "Give one JSON object in UTF-8; with --jsonl one on each line.",
        "on_invoiced": "Use revise, hold or supplement.",
        "too_many_cells": "Give fewer lines or milestones at a time.",
        "unknown_key": "Mend the name or leave it out; nothing is passed over unread.",
        "wrong_type": "Give the kind of value that belongs there.",  # most say which
    }
)

#: Characters of a wrong value that a message shows.
MAX_SHOWN = 40

#: The largest whole number that every reader of JSON keeps.
MAX_SAFE_NUMBER = 2**53


class CaseError(EngineError):
    """A case that cannot be read: not the JSON that it should be."""

    def __init__(
        self, message: str, *, code: str | None = None, at: str | None = None, remedy: str = ""
    ) -> None:
        super().__init__(message, code=code, at=at)
        self._remedy = remedy

    @property
    def remedy(self) -> str:
        """What a person does about it: here, if that is known, else about all of its code."""
        return self._remedy or CASE_REMEDIES.get(self.code) or super().remedy


class Money:
    """Reads the amounts of one currency."""

    __slots__ = ("_exponent", "_points", "currency")

    def __init__(self, currency: str) -> None:
        self.currency = currency
        self._exponent = minor_units(currency)
        self._points = 1 if self._exponent else 0  #: in an amount with all its decimals

    def signed(self, raw: object, at: At = ()) -> int:
        """Read an amount that may be below zero: written in full at a quarter of the cost."""
        if type(raw) is not str:
            raise refusal(f"{shown(raw)} is no amount written as text", "money_text", at)
        digits, exponent = raw.replace(".", "", 1), self._exponent
        if (
            exponent < len(digits) <= MAX_WHOLE_DIGITS + exponent
            and len(raw) - len(digits) == self._points
            and digits.isdecimal()
            and digits.isascii()
            and (not exponent or raw[-1 - exponent] == ".")
        ):
            return int(digits)
        try:
            return parse_money(raw, currency=self.currency)
        except MoneyError as error:
            raise refusal(error.message, error.code, at) from None

    def amount(self, raw: object, at: At = ()) -> int:
        """Read an amount of zero or more."""
        amount = self.signed(raw, at)
        if amount < 0:
            raise refusal(f"{shown(raw)} is below zero", "negative", at)
        return amount


def money_of(currency: object) -> Money:
    if not isinstance(currency, str) or currency not in EXPONENTS:
        raise refusal(
            f"{shown(currency)} is no active ISO 4217 currency", "currency_unknown", ("currency",)
        )
    return _known_money(currency)


_known_money = cache(Money)


@cache
def texts_of(currency: str) -> Text:
    """Return what writes amounts of a currency: as format_money() does, at a fifth of its cost."""
    exponent = minor_units(currency)
    if not exponent:
        return str
    whole = 10**exponent
    decimals = [f".{rest:0{exponent}d}" for rest in range(whole)]

    def text(amount_minor: int) -> str:
        if amount_minor < 0:
            return f"-{text(-amount_minor)}"
        return f"{amount_minor // whole}{decimals[amount_minor % whole]}"

    return text


def read_object(raw: object, known: frozenset[str], at: At = ()) -> Json:
    """Return a JSON object that has no keys but known ones."""
    if type(raw) is not dict:
        said = f"{shown(raw)} stands where an object belongs"
        raise refusal(said, "wrong_type", at, 'Write an object in braces, such as {"id": "m1"}.')
    if not known.issuperset(raw):
        key = next(key for key in raw if key not in known)
        said = f"{shown(key)} is no key here; there are {', '.join(sorted(known))}"
        raise refusal(said, "unknown_key", (*at, str(key)[:MAX_SHOWN]))
    return raw


def read_list(raw: object, at: At = ()) -> list[Any]:
    """Return a JSON array; none at all is an empty one."""
    if raw is None:
        return []
    if type(raw) is not list:
        said = f"{shown(raw)} stands where a list belongs"
        raise refusal(said, "wrong_type", at, "Write a list in brackets, or leave it out.")
    return raw


def needed(found: Json, key: str, at: At = ()) -> Any:
    value = found.get(key)
    if value is None:
        raise refusal(f"{key} is missing", "missing_key", (*at, key))
    return value


def read_id(found: Json, key: str, at: At = ()) -> str:
    value = found.get(key)
    if type(value) is str and value:
        return value
    needed(found, key, at)
    remedy = 'Write it as text that is not empty, such as "m1".'
    raise refusal(f"{shown(value)} is no id", "wrong_type", (*at, key), remedy)


def refusal(message: str, code: str, at: At = (), remedy: str = "") -> CaseError:
    return CaseError(message, code=code, at=_place(at) or None, remedy=remedy)


def in_money(error: EngineError, currency: str) -> CaseError:
    """Return a refusal of the engine with its amounts as money: "-1.00" for "-100 units"."""
    return CaseError(error.said(texts_of(currency)), code=error.code, at=error.at)


def _place(at: At) -> str:
    """Return a place as people write it: `milestones[2].basis`."""
    return "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in at).lstrip(".")


def shown(raw: object) -> str:
    """Return a value for a message: as JSON writes it, and not too long."""
    if isinstance(raw, dict | list):
        return "an object" if isinstance(raw, dict) else "a list"
    if isinstance(raw, str):
        return repr(raw) if len(raw) <= MAX_SHOWN else f"{raw[:MAX_SHOWN]!r}..."
    if raw is None or isinstance(raw, bool):
        return {None: "null", True: "true", False: "false"}[raw]
    return str(raw) if isinstance(raw, int) and abs(raw) < MAX_SAFE_NUMBER else "a number"
