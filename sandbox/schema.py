"""How a field reads: its kind, its limit, whether a client may write it, whether a query may filter
by it.

`clean()` turns what a client sent into what the books keep: amounts become Decimal (also those sent
as text), blanks become None, read-only fields are dropped silently, and anything QuickBooks does
not know is refused with 2010, unless the entity is open: then it is kept as it came.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import Enum

from sandbox.errors import bad_length, bad_value, unknown_property
from sandbox.values import Document

AMOUNT_DIGITS_MAX = 15
NUMBER_DIGITS_MAX = 20

#: Names in the books that start like this are the stand-in's own: never shown, never taken.
INTERNAL = "_"


class Kind(Enum):
    """How a value is written in JSON."""

    TEXT = "text"  #: a string, with a length limit
    BOOL = "bool"  #: true or false
    NUMBER = "number"  #: a decimal number; text that reads as one is taken too
    DATE = "date"  #: YYYY-MM-DD
    REF = "ref"  #: {"value": id, "name": ...}
    OBJECT = "object"  #: a record with fields of its own
    LIST = "list"  #: a list of records
    GROUP = "group"  #: an object in which some fields are known and any others are kept
    ANY = "any"  #: kept as it is


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """What is known of one field."""

    kind: Kind
    limit: int = 0  #: most characters of a text; 0 is no limit
    choices: frozenset[str] = frozenset()  #: the only texts allowed, if any
    target: str = ""  #: entity that a reference points to; blank is not checked
    inside: Mapping[str, "Field"] = field(default_factory=dict)
    is_typed: bool = False  #: a reference to any entity: its `type` is kept
    is_written: bool = True  #: False: what a client sends is ignored
    is_queried: bool = False  #: may stand in WHERE and ORDERBY


Fields = Mapping[str, Field]


def text(limit: int = 0) -> Field:
    """Return a text field; a limit of 0 is none."""
    return Field(kind=Kind.TEXT, limit=limit)


def choice(*choices: str) -> Field:
    """Return a text field with a closed set of values (2170 otherwise)."""
    return Field(kind=Kind.TEXT, choices=frozenset(choices))


def boolean() -> Field:
    """Return a true-or-false field."""
    return Field(kind=Kind.BOOL)


def number() -> Field:
    """Return a field for amounts, quantities, prices and percents."""
    return Field(kind=Kind.NUMBER)


def day() -> Field:
    """Return a date field."""
    return Field(kind=Kind.DATE)


def reference(target: str = "", *, is_typed: bool = False) -> Field:
    """Return a reference; with a target its existence is checked when a document is saved."""
    return Field(kind=Kind.REF, target=target, is_typed=is_typed)


def record(**inside: Field) -> Field:
    """Return a nested object."""
    return Field(kind=Kind.OBJECT, inside=inside)


def listing(**inside: Field) -> Field:
    """Return a list of nested objects."""
    return Field(kind=Kind.LIST, inside=inside)


def group(**inside: Field) -> Field:
    """Return a nested object that may have more fields than the ones that are known."""
    return Field(kind=Kind.GROUP, inside=inside)


def anything() -> Field:
    """Return a field that is kept as it comes."""
    return Field(kind=Kind.ANY)


def read_only(known: Field) -> Field:
    """Return the same field as one that the server alone writes."""
    return replace(known, is_written=False)


def queried(known: Field) -> Field:
    """Return the same field as one that queries may use."""
    return replace(known, is_queried=True)


def clean(
    entity: str, body: Mapping[str, object], fields: Fields, *, is_open: bool = False
) -> Document:
    """Return what a client sent as the books keep it; a field sent blank is there with the value
    None.

    Args:
        is_open: fields that are not known are kept as they come, here and below.

    Raises:
        Fault: 2010 for an unknown field, 2050 to 2170 for a value that does not fit.
    """
    kept: Document = {}
    for name, value in body.items():
        known = fields.get(name)
        if known is None and not is_open:
            raise unknown_property(entity, name)
        if known is None:
            if not name.startswith(INTERNAL):
                kept[name] = value
        elif known.is_written:
            kept[name] = _value(entity, name, value, known, is_open=is_open)
    return kept


def _value(entity: str, name: str, value: object, known: Field, *, is_open: bool) -> object:
    if value is None or value == "":
        return None
    match known.kind:
        case Kind.TEXT:
            return _text(name, value, known)
        case Kind.BOOL:
            return _bool(name, value)
        case Kind.NUMBER:
            return _number(name, value)
        case Kind.DATE:
            return _date(name, value)
        case Kind.REF:
            return _ref(name, value, is_typed=known.is_typed)
        case Kind.OBJECT:
            return _object(name, value, known.inside, is_open=is_open)
        case Kind.LIST:
            return _list(name, value, known.inside, is_open=is_open)
        case Kind.GROUP:
            return _group(name, value, known.inside)
    return value


def _text(name: str, value: object, known: Field) -> str:
    if isinstance(value, dict | list | bool):
        raise bad_value("2040", "String", name, value)
    said = str(value)
    if known.choices and said not in known.choices:
        raise bad_value("2170", "Enumeration", name, said)
    if known.limit and len(said) > known.limit:
        raise bad_length(name, said, known.limit)
    return said


def _bool(name: str, value: object) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise bad_value("2120", "Boolean", name, value)


def _number(name: str, value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise bad_value("2090", "Number", name, value)
    try:
        said = Decimal(value)
    except InvalidOperation:
        raise bad_value("2090", "Number", name, value) from None
    if not said.is_finite() or said.adjusted() >= AMOUNT_DIGITS_MAX:
        raise bad_value("2090", "Number", name, value)
    if len(said.as_tuple().digits) > NUMBER_DIGITS_MAX:
        raise bad_value("2090", "Number", name, value)
    return said


def _date(name: str, value: object) -> str:
    # A time behind the date is tolerated and cut off, as QuickBooks does.
    try:
        return date.fromisoformat(str(value)[:10]).isoformat()
    except ValueError:
        raise bad_value("2060", "Date", name, value) from None


def _ref(name: str, value: object, *, is_typed: bool) -> Document | None:
    if not isinstance(value, dict):
        raise bad_value("2010", "reference", name, value)
    for key in value:
        if key not in ("value", "name", "type"):
            raise unknown_property("ReferenceType", str(key))
    target = value.get("value")
    if isinstance(target, dict | list | bool):
        raise bad_value("2010", "reference", name, target)
    if target is None or target == "":
        return None
    kept: Document = {"value": str(target)}
    if value.get("name"):
        kept["name"] = str(value["name"])
    if is_typed and value.get("type"):
        kept["type"] = str(value["type"])
    return kept


def _object(name: str, value: object, inside: Fields, *, is_open: bool) -> Document | None:
    if not isinstance(value, dict):
        raise bad_value("2010", "object", name, value)
    cleaned = clean(name, value, inside, is_open=is_open)
    return {key: part for key, part in cleaned.items() if part is not None} or None


def _group(name: str, value: object, inside: Fields) -> Document:
    if not isinstance(value, dict):
        raise bad_value("2010", "object", name, value)
    kept: Document = {}
    for key, part in value.items():
        known = inside.get(key)
        kept[key] = part if known is None else _value(name, key, part, known, is_open=True)
    return kept


def _list(name: str, value: object, inside: Fields, *, is_open: bool) -> list[Document]:
    if not isinstance(value, list):
        raise bad_value("2010", "list", name, value)
    rows: list[Document] = []
    for row in value:
        if not isinstance(row, dict):
            raise bad_value("2010", "object", name, row)
        cleaned = clean(name, row, inside, is_open=is_open)
        rows.append({key: part for key, part in cleaned.items() if part is not None})
    return rows
