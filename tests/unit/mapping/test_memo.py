"""Payment schedules in plain words."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mapping.memo import is_meant, read_phrases, slug
from milestone_engine.timeline import Trigger, When


def _before(event, days=0):
    return Trigger(when=When.BEFORE, event=event, days=days)


def _after(event, days=0):
    return Trigger(when=When.AFTER, event=event, days=days)


def _shares(text):
    """Return each phrase as its share and its trigger."""
    return [
        (phrase.percent or phrase.fraction or phrase.money or "balance", phrase.trigger)
        for phrase in read_phrases(text)
    ]


COUNTERTOP = [
    (Decimal(25), _before("measurements")),
    (Decimal(25), _after("removal")),
    (Decimal(50), _after("installation")),
]


@pytest.mark.parametrize(
    "text",
    [
        "25% before Measurements; 25% after Removal; 50% after Installation",
        "25 % before measurements, 25 % after removal, 50 % after installation",
        "25% BEFORE MEASUREMENTS\n25% AFTER REMOVAL\r\n50% AFTER INSTALLATION",
        "25% before measurements and 25% after removal and 50% after installation",
        "25 percent prior to the measurements; 25 per cent following removal; 50pct upon "
        "installation.",
        "Valid for 30 days. Payment terms: 25% before Measurements; 25% after Removal; 50% after "
        "Installation. Thank you!",
        "- 25% due before Measurements\n- 25% due after Removal\n- 50% due after Installation",
        "1. 25% before Measurements 2. 25% after Removal 3. 50% after Installation",
        "25%  deposit\u00a0before Measurements;25% after Removal is complete;50% (final payment) "
        "after the Installation",
        "Deposit: 25% before Measurements. Second payment: 25% after Removal. Final payment: "
        "50% of the total after completion of Installation.",
        "25% by Measurements • 25% once Removal done • 50% at Installation",
    ],
)
def test_one_schedule_in_many_spellings(text):
    """Case, spaces, separators and the words between are free."""
    found = _shares(text)

    assert found == COUNTERTOP
    assert is_meant(read_phrases(text))


@pytest.mark.parametrize(
    ("text", "shares"),
    [
        pytest.param(
            "deposit 1,000.00 on approval; balance after Installation",
            [("1000.00", _after("approved")), ("balance", _after("installation"))],
            id="deposit-and-balance",
        ),
        pytest.param(
            "$500 deposit, the rest on completion",
            [("500", _after("approved")), ("balance", _after("completion"))],
            id="a-bare-deposit-is-for-approval",
        ),
        pytest.param(
            "1/3 before Start; 1/3 after Framing; 1/3 after Completion",
            [
                (Fraction(1, 3), _before("start")),
                (Fraction(1, 3), _after("framing")),
                (Fraction(1, 3), _after("completion")),
            ],
            id="thirds",
        ),
        pytest.param(
            "half before work and half after completion",
            [(Fraction(1, 2), _before("work")), (Fraction(1, 2), _after("completion"))],
            id="halves",
        ),
        pytest.param(
            "50% 3 days before Installation; 50% 10 days after Completion",
            [
                (Decimal(50), _before("installation", 3)),
                (Decimal(50), _after("completion", 10)),
            ],
            id="offsets",
        ),
        pytest.param(
            "33.33% on approval; 66,67 % after Tile removal",
            [(Decimal("33.33"), _after("approved")), (Decimal("66.67"), _after("tile-removal"))],
            id="decimals",
        ),
        pytest.param(
            "40% upon signing of the contract; 60% upon acceptance",
            [(Decimal(40), _after("approved")), (Decimal(60), _after("approved"))],
            id="words-for-approval",
        ),
        pytest.param(
            "We require a 30% deposit, 40% due to order materials and the balance upon completion.",
            [
                (Decimal(30), _after("approved")),
                (Decimal(40), _after("approved")),
                ("balance", _after("completion")),
            ],
            id="a-sentence",
        ),
        pytest.param(
            "Payment in full on completion",
            [(Decimal(100), _after("completion"))],
            id="in-full",
        ),
        pytest.param(
            "Full payment due 10 days after Delivery",
            [(Decimal(100), _after("delivery", 10))],
            id="full-payment",
        ),
        pytest.param(
            "50% down to start, 50% on completion",
            [(Decimal(50), _after("approved")), (Decimal(50), _after("completion"))],
            id="to-start",
        ),
        pytest.param(
            "100% after removal and disposal",
            [(Decimal(100), _after("removal-and-disposal"))],
            id="and-inside-a-name",
        ),
    ],
)
def test_shares_and_triggers_are_read(text, shares):
    """Percents, fractions, amounts, the rest; before and after, with days."""
    assert _shares(text) == shares
    assert is_meant(read_phrases(text))


def test_business_days_are_told_from_days():
    """They pass over weekends."""
    (phrase,) = read_phrases("100% 5 business days after Completion")

    assert phrase.trigger == Trigger(
        when=When.AFTER, event="completion", days=5, business_days=True
    )


def test_the_event_keeps_its_name_as_written():
    """The label is for people, the slug for commands."""
    (phrase,) = read_phrases("100% after the HVAC Start-up")

    assert (phrase.event_label, phrase.trigger.event) == ("HVAC Start-up", "hvac-start-up")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Thank you for your business!",
        "Valid for 30 days.",
        "A late fee of 2% applies after 30 days",
        "Late fee: 2% after due date",
        "5% discount on early payment",
        "10% off",
        "Call 555-1234 before Friday",
        "Price includes 8.875% tax",
        "25% before Measurements",
        "deposit 500 on approval",
        "$500 on approval; $700 before Start",
        "Warranty: 100% after installation",
    ],
)
def test_other_texts_are_not_meant_as_a_schedule(text):
    """A lone percent may be anything; templates decide then."""
    assert not is_meant(read_phrases(text))


def test_a_bare_number_among_percents_is_unclear():
    """25 what? It is not guessed."""
    phrases = read_phrases("25% before A; 25 after B; 50% after C")

    assert [phrase.is_unclear for phrase in phrases] == [False, True, False]


def test_a_third_of_nothing_is_unclear():
    """1/0 is no share."""
    assert [phrase.is_unclear for phrase in read_phrases("1/0 before A; balance after B")] == [
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("label", "name"),
    [("Measurements", "measurements"), ("  Tile  removal ", "tile-removal"), ("Montáž", "montáž")],
)
def test_names_of_events_are_slugs(label, name):
    """Small letters and hyphens."""
    assert slug(label) == name


@given(st.text(max_size=400))
def test_any_text_is_read_without_complaint(text):
    """Memos hold anything."""
    for phrase in read_phrases(text):
        assert phrase.trigger.event


words = st.sampled_from(
    [
        *("25%", "1/3", "half", "deposit", "$5", "1,000", "before", "after", "on", "3 days", "A"),
        *(";", ",", ":", "-", ".", "\n", "the", "balance", "of", "due", "is complete", "(", "and"),
    ]
)


@settings(deadline=2000)  # milliseconds: a pattern that runs away takes minutes
@given(st.lists(words, max_size=60))
def test_any_mixture_of_our_own_words_is_read_in_time(parts):
    """No spelling makes the patterns run away: 60 words end within the test's deadline."""
    read_phrases(" ".join(parts))


def test_a_memo_of_full_length_is_read_in_time():
    """4,000 characters, all of them nearly a phrase."""
    assert read_phrases("first : of - the " * 240) == []
    assert read_phrases("25% due - is : paid " * 200) == []
