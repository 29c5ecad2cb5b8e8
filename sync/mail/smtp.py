"""One mail to one SMTP server, and an honest word about what became of it.

SMTP cannot be exactly-once: when the line breaks after the whole mail was handed over and before
the server answered, nobody knows. That is `MailUncertain`, and such a mail is never sent again by
itself.
"""

from __future__ import annotations

import re
import smtplib
import ssl
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from sync.errors import MailRefused, MailUnavailable, MailUncertain
from sync.store.database import assert_no_transaction

TIMEOUT_S = 20.0
#: The answer to DATA: the mail itself may come.
_GO_ON = 354
_LINE_DOT = re.compile(rb"(?m)^\.")
_DEFAULT_PORTS = {"smtp": 25, "smtps": 465}


class SmtpTransport:
    """SMTP by address: `smtp://user:password@host:port`, or `smtps://` for TLS
    from the first byte.
    """

    def __init__(self, url: str) -> None:
        """Take the server's address; nothing connects yet."""
        parts = urlsplit(url)
        self._is_tls = parts.scheme == "smtps"
        self._host = parts.hostname or "localhost"
        self._port = parts.port or _DEFAULT_PORTS[parts.scheme]
        self._user = unquote(parts.username or "")
        self._password = unquote(parts.password or "")

    def send(self, message: EmailMessage) -> str:
        """Hand the mail over, as `MailTransport` promises."""
        assert_no_transaction("SMTP")
        try:
            server = self._connect()
        except (OSError, smtplib.SMTPException) as exc:
            raise MailUnavailable(f"no mail server: {type(exc).__name__}") from None
        try:
            return self._hand_over(server, message)
        finally:
            server.close()

    def _connect(self) -> smtplib.SMTP:
        if self._is_tls:
            context = ssl.create_default_context()
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self._host, self._port, timeout=TIMEOUT_S, context=context
            )
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=TIMEOUT_S)
            server.ehlo()
            if server.has_extn("starttls"):
                server.starttls(context=ssl.create_default_context())
        if self._user:
            server.login(self._user, self._password)
        return server

    def _hand_over(self, server: smtplib.SMTP, message: EmailMessage) -> str:
        is_handed_over = False
        try:
            server.ehlo_or_helo_if_needed()
            _expect(server.mail(str(message["From"].addresses[0].addr_spec)))
            for address in message["To"].addresses:
                _expect(server.rcpt(address.addr_spec))
            code, answer = server.docmd("DATA")
            if code != _GO_ON:
                raise smtplib.SMTPResponseException(code, answer)
            # Until here nothing of the mail was sent: a line that breaks has lost nothing.
            is_handed_over = True
            server.send(_content(message))
            code, answer = server.getreply()
            _expect((code, answer))
            return answer.decode(errors="replace")
        except smtplib.SMTPResponseException as exc:
            raise _refusal(exc) from None
        except (OSError, smtplib.SMTPException) as exc:
            if is_handed_over:
                raise MailUncertain(f"the line broke: {type(exc).__name__}") from None
            raise MailUnavailable(f"the line broke: {type(exc).__name__}") from None


def _content(message: EmailMessage) -> bytes:
    """Give a mail as it goes over the wire: a dot that begins a line is doubled, a dot ends it."""
    content = _LINE_DOT.sub(b"..", message.as_bytes())
    return content.removesuffix(b"\r\n") + b"\r\n.\r\n"


def _expect(answer: tuple[int, bytes]) -> None:
    code, text = answer
    if not 200 <= code < 300:
        raise smtplib.SMTPResponseException(code, text)


def _refusal(exc: smtplib.SMTPResponseException) -> Exception:
    if 400 <= exc.smtp_code < 500:
        return MailUnavailable(f"the mail server said later ({exc.smtp_code})")
    return MailRefused(f"the mail server refused ({exc.smtp_code})")
