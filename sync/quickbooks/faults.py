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
    AccessWithdrawn,
    DuplicateNumber,
    FeedTooOld,
    Gone,
    OutcomeUnknown,
    QuickBooksThrottled,
    QuickBooksUnavailable,
    RealmBlocked,
    RejectedWrite,
    StaleRevision,
    SyncError,
)
from sync.ports import Answer

THROTTLE_WAIT_S = 60.0
#: A wait that QuickBooks asks for is believed up to here.
THROTTLE_WAIT_S_MAX = 900.0
_XML_TYPE = re.compile(r'<Fault type="(\w+)"')
_XML_CODE = re.compile(r'<Error code="(\d+)"')
_XML_MESSAGE = re.compile(r"<(?:Message|Detail)>([^<]*)<")
_AMBIGUOUS_DETAIL = re.compile(r"-3000\d|wait a few minutes|try again later", re.IGNORECASE)
_WRONG_PATH = "could not find resource for relative"
#: The grant is of no use: the company must be connected again.
_DISCONNECTED = {"120", "3100"}
#: The company is closed to everybody until a person acts in QuickBooks.
_CLOSED = {"140", "6190"}
#: Refused before anything happened, and over soon.
_PASSING = {"130", "150"}
#: The access token; 100 stands in XML where a good token meets another company's id.
_ACCESS = {"100", "110", "3200", "3201"}
#: What helps, where the code tells it better than the message.
_REMEDIES = {
    **dict.fromkeys(
        ("6200", "6210"),
        "The books are closed for this date. Open them in QuickBooks, or decide on another date;"
        " then: milestone-sync queue retry.",
    ),
    **dict.fromkeys(
        ("800", "6220", "6280", "6400", "6450", "6480", "6540"),
        "Other documents hang on this one. Undo in QuickBooks what the message names, then:"
        " milestone-sync queue retry.",
    ),
    **dict.fromkeys(
        ("5020", "5030"),
        "This company's edition or the person who connected it may not do this. Connect it as an"
        " administrator, or switch the feature on; then: milestone-sync queue retry.",
    ),
    **dict.fromkeys(
        ("610", "2500", "6250"),
        "A customer, item or account on it was made inactive or deleted. Make it active again in"
        " QuickBooks, then: milestone-sync queue retry.",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One error of an answer: code without leading zeros, and what QuickBooks said about it."""

    kind: str  #: `ValidationFault`, `SystemFault`, ...
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
    code = fault.code if fault else ""
    said = f"QuickBooks {code}: {fault.message[:200]}" if fault else ""
    if answer.status == 429 or code == "3001":
        return QuickBooksThrottled("too many calls", retry_after_s=_retry_after(answer.headers))
    if code in _DISCONNECTED:
        return AccessWithdrawn(said)
    if code in _CLOSED:
        return RealmBlocked(said)
    if answer.status == 503 or code in _PASSING:
        return QuickBooksUnavailable(said or "QuickBooks is unavailable (503)")
    if code in _ACCESS or (answer.status == 401 and code != "3202"):
        return AccessExpired("the access token was refused")
    if fault is None:
        return _unreadable(answer, is_write=is_write)
    return _by_code(fault, status=answer.status, is_write=is_write)


def inactive_reference(gone: Gone) -> RejectedWrite:
    """Give what 610 means where the document itself is there: something that it names is not."""
    return RejectedWrite(str(gone), code="610", remedy=_REMEDIES["610"], intuit_tid=gone.intuit_tid)


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
        kind = _XML_TYPE.search(text)
        return Fault(
            kind=kind[1] if kind else "",
            code=_plain(code[1]),
            message=words[0],
            detail=words[1],
        )
    return None


def _by_code(fault: Fault, *, status: int, is_write: bool) -> SyncError:
    said = f"QuickBooks {fault.code}: {fault.message[:200]}"
    if fault.code == "5010":
        return StaleRevision(said)
    if fault.code in ("6140", "630"):
        return DuplicateNumber(said, code=fault.code)
    if fault.code == "610":
        return Gone(said)
    if not is_write and (fault.code == "10200" or _is_too_old(fault)):
        return FeedTooOld(said)
    if _is_ambiguous(fault, status=status):
        return OutcomeUnknown(said) if is_write else QuickBooksUnavailable(said)
    return RejectedWrite(
        f"{said} ({fault.detail[:300]})", code=fault.code, remedy=_REMEDIES.get(fault.code, "")
    )


def _is_too_old(fault: Fault) -> bool:
    return "changedsince" in f"{fault.message} {fault.detail}".lower()


def _is_ambiguous(fault: Fault, *, status: int) -> bool:
    """Tell whether the server's own trouble leaves open what it did; 600: it has done it before."""
    if fault.code == "600":
        return True
    if fault.code == "6000":
        return bool(_AMBIGUOUS_DETAIL.search(fault.detail))
    if _WRONG_PATH in f"{fault.message} {fault.detail}".lower():
        return False
    return status >= 500 or fault.code == "10000" or fault.kind == "SystemFault"


def _unreadable(answer: Answer, *, is_write: bool) -> SyncError:
    said = f"QuickBooks answered {answer.status} and nothing that can be read"
    if answer.status == 413:
        return RejectedWrite("QuickBooks 413: the document is too large", code="413")
    # An HTML 404 comes from a gateway on a bad day; JSON says that the path is wrong.
    if answer.status == 404 and _json(answer.body.decode(errors="replace")) is not None:
        return RejectedWrite("QuickBooks 404: there is no such path or company", code="404")
    # These never reached the company.
    if not is_write or answer.status in (403, 404) or 300 <= answer.status < 400:
        return QuickBooksUnavailable(said)
    return OutcomeUnknown(said)


def _json_fault(envelope: Mapping[str, Any]) -> Fault | None:
    errors = envelope.get("Error") or envelope.get("error") or []
    if not errors or not isinstance(errors[0], Mapping):
        return None
    first = {str(name).lower(): value for name, value in errors[0].items()}
    return Fault(
        kind=str(envelope.get("type") or ""),
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
    if given.isascii() and given.isdigit():
        return min(float(given), THROTTLE_WAIT_S_MAX)
    try:
        until = parsedate_to_datetime(given)
        now = parsedate_to_datetime(headers.get("Date", ""))
    except (TypeError, ValueError):
        return THROTTLE_WAIT_S
    return min(max((until - now).total_seconds(), 1.0), THROTTLE_WAIT_S_MAX)
