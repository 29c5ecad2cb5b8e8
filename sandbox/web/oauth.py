"""Intuit's OAuth addresses: discovery, consent page, token, revoke, userinfo."""

import base64
import binascii
import secrets
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.templating import Jinja2Templates

from sandbox.books import Books
from sandbox.grants import SCOPES, OAuthError
from sandbox.values import Document, loads
from sandbox.web.envelopes import json_answer, no_token

HARD_EXPIRY_HEADER = "x-include-refresh-token-hard-expires-in"
HARD_EXPIRY_FIELD = "x_refresh_token_hard_expires_in"


class OAuth:
    """The authorization server of one sandbox."""

    def __init__(self, books: Books, templates: Jinja2Templates) -> None:
        self._books = books
        self._templates = templates

    def routes(self) -> list[Route]:
        """Return the addresses, with and without a slash at the end where clients differ."""
        known = "/.well-known/openid"
        discovery = [
            Route(f"{known}{kind}_configuration{slash}", self.discovery)
            for kind in ("", "_sandbox")
            for slash in ("", "/")
        ]
        return [
            *discovery,
            Route("/connect/oauth2", self.consent, methods=["GET"]),
            Route("/connect/oauth2", self.decide, methods=["POST"]),
            Route("/oauth2/v1/tokens/bearer", self.token, methods=["POST"]),
            Route("/v2/oauth2/tokens/revoke", self.revoke, methods=["POST"]),
            Route("/v1/openid_connect/userinfo", self.userinfo),
            Route("/op/v1/jwks", self.keys),
        ]

    async def discovery(self, request: Request) -> Response:
        """Tell where everything is, at the address by which we were asked."""
        base = base_url(request)
        return json_answer(
            {
                "issuer": f"{base}/op/v1",
                "authorization_endpoint": f"{base}/connect/oauth2",
                "token_endpoint": f"{base}/oauth2/v1/tokens/bearer",
                "userinfo_endpoint": f"{base}/v1/openid_connect/userinfo",
                "revocation_endpoint": f"{base}/v2/oauth2/tokens/revoke",
                "jwks_uri": f"{base}/op/v1/jwks",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "scopes_supported": list(SCOPES),
                "token_endpoint_auth_methods_supported": ["client_secret_basic"],
                "claims_supported": ["aud", "exp", "iat", "iss", "realmid", "sub"],
            }
        )

    async def consent(self, request: Request) -> Response:
        """Show the page on which a person picks a company and lets the app in."""
        wishes = dict(request.query_params)
        return self._wrong(request, wishes) or self._templates.TemplateResponse(
            request,
            "consent.html",
            {"wishes": wishes, "companies": list(self._books.companies.values())},
        )

    async def decide(self, request: Request) -> Response:
        """Send the browser back with a code, or with `access_denied`."""
        async with request.form() as form:
            wishes = {**request.query_params, **{name: str(value) for name, value in form.items()}}
        refused = self._wrong(request, wishes)
        if refused is not None:
            return refused
        realm_id = wishes.get("realm_id", "")
        if wishes.get("decision", "accept") != "accept":
            return _back(wishes, error="access_denied")
        if realm_id not in self._books.companies:
            return self._complaint(request, "there is no such company", status=400)
        with self._books.lock:
            code = self._books.grants.issue_code(
                realm_id=realm_id, scope=wishes["scope"], redirect_uri=wishes["redirect_uri"]
            )
        return _back(wishes, code=code, realmId=realm_id)

    async def token(self, request: Request) -> Response:
        """Exchange a code, or refresh."""
        async with request.form() as form:
            said = {name: str(value) for name, value in form.items()}
        try:
            self._check_client(request)
            answer = self._token_answer(said)
        except OAuthError as refused:
            body = {"error": refused.error}
            if refused.description:
                body["error_description"] = refused.description
            return json_answer(body, status=refused.status, headers=_tid())
        if request.headers.get(HARD_EXPIRY_HEADER, "").lower() != "true":
            answer.pop(HARD_EXPIRY_FIELD)
        return json_answer(answer, headers={"Cache-Control": "no-cache, no-store", **_tid()})

    async def revoke(self, request: Request) -> Response:
        """End a grant by its refresh or access token."""
        said = await _json_or_form(request)
        try:
            self._check_client(request)
        except OAuthError as refused:
            return json_answer({"error": refused.error}, status=refused.status)
        with self._books.lock:
            is_done = self._books.grants.revoke(str(said.get("token", "")))
        return (
            json_answer({}, status=200, headers=_tid())
            if is_done
            else json_answer(
                {
                    "error": "invalid_request",
                    "error_description": "Token is incorrect or already revoked",
                },
                status=400,
            )
        )

    async def userinfo(self, request: Request) -> Response:
        """Tell who allowed the app in: always the same made-up bookkeeper."""
        token = request.headers.get("authorization", "").partition(" ")[2].strip()
        access = self._books.grants.who(token)
        if access is None:
            return no_token(self._books.clock.now())
        return json_answer(
            {
                "sub": f"sandbox-user-{access.realm_id}",
                "email": "bookkeeper@example.com",
                "emailVerified": True,
                "givenName": "Robin",
                "familyName": "Bookkeeper",
            }
        )

    async def keys(self, request: Request) -> Response:
        """Return no keys: the sandbox signs no id tokens."""
        return json_answer({"keys": []})

    def _token_answer(self, said: dict[str, str]) -> Document:
        grants = self._books.grants
        with self._books.lock:
            match said.get("grant_type"):
                case "authorization_code":
                    return grants.exchange(
                        _needed(said, "code"), redirect_uri=_needed(said, "redirect_uri")
                    )
                case "refresh_token":
                    return grants.refresh(_needed(said, "refresh_token"))
                case None | "":
                    raise OAuthError("invalid_request", "grant_type is missing")
        raise OAuthError("unsupported_grant_type")

    def _check_client(self, request: Request) -> None:
        kind, _, value = request.headers.get("authorization", "").partition(" ")
        try:
            pair = (
                base64.b64decode(value, validate=True).decode() if kind.lower() == "basic" else ""
            )
        except (binascii.Error, UnicodeDecodeError):
            pair = ""
        client_id, _, secret = pair.partition(":") if pair else ("", "", "")
        is_known = secrets.compare_digest(client_id.encode(), self._books.client_id.encode())
        is_right = secrets.compare_digest(secret.encode(), self._books.client_secret.encode())
        if not (is_known and is_right):
            raise OAuthError("invalid_client", status=401)

    def _wrong(self, request: Request, wishes: dict[str, str]) -> Response | None:
        """Return what is wrong with an authorization request: a page while the way back is not
        known to be ours.
        """
        if wishes.get("client_id") != self._books.client_id:
            return self._complaint(request, "the client_id is not registered", status=400)
        if wishes.get("redirect_uri") not in self._books.redirect_uris:
            return self._complaint(
                request, "the redirect_uri is not registered exactly like this", status=400
            )
        if not wishes.get("state"):
            return self._complaint(request, "the state is missing", status=400)
        if wishes.get("response_type") != "code":
            return _back(wishes, error="unsupported_response_type")
        scopes = wishes.get("scope", "").split()
        if not scopes or any(scope not in SCOPES for scope in scopes):
            return _back(wishes, error="invalid_scope")
        return None

    def _complaint(self, request: Request, what: str, *, status: int) -> Response:
        return self._templates.TemplateResponse(
            request, "complaint.html", {"what": what}, status_code=status
        )


def base_url(request: Request) -> str:
    """Return the address by which the sandbox was asked, without a slash at the end."""
    return str(request.base_url).rstrip("/")


def _back(wishes: dict[str, str], **result: str) -> Response:
    uri = wishes["redirect_uri"]
    mark = "&" if "?" in uri else "?"
    return RedirectResponse(
        f"{uri}{mark}{urlencode({**result, 'state': wishes['state']})}", status_code=302
    )


def _needed(said: dict[str, str], name: str) -> str:
    if not said.get(name):
        raise OAuthError("invalid_request", f"{name} is missing")
    return said[name]


async def _json_or_form(request: Request) -> Document:
    if "json" in request.headers.get("content-type", ""):
        try:
            said = loads(await request.body())
        except ValueError:
            return {}
        return said if isinstance(said, dict) else {}
    async with request.form() as form:
        return {name: str(value) for name, value in form.items()}


def _tid() -> dict[str, str]:
    return {"intuit_tid": f"1-{secrets.token_hex(4)}-{secrets.token_hex(12)}"}
