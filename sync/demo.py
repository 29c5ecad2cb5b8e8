"""`demo`: the countertop story on real parts, from an accepted estimate to a tie-out of every cent.

The story acts on QuickBooks only as other people do: over its HTTP API, as bookkeeper and customer.
What the product does about it is then read back from QuickBooks, from the mail folder and from the
job's own timeline.
"""

from __future__ import annotations

import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from email import message_from_bytes
from email.policy import default as mail_policy
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import httpx
import simplejson
from rich.console import Console
from rich.table import Table
from sqlalchemy import select

from config.log_setup import set_up_logging
from milestone_engine.money import format_money
from milestone_engine.timeline import EventState
from sync.bootstrap import App, build_app
from sync.calendar import report_event
from sync.cli.show import show_view
from sync.dispatch import is_busy
from sync.embedded import remove_folder
from sync.notify import portal_token
from sync.reports.job_view import JobView, find_job, view_job
from sync.store.database import Database
from sync.store.tables import ProcessRow, WorkRow
from sync.up import Up, Wishes
from sync.words import money

T = TypeVar("T")

NUMBER = "2001"
CHANGE_ORDER = f"{NUMBER}-CO-1"
#: Every wait of the story; a healthy machine needs a few seconds.
PATIENCE_S = 60.0
#: How long QuickBooks sits on its answer while we kill the worker that waits for it.
STALL_S = 6
#: Removal and installation, in days from the start of the story.
MEASURE_DAY, REMOVAL_DAY, INSTALL_DAY = 2, 7, 14


class DemoFailed(Exception):
    """The story did not go as it should. The message says where."""


@dataclass(slots=True)
class _Story:
    """What the steps share."""

    console: Console
    up: Up
    app: App
    quickbooks: httpx.Client
    began: float
    job_id: int = 0
    realm_no: int = 0
    customer_id: str = ""
    mails_seen: int = 0
    killed: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


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
def _story(console: Console, running: Up, began: float) -> Iterator[_Story]:
    app = build_app(running.settings)
    facts = running.facts
    client = httpx.Client(
        base_url=f"{facts['quickbooks_url']}/company/{facts['realm_id']}",
        headers={"Authorization": f"Bearer {facts['access_token']}", "Accept": "application/json"},
        trust_env=False,
        timeout=30,
    )
    try:
        yield _Story(
            console=console, up=running, app=app, quickbooks=client, began=began, facts=facts
        )
    finally:
        client.close()
        app.close()


def _tell(story: _Story, *, keep: bool, as_json: bool) -> int:
    say = story.console.print
    say("[bold]The countertop story[/bold], on real PostgreSQL, Redis, workers, HTTP and SMTP.")
    _step(story, "Everything is up", f"processes: {', '.join(story.facts['pids'])}")
    _accepted(story)
    _deposit(story)
    before = _view(story)
    _change_order(story, before)
    _removal(story)
    _installation(story)
    rows, is_exact = _tie_out(story)
    if as_json:
        print(simplejson.dumps(_as_json(story, rows, is_exact), use_decimal=True), flush=True)
    if keep:
        _keep(story)
    return 0 if is_exact else 1


# The steps ---------------------------------------------------------------------------------------


def _accepted(story: _Story) -> None:
    """The office makes an estimate; the customer accepts it."""
    parent = _create(story, "customer", {
        "DisplayName": "Rivera, Elena", "PrimaryEmailAddr": {"Address": "elena@example.com"},
    })  # fmt: skip
    kitchen = _create(story, "customer", {
        "DisplayName": "Kitchen remodel", "Job": True, "ParentRef": {"value": parent["Id"]},
        "BillWithParent": True,
    })  # fmt: skip
    story.customer_id = kitchen["Id"]
    estimate = _create(story, "estimate", _estimate(story, NUMBER, [
        ("Measurements", "Measure and template the kitchen", "300.00", "NON", MEASURE_DAY),
        ("Quartz slab", "Quartz countertop, 62 sq ft", "8400.00", "TAX", None),
        ("Removal", "Remove and haul away the old countertop", "900.00", "NON", REMOVAL_DAY),
        ("Installation", "Install, seam and seal", "2400.00", "NON", INSTALL_DAY),
    ]))  # fmt: skip
    _update(story, "estimate", estimate, {"TxnStatus": "Accepted", "AcceptedBy": "Elena Rivera"})
    _step(story, f"Estimate {NUMBER} accepted in QuickBooks", "12,000.00 before tax")
    view = _until(story, "the job appears", lambda: _find_view(story))
    _step(story, "It became a job with a timeline", "25% / 25% / 50%, from the countertop template")
    show_view(story.console, view)


def _deposit(story: _Story) -> None:
    """Measurements are near: the deposit is invoiced, told, and paid."""
    _invoice(story, "m1", "measurements are two days away")
    _pay(story, "m1")


def _change_order(story: _Story, before: JobView) -> None:
    """A sink is added by a change order; what is unpaid is shared again."""
    change = _create(story, "estimate", _estimate(story, CHANGE_ORDER, [
        ("Undermount sink", "Undermount sink, cut out and fitted", "1400.00", "TAX", None),
    ]))  # fmt: skip
    _update(story, "estimate", change, {"TxnStatus": "Accepted", "AcceptedBy": "Elena Rivera"})
    _step(story, f"Change order {CHANGE_ORDER} accepted in QuickBooks", "a sink, + 1,400.00")
    after = _until(
        story,
        "the schedule follows the change order",
        lambda: _view_if(story, lambda view: view.contract_total_minor == 1_340_000),
    )
    _show_change(story, before, after)
    _mails(story, "changed", "")


def _removal(story: _Story) -> None:
    """Removal is done; the worker that bills it is killed while QuickBooks is answering."""
    _advance(story, f"{REMOVAL_DAY}d")
    _complete(story, "measurements")
    _until(story, "the other jobs' work is done", lambda: _is_quiet(story))
    _fault(story, {"entity": "Invoice", "operation": "create", "kind": "commit_then_stall",
                   "seconds": STALL_S, "count": 1})  # fmt: skip
    _complete(story, "removal")
    pid = _until(story, "a worker waits for QuickBooks", lambda: _asking_worker(story))
    _until(story, "QuickBooks has made the invoice", lambda: _invoices(story, f"{NUMBER}-M2"))
    os.kill(pid, signal.SIGKILL)
    story.killed = f"worker {pid}"
    _step(story, f"kill -9 {pid}", "QuickBooks has made the invoice; its answer never arrives")
    _invoice(story, "m2", "another worker read back and found it: nothing was doubled")
    _pay(story, "m2")


def _installation(story: _Story) -> None:
    """Installation is done: the final invoice, paid."""
    _advance(story, f"{INSTALL_DAY - REMOVAL_DAY}d")
    _complete(story, "installation")
    _invoice(story, "m3", "installation is done")
    _pay(story, "m3")
    show_view(story.console, _view(story))


def _tie_out(story: _Story) -> tuple[list[dict[str, Decimal | str]], bool]:
    """Set QuickBooks' own figures against the schedule, invoice by invoice and line by line."""
    view = _view(story)
    invoices = {one["DocNumber"]: one for one in _query(story, "Invoice", NUMBER)}
    rows: list[dict[str, Decimal | str]] = []
    for one in view.milestones:
        invoice = invoices.pop(one.doc_number or "")
        rows.append(
            {
                "number": str(one.doc_number),
                "schedule": Decimal(one.amount_minor) / 100,
                "quickbooks": invoice["TotalAmt"] - invoice["TxnTaxDetail"]["TotalTax"],
                "tax": invoice["TxnTaxDetail"]["TotalTax"],
                "paid": invoice["TotalAmt"] - invoice["Balance"],
                "open": invoice["Balance"],
            }
        )
    estimates = _query(story, "Estimate", NUMBER)
    contract = sum(
        (one["TotalAmt"] - one["TxnTaxDetail"]["TotalTax"] for one in estimates), Decimal(0)
    )
    billed = sum((Decimal(row["quickbooks"]) for row in rows), Decimal(0))
    by_item = _by_item(estimates, sign=1)
    for item, amount in _by_item(_query(story, "Invoice", NUMBER), sign=-1).items():
        by_item[item] = by_item.get(item, Decimal(0)) + amount
    is_exact = (
        not invoices
        and contract == billed == Decimal(view.contract_total_minor) / 100
        and all(row["schedule"] == row["quickbooks"] and row["open"] == 0 for row in rows)
        and not any(by_item.values())
    )
    _show_tie_out(story, rows, contract=contract, billed=billed, is_exact=is_exact)
    return rows, is_exact


def _by_item(documents: list[dict[str, Any]], *, sign: int) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for document in documents:
        for line in document["Line"]:
            if line["DetailType"] == "SalesItemLineDetail":
                item = line["SalesItemLineDetail"]["ItemRef"]["name"]
                found[item] = found.get(item, Decimal(0)) + sign * line["Amount"]
    return found


# What the steps are made of ----------------------------------------------------------------------


def _invoice(story: _Story, milestone_id: str, why: str) -> None:
    """Wait until a milestone's invoice stands in QuickBooks, we know it, and
    the customer was told.
    """
    number = f"{NUMBER}-{milestone_id.upper()}"
    _until(
        story,
        f"invoice {number}",
        lambda: _view_if(story, lambda view: view.milestone(milestone_id).doc_number == number),
    )
    found = _invoices(story, number)
    if len(found) != 1:
        raise DemoFailed(f"QuickBooks holds {len(found)} invoices {number}")
    _step(story, f"Invoice {number} in QuickBooks", f"{found[0]['TotalAmt']:,} with tax: {why}")
    _mails(story, "due", f"{milestone_id}-1")


def _pay(story: _Story, milestone_id: str) -> None:
    """The customer pays an invoice in QuickBooks; wait until the timeline shows it."""
    number = f"{NUMBER}-{milestone_id.upper()}"
    invoice = _invoices(story, number)[0]
    _create(story, "payment", {
        "CustomerRef": {"value": story.customer_id}, "TotalAmt": invoice["TotalAmt"],
        "TxnDate": _business_day(story).isoformat(),
        "Line": [{"Amount": invoice["TotalAmt"],
                  "LinkedTxn": [{"TxnId": invoice["Id"], "TxnType": "Invoice"}]}],
    }, actor="customer")  # fmt: skip
    _step(story, f"The customer pays {number}", f"{invoice['TotalAmt']:,}")
    _until(
        story,
        f"{number} shows as paid",
        lambda: _view_if(story, lambda view: view.milestone(milestone_id).state == "paid"),
    )
    _mails(story, "received", "")


def _complete(story: _Story, event: str) -> None:
    with story.app.database.begin(story.realm_no) as session:
        report_event(
            session,
            story.realm_no,
            story.job_id,
            name=event,
            state=EventState.COMPLETED,
            on=_happened_on(view_job(session, story.realm_no, story.job_id), event),
            author="demo",
        )
    _step(story, f"The contractor reports: {event} is done", "")


def _happened_on(view: JobView, event: str) -> date:
    """Things happen as planned; what has no date yet happens today."""
    planned = next(one.day for one in view.events if one.name == event)
    return min(planned or view.today, view.today)


def _advance(story: _Story, by: str) -> None:
    """Let time pass: the sandbox's clock moves, ours follows day by day."""
    url = story.facts["sandbox_url"]
    moved = httpx.post(f"{url}/sandbox/clock/advance", json={"by": by}, trust_env=False, timeout=10)
    target = _day_of(story, moved.raise_for_status().json()["now"])
    view = _until(
        story,
        "our clock follows",
        lambda: _view_if(story, lambda view: view.today >= target),
    )
    _step(story, f"{by[:-1]} days later", f"it is {view.today:%A, %d %B %Y}")


def _is_quiet(story: _Story) -> bool:
    """Tell whether nothing is under way: then the next invoice to be made is ours."""
    database = Database(story.app.settings.dispatcher_url, pool_size=1, name="demo")
    try:
        with database.begin() as session:
            return not is_busy(session)
    finally:
        database.close()


def _asking_worker(story: _Story) -> int | None:
    """Give the process id of the worker that waits for QuickBooks' answer now."""
    with story.app.database.begin(story.realm_no) as session:
        return session.scalars(
            select(ProcessRow.pid)
            .join(WorkRow, WorkRow.process_id == ProcessRow.process_id)
            .where(
                WorkRow.job_id == story.job_id,
                WorkRow.kind == "bill",
                WorkRow.state == "running",
                WorkRow.asked_at.is_not(None),
            )
        ).one_or_none()


def _mails(story: _Story, notice: str, occasion: str) -> None:
    """Wait for a mail of this kind to arrive, and show what has arrived since the last look."""
    _until(story, f"the mail '{notice}'", lambda: _mail_count(story, notice, occasion))
    mails = sorted(Path(story.facts["mail_dir"]).glob("*.eml"))
    for path in mails[story.mails_seen :]:
        mail = message_from_bytes(path.read_bytes(), policy=mail_policy)
        if "elena@example.com" in str(mail["To"]):
            story.console.print(f"      [cyan]mail[/cyan] {mail['Subject']}")
    story.mails_seen = len(mails)


def _mail_count(story: _Story, notice: str, occasion: str) -> int:
    """Count the mails of a kind that went out; 0 while one of them still waits."""
    with story.app.database.begin(story.realm_no) as session:
        states = session.scalars(
            select(WorkRow.state).where(
                WorkRow.job_id == story.job_id,
                WorkRow.kind == "mail",
                WorkRow.payload["notice"].astext == notice,
                WorkRow.payload["occasion"].astext.startswith(occasion),
                WorkRow.state != "cancelled",
            )
        ).all()
    return len(states) if all(state == "done" for state in states) else 0


def _estimate(
    story: _Story, number: str, lines: list[tuple[str, str, str, str, int | None]]
) -> dict[str, Any]:
    today = _business_day(story)
    items = {one["Name"]: one["Id"] for one in _query(story, "Item", "")}
    return {
        "CustomerRef": {"value": story.customer_id},
        "DocNumber": number,
        "TxnStatus": "Pending",
        "BillEmail": {"Address": "elena@example.com"},
        "Line": [
            {
                "DetailType": "SalesItemLineDetail",
                "Amount": Decimal(amount),
                "Description": text,
                "SalesItemLineDetail": {
                    "ItemRef": {"value": items[item]},
                    "TaxCodeRef": {"value": tax},
                    **(
                        {"ServiceDate": (today + timedelta(days=days)).isoformat()}
                        if days is not None
                        else {}
                    ),
                },
            }
            for item, text, amount, tax, days in lines
        ],
    }


def _business_day(story: _Story) -> date:
    url = story.facts["sandbox_url"]
    now = httpx.get(f"{url}/sandbox/clock", trust_env=False, timeout=10).json()["now"]
    return _day_of(story, now)


def _day_of(story: _Story, moment: str) -> date:
    zone = ZoneInfo(story.app.settings.zone)
    return datetime.fromisoformat(moment).astimezone(zone).date()


def _create(
    story: _Story, entity: str, body: dict[str, Any], *, actor: str = "bookkeeper"
) -> dict[str, Any]:
    answer = story.quickbooks.post(
        f"/{entity}",
        content=simplejson.dumps(body, use_decimal=True),
        headers={"Content-Type": "application/json", "X-Sandbox-Actor": actor},
    )
    if answer.status_code != 200:
        raise DemoFailed(f"QuickBooks refused the {entity}: {answer.text[:300]}")
    found: dict[str, Any] = _load(answer)[entity.capitalize()]
    return found


def _update(story: _Story, entity: str, known: dict[str, Any], change: dict[str, Any]) -> None:
    kept = {name: known[name] for name in ("Id", "SyncToken", "CustomerRef")}
    _create(story, entity, {**kept, "sparse": True, **change}, actor="customer")


def _query(story: _Story, entity: str, number: str) -> list[dict[str, Any]]:
    where = f"WHERE DocNumber LIKE '{number}%' " if number else ""
    answer = story.quickbooks.get(
        "/query", params={"query": f"SELECT * FROM {entity} {where}MAXRESULTS 1000"}
    )
    if answer.status_code != 200:
        return []
    found: list[dict[str, Any]] = _load(answer)["QueryResponse"].get(entity, [])
    return found


def _invoices(story: _Story, number: str) -> list[dict[str, Any]]:
    return [one for one in _query(story, "Invoice", number) if one["DocNumber"] == number]


def _load(answer: httpx.Response) -> Any:
    return simplejson.loads(answer.text, use_decimal=True)


def _fault(story: _Story, fault: dict[str, Any]) -> None:
    url = story.facts["sandbox_url"]
    armed = httpx.post(f"{url}/sandbox/faults", json=fault, trust_env=False, timeout=10)
    armed.raise_for_status()


def _find_view(story: _Story) -> JobView | None:
    for realm_no in (1, 2):
        with story.app.database.begin(realm_no) as session:
            job_id = find_job(session, realm_no, NUMBER)
            if job_id is not None:
                story.realm_no, story.job_id = realm_no, job_id
                view = view_job(session, realm_no, job_id)
                return view if view.milestones else None
    return None


def _view(story: _Story) -> JobView:
    with story.app.database.begin(story.realm_no) as session:
        return view_job(session, story.realm_no, story.job_id)


def _view_if(story: _Story, is_so: Callable[[JobView], bool]) -> JobView | None:
    view = _view(story)
    return view if is_so(view) else None


def _until(story: _Story, what: str, look: Callable[[], T | None]) -> T:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.1)
    raise DemoFailed(f"waited {PATIENCE_S:.0f} s for: {what}")


# What is shown -----------------------------------------------------------------------------------


def _step(story: _Story, what: str, more: str) -> None:
    at = time.monotonic() - story.began
    story.console.print(f"[dim]{at:5.1f}s[/dim] [bold]{what}[/bold]{'  ' if more else ''}{more}")


def _show_change(story: _Story, before: JobView, after: JobView) -> None:
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


def _show_tie_out(
    story: _Story,
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


def _as_json(story: _Story, rows: list[dict[str, Decimal | str]], is_exact: bool) -> dict[str, Any]:
    return {
        "exact": is_exact,
        "seconds": round(time.monotonic() - story.began, 1),
        "job": NUMBER,
        "contract_total": format_money(_view(story).contract_total_minor, currency="USD"),
        "invoices": [
            {
                name: value if isinstance(value, str) else f"{value:.2f}"
                for name, value in row.items()
            }
            for row in rows
        ],
        "killed": story.killed,
    }


def _keep(story: _Story) -> None:
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
