"""The borders of the system. Nothing else touches the world, so all of it can be run under a seeded
scheduler.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back over HTTP, untouched."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class QuickBooksTransport(Protocol):
    """One HTTP exchange with QuickBooks."""

    def close(self) -> None:
        """Let go of its connections."""

    def exchange(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        params: Mapping[str, str],
        body: bytes,
    ) -> Answer:
        """Send one request and give the answer.

        Raises:
            QuickBooksUnavailable: it was certainly not sent.
            OutcomeUnknown: it was sent, and no whole answer came.
        """


class CallLimits(Protocol):
    """Lets calls to a company through at the pace that it bears."""

    def call(self, realm_no: int, *, is_write: bool) -> AbstractContextManager[None]:
        """Wait for a place and hold it during the call; a read leaves room for writes.

        Raises:
            QuickBooksThrottled: the wait would be long.
        """

    def close(self) -> None:
        """Let go of its connections."""


class MailTransport(Protocol):
    """Hands one mail to a mail server."""

    def send(self, message: EmailMessage) -> str:
        """Hand the mail over and give the server's answer.

        Raises:
            MailUnavailable: nothing was handed over; later.
            MailRefused: the server will never take it.
            MailUncertain: it may have been taken.
        """


class WakeQueue(Protocol):
    """Carries a work id to a free worker. May lose it, double it, or deliver it late."""

    def wake(self, queue: str, realm_no: int, work_id: int) -> None:
        """Tell a worker of one row."""


class Clock(Protocol):
    """Time as this process feels it: for waiting and for spans, never for what day it is."""

    def monotonic(self) -> float:
        """Give seconds that only grow, from no particular moment on."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class OutsideClock(Protocol):
    """A clock that the business clock follows: the sandbox's, when one is set."""

    def now(self) -> datetime | None:
        """Tell its time in UTC, or None while it cannot be asked."""


class Ids(Protocol):
    """Where fresh identifiers come from."""

    def request_id(self) -> str:
        """Give a `requestid` for one QuickBooks write, at most 50 characters."""
