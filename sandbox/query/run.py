"""Answers a query from the tables: narrow down by index, filter, sort, cut out a page."""

from collections.abc import Callable, Iterable, Iterator, Sized
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from re import IGNORECASE, compile, escape
from typing import Any

from sandbox.clock import read_time
from sandbox.entities import Spec, spec_at
from sandbox.query.language import TODAY, Condition, Statement, Value, invalid
from sandbox.query.paths import goes_through_list, known_path, value_at, values_at
from sandbox.schema import Field, Kind
from sandbox.tables import Tables
from sandbox.values import Document

TIMES = ("MetaData.CreateTime", "MetaData.LastUpdatedTime")
Test = Callable[[Document], bool]


def run(
    statement: Statement,
    tables: Tables,
    *,
    today: date,
    render: Callable[[str, Document], Document],
    seen_to: datetime | None = None,
) -> Document:
    """Return the `QueryResponse` of a statement.

    Args:
        today: the company's date, for CURRENT_DATE.
        render: shows a stored document as QuickBooks would.
        seen_to: what changed after this moment is not seen yet; None sees everything.

    Raises:
        Fault: 4001 for an entity, field or value that makes no sense.
    """
    spec = spec_at(statement.entity)
    if spec is None:
        raise invalid(f"Metadata not found for Entity: {statement.entity}")
    tests = [_test(spec, condition, today) for condition in statement.conditions]
    if "Active" in spec.fields and not any(
        c.path.lower() == "active" for c in statement.conditions
    ):
        tests.append(lambda row: row.get("Active", True) is not False)
    order = [(known_path(spec, path)[0], descending) for path, descending in statement.order]
    chosen = [known_path(spec, path, sortable=False)[0] for path in statement.fields]
    rows: Iterable[Document] = (
        tables.rows[spec.name].values()
        if statement.is_count and not statement.conditions and seen_to is None
        else _candidates(spec, statement, tables)
        if seen_to is None
        else _as_of(spec, tables, seen_to)
    )
    if spec.name == "Customer":
        rows = (render(spec.name, row) for row in rows)  # its balance is worked out
    found = (row for row in rows if all(test(row) for test in tests)) if tests else rows
    if statement.is_count:
        total = len(found) if isinstance(found, Sized) else sum(1 for _ in found)
        return {"totalCount": total}
    page = _pseudo_first(spec, found, statement) or _page(_sorted(found, order), statement)
    if not page:
        return {}
    if spec.name != "Customer":
        page = [render(spec.name, row) for row in page]
    shown = [_projected(row, chosen) for row in page] if chosen else page
    return {spec.json_name: shown, "startPosition": statement.start, "maxResults": len(shown)}


def _pseudo_first(
    spec: Spec, found: Iterable[Document], statement: Statement
) -> list[Document] | None:
    """Return a page of tax codes: the pseudo codes TAX, NON ... come on top of it, uncounted.

    Source: python-quickbooks' integration suite, which counts on this defect of QuickBooks.
    """
    if spec.name != "TaxCode" or statement.conditions or statement.order:
        return None
    rows = list(found)
    pseudo = [row for row in rows if not row["Id"].isdigit()]
    return pseudo + _page((row for row in rows if row["Id"].isdigit()), statement)


def _candidates(spec: Spec, statement: Statement, tables: Tables) -> Iterable[Document]:
    """Return the rows that may match, by the narrowest index that a condition allows."""
    rows = tables.rows[spec.name]
    narrowed = [_ids(spec, condition, tables) for condition in statement.conditions]
    known = [ids for ids in narrowed if ids is not None]
    if known:
        ids = min(known, key=len)
        return [
            rows[id]
            for id in sorted(set(ids), key=_id_key, reverse=_newest_first(spec))
            if id in rows
        ]
    return _newest(rows) if _newest_first(spec) else rows.values()


def _as_of(spec: Spec, tables: Tables, at: datetime) -> list[Document]:
    """Return all rows as they stood at a moment."""
    rows = dict(tables.rows[spec.name])
    back: dict[str, Document | None] = {}
    for change in tables.changes_since(at):
        if change.entity == spec.name:
            back.setdefault(change.id, change.before)
    for id, before in back.items():
        if before is None:
            rows.pop(id, None)
        else:
            rows[id] = before
    return list(_newest(rows) if _newest_first(spec) else rows.values())


def _newest(rows: dict[str, Document]) -> Iterator[Document]:
    return reversed(rows.values())


def _newest_first(spec: Spec) -> bool:
    """Transactions come newest first unless sorted, list entries oldest first."""
    return spec.is_transaction


def _id_key(id: str) -> tuple[int, str]:
    return (int(id), "") if id.isdigit() else (0, id)


def _ids(spec: Spec, condition: Condition, tables: Tables) -> list[str] | None:
    path, values = condition.path.lower(), [str(value).strip() for value in condition.values]
    if path == "id" and condition.operator in ("=", "IN"):
        return values
    if path == "customerref" and condition.operator in ("=", "IN"):
        return [id for value in values for id in tables.of_customer(spec.name, value)]
    if path == "docnumber" and condition.operator == "=" and values[0].strip():
        return (
            None
            if _has_letters(values[0])
            else list(tables.holders_of_number(spec.name, values[0]))
        )
    if path == "txndate" and condition.operator in _COMPARISONS and values[0] != TODAY:
        compare = _COMPARISONS[condition.operator]
        return tables.on_days(spec.name, lambda day: compare(day, values))
    if path in ("metadata.lastupdatedtime", "metadata.createtime") and condition.operator in (
        ">",
        ">=",
    ):
        at = _time(condition.path, condition.values[0]).replace(microsecond=0)
        return [change.id for change in tables.changes_since(at) if change.entity == spec.name]
    return None


def _has_letters(number: str) -> bool:
    """Compared values ignore case; the index of numbers does not."""
    return number.lower() != number.upper()


def _test(spec: Spec, condition: Condition, today: date) -> Test:
    names, known = known_path(spec, condition.path)
    if names == ("Id",) and condition.operator not in ("=", "IN"):
        raise invalid(f"operator {condition.operator} is not supported for property Id")
    if condition.operator == "LIKE":
        return _like(names, str(condition.values[0]))
    key = _key(".".join(names), known)
    wanted = [key(today.isoformat() if value == TODAY else value) for value in condition.values]
    compare = _COMPARISONS[condition.operator]
    if goes_through_list(spec, names):
        return lambda row: any(compare(key(value), wanted) for value in values_at(row, names))

    def test(row: Document) -> bool:
        value = value_at(row, names)
        return compare(None if value is None else key(value), wanted)

    return test


def _like(names: tuple[str, ...], pattern: str) -> Test:
    matcher = compile(".*".join(escape(part) for part in pattern.split("%")), IGNORECASE)

    def test(row: Document) -> bool:
        value = value_at(row, names)
        return value is not None and matcher.fullmatch(str(value)) is not None

    return test


def _key(path: str, known: Field) -> Callable[[Value], Any]:
    """Return what turns a stored or written value into something that compares."""
    if path in TIMES:
        return lambda value: _time(path, value)
    if known.kind is Kind.NUMBER:
        return lambda value: _decimal(path, value)
    if known.kind is Kind.BOOL:
        return lambda value: _bool(path, value)
    return _plain


def _plain(value: Value) -> str | None:
    said = str(value).strip().lower()
    return said or None


def _time(path: str, value: Value) -> datetime:
    try:
        return read_time(str(value))
    except ValueError:
        raise invalid(f"value '{value}' of property {path} is not a time") from None


def _decimal(path: str, value: Value) -> Decimal | None:
    if isinstance(value, str) and not value.strip():
        return None
    try:
        said = Decimal(value)
    except InvalidOperation:
        raise invalid(f"value '{value}' of property {path} is not a number") from None
    if not said.is_finite():
        raise invalid(f"value '{value}' of property {path} is not a number")
    return said


def _bool(path: str, value: Value) -> bool:
    if isinstance(value, bool):
        return value
    if str(value).lower() in ("true", "false"):
        return str(value).lower() == "true"
    raise invalid(f"value '{value}' of property {path} is neither true nor false")


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, list[Any]], bool]:
    return lambda value, wanted: (
        value is not None and wanted[0] is not None and compare(value, wanted[0])
    )


_COMPARISONS: dict[str, Callable[[Any, list[Any]], bool]] = {
    "=": lambda value, wanted: bool(value == wanted[0]),
    "!=": lambda value, wanted: bool(value != wanted[0]),
    "IN": lambda value, wanted: value in wanted,
    "<": _ordered(lambda value, wanted: bool(value < wanted)),
    ">": _ordered(lambda value, wanted: bool(value > wanted)),
    "<=": _ordered(lambda value, wanted: bool(value <= wanted)),
    ">=": _ordered(lambda value, wanted: bool(value >= wanted)),
}


def _sorted(
    rows: Iterable[Document], order: list[tuple[tuple[str, ...], bool]]
) -> Iterable[Document]:
    if not order:
        return rows
    listed: list[Document] = list(rows)
    for names, descending in reversed(order):
        listed.sort(key=lambda row: _sort_key(row, names), reverse=descending)
    return listed


def _sort_key(row: Document, names: tuple[str, ...]) -> tuple[int, Any]:
    value = value_at(row, names)
    if value is None:
        return 0, ""
    if ".".join(names) in TIMES:
        return 1, read_time(value)
    if names == ("Id",):
        return 1, _id_key(value)
    return 1, value.lower() if isinstance(value, str) else value


def _page(rows: Iterable[Document], statement: Statement) -> list[Document]:
    page: list[Document] = []
    for position, row in enumerate(rows, start=1):
        if position >= statement.start + statement.size:
            break
        if position >= statement.start:
            page.append(row)
    return page


def _projected(row: Document, chosen: list[tuple[str, ...]]) -> Document:
    """Return only the chosen fields, with the ones that every answer has."""
    kept: Document = {name: row[name] for name in ("domain", "sparse") if name in row}
    for names in chosen:
        source: Any = row
        target = kept
        for name in names[:-1]:
            source = source.get(name, {})
            target = target.setdefault(name, {})
        if names[-1] in source:
            target[names[-1]] = source[names[-1]]
    return kept
