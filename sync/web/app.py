"""The web application: routers put together, and the headers that every answer carries."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import PlainTextResponse
from fastapi.staticfiles import StaticFiles
from sqlalchemy import text

from sync.bootstrap import App
from sync.web import connect, portal, webhooks

logger = logging.getLogger(__name__)

#: No script, no frame, nothing from another host (reliability S2-S5).
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'; object-src 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "Cache-Control": "no-store",
}


def build_web(app: App) -> FastAPI:
    """Put the pages together around one App."""
    web = FastAPI(title="milestone-sync", docs_url=None, redoc_url=None, openapi_url=None)
    web.include_router(webhooks.router(app))
    web.include_router(connect.router(app))
    web.include_router(portal.router(app))
    web.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"))

    @web.middleware("http")
    async def add_headers(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        response = await call_next(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    @web.get("/healthz")
    def alive() -> Response:
        return PlainTextResponse("ok")

    @web.get("/readyz")
    def ready() -> Response:
        try:
            with app.database.begin() as session:
                session.execute(text("SELECT 1"))
        except Exception:
            return PlainTextResponse("no database", status_code=503)
        return PlainTextResponse("ok")

    @web.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> Response:
        # This one answers outside of every middleware, so it brings the headers itself.
        error_id = uuid.uuid4().hex[:12]
        facts = {"error_id": error_id, "error_class": type(error).__name__}
        logger.error("web.failed", extra={**facts, "route": _route(request)})
        return PlainTextResponse(
            f"Something went wrong on our side. If you tell us, say: {error_id}",
            status_code=500,
            headers=HEADERS,
        )

    return web


def _route(request: Request) -> str:
    """Name the route and not the address: a link's token stands in that."""
    return str(getattr(request.scope.get("route"), "path", ""))


def run_web(app: App) -> None:
    """Serve until TERM or INT."""
    config = uvicorn.Config(
        build_web(app),
        host=app.settings.host,
        port=app.settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=10,
    )
    uvicorn.Server(config).run()
