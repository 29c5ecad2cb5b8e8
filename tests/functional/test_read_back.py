"""An answer that was lost, and a person who changed what it made: still one invoice, or a person
is asked.
"""

from __future__ import annotations

import time
from typing import Any

import pytest

from sync import ops
from sync.store.tables import WorkRow
from tests.functional.test_push import creations, later, raise_price, stop_before_answer
from tests.functional.test_story import LINES
from tests.house import House

NOTE = "per phone call with Ann"


@pytest.fixture
def house(house: House) -> House:
    """The installation at rest."""
    house.sync()
    return house


def forgetful(house: House, *, refuses: bool = False) -> None:
    """QuickBooks forgets every requestid, and takes any number or refuses a second one."""
    settings = {"remember_requests_s": 1, "refuse_duplicate_numbers": refuses}
    house.sandbox.admin("settings", settings)


def try_again(house: House) -> None:
    """Let the time pass after which an unanswered call is made again, and do what is due."""
    time.sleep(1.1)
    for _ in range(2):
        later(house, 4000)
        house.work_off()


def bill_of(house: House, base: str) -> WorkRow:
    """Give the newest row that bills a job."""
    job_id = house.view(base).job_id
    return [row for row in house.work("bill") if row.job_id == job_id][-1]


@pytest.mark.parametrize("refuses", [False, True])
def test_an_invoice_whose_note_was_rewritten_is_known_by_its_number(
    house: House, refuses: bool
) -> None:
    """I9: the mark is gone, the requestid forgotten: number and money tell."""
    forgetful(house, refuses=refuses)
    stop_before_answer(house, "8703")
    (invoice,) = house.sandbox.invoices("8703")
    house.sandbox.change("Invoice", invoice, PrivateNote=NOTE)
    try_again(house)

    assert creations(house, "8703") == 1
    assert house.view("8703").milestones[0].billed_minor == 300_000
    estimate = house.sandbox.query("Estimate", "WHERE DocNumber = '8703'")[0]
    raise_price(house, estimate, "400.00")
    house.sync()
    now = house.sandbox.invoices("8703")[0]
    assert (now["PrivateNote"], creations(house, "8703")) == (NOTE, 1)
    assert now["TotalAmt"] - now["TxnTaxDetail"]["TotalTax"] == 3100


def test_an_invoice_that_may_be_ours_is_for_a_person(house: House) -> None:
    """I11: neither mark nor money are ours any more: no second one is made before a person has
    said whose it is; the mark, written back, says that it is ours.
    """
    forgetful(house)
    invoice = rewritten(house, "8704")
    try_again(house)
    bill = bill_of(house, "8704")
    assert (bill.state, bill.error_class) == ("parked", "InvoiceUncertain")
    assert creations(house, "8704") == 1

    house.sandbox.change("Invoice", invoice, PrivateNote=bill.payload["marker"])
    retry(house, bill)
    try_again(house)

    assert creations(house, "8704") == 1
    assert house.view("8704").milestones[0].doc_number == "8704-M1"


def test_what_a_person_says_is_not_ours_is_not_asked_about_again(house: House) -> None:
    """`queue retry`: nothing came of the call, and the invoice is made."""
    forgetful(house)
    rewritten(house, "8705")
    try_again(house)

    retry(house, bill_of(house, "8705"))
    try_again(house)

    assert bill_of(house, "8705").state == "done"
    assert creations(house, "8705") == 2


def rewritten(house: House, number: str) -> Any:
    """Have an invoice made, its answer lost, and its note and money rewritten."""
    stop_before_answer(house, number)
    (invoice,) = house.sandbox.invoices(number)
    lines = [one for one in invoice["Line"] if one["DetailType"] == "SalesItemLineDetail"]
    detail = {**lines[0]["SalesItemLineDetail"], "UnitPrice": 5, "Qty": 1}
    lines[0] |= {"Amount": 5, "SalesItemLineDetail": detail}
    return house.sandbox.change("Invoice", invoice, PrivateNote=NOTE, Line=lines)


def retry(house: House, row: WorkRow) -> None:
    """Say that the row is to be tried again."""
    with house.app.database.begin(house.realm_no) as session:
        assert ops.retry(session, house.realm_no, row.work_id, author="ops")


def test_a_refusal_takes_no_earlier_ask_back(house: House) -> None:
    """The second call was refused, the first may have been heard: it is still read back."""
    fault = {"entity": "Invoice", "operation": "create", "kind": "status", "count": 1}
    house.sandbox.admin("faults", {**fault, "status": 504, "body": "<html>gateway</html>"})
    house.accepted_estimate("8706", LINES)
    house.sync()
    house.sandbox.admin("faults", {**fault, "status": 503})
    later(house, 4000)
    house.work_off()

    waiting = bill_of(house, "8706")
    assert (waiting.state, creations(house, "8706")) == ("ready", 0)
    assert waiting.asked_at is not None
    try_again(house)
    assert creations(house, "8706") == 1
