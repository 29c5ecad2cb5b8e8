"""`milestone-sync up`: real processes on real parts, killed one after the other while the story
goes on.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import redis
import simplejson

from sync.supervisor import started
from tests.house import until


class Installation:
    """A running `up`, and QuickBooks as any client sees it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sync.cli", "up", "--sandbox", "--json", "--data", str(folder)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None
        self.facts: dict[str, Any] = json.loads(self.process.stdout.readline())
        self.client = httpx.Client(
            base_url=f"{self.facts['quickbooks_url']}/company/{self.facts['realm_id']}",
            headers={
                "Authorization": f"Bearer {self.facts['access_token']}",
                "Accept": "application/json",
            },
            trust_env=False,
            timeout=30,
        )

    def pids(self) -> dict[str, int]:
        """The process ids by role, as they are now."""
        found: dict[str, int] = json.loads((self.folder / "run.json").read_text())["facts"]["pids"]
        return found

    def post(self, entity: str, body: dict[str, Any]) -> Any:
        """Save a document, however often QuickBooks is away."""
        content = simplejson.dumps(body, use_decimal=True)

        def save() -> Any:
            try:
                answer = self.client.post(
                    f"/{entity.lower()}",
                    content=content,
                    params={"requestid": str(hash(content))},
                    headers={"Content-Type": "application/json"},
                )
            except httpx.TransportError:
                return None
            assert answer.status_code == 200, answer.text
            return simplejson.loads(answer.text, use_decimal=True)[entity]

        return until(save, timeout_s=20, what=f"saving a {entity}")

    def query(self, entity: str, where: str = "") -> list[Any]:
        """Find documents; nothing while QuickBooks is away."""
        statement = f"SELECT * FROM {entity} {where} MAXRESULTS 1000"
        try:
            answer = self.client.get("/query", params={"query": statement})
        except httpx.TransportError:
            return []
        found: list[Any] = simplejson.loads(answer.text, use_decimal=True)["QueryResponse"].get(
            entity, []
        )
        return found

    def invoices(self, base: str) -> list[Any]:
        """A job's invoices by number."""
        found = self.query("Invoice", f"WHERE DocNumber LIKE '{base}-%'")
        return sorted(found, key=lambda one: str(one["DocNumber"]))

    def await_invoices(self, base: str, count: int) -> list[Any]:
        """Wait until a job has this many invoices; three minutes is past every retry."""

        def enough() -> list[Any] | None:
            found = self.invoices(base)
            return found if len(found) >= count else None

        found: list[Any] = until(enough, timeout_s=180, what=f"{count} invoices of {base}")
        return found

    def command(self, *words: str, exit_codes: tuple[int, ...] = (0, 1)) -> Any:
        """Run a command against this installation and give its JSON."""
        ran = subprocess.run(
            [sys.executable, "-m", "sync.cli", *words, "--json", "--data", str(self.folder)],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert ran.returncode in exit_codes, ran.stdout + ran.stderr
        assert ran.stdout, ran.stderr
        return json.loads(ran.stdout.splitlines()[-1])

    def estimate(self, number: str, days: list[int | None]) -> Any:
        """An accepted estimate over 1,000.00 a line, each line dated or not."""
        customer = self.post("Customer", {"DisplayName": f"Customer of {number}"})
        item = next(one for one in self.query("Item") if one["Name"] == "Granite slab")
        today = date.fromisoformat(self.command("sandbox", "clock", "show")["now"][:10])
        words = ["Measurements", "Removal", "Installation"]
        lines = [
            {
                "DetailType": "SalesItemLineDetail",
                "Amount": Decimal("1000.00"),
                "Description": word,
                "SalesItemLineDetail": {
                    "ItemRef": {"value": item["Id"]},
                    "TaxCodeRef": {"value": "NON"},
                    **(
                        {"ServiceDate": str(today + timedelta(days=after))}
                        if after is not None
                        else {}
                    ),
                },
            }
            for word, after in zip(words, days, strict=True)
        ]
        body = {
            "CustomerRef": {"value": customer["Id"]},
            "DocNumber": number,
            "TxnStatus": "Pending",
            "BillEmail": {"Address": "owner@example.com"},
            "CustomerMemo": {
                "value": "25% before Measurements; 25% before Removal; 50% before Installation"
            },
            "Line": lines,
        }
        made = self.post("Estimate", body)
        kept = {name: made[name] for name in ("Id", "SyncToken", "CustomerRef")}
        return self.post("Estimate", {**kept, "sparse": True, "TxnStatus": "Accepted"})

    def pay(self, invoice: Any) -> None:
        """Pay an invoice in full."""
        link = [{"TxnId": invoice["Id"], "TxnType": "Invoice"}]
        total = invoice["TotalAmt"]
        self.post(
            "Payment",
            {
                "CustomerRef": invoice["CustomerRef"],
                "TotalAmt": total,
                "Line": [{"Amount": total, "LinkedTxn": link}],
            },
        )

    def kill(self, role: str) -> None:
        """kill -9 one process and wait until `up` has started it again."""
        pid = self.pids()[role]
        os.kill(pid, signal.SIGKILL)
        until(lambda: self.pids()[role] != pid, timeout_s=20, what=f"{role} started again")

    def stop(self) -> int:
        """TERM, and give the exit code."""
        self.client.close()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    """One `up --sandbox` for the tests of this file."""
    with tempfile.TemporaryDirectory(prefix="milestone-sync-up-") as folder:
        running = Installation(Path(folder))
        try:
            yield running
        finally:
            if running.process.poll() is None:
                running.stop()


def test_an_accepted_estimate_has_its_deposit_invoice_within_ten_seconds(
    installation: Installation,
) -> None:
    """Webhook, pull, decision and push together; the later ones come with the sandbox's clock."""
    installation.estimate("4001", [1, 10, 20])
    until(lambda: installation.invoices("4001"), timeout_s=10, what="the deposit invoice")

    installation.command("sandbox", "clock", "advance", "8d")
    until(lambda: len(installation.invoices("4001")) == 2, timeout_s=30, what="the second")
    installation.command("sandbox", "clock", "advance", "10d")
    until(lambda: len(installation.invoices("4001")) == 3, timeout_s=30, what="the third")

    found = installation.invoices("4001")
    assert [one["TotalAmt"] for one in found] == [750, 750, 1500]
    assert [one["DocNumber"] for one in found] == ["4001-M1", "4001-M2", "4001-M3"]


def test_a_second_up_on_the_folder_is_refused(installation: Installation) -> None:
    """One line, exit 2, and the first one goes on as if nothing had been."""
    ran = subprocess.run(
        [sys.executable, "-m", "sync.cli", "up", "--json", "--data", str(installation.folder)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 2
    assert json.loads(ran.stdout)["error"]["code"] == "cannot_start"
    assert installation.command("jobs")


def test_commands_refuse_what_is_not_there(installation: Installation) -> None:
    """One line and exit 2: no such job, no such company, a day that has not come."""
    company, *_ = installation.command("company")
    assert (company["mode"], company["state"]) == ("auto", "connected")
    same = installation.command("company", "set", str(company["realm"]), "--mode", "auto")
    assert same["changed"] is False
    job = next(one["job"] for one in installation.command("jobs") if one["job"])
    for words in (
        ("plan", "--job", "NOPE"),
        ("company", "set", str(company["realm"]), "--zone", "Mars/Olympus"),
        ("event", "complete", job, "installation", "--on", "2999-01-01"),
    ):
        assert "error" in installation.command(*words, exit_codes=(2,)), words


def test_a_decision_is_listed_and_taken_back(installation: Installation) -> None:
    """By the names that people use; what is not there is refused."""
    job = next(one["job"] for one in installation.command("jobs") if one["job"])
    (number,) = installation.command("job", "hold", job, "m1")["decisions"]
    (listed,) = installation.command("job", "decisions", job)
    assert (listed["no"], listed["said"]) == (
        number,
        "a payment on m1 is on its way: it does not move",
    )
    installation.command("job", "undo", job, str(number))
    for words in (
        ("job", "undo", job, str(number)),
        ("job", "route", job, "9999-CO-1", "next"),
        ("job", "cancel", job, "--value", "1.005"),
    ):
        assert "error" in installation.command(*words, exit_codes=(2,)), words


def test_a_plan_writes_nothing(installation: Installation) -> None:
    """The sandbox's history and every table but tokens and metered calls are equal before and
    after.
    """
    installation.command("sync")
    before = content(installation)

    installation.command("plan")

    assert content(installation) == before


def content(installation: Installation) -> dict[str, Any]:
    """What the sandbox and the database hold, without what merely shows that somebody is alive."""
    url = f"{installation.facts['sandbox_url']}/sandbox/history"
    history = httpx.get(url, params={"realm": installation.facts["realm_id"]}, trust_env=False)
    tables: dict[str, Any] = {"history": history.json()}
    skipped = ("process", "metered_call", "timer", "business_clock")
    with psycopg.connect(installation.facts["database_url"]) as connection:
        names = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
        ).fetchall()
        for (name,) in names:
            if name not in skipped:
                rows = connection.execute(f'SELECT t::text FROM "{name}" t ORDER BY 1'.encode())
                tables[name] = rows.fetchall()
    tables["realm"] = len(tables["realm"])  # tokens may have rotated
    return tables


def test_the_story_survives_the_death_of_every_process(installation: Installation) -> None:
    """kill -9 of each role and a wiped Redis, between and during the steps: once each, still."""
    installation.estimate("4002", [1, 40, 80])
    installation.kill("worker-1")
    first = installation.await_invoices("4002", 1)[0]
    installation.kill("sandbox")
    installation.pay(first)
    installation.kill("web")
    redis.Redis.from_url(installation.facts["redis_url"]).flushall()
    installation.command("sandbox", "clock", "advance", "38d")
    installation.kill("dispatcher")
    second = installation.await_invoices("4002", 2)[1]
    installation.kill("postgres")
    installation.kill("redis")
    installation.pay(second)
    installation.command("sandbox", "clock", "advance", "40d")
    installation.kill("worker-2")
    installation.pay(installation.await_invoices("4002", 3)[2])

    def is_paid() -> bool:
        shown = installation.command("job", "show", "4002")
        return all(one["state"] == "paid" for one in shown["milestones"])

    until(is_paid, timeout_s=60, what="the job is paid in full")
    found = installation.invoices("4002")
    assert [one["DocNumber"] for one in found] == ["4002-M1", "4002-M2", "4002-M3"]
    assert [one["TotalAmt"] for one in found] == [750, 750, 1500]


def test_term_leaves_no_process_and_no_lock(installation: Installation) -> None:
    """After SIGTERM everything is gone, and the same folder can be used again."""
    pids = {pid: started(pid) for pid in installation.pids().values()}

    code = installation.stop()

    assert code == 0
    assert [pid for pid, began in pids.items() if began and started(pid) == began] == []
    assert not (installation.folder / "run.json").exists()
    assert not (installation.folder / "postgres" / "postmaster.pid").exists()


def test_a_killed_up_is_cleaned_up_by_the_next() -> None:
    """kill -9 of `up` itself: its children end, and a next start on the folder
    has the same books.
    """
    with tempfile.TemporaryDirectory(prefix="milestone-sync-up-") as folder:
        kill_and_start_again(Path(folder))


def kill_and_start_again(folder: Path) -> None:
    """The body of the test above, on one folder."""
    first = Installation(folder)
    pids = {pid: started(pid) for pid in first.pids().values()}
    token = first.facts["access_token"]
    os.kill(first.process.pid, signal.SIGKILL)
    first.process.wait()
    first.client.close()
    assert first.process.stdout is not None
    first.process.stdout.close()

    second = Installation(folder)
    try:
        assert second.facts["access_token"] == token
        assert [pid for pid, began in pids.items() if began and started(pid) == began] == []
        until(lambda: second.command("jobs"), timeout_s=60, what="the jobs of the books")
    finally:
        assert second.stop() == 0
