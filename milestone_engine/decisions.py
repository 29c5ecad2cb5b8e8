"""What people decided about a Job, as values: each names exactly what it is about.

A decision is a fact like any other: it is read by every Plan, in any order, and taken back by
leaving it out. One about something that is not there (any more) means nothing. Where two contradict
each other the one that does less wins: `Forget` over `BillAgain`, `ClaimPayment` over
`DismissPayment`; of two routings of one change order the one that comes first in `Routing`, of two
agreed values the newest, then the larger.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum

from milestone_engine.schedule import Milestone


class Routing(Enum):
    """Where the money of a change order goes."""

    SPREAD = "spread"  #: shared by all that are open, by their weights
    FINAL = "final"  #: bound to the last open milestone
    NEXT = "next"  #: bound to the next milestone without an invoice
    SEPARATE = "separate"  #: a milestone of its own, due on approval
    OWN = "own"  #: milestones of its own: a pool that is shared apart from the contract's


@dataclass(frozen=True, slots=True, kw_only=True)
class BillAgain:
    """Bill what a voided or deleted invoice asked, once, on a new one (E85, E86)."""

    invoice_id: str  #: the invoice that is gone; if the new one goes too, that is a new question


@dataclass(frozen=True, slots=True, kw_only=True)
class Forget:
    """Never bill what a voided or deleted invoice asked: it is settled elsewhere, or given up."""

    invoice_id: str
    amount_minor: int  #: what the milestone was worth when the person said so; it keeps that


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldPayment:
    """A payment on this milestone's invoices is on its way: they do not move (E25)."""

    milestone_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReopenPayment:
    """An invoice whose payment was taken back follows the policy again (E58).

    It answers one reversal: when the same invoice is paid and taken back once more, that is a new
    question.
    """

    invoice_id: str
    reversal: int = 1  #: as in the finding: 1 the first time; earlier ones are answered with it


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteChangeOrder:
    """Route one change order otherwise than the company's policy says (E70)."""

    change_order_id: str
    routing: Routing
    milestones: tuple[Milestone, ...] = ()
    """Under OWN, its schedule: ids are given anew, only the ratio of the weights counts. None: the
    contract's own pattern."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreeValue:
    """The work done on a cancelled Job is worth this much, in all (E68)."""

    amount_minor: int  #: contract money before tax, >= 0
    on: date  #: the day it was agreed


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimPayment:
    """A payment that is not applied to an invoice is meant for this milestone (E60)."""

    payment_id: str
    milestone_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DismissPayment:
    """A payment that is not applied to an invoice is for no milestone of this Job (E60)."""

    payment_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VoidInvoice:
    """Void this sent invoice if its milestone has nothing left to ask (rule 8)."""

    invoice_id: str


Decision = (
    BillAgain
    | Forget
    | HoldPayment
    | ReopenPayment
    | RouteChangeOrder
    | AgreeValue
    | ClaimPayment
    | DismissPayment
    | VoidInvoice
)
