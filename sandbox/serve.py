"""Runs a sandbox: books from a folder, HTTP on loopback, webhooks delivered, a clean stop on
SIGTERM and SIGINT.
"""

import asyncio
import contextlib
import gc
import logging
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from sandbox.books import Books, open_books
from sandbox.courier import Courier
from sandbox.seeds import shipped_files
from sandbox.web.app import LOOPBACK, make_app
from sandbox.web.reset import CuttableProtocol

logger = logging.getLogger(__name__)

#: Requests that are being stalled are not waited for longer than this at the end.
STOP_WITHIN_S = 2


def serve(
    *,
    data_dir: Path,
    port: int = 0,
    host: str = "127.0.0.1",
    companies: Sequence[Path] = (),
    on_ready: Callable[[Mapping[str, object]], None],
) -> None:
    """Run until SIGTERM or SIGINT.

    Args:
        data_dir: where the books are kept; the same folder again brings back books, tokens and
            keys.
        port: 0 takes a free one; it is not remembered, so pass the same one to be found again.
        host: loopback unless told otherwise; on another address the check of host names is off.
        companies: files of the companies to open the books with, if they are new; none means the
            shipped ones.
        on_ready: gets the facts of `GET /sandbox/info` once connections are accepted.

    Raises:
        JournalError: the folder is in use or its journal damaged.
        SeedError: a company file is wrong.
        OSError: the port is taken.
    """
    books, journal = open_books(data_dir, companies or shipped_files())
    try:
        listener = listen(host, port)
        with contextlib.closing(listener):
            _run(books, listener, loopback_only=host in LOOPBACK, on_ready=on_ready)
    finally:
        journal.close()


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that connections can come in on.

    Raises:
        OSError: the port is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named by its protocol, or asyncio would leave small answers waiting for company (Nagle).
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


def _run(
    books: Books,
    listener: socket.socket,
    *,
    loopback_only: bool,
    on_ready: Callable[[Mapping[str, object]], None],
) -> None:
    courier = Courier(
        books.outbox,
        lock=books.lock,
        verifier=books.webhook_verifier,
        settings=lambda: books.settings,
        data_of=books.object_of,
    )
    books.on_change = courier.ring
    config = server_config(make_app(books, courier, loopback_only=loopback_only))
    server = _Server(config, lambda: on_ready(books.facts(_address(listener))))
    courier.ring()  # what was left undelivered goes out first
    gc.callbacks.append(_spare_the_books)
    try:
        asyncio.run(server.serve(sockets=[listener]))
    finally:
        courier.stop()


def server_config(app: ASGIApp) -> uvicorn.Config:
    """Return how the sandbox is served; the benchmark serves its empty handler the same way."""
    return uvicorn.Config(
        app,
        http=CuttableProtocol,
        loop="asyncio",
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=STOP_WITHIN_S,
        server_header=False,
    )


def _spare_the_books(phase: str, info: dict[str, int]) -> None:
    """Take what survived a full collection out of the next ones.

    The books only grow, and hold no cycles: walking all of them again and again would make every
    write slower, the more documents there are.
    """
    if phase == "stop" and info["generation"] == 2:
        gc.freeze()


class _Server(uvicorn.Server):
    """A server that says when it accepts connections."""

    def __init__(self, config: uvicorn.Config, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_started = on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then tell."""
        await super().startup(sockets)
        if self.started:
            self._on_started()

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Stop, also the requests that are being stalled; a signal at the end is no error."""
        super().handle_exit(sig, frame)
        self._captured_signals.clear()


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else "127.0.0.1" if host == "0.0.0.0" else host
    return f"http://{shown}:{port}"
