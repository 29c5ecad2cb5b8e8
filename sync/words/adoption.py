"""What taking over a job means, in the words of whoever has to say yes to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sync.words.amounts import money, signed
from sync.words.texts import one_line

#: By what an invoice is taken for the job's.
CLAIMS = {
    "linked": "linked to the estimate",
    "customer": "on the job's own customer",
    "number": "by its number",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """One invoice that people made, as it is told."""

    number: str
    claim: str
    label: str  #: of the milestone that it was given to
    is_matched: bool
    amount_minor: int
    paid_minor: int
    outside_minor: int


def say_taken(one: Taken, *, currency: str) -> str:
    """Say where an invoice has its place, and what of it is the contract's."""
    paid = "paid" if one.paid_minor >= one.amount_minor else _part(one, currency)
    place = f"is “{one_line(one.label)}”" if one.is_matched else "stands as billed before"
    amount = money(one.amount_minor, currency=currency)
    beside = (
        f"; {money(one.outside_minor, currency=currency)} on it is not the contract's"
        if one.outside_minor
        else ""
    )
    claim = CLAIMS[one.claim]
    return f"Invoice {one_line(one.number)} ({claim}): {amount}, {paid}, {place}{beside}."


def _part(one: Taken, currency: str) -> str:
    if not one.paid_minor:
        return "not paid"
    return f"{money(one.paid_minor, currency=currency)} of it paid"


def say_difference(billed_minor: int, said_minor: int, *, currency: str) -> str:
    """Say what was billed against what the schedule would have asked by now."""
    billed, said = (money(minor, currency=currency) for minor in (billed_minor, said_minor))
    if billed_minor == said_minor:
        return f"Billed so far {billed}: just what the schedule says."
    apart = signed(billed_minor - said_minor, currency=currency)
    return f"Billed so far {billed}; the payments that are over would come to {said} ({apart})."


def say_covered(covered: Sequence[tuple[str, int]], *, currency: str) -> str:
    """Say which payments are past, because what was billed before covers them; "" for none."""
    said = ", ".join(
        f"“{one_line(label)}” ({money(minor, currency=currency)})" for label, minor in covered
    )
    return f"Covered by what was billed before: {said}." if said else ""


def say_unattributed(number: str, amount_minor: int, *, currency: str) -> str:
    """Say that an invoice of the customer is left alone."""
    amount = money(amount_minor, currency=currency)
    return (
        f"Invoice {one_line(number)} of {amount} (with tax) is on the same customer;"
        " nobody can tell what it is for. It is left alone."
    )


def say_credit(number: str, amount_minor: int, *, currency: str) -> str:
    """Say that a credit memo has something left to apply."""
    amount = money(amount_minor, currency=currency)
    return f"Credit memo {one_line(number)} has {amount} that is not applied to an invoice."


def say_nothing_left(*, is_all_billed: bool) -> str:
    """Say that nothing remains to be billed; "" where something does."""
    return "All of the contract is billed: nothing is left to ask." if is_all_billed else ""
