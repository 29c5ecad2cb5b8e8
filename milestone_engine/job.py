"""What `plan_job()` is given: one Job as facts, in the builder's words.

Everything here is a value read from somewhere else: the contract from accepted estimates, invoices
and receipts from QuickBooks, events and decisions from people. Nothing here is decided yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum

from milestone_engine.decisions import Decision, Routing
from milestone_engine.legal import LegalRule, Site
from milestone_engine.money import is_settled
from milestone_engine.rebalance import OnInvoiced
from milestone_engine.retainage import Retainage
from milestone_engine.schedule import Schedule
from milestone_engine.timeline import Event, Terms


class JobState(Enum):
    """Whether the Job's money may still be planned."""

    ACTIVE = "active"  #: the usual case
    FROZEN = "frozen"  #: its estimate no longer stands: nothing is re-done, a person decides
    CANCELLED = "cancelled"  #: called off: settled at the value that people agree on (E68)


class InvoiceState(Enum):
    """What became of a ProgressInvoice in QuickBooks."""

    LIVE = "live"  #: it asks for money, paid or not
    VOIDED = "voided"  #: a person (or we, on a person's yes) made it zero
    DELETED = "deleted"  #: it is gone from QuickBooks


class HeldBy(Enum):
    """Why a sent invoice cannot move."""

    EDITED = "edited"  #: a person changed its money in QuickBooks: it is theirs now (E62)
    PENDING = "pending"  #: a payment is on its way (E25)
    REVERSED = "reversed"  #: it was settled and is not any more: a bounced check (E58)
    CLOSED = "closed"  #: the books are closed for its date
    CREDITED = "credited"  #: a credit that changed the contract stands on it: it asks for less
    ADOPTED = "adopted"  #: a person made it before we came: it is theirs for good


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractLine:
    """One line of the contract, net of contract discounts, before tax."""

    id: str  #: `<estimate_id>:<line_id>`
    amount_minor: int  #: negative for a deduction
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeOrder:
    """A signed change of the accepted contract that the total already contains."""

    id: str  #: the estimate that carries it; `<estimate_id>@edit` for its edits in place
    label: str  #: what people call it: `1042-CO-1`
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What was agreed: the lines of the accepted estimate and of its approved change orders."""

    lines: tuple[ContractLine, ...]
    change_orders: tuple[ChangeOrder, ...] = ()

    @property
    def total_minor(self) -> int:
        """The contract total T, before tax."""
        return sum(line.amount_minor for line in self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledLine:
    """Contract money of one contract line that stands on one invoice."""

    line_id: str
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressInvoice:
    """The invoice of a Milestone as QuickBooks holds it now, with what was received on it.

    `amount_minor` and `paid_minor` are contract money: no tax, no lines from outside the contract.
    """

    milestone_id: str
    ordinal: int  #: 1 for the milestone's first invoice, 2 where it was billed again
    invoice_id: str
    doc_number: str
    state: InvoiceState
    amount_minor: int
    paid_minor: int
    lines: tuple[BilledLine, ...]
    issued_on: date
    due_on: date | None
    tax_minor: int = 0
    outside_minor: int = (
        0  #: money on the invoice that is not the contract's (a permit, a late fee)
    )
    settled_on: date | None = None  #: the day the last payment on it was dated
    held_by: HeldBy | None = None  #: why it cannot move, as far as it can be seen from outside
    is_due_edited: bool = False  #: a person changed its due date: that is theirs too
    was_settled: bool = False  #: it was seen settled before, at whatever amount
    reversals: int = 0
    """How many times it was seen open again after it was settled, today's included. Nobody counted:
    0, and `was_settled` stands for one."""
    withheld_minor: int = 0  #: retainage, stored when it was billed; no part of `amount_minor`

    @property
    def gross_minor(self) -> int:
        """What it takes off the contract: what it asks, and what is withheld."""
        return self.amount_minor + self.withheld_minor

    @property
    def is_settled(self) -> bool:
        """Whether it counts as paid."""
        return is_settled(billed_minor=self.amount_minor, paid_minor=self.paid_minor)

    @property
    def reversal(self) -> int:
        """Which taking back of its payment leaves it open, 1 for the first; 0: none does."""
        if self.is_settled:
            return 0
        is_reversed = self.was_settled or self.held_by is HeldBy.REVERSED
        return max(self.reversals, int(is_reversed))


@dataclass(frozen=True, slots=True, kw_only=True)
class UnappliedPayment:
    """Money of the customer that is on no invoice: all of a payment, or what is left of it."""

    payment_id: str
    amount_minor: int  #: what is not applied
    received_on: date
    is_rest: bool = False  #: the other part paid an invoice: too much of one, not one to come (E55)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """Where a change order, or a part of it, was put when it came: that persists."""

    change_order_id: str
    routing: Routing
    amount_minor: int  #: how much of it; of OWN the pool's total
    milestone_ids: tuple[str, ...] = ()  #: one, of OWN its pool; none: shared by all that are open


class Notice(Enum):
    """What a customer can be told."""

    SCHEDULED = "scheduled"  #: this is your payment schedule
    DUE = "due"  #: this payment is due, here is the invoice
    CHANGED = "changed"  #: the schedule changed: old, new, why
    RECEIVED = "received"  #: thank you, we have your payment


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One thing the customer was told, or is about to be."""

    notice: Notice
    occasion: str  #: what tells two of a kind apart, as in `TellCustomer.occasion`
    amounts: Mapping[str, int] = field(
        default_factory=dict
    )  #: milestone id -> amount as it was told


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How this company wants its jobs handled."""

    on_invoiced: OnInvoiced = OnInvoiced.REVISE
    terms: Terms = field(default_factory=Terms)
    cash_step_minor: int | None = None
    routing: Routing = Routing.SPREAD  #: of change orders that nobody decided about
    rules_off: frozenset[str] = frozenset()  #: ids of legal rules that the company does not want


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One building job: everything `plan_job()` may look at."""

    base: str  #: the job's name for people and the front of its invoice numbers: `1042`
    currency: str  #: ISO 4217
    contract: Contract
    schedule: Schedule
    events: Mapping[str, Event]
    invoices: tuple[ProgressInvoice, ...] = ()
    told: tuple[Told, ...] = ()
    policy: Policy = field(default_factory=Policy)
    state: JobState = JobState.ACTIVE
    decisions: tuple[Decision, ...] = ()
    bound: tuple[Bound, ...] = ()  #: as the last Plan left it
    pending: tuple[ChangeOrder, ...] = ()  #: offered, not approved: no part of the contract
    unapplied: tuple[UnappliedPayment, ...] = ()
    legal: tuple[LegalRule, ...] = ()  #: all that are known; `site` says which apply
    site: Site | None = None  #: None: no rule applies
    retainage: Retainage | None = None
    is_currency_held: bool = True  #: whether the company holds the contract's currency (E89)
