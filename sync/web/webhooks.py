"""`POST /webhooks/quickbooks`: verify, store, answer. Nothing is parsed before
the signature holds.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from starlette.requests import ClientDisconnect

from sync.bootstrap import App
from sync.inbox import is_signed, receive

logger = logging.getLogger(__name__)

#: Intuit: "no limit, assume 2 MB".
BODY_BYTES_MAX = 2_000_000
#: The whole body, however slowly it trickles in: Intuit itself waits 3 s for the answer.
BODY_TIMEOUT_S = 10.0
#: At most so many deliveries are stored in one transaction.
TOGETHER_MAX = 100


@dataclass(frozen=True, slots=True)
class _Delivery:
    body: bytes
    stored: asyncio.Future[None]


def router(app: App) -> APIRouter:
    """Give the route."""
    routes = APIRouter()
    # Two tokens while one is being replaced, separated by a comma.
    verifiers = app.settings.webhook_verifier.get_secret_value().split(",")
    desk = _Desk(app)

    @routes.post("/webhooks/quickbooks")
    async def notified(request: Request) -> Response:
        try:
            body = await _read(request)
        except ClientDisconnect:
            return Response(status_code=400)
        except TimeoutError:
            return Response(status_code=408, headers={"Connection": "close"})
        if body is None:
            return Response(status_code=413)
        signatures = request.headers.getlist("intuit-signature")
        if len(signatures) != 1 or not is_signed(body, signatures[0], verifiers=verifiers):
            return Response(status_code=401)
        try:
            await desk.store(body)
        except SQLAlchemyError as exc:
            # Not stored: Intuit shall come again.
            logger.warning("inbox.not_stored", extra={"error_class": type(exc).__name__})
            return Response(status_code=503)
        return Response(status_code=200)

    return routes


class _Desk:
    """Where deliveries are stored: those that come meanwhile are stored together, next. A burst
    makes few transactions, and a single delivery does not wait.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._waiting: list[_Delivery] = []
        self._storing: asyncio.Task[None] | None = None

    async def store(self, body: bytes) -> None:
        """Return when the delivery is stored; raise what went wrong with it."""
        one = _Delivery(body, asyncio.get_running_loop().create_future())
        self._waiting.append(one)
        if self._storing is None or self._storing.done():
            self._storing = asyncio.create_task(self._work_off())
        await one.stored

    async def _work_off(self) -> None:
        while self._waiting:
            batch = self._waiting[:TOGETHER_MAX]
            del self._waiting[:TOGETHER_MAX]
            await self._store(batch)

    async def _store(self, batch: Sequence[_Delivery]) -> None:
        try:
            count = await run_in_threadpool(receive, self._app, *(one.body for one in batch))
        except Exception as exc:
            if len(batch) > 1 and not isinstance(exc, OperationalError):
                # One of them may be to blame: each by itself, then.
                for one in batch:
                    await self._store([one])
                return
            for one in batch:
                if not one.stored.done():
                    one.stored.set_exception(exc)
            return
        facts = {"event_count": count, "delivery_count": len(batch)}
        logger.info("inbox.stored", extra=facts)
        for one in batch:
            if not one.stored.done():
                one.stored.set_result(None)


async def _read(request: Request) -> bytes | None:
    parts, size = [], 0
    async with asyncio.timeout(BODY_TIMEOUT_S):
        async for part in request.stream():
            size += len(part)
            if size > BODY_BYTES_MAX:
                return None
            parts.append(part)
    return b"".join(parts)
