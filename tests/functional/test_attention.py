"""What is noticed and told: nothing that people do in QuickBooks is passed over in silence."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import func, literal, select, update

from sync import work
from sync.company import Wish, set_company
from sync.decide import apply, decide
from sync.gather import gather_facts
from sync.runner import run_until_quiet
from sync.store import findings
from sync.store.database import business_now
from sync.store.tables import AttemptRow, JobRow, WorkRow
from tests.functional.test_story import LINES
from tests.house import House, Services, open_house

SINK = [("Undermount sink", "1400.00", "TAX", None)]


@pytest.fixture
def careful(services: Services, tmp_path: Path) -> Iterator[House]:
    """An installation whose company approves every effect."""
    with open_house(services, tmp_path, mode="approve") as opened:
        yield opened


def codes(house: House, subject: str) -> list[str]:
    """The open findings about something."""
    with house.app.database.begin(house.realm_no) as session:
        found = findings.open_ones(session, house.realm_no)
        return [one.code for one in found if one.subject == subject]


def to_owner(house: House) -> list[str]:
    """Subjects of the mails to the test's customer."""
    return [str(one["Subject"]) for one in house.mail.sent if one["To"] == "owner@example.com"]


def test_a_change_order_without_its_job_is_a_finding_until_the_job_is_there(house: House) -> None:
    """Accepted before its contract: told, billed by nobody, and part of the job once it opens."""
    customer = house.new_customer()
    early = house.accepted_estimate("9001-CO-1", SINK, customer_id=customer)
    house.sync()
    assert codes(house, f"estimate:{early['Id']}") == ["change_order_without_job"]

    house.accepted_estimate("9001", LINES, customer_id=customer)
    house.sync()

    assert codes(house, f"estimate:{early['Id']}") == []
    assert sum(house.amounts("9001")) == 1_340_000


def test_a_mended_estimate_closes_its_finding(house: House) -> None:
    """A change order that is taken back needs nobody any more."""
    early = house.accepted_estimate("9002-CO-1", SINK)
    house.sync()
    house.sandbox.change("Estimate", early, TxnStatus="Rejected")
    house.sync()

    assert codes(house, f"estimate:{early['Id']}") == []


def test_a_customer_without_an_address_is_told_once_there_is_one(house: House) -> None:
    """A finding of the job, nothing parked, the invoice is made; then every mail in its order."""
    estimate = house.accepted_estimate("9003", LINES)
    house.sandbox.change("Estimate", estimate, BillEmail={"Address": "not an address"})
    house.sync()
    assert codes(house, "job:9003") == ["no_mail_address"]
    (told,) = [one for one in house.view("9003").findings if one.code == "no_mail_address"]
    assert "not an address" not in str(told.facts)
    assert len(house.sandbox.invoices("9003")) == 1
    assert [row for row in house.work("mail") if row.state == "parked"] == []

    house.sandbox.change("Estimate", estimate, BillEmail={"Address": "owner@example.com"})
    house.sync()

    assert codes(house, "job:9003") == []
    assert len(to_owner(house)) == 2
    assert [row.payload["notice"] for row in house.work("mail") if row.state == "done"][-2:] == [
        "scheduled",
        "due",
    ]


def test_words_edited_after_the_start_are_told_and_not_followed(house: House) -> None:
    """Weights never change by themselves; whoever edits them hears so."""
    estimate = house.accepted_estimate(
        "9004", LINES, memo="50% before Measurements; 50% after Installation"
    )
    house.sync()
    before = house.amounts("9004")
    changed = "10% before Measurements; 90% after Installation"
    house.sandbox.change("Estimate", estimate, CustomerMemo={"value": changed})
    house.sync()

    assert house.amounts("9004") == before
    assert codes(house, f"estimate:{estimate['Id']}") == ["words_not_followed"]

    back = "50% before Measurements; 50% after Installation"
    house.sandbox.change("Estimate", estimate, CustomerMemo={"value": back})
    house.sync()
    assert codes(house, f"estimate:{estimate['Id']}") == []


def test_two_changes_of_one_instant_are_two(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second comes while the first is being decided: it is not taken for the first."""
    house.accepted_estimate("9006", LINES)
    house.sync()
    job_id = house.view("9006").job_id
    with house.app.database.begin(house.realm_no) as session:
        instant = literal(business_now(session))
        clock = SimpleNamespace(business_now=lambda: instant, lease_now=func.lease_now)
        monkeypatch.setattr(work, "func", clock)
        work.look_again(session, house.realm_no, job_id)
        decision = decide(house.app, gather_facts(session, house.realm_no, job_id))
        session.expunge_all()  # what was read stays as it was read
        work.look_again(session, house.realm_no, job_id)
        assert apply(session, decision)
        look_at = session.get_one(JobRow, (house.realm_no, job_id)).look_at
        assert look_at is not None
        assert look_at <= business_now(session)


def test_an_effect_waits_quietly_while_its_job_cannot_be_decided(careful: House) -> None:
    """Facts that moved are decided first: an effect is not handed out and put back meanwhile."""
    house = careful
    house.accepted_estimate("9005", LINES)
    house.sync()
    job_id = house.view("9005").job_id
    with house.app.database.begin(house.realm_no) as session:
        mine = (WorkRow.job_id == job_id) & (WorkRow.state == "proposed")
        session.execute(update(WorkRow).where(mine).values(state="ready"))
        work.look_again(session, house.realm_no, job_id)
        work.add(
            session,
            realm_no=house.realm_no,
            kind="decide",
            lane=work.job_lane(job_id),
            job_id=job_id,
            coalesce_key=f"decide/{job_id}",
            delay_s=3600,
        )
    assert not run_until_quiet(house.app, house.dispatcher, timeout_s=2)

    with house.app.database.begin(house.realm_no) as session:
        tries = select(func.count()).select_from(AttemptRow).join(
            WorkRow,
            (AttemptRow.realm_no == WorkRow.realm_no) & (AttemptRow.work_id == WorkRow.work_id),
        )  # fmt: skip
        assert session.scalars(tries.where(WorkRow.kind.in_(["bill", "mail"]))).one() == 0


def test_a_company_that_may_act_by_itself_does_so_from_then_on(careful: House) -> None:
    """approve -> auto: what waited for a yes goes; auto -> observe: nothing is planned any more."""
    house = careful
    house.accepted_estimate("9006", LINES)
    house.sync()
    assert house.sandbox.invoices("9006") == []

    _set(house, Wish(mode="auto"))
    assert [one["DocNumber"] for one in house.sandbox.invoices("9006")] == ["9006-M1"]

    _set(house, Wish(mode="observe"))
    house.accepted_estimate("9007", LINES)
    house.sync()
    assert house.sandbox.invoices("9007") == []
    assert house.amounts("9007") == [300_000, 300_000, 600_000]


def test_a_policy_that_is_set_moves_every_job(house: House) -> None:
    """Seven days to pay: the due date of what is not issued yet follows; again changes nothing."""
    house.accepted_estimate("9008", LINES)
    house.sync()
    house.work_off()
    _set(house, Wish(policy={"lead_days": 0}))
    assert house.view("9008").milestones[0].issue_on == house.today() + timedelta(days=2)

    with house.app.database.begin(house.realm_no) as session:
        again = Wish(policy={"lead_days": 0})
        assert not set_company(session, house.realm_no, again, author="owner")


def _set(house: House, wish: Wish) -> None:
    with house.app.database.begin(house.realm_no) as session:
        assert set_company(session, house.realm_no, wish, author="owner")
    house.work_off()
