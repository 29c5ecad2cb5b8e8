"""Money of a job's customer that is on no invoice and no payment: credits, refunds; and a customer
who cannot be billed. What a person has to look at.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from mapping.credits import Credited, credits_on_invoices
from mapping.documents import (
    CreditMemo,
    Payment,
    SalesForm,
    parse_credit_memo,
    parse_customer,
    parse_payment,
    parse_refund,
)
from mapping.errors import DocumentError
from mapping.lines import minor_of
from mapping.raw import Ref
from mapping.receipts import unapplied_payments
from milestone_engine.decisions import ClaimPayment, DismissPayment
from milestone_engine.finding import Finding
from sync.gather import JobFacts
from sync.job_decisions import CONFIRM_CREDIT, Kept
from sync.store import mirror


def money_beside(facts: JobFacts, *, currency: str) -> tuple[Finding, ...]:
    """Find credit memos with something left to apply, refunds, and a customer made inactive.

    Args:
        facts: as they were read.
        currency: ISO 4217, of the contract.
    """
    answered = {
        one.payment_id for one in facts.standing.decisions if isinstance(one, DismissPayment)
    }
    found = [
        *_credits(facts, currency),
        *_refunds(facts, currency),
        *_payments_of_several(facts, currency),
    ]
    open_ones = [one for one in found if _document_id(one) not in answered]
    return (*open_ones, *_unused(facts, currency), *_inactive(facts))


def is_own_payment(facts: JobFacts, payment: Payment) -> bool:
    """Whether what is left of a payment is this job's: a person said so, or the first invoice of a
    job that it paid is this job's, or no other open job could be meant. Of several jobs one at
    most.
    """
    claimed = {one.payment_id for one in facts.standing.decisions if isinstance(one, ClaimPayment)}
    if payment.id in claimed:
        return True
    beside = {row.qbo_id for row in facts.beside}
    paid = {one.link.id for one in payment.applied if one.link.kind == "Invoice"} - beside
    if paid:
        return min(paid, key=lambda one: (len(one), one)) in facts.invoices
    return not _is_shared(facts, payment.customer)


def confirmed_credits(facts: JobFacts) -> tuple[CreditMemo, ...]:
    """Give the credit memos by which a person said that the contract is smaller."""
    wanted = facts.standing.credit_ids - facts.claimed_elsewhere
    memos = [
        parse_credit_memo(mirror.document(row)) for row in facts.credits if row.qbo_id in wanted
    ]
    return tuple(memo for memo in memos if _stands(memo) and memo.total)


def about_credit(facts: JobFacts, text: str) -> Kept | None:
    """Give a person's word that a credit memo makes the contract smaller; None: there is no such
    credit memo of the customer that another job does not have.

    Args:
        facts: of the job.
        text: its number or id.
    """
    memos = [parse_credit_memo(mirror.document(row)) for row in facts.credits]
    found = [
        memo
        for memo in memos
        if text.casefold() in (memo.id, memo.doc_number.casefold())
        and _stands(memo)
        and memo.id not in facts.claimed_elsewhere
    ]
    if len(found) != 1:
        return None
    (memo,) = found
    net = (memo.total or Decimal(0)) - (memo.tax or Decimal(0))
    amount_minor = minor_of(net, currency=facts.job.currency, at="TotalAmt")
    said = {"number": memo.doc_number or memo.id, "amount_minor": amount_minor}
    return Kept(kind=CONFIRM_CREDIT, subject=f"payment:{memo.id}", facts=said)


def credits_of(facts: JobFacts, *, currency: str) -> tuple[Credited, ...]:
    """Give where those credit memos stand, on invoices of whatever job."""
    payments = [parse_payment(mirror.document(row)) for row in facts.payments]
    return credits_on_invoices(confirmed_credits(facts), payments, currency=currency)


def _unused(facts: JobFacts, currency: str) -> Iterator[Finding]:
    """Find what of a confirmed credit stands on no invoice of the job: the customer may take it off
    a second time.
    """
    mine = facts.invoices.keys()
    used = [one for one in credits_of(facts, currency=currency) if one.invoice_id in mine]
    for memo in confirmed_credits(facts):
        whole = minor_of(memo.total or Decimal(0), currency=currency, at="TotalAmt")
        left = whole - sum(one.total_minor for one in used if one.credit_id == memo.id)
        if left > 0:
            yield _finding("credit_unused", "credit", memo, left)


def _credits(facts: JobFacts, currency: str) -> Iterator[Finding]:
    decided = facts.standing.credit_ids | facts.claimed_elsewhere
    for row in facts.credits:
        memo = parse_credit_memo(mirror.document(row))
        if _stands(memo) and memo.remaining and memo.id not in decided:
            left = minor_of(memo.remaining, currency=currency, at="RemainingCredit")
            yield from _beside(facts, _finding("credit_open", "credit", memo, left), memo.customer)


def _refunds(facts: JobFacts, currency: str) -> Iterator[Finding]:
    for row in facts.refunds:
        refund = parse_refund(mirror.document(row))
        if _stands(refund) and refund.total:
            total = minor_of(refund.total, currency=currency, at="TotalAmt")
            found = _finding("refund", "refund", refund, total)
            yield from _beside(facts, found, refund.customer)


def _payments_of_several(facts: JobFacts, currency: str) -> Iterator[Finding]:
    """Find whole payments that this job or another may be meant by: none takes them by itself."""
    for row in facts.payments:
        payment = parse_payment(mirror.document(row))
        is_taken = payment.id in facts.claimed_elsewhere or is_own_payment(facts, payment)
        if is_taken or payment.applied:
            continue
        for one in unapplied_payments([payment], currency=currency, on=facts.today):
            found = Finding(
                code="payment_of_several",
                subject=f"payment:{payment.id}",
                facts={"amount_minor": str(one.amount_minor), "job": facts.job.base},
            )
            yield from _beside(facts, found, payment.customer)


def _beside(facts: JobFacts, found: Finding, customer: Ref | None) -> Iterator[Finding]:
    """Give a finding about money of a customer; where several jobs could be meant, each that is
    open has one of its own.
    """
    if not _is_shared(facts, customer):
        yield found
    elif facts.is_open:
        yield replace(found, subject=f"{found.subject}/{facts.job.base}")


def _is_shared(facts: JobFacts, customer: Ref | None) -> bool:
    return customer is not None and customer.id in facts.shared


def _document_id(found: Finding) -> str:
    return found.subject.partition(":")[2].partition("/")[0]


def _stands(form: SalesForm) -> bool:
    return not form.is_deleted and not form.is_voided


def _finding(code: str, kind: str, form: SalesForm, amount_minor: int) -> Finding:
    facts = {"number": form.doc_number or form.id, "amount_minor": str(amount_minor)}
    return Finding(code=code, subject=f"{kind}:{form.id}", facts=facts)


def _inactive(facts: JobFacts) -> Iterator[Finding]:
    row = facts.customers.get(facts.job.customer_id)
    if row is None:
        return
    try:
        customer = parse_customer(mirror.document(row))
    except DocumentError:
        return
    if not customer.is_active:
        about = {"name": customer.display_name, "number": facts.job.base}
        subject = f"customer:{customer.id}"
        yield Finding(code="customer_inactive", subject=subject, facts=about)
