"""What a person gave up (`queue drop`) is not wanted any more, whatever the next plan says.

It stands until the decision is taken back, also where amount or date have changed since: nobody can
tell from here why it was given up. For money a finding says so as long as the plan would want it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from milestone_engine.finding import Finding
from sync.effects import Wanted
from sync.gather import JobFacts
from sync.job_decisions import GIVE_UP, Kept
from sync.store.tables import DecisionRow, WorkRow


def kept_of_row(row: WorkRow, *, why: str) -> Kept:
    """Give the decision by which a row of work is given up."""
    target = str(row.target).partition(f"job/{row.job_id}/")[2]
    what = f"{row.kind} {_number(row.payload) or row.payload.get('notice', '')}"
    facts = {"why": why, "what": what, "work_id": row.work_id, "error": row.error or ""}
    return Kept(kind=GIVE_UP, subject=_subject(row.kind, target, row.payload), facts=facts)


def without_given_up(
    wanted: Sequence[Wanted], facts: JobFacts
) -> tuple[tuple[Wanted, ...], tuple[Finding, ...]]:
    """Give what is still wanted, and a finding for each sum that is not asked for because somebody
    gave it up.
    """
    decided = {row.subject: row for row in facts.standing.rows if row.kind == GIVE_UP}
    kept: list[Wanted] = []
    found: list[Finding] = []
    for one in wanted:
        row = decided.get(_subject(one.kind, one.target, one.payload))
        if row is None:
            kept.append(one)
        elif one.kind != "mail":
            found.append(_finding(one, row, facts))
    return tuple(kept), tuple(found)


def _subject(kind: str, target: str, payload: Mapping[str, Any]) -> str:
    """Name what is given up; of mails only the one about this occasion."""
    occasion = f"/{payload['occasion']}" if kind == "mail" else ""
    return f"effect:{kind}/{target}{occasion}"


def _number(payload: Mapping[str, Any]) -> str:
    return str(payload.get("doc_number") or payload.get("planned", {}).get("doc_number", ""))


def _finding(one: Wanted, row: DecisionRow, facts: JobFacts) -> Finding:
    decided_on = row.decided_at.astimezone(ZoneInfo(facts.realm.zone))
    about: dict[str, Any] = {
        "number": _number(one.payload),
        "by": row.author,
        "on": f"{decided_on:%Y-%m-%d}",
        "why": row.facts["why"],
        "undo": f"job undo {facts.job.base} {row.decision_id}",
    }
    if one.kind == "void":
        subject = f"invoice:{one.payload['body']['Id']}"
        return Finding(code="void_given_up", subject=subject, facts=about)
    planned = one.payload["planned"]
    about["amount_minor"] = str(planned["amount_minor"])
    subject = f"job:{facts.job.base}/{planned['milestone_id']}"
    code = "invoice_given_up" if one.kind == "bill" else "revision_given_up"
    return Finding(code=code, subject=subject, facts=about)
