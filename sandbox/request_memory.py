"""The memory for `requestid`: a repeated write gets the first answer again and does nothing."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox.errors import Fault
from sandbox.values import Document

REQUEST_ID_MAX = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """The first answer to a `requestid`."""

    at: datetime
    answer: Document | None
    refusal: Fault | None = None
    fingerprint: str = ""  #: of the body that was answered; blank is not known


class RequestMemory:
    """Answers of one company by `requestid`, whatever entity they were about."""

    def __init__(self) -> None:
        self._known: dict[str, Remembered] = {}

    def keep(self, request_id: str, first: Remembered) -> None:
        """Remember the first answer to a request."""
        self._known[request_id] = first

    def recall(
        self, request_id: str | None, *, now: datetime, kept_s: int, fingerprint: str = ""
    ) -> Document | None:
        """Return the first answer to a request, or None if it is new (or has been forgotten).

        Args:
            kept_s: how long answers are remembered, in the books' time; 0 is for ever.
            fingerprint: of the body; if given, another one under the same id is refused.

        Raises:
            Fault: 2130 the id is too long, 600 it was used with another body, or the first answer
                was this refusal.
        """
        if not request_id:
            return None
        if len(request_id) > REQUEST_ID_MAX:
            detail = f"Request id can have at most {REQUEST_ID_MAX} characters"
            raise Fault("2130", "Invalid Request Id Format", detail)
        first = self._known.get(request_id)
        if first is None or (kept_s and now - first.at > timedelta(seconds=kept_s)):
            return None
        if fingerprint and first.fingerprint not in ("", fingerprint):
            raise Fault("600", "Duplicate Request ID", "The request id was used with another body")
        if first.refusal is not None:
            raise first.refusal
        return first.answer
