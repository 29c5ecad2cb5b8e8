"""What `plan_job()` answers: milestones with amounts and dates, effects, and the Plan that holds
both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from milestone_engine.decisions import Routing
from milestone_engine.explain import Derivation
from milestone_engine.finding import Finding
from milestone_engine.job import BilledLine, Bound, Notice, ProgressInvoice
from milestone_engine.schedule import Milestone, Schedule
from milestone_engine.split import ShareState
from milestone_engine.timeline import PaymentState


@dataclass(frozen=True, slots=True, kw_only=True)
class MilestonePlan:
    """What one milestone comes to: amount, dates, state and why. Amounts are gross: retainage is
    told apart.
    """

    milestone: Milestone
    number: int  #: 1 for the first of the schedule
    share: ShareState
    state: PaymentState
    amount_minor: int
    billed_minor: int | None  #: on its live invoices, with what is withheld; None: there is none
    paid_minor: int  #: on its live invoices, with what is withheld
    issue_on: date | None
    due_on: date | None
    waits_for: str | None
    why: Derivation
    invoice: ProgressInvoice | None  #: the newest live one
    invoices: tuple[ProgressInvoice, ...] = ()  #: all live ones, oldest first
    withheld_minor: int = 0  #: retainage: billed by the release
    pool: str = ""  #: the change order whose own pool it is in; "": the contract's

    @property
    def net_minor(self) -> int:
        """What its invoices ask, all together."""
        return self.amount_minor - self.withheld_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class BillMilestone:
    """Make an invoice of a milestone."""

    milestone_id: str
    label: str
    number: int
    of_count: int
    ordinal: int
    doc_number: str
    amount_minor: int  #: what it asks: its lines add up to it
    lines: tuple[BilledLine, ...]
    issue_on: date
    due_on: date
    why: Derivation
    withheld_minor: int = 0  #: retainage, to be stored with the invoice


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviseInvoice:
    """Bring a sent, unpaid invoice to the milestone's new amount or due date."""

    milestone_id: str
    label: str
    number: int
    of_count: int
    ordinal: int
    doc_number: str
    invoice_id: str
    amount_minor: int  #: what it asks: its lines add up to it
    lines: tuple[BilledLine, ...]
    due_on: date
    why: Derivation
    withheld_minor: int = 0  #: retainage, to be stored with the invoice


@dataclass(frozen=True, slots=True, kw_only=True)
class VoidSentInvoice:
    """Void a sent invoice that has nothing left to ask, on a person's yes."""

    milestone_id: str
    invoice_id: str
    doc_number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TellCustomer:
    """Tell the customer something, once."""

    notice: Notice
    occasion: str  #: one mail per occasion: `m2-1` (invoice), `m2-250000` (received so far)
    milestone_id: str | None
    old: Mapping[str, int] = field(default_factory=dict)  #: amounts as last told, by milestone
    new: Mapping[str, int] = field(default_factory=dict)  #: amounts as they are


Effect = BillMilestone | ReviseInvoice | VoidSentInvoice | TellCustomer


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What the milestones would come to if a pending change order were approved (E71)."""

    change_order_id: str
    label: str
    amount_minor: int
    routing: Routing
    amounts: Mapping[str, int]  #: by milestone id, with those that it would make
    credit_minor: int
    unallocated_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A milestone for contract money that has no place (E72). Made by a person's
    `RouteChangeOrder(..., SEPARATE)` of its change orders, and by nothing else.
    """

    milestone: Milestone
    amount_minor: int
    change_order_ids: tuple[str, ...]  #: those that brought the money, oldest first


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What `plan_job()` decided, before anything is done."""

    milestones: tuple[MilestonePlan, ...]
    effects: tuple[Effect, ...]
    findings: tuple[Finding, ...]
    contract_total_minor: int
    credit_minor: int  #: gross, as the sum law has it
    on_account_minor: int  #: the customer's money that is on no invoice, or too much on one
    unallocated_minor: int
    look_on: date | None  #: the next day on which the passing of time alone changes the Plan
    schedule: Schedule  #: to be stored: the Job's, with its change orders routed
    bound: tuple[Bound, ...] = ()  #: to be stored with it
    credit_net_minor: int = 0  #: what the customer is to get back: less what stays withheld
    release: MilestonePlan | None = None  #: what is withheld, billed at the end; in no sum
    previews: tuple[Preview, ...] = ()
    wordings: tuple[str, ...] = ()  #: what the law wants to stand beside the payment plan
    proposal: Proposal | None = None
