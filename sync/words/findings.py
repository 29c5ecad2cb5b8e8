"""What needs a person: reason and remedy for every code of a Finding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from milestone_engine.errors import EngineError
from milestone_engine.money import parse_money
from sync.words.amounts import money
from sync.words.texts import one_line

#: Foreign words inside a reason: a memo is quoted, not retold.
QUOTE_LENGTH_MAX = 160

_MEND_MEMO = "Correct the schedule in the estimate's memo; the next sync takes it up."
_MEND_ESTIMATE = "Correct the estimate in QuickBooks; the next sync takes it up."
_MEND_DOCUMENT = "Open it in QuickBooks, correct it and save; the next sync takes it up."
_MEND_TEMPLATE = "Correct the schedule template, or write the payments into the estimate's memo."
_TELL_US = "Tell us: it is ours to mend. Nothing is billed for it meanwhile."
_LOOK_THEN_DECIDE = "Look at the job and decide; nothing is billed until then."
_TAKE_BACK = "Leave it, or take the decision back with `{undo}`."
_IS_IT_MEANT = "Look at the schedule: is that what you want?"

#: A field of a document has the wrong shape.
_UNREADABLE = (
    *("not_text", "not_a_number", "not_a_date", "not_a_time", "not_a_list", "not_an_object"),
    *("sync_token", "id_missing"),
)
#: A notification that says nothing; QuickBooks is read again in any case.
_LOST_DELIVERIES = (
    *("not_json", "not_a_notification", "too_many_events", "event_type", "event_field"),
)

#: Code -> (reason, remedy). Braces are filled from the facts; `{amount}` and `{total}` are money.
WORDS: Mapping[str, tuple[str, str]] = {
    # The schedule, in the estimate's own words or from a template
    "percent_sum": ("The percents of the schedule add up to {sum}, not 100: “{words}”", _MEND_MEMO),
    "percent_text": ("A percent of the schedule cannot be read: {message}", _MEND_MEMO),
    "share_unclear": ("A payment of the schedule is not clear: “{phrase}”", _MEND_MEMO),
    "share_count": ("A payment needs one share: percent, parts or fixed", _MEND_MEMO),
    "balance_twice": ("The schedule has two balances: “{words}”", _MEND_MEMO),
    "balance_nothing": (
        "The shares of the schedule come to {sum}% and leave no balance: “{words}”",
        _MEND_MEMO,
    ),
    "mixed_basis": ("The schedule mixes percents and parts: “{words}”", _MEND_MEMO),
    "words_passed_over": (
        "The estimate speaks of a payment, but not of a whole schedule: “{words}”",
        "The template was used. If you meant a schedule, write all its payments into the memo.",
    ),
    "words_not_followed": (
        "The estimate's words now say another schedule: “{words}”. The job keeps its own",
        "Put the words back, or leave it: payments that were agreed do not change by themselves.",
    ),
    "parts": ("A payment of the schedule has no share: {message}", _MEND_MEMO),
    "negative": ("An amount of the schedule is below zero: {message}", _MEND_MEMO),
    "offset": ("A payment lies too far from its event: {message}", _MEND_MEMO),
    "no_milestones": ("The schedule has no payments", _MEND_TEMPLATE),
    "duplicate_id": ("Two payments of the schedule have one name: {message}", _MEND_TEMPLATE),
    "milestone_unknown": ("A payment is not in the schedule: {message}", _MEND_TEMPLATE),
    "milestone_settled": ("A payment that is settled would change: {message}", _LOOK_THEN_DECIDE),
    "no_schedule": (
        "No schedule template fits: {items}",
        "Write the payments into the memo, or add a template with a rule for these items.",
    ),
    # The contract
    "net_total": ("The contract comes to {total}: there is nothing to bill", _MEND_ESTIMATE),
    "currency_unknown": ("The currency {currency} is not known", _MEND_ESTIMATE),
    "currency_mixed": ("Two currencies on one job: {currency} and {expected}", _MEND_ESTIMATE),
    "total_mismatch": (
        "The estimate does not add up: {message}",
        "Tell us: we misread this estimate, so nothing is billed.",
    ),
    "tax_inclusive": (
        "The estimate was entered with tax: {message}",
        "Enter this estimate before tax; then it can be billed.",
    ),
    "decimals": ("An amount has too many decimals: {message}", _MEND_ESTIMATE),
    "discount_spread": ("A discount stands on no line: {message}", _MEND_ESTIMATE),
    "amount_missing": ("A line has no amount: {message}", _MEND_ESTIMATE),
    "lines_too_deep": ("Bundles stand too deep inside each other: {message}", _MEND_ESTIMATE),
    "line_id_twice": ("Two lines cannot be told apart: {message}", _TELL_US),
    "too_large": ("An amount is too large to be true: {message}", _MEND_ESTIMATE),
    "money_text": ("An amount cannot be read: {message}", _MEND_ESTIMATE),
    "negative_total": ("The contract is below zero: {message}", _MEND_ESTIMATE),
    "cash_step": ("The smallest coin is set wrong: {message}", _TELL_US),
    "paid_without_billed": ("Money stands on a payment without invoice: {message}", _TELL_US),
    "change_order_without_job": (
        "Change order {number} was accepted, but it belongs to no job",
        "Put it on the sub-customer or project of its contract, or accept the contract first.",
    ),
    "estimate_without_customer": (
        "Estimate {number} was accepted, but names no customer",
        "Choose its customer in QuickBooks; the next sync takes it up.",
    ),
    "estimate_candidate": (
        "Estimate {number} was accepted on the job of {of}: change order, option or new job?",
        "A change order: job confirm {of} {number}. A job of its own: job separate {of} {number}.",
    ),
    "estimate_converted": (
        "Estimate {number} was invoiced in QuickBooks before this sync began",
        "Nothing is billed for it here. To take it over: job adopt {number} --dry-run.",
    ),
    "estimate_billed": (
        "Estimate {number} was accepted, and somebody has begun to bill it: {invoices}",
        "Nothing is billed for it here. To take it over: job adopt {number} --dry-run.",
    ),
    "adoption_undone": (
        "Job {number} was taken over and given back: it stands still",
        "Bill it in QuickBooks, or take it over again: job adopt {number} --dry-run.",
    ),
    "separation_undone": (
        "Job {number} was opened apart from another job, and that was taken back: it stands still",
        "Void its invoices: then its estimate waits for a word on the other job again.",
    ),
    "invoiced_by_hand": (
        "Job {number} was invoiced by hand in QuickBooks ({invoice}): it stands still",
        "Give that invoice a place: job adopt {number} --dry-run. Or delete it.",
    ),
    "frozen": ("The estimate is no longer accepted: the job stands still", _LOOK_THEN_DECIDE),
    "job_cancelled": (
        "The job is cancelled, and nobody said what the work done is worth",
        "Agree on its value with the customer and enter it; nothing is billed until then.",
    ),
    "currency_not_held": (
        "Your company does not keep books in {currency}: nothing can be billed",
        "Switch on multicurrency in QuickBooks, or write the estimate in your own currency.",
    ),
    # Money that has no place
    "credit": (
        "More was paid than {part} is worth: {amount} to give back",
        "Make a credit memo in QuickBooks if you agree; it is never made by itself.",
    ),
    "unallocated": (
        "{amount} of the contract is on no payment: all of them are paid",
        "Add a payment for it, or accept it as a job of its own.",
    ),
    "on_account": ("{amount} was paid too much and stands on account", "Refund it or apply it."),
    "payment_unapplied": (
        "{amount} was received without an invoice: is it for “{label}”?",
        "Say which payment it is for, or that it is for none; that one is not billed until then.",
    ),
    "payment_of_several": (
        "{amount} was received without an invoice, and other jobs could be meant:"
        " is it for job {job}?",
        "If it is: job claim, with its number and the milestone. Or apply it in QuickBooks.",
    ),
    # The calendar
    "event_cancelled": (
        "“{event}” was cancelled, and the payment “{label}” hangs on it:"
        " it is not billed, and an invoice that is out stays as it is, until a person decides",
        "Tie that payment to another event, or merge it with the others: void its invoice first.",
    ),
    # The law
    "legal_down_payment": (
        "{asked} is asked before the work begins; the law allows {limit} ({source})",
        "The first payment is kept at the limit and the rest moves on. Change the schedule.",
    ),
    "legal_retainage": (
        "{asked}% is withheld from every payment; the law allows {limit}% ({source})",
        "No more than the limit is withheld. Change the agreement.",
    ),
    # Invoices that people touched
    "invoice_voided": ("Invoice {number} was voided in QuickBooks", _LOOK_THEN_DECIDE),
    "invoice_deleted": ("Invoice {number} was deleted in QuickBooks", _LOOK_THEN_DECIDE),
    "no_mail_address": (
        "The customer is not told anything: {message}",
        "Mend the mail address on the estimate or the customer; what is due is told then.",
    ),
    "invoice_edited": (
        "The money of invoice {number} was changed in QuickBooks: it stands as you made it{values}",
        "Nothing to do, unless it was a slip.",
    ),
    "invoice_differs": (
        "The {field} of the invoice was changed in QuickBooks: “{theirs}”, we wrote “{ours}”",
        "Nothing to do if it is meant: it stays as you made it.",
    ),
    "invoice_twin": (
        "Invoice {number} asks for the same payment as another of ours, and was paid or changed",
        "Void one of the two in QuickBooks; money that is on it can be moved to the other.",
    ),
    "invoice_copied": (
        "Invoice {copy} is a copy of our invoice {number}: the job stands still",
        "Delete the copy. Or, if it is a bill of its own, clear the first words of its memo.",
    ),
    "credit_open": (
        "Credit memo {number} of {amount} is applied to no invoice: is the contract smaller now?",
        "If it is: job confirm, with its number. A payment: apply it to an invoice."
        " Neither: job dismiss.",
    ),
    "credit_unused": (
        "Credit memo {number} made the contract smaller, and {amount} of it is on no invoice of it",
        "Apply it to an invoice of this job: it is not counted twice.",
    ),
    "refund": (
        "Refund {number} gave {amount} back to the customer: no invoice shows that",
        "If the contract is smaller now, change the estimate. Seen: job dismiss, with its number.",
    ),
    "customer_inactive": (
        "{name} was made inactive in QuickBooks: job {number} cannot be billed",
        "Make the customer active again, or move the estimate to the one it was merged into.",
    ),
    "invoice_stray": (
        "Invoice {number} is for a payment that left the schedule: the job stands still",
        "Put that payment back into the schedule, or void the invoice in QuickBooks.",
    ),
    "payment_pending": (
        "A payment of invoice {number} is on its way: the invoice does not move",
        "Nothing to do: if the payment fails, the invoice follows the schedule again.",
    ),
    "payment_reversed": (
        "Invoice {number} was paid and is open again: the payment was taken back",
        "Ask the customer for it. Say so if the invoice shall follow the schedule again.",
    ),
    "books_closed": (
        "The books are closed for the date of invoice {number}: it stays as it is",
        "Nothing to do, unless you open the books for its date.",
    ),
    "invoice_to_void": ("Invoice {number} has nothing left to ask", "Void it in QuickBooks."),
    "balance_missing": ("The invoice has no total or no balance", _MEND_DOCUMENT),
    "date_missing": ("The invoice has no date", _MEND_DOCUMENT),
    "answer_lines": ("QuickBooks saved an invoice otherwise than asked: {message}", _TELL_US),
    "lines_left": (
        "All is billed, but contract lines were swapped since: up to {amount} differs",
        "Correct the last invoice's lines in QuickBooks if your accounts need it.",
    ),
    # The company as a whole
    "connection_lost": (
        "The connection to QuickBooks has ended: nothing is read or written",
        "An administrator of the company opens {link} and says yes; all goes on by itself.",
    ),
    "app_refused": (
        "Intuit refuses our keys: no company is read or written, nothing is lost",
        "Whoever runs it corrects MILESTONE_SYNC_CLIENT_ID and _SECRET; all goes on by itself.",
    ),
    "connection_ending": (
        "The connection to QuickBooks ends on {on}, within {within} days",
        "An administrator of the company opens {link} and says yes, before that day.",
    ),
    "delivery_unread": (
        "QuickBooks told of a change in words that we cannot read, last on {on}: the books were"
        " read instead",
        "Nothing is lost. If it goes on, tell us; it is over a week after the last one.",
    ),
    "reads_running_out": (
        "{stage} this month's {limit} reads of QuickBooks are used",
        "Raise the plan at Intuit and MILESTONE_SYNC_READS_PER_MONTH; invoices still go out.",
    ),
    # What a person gave up
    "invoice_given_up": (
        "Invoice {number} over {amount} is not made: {by} gave it up on {on}: {why}",
        _TAKE_BACK,
    ),
    "revision_given_up": (
        "Invoice {number} is not brought to {amount}: {by} gave it up on {on}: {why}",
        _TAKE_BACK,
    ),
    "void_given_up": ("Invoice {number} is not voided: {by} gave it up on {on}: {why}", _TAKE_BACK),
    # What the rule could not do as asked
    "schedule_below_paid": (
        "A payment was set below what is paid on it: {amount} more stays",
        "Nothing to do: what is paid stays. Set it higher if the schedule should say so.",
    ),
    "schedule_gave_way": (
        "The contract is smaller than the payments set: one gave way by {amount}",
        _IS_IT_MEANT,
    ),
    "schedule_over_cap": (
        "A payment is {amount} over its limit and cannot come down",
        _IS_IT_MEANT,
    ),
    "schedule_rest_to_pinned": (
        "A set payment takes {amount} more: nothing else is open",
        _IS_IT_MEANT,
    ),
    "schedule_zero_weights": ("Only a 0% payment is open: it takes {amount}", _IS_IT_MEANT),
    **dict.fromkeys(_UNREADABLE, ("It cannot be read: {message}", _MEND_DOCUMENT)),
    **dict.fromkeys(
        _LOST_DELIVERIES,
        ("A delivery from QuickBooks cannot be read: {message}", "Nothing to do."),
    ),
}

#: Kind of a finding's subject -> what people call it.
_KINDS = {
    "estimate": "Estimate",
    "invoice": "Invoice",
    "job": "Job",
    "payment": "Payment",
    "change_order": "Change order",
    "credit": "Credit memo",
    "refund": "Refund",
    "customer": "Customer",
}


def say_finding(
    code: str, subject: str, facts: Mapping[str, Any], *, currency: str, about: str = ""
) -> tuple[str, str]:
    """Say what is wrong and what to do about it.

    Args:
        code: the finding's code.
        subject: what it is about, `estimate:1187`.
        facts: what the words need.
        currency: ISO 4217, for amounts.
        about: what people call the subject, where the caller knows better: `Job 1042`.

    Returns:
        Reason (with what it is about) and remedy, each one line.
    """
    known = _texts(facts, currency=currency)
    reason, remedy = WORDS.get(code, ("{message}", _MEND_ESTIMATE))
    said = _fill(reason, known)
    # A reason that names its document needs no id in front of it.
    if said and not about and "{number}" in reason:
        return said, _fill(remedy, known)
    said = said or known.get("message") or code.replace("_", " ")
    return f"{about or _about(subject)}: {said}", _fill(remedy, known)


def _texts(facts: Mapping[str, Any], *, currency: str) -> dict[str, str]:
    known = {
        name: one_line(str(value), limit=QUOTE_LENGTH_MAX) for name, value in facts.items() if value
    }
    orders = known.get("change_orders")
    known["values"] = f": {known['theirs']}, we wrote {known['ours']}" if "ours" in known else ""
    known["part"] = f"change order {orders}" if orders else "the contract"
    if "amount_minor" in facts:
        known["amount"] = money(int(facts["amount_minor"]), currency=currency)
    if "total" in facts:
        known["total"] = _total(str(facts["total"]), str(facts.get("currency") or currency))
    return known


def _total(text: str, currency: str) -> str:
    try:
        return money(parse_money(text, currency=currency), currency=currency)
    except EngineError:
        return one_line(text)


def _fill(words: str, known: Mapping[str, str]) -> str:
    """Fill in the facts; "" where one of them is missing."""
    try:
        return words.format_map(known)
    except KeyError:
        return ""


def _about(subject: str) -> str:
    kind, _, name = subject.partition(":")
    if not name:
        return one_line(subject) or "A document"
    job, _, milestone = name.partition("/")
    said = f"{_KINDS.get(kind, kind.capitalize())} {one_line(job)}"
    if kind != "job":
        return said
    return f"{said}, payment {one_line(milestone)}" if milestone else said
