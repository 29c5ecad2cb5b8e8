"""S1-S12, S18-S21, S27: what anybody on the internet can try."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import hmac
import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import anyio
import httpx
import pytest
from sqlalchemy import func, select

from mapping.errors import DocumentError
from mapping.notifications import parse_notification
from sync.bootstrap import App
from sync.inbox import is_signed
from sync.keys import token_hash
from sync.notify import portal_token
from sync.reports.job_reading import find_job
from sync.store.tables import InboxRow, PortalLinkRow
from sync.web import portal, webhooks
from sync.web.app import HEADERS, build_web
from tests.functional.test_story import LINES
from tests.house import House, Services, open_house, served

#: Every path that can be asked for, and some that are none.
PATHS = ("/healthz", "/readyz", "/connect", "/connected", "/disconnect", "/oauth/callback",
         "/p/nothing", "/static/portal.css", "/static/none.css", "/webhooks/quickbooks",
         "/nowhere", "/docs", "/openapi.json")  # fmt: skip
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "FOO")


@pytest.fixture(scope="module")
def house(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One installation with one job for the whole file."""
    with open_house(services, tmp_path_factory.mktemp("security")) as opened:
        opened.accepted_estimate("S1", LINES)
        opened.sync()
        yield opened


@pytest.fixture(scope="module")
def web(house: House) -> Iterator[httpx.Client]:
    """Its pages, over HTTP."""
    with served(house.app) as client:
        yield client


def link_of(house: House) -> str:
    """The token of the job's page."""
    with house.app.database.begin(house.realm_no) as session:
        job_id = find_job(session, house.realm_no, "S1")
        assert job_id is not None
        return portal_token(session, house.app.keyring, house.realm_no, job_id)


@pytest.mark.parametrize("path", PATHS)
def test_s01_to_s05_headers_stand_on_every_answer(
    house: House, web: httpx.Client, path: str
) -> None:
    """S1 HSTS, S2 CSP, S3 no-store, S4 no referrer, S5 noindex and nosniff: by every method too."""
    for method in ("GET", "POST", "DELETE", "TRACE"):
        answer = web.request(method, path)
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS, (method, path)


def test_s02_to_s05_and_s27_a_fault_of_ours_says_a_number_and_nothing_else(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """S27: no text of the exception, the same headers, and the number stands in the log."""

    def broken(_app: App, _token: str) -> None:
        raise RuntimeError("canary-secret")

    monkeypatch.setattr(portal, "find_view", broken)
    transport = httpx.ASGITransport(app=build_web(house.app), raise_app_exceptions=False)

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://house") as client:
            return await client.get("/p/a-token-nobody-should-read")

    answer = anyio.run(ask)

    assert answer.status_code == 500
    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert "canary" not in answer.text
    (line,) = [one for one in caplog.records if one.getMessage() == "web.failed"]
    assert str(vars(line)["error_id"]) in answer.text
    assert "a-token" not in str(vars(line))


def test_s03_to_s05_the_customers_page_loads_nothing_from_elsewhere(
    house: House, web: httpx.Client
) -> None:
    """S4: every address on it is our own; S2: no script."""
    page = web.get(f"/p/{link_of(house)}")

    assert page.status_code == 200
    assert "<script" not in page.text
    assert "http://" not in page.text.replace(house.app.settings.web_url, "")


@pytest.mark.parametrize("path", PATHS)
def test_s06_unused_methods_are_refused(house: House, web: httpx.Client, path: str) -> None:
    """A method matrix: nothing but what the route is for; no version is told."""
    allowed = {"POST"} if path == "/webhooks/quickbooks" else {"GET"}
    if path.startswith("/static"):
        allowed.add("HEAD")
    for method in METHODS:
        answer = web.request(method, path)
        if method not in allowed:
            assert answer.status_code in (404, 405), (method, path)
        assert "server" not in answer.headers or "/" not in answer.headers["server"]


def test_s07_the_cookie_is_for_this_host_and_this_flow_alone(house: House) -> None:
    """Over https it carries the `__Host-` prefix; Secure, HttpOnly, SameSite, ten minutes."""
    settings = house.app.settings.model_copy(update={"web_url": "https://pay.example.com"})
    redirect = {"redirect_uri": "http://127.0.0.1:8000/oauth/callback"}
    house.sandbox.admin("apps/redirects", redirect)
    with served(dataclasses.replace(house.app, settings=settings)) as client:
        cookie = client.get("/connect").headers["set-cookie"]

    assert cookie.startswith("__Host-")
    parts = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"secure", "httponly", "samesite=lax", "path=/", "max-age=600"} <= parts
    assert not any(part.startswith("domain") for part in parts)


def test_s08_a_link_with_one_sign_changed_opens_nothing(house: House, web: httpx.Client) -> None:
    """Every position; and what the database holds of it opens nothing either."""
    token = link_of(house)
    bits = len(base64.urlsafe_b64decode(token)) * 8
    with house.owner.begin() as session:
        stored = session.scalars(select(PortalLinkRow.token_hash)).all()

    assert bits >= 128
    assert token_hash(token) in stored
    for place in range(len(token)):
        other = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        assert portal.find_view(house.app, other) is None
    for known in stored:
        assert web.get(f"/p/{known.hex()[:32]}").status_code == 404


def test_s11_looking_changes_nothing(house: House, web: httpx.Client) -> None:
    """Mail scanners fetch links: a hundred times is as good as never."""
    token, before = link_of(house), house.dump()

    codes = {web.get(f"/p/{token}").status_code for _ in range(100)}

    assert codes == {200}
    assert house.dump() == before


def test_s12_every_wrong_link_gets_the_same_answer(house: House, web: httpx.Client) -> None:
    """Unknown, malformed, too long, with a slash: one body, byte for byte."""
    wrong = ("x", "A" * 32, "A" * 3000, "a/b", "%00", "..%2f..", "é")
    answers = [web.get(f"/p/{one}") for one in wrong]

    assert {(one.status_code, one.content) for one in answers} == {(404, answers[0].content)}


def sign(house: House, body: bytes) -> dict[str, str]:
    """The header of a delivery that Intuit signed."""
    key = house.sandbox.facts["webhook_verifier"].encode()
    made = hmac.digest(key, body, hashlib.sha256)
    return {"intuit-signature": base64.b64encode(made).decode()}


def test_s18_a_bad_signature_never_reaches_the_parser(
    house: House, web: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is read of a body before the signature holds; two signatures are none."""
    calls: list[bytes] = []
    monkeypatch.setattr(webhooks, "receive", lambda _app, body: calls.append(body))
    body = b"[" * 10_000
    good = sign(house, body)["intuit-signature"]

    assert web.post("/webhooks/quickbooks", content=body).status_code == 401
    twice = [("intuit-signature", good), ("intuit-signature", good)]
    assert web.post("/webhooks/quickbooks", content=body, headers=twice).status_code == 401
    assert calls == []


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'[{"id": "1", "id": "2"}]', id="a-key-twice"),
        pytest.param(b'[{"id": NaN}]', id="NaN"),
        pytest.param(b'[{"id": -Infinity}]', id="infinity"),
        pytest.param(b"[" * 10_000 + b"]" * 10_000, id="deep"),
        pytest.param(b'{"eventNotifications": ' + b"[" * 30 + b"]" * 30 + b"}", id="30-deep"),
        pytest.param(b"[" + b"{}," * 3 + b"{}]", id="empty-events"),
    ],
)
def test_s18_json_that_two_readers_read_differently_is_refused(body: bytes) -> None:
    """Twins, constants that are no JSON, depth beyond any format."""
    with pytest.raises(DocumentError):
        parse_notification(body)


def test_s18_a_body_that_trickles_in_is_given_up(
    house: House, web: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slowloris: the whole body has a deadline, and other deliveries do not wait for it."""
    monkeypatch.setattr(webhooks, "BODY_TIMEOUT_S", 0.5)
    address = urlsplit(str(web.base_url))
    with socket.create_connection((str(address.hostname), int(address.port or 0))) as line:
        line.sendall(
            b"POST /webhooks/quickbooks HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n["
        )
        began = time.monotonic()
        line.settimeout(5)
        said = line.recv(65_536)

    assert said.startswith(b"HTTP/1.1 408")
    assert time.monotonic() - began < 3


def test_s19_two_verifiers_hold_while_one_is_replaced() -> None:
    """Old, new, both; an empty one never."""
    body = b"{}"
    made = {key: base64.b64encode(hmac.digest(key.encode(), body, "sha256")).decode()
            for key in ("old", "new", "")}  # fmt: skip

    assert is_signed(body, made["old"], verifiers=["new", "old"])
    assert is_signed(body, made["new"], verifiers=["new", "old"])
    assert not is_signed(body, made["old"], verifiers=["new"])
    assert not is_signed(body, made[""], verifiers=[""])


def test_s20_a_flood_of_forged_deliveries_does_not_keep_a_real_one_out(
    house: House, web: httpx.Client
) -> None:
    """Forged ones are refused without the database; a real one among them is stored in time."""
    forged = {"intuit-signature": base64.b64encode(b"x" * 32).decode()}
    realm_id = house.sandbox.realm_id
    event = {"specversion": "1.0", "id": "flood", "type": "qbo.estimate.updated.v1",
             "intuitentityid": "1", "intuitaccountid": realm_id, "time": "2099-01-01T00:00:00Z",
             "data": {}}  # fmt: skip
    body = json.dumps([event]).encode()

    def flood(_: int) -> set[int]:
        with httpx.Client(base_url=web.base_url, trust_env=False) as client:
            sent = (client.post("/webhooks/quickbooks", content=b"x" * 1000, headers=forged)
                    for _ in range(60))  # fmt: skip
            return {one.status_code for one in sent}

    with ThreadPoolExecutor(4) as pool:
        floods = [pool.submit(flood, number) for number in range(4)]
        began = time.monotonic()
        answer = web.post("/webhooks/quickbooks", content=body, headers=sign(house, body))
        took_s = time.monotonic() - began
        codes = set().union(*(one.result() for one in floods))

    assert codes == {401}
    assert answer.status_code == 200
    assert took_s < 3
    with house.owner.begin() as session:
        assert session.scalars(select(func.count()).select_from(InboxRow)).one() >= 1


def test_s21_a_state_is_good_once_and_nowhere_else(house: House, web: httpx.Client) -> None:
    """Missing, foreign, used: refused; the answer is never a page while code and realmId stand in
    the address, and it leads nowhere but home.
    """
    for query in ("", "?code=x&realmId=1", "?code=x&realmId=1&state=guess", "?error=access_denied",
                  "?code=x&state=%00&realmId=//evil.example"):  # fmt: skip
        answer = web.get(f"/oauth/callback{query}")
        assert answer.status_code == 302
        assert answer.headers["location"].startswith("/connected?result=")
