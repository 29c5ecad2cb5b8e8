"""What the customer of the story finds in the mailbox, in order and to the cent."""

from __future__ import annotations

import re
from email.message import EmailMessage

from sync.words import money
from tests.functional.test_story import LINES, complete
from tests.house import House

MONEY = re.compile(r"\$[\d,]+(?:\.\d\d)?")


def text_of(mail: EmailMessage) -> str:
    """Give the text part, on one line."""
    body = mail.get_body(("plain",))
    assert body is not None
    return " ".join(str(body.get_content()).split())


def mails(house: House) -> list[EmailMessage]:
    """Give the mails of the test's own customer."""
    return [one for one in house.mail.sent if one["To"] == "owner@example.com"]


def test_the_story_in_mails(house: House) -> None:
    """Plan, deposit due, thanks, plan changed, next due, thanks: each once, both parts alike."""
    customer = house.new_customer()
    house.accepted_estimate("7101", LINES, customer_id=customer)
    house.sync()
    deposit = house.sandbox.invoices("7101")[0]
    house.pay(deposit)
    house.sync()
    house.accepted_estimate(
        "7101-CO-1", [("Undermount sink", "1400.00", "TAX", None)], customer_id=customer
    )
    house.sync()
    complete(house, "7101", "removal")
    house.pay(house.sandbox.invoices("7101")[1])
    house.sync()

    sent = mails(house)
    subjects = [re.sub(r"\$[\d,.]+\d", "$", str(one["Subject"])) for one in sent]
    name = house.view("7101").customer.rpartition(":")[2]
    assert [re.sub(r" by .*", "", one) for one in subjects] == [
        f"Your payment plan for {name}: 3 payments",
        f"Payment 1 of 3 for {name}: $ due",
        f"Thank you: $ received for {name}",
        f"Your payment plan for {name} has changed",
        f"Payment 2 of 3 for {name}: $ due",
        f"Thank you: $ received for {name}",
    ]
    total = money(int(deposit["TotalAmt"] * 100), currency="USD")
    assert f"Invoice total: {total}" in text_of(sent[1])
    assert f"Received: {total}" in text_of(sent[2])
    for said in ("$3,466.67", "$6,933.33", "+$1,400.00", "Change order 7101-CO-1"):
        assert said in text_of(sent[3])
    assert "Comes next: After installation, $6,933.33 plus about $" in text_of(sent[4])
    for one in sent:
        html = one.get_body(("html",))
        assert html is not None
        shown = re.sub(r"<[^>]*>", " ", html.get_content()[html.get_content().index("<body") :])
        assert MONEY.findall(text_of(one)) == MONEY.findall(shown)
        assert one["From"].addresses[0].display_name == house.view("7101").company
        assert one["Auto-Submitted"] == "auto-generated"
        assert f"{house.app.settings.web_url}/p/" in text_of(one)
    assert len({str(one["Message-ID"]) for one in sent}) == len(sent)


def test_due_mail_carries_the_invoice_as_quickbooks_prints_it(house: House) -> None:
    """The PDF is QuickBooks' own, named by its number."""
    house.accepted_estimate("7102", LINES)
    house.sync()

    attached = [part for one in mails(house) for part in one.iter_attachments()]

    assert [part.get_filename() for part in attached] == ["7102-M1.pdf"]
    assert attached[0].get_content().startswith(b"%PDF")
