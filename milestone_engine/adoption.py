"""A schedule for a Job that was billed before we came: what is past, and what remains.

An invoice that asks for just what the next milestone is worth is that milestone's. All others
become one fixed milestone, BEFORE: it takes the place of the milestones that its money covers in
full, counted from the first one on. What remains is shared by the rule like anything else.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from milestone_engine.rebalance import Position, rebalance
from milestone_engine.schedule import Fixed, Milestone, Schedule, build_schedule
from milestone_engine.timeline import APPROVED, Trigger, When

#: The milestone that holds what was billed before. Its invoices are not ours, and never move.
BEFORE = "before"
BEFORE_LABEL = "Billed before"


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledBefore:
    """One invoice that we did not make."""

    invoice_id: str
    amount_minor: int  #: contract money on it, before tax
    issued_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """The schedule so far, and where each invoice has its place."""

    schedule: Schedule
    places: Mapping[str, str]  #: invoice id -> milestone id
    covered: tuple[Milestone, ...]  #: that left the schedule: what was billed before covers them
    expected: Mapping[str, int]  #: what each milestone was worth before anything was placed


def rebuild(
    schedule: Schedule,
    total_minor: int,
    billed: Sequence[BilledBefore],
    *,
    expected: Mapping[str, int] | None = None,
    taken: Collection[str] = (),
) -> Rebuilt:
    """Give every invoice that was made before us its place, and say what remains.

    Args:
        schedule: as it would be if nothing had been billed; a BEFORE in it is made anew.
        total_minor: the contract total before tax.
        billed: the invoices that we did not make, in any order.
        expected: milestone id -> its worth, where it is known; else the rule says.
        taken: milestones that have invoices of ours: they are nobody else's.
    """
    milestones = [one for one in schedule.milestones if one.id != BEFORE]
    if not milestones:
        milestones = list(schedule.milestones)
    worth = dict(expected or _worth(replace(schedule, milestones=tuple(milestones)), total_minor))
    places = _matched([one for one in milestones if one.id not in taken], worth, billed)
    rest = [one for one in billed if one.invoice_id not in places]
    gone = {*taken, *places.values()}
    before_minor = sum(one.amount_minor for one in rest)
    covered = _covered([one for one in milestones if one.id not in gone], worth, before_minor)
    left = [one for one in milestones if one not in covered]
    if rest:
        at = next((place for place, one in enumerate(left) if one.id not in gone), len(left))
        left.insert(at, _before(before_minor))
    return Rebuilt(
        schedule=build_schedule(currency=schedule.currency, milestones=left, settled=True),
        places={**places, **{one.invoice_id: BEFORE for one in rest}},
        covered=covered,
        expected=worth,
    )


def _before(amount_minor: int) -> Milestone:
    return Milestone(
        id=BEFORE,
        label=BEFORE_LABEL,
        basis=Fixed(amount_minor=max(amount_minor, 0)),
        trigger=Trigger(when=When.AFTER, event=APPROVED),
    )


def _worth(schedule: Schedule, total_minor: int) -> dict[str, int]:
    """Return what every milestone would be worth if nothing had been billed."""
    positions = [
        Position(milestone=one, billed_minor=None, paid_minor=0) for one in schedule.milestones
    ]
    split = rebalance(max(total_minor, 0), positions, currency=schedule.currency)
    return {share.milestone_id: share.amount_minor for share in split.shares}


def _matched(
    milestones: Sequence[Milestone], worth: Mapping[str, int], billed: Sequence[BilledBefore]
) -> dict[str, str]:
    """Return invoice id -> milestone, oldest invoice first, where there is no doubt."""
    free = list(milestones)
    found: dict[str, str] = {}
    for one in sorted(billed, key=lambda one: (one.issued_on, len(one.invoice_id), one.invoice_id)):
        match = _match(free, worth, one.amount_minor)
        if match is not None:
            free.remove(match)
            found[one.invoice_id] = match.id
    return found


def _match(
    free: Sequence[Milestone], worth: Mapping[str, int], amount_minor: int
) -> Milestone | None:
    """Return the milestone an amount is for: the next one, else the only one that it can be."""
    alike = [one for one in free if worth[one.id] == amount_minor > 0]
    if not alike:
        return None
    if alike[0] is free[0]:
        return alike[0]
    # 6,000 may be the last half, or the first two quarters: who can say is a person.
    sums = {sum(worth[one.id] for one in free[:count]) for count in range(2, len(free) + 1)}
    return alike[0] if len(alike) == 1 and amount_minor not in sums else None


def _covered(
    milestones: Sequence[Milestone], worth: Mapping[str, int], before_minor: int
) -> tuple[Milestone, ...]:
    """Return the milestones, from the first on, that an amount pays for in full."""
    found: list[Milestone] = []
    for one in milestones:
        before_minor -= worth[one.id]
        if before_minor < 0:
            break
        found.append(one)
    return tuple(found)
