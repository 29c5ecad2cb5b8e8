"""The legal guard: caps, findings, and what it leaves alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from config.legal import legal_folder, read_legal
from milestone_engine import Position, Retainage, Trigger, When, build_schedule, rebalance
from milestone_engine.legal import (
    LegalError,
    LegalKind,
    Site,
    guard_schedule,
    lawful_retainage,
    parse_rules,
    with_caps,
)
from tests.unit.milestone_engine.builders import a_milestone, cents, fixed, percent

RULES = parse_rules(read_legal())
HOME = Site(place="US-CA", work=frozenset({"home_improvement"}), signed_on=date(2026, 5, 4))
PRIVATE = replace(HOME, work=frozenset({"private"}))


def before(event):
    """Return a trigger before an event."""
    return Trigger(when=When.BEFORE, event=event)


def after(event):
    """Return a trigger after an event."""
    return Trigger(when=When.AFTER, event=event)


def a_schedule(*steps, currency="USD"):
    """Return a schedule of (basis, trigger)."""
    milestones = [
        a_milestone(f"m{place}", basis, trigger=trigger)
        for place, (basis, trigger) in enumerate(steps, 1)
    ]
    return build_schedule(currency=currency, milestones=milestones)


COUNTERTOP = a_schedule(("25", before("measure")), ("25", after("removal")),
                        ("50", after("install")))  # fmt: skip


def guard(schedule=COUNTERTOP, *, site=HOME, total="8,000", **options):
    """Return what the law makes of a schedule."""
    return guard_schedule(RULES, schedule, site=site, total_minor=cents(total), **options)


def test_e32_caps_the_down_payment():
    """8,000 at 25/25/50: min(1,000, 10 %) = 800, and 7,200 go 2,400 / 4,800."""
    found = guard()

    milestones = with_caps(COUNTERTOP.milestones, found)
    positions = [Position(milestone=one, billed_minor=None, paid_minor=0) for one in milestones]
    split = rebalance(cents("8,000"), positions, currency="USD")
    assert found.caps == {"m1": cents("800")}
    assert [share.amount_minor for share in split.shares] == [
        cents("800"), cents("2,400"), cents("4,800")
    ]  # fmt: skip
    (finding,) = found.findings
    assert (finding.code, finding.subject) == ("legal_down_payment", "milestone:m1")
    assert finding.facts["asked"] == "2000.00"
    assert finding.facts["limit"] == "800.00"
    assert "7159.5" in finding.facts["source"]


@pytest.mark.parametrize(
    ("total", "cap"),
    [
        pytest.param("9,999.99", "999.99", id="ten-percent-rounded-down"),
        pytest.param("10,000", "1,000", id="both"),
        pytest.param("40,000", "1,000", id="a-thousand"),
    ],
)
def test_the_lesser_of_two_limits_counts(total, cap):
    """1,000 or 10 percent, whichever is less."""
    assert guard(total=total).caps == {"m1": cents(cap)}


def test_what_stays_below_is_no_finding():
    """A deposit within the limit may not rise above it either."""
    schedule = a_schedule((fixed("500"), before("measure")), ("100", after("install")))

    found = guard(schedule)

    assert found.findings == ()
    assert found.caps == {"m1": cents("500")}


def test_all_payments_before_the_work_begins_share_one_limit():
    """On approval and before the first event: 5 % and 10 % of 8,000 together."""
    schedule = a_schedule(("5", after("approved")), ("10", before("measure")),
                          ("35", before("install")), ("50", after("install")))  # fmt: skip

    found = guard(schedule)

    assert found.caps == {"m1": cents("400"), "m2": cents("400")}
    assert found.findings[0].facts["asked"] == "1200.00"


@pytest.mark.parametrize(
    "site",
    [
        pytest.param(replace(HOME, place="US-NV"), id="another-place"),
        pytest.param(replace(HOME, place=None), id="place-not-said"),
        pytest.param(replace(HOME, work=frozenset({"public"})), id="other-work"),
        pytest.param(replace(HOME, signed_on=date(2005, 12, 31)), id="before-it-was-in-force"),
    ],
)
def test_a_rule_holds_where_and_for_what_it_is_made(site):
    """Place, kind of work and the day of the contract."""
    found = guard(site=site, retainage=Retainage(percent=percent("10")))

    assert (found.caps, found.findings, found.retainage_max) == ({}, (), None)


def test_a_company_may_switch_a_rule_off():
    """By its id."""
    assert guard(switched_off={"us-ca-down-payment"}).caps == {}


def test_an_amount_in_another_currency_does_not_count():
    """1,000 US dollars say nothing about yen; ten percent does."""
    schedule = a_schedule(("50", before("measure")), ("50", after("install")), currency="JPY")

    found = guard_schedule(RULES, schedule, site=HOME, total_minor=500_000)

    assert found.caps == {"m1": 50_000}


def test_retainage_above_the_limit_is_a_finding_and_comes_down():
    """Five percent in private work from 2026; a lower step stays."""
    retainage = Retainage(percent=percent("10"), after_half=percent("3"))

    found = guard(site=PRIVATE, retainage=retainage)

    (finding,) = found.findings
    assert (finding.code, finding.facts["asked"]) == ("legal_retainage", "10")
    assert lawful_retainage(retainage, found) == Retainage(
        percent=percent("5"), after_half=percent("3")
    )


@pytest.mark.parametrize(
    ("site", "rate"),
    [
        pytest.param(PRIVATE, "5", id="at-the-limit"),
        pytest.param(replace(PRIVATE, signed_on=date(2025, 12, 31)), "10", id="signed-before"),
    ],
)
def test_lawful_retainage_stays_as_it_is(site, rate):
    """No finding, no change."""
    retainage = Retainage(percent=percent(rate))

    found = guard(site=site, retainage=retainage)

    assert found.findings == ()
    assert lawful_retainage(retainage, found) == retainage


def test_a_lower_limit_that_was_there_stays():
    """A person may be stricter than the law."""
    strict = replace(COUNTERTOP.milestones[0], cap_minor=cents("300"))

    milestones = with_caps((strict, *COUNTERTOP.milestones[1:]), guard())

    assert [one.cap_minor for one in milestones] == [cents("300"), None, None]


def test_every_rule_names_its_source_and_the_day_it_was_read():
    """Data without a source is hearsay."""
    assert {rule.kind for rule in RULES} == set(LegalKind)
    for rule in RULES:
        assert "section" in rule.source
        assert rule.read_on >= rule.in_force_from
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert list(legal_folder().glob("*.yaml"))


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        {"place": "US-CA"},
        {"place": "US-CA", "rules": [{"id": "x"}]},
        {"place": "US-CA", "rules": [{"id": "x", "in_force_from": "2026", "read_on": "2026"}]},
    ],
)
def test_rules_that_cannot_be_read_are_refused(wrong):
    """A guard that is silently empty would be worse than none."""
    with pytest.raises(LegalError):
        parse_rules([wrong])
