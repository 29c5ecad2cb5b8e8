"""The stand-in as a real process: killed, restarted, and used by a client that we did not write."""

import base64
import contextlib
import hashlib
import hmac
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

ROOT = Path(__file__).parents[2]
READY_WITHIN_S = 20
STOP_WITHIN_S = 10
REDIRECT = "http://127.0.0.1:9/callback"


class Sandbox:
    """One sandbox process of a test."""

    def __init__(self, data_dir: Path, *, port: int = 0) -> None:
        command = [sys.executable, "-m", "sandbox", "--data", str(data_dir), "--json"]
        self.process = subprocess.Popen(
            [*command, "--port", str(port)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.facts: dict[str, Any] = json.loads(self.process.stdout.readline())
        self.url: str = self.facts["sandbox_url"]
        self.realm_id: str = self.facts["realm_id"]
        self.http = httpx.Client(
            base_url=f"{self.facts['quickbooks_url']}/company/{self.realm_id}",
            headers={"Authorization": f"Bearer {self.facts['access_token']}"},
        )

    @property
    def port(self) -> int:
        port = urlsplit(self.url).port
        assert port is not None
        return port

    def admin(self, method: str, path: str, **body: Any) -> Any:
        answer = httpx.request(method, f"{self.url}/sandbox/{path}", json=body or None)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    def invoice(self, amount: int, **fields: Any) -> httpx.Response:
        requestid = fields.pop("requestid", None)
        params = {"requestid": requestid} if requestid else {}
        return self.http.post("/invoice", json=an_invoice(amount, **fields), params=params)

    def count(self, entity: str) -> int:
        answer = self.http.get("/query", params={"query": f"SELECT COUNT(*) FROM {entity}"})
        return int(answer.json()["QueryResponse"]["totalCount"])

    def kill(self) -> None:
        self.process.kill()
        self._ended()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self._ended()

    def _ended(self) -> int:
        self.http.close()
        code = self.process.wait(STOP_WITHIN_S)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


class Receiver:
    """A webhook receiver on loopback that answers with the statuses it was given, then with 200."""

    def __init__(self, *statuses: int) -> None:
        self.posts: list[tuple[dict[str, str], bytes]] = []
        answers = list(statuses)
        posts = self.posts

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                posts.append(({k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(answers.pop(0) if answers else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hooks"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def events(self) -> list[dict[str, Any]]:
        return [event for _, body in self.posts for event in json.loads(body)]

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox that the tests of this file share; each uses documents of its own."""
    sandbox = Sandbox(tmp_path_factory.mktemp("books"))
    yield sandbox
    sandbox.stop()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.close()


def an_invoice(amount: int, **fields: Any) -> dict[str, Any]:
    line = {
        "Amount": amount,
        "DetailType": "SalesItemLineDetail",
        "SalesItemLineDetail": {"ItemRef": {"value": "4"}},
    }
    return {"CustomerRef": {"value": "9"}, "Line": [line], **fields}


def until(condition: Callable[[], bool], *, within_s: float = 8) -> bool:
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def test_killed_sandbox_keeps_everything_it_answered(tmp_path: Path) -> None:
    """Documents, the first answer to a requestid, clock, keys and tokens are back after kill -9."""
    first = Sandbox(tmp_path)
    made = first.invoice(100, requestid="once").json()
    first.admin("POST", "clock/advance", by="7d")
    count = first.count("Invoice")
    first.kill()

    second = Sandbox(tmp_path, port=first.port)

    repeated = second.invoice(100, requestid="once").json()
    offset_s = second.admin("GET", "clock")["offset_s"]
    counted, facts = second.count("Invoice"), second.facts
    second.stop()
    assert repeated == made
    assert counted == count
    assert offset_s == 7 * 86400
    assert facts == first.facts


def test_torn_last_line_is_dropped_and_nothing_else(tmp_path: Path) -> None:
    """A line that was cut short by a crash was never answered."""
    first = Sandbox(tmp_path)
    count = first.count("Invoice")
    first.kill()
    with (tmp_path / "books.jsonl").open("ab") as books:
        books.write(b'{"kind":"change","realm_id":"93414')

    second = Sandbox(tmp_path)

    made = second.invoice(50)
    counted = second.count("Invoice")
    second.kill()
    third = Sandbox(tmp_path)
    counted_again = third.count("Invoice")
    third.stop()
    assert made.status_code == 200
    assert (counted, counted_again) == (count + 1, count + 1)


def test_kill_in_the_middle_of_a_burst_loses_no_answer_and_doubles_none(tmp_path: Path) -> None:
    """Every invoice that was answered is there once; those that were not may be repeated."""
    first = Sandbox(tmp_path)
    answered: dict[str, str] = {}

    def burst(worker: int) -> None:
        with contextlib.suppress(httpx.HTTPError):
            for number in range(1000):
                request = f"b-{worker}-{number}"
                made = first.invoice(5, DocNumber=request, requestid=request)
                answered[request] = made.json()["Invoice"]["Id"]

    workers = [threading.Thread(target=burst, args=(number,)) for number in range(4)]
    for worker in workers:
        worker.start()
    assert until(lambda: len(answered) > 40)
    first.process.kill()
    for worker in workers:
        worker.join()
    first.kill()

    second = Sandbox(tmp_path)

    history = second.admin("GET", "history?entity=Invoice")
    made = {row["after"]["DocNumber"]: row["id"] for row in history if row["request_id"]}
    again = {request: second.invoice(5, requestid=request).json() for request in answered}
    second.stop()
    assert answered.items() <= made.items()
    assert len(made) == sum(1 for row in history if row["request_id"])
    assert {request: answer["Invoice"]["Id"] for request, answer in again.items()} == answered


def test_folder_in_use_is_refused_in_one_line(shared: Sandbox, tmp_path: Path) -> None:
    """Two sandboxes on one folder would write over each other."""
    first = Sandbox(tmp_path)

    command = [sys.executable, "-m", "sandbox", "--data", str(tmp_path)]
    second = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20)

    first.stop()
    assert second.returncode == 2
    assert second.stderr.count("\n") == 1
    assert "in use by another sandbox" in second.stderr


def test_sigterm_stops_cleanly_even_while_a_client_waits(tmp_path: Path) -> None:
    """A stalled request does not keep the process, and the exit code says that all is well."""
    sandbox = Sandbox(tmp_path)
    sandbox.admin("POST", "faults", kind="stall", seconds=60, operation="read")
    waiting = threading.Thread(target=_read_ignoring_errors, args=(sandbox,))
    waiting.start()
    assert until(lambda: len(sandbox.admin("GET", "faults")["stalled"]) == 1)

    started = time.monotonic()
    sandbox.process.send_signal(signal.SIGTERM)
    code = sandbox.process.wait(STOP_WITHIN_S)

    waiting.join()
    sandbox._ended()
    assert code == 0
    assert time.monotonic() - started < 6


def test_committed_write_is_found_after_its_answer_stalled(shared: Sandbox) -> None:
    """The client gives up, but it is done; the same requestid gets the first answer."""
    shared.admin("POST", "faults", kind="commit_then_stall", entity="Invoice", seconds=5)

    with pytest.raises(httpx.ReadTimeout):
        shared.http.post(
            "/invoice",
            json=an_invoice(70, DocNumber="ST-1"),
            params={"requestid": "st"},
            timeout=0.5,
        )
    [waiting] = shared.admin("GET", "faults")["stalled"]
    again = shared.invoice(70, DocNumber="ST-1", requestid="st")

    assert waiting["committed"] is True
    assert again.status_code == 200
    statement = "select * from Invoice where DocNumber = 'ST-1'"
    answer = shared.http.get("/query", params={"query": statement})
    assert [row["Id"] for row in answer.json()["QueryResponse"]["Invoice"]] == [
        again.json()["Invoice"]["Id"]
    ]


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        pytest.param("commit_then_504", "F-504", id="gateway-timeout"),
        pytest.param("commit_then_reset", "F-RST", id="connection-reset"),
    ],
)
def test_lost_answers_leave_a_committed_document(shared: Sandbox, kind: str, number: str) -> None:
    """What the client sees is a failure; what the books hold is the document."""
    shared.admin("POST", "faults", kind=kind, entity="Invoice", operation="create")

    try:
        seen = shared.invoice(80, DocNumber=number).status_code
    except (httpx.ReadError, httpx.RemoteProtocolError):
        seen = 0

    assert seen == (504 if kind == "commit_then_504" else 0)
    rule = shared.admin("GET", "faults")["faults"][-1]
    assert (rule["kind"], rule["fired"]) == (kind, 1)
    statement = f"SELECT * FROM Invoice WHERE DocNumber = '{number}'"
    answer = shared.http.post(
        "/query", content=statement, headers={"Content-Type": "application/text"}
    )
    assert len(answer.json()["QueryResponse"]["Invoice"]) == 1


def test_scripted_status_commits_nothing(shared: Sandbox) -> None:
    """A refusal on demand comes before the books are touched."""
    before = shared.count("Invoice")
    shared.admin("POST", "faults", kind="status", status=503, body="busy", entity="Invoice")

    answer = shared.invoice(10)

    assert (answer.status_code, answer.text) == (503, "busy")
    assert shared.count("Invoice") == before


def test_webhooks_are_signed_and_tell_of_a_burst_once_each(
    shared: Sandbox, receiver: Receiver
) -> None:
    """The signature is the HMAC of the very bytes; each change of the burst is told once."""
    shared.admin("POST", "webhooks", url=receiver.url)

    ids = {shared.invoice(amount).json()["Invoice"]["Id"] for amount in (11, 12, 13)}

    assert until(lambda: len(receiver.events()) >= 3)
    time.sleep(0.4)
    events = receiver.events()
    assert sorted(event["intuitentityid"] for event in events) == sorted(ids)
    assert {event["type"] for event in events} == {"qbo.invoice.created.v1"}
    assert {event["intuitaccountid"] for event in events} == {shared.realm_id}
    verifier = shared.facts["webhook_verifier"].encode()
    for headers, body in receiver.posts:
        digest = hmac.new(verifier, body, hashlib.sha256).digest()
        assert headers["intuit-signature"] == base64.b64encode(digest).decode()
    httpx.delete(f"{shared.url}/sandbox/webhooks", params={"url": receiver.url})


def test_lost_webhooks_are_never_delivered(shared: Sandbox, receiver: Receiver) -> None:
    """The change is there, and nobody is told; the next one is told again."""
    shared.admin("POST", "webhooks", url=receiver.url)
    shared.admin("POST", "faults", kind="lost_webhooks", entity="Invoice", operation="create")

    lost = shared.invoice(21).json()["Invoice"]["Id"]
    told = shared.invoice(22).json()["Invoice"]["Id"]

    assert until(lambda: len(receiver.events()) >= 1)
    assert [event["intuitentityid"] for event in receiver.events()] == [told]
    assert shared.http.get(f"/invoice/{lost}").status_code == 200
    httpx.delete(f"{shared.url}/sandbox/webhooks", params={"url": receiver.url})


def test_undelivered_webhooks_survive_a_kill(tmp_path: Path) -> None:
    """What was not acknowledged goes out after the restart, with the same event ids."""
    refusing = Receiver(*[500] * 50)
    first = Sandbox(tmp_path)
    first.admin("POST", "webhooks", url=refusing.url, format="cloudevents")
    made = first.invoice(33).json()["Invoice"]["Id"]
    assert until(lambda: len(refusing.posts) == 1)
    first.kill()

    second = Sandbox(tmp_path, port=first.port)

    assert until(lambda: len(refusing.posts) == 2)
    second.stop()
    refusing.close()
    [told, told_again] = refusing.events()
    assert told == told_again
    assert told["intuitentityid"] == made


def test_registering_again_starts_the_retry_ladder_anew(shared: Sandbox) -> None:
    """A receiver that comes up late need not wait for the next step of the ladder."""
    late = Receiver(500)
    shared.admin("POST", "webhooks", url=late.url, format="legacy")
    made = shared.invoice(34).json()["Invoice"]["Id"]
    assert until(lambda: len(late.posts) == 1)

    shared.admin("POST", "webhooks", url=late.url, format="legacy")

    assert until(lambda: len(late.posts) == 2, within_s=5)
    [notification] = json.loads(late.posts[1][1])["eventNotifications"]
    assert notification["dataChangeEvent"]["entities"][0]["id"] == made
    httpx.delete(f"{shared.url}/sandbox/webhooks", params={"url": late.url})
    late.close()


def test_consent_gives_a_code_that_python_clients_exchange(shared: Sandbox) -> None:
    """The whole flow with intuit-oauth: consent, code, tokens, refresh, revoke."""
    client = _auth_client(shared)
    query = parse_qs(urlsplit(_authorize(shared, client)).query)

    client.get_bearer_token(query["code"][0], realm_id=query["realmId"][0])
    first = client.refresh_token
    client.refresh()

    assert query["state"] == ["s-1"]
    assert client.refresh_token == first
    headers = {"Authorization": f"Bearer {client.access_token}"}
    url = (
        f"{shared.facts['quickbooks_url']}/company/{shared.realm_id}/companyinfo/{shared.realm_id}"
    )
    assert (
        httpx.get(url, headers=headers).json()["CompanyInfo"]["CompanyName"].startswith("Granite")
    )
    assert client.revoke(token=client.refresh_token)
    assert httpx.get(url, headers=headers).status_code == 401


def test_python_quickbooks_round_trip(shared: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that we did not write creates, queries, pays, sends, voids and follows changes."""
    from quickbooks.cdc import change_data_capture
    from quickbooks.objects import Customer, Invoice, Payment, PaymentLine
    from quickbooks.objects.base import EmailAddress

    shared.admin("POST", "settings", rate_limits=False)
    qb = _quickbooks(shared, monkeypatch)
    since = httpx.get(f"{shared.url}/sandbox/clock").json()["now"]

    customer = Customer()
    customer.DisplayName = "Ferro, Gio"
    customer = customer.save(qb=qb)
    invoice = _pq_invoice(customer)
    invoice.BillEmail = EmailAddress()
    invoice.BillEmail.Address = "gio@example.com"
    invoice = invoice.save(qb=qb, request_id="pq-1")
    assert _pq_invoice(customer).save(qb=qb, request_id="pq-1").Id == invoice.Id

    payment = Payment()
    payment.CustomerRef = customer.to_ref()
    payment.TotalAmt = 40
    line = PaymentLine()
    line.Amount = 40
    line.LinkedTxn.append(invoice.to_linked_txn())
    payment.Line.append(line)
    payment = payment.save(qb=qb)
    assert Invoice.get(invoice.Id, qb=qb).Balance == 60
    assert Customer.get(customer.Id, qb=qb).Balance == 60

    payment.void(qb=qb)
    paid_back = Invoice.get(invoice.Id, qb=qb)
    assert paid_back.Balance == 100
    assert paid_back.send(qb=qb)["Invoice"]["EmailStatus"] == "EmailSent"
    assert invoice.download_pdf(qb=qb).startswith(b"%PDF-")

    Invoice.get(invoice.Id, qb=qb).void(qb=qb)
    found = Invoice.filter(CustomerRef=customer.Id, qb=qb)
    assert [(row.TotalAmt, row.Balance, row.PrivateNote) for row in found] == [(0, 0, "Voided")]
    changed = change_data_capture([Invoice, Payment], since, qb=qb)
    assert invoice.Id in [row.Id for row in changed.Invoice._object_list]
    found[0].delete(qb=qb)
    deleted = [
        row.status
        for row in change_data_capture([Invoice], since, qb=qb).Invoice._object_list
        if row.Id == invoice.Id
    ]
    assert deleted == ["Deleted"]
    shared.admin("POST", "settings", rate_limits=True)


def test_rate_limit_answers_429_in_xml_to_apps_only(shared: Sandbox) -> None:
    """Ten a second for an app; whoever holds the standing token is a person at the keyboard."""
    company = shared.facts["companies"][1]
    client = _auth_client(shared)
    client.refresh(refresh_token=company["refresh_token"])
    url = f"{shared.facts['quickbooks_url']}/company/{company['realm_id']}/customer/1"

    with httpx.Client(headers={"Authorization": f"Bearer {client.access_token}"}) as app:
        answers = [app.get(url) for _ in range(14)]
    with httpx.Client(headers={"Authorization": f"Bearer {company['access_token']}"}) as person:
        statuses = {person.get(url).status_code for _ in range(14)}

    throttled = [answer for answer in answers if answer.status_code == 429]
    assert 1 <= len(throttled) < 14
    assert '<Error code="3001">' in throttled[0].text
    assert statuses == {200}


def test_history_tells_people_from_apps(shared: Sandbox) -> None:
    """The standing token may act as a person; an app's token is always the app."""
    client = _auth_client(shared)
    client.refresh(refresh_token=shared.facts["refresh_token"])
    person = {"X-Sandbox-Actor": "bookkeeper"}
    app = {"Authorization": f"Bearer {client.access_token}"}
    url = f"{shared.http.base_url}invoice"

    answers = [
        shared.http.post("/invoice", json=an_invoice(31), headers=person),
        shared.http.post("/invoice", json=an_invoice(32)),
        httpx.post(url, json=an_invoice(33), headers={**person, **app}),
    ]

    ids = [answer.json()["Invoice"]["Id"] for answer in answers]
    actors = [shared.admin("GET", f"history?entity=Invoice&id={id}")[0]["actor"] for id in ids]
    assert actors == ["bookkeeper", "client:standing", "client:app"]


def test_one_post_may_tell_of_several_companies(shared: Sandbox, receiver: Receiver) -> None:
    """Events that happen together travel together, whoever's they are."""
    other = shared.facts["companies"][1]
    url = f"{shared.facts['quickbooks_url']}/company/{other['realm_id']}/customer"
    headers = {"Authorization": f"Bearer {other['access_token']}"}
    shared.admin("POST", "settings", webhook_gather_ms=600)
    shared.admin("POST", "webhooks", url=receiver.url)

    shared.invoice(41)
    httpx.post(url, json={"DisplayName": "Ash, Bo"}, headers=headers)

    assert until(lambda: len(receiver.posts) == 1)
    realms = [event["intuitaccountid"] for event in receiver.events()]
    assert realms == [shared.realm_id, other["realm_id"]]
    shared.admin("POST", "settings", webhook_gather_ms=150)
    httpx.delete(f"{shared.url}/sandbox/webhooks", params={"url": receiver.url})


def test_refused_tokens_are_told_in_the_gateways_own_shapes(shared: Sandbox) -> None:
    """Lower-case JSON for a token that is none, XML for a token on another company's address."""
    other = shared.facts["companies"][1]["realm_id"]
    url = f"{shared.facts['quickbooks_url']}/company"
    headers = {"Authorization": f"Bearer {shared.facts['access_token']}"}

    nobody = httpx.get(
        f"{url}/{shared.realm_id}/invoice/104", headers={"Authorization": "Bearer x"}
    )
    elsewhere = httpx.get(f"{url}/{other}/invoice/104", headers=headers)

    assert (nobody.status_code, elsewhere.status_code) == (401, 401)
    assert nobody.json()["fault"]["error"][0]["code"] == "3200"
    assert '<Error code="100">' in elsewhere.text


@pytest.mark.parametrize(
    ("change", "where"),
    [
        pytest.param({"client_id": "other"}, "page", id="unknown-client"),
        pytest.param({"redirect_uri": f"{REDIRECT}/"}, "page", id="redirect-not-exact"),
        pytest.param({"state": ""}, "page", id="no-state"),
        pytest.param({"scope": "everything"}, "error=invalid_scope", id="unknown-scope"),
        pytest.param({"decision": "decline"}, "error=access_denied", id="declined"),
    ],
)
def test_consent_sends_nobody_to_a_place_that_is_not_registered(
    shared: Sandbox, change: dict[str, str], where: str
) -> None:
    """What is wrong with the way back is told on a page, everything else to the app."""
    shared.admin("POST", "apps/redirects", redirect_uri=REDIRECT)
    wishes = {
        "client_id": shared.facts["client_id"],
        "response_type": "code",
        "scope": "com.intuit.quickbooks.accounting",
        "redirect_uri": REDIRECT,
        "state": "s",
        "realm_id": shared.realm_id,
        "decision": "accept",
    }

    answer = httpx.post(f"{shared.url}/connect/oauth2", data={**wishes, **change})

    if where == "page":
        assert (answer.status_code, "location" in answer.headers) == (400, False)
    else:
        assert answer.status_code == 302
        assert where in answer.headers["location"]
        assert "code=" not in answer.headers["location"]


def test_every_answer_says_that_it_is_a_stand_in(shared: Sandbox) -> None:
    """API, admin calls, pages and refusals carry the header; the pages say it in words."""
    urls = ["/", f"/companies/{shared.realm_id}", "/sandbox/info", "/v3/company/1/invoice/1", "/no"]

    answers = [httpx.get(f"{shared.url}{path}") for path in urls]

    assert {a.headers["X-Stand-In"] for a in answers} == {"milestone-sync sandbox, not Intuit"}
    assert all("not Intuit" in answer.text for answer in answers[:2])


def test_pages_of_other_sites_are_kept_out(shared: Sandbox) -> None:
    """A page elsewhere can neither rebind its name to loopback nor post from its own origin."""
    rebound = httpx.get(f"{shared.url}/sandbox/info", headers={"Host": "evil.example.com"})
    posted = httpx.post(
        f"{shared.url}/sandbox/clock/advance",
        json={"by": "9d"},
        headers={"Origin": "https://evil.example.com"},
    )

    assert (rebound.status_code, posted.status_code) == (403, 403)


def _read_ignoring_errors(sandbox: Sandbox) -> None:
    with contextlib.suppress(httpx.HTTPError):
        sandbox.http.get("/invoice/104", timeout=30)


def _auth_client(sandbox: Sandbox) -> Any:
    from intuitlib.client import AuthClient
    from intuitlib.config import DISCOVERY_URL

    before = DISCOVERY_URL["sandbox"]
    DISCOVERY_URL["sandbox"] = sandbox.facts["discovery_url"]
    try:
        return AuthClient(
            sandbox.facts["client_id"], sandbox.facts["client_secret"], REDIRECT, "sandbox"
        )
    finally:
        DISCOVERY_URL["sandbox"] = before


def _authorize(sandbox: Sandbox, client: Any) -> str:
    from intuitlib.enums import Scopes

    sandbox.admin("POST", "apps/redirects", redirect_uri=REDIRECT)
    address = client.get_authorization_url([Scopes.ACCOUNTING], state_token="s-1")
    assert "Granite Peak Countertops" in httpx.get(address).text
    answer = httpx.post(address, data={"realm_id": sandbox.realm_id, "decision": "accept"})
    assert answer.status_code == 302
    return answer.headers["location"]


def _quickbooks(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Any:
    from quickbooks import QuickBooks

    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setattr(QuickBooks, "sandbox_api_url_v3", sandbox.facts["quickbooks_url"])
    return QuickBooks(
        auth_client=_auth_client(sandbox),
        refresh_token=sandbox.facts["refresh_token"],
        company_id=sandbox.realm_id,
        minorversion=75,
    )


def _pq_invoice(customer: Any) -> Any:
    from quickbooks.objects import Invoice, SalesItemLine, SalesItemLineDetail
    from quickbooks.objects.base import Ref

    detail = SalesItemLineDetail()
    detail.ItemRef = Ref()
    detail.ItemRef.value = "4"
    line = SalesItemLine()
    line.Amount = 100
    line.SalesItemLineDetail = detail
    invoice = Invoice()
    invoice.CustomerRef = customer.to_ref()
    invoice.Line.append(line)
    return invoice
