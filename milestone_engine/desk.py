"""The working columns of one split: every milestone is seated as what it is.

`rebalance.py` tells the rule; this is its first step, who is locked, held, pinned or open, and the
place where its other steps keep their numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import lcm
from operator import mul
from typing import TypeAlias

from milestone_engine.errors import PositionError
from milestone_engine.explain import Fact
from milestone_engine.money import TOLERANCE_FROM_MINOR
from milestone_engine.schedule import Fixed, Milestone
from milestone_engine.split import OnInvoiced, Position, ShareState, SplitWarning

_LOCKED, _PINNED, _HELD, _OPEN = ShareState
_, _HOLD, _SUPPLEMENT = OnInvoiced

#: An open milestone: its place, numerator and denominator of its weight, extra, floor and cap.
_Seat: TypeAlias = tuple[int, int, int, int, int, int | None]

#: The columns of no seats.
_NOBODY: tuple[tuple[()], ...] = ((),) * 6


class Desk:
    """The working columns of one split: every milestone seated as locked, held, pinned or open."""

    __slots__ = (
        "amounts",
        "caps",
        "codes",
        "credit",
        "denominators",
        "extras",
        "facts",
        "floors",
        "locked",
        "numerators",
        "on_account",
        "open",
        "positions",
        "settled",
        "share_facts",
        "split_facts",
        "states",
        "unallocated",
        "warnings",
    )

    def __init__(
        self, total_minor: int, positions: Sequence[Position], on_invoiced: OnInvoiced
    ) -> None:
        count = len(positions)
        self.positions = positions
        self.states = [_OPEN] * count
        self.amounts = [0] * count  #: 0 for the open ones, until they share
        self.codes = ["share"] * count
        self.facts: list[tuple[Fact, ...]] = [()] * count  #: those of its own
        self.warnings: list[SplitWarning] = []
        self.locked = self.on_account = self.credit = self.unallocated = 0
        seats: list[_Seat] = []
        for place, position in enumerate(positions):
            milestone = position.milestone
            basis = milestone.basis
            if (
                position.billed_minor is None
                and not position.paid_minor
                and milestone.pinned_minor is None
                and milestone.cap_minor is None
                and not isinstance(basis, Fixed)
            ):
                extra = milestone.extra_minor
                seats.append((place, basis.numerator, basis.denominator, extra, 0, None))
            elif seat := self._seat(place, position, on_invoiced):
                seats.append(seat)
        #: Columns of the open ones.
        self.open: tuple[int, ...]
        self.numerators: tuple[int, ...]
        self.denominators: tuple[int, ...]
        self.extras: tuple[int, ...]
        self.floors: tuple[int, ...]
        self.caps: tuple[int | None, ...]
        self.open, self.numerators, self.denominators, self.extras, self.floors, self.caps = (
            zip(*seats, strict=True) if seats else _NOBODY
        )
        settled, bound = sum(self.amounts), sum(self.extras)
        self.settled = settled
        #: Rule 1 as it came out: every derivation begins with it, a share's with the other.
        self.split_facts: tuple[Fact, ...] = (
            ("total_minor", total_minor),
            ("locked_minor", self.locked),
            ("pinned_minor", settled - self.locked),
            ("extras_minor", bound),
            ("pool_minor", total_minor - settled - bound),
        )
        self.share_facts: tuple[Fact, ...] = self.split_facts

    def _seat(self, place: int, position: Position, on_invoiced: OnInvoiced) -> _Seat | None:
        """Decide what a milestone is; give it its amount, or a seat among those that share."""
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
                if short < 0:
                    self.on_account -= short
                facts = (("billed_minor", billed), ("paid_minor", paid))
                self.put(place, _LOCKED, "locked", billed, facts)
                return None
            if milestone.held:
                self.put(place, _HELD, "held", billed, (("billed_minor", billed),))
                self._warn_over_cap(place, billed)
                return None
        basis = milestone.basis
        invoice_stays = billed is not None and on_invoiced is _HOLD
        if milestone.pinned_minor is not None or invoice_stays or isinstance(basis, Fixed):
            self._pin(place, milestone, paid, billed if invoice_stays else None)
            return None
        floor, cap = paid, milestone.cap_minor
        if billed is not None and on_invoiced is _SUPPLEMENT:
            floor = billed
        if cap is not None and cap < floor:
            self._warn_over_cap(place, floor)
            cap = floor
        return place, basis.numerator, basis.denominator, milestone.extra_minor, floor, cap

    def _pin(self, place: int, milestone: Milestone, paid: int, kept_invoice: int | None) -> None:
        """Seat a pinned milestone: a person's amount, else the invoice that stays, else fixed."""
        pinned, basis = milestone.pinned_minor, milestone.basis
        if pinned is not None:
            self.put(place, _PINNED, "pinned", pinned, (("set_minor", pinned),))
        elif kept_invoice is not None:
            facts: tuple[Fact, ...] = (("billed_minor", kept_invoice),)
            self.put(place, _PINNED, "hold", kept_invoice, facts)
        elif isinstance(basis, Fixed):
            fixed, extra, cap = basis.amount_minor, milestone.extra_minor, milestone.cap_minor
            amount = max(fixed + extra, 0)
            facts = (("fixed_minor", fixed), ("extra_minor", extra))
            if cap is not None and amount > cap:
                amount, facts = cap, (*facts, ("cap_minor", cap))
            self.put(place, _PINNED, "fixed", amount, facts)
        wanted = self.amounts[place]
        if wanted < 0:
            _refuse_negative(self.positions[place], place)
        if wanted < paid:
            facts = (("wanted_minor", wanted), ("paid_minor", paid))
            self.put(place, _PINNED, "paid_floor", paid, facts)
            self.warn("below_paid", place, paid - wanted)
        self._warn_over_cap(place, self.amounts[place])

    def put(
        self,
        place: int,
        state: ShareState,
        code: str,
        amount_minor: int,
        facts: tuple[Fact, ...],
    ) -> None:
        """Give a milestone its amount, and the reason for it."""
        self.states[place] = state
        self.codes[place] = code
        self.amounts[place] = amount_minor
        self.facts[place] = facts

    def warn(self, code: str, place: int, amount_minor: int) -> None:
        """Note something that a person should look at."""
        milestone_id = self.positions[place].milestone.id
        self.warnings.append(
            SplitWarning(code=code, milestone_id=milestone_id, amount_minor=amount_minor)
        )

    def take_back(self, code: str, place: int) -> int:
        """Drop a warning that is to be said anew, and return its amount; 0: there is none."""
        if self.codes[place] != code:
            return 0
        milestone_id = self.positions[place].milestone.id
        said = [
            one for one in self.warnings if (one.code, one.milestone_id) == (code, milestone_id)
        ]
        self.warnings = [one for one in self.warnings if one not in said]
        return sum(one.amount_minor for one in said)

    def _warn_over_cap(self, place: int, amount_minor: int) -> None:
        cap = self.positions[place].milestone.cap_minor
        if cap is not None and amount_minor > cap:
            if cap < 0:
                _refuse_negative(self.positions[place], place)
            self.warn("over_cap", place, amount_minor - cap)

    def weights(self) -> Sequence[int]:
        """Return the original weights of the open ones, as whole numbers of one scale."""
        scale = lcm(*self.denominators)
        if scale == 1:
            return self.numerators  # whole percents, or parts
        factors = map(scale.__floordiv__, self.denominators)
        return list(map(mul, self.numerators, factors))


def _refuse_unbilled(position: Position, place: int) -> None:
    raise PositionError(
        (f"milestone {position.milestone.id!r} is paid ", position.paid_minor, " but not billed"),
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
    name, amount = next((name, one) for name, one in amounts.items() if one is not None and one < 0)
    raise PositionError(
        (f"{name} of ", amount, f" on milestone {position.milestone.id!r}"),
        code="negative",
        at=f"milestones[{place}].{name}",
    )
