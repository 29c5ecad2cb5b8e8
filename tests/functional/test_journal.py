"""The journal: everything that changed a job is in it, an altered entry shows, and any day that is
over can be seen again.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from sqlalchemy import text

from milestone_engine.decisions import HoldPayment
from sync.reports.job_past import NotYet, view_job_at
from sync.reports.job_view import JobView
from sync.store import journal
from tests.functional.test_decisions import decide
from tests.functional.test_push import raise_price
from tests.functional.test_story import LINES, complete
from tests.house import House, Services, open_house


@pytest.fixture(scope="module")
def told(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A job over three days: the deposit, then a price change and a hold, then a removal."""
    with open_house(services, tmp_path_factory.mktemp("journal")) as house:
        estimate = house.accepted_estimate("7501", LINES)
        house.sync()
        next_day(house)
        house.pay(house.sandbox.invoices("7501")[0])
        house.sync()
        raise_price(house, estimate, "1400.00")
        house.sync()
        decide(house, "7501", HoldPayment(milestone_id="m2"))
        next_day(house)
        complete(house, "7501", "removal")
        house.sync()
        yield house


def next_day(house: House) -> None:
    """Let a day pass for the business clock."""
    with house.owner.begin() as session:
        session.execute(text("UPDATE business_clock SET offset_s = offset_s + 86400"))


def at(house: House, day: date) -> JobView:
    """The job as it stood on a day."""
    with house.app.database.begin(house.realm_no) as session:
        return view_job_at(session, house.realm_no, house.view("7501").job_id, on=day)


def amounts(view: JobView) -> list[int]:
    """Its money table."""
    return [one.amount_minor for one in view.milestones]


def test_every_change_has_its_entry(told: House) -> None:
    """Versions, decisions, events, and what became of every effect, each with who did it."""
    with told.app.database.begin(told.realm_no) as session:
        job_id = told.view("7501").job_id
        rows = [(row.cause, row.author) for row in journal.entries(session, told.realm_no, job_id)]
        assert journal.verify(session, told.realm_no, job_id) is None

    causes = [cause for cause, _ in rows]
    assert causes[:2] == ["events", "accepted"]
    assert {"invoice_made", "mail_sent", "payment", "change_order", "decision"} <= set(causes)
    assert ("decision", "owner") in rows
    assert ("events", "test") in rows
    assert causes.count("invoice_made") == 2


def test_a_day_that_is_over_can_be_seen_again(told: House) -> None:
    """Money, events, invoice numbers and findings as they stood at the end of each day."""
    last = told.today()
    first, second = last - timedelta(days=2), last - timedelta(days=1)

    then = at(told, first)
    assert amounts(then) == [300_000, 300_000, 600_000]
    assert [one.paid_minor for one in then.milestones] == [0, 0, 0]
    assert [one.doc_number for one in then.milestones] == ["7501-M1", None, None]
    assert {one.name: one.state for one in then.events}["removal"] == "planned"

    between = at(told, second)
    assert amounts(between) == [300_000, 346_667, 693_333]
    assert [one.state for one in between.milestones] == ["paid", "waiting", "waiting"]

    now, today = told.view("7501"), at(told, last)
    assert amounts(today) == amounts(now)
    assert [one.name for one in today.events] == [one.name for one in now.events]
    assert {one.name: one.state for one in today.events}["removal"] == "completed"
    assert [one.code for one in today.findings] == [one.code for one in now.findings]
    assert [one.doc_number for one in today.milestones] == ["7501-M1", "7501-M2", None]


def test_a_day_before_the_job_says_so(told: House) -> None:
    """Nothing is made up."""
    with pytest.raises(NotYet):
        at(told, told.today() - timedelta(days=30))


@pytest.mark.parametrize(
    ("harm", "is_named"),
    [
        pytest.param("UPDATE journal SET author = 'nobody' WHERE {mine}", True, id="author"),
        pytest.param("""UPDATE journal SET after = '{{"m1": 1}}' WHERE {mine}""", True, id="after"),
        pytest.param("DELETE FROM journal WHERE {mine}", True, id="taken-away"),
        pytest.param(
            "DELETE FROM journal WHERE entry_no > (SELECT min(entry_no) FROM journal WHERE {job})"
            " AND {job}",
            False,
            id="end-cut-off",
        ),
        pytest.param(
            "DELETE FROM journal WHERE entry_no = (SELECT max(entry_no) FROM journal WHERE {job})",
            False,
            id="last-entry-alone",
        ),
        pytest.param(
            "ALTER TABLE milestone DISABLE TRIGGER ALL;"
            " UPDATE milestone SET amount_minor = amount_minor + 1"
            " WHERE {job} AND version = 1 AND milestone_id = 'm1'",
            True,
            id="a-stored-version",
        ),
    ],
)
def test_what_was_altered_shows(told: House, harm: str, is_named: bool) -> None:
    """By whoever may do all, in a transaction that is rolled back: the entry is named."""
    job_id = told.view("7501").job_id
    job = f"job_id = {job_id}"
    third = f"entry_no = (SELECT entry_no FROM journal WHERE {job} ORDER BY 1 OFFSET 2 LIMIT 1)"
    with told.owner.begin() as session:
        for statement in harm.format(job=job, mine=third).split(";"):
            session.execute(text(statement))
        broken = journal.verify(session, told.realm_no, job_id)
        session.rollback()

    assert broken is not None
    assert (broken.entry_no is not None) is is_named


def test_a_gap_at_the_end_stays_one_when_the_journal_goes_on(told: House) -> None:
    """The next entry is chained to the end on record, not to the last one that is left."""
    job_id = told.view("7501").job_id
    last = f"(SELECT max(entry_no) FROM journal WHERE job_id = {job_id})"
    with told.owner.begin() as session:
        session.execute(text(f"DELETE FROM journal WHERE entry_no = {last}"))
        journal.add(session, told.realm_no, job_id, cause=journal.STATE, after={"state": "active"})
        newest_no = journal.entries(session, told.realm_no, job_id)[-1].entry_no
        broken = journal.verify(session, told.realm_no, job_id)
        session.rollback()

    assert broken is not None
    assert broken.entry_no == newest_no


def test_a_journal_whose_entries_nobody_counted_is_counted_from_its_next_one(told: House) -> None:
    """As it comes out of a backup of an earlier version."""
    job_id = told.view("7501").job_id
    with told.owner.begin() as session:
        session.execute(text("UPDATE job SET journal_count = NULL, journal_head = NULL"))
        assert journal.verify(session, told.realm_no, job_id) is None
        journal.add(session, told.realm_no, job_id, cause=journal.STATE, after={"state": "active"})
        assert journal.verify(session, told.realm_no, job_id) is None
        count = session.scalars(text(f"SELECT journal_count FROM job WHERE job_id = {job_id}"))
        assert count.one() == journal.count(session, told.realm_no, job_id)
        session.rollback()
