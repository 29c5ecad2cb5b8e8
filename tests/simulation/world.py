"""One seed's world: books, people, processes, queue, time; and the steps in which it goes on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from random import Random

from sqlalchemy import text

import sandbox.companies
from config import schedules_folder
from config.legal import read_legal
from config.settings import Settings
from mapping.numbers import find_marker
from mapping.schedules import Template
from milestone_engine.legal import LegalRule, parse_rules
from sandbox.books import Books
from sandbox.clock import MovableClock, read_time
from sandbox.company import Company
from sandbox.courier import signature
from sandbox.journal import MemoryJournal
from sandbox.notices import cloud_events, legacy
from sandbox.seeds import CompanyFile
from sandbox.tables import Change
from sandbox.values import loads, to_json
from sync import dispatch, inbox, runner
from sync.bootstrap import App, read_templates
from sync.company_watch import CompanyWatch
from sync.connect import begin_consent, finish_consent
from sync.dispatch import Dispatcher
from sync.keys import Keyring
from sync.quickbooks.gateway import Gateway
from sync.quickbooks.tokens import Tokens
from sync.store.database import Database, business_now
from sync.store.tables import ProcessRow, RealmRow
from tests.checker import HistoryChecker, Violation
from tests.simulation.baton import Baton, Strand
from tests.simulation.chance import Chance
from tests.simulation.clock import BooksClock, SimClock, SimTime
from tests.simulation.database import SimDatabase
from tests.simulation.people import Act, People, planned_acts
from tests.simulation.ports import Message, SimIds, SimLimits, SimMail, SimQueue
from tests.simulation.quickbooks import BASE_URL, REDIRECT, SimOAuth, SimQuickBooks

logger = logging.getLogger(__name__)

THREADS_PER_PROCESS = 2
WEB, DISPATCH = "web", "dispatcher"
OURS = "client:app"
#: Every change in QuickBooks is known to us by then: a day's sweep and what its pull takes.
KNOWN_AFTER = timedelta(hours=26)
#: A full answer of the change feed, and a full page, where books are full.
FULL_FEED, FULL_PAGE = 8, 4
#: Faults between Intuit's answer with a new refresh token and our commit.
TOKEN_LOSERS = frozenset(
    {
        "refresh_unanswered_after_rotation", "kill_process", "pause_process",
        "commit_unknown", "connection_lost",
    }
)  # fmt: skip
SUBSCRIBER = "http://milestone-sync.invalid/webhooks/quickbooks"


@dataclass(slots=True)
class Process:
    """One worker process."""

    name: str
    is_paused: bool = False
    paused_until: float = 0.0


@dataclass(slots=True)
class Databases:
    """The three roles on one database; they outlive the worlds."""

    app: SimDatabase
    dispatcher: SimDatabase
    owner: Database
    tables: str  #: all of them, for emptying


@dataclass(slots=True, kw_only=True)
class Side:
    """One company: its books, its people, and its number with us."""

    company: Company
    realm_no: int
    people: People
    judged: int = 0  #: rows of its history that the checker has seen


@dataclass(frozen=True, slots=True)
class Shrunk:
    """What is left out of a run."""

    faults: frozenset[tuple[str, int]] = frozenset()
    acts: frozenset[int] = frozenset()


class World:
    """Everything there is, for one seed."""

    def __init__(self, seed: int, databases: Databases, *, steps: int, without: Shrunk) -> None:
        """Found the books, connect the company, plan who does what."""
        self.seed = seed
        self.chance = Chance(seed, without=without.faults)
        self.baton = Baton()
        self.databases = databases
        empty(databases)
        self.time = SimTime(databases.owner)
        self.time.move(0, alive=[])
        self._ids = SimIds(self.chance.stream("ids"))
        self.books = Books(MemoryJournal(), clock=MovableClock(self.time), ids=self._ids)
        self.books.found([countertop()] * self.chance.stream("companies").choice([1, 1, 1, 2]))
        self._configure(self.chance.stream("settings"))
        self.later: list[tuple[float, Callable[[], object]]] = []
        self.quickbooks = SimQuickBooks(
            self.books, self.baton, self.chance, self.time, self.do_later
        )
        self.mail = SimMail(self.baton, self.chance)
        self.queue = SimQueue(self.baton, self.chance, self.time)
        databases.app.attach(self.baton, self.chance, self._committed)
        databases.dispatcher.attach(self.baton, self.chance, lambda: None)
        self.oauth = SimOAuth(self.books, self.baton, self.chance)
        self.app = self._app()
        self.checker = HistoryChecker(OURS, is_strict=self.is_strict)
        self.violations: list[Violation] = []
        self.is_stirred = True  #: something was committed since the dispatcher last looked
        self.processes: list[Process] = []
        self._process_count = 0
        self.dispatcher = self._new_dispatcher()
        self._revoked: set[str] = set()
        self._is_retold: list[tuple[float, list[dict[str, object]]]] = []
        self.sides = [
            self._side(company, seed * 2 + place)
            for place, company in enumerate(self.books.companies.values())
        ]
        self.quickbooks.meddle = self._meddle
        #: Some worlds have a company that never answers again; the others must not feel it.
        self.broken: Side | None = None
        if len(self.sides) > 1 and self.chance.stream("broken").random() < 0.4:
            self.broken = self.sides[0]
            self.quickbooks.is_down.add(self.broken.company.realm_id)
        for _ in range(self.chance.order.choice([1, 2, 2, 3])):
            self.start_process()
        self.acts = [
            one
            for one in planned_acts(seed, steps=steps, sides=len(self.sides))
            if one.number not in without.acts
        ]

    # --- building

    def _configure(self, chance: Random) -> None:
        """What nobody knows of QuickBooks is one way in some worlds, the other in others."""
        self.books.set(
            {
                "remember_requests_s": chance.choice([0, 1, 60, 500]),
                "refuse_duplicate_numbers": chance.random() < 0.7,
                "refresh_grace": chance.random() < 0.6,
                "cdc_inclusive": chance.random() < 0.7,
                "cdc_newest_first": chance.random() < 0.3,
                "merge_touches_documents": chance.random() < 0.5,
                "remember_refusals": chance.random() < 0.3,
                "rate_limits": False,
            }
        )
        self.is_strict = self.books.settings.remember_requests_s == 0
        #: In some books every answer is full: then pages and cuts are what is tried.
        self.is_full = chance.random() < 0.2
        if self.is_full:
            self.books.set({"cdc_limit": FULL_FEED})
        self.mode = chance.choice([*["auto"] * 13, *["approve"] * 5, "observe"])

    def _app(self) -> App:
        settings = Settings(
            database_url="postgresql://simulation",
            dispatcher_database_url="postgresql://simulation",
            owner_database_url="postgresql://simulation",
            redis_url="redis://simulation",
            smtp_url="smtp://simulation",
            secret_key="k" * 40,  # type: ignore[arg-type]
            quickbooks_url=BASE_URL,
            client_id="simulation",
            client_secret="simulation",  # type: ignore[arg-type]
            webhook_verifier=self.books.webhook_verifier,  # type: ignore[arg-type]
            web_url=REDIRECT.removesuffix("/oauth/callback"),
            new_company_mode=self.mode,
            zone="America/Denver",
        )
        clock = SimClock(self.time, self.baton)
        keyring = Keyring("k" * 40)
        database = self.databases.app
        watch = CompanyWatch(web_url=settings.web_url, reads_per_month=settings.reads_per_month)
        tokens = Tokens(
            database=database,
            keyring=keyring,
            oauth=self.oauth,  # type: ignore[arg-type]
            clock=clock,
            watch=watch,
        )
        gateway = Gateway(
            transport=self.quickbooks,
            tokens=tokens,
            limits=SimLimits(),
            database=database,
            base_url=BASE_URL,
            clock=clock,
            watch=watch,
        )
        return App(
            settings=settings,
            database=database,
            keyring=keyring,
            oauth=self.oauth,  # type: ignore[arg-type]
            tokens=tokens,
            gateway=gateway,
            mail=self.mail,
            ids=self._ids,
            clock=clock,
            watch=watch,
            templates=_templates(),
            legal=_legal(),
        )

    def _side(self, company: Company, seed: int) -> Side:
        realm_no = self._connect(company.realm_id)
        people = People(company=company, app=self.app, realm_no=realm_no, seed=seed)
        return Side(company=company, realm_no=realm_no, people=people)

    def _connect(self, realm_id: str) -> int:
        """Go through the consent as a person would."""
        was_calm, self.chance.is_calm = self.chance.is_calm, True
        state = begin_consent(self.app, browser="browser").partition("state=")[2]
        code = self.oauth.consent(realm_id)
        realm_no = finish_consent(
            self.app, browser="browser", state=state, code=code, realm_id=realm_id
        )
        self.chance.is_calm = was_calm
        if not self.books.outbox.subscriptions:
            self.books.outbox.register(SUBSCRIBER, "cloudevents")
        return realm_no

    def reconnect(self) -> bool:
        """Have a person connect the companies again that need it."""
        with self.databases.owner.begin() as session:
            lost = set(
                session.scalars(text("SELECT realm_no FROM realm WHERE state <> 'connected'"))
            )
        for side in self.sides:
            if side.realm_no in lost and side is not self.broken:
                if self._grant_works(side):
                    said = f"company {side.realm_no} was given up though its grant works"
                    self.violations.append(Violation(rule="tokens", message=said))
                if not self._is_loss_explained(side):
                    said = f"company {side.realm_no} lost its grant, and nothing had happened to it"
                    self.violations.append(Violation(rule="tokens", message=said))
                self._connect(side.company.realm_id)
        return bool(lost - {self.broken.realm_no if self.broken else 0})

    def _is_loss_explained(self, side: Side) -> bool:
        """Tell whether the owner took our access away, or a renewed token may have been lost on its
        way into our database.
        """
        fired = {kind for kind, _ in self.chance.fired}
        return side.company.realm_id in self._revoked or not fired.isdisjoint(TOKEN_LOSERS)

    def _grant_works(self, side: Side) -> bool:
        """Tell whether QuickBooks would renew the token that we hold."""
        with self.databases.app.begin(side.realm_no) as session:
            row = session.get_one(RealmRow, side.realm_no)
        token = self.app.tokens.refresh_token(row)
        grants, now = self.books.grants, self.books.clock.now()
        grant = grants._grants.get(grants._by_refresh.get(token or "", ""))
        if grant is None or grants._is_dead(grant, now):
            return False
        return token == grant.refresh_token or dict(grant.superseded).get(str(token), now) > now

    def _new_dispatcher(self) -> Dispatcher:
        return Dispatcher(
            database=self.databases.dispatcher,
            wake_queue=self.queue,
            outside_clock=BooksClock(self.books),
            clock=SimClock(self.time, self.baton),
        )

    def start_process(self) -> None:
        """Start a worker process."""
        self._process_count += 1
        name = f"worker-{self._process_count}"
        with self.databases.owner.begin() as session:
            row = {"role": "worker", "host": "simulation", "pid": self._process_count}
            session.add(
                ProcessRow(
                    process_id=name, started_at=self.time.now(), seen_at=self.time.now(), **row
                )
            )
        self.processes.append(Process(name))

    # --- time

    def do_later(self, delay_s: float, what: Callable[[], object]) -> None:
        """Note what happens without us, such as QuickBooks' finishing a call that we gave up."""
        self.later.append((self.time.elapsed_s + delay_s, what))

    def pass_time(self, seconds: float) -> None:
        """Let time pass; what was to happen meanwhile happens."""
        alive = [one.name for one in self.processes if not one.is_paused]
        self.time.move(seconds, alive=alive)
        due = sorted((one for one in self.later if one[0] <= self.time.elapsed_s), key=_when)
        self.later = [one for one in self.later if one[0] > self.time.elapsed_s]
        for _, what in due:
            what()
        for process in self.processes:
            if process.is_paused and process.paused_until <= self.time.elapsed_s:
                process.is_paused = False
        self.is_stirred = True

    # --- processes

    def kill_process(self, process: Process) -> None:
        """SIGKILL: all of its threads end where they stand; sometimes somebody notes it."""
        for strand in [one for one in self.baton.strands if one.process == process.name]:
            self.baton.crash(strand)
        self.processes.remove(process)
        if self.chance.order.random() < 0.5:
            with self.databases.owner.begin() as session:
                session.execute(
                    text("UPDATE process SET gone_at = :now WHERE process_id = :name"),
                    {"now": self.time.now(), "name": process.name},
                )
        self.start_process()
        self.is_stirred = True

    def runnable(self) -> list[Strand]:
        """Give the strands that could go on now."""
        paused = {one.name for one in self.processes if one.is_paused}
        return [
            one
            for one in self.baton.strands
            if one.until <= self.time.elapsed_s and one.process not in paused
        ]

    def deliver(self) -> bool:
        """Hand one wake-up to a process with a free thread."""
        ready = self.queue.ready()
        free = [
            one
            for one in self.processes
            if not one.is_paused
            and sum(strand.process == one.name for strand in self.baton.strands)
            < THREADS_PER_PROCESS
        ]
        if not ready or not free:
            return False
        message: Message = self.chance.order.choice(ready)
        self.queue.messages.remove(message)
        process = self.chance.order.choice(free)

        def body() -> None:
            runner.carry_out(self.app, message.realm_no, message.work_id, process_id=process.name)

        self.baton.start(f"work {message.work_id}", process.name, body)
        return True

    def dispatch(self) -> bool:
        """Let the dispatcher tick, if something moved and it is not at it."""
        if not self.is_stirred or any(one.process == DISPATCH for one in self.baton.strands):
            return False
        self.is_stirred = False
        self.baton.start("tick", DISPATCH, self._tick)
        return True

    def _tick(self) -> None:
        try:
            if self.dispatcher.tick():
                self.is_stirred = True
        except Exception as exc:
            self.is_stirred = True
            logger.info("tick failed: %s", type(exc).__name__)

    def tell(self) -> bool:
        """Deliver webhooks, as badly as the seed has it."""
        if any(one.process == WEB for one in self.baton.strands):
            return False
        again = [one for one in self._is_retold if one[0] <= self.time.elapsed_s]
        if again:
            self._is_retold.remove(again[0])
            self._post(again[0][1])
            return True
        subscription = self.books.outbox.subscriptions[SUBSCRIBER]
        if not subscription.pending:
            return False
        batch = list(subscription.pending)[:10]
        self.books.outbox.acknowledged(SUBSCRIBER, len(batch))
        if self.chance.fires("webhook_lost"):
            return True
        if self.chance.fires("webhook_shuffled"):
            self.chance.order.shuffle(batch)
        if self.chance.fires("webhook_doubled"):
            self._is_retold.append((self.time.elapsed_s + 5, batch))
        self._post(batch)
        return True

    def _post(self, batch: list[dict[str, object]]) -> None:
        is_legacy = self.chance.fires("webhook_legacy")
        body = to_json(legacy(batch) if is_legacy else cloud_events(batch, source="intuit.sim"))
        verifier = self.books.webhook_verifier
        assert inbox.is_signed(body, signature(verifier, body), verifiers=[verifier])

        def receive() -> None:
            is_answered = False
            try:
                inbox.receive(self.app, body)
                is_answered = True
            except Exception as exc:
                logger.info("not stored: %s", type(exc).__name__)
            finally:
                if not is_answered:
                    # Intuit comes again.
                    self._is_retold.append((self.time.elapsed_s + 10, batch))

        self.baton.start("receive", WEB, receive)

    def act(self, act: Act) -> None:
        """Let somebody do something; a lost connection may be noticed first."""
        if self.chance.order.random() < 0.3:
            self.reconnect()
        if act.verb == "wait_hours":
            self.books.advance(f"{self.chance.order.randrange(1, 20)}h")
        elif act.verb == "wait_days":
            self.books.advance(f"{self.chance.order.choice([1, 1, 2, 3, 7, 14])}d")
        elif act.verb == "revoke_grant":
            self.revoke(self.sides[act.side].company.realm_id)
        elif act.verb == "absence":
            # Away for longer than the change feed remembers; whoever acts next may bring us back.
            self.revoke(self.sides[act.side].company.realm_id)
            self.books.advance("40d")
        else:
            self.sides[act.side].people.act(act)
        self.is_stirred = True

    def _meddle(self, realm_id: str, invoice_id: str) -> None:
        side = next(one for one in self.sides if one.company.realm_id == realm_id)
        side.people.meddle(invoice_id)
        self.is_stirred = True

    def approve_all(self) -> bool:
        """Have the contractors say yes to everything; tell whether anything waited."""
        return sum(side.people.approve_all() for side in self.sides) > 0

    def revoke(self, realm_id: str) -> None:
        """The owner takes our access away in QuickBooks."""
        self._revoked.add(realm_id)
        for grant in list(self.books.grants._grants.values()):
            if grant.realm_id == realm_id:
                self.books.grants._revoke(grant.id)

    def moments(self) -> list[float]:
        """Give the moments at which something goes on by itself, outside of the database."""
        return [
            *(one.until for one in self.baton.strands),
            *(one.not_before for one in self.queue.messages),
            *(at for at, _ in self.later),
            *(at for at, _ in self._is_retold),
            *(one.paused_until for one in self.processes if one.is_paused),
        ]

    def is_busy(self) -> bool:
        """Tell whether anything is under way."""
        if self.baton.strands or self.queue.messages or self.later or self._is_retold:
            return True
        if self.books.outbox.subscriptions[SUBSCRIBER].pending:
            return True
        with self.databases.dispatcher.begin() as session:
            behind = self.books.clock.now() - business_now(session)
            return behind > timedelta(seconds=2) or dispatch.is_busy(session)

    # --- judging

    def look(self) -> None:
        """Feed what is new in the history to the checker."""
        for side in self.sides:
            history = side.company.tables.history
            for change in history[side.judged :]:
                self.checker.feed(_row(side.company.realm_id, change))
                if (change.actor, change.operation, change.entity) == (OURS, "Create", "Invoice"):
                    self._judge_age(side, change)
            side.judged = len(history)

    def _judge_age(self, side: Side, change: Change) -> None:
        """What was rejected longer ago than any sweep may take is not invoiced any more."""
        marker = find_marker(str((change.after or {}).get("PrivateNote") or ""))
        asked = text("SELECT estimate_id FROM job WHERE (realm_no, job_id) = (:realm_no, :job_id)")
        with self.databases.owner.begin() as session:
            job = {"realm_no": side.realm_no, "job_id": marker.job_id if marker else 0}
            estimate_id = session.execute(asked, job).scalar()
        estimate = side.company.tables.rows["Estimate"].get(str(estimate_id))
        if estimate is None or estimate.get("TxnStatus") != "Rejected":
            return
        age = self.books.clock.now() - read_time(str(estimate["MetaData"]["LastUpdatedTime"]))
        if age > KNOWN_AFTER:
            said = f"invoice {change.id} for estimate {estimate_id}, rejected {age} ago"
            self.violations.append(Violation(rule="stale", seq=change.seq, message=said))

    def _committed(self) -> None:
        self.is_stirred = True


def countertop() -> CompanyFile:
    """Give the countertop company without its documents."""
    path = Path(sandbox.companies.__file__).parent / "countertop.json"
    content = loads(path.read_bytes())
    content |= {"documents": [], "customers": [], "projects": []}
    return CompanyFile(name=content["name"], content=content, source="simulation")


def _row(realm_id: str, change: Change) -> dict[str, object]:
    return {
        "seq": change.seq,
        "realm_id": realm_id,
        "actor": change.actor,
        "operation": change.operation,
        "entity": change.entity,
        "id": change.id,
        "before": change.before,
        "after": change.after,
    }


def empty(databases: Databases) -> None:
    """Bring the database back to the state of a fresh installation."""
    with databases.owner.begin() as session:
        session.execute(text(f"TRUNCATE {databases.tables} RESTART IDENTITY CASCADE"))
        session.execute(text("INSERT INTO business_clock DEFAULT VALUES"))
        session.execute(text("INSERT INTO sim_clock VALUES (now())"))
        session.execute(text("ALTER SEQUENCE work_token RESTART"))


def _when(one: tuple[float, Callable[[], object]]) -> float:
    return one[0]


@cache
def _templates() -> Sequence[Template]:
    return read_templates(schedules_folder())


@cache
def _legal() -> Sequence[LegalRule]:
    return parse_rules(read_legal())
