"""OAuth 2.0 with Intuit through intuit-oauth, at the version that python-quickbooks pins.

The package calls without time-outs, copies every key of an answer onto itself, and keeps secrets in
its exceptions (qbo-platform 11.2): so a subclass bounds its calls and holds the answer, known keys
are picked from it, and its errors are translated and dropped.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from intuitlib.client import AuthClient
from intuitlib.enums import Scopes
from intuitlib.exceptions import AuthClientError

from sync.errors import (
    AppRefused,
    QuickBooksUnavailable,
    RealmDisconnected,
    RejectedWrite,
    SyncError,
)
from sync.store.database import assert_no_transaction

T = TypeVar("T")

TIMEOUT_S = (5.0, 30.0)
#: Intuit's own lifetimes, for an answer that does not tell them.
ASSUMED_ACCESS_S, ASSUMED_IDLE_S = 3600, 8_640_000
_HARD_EXPIRY_HEADER = "x-include-refresh-token-hard-expires-in"
#: What an answer may set on the client, which is itself an HTTP session: nothing that steers it.
_SESSION_SETTINGS = frozenset(
    {"verify", "cert", "proxies", "trust_env", "auth", "hooks", "max_redirects"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What the token endpoint gave. Lifetimes in seconds from now."""

    access_token: str
    refresh_token: str
    access_lifetime_s: int
    refresh_lifetime_s: int

    def __repr__(self) -> str:
        """Never show a token."""
        return f"Grant(access_lifetime_s={self.access_lifetime_s})"


class _BoundedClient(AuthClient):  # type: ignore[misc]
    """AuthClient with time-outs, no environment, no redirects, and settings that no answer can
    change.
    """

    _is_built = False

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.trust_env = False
        self._is_built = True

    def __setattr__(self, name: str, value: Any) -> None:
        if self._is_built and name in _SESSION_SETTINGS:
            return
        super().__setattr__(name, value)

    def request(self, method: str, url: str, **arguments: Any) -> requests.Response:
        if not may_call(url, discovery_url=self.environment):
            raise requests.exceptions.InvalidURL("not an address of Intuit")
        arguments["timeout"] = TIMEOUT_S
        arguments["allow_redirects"] = False
        headers = dict(arguments.get("headers") or {}) | {_HARD_EXPIRY_HEADER: "true"}
        arguments["headers"] = headers
        response: requests.Response = super().request(method, url, **arguments)
        return response


def may_call(url: str, *, discovery_url: str) -> bool:
    """Tell whether an address that the discovery document names is Intuit's, or that of whoever
    was set in its place: secrets go nowhere else.
    """
    there, known = urlsplit(url), urlsplit(discovery_url)
    if (there.scheme, there.netloc) == (known.scheme, known.netloc):
        return True
    is_intuit = (known.hostname or "").endswith(".intuit.com")
    host = there.hostname or ""
    return is_intuit and there.scheme == "https" and host.endswith(".intuit.com")


class OAuth:
    """The four things we ask of Intuit's authorisation server. One client is built per call: it is
    not thread-safe.
    """

    def __init__(
        self, *, client_id: str, client_secret: str, discovery_url: str, redirect_uri: str
    ) -> None:
        """Take the app's keys and where to discover the endpoints."""
        self._client_id = client_id
        self._client_secret = client_secret
        self._discovery_url = discovery_url
        self._redirect_uri = redirect_uri

    def consent_url(self, state: str) -> str:
        """Give the page where a person lets us in. `state` must come back with the code."""
        return str(self._client().get_authorization_url([Scopes.ACCOUNTING], state_token=state))

    def exchange(self, code: str) -> Grant:
        """Turn the code of a callback into tokens, once."""
        client = self._client()
        self._call(lambda: client.get_bearer_token(code))
        return _grant(client)

    def refresh(self, refresh_token: str) -> Grant:
        """Get a new access token, and the refresh token that is good from now on.

        Raises:
            RealmDisconnected: the refresh token is dead.
            QuickBooksUnavailable: not now; the tokens stay as they are.
            AppRefused: our own keys are wrong; the tokens stay as they are.
        """
        client = self._client()
        self._call(lambda: client.refresh(refresh_token=refresh_token))
        return _grant(client, known_refresh_token=refresh_token)

    def revoke(self, refresh_token: str) -> None:
        """End the grant at Intuit."""
        client = self._client()
        self._call(lambda: client.revoke(token=refresh_token))

    def _client(self) -> _BoundedClient:
        assert_no_transaction("OAuth")
        return self._call(
            lambda: _BoundedClient(
                client_id=self._client_id,
                client_secret=self._client_secret,
                redirect_uri=self._redirect_uri,
                environment=self._discovery_url,
            )
        )

    @staticmethod
    def _call(call: Callable[[], T]) -> T:
        # `from None`: the originals hold the request, and with it the app's secret.
        try:
            return call()
        except AuthClientError as exc:
            raise translate(exc) from None
        except requests.RequestException as exc:
            raise QuickBooksUnavailable(f"no answer from OAuth: {type(exc).__name__}") from None


def translate(exc: AuthClientError) -> SyncError:
    """Say what a refusal of the token endpoint means (qbo-platform 1.5)."""
    status = int(exc.status_code)
    if status == 429 or status >= 500:
        return QuickBooksUnavailable(f"OAuth answered {status}", intuit_tid=exc.intuit_tid)
    error = _error_of(exc)
    if error == "invalid_grant":
        return RealmDisconnected("the grant is dead (invalid_grant)", intuit_tid=exc.intuit_tid)
    if error in ("invalid_client", "unauthorized_client"):
        said = f"Intuit does not know this app ({error})"
        return AppRefused(said, intuit_tid=exc.intuit_tid)
    if error:
        said = f"OAuth refused: {error[:100]}"
        return RejectedWrite(said, code=error[:100], intuit_tid=exc.intuit_tid)
    return QuickBooksUnavailable(f"OAuth answered {status}", intuit_tid=exc.intuit_tid)


def _error_of(exc: AuthClientError) -> str:
    try:
        found = json.loads(exc.content or b"")
    except ValueError:
        return ""
    return str(found.get("error") or "") if isinstance(found, dict) else ""


def _grant(client: AuthClient, *, known_refresh_token: str | None = None) -> Grant:
    """Read what the endpoint gave; an answer without an access token gave nothing."""
    refresh_token = client.refresh_token or known_refresh_token
    if not client.access_token or not refresh_token:
        raise QuickBooksUnavailable("OAuth's answer holds no token")
    idle_s = _seconds(client.x_refresh_token_expires_in, ASSUMED_IDLE_S)
    hard_s = _seconds(getattr(client, "x_refresh_token_hard_expires_in", None), idle_s)
    return Grant(
        access_token=str(client.access_token),
        refresh_token=str(refresh_token),
        access_lifetime_s=_seconds(client.expires_in, ASSUMED_ACCESS_S),
        refresh_lifetime_s=min(idle_s, hard_s),
    )


def _seconds(value: object, otherwise: int) -> int:
    try:
        return max(int(str(value)), 0)
    except ValueError:
        return otherwise
