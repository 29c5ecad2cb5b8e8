"""What `rebalance()` is given and what it gives: positions in, shares out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from milestone_engine.explain import Derivation, Fact
from milestone_engine.schedule import Basis, Milestone
from milestone_engine.timeline import Trigger


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


class _MilestoneDraft:
    """A Milestone while it is filled in, as a Share below."""

    __slots__ = (
        "basis",
        "cap_minor",
        "extra_minor",
        "held",
        "id",
        "label",
        "pinned_minor",
        "trigger",
    )

    id: str
    label: str
    basis: Basis
    trigger: Trigger
    pinned_minor: int | None
    held: bool
    cap_minor: int | None
    extra_minor: int


class _PositionDraft:
    """A Position while it is filled in, as a Share below."""

    __slots__ = ("billed_minor", "milestone", "paid_minor")

    milestone: Milestone
    billed_minor: int | None
    paid_minor: int


def make_position(
    id: str,
    label: str,
    basis: Basis,
    trigger: Trigger,
    pinned_minor: int | None,
    held: bool,
    cap_minor: int | None,
    extra_minor: int,
    billed_minor: int | None,
    paid_minor: int,
) -> Position:
    """Return a Position with its Milestone, at a third of what the two classes take."""
    milestone = _MilestoneDraft()
    milestone.id = id
    milestone.label = label
    milestone.basis = basis
    milestone.trigger = trigger
    milestone.pinned_minor = pinned_minor
    milestone.held = held
    milestone.cap_minor = cap_minor
    milestone.extra_minor = extra_minor
    milestone.__class__ = Milestone  # type: ignore[assignment]
    position = _PositionDraft()
    position.milestone = milestone  # type: ignore[assignment]
    position.billed_minor = billed_minor
    position.paid_minor = paid_minor
    position.__class__ = Position  # type: ignore[assignment]
    return position  # type: ignore[return-value]


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

    milestone_id: str
    state: ShareState
    amount_minor: int
    billed_minor: int | None
    paid_minor: int
    due_minor: int
    why: Derivation


class _WhyDraft:
    """A Derivation while it is filled in, as above."""

    __slots__ = ("code", "facts")

    code: str
    facts: tuple[Fact, ...]


def make_shares(
    positions: Sequence[Position],
    states: Sequence[ShareState],
    amounts: Sequence[int],
    codes: Sequence[str],
    facts: Sequence[tuple[Fact, ...]],
    *,
    of_shares: tuple[Fact, ...],
    of_split: tuple[Fact, ...],
) -> tuple[Share, ...]:
    """Return one Share per position, each with its Derivation.

    Args:
        positions: in order, as are the columns that follow.
        states: what each is.
        amounts: in minor units.
        codes: of the derivations.
        facts: those of its own.
        of_shares: what the facts of a share begin with.
        of_split: what those of all others begin with.
    """
    shares = []
    columns = (positions, states, amounts, codes, facts)
    for position, state, amount, code, own in zip(*columns, strict=True):
        why = _WhyDraft()
        why.code = code
        why.facts = (of_shares if code == "share" else of_split) + own
        why.__class__ = Derivation  # type: ignore[assignment]
        draft = _ShareDraft()
        paid = position.paid_minor
        draft.milestone_id = position.milestone.id
        draft.state = state
        draft.amount_minor = amount
        draft.billed_minor = position.billed_minor
        draft.paid_minor = paid
        draft.due_minor = amount - paid if amount > paid else 0
        draft.why = why  # type: ignore[assignment]
        draft.__class__ = Share  # type: ignore[assignment]
        shares.append(draft)
    return tuple(shares)  # type: ignore[arg-type]


class _SplitDraft:
    """A Split while it is filled in, as above."""

    __slots__ = (
        "credit_minor",
        "on_account_minor",
        "shares",
        "unallocated_minor",
        "warnings",
    )

    shares: tuple[Share, ...]
    credit_minor: int
    on_account_minor: int
    unallocated_minor: int
    warnings: tuple[SplitWarning, ...]


def make_split(
    shares: tuple[Share, ...],
    warnings: tuple[SplitWarning, ...],
    *,
    credit_minor: int,
    on_account_minor: int,
    unallocated_minor: int,
) -> Split:
    """Return the Split of a whole contract."""
    draft = _SplitDraft()
    draft.shares = shares
    draft.warnings = warnings
    draft.credit_minor = credit_minor
    draft.on_account_minor = on_account_minor
    draft.unallocated_minor = unallocated_minor
    draft.__class__ = Split  # type: ignore[assignment]
    return draft  # type: ignore[return-value]
