"""What stands on an invoice: which milestone, why now, how much of what."""

from __future__ import annotations

from milestone_engine.explain import Derivation
from milestone_engine.schedule import Basis
from milestone_engine.timeline import APPROVED, Event, EventState, Trigger, When
from sync.words.amounts import day, money, share, trigger
from sync.words.texts import one_line


def invoice_memo(
    *,
    base: str,
    label: str,
    number: int,
    of_count: int,
    basis: Basis,
    trigger: Trigger,
    event: Event | None,
    why: Derivation,
    currency: str,
) -> str:
    """Give the memo that the customer reads on the invoice.

    Example:
        Payment 2 of 3 for job 1042: After removal (25%). Due after Removal, which was finished on
        Fri, Jun 12, 2026. Contract total before tax: $13,400.00. What was paid stays as it was;
        the rest is shared by the agreed shares.
    """
    facts = dict(why.facts)
    said = [
        f"Payment {number} of {of_count} for job {one_line(base)}: {one_line(label)} "
        f"({share(basis, currency=currency)}).",
        _why_now(trigger, event),
    ]
    total = facts.get("total_minor")
    if isinstance(total, int):
        said.append(f"Contract total before tax: {money(total, currency=currency)}.")
    if why.code == "share" and facts.get("locked_minor"):
        said.append("What was paid stays as it was; the rest is shared by the agreed shares.")
    return " ".join(said)


def _why_now(what: Trigger, event: Event | None) -> str:
    label = event.label if event else what.event
    said = trigger(what, event_label=label)
    if event is None or what.event == APPROVED:
        return f"Due {said}."
    if what.when is When.AFTER and event.state is EventState.COMPLETED and event.day:
        return f"Due {said}, which was finished on {day(event.day)}."
    if event.day:
        return f"Due {said}, planned for {day(event.day)}."
    return f"Due {said}."
