"""Readers for raw JSON: each takes one field of one object and answers a value or nothing.

A missing field, a null and an empty string all mean "not there"; unknown fields are never looked
at. A field of the wrong shape raises DocumentError, which names the place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from mapping.errors import DocumentError

Raw = Mapping[str, object]

#: Digits of the longest number taken: QuickBooks documents 15, Decimal is exact up to 28.
MAX_DIGITS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Ref:
    """A reference to another QuickBooks object: its id, and the name where QuickBooks sends one."""

    id: str
    name: str = ""


def read_text(raw: Raw, key: str, *, at: str = "") -> str:
    """Return a text field, "" where there is none. A number is taken as it is written."""
    value = raw.get(key)
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return str(value)
    raise _wrong("not_text", "a text", value, at=place(at, key))


def read_number(raw: Raw, key: str, *, at: str = "") -> Decimal | None:
    """Return a number field exactly. Text may hold a number; a float's cents are gone already."""
    value = raw.get(key)
    if value is None or value == "":
        return None
    if isinstance(value, bool | float) or not isinstance(value, int | Decimal | str):
        raise _wrong("not_a_number", "an exact number", value, at=place(at, key))
    try:
        number = Decimal(value if not isinstance(value, str) else value.strip())
    except InvalidOperation:
        raise _wrong("not_a_number", "a number", value, at=place(at, key)) from None
    if not number.is_finite() or _digit_count(number) > MAX_DIGITS:
        raise _wrong("not_a_number", "a number", value, at=place(at, key))
    return number


def _digit_count(number: Decimal) -> int:
    """Return how many digits the number has when it is written out, leading zeros included."""
    return max(len(number.as_tuple().digits), abs(number.adjusted()) + 1)


def read_date(raw: Raw, key: str, *, at: str = "") -> date | None:
    """Return a date field. QuickBooks' dates have no time of day and no zone."""
    text = read_text(raw, key, at=at).strip()
    if not text:
        return None
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise _wrong("not_a_date", "a date", text, at=place(at, key)) from None


def read_time(raw: Raw, key: str, *, at: str = "") -> datetime | None:
    """Return a moment with its offset. One without is refused: nobody can tell when it was."""
    text = read_text(raw, key, at=at).strip()
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _wrong("not_a_time", "a time", text, at=place(at, key)) from None
    if moment.tzinfo is None:
        raise _wrong("not_a_time", "a time with an offset", text, at=place(at, key))
    return moment


def read_flag(raw: Raw, key: str) -> bool:
    """Return whether a field says true; a missing one does not. "true" as text counts."""
    value = raw.get(key)
    return value is True or (isinstance(value, str) and value.strip().lower() == "true")


def read_object(raw: Raw, key: str, *, at: str = "") -> Raw:
    """Return a nested object, an empty one where there is none."""
    value = raw.get(key)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise _wrong("not_an_object", "an object", value, at=place(at, key))
    return value


def read_objects(raw: Raw, key: str, *, at: str = "") -> Sequence[Raw]:
    """Return a list of objects, an empty one where there is none. Nulls in it are left out."""
    value = raw.get(key)
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        raise _wrong("not_a_list", "a list", value, at=place(at, key))
    for index, item in enumerate(value):
        if item is not None and not isinstance(item, Mapping):
            raise _wrong("not_an_object", "an object", item, at=f"{place(at, key)}[{index}]")
    return [item for item in value if item is not None]


def read_ref(raw: Raw, key: str, *, at: str = "") -> Ref | None:
    """Return a reference, None where there is none or where its id is blank."""
    found = read_object(raw, key, at=at)
    inside = place(at, key)
    ref_id = read_text(found, "value", at=inside).strip()
    return Ref(id=ref_id, name=read_text(found, "name", at=inside)) if ref_id else None


def place(at: str, key: str) -> str:
    """Return the place of a field in an object: `Line[2]`, `Amount` -> `Line[2].Amount`."""
    return f"{at}.{key}" if at else key


def _wrong(code: str, wanted: str, value: object, *, at: str) -> DocumentError:
    """Return the error for a field of the wrong shape. Long values are cut: people's data."""
    shown = repr(value)
    return DocumentError(code, f"expected {wanted}, found {shown[:40]}", at=at)
