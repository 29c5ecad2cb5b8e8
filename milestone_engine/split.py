"""What `rebalance()` is given and what it gives: positions in, shares out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import cast

from milestone_engine.explain import Derivation, Fact
from milestone_engine.schedule import Milestone


class OnInvoiced(Enum):
    """What becomes of a sent, unpaid invoice when the total changes."""

    REVISE = "revise"  #: the same invoice is updated
    HOLD = "hold"  #: it stays as it was billed
    SUPPLEMENT = "supplement"  #: what is above it goes on a second invoice


class ShareState(Enum):
    """Why a milestone's amount may move or not."""

    LOCKED = "locked"  #: billed and paid
    PINNED = "pinned"  #: fixed, set by a person, or sent under `hold`
    HELD = "held"  #: its sent invoice cannot move
    OPEN = "open"  #: shares what is left


#: Every code a SplitWarning may carry.
WARNINGS: Mapping[str, str] = MappingProxyType(
    {
        "below_paid": "pinned below what is paid; it keeps what is paid",
        "gave_way": "the contract is too small for it; it gave this much (E30)",
        "over_cap": "above its limit by this much, and cannot or may not come down",
        "rest_to_pinned": "nothing is open; the last pinned one takes this much more",
        "zero_weights": "only 0 % milestones are open; the last takes this much (E34)",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A milestone and its two facts."""

    milestone: Milestone
    billed_minor: int | None  #: contract money on its live invoices; None: there is none
    paid_minor: int  #: contract money received on it


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one milestone comes to."""

    milestone_id: str
    state: ShareState
    amount_minor: int  #: never negative
    billed_minor: int | None
    paid_minor: int
    due_minor: int  #: what is still to be paid on it, billed or not: max(amount - paid, 0)
    why: Derivation


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitWarning:
    """Something in a Split that a person should look at."""

    code: str  #: from WARNINGS
    milestone_id: str
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """A contract total shared over milestones: sum of amounts = total + credit - unallocated."""

    shares: tuple[Share, ...]  #: one per position, in order
    credit_minor: int  #: what the customer gets back, on a person's yes
    on_account_minor: int  #: overpayments: paid above billed; no part of the sum
    unallocated_minor: int  #: contract money that no milestone may take
    warnings: tuple[SplitWarning, ...]


class _ShareDraft:
    """A Share while it is filled in: the same slots, so its class can become Share.

    A frozen dataclass sets every field through `object.__setattr__`; for a Share that takes four
    times as long, and would be half the cost of a whole rebalance (issue 3, Speed).
    """

    __slots__ = (
        "amount_minor",
        "billed_minor",
        "due_minor",
        "milestone_id",
        "paid_minor",
        "state",
        "why",
    )

    def __init__(
        self, position: Position, state: ShareState, amount_minor: int, why: _WhyDraft
    ) -> None:
        paid_minor = position.paid_minor
        self.milestone_id = position.milestone.id
        self.state = state
        self.amount_minor = amount_minor
        self.billed_minor = position.billed_minor
        self.paid_minor = paid_minor
        self.due_minor = amount_minor - paid_minor if amount_minor > paid_minor else 0
        self.why = why


class _WhyDraft:
    """A Derivation while it is filled in, as above."""

    __slots__ = ("code", "facts")

    def __init__(self, code: str, facts: tuple[Fact, ...]) -> None:
        self.code = code
        self.facts = facts


def make_share(
    position: Position, state: ShareState, amount_minor: int, code: str, facts: tuple[Fact, ...]
) -> Share:
    """Return the Share of one position, with its Derivation."""
    why = _WhyDraft(code, facts)
    draft = _ShareDraft(position, state, amount_minor, why)
    why.__class__ = Derivation  # type: ignore[assignment]
    draft.__class__ = Share  # type: ignore[assignment]
    return cast(Share, draft)
