"""Rate limits and the count of what Intuit charges for."""

import pytest

from sandbox.meter import Meter


class Watch:
    """A monotonic clock that a test moves."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def watch():
    """The meter's clock."""
    return Watch()


@pytest.fixture
def meter(watch):
    """A meter that has counted nothing."""
    return Meter(monotonic=watch)


def test_eleventh_call_within_a_second_is_too_many(meter, watch):
    """For each app of a company by itself; a second later it is over."""
    assert all(meter.admits("1", "client:app") for _ in range(10))
    assert not meter.admits("1", "client:app")
    assert meter.admits("1", "client:other")
    assert meter.admits("2", "client:app")

    watch.now += 1.0

    assert meter.admits("1", "client:app")


def test_five_hundred_a_minute_are_shared_by_all_apps(meter, watch):
    """Another app can use up the company's minute."""
    for _ in range(50):
        assert all(meter.admits("1", "client:other") for _ in range(10))
        watch.now += 1.0
    assert not meter.admits("1", "client:app")

    watch.now += 10.0

    assert meter.admits("1", "client:app")
    [shown] = meter.shown(["1"], "2026-05")
    assert shown["throttled"] == 1


def test_reads_are_counted_by_company_and_month(meter):
    """A new month starts at zero."""
    meter.count_read("1", "2026-05")
    meter.count_read("1", "2026-05")
    meter.count_read("2", "2026-05")

    assert [meter.reads("1", "2026-05"), meter.reads("1", "2026-06")] == [2, 0]


def test_batches_have_limits_of_their_own(meter, watch):
    """40 a minute for one app, 120 for all apps of a company."""
    for app in ("client:a", "client:b", "client:c"):
        assert all(meter.admits_batch("1", app) for _ in range(40))
        assert not meter.admits_batch("1", app)
    assert not meter.admits_batch("1", "client:d")
    assert meter.admits_batch("2", "client:a")

    watch.now += 60.0

    assert meter.admits_batch("1", "client:d")
