"""A cancelled Job: the contract becomes the value that people agree on, the rest one settlement.

The contract's lines are scaled to that value, exactly. What is settled or cannot move stays; of the
milestones that are open the last becomes a settlement that takes all that is left, to be billed on
the day the value was agreed; the others come down to what is paid on them (E68).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from milestone_engine.decisions import AgreeValue
from milestone_engine.job import Contract, Job, JobState
from milestone_engine.lines import spread_lines
from milestone_engine.rebalance import OnInvoiced
from milestone_engine.schedule import Fixed, Milestone, Percent
from milestone_engine.standing import NOTHING, Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What a cancelled Job is shared by."""

    agreed: AgreeValue
    contract: Contract  #: scaled to the agreed value
    milestones: tuple[Milestone, ...]  #: for the rule only; the schedule itself stays as it is
    milestone_id: str | None  #: the one that settles the rest; None: nothing is open


def agreed_value(job: Job) -> AgreeValue | None:
    """Return what people agreed that the work done is worth: the newest, then the largest."""
    if job.state is not JobState.CANCELLED:
        return None
    said = [one for one in job.decisions if isinstance(one, AgreeValue)]
    return max(said, key=lambda one: (one.on, one.amount_minor), default=None)


def settle_cancelled(job: Job, stands: Mapping[str, Standing]) -> Settlement | None:
    """Return what a cancelled Job is shared by; None while it is not cancelled or not agreed on."""
    agreed = agreed_value(job)
    if agreed is None:
        return None
    is_open = {
        one.id: _is_open(stands.get(one.id, NOTHING), job.policy.on_invoiced)
        for one in job.schedule.milestones
    }
    last = next((name for name in reversed(is_open) if is_open[name]), None)
    milestones = []
    for one in job.schedule.milestones:
        if one.id == last:
            milestones.append(_settling(one))
        elif is_open[one.id]:
            milestones.append(_stopped(one, stands.get(one.id, NOTHING), job.policy.on_invoiced))
        else:
            # Weights count no more, and percents may stand beside parts of another pool.
            milestones.append(replace(one, basis=Fixed(amount_minor=0)))
    return Settlement(
        agreed=agreed,
        contract=scaled(job.contract, agreed.amount_minor),
        milestones=tuple(milestones),
        milestone_id=last,
    )


def _is_open(standing: Standing, on_invoiced: OnInvoiced) -> bool:
    stays = bool(standing.live) and on_invoiced is OnInvoiced.HOLD
    return not (standing.is_settled or standing.is_held or stays)


def _settling(milestone: Milestone) -> Milestone:
    whole = Percent(value=Decimal(100))
    return replace(milestone, basis=whole, pinned_minor=None, cap_minor=None, extra_minor=0)


def _stopped(milestone: Milestone, standing: Standing, on_invoiced: OnInvoiced) -> Milestone:
    keeps_billed = on_invoiced is OnInvoiced.SUPPLEMENT and standing.billed_minor is not None
    floor = standing.billed_minor if keeps_billed else standing.paid_minor
    return replace(milestone, basis=Fixed(amount_minor=0), pinned_minor=floor, extra_minor=0)


def scaled(contract: Contract, total_minor: int) -> Contract:
    """Return the contract with its lines scaled to another total, exact to the unit."""
    lines = [line.amount_minor for line in contract.lines]
    if not lines or not sum(lines):
        return contract
    amounts, _ = spread_lines(lines, [total_minor, sum(lines) - total_minor])
    return replace(
        contract,
        lines=tuple(
            replace(line, amount_minor=amount)
            for line, amount in zip(contract.lines, amounts, strict=True)
        ),
    )
