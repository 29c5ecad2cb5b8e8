"""Building, checking and editing schedules."""

from __future__ import annotations

from decimal import Decimal

import pytest

from milestone_engine import (
    EngineError,
    Fixed,
    Parts,
    Percent,
    Schedule,
    ScheduleError,
    Trigger,
    When,
    add_milestone,
    bind_extra,
    build_schedule,
    parse_percent,
    remove_milestone,
    replace_milestone,
)
from milestone_engine.schedule import percent_sum, weights
from tests.unit.milestone_engine.builders import a_milestone, cents, fixed, percent


def a_schedule(*bases, settled=False) -> Schedule:
    """Return a schedule with milestones m1, m2, ... of these bases."""
    milestones = [a_milestone(f"m{place}", basis) for place, basis in enumerate(bases, start=1)]
    return build_schedule(currency="USD", milestones=milestones, settled=settled)


def ids(schedule: Schedule) -> list[str]:
    """Return the milestones' ids in order."""
    return [milestone.id for milestone in schedule.milestones]


@pytest.mark.parametrize(
    "bases",
    [
        pytest.param(("25", "25", "50"), id="A"),
        pytest.param(("33.33", "33.33", "33.34"), id="E35"),
        pytest.param(("25", "25", "0", "50"), id="E33"),
        pytest.param((fixed("1,000"), "50", "50"), id="E27"),
        pytest.param((Parts(), Parts(), Parts(count=2)), id="parts"),
        pytest.param((fixed("1"), fixed("2")), id="only-fixed"),
        pytest.param(("99.99999999999999999999", "0.00000000000000000001"), id="twenty-decimals"),
    ],
)
def test_builds(bases):
    """Percents that add up, parts, fixed amounts beside either."""
    assert len(a_schedule(*bases).milestones) == len(bases)


@pytest.mark.parametrize(
    ("bases", "code", "place", "message"),
    [
        pytest.param(("33.33", "33.33", "33.33"), "percent_sum", "milestones[2].basis",
                     "add up to 99.99, not 100", id="E35"),
        pytest.param(("25", "25", "55"), "percent_sum", "milestones[2].basis",
                     "add up to 105, not 100", id="E36"),
        pytest.param(("99.999999999999", fixed("1")), "percent_sum", "milestones[0].basis",
                     "add up to 99.999999999999, not 100", id="a-trifle"),
        pytest.param(("50", fixed("5"), Parts()), "mixed_basis", "milestones[2].basis",
                     "percent and parts", id="mixed"),
        pytest.param((), "no_milestones", "milestones", "without milestones", id="empty"),
    ],
)  # fmt: skip
def test_refuses(bases, code, place, message):
    """With the code, the place and what is wrong."""
    with pytest.raises(ScheduleError, match=message) as caught:
        a_schedule(*bases)

    assert (caught.value.code, caught.value.at) == (code, place)


def test_settled_schedules_need_not_add_up():
    """Once something is billed or paid only the ratio counts (E63)."""
    assert len(a_schedule("25", "25", "25", "50", settled=True).milestones) == 4


@pytest.mark.parametrize(
    ("milestone", "code", "place"),
    [
        pytest.param(a_milestone("m1", "100"), "duplicate_id", "milestones[1].id", id="id"),
        pytest.param(a_milestone("m2", "0", pinned="-1"), "negative", "milestones[1].pinned",
                     id="pinned"),
        pytest.param(a_milestone("m2", "0", cap="-1"), "negative", "milestones[1].cap", id="cap"),
        pytest.param(
            a_milestone("m2", "0", trigger=Trigger(when=When.AFTER, event="x", days=-1)),
            "offset", "milestones[1].trigger", id="offset-below-zero"),
        pytest.param(
            a_milestone("m2", "0", trigger=Trigger(when=When.AFTER, event="x", days=3651)),
            "offset", "milestones[1].trigger", id="offset-above-ten-years"),
    ],
)  # fmt: skip
def test_refuses_a_milestone(milestone, code, place):
    """The place is that of the milestone that is wrong."""
    with pytest.raises(ScheduleError) as caught:
        build_schedule(currency="USD", milestones=[a_milestone("m1", "100"), milestone])

    assert (caught.value.code, caught.value.at) == (code, place)


def test_refuses_an_unknown_currency():
    """Before anything else."""
    with pytest.raises(EngineError) as caught:
        build_schedule(currency="QQQ", milestones=[])

    assert caught.value.code == "currency_unknown"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("NaN", "percent_text"),
        ("Infinity", "percent_text"),
        ("-0.01", "negative"),
        ("0.000000000000000000001", "percent_text"),
        ("1E+9", "percent_text"),
        ("1E-999999", "percent_text"),
        ("1E+999999", "percent_text"),
    ],
)
def test_refuses_a_percent(value, code):
    """Not finite, below zero or absurdly long: none of it is ever expanded."""
    with pytest.raises(ScheduleError) as caught:
        Percent(value=Decimal(value))

    assert caught.value.code == code


@pytest.mark.parametrize(
    ("text", "value"), [("25", "25"), ("33.33", "33.33"), ("0", "0"), ("100.0", "100")]
)
def test_reads_a_percent(text, value):
    """As an exact decimal."""
    assert parse_percent(text) == Percent(value=Decimal(value))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("25%", "percent_text"),
        ("1e2", "percent_text"),
        (" 25", "percent_text"),
        (".5", "percent_text"),
        ("", "percent_text"),
        (25, "percent_text"),
        (None, "percent_text"),
        ("1" * 4000, "percent_text"),
        ("0." + "1" * 4000, "percent_text"),
        ("33.333333333333333333333", "percent_text"),
        ("-25", "negative"),
    ],
)
def test_refuses_percent_text(text, code):
    """With the caller's place."""
    with pytest.raises(ScheduleError) as caught:
        parse_percent(text, at="milestones[1].basis.percent")

    assert (caught.value.code, caught.value.at) == (code, "milestones[1].basis.percent")


@pytest.mark.parametrize("count", [0, -1])
def test_refuses_parts_below_one(count):
    """A part of nothing is no share."""
    with pytest.raises(ScheduleError) as caught:
        Parts(count=count)

    assert caught.value.code == "parts"


def test_refuses_a_fixed_amount_below_zero():
    """A deduction is a change order."""
    with pytest.raises(ScheduleError) as caught:
        Fixed(amount_minor=-1)

    assert caught.value.code == "negative"


def test_weights_are_whole_numbers_of_one_scale():
    """25 / 25 / 50 as they are; 12.5 makes halves of all."""
    assert weights(a_schedule("25", "25", "50").milestones) == [25, 25, 50]
    assert weights(a_schedule("12.5", "87.5").milestones) == [25, 175]
    assert weights(a_schedule(Parts(count=2), Parts(), fixed("1")).milestones) == [2, 1, 0]


def test_percent_sum_is_exact():
    """No rounding of a decimal context gets in between."""
    milestones = [a_milestone("a", "99.999999999999"), a_milestone("b", "999999999.000000000001")]

    assert str(percent_sum(milestones)) == "1000000099"


def test_values_are_equal_by_what_they_say():
    """What a basis keeps for the calculation takes no part."""
    assert percent("25.0") == percent("25")
    assert repr(percent("25")) == "Percent(value=Decimal('25'))"
    assert repr(Parts(count=3)) == "Parts(count=3)"


def test_E63_adds_a_milestone_once_something_is_settled():  # noqa: N802
    """Between the second and the last."""
    schedule = a_schedule("25", "25", "50")

    longer = add_milestone(schedule, a_milestone("new", "25"), after="m2", settled_ids={"m1"})

    assert ids(longer) == ["m1", "m2", "new", "m3"]
    assert ids(schedule) == ["m1", "m2", "m3"]


def test_adds_at_the_end():
    """Without a place it comes last: "Change order 1"."""
    longer = add_milestone(a_schedule("100"), a_milestone("co1", fixed("850")))

    assert ids(longer) == ["m1", "co1"]


def test_refuses_to_add_a_share_while_nothing_is_settled():
    """The percents would add up to 125."""
    with pytest.raises(ScheduleError, match="add up to 125"):
        add_milestone(a_schedule("25", "25", "50"), a_milestone("new", "25"))


def test_E64_removes_a_milestone():  # noqa: N802
    """Its share goes to the others by their weights."""
    shorter = remove_milestone(a_schedule("25", "25", "50"), "m2", settled_ids={"m1"})

    assert ids(shorter) == ["m1", "m3"]


@pytest.mark.parametrize(
    ("milestone_id", "code", "place"),
    [
        pytest.param("m1", "milestone_settled", "milestones[0]", id="billed-or-paid"),
        pytest.param("m9", "milestone_unknown", None, id="unknown"),
    ],
)
def test_refuses_to_remove(milestone_id, code, place):
    """What is billed or paid stays."""
    with pytest.raises(ScheduleError) as caught:
        remove_milestone(a_schedule("25", "75"), milestone_id, settled_ids={"m1"})

    assert (caught.value.code, caught.value.at) == (code, place)


def test_refuses_to_remove_the_last_milestone():
    """A schedule has at least one."""
    with pytest.raises(ScheduleError) as caught:
        remove_milestone(a_schedule("100"), "m1")

    assert caught.value.code == "no_milestones"


def test_replaces_a_milestone():
    """Found by its id."""
    schedule = a_schedule("25", "25", "50")

    edited = replace_milestone(schedule, a_milestone("m2", "40"), settled_ids={"m1"})

    assert edited.milestone("m2").basis == percent("40")
    assert ids(edited) == ids(schedule)


def test_binds_change_orders_to_a_milestone():
    """Each on top of those before it (E70 `next` and `final`)."""
    schedule = bind_extra(a_schedule("25", "75"), "m2", cents("1,200"))

    schedule = bind_extra(schedule, "m2", cents("-200"))

    assert schedule.milestone("m2").extra_minor == cents("1,000")
