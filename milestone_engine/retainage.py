"""Retainage: a percent withheld from each milestone and billed as one release at the end.

The rule runs on gross amounts and knows nothing of this. An invoice asks the net: gross less what
is withheld, which is rounded down, so the customer never keeps a unit more than agreed. What was
withheld is stored when a milestone is billed and does not change with the rate; a milestone that is
still to be billed gets its rate from what is billed before it: everything billed already, then the
unbilled ones in order. A step down ("10 % until half is billed, then 5 % on new billings") takes
hold from the first milestone that has half of the contract or more before it; a milestone that
crosses the half is not cut in two.

A milestone counts as paid in gross terms for what was received plus what is withheld: gross paid =
net paid + withheld. So it is locked once its net is paid, and the release is a milestone's worth of
money of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from milestone_engine.errors import RetainageError
from milestone_engine.schedule import Percent


@dataclass(frozen=True, slots=True, kw_only=True)
class Retainage:
    """How much is withheld.

    Raises:
        RetainageError: a percent above 100.
    """

    percent: Percent
    after_half: Percent | None = (
        None  #: on what is billed once half of the contract is; None: no step
    )

    def __post_init__(self) -> None:
        for name, percent in (("percent", self.percent), ("after_half", self.after_half)):
            if percent is not None and percent.value > 100:
                raise RetainageError(f"{percent.value} percent withheld", at=f"retainage.{name}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gross:
    """A milestone before retainage, in the order of the schedule."""

    milestone_id: str
    amount_minor: int  #: what the rule gives it
    withheld_minor: int | None = None  #: stored when it was billed; None: not billed yet


@dataclass(frozen=True, slots=True, kw_only=True)
class Net:
    """A milestone after retainage."""

    milestone_id: str
    gross_minor: int
    withheld_minor: int
    net_minor: int  #: what its invoice asks


@dataclass(frozen=True, slots=True, kw_only=True)
class Retained:
    """A contract after retainage: net amounts and release add up to the gross amounts."""

    nets: tuple[Net, ...]  #: one per milestone, in order
    release_minor: int  #: billed after the final event


def retain(
    milestones: Sequence[Gross], retainage: Retainage, *, contract_minor: int | None = None
) -> Retained:
    """Return what each invoice asks, and what is released at the end.

    Nothing is withheld from an amount below zero.

    Args:
        milestones: in order.
        retainage: how much is withheld.
        contract_minor: half of it is the half; None: half of the gross amounts.
    """
    whole = contract_minor
    if whole is None:
        whole = sum(milestone.amount_minor for milestone in milestones)
    billed = sum(m.amount_minor for m in milestones if m.withheld_minor is not None)
    nets = []
    for milestone in milestones:
        withheld = milestone.withheld_minor
        if withheld is None:
            percent = rate(retainage, billed_minor=billed, whole_minor=whole)
            withheld = withhold(milestone.amount_minor, percent)
            billed += milestone.amount_minor
        nets.append(
            Net(
                milestone_id=milestone.milestone_id,
                gross_minor=milestone.amount_minor,
                withheld_minor=withheld,
                net_minor=milestone.amount_minor - withheld,
            )
        )
    return Retained(nets=tuple(nets), release_minor=sum(net.withheld_minor for net in nets))


def rate(retainage: Retainage, *, billed_minor: int, whole_minor: int) -> Percent:
    """Return what is withheld of a milestone with so much billed before it."""
    if retainage.after_half is not None and 2 * billed_minor >= whole_minor:
        return retainage.after_half
    return retainage.percent


def withhold(gross_minor: int, percent: Percent) -> int:
    """Return what is withheld of a gross amount, rounded down."""
    return max(gross_minor, 0) * percent.numerator // (100 * percent.denominator)


def gross_paid(*, net_paid_minor: int, withheld_minor: int) -> int:
    """Return what counts as paid on a billed milestone: what came in and what is withheld."""
    return net_paid_minor + withheld_minor
