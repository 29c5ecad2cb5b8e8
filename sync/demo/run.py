"""Start everything, tell the story, end everything."""

from __future__ import annotations

import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import simplejson
from rich.console import Console
from rich.table import Table

from config.log_setup import set_up_logging
from milestone_engine.money import format_money
from sync.bootstrap import build_app
from sync.demo.cast import NUMBER, DemoFailed, Story
from sync.demo.shown import step
from sync.demo.stage import current_view
from sync.demo.story import accepted, change_order, deposit, installation, removal, tie_out
from sync.embedded import remove_folder
from sync.notify import portal_token
from sync.up import Up, Wishes


def run_demo(*, keep: bool, folder: Path | None, as_json: bool) -> int:
    """Tell the story; 0 only if every cent ties out.

    Args:
        keep: leave everything running afterwards, until Ctrl-C.
        folder: data folder; None: a temporary one, removed at the end.
        as_json: print one line of JSON instead of the story.
    """
    set_up_logging(role="demo", level=100)
    console = Console(quiet=as_json, highlight=False)
    home = folder.resolve() if folder else Path(tempfile.mkdtemp(prefix="milestone-sync-"))
    began = time.monotonic()
    stop = threading.Event()
    running = Up(Wishes(folder=home, with_sandbox=True))
    try:
        running.start()
        watcher = threading.Thread(target=running.watch, args=(stop,), daemon=True)
        watcher.start()
        with _story(console, running, began) as story:
            return _tell(story, keep=keep, as_json=as_json)
    except DemoFailed as exc:
        console.print(f"[bold red]The story broke off:[/bold red] {exc}")
        if as_json:
            print(simplejson.dumps({"exact": False, "error": str(exc)}), flush=True)
        console.print(f"Logs are in {home / 'logs'}")
        folder = home
        return 1
    finally:
        stop.set()
        running.stop()
        if folder is None:
            remove_folder(home)


@contextmanager
def _story(console: Console, running: Up, began: float) -> Iterator[Story]:
    app = build_app(running.settings)
    facts = running.facts
    client = httpx.Client(
        base_url=f"{facts['quickbooks_url']}/company/{facts['realm_id']}",
        headers={"Authorization": f"Bearer {facts['access_token']}", "Accept": "application/json"},
        trust_env=False,
        timeout=30,
    )
    try:
        yield Story(
            console=console, up=running, app=app, quickbooks=client, began=began, facts=facts
        )
    finally:
        client.close()
        app.close()


def _tell(story: Story, *, keep: bool, as_json: bool) -> int:
    say = story.console.print
    say("[bold]The countertop story[/bold], on real PostgreSQL, Redis, workers, HTTP and SMTP.")
    step(story, "Everything is up", f"processes: {', '.join(story.facts['pids'])}")
    accepted(story)
    deposit(story)
    before = current_view(story)
    change_order(story, before)
    removal(story)
    installation(story)
    rows, is_exact = tie_out(story)
    if as_json:
        print(simplejson.dumps(_told(story, rows, is_exact), use_decimal=True), flush=True)
    if keep:
        _keep(story)
    return 0 if is_exact else 1


def _keep(story: Story) -> None:
    """Say where everything is, and leave it running until Ctrl-C."""
    with story.app.database.begin(story.realm_no) as session:
        token = portal_token(session, story.app.keyring, story.realm_no, story.job_id)
    table = Table.grid(padding=(0, 2))
    table.add_row("the customer's page", f"{story.facts['web_url']}/p/{token}")
    table.add_row("QuickBooks' books", story.facts["sandbox_url"])
    table.add_row("mails", story.facts["mail_dir"])
    table.add_row("other commands", f"milestone-sync jobs --data {story.facts['data_dir']}")
    story.console.print(table)
    story.console.print("It keeps running. Ctrl-C ends it.")
    done = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: done.set())
    done.wait()


def _told(story: Story, rows: list[dict[str, Decimal | str]], is_exact: bool) -> dict[str, Any]:
    return {
        "exact": is_exact,
        "seconds": round(time.monotonic() - story.began, 1),
        "job": NUMBER,
        "contract_total": format_money(current_view(story).contract_total_minor, currency="USD"),
        "invoices": [
            {
                name: value if isinstance(value, str) else f"{value:.2f}"
                for name, value in row.items()
            }
            for row in rows
        ],
        "killed": story.killed,
    }
