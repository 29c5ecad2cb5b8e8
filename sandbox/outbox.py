"""Webhook events that wait for delivery: one queue per registered address, kept with the books."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.values import Document

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

    def put(self, events: list[Document]) -> None:
        """Queue events for every address; called while a change record is applied."""
        for subscription in self.subscriptions.values():
            subscription.pending.extend(events)
            while len(subscription.pending) > QUEUE_MAX:
                subscription.pending.popleft()

    def apply(self, record: Document) -> None:
        """Take a record over, whether just made or read from the journal."""
        url = record["url"]
        match record["what"]:
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
