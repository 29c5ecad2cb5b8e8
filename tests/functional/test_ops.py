"""Mail that fails, approval, and what a person does with parked work."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import text

from sync import ops, work
from sync.errors import MailRefused, MailUnavailable, MailUncertain, SyncError
from sync.job_decisions import standing, undo
from sync.planning import PlanMoved, approve, approve_as_shown, preview
from sync.store.tables import DecisionRow, WorkRow
from sync.words.findings import say_finding
from tests.functional.test_push import creations, later, raise_price, stop_before_answer
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
    calm.sync()
    again = [one.payload["notice"] for one in calm.work("mail") if one.work_id > parked.work_id]
    assert parked.payload["notice"] not in again


def test_an_invoice_that_was_given_up_is_not_made_before_that_is_taken_back(calm: House) -> None:
    """It stands over price changes, a finding says what is not asked for, and by whom."""
    refuse_invoices(calm)
    estimate = calm.accepted_estimate("8110", LINES)
    calm.sync()
    (parked,) = [row for row in calm.work("bill") if row.state == "parked"]
    with calm.app.database.begin(calm.realm_no) as session:
        assert ops.drop(session, calm.realm_no, parked.work_id, why="billed by hand", author="Ann")
    calm.sync()
    raise_price(calm, estimate, "400.00")
    calm.sync()

    assert calm.sandbox.invoices("8110") == []
    (found,) = [one for one in calm.view("8110").findings if one.code == "invoice_given_up"]
    told, remedy = say_finding(found.code, found.subject, found.facts, currency="USD")
    assert told == (
        f"Invoice 8110-M1 over $3,100.00 is not made: Ann gave it up on {calm.today()}:"
        " billed by hand"
    )
    (decision,) = decisions(calm, "8110")
    assert f"`job undo 8110 {decision.decision_id}`" in remedy

    with calm.app.database.begin(calm.realm_no) as session:
        job_id = calm.view("8110").job_id
        undo(session, calm.realm_no, job_id, decision.decision_id, author="Ann")
    calm.work_off()

    assert [one["DocNumber"] for one in calm.sandbox.invoices("8110")] == ["8110-M1"]
    assert calm.view("8110").findings == ()


def test_what_was_asked_and_given_up_is_read_back_when_that_is_taken_back(calm: House) -> None:
    """I11: the row that takes it up again knows that it was asked, and adopts what was made."""
    calm.sandbox.admin("settings", {"remember_requests_s": 1, "refuse_duplicate_numbers": False})
    stop_before_answer(calm, "8111")
    job_id = calm.view("8111").job_id
    (row,) = [one for one in calm.work("bill") if one.job_id == job_id]
    with calm.owner.begin() as session:
        session.execute(text(f"UPDATE work SET state = 'parked' WHERE work_id = {row.work_id}"))
    with calm.app.database.begin(calm.realm_no) as session:
        assert ops.drop(session, calm.realm_no, row.work_id, why="no idea", author="Ann")
    calm.work_off()
    (decision,) = decisions(calm, "8111")
    with calm.app.database.begin(calm.realm_no) as session:
        undo(session, calm.realm_no, job_id, decision.decision_id, author="Ann")
    later(calm, 4000)
    calm.work_off()

    assert creations(calm, "8111") == 1
    assert calm.view("8111").milestones[0].doc_number == "8111-M1"


def refuse_invoices(house: House) -> None:
    """Have QuickBooks refuse the next invoice as it is."""
    error = {"Message": "Business Validation Error", "Detail": "no", "code": "6000"}
    body = {"Fault": {"Error": [error], "type": "ValidationFault"}}
    fault = {"entity": "Invoice", "operation": "create", "kind": "status", "status": 400}
    house.sandbox.admin("faults", {**fault, "body": json.dumps(body), "count": 1})


def decisions(house: House, base: str) -> Sequence[DecisionRow]:
    """What people have decided about a job and not taken back."""
    with house.app.database.begin(house.realm_no) as session:
        return standing(session, house.realm_no, house.view(base).job_id).rows


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


def test_a_yes_reads_the_books_first(careful: House) -> None:
    """Decision 16: the price went up after the plan was shown, and no webhook told of it."""
    estimate = careful.accepted_estimate("8112", LINES)
    careful.sync()
    (shown,) = preview(careful.app, careful.realm_no, base="8112").jobs
    raise_price(careful, estimate, "4000.00")

    with pytest.raises(PlanMoved) as refused:
        approve_as_shown(careful.app, careful.realm_no, shown.plan_hash, author="owner")
    careful.work_off()
    assert careful.sandbox.invoices("8112") == []

    assert "Was: bill 8112-M1 3000.00" in str(refused.value)
    assert "Is: bill 8112-M1 4000.00" in str(refused.value)
    (now,) = preview(careful.app, careful.realm_no, base="8112").jobs
    assert f"The plan is {now.plan_hash} now." in str(refused.value)
    assert approve_as_shown(careful.app, careful.realm_no, now.plan_hash, author="owner") == 2
    careful.work_off()
    (made,) = careful.sandbox.invoices("8112")
    assert made["TotalAmt"] - made["TxnTaxDetail"]["TotalTax"] == 4000


def test_nothing_is_approved_while_the_books_cannot_be_read(careful: House) -> None:
    """A yes to what nobody has looked at is none."""
    careful.accepted_estimate("8113", LINES)
    careful.sync()
    (shown,) = preview(careful.app, careful.realm_no, base="8113").jobs
    careful.sandbox.admin(
        "faults", {"operation": "cdc", "kind": "status", "status": 503, "count": 20}
    )

    with pytest.raises(SyncError):
        approve_as_shown(careful.app, careful.realm_no, shown.plan_hash, author="owner")
    careful.work_off()

    assert careful.sandbox.invoices("8113") == []


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
