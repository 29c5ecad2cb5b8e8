"""`/sandbox/...`: what QuickBooks does not have: the facts, the clock, faults, history, meter,
switches, webhooks.
"""

import re
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.books import Books, month_of
from sandbox.company import Company
from sandbox.courier import Courier
from sandbox.errors import Fault
from sandbox.meter import Meter
from sandbox.outbox import FORMATS
from sandbox.people import Person
from sandbox.settings import shown as shown_settings
from sandbox.tables import Change
from sandbox.trouble import Trouble
from sandbox.values import Document, loads
from sandbox.web.envelopes import json_answer
from sandbox.web.oauth import base_url

HISTORY_MAX = 10_000
SEQ_MAX = 2**53

Handler = Callable[[Request], Awaitable[Response]]


class BadRequest(ValueError):
    """An admin call that cannot be done; the message says why."""


class Admin:
    """The sandbox's own calls. They need no token: the sandbox listens on loopback."""

    def __init__(self, books: Books, meter: Meter, trouble: Trouble, courier: Courier) -> None:
        self._books = books
        self._meter = meter
        self._trouble = trouble
        self._courier = courier

    def routes(self) -> list[Route]:
        """Return the addresses."""
        return [
            Route("/sandbox/info", _guarded(self.info)),
            Route("/sandbox/healthz", _guarded(self.health)),
            Route("/sandbox/clock", _guarded(self.clock)),
            Route("/sandbox/clock/advance", _guarded(self.advance), methods=["POST"]),
            Route("/sandbox/history", _guarded(self.history)),
            Route("/sandbox/mails", _guarded(self.mails)),
            Route("/sandbox/meter", _guarded(self.meter)),
            Route("/sandbox/settings", _guarded(self.settings), methods=["GET", "POST"]),
            Route("/sandbox/faults", _guarded(self.faults), methods=["GET", "POST", "DELETE"]),
            Route("/sandbox/webhooks", _guarded(self.webhooks), methods=["GET", "POST", "DELETE"]),
            Route("/sandbox/apps/redirects", _guarded(self.redirects), methods=["GET", "POST"]),
            Route("/sandbox/files/{realm_id}/{id}", _guarded(self.file)),
            Route("/sandbox/projects", _guarded(self.projects), methods=["POST"]),
            Route("/sandbox/act", _guarded(self.act), methods=["POST"]),
            Route("/sandbox/deposits", _guarded(self.deposits), methods=["POST"]),
        ]

    async def info(self, request: Request) -> Response:
        """Return the facts a client needs to connect."""
        with self._books.lock:
            return json_answer(self._books.facts(base_url(request)))

    async def health(self, request: Request) -> Response:
        """Say that the sandbox answers."""
        return json_answer({"status": "ok", "companies": len(self._books.companies)})

    async def clock(self, request: Request) -> Response:
        """Return the books' time."""
        now = self._books.clock.now().astimezone(UTC)
        return json_answer({"now": now.isoformat(), "offset_s": self._books.clock.offset_s})

    async def advance(self, request: Request) -> Response:
        """Move the books' time forward."""
        with self._books.lock:
            self._books.advance(str((await _body(request)).get("by", "")))
        return await self.clock(request)

    async def history(self, request: Request) -> Response:
        """Return the changes after a sequence number, oldest first: of one company, or of all.

        At most HISTORY_MAX of each; whoever wants more asks again from the last number on.
        """
        since = min(_whole(request, "since", 0), SEQ_MAX)
        limit = min(_whole(request, "limit", HISTORY_MAX), HISTORY_MAX)
        with self._books.lock:
            rows = [
                _history_row(company.realm_id, change)
                for company in self._companies(request)
                for change in islice(_wanted(request, company, since), limit)
            ]
        return json_answer(rows)

    async def mails(self, request: Request) -> Response:
        """Return the mails that `send` would have sent."""
        rows = [
            {"realm_id": company.realm_id, **mail}
            for company in self._companies(request)
            for mail in company.mails
        ]
        return json_answer(rows)

    async def meter(self, request: Request) -> Response:
        """Return the counters of metered reads."""
        realm_ids = [company.realm_id for company in self._companies(request)]
        return json_answer(self._meter.shown(realm_ids, month_of(self._books.clock.now())))

    async def settings(self, request: Request) -> Response:
        """Show the switches, or change some."""
        if request.method == "POST":
            wishes = await _body(request)
            with self._books.lock:
                self._books.set(wishes)
        return json_answer(shown_settings(self._books.settings))

    async def faults(self, request: Request) -> Response:
        """Show what is armed and who is waiting, arm one more, or clear all."""
        if request.method == "POST":
            return json_answer(self._trouble.arm(await _body(request)).shown(), status=201)
        if request.method == "DELETE":
            self._trouble.clear()
        return json_answer(self._trouble.shown())

    async def webhooks(self, request: Request) -> Response:
        """Show, register or remove an address for webhooks."""
        if request.method == "POST":
            body = await _body(request)
            with self._books.lock:
                self._books.outbox.register(
                    _web_address(body.get("url")), _format(body.get("format"))
                )
        elif request.method == "DELETE":
            with self._books.lock:
                self._books.outbox.remove(request.query_params.get("url", ""))
        with self._books.lock:
            rows = [
                {
                    "url": row.url,
                    "format": row.format,
                    "pending": len(row.pending),
                    "delivered": row.delivered,
                    "failures": self._courier.failures(row.url),
                }
                for row in self._books.outbox.subscriptions.values()
            ]
        return json_answer(rows)

    async def redirects(self, request: Request) -> Response:
        """Show the registered redirect URIs, or register one."""
        if request.method == "POST":
            uri = _web_address((await _body(request)).get("redirect_uri"))
            with self._books.lock:
                self._books.add_redirect(uri)
        return json_answer(list(self._books.redirect_uris))

    async def file(self, request: Request) -> Response:
        """Return an uploaded file."""
        company = self._company({"realm_id": request.path_params["realm_id"]})
        with self._books.lock:
            file = company.file_of(request.path_params["id"])
        safe = "".join(char for char in file.name if char.isascii() and char not in '"\\\r\n')
        headers = {"Content-Disposition": f'attachment; filename="{safe}"'}
        kind = _plain_type(file.content_type)
        return Response(file.content, media_type=kind, headers=headers)

    async def projects(self, request: Request) -> Response:
        """Make a project under a customer, which QuickBooks' REST API cannot."""
        body = await _body(request)
        company = self._company(body)
        with self._books.lock:
            made = company.add_project(
                customer_id=str(body.get("customer_id", "")),
                name=str(body.get("name", "")),
                actor=_person(request),
            )
        return json_answer(made, status=201)

    async def act(self, request: Request) -> Response:
        """Let a customer or a bookkeeper do something: pay, edit, void, convert ..."""
        body = await _body(request)
        person = Person(self._company(body), name=_named(request, body))
        with self._books.lock:
            return json_answer(person.act(str(body.get("verb", "")), body))

    async def deposits(self, request: Request) -> Response:
        """Put a payment into a bank deposit, as a bookkeeper does on the bank's pages."""
        body = await _body(request)
        company = self._company(body)
        with self._books.lock:
            return json_answer(
                company.deposit_payment(str(body.get("payment_id", "")), actor=_person(request))
            )

    def _companies(self, request: Request) -> list[Company]:
        realm_id = request.query_params.get("realm")
        if realm_id is None:
            return list(self._books.companies.values())
        return [self._company({"realm_id": realm_id})]

    def _company(self, body: Document) -> Company:
        realm_id = str(body.get("realm_id") or self._books.first_company().realm_id)
        if realm_id not in self._books.companies:
            raise BadRequest(f"there is no company {realm_id}")
        return self._books.companies[realm_id]


def _guarded(handler: Handler) -> Handler:
    """Answer 400 with the reason where an admin call makes no sense."""

    async def guarded(request: Request) -> Response:
        try:
            return await handler(request)
        except Fault as fault:
            return json_answer({"error": str(fault), "code": fault.code}, status=400)
        except ValueError as exc:
            return json_answer({"error": str(exc)}, status=400)

    return guarded


async def _body(request: Request) -> Document:
    try:
        body: Any = loads(await request.body())
    except ValueError:
        raise BadRequest("the body must be a JSON object") from None
    if not isinstance(body, dict):
        raise BadRequest("the body must be a JSON object")
    return body


def _plain_type(kind: str) -> str:
    """Return a content type that is safe to send back: what a client said may be anything."""
    known = re.fullmatch(r"[\w.+-]{1,60}/[\w.+-]{1,60}", kind)
    return kind if known and "html" not in kind else "application/octet-stream"


def _whole(request: Request, name: str, default: int) -> int:
    said = request.query_params.get(name)
    if said is None:
        return default
    if not said.isdigit():
        raise BadRequest(f"{name} must be a whole number")
    return int(said)


def _wanted(request: Request, company: Company, since: int) -> Iterator[Change]:
    """Yield a company's changes after a sequence number that the request's filters let pass."""
    entity, id = request.query_params.get("entity"), request.query_params.get("id")
    for change in islice(company.tables.history, since, None):
        if entity is not None and entity.lower() != change.entity.lower():
            continue
        if id is None or id == change.id:
            yield change


def _history_row(realm_id: str, change: Change) -> Document:
    return {
        "seq": change.seq,
        "at": change.at.isoformat(),
        "realm_id": realm_id,
        "actor": change.actor,
        "operation": change.operation,
        "entity": change.entity,
        "id": change.id,
        "before": change.before,
        "after": change.after,
        "request_id": change.request_id,
    }


def _web_address(value: object) -> str:
    parts = urlsplit(str(value or ""))
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise BadRequest(f"{value!r} is not an http address")
    return str(value)


def _format(value: object) -> str:
    said = str(value or FORMATS[0])
    if said not in FORMATS:
        raise BadRequest(f"format must be one of {', '.join(FORMATS)}")
    return said


def _named(request: Request, body: Document) -> str | None:
    """Return the name that somebody acts under, if one is given and fit for the history."""
    said = str(body.get("actor") or request.headers.get("x-sandbox-actor") or "")
    return said if re.fullmatch(r"[\w:. -]{1,40}", said) else None


def _person(request: Request) -> str:
    return request.headers.get("x-sandbox-actor") or "bookkeeper"
