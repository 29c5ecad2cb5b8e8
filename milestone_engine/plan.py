"""What should be, less what is: one Job in, a Plan out. Pure, and twice gives the same.

The Plan holds the amounts and dates of every milestone, the effects that would make QuickBooks and
the customer's knowledge agree with them, and what needs a person. When nothing is to be done the
list of effects is empty.

The steps, each in a module of its own: what stands on each milestone (`standing`), change orders
put in their place (`routing`) and each pool shared by the rule (`amounts`; `cancelled` where the
Job was called off), what every invoice is to ask (`asks`) of which lines (`cells`), money on no
invoice (`unapplied`); then what is to be done (`billing`, `notices`), what needs a person (`needs`)
and what would be (`previews`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from milestone_engine.asks import RELEASE
from milestone_engine.billing import bills, revisions, voids
from milestone_engine.draft import Draft, draft, effective, look_on
from milestone_engine.explain import Derivation
from milestone_engine.job import HeldBy, Job, ProgressInvoice
from milestone_engine.needs import findings
from milestone_engine.notices import tell
from milestone_engine.planned import (
    BillMilestone,
    Effect,
    MilestonePlan,
    Plan,
    Preview,
    Proposal,
    ReviseInvoice,
    TellCustomer,
    VoidSentInvoice,
)
from milestone_engine.previews import previews_of, proposal_of
from milestone_engine.rebalance import ShareState
from milestone_engine.timeline import PaymentState, payment_state

__all__ = [
    "BillMilestone",
    "Effect",
    "MilestonePlan",
    "Plan",
    "Preview",
    "Proposal",
    "ReviseInvoice",
    "TellCustomer",
    "VoidSentInvoice",
    "plan_job",
]


def plan_job(job: Job, *, today: date, holidays: frozenset[date] = frozenset()) -> Plan:
    """Decide what should become of a Job today.

    Args:
        job: everything known of it.
        today: the day at the job's place.
        holidays: days that business-day offsets pass over.

    Raises:
        EngineError: what `rebalance()` refuses: facts or a schedule that cannot be.
    """
    drawn = draft(job, today=today, holidays=holidays)
    plans = [_milestone_plan(drawn, place) for place in range(len(drawn.milestones))]
    milestones = tuple(one for one in plans if one.milestone.id != RELEASE)
    return Plan(
        milestones=milestones,
        effects=_effects(drawn, plans) if drawn.is_planned else (),
        findings=findings(drawn),
        contract_total_minor=drawn.amounts.contract.total_minor,
        credit_minor=drawn.amounts.credit_minor,
        credit_net_minor=drawn.credit_net_minor,
        on_account_minor=drawn.account.total_minor,
        unallocated_minor=drawn.amounts.unallocated_minor,
        look_on=look_on(drawn),
        schedule=drawn.amounts.schedule,
        bound=drawn.amounts.routed.bound,
        release=next((one for one in plans if one.milestone.id == RELEASE), None),
        previews=previews_of(job),
        wordings=drawn.amounts.wordings,
        proposal=proposal_of(job, drawn.amounts),
    )


def _effects(drawn: Draft, plans: list[MilestonePlan]) -> tuple[Effect, ...]:
    by_id = {one.milestone.id: one for one in plans}
    revised, voided = revisions(drawn, by_id), voids(drawn)
    is_revising = bool(revised or voided)
    told = tell(drawn.job.told, plans, is_revising=is_revising, quiet=_quiet(drawn))
    return (*bills(drawn, by_id), *revised, *voided, *told)


def _quiet(drawn: Draft) -> frozenset[str]:
    """Return the invoices that are not said to be due: a payment is there, or on its way."""
    pending = {
        name
        for standing in drawn.amounts.stands.values()
        for name, why in standing.held.items()
        if why is HeldBy.PENDING
    }
    return drawn.account.quiet | pending


def _milestone_plan(drawn: Draft, place: int) -> MilestonePlan:
    milestone = drawn.milestones[place]
    standing = drawn.amounts.standing(milestone.id)
    asks = drawn.asks_on(milestone.id)
    share, amount_minor, why = _share(drawn, milestone.id)
    when = effective(drawn.timings[milestone.id], _next_to_pay(standing.live))
    billed = sum(one.gross_minor for one in standing.live) if standing.live else None
    paid = sum(one.paid_minor + one.withheld_minor for one in standing.live)
    state = PaymentState.FORGOTTEN
    if not standing.is_forgotten:
        # The due date stays as it stood, but it is no fault of the customer's to let it pass.
        is_cancelled = drawn.is_event_cancelled(milestone)
        state = payment_state(
            replace(when, due_on=None) if is_cancelled else when,
            billed_minor=billed,
            # What one invoice has too much does not pay another.
            paid_minor=standing.paid_minor - standing.forgotten_minor,
            amount_minor=amount_minor - standing.forgotten_minor,
            today=drawn.today,
        )
    return MilestonePlan(
        milestone=milestone,
        number=place + 1,
        share=share,
        state=state,
        amount_minor=amount_minor,
        billed_minor=billed,
        paid_minor=paid,
        issue_on=when.issue_on,
        due_on=when.due_on,
        waits_for=when.waits_for,
        why=why,
        invoice=standing.live[-1] if standing.live else None,
        invoices=standing.live,
        withheld_minor=sum(one.withheld_minor for one in asks),
        pool=drawn.amounts.routed.pools.get(milestone.id, ""),
    )


def _share(drawn: Draft, milestone_id: str) -> tuple[ShareState, int, Derivation]:
    """Return what a milestone is, comes to, and why; the release comes to what is withheld."""
    if milestone_id != RELEASE:
        share = drawn.amounts.shares[milestone_id]
        return share.state, share.amount_minor, share.why
    amount = drawn.released_minor
    is_settled = drawn.amounts.standing(RELEASE).is_settled
    state = ShareState.LOCKED if is_settled else ShareState.PINNED
    return state, amount, Derivation(code="fixed", facts=(("fixed_minor", amount),))


def _next_to_pay(invoices: Iterable[ProgressInvoice]) -> ProgressInvoice | None:
    """Return the oldest invoice that is not settled, else the newest."""
    found = None
    for one in invoices:
        found = one
        if not one.is_settled:
            break
    return found
