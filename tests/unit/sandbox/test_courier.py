"""Delivery of webhooks: batches, the ladder, and what blocks what. Posts go to a list."""

import json
import threading
import time

import pytest

from sandbox.courier import Courier, signature


class Mailbox:
    """Takes posts and answers with the statuses it was given, then with 200."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.posts = []

    def __call__(self, url, body, headers):
        self.posts.append((url, json.loads(body), headers))
        answer = self.answers.pop(0) if self.answers else 200
        if isinstance(answer, Exception):
            raise answer
        return answer

    def ids(self):
        return [[event["id"] for event in body] for _, body, _ in self.posts]


@pytest.fixture
def send(books):
    """Return a function that starts a courier with a short ladder; it is stopped at the end."""
    books.set({"webhook_gather_ms": 30})
    couriers = []

    def start(mailbox, ladder_s=(0.05,)):
        courier = Courier(
            books.outbox,
            lock=threading.RLock(),
            verifier="v",
            settings=lambda: books.settings,
            post=mailbox,
            ladder_s=ladder_s,
        )
        couriers.append(courier)
        books.on_change = courier.ring
        courier.ring()
        return courier

    yield start
    for courier in couriers:
        courier.stop()


def until(condition, within_s=5):
    end = time.monotonic() + within_s
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    return condition()


def test_burst_becomes_one_post(books, client, send):
    """Events that come within the gathering time travel together, in their order."""
    mailbox = Mailbox()
    books.outbox.register("http://a/", "cloudevents")
    for amount in (1, 2, 3):
        client.invoice(amount)

    send(mailbox)

    assert until(lambda: mailbox.posts)
    [(url, body, headers)] = mailbox.posts
    assert url == "http://a/"
    assert [event["type"] for event in body] == ["qbo.invoice.created.v1"] * 3
    assert until(lambda: not books.outbox.subscriptions["http://a/"].pending)
    assert books.outbox.subscriptions["http://a/"].delivered == 3
    assert headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    "failure", [500, 301, 204, ConnectionRefusedError()], ids=["500", "301", "204", "no-connection"]
)
def test_batch_that_fails_is_repeated_and_blocks_what_comes_later(books, client, send, failure):
    """Anything but 200 is a failure; the same events with the same ids come first again."""
    mailbox = Mailbox(failure, failure)
    books.outbox.register("http://a/", "cloudevents")
    client.invoice(1)
    send(mailbox, ladder_s=(0.1,))
    assert until(lambda: len(mailbox.posts) == 1)

    client.invoice(2)

    assert until(lambda: len(mailbox.posts) == 4)
    first, second, third, fourth = mailbox.ids()
    assert first == second == third
    assert set(fourth).isdisjoint(first)


def test_ladder_is_climbed_step_by_step(books, client, send):
    """A later step waits longer, and a success starts at the foot again."""
    mailbox = Mailbox(500, 500)
    books.outbox.register("http://a/", "cloudevents")
    client.invoice(1)
    started = time.monotonic()
    courier = send(mailbox, ladder_s=(0.05, 0.4))

    assert until(lambda: len(mailbox.posts) == 2)
    assert courier.failures("http://a/") >= 1
    assert until(lambda: len(mailbox.posts) == 3)

    assert time.monotonic() - started >= 0.45
    assert until(lambda: courier.failures("http://a/") == 0)


def test_each_address_has_its_own_queue(books, client, send):
    """A dead receiver holds nobody else up."""
    answers = {"http://dead/": 500, "http://alive/": 200}
    seen = []

    def post(url, body, headers):
        seen.append(url)
        return answers[url]

    for url in answers:
        books.outbox.register(url, "cloudevents")
    send(post, ladder_s=(60,))
    client.invoice(1)
    assert until(lambda: "http://alive/" in seen and "http://dead/" in seen)
    client.invoice(2)

    assert until(lambda: seen.count("http://alive/") == 2)
    assert seen.count("http://dead/") == 1


def test_removed_address_gets_nothing_more(books, client, send):
    """Neither what waited nor what comes."""
    mailbox = Mailbox(500)
    books.outbox.register("http://a/", "cloudevents")
    client.invoice(1)
    send(mailbox, ladder_s=(0.2,))
    assert until(lambda: len(mailbox.posts) == 1)

    books.outbox.remove("http://a/")
    client.invoice(2)

    time.sleep(0.4)
    assert len(mailbox.posts) == 1


def test_signature_is_the_one_intuit_documents():
    """base64 of HMAC-SHA256 with the verifier as key: a known answer."""
    assert signature("key", b"The quick brown fox jumps over the lazy dog") == (
        "97yD9DBThCSxMpjmqm+xQ+9NWaFJRhdZl0edvC0aPNg="
    )
