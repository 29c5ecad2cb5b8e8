"""Dramatiq on real Redis: a worker process takes wake-ups, and losing them all costs seconds."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis

from config.settings import environment
from sync.actors import NAMESPACE, DramatiqWakeQueue, build_broker, declare_actors
from sync.dispatch import Dispatcher
from sync.pull import order_pull
from sync.work import QUEUES
from tests.functional.test_story import LINES
from tests.house import House, until


@contextmanager
def worker(house: House) -> Iterator[subprocess.Popen[bytes]]:
    """A worker in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sync.cli", "worker"],
        env={**os.environ, **environment(house.app.settings)},
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(30)


@contextmanager
def dispatcher(house: House) -> Iterator[None]:
    """A dispatcher in a thread."""
    broker = build_broker(house.app.settings.redis_url)
    declare_actors(broker, lambda realm_no, work_id: None)
    queue = DramatiqWakeQueue(broker)
    running = Dispatcher(
        database=house.dispatcher,
        wake_queue=queue,
        outside_clock=None,
        clock=house.app.clock,
    )
    stop = threading.Event()
    thread = threading.Thread(target=running.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        broker.close()


@pytest.fixture
def store(house: House) -> Iterator[redis.Redis]:
    """Redis, emptied before the test."""
    with redis.Redis.from_url(house.app.settings.redis_url) as client:
        client.flushall()
        yield client


def order(house: House) -> None:
    """Order a pull."""
    with house.app.database.begin(house.realm_no) as session:
        order_pull(session, house.realm_no)


def test_a_worker_does_what_the_dispatcher_hands_out(house: House, store: redis.Redis) -> None:
    """From an ordered pull to the invoice, with nobody looking; TERM ends it cleanly."""
    house.accepted_estimate("8001", LINES)
    with dispatcher(house), worker(house) as process:
        order(house)
        until(lambda: house.sandbox.invoices("8001"), timeout_s=30, what="the invoice")
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_a_wiped_redis_loses_nothing(house: House, store: redis.Redis) -> None:
    """Wake-ups are handed out while no worker runs, then wiped: the sweep sends them again."""
    house.accepted_estimate("8002", LINES)
    order(house)
    with dispatcher(house):
        until(
            lambda: [row for row in house.work("pull") if row.state == "sent"],
            timeout_s=10,
            what="the pull handed out",
        )
        store.flushall()
        with worker(house):
            until(lambda: house.sandbox.invoices("8002"), timeout_s=60, what="the invoice")


def test_a_message_holds_ids_alone(house: House, store: redis.Redis) -> None:
    """S17: whoever reads Redis learns two numbers and no company, customer or amount."""
    house.accepted_estimate("8003", LINES)
    order(house)
    with dispatcher(house):
        until(lambda: store.keys(f"{NAMESPACE}:*.msgs"), timeout_s=10, what="a message")

    bodies = [body for key in store.keys(f"{NAMESPACE}:*.msgs") for body in store.hvals(key)]
    assert bodies
    for body in bodies:
        message = json.loads(body)
        assert message["actor_name"] in QUEUES
        assert all(isinstance(one, int) for one in message["args"])
        assert message["kwargs"] == {}


def test_no_message_is_ever_delayed_or_buried_by_dramatiq(house: House, store: redis.Redis) -> None:
    """Retries and dead letters live in the ledger: `.DQ` and `.XQ` stay empty, whatever fails."""
    fault = {"entity": "Invoice", "operation": "create", "kind": "status", "status": 503}
    house.sandbox.admin("faults", {**fault, "count": 3})
    house.accepted_estimate("8004", LINES)
    with dispatcher(house), worker(house):
        order(house)
        until(
            lambda: [row for row in house.work("bill") if row.error_class],
            timeout_s=30,
            what="a failed try",
        )
    names = [key.decode() for key in store.keys(f"{NAMESPACE}:*")]
    assert [name for name in names if ".DQ" in name or ".XQ" in name] == []
