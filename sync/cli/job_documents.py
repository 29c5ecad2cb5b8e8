"""Which documents make a job's contract, where their numbers do not say: a person's word, on
record.
"""

from __future__ import annotations

from typing import Annotated

import typer
from sqlalchemy.orm import Session

from mapping.documents import Estimate
from sync.cli.attach import DataOption, JsonOption, RealmOption, WrongUse
from sync.cli.job_decisions import JobArgument, on_record
from sync.further_estimates import (
    NotFurther,
    about_estimate,
    further_estimate,
    may_be_separate,
    set_apart,
)
from sync.gather import JobFacts, gather_facts
from sync.job_decisions import CONFIRM, Kept
from sync.money_beside import about_credit
from sync.reports.job_view import JobView

DocumentArgument = Annotated[
    str, typer.Argument(metavar="ESTIMATE", help="number or id of an estimate or credit memo")
]


def add_commands(job: typer.Typer) -> None:
    """Add these commands to `job`."""
    job.command("confirm")(confirm)
    job.command("separate")(separate)


def confirm(
    name: JobArgument,
    estimate: DocumentArgument,
    realm: RealmOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that a further estimate, or a credit memo, changes the contract of the job."""

    def make(session: Session, view: JobView) -> list[Kept]:
        facts = gather_facts(session, view.realm_no, view.job_id)
        credit = about_credit(facts, estimate)
        if credit is not None:
            return [credit]
        found = _further(facts, estimate)
        return [about_estimate(CONFIRM, found)]

    on_record(name, make, realm, data, as_json=as_json)


def separate(
    name: JobArgument,
    estimate: DocumentArgument,
    realm: RealmOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that a further estimate is a job of its own: it is opened beside this one."""

    def make(session: Session, view: JobView) -> list[Kept]:
        facts = gather_facts(session, view.realm_no, view.job_id)
        found = _further(facts, estimate)
        if not may_be_separate(found):
            said = f"estimate {estimate} is {found.status or 'nothing'}: nobody has agreed to it"
            raise WrongUse(said, code="not_agreed")
        return [set_apart(session, facts.job, found)]

    on_record(name, make, realm, data, as_json=as_json)


def _further(facts: JobFacts, text: str) -> Estimate:
    try:
        return further_estimate(facts.job, facts.estimates, text)
    except NotFurther as exc:
        raise WrongUse(str(exc), code="no_such_estimate") from None
