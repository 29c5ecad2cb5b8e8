"""Money, days, shares and triggers as people write them."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from babel import Locale
from babel.dates import format_date, format_datetime, get_timezone
from babel.numbers import format_currency

from milestone_engine.money import minor_units
from milestone_engine.schedule import Basis, Fixed, Percent
from milestone_engine.timeline import APPROVED, Trigger, When
from sync.words.texts import one_line

LOCALE = "en_US"

#: Below this many whole units an estimate of money keeps its decimals.
ROUGH_FROM = 10


def money(amount_minor: int, *, currency: str, locale: str = LOCALE) -> str:
    """Give an amount as people write it: `$3,166.67`."""
    return format_currency(_major(amount_minor, currency), currency, locale=locale)


def about(amount_minor: int, *, currency: str, locale: str = LOCALE) -> str:
    """Give an amount that is only about known, in whole units: `about $253`."""
    amount = _major(amount_minor, currency)
    if abs(amount) < ROUGH_FROM:
        return f"about {money(amount_minor, currency=currency, locale=locale)}"
    whole = amount.quantize(Decimal(1), rounding=ROUND_HALF_UP)
    pattern = Locale.parse(locale).currency_formats["standard"].pattern
    shown = format_currency(
        whole, currency, re.sub(r"\.0+", "", pattern), locale=locale, currency_digits=False
    )
    return f"about {shown}"


def signed(amount_minor: int, *, currency: str, locale: str = LOCALE) -> str:
    """Give a difference: `+$1,400.00`, `−$500.00`."""
    sign = "−" if amount_minor < 0 else "+"
    return f"{sign}{money(abs(amount_minor), currency=currency, locale=locale)}"


def day(when: date, *, locale: str = LOCALE) -> str:
    """Give a day with its weekday: `Tue, Mar 21, 2028`."""
    return format_date(when, "EEE, MMM d, y", locale=locale)


def near_day(when: date, *, today: date, locale: str = LOCALE) -> str:
    """Give a day as one speaks of it: without the year while it is this year's: `Tue, Mar 21`."""
    if when.year != today.year:
        return day(when, locale=locale)
    return format_date(when, "EEE, MMM d", locale=locale)


def moment(when: datetime, *, zone: str, locale: str = LOCALE) -> str:
    """Give a time of day at a place: `Mon, Jun 1, 2026, 9:14 AM`."""
    pattern = "EEE, MMM d, y, h:mm a"
    return format_datetime(when, pattern, tzinfo=get_timezone(zone), locale=locale)


def share(basis: Basis, *, currency: str, parts_sum: int = 0) -> str:
    """Give a basis as people say it: `25%`, `1 of 3 equal parts`, `$500.00`."""
    if isinstance(basis, Percent):
        return f"{basis.value.normalize():f}%"
    if isinstance(basis, Fixed):
        return money(basis.amount_minor, currency=currency)
    return f"{basis.count} of {parts_sum} equal parts" if parts_sum else "an equal part"


def part_of(part: Fraction) -> str:
    """Give a part of a whole: `half`, `1/3`, `62.5%`; beyond four digits `about 14.29%`."""
    if part == Fraction(1, 2):
        return "half"
    if part.denominator <= 12:
        return f"{part.numerator}/{part.denominator}"
    percent = Decimal(part.numerator * 100) / Decimal(part.denominator)
    shown = percent.quantize(Decimal("0.01"))
    return f"{'' if shown == percent else 'about '}{shown.normalize():f}%"


def trigger(what: Trigger, *, event_label: str) -> str:
    """Give a trigger as people say it: `before Measurements`, `3 days after Removal`, `on
    approval`.
    """
    if what.event == APPROVED and not what.days:
        return "on approval"
    label = "approval" if what.event == APPROVED else one_line(event_label)
    side = "before" if what.when is When.BEFORE else "after"
    if not what.days:
        return f"{side} {label}"
    unit = "business day" if what.business_days else "day"
    return f"{what.days} {unit}{'s' if what.days != 1 else ''} {side} {label}"


def _major(amount_minor: int, currency: str) -> Decimal:
    return Decimal(amount_minor).scaleb(-minor_units(currency))
