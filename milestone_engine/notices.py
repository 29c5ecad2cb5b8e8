"""What a customer is to be told, once each: the schedule, a payment that is due, a change, a
thank-you.

No notice states a fact that is not confirmed: a payment is due once its invoice stands, a change is
told once the invoices that it moves stand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from milestone_engine.job import Notice, ProgressInvoice, Told
from milestone_engine.planned import MilestonePlan, TellCustomer


def tell(
    told: Sequence[Told],
    milestones: Sequence[MilestonePlan],
    *,
    is_revising: bool,
    quiet: frozenset[str] = frozenset(),
) -> list[TellCustomer]:
    """Return what the customer is to be told: first the schedule, then what came of it.

    Args:
        told: what they were told so far, oldest first.
        milestones: as they are planned now.
        is_revising: an invoice is being brought to a new amount: a change is told once it stands.
        quiet: ids of invoices that are not said to be due: their payment is there or on its way.
    """
    # What the customer is asked for: less what is withheld, and the release that asks for that.
    amounts = {plan.milestone.id: plan.net_minor for plan in milestones}
    schedules = [t for t in told if t.notice in (Notice.SCHEDULED, Notice.CHANGED)]
    said: list[TellCustomer] = []
    if not schedules:
        said.append(
            TellCustomer(notice=Notice.SCHEDULED, occasion="1", milestone_id=None, new=amounts)
        )
        # First things first: what is due makes sense to who knows the schedule.
        return said
    if dict(schedules[-1].amounts) != amounts and not is_revising:
        said.append(_changed(schedules, amounts))
    known = {(one.notice, one.occasion) for one in told}
    for plan in milestones:
        for invoice in plan.invoices:
            said += _of_payment(known, invoice, is_quiet=invoice.invoice_id in quiet)
    return said


def _changed(schedules: Sequence[Told], amounts: Mapping[str, int]) -> TellCustomer:
    return TellCustomer(
        notice=Notice.CHANGED,
        occasion=str(len(schedules)),
        milestone_id=None,
        old=schedules[-1].amounts,
        new=amounts,
    )


def _of_payment(
    known: set[tuple[Notice, str]], invoice: ProgressInvoice, *, is_quiet: bool
) -> list[TellCustomer]:
    """Say that a payment is due once its invoice stands, and thank for it once it is settled."""
    name = invoice.milestone_id
    thanks = TellCustomer(
        notice=Notice.RECEIVED,
        occasion=f"{name}-{invoice.ordinal}-{invoice.paid_minor}",
        milestone_id=name,
        new={name: invoice.paid_minor},
    )
    due = TellCustomer(
        notice=Notice.DUE,
        occasion=f"{name}-{invoice.ordinal}",
        milestone_id=name,
        new={name: invoice.amount_minor},
    )
    is_due = invoice.paid_minor < invoice.amount_minor and not is_quiet
    said = []
    if is_due and (due.notice, due.occasion) not in known:
        said.append(due)
    if invoice.paid_minor > 0 and (thanks.notice, thanks.occasion) not in known:
        said.append(thanks)
    return said
