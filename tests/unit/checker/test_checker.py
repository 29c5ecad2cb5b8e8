"""The judge judged: every rule fires on a history that breaks it, and on none that keeps it."""

from __future__ import annotations

from decimal import Decimal
from email.message import EmailMessage
from typing import Any

import pytest

from tests.checker import HistoryChecker, check_history, check_mails

OURS = "client:app"
Row = dict[str, Any]


def an_invoice(marker: str = "ms:7.m1.1", amount: str = "100.00", **fields: Any) -> Row:
    """An invoice as the history shows it."""
    line = {
        "Id": "1",
        "DetailType": "SalesItemLineDetail",
        "Amount": Decimal(amount),
        "Description": "Deposit",
    }
    return {
        "PrivateNote": marker,
        "TotalAmt": Decimal(amount),
        "DocNumber": "1042-M1",
        "Line": [line],
        **fields,
    }


def a_row(
    seq: int, actor: str, operation: str, before: Any, after: Any, *, id: str = "9", **more: Any
) -> Row:
    """One row of the history."""
    return {
        "seq": seq,
        "realm_id": "R",
        "actor": actor,
        "operation": operation,
        "entity": "Invoice",
        "id": id,
        "before": before,
        "after": after,
        **more,
    }


def rules(*rows: Row, mails: tuple[EmailMessage, ...] = ()) -> list[str]:
    """Which rules a history breaks."""
    return [one.rule for one in check_history(rows, mails, ours=OURS)]


MADE = a_row(1, OURS, "Create", None, an_invoice())
WORDS = an_invoice(CustomerMemo={"value": "as agreed"})


def test_a_quiet_history_is_judged_quiet() -> None:
    """Made once, paid, revised with everything that people wrote on it."""
    revised = an_invoice(amount="120.00", CustomerMemo={"value": "as agreed"})
    history = (
        MADE,
        a_row(2, "bookkeeper", "Update", an_invoice(), WORDS),
        a_row(3, OURS, "Update", WORDS, revised),
    )
    assert rules(*history) == []


def test_a_second_invoice_of_one_milestone_is_a_twin() -> None:
    """At once where QuickBooks remembers, at the end where it forgets."""
    second = a_row(2, OURS, "Create", None, an_invoice(), id="10")
    assert rules(MADE, second) == ["twin", "twin", "twin"]
    forgetful = HistoryChecker(OURS, is_strict=False)
    forgetful.feed(MADE)
    forgetful.feed(second)
    assert forgetful.violations == []
    assert [one.rule for one in forgetful.finish()] == ["twin", "twin"]
    forgetful.feed(a_row(3, OURS, "Void", an_invoice(), an_invoice(), id="10"))
    assert forgetful.finish() == []


def test_where_requests_are_forgotten_what_was_taken_away_may_not_stand_at_the_end() -> None:
    """A write that was cut off brings it back for a moment: it has to be gone again."""
    forgetful = HistoryChecker(OURS, is_strict=False)
    forgetful.feed(MADE)
    forgetful.feed(a_row(2, "bookkeeper", "Void", an_invoice(), an_invoice()))
    forgetful.feed(a_row(3, OURS, "Create", None, an_invoice(), id="10"))
    assert forgetful.violations == []
    assert [one.rule for one in forgetful.finish()] == ["revived"]
    forgetful.feed(a_row(4, OURS, "Void", an_invoice(), an_invoice(), id="10"))
    assert forgetful.finish() == []


@pytest.mark.parametrize("operation", ["Void", "Delete"])
def test_what_a_person_took_away_does_not_come_back(operation: str) -> None:
    """Not under its own mark, not under the next one, not by an update."""
    gone = a_row(2, "bookkeeper", operation, an_invoice(), None)
    again = a_row(3, OURS, "Create", None, an_invoice(), id="10")
    further = a_row(3, OURS, "Create", None, an_invoice("ms:7.m1.2"), id="10")
    written = a_row(3, OURS, "Update", None, an_invoice())
    assert rules(MADE, gone, again) == ["revived"]
    assert rules(MADE, gone, further) == ["revived"]
    assert rules(MADE, gone, written) == ["revived"]


def test_what_somebody_has_paid_on_is_not_taken_back() -> None:
    """An invoice with nothing paid may be."""
    paid = an_invoice(Balance=Decimal("40.00"))
    assert rules(MADE, a_row(2, OURS, "Void", paid, an_invoice(amount="0"))) == ["paid"]
    unpaid = an_invoice(Balance=Decimal("100.00"))
    assert rules(MADE, a_row(2, OURS, "Void", unpaid, an_invoice(amount="0"))) == []


def test_an_invoice_may_be_billed_again_on_a_yes() -> None:
    """The judge is told of the yes; under its old mark it may not come back even then."""
    checker = HistoryChecker(OURS, billed_again={"R/7.m1"})
    checker.feed(MADE)
    checker.feed(a_row(2, "bookkeeper", "Void", an_invoice(), None))
    checker.feed(a_row(3, OURS, "Create", None, an_invoice("ms:7.m1.2"), id="10"))
    assert checker.violations == []


def test_a_persons_words_and_money_are_not_overwritten() -> None:
    """A field is taken back, a line that was removed is made anew, an amount is set back."""
    edited = a_row(2, "bookkeeper", "Update", an_invoice(), WORDS)
    assert rules(MADE, edited, a_row(3, OURS, "Update", WORDS, an_invoice())) == ["overwritten"]
    dearer = an_invoice(amount="150.00")
    raised = a_row(2, "bookkeeper", "Update", an_invoice(), dearer)
    back = a_row(3, OURS, "Update", dearer, an_invoice())
    assert rules(MADE, raised, back) == ["overwritten", "overwritten"]


def test_what_others_made_is_not_written() -> None:
    """Except for what QuickBooks itself does to the neighbours of an invoice of ours."""
    foreign = a_row(1, OURS, "Update", {"TotalAmt": 1}, {"Memo": "x"}, entity="Payment", id="4")
    links = [{"TxnId": "9"}]
    linked = a_row(1, OURS, "Update", {}, {"LinkedTxn": links}, entity="Estimate", id="4")
    assert rules(foreign) == ["foreign"]
    assert rules(linked) == []


def test_an_invoice_has_a_mark_and_asks_for_something() -> None:
    """Nothing of ours is anonymous or empty."""
    assert rules(a_row(1, OURS, "Create", None, an_invoice("no mark"))) == ["unmarked"]
    assert rules(a_row(1, OURS, "Create", None, an_invoice(amount="0.00"))) == ["nothing"]


def a_mail(key: str, text: str = "· job 1042\npay", attached: str = "") -> EmailMessage:
    """A mail as a server has accepted it."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Message-ID"] = "us@example.com", "you@example.com", key
    mail["Subject"] = "Due"
    mail.set_content(text)
    if attached:
        mail.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename=attached)
    return mail


def test_nobody_is_told_the_same_thing_twice() -> None:
    """By key, by invoice, and by words."""
    assert len(check_mails([a_mail("<1>"), a_mail("<1>", "other")])) == 1
    assert len(check_mails([a_mail("<1>"), a_mail("<2>")])) == 1
    twice = [a_mail("<1>", "one", "1042-M1.pdf"), a_mail("<2>", "two", "1042-M1.pdf")]
    assert len(check_mails(twice)) == 1
    assert check_mails([a_mail("<1>"), a_mail("<2>", "· job 1042\nchanged"), a_mail("<3>")]) == []
