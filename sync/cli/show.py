"""One job in the terminal: its payments in order, its events, and what needs a person."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from sync.reports.job_view import JobView, MilestoneView
from sync.store.tables import FindingRow
from sync.words import money, near_day, say_amount, say_finding, trigger
from sync.words.amounts import signed
from sync.words.texts import one_line

_STYLES = {
    "paid": "green",
    "due": "bold yellow",
    "overdue": "bold red",
    "upcoming": "",
    "waiting": "dim",
    "forgotten": "dim",
}
#: Reasons that the row itself tells already.
_PLAIN_REASONS = ("locked", "fixed")


def show_view(console: Console, view: JobView) -> None:
    """Print one job: its payments in order, each with its event, date, amount and state."""
    console.print(_head(view))
    console.print(_sums(view))
    if view.milestones:
        console.print(_payments(view))
    if view.events:
        console.print(Padding(_events(view), (1, 0, 0, 1)))
    if view.tax_drift_minor:
        drift = signed(view.tax_drift_minor, currency=view.currency)
        console.print(Text(f"\nTax on the invoices, against the estimates: {drift} by rounding"))
    _show_changes(console, view)
    _show_pending(console, view)
    _show_reasons(console, view)
    for finding in view.findings:
        show_finding(console, finding, view.currency)


def show_finding(console: Console, finding: FindingRow, currency: str, *, about: str = "") -> None:
    """Print what is wrong and what to do about it.

    Args:
        console: where.
        finding: what was found.
        currency: ISO 4217, for amounts.
        about: what people call its subject, where the caller knows: `Job 1042`.
    """
    reason, remedy = say_finding(
        finding.code, finding.subject, finding.facts, currency=currency, about=about
    )
    lines = Table.grid(padding=(0, 1))
    lines.add_row(Text("!", style="yellow"), Text(reason))
    if remedy:
        lines.add_row("", Text(remedy, style="dim"))
    console.print(lines)


def _head(view: JobView) -> Text:
    state = "" if view.state == "active" else f"  {view.state}"
    customer = one_line(view.customer).replace(":", ", ")
    return Text.assemble(
        (f"Job {one_line(view.base)}", "bold"), "  ", customer, (state, "bold yellow")
    )


def _sums(view: JobView) -> Text:
    sums = [
        ("contract", view.contract_total_minor),
        ("paid", view.paid_minor),
        ("left", view.left_minor),
    ]
    sums += [("credit", view.credit_minor)] if view.credit_minor else []
    sums += [("on account", view.on_account_minor)] if view.on_account_minor else []
    said = ", ".join(f"{name} {money(minor, currency=view.currency)}" for name, minor in sums)
    return Text(f"{said[0].upper()}{said[1:]}, before tax")


def _payments(view: JobView) -> Table:
    """Two lines a payment: what it is and what asks for it; state and invoice number."""
    table = Table(
        box=SIMPLE_HEAD,
        pad_edge=False,
        show_edge=False,
        collapse_padding=True,
        header_style="dim",
    )
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("payment", overflow="fold", min_width=16)
    table.add_column("due", no_wrap=True)
    table.add_column("amount", justify="right", no_wrap=True)
    table.add_column("paid", justify="right", no_wrap=True)
    table.add_column("state", no_wrap=True)
    for one in view.milestones:
        style = _STYLES[one.state]
        asked = trigger(one.trigger, event_label=one.event_label)
        table.add_row(
            str(one.number),
            Text.assemble((one_line(one.label, limit=40), style), "\n", (asked, "dim")),
            _due(one, view),
            Text(money(one.amount_minor, currency=view.currency), style=style),
            money(one.paid_minor, currency=view.currency) if one.paid_minor else "",
            _state(one, style),
        )
    return table


def _due(one: MilestoneView, view: JobView) -> str:
    day = one.settled_on if one.state == "paid" and one.settled_on else one.due_on
    return near_day(day, today=view.today) if day else ""


def _state(one: MilestoneView, style: str) -> Text:
    number = one_line(one.doc_number or "", limit=21)
    return Text.assemble((one.state, style), ("\n" + number if number else "", "dim"))


def _events(view: JobView) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(overflow="fold")
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    for one in view.events:
        day = near_day(one.day, today=view.today) if one.day else "no date"
        style = {"completed": "green", "cancelled": "dim"}.get(one.state, "dim")
        state = "done" if one.state == "completed" else one.state
        table.add_row(Text(one_line(one.label, limit=40)), day, Text(state, style=style))
    return table


def _show_changes(console: Console, view: JobView) -> None:
    """Print the newest change of the contract, if there was one."""
    for change in view.changes:
        if change.old_total_minor != change.new_total_minor:
            named = f" by {one_line(', '.join(change.documents))}" if change.documents else ""
            old = money(change.old_total_minor, currency=view.currency)
            new = money(change.new_total_minor, currency=view.currency)
            when = near_day(change.on, today=view.today)
            console.print(Text(f"\nContract {old} -> {new} on {when}{named}"))
            return


def _show_pending(console: Console, view: JobView) -> None:
    """Print what offered change orders would do, and a payment that waits for a yes."""
    for one in view.pending:
        amounts = " / ".join(money(minor, currency=view.currency) for minor in one.amounts.values())
        change = signed(one.amount_minor, currency=view.currency)
        console.print(
            Text(f"\n{one_line(one.label)} is offered: {change} if approved -> {amounts}")
        )
    if view.proposal:
        amount = money(view.proposal.amount_minor, currency=view.currency)
        console.print(Text(f"\nProposed payment: {one_line(view.proposal.label)}, {amount}"))


def _show_reasons(console: Console, view: JobView) -> None:
    """Print why a payment is this much, where its share of the contract does not say it."""
    lines = Table.grid(padding=(0, 1))
    for one in view.milestones:
        if _is_worth_saying(one):
            said = say_amount(one, currency=view.currency)
            lines.add_row(Text(f"{one.number}", style="dim"), Text(said, style="dim"))
    if lines.row_count:
        console.print()
        console.print(lines)


def _is_worth_saying(one: MilestoneView) -> bool:
    if one.why_code in _PLAIN_REASONS:
        return False
    facts = one.why_facts
    is_whole = facts.get("shared_minor") == facts.get("total_minor")
    return one.why_code != "share" or not is_whole or bool(facts.get("extra_minor"))
