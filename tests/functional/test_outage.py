"""I20: after an outage the books are read before anything goes out, and nothing old goes out as if
it were new.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import text

from sync import dispatch, ops
from sync.pull import order_pull
from sync.store.tables import WorkRow
from tests.functional.test_push import step
from tests.functional.test_story import LINES
from tests.house import House, connect

DAYS = "interval '40 days'"


@pytest.fixture
def house(house: House) -> House:
    """The installation at rest."""
    house.sync()
    house.mail.sent.clear()
    return house


def sql(house: House, statement: str) -> None:
    """Change the database as the server's administrator."""
    with house.owner.begin() as session:
        session.execute(text(statement))


def planned(house: House, number: str) -> Any:
    """Accept an estimate, and stop before its effects go out."""
    known = len(house.work("bill"))
    estimate = house.accepted_estimate(number, LINES)
    with house.app.database.begin(house.realm_no) as session:
        order_pull(session, house.realm_no)
    while len(house.work("bill")) == known:
        step(house)
    return estimate


def grow_old(house: House) -> None:
    """Let forty days pass for everything that waits."""
    moved = f"retry_at = retry_at - {DAYS}, created_at = created_at - {DAYS}"
    sql(house, f"UPDATE work SET {moved} WHERE state = 'ready'")


def effects_picked(house: House) -> list[str]:
    """What kinds of effects the dispatcher hands out now."""
    with house.dispatcher.begin() as session:
        picked = {one.work_id for one in dispatch.pick(session)}
        session.rollback()
    waiting = [row for kind in ("bill", "mail") for row in house.work(kind)]
    return [row.kind for row in waiting if row.work_id in picked]


def test_what_was_rejected_during_an_outage_is_not_billed(house: House) -> None:
    """The grant was dead for forty days; the books are read before the bill that waits goes out."""
    estimate = planned(house, "8701")
    sql(house, "UPDATE realm SET state = 'reauth_needed'")
    grow_old(house)
    house.sandbox.change("Estimate", estimate, TxnStatus="Rejected")

    connect(house, house.sandbox.realm_id)
    house.work_off()

    assert house.sandbox.invoices("8701") == []
    assert house.view("8701").state == "frozen"
    assert house.mail.sent == []


def test_nothing_goes_out_between_a_reconnect_and_the_first_pull(house: House) -> None:
    """Also where the pull does not come through at once."""
    planned(house, "8702")
    connect(house, house.sandbox.realm_id)
    sql(house, "UPDATE work SET retry_at = now() + interval '1 hour' WHERE kind = 'pull'")
    house.work_off()
    assert house.sandbox.invoices("8702") == []

    sql(house, "UPDATE work SET retry_at = now() WHERE kind = 'pull'")
    house.work_off()
    assert len(house.sandbox.invoices("8702")) == 1


@pytest.mark.parametrize(
    ("books", "picked"),
    [
        pytest.param("synced_at - interval '74 minutes'", True, id="a-sweep-ago"),
        pytest.param("synced_at - interval '76 minutes'", False, id="overdue"),
    ],
)
def test_an_effect_waits_for_books_that_are_overdue(house: House, books: str, picked: bool) -> None:
    """A pull that fails and is tried again later holds up what was planned on the old books."""
    planned(house, "8703")
    sql(house, f"UPDATE realm SET synced_at = {books}")

    assert ("bill" in effects_picked(house)) == picked


def test_a_pull_that_is_due_comes_before_effects(house: House) -> None:
    """It may tell that they are not wanted any more."""
    planned(house, "8704")
    assert "bill" in effects_picked(house)

    with house.app.database.begin(house.realm_no) as session:
        order_pull(session, house.realm_no)

    assert effects_picked(house) == []


def test_without_reads_effects_do_not_wait_for_the_books(house: House) -> None:
    """The month's reads are used up: nothing is pulled until the next, and writes go on."""
    planned(house, "8705")
    sql(house, f"UPDATE metered_call SET calls = {house.app.watch.reads_per_month}")
    sql(house, f"UPDATE realm SET synced_at = synced_at - {DAYS}")
    with house.app.database.begin(house.realm_no) as session:
        order_pull(session, house.realm_no)
    house.work_off()

    assert len(house.sandbox.invoices("8705")) == 1


def test_an_invoice_that_waited_past_its_day_is_dated_today(house: House) -> None:
    """It is planned anew: date and due date are what they would be, were it planned now."""
    planned(house, "8706")
    sql(house, "UPDATE business_clock SET offset_s = offset_s + 2 * 86400")
    house.sync()

    (invoice,) = house.sandbox.invoices("8706")
    assert date.fromisoformat(invoice["TxnDate"]) == house.today()


def test_a_mail_that_waited_for_days_is_for_a_person(house: House) -> None:
    """Parked with how long it has waited; a retry sends it."""
    planned(house, "8707")
    sql(house, "UPDATE work SET created_at = created_at - interval '4 days' WHERE kind = 'mail'")
    house.work_off()
    (parked,) = [row for row in house.work("mail") if row.state == "parked"]
    assert (parked.error_class, parked.error) == ("MailStale", "it has waited for 4 days")
    assert house.mail.sent == []

    retry(house, parked)

    assert "done" in [row.state for row in house.work("mail") if row.work_id == parked.work_id]


def retry(house: House, row: WorkRow) -> None:
    """Try a parked row again, as a person."""
    with house.app.database.begin(house.realm_no) as session:
        assert ops.retry(session, house.realm_no, row.work_id, author="ops")
    house.work_off()
