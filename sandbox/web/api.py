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
from sandbox.outbox import AS_USUAL, LATE, TWICE
from sandbox.trouble import REFUSALS, Kind, Rule, Trouble
from sandbox.values import Document
from sandbox.web.call import WRITES, Call
from sandbox.web.calls import carry_out, read_call
from sandbox.web.envelopes import json_answer, no_token, refusal, throttled, wrong_realm
from sandbox.web.mishaps import (
    BrokenOff,
    Dripping,
    gateway_timeout,
    internal_error,
    item_fault,
    refused,
)
from sandbox.web.oauth import base_url
from sandbox.web.reset import Reset

logger = logging.getLogger(__name__)

BODY_MAX = 4_000_000
ACTOR_PATTERN = re.compile(r"[A-Za-z0-9:_.-]{1,40}")
#: How the outbox treats the events of a change while a rule is at work.
TELLING = {Kind.DUPLICATED_WEBHOOKS: TWICE, Kind.REORDERED_WEBHOOKS: LATE}


class Api:
    """The accounting API of one sandbox."""

    def __init__(self, books: Books, meter: Meter, trouble: Trouble) -> None:
        self._books = books
        self._meter = meter
        self._trouble = trouble

    async def answer(self, request: Request) -> Response:
        """Answer one request."""
        answer = await self._answer(request)
        trace = f"1-{secrets.token_hex(4)}-{secrets.token_hex(12)}"
        answer.raw_headers += [(b"intuit_tid", trace.encode()), (b"qbo-version", b"sandbox")]
        return answer

    async def _answer(self, request: Request) -> Response:
        now = self._books.clock.now()
        realm_id = request.path_params["realm_id"]
        access = self._access(request)
        if access is None:
            return no_token(now)
        if access.realm_id != realm_id:
            return wrong_realm(now)
        is_batch = request.path_params["rest"].strip("/").lower() == "batch"
        if self._is_limited(access) and not self._admits(access, is_batch=is_batch):
            return self._throttled("xml")
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
                content_type=request.headers.get("content-type", ""),
            )
            return await self._perform(call, request, access)
        except Fault as fault:
            return refusal(fault, now)

    def _admits(self, access: Access, *, is_batch: bool) -> bool:
        if not self._meter.admits(access.realm_id, access.actor):
            return False
        return not is_batch or self._meter.admits_batch(access.realm_id, access.actor)

    def _is_limited(self, access: Access) -> bool:
        """Tell whether the rate limits hold for a token: they are made for apps, not for people."""
        settings = self._books.settings
        is_app = access.actor != STANDING_ACTOR
        return settings.rate_limits and (is_app or settings.limit_standing_token)

    def _access(self, request: Request) -> Access | None:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        return self._books.grants.who(token.strip()) if kind.lower() == "bearer" else None

    async def _perform(self, call: Call, request: Request, access: Access) -> Response:
        """Carry a call out, with whatever is armed for it before and after."""
        if self._quota_is_gone(call):
            return self._throttled(self._books.settings.quota_envelope)
        rule = self._trouble.turn(call.realm_id, call.entity or "query", call.operation)
        if rule is not None and rule.kind in REFUSALS:
            return refused(rule, self._books.clock)
        if rule is not None and rule.kind is Kind.STALL:
            await self._stall(call, rule, is_committed=False)
        try:
            done = self._done(call, rule, _actor(request, access))
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
        return await self._after(call, rule, _shown(call, done, request))

    def _done(self, call: Call, rule: Rule | None, actor: str) -> Document | bytes:
        kind = rule.kind if rule else None
        with self._books.outbox.told(TELLING.get(kind, AS_USUAL) if kind else AS_USUAL):
            return carry_out(
                call,
                self._books,
                self._meter,
                actor=actor,
                notify=kind is not Kind.LOST_WEBHOOKS,
                lag_s=rule.seconds if rule and kind is Kind.QUERY_LAG else 0,
                before_item=self._refuse_item,
            )

    def _refuse_item(self, call: Call) -> None:
        """Let the armed faults have their turn with an item of a batch, as far as items can."""
        rule = self._trouble.turn(call.realm_id, call.entity or "query", call.operation)
        if rule is not None and rule.kind in REFUSALS:
            raise item_fault(rule)

    def _throttled(self, envelope: str) -> Response:
        """Return the 429, in one of the shapes that are seen."""
        answer = throttled(self._books.clock.now(), envelope=envelope)
        if self._books.settings.retry_after_s:
            answer.headers["Retry-After"] = str(self._books.settings.retry_after_s)
        return answer

    def _quota_is_gone(self, call: Call) -> bool:
        most = self._books.settings.monthly_reads_max
        month = month_of(self._books.clock.now())
        return (
            bool(most)
            and call.operation in self._books.settings.metered.split(",")
            and self._meter.reads(call.realm_id, month) >= most
        )

    async def _after(self, call: Call, rule: Rule | None, answer: Response) -> Response:
        if rule is None:
            return answer
        match rule.kind:
            case Kind.COMMIT_THEN_504:
                return gateway_timeout()
            case Kind.COMMIT_THEN_RESET:
                return Reset()
            case Kind.COMMIT_THEN_6000:
                return internal_error(self._books.clock)
            case Kind.SLOW_BODY:
                return Dripping(answer, rule.seconds)
            case Kind.CUT_BODY:
                return BrokenOff(answer)
            case Kind.COMMIT_THEN_STALL:
                await self._stall(call, rule, is_committed=call.operation in WRITES)
        return answer

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


def _shown(call: Call, done: Document | bytes, request: Request) -> Response:
    if isinstance(done, bytes) and call.operation == "download":
        return Response(base_url(request).encode() + done, media_type="text/plain")
    if isinstance(done, bytes):
        return Response(done, media_type="application/pdf")
    return json_answer(done)
