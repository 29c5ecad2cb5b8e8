"""What a pull brings where QuickBooks gives it in pieces: pages that move, answers that are cut."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, text

from sync import feed, inbox, pull
from sync.quickbooks import gateway, queries
from sync.store import mirror
from sync.store.tables import JobRow, MirrorRow
from tests.functional.test_story import LINES
from tests.house import House


def estimates(house: House, count: int, *, apart: str = "1m") -> list[Any]:
    """Pending estimates of one customer, the oldest first, each so long after the one before."""
    customer, made = house.new_customer(), []
    for _ in range(count):
        if apart:
            house.sandbox.admin("clock/advance", {"by": apart})
        line = house.line("Backsplash", "100.00")
        body = {"CustomerRef": {"value": customer}, "Line": [line]}
        made.append(house.sandbox.create("Estimate", body))
    return made


def after_page_with(
    house: House, monkeypatch: pytest.MonkeyPatch, known: Any, do: Callable[[], object]
) -> None:
    """Have somebody do something right after the page was read on which an estimate stands."""
    ask, acts = house.app.gateway._query, [do]

    def asked(realm_no: int, kind: str, statement: str) -> Any:
        page = ask(realm_no, kind, statement)
        if acts and known["Id"] in [one["Id"] for one in page]:
            acts.pop()()
        return page

    monkeypatch.setattr(house.app.gateway, "_query", asked)


def ids(found: gateway.Changes, entity: str) -> set[str]:
    """The ids of one kind among what came."""
    return {str(raw["Id"]) for kind, raw in found.documents if kind == entity}


def is_deleted(house: House, entity: str, qbo_id: str) -> bool:
    """Whether a document is deleted, as far as we know."""
    with house.app.database.begin(house.realm_no) as session:
        return session.get_one(MirrorRow, (house.realm_no, entity, qbo_id)).is_deleted


def job(house: House, base: str) -> JobRow:
    """A job's row."""
    with house.app.database.begin(house.realm_no) as session:
        return session.scalars(select(JobRow).where(JobRow.base == base)).one()


def forget_watermark(house: House) -> None:
    """Let everything be read again at the next pull."""
    with house.owner.begin() as session:
        session.execute(text("UPDATE realm SET watermark = NULL"))


@pytest.mark.parametrize("apart", ["1m", ""], ids=["minutes-apart", "within-a-second"])
@pytest.mark.parametrize("saved", [0, 1, 2])
def test_a_save_between_two_pages_hides_no_document(
    house: House, monkeypatch: pytest.MonkeyPatch, apart: str, saved: int
) -> None:
    """What is saved moves to the end, and no other row slips through the gap that it leaves."""
    made = estimates(house, 7, apart=apart)
    monkeypatch.setattr(queries, "PAGE_SIZE", 3)
    known = {one["Id"] for one in house.sandbox.query("Estimate")}

    def save() -> None:
        house.sandbox.admin("clock/advance", {"by": "1m"})
        house.sandbox.change("Estimate", made[saved], PrivateNote="called")

    after_page_with(house, monkeypatch, made[saved], save)

    found = house.app.gateway.all_of(house.realm_no, "Estimate")

    assert {str(raw["Id"]) for _, raw in found} == known
    assert len(found) == len(known)


def test_a_document_that_no_page_brought_is_asked_for_by_id_before_it_counts_as_deleted(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """29 days without a pull: everything is read again. One that slipped through lives on; one that
    was deleted meanwhile, and of which no feed tells any more, does not.
    """
    slipped, deleted, kept = estimates(house, 3)
    house.sync()
    house.sandbox.operation("Estimate", deleted, "delete")
    house.sandbox.admin("clock/advance", {"by": "31d"})
    whole = house.app.gateway.all_of

    def cut(realm_no: int, entity: str) -> Any:
        return [(kind, raw) for kind, raw in whole(realm_no, entity) if raw["Id"] != slipped["Id"]]

    monkeypatch.setattr(house.app.gateway, "all_of", cut)

    house.sync()

    gone = [is_deleted(house, "Estimate", one["Id"]) for one in (slipped, deleted, kept)]
    assert gone == [False, True, False]


def test_a_document_that_comes_again_was_not_deleted(house: House) -> None:
    """A guess of ours is taken back by the document itself, in the same revision; what QuickBooks
    told is not.
    """
    first, _ = estimates(house, 2)
    house.accepted_estimate("9501", LINES)
    house.sync()
    (estimate,) = house.sandbox.query("Estimate", "WHERE DocNumber = '9501'")
    with house.owner.begin() as session:
        session.execute(text("UPDATE mirror SET is_deleted = true WHERE entity = 'Estimate'"))
        guessed = text("UPDATE mirror SET is_missing = true WHERE qbo_id = :id")
        session.execute(guessed, {"id": estimate["Id"]})
    forget_watermark(house)

    house.sync()

    assert not is_deleted(house, "Estimate", estimate["Id"])
    assert is_deleted(house, "Estimate", first["Id"])
    assert [one.code for one in house.view("9501").findings] == []
    assert len(house.sandbox.invoices("9501")) == 1


def test_what_was_written_while_everything_is_read_is_not_taken_for_deleted(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An invoice of ours is made after its page was read: it did not come, and it lives."""
    house.sync()
    house.accepted_estimate("9502", LINES)
    forget_watermark(house)
    found = feed.everything(house.app, house.realm_no)
    house.sync()
    (invoice,) = house.sandbox.invoices("9502")
    assert invoice["Id"] not in ids(found, "Invoice")

    with house.app.database.begin(house.realm_no) as session:
        pull.apply(session, house.realm_no, found)

    assert not is_deleted(house, "Invoice", invoice["Id"])


def test_an_answer_of_the_feed_that_is_cut_is_asked_for_kind_by_kind(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """1,000 objects at most, all kinds together: at that number the rest is not told. What is cut
    for one kind alone is read whole, and a deletion among it is not lost.
    """
    house.sync()
    made = estimates(house, 9)
    house.sync()
    for one in made[:8]:
        house.sandbox.change("Estimate", one, PrivateNote="again")
    house.sandbox.operation("Estimate", made[0], "delete")
    house.accepted_estimate("9503", LINES)
    house.sandbox.admin("settings", {"cdc_limit": 6})
    monkeypatch.setattr(gateway, "CDC_OBJECTS_MAX", 6)

    house.sync()

    assert is_deleted(house, "Estimate", made[0]["Id"])
    assert not any(is_deleted(house, "Estimate", one["Id"]) for one in made[1:])
    assert house.view("9503").base == "9503"
    assert len(house.sandbox.invoices("9503")) == 1


@pytest.mark.parametrize("is_told", [True, False], ids=["documents-touched", "in-silence"])
@pytest.mark.parametrize("gap", ["1m", "31d"])
def test_a_merge_takes_the_job_along_whatever_quickbooks_tells_of_it(
    house: House, is_told: bool, gap: str
) -> None:
    """Whom the documents name may change without a new revision; the customer that went is told,
    by the feed or, after a month without a pull, by a full reading that shows inactive ones.
    """
    old, new = house.new_customer(), house.new_customer()
    house.accepted_estimate("9511", LINES, customer_id=old)
    house.sync()
    house.sandbox.admin("settings", {"merge_touches_documents": is_told})
    house.sandbox.admin("clock/advance", {"by": gap})

    house.sandbox.admin("act", {"verb": "merge", "document": f"#{old}", "into": f"#{new}"})
    house.sandbox.admin("clock/advance", {"by": "10m"})
    house.sync()

    (invoice,) = house.sandbox.invoices("9511")
    assert invoice["CustomerRef"]["value"] == new
    with house.app.database.begin(house.realm_no) as session:
        rows = mirror.of_customers(session, house.realm_no, "Invoice", customer_ids=[new])
        assert [row.qbo_id for row in rows] == [invoice["Id"]]
    assert job(house, "9511").customer_id == new
    assert "customer_inactive" not in [one.code for one in house.view("9511").findings]


def test_a_merge_that_only_a_webhook_tells_of_is_seen(house: House) -> None:
    """The feed says nothing of either customer: both that the event names are looked at."""
    old, new = house.new_customer(), house.new_customer()
    house.accepted_estimate("9512", LINES, customer_id=old)
    house.sync()
    house.sandbox.admin("settings", {"merge_touches_documents": False})
    house.sandbox.admin("act", {"verb": "merge", "document": f"#{old}", "into": f"#{new}"})
    house.sandbox.admin("clock/advance", {"by": "10m"})
    with house.owner.begin() as session:
        # As if the pull had been told of the customers before the documents were moved.
        session.execute(
            text("""UPDATE mirror SET fields = fields || '{"Active": false}' WHERE qbo_id = :id
                    AND entity = 'Customer'"""), {"id": old})  # fmt: skip
    entity = {"name": "Customer", "id": new, "operation": "Merge", "deletedId": old}
    told = {"realmId": house.sandbox.realm_id, "dataChangeEvent": {"entities": [entity]}}

    inbox.receive(house.app, json.dumps({"eventNotifications": [told]}).encode())
    house.work_off()

    assert job(house, "9512").customer_id == new


def test_an_inactive_sub_customer_of_the_first_day_is_seen(house: House) -> None:
    """A query hides it unless it is asked for: its job would stand on a customer without a name."""
    customer = house.new_customer()
    house.accepted_estimate("9513", LINES, customer_id=customer)
    known = house.sandbox.read("Customer", customer)
    off = {name: known[name] for name in ("Id", "SyncToken", "DisplayName")}
    house.sandbox.create("Customer", {**off, "sparse": True, "Active": False})

    house.sync()

    view = house.view("9513")
    assert "customer_inactive" in [one.code for one in view.findings]
    assert job(house, "9513").key == f"customer:{customer}"


def test_an_older_revision_replaces_no_newer(house: House) -> None:
    """What a slow answer brings late is not taken for what stands there now; nor is it news."""
    estimate = house.accepted_estimate("8790", LINES)
    house.sync()
    newer = house.sandbox.change("Estimate", estimate, PrivateNote="as agreed")
    with house.app.database.begin(house.realm_no) as session:
        assert mirror.store(session, house.realm_no, "Estimate", newer)
        assert not mirror.store(session, house.realm_no, "Estimate", estimate)
        row = mirror.rows(session, house.realm_no, "Estimate", ids=[estimate["Id"]])
        assert row[estimate["Id"]].fields["PrivateNote"] == "as agreed"
