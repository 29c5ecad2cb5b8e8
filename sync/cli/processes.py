"""Commands that are processes: demo, up, sandbox, worker, dispatcher, web."""

from __future__ import annotations

import json
import re
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.console import Console
from rich.table import Table

from config.log_setup import set_up_logging
from config.settings import data_folder, read_settings
from sandbox.serve import serve as serve_sandbox
from sync import fail_points
from sync.actors import DramatiqWakeQueue, build_broker, declare_actors
from sync.bootstrap import SystemClock, build_app, outside_clock
from sync.cli import sandbox_commands
from sync.cli.attach import Attached, DataOption, JsonOption, WrongUse, attached, print_json
from sync.demo import run_demo
from sync.dispatch import Dispatcher
from sync.runner import Heartbeat, run_worker, stop_on_signals
from sync.store.database import Database, business_now, migrate
from sync.up import Up, Wishes, read_run
from sync.web.app import run_web

#: The sandbox's clock is moved at most this far at once while an `up` follows it.
LEAP_MAX = timedelta(days=60)
LEAP_PATIENCE_S = 120.0

SandboxUrl = Annotated[str | None, typer.Option("--url", help="the sandbox's address")]


def add_commands(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command()(demo)
    app.command()(up)
    app.command()(worker)
    app.command()(dispatcher)
    app.command()(web)
    app.command("migrate")(migrate_database)
    app.add_typer(_sandbox_commands(), name="sandbox")


def demo(
    keep: Annotated[bool, typer.Option("--keep", help="leave it running")] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell the countertop story on real parts, in under a minute."""
    raise typer.Exit(run_demo(keep=keep, folder=data, as_json=as_json))


def up(
    sandbox: Annotated[bool, typer.Option("--sandbox", help="with the stand-in")] = False,
    company: Annotated[
        list[Path] | None, typer.Option("--company", help="company file for the sandbox")
    ] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run everything on this machine: web, workers, dispatcher, and the
    services that are missing.
    """
    set_up_logging(role="up")
    stop = stop_on_signals()
    running = Up(
        Wishes(folder=data_folder(data), with_sandbox=sandbox, companies=tuple(company or ()))
    )
    try:
        running.start()
        if as_json:
            print(json.dumps(running.facts), flush=True)
        else:
            _show_facts(running)
        running.watch(stop)
    finally:
        running.stop()


def worker() -> None:
    """Run one worker: carries out rows of work as it is woken."""
    fail_points.arm_from_environment()
    set_up_logging(role="worker")
    run_worker(build_app(read_settings()))


def web() -> None:
    """Run the web role: webhooks, connect, the customer's page."""
    fail_points.arm_from_environment()
    set_up_logging(role="web")
    run_web(build_app(read_settings()))


def dispatcher() -> None:
    """Run one dispatcher: hands out work, sweeps, keeps time. Two or more may run."""
    fail_points.arm_from_environment()
    set_up_logging(role="dispatcher")
    settings = read_settings()
    stop = stop_on_signals()
    broker = build_broker(settings.redis_url)
    declare_actors(broker, lambda realm_no, work_id: None)
    database = Database(settings.dispatcher_url, pool_size=3, name="dispatcher")
    running = Dispatcher(
        database=database,
        wake_queue=DramatiqWakeQueue(broker),
        outside_clock=outside_clock(settings),
        clock=SystemClock(),
    )
    with Heartbeat(database, role="dispatcher").patiently(stop) as process_id:
        if process_id is not None:
            running.run(stop)
    database.close()


def migrate_database() -> None:
    """Bring the database to the newest shape; again changes nothing."""
    set_up_logging(role="migrate")
    migrate(read_settings().owner_url)


def _sandbox_commands() -> typer.Typer:
    """Give `sandbox` and what can be done to a running one."""
    commands = typer.Typer(help="The stand-in for QuickBooks Online.", invoke_without_command=True)

    @commands.callback()
    def sandbox(
        context: typer.Context,
        port: Annotated[int, typer.Option(help="0 takes a free one")] = 0,
        company: Annotated[list[Path] | None, typer.Option("--company")] = None,
        data: DataOption = None,
        as_json: JsonOption = False,
    ) -> None:
        """Run the stand-in alone, its books on disk."""
        if context.invoked_subcommand is not None:
            return
        folder = data_folder(data)
        serve_sandbox(
            data_dir=folder / "sandbox",
            port=port,
            companies=tuple(company or ()),
            on_ready=lambda facts: (
                print(json.dumps(facts), flush=True) if as_json else _show_sandbox(facts)
            ),
        )

    @commands.command()
    def clock(
        verb: Annotated[str, typer.Argument(help="show or advance")],
        by: Annotated[str, typer.Argument(help="7d, 36h, 90m, 30s")] = "",
        url: SandboxUrl = None,
        data: DataOption = None,
        as_json: JsonOption = False,
    ) -> None:
        """Show or move the sandbox's clock."""
        address = _sandbox_url(url, data)
        if verb == "show":
            answer = _call("GET", f"{address}/sandbox/clock")
        elif verb == "advance" and re.fullmatch(r"\d{1,6}[dhms]", by):
            answer = _advance(address, by, data)
        else:
            raise WrongUse("say `clock show` or `clock advance 7d`")
        print_json(answer) if as_json else Console().print(f"It is now {answer['now']}.")

    sandbox_commands.add_commands(commands, find_url=_sandbox_url)
    return commands


def _advance(address: str, by: str, data: Path | None) -> dict[str, object]:
    """Move the sandbox's clock; over months in steps, as a running `up` lives through them.

    In one leap of a hundred days every grant would have died of idleness, as it would if nobody had
    been there for so long.
    """
    left = timedelta(seconds=int(by[:-1]) * {"d": 86_400, "h": 3600, "m": 60, "s": 1}[by[-1]])
    while True:
        step = min(left, LEAP_MAX)
        seconds = int(step.total_seconds())
        answer = _call("POST", f"{address}/sandbox/clock/advance", {"by": f"{seconds}s"})
        left -= step
        if not left:
            return answer
        if read_run(data_folder(data)) is not None:
            with attached(data) as found:
                _await_clock(found, datetime.fromisoformat(str(answer["now"])))


def _await_clock(found: Attached, target: datetime) -> None:
    deadline = time.monotonic() + LEAP_PATIENCE_S
    while time.monotonic() < deadline:
        with found.dispatcher.begin() as session:
            if business_now(session) >= target - timedelta(minutes=1):
                return
        time.sleep(0.2)


def _sandbox_url(url: str | None, data: Path | None) -> str:
    if url:
        return url.rstrip("/")
    run = read_run(data_folder(data))
    if run is None or "sandbox_url" not in run["facts"]:
        raise WrongUse("no sandbox runs here: say its address with --url", code="not_running")
    return str(run["facts"]["sandbox_url"])


def _call(method: str, url: str, body: dict[str, object] | None = None) -> dict[str, object]:
    try:
        answer = httpx.request(method, url, json=body, timeout=10, trust_env=False)
        found: dict[str, object] = answer.raise_for_status().json()
    except httpx.HTTPError as exc:
        raise WrongUse(f"the sandbox does not do that: {exc}", code="sandbox") from None
    return found


def _show_facts(running: Up) -> None:
    table = Table.grid(padding=(0, 2))
    shown = ("web_url", "sandbox_url", "quickbooks_url", "realm_id", "data_dir", "mail_dir")
    for name in (one for one in shown if one in running.facts):
        table.add_row(name, str(running.facts[name]))
    console = Console()
    console.print("[bold]milestone-sync is up.[/bold] Ctrl-C stops everything.")
    console.print(table)


def _show_sandbox(facts: object) -> None:
    table = Table.grid(padding=(0, 2))
    assert isinstance(facts, dict)
    for name, value in facts.items():
        if name != "companies":
            table.add_row(name, str(value))
    console = Console()
    console.print("[bold]A stand-in for QuickBooks Online, not Intuit.[/bold]")
    console.print(table)
