"""A YAML template, given as a plain dict -> Template.

    when:        {items: [...], classes: [...], words: [...], default: true}
    events:      {measurements: {label: Measurements, words: [measure, template]}}
    milestones:  - {label: Deposit, percent: 25, before: measurements, days: 3}

A milestone has one share (`percent`, `parts` or `fixed`) and one trigger (`before` or `after` an
event of the list, or `after: approved`), and may have `days` or `business_days`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from mapping.errors import TemplateError
from mapping.events import EventWords
from milestone_engine.errors import EngineError
from milestone_engine.money import parse_money
from milestone_engine.schedule import (
    Fixed,
    Milestone,
    Parts,
    Percent,
    Schedule,
    build_schedule,
    parse_percent,
)
from milestone_engine.timeline import APPROVED, Trigger, When

#: A template does not know its currency; its fixed amounts are first read as in the currency with
#: the most decimals, and checked again when the estimate's currency is known.
WIDEST_CURRENCY = "CLF"

_SHARES = ("percent", "parts", "fixed")
_TRIGGERS = ("before", "after")
_OFFSETS = ("days", "business_days")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """When a template fits an estimate."""

    items: tuple[str, ...] = ()  #: words in the names of items
    classes: tuple[str, ...] = ()  #: words in the names of classes
    words: tuple[str, ...] = ()  #: words in descriptions, memo and note
    is_default: bool = False  #: fits what no other template fits


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateMilestone:
    """One step as the template writes it."""

    label: str
    share: Percent | Parts | str  #: a text is a fixed amount
    trigger: Trigger


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A payment schedule that a contractor can copy. `parse_template()` makes and checks it."""

    name: str
    label: str
    rules: Rules
    events: tuple[EventWords, ...]  #: the timeline, in order
    milestones: tuple[TemplateMilestone, ...]

    def schedule(self, *, currency: str) -> Schedule:
        """Return the template's schedule in a currency.

        Raises:
            EngineError: a fixed amount has more decimals than the currency.
        """
        milestones = [
            Milestone(
                id=f"m{number}",
                label=step.label,
                basis=_basis_of(step.share, currency=currency, at=f"milestones[{number - 1}]"),
                trigger=step.trigger,
            )
            for number, step in enumerate(self.milestones, start=1)
        ]
        return build_schedule(currency=currency, milestones=milestones)


def parse_template(raw: object, *, name: str) -> Template:
    """Read and check a template.

    Args:
        raw: what the YAML file holds. Numbers may be text, int or Decimal; a float is refused.
        name: of the template: its file's name without the ending.

    Raises:
        TemplateError: with the engine's codes for schedules (`percent_sum`, `mixed_basis`, ...) and
            `template_shape`, `unknown_key`, `float_number`, `event_unknown`, `share_count`,
            `trigger_count`, `label_missing`, `days_count`.
    """
    found = _object(raw, at="")
    _refuse_unknown(found, ("label", "when", "events", "milestones"), at="")
    events = _events(found.get("events"))
    names = {event.name for event in events} | {APPROVED}
    template = Template(
        name=name,
        label=_text(found.get("label"), at="label") or name.replace("_", " ").capitalize(),
        rules=_rules(found.get("when")),
        events=events,
        milestones=tuple(
            _milestone(step, names, at=f"milestones[{index}]")
            for index, step in enumerate(_list(found.get("milestones"), at="milestones"))
        ),
    )
    try:
        template.schedule(currency=WIDEST_CURRENCY)
    except EngineError as error:
        raise TemplateError(error.code, error.message, at=error.at or "") from error
    return template


def _rules(raw: object) -> Rules:
    found = _object(raw, at="when")
    _refuse_unknown(found, ("items", "classes", "words", "default"), at="when")
    return Rules(
        items=_texts(found.get("items"), at="when.items"),
        classes=_texts(found.get("classes"), at="when.classes"),
        words=_texts(found.get("words"), at="when.words"),
        is_default=found.get("default") in (True, "true"),
    )


def _events(raw: object) -> tuple[EventWords, ...]:
    found: list[EventWords] = []
    for name, detail in _object(raw, at="events").items():
        at = f"events.{name}"
        words = _object(detail, at=at)
        _refuse_unknown(words, ("label", "words"), at=at)
        label = _text(words.get("label"), at=f"{at}.label") or name.replace("-", " ").capitalize()
        found.append(
            EventWords(name=name, label=label, words=_texts(words.get("words"), at=f"{at}.words"))
        )
    return tuple(found)


def _milestone(raw: object, names: set[str], *, at: str) -> TemplateMilestone:
    found = _object(raw, at=at)
    _refuse_unknown(found, ("label", *_SHARES, *_TRIGGERS, *_OFFSETS), at=at)
    label = _text(found.get("label"), at=f"{at}.label")
    if not label:
        raise TemplateError("label_missing", "a milestone needs a label", at=f"{at}.label")
    return TemplateMilestone(
        label=label, share=_share(found, at=at), trigger=_trigger(found, names, at=at)
    )


def _share(found: Mapping[str, object], *, at: str) -> Percent | Parts | str:
    key = _one_of(found, _SHARES, code="share_count", at=at)
    text = _number(found[key], at=f"{at}.{key}")
    if key == "fixed":
        return text
    try:
        if key == "percent":
            return parse_percent(text, at=f"{at}.percent")
        return Parts(count=_whole(text, code="parts", at=f"{at}.parts"))
    except EngineError as error:
        raise TemplateError(error.code, error.message, at=f"{at}.{key}") from error


def _basis_of(share: Percent | Parts | str, *, currency: str, at: str) -> Percent | Parts | Fixed:
    if not isinstance(share, str):
        return share
    return Fixed(amount_minor=parse_money(share, currency=currency, at=f"{at}.fixed"))


def _trigger(found: Mapping[str, object], names: set[str], *, at: str) -> Trigger:
    key = _one_of(found, _TRIGGERS, code="trigger_count", at=at)
    event = _text(found[key], at=f"{at}.{key}")
    if event not in names:
        listed = ", ".join(sorted(names))
        message = f"no event {event!r}; this template has: {listed}"
        raise TemplateError("event_unknown", message, at=f"{at}.{key}")
    offsets = [name for name in _OFFSETS if found.get(name) is not None]
    if len(offsets) > 1:
        raise TemplateError("days_count", "give days or business_days, not both", at=at)
    days = 0
    for name in offsets:
        days = _whole(_number(found[name], at=f"{at}.{name}"), code="offset", at=f"{at}.{name}")
    return Trigger(when=When(key), event=event, days=days, business_days="business_days" in offsets)


def _one_of(found: Mapping[str, object], keys: Sequence[str], *, code: str, at: str) -> str:
    given = [key for key in keys if found.get(key) is not None]
    if len(given) != 1:
        there = " and ".join(given) or "none"
        message = f"give exactly one of {', '.join(keys)}; there is {there}"
        raise TemplateError(code, message, at=at)
    return given[0]


def _refuse_unknown(found: Mapping[str, object], known: Sequence[str], *, at: str) -> None:
    for key in found:
        if key not in known:
            message = f"unknown key {key!r}; known: {', '.join(known)}"
            raise TemplateError("unknown_key", message, at=f"{at}.{key}" if at else key)


def _object(raw: object, *, at: str) -> Mapping[str, object]:
    """Return a mapping with text keys; nothing at all is an empty one."""
    if raw is None and at:
        return {}
    if not isinstance(raw, Mapping) or not all(isinstance(key, str) for key in raw):
        raise TemplateError("template_shape", "expected names with values", at=at)
    return raw


def _list(raw: object, *, at: str) -> Sequence[object]:
    if raw is None:
        return ()
    if not isinstance(raw, list | tuple):
        raise TemplateError("template_shape", "expected a list", at=at)
    return raw


def _texts(raw: object, *, at: str) -> tuple[str, ...]:
    texts = (_text(item, at=f"{at}[{index}]") for index, item in enumerate(_list(raw, at=at)))
    return tuple(text for text in texts if text)


def _text(raw: object, *, at: str) -> str:
    if raw is None:
        return ""
    if not isinstance(raw, str):
        raise TemplateError("template_shape", f"expected a text, found {raw!r:.40}", at=at)
    return raw.strip()


def _number(raw: object, *, at: str) -> str:
    """Return a number as it was written. A float is refused: what was written is gone already."""
    if isinstance(raw, float):
        raise TemplateError("float_number", f"put {raw} in quotes", at=at)
    if isinstance(raw, bool) or not isinstance(raw, str | int | Decimal):
        raise TemplateError("template_shape", f"expected a number, found {raw!r:.40}", at=at)
    return str(raw).strip()


def _whole(text: str, *, code: str, at: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise TemplateError(code, f"{text!r:.40} is not a whole number", at=at)
    return int(text)
