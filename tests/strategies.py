"""Inputs for property tests: schedules in any state, contract lines that meet their milestones."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

from hypothesis import strategies as st

from milestone_engine import (
    Basis,
    Fixed,
    Milestone,
    OnInvoiced,
    Parts,
    Percent,
    Position,
    Trigger,
    When,
)

#: Small amounts meet each other's bounds and tie; large ones are those of real contracts.
amounts_minor = st.one_of(st.integers(0, 30), st.integers(0, 2_000_000), st.integers(0, 10**12))

totals_minor = amounts_minor

policies = st.sampled_from(OnInvoiced)

percents = st.one_of(
    st.sampled_from(["0", "5", "10", "25", "25", "33.33", "33.34", "50", "100"]).map(Decimal),
    st.decimals(0, 100, places=4),
).map(lambda value: Percent(value=value))

parts = st.integers(1, 12).map(lambda count: Parts(count=count))

fixed = amounts_minor.map(lambda amount: Fixed(amount_minor=amount))

_TRIGGER = Trigger(when=When.AFTER, event="removal")


@st.composite
def milestones(draw: st.DrawFn, *, id: str, share: st.SearchStrategy[Basis]) -> Milestone:
    """Return a milestone that may have everything a milestone can have."""
    rarely = st.integers(0, 5)
    return Milestone(
        id=id,
        label=id,
        basis=draw(fixed if draw(rarely) == 0 else share),
        trigger=_TRIGGER,
        pinned_minor=draw(amounts_minor) if draw(rarely) == 0 else None,
        held=draw(rarely) == 0,
        cap_minor=draw(amounts_minor) if draw(rarely) == 0 else None,
        extra_minor=draw(st.integers(-500, 500)) if draw(rarely) == 0 else 0,
    )


@st.composite
def receipts(draw: st.DrawFn) -> tuple[int | None, int]:
    """Return billed and paid: nothing, sent, part paid, one unit short, paid or overpaid."""
    kind = draw(st.sampled_from(["none", "none", "sent", "part", "short", "paid", "over"]))
    if kind == "none":
        return None, 0
    billed = draw(amounts_minor)
    paid = {
        "sent": 0,
        "part": draw(st.integers(0, billed)),
        "short": max(billed - 1, 0),
        "paid": billed,
        "over": billed + draw(st.integers(0, 50)),
    }[kind]
    return billed, paid


@st.composite
def positions(draw: st.DrawFn, *, max_size: int = 7) -> list[Position]:
    """Return the positions of a schedule by percent or by parts, fixed amounts among them."""
    share = draw(st.sampled_from([percents, parts]))
    rows = []
    for place in range(draw(st.integers(1, max_size))):
        billed, paid = draw(receipts())
        rows.append(
            Position(
                milestone=draw(milestones(id=f"m{place}", share=share)),
                billed_minor=billed,
                paid_minor=paid,
            )
        )
    return rows


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[int], list[int]]:
    """Return what is left of lines, signed, and milestone amounts of the same sum."""
    size = draw(st.sampled_from([8, 100, 10**7]))
    lines = draw(st.lists(st.integers(-size // 3, size), min_size=1, max_size=12))
    whole = sum(lines)
    if whole < 0:
        lines = [-left for left in lines]
        whole = -whole
    cuts = sorted(draw(st.lists(st.integers(0, whole), max_size=7)))
    edges = [0, *cuts, whole]
    return lines, [high - low for low, high in pairwise(edges)]
