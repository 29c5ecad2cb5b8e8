"""Webhook events that wait for delivery: one queue per registered address, kept with the books."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sandbox.values import Document

#: How the events of the next change are told.
AS_USUAL, TWICE, LATE = "as_usual", "twice", "late"
FORMATS = ("cloudevents", "legacy")
BATCH_MAX = 100
QUEUE_MAX = 100_000


@dataclass(slots=True, kw_only=True)
class Subscription:
    """One address that events are posted to, and what it has not acknowledged yet."""

    url: str
    format: str
    pending: deque[Document] = field(default_factory=deque)
    delivered: int = 0
    generation: int = 0  #: new with every registration, which starts the ladder anew


class Outbox:
    """All subscriptions; what is registered and acknowledged is journalled, events come with their
    changes.
    """

    def __init__(self, *, record: Callable[[Document], None]) -> None:
        self.subscriptions: dict[str, Subscription] = {}
        self._registrations = 0
        self._telling = AS_USUAL
        self._held: list[Document] = []
        self._record = record

    def register(self, url: str, format: str) -> None:
        """Have events posted to an address from now on; the same one again changes its format."""
        self._record({"kind": "webhook", "what": "registered", "url": url, "format": format})

    def remove(self, url: str) -> bool:
        """Forget an address and what waits for it; False if it was not registered."""
        if url not in self.subscriptions:
            return False
        self._record({"kind": "webhook", "what": "removed", "url": url})
        return True

    def acknowledged(self, url: str, count: int) -> None:
        """Take the oldest events off a queue: their POST was answered with 200."""
        if url in self.subscriptions:
            self._record({"kind": "webhook", "what": "delivered", "url": url, "count": count})

    @contextmanager
    def told(self, telling: str) -> Iterator[None]:
        """Tell the events of the change that is made meanwhile twice, or after those of the next.

        It is journalled, so that the queues are the same after a restart.
        """
        if telling == AS_USUAL:
            yield
            return
        self._record({"kind": "webhook", "what": "telling", "telling": telling})
        try:
            yield
        finally:
            if self._telling != AS_USUAL:
                self._record({"kind": "webhook", "what": "telling", "telling": AS_USUAL})

    def put(self, events: list[Document]) -> None:
        """Queue events for every address; called while a change record is applied."""
        if not events:
            return
        telling, self._telling = self._telling, AS_USUAL
        if telling == LATE:
            self._held.extend(events)
            return
        events = [*events, *events, *self._held] if telling == TWICE else [*events, *self._held]
        self._held = []
        for subscription in self.subscriptions.values():
            subscription.pending.extend(events)
            while len(subscription.pending) > QUEUE_MAX:
                subscription.pending.popleft()

    def apply(self, record: Document) -> None:
        """Take a record over, whether just made or read from the journal."""
        url = record.get("url", "")
        match record["what"]:
            case "telling":
                self._telling = record["telling"]
            case "registered":
                known = self.subscriptions.setdefault(
                    url, Subscription(url=url, format=record["format"])
                )
                known.format = record["format"]
                self._registrations += 1
                known.generation = self._registrations
            case "removed":
                self.subscriptions.pop(url, None)
            case "delivered":
                known = self.subscriptions[url]
                for _ in range(min(record["count"], len(known.pending))):
                    known.pending.popleft()
                known.delivered += record["count"]
