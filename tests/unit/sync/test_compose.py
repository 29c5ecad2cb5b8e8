"""A customer's mail: what its headers hold, that both parts say the same, and that nobody can put
anything into it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest

from milestone_engine.job import Notice
from sync.errors import MailRefused
from sync.mail.addresses import recipients
from sync.mail.compose import Letter, compose
from sync.reports.changes import ChangeView, LineChangeView
from sync.reports.job_view import JobView, LineView
from sync.words.amounts import money
from tests.unit.sync.test_words import HOSTILE
from tests.unit.sync.views import a_view, an_invoice

LINK = "https://pay.example.com/p/uvuW6TiVyeVsSzROSZc456v5IxENFWTK"
PDF = ("2001-M1.pdf", b"%PDF-1.4 a page")
MONEY = re.compile(r"[−-]?\$[\d,]+(?:\.\d\d)?")
OLD = {"m1": 300_000, "m2": 300_000, "m3": 600_000}
NEW = {"m1": 300_000, "m2": 346_667, "m3": 693_333}
CHANGE = ChangeView(
    on=date(2026, 6, 4),
    cause="change_order",
    documents=("2001-CO-1",),
    lines=(LineChangeView(description="Undermount sink", old_minor=0, new_minor=140_000),),
    old_total_minor=1_200_000,
    new_total_minor=1_340_000,
    old=OLD,
    new=NEW,
)
PAID = an_invoice("m1", 300_000, paid_minor=300_000)


def a_mail(
    view: JobView | None = None,
    notice: Notice = Notice.SCHEDULED,
    milestone_id: str | None = None,
    *,
    old: Mapping[str, int] | None = None,
    **more: Any,
) -> EmailMessage:
    """Compose a mail and read it back from its bytes, as a mail program would."""
    facts: dict[str, Any] = {
        "sender": "payments@example.com",
        "portal_url": LINK,
        "message_key": "1.7",
        "invoice_pdf": None,
    }
    letter = Letter(notice=notice, milestone_id=milestone_id, old=old or {}, new={})
    made = compose(view or a_view(), letter, **{**facts, **more})
    read = message_from_bytes(made.as_bytes(), policy=SMTP)
    assert isinstance(read, EmailMessage)
    return read


def parts(mail: EmailMessage) -> tuple[str, str]:
    """Give the text part and what a reader of the HTML part sees."""
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    return plain.get_content(), seen(html.get_content())


def seen(html: str) -> str:
    """Give the text of a page, without what only the head holds."""
    body = html[html.index("<body") :]
    return unescape(re.sub(r"<[^>]*>", " ", re.sub(r"<!--.*?-->", "", body, flags=re.S)))


LETTERS = [
    pytest.param(a_view(), Notice.SCHEDULED, None, {}, id="scheduled"),
    pytest.param(a_view(invoices=(an_invoice("m1", 300_000),)), Notice.DUE, "m1", {}, id="due"),
    pytest.param(
        a_view(invoices=(an_invoice("m1", 300_000, paid_minor=100_000, outside_minor=4_500),)),
        Notice.DUE,
        "m1",
        {},
        id="due-with-a-part-paid-and-a-permit",
    ),
    pytest.param(
        a_view(total_minor=1_340_000, invoices=(PAID,), changes=(CHANGE,)),
        Notice.CHANGED,
        None,
        OLD,
        id="changed",
    ),
    pytest.param(a_view(invoices=(PAID,)), Notice.RECEIVED, "m1", {}, id="received"),
    pytest.param(
        a_view(invoices=(an_invoice("m1", 300_000, paid_minor=100_000),)),
        Notice.RECEIVED,
        "m1",
        {},
        id="received-a-part",
    ),
]


@pytest.mark.parametrize(("view", "notice", "milestone_id", "old"), LETTERS)
def test_both_parts_say_the_same_amounts(
    view: JobView, notice: Notice, milestone_id: str | None, old: Mapping[str, int]
) -> None:
    """As often, in the same order; and the plan's are the view's to the cent."""
    text, html = parts(a_mail(view, notice, milestone_id, old=old))

    assert MONEY.findall(text) == MONEY.findall(html)
    said = Counter(MONEY.findall(text))
    for one in view.milestones:
        assert said[money(one.amount_minor, currency="USD")] > 0
        if one.is_tax_known:
            assert f"plus {money(one.tax_minor, currency='USD')} tax" in text
        else:
            assert "plus about $" in text


def test_due_mail_says_what_to_pay_by_when_and_why() -> None:
    """The whole invoice is told: amount, tax, total; what asks for it; what comes next."""
    view = a_view(invoices=(an_invoice("m1", 300_000),))

    mail = a_mail(view, Notice.DUE, "m1", invoice_pdf=PDF)

    text, _ = parts(mail)
    assert mail["Subject"] == "Payment 1 of 3 for Kitchen remodel: $3,195.00 due by Wed, Jun 3"
    for said in (
        "$3,195.00 is due by Wed, Jun 3",
        "Amount: $3,000.00",
        "Tax: $195.00",
        "Invoice total: $3,195.00",
        "Invoice: 2001-M1",
        "Why now: Before Measurements, planned for Wed, Jun 3.",
        "Why this much: 25% of the $12,000.00 contract.",
        "Comes next: After removal, $3,000.00 plus about $195 tax.",
        "The invoice is attached: 2001-M1.pdf",
        LINK,
    ):
        assert said in text.replace("\r\n", "\n")
    attached = list(mail.iter_attachments())
    assert [(one.get_filename(), one.get_content()) for one in attached] == [PDF]
    assert attached[0].get_content_type() == "application/pdf"


def test_changed_mail_shows_old_and_new_and_the_reason() -> None:
    """What moved, what did not, which change order, and that paid money stays."""
    view = a_view(total_minor=1_340_000, invoices=(PAID,), changes=(CHANGE,))

    text, html = parts(a_mail(view, Notice.CHANGED, old=OLD))

    for said in ("$3,000.00", "$3,466.67", "$6,000.00", "$6,933.33", "+$1,400.00"):
        assert said in text
        assert said in html
    flat = " ".join(text.split())
    assert "Change order 2001-CO-1: the contract went from $12,000.00 to $13,400.00" in flat
    assert "Added: Undermount sink, $1,400.00." in flat
    assert "What is paid stays as it is" in flat
    assert "plus $195.00 tax (as before)" in flat


def test_received_mail_thanks_for_what_arrived_tax_and_all() -> None:
    """The customer finds the sum that left their bank."""
    mail = a_mail(a_view(invoices=(PAID,)), Notice.RECEIVED, "m1")
    assert mail["Subject"] == "Thank you: $3,195.00 received for Kitchen remodel"
    assert "Left on this invoice" not in parts(mail)[0]


def test_part_payment_says_what_is_left() -> None:
    """And that the same payment is still open."""
    view = a_view(invoices=(an_invoice("m1", 300_000, paid_minor=100_000),))
    text, _ = parts(a_mail(view, Notice.RECEIVED, "m1"))
    assert "Left on this invoice: $2,130.00" in text
    assert "Still to pay: Deposit, $2,130.00 by Wed, Jun 3." in text


def test_last_payment_says_that_all_is_paid() -> None:
    """The end of a job is worth a sentence."""
    paid = tuple(
        an_invoice(name, amount, paid_minor=amount)
        for name, amount in (("m1", 300_000), ("m2", 300_000), ("m3", 600_000))
    )
    text, _ = parts(a_mail(a_view(invoices=paid), Notice.RECEIVED, "m3"))
    assert "Kitchen remodel is paid in full." in text
    assert "Comes next" not in text


def test_headers_say_who_writes_and_that_a_machine_does() -> None:
    """The company's name before our address; no answer from other machines; no Reply-To."""
    mail = a_mail(
        a_view(company="Åström & Söner, Inc."), sent_at=datetime(2026, 6, 1, 9, tzinfo=UTC)
    )
    sender = mail["From"].addresses[0]
    assert (sender.display_name, sender.addr_spec) == (
        "Åström & Söner, Inc.",
        "payments@example.com",
    )
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"] == "Mon, 01 Jun 2026 09:00:00 +0000"
    assert mail["Reply-To"] is None
    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]


def test_message_id_is_the_same_for_the_same_mail() -> None:
    """Derived from the key and the sender's domain, so that a second try can be told."""
    assert a_mail()["Message-ID"] == a_mail()["Message-ID"] == "<1.7@example.com>"
    assert a_mail(message_key="1.8")["Message-ID"] == "<1.8@example.com>"
    assert a_mail()["Date"] is None


def test_mail_is_seven_bit_whatever_it_says() -> None:
    """Servers without 8BITMIME exist."""
    made = compose(
        a_view(customer="Ünal, Ayşe:Küche 李", company="Küche & Söhne 李"),
        Letter(notice=Notice.SCHEDULED, milestone_id=None, old={}, new={}),
        sender="payments@example.com",
        portal_url=LINK,
        message_key="1.7",
        invoice_pdf=None,
    )
    raw = made.as_bytes()
    raw.decode("ascii")
    assert max(map(len, raw.split(b"\r\n"))) <= 998


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a@example.com", ("a@example.com",)),
        (" a@example.com , b.c+d@example.co.uk,", ("a@example.com", "b.c+d@example.co.uk")),
        ("a@example.com;A@EXAMPLE.com", ("a@example.com",)),
        ("a@bücher.example", ("a@xn--bcher-kva.example",)),
    ],
)
def test_addresses_are_split_by_comma_and_each_is_kept_once(
    text: str, expected: tuple[str, ...]
) -> None:
    """QuickBooks keeps several in one field."""
    assert recipients(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        " , ",
        "elena",
        "elena@",
        "@example.com",
        "a b@example.com",
        "a@example.com\r\nBcc: b@example.com",
        "a@exam\0ple.com",
        "Elena <a@example.com>",
        "a@example.com, nobody",
        "a@-example.com",
        "é@example.com",
        f"{'a' * 65}@example.com",
        ",".join(f"a{n}@example.com" for n in range(21)),
    ],
)
def test_what_is_no_address_is_refused_without_repeating_it(text: str) -> None:
    """A person mends it in QuickBooks; the log shall not hold it."""
    with pytest.raises(MailRefused) as refused:
        recipients(text)
    assert "@" not in str(refused.value)


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\0", "\u2028", "\x85"])
@pytest.mark.parametrize(
    "place", ["company", "email", "sender", "message_key", "portal_url", "pdf"]
)
def test_line_ends_are_refused_in_every_header_value(place: str, end: str) -> None:
    """Whoever puts one there wants a header of their own."""
    view, more = a_view(), {}
    if place == "company":
        view = replace(view, company=f"Granite{end}Bcc: thief@example.com")
    elif place == "email":
        view = replace(view, email=f"a@example.com{end}b@example.com")
    elif place == "pdf":
        more = {"invoice_pdf": (f"a{end}b.pdf", b"%PDF")}
    else:
        more = {place: {"sender": "a@example.com", "message_key": "1", "portal_url": LINK}[place]}
        more[place] += f"{end}Bcc: thief@example.com"
    with pytest.raises(MailRefused):
        a_mail(view, **more)


class _Tags(HTMLParser):
    """Collects the tags and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note one tag."""
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [
            value or "" for name, value in attrs if name in ("href", "src", "background")
        ]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_in_any_field_stays_text(text: str) -> None:
    """Customer, job, label, event, description, number: shown or flattened, never obeyed."""
    clean = a_view(
        total_minor=1_340_000,
        invoices=(PAID,),
        customer=f"{text}:{text}",
        base=text,
        lines=(LineView(description=text, amount_minor=1),),
        changes=(
            replace(
                CHANGE,
                documents=(text,),
                lines=(LineChangeView(description=text, old_minor=0, new_minor=1),),
            ),
        ),
    )
    view = replace(
        clean,
        milestones=tuple(
            replace(one, label=text, event_label=text, doc_number=text) for one in clean.milestones
        ),
        events=tuple(replace(one, label=text) for one in clean.events),
    )

    for notice, milestone_id in ((Notice.CHANGED, None), (Notice.RECEIVED, "m1")):
        mail = a_mail(view, notice, milestone_id, old=OLD)
        body = mail.get_body(("html",))
        assert body is not None
        html, page = body.get_content(), _Tags()
        page.feed(html)
        assert page.links == [LINK]
        assert not page.tags & {"script", "img", "iframe", "link", "object", "form", "base"}
        assert not any(name.startswith("on") for name in page.attributes)
        assert mail["Bcc"] is None
        assert mail["To"] == "elena@example.com"
        shown = "".join(parts(mail)) + str(mail["Subject"])
        assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\x00\x1b]", shown)
        assert "\nBcc:" not in parts(mail)[0].replace("\r", "\n")
        assert MONEY.findall(parts(mail)[0]) == MONEY.findall(parts(mail)[1])


def test_html_needs_nothing_from_elsewhere() -> None:
    """No image, no font, no script: it reads the same with everything blocked."""
    body = a_mail().get_body(("html",))
    assert body is not None
    html, page = body.get_content(), _Tags()
    page.feed(html)
    assert page.links == [LINK]
    assert not page.tags & {"script", "img", "link", "iframe"}
    assert "url(" not in html
    assert "prefers-color-scheme: dark" in html
    assert len(html) < 40_000
