"""One job as people see it: the same view feeds portal, mail, terminal and reports, so all say the
same. `job_reading.py` reads it.

Amounts are minor units; words are made from them in `sync/words/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from milestone_engine.schedule import Basis
from milestone_engine.timeline import Trigger
from sync.reports.changes import ChangeView
from sync.store.tables import FindingRow


@dataclass(frozen=True, slots=True, kw_only=True)
class EventView:
    """One event of the timeline."""

    name: str
    label: str
    on: date | None
    state: str  #: planned, completed, cancelled
    completed_on: date | None

    @property
    def day(self) -> date | None:
        """The day it happened, else the day it is planned for."""
        return self.completed_on or self.on


@dataclass(frozen=True, slots=True, kw_only=True)
class MilestoneView:
    """One payment of the timeline."""

    id: str
    number: int
    label: str
    basis: Basis
    trigger: Trigger
    event_label: str
    event_state: str  #: planned, completed, cancelled; "" for the approval
    event_on: date | None  #: the day its event happened, else the day it is planned for
    amount_minor: int  #: contract money, before tax
    billed_minor: int | None
    paid_minor: int
    tax_minor: int  #: as billed; before that, about what it will be
    is_tax_known: bool
    issue_on: date | None
    due_on: date | None
    state: str  #: waiting, upcoming, due, overdue, paid, forgotten
    invoice_id: str | None  #: of its newest live invoice
    doc_number: str | None  #: of its live invoices, oldest first: `1042-M2, 1042-M2-2`
    outside_minor: int  #: on its invoices, but not the contract's: a permit, a late fee
    invoice_total_minor: int | None  #: what its invoices ask, tax and all, as QuickBooks says
    invoice_open_minor: int | None  #: what is left to pay on them, as QuickBooks says
    settled_on: date | None
    why_code: str
    why_facts: Mapping[str, Any]

    @property
    def due_minor(self) -> int:
        """What is still to be paid on it, before tax."""
        return max(self.amount_minor - self.paid_minor, 0)

    @property
    def received_minor(self) -> int | None:
        """What the customer has paid on its invoice, tax and all."""
        if self.invoice_total_minor is None or self.invoice_open_minor is None:
            return None
        return self.invoice_total_minor - self.invoice_open_minor

    @property
    def is_open(self) -> bool:
        """Whether anything is still to be asked of the customer, or is."""
        return self.state not in ("paid", "forgotten")

    @property
    def is_asked(self) -> bool:
        """Whether its invoice is out and not settled."""
        return self.state in ("due", "overdue") and self.invoice_id is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineView:
    """One line of the contract, before tax."""

    description: str
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingView:
    """What a change order would do if it were approved."""

    label: str  #: its number
    amount_minor: int
    amounts: Mapping[str, int]  #: by milestone id


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalView:
    """A payment that a person may add for contract money that has no place."""

    label: str
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobView:
    """One job as people see it."""

    realm_no: int
    job_id: int
    base: str
    state: str  #: active, frozen, cancelled, unmapped
    company: str
    customer: str
    email: str  #: may hold several addresses, separated by commas; "" where none is known
    estimate_id: str
    currency: str
    today: date
    accepted_on: date | None
    contract_total_minor: int
    credit_minor: int
    unallocated_minor: int  #: contract money that is on no payment yet
    on_account_minor: int  #: the customer's money that is on no invoice, or too much on one
    pending: tuple[PendingView, ...]  #: change orders that are offered, not approved
    proposal: ProposalView | None  #: a payment for money that has no place
    wordings: tuple[str, ...]  #: what the law wants to stand beside the plan
    tax_drift_minor: int | None  #: QuickBooks' tax less the estimates'; None until all is billed
    lines: tuple[LineView, ...]  #: what the contract covers
    milestones: tuple[MilestoneView, ...]
    events: tuple[EventView, ...]
    changes: tuple[ChangeView, ...]  #: newest first
    findings: tuple[FindingRow, ...]

    @property
    def paid_minor(self) -> int:
        """Contract money received so far."""
        return sum(one.paid_minor for one in self.milestones)

    @property
    def left_minor(self) -> int:
        """Contract money that is still to be paid."""
        return sum(one.due_minor for one in self.milestones if one.is_open)

    @property
    def asked_now(self) -> tuple[MilestoneView, ...]:
        """The payments whose invoices are out and not settled, in order."""
        return tuple(one for one in self.milestones if one.is_asked)

    @property
    def next_payment(self) -> MilestoneView | None:
        """The payment that comes next: what is due before what is dated before what waits."""
        open_ones = [one for one in self.milestones if one.is_open]
        return min(open_ones, key=_urgency, default=None)

    def milestone(self, milestone_id: str) -> MilestoneView:
        """Give one payment by its id."""
        return next(one for one in self.milestones if one.id == milestone_id)


def _urgency(one: MilestoneView) -> tuple[int, date, int]:
    order = ("overdue", "due", "upcoming", "waiting")
    return order.index(one.state), one.due_on or date.max, one.number
