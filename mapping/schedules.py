"""An estimate -> its payment schedule: in the estimate's own words, or from a template.

The contractor's own words win: first the memo that the customer reads, then the private note. Then
templates by rule: an item's name says most, then a class, then a word in the texts; within one kind
the templates' order decides. Then the default template. Else nobody knows, which is a Finding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import lcm

from mapping.contracts import Coding
from mapping.documents import Estimate
from mapping.errors import DocumentError
from mapping.events import EventWords, holds, line_text
from mapping.lines import walk
from mapping.memo import Phrase, is_meant, read_phrases, slug
from mapping.templates import Template, parse_template
from milestone_engine.errors import EngineError
from milestone_engine.finding import Finding
from milestone_engine.money import parse_money
from milestone_engine.schedule import (
    Basis,
    Fixed,
    Milestone,
    Parts,
    Percent,
    Schedule,
    build_schedule,
)
from milestone_engine.timeline import APPROVED, Trigger, When

__all__ = [
    "ChosenSchedule",
    "EventWords",
    "Template",
    "choose_schedule",
    "parse_template",
    "schedule_of_words",
    "words_left_behind",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenSchedule:
    """A Job's schedule, its timeline, and where both come from."""

    schedule: Schedule
    events: tuple[EventWords, ...]  #: in order, `approved` left out
    source: str  #: `customer_memo`, `private_note` or `template:countertop`
    findings: tuple[Finding, ...] = ()  #: harmless ones: `words_passed_over`


def choose_schedule(
    estimate: Estimate,
    coding: Mapping[str, Coding],
    *,
    templates: Sequence[Template],
    currency: str,
) -> ChosenSchedule | tuple[Finding, ...]:
    """Return the schedule of an agreed estimate, or the Findings that say why there is none.

    Args:
        estimate: the Job's main one.
        coding: by contract line id; lines of other estimates play no part.
        templates: in the company's order; at most one should be the default.
        currency: ISO 4217, of the contract.
    """
    passed_over: list[Finding] = []
    for source, text in _own_words(estimate):
        phrases = read_phrases(text)
        if is_meant(phrases):
            return _from_words(phrases, estimate, source, templates, currency=currency)
        # A lone phrase may be half of what somebody meant: the template is used, but not silently.
        facts = {"source": source, "words": _said(phrases)}
        passed_over += [_about(estimate, "words_passed_over", facts)] if phrases else []
    template = _fitting(estimate, coding, templates)
    if template is None:
        names = sorted({line.item_name for line in _own_coding(estimate, coding)} - {""})
        facts = {"items": ", ".join(names), "number": estimate.doc_number}
        return (_about(estimate, "no_schedule", facts), *passed_over)
    source = f"template:{template.name}"
    try:
        schedule = template.schedule(currency=currency)
    except EngineError as error:
        return (_finding(error, estimate, source=source, words=""),)
    return ChosenSchedule(
        schedule=schedule, events=template.events, source=source, findings=tuple(passed_over)
    )


def words_left_behind(
    estimate: Estimate, said: ChosenSchedule | tuple[Finding, ...], schedule: Schedule
) -> tuple[Finding, ...]:
    """Return a Finding if the estimate's own words now say another schedule than the Job's.

    Original weights never change by themselves: who edits a memo has to hear that it had no effect.

    Args:
        estimate: the Job's main one.
        said: what `choose_schedule()` makes of it now.
        schedule: the Job's.
    """
    meant = [read_phrases(text) for _, text in _own_words(estimate)]
    words = next((_said(phrases) for phrases in meant if is_meant(phrases)), None)
    is_same = isinstance(said, ChosenSchedule) and _terms(said.schedule) == _terms(schedule)
    if words is None or is_same:
        return ()
    return (_about(estimate, "words_not_followed", {"words": words}),)


def _terms(schedule: Schedule) -> list[tuple[Basis, Trigger]]:
    return [(milestone.basis, milestone.trigger) for milestone in schedule.milestones]


def schedule_of_words(text: str, *, currency: str) -> Schedule:
    """Return the schedule that plain words make: "50% on approval; 50% after Installation".

    Raises:
        DocumentError: the words make none (`percent_sum`, `share_unclear`, ...).
        EngineError: what `build_schedule()` refuses.
    """
    phrases = read_phrases(text)
    if not phrases:
        raise DocumentError("share_unclear", f"no payments are named in {text[:80]!r}")
    wrong = _wrong_phrases(phrases)
    if wrong:
        code, facts = wrong[0]
        raise DocumentError(code, f"{_said(phrases)}: {facts.get('sum') or facts.get('phrase')}")
    return _built(phrases, currency)


def _built(phrases: Sequence[Phrase], currency: str) -> Schedule:
    milestones = [
        Milestone(
            id=f"m{number}",
            label=_label(phrase, is_first=number == 1, count=len(phrases)),
            basis=basis,
            trigger=phrase.trigger,
        )
        for number, (phrase, basis) in enumerate(
            zip(phrases, _bases(phrases, currency), strict=True), start=1
        )
    ]
    return build_schedule(currency=currency, milestones=milestones)


def _own_words(estimate: Estimate) -> tuple[tuple[str, str], ...]:
    return (
        ("customer_memo", estimate.customer_memo),
        ("private_note", estimate.private_note),
    )


def _fitting(
    estimate: Estimate, coding: Mapping[str, Coding], templates: Sequence[Template]
) -> Template | None:
    """Return the first template that fits by item, else by class, words, or as the default."""
    own = _own_coding(estimate, coding)
    items = "\n".join(line.item_name for line in own)
    classes = "\n".join(line.class_name for line in own)
    texts = [line_text(line) for line in walk(estimate.lines)]
    words = "\n".join((*texts, estimate.customer_memo, estimate.private_note))
    tests = (
        lambda template: holds(items, template.rules.items),
        lambda template: holds(classes, template.rules.classes),
        lambda template: holds(words, template.rules.words),
        lambda template: template.rules.is_default,
    )
    return next((template for test in tests for template in templates if test(template)), None)


def _own_coding(estimate: Estimate, coding: Mapping[str, Coding]) -> list[Coding]:
    return [line for line_id, line in coding.items() if line_id.startswith(f"{estimate.id}:")]


def _from_words(
    phrases: Sequence[Phrase],
    estimate: Estimate,
    source: str,
    templates: Sequence[Template],
    *,
    currency: str,
) -> ChosenSchedule | tuple[Finding, ...]:
    """Return the schedule that the phrases make, or every reason why they make none."""
    words = _said(phrases)
    wrong = _wrong_phrases(phrases)
    if wrong:
        facts = {"source": source, "words": words}
        return tuple(_about(estimate, code, {**facts, **more}) for code, more in wrong)
    try:
        schedule = _built(phrases, currency)
    except EngineError as error:
        return (_finding(error, estimate, source=source, words=words),)
    return ChosenSchedule(schedule=schedule, events=_timeline(phrases, templates), source=source)


def _wrong_phrases(phrases: Sequence[Phrase]) -> list[tuple[str, dict[str, str]]]:
    """Return a code and its facts for everything that keeps the phrases from being a schedule."""
    unclear = [phrase for phrase in phrases if phrase.is_unclear]
    if unclear:
        return [("share_unclear", {"phrase": phrase.words}) for phrase in unclear]
    balances = sum(phrase.is_balance for phrase in phrases)
    if balances > 1:
        return [("balance_twice", {})]
    shared = _shared(phrases)
    if balances and shared >= 1:
        return [("balance_nothing", {"sum": _percent_text(shared)})]
    if not balances and shared != 1:
        return [("percent_sum", {"sum": _percent_text(shared)})]
    return []


def _shared(phrases: Sequence[Phrase]) -> Fraction:
    """Return what the percents and fractions add up to; 1 is all of the contract."""
    percents = (Fraction(phrase.percent) / 100 for phrase in phrases if phrase.percent is not None)
    fractions = (phrase.fraction for phrase in phrases if phrase.fraction is not None)
    return sum(percents, Fraction(0)) + sum(fractions, Fraction(0))


def _percent_text(share: Fraction) -> str:
    """Return a share as people write it: 105, 99.99, and 200/3 where no decimal is exact."""
    percent = _as_decimal(share * 100)
    return f"{percent.normalize():f}" if percent is not None else str(share * 100)


def _as_decimal(value: Fraction) -> Decimal | None:
    """Return a fraction as a decimal if one is exactly equal."""
    decimal = Decimal(value.numerator) / Decimal(value.denominator)
    return decimal if Fraction(decimal) == value else None


def _bases(phrases: Sequence[Phrase], currency: str) -> list[Basis]:
    """Return one basis per phrase: true fractions as parts, unless a percent stands beside them."""
    rest = 1 - _shared(phrases)
    shares = [rest if phrase.is_balance else phrase.fraction for phrase in phrases]
    fractions = [share for share in shares if share is not None]
    is_parts = not any(phrase.percent is not None for phrase in phrases) and any(
        phrase.fraction is not None for phrase in phrases
    )
    scale = lcm(*(share.denominator for share in fractions))
    bases: list[Basis] = []
    for phrase, share in zip(phrases, shares, strict=True):
        if phrase.money is not None:
            bases.append(Fixed(amount_minor=parse_money(phrase.money, currency=currency)))
        elif share is None:
            bases.append(Percent(value=phrase.percent or Decimal(0)))
        else:
            bases.append(_shared_basis(share, scale, is_parts=is_parts))
    return bases


def _shared_basis(share: Fraction, scale: int, *, is_parts: bool) -> Basis:
    """Return a fraction as a percent where percents are used; a third has none and stays parts."""
    percent = None if is_parts else _as_decimal(share * 100)
    if percent is None:
        return Parts(count=int(share * scale))
    return Percent(value=percent)


def _label(phrase: Phrase, *, is_first: bool, count: int) -> str:
    """Return what people call the milestone: "Deposit", "After removal", "3 days before ..."."""
    trigger = phrase.trigger
    is_early = trigger.when is When.BEFORE or trigger.event == APPROVED
    if phrase.is_deposit or (is_first and count > 1 and is_early):
        return "Deposit"
    if trigger.event == APPROVED:
        return "On approval"
    kind = "business day" if trigger.business_days else "day"
    days = f"{trigger.days} {kind}{'s' if trigger.days != 1 else ''} " if trigger.days else ""
    label = f"{days}{trigger.when.value} {_inside(phrase.event_label)}"
    return label[0].upper() + label[1:]


def _inside(label: str) -> str:
    """Return a label as it stands inside a sentence: "Removal" -> "removal", "HVAC test" stays."""
    is_word = label[1:2].islower()
    return label[0].lower() + label[1:] if is_word else label


def _timeline(phrases: Sequence[Phrase], templates: Sequence[Template]) -> tuple[EventWords, ...]:
    """Return the events in the order in which the phrases first name them."""
    found: dict[str, EventWords] = {}
    for phrase in phrases:
        name = phrase.trigger.event
        if name != APPROVED and name not in found:
            words = _words_for(phrase.event_label, templates)
            found[name] = EventWords(name=name, label=phrase.event_label, words=words)
    return tuple(found.values())


def _words_for(label: str, templates: Sequence[Template]) -> tuple[str, ...]:
    """Return the words that tell of an event: its own, and a template's for the same event."""
    own = label.casefold()
    known = (
        event.words
        for template in templates
        for event in template.events
        if event.name == slug(label) or holds(label, event.words)
    )
    return tuple(dict.fromkeys((own, own.removesuffix("s"), *next(known, ()))))


def _said(phrases: Sequence[Phrase]) -> str:
    return "; ".join(phrase.words for phrase in phrases)


def _about(estimate: Estimate, code: str, facts: Mapping[str, str]) -> Finding:
    return Finding(code=code, subject=f"estimate:{estimate.id}", facts=facts)


def _finding(error: EngineError, estimate: Estimate, *, source: str, words: str) -> Finding:
    facts = {"message": error.message, "at": error.at or "", "source": source, "words": words}
    return _about(estimate, error.code, facts)
