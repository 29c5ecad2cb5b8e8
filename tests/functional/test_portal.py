"""The customer's page on a real installation: what it says, and what it refuses."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from html.parser import HTMLParser

import httpx
import pytest
import uvicorn
from sqlalchemy import update

from sync.notify import portal_token
from sync.store.tables import PortalLinkRow
from sync.web.app import HEADERS, build_web
from sync.words import money
from sync.words.payments import say_next
from tests.functional.test_story import LINES, complete
from tests.house import House, Services, open_house, until

HOSTILE = '<script>alert(1)</script>"onload="x \u202e=cmd|calc \U0001f469\u200d\U0001f680'
PAGE_BYTES_MAX = 60_000


@pytest.fixture(scope="module")
def house(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One installation for all tests of this file: each makes a job of its own."""
    with open_house(services, tmp_path_factory.mktemp("portal")) as opened:
        yield opened


@pytest.fixture(scope="module")
def browser(house: House) -> Iterator[httpx.Client]:
    """A browser without script, before the real server on a free port."""
    server = uvicorn.Server(uvicorn.Config(build_web(house.app), port=0, log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started, timeout_s=10, what="the web server")
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join(10)


def token_of(house: House, base: str) -> str:
    """Give the token of a job's link."""
    view = house.view(base)
    with house.app.database.begin(house.realm_no) as session:
        return portal_token(session, house.app.keyring, house.realm_no, view.job_id)


def text_of(html: str) -> str:
    """Give what a reader sees, on one line."""
    body = html[html.index("<body") :]
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", body)).split())


class Page(HTMLParser):
    """Collects what a page is made of."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note one tag and its attributes."""
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]


def test_page_follows_the_story_to_the_cent(house: House, browser: httpx.Client) -> None:
    """Deposit, change order, removal, installation: each time the page says the view's amounts."""
    customer = house.new_customer()
    house.accepted_estimate("7001", LINES, customer_id=customer)
    house.sync()
    path = f"/p/{token_of(house, '7001')}"

    def page() -> str:
        answer = browser.get(path)
        assert answer.status_code == 200
        view, text = house.view("7001"), text_of(answer.text)
        for one in view.milestones:
            assert money(one.amount_minor, currency="USD") in text
            if one.invoice_total_minor is not None and one.tax_minor:
                assert money(one.invoice_total_minor, currency="USD") in text
            assert (one.doc_number or "") in text
        for amount in (view.contract_total_minor, view.paid_minor, view.left_minor):
            assert money(amount, currency="USD") in text
        assert say_next(view) in re.sub(r" ,", ",", text)
        assert len(answer.content) < PAGE_BYTES_MAX
        return text

    asked = page()
    assert "Due now" in asked
    assert "Before Measurements, planned for" in asked
    assert "25% of the $12,000.00 contract." in asked

    house.pay(house.sandbox.invoices("7001")[0])
    house.accepted_estimate(
        "7001-CO-1", [("Undermount sink", "1400.00", "TAX", None)], customer_id=customer
    )
    house.sync()
    changed = page()
    for said in (
        "Next: $3,466.67 plus about $",
        "Change order 7001-CO-1: the contract went from $12,000.00 to $13,400.00",
        "Added: Undermount sink, $1,400.00.",
        "After removal $3,000.00 $3,466.67",
        "After installation $6,000.00 $6,933.33",
        "Of the $10,400.00 left this payment takes 1/3",
    ):
        assert said in changed

    complete(house, "7001", "removal")
    house.sync()
    assert "7001-M2" in page()

    for place, event in ((1, "installation"), (2, "")):
        house.pay(house.sandbox.invoices("7001")[place])
        if event:
            complete(house, "7001", event)
        house.sync()
    assert "Paid in full" in page()


def test_page_is_well_made(house: House, browser: httpx.Client) -> None:
    """Headers of every page, one stylesheet of our own, no script or inline style; landmarks, one
    h1, a language; and looking a hundred times changes nothing.
    """
    house.accepted_estimate("7002", LINES)
    house.sync()
    token = token_of(house, "7002")
    before = house.dump()

    answers = [browser.get(f"/p/{token}") for _ in range(20)]

    assert len({answer.text for answer in answers}) == 1
    assert house.dump() == before
    answer = answers[0]
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    assert "set-cookie" not in answer.headers
    page = Page(answer.text)
    assert page.tags.count("h1") == 1
    assert {"header", "main", "footer", "ol", "h2"} <= set(page.tags)
    assert not set(page.tags) & {"script", "style", "img", "iframe", "form"}
    names = {name for name, _ in page.attributes}
    assert "style" not in names
    assert not any(name.startswith("on") for name in names)
    assert [value for name, value in page.attributes if name in ("href", "src")] == [
        "/static/portal.css"
    ]
    assert ("lang", "en") in page.attributes
    css = browser.get("/static/portal.css")
    assert css.status_code == 200
    assert css.headers["content-type"].startswith("text/css")
    for said in ("prefers-color-scheme: dark", "@media print", "max-width"):
        assert said in css.text
    assert "url(" not in css.text
    assert "@import" not in css.text


def test_links_that_do_not_work_answer_the_same_byte_for_byte(
    house: House, browser: httpx.Client
) -> None:
    """Unknown, malformed, changed by a byte, expired and revoked cannot be told apart."""
    for number in ("7003", "7004"):
        house.accepted_estimate(number, LINES)
    house.sync()
    expired, revoked = token_of(house, "7003"), token_of(house, "7004")
    assert browser.get(f"/p/{expired}").status_code == 200
    for token, change in (
        (expired, {"expires_at": PortalLinkRow.expires_at - timedelta(days=366)}),
        (revoked, {"revoked_at": PortalLinkRow.expires_at}),
    ):
        with house.app.database.begin(house.realm_no) as session:
            job_id = house.view("7003" if token == expired else "7004").job_id
            session.execute(
                update(PortalLinkRow).where(PortalLinkRow.job_id == job_id).values(**change)
            )

    tokens = [expired, revoked, "A" * 32, "short", f"{revoked}A", "a/b/../c", "%00%ff", "\u202e"]
    tokens += [f"{revoked[:-1]}{'A' if revoked[-1] != 'A' else 'B'}", "x" * 4000]
    answers = [browser.get(f"/p/{token}") for token in tokens]

    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    headers = [{**answer.headers, "date": ""} for answer in answers]
    assert all(one == headers[0] for one in headers)
    assert "This link does not work" in answers[0].text
    # A new link for a revoked one: the old one stays dead.
    assert token_of(house, "7004") != revoked
    assert browser.get(f"/p/{token_of(house, '7004')}").status_code == 200
    assert browser.get(f"/p/{revoked}").status_code == 404


def test_hostile_text_from_quickbooks_is_shown_as_text(house: House, browser: httpx.Client) -> None:
    """Names, descriptions and numbers are other people's words."""
    parent = house.sandbox.create("Customer", {"DisplayName": "Parent <b>bold</b>"})
    job = house.sandbox.create(
        "Customer",
        {
            "DisplayName": HOSTILE[:60],
            "Job": True,
            "ParentRef": {"value": parent["Id"]},
        },
    )
    lines = [{**house.line(*line), "Description": f"{HOSTILE}\r\n{line[0]}"} for line in LINES]
    house.sandbox.create(
        "Estimate",
        {
            "CustomerRef": {"value": job["Id"]},
            "DocNumber": "7<b>5",
            "TxnStatus": "Accepted",
            "CustomerMemo": {"value": f"{HOSTILE}\r\n=1+1"},
            "Line": lines,
        },
    )
    house.sync()

    answer = browser.get(f"/p/{token_of(house, '7<b>5')}")

    assert answer.status_code == 200
    page = Page(answer.text)
    assert not set(page.tags) & {"script", "b"}
    assert not any(name.startswith("on") for name, _ in page.attributes)
    assert "\u202e" not in answer.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in answer.text
    assert "$12,000.00" in answer.text


def test_jobs_that_cannot_go_on_show_gracefully(house: House, browser: httpx.Client) -> None:
    """Unmapped: being prepared. Frozen: on hold, with the plan as it stands."""
    house.accepted_estimate("7006", LINES, memo="25% before Measurements; 80% after Removal")
    frozen = house.accepted_estimate("7007", LINES)
    house.sync()
    house.pay(house.sandbox.invoices("7007")[0])
    house.sandbox.change("Estimate", frozen, TxnStatus="Rejected")
    house.sync()

    unmapped = browser.get(f"/p/{token_of(house, '7006')}")
    held = browser.get(f"/p/{token_of(house, '7007')}")

    assert (unmapped.status_code, held.status_code) == (200, 200)
    assert "Your payment plan is being prepared" in unmapped.text
    assert "on hold" in text_of(held.text)
    assert "$3,000.00" in held.text
    assert "percent" not in text_of(unmapped.text).lower()
