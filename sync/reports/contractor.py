"""The contractor's report: what was pulled, changed, invoiced, paid and sent, what falls due, and
what needs a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from milestone_engine.money import format_money
from sync.reports.contractor_facts import (
    Asked,
    Coming,
    ContractorFacts,
    Moved,
    Parked,
)
from sync.reports.contractor_gather import gather_contractor
from sync.store.tables import FindingRow
from sync.words.findings import say_finding
from sync.words.report import say_report


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractorReport:
    """One company's report, as text for a person or as JSON for a program."""

    facts: ContractorFacts

    def as_text(self) -> str:
        """Give it as one screen of plain text."""
        return say_report(self.facts)

    def as_json(self) -> dict[str, Any]:
        """Give all of it, money as text with the currency's decimals."""
        facts = self.facts
        return {
            "company": facts.company,
            "realm": facts.realm_no,
            "state": facts.state,
            "mode": facts.mode,
            "synced_at": facts.synced_at,
            "today": facts.today,
            "since": facts.since,
            "pulled": dict(facts.pulled),
            "changed": [_moved(one) for one in facts.moved],
            "invoiced": [_asked(one) for one in facts.invoiced],
            "paid": [_asked(one) for one in facts.paid],
            "sent": [
                {
                    "job": one.job.base,
                    "customer": one.job.customer,
                    "notice": one.notice,
                    "on": one.on,
                }
                for one in facts.sent
            ],
            "coming": [_coming(one) for one in facts.coming],
            "needs_you": [
                *(_finding(one, facts) for one in facts.findings),
                *(_parked(one) for one in facts.parked),
            ],
            "proposed": facts.proposed_count,
            "totals": [
                {
                    "currency": one.currency,
                    "jobs": one.job_count,
                    "contract": format_money(one.contract_minor, currency=one.currency),
                    "invoiced": format_money(one.billed_minor, currency=one.currency),
                    "paid": format_money(one.paid_minor, currency=one.currency),
                    "left": format_money(one.left_minor, currency=one.currency),
                }
                for one in facts.totals
            ],
        }


def contractor_report(session: Session, realm_no: int) -> ContractorReport:
    """Make one company's report: since the business day before, and where it stands."""
    return ContractorReport(facts=gather_contractor(session, realm_no))


def _moved(one: Moved) -> dict[str, Any]:
    currency = one.job.currency
    old = one.old_total_minor
    return {
        "job": one.job.base,
        "currency": currency,
        "old_total": None if old is None else format_money(old, currency=currency),
        "new_total": format_money(one.new_total_minor, currency=currency),
        "payments": [
            {
                "label": label,
                "old": None if before is None else format_money(before, currency=currency),
                "new": format_money(now, currency=currency),
            }
            for label, before, now in one.payments
        ],
    }


def _asked(one: Asked) -> dict[str, Any]:
    return {
        "job": one.job.base,
        "number": one.number,
        "label": one.label,
        "currency": one.job.currency,
        "amount": format_money(one.amount_minor, currency=one.job.currency),
        "on": one.on,
        "kind": one.kind,
    }


def _coming(one: Coming) -> dict[str, Any]:
    return {
        "job": one.job.base,
        "label": one.label,
        "currency": one.job.currency,
        "amount": format_money(one.open_minor, currency=one.job.currency),
        "on": one.on,
        "state": one.state,
        "event": one.trigger.event,
        "when": one.trigger.when.value,
    }


def _finding(one: FindingRow, facts: ContractorFacts) -> dict[str, Any]:
    reason, remedy = say_finding(one.code, one.subject, one.facts, currency=facts.currency)
    return {
        "job": facts.bases.get(one.job_id or 0),
        "code": one.code,
        "subject": one.subject,
        "reason": reason,
        "remedy": remedy,
    }


def _parked(one: Parked) -> dict[str, Any]:
    return {
        "job": one.job.base if one.job else None,
        "code": "parked",
        "subject": f"work:{one.work_id}",
        "reason": one.error,
        "remedy": one.remedy,
    }
