"""References: do they point to something, is it in use, and what is its name."""

from collections.abc import Mapping

from sandbox.draft import Draft
from sandbox.entities import SPECS
from sandbox.errors import bad_id, bad_reference, not_found
from sandbox.schema import Fields, Kind
from sandbox.values import Document

#: Item lines with this item are shipping; it is no Item of the list.
SHIPPING_ITEM = "SHIPPING_ITEM_ID"


def resolve(draft: Draft, document: Mapping[str, object], fields: Fields) -> Document:
    """Return the document with every checked reference carrying the name of what it points to.

    Raises:
        Fault: 2500 for a reference to nothing, 610 for one to an inactive entry, 2030 for a
            malformed id.
    """
    resolved: Document = {}
    for name, value in document.items():
        known = fields.get(name)
        if known is None:
            pass  # in a group of preferences, which may say more than is known
        elif isinstance(value, dict) and known.kind is Kind.REF and known.target:
            value = point(draft, name, known.target, value)
        elif isinstance(value, dict) and known.kind in (Kind.OBJECT, Kind.GROUP):
            value = resolve(draft, value, known.inside)
        elif isinstance(value, list) and known.kind is Kind.LIST:
            value = [resolve(draft, row, known.inside) for row in value]
        resolved[name] = value
    return resolved


def point(draft: Draft, name: str, target: str, ref: Document) -> Document:
    """Return a reference with its name filled in.

    Raises:
        Fault: 2500 it points to nothing, 610 to an inactive entry, 2030 its id is malformed.
    """
    id = ref["value"]
    if target == "Item" and id == SHIPPING_ITEM:
        return ref
    if not id.isdigit() and target != "TaxCode":
        raise bad_id(id)
    found = draft.find(target, id)
    if found is None:
        raise bad_reference(name, id)
    if found.get("Active") is False:
        raise not_found(name)
    return {"value": id, "name": shown_name(target, found)}


def shown_name(entity: str, document: Document) -> str:
    """Return the name under which references show a list entry or document."""
    field = SPECS[entity].name_field
    plain = document.get("DocNumber", "") if not field else document[field]
    return str(document.get("FullyQualifiedName") or plain)
