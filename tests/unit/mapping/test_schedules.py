"""An estimate -> its schedule."""

from __future__ import annotations

from decimal import Decimal
from importlib.resources import files

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mapping.contracts import contract_of
from mapping.documents import parse_estimate
from mapping.jobs import gather
from mapping.schedules import ChosenSchedule, choose_schedule, parse_template
from milestone_engine.schedule import Fixed, Parts, Percent
from milestone_engine.timeline import Trigger, When
from tests.builders import a_fixture, a_line, a_text, an_estimate

TEMPLATES = [
    parse_template(yaml.safe_load(path.read_text()), name=path.name.removesuffix(".yaml"))
    for path in sorted(files("config").joinpath("schedules").iterdir(), key=lambda p: p.name)
    if path.name.endswith(".yaml")
]


def _choose(raw, *, templates=TEMPLATES, currency="USD"):
    estimate = parse_estimate(raw)
    mapped = contract_of(gather([estimate]), first_totals={}, home_currency=currency)
    return choose_schedule(estimate, mapped.coding, templates=templates, currency=currency)


def _chosen(raw, **arguments):
    found = _choose(raw, **arguments)
    assert isinstance(found, ChosenSchedule), found
    return found


def _bases(chosen):
    return [milestone.basis for milestone in chosen.schedule.milestones]


def _percents(*values):
    return [Percent(value=Decimal(value)) for value in values]


def test_the_estimates_own_words_win_over_templates():
    """Even where an item asks for another template."""
    raw = an_estimate(
        memo="25% before Measurements; 25% after Removal; 50% after Installation",
        lines=[a_line(item_name="Landscaping")],
    )

    chosen = _chosen(raw)

    assert chosen.source == "customer_memo"
    assert [(m.id, m.label) for m in chosen.schedule.milestones] == [
        ("m1", "Deposit"),
        ("m2", "After removal"),
        ("m3", "After installation"),
    ]
    assert _bases(chosen) == _percents(25, 25, 50)
    assert [(event.name, event.label) for event in chosen.events] == [
        ("measurements", "Measurements"),
        ("removal", "Removal"),
        ("installation", "Installation"),
    ]


def test_events_in_own_words_learn_from_the_templates():
    """A line "Template visit" dates Measurements here too."""
    chosen = _chosen(an_estimate(memo="25% before Measurements; 75% after the Party"))

    assert chosen.events[0].words == (
        "measurements",
        "measurement",
        "measure",
        "measuring",
        "template",
        "templating",
    )
    assert chosen.events[1].words == ("party",)
    measuring = _chosen(an_estimate(memo="100% before Measuring")).events[0]
    assert (measuring.name, "template" in measuring.words) == ("measuring", True)
    template = _chosen(an_estimate(memo="100% after Template visit")).events[0]
    assert (template.name, "measure" in template.words) == ("template-visit", True)


def test_words_that_are_half_a_schedule_are_not_passed_over_in_silence():
    """A template decides, and a person can see what it did not understand."""
    chosen = _chosen(an_estimate(memo="A third up front. Balance on completion."))

    assert chosen.source == "template:deposit_balance"
    assert [(f.code, dict(f.facts)) for f in chosen.findings] == [
        ("words_passed_over", {"source": "customer_memo", "words": "Balance on completion"})
    ]
    assert _chosen(an_estimate(memo="Thank you!")).findings == ()


def test_the_private_note_is_read_after_the_memo():
    """A contractor may not want to show it."""
    raw = an_estimate(memo="Thank you!", note="50% on approval, 50% after Completion")

    assert _chosen(raw).source == "private_note"


def test_a_deposit_and_the_balance():
    """The balance is all that the fixed amount leaves."""
    chosen = _chosen(an_estimate(memo="deposit 1,000.00 on approval; balance after Installation"))

    assert _bases(chosen) == [Fixed(amount_minor=100_000), *_percents(100)]
    assert [m.label for m in chosen.schedule.milestones] == ["Deposit", "After installation"]
    assert [event.name for event in chosen.events] == ["installation"]


@pytest.mark.parametrize(
    ("memo", "bases"),
    [
        pytest.param(
            "30% on approval; 20% before Start; balance after Completion",
            _percents(30, 20, 50),
            id="balance-of-percents",
        ),
        pytest.param(
            "1/3 on approval; 1/3 before Start; balance after Completion",
            [Parts(count=1)] * 3,
            id="balance-of-thirds",
        ),
        pytest.param(
            "1/2 on approval; 1/4 before Start; 1/4 after Completion",
            [Parts(count=2), Parts(count=1), Parts(count=1)],
            id="true-fractions",
        ),
        pytest.param(
            "1/2 on approval; 25% before Start; 25% after Completion",
            _percents(50, 25, 25),
            id="a-half-beside-percents",
        ),
        pytest.param("100% after Completion", _percents(100), id="one-payment"),
        pytest.param(
            "deposit 500; 40% before Start; 60% after Completion",
            [Fixed(amount_minor=50_000), *_percents(40, 60)],
            id="percents-of-what-is-left",
        ),
    ],
)
def test_shares_become_bases(memo, bases):
    """Fractions stay true fractions where they can."""
    assert _bases(_chosen(an_estimate(memo=memo))) == bases


def test_labels_say_what_a_payment_is_for():
    """Offsets too; an abbreviation keeps its capitals."""
    chosen = _chosen(
        an_estimate(
            memo="10% on approval; 20% 3 days before Delivery; 30% after HVAC test; "
            "20% on approval; 20% 1 business day after Completion"
        )
    )

    assert [m.label for m in chosen.schedule.milestones] == [
        "Deposit",
        "3 days before delivery",
        "After HVAC test",
        "On approval",
        "1 business day after completion",
    ]


@pytest.mark.parametrize(
    ("memo", "code", "facts"),
    [
        pytest.param(
            "25% before A; 25% after B; 55% after C", "percent_sum", {"sum": "105"}, id="E36"
        ),
        pytest.param(
            "25% before A; $500 after B", "percent_sum", {"sum": "25"}, id="percent-and-amount"
        ),
        pytest.param(
            "33.33% before A; 33.33% after B; 33.33% after C",
            "percent_sum",
            {"sum": "99.99"},
            id="E35",
        ),
        pytest.param("1/3 before A; 1/3 after B", "percent_sum", {"sum": "200/3"}, id="two-thirds"),
        pytest.param(
            "60% before A; 40% after B; balance after C",
            "balance_nothing",
            {"sum": "100"},
            id="no-balance-left",
        ),
        pytest.param(
            "50% before A; balance after B; rest after C", "balance_twice", {}, id="twice"
        ),
        pytest.param(
            "25% before A; 25 after B; 50% after C",
            "share_unclear",
            {"phrase": "25 after B"},
            id="bare-number",
        ),
        pytest.param(
            "deposit 10.005 on approval; balance after B", "decimals", {}, id="half-a-cent"
        ),
        pytest.param("1/3 before A; 50% after B; balance after C", "mixed_basis", {}, id="mixed"),
        pytest.param(
            "50% 9999 days before A; 50% after B",
            "offset",
            {"at": "milestones[0].trigger"},
            id="ages",
        ),
    ],
)
def test_words_that_make_no_schedule_are_findings(memo, code, facts):
    """No template steps in: the contractor meant something, and must be asked."""
    found = _choose(an_estimate(memo=memo))

    assert isinstance(found, tuple)
    assert [(finding.code, finding.subject) for finding in found] == [(code, "estimate:1187")]
    assert facts.items() <= found[0].facts.items()
    assert found[0].facts["source"] == "customer_memo"


def test_every_unclear_phrase_is_named():
    """So that all can be mended at once."""
    found = _choose(an_estimate(memo="10% before A; 20 before B; 30 before C; 40% after D"))

    assert isinstance(found, tuple)
    assert [finding.facts["phrase"] for finding in found] == ["20 before B", "30 before C"]


@pytest.mark.parametrize(
    ("fields", "template"),
    [
        pytest.param({"lines": [a_line(item_name="Quartz slab")]}, "countertop", id="item"),
        pytest.param(
            {"lines": [a_line(class_id="1", class_name="Landscaping")]}, "landscaping", id="class"
        ),
        pytest.param(
            {"lines": [a_line(description="Service call, leaking tap")]},
            "single_payment",
            id="text",
        ),
        pytest.param(
            {"lines": [a_line(), a_text("New worktop in the kitchen")]},
            "countertop",
            id="text-line",
        ),
        pytest.param({"memo": "Payable in thirds."}, "thirds", id="memo"),
        pytest.param({}, "deposit_balance", id="default"),
    ],
)
def test_templates_are_chosen_by_rule(fields, template):
    """Item, class, words, default."""
    assert _chosen(an_estimate(**fields)).source == f"template:{template}"


def test_an_item_says_more_than_a_class_and_a_class_more_than_words():
    """Whatever the order of the templates."""
    worded = a_line("1", item_name="Work", description="new countertop")
    classed = a_line("2", item_name="Work", class_id="1", class_name="Garden")
    itemed = a_line("3", item_name="Repair")

    for templates in (TEMPLATES, TEMPLATES[::-1]):
        sources = [
            _chosen(an_estimate(lines=lines), templates=templates).source
            for lines in ([worded], [worded, classed], [worded, classed, itemed])
        ]
        assert sources == ["template:countertop", "template:landscaping", "template:single_payment"]


def test_the_countertop_template_is_the_story_of_the_demo():
    """25 before measurements, 25 after removal, 50 after installation."""
    chosen = _chosen(an_estimate(lines=[a_line(item_name="Countertop")]))

    assert _bases(chosen) == _percents(25, 25, 50)
    assert [m.trigger for m in chosen.schedule.milestones] == [
        Trigger(when=When.BEFORE, event="measurements"),
        Trigger(when=When.AFTER, event="removal"),
        Trigger(when=When.AFTER, event="installation"),
    ]


def test_lines_of_other_estimates_do_not_choose():
    """A change order's item must not turn a running Job's schedule round."""
    main = parse_estimate(an_estimate())
    change = parse_estimate(
        an_estimate(id="2", number="1042-CO-1", lines=[a_line(item_name="Countertop")])
    )
    mapped = contract_of(gather([main, change]), first_totals={})

    found = choose_schedule(main, mapped.coding, templates=TEMPLATES, currency="USD")

    assert isinstance(found, ChosenSchedule)
    assert found.source == "template:deposit_balance"


def test_no_rule_and_no_default_is_a_finding():
    """With the items that no template knows."""
    found = _choose(a_fixture("estimate_us_ast"), templates=[])

    assert isinstance(found, tuple)
    assert [(f.code, dict(f.facts)) for f in found] == [
        ("no_schedule", {"items": "Cabinets, Installation", "number": "1042"})
    ]


def test_a_templates_amount_that_does_not_fit_the_currency_is_a_finding():
    """1,000.50 yen."""
    template = parse_template(
        {
            "when": {"default": True},
            "milestones": [
                {"label": "Deposit", "fixed": "1000.50", "after": "approved"},
                {"label": "Rest", "percent": 100, "after": "approved"},
            ],
        },
        name="odd",
    )

    found = _choose(an_estimate(CurrencyRef={"value": "JPY"}), templates=[template], currency="JPY")

    assert isinstance(found, tuple)
    assert (found[0].code, found[0].facts["source"]) == ("decimals", "template:odd")


@given(st.lists(st.integers(min_value=1, max_value=99), min_size=2, max_size=6))
def test_percents_are_taken_exactly_when_they_add_up_to_100(percents):
    """And refused with their sum when they do not."""
    memo = "; ".join(f"{p}% after Step {chr(65 + i)}" for i, p in enumerate(percents))

    found = _choose(an_estimate(memo=memo))

    if sum(percents) == 100:
        assert isinstance(found, ChosenSchedule)
        assert _bases(found) == _percents(*percents)
    else:
        assert isinstance(found, tuple)
        assert found[0].facts["sum"] == str(sum(percents))
