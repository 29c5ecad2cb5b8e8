"""Schedules and positions for tests: valid by default, override what matters. Money is text."""

from __future__ import annotations

from decimal import Decimal

from milestone_engine import (
    Basis,
    Fixed,
    Milestone,
    Parts,
    Percent,
    Position,
    Split,
    Trigger,
    When,
    format_money,
    parse_money,
)


def cents(text: str) -> int:
    """Return US dollars as minor units: "2,500" and "2500.00" are 250000."""
    return parse_money(text.replace(",", ""), currency="USD")


def percent(text: str) -> Percent:
    """Return a share: percent("33.33")."""
    return Percent(value=Decimal(text))


def fixed(text: str) -> Fixed:
    """Return a fixed amount: fixed("1,000")."""
    return Fixed(amount_minor=cents(text))


def a_milestone(
    id: str = "m1",
    basis: Basis | str = "25",
    *,
    pinned: str | None = None,
    held: bool = False,
    cap: str | None = None,
    extra: str = "0",
    trigger: Trigger | None = None,
) -> Milestone:
    """Return a milestone; a basis that is text is a percent."""
    return Milestone(
        id=id,
        label=f"Milestone {id}",
        basis=percent(basis) if isinstance(basis, str) else basis,
        trigger=trigger or Trigger(when=When.AFTER, event="removal"),
        pinned_minor=None if pinned is None else cents(pinned),
        held=held,
        cap_minor=None if cap is None else cents(cap),
        extra_minor=cents(extra),
    )


def at(
    basis: Basis | str,
    billed: str | None = None,
    paid: str = "0",
    *,
    pinned: str | None = None,
    held: bool = False,
    cap: str | None = None,
    extra: str = "0",
) -> Position:
    """Return a position; `positions()` gives it its id."""
    return Position(
        milestone=a_milestone("", basis, pinned=pinned, held=held, cap=cap, extra=extra),
        billed_minor=None if billed is None else cents(billed),
        paid_minor=cents(paid),
    )


def paid(basis: Basis | str, amount: str) -> Position:
    """Return a position that is billed and paid."""
    return at(basis, amount, amount)


def positions(*rows: Position) -> list[Position]:
    """Return the positions with ids m1, m2, ... in order."""
    return [
        Position(
            milestone=_named(row.milestone, f"m{place}"),
            billed_minor=row.billed_minor,
            paid_minor=row.paid_minor,
        )
        for place, row in enumerate(rows, start=1)
    ]


def _named(milestone: Milestone, id: str) -> Milestone:
    return Milestone(
        id=id,
        label=milestone.label,
        basis=milestone.basis,
        trigger=milestone.trigger,
        pinned_minor=milestone.pinned_minor,
        held=milestone.held,
        cap_minor=milestone.cap_minor,
        extra_minor=milestone.extra_minor,
    )


def parts(*counts: int) -> list[Position]:
    """Return unbilled positions of so many parts each."""
    return positions(*(at(Parts(count=count)) for count in counts))


def amounts(split: Split) -> str:
    """Return the amounts as the page of the rule writes them: "2,500 / 3,166.67 / 6,333.33"."""
    return " / ".join(_shown(share.amount_minor) for share in split.shares)


def _shown(amount_minor: int) -> str:
    text = format_money(amount_minor, currency="USD").removesuffix(".00")
    whole, point, decimals = text.partition(".")
    return f"{int(whole):,}{point}{decimals}"
