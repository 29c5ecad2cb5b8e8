"""One payment as people read it, and the one sentence that says where a job stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from milestone_engine.timeline import When
from sync.reports.job_view import JobView, MilestoneView
from sync.words.amounts import about, money, near_day, trigger
from sync.words.reasons import say_amount, say_trigger
from sync.words.texts import one_line

#: State of a payment -> what people call it.
STATES = {
    "paid": "Paid",
    "due": "Due now",
    "overdue": "Overdue",
    "upcoming": "Coming",
    "waiting": "Waiting",
    "forgotten": "Not asked",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentWords:
    """One payment in words. An empty text says nothing."""

    id: str
    number: int
    label: str
    state: str  #: the code, for looks
    badge: str  #: the state in words
    amount: str  #: contract money: `$3,166.67`
    tax: str  #: `plus about $253 tax`, `plus $178.50 tax`
    total: str  #: what the invoice asks in all, once it is out: `$3,178.50`
    part_paid: str  #: `$1,000.00 received, $2,178.50 left`
    when: str  #: `due Tue, Mar 21`, `paid Tue, Mar 21`
    trigger: str  #: `Before Measurements, planned for Fri, Jun 12`
    why: str  #: how the amount came about
    invoice: str  #: its number


def say_payment(view: JobView, one: MilestoneView) -> PaymentWords:
    """Say everything of one payment."""
    total_minor = invoice_total_minor(one)
    is_plain = one.tax_minor == 0 and one.outside_minor == 0
    return PaymentWords(
        id=one.id,
        number=one.number,
        label=one_line(one.label),
        state=_look(one),
        badge=say_state(one),
        amount=money(one.amount_minor, currency=view.currency),
        tax=say_tax(one, currency=view.currency),
        total="" if total_minor is None or is_plain else money(total_minor, currency=view.currency),
        part_paid=_part_paid(one, currency=view.currency),
        when=say_date(one, today=view.today),
        trigger=say_trigger(one, today=view.today),
        why=say_amount(one, currency=view.currency),
        invoice=one_line(one.doc_number or "", limit=40),
    )


def say_state(one: MilestoneView) -> str:
    """Say a payment's state in a word or two."""
    if one.state == "paid" and one.amount_minor == 0:
        return "Nothing to pay"
    return STATES[_look(one)]


def _look(one: MilestoneView) -> str:
    """Give the state that shows: nothing is due before the customer has its invoice."""
    return "upcoming" if one.state == "due" and not one.is_asked else one.state


def say_tax(one: MilestoneView, *, currency: str) -> str:
    """Say the tax that comes on top: about, before the invoice says it exactly."""
    if one.tax_minor <= 0:
        return ""
    say = money if one.is_tax_known else about
    return f"plus {say(one.tax_minor, currency=currency)} tax"


def say_date(one: MilestoneView, *, today: date) -> str:
    """Say when a payment is due or was paid; what waits says so with its trigger."""
    if one.state == "paid":
        return f"paid {near_day(one.settled_on, today=today)}" if one.settled_on else ""
    if one.due_on is None:
        return ""
    if one.is_asked or one.due_on >= today:
        verb = "was due" if one.state == "overdue" else "due"
        return f"{verb} {near_day(one.due_on, today=today)}"
    return "invoice to follow"


def invoice_total_minor(one: MilestoneView) -> int | None:
    """Give what a payment's invoice asks in all; None before it says this payment's amount."""
    if not one.is_tax_known:
        return None
    return one.amount_minor + one.tax_minor + one.outside_minor


def open_minor(one: MilestoneView) -> int | None:
    """Give what is left to pay on a payment's invoice, tax and all."""
    total_minor = invoice_total_minor(one)
    return None if total_minor is None else total_minor - (one.received_minor or 0)


def say_next(view: JobView) -> str:
    """Say in one sentence where the job stands for who pays it.

    Example:
        Next: $3,166.67 plus about $253 tax, due Tue, Mar 21, before Install
    """
    return ", ".join(next_phrases(view))


def next_phrases(view: JobView) -> tuple[str, ...]:
    """Give the phrases of that sentence: how much, when, for what."""
    one = view.next_payment
    if not view.milestones:
        return ("Your payment plan is being prepared",)
    if one is None:
        return ("Paid in full",)
    if view.asked_now:
        return _asked_phrases(view)
    if view.state == "frozen":
        return ("This job is on hold: nothing is asked of you now",)
    if view.state == "cancelled":
        return ("This job has ended: nothing is asked of you now",)
    amount = money(one.due_minor, currency=view.currency)
    much = " ".join(filter(None, ("Next:", amount, say_tax(one, currency=view.currency))))
    asked = trigger(one.trigger, event_label=one.event_label)
    if one.due_on is None:
        return much, asked, _expected(one, today=view.today)
    if one.due_on < view.today:
        return much, asked, "invoice to follow"
    return much, f"due {near_day(one.due_on, today=view.today)}", asked


def _asked_phrases(view: JobView) -> tuple[str, ...]:
    asked = view.asked_now
    much = f"Due now: {_asked_money(view)}"
    if len(asked) > 1:
        return (f"{much} on {len(asked)} invoices",)
    one = asked[0]
    said = trigger(one.trigger, event_label=one.event_label)
    if one.due_on is None:
        return much, said
    verb = "since" if one.state == "overdue" else "by"
    return much, f"{verb} {near_day(one.due_on, today=view.today)}", said


def _asked_money(view: JobView) -> str:
    lefts = [open_minor(one) for one in view.asked_now]
    exact = [left for left in lefts if left is not None]
    if len(exact) == len(lefts):
        return money(sum(exact), currency=view.currency)
    # An invoice is being brought to a new amount: until then only the contract's part is sure.
    due_minor = sum(one.due_minor for one in view.asked_now)
    return f"{money(due_minor, currency=view.currency)} before tax"


def _expected(one: MilestoneView, *, today: date) -> str:
    if one.event_state == "cancelled":
        return "which was cancelled"
    if one.event_on is None:
        return "no date yet"
    verb = "planned for" if one.trigger.when is When.AFTER else "on"
    return f"{verb} {near_day(one.event_on, today=today)}"


def _part_paid(one: MilestoneView, *, currency: str) -> str:
    left, received = open_minor(one), one.received_minor
    if one.state == "paid" or not received or left is None:
        return ""
    return f"{money(received, currency=currency)} received, {money(left, currency=currency)} left"
