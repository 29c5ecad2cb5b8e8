"""Batches: up to 30 operations in one request, each with its own answer or Fault, none undone for
another's sake.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from sandbox.entities import spec_at
from sandbox.errors import SYSTEM, Fault, missing, unsupported
from sandbox.values import Document
from sandbox.web.call import Call

logger = logging.getLogger(__name__)

#: With a `requestid` the ids are shorter: the two together name one piece of work.
REQUEST_ID_MAX = 36
ITEM_ID_MAX = 10
OPERATIONS = ("create", "update", "delete", "void")
ABOUT_ITEM = ("bId", "operation", "optionsData")

Perform = Callable[[Call], Document]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One item of a batch, as it was sent."""

    id: str | None
    content: Document


def read_batch(body: Document, *, request_id: str | None, items_max: int) -> list[Item]:
    """Return the items of a batch.

    Raises:
        Fault: 2020 there are none, 1040 too many, 2130 an id is too long.
    """
    rows = body.get("BatchItemRequest")
    if not isinstance(rows, list) or not rows:
        raise missing("BatchItemRequest")
    if len(rows) > items_max:
        raise Fault(
            "1040",
            "The request exceeds the maximum number of items in a batch",
            f"A batch can have at most {items_max} items; this one has {len(rows)}",
        )
    if request_id and len(request_id) > REQUEST_ID_MAX:
        raise _bad_id(f"Request id of a batch can have at most {REQUEST_ID_MAX} characters")
    items = [_item(row) for row in rows]
    if request_id and any(item.id and len(item.id) > ITEM_ID_MAX for item in items):
        raise _bad_id(f"bId can have at most {ITEM_ID_MAX} characters beside a request id")
    return items


def run_batch(
    items: list[Item], *, realm_id: str, request_id: str | None, perform: Perform
) -> list[Document]:
    """Carry out every item in order; an item that is refused has its Fault as its answer."""
    return [_answered(item, realm_id, request_id, perform) for item in items]


def _answered(item: Item, realm_id: str, request_id: str | None, perform: Perform) -> Document:
    named: Document = {} if item.id is None else {"bId": item.id}
    try:
        answer = perform(_call(item, realm_id, request_id))
    except Fault as fault:
        return {"Fault": fault.body(), **named}
    except Exception:
        logger.exception("sandbox.batch_item_failed")
        failed = Fault("10000", "An application error has occurred", kind=SYSTEM)
        return {"Fault": failed.body(), **named}
    return {**{name: value for name, value in answer.items() if name != "time"}, **named}


def _item(row: object) -> Item:
    if not isinstance(row, dict):
        raise missing("BatchItemRequest")
    id = row.get("bId")
    return Item(id=None if id is None else str(id), content=row)


def _call(item: Item, realm_id: str, request_id: str | None) -> Call:
    content = item.content
    own_id = f"{request_id}:{item.id}" if request_id and item.id else None
    if isinstance(content.get("Query"), str):
        return Call(realm_id=realm_id, operation="query", statement=content["Query"].strip())
    if isinstance(content.get("CDCQuery"), dict):
        asked = content["CDCQuery"]
        entities, since = str(asked.get("Entities", "")), str(asked.get("ChangedSince", ""))
        return Call(realm_id=realm_id, operation="cdc", entity=entities, since=since)
    operation = str(content.get("operation", "")).lower()
    if operation not in OPERATIONS:
        raise unsupported(f"{operation or 'nothing'} in a batch")
    entity, body = _entity(content)
    options = _options(content.get("optionsData"))
    if operation == "update" and "void" in options:
        operation = "void"
    if operation == "create" and body.get("Id"):
        body = {name: value for name, value in body.items() if name not in ("Id", "SyncToken")}
    if operation == "update" and not body.get("Id") and entity.lower() not in WITHOUT_ID:
        raise missing("Id")
    return Call(
        realm_id=realm_id,
        operation=operation,
        entity=entity.lower(),
        body=body,
        request_id=own_id,
        options=options,
    )


#: Entities that an update finds without an Id.
WITHOUT_ID = ("preferences", "companyinfo", "exchangerate", "recurringtransaction")


def _entity(content: Document) -> tuple[str, Document]:
    for name, body in content.items():
        if name not in ABOUT_ITEM and isinstance(body, dict):
            spec = spec_at(name)
            if spec is None:
                raise unsupported(name)
            return spec.name, body
    raise missing("an entity")


def _options(said: object) -> frozenset[str]:
    """Read `include=allowduplicatedocnum`, `operation=void`, or the bare word."""
    words = str(said or "").replace("&", ",").split(",")
    return frozenset(word.rpartition("=")[2].strip().lower() for word in words if word.strip())


def _bad_id(detail: str) -> Fault:
    return Fault("2130", "Invalid Request Id Format", detail)
