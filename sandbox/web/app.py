"""The ASGI application of one sandbox, and the header that every answer of it carries."""

import asyncio
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.templating import Jinja2Templates
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.books import Books
from sandbox.courier import Courier
from sandbox.meter import Meter
from sandbox.trouble import Trouble
from sandbox.web.admin import Admin
from sandbox.web.api import Api
from sandbox.web.oauth import OAuth
from sandbox.web.pages import Pages

STAND_IN_HEADER = "X-Stand-In"
STAND_IN = "milestone-sync sandbox, not Intuit"
STAND_IN_LINE = (STAND_IN_HEADER.lower().encode(), STAND_IN.encode())
#: What stands at Intuit; the sandbox's own calls and pages are next door.
FAR_AWAY = ("/v3/", "/oauth2/", "/v2/", "/.well-known/")
LOOPBACK = ("127.0.0.1", "localhost", "::1")
TEMPLATES = Path(__file__).parent / "templates"


def make_app(books: Books, courier: Courier, *, loopback_only: bool = True) -> ASGIApp:
    """Return the application.

    Args:
        loopback_only: refuse requests that name another host, or come from another site's page.
    """
    templates = Jinja2Templates(directory=TEMPLATES)
    meter, trouble = Meter(), Trouble()
    api = Api(books, meter, trouble)
    routes = [
        Route("/v3/company/{realm_id}/{rest:path}", api.answer, methods=["GET", "POST"]),
        *OAuth(books, templates).routes(),
        *Admin(books, meter, trouble, courier).routes(),
        *Pages(books, templates).routes(),
    ]
    return _Doorman(
        Starlette(routes=routes),
        loopback_only=loopback_only,
        latency_ms=lambda: books.settings.latency_ms,
    )


class _Doorman:
    """Marks every answer as a stand-in's, and keeps other sites' pages out."""

    def __init__(self, app: ASGIApp, *, loopback_only: bool, latency_ms: Callable[[], int]) -> None:
        self._app = app
        self._loopback_only = loopback_only
        self._latency_ms = latency_ms

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], STAND_IN_LINE]
            await send(message)

        if self._loopback_only and not _is_local(*_host_and_origin(scope)):
            refused = PlainTextResponse("the sandbox answers on loopback only\n", 403)
            await refused(scope, receive, marked)
            return
        if (latency_ms := self._latency_ms()) and scope["path"].startswith(FAR_AWAY):
            await asyncio.sleep(latency_ms / 1000)
        await self._app(scope, receive, marked)


def _host_and_origin(scope: Scope) -> tuple[bytes, bytes | None]:
    host, origin = b"", None
    for name, value in scope["headers"]:
        if name == b"host":
            host = value
        elif name == b"origin":
            origin = value
    return host, origin


@lru_cache(maxsize=64)
def _is_local(host: bytes, origin: bytes | None) -> bool:
    name = urlsplit(f"//{host.decode('latin-1')}").hostname
    # A browser names the page that a request comes from: a page of another site has no business
    # here.
    is_ours = origin is None or urlsplit(origin.decode("latin-1")).hostname in LOOPBACK
    return name in (*LOOPBACK, "testserver") and is_ours
