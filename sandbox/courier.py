"""Delivers webhooks over HTTP, as Intuit does: signed, three seconds to answer, a ladder of
retries, one batch at a time.

All of it on real time: whoever receives is a real server. A batch that is not acknowledged with 200
blocks everything behind it. After a restart of the sandbox the ladder starts again at its foot.
"""

import base64
import hashlib
import hmac
import http.client
import logging
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from urllib.parse import urlsplit

from sandbox.notices import cloud_events, legacy
from sandbox.outbox import BATCH_MAX, Outbox, Subscription
from sandbox.settings import Settings
from sandbox.values import Document, to_json

logger = logging.getLogger(__name__)

ANSWER_WITHIN_S = 3.0
#: Seconds after a failure; the last step repeats. Source: Intuit's webhooks page.
LADDER_S = (10, 20, 30, 300, 1200, 7200, 14_400, 21_600)
IDLE_S = 0.5

Post = Callable[[str, bytes, dict[str, str]], int]


class Courier:
    """Threads that carry events to their addresses, one per address."""

    def __init__(
        self,
        outbox: Outbox,
        *,
        lock: threading.RLock,
        verifier: str,
        settings: Callable[[], Settings],
        post: Post | None = None,
        data_of: Callable[[Document], Document] | None = None,
        ladder_s: Sequence[float] = LADDER_S,
    ) -> None:
        """Make a courier that does not run yet.

        Args:
            lock: held whenever the outbox is read or changed.
            verifier: the key that signs every body.
            data_of: gives the object of an event, for the switch `webhook_data`.
            post: sends a body to an address and returns the HTTP status; raises OSError when there
                is no answer.
        """
        self._outbox = outbox
        self._lock = lock
        self._verifier = verifier
        self._settings = settings
        self._post = post or post_over_http
        self._data_of = data_of or _no_data
        self._ladder_s = ladder_s
        self._stopping = threading.Event()
        self._bell = threading.Condition()
        self._threads: dict[str, threading.Thread] = {}
        self._failures: dict[str, int] = {}

    def ring(self) -> None:
        """Look for new events and new addresses now; call it after every change."""
        if self._stopping.is_set():
            return
        with self._lock:
            urls = [url for url in self._outbox.subscriptions if url not in self._threads]
        for url in urls:
            thread = threading.Thread(
                target=self._serve, args=(url,), name=f"courier {url}", daemon=True
            )
            self._threads[url] = thread
            thread.start()
        with self._bell:
            self._bell.notify_all()

    def stop(self) -> None:
        """Deliver nothing more; what waits stays in the books."""
        self._stopping.set()
        with self._bell:
            self._bell.notify_all()
        for thread in list(self._threads.values()):
            thread.join(ANSWER_WITHIN_S + 1)

    def failures(self, url: str) -> int:
        """Return how often the batch at the head of a queue has failed in a row."""
        return self._failures.get(url, 0)

    def _serve(self, url: str) -> None:
        """Carry one address's events until it is removed or the sandbox stops."""
        step, generation = 0, self._generation(url)
        batch: list[Document] = []
        while not self._stopping.is_set():
            current = self._generation(url)
            if current is None:
                break
            if current != generation:
                step, generation, batch = 0, current, []
            batch = batch or self._gathered(url)
            if not batch:
                self._wait(IDLE_S, url, generation)
                continue
            if self._delivered(url, batch):
                batch, step = [], 0
                self._failures[url] = 0
                continue
            self._failures[url] = self._failures.get(url, 0) + 1
            self._wait(
                self._ladder_s[min(step, len(self._ladder_s) - 1)], url, generation, is_ladder=True
            )
            step += 1
        self._threads.pop(url, None)
        if self._generation(url) is not None:
            self.ring()  # registered again while this thread was ending

    def _generation(self, url: str) -> int | None:
        with self._lock:
            known = self._outbox.subscriptions.get(url)
            return known.generation if known else None

    def _wait(
        self, seconds: float, url: str, generation: int | None, *, is_ladder: bool = False
    ) -> None:
        """Wait; a new registration cuts any wait short, a new event only an idle one."""
        end = time.monotonic() + seconds
        while not self._stopping.is_set() and self._generation(url) == generation:
            left = end - time.monotonic()
            if left <= 0:
                return
            with self._bell:
                self._bell.wait(min(left, IDLE_S))
            if not is_ladder and self._has_events(url):
                return

    def _has_events(self, url: str) -> bool:
        with self._lock:
            known = self._outbox.subscriptions.get(url)
            return bool(known and known.pending)

    def _gathered(self, url: str) -> list[Document]:
        """Return the next batch, after leaving a burst the time to gather."""
        if not self._has_events(url):
            return []
        self._stopping.wait(self._settings().webhook_gather_ms / 1000)
        with self._lock:
            known = self._outbox.subscriptions.get(url)
            return (
                [known.pending[i] for i in range(min(BATCH_MAX, len(known.pending)))]
                if known
                else []
            )

    def _delivered(self, url: str, batch: list[Document]) -> bool:
        with self._lock:
            known = self._outbox.subscriptions.get(url)
            if known is None:
                return True
            body = self._body(known, batch)
        try:
            status = self._post(url, body, self._headers(body))
        except (OSError, http.client.HTTPException) as exc:
            logger.info("webhook to %s failed: %s", url, exc)
            return False
        if status != 200:
            logger.info("webhook to %s was answered with %s", url, status)
            return False
        with self._lock:
            self._outbox.acknowledged(url, len(batch))
        return True

    def _body(self, subscription: Subscription, batch: Sequence[Document]) -> bytes:
        if subscription.format == "legacy":
            return to_json(legacy(batch))
        source = base64.b64encode(hashlib.sha256(self._verifier.encode()).digest()).decode()
        settings = self._settings()
        return to_json(
            cloud_events(
                batch,
                source=f"intuit.{source}",
                void_word=settings.void_word,
                data_of=self._data_of if settings.webhook_data else _no_data,
            )
        )

    def _headers(self, body: bytes) -> dict[str, str]:
        return {
            "Content-Type": "application/json",
            "User-Agent": "intuit_notification_server/0.1",
            "intuit-signature": signature(self._verifier, body),
            "intuit-created-time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "intuit-t-id": str(uuid.uuid4()),
            "intuit-notification-schema-version": "0.1",
            "X-Stand-In": "milestone-sync sandbox, not Intuit",
        }


def _no_data(_: Document) -> Document:
    return {}


def signature(verifier: str, body: bytes) -> str:
    """Return the `intuit-signature` of a body: base64 of its HMAC-SHA256."""
    return base64.b64encode(hmac.new(verifier.encode(), body, hashlib.sha256).digest()).decode()


def post_over_http(url: str, body: bytes, headers: dict[str, str]) -> int:
    """Post a body and return the status of the answer; redirects are not followed.

    Raises:
        OSError: no connection, or no answer in time.
    """
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=ANSWER_WITHIN_S)
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, body=body, headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()
