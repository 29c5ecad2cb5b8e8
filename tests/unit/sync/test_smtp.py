"""What becomes of a mail is said as exactly as the line allows."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP

import pytest

from sync import embedded
from sync.errors import MailRefused, MailUnavailable, MailUncertain
from sync.mail.smtp import SmtpTransport
from tests.chaos.mail_server import MailServer, Mishap


@pytest.fixture
def server() -> Iterator[MailServer]:
    """A mail server that misbehaves on demand."""
    running = MailServer(embedded.free_port())
    yield running
    running.stop()


def send(server: MailServer) -> str:
    """Send one mail with a line that is a dot."""
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"] = "Shop <shop@example.com>", "c@example.com"
    message["Message-ID"] = "<1.1@example.com>"
    message.set_content("one\n.\n.two\nthree\n")
    return SmtpTransport(f"smtp://127.0.0.1:{server.port}").send(message)


@pytest.mark.parametrize(
    ("mishap", "error"),
    [
        pytest.param(Mishap.LATER, MailUnavailable, id="not-now"),
        pytest.param(Mishap.NEVER, MailRefused, id="never"),
        pytest.param(Mishap.DROP_BEFORE_DATA, MailUnavailable, id="nothing-was-handed-over"),
        pytest.param(Mishap.DROP_UNKEPT, MailUncertain, id="who-knows-and-it-was-not-kept"),
        pytest.param(Mishap.DROP_KEPT, MailUncertain, id="who-knows-and-it-was-kept"),
    ],
)
def test_a_mishap_is_told_by_what_can_be_known(
    server: MailServer, mishap: Mishap, error: type[Exception]
) -> None:
    """A line that breaks is uncertain only once the mail itself was on its way."""
    server.arm(mishap)

    with pytest.raises(error):
        send(server)


def test_a_mail_arrives_as_it_was_written(server: MailServer) -> None:
    """Lines that begin with a dot come out as they went in."""
    assert send(server) == "kept"

    (mail,) = server.accepted
    assert mail.message.get_content() == "one\r\n.\r\n.two\r\nthree\r\n"
