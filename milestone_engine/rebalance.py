"""The rule: share a contract total over the milestones of a job, whatever has happened already.

What each milestone is, the first that fits:

- *locked*: its invoice is settled. Its amount is `billed`. Nothing else about it counts: not a pin,
  an extra or a cap. An invoice of zero is settled by nothing: billed 0 and paid 0 is locked at 0.
- *held*: its invoice cannot move. Its amount is `billed`, and it never gives way (E25, E58).
  Without a sent invoice there is nothing to hold, so `held` alone means nothing.
- *pinned*: the amount a person set; else, under `hold`, what was billed; else a fixed amount, with
  what is bound to it (`extra`) and no more than its cap. Never below what is paid.
- *open*: all others. They share what the rest leaves by their original weights.

The amount of an open one is clamp(level * weight + extra, floor, cap) for the one level that uses
up what is there. The floor is what is paid, under `supplement` what is billed; a cap below the
floor yields to it. So an amount is never negative, not even where its extra is: what an extra
cannot take from its own milestone, the others or a credit bear. The level may be negative: an extra
larger than all that is left gives way like any share. A 0 % milestone has only its extra, whatever
the level.

What is left over goes, by rules 4 and 5, to the last open milestone if none has a weight, to the
last pinned one without an invoice if none is open, or nowhere: `unallocated`. What is missing is
taken, by rule 6, from the extras of 0 % milestones, then from the pinned ones that may move, then
from floors that stand only for a sent invoice, each time from the last backwards and never below
what is paid; the remainder is the `credit`. So always sum of amounts = total + credit -
unallocated.

Everything is whole numbers: a share is kept as quotient and remainder, and levels are compared as
integers of one scale. The cost is linear, but for two sorts: of the remainders, and of the bounds
where one is in force.
"""

from __future__ import annotations

from collections.abc import Sequence

from milestone_engine.desk import Desk
from milestone_engine.errors import PositionError, ScheduleError
from milestone_engine.explain import Fact
from milestone_engine.money import minor_units
from milestone_engine.schedule import check_basis, check_ids
from milestone_engine.sharing import share
from milestone_engine.split import (
    OnInvoiced,
    Position,
    Share,
    ShareState,
    Split,
    SplitWarning,
    make_shares,
    make_split,
)

__all__ = [
    "OnInvoiced",
    "Position",
    "Share",
    "ShareState",
    "Split",
    "SplitWarning",
    "rebalance",
]

_, _PINNED, _, _OPEN = ShareState


def rebalance(
    total_minor: int,
    positions: Sequence[Position],
    *,
    currency: str,
    on_invoiced: OnInvoiced = OnInvoiced.REVISE,
    cash_step_minor: int | None = None,
) -> Split:
    """Share a contract total over the milestones of a job by THE rule.

    Pure: the same facts give the same Split, and what came out before plays no part.

    Args:
        total_minor: the contract total before tax, >= 0.
        positions: every milestone in order, with what is billed and paid on it.
        currency: ISO 4217.
        on_invoiced: what becomes of sent, unpaid invoices.
        cash_step_minor: the smallest coin, such as 5 for CHF. Shares are made in such steps; what
            is less than a step goes to the last of the milestones that share; amounts billed,
            paid and pinned need not fit.

    Returns:
        One Share per position, in order, and what has no place in them.

    Raises:
        PositionError: `negative_total`, `paid_without_billed`, `negative`, `cash_step`.
        ScheduleError: `no_milestones`, `duplicate_id`, `mixed_basis`.
        MoneyError: `currency_unknown`.
    """
    minor_units(currency)
    desk = settle(total_minor, positions, on_invoiced, cash_step_minor)
    shares = make_shares(
        positions,
        desk.states,
        desk.amounts,
        desk.codes,
        desk.facts,
        of_shares=desk.share_facts,
        of_split=desk.split_facts,
    )
    return make_split(
        shares,
        tuple(desk.warnings),
        credit_minor=desk.credit,
        on_account_minor=desk.on_account,
        unallocated_minor=desk.unallocated,
    )


def settle(
    total_minor: int,
    positions: Sequence[Position],
    on_invoiced: OnInvoiced,
    cash_step_minor: int | None,
) -> Desk:
    """Return the working columns of a split: what `rebalance()` makes its values of."""
    _check(total_minor, positions, cash_step_minor)
    desk = Desk(total_minor, positions, on_invoiced)
    rest = _share_out(desk, total_minor - desk.settled, cash_step_minor or 1)
    if rest:
        rest = _place_rest(desk, rest) if rest > 0 else _give_way(desk, rest)
        if rest < 0:
            desk.credit = -rest
        else:
            desk.unallocated = rest
    assert sum(desk.amounts) == total_minor + desk.credit - desk.unallocated, "the sum law"
    return desk


def _check(total_minor: int, positions: Sequence[Position], cash_step_minor: int | None) -> None:
    """Refuse what has no meaning as a whole; single positions are refused where they are seated."""
    if total_minor < 0:
        raise PositionError(
            ("the contract total is ", total_minor), code="negative_total", at="contract_total"
        )
    if cash_step_minor is not None and cash_step_minor < 1:
        raise PositionError(
            ("the smallest coin is ", cash_step_minor), code="cash_step", at="cash_step"
        )
    if not positions:
        raise ScheduleError("no milestones", code="no_milestones", at="milestones")
    ids, kinds = set(), set()
    for position in positions:
        milestone = position.milestone
        ids.add(milestone.id)
        kinds.add(type(milestone.basis))
    if len(ids) < len(positions):
        check_ids([position.milestone for position in positions])
    if len(kinds) > 1:
        check_basis([position.milestone for position in positions])


def _share_out(desk: Desk, purse: int, step: int) -> int:
    """Give the open milestones their amounts; return what is left over (negative: missing)."""
    weights = desk.weights()
    shared = share(
        purse, weights, extras=desk.extras, floors=desk.floors, caps=desk.caps, step=step
    )
    desk.share_facts = (
        *desk.split_facts,
        ("shared_minor", shared.shared_minor),
        ("weight_sum", shared.weight_sum),
    )
    amounts, facts = desk.amounts, desk.facts
    columns = (desk.open, weights, shared.amounts, shared.units, shared.codes, desk.extras)
    for place, weight, amount, unit, code, extra in zip(*columns, strict=True):
        if code == "share":
            amounts[place] = amount
            own: tuple[Fact, ...] = (("weight", weight), ("unit", unit))
            facts[place] = (*own, ("extra_minor", extra)) if extra else own
        else:
            desk.put(place, _OPEN, code, amount, _bound_facts(code, weight, amount, extra))
            if code == "gave_way":
                desk.warn("gave_way", place, extra - amount)
    return shared.rest_minor


def _bound_facts(code: str, weight: int, amount: int, extra: int) -> tuple[Fact, ...]:
    """Return why an open milestone's amount is no share."""
    if code == "gave_way":
        return (("wanted_minor", extra), ("given_minor", extra - amount))
    if code == "extra":
        return (("extra_minor", extra),)
    return ((f"{code}_minor", amount), ("weight", weight))


def _place_rest(desk: Desk, rest: int) -> int:
    """Place what no weight could take, by rules 4 and 5; return what has no place."""
    if not desk.open:
        takers: Sequence[int] = _last_without_invoice(desk)
        warning = "rest_to_pinned"
    elif any(desk.numerators):
        return rest  # all caps are full
    else:
        takers, warning = desk.open[::-1], "zero_weights"
    for place in takers:
        amount, cap = desk.amounts[place], desk.positions[place].milestone.cap_minor
        taken = rest if cap is None else max(min(rest, cap - amount), 0)
        if taken:
            facts = (("base_minor", amount), ("rest_minor", taken))
            desk.put(place, desk.states[place], "rest", amount + taken, facts)
            desk.warn(warning, place, taken)
            rest -= taken
    return rest


def _last_without_invoice(desk: Desk) -> list[int]:
    """Return the place of the last pinned milestone that has no live invoice, if there is one."""
    for place in range(len(desk.positions) - 1, -1, -1):
        if desk.states[place] is _PINNED and desk.positions[place].billed_minor is None:
            return [place]
    return []


def _give_way(desk: Desk, rest: int) -> int:
    """Take what is missing by rule 6, never below what is paid; return what is still missing.

    The open ones are at their floors by now. A floor above what is paid stands for a sent invoice
    and goes second.
    """
    for yielding in (_PINNED, _OPEN):
        for place in range(len(desk.positions) - 1, -1, -1):
            if desk.states[place] is not yielding:
                continue
            amount = desk.amounts[place]
            given = min(-rest, amount - desk.positions[place].paid_minor)
            if given > 0:
                # A 0 % milestone gave its extra already, down to its floor: that is one giving.
                before = desk.take_back("gave_way", place)
                facts = (("wanted_minor", amount + before), ("given_minor", given + before))
                desk.put(place, yielding, "gave_way", amount - given, facts)
                desk.warn("gave_way", place, given + before)
                rest += given
    return rest
