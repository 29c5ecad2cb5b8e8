"""The payable steps of a Job: what each is worth, what it waits for, and how steps change.

A basis is the milestone's original weight and never changes by itself. Percents and parts share
what the fixed amounts leave; a schedule uses one of the two. `Percent` is exact: 33.33 is 3333/100.
`Parts` counts equal parts: three milestones of one part each are thirds, and so are three of two.

A new schedule's percents add up to exactly 100. Once something is billed or paid ("settled")
milestones are added, removed and edited freely, and only the ratio counts; what is billed or paid
itself stays.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from math import lcm

from milestone_engine.errors import ScheduleError
from milestone_engine.money import minor_units
from milestone_engine.timeline import MAX_OFFSET_DAYS, Trigger

#: Decimals of a percent. Thirds are what `Parts` is for.
MAX_PERCENT_DECIMALS = 20

#: One percent in units of the smallest that can be written.
_SCALE = 10**MAX_PERCENT_DECIMALS

#: Digits of a percent before the point. After edits only the ratio counts, so 100 is no limit.
MAX_PERCENT_DIGITS = 9

#: Bounded, so that a text of any length is refused before it becomes a number.
_PERCENT = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,24})?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Percent:
    """A share of what the fixed amounts leave, as an exact decimal.

    Raises:
        ScheduleError: `percent_text` where it is not finite or too long, `negative` below 0.
    """

    value: Decimal
    numerator: int = field(init=False, repr=False, compare=False)  #: of the value, in lowest terms
    denominator: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _check_percent(self.value)
        numerator, denominator = self.value.as_integer_ratio()
        object.__setattr__(self, "numerator", numerator)
        object.__setattr__(self, "denominator", denominator)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """A number of equal parts of what the fixed amounts leave. One part of three is a true third.

    Raises:
        ScheduleError: `parts` below 1.
    """

    count: int = 1
    numerator: int = field(init=False, repr=False, compare=False)  #: as in Percent: the weight
    denominator: int = field(init=False, repr=False, compare=False, default=1)

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ScheduleError(f"{self.count} parts are no share", code="parts")
        object.__setattr__(self, "numerator", self.count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """An amount that does not follow the contract total.

    Raises:
        ScheduleError: `negative` below 0.
    """

    amount_minor: int

    def __post_init__(self) -> None:
        if self.amount_minor < 0:
            raise ScheduleError(("a fixed amount of ", self.amount_minor), code="negative")


Basis = Percent | Parts | Fixed


@dataclass(frozen=True, slots=True, kw_only=True)
class Milestone:
    """One payable step of a Schedule. A value: changing it makes a new one."""

    id: str  #: stable within its Job; survives revisions of the Estimate
    label: str  #: what people call it: "Deposit"
    basis: Basis
    trigger: Trigger
    pinned_minor: int | None = None  #: the amount a person set; >= 0
    held: bool = False  #: its sent invoice cannot move
    cap_minor: int | None = None  #: a legal limit, say; >= 0
    extra_minor: int = 0  #: change orders bound to it, signed, on top of its share


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The milestones of a Job in order. Made by `build_schedule()`, which checks it."""

    currency: str  #: ISO 4217
    milestones: tuple[Milestone, ...]

    def milestone(self, milestone_id: str) -> Milestone:
        """Return one milestone.

        Raises:
            ScheduleError: `milestone_unknown`.
        """
        return self.milestones[self.index(milestone_id)]

    def index(self, milestone_id: str) -> int:
        """Return the place of a milestone, counted from 0.

        Raises:
            ScheduleError: `milestone_unknown`.
        """
        for place, milestone in enumerate(self.milestones):
            if milestone.id == milestone_id:
                return place
        raise ScheduleError(
            f"no milestone {milestone_id!r} in this schedule", code="milestone_unknown"
        )


def parse_percent(text: str, *, at: str | None = None) -> Percent:
    """Read "25" or "33.33" as a Percent.

    Raises:
        ScheduleError: `percent_text`, `negative`.
    """
    if not isinstance(text, str) or not _PERCENT.fullmatch(text):
        shown = repr(text)[:40]
        raise ScheduleError(f"{shown} is not a percent", code="percent_text", at=at)
    try:
        return Percent(value=Decimal(text))
    except ScheduleError as error:
        raise ScheduleError(error.message, code=error.code, at=at) from error


def _check_percent(value: Decimal) -> None:
    if not value.is_finite():
        raise ScheduleError(f"{value} is not a percent", code="percent_text")
    if value < 0:
        raise ScheduleError(f"{value} percent is below zero", code="negative")
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -MAX_PERCENT_DECIMALS:
        raise ScheduleError("a percent has too many decimals", code="percent_text")
    if value.adjusted() >= MAX_PERCENT_DIGITS:
        raise ScheduleError("a percent has too many digits", code="percent_text")


def build_schedule(
    *, currency: str, milestones: Sequence[Milestone], settled: bool = False
) -> Schedule:
    """Return a checked Schedule.

    Args:
        currency: ISO 4217.
        milestones: in the order of the work.
        settled: something is billed or paid, so percents need not add up to 100 any more.

    Raises:
        ScheduleError: `no_milestones`, `duplicate_id`, `mixed_basis`, `percent_sum`, `negative`,
            `offset`.
        MoneyError: `currency_unknown`.
    """
    minor_units(currency)
    if not milestones:
        raise ScheduleError("a schedule without milestones", code="no_milestones", at="milestones")
    check_ids(milestones)
    for place, milestone in enumerate(milestones):
        _check_milestone(milestone, f"milestones[{place}]")
    check_basis(milestones)
    if not settled:
        check_percent_sum(milestones)
    return Schedule(currency=currency, milestones=tuple(milestones))


def check_ids(milestones: Sequence[Milestone]) -> None:
    """Refuse an id that is there twice."""
    seen: set[str] = set()
    for place, milestone in enumerate(milestones):
        if milestone.id in seen:
            raise ScheduleError(
                f"milestone {milestone.id!r} is there twice",
                code="duplicate_id",
                at=f"milestones[{place}].id",
            )
        seen.add(milestone.id)


def _check_milestone(milestone: Milestone, at: str) -> None:
    for name, amount in (("pinned", milestone.pinned_minor), ("cap", milestone.cap_minor)):
        if amount is not None and amount < 0:
            raise ScheduleError((f"{name} of ", amount), code="negative", at=f"{at}.{name}")
    if not 0 <= milestone.trigger.days <= MAX_OFFSET_DAYS:
        raise ScheduleError(
            f"an offset of {milestone.trigger.days} days", code="offset", at=f"{at}.trigger"
        )


def check_basis(milestones: Sequence[Milestone]) -> None:
    """Refuse percent beside parts, at the first milestone that differs from those before it."""
    first: type[Basis] | None = None
    for place, milestone in enumerate(milestones):
        kind = type(milestone.basis)
        if kind is Fixed:
            continue
        if first is not None and kind is not first:
            raise ScheduleError(
                "percent and parts in one schedule",
                code="mixed_basis",
                at=f"milestones[{place}].basis",
            )
        first = kind


def check_percent_sum(milestones: Sequence[Milestone]) -> None:
    """Refuse percents that miss 100, at the last of them: that is the one to mend as a rule."""
    last, units = None, 0
    for place, milestone in enumerate(milestones):
        basis = milestone.basis
        if basis.__class__ is Percent:
            last, units = place, units + basis.numerator * (_SCALE // basis.denominator)
    if last is not None and units != 100 * _SCALE:
        # Who misses by so little wrote rounded thirds; to others that advice says nothing.
        is_rounded = abs(units - 100 * _SCALE) <= _SCALE
        advice = "; for thirds and the like use parts" if is_rounded else ""
        raise ScheduleError(
            f"the percents add up to {percent_sum(milestones)}, not 100{advice}",
            code="percent_sum",
            at=f"milestones[{last}].basis",
        )


def percent_sum(milestones: Sequence[Milestone]) -> Decimal:
    """Return what the percents add up to, exactly and without trailing zeros: 99.99, 105."""
    units = sum(
        milestone.basis.numerator * (_SCALE // milestone.basis.denominator)
        for milestone in milestones
        if isinstance(milestone.basis, Percent)
    )
    whole, decimals = divmod(units, _SCALE)
    return Decimal(f"{whole}.{decimals:0{MAX_PERCENT_DECIMALS}d}".rstrip("0").rstrip("."))


def weights(milestones: Sequence[Milestone]) -> list[int]:
    """Return the original weights as whole numbers of the smallest scale that holds them all.

    25 / 25 / 50 stay as they are, 12.5 / 87.5 become 25 / 175. A fixed amount weighs nothing.
    """
    scale = lcm(*(m.basis.denominator for m in milestones if isinstance(m.basis, Percent)))
    return [_weight(milestone.basis, scale) for milestone in milestones]


def _weight(basis: Basis, scale: int) -> int:
    if isinstance(basis, Percent):
        return basis.numerator * (scale // basis.denominator)
    return basis.count if isinstance(basis, Parts) else 0


def add_milestone(
    schedule: Schedule,
    milestone: Milestone,
    *,
    after: str | None = None,
    settled_ids: Collection[str] = (),
) -> Schedule:
    """Return the schedule with one more milestone, behind the one named or at the end.

    Args:
        schedule: as it is.
        milestone: the new one.
        after: id of the milestone it follows; None puts it last.
        settled_ids: milestones that are billed or paid. None: the percents must still add up to
            100.

    Raises:
        ScheduleError: `milestone_unknown` for `after`, and what `build_schedule()` refuses.
    """
    place = len(schedule.milestones) if after is None else schedule.index(after) + 1
    milestones = (*schedule.milestones[:place], milestone, *schedule.milestones[place:])
    return _edited(schedule, milestones, settled_ids)


def remove_milestone(
    schedule: Schedule, milestone_id: str, *, settled_ids: Collection[str] = ()
) -> Schedule:
    """Return the schedule without one milestone; what it was worth is shared by the others.

    Raises:
        ScheduleError: `milestone_settled` if it is billed or paid, `milestone_unknown`, and what
            `build_schedule()` refuses.
    """
    place = schedule.index(milestone_id)
    if milestone_id in settled_ids:
        raise ScheduleError(
            f"milestone {milestone_id!r} is billed or paid",
            code="milestone_settled",
            at=f"milestones[{place}]",
        )
    milestones = (*schedule.milestones[:place], *schedule.milestones[place + 1 :])
    return _edited(schedule, milestones, settled_ids)


def replace_milestone(
    schedule: Schedule, milestone: Milestone, *, settled_ids: Collection[str] = ()
) -> Schedule:
    """Return the schedule with the milestone of the same id put in place of the old one.

    Raises:
        ScheduleError: `milestone_unknown`, and what `build_schedule()` refuses.
    """
    place = schedule.index(milestone.id)
    milestones = (*schedule.milestones[:place], milestone, *schedule.milestones[place + 1 :])
    return _edited(schedule, milestones, settled_ids)


def bind_extra(
    schedule: Schedule, milestone_id: str, extra_minor: int, *, settled_ids: Collection[str] = ()
) -> Schedule:
    """Return the schedule with a change order bound to a milestone, beside those it has."""
    milestone = schedule.milestone(milestone_id)
    bound = replace(milestone, extra_minor=milestone.extra_minor + extra_minor)
    return replace_milestone(schedule, bound, settled_ids=settled_ids)


def _edited(
    schedule: Schedule, milestones: Sequence[Milestone], settled_ids: Collection[str]
) -> Schedule:
    return build_schedule(
        currency=schedule.currency, milestones=milestones, settled=bool(settled_ids)
    )
