"""SMTP on loopback that keeps every mail it accepted, with the moment, and misbehaves on demand."""

from __future__ import annotations

import socketserver
import threading
import time
from collections import Counter, deque
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from enum import Enum

#: A stalled answer comes after this: longer than our side waits.
SLOW_S = 25.0


class Mishap(Enum):
    """What befalls the next mail."""

    LATER = "421"  #: refused for now, before DATA
    NEVER = "550"  #: refused for good, before DATA
    DROP_BEFORE_DATA = "drop_before_data"  #: the line breaks when DATA is said
    DROP_UNKEPT = "drop_unkept"  #: the line breaks after the final dot; nothing was kept
    DROP_KEPT = "drop_kept"  #: the line breaks after the final dot; the mail was kept
    SLOW = "slow_250"  #: kept, and the answer comes too late


@dataclass(frozen=True, slots=True)
class Accepted:
    """One mail that the server took."""

    at: float  #: seconds since the epoch
    message: EmailMessage


class MailServer:
    """Runs in threads of this process."""

    def __init__(self, port: int) -> None:
        """Start listening."""
        self.port = port
        self.accepted: list[Accepted] = []
        self.fired: Counter[str] = Counter()
        self._waiting: deque[Mishap] = deque()
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", port), _Session)
        self._server.desk = self
        self._thread = threading.Thread(target=self._server.serve_forever, name="mail", daemon=True)
        self._thread.start()

    def arm(self, mishap: Mishap) -> None:
        """Let something befall the next mail that has nothing else before it."""
        with self._lock:
            self._waiting.append(mishap)

    def behave(self) -> None:
        """Forget what is armed."""
        with self._lock:
            self._waiting.clear()

    def stop(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def turn(self) -> Mishap | None:
        """Give what befalls the mail that comes now."""
        with self._lock:
            mishap = self._waiting.popleft() if self._waiting else None
            if mishap is not None:
                self.fired[mishap.value] += 1
            return mishap

    def keep(self, content: bytes) -> None:
        """Keep a mail: from now on it is accepted."""
        message = message_from_bytes(content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        with self._lock:
            self.accepted.append(Accepted(time.time(), message))


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    desk: MailServer


class _Session(socketserver.StreamRequestHandler):
    """One client's dialogue, as far as smtplib goes."""

    server: _Server
    mishap: Mishap | None = None

    def handle(self) -> None:
        """Answer until QUIT, or until the line is dropped."""
        try:
            self._say("220 chaos")
            while line := self.rfile.readline(2000):
                if not self._answer(line.strip().upper()):
                    return
        except OSError:
            return

    def _answer(self, said: bytes) -> bool:
        if said.startswith((b"EHLO", b"HELO")):
            self._say("250 chaos")
        elif said.startswith(b"MAIL"):
            self.mishap = self.server.desk.turn()
            self._say("421 later" if self.mishap is Mishap.LATER else "250 ok")
        elif said.startswith(b"RCPT"):
            self._say("550 nobody here" if self.mishap is Mishap.NEVER else "250 ok")
        elif said == b"DATA":
            return self._take()
        elif said == b"QUIT":
            self._say("221 bye")
            return False
        else:
            self._say("250 ok")
        return True

    def _take(self) -> bool:
        if self.mishap is Mishap.DROP_BEFORE_DATA:
            return False
        self._say("354 go on")
        lines: list[bytes] = []
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                return False  # the client broke off: nothing was handed over
            lines.append(line[1:] if line.startswith(b"..") else line)
        if self.mishap is Mishap.DROP_UNKEPT:
            return False
        self.server.desk.keep(b"".join(lines))
        if self.mishap is Mishap.DROP_KEPT:
            return False
        if self.mishap is Mishap.SLOW:
            time.sleep(SLOW_S)
        self._say("250 kept")
        return True

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())
