"""JSON values as values of the engine: amounts, ids, objects and lists, each refused at its place.

A place is given in pieces, `"milestones", 2, "billed"`, and put together only for a refusal:
`milestones[2].billed`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any, TypeAlias

from milestone_engine.errors import EngineError, MoneyError
from milestone_engine.money import (
    EXPONENTS,
    MAX_WHOLE_DIGITS,
    format_money,
    minor_units,
    parse_money,
)

Json: TypeAlias = dict[str, Any]

#: What a case can be refused for beside `errors.REMEDIES`, and what a person does about it.
CASE_REMEDIES: Mapping[str, str] = MappingProxyType(
    {
        "basis": 'Give exactly one of {"percent": "25"}, {"parts": 1} and {"fixed": "500.00"}.',
        "missing_key": "Add what is missing.",
        "not_json": "Give one JSON object in UTF-8; with --jsonl one on each line.",
        "on_invoiced": "Use revise, hold or supplement.",
        "unknown_key": "Mend the name or leave it out; nothing is passed over unread.",
        "wrong_type": "Give the kind of value that belongs there.",
    }
)

#: Characters of a wrong value that a message shows.
MAX_SHOWN = 40

#: Amounts that are kept beside their text, per currency: some megabytes at most.
MAX_KEPT = 10_000

#: The largest whole number that every reader of JSON keeps.
MAX_SAFE_NUMBER = 2**53


class CaseError(EngineError):
    """A case that cannot be read: not the JSON that it should be."""

    @property
    def remedy(self) -> str:
        """What a person does about it."""
        return CASE_REMEDIES.get(self.code) or super().remedy


class Money:
    """Reads the amounts of one currency."""

    __slots__ = ("_known", "currency")

    def __init__(self, currency: str) -> None:
        self.currency = currency
        self._known = _Amounts(currency)

    def signed(self, raw: object, *at: str | int) -> int:
        """Read an amount that may be below zero."""
        if type(raw) is str:
            try:
                return self._known[raw]
            except MoneyError as error:
                raise refusal(error.message, error.code, *at) from None
        raise refusal(f"{shown(raw)} is no amount written as text", "money_text", *at)

    def amount(self, raw: object, *at: str | int) -> int:
        """Read an amount of zero or more."""
        amount = self._known.get(raw) if type(raw) is str else None
        if amount is None:
            amount = self.signed(raw, *at)
        if amount < 0:
            raise refusal(f"{shown(raw)} is below zero", "negative", *at)
        return amount


class _Amounts(dict[str, int]):
    """Texts of one currency as amounts. Those of late cases come again: 0.00, round sums."""

    def __init__(self, currency: str) -> None:
        super().__init__()
        self._currency = currency
        self._exponent = minor_units(currency)
        self._point = "." if self._exponent else ""

    def __missing__(self, text: str) -> int:
        if len(self) >= MAX_KEPT:
            self.clear()
        amount = self[text] = self._read(text)
        return amount

    def _read(self, text: str) -> int:
        """Return what parse_money() says, at half its cost for amounts as they usually are."""
        whole, point, decimals = text.partition(".")
        digits = whole + decimals
        if (
            point == self._point
            and len(decimals) == self._exponent
            and 0 < len(whole) <= MAX_WHOLE_DIGITS
            and digits.isascii()
            and digits.isdecimal()
        ):
            return int(digits)
        return parse_money(text, currency=self._currency)


def money_of(currency: object) -> Money:
    if not isinstance(currency, str) or currency not in EXPONENTS:
        raise refusal(
            f"{shown(currency)} is no active ISO 4217 currency", "currency_unknown", "currency"
        )
    return _known_money(currency)


_known_money = cache(Money)


class Texts(dict[int, str]):
    """Amounts of one currency as text, the other way."""

    def __init__(self, currency: str) -> None:
        super().__init__()
        self._currency = currency
        self._exponent = minor_units(currency)

    def __missing__(self, amount_minor: int) -> str:
        if len(self) >= MAX_KEPT:
            self.clear()
        text = self[amount_minor] = self._text(amount_minor)
        return text

    def _text(self, amount_minor: int) -> str:
        """Return what format_money() says, at half its cost for amounts as they usually are."""
        digits, exponent = str(amount_minor), self._exponent
        if exponent and amount_minor >= 0 and len(digits) > exponent:
            return f"{digits[:-exponent]}.{digits[-exponent:]}"
        return format_money(amount_minor, currency=self._currency)


texts_of = cache(Texts)


def read_object(raw: object, known: frozenset[str], *at: str | int) -> Json:
    """Return a JSON object that has no keys but known ones."""
    if type(raw) is not dict:
        raise refusal(f"{shown(raw)} where an object belongs", "wrong_type", *at)
    if not known.issuperset(raw):
        key = next(key for key in raw if key not in known)
        said = f"{shown(key)} is no key here; there are {', '.join(sorted(known))}"
        raise refusal(said, "unknown_key", *at, key if isinstance(key, str) else str(key))
    return raw


def read_list(raw: object, *at: str | int) -> list[Any]:
    """Return a JSON array; none at all is an empty one."""
    if raw is None:
        return []
    if type(raw) is not list:
        raise refusal(f"{shown(raw)} where a list belongs", "wrong_type", *at)
    return raw


def needed(found: Json, key: str, *at: str | int) -> Any:
    value = found.get(key)
    if value is None:
        raise refusal(f"{key} is missing", "missing_key", *at, key)
    return value


def read_id(found: Json, key: str, *at: str | int) -> str:
    value = found.get(key)
    if type(value) is str and value:
        return value
    needed(found, key, *at)
    raise refusal(f"{shown(value)} is no id; ids are text", "wrong_type", *at, key)


def refusal(message: str, code: str, *at: str | int) -> CaseError:
    return CaseError(message, code=code, at=_place(at) or None)


def _place(at: Sequence[str | int]) -> str:
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
