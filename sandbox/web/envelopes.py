"""The shapes in which QuickBooks answers: its normal JSON, the gateway's lower-case JSON, and XML
where JSON was asked.
"""

from collections.abc import Mapping
from datetime import datetime
from html import escape

from starlette.responses import Response

from sandbox.clock import answer_time
from sandbox.errors import Fault, fault_envelope
from sandbox.values import Document, to_json

JSON_TYPE = "application/json;charset=UTF-8"
XML_TYPE = "application/xml;charset=UTF-8"


def json_answer(
    content: object, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return any value as JSON."""
    return Response(to_json(content), status, media_type=JSON_TYPE, headers=headers)


def refusal(fault: Fault, at: datetime) -> Response:
    """Return a Fault in the normal envelope."""
    return json_answer(fault_envelope(fault, answer_time(at)), status=fault.status)


def gateway_refusal(
    *, status: int, code: str, reason: str, detail: str, kind: str, at: datetime
) -> Response:
    """Return a refusal of the gateway in front of QuickBooks: lower case, other shape."""
    error = {
        "message": f"message={reason}; errorCode={code.zfill(6)}; statusCode={status}",
        "detail": detail,
        "code": code,
        "element": None,
    }
    envelope: Document = {
        "warnings": None,
        "intuitObject": None,
        "fault": {"error": [error], "type": kind},
        "report": None,
        "queryResponse": None,
        "batchItemResponse": [],
        "attachableResponse": [],
        "syncErrorResponse": None,
        "requestId": None,
        "time": int(at.timestamp() * 1000),
        "status": None,
        "cdcresponse": [],
    }
    return json_answer(envelope, status=status)


def no_token(at: datetime) -> Response:
    """Return the 401 for a missing, unknown, expired or revoked access token."""
    detail = "Token expired / Malformed bearer token: too short or too long / null"
    return gateway_refusal(
        status=401,
        code="3200",
        reason="AuthenticationFailed",
        detail=detail,
        kind="AUTHENTICATION",
        at=at,
    )


def wrong_realm(at: datetime) -> Response:
    """Return the XML 401 for a good token on another company's address."""
    detail = "AuthenticationErrorGeneral: SRV-110-Authentication Failure , statusCode: 401"
    return xml_refusal(
        401,
        at,
        kind="AuthenticationFault",
        code="100",
        message="General Authentication Error",
        detail=detail,
    )


def throttled(at: datetime, *, envelope: str = "xml") -> Response:
    """Return the 429: mostly it is XML, whatever was asked for."""
    if envelope == "gateway":
        return gateway_refusal(
            status=429,
            code="3001",
            reason="ThrottleExceeded",
            detail="The request limit was reached.  Try again later",
            kind="SERVICE",
            at=at,
        )
    message = "message=ThrottleExceeded; errorCode=003001; statusCode=429"
    detail = "The request limit was reached.  Try again later"
    return xml_refusal(429, at, kind="SERVICE", code="3001", message=message, detail=detail)


def xml_refusal(
    status: int, at: datetime, *, kind: str, code: str, message: str, detail: str
) -> Response:
    """Return a refusal in XML, as QuickBooks' outer gates give it whatever was asked for."""
    text = (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
        f'<IntuitResponse time="{answer_time(at)}" xmlns="http://schema.intuit.com/finance/v3">'
        f'<Fault type="{kind}"><Error code="{code}"><Message>{escape(message)}</Message>'
        f"<Detail>{escape(detail)}</Detail></Error></Fault></IntuitResponse>"
    )
    return Response(text.encode(), status, media_type=XML_TYPE)
