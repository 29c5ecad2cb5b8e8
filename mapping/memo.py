"""A payment schedule in plain words: "25% before Measurements; 25% after Removal; 50% after ...".

One phrase is a share and what it waits for, in that order:

    share     25%  25 %  33.5 percent  1/3  half  1,000.00  $500  deposit 500  balance  the rest
              in full  full payment
    waits     before, prior to, by  |  after, following, on, upon, at, once, when   and an event,
              with "3 days", "5 business days" in front where it is earlier or later than the event;
              "to start", "to book" and a deposit that waits for nothing are for the approval

Phrases are parted by `;`, a new line, a comma, the end of a sentence, or "and" with a share behind
it. Case and spaces are free. What is no phrase ("Valid for 30 days.") is passed over; a schedule
that lost a share that way does not add up, and is refused for that.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from milestone_engine.timeline import APPROVED, Trigger, When

#: A longer text behind "before" or "after" is a sentence and not the name of an event.
LONGEST_EVENT = 60

_SHARE_START = r"(?:the\s+)?(?:[$€£¥]?\s*\d|half\b|deposit\b|balance\b|remainder\b|rest\b|final\b)"
_SEPARATOR = re.compile(
    r"[;\n|•]|,(?!\d)|(?<!\d),|\.(?=\s|$)"
    rf"|(?:\s(?:and|then|plus|&)|(?<!\d)\s/|(?:^|\s)\d{{1,2}}[.)])\s+(?={_SHARE_START})",
    re.I,
)
_PHRASE = re.compile(
    r"""
    (?:[^:%]*:\s*)?                                             # "Payment terms:"
    (?:(?:the|an?|first|second|third|final|initial|down|progress|deposit|payment|terms|of|for
        |we|you|require|ask|pay|payable|due|bill|invoice|are|is|please|plus)\s*[-–—=:]?\s+)*
    (?:
        (?P<percent>\d+(?:[.,]\d+)?)\s*(?:%|percent\b|per\scent\b|pct\b)
      | (?P<above>\d{1,3})\s?/\s?(?P<below>\d{1,3})(?!\d)
      | (?P<half>half)\b
      | (?P<full>in\sfull|full\s(?:payment|amount))\b
      | (?P<sign>[$€£¥])?\s?(?P<money>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)(?![\d%])
      | (?P<balance>balance|remainder|remaining(?:\s(?:balance|amount))?|rest)\b
    )
    (?:[\s:–—-]+(?:deposit|down|final|payment|due|payable|paid|billed|invoiced|required|needed
        |is|to\sbe|balance|of\s(?:the\s)?(?:total|contract|price|job)
        (?:\s(?:price|sum|total|amount))?))*
    (?:\s(?P<booking>to\s(?:start|begin|book|schedule|order|get\sstarted)
        (?:\s(?:the\s|your\s)?(?:work|job|project|materials?|slot))?)
    |[\s:–—-]+
        (?:(?P<days>\d{1,4})\s(?P<business>business\s|working\s)?days?\s)?
        (?P<when>before|prior\sto|by|after|following|on|upon|at|once|when)\s
        (?P<event>[^\W\d_].*)
    )?
    """,
    re.I | re.X,
)
_BEFORE = ("before", "prior to", "by")
#: Words in a phrase that make it something else than a milestone of the contract.
_NO_MILESTONE = re.compile(
    r"\b(?:late|fee|fees|interest|discount|refund|penalty|warranty|tax)\b", re.I
)
#: How people call the estimate's acceptance: the built-in event.
_APPROVAL = re.compile(
    r"(?:(?:contract|estimate|customer)\s)?"
    r"(?:approval|approved|acceptance|accepted|sign(?:ing|ed|ature))"
    r"(?:\s(?:of\s)?(?:the\s|this\s)?(?:contract|estimate|quote|proposal|agreement))?",
    re.I,
)
_EVENT_FRAME = re.compile(
    r"^(?:(?:the|our|your|completion of|start of)\s)*|"
    r"\s(?:(?:is|are|has been|have been|being)\s)?(?:complete|completed|done|finished)$",
    re.I,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """One payment in plain words. Exactly one share is set, unless it is not clear which."""

    words: str  #: as written
    percent: Decimal | None = None
    fraction: Fraction | None = None
    money: str | None = None  #: without thousands separators, not checked against a currency yet
    is_balance: bool = False
    is_deposit: bool = False  #: the word stands in it
    is_unclear: bool = False  #: a bare number, neither percent nor clearly money; or a third of 0
    trigger: Trigger
    event_label: str  #: the event as written, "" for the approval


def read_phrases(text: str) -> list[Phrase]:
    """Return the payment phrases of a text, in order."""
    plain = re.sub(r"[^\S\n]+", " ", text.replace("\r", "\n"))
    plain = re.sub(r"[()\[\]]", " ", plain)
    found = (_read_phrase(words) for words in _SEPARATOR.split(plain))
    return [phrase for phrase in found if phrase]


def is_meant(phrases: Sequence[Phrase]) -> bool:
    """Whether these phrases are meant as a schedule: an error in them is then worth a Finding.

    Two phrases are, if one of them is a percent, a fraction or a balance; so is a lone 100 percent.
    One other percent alone may be anything, and so may amounts.
    """
    if any(phrase.percent == 100 for phrase in phrases):
        return True
    is_shared = any(
        phrase.percent is not None or phrase.fraction is not None or phrase.is_balance
        for phrase in phrases
    )
    return len(phrases) >= 2 and is_shared


def slug(label: str) -> str:
    """Return the name of an event: "Tile removal" -> "tile-removal"."""
    return re.sub(r"[\W_]+", "-", label.casefold()).strip("-")


def _read_phrase(words: str) -> Phrase | None:
    tidy = re.sub(r"^[\s*–—-]+", "", re.sub(r"\s+", " ", words)).strip(" .!")
    found = _PHRASE.fullmatch(tidy)
    if found is None or _NO_MILESTONE.search(tidy):
        return None
    is_deposit = bool(re.search(r"\b(?:deposit|down)\b", tidy, re.I))
    waits = _trigger_of(found, is_deposit=is_deposit)
    if waits is None:
        return None
    trigger, event_label = waits
    percent = _percent_of("100" if found["full"] else found["percent"])
    fraction = _fraction_of(found)
    money = _money_of(found, is_deposit=is_deposit)
    is_balance = bool(found["balance"])
    return Phrase(
        words=tidy,
        percent=percent,
        fraction=fraction,
        money=money,
        is_balance=is_balance,
        is_deposit=is_deposit,
        is_unclear=percent is None and fraction is None and money is None and not is_balance,
        trigger=trigger,
        event_label=event_label,
    )


def _percent_of(text: str | None) -> Decimal | None:
    """Return a percent; a comma between its digits is a decimal point."""
    return Decimal(text.replace(",", ".")) if text else None


def _fraction_of(found: re.Match[str]) -> Fraction | None:
    if found["half"]:
        return Fraction(1, 2)
    if not found["above"] or int(found["below"]) == 0:
        return None
    return Fraction(int(found["above"]), int(found["below"]))


def _money_of(found: re.Match[str], *, is_deposit: bool) -> str | None:
    """Return an amount; a bare number counts only beside the word deposit."""
    money = found["money"]
    if not money or not (found["sign"] or is_deposit or re.search(r"[.,]", money)):
        return None
    return money.replace(",", "")


def _trigger_of(found: re.Match[str], *, is_deposit: bool) -> tuple[Trigger, str] | None:
    """Return what the phrase waits for and the event as written; a bare deposit is for approval."""
    if not found["when"]:
        is_booking = is_deposit or bool(found["booking"])
        return (Trigger(when=When.AFTER, event=APPROVED), "") if is_booking else None
    is_before = found["when"].lower() in _BEFORE
    label = _EVENT_FRAME.sub("", found["event"]).strip()
    if not slug(label) or len(label) > LONGEST_EVENT:
        return None
    if _APPROVAL.fullmatch(label):
        label = ""
    trigger = Trigger(
        when=When.BEFORE if is_before else When.AFTER,
        event=slug(label) or APPROVED,
        days=int(found["days"] or 0),
        business_days=bool(found["business"]),
    )
    return trigger, label
