"""`POST /webhooks/quickbooks`: verify, store, answer. Nothing is parsed before
the signature holds.
"""

from __future__ import annotations

import asyncio
import logging

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import ClientDisconnect

from sync.bootstrap import App
from sync.inbox import is_signed, receive

logger = logging.getLogger(__name__)

#: Intuit: "no limit, assume 2 MB".
BODY_BYTES_MAX = 2_000_000
#: The whole body, however slowly it trickles in: Intuit itself waits 3 s for the answer.
BODY_TIMEOUT_S = 10.0


def router(app: App) -> APIRouter:
    """Give the route."""
    routes = APIRouter()
    # Two tokens while one is being replaced, separated by a comma.
    verifiers = app.settings.webhook_verifier.get_secret_value().split(",")

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
            stored = await run_in_threadpool(receive, app, body)
        except SQLAlchemyError as exc:
            # Not stored: Intuit shall come again.
            logger.warning("inbox.not_stored", extra={"error_class": type(exc).__name__})
            return Response(status_code=503)
        logger.info("inbox.stored", extra={"event_count": stored})
        return Response(status_code=200)

    return routes


async def _read(request: Request) -> bytes | None:
    parts, size = [], 0
    async with asyncio.timeout(BODY_TIMEOUT_S):
        async for part in request.stream():
            size += len(part)
            if size > BODY_BYTES_MAX:
                return None
            parts.append(part)
    return b"".join(parts)
