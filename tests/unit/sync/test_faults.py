"""Every answer of QuickBooks that is no document means one thing, whatever envelope it comes in."""

from __future__ import annotations

import json

import pytest
import requests
from intuitlib.exceptions import AuthClientError

from sync.errors import (
    AccessExpired,
    AccessWithdrawn,
    AppRefused,
    DuplicateNumber,
    FeedTooOld,
    Gone,
    OutcomeUnknown,
    QuickBooksThrottled,
    QuickBooksUnavailable,
    RealmBlocked,
    RealmDisconnected,
    RejectedWrite,
    StaleRevision,
    SyncError,
)
from sync.ports import Answer
from sync.quickbooks.faults import classify, inactive_reference, raise_for_fault
from sync.quickbooks.oauth import translate

WRONG_PATH = "Could not find resource for relative : /v3/company/1/invoce"


def fault(
    code: str, detail: str = "", *, kind: str = "ValidationFault", lower: bool = False
) -> bytes:
    """A JSON fault in one of Intuit's two envelopes."""
    if lower:
        error = {"message": "m", "detail": detail, "code": code, "element": None}
        return json.dumps({"fault": {"error": [error], "type": "SERVICE"}}).encode()
    error = {"Message": "m", "Detail": detail, "code": code, "element": ""}
    return json.dumps({"Fault": {"Error": [error], "type": kind}}).encode()


def plain(code: str) -> tuple[str, int, bytes, bool, type[SyncError]]:
    """A row for a code that refuses the document: parked, shown, tried again by a person alone."""
    return code, 400, fault(code), True, RejectedWrite


XML_429 = (
    b'<IntuitResponse><Fault type="SERVICE"><Error code="3001"><Message>ThrottleExceeded</Message>'
    b"<Detail>later</Detail></Error></Fault></IntuitResponse>"
)
XML_401 = (
    b'<IntuitResponse><Fault type="AuthenticationFault"><Error code="100"><Message>General'
    b"</Message></Error></Fault></IntuitResponse>"
)


#: Every row of the platform sheet's table of errors (9.5), in its order, named by its first column.
#: Read timeouts and broken lines have no status: `tests/functional/test_wire.py`; the token
#: endpoint: `test_what_the_token_endpoint_says`.
PAGE = [
    ("502", 502, b"<html>", True, OutcomeUnknown),
    ("502-read", 502, b"<html>", False, QuickBooksUnavailable),
    ("504", 504, b"<html>", True, OutcomeUnknown),
    ("504-read", 504, b"<html>", False, QuickBooksUnavailable),
    ("500", 500, b"", True, OutcomeUnknown),
    ("500-read", 500, b"", False, QuickBooksUnavailable),
    ("500-validation", 500, fault("2020"), True, OutcomeUnknown),
    ("SystemFault", 400, fault("1", kind="SystemFault"), True, OutcomeUnknown),
    ("10000", 400, fault("10000"), True, OutcomeUnknown),
    ("10000-in-500", 500, fault("10000"), True, OutcomeUnknown),
    ("500-wrong-path", 500, fault("1", WRONG_PATH, kind="SystemFault"), True, RejectedWrite),
    ("503", 503, b"", True, QuickBooksUnavailable),
    ("503-with-fault", 503, fault("10000"), True, QuickBooksUnavailable),
    ("429", 429, XML_429, True, QuickBooksThrottled),
    ("429-empty", 429, b"", False, QuickBooksThrottled),
    ("3001", 403, fault("3001", lower=True), True, QuickBooksThrottled),
    ("003001", 403, fault("003001", lower=True), True, QuickBooksThrottled),
    ("401-3200", 401, fault("3200", lower=True), True, AccessExpired),
    ("401-003200", 401, fault("003200", lower=True), False, AccessExpired),
    ("401-100-xml", 401, XML_401, False, AccessExpired),
    ("100-xml-in-400", 400, XML_401, True, AccessExpired),
    ("403-3100", 403, fault("3100", lower=True), False, AccessWithdrawn),
    ("403-003100", 403, fault("003100", lower=True), True, AccessWithdrawn),
    ("3201", 403, fault("3201", lower=True), True, AccessExpired),
    ("3202", 401, fault("3202", lower=True), True, RejectedWrite),
    ("110", 401, fault("110"), True, AccessExpired),
    ("120", 401, fault("120"), True, AccessWithdrawn),
    ("120-in-400", 400, fault("120"), False, AccessWithdrawn),
    ("130", 401, fault("130"), True, QuickBooksUnavailable),
    ("140", 400, fault("140"), True, RealmBlocked),
    ("150", 400, fault("150"), True, QuickBooksUnavailable),
    ("404-json", 404, b"{}", True, RejectedWrite),
    ("404-html", 404, b"<html>Apache", True, QuickBooksUnavailable),
    ("413", 413, b"<html>", True, RejectedWrite),
    ("6030", 400, fault("6030"), True, RejectedWrite),
    ("code-500", 400, fault("500"), True, RejectedWrite),
    ("600", 400, fault("600"), True, OutcomeUnknown),
    ("610", 400, fault("610"), True, Gone),
    ("620", 400, fault("620"), True, RejectedWrite),
    ("630", 400, fault("630"), True, DuplicateNumber),
    *(plain(code) for code in ("700", "900", "2500")),
    *(plain(code) for code in ("800", "6220", "6280", "6400", "6450", "6480")),
    plain("1040"),
    *(plain(str(code)) for code in range(2000, 2301, 10)),
    plain("3000"),
    *(plain(code) for code in ("4000", "4001", "4002")),
    *(plain(code) for code in ("5000", "5030")),
    ("5010", 400, fault("5010"), True, StaleRevision),
    ("5010-in-200", 200, fault("5010"), True, StaleRevision),
    plain("5020"),
    ("6000", 400, fault("6000", "no rate"), True, RejectedWrite),
    ("6000-internal", 400, fault("6000", "Error (-30003)"), True, OutcomeUnknown),
    ("6000-internal-read", 400, fault("6000", "Error (-30003)"), False, QuickBooksUnavailable),
    ("6000-wait", 400, fault("6000", "wait a few minutes and try"), True, OutcomeUnknown),
    plain("6070"),
    ("6140", 400, fault("6140"), True, DuplicateNumber),
    ("6190", 400, fault("6190"), True, RealmBlocked),
    *(plain(code) for code in ("6200", "6210")),
    *(plain(code) for code in ("6240", "6250", "6420", "6430", "6440", "6470", "6540")),
    plain("10100"),
    ("10200", 400, fault("10200"), True, RejectedWrite),
    ("10200-read", 400, fault("10200"), False, FeedTooOld),
]

#: What the page does not name and was seen.
OTHERS = [
    ("redirect", 302, b"", False, QuickBooksUnavailable),
    ("403-html", 403, b"<html>", True, QuickBooksUnavailable),
    ("empty-200-write", 200, b"", True, OutcomeUnknown),
    ("empty-200-read", 200, b"", False, QuickBooksUnavailable),
    ("cut-200-write", 200, b"{cut", True, OutcomeUnknown),
    ("html-200-write", 200, b"<html>", True, OutcomeUnknown),
    ("list-200-write", 200, b"[]", True, OutcomeUnknown),
    ("fault-empty", 400, b'{"Fault": {"Error": []}}', True, OutcomeUnknown),
    ("no-code", 400, b'{"Fault": {"Error": [{}]}}', True, RejectedWrite),
    ("code-null", 400, b'{"Fault": {"Error": [{"code": null}]}}', True, RejectedWrite),
    ("error-no-object", 400, b'{"Fault": {"Error": ["x"]}}', True, OutcomeUnknown),
    ("feed-too-old", 400, fault("2060", "changedSince is too old"), False, FeedTooOld),
]


@pytest.mark.parametrize(
    ("status", "body", "is_write", "meaning"),
    [pytest.param(*row, id=name) for name, *row in (*PAGE, *OTHERS)],
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


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("6210", "closed"),
        ("6540", "hang"),
        ("5020", "edition"),
        ("2500", "inactive"),
        ("x", "names"),
    ],
)
def test_a_refusal_says_what_helps(code: str, word: str) -> None:
    """What a person can do differs by code; where it does not, the message tells it."""
    error = classify(Answer(status=400, headers={}, body=fault(code)), is_write=True)

    assert word in error.remedy


def test_of_a_document_that_is_there_610_means_a_name_on_it() -> None:
    """QuickBooks says the same of both; who has looked knows which."""
    error = inactive_reference(Gone("QuickBooks 610: Object Not Found", intuit_tid="t-1"))

    assert (error.code, error.intuit_tid) == ("610", "t-1")
    assert "inactive" in error.remedy


@pytest.mark.parametrize(
    ("status", "body", "meaning"),
    [
        pytest.param(400, {"error": "invalid_grant"}, RealmDisconnected, id="invalid_grant"),
        pytest.param(
            400,
            {"error_description": "Token has been expired or revoked.", "error": "invalid_grant"},
            RealmDisconnected,
            id="other-order",
        ),
        pytest.param(400, {"error": "invalid_client"}, AppRefused, id="invalid_client-400"),
        pytest.param(401, {"error": "invalid_client"}, AppRefused, id="invalid_client-401"),
        pytest.param(400, {"error": "invalid_request"}, RejectedWrite, id="invalid_request"),
        pytest.param(400, {"error": "unsupported_grant_type"}, RejectedWrite, id="grant_type"),
        pytest.param(400, {"error": "invalid_scope"}, RejectedWrite, id="invalid_scope"),
        pytest.param(429, {}, QuickBooksUnavailable, id="429"),
        pytest.param(429, {"error": "rate_limited"}, QuickBooksUnavailable, id="429-with-error"),
        pytest.param(500, {"error": "server_error"}, QuickBooksUnavailable, id="500"),
        pytest.param(503, None, QuickBooksUnavailable, id="503-html"),
        pytest.param(400, ["no object"], QuickBooksUnavailable, id="400-list"),
    ],
)
def test_what_the_token_endpoint_says(status: int, body: object, meaning: type[SyncError]) -> None:
    """Page 1.5: only `invalid_grant` ends a company; keys that are wrong are everybody's trouble;
    anything else leaves the tokens as they are.
    """
    response = requests.Response()
    response.status_code = status
    response._content = b"<html>" if body is None else json.dumps(body).encode()
    response.headers["intuit_tid"] = "t-1"

    error = translate(AuthClientError(response))

    assert type(error) is meaning
    assert "<html>" not in str(error)
