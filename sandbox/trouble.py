"""Faults on demand: armed by a rule, fired by the requests that match it, counted.

A rule names entity, operation and company, each of them optional, what is to happen, and how often.
What happens is carried out where the request is answered (`web/api.py`); this module only says
whether it is a request's turn.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from sandbox.values import Document

SECONDS_MAX = 600
COUNT_MAX = 1_000_000


class Kind(Enum):
    """What can be made to go wrong."""

    STATUS = "status"  #: refuse with a status and body; nothing is committed
    STALL = "stall"  #: wait, then go on as usual
    COMMIT_THEN_504 = "commit_then_504"  #: do it, but answer 504 with an HTML page
    COMMIT_THEN_RESET = "commit_then_reset"  #: do it, then cut the connection without an answer
    COMMIT_THEN_STALL = (
        "commit_then_stall"  #: do it, then keep the client waiting before the answer
    )
    LOST_WEBHOOKS = "lost_webhooks"  #: do it and answer, but tell no webhook subscriber


class TroubleError(ValueError):
    """A rule that cannot be armed; the message says why."""


@dataclass(slots=True, kw_only=True)
class Rule:
    """One armed fault."""

    id: int
    kind: Kind
    entity: str | None = None  #: lower case; None matches all
    operation: str | None = (
        None  #: create, update, void, delete, send, read, query, cdc, pdf; None matches all
    )
    realm_id: str | None = None
    count: int | None = 1  #: how often it fires; None is for ever
    skip: int = 0  #: how many matching requests go by first
    seconds: float = 0.0
    status: int = 500
    body: str = ""
    content_type: str = "application/json"
    fired: int = 0
    seen: int = 0

    def matches(self, realm_id: str, entity: str, operation: str) -> bool:
        """Tell whether the rule speaks of such a request and is not used up."""
        wishes = (
            (self.entity, entity.lower()),
            (self.operation, operation),
            (self.realm_id, realm_id),
        )
        is_left = self.count is None or self.fired < self.count
        return is_left and all(wish is None or wish == value for wish, value in wishes)

    def shown(self) -> Document:
        """Return the rule as JSON."""
        return {
            "id": self.id,
            "kind": self.kind.value,
            "entity": self.entity,
            "operation": self.operation,
            "realm_id": self.realm_id,
            "count": self.count,
            "skip": self.skip,
            "seconds": self.seconds,
            "status": self.status,
            "fired": self.fired,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Stalled:
    """One request that is being kept waiting now."""

    id: int
    realm_id: str
    entity: str
    operation: str
    is_committed: bool


class Trouble:
    """The armed rules, and the requests they keep waiting."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []
        self._stalled: dict[int, Stalled] = {}
        self._numbers = itertools.count(1)

    def arm(self, wishes: Mapping[str, Any]) -> Rule:
        """Arm one rule.

        Raises:
            TroubleError: unknown field or kind, or a value out of range.
        """
        rule = _rule(next(self._numbers), wishes)
        self._rules.append(rule)
        return rule

    def clear(self) -> None:
        """Disarm everything; requests that are waiting are let go at their own time."""
        self._rules.clear()

    def turn(self, realm_id: str, entity: str, operation: str) -> Rule | None:
        """Return the first armed rule that such a request sets off, and count it."""
        for rule in self._rules:
            if not rule.matches(realm_id, entity, operation):
                continue
            rule.seen += 1
            if rule.seen <= rule.skip:
                continue
            rule.fired += 1
            return rule
        return None

    def stall_begins(
        self, *, realm_id: str, entity: str, operation: str, is_committed: bool
    ) -> int:
        """Note that a request is kept waiting; return the number to end it with."""
        number = next(self._numbers)
        self._stalled[number] = Stalled(
            id=number,
            realm_id=realm_id,
            entity=entity,
            operation=operation,
            is_committed=is_committed,
        )
        return number

    def stall_ends(self, number: int) -> None:
        """Note that a request goes on."""
        self._stalled.pop(number, None)

    def shown(self) -> Document:
        """Return rules and waiting requests as JSON."""
        stalled = [
            {
                "id": row.id,
                "realm_id": row.realm_id,
                "entity": row.entity,
                "operation": row.operation,
                "committed": row.is_committed,
            }
            for row in self._stalled.values()
        ]
        return {"faults": [rule.shown() for rule in self._rules], "stalled": stalled}


def _rule(number: int, wishes: Mapping[str, Any]) -> Rule:
    allowed = {
        "kind",
        "entity",
        "operation",
        "realm_id",
        "count",
        "skip",
        "seconds",
        "status",
        "body",
        "content_type",
    }
    unknown = set(wishes) - allowed
    if unknown:
        raise TroubleError(
            f"unknown: {', '.join(sorted(unknown))}; a fault has {', '.join(sorted(allowed))}"
        )
    try:
        kind = Kind(wishes.get("kind"))
    except ValueError:
        raise TroubleError(
            f"kind must be one of {', '.join(kind.value for kind in Kind)}"
        ) from None
    rule = Rule(id=number, kind=kind)
    rule.entity = str(wishes["entity"]).lower() if wishes.get("entity") else None
    rule.operation = str(wishes["operation"]).lower() if wishes.get("operation") else None
    if wishes.get("realm_id") is not None:
        rule.realm_id = str(wishes["realm_id"])
    rule.count = (
        None
        if wishes.get("count", 1) is None
        else _whole("count", wishes.get("count", 1), 1, COUNT_MAX)
    )
    rule.skip = _whole("skip", wishes.get("skip", 0), 0, COUNT_MAX)
    rule.seconds = _seconds(wishes.get("seconds", 0))
    rule.status = _whole("status", wishes.get("status", 500), 200, 599)
    rule.body = str(wishes.get("body", ""))
    rule.content_type = str(wishes.get("content_type", rule.content_type))
    return rule


def _whole(name: str, value: object, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise TroubleError(f"{name} must be a whole number from {least} to {most}, not {value!r}")
    return value


def _seconds(value: Any) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        raise TroubleError(f"seconds must be a number, not {value!r}") from None
    if not 0 <= seconds <= SECONDS_MAX:
        raise TroubleError(f"seconds must be from 0 to {SECONDS_MAX}")
    return seconds
