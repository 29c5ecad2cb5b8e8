"""YAML templates, as plain dicts."""

from __future__ import annotations

from decimal import Decimal
from importlib.resources import files

import pytest
import yaml

from mapping.errors import TemplateError
from mapping.templates import parse_template
from milestone_engine.errors import MoneyError
from milestone_engine.schedule import Fixed, Parts, Percent
from milestone_engine.timeline import Trigger, When

SHIPPED = sorted(
    path for path in files("config").joinpath("schedules").iterdir() if path.name.endswith(".yaml")
)


def _raw(**fields):
    return {
        "label": "Test",
        "when": {"items": ["Cabinet"]},
        "events": {"start": {"label": "Start", "words": ["start"]}},
        "milestones": [
            {"label": "Deposit", "percent": 25, "before": "start", "days": 3},
            {"label": "Rest", "percent": "75", "after": "start"},
        ],
    } | fields


def _step(**fields):
    step = {"label": "All", "percent": 100, "after": "start"} | fields
    return _raw(milestones=[{key: value for key, value in step.items() if value is not None}])


def test_a_template_is_read():
    """Rules, timeline and steps."""
    found = parse_template(_raw(), name="test")

    assert (found.name, found.label) == ("test", "Test")
    assert found.rules.items == ("Cabinet",)
    assert [event.name for event in found.events] == ["start"]
    assert found.milestones[0].trigger == Trigger(when=When.BEFORE, event="start", days=3)


def test_labels_may_be_left_out():
    """The names of file and event serve."""
    found = parse_template(_raw(label=None, events={"start": None}), name="my_schedule")

    assert (found.label, found.events[0].label, found.events[0].words) == (
        "My schedule",
        "Start",
        (),
    )


def test_its_schedule_has_ids_in_order():
    """m1, m2, ... survive a change of labels."""
    schedule = parse_template(_raw(), name="test").schedule(currency="USD")

    assert [(m.id, m.label, m.basis) for m in schedule.milestones] == [
        ("m1", "Deposit", Percent(value=Decimal(25))),
        ("m2", "Rest", Percent(value=Decimal(75))),
    ]


def test_parts_and_fixed_amounts_are_read():
    """Fixed amounts in the currency of the estimate."""
    raw = _raw(
        milestones=[
            {"label": "Deposit", "fixed": "1000.00", "after": "approved"},
            {"label": "One", "parts": 1, "before": "start", "business_days": 2},
            {"label": "Two", "parts": "2", "after": "start"},
        ]
    )

    schedule = parse_template(raw, name="test").schedule(currency="USD")

    assert [m.basis for m in schedule.milestones] == [
        Fixed(amount_minor=100_000),
        Parts(count=1),
        Parts(count=2),
    ]
    assert schedule.milestones[1].trigger.business_days


def test_a_fixed_amount_must_fit_the_currency():
    """1,000.50 is no amount of yen."""
    raw = _raw(
        milestones=[
            {"label": "Deposit", "fixed": "1000.50", "after": "approved"},
            {"label": "Rest", "percent": 100, "after": "start"},
        ]
    )

    template = parse_template(raw, name="test")

    with pytest.raises(MoneyError) as caught:
        template.schedule(currency="JPY")
    assert (caught.value.code, caught.value.at) == ("decimals", "milestones[0].fixed")


@pytest.mark.parametrize(
    ("raw", "code", "at"),
    [
        pytest.param(None, "template_shape", "", id="empty-file"),
        pytest.param([1], "template_shape", "", id="a-list"),
        pytest.param(_raw(milestone=[]), "unknown_key", "milestone", id="misspelt"),
        pytest.param(_raw(milestones=[]), "no_milestones", "milestones", id="no-steps"),
        pytest.param(_raw(milestones={}), "template_shape", "milestones", id="steps-no-list"),
        pytest.param(_raw(when={"item": []}), "unknown_key", "when.item", id="unknown-rule"),
        pytest.param(_raw(when={"items": [7]}), "template_shape", "when.items[0]", id="no-word"),
        pytest.param(_raw(events={7: {}}), "template_shape", "events", id="event-without-name"),
        pytest.param(_step(percent=90), "percent_sum", "milestones[0].basis", id="90"),
        pytest.param(_step(percent=33.3), "float_number", "milestones[0].percent", id="float"),
        pytest.param(_step(percent="x"), "percent_text", "milestones[0].percent", id="no-number"),
        pytest.param(_step(percent="-5"), "negative", "milestones[0].percent", id="negative"),
        pytest.param(_step(percent=True), "template_shape", "milestones[0].percent", id="true"),
        pytest.param(_step(parts=1), "share_count", "milestones[0]", id="two-shares"),
        pytest.param(_step(percent=None), "share_count", "milestones[0]", id="no-share"),
        pytest.param(
            _step(percent=None, parts=0), "parts", "milestones[0].parts", id="no-part-at-all"
        ),
        pytest.param(
            _step(percent=None, parts="1.5"), "parts", "milestones[0].parts", id="half-a-part"
        ),
        pytest.param(
            _step(percent=None, fixed="1,000"), "money_text", "milestones[0].fixed", id="comma"
        ),
        pytest.param(_step(before="start"), "trigger_count", "milestones[0]", id="two-triggers"),
        pytest.param(_step(after=None), "trigger_count", "milestones[0]", id="no-trigger"),
        pytest.param(_step(after="end"), "event_unknown", "milestones[0].after", id="no-event"),
        pytest.param(_step(days=-1), "offset", "milestones[0].days", id="days-back"),
        pytest.param(_step(days=9999), "offset", "milestones[0].trigger", id="ages"),
        pytest.param(
            _step(days=1, business_days=1), "days_count", "milestones[0]", id="two-offsets"
        ),
        pytest.param(_step(label=None), "label_missing", "milestones[0].label", id="no-label"),
        pytest.param(_step(befor="x"), "unknown_key", "milestones[0].befor", id="misspelt-key"),
    ],
)
def test_a_wrong_template_says_what_is_wrong_and_where(raw, code, at):
    """A contractor mends it without asking."""
    with pytest.raises(TemplateError) as caught:
        parse_template(raw, name="test")

    assert (caught.value.code, caught.value.at) == (code, at)


def test_percent_beside_parts_is_refused():
    """The engine's own rule, with its place."""
    raw = _raw(
        milestones=[
            {"label": "A", "percent": 50, "before": "start"},
            {"label": "B", "parts": 1, "after": "start"},
        ]
    )

    with pytest.raises(TemplateError) as caught:
        parse_template(raw, name="test")

    assert (caught.value.code, caught.value.at) == ("mixed_basis", "milestones[1].basis")


@pytest.mark.parametrize("loader", [yaml.SafeLoader, yaml.BaseLoader], ids=lambda one: one.__name__)
@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_the_shipped_templates_are_right(path, loader):
    """Whether numbers come as numbers or as text."""
    template = parse_template(yaml.load(path.read_text(), loader), name=path.name)

    assert template.schedule(currency="USD").milestones


def test_exactly_one_shipped_template_is_the_default():
    """It is deposit and balance."""
    templates = [parse_template(yaml.safe_load(p.read_text()), name=p.name) for p in SHIPPED]

    assert [t.name for t in templates if t.rules.is_default] == ["deposit_balance.yaml"]
