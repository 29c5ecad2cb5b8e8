"""A connection that is cut instead of answered: the client sees a reset, as when a server dies in
the middle.
"""

import asyncio
import socket
import struct
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

#: The open connections by the client's address; a sandbox process serves one of them each.
_OPEN: dict[tuple[str, int], asyncio.Transport] = {}

#: SO_LINGER on, zero seconds: closing sends a reset at once.
LINGER_NOT = struct.pack("ii", 1, 0)
CLOSED_WITHIN_S = 1.0


class CuttableProtocol(H11Protocol):
    """uvicorn's HTTP protocol that also remembers its connections, so that `Reset` can cut them."""

    def connection_made(self, transport: Any) -> None:
        """Remember the connection."""
        super().connection_made(transport)
        _OPEN[_address(transport.get_extra_info("peername"))] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        _OPEN.pop(_address(self.transport.get_extra_info("peername")), None)
        super().connection_lost(exc)


class Reset(Response):
    """An answer that never comes."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Cut the connection that the request came over."""
        await cut(scope, receive)


async def cut(scope: Scope, receive: Receive) -> None:
    """Cut the connection that a request came over.

    Raises:
        ConnectionResetError: there is none to cut, because the app is called in-process.
    """
    transport = _OPEN.get(_address(scope.get("client")))
    if transport is None:
        raise ConnectionResetError("connection reset by the sandbox, as armed")
    connection: socket.socket = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
    transport.abort()
    # Wait until the server has noticed, or it would answer 500 in our place.
    async with asyncio.timeout(CLOSED_WITHIN_S):
        while (await receive())["type"] != "http.disconnect":
            pass


def _address(peer: Any) -> tuple[str, int]:
    return (str(peer[0]), int(peer[1])) if peer else ("", 0)
