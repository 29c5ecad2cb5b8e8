"""A customer's mail: headers that nobody can smuggle anything into, the same words as HTML and as
text, and the invoice where there is one.

What is said is decided in `sync/words/letters.py`; how it looks, in `templates/`. Both parts are
made from one context, so they say the same amounts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from milestone_engine.job import Notice
from sync.errors import MailRefused
from sync.mail.addresses import ascii_address, recipients
from sync.reports.job_view import JobView
from sync.words.letters import job_title, write_letter
from sync.words.texts import one_line

SUBJECT_LENGTH_MAX = 150

_TEMPLATES = Path(__file__).parent / "templates"
_KEY = re.compile(r"[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*")
_LINE_ENDS = re.compile("[\r\n\0\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What a mail is about."""

    notice: Notice
    milestone_id: str | None  #: None: the whole plan
    old: Mapping[str, int]  #: amounts as they were last told, by milestone
    new: Mapping[str, int]  #: amounts as the plan saw them; what is told is the view's


def compose(
    view: JobView,
    letter: Letter,
    *,
    sender: str,
    portal_url: str,
    message_key: str,
    invoice_pdf: tuple[str, bytes] | None,
    sent_at: datetime | None = None,
) -> EmailMessage:
    """Compose one mail to a customer.

    Args:
        view: the job as it is now.
        letter: what is told.
        sender: our address; the company's name is put in front of it.
        portal_url: the job's page.
        message_key: the same for the same mail, however often it is composed: `7.1204`.
        invoice_pdf: file name and content of the invoice.
        sent_at: business time for the Date header; None leaves it to the mail server.

    Raises:
        MailRefused: an address is none, or a header would hold a line end.
    """
    sender_address = _sender(sender)
    words = write_letter(view, letter.notice, milestone_id=letter.milestone_id, old=letter.old)
    message = EmailMessage(policy=SMTP)
    message["From"] = Address(_line("company name", view.company), addr_spec=sender_address)
    message["To"] = [Address(addr_spec=one) for one in recipients(view.email)]
    subject = one_line(words.subject, limit=SUBJECT_LENGTH_MAX)
    message["Subject"] = _line("subject", subject, limit=SUBJECT_LENGTH_MAX)
    if sent_at is not None:
        message["Date"] = format_datetime(sent_at)
    message["Message-ID"] = f"<{_key(message_key)}@{sender_address.rpartition('@')[2]}>"
    # RFC 3834: no holiday note answers a machine; the second one is for Exchange.
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message["Content-Language"] = "en"
    context = {
        "words": words,
        "company": one_line(view.company),
        "job": job_title(view),
        "base": one_line(view.base),
        "link": _line("link", portal_url, limit=len(portal_url)),
        "attachment": _file_name(invoice_pdf[0]) if invoice_pdf else "",
    }
    # Quoted-printable: long lines and every script pass servers that know only 7 bits.
    message.set_content(_render("letter.txt", context), cte="quoted-printable")
    message.add_alternative(_render("letter.html", context), subtype="html", cte="quoted-printable")
    if invoice_pdf:
        message.add_attachment(
            invoice_pdf[1],
            maintype="application",
            subtype="pdf",
            filename=_file_name(invoice_pdf[0]),
        )
    return message


def _sender(text: str) -> str:
    _line("sender", text)
    address = ascii_address(parseaddr(text)[1])
    if address is None:
        raise MailRefused("MILESTONE_SYNC_MAIL_FROM is not a mail address")
    return address


def _line(what: str, text: str, *, limit: int = 120) -> str:
    """Give a header's value; whoever puts a line end into one wants a header of their own."""
    if _LINE_ENDS.search(text):
        raise MailRefused(f"the {what} holds a line end")
    return one_line(text, limit=limit)


def _key(text: str) -> str:
    if not _KEY.fullmatch(text):
        raise MailRefused("the message key is not plain")
    return text


def _file_name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "_", _line("file name", text)).lstrip(".") or "invoice.pdf"


def _render(name: str, context: Mapping[str, object]) -> str:
    return _environment().get_template(name).render(context)


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=select_autoescape(("html",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
