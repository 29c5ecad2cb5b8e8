"""Every answer of QuickBooks that is not a document, classified once (qbo-platform 9.5).

Status and code decide, never the python-quickbooks exception class: its ranges mislead (defects 9,
10). A code may be zero-padded, the envelope may be `Fault`, `fault`, XML or an HTML page.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import simplejson

from sync.errors import (
    AccessExpired,
    DuplicateNumber,
    FeedTooOld,
    Gone,
    OutcomeUnknown,
    QuickBooksThrottled,
    QuickBooksUnavailable,
    RealmDisconnected,
    RejectedWrite,
    StaleRevision,
    SyncError,
)
from sync.ports import Answer

THROTTLE_WAIT_S = 60.0
#: A wait that QuickBooks asks for is believed up to here.
THROTTLE_WAIT_S_MAX = 900.0
_XML_CODE = re.compile(r'<Error code="(\d+)"')
_XML_MESSAGE = re.compile(r"<(?:Message|Detail)>([^<]*)<")
_AMBIGUOUS_DETAIL = re.compile(r"-3000\d|wait a few minutes|try again later", re.IGNORECASE)
#: Company-wide states that only a person can end.
_BLOCKED = {"120", "140", "3100", "6190"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One error of an answer: code without leading zeros, and what QuickBooks said about it."""

    code: str
    message: str
    detail: str


def raise_for_fault(answer: Answer, *, is_write: bool) -> None:
    """Return if the answer is a document; otherwise raise what it means.

    Args:
        answer: as it came.
        is_write: whether the call may have changed something: then a server's trouble leaves the
            outcome unknown.
    """
    if answer.status == 200 and _document(answer) is not None:
        return
    error = classify(answer, is_write=is_write)
    error.intuit_tid = next(
        (value for name, value in answer.headers.items() if name.lower() == "intuit_tid"), None
    )
    raise error


def classify(answer: Answer, *, is_write: bool) -> SyncError:
    """Say what an answer that is no document means."""
    fault = read_fault(answer)
    if answer.status == 429 or (fault and fault.code == "3001"):
        return QuickBooksThrottled("too many calls", retry_after_s=_retry_after(answer.headers))
    if answer.status == 401 or (fault and fault.code in ("3200", "3201", "110")):
        return AccessExpired("the access token was refused")
    if answer.status == 503:
        return QuickBooksUnavailable("QuickBooks is unavailable (503)")
    if fault is None or answer.status >= 500:
        return _unreadable(answer, is_write=is_write)
    return _by_code(fault, is_write=is_write)


def read_fault(answer: Answer) -> Fault | None:
    """Read the first error of an answer, whatever envelope it stands in."""
    text = answer.body.decode(errors="replace")
    body = _json(text)
    if isinstance(body, Mapping):
        envelope = body.get("Fault") or body.get("fault")
        if isinstance(envelope, Mapping):
            return _json_fault(envelope)
    code = _XML_CODE.search(text)
    if code:
        words = [*_XML_MESSAGE.findall(text), "", ""]
        return Fault(code=_plain(code[1]), message=words[0], detail=words[1])
    return None


def _by_code(fault: Fault, *, is_write: bool) -> SyncError:
    said = f"QuickBooks {fault.code}: {fault.message[:200]}"
    if fault.code == "5010":
        return StaleRevision(said)
    if fault.code in _BLOCKED:
        return RealmDisconnected(said)
    if fault.code == "6140":
        return DuplicateNumber(said, code=fault.code)
    if fault.code == "610":
        return Gone(said)
    if fault.code in ("130", "150"):
        return QuickBooksUnavailable(said)
    if not is_write and "changedsince" in f"{fault.message} {fault.detail}".lower():
        return FeedTooOld(said)
    if is_write and (fault.code == "10000" or _is_ambiguous(fault)):
        return OutcomeUnknown(said)
    return RejectedWrite(f"{said} ({fault.detail[:300]})", code=fault.code)


def _is_ambiguous(fault: Fault) -> bool:
    return fault.code == "6000" and bool(_AMBIGUOUS_DETAIL.search(fault.detail))


def _unreadable(answer: Answer, *, is_write: bool) -> SyncError:
    said = f"QuickBooks answered {answer.status} and nothing that can be read"
    # An HTML 404 comes from a gateway on a bad day and never reached the company.
    if not is_write or answer.status in (404, 413) or 300 <= answer.status < 400:
        return QuickBooksUnavailable(said)
    return OutcomeUnknown(said)


def _json_fault(envelope: Mapping[str, Any]) -> Fault | None:
    errors = envelope.get("Error") or envelope.get("error") or []
    if not errors or not isinstance(errors[0], Mapping):
        return None
    first = {str(name).lower(): value for name, value in errors[0].items()}
    return Fault(
        code=_plain(str(first.get("code") or "")),
        message=str(first.get("message") or ""),
        detail=str(first.get("detail") or ""),
    )


def _document(answer: Answer) -> Mapping[str, Any] | None:
    body = _json(answer.body.decode(errors="replace"))
    if isinstance(body, Mapping) and not (body.get("Fault") or body.get("fault")):
        return body
    return None


def _json(text: str) -> Any:
    try:
        return simplejson.loads(text)
    except ValueError:
        return None


def _plain(code: str) -> str:
    return code.lstrip("0") or code


def _retry_after(headers: Mapping[str, str]) -> float:
    given = next((v for name, v in headers.items() if name.lower() == "retry-after"), "")
    if given.isdigit():
        return min(float(given), THROTTLE_WAIT_S_MAX)
    try:
        until = parsedate_to_datetime(given)
        now = parsedate_to_datetime(headers.get("Date", ""))
    except (TypeError, ValueError):
        return THROTTLE_WAIT_S
    return min(max((until - now).total_seconds(), 1.0), THROTTLE_WAIT_S_MAX)
