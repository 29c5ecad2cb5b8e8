"""Mail that fails, approval, and what a person does with parked work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sync import ops, work
from sync.errors import MailRefused, MailUnavailable, MailUncertain
from sync.planning import PlanMoved, approve, preview
from sync.store.tables import WorkRow
from tests.functional.test_push import later
from tests.functional.test_story import LINES
from tests.house import House, Services, open_house


@pytest.fixture
def calm(house: House) -> House:
    """The installation at rest."""
    house.sync()
    house.mail.sent.clear()
    return house


@pytest.fixture
def careful(services: Services, tmp_path: Path) -> Iterator[House]:
    """An installation whose company approves every effect."""
    with open_house(services, tmp_path, mode="approve") as opened:
        yield opened


def mails(house: House, state: str) -> list[WorkRow]:
    """The mails of the ledger in a state."""
    return [row for row in house.work("mail") if row.state == state]


def test_a_mail_server_that_is_away_is_tried_again(calm: House) -> None:
    """Nothing was handed over: later, and then once."""
    calm.mail.fail_with = [MailUnavailable("away")]
    calm.accepted_estimate("8101", LINES)
    calm.sync()
    later(calm, 60)
    calm.work_off()

    subjects = [str(one["Subject"]) for one in calm.mail.sent]
    assert len(subjects) == len(set(subjects)) == 2


def test_a_mail_that_may_have_gone_out_is_never_sent_again_by_itself(calm: House) -> None:
    """I17: parked as uncertain; only a person's retry sends it."""
    calm.mail.fail_with = [MailUncertain("the line broke")]
    calm.accepted_estimate("8102", LINES)
    calm.sync()
    later(calm, 100_000)
    calm.work_off()
    (parked,) = mails(calm, "parked")
    assert (parked.error_class, parked.payload["notice"]) == ("MailUncertain", "scheduled")
    sent = len(calm.mail.sent)
    assert sent == 1  # the invoice's mail need not wait for a person

    with calm.app.database.begin(calm.realm_no) as session:
        assert ops.retry(session, calm.realm_no, parked.work_id, author="ops")
    calm.work_off()

    assert len(calm.mail.sent) == sent + 1
    assert mails(calm, "parked") == []


def test_a_refused_address_parks_the_mail_and_a_drop_is_on_record(calm: House) -> None:
    """The reason stands in the row; giving it up needs a reason too."""
    calm.mail.fail_with = [MailRefused("no such mailbox")]
    calm.accepted_estimate("8103", LINES)
    calm.sync()
    (parked,) = mails(calm, "parked")
    assert parked.error == "no such mailbox"

    with calm.app.database.begin(calm.realm_no) as session:
        assert ops.drop(session, calm.realm_no, parked.work_id, why="moved away", author="ops")
        assert not ops.drop(session, calm.realm_no, parked.work_id, why="again", author="ops")
    with calm.app.database.begin(calm.realm_no) as session:
        row = session.get_one(WorkRow, (calm.realm_no, parked.work_id))
    assert (row.state, row.error) == ("cancelled", "dropped: moved away")


def test_nothing_leaves_a_careful_company_without_a_yes(careful: House) -> None:
    """Decision 9: effects are proposed; approving the plan lets exactly those go."""
    careful.accepted_estimate("8104", LINES)
    careful.sync()
    assert careful.sandbox.invoices("8104") == []
    assert careful.mail.sent == []
    shown = next(
        one
        for one in preview(careful.app, careful.realm_no, base="8104").changes
        if one.decision.facts.job.base == "8104"
    )

    with careful.app.database.begin(careful.realm_no) as session:
        assert approve(session, careful.realm_no, shown.plan_hash, author="owner") == 2
    careful.work_off()

    assert [one["DocNumber"] for one in careful.sandbox.invoices("8104")] == ["8104-M1"]


def test_a_yes_to_a_plan_that_moved_is_refused(careful: House) -> None:
    """What was shown is not what would happen any more: look again."""
    careful.accepted_estimate("8105", LINES)
    careful.sync()
    (shown,) = preview(careful.app, careful.realm_no, base="8105").jobs
    job_id = shown.decision.facts.job.job_id

    with careful.app.database.begin(careful.realm_no) as session:
        work.look_again(session, careful.realm_no, job_id)
    with (
        pytest.raises(PlanMoved),
        careful.app.database.begin(careful.realm_no) as session,
    ):
        approve(session, careful.realm_no, shown.plan_hash, author="owner")

    assert careful.sandbox.invoices("8105") == []


def test_two_jobs_alike_have_plans_of_their_own(careful: House) -> None:
    """The same amounts under another number: a yes to one plan lets nothing of the other go."""
    for number in ("8106", "8107"):
        careful.accepted_estimate(number, LINES)
    careful.sync()
    (one,) = preview(careful.app, careful.realm_no, base="8106").jobs
    (other,) = preview(careful.app, careful.realm_no, base="8107").jobs
    assert one.plan_hash != other.plan_hash

    with careful.app.database.begin(careful.realm_no) as session:
        approve(session, careful.realm_no, one.plan_hash, author="owner")
    careful.work_off()

    assert len(careful.sandbox.invoices("8106")) == 1
    assert careful.sandbox.invoices("8107") == []


def test_a_sub_customer_without_an_address_is_written_to_at_its_parents(calm: House) -> None:
    """QuickBooks shows the parent's address there too."""
    body = {
        "CustomerRef": {"value": calm.new_customer()},
        "DocNumber": "8108",
        "TxnStatus": "Accepted",
        "Line": [calm.line(*one) for one in LINES],
    }
    calm.sandbox.create("Estimate", body)
    calm.sync()

    assert mails(calm, "parked") == []
    assert {str(one["To"]) for one in calm.mail.sent} == {"owner@example.com"}
