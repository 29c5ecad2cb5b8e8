"""One job in 80 columns: nothing essential is cut, nothing foreign is obeyed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from io import StringIO

import pytest
from rich.cells import cell_len
from rich.console import Console

from sync.cli.show import show_view
from sync.reports.job_view import JobView
from sync.store.tables import FindingRow
from tests.unit.sync.test_words import HOSTILE
from tests.unit.sync.views import a_view, an_invoice


def shown(view: JobView) -> str:
    """Give what a terminal of 80 columns shows."""
    console = Console(file=StringIO(), width=80, force_terminal=False)
    show_view(console, view)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert max(map(cell_len, text.splitlines())) <= 80
    return str(text)


def test_every_amount_date_and_number_is_there_in_full() -> None:
    """Also where amounts have nine digits and the date is next year's."""
    view = a_view(
        total_minor=1_234_567_890,
        invoices=(an_invoice("m1", 308_641_972, paid_minor=308_641_972),),
        today=date(2025, 12, 30),
    )

    text = shown(view)

    for said in ("$3,086,419.72", "$6,172,839.45", "$12,345,678.90", "2001-M1", "waiting"):
        assert said in text
    assert "Mon, Jun 1, 2026" in text
    assert "…" not in text


def test_reasons_stand_only_where_they_add_something() -> None:
    """A share of the whole contract needs none; a share of what is left does."""
    assert "Of the" not in shown(a_view())
    paid = an_invoice("m1", 300_000, paid_minor=300_000)
    assert "takes 1/3" in " ".join(shown(a_view(total_minor=1_340_000, invoices=(paid,))).split())


@pytest.mark.parametrize("text", ["[bold red]paid[/bold red]", "[/]", *HOSTILE])
def test_foreign_text_is_no_markup_and_no_control_sequence(text: str) -> None:
    """A label in square brackets is a label."""
    finding = FindingRow(
        realm_no=1,
        finding_id=1,
        job_id=7,
        code="share_unclear",
        subject="estimate:1187",
        facts={"phrase": text},
        opened_at=datetime(2026, 6, 1, tzinfo=UTC),
        closed_at=None,
    )
    clean = a_view(customer=text, findings=(finding,))
    view = replace(
        clean,
        milestones=tuple(replace(one, label=text, event_label=text) for one in clean.milestones),
        events=tuple(replace(one, label=text) for one in clean.events),
    )

    said = shown(view)

    assert "\x1b" not in said
    assert "\u202e" not in said
    if text.startswith("["):
        assert text in said


def test_a_job_without_plan_shows_its_findings() -> None:
    """What cannot be mapped says why, and nothing breaks."""
    text = shown(a_view(milestones=(), events=(), state="unmapped", contract_total_minor=0))
    assert "unmapped" in text
