"""Decisions about one job in the terminal, each on record and each to be taken back."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import select
from sqlalchemy.orm import Session

from mapping.documents import contract_id
from mapping.errors import DocumentError
from mapping.schedules import schedule_of_words
from milestone_engine.decisions import (
    AgreeValue,
    BillAgain,
    ClaimPayment,
    DismissPayment,
    Forget,
    HoldPayment,
    ReopenPayment,
    RouteChangeOrder,
    Routing,
    VoidInvoice,
)
from milestone_engine.errors import EngineError, MoneyError
from milestone_engine.money import parse_money
from milestone_engine.schedule import Milestone
from sync.cli.attach import (
    DataOption,
    JsonOption,
    RealmOption,
    WrongUse,
    attached,
    open_job,
    print_json,
)
from sync.job_decisions import CANCEL, Kept, NoSuchDecision, kept_of, record, standing, undo
from sync.reports.job_reading import view_job
from sync.reports.job_view import JobView, MilestoneView
from sync.store import mirror, realms
from sync.store.database import business_today
from sync.store.tables import DecisionRow, JobDocumentRow, MirrorRow, ReceiptRow
from sync.words import say_decision

JobArgument = Annotated[str, typer.Argument(metavar="JOB", help="the job's number, such as 1042")]
InvoiceArgument = Annotated[str, typer.Argument(metavar="INVOICE", help="its number or id")]
PaymentArgument = Annotated[str, typer.Argument(metavar="PAYMENT", help="its id in QuickBooks")]
MilestoneArgument = Annotated[str, typer.Argument(metavar="MILESTONE", help="m2, or its label")]

#: What a command makes of the job it is about: one or more decisions.
Make = Callable[[Session, JobView], list[Kept]]


def add_commands(job: typer.Typer) -> None:
    """Add these commands to `job`."""
    job.command("route")(route)
    job.command("bill-again")(bill_again)
    job.command("forget")(forget)
    job.command("void")(void)
    job.command("hold")(hold)
    job.command("reopen")(reopen)
    job.command("claim")(claim)
    job.command("dismiss")(dismiss)
    job.command("cancel")(cancel)
    job.command("decisions")(list_decisions)
    job.command("undo")(take_back)


def route(
    name: JobArgument,
    change_order: Annotated[str, typer.Argument(metavar="CHANGE-ORDER", help="its number")],
    to: Annotated[Routing, typer.Argument(metavar="spread|final|next|separate|own")],
    schedule: Annotated[
        str, typer.Option(help='of `own`: "50% on approval; 50% after Installation"')
    ] = "",
    realm: RealmOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say where the money of a change order goes."""

    def make(session: Session, view: JobView) -> list[Kept]:
        found = _change_order(session, view, change_order)
        own = _own_schedule(schedule, to, view.currency)
        said = RouteChangeOrder(change_order_id=found, routing=to, milestones=own)
        return [kept_of(said)]

    on_record(name, make, realm, data, as_json=as_json)


def bill_again(
    name: JobArgument,
    invoice: InvoiceArgument,
    realm: RealmOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bill what a voided or deleted invoice asked, once, on a new one."""

    def make(session: Session, view: JobView) -> list[Kept]:
        return [kept_of(BillAgain(invoice_id=_invoice(session, view, invoice).invoice_id))]

    on_record(name, make, realm, data, as_json=as_json)


def forget(
    name: JobArgument,
    invoice: InvoiceArgument,
    realm: RealmOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Never bill what a voided or deleted invoice asked: it is settled elsewhere, or given up."""

    def make(session: Session, view: JobView) -> list[Kept]:
        row = _invoice(session, view, invoice)
        worth = view.milestone(row.milestone_id).amount_minor
        return [kept_of(Forget(invoice_id=row.invoice_id, amount_minor=worth))]

    on_record(name, make, realm, data, as_json=as_json)


def void(
    name: JobArgument,
    invoice: InvoiceArgument,
    realm: RealmOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a sent invoice be voided that has nothing left to ask."""

    def make(session: Session, view: JobView) -> list[Kept]:
        return [kept_of(VoidInvoice(invoice_id=_invoice(session, view, invoice).invoice_id))]

    on_record(name, make, realm, data, as_json=as_json)


def hold(
    name: JobArgument,
    milestone: MilestoneArgument,
    realm: RealmOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that a payment is on its way: its invoice does not move until `job undo`."""

    def make(_: Session, view: JobView) -> list[Kept]:
        return [kept_of(HoldPayment(milestone_id=_milestone(view, milestone).id))]

    on_record(name, make, realm, data, as_json=as_json)


def reopen(
    name: JobArgument,
    invoice: InvoiceArgument,
    realm: RealmOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let an invoice whose payment was taken back follow the company's policy again."""

    def make(session: Session, view: JobView) -> list[Kept]:
        row = _invoice(session, view, invoice)
        document = session.get(JobDocumentRow, (view.realm_no, "Invoice", row.invoice_id))
        if document is None or not document.reversals or document.is_settled:
            raise WrongUse(f"no payment of {invoice} was taken back", code="not_reversed")
        said = ReopenPayment(invoice_id=row.invoice_id, reversal=document.reversals)
        return [kept_of(said)]

    on_record(name, make, realm, data, as_json=as_json)


def claim(
    name: JobArgument,
    payment: PaymentArgument,
    milestone: MilestoneArgument,
    realm: RealmOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that a payment which is on no invoice is meant for a milestone."""

    def make(session: Session, view: JobView) -> list[Kept]:
        paid = _payment(session, view, payment)
        named = _milestone(view, milestone).id
        return [kept_of(ClaimPayment(payment_id=paid, milestone_id=named))]

    on_record(name, make, realm, data, as_json=as_json)


def dismiss(
    name: JobArgument,
    payment: PaymentArgument,
    realm: RealmOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that a payment, credit or refund is for no milestone of this job."""

    def make(session: Session, view: JobView) -> list[Kept]:
        return [kept_of(DismissPayment(payment_id=_payment(session, view, payment)))]

    on_record(name, make, realm, data, as_json=as_json)


def cancel(
    name: JobArgument,
    value: Annotated[
        str | None, typer.Option("--value", help="what the work done is worth, before tax: 3200.00")
    ] = None,
    realm: RealmOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Call a job off. Nothing is billed any more; with a value, it is settled at that."""

    def make(session: Session, view: JobView) -> list[Kept]:
        said = [Kept(kind=CANCEL, subject="job", facts={})]
        if value is not None:
            today = business_today(session, realms.get(session, view.realm_no).zone)
            agreed = AgreeValue(amount_minor=_money(value, view.currency), on=today)
            said.append(kept_of(agreed))
        return said

    on_record(name, make, realm, data, as_json=as_json)


def list_decisions(
    name: JobArgument,
    realm: RealmOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what people have decided about a job and not taken back."""
    with attached(data) as found, open_job(found, realm, name) as (session, realm_no, job_id):
        view = view_job(session, realm_no, job_id)
        rows = standing(session, realm_no, job_id).rows
    if as_json:
        print_json([_json(row, view) for row in rows])
        return
    table = Table("no", "what", "who", "when", box=None)
    for row in rows:
        said = say_decision(row.kind, row.subject, row.facts, currency=view.currency)
        table.add_row(str(row.decision_id), said, row.author, f"{row.decided_at:%Y-%m-%d %H:%M}")
    Console().print(table if rows else "Nobody has decided anything about this job.")


def take_back(
    name: JobArgument,
    decision: Annotated[int, typer.Argument(metavar="NO", help="as `job decisions` lists it")],
    realm: RealmOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a decision back: the job is planned anew. What is in QuickBooks already stays."""
    with attached(data) as found, open_job(found, realm, name) as (session, realm_no, job_id):
        try:
            undo(session, realm_no, job_id, decision, author=getpass.getuser())
        except NoSuchDecision as exc:
            raise WrongUse(str(exc), code="no_such_decision") from None
    said = {"job": name, "undone": decision}
    print_json(said) if as_json else Console().print(f"{name}: {decision} is taken back.")


def on_record(name: str, make: Make, realm: int | None, data: Any, *, as_json: bool) -> None:
    """Write down what a person decides about a job, and say how to take it back."""
    with attached(data) as found, open_job(found, realm, name) as (session, realm_no, job_id):
        view = view_job(session, realm_no, job_id)
        author = getpass.getuser()
        said = [
            (kept, record(session, realm_no, job_id, kept, author=author))
            for kept in make(session, view)
        ]
    if as_json:
        print_json({"job": name, "decisions": [number for _, number in said]})
        return
    for kept, number in said:
        words = say_decision(kept.kind, kept.subject, kept.facts, currency=view.currency)
        Console().print(f"{name}: {words}. Take it back: job undo {name} {number}", highlight=False)


def _json(row: DecisionRow, view: JobView) -> dict[str, Any]:
    return {
        "no": row.decision_id,
        "kind": row.kind,
        "subject": row.subject,
        "facts": row.facts,
        "author": row.author,
        "decided_at": row.decided_at,
        "said": say_decision(row.kind, row.subject, row.facts, currency=view.currency),
    }


def _invoice(session: Session, view: JobView, text: str) -> ReceiptRow:
    """Find an invoice of the job by its number or id, whatever became of it."""
    rows = session.scalars(
        select(ReceiptRow).where(
            ReceiptRow.realm_no == view.realm_no, ReceiptRow.job_id == view.job_id
        )
    ).all()
    for row in rows:
        if text.casefold() in (row.doc_number.casefold(), row.invoice_id):
            return row
    known = ", ".join(row.doc_number or row.invoice_id for row in rows) or "none"
    raise WrongUse(f"no invoice {text} on job {view.base}; it has: {known}", code="no_such_invoice")


def _milestone(view: JobView, text: str) -> MilestoneView:
    for one in view.milestones:
        if text.casefold() in (one.id.casefold(), one.label.casefold()):
            return one
    known = ", ".join(one.id for one in view.milestones) or "none"
    raise WrongUse(
        f"no milestone {text} on job {view.base}; it has: {known}", code="no_such_milestone"
    )


def _payment(session: Session, view: JobView, text: str) -> str:
    """Find a payment by its id, a credit memo or a refund by its number or id."""
    rows = session.scalars(
        select(MirrorRow).where(
            MirrorRow.realm_no == view.realm_no,
            MirrorRow.entity.in_(("Payment", "CreditMemo", "RefundReceipt")),
            (MirrorRow.qbo_id == text) | (MirrorRow.fields["DocNumber"].astext == text),
        )
    ).all()
    if len(rows) != 1:
        many = ", ".join(row.qbo_id for row in rows)
        said = f"several are numbered {text}: say which id, of {many}"
        raise WrongUse(said if rows else f"no payment {text} is known", code="no_such_payment")
    return rows[0].qbo_id


def _change_order(session: Session, view: JobView, text: str) -> str:
    """Find a change order by its number; the contract's own number is its edits in place."""
    documents = session.scalars(
        select(JobDocumentRow).where(
            JobDocumentRow.realm_no == view.realm_no,
            JobDocumentRow.job_id == view.job_id,
            JobDocumentRow.role.in_(("contract", "change_order")),
        )
    ).all()
    names = [contract_id(one.entity, one.qbo_id) for one in documents]
    numbers = {
        name: str(row.fields.get("DocNumber") or f"E{row.qbo_id}")
        for name, row in mirror.of_contract(session, view.realm_no, names).items()
    }
    for one, name in zip(documents, names, strict=True):
        if text.casefold() in (numbers[name].casefold(), one.qbo_id):
            return name if one.role == "change_order" else f"{name}@edit"
    known = ", ".join(numbers.values())
    raise WrongUse(
        f"no change order {text} on job {view.base}; it has: {known}", code="no_such_change_order"
    )


def _own_schedule(text: str, routing: Routing, currency: str) -> tuple[Milestone, ...]:
    """Read the schedule of a change order with one of its own; none: the contract's pattern."""
    if not text:
        return ()
    if routing is not Routing.OWN:
        raise WrongUse("--schedule goes with `own` alone")
    try:
        return schedule_of_words(text, currency=currency).milestones
    except EngineError as exc:
        raise WrongUse(exc.message, code=exc.code) from None
    except DocumentError as exc:
        raise WrongUse(str(exc), code=exc.code) from None


def _money(text: str, currency: str) -> int:
    try:
        amount_minor = parse_money(text, currency=currency)
    except MoneyError as exc:
        raise WrongUse(exc.message, code=exc.code) from None
    if amount_minor < 0:
        raise WrongUse(f"{text} is less than nothing", code="negative")
    return amount_minor
