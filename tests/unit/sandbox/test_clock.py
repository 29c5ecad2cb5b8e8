"""How QuickBooks writes and reads times."""

from datetime import UTC, datetime

import pytest

from sandbox.clock import answer_time, read_time, stamp, today


def test_times_are_written_in_pacific_with_the_offset_of_their_day():
    """Winter and summer differ."""
    assert stamp(datetime(2026, 1, 5, 7, 30, tzinfo=UTC)) == "2026-01-04T23:30:00-08:00"
    assert answer_time(datetime(2026, 7, 5, 7, 30, tzinfo=UTC)) == "2026-07-05T00:30:00.000-07:00"
    assert today(datetime(2026, 7, 5, 6, 59, tzinfo=UTC)).isoformat() == "2026-07-04"


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        pytest.param("2026-05-04T11:00:00-07:00", 18, id="with-offset"),
        pytest.param("2026-05-04T18:00:00Z", 18, id="zulu"),
        pytest.param("2026-05-04T11:00:00", 18, id="naive-is-pacific"),
        pytest.param("2026-05-04T20:00:00 02:00", 18, id="plus-lost-in-the-url"),
        pytest.param("2026-05-04", 7, id="date-alone"),
    ],
)
def test_times_are_read_as_quickbooks_reads_them(text, hour):
    """Without an offset the same digits mean Pacific time."""
    assert read_time(text).astimezone(UTC).hour == hour
