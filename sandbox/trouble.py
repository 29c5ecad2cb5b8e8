"""Faults on demand: armed by a rule, fired by the requests that match it, counted.

A rule names entity, operation and company, each of them optional, what is to happen, and how often:
the first so many, all, or by chance with a seed. What happens is carried out where the request is
answered (`web/api.py`, `web/mishaps.py`); this module only says whether it is a request's turn.
"""

import itertools
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from sandbox.values import Document

SECONDS_MAX = 600
COUNT_MAX = 1_000_000
ENVELOPES = ("normal", "gateway", "xml")


class Kind(Enum):
    """What can be made to go wrong."""

    STATUS = "status"  #: refuse with a status and body; nothing is committed
    FAULT = "fault"  #: refuse with an error code in one of the three envelopes
    HTML_404 = "html_404"  #: refuse with a web server's page, as Intuit does now and then
    STALL = "stall"  #: wait, then go on as usual
    COMMIT_THEN_504 = "commit_then_504"  #: do it, but answer 504 with an HTML page
    COMMIT_THEN_RESET = "commit_then_reset"  #: do it, then cut the connection without an answer
    COMMIT_THEN_STALL = (
        "commit_then_stall"  #: do it, then keep the client waiting before the answer
    )
    COMMIT_THEN_6000 = "commit_then_6000"  #: do it, but answer 6000 "Unexpected Internal Error"
    INTERNAL_ERROR = "internal_error"  #: 6000 "Unexpected Internal Error (-30003)", nothing is done
    SLOW_BODY = "slow_body"  #: do it, then send the answer in drops, over `seconds`
    CUT_BODY = "cut_body"  #: do it, send half of the answer, then cut the connection
    QUERY_LAG = "query_lag"  #: the query does not see what is younger than `seconds`
    LOST_WEBHOOKS = "lost_webhooks"  #: do it and answer, but tell no webhook subscriber
    DUPLICATED_WEBHOOKS = "duplicated_webhooks"  #: do it and answer; subscribers hear it twice
    REORDERED_WEBHOOKS = (
        "reordered_webhooks"  #: do it and answer; subscribers hear it after the next change
    )


#: Kinds for which the request is refused before anything is done.
REFUSALS = (Kind.STATUS, Kind.FAULT, Kind.HTML_404, Kind.INTERNAL_ERROR)


class TroubleError(ValueError):
    """A rule that cannot be armed; the message says why."""


@dataclass(slots=True, kw_only=True)
class Rule:
    """One armed fault."""

    id: int
    kind: Kind
    entity: str | None = None  #: lower case; None matches all
    operation: str | None = None  #: create, update, void, read, query, batch ...; None matches all
    realm_id: str | None = None
    count: int | None = 1  #: how often it fires; None is for ever
    skip: int = 0  #: how many matching requests go by first
    rate: float = 1.0  #: share of the matching requests that it fires for
    seed: int = 0  #: of the chance that `rate` asks for
    seconds: float = 0.0
    status: int = 500
    body: str = ""
    content_type: str = "application/json"
    code: str = ""  #: of a `fault`
    message: str = ""
    envelope: str = "normal"
    fired: int = 0
    seen: int = 0
    chance: random.Random = field(default_factory=random.Random)

    def matches(self, realm_id: str, entity: str, operation: str) -> bool:
        """Tell whether the rule speaks of such a request and is not used up."""
        wishes = (
            (self.entity, entity.lower()),
            (self.operation, operation),
            (self.realm_id, realm_id),
        )
        is_left = self.count is None or self.fired < self.count
        return is_left and all(wish is None or wish == value for wish, value in wishes)

    def takes_turn(self) -> bool:
        """Count a matching request, and tell whether it is the one that goes wrong."""
        self.seen += 1
        if self.seen <= self.skip:
            return False
        if self.rate < 1 and self.chance.random() >= self.rate:
            return False
        self.fired += 1
        return True

    def shown(self) -> Document:
        """Return the rule as JSON."""
        names = ("entity", "operation", "realm_id", "count", "skip", "rate", "seed", "seconds")
        more = ("status", "code", "envelope", "fired", "seen")
        return {
            "id": self.id,
            "kind": self.kind.value,
            **{name: getattr(self, name) for name in (*names, *more)},
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
            if rule.takes_turn():
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


#: What a rule is made of, apart from its kind.
WISHES = (
    "entity",
    "operation",
    "realm_id",
    "count",
    "skip",
    "rate",
    "seed",
    "seconds",
    "status",
    "body",
    "content_type",
    "code",
    "message",
    "envelope",
)


def _rule(number: int, wishes: Mapping[str, Any]) -> Rule:
    unknown = set(wishes) - {"kind", *WISHES}
    if unknown:
        raise TroubleError(
            f"unknown: {', '.join(sorted(unknown))}; a fault has kind, {', '.join(WISHES)}"
        )
    try:
        kind = Kind(wishes.get("kind"))
    except ValueError:
        raise TroubleError(
            f"kind must be one of {', '.join(kind.value for kind in Kind)}"
        ) from None
    count = wishes.get("count", 1)
    seed = _whole("seed", wishes.get("seed", 0), 0, 2**32)
    envelope = str(wishes.get("envelope", ENVELOPES[0]))
    if envelope not in ENVELOPES:
        raise TroubleError(f"envelope must be one of {', '.join(ENVELOPES)}")
    return Rule(
        id=number,
        kind=kind,
        entity=_lower(wishes.get("entity")),
        operation=_lower(wishes.get("operation")),
        realm_id=None if wishes.get("realm_id") is None else str(wishes["realm_id"]),
        count=None if count is None else _whole("count", count, 1, COUNT_MAX),
        skip=_whole("skip", wishes.get("skip", 0), 0, COUNT_MAX),
        rate=_number("rate", wishes.get("rate", 1), 1),
        seed=seed,
        seconds=_number("seconds", wishes.get("seconds", 0), SECONDS_MAX),
        status=_whole("status", wishes.get("status", _status(kind)), 200, 599),
        body=str(wishes.get("body", "")),
        content_type=str(wishes.get("content_type", "application/json")),
        code=str(wishes.get("code", "6000")),
        message=str(wishes.get("message", "")),
        envelope=envelope,
        chance=random.Random(seed),
    )


def _status(kind: Kind) -> int:
    return 400 if kind is Kind.FAULT else 500


def _lower(said: object) -> str | None:
    return str(said).lower() if said else None


def _whole(name: str, value: object, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise TroubleError(f"{name} must be a whole number from {least} to {most}, not {value!r}")
    return value


def _number(name: str, value: Any, most: float) -> float:
    try:
        said = float(value)
    except (TypeError, ValueError):
        raise TroubleError(f"{name} must be a number, not {value!r}") from None
    if not 0 <= said <= most:
        raise TroubleError(f"{name} must be from 0 to {most}")
    return said
