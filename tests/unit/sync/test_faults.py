"""Every answer of QuickBooks that is no document means one thing, whatever envelope it comes in."""

from __future__ import annotations

import json

import pytest

from sync.errors import (
    AccessExpired,
    DuplicateNumber,
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
from sync.quickbooks.faults import classify, raise_for_fault


def fault(code: str, detail: str = "", *, lower: bool = False) -> bytes:
    """A JSON fault in one of Intuit's two envelopes."""
    if lower:
        error = {"message": "m", "detail": detail, "code": code, "element": None}
        return json.dumps({"fault": {"error": [error], "type": "SERVICE"}}).encode()
    error = {"Message": "m", "Detail": detail, "code": code, "element": ""}
    return json.dumps({"Fault": {"Error": [error], "type": "ValidationFault"}}).encode()


XML_429 = (
    b'<IntuitResponse><Fault type="SERVICE"><Error code="3001"><Message>ThrottleExceeded</Message>'
    b"<Detail>later</Detail></Error></Fault></IntuitResponse>"
)
XML_401 = (
    b'<IntuitResponse><Fault type="AuthenticationFault"><Error code="100"><Message>General'
    b"</Message></Error></Fault></IntuitResponse>"
)


@pytest.mark.parametrize(
    ("status", "body", "is_write", "meaning"),
    [
        pytest.param(400, fault("5010"), True, StaleRevision, id="stale"),
        pytest.param(400, fault("6140"), True, DuplicateNumber, id="duplicate-number"),
        pytest.param(400, fault("610"), True, Gone, id="gone"),
        pytest.param(400, fault("6000", "no rate"), True, RejectedWrite, id="validation"),
        pytest.param(
            400, fault("6000", "Error (-30003)"), True, OutcomeUnknown, id="6000-internal"
        ),
        pytest.param(400, fault("6210"), True, RejectedWrite, id="books-closed"),
        pytest.param(400, fault("6190"), True, RealmDisconnected, id="subscription-ended"),
        pytest.param(403, fault("3100", lower=True), False, RealmDisconnected, id="not-allowed"),
        pytest.param(403, fault("003100", lower=True), False, RealmDisconnected, id="padded"),
        pytest.param(401, fault("3200", lower=True), True, AccessExpired, id="token-old"),
        pytest.param(401, XML_401, False, AccessExpired, id="xml-401"),
        pytest.param(429, XML_429, True, QuickBooksThrottled, id="xml-429"),
        pytest.param(403, fault("3001", lower=True), True, QuickBooksThrottled, id="throttle-403"),
        pytest.param(503, b"", True, QuickBooksUnavailable, id="503"),
        pytest.param(504, b"<html>", True, OutcomeUnknown, id="504-write"),
        pytest.param(504, b"<html>", False, QuickBooksUnavailable, id="504-read"),
        pytest.param(500, fault("10000"), True, OutcomeUnknown, id="500-write"),
        pytest.param(404, b"<html>Apache", True, QuickBooksUnavailable, id="html-404"),
        pytest.param(302, b"", False, QuickBooksUnavailable, id="redirect"),
        pytest.param(200, b"", True, OutcomeUnknown, id="empty-200-write"),
        pytest.param(200, b"{cut", True, OutcomeUnknown, id="cut-200-write"),
        pytest.param(200, fault("5010"), True, StaleRevision, id="fault-in-200"),
        pytest.param(400, b'{"Fault": {"Error": []}}', True, OutcomeUnknown, id="fault-empty"),
        pytest.param(400, b'{"Fault": {"Error": [{}]}}', True, RejectedWrite, id="no-code"),
    ],
)
def test_an_answer_means_one_thing(
    status: int, body: bytes, is_write: bool, meaning: type[SyncError]
) -> None:
    """Status and code decide; a write's trouble on the server's side leaves the outcome unknown."""
    answer = Answer(status=status, headers={"intuit_tid": "t-1"}, body=body)

    with pytest.raises(meaning) as caught:
        raise_for_fault(answer, is_write=is_write)

    assert type(caught.value) is meaning
    assert caught.value.intuit_tid == "t-1"


def test_a_document_passes() -> None:
    """A 200 with JSON and no fault is what was asked for."""
    raise_for_fault(Answer(status=200, headers={}, body=b'{"Invoice": {}}'), is_write=True)


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        pytest.param({}, 60, id="none"),
        pytest.param({"Retry-After": "7"}, 7, id="seconds"),
        pytest.param({"Retry-After": "99999"}, 900, id="capped"),
        pytest.param({"Retry-After": "soon"}, 60, id="nonsense"),
        pytest.param(
            {
                "Retry-After": "Mon, 23 Nov 2026 10:00:30 GMT",
                "Date": "Mon, 23 Nov 2026 10:00:00 GMT",
            },
            30,
            id="date",
        ),
    ],
)
def test_a_throttled_call_waits_as_asked(headers: dict[str, str], wait_s: float) -> None:
    """Retry-After in seconds or as a date; a minute where there is none."""
    error = classify(Answer(status=429, headers=headers, body=XML_429), is_write=True)

    assert isinstance(error, QuickBooksThrottled)
    assert error.retry_after_s == wait_s


def test_no_error_quotes_more_than_a_few_hundred_characters() -> None:
    """QuickBooks' texts may hold customer data: a message keeps their beginning only."""
    error = classify(
        Answer(status=400, headers={}, body=fault("6000", "x" * 10_000)), is_write=True
    )
    assert len(str(error)) < 600
