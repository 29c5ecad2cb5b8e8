"""Taking over a job that was billed before we came, in the terminal: all differences first, then
the yes.
"""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from milestone_engine.money import format_money
from milestone_engine.plan import BillMilestone
from sync.adoption import NotAdoptable, Placed, Proposal, adopt, look_ahead, look_ahead_all
from sync.cli.attach import (
    Attached,
    DataOption,
    JsonOption,
    RealmOption,
    WrongUse,
    attached,
    print_json,
    realm_numbers,
)
from sync.words import day, money, say_finding
from sync.words.adoption import (
    Taken,
    say_covered,
    say_credit,
    say_difference,
    say_nothing_left,
    say_taken,
    say_unattributed,
)

EstimateArgument = Annotated[
    str | None, typer.Argument(metavar="ESTIMATE", help="its number or id")
]


def add_commands(job: typer.Typer) -> None:
    """Add this command to `job`."""
    job.command("adopt")(take_over)


def take_over(
    estimate: EstimateArgument = None,
    every: Annotated[
        bool, typer.Option("--all", help="every estimate that somebody has begun to bill")
    ] = False,
    is_dry: Annotated[bool, typer.Option("--dry-run", help="show it, and write nothing")] = False,
    realm: RealmOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take over a job that was billed before: what people invoiced stays, the rest is billed."""
    if every == (estimate is not None):
        raise WrongUse("say one estimate, or --all")
    if every and not is_dry:
        raise WrongUse("--all goes with --dry-run: say yes to one estimate at a time")
    with attached(data) as found:
        try:
            proposals = _proposals(found, realm, estimate, is_dry=is_dry)
        except NotAdoptable as exc:
            raise WrongUse(str(exc), code=exc.code) from None
    if as_json:
        said = [proposal_json(one, is_dry=is_dry) for one in proposals]
        print_json(said if every else said[0])
    else:
        for one in proposals:
            show_proposal(Console(), one, is_dry=is_dry)
        if not proposals:
            Console().print("No estimate was begun to be billed without a job.")


def _proposals(
    found: Attached, realm: int | None, estimate: str | None, *, is_dry: bool
) -> Sequence[Proposal]:
    numbers = realm_numbers(found, realm)
    if estimate is None:
        return [one for realm_no in numbers for one in look_ahead_all(found.app, realm_no)]
    if len(numbers) > 1:
        raise WrongUse("several companies are connected: say --realm")
    if is_dry:
        return [look_ahead(found.app, numbers[0], estimate)]
    return [adopt(found.app, numbers[0], estimate, author=getpass.getuser())]


def show_proposal(console: Console, one: Proposal, *, is_dry: bool) -> None:
    """Print what taking an estimate over means, or has done."""
    plan = one.decision.plan
    assert plan is not None
    total = money(plan.contract_total_minor, currency=one.currency)
    console.print(
        Text(f"\nEstimate {one.number or one.estimate_id} ({one.status}), {total} before tax")
    )
    for said in _differences(one):
        console.print(Text(f"  {said}"), soft_wrap=True)
    console.print(_table(one))
    bills = [effect for effect in plan.effects if isinstance(effect, BillMilestone)]
    for bill in bills:
        amount = money(bill.amount_minor, currency=one.currency)
        console.print(Text(f"  Is billed at once: {bill.doc_number}, {amount}."))
    if is_dry:
        console.print(f"  Nothing was written. Say yes: job adopt {one.number or one.estimate_id}")
    else:
        console.print(f"  Taken over. Take it back: job undo {one.base} {one.decision_no}")


def _differences(one: Proposal) -> list[str]:
    plan = one.decision.plan
    assert plan is not None
    said = [say_taken(_taken(placed, one), currency=one.currency) for placed in one.placed]
    said.append(say_difference(one.billed_minor, one.said_minor, currency=one.currency))
    said.append(say_covered(one.covered, currency=one.currency))
    said += [
        say_unattributed(other.number or other.id, other.amount_minor, currency=one.currency)
        for other in one.others
    ]
    said += [
        say_credit(memo.number or memo.id, memo.amount_minor, currency=one.currency)
        for memo in one.credits
    ]
    said.append(say_nothing_left(is_all_billed=one.billed_minor >= plan.contract_total_minor))
    for finding in one.decision.findings:
        facts = dict(finding.facts)
        said += say_finding(finding.code, finding.subject, facts, currency=one.currency)[:1]
    return [line for line in said if line]


def _taken(placed: Placed, one: Proposal) -> Taken:
    plan = one.decision.plan
    assert plan is not None
    invoice = placed.invoice
    labels = {milestone.id: milestone.label for milestone in plan.schedule.milestones}
    return Taken(
        number=invoice.doc_number or invoice.invoice_id,
        claim=placed.claim.value,
        label=labels.get(invoice.milestone_id, ""),
        is_matched=placed.is_matched,
        amount_minor=invoice.amount_minor,
        paid_minor=invoice.paid_minor,
        outside_minor=invoice.outside_minor,
    )


def _table(one: Proposal) -> Table:
    plan = one.decision.plan
    assert plan is not None
    table = Table(box=None, pad_edge=False, show_edge=False, header_style="dim", padding=(0, 2))
    table.add_column("  payment")
    for name in ("amount", "paid"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("due", no_wrap=True)
    table.add_column("state", no_wrap=True)
    for payment in plan.milestones:
        table.add_row(
            Text(f"  {payment.milestone.label}"),
            money(payment.amount_minor, currency=one.currency),
            money(payment.paid_minor, currency=one.currency) if payment.paid_minor else "",
            day(payment.due_on) if payment.due_on else "",
            payment.state.value,
        )
    return table


def proposal_json(one: Proposal, *, is_dry: bool) -> dict[str, Any]:
    """Give what taking an estimate over means as JSON, money as text."""
    plan = one.decision.plan
    assert plan is not None

    def text(amount_minor: int) -> str:
        return format_money(amount_minor, currency=one.currency)

    return {
        "job": one.base,
        "estimate_id": one.estimate_id,
        "status": one.status,
        "written": not is_dry,
        "decision": None if is_dry else one.decision_no,
        "contract_total": text(plan.contract_total_minor),
        "billed": text(one.billed_minor),
        "paid": text(one.paid_minor),
        "schedule_says": text(one.said_minor),
        "invoices": [
            {
                "invoice_id": placed.invoice.invoice_id,
                "doc_number": placed.invoice.doc_number,
                "by": placed.claim.value,
                "milestone": placed.invoice.milestone_id,
                "amount": text(placed.invoice.amount_minor),
                "paid": text(placed.invoice.paid_minor),
                "tax": text(placed.invoice.tax_minor),
                "outside": text(placed.invoice.outside_minor),
            }
            for placed in one.placed
        ],
        "not_attributed": [
            {"invoice_id": other.id, "doc_number": other.number, "total": text(other.amount_minor)}
            for other in one.others
        ],
        "credits": [
            {"id": memo.id, "doc_number": memo.number, "left": text(memo.amount_minor)}
            for memo in one.credits
        ],
        "covered": [{"label": label, "amount": text(minor)} for label, minor in one.covered],
        "milestones": [
            {
                "id": payment.milestone.id,
                "label": payment.milestone.label,
                "amount": text(payment.amount_minor),
                "billed": None if payment.billed_minor is None else text(payment.billed_minor),
                "paid": text(payment.paid_minor),
                "state": payment.state.value,
            }
            for payment in plan.milestones
        ],
        "effects": [
            {"kind": effect.kind, "target": effect.target} for effect in one.decision.wanted
        ],
        "findings": [
            {"code": found.code, "subject": found.subject, "facts": dict(found.facts)}
            for found in one.decision.findings
        ],
    }
