"""What `plan_job()` answers: milestones with amounts and dates, effects, and the Plan that holds
both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from milestone_engine.explain import Derivation
from milestone_engine.finding import Finding
from milestone_engine.job import BilledLine, Notice, ProgressInvoice
from milestone_engine.schedule import Milestone
from milestone_engine.split import ShareState
from milestone_engine.timeline import PaymentState


@dataclass(frozen=True, slots=True, kw_only=True)
class MilestonePlan:
    """What one milestone comes to: amount, dates, state and why."""

    milestone: Milestone
    number: int  #: 1 for the first of the schedule
    share: ShareState
    state: PaymentState
    amount_minor: int
    billed_minor: int | None
    paid_minor: int
    issue_on: date | None
    due_on: date | None
    waits_for: str | None
    why: Derivation
    invoice: ProgressInvoice | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BillMilestone:
    """Make the invoice of a milestone."""

    milestone_id: str
    label: str
    number: int
    of_count: int
    ordinal: int
    doc_number: str
    amount_minor: int
    lines: tuple[BilledLine, ...]
    issue_on: date
    due_on: date
    why: Derivation


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
    amount_minor: int
    lines: tuple[BilledLine, ...]
    due_on: date
    why: Derivation


@dataclass(frozen=True, slots=True, kw_only=True)
class TellCustomer:
    """Tell the customer something, once."""

    notice: Notice
    occasion: str  #: one mail per occasion: `m2-1` (invoice), `m2-250000` (received so far)
    milestone_id: str | None
    old: Mapping[str, int] = field(default_factory=dict)  #: amounts as last told, by milestone
    new: Mapping[str, int] = field(default_factory=dict)  #: amounts as they are


Effect = BillMilestone | ReviseInvoice | TellCustomer


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What `plan_job()` decided, before anything is done."""

    milestones: tuple[MilestonePlan, ...]
    effects: tuple[Effect, ...]
    findings: tuple[Finding, ...]
    contract_total_minor: int
    credit_minor: int
    on_account_minor: int
    unallocated_minor: int
    look_on: date | None  #: the next day on which the passing of time alone changes the Plan
