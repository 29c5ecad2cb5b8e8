"""Service dates -> event dates."""

from __future__ import annotations

from datetime import date

import pytest

from mapping.documents import parse_estimate
from mapping.events import EventWords, event_dates, holds
from tests.builders import a_bundle, a_fixture, a_line, a_text, an_estimate

EVENTS = (
    EventWords(name="measurements", label="Measurements", words=("measure", "template")),
    EventWords(name="removal", label="Removal", words=("removal", "tear-out")),
    EventWords(name="installation", label="Installation", words=("install", "set")),
)


def _dates(*lines):
    return event_dates([parse_estimate(an_estimate(lines=list(lines)))], EVENTS)


def test_a_line_with_an_events_word_and_a_date_dates_the_event():
    """By its item or by its description."""
    found = _dates(
        a_line("1", item_name="Template visit", description="", service_on="2026-05-04"),
        a_line("2", item_name="Labor", description="Tear out old tops", service_on="2026-05-18"),
        a_line("3", item_name="Labor", description="Set new tops", service_on="2026-05-20"),
    )

    assert found == {
        "measurements": date(2026, 5, 4),
        "removal": date(2026, 5, 18),
        "installation": date(2026, 5, 20),
    }


def test_the_earliest_line_dates_an_event():
    """A payment before it must not be asked for too late."""
    found = _dates(
        a_line("1", description="Install cabinets", service_on="2026-05-20"),
        a_line("2", description="Install tops", service_on="2026-05-12"),
        a_line("3", description="Measure", service_on="2026-05-01"),
    )

    assert found["installation"] == date(2026, 5, 12)


def test_the_first_event_takes_the_earliest_date_that_no_event_claimed():
    """Cabinets on 4 May: measured by then."""
    found = event_dates([parse_estimate(a_fixture("estimate_us_ast"))], EVENTS)

    assert found == {"measurements": date(2026, 5, 4)}


def test_claimed_dates_do_not_date_the_first_event():
    """Installation's day is not the day of measuring."""
    assert _dates(a_line(description="Install", service_on="2026-05-20")) == {
        "installation": date(2026, 5, 20)
    }


def test_an_own_line_dates_the_first_event_however_late():
    """An unclaimed earlier date does not push it away."""
    found = _dates(
        a_line("1", description="Delivery", service_on="2026-04-01"),
        a_line("2", description="Measure", service_on="2026-05-01"),
    )

    assert found == {"measurements": date(2026, 5, 1)}


def test_an_item_says_more_than_a_description():
    """The plan of an installation is not the installation."""
    found = _dates(
        a_line("1", item_name="Template", description="Plan the install", service_on="2026-05-04"),
        a_line("2", item_name="Installation", description="Tops", service_on="2026-05-20"),
    )

    assert found == {"measurements": date(2026, 5, 4), "installation": date(2026, 5, 20)}


def test_one_line_may_date_several_events():
    """Removal and installation on one day."""
    found = _dates(a_line(description="Removal and installation", service_on="2026-05-20"))

    assert found == {"removal": date(2026, 5, 20), "installation": date(2026, 5, 20)}


def test_children_of_bundles_and_text_lines_count():
    """Dates stand on them too."""
    found = _dates(
        a_bundle("4", a_line("5", description="Install", service_on="2026-06-01")),
        a_text("Template on site", service_on="2026-05-01"),
    )

    assert found == {"installation": date(2026, 6, 1), "measurements": date(2026, 5, 1)}


def test_a_change_orders_lines_count():
    """Its work may come first."""
    estimates = [
        parse_estimate(an_estimate(lines=[a_line(description="Install", service_on="2026-06-01")])),
        parse_estimate(an_estimate(lines=[a_line(description="Install", service_on="2026-05-01")])),
    ]

    assert event_dates(estimates, EVENTS)["installation"] == date(2026, 5, 1)


def test_no_dates_and_no_events_are_no_answer():
    """Waiting is the timeline's business."""
    assert _dates(a_line(description="Install")) == {}
    assert event_dates([parse_estimate(a_fixture("estimate_us_ast"))], ()) == {}


@pytest.mark.parametrize(
    ("text", "word", "is_held"),
    [
        pytest.param("Installation of tops", "install", True, id="beginning-of-a-word"),
        pytest.param("Reinstall the sink", "install", False, id="not-inside-a-word"),
        pytest.param("Set sink", "set", True, id="short-word-alone"),
        pytest.param("Settle accounts", "set", False, id="short-word-not-as-beginning"),
        pytest.param("TEAR  OUT", "tear-out", True, id="hyphen-or-blank"),
        pytest.param("anything", "", False, id="no-word"),
        pytest.param("a.b", "a+b", False, id="words-are-no-patterns"),
    ],
)
def test_words_are_found_whole_or_as_beginnings(text, word, is_held):
    """As the README of the templates says."""
    assert holds(text, (word,)) is is_held
