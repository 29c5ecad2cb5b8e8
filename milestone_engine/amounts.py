"""What every milestone of a Job comes to: change orders routed, caps set, each pool shared by the
rule.

The contract's pool is the total less the pools of change orders that have a schedule of their own.
The law's caps hold for the sharing and are not stored: they follow the law and the contract.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from milestone_engine.cancelled import Settlement, settle_cancelled
from milestone_engine.explain import Derivation
from milestone_engine.finding import Finding
from milestone_engine.job import Contract, Job, JobState
from milestone_engine.legal import Guard, guard_schedule, lawful_retainage, with_caps
from milestone_engine.rebalance import (
    Position,
    Share,
    ShareState,
    Split,
    SplitWarning,
    rebalance,
)
from milestone_engine.retainage import Retainage
from milestone_engine.routed import Routed
from milestone_engine.routing import route
from milestone_engine.schedule import Milestone, Schedule
from milestone_engine.standing import NOTHING, Standing, standings

_NO_GUARD = Guard(caps={}, retainage_max=None, findings=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """What every milestone comes to, and what has no place in them."""

    contract: Contract  #: what is shared: on a cancelled Job the agreed value
    routed: Routed
    stands: Mapping[str, Standing]
    settlement: Settlement | None
    shares: Mapping[str, Share]  #: by milestone id, in the order of the schedule
    credit_minor: int
    credit_pools: tuple[str, ...]  #: pools that the credit is of: change orders, "" the contract
    unallocated_minor: int
    warnings: tuple[SplitWarning, ...]
    retainage: Retainage | None  #: no more than the law allows
    legal_findings: tuple[Finding, ...]
    wordings: tuple[str, ...]  #: what the law wants to stand beside the payment plan

    @property
    def schedule(self) -> Schedule:
        """The schedule as it is to be stored."""
        return self.routed.schedule

    def standing(self, milestone_id: str) -> Standing:
        """Return what stands on a milestone."""
        return self.stands.get(milestone_id, NOTHING)


def amounts_of(job: Job) -> Amounts:
    """Return what every milestone of a Job comes to."""
    stands = standings(job)
    routed = Routed(schedule=job.schedule, bound=job.bound)
    if job.state is JobState.ACTIVE:
        routed = route(job, stands)
    settlement = settle_cancelled(job, stands)
    contract = settlement.contract if settlement else job.contract
    pools = _pools(routed, contract.total_minor, settlement)
    guard = _NO_GUARD if settlement else _guard(job, routed.schedule.currency, pools[0])
    splits = [
        _split(job, replace(pool, milestones=with_caps(pool.milestones, guard)), stands)
        for pool in pools
    ]
    found = {share.milestone_id: share for split, _ in splits for share in split.shares}
    return Amounts(
        contract=contract,
        routed=routed,
        stands=stands,
        settlement=settlement,
        shares={
            one.id: _forgotten(found[one.id], stands.get(one.id, NOTHING))
            for one in routed.schedule.milestones
        },
        credit_minor=sum(split.credit_minor + below for split, below in splits),
        credit_pools=tuple(
            pool.name
            for pool, (split, below) in zip(pools, splits, strict=True)
            if split.credit_minor + below
        ),
        unallocated_minor=sum(split.unallocated_minor for split, _ in splits),
        warnings=tuple(one for split, _ in splits for one in split.warnings),
        retainage=lawful_retainage(job.retainage, guard) if job.retainage else None,
        legal_findings=guard.findings,
        wordings=guard.wordings,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pool:
    """Money that is shared apart from all other."""

    name: str  #: the change order whose own it is; "": the contract's
    total_minor: int
    milestones: tuple[Milestone, ...]


def _pools(routed: Routed, total_minor: int, settlement: Settlement | None) -> list[_Pool]:
    """Return the contract's pool, then those of change orders."""
    if settlement is not None:
        return [_Pool(name="", total_minor=total_minor, milestones=settlement.milestones)]
    pool_of = routed.pools
    by_pool: dict[str, list[Milestone]] = {"": []}
    for one in routed.schedule.milestones:
        by_pool.setdefault(pool_of.get(one.id, ""), []).append(one)
    totals = dict.fromkeys(by_pool, 0)
    for row in routed.bound:
        if row.change_order_id in totals and pool_of.keys() & set(row.milestone_ids):
            totals[row.change_order_id] += row.amount_minor
    missing = sum(totals.values()) - max(total_minor, 0)
    for name in reversed(by_pool):  # what the contract does not hold, no pool may ask
        given = max(min(missing, totals[name]), 0)
        totals[name] -= given
        missing -= given
    totals[""] = total_minor - sum(totals.values())
    return [
        _Pool(name=name, total_minor=totals[name], milestones=tuple(milestones))
        for name, milestones in by_pool.items()
    ]


def _guard(job: Job, currency: str, pool: _Pool) -> Guard:
    if job.site is None or not job.legal or pool.total_minor < 0:
        return _NO_GUARD
    return guard_schedule(
        job.legal,
        Schedule(currency=currency, milestones=pool.milestones),
        site=job.site,
        total_minor=pool.total_minor,
        retainage=job.retainage,
        switched_off=job.policy.rules_off,
    )


def _split(job: Job, pool: _Pool, stands: Mapping[str, Standing]) -> tuple[Split, int]:
    """Share one pool; a total below zero is shared as zero and owed to the customer as credit."""
    total_minor = max(pool.total_minor, 0)
    positions = _positions(pool.milestones, stands)
    split = _ruled(job, total_minor, positions)
    kept = _kept_rests(split)
    if kept:
        pinned = [_pinned(one, kept.get(one.milestone.id)) for one in positions]
        split = _ruled(job, total_minor, pinned)
        shares = tuple(_with_rest(share, kept.get(share.milestone_id)) for share in split.shares)
        split = replace(split, shares=shares)
    return split, max(-pool.total_minor, 0)


def _ruled(job: Job, total_minor: int, positions: Sequence[Position]) -> Split:
    return rebalance(
        total_minor,
        positions,
        currency=job.schedule.currency,
        on_invoiced=job.policy.on_invoiced,
        cash_step_minor=job.policy.cash_step_minor,
    )


def _kept_rests(split: Split) -> dict[str, tuple[int, int]]:
    """Return what pinned milestones keep of a rest that was billed on them: id -> (own, rest).

    Where nothing is open the rule gives the rest to a pinned milestone *without* an invoice. Once
    that one is billed the rest would move on, be billed again on the next, and come back.
    """
    if any(share.state is ShareState.OPEN for share in split.shares):
        return {}
    moved = [one.amount_minor for one in split.warnings if one.code == "rest_to_pinned"]
    spare = split.unallocated_minor + sum(moved)
    kept: dict[str, tuple[int, int]] = {}
    for share in reversed(split.shares):
        above = (share.billed_minor or 0) - share.amount_minor
        if share.state is ShareState.PINNED and above > 0 and spare > 0:
            kept[share.milestone_id] = (share.amount_minor, min(above, spare))
            spare -= min(above, spare)
    return kept


def _pinned(position: Position, kept: tuple[int, int] | None) -> Position:
    if kept is None:
        return position
    return replace(position, milestone=replace(position.milestone, pinned_minor=sum(kept)))


def _with_rest(share: Share, kept: tuple[int, int] | None) -> Share:
    if kept is None or share.why.code != "pinned":
        return share
    facts = tuple(one for one in share.why.facts if one[0] != "set_minor")
    own = (("base_minor", kept[0]), ("rest_minor", kept[1]))
    return replace(share, why=Derivation(code="rest", facts=(*facts, *own)))


def _positions(milestones: Sequence[Milestone], stands: Mapping[str, Standing]) -> list[Position]:
    found = []
    for one in milestones:
        standing = stands.get(one.id, NOTHING)
        kept = replace(one, held=True) if standing.is_held else one
        found.append(
            Position(
                milestone=kept,
                billed_minor=standing.billed_minor,
                paid_minor=standing.paid_minor,
            )
        )
    return found


def _forgotten(share: Share, standing: Standing) -> Share:
    """Say of a milestone that we never bill why it keeps its amount."""
    if not standing.is_forgotten:
        return share
    facts = tuple(one for one in share.why.facts if one[0] not in ("billed_minor", "paid_minor"))
    own = ("forgotten_minor", standing.forgotten_minor)
    return replace(share, why=Derivation(code="forgotten", facts=(*facts, own)))
