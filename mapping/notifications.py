"""A webhook's body -> what it tells of. Two formats: CloudEvents (a list) and Intuit's older
envelope (an object).

A notification only says *look again*: it is read for company, kind and id, never for content.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
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


def parse_notification(body: bytes) -> tuple[Notified, ...]:
    """Read a delivery.

    Raises:
        DocumentError: it is neither format, or an event lacks its company, kind or id.
    """
    try:
        found = json.loads(body, object_pairs_hook=_without_twins, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise DocumentError("not_json", "the body is not JSON") from None
    if _is_deep(found):
        raise DocumentError("not_a_notification", f"deeper than {DEPTH_MAX}")
    if isinstance(found, list):
        events = tuple(_cloud_event(one) for one in found)
    elif isinstance(found, Mapping) and isinstance(found.get("eventNotifications"), list):
        events = tuple(_envelope_events(found["eventNotifications"]))
    else:
        raise DocumentError("not_a_notification", "neither CloudEvents nor eventNotifications")
    if len(events) > EVENTS_MAX:
        raise DocumentError("too_many_events", f"{len(events)} events in one delivery")
    return events


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


def _cloud_event(one: Any) -> Notified:
    if not isinstance(one, Mapping):
        raise DocumentError("not_a_notification", "an event is not an object")
    words = str(one.get("type") or "").lower().split(".")
    if len(words) < 3:
        raise DocumentError("event_type", "an event does not say what it is")
    return Notified(
        event_key=f"ce:{_needed(one, 'id')}",
        realm_id=_needed(one, "intuitaccountid"),
        entity=words[1],
        entity_id=_needed(one, "intuitentityid"),
        operation=words[2],
        occurred_at=_time(one.get("time")),
    )


def _envelope_events(notifications: list[Any]) -> Iterator[Notified]:
    for one in notifications:
        if not isinstance(one, Mapping):
            raise DocumentError("not_a_notification", "a notification is not an object")
        realm_id = _needed(one, "realmId")
        change = one.get("dataChangeEvent")
        for entity in (change.get("entities") or []) if isinstance(change, Mapping) else []:
            yield _envelope_event(realm_id, entity)


def _envelope_event(realm_id: str, one: Any) -> Notified:
    if not isinstance(one, Mapping):
        raise DocumentError("not_a_notification", "an entity is not an object")
    parts = [realm_id, *(_needed(one, name) for name in ("name", "id", "operation"))]
    digest = hashlib.sha256("/".join([*parts, str(one.get("lastUpdated"))]).encode()).hexdigest()
    return Notified(
        event_key=f"in:{digest}",
        realm_id=realm_id,
        entity=parts[1].lower(),
        entity_id=parts[2],
        operation=parts[3].lower(),
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
