"""Money of a job's customer that is on no invoice and no payment: credits, refunds; and a customer
who cannot be billed. What a person has to look at.
"""

from __future__ import annotations

from collections.abc import Iterator

from mapping.documents import SalesForm, parse_credit_memo, parse_customer, parse_refund
from mapping.errors import DocumentError
from mapping.lines import minor_of
from milestone_engine.decisions import DismissPayment
from milestone_engine.finding import Finding
from sync.gather import JobFacts
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
    found = [*_credits(facts, currency), *_refunds(facts, currency)]
    open_ones = [one for one in found if one.subject.partition(":")[2] not in answered]
    return (*open_ones, *_inactive(facts))


def _credits(facts: JobFacts, currency: str) -> Iterator[Finding]:
    for row in facts.credits:
        memo = parse_credit_memo(mirror.document(row))
        if _stands(memo) and memo.remaining:
            left = minor_of(memo.remaining, currency=currency, at="RemainingCredit")
            yield _finding("credit_open", "credit", memo, left)


def _refunds(facts: JobFacts, currency: str) -> Iterator[Finding]:
    for row in facts.refunds:
        refund = parse_refund(mirror.document(row))
        if _stands(refund) and refund.total:
            yield _finding(
                "refund", "refund", refund, minor_of(refund.total, currency=currency, at="TotalAmt")
            )


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
