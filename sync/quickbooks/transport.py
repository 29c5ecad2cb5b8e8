"""One HTTP exchange with QuickBooks, and the session through which python-quickbooks makes it.

The package's own session has no time-outs and hides status and headers (qbo-platform, defects 1, 4,
6), so it gets this one: it sends, and every answer that is not a 200 with JSON is raised as one of
our errors before the package sees it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

from sync.errors import OutcomeUnknown, QuickBooksUnavailable
from sync.ports import Answer, QuickBooksTransport
from sync.quickbooks.faults import raise_for_fault
from sync.store.database import assert_no_transaction

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 30.0
#: The whole exchange, however slowly the bytes trickle in.
CALL_TIMEOUT_S = 60.0
ANSWER_BYTES_MAX = 20_000_000
_CHUNK_BYTES = 65_536


class HttpTransport:
    """QuickBooks over HTTP: pooled connections, time-outs, no redirects, no surprises from the
    environment.
    """

    def __init__(self, *, pool_size: int = 16) -> None:
        """Prepare the pool; nothing connects yet. Safe to share between threads."""
        self._session = requests.Session()
        self._session.trust_env = False
        adapter = HTTPAdapter(pool_connections=4, pool_maxsize=pool_size, max_retries=0)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

    def close(self) -> None:
        """Close the pooled connections."""
        self._session.close()

    def exchange(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        params: Mapping[str, str],
        body: bytes,
    ) -> Answer:
        """Send one request and give the answer, as `QuickBooksTransport` promises."""
        assert_no_transaction("QuickBooks")
        began = time.monotonic()
        try:
            with self._session.request(
                method,
                url,
                headers=dict(headers),
                params=dict(params),
                data=body or None,
                timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
                allow_redirects=False,
                stream=True,
            ) as response:
                content = _read(response, deadline=began + CALL_TIMEOUT_S)
                return Answer(status=response.status_code, headers=response.headers, body=content)
        except (requests.ConnectTimeout, requests.exceptions.SSLError) as exc:
            raise QuickBooksUnavailable(f"cannot reach QuickBooks: {type(exc).__name__}") from None
        except requests.ConnectionError as exc:
            if _never_connected(exc):
                raise QuickBooksUnavailable("cannot reach QuickBooks: refused") from None
            raise OutcomeUnknown("the line to QuickBooks broke before it answered") from None
        except (requests.RequestException, HTTPError) as exc:
            raise OutcomeUnknown(f"no whole answer from QuickBooks: {type(exc).__name__}") from None


@dataclass(frozen=True, slots=True)
class Reply:
    """What python-quickbooks wants of a response."""

    status_code: int
    text: str


class LibrarySession:
    """The session object given to python-quickbooks: one access token, one
    company, our transport.
    """

    def __init__(self, transport: QuickBooksTransport, access_token: str) -> None:
        """Take a live access token; it is never refreshed here."""
        self._transport = transport
        self.access_token = access_token

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        params: Mapping[str, object],
        data: object,
    ) -> Reply:
        """Make one call. Anything but a 200 with JSON is raised as a `SyncError`."""
        answer = self._transport.exchange(
            method,
            url,
            headers=headers,
            params={name: str(value) for name, value in params.items()},
            body=data.encode() if isinstance(data, str) else b"",
        )
        raise_for_fault(answer, is_write=method == "POST" and not url.endswith("/query"))
        return Reply(answer.status, answer.body.decode())


def _read(response: requests.Response, *, deadline: float) -> bytes:
    parts, size = [], 0
    # `read1` gives what is there. Waiting for a whole chunk, a peer that drips a byte now and then
    # would never let the deadline be looked at.
    while chunk := response.raw.read1(_CHUNK_BYTES, decode_content=True):
        size += len(chunk)
        if size > ANSWER_BYTES_MAX:
            raise OutcomeUnknown(f"answer longer than {ANSWER_BYTES_MAX} bytes")
        if time.monotonic() > deadline:
            raise OutcomeUnknown(f"no whole answer within {CALL_TIMEOUT_S:.0f} s")
        parts.append(chunk)
    return b"".join(parts)


def _never_connected(exc: requests.ConnectionError) -> bool:
    # urllib3 wraps a refused or unresolvable connection in MaxRetryError(NewConnectionError).
    reason = getattr(exc.args[0], "reason", None) if exc.args else None
    return type(reason).__name__ in ("NewConnectionError", "NameResolutionError")
