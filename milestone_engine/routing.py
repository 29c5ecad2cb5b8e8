"""Where the money of change orders goes: bound once, when it comes, and kept (E70).

`SPREAD` binds nothing: the rule shares it. `NEXT` and `FINAL` bind it to a milestone as an extra on
top of its share; where there is none it is shared like SPREAD. `SEPARATE` makes a milestone of its
own, `OWN` a pool of milestones; a change order that takes money away can be neither and is spread.
That is no wish: once it brings money it is routed anew, as if it had just come.

What was bound stays where it is: a later change of its amount binds only the difference, to the
same milestone while that can take it. What disappears is unbound, so that a change and its reversal
are no change (E10); a milestone of its own that has an invoice stays, and asks for no more than is
paid on it. A person's new routing moves what was bound otherwise, except from settled milestones.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from milestone_engine.decisions import RouteChangeOrder, Routing
from milestone_engine.job import Bound, ChangeOrder, Job
from milestone_engine.rebalance import OnInvoiced
from milestone_engine.routed import (
    OF_ITS_OWN,
    Routed,
    with_binding,
    with_extra,
    with_fixed,
    with_milestones,
    without_milestones,
)
from milestone_engine.schedule import Fixed, Milestone, Percent, weights
from milestone_engine.standing import NOTHING, Standing
from milestone_engine.timeline import APPROVED, Trigger, When

#: In a milestone's id, which becomes part of an invoice's marker.
_NOT_IN_IDS = re.compile(r"[^A-Za-z0-9_-]")


def route(job: Job, stands: Mapping[str, Standing]) -> Routed:
    """Return the schedule and the bindings after the change orders as they are now."""
    router = _Router(job=job, stands=stands)
    routed = Routed(schedule=job.schedule, bound=job.bound)
    present = {one.id for one in job.contract.change_orders}
    routed = router.unbind(routed, [b for b in job.bound if b.change_order_id not in present])
    for place, one in enumerate(job.contract.change_orders, start=1):
        routed = router.bind(routed, one, label=f"Change order {place}")
    return routed


def own_id(change_order_id: str) -> str:
    """Return the id of a change order's own milestone."""
    return "co-" + _NOT_IN_IDS.sub("-", change_order_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Router:
    """The steps of one routing, and what they share."""

    job: Job
    stands: Mapping[str, Standing]

    def bind(self, routed: Routed, order: ChangeOrder, *, label: str) -> Routed:
        """Bind what is not bound yet of one change order."""
        routing, decided = self._wanted(routed, order)
        rows = [one for one in routed.bound if one.change_order_id == order.id]
        stale = [one for one in rows if one.routing is not routing and self._may_leave(one)]
        routed = self.unbind(routed, stale)
        rows = [one for one in routed.bound if one.change_order_id == order.id]
        difference = order.amount_minor - sum(one.amount_minor for one in rows)
        if not difference:
            return routed
        if routing is Routing.OWN:
            return self._bind_own(routed, order, difference, decided, label)
        if routing is Routing.SEPARATE:
            return self._bind_separate(routed, order, difference, label)
        target = self._target(routed, routing, rows)
        if target is None:
            return with_binding(routed, order.id, routing, difference)
        return with_binding(
            with_extra(routed, target, difference), order.id, routing, difference, target
        )

    def _wanted(
        self, routed: Routed, order: ChangeOrder
    ) -> tuple[Routing, RouteChangeOrder | None]:
        """Return a change order's routing: as decided, else as bound, else the company's."""
        decided = [
            one
            for one in self.job.decisions
            if isinstance(one, RouteChangeOrder) and one.change_order_id == order.id
        ]
        rows = [one for one in routed.bound if one.change_order_id == order.id]
        has_turned = sum(one.amount_minor for one in rows) <= 0 < order.amount_minor
        # Spread while it took money away, for want of another place perhaps.
        known = [x.routing for x in rows if not (has_turned and x.routing is Routing.SPREAD)]
        by_order = list(Routing)
        first = min(decided, key=lambda one: (by_order.index(one.routing), repr(one)), default=None)
        routing = first.routing if first else known[-1] if known else self.job.policy.routing
        if routing in OF_ITS_OWN and order.amount_minor <= 0:
            routing = Routing.SPREAD
        return routing, first

    def _may_leave(self, one: Bound) -> bool:
        """Whether a binding may be undone by a new routing: what is settled keeps its money."""
        return one.routing is Routing.OWN or not any(
            self._standing(name).is_settled for name in one.milestone_ids
        )

    def _standing(self, milestone_id: str) -> Standing:
        return self.stands.get(milestone_id, NOTHING)

    def unbind(self, routed: Routed, rows: Sequence[Bound]) -> Routed:
        """Take bindings back."""
        for row in rows:
            kept: tuple[str, ...] = ()
            if row.routing in OF_ITS_OWN:
                kept = tuple(n for n in row.milestone_ids if self._standing(n).live)
                routed = without_milestones(routed, row.milestone_ids, kept)
            else:
                for name in row.milestone_ids:
                    routed = with_extra(routed, name, -row.amount_minor)
            left = replace(row, routing=Routing.SEPARATE, amount_minor=0, milestone_ids=kept)
            bound = [left if one is row else one for one in routed.bound]
            routed = replace(routed, bound=tuple(b for b in bound if kept or b is not left))
        return routed

    def _target(self, routed: Routed, routing: Routing, rows: Sequence[Bound]) -> str | None:
        """Return the milestone to bind to: the same as before, else the next or the last."""
        if routing is Routing.SPREAD:
            return None
        takers = [one.id for one in routed.schedule.milestones if self._takes(routed, one)]
        before = [
            one.milestone_ids[0] for one in rows if one.routing is routing if one.milestone_ids
        ]
        if before and before[-1] in takers:
            return before[-1]
        if routing is Routing.NEXT:
            return next((name for name in takers if not self._standing(name).live), None)
        return takers[-1] if takers else None

    def _takes(self, routed: Routed, milestone: Milestone) -> bool:
        """Whether an extra would count on a milestone of the contract."""
        standing = self._standing(milestone.id)
        stays = standing.live and self.job.policy.on_invoiced is OnInvoiced.HOLD
        return not (
            milestone.id in routed.own
            or milestone.pinned_minor is not None
            or standing.is_settled
            or standing.is_held
            or stays
        )

    def _bind_separate(
        self, routed: Routed, order: ChangeOrder, difference: int, label: str
    ) -> Routed:
        rows = [
            one
            for one in routed.bound
            if one.change_order_id == order.id
            and one.routing is Routing.SEPARATE
            and one.milestone_ids
        ]
        if rows and not self._standing(rows[-1].milestone_ids[-1]).is_settled:
            name = rows[-1].milestone_ids[-1]
            amount = max(rows[-1].amount_minor + difference, 0)
            return with_binding(with_fixed(routed, name, amount), order.id, Routing.SEPARATE,
                          difference, *rows[-1].milestone_ids)  # fmt: skip
        if difference < 0:
            return with_binding(routed, order.id, Routing.SEPARATE, difference)
        name = own_id(order.id) + (f"-{len(rows) + 1}" if rows else "")
        milestone = Milestone(
            id=name,
            label=label,
            basis=Fixed(amount_minor=difference),
            trigger=Trigger(when=When.AFTER, event=APPROVED),
        )
        routed = with_milestones(routed, [milestone])
        return with_binding(routed, order.id, Routing.SEPARATE, difference, name)

    def _bind_own(
        self,
        routed: Routed,
        order: ChangeOrder,
        difference: int,
        decided: RouteChangeOrder | None,
        label: str,
    ) -> Routed:
        row = next(
            (b for b in routed.bound if b.change_order_id == order.id if b.routing is Routing.OWN),
            None,
        )
        if row is not None:
            return with_binding(routed, order.id, Routing.OWN, difference, *row.milestone_ids)
        pattern = _pattern(routed, decided.milestones if decided else (), label)
        taken = {one.id for one in routed.schedule.milestones}
        milestones = []
        for number, one in enumerate(pattern, start=1):
            name = f"{own_id(order.id)}-{number}"
            while name in taken:  # milestones of an earlier routing that have invoices
                name += "x"
            milestones.append(replace(one, id=name))
        routed = with_milestones(routed, milestones)
        names = [one.id for one in milestones]
        return with_binding(routed, order.id, Routing.OWN, difference, *names)


def _pattern(routed: Routed, given: Sequence[Milestone], label: str) -> list[Milestone]:
    """Return the milestones of a pool: those given, else the contract's own weights."""
    if given:
        return list(given)
    shared = [
        replace(one, label=f"{label}: {one.label}", pinned_minor=None, cap_minor=None,
                extra_minor=0, held=False)
        for one in routed.schedule.milestones
        if one.id not in routed.own and not isinstance(one.basis, Fixed)
    ]  # fmt: skip
    if any(weights(shared)):
        return shared
    whole = Percent(value=Decimal(100))
    trigger = Trigger(when=When.AFTER, event=APPROVED)
    return [Milestone(id="", label=label, basis=whole, trigger=trigger)]
