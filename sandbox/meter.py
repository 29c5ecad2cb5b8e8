"""Counts what Intuit would charge for, and holds back who asks too much, on real time."""

import time
from collections import defaultdict, deque
from collections.abc import Callable

from sandbox.values import Document

PER_MINUTE_MAX = 500
PER_SECOND_MAX = 10
#: Batches a minute: of all apps of a company, and of one app.
BATCHES_MAX = 120
BATCHES_OF_APP_MAX = 40
MINUTE_S = 60.0
SECOND_S = 1.0


class Meter:
    """Metered reads per company and month, and the windows of the rate limits."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._reads: dict[tuple[str, str], int] = defaultdict(int)
        self._calls: dict[str, int] = defaultdict(int)
        self._throttled: dict[str, int] = defaultdict(int)
        self._minutes: dict[str, deque[float]] = defaultdict(deque)
        self._batches: dict[tuple[str, str], deque[float]] = defaultdict(deque)
        self._seconds: dict[tuple[str, str], deque[float]] = defaultdict(deque)

    def admits(self, realm_id: str, actor: str) -> bool:
        """Tell whether a call fits in both limits, and count it if so.

        500 a minute are shared by all apps of a company; 10 a second are each app's own.
        """
        now = self._monotonic()
        minute = _window(self._minutes[realm_id], now - MINUTE_S)
        second = _window(self._seconds[realm_id, actor], now - SECOND_S)
        if len(minute) >= PER_MINUTE_MAX or len(second) >= PER_SECOND_MAX:
            self._throttled[realm_id] += 1
            return False
        minute.append(now)
        second.append(now)
        return True

    def admits_batch(self, realm_id: str, actor: str) -> bool:
        """Tell whether one more batch fits in the limits of batches, and count it if so.

        A batch is a call as well: ask `admits()` first.
        """
        now = self._monotonic()
        everybody = _window(self._batches[realm_id, ""], now - MINUTE_S)
        own = _window(self._batches[realm_id, actor], now - MINUTE_S)
        if len(everybody) >= BATCHES_MAX or len(own) >= BATCHES_OF_APP_MAX:
            self._throttled[realm_id] += 1
            return False
        everybody.append(now)
        own.append(now)
        return True

    def count_call(self, realm_id: str) -> None:
        """Count one answered call of any kind."""
        self._calls[realm_id] += 1

    def count_read(self, realm_id: str, month: str) -> None:
        """Count one metered (CorePlus) call: read, query, CDC; failed ones are free."""
        self._reads[realm_id, month] += 1

    def reads(self, realm_id: str, month: str) -> int:
        """Return the metered calls of a company in a month, YYYY-MM."""
        return self._reads.get((realm_id, month), 0)

    def shown(self, realm_ids: list[str], month: str) -> list[Document]:
        """Return the counters as JSON; they start at zero with every start of the sandbox."""
        return [
            {
                "realm_id": realm_id,
                "month": month,
                "reads": self.reads(realm_id, month),
                "calls": self._calls.get(realm_id, 0),
                "throttled": self._throttled.get(realm_id, 0),
            }
            for realm_id in realm_ids
        ]


def _window(times: deque[float], start: float) -> deque[float]:
    while times and times[0] <= start:
        times.popleft()
    return times
