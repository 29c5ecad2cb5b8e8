"""Sentences: every code has words, amounts are exact, foreign text cannot do harm."""

from __future__ import annotations

import ast
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from milestone_engine.explain import CODES, PLAN_CODES
from milestone_engine.needs import GONE, HELD
from milestone_engine.schedule import Milestone, Parts, Percent, Schedule
from milestone_engine.split import WARNINGS
from milestone_engine.timeline import Event, Trigger, When
from sync.words import say_amount, say_finding, say_when, say_why
from sync.words.amounts import about, money, near_day, signed
from sync.words.findings import WORDS
from sync.words.payments import say_next, say_payment
from sync.words.reasons import _AMOUNTS, say_trigger
from sync.words.texts import one_line
from tests.unit.sync.views import EVENTS, INSTALL, SCHEDULE, TODAY, a_view, an_invoice

ROOT = Path(__file__).parents[3]
#: Where findings come from, or errors that become findings.
RAISING = (
    "milestone_engine/needs.py",
    "milestone_engine/legal.py",
    "milestone_engine/schedule.py",
    "milestone_engine/money.py",
    "mapping",
    "sync/pull.py",
    "sync/gather.py",
)
#: Errors that become no finding: they are shown to whoever wrote a template, or stop a row of work.
NOT_FINDINGS = ("TemplateError", "BodyError", "MappingError", "EngineError")

HOSTILE = (
    "<script>alert(1)</script>",
    "Bob\r\nBcc: thief@example.com",
    '=HYPERLINK("http://evil")',
    "\u202egnp.exe\u202c",
    "\u05e9\u05dc\u05d5\u05dd \u2067abc",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 family",
    "a\u200bb\ufeffc\x00d\x1b[31m",
    "{{ 7 * 7 }} {% include 'x' %}",
    "x" * 4096,
    '" onmouseover="alert(1)',
)


def codes() -> Iterator[str]:
    """Every code that the code base gives to a finding or to an error that becomes one."""
    for place in RAISING:
        path = ROOT / place
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                yield from _codes_of(node, file.name)
    yield from (f"schedule_{warning}" for warning in WARNINGS)
    yield from (*HELD.values(), *GONE.values())


def _codes_of(node: ast.AST, file: str) -> Iterator[str]:
    if isinstance(node, ast.Tuple) and file == "schedules.py" and len(node.elts) == 2:
        first, second = node.elts
        if isinstance(first, ast.Constant) and isinstance(second, ast.Dict):
            yield str(first.value)
    if not isinstance(node, ast.Call):
        return
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    if name in NOT_FINDINGS or file == "templates.py":
        return
    texts = [one.value for one in node.args if isinstance(one, ast.Constant)]
    if name in ("DocumentError", "_wrong") and texts:
        yield str(texts[0])
    if name in ("_about", "_of_job", "_of_invoice"):
        yield from (str(text) for text in texts[:1])
    if name == "_finding" and file == "legal.py":
        yield str(texts[0])
    yield from (
        str(keyword.value.value)
        for keyword in node.keywords
        if keyword.arg == "code" and isinstance(keyword.value, ast.Constant)
    )


def test_every_code_that_is_raised_has_words() -> None:
    """Nobody reads `share_unclear` and knows what to do."""
    raised = set(codes())
    assert {"percent_sum", "credit", "estimate_converted", "not_a_date", "net_total"} <= raised
    assert raised - set(WORDS) == set()


@pytest.mark.parametrize("code", sorted(WORDS))
def test_words_of_a_finding_are_whole_sentences(code: str) -> None:
    """Reason and remedy read well with the facts that there are, and with none."""
    facts = {
        name: f"[{name}]"
        for name in ("message", "number", "of", "words", "phrase", "sum", "items", "expected")
    }
    facts |= {"currency": "USD", "amount_minor": "50000", "total": "0.00"}
    facts |= {"link": "https://x/connect", "on": "2027-01-01", "within": "30", "limit": "500"}
    facts |= {"stage": "80% of", "by": "Ann", "why": "no", "undo": "job undo 1042 7"}
    for known in (facts, {}):
        reason, remedy = say_finding(code, "estimate:1187", known, currency="USD")
        assert "{" not in reason + remedy
        assert reason.strip()
        assert reason[0].isupper()
    assert say_finding(code, "estimate:1187", facts, currency="USD")[1].endswith((".", "?"))


def test_an_unknown_code_is_still_said() -> None:
    """A code of tomorrow shows its message, or itself."""
    said, _ = say_finding("brand_new", "job:2001/m2", {"message": "so and so"}, currency="USD")
    assert said == "Job 2001, payment m2: so and so"
    assert say_finding("brand_new", "x", {}, currency="USD")[0] == "x: brand new"


def test_a_document_without_a_number_is_told_by_its_id() -> None:
    """QuickBooks allows estimates without a number."""
    said, _ = say_finding("invoice_voided", "invoice:88", {"number": ""}, currency="USD")
    assert said == "Invoice 88: invoice voided"


def test_every_derivation_has_words() -> None:
    """The engine's reasons and ours are the same list."""
    assert set(_AMOUNTS) == {*CODES, *PLAN_CODES}


def test_reason_after_a_change_order_names_what_is_left_and_its_part() -> None:
    """E06 as a sentence: 25 of the 75 percent that are still open."""
    view = a_view(total_minor=1_340_000, invoices=(an_invoice("m1", 300_000, paid_minor=300_000),))
    assert [say_amount(one, currency="USD") for one in view.milestones] == [
        "Paid as invoiced: $3,000.00 stays, whatever changes later.",
        "Agreed as 25%. Of the $13,400.00 contract $3,000.00 is paid and stays as it is. "
        "Of the $10,400.00 left this payment takes 1/3: 25 of the 75% open.",
        "Agreed as 50%. Of the $13,400.00 contract $3,000.00 is paid and stays as it is. "
        "Of the $10,400.00 left this payment takes 2/3: 50 of the 75% open.",
    ]


def test_reason_of_the_last_open_payment_says_that_it_takes_the_rest() -> None:
    """E08: what is left after two paid ones is all its own."""
    paid = tuple(an_invoice(name, 300_000, paid_minor=300_000) for name in ("m1", "m2"))
    view = a_view(total_minor=1_340_000, invoices=paid)
    assert say_amount(view.milestones[2], currency="USD") == (
        "Agreed as 50%. Of the $13,400.00 contract $6,000.00 is paid and stays as it is. "
        "This is the last payment still open: it takes the $7,400.00 left."
    )


def test_reason_of_equal_parts_speaks_of_parts() -> None:
    """Thirds are not 33.33 percent."""
    trigger = Trigger(when=When.AFTER, event="removal")
    thirds = Schedule(
        currency="USD",
        milestones=tuple(
            Milestone(id=f"m{n}", label=f"Part {n}", basis=Parts(count=1), trigger=trigger)
            for n in (1, 2, 3)
        ),
    )
    view = a_view(schedule=thirds)
    assert say_amount(view.milestones[0], currency="USD") == "1/3 of the $12,000.00 contract."
    assert say_why(view.milestones[0], currency="USD").endswith(
        "Asked after Removal; planned for Tue, Jun 9, 2026."
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param({}, "Asked because Removal was finished on Fri, Jun 12, 2026; "
                     "due Mon, Jun 15, 2026.", id="after"),
        pytest.param({"trigger": Trigger(when=When.AFTER, event="removal", days=3)},
                     "Asked 3 days after Removal, which was finished on Fri, Jun 12, 2026; "
                     "due Mon, Jun 15, 2026.", id="days-after"),
        pytest.param({"trigger": Trigger(when=When.BEFORE, event="removal")},
                     "Asked before Removal, which was finished on Fri, Jun 12, 2026; "
                     "due Mon, Jun 15, 2026.", id="before"),
        pytest.param({"trigger": Trigger(when=When.AFTER, event="approved")},
                     "Asked on approval, which was given on Fri, Jun 12, 2026; "
                     "due Mon, Jun 15, 2026.", id="approved"),
        pytest.param({"state": "paid", "settled_on": date(2026, 6, 16)},
                     "Asked because Removal was finished on Fri, Jun 12, 2026; "
                     "paid Tue, Jun 16, 2026.", id="paid"),
        pytest.param({"state": "waiting", "due_on": None},
                     "Asked because Removal was finished on Fri, Jun 12, 2026.", id="waiting"),
        pytest.param({"event_on": None}, "Asked after Removal; due Mon, Jun 15, 2026.",
                     id="nobody-said-when"),
        pytest.param({"event_state": "planned", "state": "upcoming"},
                     "Asked after Removal, due Mon, Jun 15, 2026.", id="planned"),
        pytest.param({"event_label": "Tear-out\nand\x00 haul"},
                     "Asked because Tear-out and haul was finished on Fri, Jun 12, 2026; "
                     "due Mon, Jun 15, 2026.", id="foreign-text"),
    ],
)  # fmt: skip
def test_why_now_says_when_its_event_happened(change: dict, said: str) -> None:
    """Issue 3's sentence: because removal was finished on 12 June."""
    one = replace(
        a_view().milestones[1],
        trigger=Trigger(when=When.AFTER, event="removal"),
        event_state="completed",
        event_on=date(2026, 6, 12),
        state="due",
        due_on=date(2026, 6, 15),
    )
    assert say_when(replace(one, **change)) == said


@pytest.mark.parametrize(
    ("floor_minor", "said"),
    [
        (0, "Nothing of the $12,000.00 contract is left for it."),
        (40_000, "$400.00 is paid or invoiced on it already, so it does not go below that."),
    ],
)
def test_a_floor_of_nothing_is_not_called_paid(floor_minor: int, said: str) -> None:
    """Where other payments take all there is, nobody paid the nothing that is left."""
    facts = {"total_minor": 1_200_000, "floor_minor": floor_minor, "weight": 25}
    one = replace(a_view().milestones[1], why_code="floor", why_facts=facts)
    assert say_amount(one, currency="USD") == said


def test_pinned_amount_says_the_amount_that_was_set() -> None:
    """The fact is `set_minor`; `pinned_minor` is the sum of all of them."""
    milestones = list(SCHEDULE.milestones)
    milestones[0] = Milestone(
        id="m1",
        label="Deposit",
        basis=Percent(value=Decimal(25)),
        trigger=milestones[0].trigger,
        pinned_minor=250_000,
    )
    view = a_view(schedule=Schedule(currency="USD", milestones=tuple(milestones)))
    assert say_amount(view.milestones[0], currency="USD") == "Set to $2,500.00 by your contractor."


@pytest.mark.parametrize(
    ("view", "sentence"),
    [
        pytest.param(
            a_view(),
            "Next: $3,000.00 plus about $195 tax, due Wed, Jun 3, before Measurements",
            id="dated",
        ),
        pytest.param(
            a_view(invoices=(an_invoice("m1", 300_000),)),
            "Due now: $3,195.00, by Wed, Jun 3, before Measurements",
            id="invoiced",
        ),
        pytest.param(
            a_view(invoices=(an_invoice("m1", 300_000, paid_minor=100_000),)),
            "Due now: $2,130.00, by Wed, Jun 3, before Measurements",
            id="part-paid",
        ),
        pytest.param(
            a_view(invoices=(an_invoice("m1", 300_000),), today=date(2026, 6, 5)),
            "Due now: $3,195.00, since Wed, Jun 3, before Measurements",
            id="late",
        ),
        pytest.param(
            a_view(invoices=(an_invoice("m1", 300_000, paid_minor=300_000),)),
            "Next: $3,000.00 plus about $195 tax, after Removal, planned for Tue, Jun 9",
            id="waits-for-an-event",
        ),
        pytest.param(
            a_view(events={name: Event(name=name, label=one.label, on=None)
                           for name, one in EVENTS.items()}),
            "Next: $3,000.00 plus about $195 tax, before Measurements, no date yet",
            id="no-date",
        ),
        pytest.param(
            a_view(today=date(2025, 12, 30)),
            "Next: $3,000.00 plus about $195 tax, due Wed, Jun 3, 2026, before Measurements",
            id="next-year",
        ),
        pytest.param(
            a_view(total_minor=300_000,
                   invoices=(an_invoice("m1", 300_000, paid_minor=300_000),)),
            "Paid in full",
            id="E11-paid-in-full",
        ),
        pytest.param(
            a_view(state="frozen", invoices=(an_invoice("m1", 300_000, paid_minor=300_000),)),
            "This job is on hold: nothing is asked of you now",
            id="frozen",
        ),
        pytest.param(
            a_view(state="unmapped", milestones=(), contract_total_minor=0),
            "Your payment plan is being prepared",
            id="unmapped",
        ),
    ],
)  # fmt: skip
def test_one_sentence_says_where_the_job_stands(view: object, sentence: str) -> None:
    """How much, when, for what: the first thing a customer reads."""
    assert say_next(view) == sentence  # type: ignore[arg-type]


def test_two_invoices_out_are_summed_to_the_cent() -> None:
    """The sentence says all that is due now."""
    view = a_view(
        invoices=(an_invoice("m1", 300_000), an_invoice("m2", 300_000)), done=("removal",)
    )
    assert say_next(view) == "Due now: $6,390.00 on 2 invoices"


def test_a_payment_without_invoice_is_not_called_due() -> None:
    """In `approve` mode the invoice waits for a yes: that is our delay."""
    view = a_view(today=INSTALL)
    words = say_payment(view, view.milestones[0])
    assert (view.milestones[0].state, words.badge, words.when) == (
        "due", "Coming", "invoice to follow",
    )  # fmt: skip


def test_cancelled_event_is_said() -> None:
    """A customer must not wait for a date that will not come."""
    one = replace(a_view().milestones[1], event_state="cancelled", event_on=None)
    assert say_trigger(one, today=TODAY) == "After Removal, which was cancelled"


@pytest.mark.parametrize(
    ("amount_minor", "currency", "exact", "rough"),
    [
        pytest.param(25_333, "USD", "$253.33", "about $253", id="dollars"),
        pytest.param(950, "USD", "$9.50", "about $9.50", id="small-amounts-keep-their-cents"),
        pytest.param(25_350, "USD", "$253.50", "about $254", id="half-rounds-up"),
        pytest.param(1_234, "JPY", "¥1,234", "about ¥1,234", id="yen-have-no-decimals"),
        pytest.param(25_333, "CAD", "CA$253.33", "about CA$253", id="canadian"),
    ],
)
def test_money_is_written_as_its_currency_is(
    amount_minor: int, currency: str, exact: str, rough: str
) -> None:
    """Exact to the minor unit, or said to be about."""
    assert money(amount_minor, currency=currency) == exact
    assert about(amount_minor, currency=currency) == rough


def test_differences_carry_their_sign() -> None:
    """A minus that is no hyphen, and a plus that is there."""
    assert signed(140_000, currency="USD") == "+$1,400.00"
    assert signed(-50_000, currency="USD") == "−$500.00"


def test_a_day_of_this_year_needs_no_year() -> None:
    """Next year's does."""
    assert near_day(date(2026, 3, 17), today=TODAY) == "Tue, Mar 17"
    assert near_day(date(2027, 3, 17), today=TODAY) == "Wed, Mar 17, 2027"


@pytest.mark.parametrize("text", HOSTILE)
def test_foreign_text_becomes_one_harmless_line(text: str) -> None:
    """No line end, no control character, no mark that turns the direction, no flood."""
    line = one_line(text)
    assert len(line) <= 120
    assert not re.search(r"[\r\n\x00-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069\ufeff]", line)
    assert all(
        unicodedata.category(character) not in ("Cc", "Zl", "Zp", "Cs") for character in line
    )


def test_names_of_every_script_stay_as_they_are() -> None:
    """Harmless is not the same as American."""
    for name in (
        "Åsa Öberg",
        "\u05e9\u05dc\u05d5\u05dd",
        "李小龍",
        "\U0001f468\u200d\U0001f469",
        "O'Brien & Söhne",
    ):
        assert one_line(name) == name
