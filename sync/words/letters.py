"""What a customer is told by mail: scheduled, due, changed, received. Words only; how a mail looks
and travels is in `sync/mail/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from milestone_engine.job import Notice
from sync.reports.changes import ChangeView, LineChangeView
from sync.reports.job_view import JobView, MilestoneView
from sync.words.amounts import money, near_day, signed
from sync.words.payments import (
    PaymentWords,
    invoice_total_minor,
    open_minor,
    say_payment,
    say_tax,
)
from sync.words.reasons import say_amount, say_trigger
from sync.words.texts import one_line

#: A change order with more lines than this is told by its sum.
LINES_MAX = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRow:
    """One payment in the plan at the end of a letter."""

    payment: PaymentWords
    old: str  #: the amount as it was told before, where the letter is about a change
    is_moved: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterWords:
    """One letter in words. HTML and text are made from the same one."""

    subject: str
    headline: str
    facts: tuple[tuple[str, str], ...]  #: name and value, the money of this letter
    reasons: tuple[str, ...]
    plan_title: str
    rows: tuple[PlanRow, ...]
    totals: tuple[tuple[str, str], ...]
    coming: str  #: what comes next


def write_letter(
    view: JobView,
    notice: Notice,
    *,
    milestone_id: str | None,
    old: Mapping[str, int],
) -> LetterWords:
    """Write one letter.

    Args:
        view: the job as it is.
        notice: what is told.
        milestone_id: the payment it is about; None: the whole plan.
        old: amounts as they were told before, by milestone.
    """
    if notice is Notice.SCHEDULED:
        return _scheduled(view)
    if notice is Notice.CHANGED:
        return _changed(view, old)
    assert milestone_id is not None
    one = view.milestone(milestone_id)
    return _due(view, one) if notice is Notice.DUE else _received(view, one)


def job_title(view: JobView) -> str:
    """Give the name under which the customer knows the job: `Kitchen remodel`, else its number."""
    _, colon, project = view.customer.rpartition(":")
    return one_line(project) if colon and project.strip() else f"job {one_line(view.base)}"


def _scheduled(view: JobView) -> LetterWords:
    count = len(view.milestones)
    total = money(view.contract_total_minor, currency=view.currency)
    payments = "one payment" if count == 1 else f"{count} payments"
    return LetterWords(
        subject=f"Your payment plan for {job_title(view)}: {payments}",
        headline=f"Your payment plan: {payments}, {total} before tax",
        facts=(),
        reasons=(
            "Every payment belongs to a step of the work. You hear from us when one comes up, "
            "and whenever something changes.",
            *view.wordings,
        ),
        plan_title="Your payments",
        rows=_rows(view),
        totals=_totals(view),
        coming="",
    )


def _due(view: JobView, one: MilestoneView) -> LetterWords:
    left = open_minor(one)
    asked = money(one.due_minor if left is None else left, currency=view.currency)
    by = f" by {near_day(one.due_on, today=view.today)}" if one.due_on else ""
    place = f"Payment {one.number} of {len(view.milestones)}"
    return LetterWords(
        subject=f"{place} for {job_title(view)}: {asked} due{by}",
        headline=f"{asked} is due{by}",
        facts=(*_about(view, one), *_money_facts(view, one)),
        reasons=(
            f"Why now: {say_trigger(one, today=view.today)}.",
            f"Why this much: {say_amount(one, currency=view.currency)}",
        ),
        plan_title="Where this payment stands in your plan",
        rows=_rows(view),
        totals=_totals(view),
        coming=_coming(view, after=one),
    )


def _changed(view: JobView, old: Mapping[str, int]) -> LetterWords:
    before = sum(old.values())
    now = sum(one.amount_minor for one in view.milestones)
    now_text = money(now, currency=view.currency)
    if before == now:
        headline = f"Your payments have changed; together they stay {now_text} before tax"
    else:
        headline = f"Your payments now come to {now_text} before tax"
    return LetterWords(
        subject=f"Your payment plan for {job_title(view)} has changed",
        headline=headline,
        facts=(),
        reasons=_why_changed(view, old, is_total_moved=before != now),
        plan_title="Your payments, before and now",
        rows=_rows(view, old=old),
        totals=(
            ("All payments before", money(before, currency=view.currency)),
            ("All payments now", now_text),
            *(
                (("Difference", signed(now - before, currency=view.currency)),)
                if before != now
                else ()
            ),
        ),
        coming=_coming(view, after=None),
    )


def _received(view: JobView, one: MilestoneView) -> LetterWords:
    received = one.received_minor or one.paid_minor
    text = money(received, currency=view.currency)
    left = open_minor(one) if one.is_open else None
    facts = [*_about(view, one), ("Received", text)]
    if one.settled_on:
        facts.append(("Date", near_day(one.settled_on, today=view.today)))
    if left:
        facts.append(("Left on this invoice", money(left, currency=view.currency)))
    is_done = view.next_payment is None
    return LetterWords(
        subject=f"Thank you: {text} received for {job_title(view)}",
        headline=f"Thank you: we have received {text}",
        facts=tuple(facts),
        reasons=(f"{job_title(view)[:1].upper()}{job_title(view)[1:]} is paid in full.",)
        if is_done
        else (),
        plan_title="Your plan now",
        rows=_rows(view),
        totals=_totals(view),
        coming=_coming(view, after=None),
    )


def _about(view: JobView, one: MilestoneView) -> list[tuple[str, str]]:
    """Say which payment and which invoice a letter is about."""
    facts = [("Payment", f"{one.number} of {len(view.milestones)}: {one_line(one.label)}")]
    if one.doc_number:
        facts.append(("Invoice", one_line(one.doc_number, limit=40)))
    return facts


def _money_facts(view: JobView, one: MilestoneView) -> tuple[tuple[str, str], ...]:
    """Say what the invoice comes to, part by part, and what is left to pay."""
    total_minor, left_minor = invoice_total_minor(one), open_minor(one)
    if total_minor is None or left_minor is None:
        tax = say_tax(one, currency=view.currency)
        amount = money(one.amount_minor, currency=view.currency)
        return (("Amount", f"{amount} {tax}".strip()),)
    parts = [("Amount", one.amount_minor)]
    parts += [("Tax", one.tax_minor)] if one.tax_minor else []
    parts += [("Other items on the invoice", one.outside_minor)] if one.outside_minor else []
    if len(parts) > 1:
        parts.append(("Invoice total", total_minor))
    if left_minor != total_minor:
        parts += [("Received", total_minor - left_minor), ("To pay", left_minor)]
    return tuple((name, money(minor, currency=view.currency)) for name, minor in parts)


def _rows(view: JobView, *, old: Mapping[str, int] | None = None) -> tuple[PlanRow, ...]:
    rows = []
    for one in view.milestones:
        then_minor = one.amount_minor if old is None else old.get(one.id, 0)
        rows.append(
            PlanRow(
                payment=say_payment(view, one),
                old="" if old is None else money(then_minor, currency=view.currency),
                is_moved=then_minor != one.amount_minor,
            )
        )
    return tuple(rows)


def _totals(view: JobView) -> tuple[tuple[str, str], ...]:
    sums = [
        ("Contract before tax", view.contract_total_minor),
        ("Paid of it", view.paid_minor),
        ("Left of it", view.left_minor),
    ]
    if view.credit_minor:
        sums.append(("Paid beyond the contract", view.credit_minor))
    return tuple((name, money(minor, currency=view.currency)) for name, minor in sums)


def _coming(view: JobView, *, after: MilestoneView | None) -> str:
    """Say what comes next, the payment that the letter is about aside."""
    open_ones = [one for one in view.milestones if one.is_open and one is not after]
    if after is not None:
        open_ones = [one for one in open_ones if one.number > after.number]
    one = open_ones[0] if open_ones else None
    if one is None:
        return "This is the last payment of your plan." if after is not None else ""
    said, left = say_payment(view, one), open_minor(one)
    if one.is_asked and left is not None:
        by = f" by {near_day(one.due_on, today=view.today)}" if one.due_on else ""
        return f"Still to pay: {said.label}, {money(left, currency=view.currency)}{by}."
    amount = " ".join(filter(None, (said.amount, said.tax)))
    return f"Comes next: {said.label}, {amount}. {said.trigger}."


def _why_changed(view: JobView, old: Mapping[str, int], *, is_total_moved: bool) -> tuple[str, ...]:
    changes = changes_since(view, old)
    said = [line for change in reversed(changes) for line in say_change(change, view.currency)]
    if view.paid_minor and is_total_moved:
        said.append("What is paid stays as it is; the rest is shared by the agreed shares.")
    return tuple(said)


def changes_since(view: JobView, old: Mapping[str, int]) -> tuple[ChangeView, ...]:
    """Give the changes that led from these amounts to today's, newest first."""
    found = []
    for change in view.changes:
        found.append(change)
        if dict(change.old) == dict(old):
            return tuple(found)
    return tuple(found[:1])


def say_change(change: ChangeView, currency: str) -> tuple[str, ...]:
    """Say why a plan changed, a sentence each."""
    if change.cause != "change_order" or change.old_total_minor == change.new_total_minor:
        return (_CAUSES.get(change.cause, _CAUSES["date"]),)
    difference = change.new_total_minor - change.old_total_minor
    named = f" {one_line(change.documents[0], limit=40)}" if len(change.documents) == 1 else ""
    said = [
        f"Change order{named}: the contract went from "
        f"{money(change.old_total_minor, currency=currency)} to "
        f"{money(change.new_total_minor, currency=currency)} before tax "
        f"({signed(difference, currency=currency)})."
    ]
    if 0 < len(change.lines) <= LINES_MAX:
        said += [say_line_change(line, currency) for line in change.lines]
    return tuple(said)


def say_line_change(line: LineChangeView, currency: str) -> str:
    """Say what became of one line of the contract."""
    what = one_line(line.description) or "An item"
    if not line.old_minor:
        return f"Added: {what}, {money(line.new_minor, currency=currency)}."
    if not line.new_minor:
        return f"Taken out: {what}, {money(line.old_minor, currency=currency)}."
    return (
        f"{what}: {money(line.new_minor, currency=currency)} instead of "
        f"{money(line.old_minor, currency=currency)}."
    )


_CAUSES: Mapping[str, str] = {
    "change_order": "The work was changed, its price was not.",
    "payment": "A payment arrived, and what is still open was shared again.",
    "invoice": "An invoice was changed, and what is still open was shared again.",
    "event": "A step of the work was moved, and the payments with it.",
    "date": "The plan was worked out again.",
    "accepted": "The plan was made from your accepted estimate.",
}
