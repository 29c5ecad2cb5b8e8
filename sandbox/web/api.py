"""`/v3/company/{realm}/...`: who is asking, may they, is something armed to go wrong, and then the
call itself.
"""

import asyncio
import logging
import re
import secrets

from starlette.requests import Request
from starlette.responses import Response

from sandbox.books import Books, month_of
from sandbox.errors import SYSTEM, Fault
from sandbox.grants import STANDING_ACTOR, Access
from sandbox.meter import Meter
from sandbox.trouble import Kind, Rule, Trouble
from sandbox.values import Document
from sandbox.web.calls import METERED, WRITES, Call, carry_out, read_call
from sandbox.web.envelopes import json_answer, no_token, refusal, throttled, wrong_realm
from sandbox.web.reset import Reset

logger = logging.getLogger(__name__)

BODY_MAX = 4_000_000
ACTOR_PATTERN = re.compile(r"[A-Za-z0-9:_.-]{1,40}")
GATEWAY_TIMEOUT = (
    "<html><head><title>504</title></head><body><h1>504 Gateway Time-out</h1></body></html>"
)


class Api:
    """The accounting API of one sandbox."""

    def __init__(self, books: Books, meter: Meter, trouble: Trouble) -> None:
        self._books = books
        self._meter = meter
        self._trouble = trouble

    async def answer(self, request: Request) -> Response:
        """Answer one request."""
        answer = await self._answer(request)
        answer.headers["intuit_tid"] = f"1-{secrets.token_hex(4)}-{secrets.token_hex(12)}"
        answer.headers["QBO-Version"] = "sandbox"
        return answer

    async def _answer(self, request: Request) -> Response:
        now = self._books.clock.now()
        realm_id = request.path_params["realm_id"]
        access = self._access(request)
        if access is None:
            return no_token(now)
        if access.realm_id != realm_id:
            return wrong_realm(now)
        if self._is_limited(access) and not self._meter.admits(realm_id, access.actor):
            return throttled(now)
        self._meter.count_call(realm_id)
        content = await request.body()
        if len(content) > BODY_MAX:
            return refusal(Fault("6030", "Request too large", status=413), now)
        try:
            call = read_call(
                realm_id,
                request.path_params["rest"],
                method=request.method,
                params=dict(request.query_params),
                content=content,
            )
            return await self._perform(call, _actor(request, access))
        except Fault as fault:
            return refusal(fault, now)

    def _is_limited(self, access: Access) -> bool:
        """Tell whether the rate limits hold for a token: they are made for apps, not for people."""
        settings = self._books.settings
        is_app = access.actor != STANDING_ACTOR
        return settings.rate_limits and (is_app or settings.limit_standing_token)

    def _access(self, request: Request) -> Access | None:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        return self._books.grants.who(token.strip()) if kind.lower() == "bearer" else None

    async def _perform(self, call: Call, actor: str) -> Response:
        """Carry a call out, with whatever is armed for it before and after."""
        if self._quota_is_gone(call):
            return throttled(self._books.clock.now())
        rule = self._trouble.turn(call.realm_id, call.entity or "query", call.operation)
        if rule is not None and rule.kind is Kind.STATUS:
            return _scripted(rule)
        if rule is not None and rule.kind is Kind.STALL:
            await self._stall(call, rule, is_committed=False)
        notify = rule is None or rule.kind is not Kind.LOST_WEBHOOKS
        try:
            done = carry_out(call, self._books, self._meter, actor=actor, notify=notify)
        except (Fault, asyncio.CancelledError):
            raise
        except Exception:
            logger.exception(
                "sandbox.failed", extra={"operation": call.operation, "entity": call.entity}
            )
            raise Fault(
                "10000",
                "An application error has occurred while processing your request",
                kind=SYSTEM,
                status=500,
            ) from None
        return await self._after(call, rule, done)

    def _quota_is_gone(self, call: Call) -> bool:
        most = self._books.settings.monthly_reads_max
        month = month_of(self._books.clock.now())
        return (
            bool(most)
            and call.operation in METERED
            and self._meter.reads(call.realm_id, month) >= most
        )

    async def _after(self, call: Call, rule: Rule | None, done: Document | bytes) -> Response:
        kind = rule.kind if rule else None
        if kind is Kind.COMMIT_THEN_504:
            return Response(GATEWAY_TIMEOUT, 504, media_type="text/html")
        if kind is Kind.COMMIT_THEN_RESET:
            return Reset()
        if rule is not None and kind is Kind.COMMIT_THEN_STALL:
            await self._stall(call, rule, is_committed=call.operation in WRITES)
        if isinstance(done, bytes):
            return Response(done, media_type="application/pdf")
        return json_answer(done)

    async def _stall(self, call: Call, rule: Rule, *, is_committed: bool) -> None:
        number = self._trouble.stall_begins(
            realm_id=call.realm_id,
            entity=call.entity,
            operation=call.operation,
            is_committed=is_committed,
        )
        try:
            await asyncio.sleep(rule.seconds)
        finally:
            self._trouble.stall_ends(number)


def _actor(request: Request, access: Access) -> str:
    """Return who acts: the token's client, or the person whom a standing token names."""
    person = request.headers.get("x-sandbox-actor", "")
    if access.actor == STANDING_ACTOR and ACTOR_PATTERN.fullmatch(person):
        return person
    return access.actor


def _scripted(rule: Rule) -> Response:
    return Response(rule.body, rule.status, media_type=rule.content_type)
