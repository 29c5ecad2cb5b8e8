"""A schedule with its change orders put where they belong, and the steps that put them there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from milestone_engine.decisions import Routing
from milestone_engine.job import Bound
from milestone_engine.schedule import Fixed, Milestone, Schedule, bind_extra

#: Routings that make milestones.
OF_ITS_OWN = (Routing.SEPARATE, Routing.OWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """A schedule with the change orders put where they belong, and where that is."""

    schedule: Schedule
    bound: tuple[Bound, ...]

    @property
    def own(self) -> dict[str, str]:
        """Milestones that a change order made -> the change order."""
        return {
            name: one.change_order_id
            for one in self.bound
            if one.routing in OF_ITS_OWN
            for name in one.milestone_ids
        }

    @property
    def pools(self) -> dict[str, str]:
        """Milestones in a pool of their own -> the pool: the change order."""
        return {
            name: one.change_order_id
            for one in self.bound
            if one.routing is Routing.OWN
            for name in one.milestone_ids
        }


def with_binding(
    routed: Routed, order_id: str, routing: Routing, amount_minor: int, *names: str
) -> Routed:
    """Note that so much more of a change order is bound there."""
    row = Bound(change_order_id=order_id, routing=routing, amount_minor=0, milestone_ids=names)
    bound = list(routed.bound)
    for place, one in enumerate(bound):
        if replace(one, amount_minor=0) == row:
            bound[place] = replace(one, amount_minor=one.amount_minor + amount_minor)
            break
    else:
        bound.append(replace(row, amount_minor=amount_minor))
    kept = [one for one in bound if one.amount_minor or one.routing in OF_ITS_OWN]
    return replace(routed, bound=tuple(kept))


def with_extra(routed: Routed, name: str, amount_minor: int) -> Routed:
    """Bind an amount to a milestone, if it is still there."""
    milestone = next((one for one in routed.schedule.milestones if one.id == name), None)
    if milestone is None:
        return routed
    # A schedule of this one alone: others may share in another way, in pools of their own.
    alone = Schedule(currency=routed.schedule.currency, milestones=(milestone,))
    found = bind_extra(alone, name, amount_minor, settled_ids=[name]).milestone(name)
    return _with_replaced(routed, found)


def with_fixed(routed: Routed, name: str, amount_minor: int) -> Routed:
    """Give a milestone another fixed amount, if it is still there."""
    milestone = next((one for one in routed.schedule.milestones if one.id == name), None)
    if milestone is None:
        return routed
    return _with_replaced(routed, replace(milestone, basis=Fixed(amount_minor=amount_minor)))


def _with_replaced(routed: Routed, milestone: Milestone) -> Routed:
    milestones = [milestone if m.id == milestone.id else m for m in routed.schedule.milestones]
    return replace(routed, schedule=replace(routed.schedule, milestones=tuple(milestones)))


def with_milestones(routed: Routed, milestones: Sequence[Milestone]) -> Routed:
    """Add milestones behind the others."""
    all_of_them = (*routed.schedule.milestones, *milestones)
    return replace(routed, schedule=replace(routed.schedule, milestones=all_of_them))


def without_milestones(routed: Routed, names: Sequence[str], kept: Sequence[str]) -> Routed:
    """Remove a change order's milestones; those kept ask for nothing more."""
    gone = set(names) - set(kept)
    milestones = tuple(one for one in routed.schedule.milestones if one.id not in gone)
    routed = replace(routed, schedule=replace(routed.schedule, milestones=milestones))
    for name in kept:
        routed = with_fixed(routed, name, 0)
    return routed
