"""An installation under test: the real App on real PostgreSQL, Redis and HTTP, driven from one
process.

Work is done by `house.work_off()`, so a test says when. QuickBooks is the sandbox in a process of
its own, and is acted on as other people do: over its API.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import psycopg
import simplejson
import uvicorn
from sqlalchemy import select

from config.settings import Settings
from sync import embedded
from sync.bootstrap import App, build_app
from sync.connect import begin_consent, finish_consent
from sync.pull import order_pull
from sync.reports.job_reading import find_job, view_job
from sync.reports.job_view import JobView
from sync.runner import run_until_quiet
from sync.store.database import Database, business_today, migrate
from sync.store.tables import Row, WorkRow
from sync.supervisor import Supervisor
from sync.web.app import build_web

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """PostgreSQL and Redis, with a migrated database to copy from."""

    folder: Path
    secrets: embedded.Secrets
    supervisor: Supervisor

    def new_database(self) -> str:
        """Make an empty, migrated database and give its name."""
        name = f"test_{next(_numbers)}"
        self.administer(
            f'CREATE DATABASE "{name}" OWNER milestone_owner TEMPLATE {embedded.DATABASE}'
        )
        return name

    def drop_database(self, name: str) -> None:
        """Remove a database, whoever is still connected."""
        self.administer(f'DROP DATABASE "{name}" WITH (FORCE)')

    def url(self, role: str, name: str) -> str:
        """Give the address under which a role reaches a database."""
        return self.secrets.postgres_url(role).replace(f"/{embedded.DATABASE}", f"/{name}")

    def stop(self) -> None:
        """End both."""
        self.supervisor.stop()

    def administer(self, statement: str) -> None:
        """Run one statement as the server's administrator."""
        url = self.url(embedded.ADMIN, "postgres")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement.encode())


def start_services(folder: Path) -> Services:
    """Start PostgreSQL and Redis as children of this process."""
    home = embedded.open_folder(folder)
    secrets = embedded.open_secrets(home)
    supervisor = Supervisor(log_folder=home / "logs", pid_file=home / "pids.json")
    supervisor.start(embedded.postgres_child(home, secrets), embedded.redis_child(home, secrets))
    embedded.prepare_postgres(secrets)
    migrate(_driver(secrets.postgres_url("milestone_owner")))
    return Services(folder=home, secrets=secrets, supervisor=supervisor)


def _driver(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://")


class NoLimits:
    """No pace at all: tests that are not about limits need not wait for them."""

    @contextmanager
    def call(self, realm_no: int, *, is_write: bool) -> Iterator[None]:
        """Let the call through."""
        yield

    def close(self) -> None:
        """Nothing to let go of."""


class KeptMail:
    """A mail transport that keeps what it is given; `fail_with` makes the next sends fail."""

    def __init__(self) -> None:
        self.sent: list[EmailMessage] = []
        self.fail_with: list[Exception] = []

    def send(self, message: EmailMessage) -> str:
        """Keep one mail."""
        if self.fail_with:
            raise self.fail_with.pop(0)
        self.sent.append(message)
        return "250 kept"


@dataclass(slots=True)
class Sandbox:
    """QuickBooks in a process of its own, and what people do there."""

    process: subprocess.Popen[str]
    facts: Mapping[str, Any]
    realm_id: str
    client: httpx.Client
    items: dict[str, str] = field(default_factory=dict)

    def create(self, entity: str, body: Mapping[str, Any], *, actor: str = "bookkeeper") -> Any:
        """Create or update a document as a person."""
        answer = self.client.post(
            f"/{entity.lower()}",
            content=simplejson.dumps(body, use_decimal=True),
            headers={"Content-Type": "application/json", "X-Sandbox-Actor": actor},
        )
        assert answer.status_code == 200, answer.text
        return simplejson.loads(answer.text, use_decimal=True)[entity]

    def change(self, entity: str, known: Mapping[str, Any], **fields: Any) -> Any:
        """Change some fields of a document as a person, whatever its revision is now."""
        now = self.read(entity, known["Id"])
        return self.create(
            entity,
            {
                "Id": now["Id"],
                "SyncToken": now["SyncToken"],
                "sparse": True,
                "CustomerRef": now["CustomerRef"],
                **fields,
            },
        )

    def read(self, entity: str, qbo_id: str) -> Any:
        """Read a document."""
        answer = self.client.get(f"/{entity.lower()}/{qbo_id}")
        assert answer.status_code == 200, answer.text
        return simplejson.loads(answer.text, use_decimal=True)[entity]

    def operation(self, entity: str, known: Mapping[str, Any], name: str) -> None:
        """Void or delete a document as a person."""
        now = self.read(entity, known["Id"])
        answer = self.client.post(
            f"/{entity.lower()}",
            params={"operation": name},
            json={"Id": now["Id"], "SyncToken": now["SyncToken"]},
        )
        assert answer.status_code == 200, answer.text

    def query(self, entity: str, where: str = "") -> list[Any]:
        """Find documents."""
        statement = f"SELECT * FROM {entity} {where} MAXRESULTS 1000"
        answer = self.client.get("/query", params={"query": statement})
        assert answer.status_code == 200, answer.text
        found: list[Any] = simplejson.loads(answer.text, use_decimal=True)["QueryResponse"].get(
            entity, []
        )
        return found

    def invoices(self, base: str) -> list[Any]:
        """Find the invoices of a job, by number."""
        found = self.query("Invoice", f"WHERE DocNumber LIKE '{base}-%'")
        return sorted(found, key=lambda one: str(one["DocNumber"]))

    def admin(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Ask or tell the sandbox itself."""
        url = f"{self.facts['sandbox_url']}/sandbox/{path}"
        method = "GET" if body is None else "POST"
        answer = httpx.request(method, url, json=body, trust_env=False, timeout=10)
        assert answer.is_success, answer.text
        return answer.json()

    def writes_of(self, entity: str) -> list[Any]:
        """Give the history of one kind of document."""
        found = self.admin(f"history?realm={self.realm_id}&since=0")
        return [one for one in found if one["entity"] == entity]

    def stop(self) -> None:
        """End the process."""
        self.client.close()
        self.process.terminate()
        self.process.wait(10)
        assert self.process.stdout is not None
        self.process.stdout.close()


@dataclass(slots=True)
class House:
    """The installation: App, its sandbox, and how to make it work."""

    app: App
    dispatcher: Database
    owner: Database
    sandbox: Sandbox
    mail: KeptMail
    realm_no: int = 0

    def sync(self) -> None:
        """Pull, and do everything that follows, here and now."""
        with self.app.database.begin(self.realm_no) as session:
            order_pull(session, self.realm_no)
        self.work_off()

    def work_off(self) -> None:
        """Do everything that is due."""
        assert run_until_quiet(self.app, self.dispatcher, timeout_s=30), self.unfinished()

    def unfinished(self) -> list[tuple[str, str, str | None]]:
        """Give what is not done, for a message."""
        with self.app.database.begin(self.realm_no) as session:
            rows = session.scalars(
                select(WorkRow).where(WorkRow.state.not_in(["done", "cancelled"]))
            )
            return [(row.kind, row.state, row.error) for row in rows]

    def work(self, kind: str) -> list[WorkRow]:
        """Give the rows of work of a kind, oldest first."""
        with self.app.database.begin(self.realm_no) as session:
            asked = select(WorkRow).where(WorkRow.kind == kind).order_by(WorkRow.work_id)
            return list(session.scalars(asked))

    def view(self, base: str) -> JobView:
        """Give a job as people see it."""
        with self.app.database.begin(self.realm_no) as session:
            job_id = find_job(session, self.realm_no, base)
            assert job_id is not None, f"no job {base}"
            return view_job(session, self.realm_no, job_id)

    def amounts(self, base: str) -> list[int]:
        """Give a job's milestone amounts in cents."""
        return [one.amount_minor for one in self.view(base).milestones]

    def today(self) -> date:
        """Tell the business day of the company."""
        with self.app.database.begin(self.realm_no) as session:
            return business_today(session, self.app.settings.zone)

    def dump(self, *, without: Sequence[str] = ()) -> dict[str, list[tuple[Any, ...]]]:
        """Give the content of every table, as the server's administrator sees it."""
        tables = sorted(set(Row.metadata.tables) - set(without))
        with self.owner.begin() as session:
            return {
                name: sorted(
                    (tuple(row) for row in session.execute(Row.metadata.tables[name].select())),
                    key=repr,
                )
                for name in tables
            }

    def accepted_estimate(
        self,
        number: str,
        lines: Sequence[tuple[str, str, str, int | None]],
        *,
        customer_id: str | None = None,
        memo: str = "",
        actor: str = "bookkeeper",
    ) -> Any:
        """Make an accepted estimate: lines are (item, amount, tax code, days until its service
        date).
        """
        customer = customer_id or self.new_customer()
        body = {
            "CustomerRef": {"value": customer},
            "DocNumber": number,
            "TxnStatus": "Accepted",
            "BillEmail": {"Address": "owner@example.com"},
            "CustomerMemo": {"value": memo},
            "Line": [self.line(*one) for one in lines],
        }
        return self.sandbox.create("Estimate", body, actor=actor)

    def line(self, item: str, amount: str, tax: str = "NON", days: int | None = None) -> Any:
        """Give one estimate line."""
        if not self.sandbox.items:
            self.sandbox.items = {one["Name"]: one["Id"] for one in self.sandbox.query("Item")}
        detail = {
            "ItemRef": {"value": self.sandbox.items[item]},
            "TaxCodeRef": {"value": tax},
        }
        if days is not None:
            detail["ServiceDate"] = (self.today() + timedelta(days=days)).isoformat()  # type: ignore[assignment]
        return {
            "DetailType": "SalesItemLineDetail",
            "Amount": Decimal(amount),
            "Description": item,
            "SalesItemLineDetail": detail,
        }

    def new_customer(self) -> str:
        """Make a customer with a job of its own (a sub-customer) and give the job's id."""
        name = f"Customer {next(_numbers)}"
        parent = self.sandbox.create(
            "Customer",
            {"DisplayName": name, "PrimaryEmailAddr": {"Address": "owner@example.com"}},
        )
        job = self.sandbox.create(
            "Customer",
            {
                "DisplayName": f"{name} kitchen",
                "Job": True,
                "ParentRef": {"value": parent["Id"]},
            },
        )
        return str(job["Id"])

    def pay(self, invoice: Mapping[str, Any], amount: str | None = None) -> Any:
        """Pay an invoice in QuickBooks, as the customer."""
        paid = Decimal(amount) if amount else invoice["Balance"]
        return self.sandbox.create(
            "Payment",
            {
                "CustomerRef": invoice["CustomerRef"],
                "TotalAmt": paid,
                "Line": [
                    {
                        "Amount": paid,
                        "LinkedTxn": [{"TxnId": invoice["Id"], "TxnType": "Invoice"}],
                    }
                ],
            },
            actor="customer",
        )


@contextmanager
def open_house(services: Services, folder: Path, *, mode: str = "auto") -> Iterator[House]:
    """Open an installation on an empty database, connected to the countertop company of a new
    sandbox.
    """
    sandbox = start_sandbox(folder / "sandbox")
    name = services.new_database()
    mail = KeptMail()
    settings = Settings(
        database_url=services.url("milestone_app", name),
        dispatcher_database_url=services.url("milestone_dispatcher", name),
        owner_database_url=services.url("milestone_owner", name),
        redis_url=services.secrets.redis_url,
        smtp_url="smtp://127.0.0.1:9",
        secret_key="k" * 40,  # type: ignore[arg-type]
        quickbooks_url=sandbox.facts["quickbooks_url"],
        discovery_url=sandbox.facts["discovery_url"],
        client_id=sandbox.facts["client_id"],
        client_secret=sandbox.facts["client_secret"],
        webhook_verifier=sandbox.facts["webhook_verifier"],
        web_url="http://127.0.0.1:8000",
        new_company_mode=mode,
    )
    app = build_app(settings, mail=mail, limits=NoLimits())
    sandbox.admin("settings", {"rate_limits": False})
    admin = _driver(services.url(embedded.ADMIN, name))
    house = House(
        app=app,
        dispatcher=Database(settings.dispatcher_url, pool_size=2),
        owner=Database(admin, pool_size=2),
        sandbox=sandbox,
        mail=mail,
    )
    try:
        house.realm_no = connect(house, sandbox.realm_id)
        yield house
    finally:
        house.dispatcher.close()
        house.owner.close()
        app.close()
        services.drop_database(name)
        sandbox.stop()


def connect(house: House, realm_id: str, *, claimed: str = "", expected: int | None = None) -> int:
    """Go through the consent pages as a person would, and give the company's number.

    `claimed` is another company id, put into the callback by somebody in between; `expected` is the
    company that the reconnect link was made for.
    """
    redirect = f"{house.app.settings.web_url}/oauth/callback"
    house.sandbox.admin("apps/redirects", {"redirect_uri": redirect})
    consent = urlsplit(begin_consent(house.app, browser="a browser", realm_no=expected))
    decided = httpx.post(
        f"{consent.scheme}://{consent.netloc}{consent.path}",
        data={**dict(parse_qsl(consent.query)), "realm_id": realm_id, "decision": "accept"},
        trust_env=False,
    )
    back = {
        name: values[0]
        for name, values in parse_qs(urlsplit(decided.headers["location"]).query).items()
    }
    return finish_consent(
        house.app,
        browser="a browser",
        state=back["state"],
        code=back["code"],
        realm_id=claimed or back["realmId"],
    )


@contextmanager
def served(app: App) -> Iterator[httpx.Client]:
    """Serve the web application on a free port, and give a client that follows no redirect."""
    port = embedded.free_port()
    config = uvicorn.Config(build_web(app), port=port, log_config=None, access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started, timeout_s=10, what="the web server")
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()


def start_sandbox(folder: Path, *, port: int = 0) -> Sandbox:
    """Start the sandbox in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "--data", str(folder), "--port", str(port), "--json"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    facts = json.loads(process.stdout.readline())
    company = facts["companies"][0]
    client = httpx.Client(
        base_url=f"{facts['quickbooks_url']}/company/{company['realm_id']}",
        headers={
            "Authorization": f"Bearer {company['access_token']}",
            "Accept": "application/json",
        },
        trust_env=False,
        timeout=30,
    )
    return Sandbox(process=process, facts=facts, realm_id=company["realm_id"], client=client)


def until(look: Any, *, timeout_s: float, what: str) -> Any:
    """Wait for something to be true and give it."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"waited {timeout_s:.0f} s for: {what}")
