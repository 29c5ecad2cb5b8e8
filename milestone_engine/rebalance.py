"""The rule: share a contract total over the milestones of a job, whatever has happened already.

What each milestone is, the first that fits:

- *locked*: its invoice is settled. Its amount is `billed`. Nothing else about it counts: not a pin,
  an extra or a cap.
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
from math import lcm

from milestone_engine.errors import PositionError, ScheduleError
from milestone_engine.explain import Fact
from milestone_engine.money import TOLERANCE_FROM_MINOR, minor_units
from milestone_engine.schedule import Fixed, Milestone, check_basis, check_ids
from milestone_engine.sharing import share
from milestone_engine.split import (
    OnInvoiced,
    Position,
    Share,
    ShareState,
    Split,
    SplitWarning,
    make_share,
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

_LOCKED, _PINNED, _HELD, _OPEN = ShareState
_REVISE, _HOLD, _SUPPLEMENT = OnInvoiced


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
    _check(total_minor, positions, currency, cash_step_minor)
    desk = _Desk(positions, on_invoiced)
    desk.explain(total_minor)
    rest = _share_out(desk, total_minor - sum(desk.amounts), cash_step_minor or 1)
    if rest > 0:
        rest = _place_rest(desk, rest)
    elif rest < 0:
        rest = _give_way(desk, rest)
    credit, unallocated = (-rest, 0) if rest < 0 else (0, rest)
    assert sum(desk.amounts) == total_minor + credit - unallocated, "the sum law"
    columns = (positions, desk.states, desk.amounts, desk.codes, desk.facts)
    return Split(
        shares=tuple(map(make_share, *columns)),
        credit_minor=credit,
        on_account_minor=desk.on_account,
        unallocated_minor=unallocated,
        warnings=tuple(desk.warnings),
    )


def _check(
    total_minor: int, positions: Sequence[Position], currency: str, cash_step_minor: int | None
) -> None:
    """Refuse what has no meaning as a whole; single positions are refused where they are seated."""
    minor_units(currency)
    if total_minor < 0:
        raise PositionError(
            f"a contract total of {total_minor} units", code="negative_total", at="contract_total"
        )
    if cash_step_minor is not None and cash_step_minor < 1:
        raise PositionError(f"coins of {cash_step_minor} units", code="cash_step", at="cash_step")
    if not positions:
        raise ScheduleError("no milestones", code="no_milestones", at="milestones")
    if len({position.milestone.id for position in positions}) < len(positions):
        check_ids([position.milestone for position in positions])
    if len({type(position.milestone.basis) for position in positions}) > 1:
        check_basis([position.milestone for position in positions])


class _Desk:
    """The working columns of one split: every milestone seated as locked, held, pinned or open."""

    __slots__ = (
        "amounts",
        "caps",
        "codes",
        "denominators",
        "extras",
        "facts",
        "floors",
        "locked",
        "numerators",
        "on_account",
        "open",
        "positions",
        "split_facts",
        "states",
        "warnings",
    )

    def __init__(self, positions: Sequence[Position], on_invoiced: OnInvoiced) -> None:
        count = len(positions)
        self.positions = positions
        self.states = [_OPEN] * count
        self.amounts = [0] * count  #: 0 for the open ones, until they share
        self.codes = ["share"] * count
        self.facts: list[tuple[Fact, ...]] = [()] * count
        self.split_facts: tuple[Fact, ...] = ()
        self.warnings: list[SplitWarning] = []
        self.locked = 0
        self.on_account = 0
        self.open: list[int] = []  #: their places; the columns below follow it
        self.numerators: list[int] = []
        self.denominators: list[int] = []
        self.extras: list[int] = []
        self.floors: list[int] = []
        self.caps: list[int | None] = []
        for place, position in enumerate(positions):
            self._seat(place, position, on_invoiced)

    def _seat(self, place: int, position: Position, on_invoiced: OnInvoiced) -> None:
        """Decide what a milestone is, and give it its amount unless it is open."""
        milestone = position.milestone
        billed = position.billed_minor
        paid = position.paid_minor
        if billed is None:
            if paid:
                _refuse_unbilled(position, place)
        else:
            if billed < 0 or paid < 0:
                _refuse_negative(position, place)
            short = billed - paid
            if short <= 0 or (short == 1 and billed >= TOLERANCE_FROM_MINOR):
                self.locked += billed
                self.on_account += max(-short, 0)
                self.put(
                    place, _LOCKED, "locked", billed, ("billed_minor", billed), ("paid_minor", paid)
                )
                return
            if milestone.held:
                self.put(place, _HELD, "held", billed, ("billed_minor", billed))
                self._warn_over_cap(place, billed)
                return
        basis = milestone.basis
        invoice_stays = billed is not None and on_invoiced is _HOLD
        if milestone.pinned_minor is not None or invoice_stays or isinstance(basis, Fixed):
            self._pin(place, milestone, paid, billed if invoice_stays else None)
            return
        floor = paid
        if billed is not None and on_invoiced is _SUPPLEMENT:
            floor = billed
        cap = milestone.cap_minor
        if cap is not None and cap < floor:
            self._warn_over_cap(place, floor)
            cap = floor
        self.open.append(place)
        self.numerators.append(basis.numerator)
        self.denominators.append(basis.denominator)
        self.extras.append(milestone.extra_minor)
        self.floors.append(floor)
        self.caps.append(cap)

    def _pin(self, place: int, milestone: Milestone, paid: int, kept_invoice: int | None) -> None:
        """Seat a pinned milestone: a person's amount, else the invoice that stays, else fixed."""
        pinned, basis = milestone.pinned_minor, milestone.basis
        if pinned is not None:
            self.put(place, _PINNED, "pinned", pinned, ("set_minor", pinned))
        elif kept_invoice is not None:
            self.put(place, _PINNED, "hold", kept_invoice, ("billed_minor", kept_invoice))
        elif isinstance(basis, Fixed):
            fixed, extra, cap = basis.amount_minor, milestone.extra_minor, milestone.cap_minor
            amount = max(fixed + extra, 0)
            facts: tuple[Fact, ...] = (("fixed_minor", fixed), ("extra_minor", extra))
            if cap is not None and amount > cap:
                amount, facts = cap, (*facts, ("cap_minor", cap))
            self.put(place, _PINNED, "fixed", amount, *facts)
        wanted = self.amounts[place]
        if wanted < 0:
            _refuse_negative(self.positions[place], place)
        if wanted < paid:
            facts = (("wanted_minor", wanted), ("paid_minor", paid))
            self.put(place, _PINNED, "paid_floor", paid, *facts)
            self.warn("below_paid", place, paid - wanted)
        self._warn_over_cap(place, self.amounts[place])

    def put(
        self, place: int, state: ShareState, code: str, amount_minor: int, *facts: Fact
    ) -> None:
        """Give a milestone its amount, and the reason for it."""
        self.states[place] = state
        self.codes[place] = code
        self.amounts[place] = amount_minor
        self.facts[place] = self.split_facts + facts

    def warn(self, code: str, place: int, amount_minor: int) -> None:
        """Note something that a person should look at."""
        milestone_id = self.positions[place].milestone.id
        self.warnings.append(
            SplitWarning(code=code, milestone_id=milestone_id, amount_minor=amount_minor)
        )

    def _warn_over_cap(self, place: int, amount_minor: int) -> None:
        cap = self.positions[place].milestone.cap_minor
        if cap is not None and amount_minor > cap:
            if cap < 0:
                _refuse_negative(self.positions[place], place)
            self.warn("over_cap", place, amount_minor - cap)

    def explain(self, total_minor: int) -> None:
        """Put rule 1, as it came out, in front of every milestone's facts."""
        settled, extras = sum(self.amounts), sum(self.extras)
        self.split_facts = (
            ("total_minor", total_minor),
            ("locked_minor", self.locked),
            ("pinned_minor", settled - self.locked),
            ("extras_minor", extras),
            ("pool_minor", total_minor - settled - extras),
        )
        self.facts = [self.split_facts + facts for facts in self.facts]

    def weights(self) -> list[int]:
        """Return the original weights of the open ones, as whole numbers of one scale."""
        scale = lcm(*self.denominators)
        if scale == 1:
            return self.numerators
        return [
            numerator * (scale // denominator)
            for numerator, denominator in zip(self.numerators, self.denominators, strict=True)
        ]


def _refuse_unbilled(position: Position, place: int) -> None:
    raise PositionError(
        f"{position.paid_minor} units paid on milestone {position.milestone.id!r}, not billed",
        code="paid_without_billed",
        at=f"milestones[{place}].paid",
    )


def _refuse_negative(position: Position, place: int) -> None:
    """Name the first amount of a position that is below zero."""
    amounts = {
        "billed": position.billed_minor,
        "paid": position.paid_minor,
        "pinned": position.milestone.pinned_minor,
        "cap": position.milestone.cap_minor,
    }
    name = next(name for name, amount in amounts.items() if amount is not None and amount < 0)
    raise PositionError(
        f"{name} of {amounts[name]} units on milestone {position.milestone.id!r}",
        code="negative",
        at=f"milestones[{place}].{name}",
    )


def _share_out(desk: _Desk, purse: int, step: int) -> int:
    """Give the open milestones their amounts; return what is left over (negative: missing)."""
    weights = desk.weights()
    shared = share(
        purse, weights, extras=desk.extras, floors=desk.floors, caps=desk.caps, step=step
    )
    common = (
        *desk.split_facts,
        ("shared_minor", shared.shared_minor),
        ("weight_sum", shared.weight_sum),
    )
    columns = (desk.open, weights, shared.amounts, shared.units, shared.codes, desk.extras)
    for place, weight, amount, unit, code, extra in zip(*columns, strict=True):
        desk.amounts[place] = amount
        if code == "share":
            own: tuple[Fact, ...] = (("weight", weight), ("unit", unit))
            desk.facts[place] = common + (own if not extra else (*own, ("extra_minor", extra)))
        else:
            desk.put(place, _OPEN, code, amount, *_bound_facts(code, weight, amount, extra))
    return shared.rest_minor


def _bound_facts(code: str, weight: int, amount: int, extra: int) -> tuple[Fact, ...]:
    """Return why an open milestone's amount is no share."""
    if code == "gave_way":
        return (("wanted_minor", extra), ("given_minor", extra - amount))
    if code == "extra":
        return (("extra_minor", extra),)
    return ((f"{code}_minor", amount), ("weight", weight))


def _place_rest(desk: _Desk, rest: int) -> int:
    """Place what no weight could take, by rules 4 and 5; return what has no place."""
    if not desk.open:
        takers, warning = _last_without_invoice(desk), "rest_to_pinned"
    elif any(desk.numerators):
        return rest  # all caps are full
    else:
        takers, warning = desk.open[::-1], "zero_weights"
    for place in takers:
        amount, cap = desk.amounts[place], desk.positions[place].milestone.cap_minor
        taken = rest if cap is None else max(min(rest, cap - amount), 0)
        if taken:
            facts = (("base_minor", amount), ("rest_minor", taken))
            desk.put(place, desk.states[place], "rest", amount + taken, *facts)
            desk.warn(warning, place, taken)
            rest -= taken
    return rest


def _last_without_invoice(desk: _Desk) -> list[int]:
    """Return the place of the last pinned milestone that has no live invoice, if there is one."""
    for place in range(len(desk.positions) - 1, -1, -1):
        if desk.states[place] is _PINNED and desk.positions[place].billed_minor is None:
            return [place]
    return []


def _give_way(desk: _Desk, rest: int) -> int:
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
                facts = (("wanted_minor", amount), ("given_minor", given))
                desk.put(place, yielding, "gave_way", amount - given, *facts)
                desk.warn("gave_way", place, given)
                rest += given
    return rest
