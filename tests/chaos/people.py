"""Who works in the books meanwhile: customers, bookkeepers, and whoever reports an event.

One thread a company, by a seed. Everything goes past the proxies; what is refused (somebody saved
first, no such invoice yet) is left, as people leave it.
"""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import psycopg
import simplejson
from sqlalchemy.exc import SQLAlchemyError

from milestone_engine.timeline import EventState
from sync.calendar import NoSuchEvent, report_event
from sync.errors import SyncError
from sync.reports.job_reading import find_job
from sync.store.database import Database, business_today
from sync.up import UpError, connect_sandbox
from tests.chaos.parts import Parts

MEMOS = (
    "25% before Measurements; 25% before Removal; 50% before Installation",
    "50% before Measurements; 50% after Installation",
    "25% on approval; 25% after Removal; 50% after Installation",
)
EVENTS = ("measurements", "removal", "installation")
_TIMEOUT_S = 30.0
#: Somebody looks this often whether a company has to be connected again.
_LOOK_S = 3.0


class Refused(Exception):
    """QuickBooks did not do what a person wanted."""


@dataclass(slots=True)
class Company:
    """One company's books as its people use them."""

    parts: Parts
    realm_id: str
    client: httpx.Client
    item_id: str = ""
    jobs: list[str] = field(default_factory=list)
    #: our own Estimate ids by number, and their customers
    estimates: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def create(self, entity: str, body: Mapping[str, Any], *, actor: str = "bookkeeper") -> Any:
        """Save a document as a person; the same body again is not saved twice."""
        content = simplejson.dumps(body, use_decimal=True)
        headers = {"Content-Type": "application/json", "X-Sandbox-Actor": actor}
        for _ in range(20):
            try:
                answer = self.client.post(f"/{entity.lower()}", content=content, headers=headers)
            except httpx.TransportError:
                time.sleep(0.3)
                continue
            if answer.status_code == 200:
                return simplejson.loads(answer.text, use_decimal=True)[entity]
            if answer.status_code == 400:
                raise Refused(answer.text[:200])
            time.sleep(0.3)
        raise Refused("no answer")

    def query(self, entity: str, where: str = "") -> list[Any]:
        """Find documents, however often the call is refused."""
        statement = f"SELECT * FROM {entity} {where} MAXRESULTS 1000"
        for _ in range(40):
            try:
                answer = self.client.get("/query", params={"query": statement})
                if answer.status_code == 200:
                    body = simplejson.loads(answer.text, use_decimal=True)
                    return list(body["QueryResponse"].get(entity, []))
            except (httpx.HTTPError, ValueError):
                pass
            time.sleep(0.25)
        raise Refused(f"no answer to {statement}")

    def act(self, verb: str, document: str, **wishes: Any) -> None:
        """Do one thing to a document, as the sandbox's people do."""
        try:
            self.parts.tell_sandbox(
                "act", {"verb": verb, "document": document, "realm_id": self.realm_id, **wishes}
            )
        except (AssertionError, httpx.HTTPError) as exc:
            raise Refused(str(exc)[:200]) from None

    def invoices(self, base: str) -> list[Any]:
        """Give a job's invoices by number."""
        found = self.query("Invoice", f"WHERE DocNumber LIKE '{base}-%'")
        return sorted(found, key=lambda one: str(one["DocNumber"]))


class People:
    """Everybody at work, in threads, until told to stop."""

    def __init__(
        self, parts: Parts, *, seed: int, jobs: int, pause_s: float = 0.4, days: bool = True
    ) -> None:
        """Take who works where; `jobs` is how many each company gets."""
        self._parts = parts
        self._seed, self._jobs, self._pause_s = seed, jobs, pause_s
        self._days = days
        self._database = Database(parts.own_settings().database_url, pool_size=4, name="people")
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self.done: Counter[str] = Counter()
        self.failures: list[str] = []
        self.companies = [open_company(parts, facts) for facts in parts.facts["companies"]]

    def start(self) -> None:
        """Let everybody begin."""
        for number, company in enumerate(self.companies):
            chance = random.Random(f"{self._seed}/{number}")
            self._run(lambda c=company, r=chance, n=number: self._work(c, r, n))  # type: ignore[misc]
        if self._days:
            self._run(self._let_days_pass)
        self._run(self._keep_connected)

    def reconnect(self) -> bool:
        """Connect the companies again that have lost their connection; tell whether one had.

        A worker that dies between the answer with a new refresh token and its commit loses it. The
        old one works for a day of grace; after that only a person helps.
        """
        try:
            with self._parts.admin() as admin:
                asked = "SELECT count(*) FROM realm WHERE state = 'reauth_needed'"
                (lost,) = admin.execute(asked).fetchone() or (0,)
            if lost:
                connect_sandbox(self._parts.own_settings(), self._parts.facts)
        except (psycopg.Error, SQLAlchemyError, httpx.HTTPError, UpError, SyncError):
            return True  # something else is away now: later
        self.done["connect again"] += lost
        return bool(lost)

    def stop(self) -> None:
        """Let everybody finish what they have in hand, and go home."""
        self._stop.set()
        for thread in self._threads:
            thread.join(_TIMEOUT_S)
        self._database.close()

    def _run(self, what: Callable[[], None]) -> None:
        def guarded() -> None:
            try:
                what()
            except Exception as exc:
                self.failures.append(f"a person stopped working: {type(exc).__name__}: {exc}")

        thread = threading.Thread(target=guarded, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _let_days_pass(self) -> None:
        chance = random.Random(f"{self._seed}/days")
        while not self._stop.wait(chance.uniform(4, 8)):
            self._parts.tell_sandbox("clock/advance", {"by": f"{chance.randint(12, 60)}h"})
            self.done["day passes"] += 1

    def _keep_connected(self) -> None:
        while not self._stop.wait(_LOOK_S):
            self.reconnect()

    def _work(self, company: Company, chance: random.Random, number: int) -> None:
        bases = (f"{number + 1}{n:03d}" for n in itertools.count(1))
        while not self._stop.wait(chance.uniform(0.3, 1.7) * self._pause_s):
            try:
                if len(company.jobs) < self._jobs and (not company.jobs or chance.random() < 0.5):
                    self._sign(company, chance, next(bases))
                else:
                    self._do_something(company, chance)
            except Refused:
                self.done["refused"] += 1

    def _sign(self, company: Company, chance: random.Random, base: str) -> None:
        """A customer accepts an offer."""
        sign(company, base, memo=chance.choice(MEMOS), cents=chance.randint(40_000, 900_000))
        self.done["accept"] += 1

    def _do_something(self, company: Company, chance: random.Random) -> None:
        doings = {
            self._pay: 8,
            self._complete: 5,
            self._reprice: 3,
            self._order_change: 2,
            self._edit_invoice: 2,
            self._take_back: 1,
        }
        doing = chance.choices(list(doings), weights=list(doings.values()))[0]
        doing(company, chance, chance.choice(company.jobs))

    def _pay(self, company: Company, chance: random.Random, base: str) -> None:
        open_ones = [one for one in company.invoices(base) if one["Balance"] > 0]
        if not open_ones:
            return
        invoice = chance.choice(open_ones)
        part = (invoice["Balance"] / 3).quantize(Decimal("0.01")) if chance.random() < 0.3 else None
        wishes = {"amount": str(part)} if part else {}
        company.act("pay", f"invoice:#{invoice['Id']}", **wishes)
        self.done["pay"] += 1

    def _complete(self, company: Company, chance: random.Random, base: str) -> None:
        try:
            with self._parts.admin() as admin:
                found = admin.execute("SELECT realm_no FROM job WHERE base = %s", [base]).fetchall()
        except psycopg.Error:
            found = []
        for (realm_no,) in found:
            try:
                with self._database.begin(realm_no) as session:
                    job_id = find_job(session, realm_no, base)
                    assert job_id is not None
                    report_event(
                        session,
                        realm_no,
                        job_id,
                        name=chance.choice(EVENTS),
                        state=EventState.COMPLETED,
                        on=business_today(session, self._parts.settings.zone) - timedelta(days=1),
                        author="foreman",
                    )
                self.done["report event"] += 1
            except (NoSuchEvent, SQLAlchemyError):
                self.done["refused"] += 1

    def _reprice(self, company: Company, chance: random.Random, base: str) -> None:
        """The price goes up, or back down."""
        estimate = self._estimate(company, base)
        raised = estimate["Line"][0]["Amount"] + Decimal(chance.choice((-40, 25, 130)))
        if raised > 0:
            company.act("edit", f"estimate:#{estimate['Id']}", amount=str(raised))
            self.done["reprice"] += 1

    def _order_change(self, company: Company, chance: random.Random, base: str) -> None:
        number = f"{base}-CO-{chance.randint(1, 3)}"
        if number in company.estimates:
            return
        main = company.estimates[base]
        body = estimate_body(company, number, main["CustomerRef"], lines=(("Extra", "170.00", 9),))
        company.estimates[number] = company.create("Estimate", {**body, "TxnStatus": "Accepted"})
        self.done["change order"] += 1

    def _edit_invoice(self, company: Company, chance: random.Random, base: str) -> None:
        found = company.invoices(base)
        if not found:
            return
        said = f"Thank you, {chance.randint(1, 99)} times."
        company.act(
            "edit", f"invoice:#{chance.choice(found)['Id']}", set={"CustomerMemo": {"value": said}}
        )
        self.done["edit invoice"] += 1

    def _take_back(self, company: Company, chance: random.Random, base: str) -> None:
        unpaid = [one for one in company.invoices(base) if 0 < one["Balance"] == one["TotalAmt"]]
        if unpaid:
            verb = chance.choice(("void", "delete"))
            company.act(verb, f"invoice:#{chance.choice(unpaid)['Id']}")
            self.done[f"{verb} invoice"] += 1

    @staticmethod
    def _estimate(company: Company, base: str) -> Any:
        found = company.query("Estimate", f"WHERE DocNumber = '{base}'")
        if not found:
            raise Refused("no such estimate")
        return found[0]


def open_company(parts: Parts, facts: Mapping[str, Any]) -> Company:
    """Open one company's books for its people, past the proxy."""
    port = parts.secrets.sandbox_port
    realm_id = str(facts["realm_id"])
    client = httpx.Client(
        base_url=f"http://127.0.0.1:{port}/v3/company/{realm_id}",
        headers={
            "Authorization": f"Bearer {facts['access_token']}",
            "Accept": "application/json",
        },
        trust_env=False,
        timeout=_TIMEOUT_S,
    )
    company = Company(parts, realm_id, client)
    items = company.query("Item")
    company.item_id = next(one["Id"] for one in items if one["Name"] == "Granite slab")
    return company


def sign(company: Company, base: str, *, memo: str, cents: int) -> Mapping[str, Any]:
    """Make an offer and have it accepted; it becomes a job."""
    made = offer(company, base, memo=memo, cents=cents)
    company.act("accept", f"estimate:#{made['Id']}")
    company.estimates[base] = made
    company.jobs.append(base)
    return made


def offer(company: Company, base: str, *, memo: str, cents: int) -> Mapping[str, Any]:
    """Make an offer to a new customer."""
    third = Decimal(cents) / 100
    customer = company.create(
        "Customer",
        {
            "DisplayName": f"Customer of {base}",
            "PrimaryEmailAddr": {"Address": f"c{base}@example.com"},
        },
    )
    body = estimate_body(
        company,
        base,
        {"value": customer["Id"]},
        lines=(
            ("Measurements", str(third), 3),
            ("Removal", str(third + 7), 12),
            ("Installation", str(third + Decimal("0.01")), 25),
        ),
    )
    return dict(company.create("Estimate", {**body, "CustomerMemo": {"value": memo}}))


def estimate_body(
    company: Company,
    number: str,
    customer: Mapping[str, Any],
    *,
    lines: tuple[tuple[str, str, int], ...],
) -> dict[str, Any]:
    """Give an estimate over lines of (words, amount, days until its service date)."""
    from_now = company.parts.tell_sandbox("clock")["now"]
    today = _day(from_now)
    return {
        "CustomerRef": {"value": customer["value"]},
        "DocNumber": number,
        "TxnStatus": "Pending",
        "BillEmail": {"Address": f"c{number[:4]}@example.com"},
        "Line": [
            {
                "DetailType": "SalesItemLineDetail",
                "Amount": Decimal(amount),
                "Description": words,
                "SalesItemLineDetail": {
                    "ItemRef": {"value": company.item_id},
                    "TaxCodeRef": {"value": "NON"},
                    "ServiceDate": str(today + timedelta(days=days)),
                },
            }
            for words, amount, days in lines
        ],
    }


def _day(moment: str) -> date:
    return datetime.fromisoformat(moment).date()
