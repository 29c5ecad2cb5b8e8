"""`/connect` and `/oauth/callback`: a person lets us into a company's books."""

from __future__ import annotations

import logging
import secrets

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import PlainTextResponse, RedirectResponse

from sync.bootstrap import App
from sync.connect import ConsentRefused, begin_consent, finish_consent
from sync.errors import SyncError

logger = logging.getLogger(__name__)

#: The prefix makes browsers refuse it from another host or over plain http; there it has none.
COOKIE = "__Host-milestone_connect"


def router(app: App) -> APIRouter:
    """Give the routes."""
    routes = APIRouter()
    is_secure = app.settings.web_url.startswith("https://")

    cookie = COOKIE if is_secure else COOKIE.removeprefix("__Host-")

    @routes.get("/connect")
    def begin(company: int | None = None) -> Response:
        browser = secrets.token_urlsafe(32)
        try:
            response = RedirectResponse(
                begin_consent(app, browser=browser, realm_no=company), status_code=302
            )
        except SyncError as exc:
            return PlainTextResponse(f"Intuit cannot be reached: {exc}", status_code=503)
        response.set_cookie(
            cookie, browser, httponly=True, secure=is_secure, samesite="lax", max_age=600
        )
        return response

    @routes.get("/oauth/callback")
    async def callback(request: Request) -> Response:
        given = request.query_params
        if "error" in given:
            return RedirectResponse("/connected?result=declined", status_code=302)
        try:
            realm_no = await run_in_threadpool(
                finish_consent,
                app,
                browser=request.cookies.get(cookie, ""),
                state=given.get("state", ""),
                code=given.get("code", ""),
                realm_id=given.get("realmId", ""),
            )
        except ConsentRefused:
            return RedirectResponse("/connected?result=refused", status_code=302)
        except SyncError as exc:
            logger.warning("connect.failed", extra={"error_class": type(exc).__name__})
            return RedirectResponse("/connected?result=failed", status_code=302)
        # Code and realmId stand in this address: never answer it with a page.
        response = RedirectResponse(f"/connected?result=ok&company={realm_no}", status_code=302)
        response.delete_cookie(cookie, secure=is_secure, httponly=True, samesite="lax")
        return response

    # Where Intuit sends the browser after a disconnect in QuickBooks: `realmId` is unsigned, so
    # nothing is done, and its address is left at once.
    @routes.get("/disconnect")
    def disconnect() -> Response:
        return RedirectResponse("/connected?result=ended", status_code=302)

    @routes.get("/connected")
    def connected(result: str = "") -> Response:
        said = {
            "ok": "Connected. The first sync is under way.",
            "ended": "QuickBooks has ended the connection. Connect again at /connect.",
            "declined": "Not connected: you declined.",
            "refused": (
                "Not connected: this was not begun in this browser, or too long ago. "
                "Begin again at /connect."
            ),
        }.get(result, "Not connected: Intuit or QuickBooks refused. Begin again at /connect.")
        return PlainTextResponse(said)

    return routes
