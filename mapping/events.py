"""Service dates -> event dates: which day on an estimate's lines is the day of an event.

A line dates an event when it has a ServiceDate and its item or its description holds one of the
event's words; descriptions count only where no item does ("Design and planting plan" is no
planting). Of several dates the earliest counts: a payment before an event must not be asked for too
late, and a payment after it waits for a person's "done" anyway. The first event of the timeline may
have no line of its own ("we come and measure"): the earliest service date that no event claimed is
its day.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from mapping.documents import Estimate
from mapping.lines import Line, walk

#: A word this long also counts as the beginning of a longer one: "install" in "installation".
STEM_LENGTH = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class EventWords:
    """An event of a timeline, and the words by which a line's text tells of it."""

    name: str  #: `measurements`
    label: str  #: "Measurements"
    words: tuple[str, ...] = ()


def event_dates(estimates: Sequence[Estimate], events: Sequence[EventWords]) -> dict[str, date]:
    """Return the dates that the estimates' lines give to events, by event name.

    Args:
        estimates: the agreed ones of a Job.
        events: the timeline, first event first.

    Returns:
        Only the events that a line dates. A line may date several ("Removal and installation").
    """
    dated = [
        (line, line.service_on)
        for estimate in estimates
        for line in walk(estimate.lines)
        if line.service_on
    ]
    found: dict[str, date] = {}
    for event in events:
        by_item = [day for line, day in dated if holds(_item_name(line), event.words)]
        by_text = [day for line, day in dated if holds(line.description, event.words)]
        if by_item or by_text:
            found[event.name] = min(by_item or by_text)
    every_word = [word for event in events for word in event.words]
    unclaimed = [day for line, day in dated if not holds(line_text(line), every_word)]
    if events and unclaimed and events[0].name not in found:
        found[events[0].name] = min(unclaimed)
    return found


def _item_name(line: Line) -> str:
    return line.item.name if line.item else ""


def line_text(line: Line) -> str:
    """Return all that a line says in words."""
    return f"{_item_name(line)}\n{line.description}"


def holds(text: str, words: Iterable[str]) -> bool:
    """Whether a text holds one of the words: whole, or as the beginning of a longer word.

    Case is free; a blank and a hyphen are the same ("tear-out", "tear out"). Words shorter than
    STEM_LENGTH ("set") must stand alone.
    """
    plain = _plain(text)
    return any(_pattern(word).search(plain) for word in words if _plain(word))


def _pattern(word: str) -> re.Pattern[str]:
    plain = _plain(word)
    end = r"\b" if len(plain) < STEM_LENGTH else ""
    return re.compile(rf"\b{re.escape(plain)}{end}")


def _plain(text: str) -> str:
    return re.sub(r"[\s_–-]+", " ", text.casefold()).strip()
