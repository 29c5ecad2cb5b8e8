"""`/p/{token}`: the customer's page. What is paid, due now and next, and why; server-rendered, no
script.

A link is found by the hash of its token. Unknown, expired, revoked and malformed ones get the same
answer, byte for byte.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from sqlalchemy import select

from sync.bootstrap import App
from sync.keys import token_hash
from sync.reports.job_reading import view_job
from sync.reports.job_view import JobView
from sync.store.database import become, business_now
from sync.store.tables import PortalLinkRow
from sync.web.page import portal_page

_TEMPLATES = Path(__file__).parent / "templates"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{32}")
#: Looked for in place of what cannot be a token, so that both take the same way.
_NO_TOKEN = "-" * 32


def router(app: App) -> APIRouter:
    """Give the routes."""
    routes = APIRouter()

    # The whole rest of the path is the token: a slash in it is one more way to be wrong.
    @routes.get("/p/{token:path}", response_class=HTMLResponse)
    def portal(token: str) -> HTMLResponse:
        view = find_view(app, token)
        if view is None:
            return HTMLResponse(_render("missing.html"), status_code=404)
        return HTMLResponse(_render("portal.html", page=portal_page(view)))

    return routes


def find_view(app: App, token: str) -> JobView | None:
    """Give the job that a token opens, if it opens one now."""
    known = token_hash(token if _TOKEN.fullmatch(token) else _NO_TOKEN)
    with app.database.begin(lookup=known) as session:
        link = session.scalars(
            select(PortalLinkRow).where(PortalLinkRow.token_hash == known)
        ).one_or_none()
        if link is None or link.revoked_at is not None or link.expires_at <= business_now(session):
            return None
        if token not in app.keyring.portal_tokens(link.realm_no, link.job_id, link.serial):
            return None  # made under a key that has been retired
        become(session, link.realm_no)
        return view_job(session, link.realm_no, link.job_id)


def _render(name: str, **context: object) -> str:
    return _environment().get_template(name).render(context)


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=select_autoescape(("html",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
