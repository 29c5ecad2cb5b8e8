"""TCP between our processes and one service, which can misbehave as networks do."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from dataclasses import dataclass
from enum import Enum
from typing import Any

_CHUNK_BYTES = 65_536
#: A COMMIT as psycopg sends it: simple query, length, text, zero.
_COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"
_ANSWER_WITHIN_S = 10.0


class Toxic(Enum):
    """What a proxy does to what passes."""

    PASS = "pass"  #: nothing
    LATENCY = "latency"  #: every piece waits `amount` seconds
    RESET = "reset"  #: every connection is reset once; new ones pass
    CUT = "cut"  #: connections break after `amount` more bytes of answers
    BLACK_HOLE = "black_hole"  #: nothing passes, nothing breaks, until it is over
    DOWN = "down"  #: nobody listens
    CUT_AT_COMMIT = "cut_at_commit"  #: the client loses the line after its COMMIT went through


class Loop:
    """The thread in which all proxies live."""

    def __init__(self) -> None:
        """Start it."""
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="proxies", daemon=True)
        self._thread.start()

    def run(self, what: Coroutine[Any, Any, None]) -> None:
        """Do something there and wait for it."""
        done: Future[None] = asyncio.run_coroutine_threadsafe(what, self.loop)
        done.result(_ANSWER_WITHIN_S)

    def stop(self) -> None:
        """End the thread."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


@dataclass(eq=False, slots=True)
class _Line:
    """One connection: a client and the server behind us."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    answered: int = 0
    is_starved: bool = False  #: something was swallowed: it can never be made whole again


class Proxy:
    """One service's proxy. Any thread may call it."""

    def __init__(self, loop: Loop, name: str, *, upstream: int, port: int) -> None:
        """Listen on a port and pass everything on to another, on loopback."""
        self.name, self.port = name, port
        self.fired: Counter[str] = Counter()
        #: Hears every piece on its way to the server.
        self.overhear: Callable[[bytes], None] | None = None
        self._loop, self._upstream = loop, upstream
        self._toxic, self._amount, self._left = Toxic.PASS, 0.0, 0
        self._server: asyncio.Server | None = None
        self._lines: set[_Line] = set()
        loop.run(self._listen())

    def set(self, toxic: Toxic, *, amount: float = 0.0, count: int = 1) -> None:
        """Misbehave from now on; `count` bounds what happens to single connections."""
        self._loop.run(self._set(toxic, amount, count))

    def stop(self) -> None:
        """Stop listening and let every connection go."""
        self._loop.run(self._close())

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for line in list(self._lines):
            _reset(line)

    async def _set(self, toxic: Toxic, amount: float, count: int) -> None:
        self._toxic, self._amount, self._left = toxic, amount, count
        if toxic in (Toxic.LATENCY, Toxic.BLACK_HOLE, Toxic.DOWN):
            self.fired[toxic.value] += 1
        for line in list(self._lines):
            line.answered = 0
            if line.is_starved:
                _reset(line)
        if toxic is Toxic.RESET:
            self.fired[toxic.value] += len(self._lines)
            for line in list(self._lines):
                _reset(line)
        if toxic is Toxic.DOWN:
            await self._close()
        elif self._server is None:
            await self._listen()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            from_server, to_server = await asyncio.open_connection("127.0.0.1", self._upstream)
        except OSError:
            writer.transport.abort()
            return
        line = _Line(client=writer, server=to_server)
        self._lines.add(line)
        try:
            await asyncio.gather(
                self._pump(line, reader, to_server, is_answer=False),
                self._pump(line, from_server, writer, is_answer=True),
            )
        finally:
            self._lines.discard(line)
            for end in (writer, to_server):
                end.close()

    async def _pump(
        self,
        line: _Line,
        source: asyncio.StreamReader,
        target: asyncio.StreamWriter,
        *,
        is_answer: bool,
    ) -> None:
        with contextlib.suppress(OSError):
            while piece := await source.read(_CHUNK_BYTES):
                if not await self._pass(line, piece, target, is_answer=is_answer):
                    break
        with contextlib.suppress(OSError):
            target.close()

    async def _pass(
        self, line: _Line, piece: bytes, target: asyncio.StreamWriter, *, is_answer: bool
    ) -> bool:
        """Pass a piece on; False where the line has ended with it."""
        if self._toxic is Toxic.LATENCY:
            await asyncio.sleep(self._amount)
        if self._toxic is Toxic.BLACK_HOLE:
            line.is_starved = True
            return True
        if self._toxic is Toxic.CUT and is_answer and self._left > 0:
            line.answered += len(piece)
            if line.answered > self._amount:
                self._note(Toxic.CUT)
                over = line.answered - int(self._amount)
                target.write(piece[: len(piece) - over])
                await target.drain()
                return self._cut(line)
        if self.overhear is not None and not is_answer:
            self.overhear(piece)
        target.write(piece)
        await target.drain()
        is_commit = not is_answer and _COMMIT in piece
        if self._toxic is Toxic.CUT_AT_COMMIT and is_commit and self._left > 0:
            self._note(Toxic.CUT_AT_COMMIT)
            return self._cut(line)
        return True

    def _note(self, toxic: Toxic) -> None:
        self._left -= 1
        self.fired[toxic.value] += 1

    @staticmethod
    def _cut(line: _Line) -> bool:
        # The server's side is closed in peace: what it has read of us, it does.
        line.client.transport.abort()
        line.server.close()
        return False


def _reset(line: _Line) -> None:
    for end in (line.client, line.server):
        taken = end.get_extra_info("socket")
        if taken is not None:
            with contextlib.suppress(OSError):
                taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        end.transport.abort()
