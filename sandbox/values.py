"""Documents as plain dicts, with every amount a Decimal: read from JSON, written as JSON, rounded
half up to cents.
"""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import orjson
import simplejson

#: A QuickBooks object as its JSON: text, bool, Decimal, lists and further documents.
Document = dict[str, Any]

CENT = Decimal("0.01")
ZERO = Decimal("0.00")

#: Deeper JSON than this is not from QuickBooks' world.
NESTING_MAX = 64


def to_json(value: object) -> bytes:
    """Return compact JSON; a Decimal is written as the number it is, digit for digit."""
    try:
        return orjson.dumps(value, default=_as_number)
    except TypeError:
        # An integer of more than 64 bits, or half a surrogate pair: rare, and not orjson's.
        text: str = simplejson.dumps(
            value, use_decimal=True, separators=(",", ":"), ensure_ascii=False
        )
        return text.encode()


def dumps(value: object) -> str:
    """Return the same as text."""
    return to_json(value).decode()


def _as_number(value: object) -> orjson.Fragment:
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value))
    raise TypeError(f"{type(value).__name__} is not JSON")


def loads(text: str | bytes) -> Any:
    """Read JSON; numbers with a point become Decimal, so that no cent is ever a float.

    Raises:
        ValueError: the text is not JSON, nested too deep, or has text that is not Unicode.
    """
    try:
        value = simplejson.loads(text, use_decimal=True)
        if _may_be_odd(text):
            _refuse_deep(value)
            to_json(value)
    except RecursionError:
        raise ValueError("nested too deep") from None
    return value


def _may_be_odd(text: str | bytes) -> bool:
    """Tell whether a text is worth a second look: many brackets, or half a surrogate pair."""
    said = text if isinstance(text, bytes) else text.encode(errors="replace")
    return said.count(b"[") + said.count(b"{") > NESTING_MAX or b"\\ud" in said.lower()


def _refuse_deep(value: Any) -> None:
    level = [value]
    for _ in range(NESTING_MAX):
        rows = [row for row in level if isinstance(row, dict | list)]
        level = [part for row in rows for part in (row.values() if isinstance(row, dict) else row)]
        if not level:
            return
    raise ValueError("nested too deep")


def cents(value: Decimal) -> Decimal:
    """Round half up to cents, as QuickBooks rounds amounts."""
    return value.quantize(CENT, rounding=ROUND_HALF_UP)


def total(amounts: list[Decimal]) -> Decimal:
    """Add amounts up, to cents; nothing adds up to 0.00."""
    return cents(sum(amounts, ZERO))


def ref(value: str, name: str | None = None) -> Document:
    """Return a reference as QuickBooks writes it."""
    return {"value": value} if name is None else {"value": value, "name": name}
