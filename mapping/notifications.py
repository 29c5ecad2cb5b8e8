"""A webhook's body -> what it tells of. Two formats: CloudEvents (a list) and Intuit's older
envelope (an object).

A notification only says *look again*: it is read for company, kind and id, never for content.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from mapping.errors import DocumentError

#: More events than any delivery that Intuit was seen to make.
EVENTS_MAX = 10_000
#: Deeper than either format goes; `data` may hold a document.
DEPTH_MAX = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Notified:
    """One event of a delivery."""

    event_key: str  #: the same however often it is delivered
    realm_id: str
    entity: str  #: lower case: `estimate`
    entity_id: str
    operation: str  #: lower case: `updated`, `void`, ...
    occurred_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """One event of a delivery that cannot be read."""

    code: str
    realm_id: str  #: whose books it tells of; "" where even that cannot be read


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What one body tells of, of one company or several."""

    events: tuple[Notified, ...]
    unread: tuple[Unread, ...] = ()


def parse_notification(body: bytes) -> Delivery:
    """Read a delivery, event by event: one that cannot be read hides no other.

    Raises:
        DocumentError: it is neither format, or nothing in it says whose books it tells of.
    """
    try:
        found = json.loads(body, object_pairs_hook=_without_twins, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise DocumentError("not_json", "the body is not JSON") from None
    if _is_deep(found):
        raise DocumentError("not_a_notification", f"deeper than {DEPTH_MAX}")
    if isinstance(found, list):
        read = [_attempt(one, one, "intuitaccountid", _cloud_event) for one in found]
    elif isinstance(found, Mapping) and isinstance(found.get("eventNotifications"), list):
        read = list(_envelopes(found["eventNotifications"]))
    else:
        raise DocumentError("not_a_notification", "neither CloudEvents nor eventNotifications")
    if len(read) > EVENTS_MAX:
        raise DocumentError("too_many_events", f"{len(read)} events in one delivery")
    unread = tuple(one for one in read if isinstance(one, Unread))
    if unread and len(unread) == len(read) and not any(one.realm_id for one in unread):
        raise DocumentError("not_a_notification", f"nothing to read: {unread[0].code}")
    events = tuple(event for some in read if not isinstance(some, Unread) for event in some)
    return Delivery(events=events, unread=unread)


def _attempt(
    one: Any, holder: Any, realm_field: str, parse: Callable[[Any], Iterable[Notified]]
) -> tuple[Notified, ...] | Unread:
    """Read one event, or say what of it is known: the company, which `holder` names."""
    try:
        return tuple(parse(one))
    except DocumentError as exc:
        return Unread(code=exc.code, realm_id=_company(holder, realm_field))


def _company(holder: Any, field: str) -> str:
    try:
        return _needed(holder, field) if isinstance(holder, Mapping) else ""
    except DocumentError:
        return ""


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Two readers of one body must not read two things: a key that stands twice is refused."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _is_deep(found: Any) -> bool:
    level = [found]
    for _ in range(DEPTH_MAX):
        level = [
            inner
            for one in level
            if isinstance(one, (dict, list))
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return False
    return True


def _cloud_event(one: Any) -> Iterator[Notified]:
    if not isinstance(one, Mapping):
        raise DocumentError("not_a_notification", "an event is not an object")
    words = str(one.get("type") or "").lower().split(".")
    if len(words) < 3:
        raise DocumentError("event_type", "an event does not say what it is")
    yield Notified(
        event_key=f"ce:{_needed(one, 'id')}",
        realm_id=_needed(one, "intuitaccountid"),
        entity=words[1],
        entity_id=_needed(one, "intuitentityid"),
        operation=words[2],
        occurred_at=_time(one.get("time")),
    )


def _envelopes(notifications: list[Any]) -> Iterator[tuple[Notified, ...] | Unread]:
    for one in notifications:
        change = one.get("dataChangeEvent") if isinstance(one, Mapping) else None
        entities = change.get("entities") if isinstance(change, Mapping) else None
        if not isinstance(entities, list):
            yield Unread(code="not_a_notification", realm_id=_company(one, "realmId"))
            continue
        for entity in entities:
            yield _attempt(entity, one, "realmId", partial(_envelope_events, one))


def _envelope_events(envelope: Mapping[str, Any], one: Any) -> Iterator[Notified]:
    """Give the event of one entity; of a merge two, for both customers are to be looked at."""
    if not isinstance(one, Mapping):
        raise DocumentError("not_a_notification", "an entity is not an object")
    realm_id = _needed(envelope, "realmId")
    name, operation = _needed(one, "name"), _needed(one, "operation")
    ids = [_needed(one, "id"), *([_needed(one, "deletedId")] if one.get("deletedId") else [])]
    for entity_id in ids:
        parts = [realm_id, name, entity_id, operation, str(one.get("lastUpdated"))]
        digest = hashlib.sha256("/".join(parts).encode()).hexdigest()
        yield Notified(
            event_key=f"in:{digest}",
            realm_id=realm_id,
            entity=name.lower(),
            entity_id=entity_id,
            operation=operation.lower(),
            occurred_at=_time(one.get("lastUpdated")),
        )


def _needed(found: Mapping[str, Any], name: str) -> str:
    value = found.get(name)
    if not isinstance(value, (str, int)) or isinstance(value, bool) or value == "":
        raise DocumentError("event_field", f"an event has no {name}", at=name)
    return str(value)[:200]


def _time(value: Any) -> datetime | None:
    """Read a time in any of the forms that were seen; one that cannot be read is no time."""
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment if moment.tzinfo else None
