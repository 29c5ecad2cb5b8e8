"""What would be: pending change orders as if approved (E71), a milestone for money without a place
(E72).
"""

from __future__ import annotations

from dataclasses import replace

from milestone_engine.amounts import Amounts, amounts_of
from milestone_engine.decisions import Routing
from milestone_engine.job import ChangeOrder, Contract, ContractLine, Job, JobState
from milestone_engine.planned import Preview, Proposal
from milestone_engine.rebalance import ShareState
from milestone_engine.routing import own_id
from milestone_engine.schedule import Fixed, Milestone
from milestone_engine.timeline import APPROVED, Trigger, When


def previews_of(job: Job) -> tuple[Preview, ...]:
    """Return each pending change order as if it alone were approved."""
    if job.state is not JobState.ACTIVE:
        return ()
    return tuple(_preview(job, one) for one in job.pending)


def _preview(job: Job, order: ChangeOrder) -> Preview:
    line = ContractLine(id=f"{order.id}:preview", amount_minor=order.amount_minor)
    contract = Contract(
        lines=(*job.contract.lines, line),
        change_orders=(*job.contract.change_orders, order),
    )
    amounts = amounts_of(replace(job, contract=contract, pending=()))
    rows = [one for one in amounts.routed.bound if one.change_order_id == order.id]
    return Preview(
        change_order_id=order.id,
        label=order.label,
        amount_minor=order.amount_minor,
        routing=rows[-1].routing if rows else Routing.SPREAD,
        amounts={name: share.amount_minor for name, share in amounts.shares.items()},
        credit_minor=amounts.credit_minor,
        unallocated_minor=amounts.unallocated_minor,
    )


def proposal_of(job: Job, amounts: Amounts) -> Proposal | None:
    """Return the milestone that would take what is unallocated, if nothing else is open."""
    is_open = any(share.state is ShareState.OPEN for share in amounts.shares.values())
    if job.state is not JobState.ACTIVE or not amounts.unallocated_minor or is_open:
        return None
    places = _unplaced(job, amounts)
    orders = [job.contract.change_orders[place] for place in places]
    numbers = ", ".join(str(place + 1) for place in places) or "1"
    return Proposal(
        milestone=Milestone(
            id=own_id(orders[0].id if orders else "1"),
            label=f"Change order {numbers}",
            basis=Fixed(amount_minor=amounts.unallocated_minor),
            trigger=Trigger(when=When.AFTER, event=APPROVED),
        ),
        amount_minor=amounts.unallocated_minor,
        change_order_ids=tuple(one.id for one in orders),
    )


def _unplaced(job: Job, amounts: Amounts) -> list[int]:
    """Return the places of the newest change orders without milestones that explain the money."""
    own = set(amounts.routed.own.values())
    missing = amounts.unallocated_minor
    places: list[int] = []
    for place in range(len(job.contract.change_orders) - 1, -1, -1):
        one = job.contract.change_orders[place]
        if missing > 0 and one.amount_minor > 0 and one.id not in own:
            places.insert(0, place)
            missing -= one.amount_minor
    return places
