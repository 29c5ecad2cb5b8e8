"""A person's yes to take over a job that was billed before we came, as the table `decision` keeps
it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from milestone_engine.job import Notice, Told
from milestone_engine.schedule import Milestone, Schedule
from sync.store.schedules import terms_json, terms_of
from sync.store.tables import DecisionRow

#: The kind of such a decision.
ADOPT = "adopt"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptedInvoice:
    """An invoice that a person made, and where it has its place."""

    invoice_id: str
    milestone_id: str
    ordinal: int
    paid_minor: int  #: contract money received on it when it was adopted


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """What the yes was said to."""

    source: str  #: the name under which a schedule made by it is stored
    status: str  #: of the estimate then: a closed one goes on, on this yes
    milestones: tuple[Milestone, ...]  #: the schedule with what was billed before in it
    base: tuple[Milestone, ...]  #: the schedule as if nothing had been billed
    invoices: tuple[AdoptedInvoice, ...]

    def schedule(self, currency: str) -> Schedule:
        """Give the schedule that the job goes on with."""
        return Schedule(currency=currency, milestones=self.milestones)

    @property
    def told(self) -> tuple[Told, ...]:
        """What the customer knew by then: nobody asks for it, or thanks for it, again."""
        due = [
            Told(notice=Notice.DUE, occasion=f"{one.milestone_id}-{one.ordinal}")
            for one in self.invoices
        ]
        received = [
            Told(
                notice=Notice.RECEIVED,
                occasion=f"{one.milestone_id}-{one.ordinal}-{one.paid_minor}",
            )
            for one in self.invoices
        ]
        return (*due, *received)


def adoption_json(
    *,
    status: str,
    milestones: Sequence[Milestone],
    base: Sequence[Milestone],
    invoices: Sequence[AdoptedInvoice],
) -> dict[str, Any]:
    """Give an adoption as the facts of a decision."""
    return {
        "status": status,
        "milestones": [terms_json(one) for one in milestones],
        "base": [terms_json(one) for one in base],
        "invoices": [
            {
                "id": one.invoice_id,
                "milestone": one.milestone_id,
                "ordinal": one.ordinal,
                "paid_minor": one.paid_minor,
            }
            for one in invoices
        ],
    }


def adoption_of(row: DecisionRow) -> Adoption:
    """Read an adoption back."""
    facts: Mapping[str, Any] = row.facts
    return Adoption(
        source=f"adopted:{row.decision_id}",
        status=facts["status"],
        milestones=tuple(terms_of(one) for one in facts["milestones"]),
        base=tuple(terms_of(one) for one in facts["base"]),
        invoices=tuple(
            AdoptedInvoice(
                invoice_id=one["id"],
                milestone_id=one["milestone"],
                ordinal=one["ordinal"],
                paid_minor=one["paid_minor"],
            )
            for one in facts["invoices"]
        ),
    )
