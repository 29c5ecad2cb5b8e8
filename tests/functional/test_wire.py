"""The wire to QuickBooks: what breaks on it, told apart by whether the call can have arrived.

The rows of the platform sheet's table of errors (9.5) that no status tells.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sync import embedded
from sync.errors import OutcomeUnknown, QuickBooksUnavailable, SyncError
from sync.quickbooks import transport
from sync.quickbooks.transport import HttpTransport
from tests.certificates import self_signed

Deed = Callable[[socket.socket], None]


@contextmanager
def peer(deed: Deed, context: ssl.SSLContext | None = None) -> Iterator[str]:
    """Somebody on a port who takes one request and then does this."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_take, args=(server, deed, context), daemon=True)
        thread.start()
        scheme = "http" if context is None else "https"
        yield f"{scheme}://127.0.0.1:{server.getsockname()[1]}"
        thread.join(5)


def _take(server: socket.socket, deed: Deed, context: ssl.SSLContext | None) -> None:
    line, _ = server.accept()
    try:
        with line if context is None else context.wrap_socket(line, server_side=True) as talk:
            talk.recv(65_536)
            deed(talk)
    except OSError:
        return


def say(text: bytes) -> Deed:
    """Send this, then hang up."""
    return lambda line: line.sendall(text)


def reset(line: socket.socket) -> None:
    """Hang up hard."""
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def dawdle(line: socket.socket) -> None:
    """A byte now and then, for ever."""
    line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    stop = threading.Event()
    while not stop.wait(0.05):
        line.sendall(b"x")


def silence(line: socket.socket) -> None:
    """Nothing at all, until the other side gives up."""
    line.settimeout(5)
    line.recv(1)


def ask(url: str, *, trusted: Path | None = None) -> SyncError:
    """Make one call that fails, and give how."""
    wire = HttpTransport()
    if trusted:
        wire._session.verify = str(trusted)
    try:
        with pytest.raises(SyncError) as caught:
            wire.exchange("POST", url, headers={}, params={}, body=b"{}")
        return caught.value
    finally:
        wire.close()


@pytest.mark.parametrize(
    ("deed", "meaning"),
    [
        pytest.param(silence, OutcomeUnknown, id="read-timeout"),
        pytest.param(reset, OutcomeUnknown, id="connection-reset"),
        pytest.param(say(b""), OutcomeUnknown, id="hung-up-without-a-word"),
        pytest.param(
            say(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"), OutcomeUnknown, id="cut-body"
        ),
        pytest.param(say(b"no HTTP at all\r\n\r\n"), OutcomeUnknown, id="no-http"),
        pytest.param(dawdle, OutcomeUnknown, id="a-byte-now-and-then"),
        pytest.param(
            say(b"HTTP/1.1 200 OK\r\nContent-Length: 30000000\r\n\r\n" + b"x" * 30_000),
            OutcomeUnknown,
            id="too-long",
        ),
    ],
)
def test_a_call_that_may_have_arrived_is_unknown(
    deed: Deed, meaning: type[SyncError], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read timeout, reset, half an answer: QuickBooks may have done it."""
    monkeypatch.setattr(transport, "READ_TIMEOUT_S", 0.3)
    monkeypatch.setattr(transport, "CALL_TIMEOUT_S", 0.5)
    monkeypatch.setattr(transport, "ANSWER_BYTES_MAX", 20_000)

    with peer(deed) as url:
        assert type(ask(url)) is meaning


def test_a_call_that_never_arrived_is_the_same_again() -> None:
    """Refused, or no such name: nothing happened."""
    assert type(ask(f"http://127.0.0.1:{embedded.free_port()}")) is QuickBooksUnavailable
    assert type(ask("http://nowhere.invalid")) is QuickBooksUnavailable


def test_a_redirect_is_not_followed() -> None:
    """S28: where an answer points to is nobody we talk to."""
    elsewhere = f"http://127.0.0.1:{embedded.free_port()}"  # would be `QuickBooksUnavailable`
    moved = f"HTTP/1.1 302 Found\r\nLocation: {elsewhere}\r\nContent-Length: 0\r\n\r\n"
    with peer(say(moved.encode())) as url:
        wire = HttpTransport()
        answer = wire.exchange("GET", url, headers={}, params={}, body=b"")
        wire.close()

    assert answer.status == 302


def test_a_self_signed_peer_is_refused(tmp_path: Path) -> None:
    """S29: no certificate that the machine trusts, no call: nothing was sent."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))

    with peer(say(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"), context) as url:
        assert type(ask(url)) is QuickBooksUnavailable


def test_a_peer_below_tls_1_2_is_refused(tmp_path: Path) -> None:
    """S29: even with a certificate that is trusted, an old protocol is none."""
    certificate = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    answer = say(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    with peer(answer, context) as url:
        old = url.replace("127.0.0.1", "localhost")
        assert type(ask(old, trusted=certificate)) is QuickBooksUnavailable

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with peer(answer, context) as url:
        wire = HttpTransport()
        wire._session.verify = str(certificate)
        now = url.replace("127.0.0.1", "localhost")
        assert wire.exchange("GET", now, headers={}, params={}, body=b"").status == 200
        wire.close()
