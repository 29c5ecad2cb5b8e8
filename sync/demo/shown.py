"""What the story prints: each step as it happens, the schedule before and after, the tie-out."""

from __future__ import annotations

import time
from decimal import Decimal

from rich.table import Table

from sync.demo.cast import Story
from sync.reports.job_view import JobView
from sync.words import money


def step(story: Story, what: str, more: str) -> None:
    at = time.monotonic() - story.began
    story.console.print(f"[dim]{at:5.1f}s[/dim] [bold]{what}[/bold]{'  ' if more else ''}{more}")


def show_change(story: Story, before: JobView, after: JobView) -> None:
    table = Table("payment", "before", "after", "")
    for column in (1, 2):
        table.columns[column].justify = "right"
    for old, new in zip(before.milestones, after.milestones, strict=True):
        table.add_row(
            new.label,
            money(old.amount_minor, currency=before.currency),
            money(new.amount_minor, currency=after.currency),
            "paid: stays" if new.state == "paid" else "shared again",
        )
    table.add_section()
    table.add_row(
        "contract",
        money(before.contract_total_minor, currency=before.currency),
        money(after.contract_total_minor, currency=after.currency),
    )
    story.console.print(table)


def show_tie_out(
    story: Story,
    rows: list[dict[str, Decimal | str]],
    *,
    contract: Decimal,
    billed: Decimal,
    is_exact: bool,
) -> None:
    table = Table("invoice", "schedule", "QuickBooks", "tax", "paid", "open", title="Tie-out")
    for column in range(1, 6):
        table.columns[column].justify = "right"
    for row in rows:
        table.add_row(*(_shown(value) for value in row.values()))
    table.add_section()
    table.add_row("contract", _shown(contract), _shown(billed))
    story.console.print(table)
    took = time.monotonic() - story.began
    verdict = "Every cent ties out" if is_exact else "It does not tie out"
    style = "bold green" if is_exact else "bold red"
    story.console.print(
        f"[{style}]{verdict}[/{style}], by invoice, by line and in sum; "
        f"{story.killed} was killed on the way. {took:.0f} s."
    )


def _shown(value: Decimal | str) -> str:
    return value if isinstance(value, str) else f"{value:,.2f}"
