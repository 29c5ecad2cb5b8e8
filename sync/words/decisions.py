"""What people decided, as they would say it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sync.words.amounts import money
from sync.words.texts import one_line

#: Kind -> words; `{name}` is what it is about, the rest comes from the facts.
_WORDS: Mapping[str, str] = {
    "bill_again": "bill invoice {name} again, once",
    "forget_invoice": "never bill again what invoice {name} asked ({amount})",
    "hold_payment": "a payment on {name} is on its way: it does not move",
    "reopen_payment": "invoice {name} follows the policy again",
    "route_change_order": "change order {name} goes: {routing}",
    "agree_value": "the work done is worth {amount}",
    "claim_payment": "payment {name} is meant for {milestone_id}",
    "dismiss_payment": "payment {name} is for no milestone of this job",
    "confirm_estimate": "estimate {number} is a change order of this job",
    "confirm_credit": "credit memo {number} makes the contract smaller by {amount}",
    "separate_estimate": "estimate {number} is a job of its own",
    "void_invoice": "invoice {name} may be voided",
    "give_up": "{what} is given up: {why}",
    "cancel_job": "the job is called off",
    "adopt": "the job was taken over with what was billed before",
}


def say_decision(kind: str, subject: str, facts: Mapping[str, Any], *, currency: str) -> str:
    """Say in one line what somebody decided about a job.

    Args:
        kind: as the table keeps it, `route_change_order`.
        subject: what it is about, `invoice:2041`.
        facts: what goes with it.
        currency: ISO 4217, for amounts.
    """
    known = {name: one_line(str(value)) for name, value in facts.items()}
    if "amount_minor" in facts:
        known["amount"] = money(int(facts["amount_minor"]), currency=currency)
    name = one_line(subject.partition(":")[2])
    return _WORDS.get(kind, kind.replace("_", " ")).format_map({"name": name, **known})
