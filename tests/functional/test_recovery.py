"""A backup in the middle of a story, restored after its end: nothing is made or mailed twice, and
what people did stays (fault 65, S45).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text, update

from sync import embedded
from sync.backup import archive, tables
from sync.backup.archive import MAGIC, ArchiveError
from sync.backup.recover import Recovered, recover
from sync.bootstrap import build_app
from sync.keys import Keyring
from sync.store import journal
from sync.store.database import Database
from sync.store.tables import RealmRow
from tests.functional.test_push import later, raise_price
from tests.functional.test_story import LINES, complete, net
from tests.house import House, KeptMail, NoLimits, Services, _driver, open_house

BASES = ("9501", "9502", "9503", "9504", "9505")


@dataclass(slots=True)
class Told:
    """The story: the old installation, the new one, and what was between."""

    old: House
    new: House
    file: Path
    done: Recovered
    invoices: list[Any]  #: as they stood before the restore
    dump: dict[str, list[tuple[Any, ...]]]  #: the old database when the backup was taken


@contextmanager
def moved(house: House, services: Services) -> Iterator[House]:
    """The same installation on a new, empty, migrated database."""
    name = services.new_database()
    owner_url = services.url("milestone_owner", name)
    settings = house.app.settings.model_copy(
        update={
            "database_url": _driver(services.url("milestone_app", name)),
            "dispatcher_database_url": _driver(services.url("milestone_dispatcher", name)),
            "owner_database_url": _driver(owner_url),
        }
    )
    mail = KeptMail()
    app = build_app(settings, mail=mail, limits=NoLimits())
    admin = Database(_driver(services.url(embedded.ADMIN, name)), pool_size=2)
    dispatcher = Database(settings.dispatcher_url, pool_size=2)
    try:
        yield House(
            app=app,
            dispatcher=dispatcher,
            owner=admin,
            sandbox=house.sandbox,
            mail=mail,
            realm_no=house.realm_no,
        )
    finally:
        dispatcher.close()
        admin.close()
        app.close()
        services.drop_database(name)


@pytest.fixture(scope="module")
def told(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """Half a story, a backup, the other half, a restore, a recovery, and rest."""
    folder = tmp_path_factory.mktemp("recovery")
    with open_house(services, folder) as house, moved(house, services) as new:
        estimates = begin(house)
        file, dump = folder / "half.msb", house.dump(without=sorted(tables.LEFT_BEHIND))
        counted = tables.backup(
            house.app.database, [house.realm_no], file, keyring=house.app.keyring
        )
        go_on(house, estimates)
        invoices = house.sandbox.query("Invoice")

        owner = Database(new.app.settings.owner_url, pool_size=1)
        tables.restore(new.app.database, owner, file, keyring=new.app.keyring)
        assert new.dump(without=[*tables.LEFT_BEHIND, "realm"]) == {
            name: rows for name, rows in dump.items() if name != "realm"
        }
        new.work_off()  # a company that is not recovered rests
        assert counted.taken_at is not None
        (done,) = recover(new.app, owner, [new.realm_no], taken_at=counted.taken_at)
        owner.close()
        new.work_off()
        new.sync()
        yield Told(old=house, new=new, file=file, done=done, invoices=invoices, dump=dump)


def begin(house: House) -> dict[str, Any]:
    """Before the backup: three deposits are out, the fourth was asked for and is not answered, and
    a mail is still waiting.
    """
    estimates = {base: house.accepted_estimate(base, LINES) for base in BASES[:3]}
    house.sync()
    fault = {"entity": "Invoice", "operation": "create", "kind": "status", "status": 504}
    house.sandbox.admin("faults", {**fault, "count": 1, "body": "<html>gateway</html>"})
    estimates["9504"] = house.accepted_estimate("9504", LINES)
    house.sync()
    assert house.sandbox.invoices("9504") == []
    set_mail(house, "state = 'ready', asked_at = NULL, retry_at = now() + interval '1 hour'")
    return estimates


def set_mail(house: House, values: str) -> None:
    """Set the newest mail about 9503: it is on its way, or it has been sent."""
    job_id = house.view("9503").job_id
    newest = f"(SELECT max(work_id) FROM work WHERE kind = 'mail' AND job_id = {job_id})"
    with house.owner.begin() as session:
        session.execute(text(f"UPDATE work SET {values} WHERE work_id = {newest}"))


def go_on(house: House, estimates: dict[str, Any]) -> None:
    """After it: what waited is done, a job is opened, money comes, invoices are changed by people
    and by us.
    """
    set_mail(house, "state = 'done', asked_at = now()")
    later(house, 140)
    house.work_off()
    estimates["9505"] = house.accepted_estimate("9505", LINES)
    house.pay(house.sandbox.invoices("9501")[0])
    raise_price(house, estimates["9501"], "400.00")
    raise_price(house, estimates["9502"], "800.00")  # revises the deposit that is out
    house.sync()
    edit(house, house.sandbox.invoices("9503")[0], amount="2000.00")
    complete(house, "9501", "removal")
    edit(house, house.sandbox.invoices("9501")[1], words="As agreed on the phone")
    house.sync()
    assert house.unfinished() == []


def edit(house: House, invoice: Any, *, amount: str = "", words: str = "") -> None:
    """A bookkeeper's edit of an invoice's second line."""
    lines = [line for line in invoice["Line"] if line["DetailType"] == "SalesItemLineDetail"]
    if amount:
        priced = {"Qty": 1, "UnitPrice": Decimal(amount)}
        detail = {**lines[1]["SalesItemLineDetail"], **priced}
        lines[1] |= {"Amount": Decimal(amount), "SalesItemLineDetail": detail}
    if words:
        lines[1]["Description"] = words
    house.sandbox.change("Invoice", invoice, Line=lines)


def test_no_invoice_is_made_twice_and_none_is_changed(told: Told) -> None:
    """By the sandbox's own history: one create a number; the restore wrote nothing at all."""
    made = Counter(
        one["after"]["DocNumber"]
        for one in told.new.sandbox.writes_of("Invoice")
        if one["operation"].lower() == "create"
    )

    assert set(made.values()) == {1}
    assert told.new.sandbox.query("Invoice") == told.invoices
    assert told.done.jobs == 1
    assert told.done.invoices == 3  # 9501-M2, 9504-M1, 9505-M1
    assert (told.done.own_changes, told.done.edits) == (1, 1)  # 9502-M1 was ours, 9503-M1 not


def test_no_mail_is_sent_again(told: Told) -> None:
    """Each that may have gone out waits for a person and counts as told."""
    parked = [row for row in told.new.work("mail") if row.state == "parked"]

    assert told.new.mail.sent == []
    assert told.done.mails == len(parked) > 0
    assert {row.error_class for row in parked} == {"MailUncertain"}
    assert [one[:2] for one in told.new.unfinished() if one[1] != "parked"] == []


@pytest.mark.parametrize("base", BASES)
def test_the_state_ties_out(told: Told, base: str) -> None:
    """Amounts, what is billed and what is paid are what the old installation knew."""
    old, new = told.old.view(base), told.new.view(base)

    assert new.job_id == old.job_id
    assert [
        (one.amount_minor, one.billed_minor, one.paid_minor, one.doc_number)
        for one in new.milestones
    ] == [
        (one.amount_minor, one.billed_minor, one.paid_minor, one.doc_number)
        for one in old.milestones
    ]
    assert sorted(one.code for one in new.findings) == sorted(one.code for one in old.findings)
    with told.new.app.database.begin(told.new.realm_no) as session:
        assert journal.verify(session, told.new.realm_no, new.job_id) is None


def test_the_story_goes_on_where_it_was(told: Told) -> None:
    """What people reported is said again; the price moves; the last payment is asked, once, and a
    bookkeeper's words stay.
    """
    house = told.new
    complete(house, "9501", "removal")
    (estimate,) = house.sandbox.query("Estimate", "WHERE DocNumber = '9501'")
    raise_price(house, estimate, "400.00")
    house.sync()
    complete(house, "9501", "installation")
    house.sync()

    invoices = house.sandbox.invoices("9501")
    assert [one["DocNumber"] for one in invoices] == ["9501-M1", "9501-M2", "9501-M3"]
    assert sum(net(one) for one in invoices) == Decimal("12800.00")
    assert "As agreed on the phone" in [line.get("Description") for line in invoices[1]["Line"]]
    deposit = house.sandbox.invoices("9503")[0]
    assert deposit == next(one for one in told.invoices if one["Id"] == deposit["Id"])


def test_the_file_is_sealed(told: Told) -> None:
    """S45: no name, no number, no token; another key does not open it, nor does a cut or altered
    one.
    """
    whole = told.file.read_bytes()
    assert whole.startswith(MAGIC)
    for word in (
        b"9501",
        b"owner@example.com",
        b"Quartz",
        b"realm",
        told.old.sandbox.realm_id.encode(),
    ):
        assert word not in whole[len(MAGIC) :]
    assert told.file.stat().st_mode & 0o077 == 0

    new, owner = told.new, told.new.owner
    with pytest.raises(ArchiveError, match="not empty"):
        tables.restore(new.app.database, owner, told.file, keyring=new.app.keyring)
    with pytest.raises(ArchiveError, match="another secret key"):
        list(archive.read(told.file, keyring=Keyring("x" * 40)))
    for harmed in (whole[:-1], whole[:-40] + b"0" + whole[-39:], whole + b"0"):
        broken = told.file.with_name("broken.msb")
        broken.write_bytes(harmed)
        with pytest.raises(ArchiveError):
            list(archive.read(broken, keyring=new.app.keyring))


def test_a_grant_that_died_since_is_asked_for_again(told: Told) -> None:
    """The company stays shut, says so, and `recover` may be run again once it is connected."""
    house = told.new
    with house.owner.begin() as session:
        dead = house.app.keyring.seal("gone", purpose=f"refresh_token/{house.realm_no}")
        session.execute(
            update(RealmRow).values(refresh_token_sealed=dead, access_expires_at=text("now()"))
        )
    taken_at = next(row.asked_at for row in house.work("mail") if row.state == "parked")
    assert taken_at is not None
    (done,) = recover(
        house.app, house.owner, [house.realm_no], taken_at=taken_at - timedelta(minutes=1)
    )

    assert done.is_disconnected
    with house.app.database.begin(house.realm_no) as session:
        assert session.get_one(RealmRow, house.realm_no).state == "reauth_needed"
