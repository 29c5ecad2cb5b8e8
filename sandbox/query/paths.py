"""Paths in a query, such as `MetaData.CreateTime` or `AttachableRef.EntityRef.value`: are they
known, and what stands there in a document.
"""

from collections.abc import Mapping
from typing import Any

from sandbox.entities import Spec
from sandbox.query.language import invalid
from sandbox.schema import Field, Kind, queried, text
from sandbox.values import Document

#: What a path may end in behind a reference.
IN_REFERENCE: Mapping[str, Field] = {
    "value": queried(text()),
    "name": queried(text()),
    "type": queried(text()),
}


def known_path(spec: Spec, path: str, *, sortable: bool = True) -> tuple[tuple[str, ...], Field]:
    """Return a path in its canonical spelling, and its field.

    Raises:
        Fault: 4001 there is no such field, or queries may not use it.
    """
    fields, names = spec.fields, []
    known: Field | None = None
    for part in path.split("."):
        name = next((name for name in fields if name.lower() == part.lower()), None)
        if name is None:
            raise invalid(f"Property {path} not found for Entity {spec.name}")
        behind, known = known, fields[name]
        if behind is not None and behind.kind is Kind.REF and not behind.is_queried:
            raise invalid(f"property '{path}' is not queryable")
        names.append(name)
        fields = IN_REFERENCE if known.kind is Kind.REF else known.inside
    if known is None or (sortable and not known.is_queried):
        raise invalid(f"property '{path}' is not queryable")
    return tuple(names), known


def goes_through_list(spec: Spec, names: tuple[str, ...]) -> bool:
    """Tell whether a path leads through a list, so that a document has several values there."""
    fields = spec.fields
    for name in names:
        known = fields.get(name)
        if known is None:
            return False
        if known.kind is Kind.LIST:
            return True
        fields = known.inside
    return False


def value_at(row: Document, names: tuple[str, ...]) -> Any:
    """Return what stands at a path; of a reference its id; None where there is nothing."""
    value: Any = row
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, dict):
        return value.get("value")
    return value


def values_at(row: Document, names: tuple[str, ...]) -> list[Any]:
    """Return everything that stands at a path which leads through lists."""
    found: list[Any] = [row]
    for name in names:
        parts = [part.get(name) for part in found if isinstance(part, dict)]
        found = [one for part in parts for one in (part if isinstance(part, list) else [part])]
    shown = [one.get("value") if isinstance(one, dict) else one for one in found]
    return [one for one in shown if one is not None]
