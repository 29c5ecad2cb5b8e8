"""Why this much, and why now: a milestone's derivation as one sentence that a homeowner
understands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from fractions import Fraction
from functools import partial
from typing import Any, Protocol

from milestone_engine.schedule import Basis, Percent
from milestone_engine.timeline import APPROVED, Trigger, When
from sync.words.amounts import day, money, near_day, part_of, share, trigger
from sync.words.texts import one_line

WHOLE_PERCENT = 100


class Payment(Protocol):
    """What a reason is given for: a payment of the timeline."""

    @property
    def basis(self) -> Basis:
        """Its original weight."""

    @property
    def trigger(self) -> Trigger:
        """What it waits for."""

    @property
    def event_label(self) -> str:
        """The event's name for people."""

    @property
    def event_state(self) -> str:
        """planned, completed, cancelled."""

    @property
    def event_on(self) -> date | None:
        """The day its event happened, else the day it is planned for."""

    @property
    def state(self) -> str:
        """waiting, upcoming, due, overdue, paid."""

    @property
    def amount_minor(self) -> int:
        """What it comes to."""

    @property
    def due_on(self) -> date | None:
        """When it is to be paid."""

    @property
    def settled_on(self) -> date | None:
        """When the last payment on it was made."""

    @property
    def why_code(self) -> str:
        """The derivation's code."""

    @property
    def why_facts(self) -> Mapping[str, Any]:
        """The derivation's facts."""


def say_why(one: Payment, *, currency: str) -> str:
    """Say how a payment's amount came about and what it waits for.

    Example:
        Agreed as 25%. $3,000.00 is settled and stays as it is; of the $10,400.00 left this is 1/3:
        25 of the 75 percent still open. Asked because Removal was finished on Fri, Jun 12, 2026;
        due Mon, Jun 15, 2026.
    """
    return f"{say_amount(one, currency=currency)} {say_when(one)}"


def say_amount(one: Payment, *, currency: str) -> str:
    """Say why it is this much."""
    say = _AMOUNTS.get(one.why_code, _plain)
    return say(one, _Money(currency, one.why_facts))


def say_when(one: Payment) -> str:
    """Say what it waits for, or when it is to be paid."""
    asked, is_done = _asked(one), one.event_state == "completed"
    if one.state == "paid" and one.settled_on:
        return f"{asked}; paid {day(one.settled_on)}."
    if one.state == "waiting" and not is_done:
        return f"{asked}; {_standing(one, day)}."
    if one.due_on is None:
        return f"{asked}."
    return f"{asked}{';' if is_done else ','} due {day(one.due_on)}."


def _asked(one: Payment) -> str:
    """Say what it waits for, with the day that happened: `because Removal was finished on ...`."""
    asked = trigger(one.trigger, event_label=one.event_label)
    if one.event_state != "completed" or one.event_on is None:
        return f"Asked {asked}"
    if one.trigger.event == APPROVED:
        return f"Asked {asked}, which was given on {day(one.event_on)}"
    if one.trigger.when is When.BEFORE or one.trigger.days:
        return f"Asked {asked}, which was finished on {day(one.event_on)}"
    return f"Asked because {one_line(one.event_label)} was finished on {day(one.event_on)}"


def say_trigger(one: Payment, *, today: date) -> str:
    """Say what asks for it and where that stands: `After Removal, planned for Fri, Jun 12`."""
    asked = trigger(one.trigger, event_label=one.event_label)
    said = asked[0].upper() + asked[1:]
    if not one.event_state:
        return said
    return f"{said}, {_standing(one, partial(near_day, today=today))}"


def _standing(one: Payment, show: Callable[[date], str]) -> str:
    """Say where its event stands: `planned for Fri, Jun 12, 2026`, `no date yet`."""
    if one.event_state == "cancelled":
        return "which was cancelled"
    if one.event_on is None:
        return "no date yet"
    verb = "done" if one.event_state == "completed" else "planned for"
    return f"{verb} {show(one.event_on)}"


class _Money:
    """The facts of one derivation, money as text."""

    def __init__(self, currency: str, facts: Mapping[str, Any]) -> None:
        self.currency = currency
        self._facts = facts

    def number(self, name: str) -> int:
        return int(self._facts.get(name, 0))

    def minor(self, name: str) -> int:
        return self.number(f"{name}_minor")

    def __getitem__(self, name: str) -> str:
        return money(self.minor(name), currency=self.currency)


def _share(one: Payment, facts: _Money) -> str:
    weights = (facts.number("weight"), facts.number("weight_sum"))
    shared, extra = facts.minor("shared"), facts.minor("extra")
    if weights[1] <= 0:
        said = _plain(one, facts)
    elif shared == facts.minor("total"):
        said = f"{_agreed(one, facts, Fraction(*weights))} of the {facts['total']} contract."
    else:
        said = f"{_kept(one, facts)} {_of_rest(one, facts, Fraction(*weights))}"
    if not extra:
        return said
    bound = money(abs(extra), currency=facts.currency)
    return f"{said} {bound} {'more' if extra > 0 else 'less'} by a change order."


def _agreed(one: Payment, facts: _Money, part: Fraction) -> str:
    if isinstance(one.basis, Percent):
        return share(one.basis, currency=facts.currency)
    said = part_of(part)
    return said[0].upper() + said[1:]


def _kept(one: Payment, facts: _Money) -> str:
    """Say what of the contract does not take part, and where it is."""
    agreed = (
        f"Agreed as {share(one.basis, currency=facts.currency)}. "
        if isinstance(one.basis, Percent)
        else ""
    )
    parts = [
        f"{facts[name]} {verb}"
        for name, verb in (
            ("locked", "is paid and stays as it is"),
            ("pinned", "is set for other payments"),
        )
        if facts.minor(name)
    ]
    if not parts:
        return f"{agreed}The contract is {facts['total']}."
    return f"{agreed}Of the {facts['total']} contract {' and '.join(parts)}."


def _of_rest(one: Payment, facts: _Money, part: Fraction) -> str:
    if part == 1:
        return f"This is the last payment still open: it takes the {facts['shared']} left."
    said = f"Of the {facts['shared']} left this payment takes {part_of(part)}"
    if isinstance(one.basis, Percent) and one.basis.value and part.numerator:
        still_open = one.basis.value * part.denominator / part.numerator
        if still_open == WHOLE_PERCENT:
            return f"{said}."
        return f"{said}: {one.basis.value.normalize():f} of the {still_open.normalize():f}% open."
    return f"{said}."


def _locked(one: Payment, facts: _Money) -> str:
    return f"Paid as invoiced: {facts['billed']} stays, whatever changes later."


def _held(one: Payment, facts: _Money) -> str:
    return f"{facts['billed']} as invoiced. The invoice stays as it is."


def _forgotten(one: Payment, facts: _Money) -> str:
    return f"{facts['forgotten']} that is not asked here: its invoice was taken back."


def _pinned(one: Payment, facts: _Money) -> str:
    return f"Set to {facts['set']} by your contractor."


def _fixed(one: Payment, facts: _Money) -> str:
    said = f"A fixed amount of {facts['fixed']}"
    if facts.minor("extra"):
        said += f", with {facts['extra']} from a change order"
    if facts.minor("cap"):
        said += f", limited to {facts['cap']}"
    return f"{said}."


def _paid_floor(one: Payment, facts: _Money) -> str:
    return f"{facts['paid']} is paid on it already, so it cannot come down to {facts['wanted']}."


def _floor(one: Payment, facts: _Money) -> str:
    if not facts.minor("floor"):
        return f"Nothing of the {facts['total']} contract is left for it."
    return f"{facts['floor']} is paid or invoiced on it already, so it does not go below that."


def _cap(one: Payment, facts: _Money) -> str:
    return f"Limited to {facts['cap']}; the rest moves to the other payments."


def _extra(one: Payment, facts: _Money) -> str:
    if facts.minor("extra") <= 0:
        return "Nothing of the contract is asked here."
    return f"{facts['extra']} from a change order."


def _rest(one: Payment, facts: _Money) -> str:
    return f"It takes {facts['rest']} that no other payment could take."


def _gave_way(one: Payment, facts: _Money) -> str:
    return (
        f"Lowered from {facts['wanted']}: "
        f"the {facts['total']} contract is smaller than what was planned."
    )


def _plain(one: Payment, facts: _Money) -> str:
    return f"By the plan of the {facts['total']} contract."


_AMOUNTS: Mapping[str, Callable[[Payment, _Money], str]] = {
    "share": _share,
    "locked": _locked,
    "held": _held,
    "hold": _held,
    "pinned": _pinned,
    "fixed": _fixed,
    "paid_floor": _paid_floor,
    "floor": _floor,
    "cap": _cap,
    "extra": _extra,
    "rest": _rest,
    "gave_way": _gave_way,
    "forgotten": _forgotten,
}
