"""What the client of a fault on demand gets to see: refusals, errors after the deed, answers that
drip or break off.
"""

import asyncio

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sandbox.clock import Clock
from sandbox.errors import Fault, business
from sandbox.trouble import Kind, Rule
from sandbox.web.envelopes import gateway_refusal, refusal, xml_refusal
from sandbox.web.reset import cut

INTERNAL_ERROR = "Unexpected Internal Error. (-30003)"
GATEWAY_TIMEOUT = (
    "<html><head><title>504</title></head><body><h1>504 Gateway Time-out</h1></body></html>"
)
NOT_FOUND_PAGE = (
    '<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN"><html><head><title>404 Not Found</title>'
    "</head><body><h1>Not Found</h1><p>The requested URL was not found on this server.</p>"
    "</body></html>"
)
DROPS = 20


def refused(rule: Rule, clock: Clock) -> Response:
    """Return the answer of a rule that refuses."""
    match rule.kind:
        case Kind.HTML_404:
            return Response(NOT_FOUND_PAGE, 404, media_type="text/html")
        case Kind.INTERNAL_ERROR:
            return internal_error(clock)
        case Kind.FAULT:
            return _in_envelope(rule, clock)
    return Response(rule.body, rule.status, media_type=rule.content_type)


def item_fault(rule: Rule) -> Fault:
    """Return what one item of a batch is refused with."""
    if rule.kind is Kind.FAULT:
        return Fault(rule.code, rule.message or "Refused on demand")
    return business(INTERNAL_ERROR)


def internal_error(clock: Clock) -> Response:
    """Return 6000 with the detail that means: nobody knows whether it was done."""
    return refusal(business(INTERNAL_ERROR), clock.now())


def gateway_timeout() -> Response:
    """Return the page of a gateway that has waited long enough."""
    return Response(GATEWAY_TIMEOUT, 504, media_type="text/html")


def _in_envelope(rule: Rule, clock: Clock) -> Response:
    message = rule.message or "Refused on demand"
    at = clock.now()
    match rule.envelope:
        case "gateway":
            return gateway_refusal(
                status=rule.status,
                code=rule.code,
                reason=message,
                detail=message,
                kind="SERVICE",
                at=at,
            )
        case "xml":
            return xml_refusal(
                rule.status, at, kind="SERVICE", code=rule.code, message=message, detail=message
            )
    return refusal(Fault(rule.code, message, status=rule.status), at)


class Dripping(Response):
    """An answer whose body comes in drops."""

    def __init__(self, whole: Response, seconds: float) -> None:
        super().__init__(whole.body, whole.status_code, media_type=whole.media_type)
        self.raw_headers = whole.raw_headers
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the headers at once and the body over the given time."""
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        body = bytes(self.body)
        size = max(1, -(-len(body) // DROPS))
        for start in range(0, len(body), size):
            await asyncio.sleep(self._seconds / DROPS)
            part = body[start : start + size]
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class BrokenOff(Response):
    """An answer that ends in the middle of its body."""

    def __init__(self, whole: Response) -> None:
        super().__init__(whole.body, whole.status_code, media_type=whole.media_type)
        self.raw_headers = whole.raw_headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the headers, half of the body, and cut."""
        body = bytes(self.body)
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        half = body[: len(body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        await asyncio.sleep(0.05)  # let the half leave before the connection goes
        await cut(scope, receive)
