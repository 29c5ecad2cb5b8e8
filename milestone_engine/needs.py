"""What needs a person: a Plan's findings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from milestone_engine.asks import Ask
from milestone_engine.billing import is_empty
from milestone_engine.cells import left_on_lines
from milestone_engine.decisions import VoidInvoice
from milestone_engine.draft import Draft
from milestone_engine.finding import Finding
from milestone_engine.job import HeldBy, InvoiceState, Job, JobState, ProgressInvoice

#: Why an invoice cannot move -> the finding. That we did not make it (ADOPTED)
#: or that a credit stands on it (CREDITED) needs nobody.
HELD: Mapping[HeldBy, str] = {
    HeldBy.EDITED: "invoice_edited",
    HeldBy.PENDING: "payment_pending",
    HeldBy.REVERSED: "payment_reversed",
    HeldBy.CLOSED: "books_closed",
}

#: What became of an invoice -> the finding.
GONE: Mapping[InvoiceState, str] = {
    InvoiceState.VOIDED: "invoice_voided",
    InvoiceState.DELETED: "invoice_deleted",
}


def findings(drawn: Draft) -> tuple[Finding, ...]:
    """Return what needs a person, the schedule first, then the job, its invoices and events."""
    return (
        *_of_split(drawn),
        *_of_law(drawn),
        *_of_money(drawn),
        *_of_invoices(drawn),
        *_of_events(drawn),
        *_of_payments(drawn),
        *_of_lines(drawn),
    )


def _of_split(drawn: Draft) -> list[Finding]:
    return [
        Finding(
            code=f"schedule_{warning.code}",
            subject=f"job:{drawn.job.base}/{warning.milestone_id}",
            facts={"amount_minor": str(warning.amount_minor)},
        )
        for warning in drawn.amounts.warnings
    ]


def _of_law(drawn: Draft) -> list[Finding]:
    """Name the job: two jobs may break one law."""
    base = drawn.job.base
    return [
        replace(one, subject=f"job:{base}/{one.subject.removeprefix('milestone:')}")
        for one in drawn.amounts.legal_findings
    ]


def _of_money(drawn: Draft) -> list[Finding]:
    job, amounts = drawn.job, drawn.amounts
    found = []
    if job.state is JobState.FROZEN:
        found.append(_of_job("frozen", job))
    if job.state is JobState.CANCELLED and amounts.settlement is None:
        found.append(_of_job("job_cancelled", job))
    if not job.is_currency_held:
        found.append(_of_job("currency_not_held", job, currency=job.currency))
    if drawn.credit_net_minor > 0:
        facts = {"amount_minor": str(drawn.credit_net_minor), **_over_paid(drawn)}
        found.append(_of_job("credit", job, **facts))
    if amounts.unallocated_minor:
        found.append(_of_job("unallocated", job, amount_minor=str(amounts.unallocated_minor)))
    if drawn.account.loose_minor > 0:
        found.append(_of_job("on_account", job, amount_minor=str(drawn.account.loose_minor)))
    return found


def _over_paid(drawn: Draft) -> dict[str, str]:
    """Name the change orders whose pools of their own give back, where the contract does not."""
    pools = drawn.amounts.credit_pools
    if not pools or "" in pools:
        return {}
    labels = {one.id: one.label for one in drawn.job.contract.change_orders}
    return {"change_orders": ", ".join(labels.get(name, name) for name in pools)}


def _of_job(code: str, job: Job, **facts: str) -> Finding:
    return Finding(code=code, subject=f"job:{job.base}", facts=facts)


def _of_invoices(drawn: Draft) -> list[Finding]:
    strays = sorted(drawn.strays, key=lambda one: one.invoice_id)
    found = [_of_invoice("invoice_stray", one) for one in strays]
    for ask in drawn.asks:
        standing = drawn.amounts.standing(ask.milestone_id)
        if ask.invoice is None:
            # What is gone matters as long as there is something to bill.
            gone = standing.undecided if ask.amount_minor > 0 else ()
            found += [_of_invoice(GONE[one.state], one) for one in gone]
        elif ask.invoice.invoice_id in standing.held:
            why = standing.held[ask.invoice.invoice_id]
            found += [_of_held(why, ask.invoice)] if why in HELD else []
        elif is_empty(ask) and not _is_agreed(drawn.job, ask.invoice):
            found.append(_of_invoice("invoice_to_void", ask.invoice))
    return found


def _of_held(why: HeldBy, invoice: ProgressInvoice) -> Finding:
    found = _of_invoice(HELD[why], invoice)
    if why is not HeldBy.REVERSED:
        return found
    # The answer names it: a yes holds for this reversal and not for the next.
    return replace(found, facts={**found.facts, "reversal": str(invoice.reversal)})


def _is_agreed(job: Job, invoice: ProgressInvoice) -> bool:
    return VoidInvoice(invoice_id=invoice.invoice_id) in job.decisions


def _of_invoice(code: str, invoice: ProgressInvoice) -> Finding:
    return Finding(
        code=code,
        subject=f"invoice:{invoice.invoice_id}",
        facts={"number": invoice.doc_number, "milestone": invoice.milestone_id},
    )


def _of_events(drawn: Draft) -> list[Finding]:
    """Find milestones whose event will not happen: merge them, or wait for something else.

    One whose invoice is out and not paid too (E65): the invoice stays as it is, but whoever asks
    for the money should know that the reason for it is gone.
    """
    found = []
    for one in drawn.milestones:
        event = drawn.job.events.get(one.trigger.event)
        is_asking = any(_is_asking(ask) for ask in drawn.asks_on(one.id))
        if event and drawn.is_event_cancelled(one) and is_asking:
            found.append(
                Finding(
                    code="event_cancelled",
                    subject=f"job:{drawn.job.base}/{one.id}",
                    facts={"event": event.label, "label": one.label},
                )
            )
    return found


def _is_asking(ask: Ask) -> bool:
    is_paid = ask.invoice is not None and ask.invoice.is_settled
    return ask.amount_minor > 0 and not is_paid


def _of_payments(drawn: Draft) -> list[Finding]:
    labels = {one.id: one.label for one in drawn.milestones}
    return [
        Finding(
            code="payment_unapplied",
            subject=f"payment:{payment.payment_id}",
            facts={
                "amount_minor": str(payment.amount_minor),
                "milestone": name,
                "label": labels[name],
            },
        )
        for payment, name in drawn.account.proposed
    ]


def _of_lines(drawn: Draft) -> list[Finding]:
    """Find lines that were swapped after all was billed."""
    live = [one.invoice for one in drawn.asks if one.invoice is not None]
    left = left_on_lines(drawn.amounts.contract.lines, live)
    if sum(left.values()) or not any(left.values()):
        return []
    return [_of_job("lines_left", drawn.job, amount_minor=str(max(left.values())))]
