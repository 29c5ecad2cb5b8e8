"""What customers may never be told: the same thing twice."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from email.message import EmailMessage

from tests.checker.violation import Violation

_LINK = re.compile(r"https?://\S+")


def check_mails(mails: Sequence[EmailMessage]) -> list[Violation]:
    """Judge all mails that a server accepted, in the order in which it did."""
    return [*_same_id(mails), *_same_invoice(mails), *_same_words(mails)]


def _same_id(mails: Sequence[EmailMessage]) -> Iterator[Violation]:
    seen: set[str] = set()
    for mail in mails:
        key = str(mail["Message-ID"])
        if key in seen:
            yield Violation(rule="mail_twice", message=f"{key} was accepted twice")
        seen.add(key)


def _same_invoice(mails: Sequence[EmailMessage]) -> Iterator[Violation]:
    """An invoice is said to be due once."""
    seen: set[tuple[str, str, str]] = set()
    for mail in mails:
        for part in mail.iter_attachments():
            key = (str(mail["From"]), str(mail["To"]), str(part.get_filename()))
            if key in seen:
                yield Violation(rule="mail_twice", message=f"{key[2]} was due twice for {key[1]}")
            seen.add(key)


def _same_words(mails: Sequence[EmailMessage]) -> Iterator[Violation]:
    """Nobody is told the same thing twice running about one job."""
    last: dict[tuple[str, str], str] = {}
    for mail in mails:
        body = mail.get_body(("plain",))
        text = _LINK.sub("", str(body.get_content()) if body is not None else "")
        job = text.rpartition("· job ")[2].split("\n")[0]
        about = (str(mail["To"]), job)
        words = f"{mail['Subject']}\n{text}"
        if last.get(about) == words:
            said = f"{mail['Subject']!r} twice running to {about[0]} about job {job}"
            yield Violation(rule="mail_twice", message=said)
        last[about] = words
