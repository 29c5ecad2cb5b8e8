"""`POST /webhooks/quickbooks`: stored before it is answered, or no trace at all."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import httpx
import pytest
from sqlalchemy import func, insert, select, text

from sync import inbox
from sync.bootstrap import App
from sync.store.tables import InboxRow, RealmRow, TimerRow
from sync.web import webhooks
from tests.functional.test_story import LINES
from tests.functional.test_tokens import needs
from tests.house import House, connect, served, until


@pytest.fixture
def web(house: House) -> Iterator[httpx.Client]:
    """The web application around the installation, served."""
    with served(house.app) as client:
        yield client


def sign(house: House, body: bytes) -> dict[str, str]:
    """Intuit's header for these bytes."""
    key = house.sandbox.facts["webhook_verifier"].encode()
    digest = hmac.digest(key, body, hashlib.sha256)
    return {"intuit-signature": base64.b64encode(digest).decode()}


def event(house: House, *, id: str = "e1", realm_id: str = "", entity: str = "estimate") -> Any:
    """One CloudEvent as Intuit sends it."""
    return {
        "specversion": "1.0",
        "id": id,
        "type": f"qbo.{entity}.updated.v1",
        "time": "2099-01-01T00:00:00.123456789Z",
        "intuitentityid": "145",
        "intuitaccountid": realm_id or house.sandbox.realm_id,
        "data": {},
    }


def stored(house: House) -> int:
    """How many events the inbox holds."""
    with house.owner.begin() as session:
        return session.scalars(select(func.count()).select_from(InboxRow)).one()


def pulls(house: House) -> int:
    """How many pulls wait."""
    return len([row for row in house.work("pull") if row.state == "ready"])


@pytest.mark.parametrize("content_type", ["application/json", "application/cloudevents+json"])
def test_a_signed_notification_is_stored_and_orders_one_pull(
    house: House, web: httpx.Client, content_type: str
) -> None:
    """However often it is delivered: one event, one pull."""
    house.work_off()
    body = json.dumps([event(house)]).encode()
    headers = {**sign(house, body), "content-type": content_type}

    codes = {web.post("/webhooks/quickbooks", content=body, headers=headers).status_code
             for _ in range(10)}  # fmt: skip

    assert codes == {200}
    assert (stored(house), pulls(house)) == (1, 1)


def test_the_older_envelope_is_read_too(house: House, web: httpx.Client) -> None:
    """Two formats, told apart by structure; without an event id the content is the identity."""
    house.work_off()
    entity = {"name": "Estimate", "id": "145", "operation": "Update",
              "lastUpdated": "2099-03-08T20:52:31.657Z"}  # fmt: skip
    one = {"realmId": house.sandbox.realm_id, "dataChangeEvent": {"entities": [entity]}}
    body = json.dumps({"eventNotifications": [one]}).encode()

    for _ in range(3):
        answer = web.post("/webhooks/quickbooks", content=body, headers=sign(house, body))
        assert answer.status_code == 200

    assert (stored(house), pulls(house)) == (1, 1)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="none"),
        pytest.param({"intuit-signature": ""}, id="empty"),
        pytest.param({"intuit-signature": "not base64 at all"}, id="not-base64"),
        pytest.param({"intuit-signature": base64.b64encode(b"x" * 32).decode()}, id="wrong"),
    ],
)
def test_an_unsigned_body_leaves_no_trace(
    house: House, web: httpx.Client, headers: dict[str, str]
) -> None:
    """401, nothing parsed, nothing stored."""
    answer = web.post("/webhooks/quickbooks", content=json.dumps([event(house)]), headers=headers)

    assert answer.status_code == 401
    assert stored(house) == 0


def test_a_signature_holds_for_its_bytes_alone(house: House, web: httpx.Client) -> None:
    """One byte changed, or the same JSON written otherwise: refused."""
    body = json.dumps([event(house)]).encode()
    headers = sign(house, body)
    for other in (body + b" ", body.replace(b"145", b"146"), json.dumps([event(house)], indent=1)):
        assert web.post("/webhooks/quickbooks", content=other, headers=headers).status_code == 401
    assert stored(house) == 0


@pytest.mark.parametrize("body", [b"{", b"[1]", b"{}", b"\xff\xfe", b"[" * 100_000, b"null"])
def test_a_signed_body_that_cannot_be_read_is_kept_and_answered(
    house: House, web: httpx.Client, body: bytes
) -> None:
    """A 400 would make Intuit hold everything behind it: 200, and the body is kept sealed."""
    answer = web.post("/webhooks/quickbooks", content=body, headers=sign(house, body))

    assert answer.status_code == 200
    with house.owner.begin() as session:
        row = session.scalars(select(InboxRow)).one()
    assert (row.operation, row.realm_no) == ("unreadable", None)
    assert row.body_sealed
    assert body[:4] not in row.body_sealed[:4]


@pytest.mark.parametrize(
    ("spoilt", "is_known"),
    [
        pytest.param({"type": "qbo.preferences"}, True, id="of-a-known-company"),
        pytest.param({"intuitaccountid": None}, False, id="of-nobody-knows-whom"),
        pytest.param({"intuitaccountid": "999", "id": ""}, True, id="of-a-stranger"),
    ],
)
def test_one_event_that_cannot_be_read_hides_no_other(
    house: House, web: httpx.Client, spoilt: dict[str, Any], is_known: bool
) -> None:
    """The readable ones count, for every company in the delivery; the body is kept for a person."""
    house.work_off()
    bad = {**event(house, id="bad"), **spoilt}
    body = json.dumps([bad, event(house, id="good")]).encode()

    for _ in range(2):
        answer = web.post("/webhooks/quickbooks", content=body, headers=sign(house, body))
        assert answer.status_code == 200

    with house.owner.begin() as session:
        rows = session.scalars(select(InboxRow).where(InboxRow.body_sealed.is_not(None))).all()
        keys = session.scalars(select(InboxRow.event_key)).all()
    assert "ce:good" in keys
    assert [row.operation for row in rows] == ["unreadable_part" if is_known else "unreadable"]
    assert pulls(house) == 1


def test_what_a_company_was_told_and_could_not_be_read_is_in_its_report_for_a_week(
    house: House, web: httpx.Client
) -> None:
    """The company is pulled all the same; the finding closes by itself."""
    house.work_off()
    body = json.dumps([{**event(house), "type": "qbo.preferences"}]).encode()

    assert web.post("/webhooks/quickbooks", content=body, headers=sign(house, body)).is_success

    assert pulls(house) == 1
    assert [one["code"] for one in needs(house)] == ["delivery_unread"]
    with house.owner.begin() as session:
        session.execute(text("UPDATE inbox SET received_at = now() - interval '8 days'"))
    house.work_off()
    assert needs(house) == []


def test_a_delivery_that_says_not_even_whose_it_is_has_every_company_pulled(
    house: House, web: httpx.Client
) -> None:
    """It may tell of any of them: each is looked at soon, and at most once in five minutes for
    however many such deliveries.
    """
    other = connect(house, house.sandbox.facts["companies"][1]["realm_id"])
    house.work_off()
    before = pulled(house)

    for body in (b"{", b"[1]"):
        assert web.post("/webhooks/quickbooks", content=body, headers=sign(house, body)).is_success
    house.work_off()

    assert pulled(house) == before  # only just pulled: it can wait
    with house.owner.begin() as session:
        an_hour = "first_tried_at = first_tried_at - interval '1 hour'"
        session.execute(text(f"UPDATE work SET {an_hour}"))
    house.work_off()
    house.work_off()

    assert pulled(house) == {one: before[one] + 1 for one in (house.realm_no, other)}


def pulled(house: House) -> dict[int, int]:
    """How many pulls each company has had."""
    with house.owner.begin() as session:
        asked = "SELECT realm_no, count(*) FROM work WHERE kind = 'pull' GROUP BY 1"
        return {realm_no: int(count) for realm_no, count in session.execute(text(asked))}


def test_events_of_several_companies_come_in_one_delivery(house: House, web: httpx.Client) -> None:
    """Each goes to its own company; one that nobody knows is passed over."""
    house.work_off()
    body = json.dumps(
        [event(house), event(house, id="e2", realm_id="999"), event(house, id="e3")]
    ).encode()

    answer = web.post("/webhooks/quickbooks", content=body, headers=sign(house, body))

    assert answer.status_code == 200
    assert (stored(house), pulls(house)) == (2, 1)


def test_a_body_past_the_limit_is_refused(house: House, web: httpx.Client) -> None:
    """2 MB is Intuit's own assumption; more is not read."""
    body = b"x" * 2_000_001
    answer = web.post("/webhooks/quickbooks", content=body, headers=sign(house, body))
    assert answer.status_code == 413


def test_the_echo_of_our_own_write_orders_no_pull(house: House, web: httpx.Client) -> None:
    """An event that tells of the state we wrote ourselves costs no call."""
    house.accepted_estimate("6001", LINES)
    house.sync()
    invoice = house.sandbox.invoices("6001")[0]
    moment = invoice["MetaData"]["LastUpdatedTime"]
    echo = {**event(house, entity="invoice"), "intuitentityid": invoice["Id"], "time": moment}
    body = json.dumps([echo]).encode()

    assert web.post("/webhooks/quickbooks", content=body, headers=sign(house, body)).is_success

    assert (stored(house), pulls(house)) == (1, 0)


def test_an_edit_within_the_second_of_our_write_is_no_echo(house: House, web: httpx.Client) -> None:
    """Two events of one second: somebody may have saved right after us, so it is looked at."""
    house.accepted_estimate("6002", LINES)
    house.sync()
    invoice = house.sandbox.invoices("6002")[0]
    moment = invoice["MetaData"]["LastUpdatedTime"]
    ours = {**event(house, entity="invoice"), "intuitentityid": invoice["Id"], "time": moment}
    theirs = {**ours, "id": "another", "time": moment}
    body = json.dumps([ours, theirs]).encode()

    assert web.post("/webhooks/quickbooks", content=body, headers=sign(house, body)).is_success

    assert (stored(house), pulls(house)) == (2, 1)


def test_webhooks_that_work_make_the_sweep_rare_and_a_silent_change_frequent_again(
    house: House, web: httpx.Client
) -> None:
    """Once a day while webhooks tell of every change; every 15 minutes once one did not."""
    house.sync()
    assert sweep_s(house) == 900
    house.accepted_estimate("6003", LINES)
    body = json.dumps([event(house)]).encode()
    assert web.post("/webhooks/quickbooks", content=body, headers=sign(house, body)).is_success
    house.sync()
    assert sweep_s(house) == 86_400

    house.accepted_estimate("6004", LINES)
    house.sync()
    assert sweep_s(house) == 900


def sweep_s(house: House) -> int:
    """The seconds between two looks at the company's books."""
    with house.app.database.begin(house.realm_no) as session:
        return session.scalars(select(TimerRow.every_s)).one()


def test_every_answer_carries_the_headers(house: House, web: httpx.Client) -> None:
    """S2-S5 on every route, errors included."""
    for path in ("/healthz", "/connect", "/p/nothing", "/nowhere", "/connected"):
        answer = web.get(path)
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "noindex" in answer.headers["x-robots-tag"]


def test_consent_is_bound_to_the_browser_that_began_it(house: House, web: httpx.Client) -> None:
    """S21: a state is good once, in its own browser; the callback never answers a page."""
    house.sandbox.admin(
        "apps/redirects", {"redirect_uri": f"{house.app.settings.web_url}/oauth/callback"}
    )
    begun = web.get("/connect")
    assert begun.status_code == 302
    state = begun.headers["location"].split("state=")[1].split("&")[0]
    web.cookies.clear()

    stolen = web.get(f"/oauth/callback?code=x&state={state}&realmId=1")

    assert stolen.status_code == 302
    assert stolen.headers["location"] == "/connected?result=refused"


def test_a_notification_sent_by_the_sandbox_reaches_the_inbox(
    house: House, web: httpx.Client
) -> None:
    """Over HTTP, signed by the sandbox's own key, with nothing between but a socket."""
    house.sandbox.admin("webhooks", {"url": f"{str(web.base_url).rstrip('/')}/webhooks/quickbooks"})

    house.accepted_estimate("6002", LINES)

    until(lambda: stored(house) >= 3, timeout_s=10, what="customer, job and estimate told")


def test_deliveries_that_name_the_same_companies_do_not_wait_for_each_other(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two at once, each naming two companies, the one the other way round: both are stored."""
    house.work_off()
    second = "9341450000000777"
    with house.owner.begin() as session:
        session.execute(
            insert(RealmRow).values(
                realm_id_sealed=house.app.keyring.seal(second, purpose="realm_id"),
                realm_id_hmac=house.app.keyring.realm_hash(second),
                zone="UTC",
                mode="auto",
            )
        )
    both_hold_one = threading.Barrier(2)
    receive_for = inbox._receive_for

    def slowly(*arguments: Any) -> int:
        count = receive_for(*arguments)
        with suppress(threading.BrokenBarrierError):
            both_hold_one.wait(1.0)
        return count

    monkeypatch.setattr(inbox, "_receive_for", slowly)
    realm_ids = [house.sandbox.realm_id, second]
    bodies = [
        json.dumps([event(house, id=f"{n}/{one}", realm_id=one) for one in order]).encode()
        for n, order in enumerate((realm_ids, realm_ids[::-1]))
    ]

    with ThreadPoolExecutor(2) as pool:
        counts = list(pool.map(lambda body: inbox.receive(house.app, body), bodies))

    assert counts == [2, 2]
    assert stored(house) == 4


def test_deliveries_of_a_burst_are_stored_together_and_answered_each_for_itself(
    house: House, web: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes while others are being stored is one transaction; one that cannot be stored takes
    no other with it.
    """
    house.work_off()
    sizes: list[int] = []
    others_wait = threading.Event()
    receive = webhooks.receive

    def slowly(app: App, *bodies: bytes) -> int:
        sizes.append(len(bodies))
        others_wait.wait(10)
        return receive(app, *bodies)

    def post(name: str) -> int:
        body = json.dumps([event(house, id=name)]).encode()
        return web.post("/webhooks/quickbooks", content=body, headers=sign(house, body)).status_code

    monkeypatch.setattr(webhooks, "receive", slowly)
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(post, "first")
        until(lambda: sizes, timeout_s=10, what="the first being stored")
        later = [pool.submit(post, name) for name in ("second", "a\x00b", "third")]
        time.sleep(0.5)
        others_wait.set()
        codes = [one.result() for one in (first, *later)]

    assert codes == [200, 200, 503, 200]
    assert sizes == [1, 3, 1, 1, 1]
    assert stored(house) == 3
