"""Batches, files, people and faults over HTTP, against a sandbox process."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from sync.cli.main import app
from tests.functional.test_sandbox_http import Receiver, Sandbox, an_invoice, until


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox that the tests of this file share; each uses documents of its own."""
    sandbox = Sandbox(tmp_path_factory.mktemp("books"))
    yield sandbox
    sandbox.stop()


@pytest.fixture(autouse=True)
def calm(shared: Sandbox) -> Iterator[None]:
    """No fault is left armed for the next test."""
    yield
    shared.admin("DELETE", "faults")


def batch(sandbox: Sandbox, *items: dict[str, Any], **params: str) -> httpx.Response:
    """Send a batch."""
    return sandbox.http.post("/batch", json={"BatchItemRequest": list(items)}, params=params)


def codes(answer: httpx.Response) -> list[str]:
    """What became of each item: its fault's code, or nothing."""
    rows = answer.json()["BatchItemResponse"]
    return [row["Fault"]["Error"][0]["code"] if "Fault" in row else "" for row in rows]


def test_batch_answers_every_item_for_itself(shared: Sandbox) -> None:
    """HTTP 200 with faults inside; what was done stays done."""
    made = shared.invoice(70).json()["Invoice"]
    known = {"Id": made["Id"], "SyncToken": made["SyncToken"]}

    answer = batch(
        shared,
        {"bId": "a", "operation": "create", "Customer": {"DisplayName": "Batch & Sons"}},
        {"bId": "b", "operation": "create", "Customer": {"DisplayName": "Batch & Sons"}},
        {"bId": "c", "operation": "update", "optionsData": "void", "Invoice": known},
        {"bId": "d", "Query": f"select * from Invoice where Id = '{made['Id']}'"},
        {"bId": "e", "operation": "delete", "Invoice": {"Id": "99999", "SyncToken": "0"}},
        {"operation": "melt", "Invoice": known},
    )

    assert answer.status_code == 200
    assert codes(answer) == ["", "6240", "", "", "610", "500"]
    rows = answer.json()["BatchItemResponse"]
    assert [row.get("bId") for row in rows] == ["a", "b", "c", "d", "e", None]
    assert rows[3]["QueryResponse"]["Invoice"][0]["TotalAmt"] == 0


def test_batch_of_more_than_thirty_is_refused(shared: Sandbox) -> None:
    """1040, and nothing is done."""
    items = [{"bId": str(n), "Query": "select * from Term"} for n in range(31)]

    answer = batch(shared, *items)

    assert answer.status_code == 400
    assert answer.json()["Fault"]["Error"][0]["code"] == "1040"


def test_repeated_batch_does_nothing_twice(shared: Sandbox) -> None:
    """What counts is the request id with the item's id, and both have their lengths."""
    item = {"bId": "1", "operation": "create", "Invoice": an_invoice(33)}
    first = batch(shared, item, requestid="batch-1").json()["BatchItemResponse"]

    again = batch(shared, item, requestid="batch-1").json()["BatchItemResponse"]
    other = batch(shared, {**item, "bId": "2"}, requestid="batch-1").json()["BatchItemResponse"]

    assert again == first
    assert other[0]["Invoice"]["Id"] != first[0]["Invoice"]["Id"]
    for wrong in (
        batch(shared, item, requestid="x" * 37),
        batch(shared, {**item, "bId": "x" * 11}, requestid="batch-2"),
    ):
        assert wrong.json()["Fault"]["Error"][0]["code"] == "2130"


def test_uploaded_file_can_be_downloaded(shared: Sandbox) -> None:
    """As a browser or axios sends it; python-quickbooks' own way is tested by its suite."""
    metadata = {"Note": "plan", "ContentType": "text/plain", "FileName": "plan.txt"}
    files = {
        "file_metadata_01": (None, json.dumps(metadata), "application/json"),
        "file_content_01": ("plan.txt", b"12 feet", "text/plain"),
    }
    answer = shared.http.post("/upload", files=files).json()["AttachableResponse"][0]["Attachable"]

    address = shared.http.get(f"/download/{answer['Id']}").text

    assert (answer["FileName"], answer["Size"]) == ("plan.txt", 7)
    assert httpx.get(address).content == b"12 feet"


@pytest.mark.parametrize("entity", ["invoice", "estimate", "salesreceipt", "creditmemo", "payment"])
def test_forms_come_as_pdf(shared: Sandbox, entity: str) -> None:
    """A payment is paper too."""
    body = an_invoice(10)
    if entity == "payment":
        body = {"CustomerRef": body["CustomerRef"], "TotalAmt": 10}
    made = next(iter(shared.http.post(f"/{entity}", json=body).json().values()))

    answer = shared.http.get(f"/{entity}/{made['Id']}/pdf")

    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-")


def test_what_a_customer_does_stands_in_the_history_and_on_the_page(shared: Sandbox) -> None:
    """By command, with before and after; the page says that it is a stand-in."""
    made = shared.invoice(80, DocNumber="PEOPLE-1").json()["Invoice"]

    done = CliRunner().invoke(
        app, ["sandbox", "act", "pay", "PEOPLE-1", "30", "--url", shared.url, "--json"]
    )

    assert json.loads(done.stdout)["Payment"]["TotalAmt"] == 30
    told = shared.admin("GET", f"history?entity=Invoice&id={made['Id']}")
    assert [row["actor"] for row in told][-1] == "customer"
    assert (told[-1]["before"]["Balance"], told[-1]["after"]["Balance"]) == (80, 50)
    page = httpx.get(f"{shared.url}/companies/{shared.realm_id}/invoice/{made['Id']}")
    assert "Update, by customer" in page.text
    assert "It is not Intuit" in page.text
    assert page.headers["x-stand-in"]


def test_refused_act_says_why(shared: Sandbox) -> None:
    """Exit code and reason, no traceback."""
    done = CliRunner().invoke(app, ["sandbox", "act", "void", "NOWHERE", "--url", shared.url])

    assert done.exit_code != 0
    assert "NOWHERE" in f"{done.stdout}{done.exception}"


def test_fault_is_armed_by_command(shared: Sandbox) -> None:
    """`sandbox fault internal_error ...`: 6000 (-30003), and nothing is done."""
    count = shared.count("Invoice")
    words = ["internal_error", "entity=invoice", "operation=create"]
    done = CliRunner().invoke(app, ["sandbox", "fault", *words, "--url", shared.url, "--json"])
    assert done.exit_code == 0, done.output

    error = shared.invoice(5).json()["Fault"]["Error"][0]

    assert (error["code"], "-30003" in error["Detail"]) == ("6000", True)
    assert shared.count("Invoice") == count


@pytest.mark.parametrize(
    ("envelope", "marks"),
    [
        pytest.param("normal", ('"Fault"', '"code":"5010"'), id="normal"),
        pytest.param("gateway", ('"fault"', "errorCode=005010"), id="gateway"),
        pytest.param("xml", ("<IntuitResponse", 'code="5010"'), id="xml"),
    ],
)
def test_faults_come_in_all_three_envelopes(
    shared: Sandbox, envelope: str, marks: tuple[str, str]
) -> None:
    """With the status that is asked for."""
    shared.admin("POST", "faults", kind="fault", code="5010", envelope=envelope, status=429)

    answer = shared.http.get("/term/1")

    assert answer.status_code == 429
    assert all(mark in answer.text for mark in marks)


def test_html_where_json_was_asked(shared: Sandbox) -> None:
    """A web server's 404 page for a good address."""
    shared.admin("POST", "faults", kind="html_404")

    answer = shared.http.get("/term/1")

    assert (answer.status_code, answer.headers["content-type"][:9]) == (404, "text/html")


def test_slow_body_comes_whole_and_cut_body_does_not(shared: Sandbox) -> None:
    """Both after the deed."""
    count = shared.count("Invoice")
    shared.admin("POST", "faults", kind="slow_body", seconds=0.3, operation="create")
    slow = shared.invoice(5)
    shared.admin("POST", "faults", kind="cut_body", operation="create")
    with pytest.raises(httpx.TransportError):
        shared.invoice(5)

    assert slow.json()["Invoice"]["TotalAmt"] == 5
    assert slow.elapsed.total_seconds() >= 0.25
    assert shared.count("Invoice") == count + 2


def test_commit_then_6000_is_done_all_the_same(shared: Sandbox) -> None:
    """The detail that means: nobody knows."""
    count = shared.count("Invoice")
    shared.admin("POST", "faults", kind="commit_then_6000", operation="create")

    assert shared.invoice(5).status_code == 400
    assert shared.count("Invoice") == count + 1


def test_lagging_query_does_not_see_what_is_new(shared: Sandbox) -> None:
    """Once; a read by id does, and so does the next query."""
    made = shared.invoice(5).json()["Invoice"]
    shared.admin("POST", "faults", kind="query_lag", operation="query", seconds=60)
    statement = {"query": f"select * from Invoice where Id = '{made['Id']}'"}

    assert shared.http.get("/query", params=statement).json()["QueryResponse"] == {}
    assert shared.http.get(f"/invoice/{made['Id']}").status_code == 200
    assert shared.http.get("/query", params=statement).json()["QueryResponse"]["Invoice"]


def test_chance_is_repeated_with_its_seed(shared: Sandbox) -> None:
    """The same seed hits the same requests."""

    def hits() -> list[int]:
        shared.admin("DELETE", "faults")
        shared.admin("POST", "faults", kind="status", rate=0.5, seed=7, count=None)
        return [shared.http.get("/term/1").status_code for _ in range(12)]

    first = hits()

    assert hits() == first
    assert set(first) == {200, 500}


def test_webhooks_come_twice_or_in_another_order(shared: Sandbox) -> None:
    """Duplicates keep their event id; a late one comes after the next."""
    receiver = Receiver()
    shared.admin("POST", "webhooks", url=receiver.url)
    try:
        shared.admin("POST", "faults", kind="duplicated_webhooks", operation="create")
        twice = shared.invoice(5).json()["Invoice"]["Id"]
        shared.admin("POST", "faults", kind="reordered_webhooks", operation="create")
        late = shared.invoice(5).json()["Invoice"]["Id"]
        soon = shared.invoice(5).json()["Invoice"]["Id"]

        assert until(lambda: len(receiver.events()) >= 4)
        told = [event["intuitentityid"] for event in receiver.events()]
        assert told == [twice, twice, soon, late]
        assert receiver.events()[0]["id"] == receiver.events()[1]["id"]
    finally:
        httpx.delete(f"{shared.url}/sandbox/webhooks", params={"url": receiver.url})
        receiver.close()
