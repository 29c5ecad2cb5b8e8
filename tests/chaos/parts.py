"""Every process of an installation, each in a group of its own, with a fault proxy before each
service.

Services and roles are run by `sync/supervisor.py`, as `up` runs them, except that nobody reports a
worker's death to the ledger: as where an orchestrator restarts containers.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg

from config.settings import Settings, environment, make_settings
from sync import embedded
from sync.fail_points import VARIABLE
from sync.store.database import migrate
from sync.supervisor import Child, Supervisor, started
from sync.up import connect_sandbox
from tests.chaos.mail_server import MailServer
from tests.chaos.proxy import Loop, Proxy

ROOT = Path(__file__).parents[2]
_SEED_COMPANY = ROOT / "sandbox" / "companies" / "countertop.json"
_HTTP_TIMEOUT_S = 20.0
#: Every service that may have a proxy before it.
PROXIED = ("postgres", "redis", "sandbox", "mail")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """How big the installation is."""

    folder: Path
    companies: int = 3
    workers: int = 3
    dispatchers: int = 2
    proxied: tuple[str, ...] = PROXIED  #: fewer where the proxies would be measured and not we


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """One process that ended while it should have run."""

    role: str
    pid: int
    at: float
    exit_code: int | None


class Parts:
    """One running installation. Processes are started and watched from the main thread alone: a
    child dies with the thread that started it.
    """

    def __init__(self, wishes: Wishes) -> None:
        """Take the wishes; nothing starts yet."""
        self._wishes = wishes
        self.deaths: list[Death] = []
        self.born: dict[int, int | None] = {}  #: every process id, and when it began
        self.proxies: dict[str, Proxy] = {}
        self._role_env: dict[str, dict[str, str]] = {}
        self._loop = Loop()
        folder = embedded.open_folder(wishes.folder)
        self._supervisor = Supervisor(
            log_folder=folder / "logs", pid_file=folder / "pids.json", on_death=self._note_death
        )
        self.secrets = embedded.open_secrets(folder)
        self.facts: dict[str, Any] = {}

    def start(self) -> None:
        """Start everything and connect every company."""
        folder, known = self._wishes.folder, self.secrets
        self.mail = MailServer(known.mail_port)
        self._supervisor.start(
            embedded.postgres_child(folder, known),
            embedded.redis_child(folder, known),
            self._sandbox_child(),
        )
        embedded.prepare_postgres(known)
        self._start_proxies()
        self.facts = self._sandbox_facts()
        self.settings = self._make_settings(self.facts)
        migrate(make_settings(**self._direct()).owner_url)
        self._supervisor.start(*self._roles())
        self._note_births()
        connect_sandbox(self.settings, self.facts)

    def watch(self) -> None:
        """Start again what died. Call it often."""
        if self._supervisor.watch():
            self._note_births()

    def pids(self) -> dict[str, int]:
        """Give the process id of each role, as it is now."""
        return self._supervisor.pids()

    def arm(self, role: str, words: str) -> None:
        """Arm a fail point (or none, for "") in a role's next process."""
        if words:
            self._role_env[role][VARIABLE] = words
        else:
            self._role_env[role].pop(VARIABLE, None)

    def armed(self, role: str) -> str:
        """Give what a role's next process will have armed."""
        return self._role_env[role].get(VARIABLE, "")

    def stop(self) -> list[str]:
        """End everything; tell what still runs afterwards."""
        self._supervisor.stop()
        for proxy in self.proxies.values():
            proxy.stop()
        if hasattr(self, "mail"):
            self.mail.stop()
        self._loop.stop()
        left = [pid for pid, began in self.born.items() if began and started(pid) == began]
        return [f"process {pid} still runs" for pid in left]

    @contextmanager
    def admin(self) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
        """Give a connection of the server's administrator, past the proxy."""
        url = self.secrets.postgres_url(embedded.ADMIN)
        with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
            yield connection

    def own_settings(self) -> Settings:
        """Give settings for a client inside the test: past every proxy."""
        direct = self._direct()
        return self.settings.model_copy(
            update={
                name: make_settings(**direct).__getattribute__(name)
                for name in ("database_url", "dispatcher_database_url", "owner_database_url")
            }
            | {"redis_url": self.secrets.redis_url}
        )

    def tell_sandbox(self, path: str, body: Any = None, *, method: str = "") -> Any:
        """Ask or tell the sandbox itself."""
        answer = httpx.request(
            method or ("GET" if body is None else "POST"),
            f"http://127.0.0.1:{self.secrets.sandbox_port}/sandbox/{path}",
            json=body,
            trust_env=False,
            timeout=_HTTP_TIMEOUT_S,
        )
        assert answer.is_success, f"{path}: {answer.text[:300]}"
        return answer.json()

    def port(self, service: str) -> int:
        """Give the port under which our processes reach a service."""
        if service in self.proxies:
            return self.proxies[service].port
        return self._real_ports()[service]

    def _real_ports(self) -> dict[str, int]:
        known = self.secrets
        return {
            "postgres": known.postgres_port,
            "redis": known.redis_port,
            "sandbox": known.sandbox_port,
            "mail": known.mail_port,
        }

    def _start_proxies(self) -> None:
        upstream = self._real_ports()
        for name in self._wishes.proxied:
            self.proxies[name] = Proxy(
                self._loop, name, upstream=upstream[name], port=embedded.free_port()
            )

    def _sandbox_facts(self) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self.port('sandbox')}/sandbox/info"
        answer = httpx.get(url, timeout=_HTTP_TIMEOUT_S, trust_env=False)
        facts: dict[str, Any] = answer.raise_for_status().json()
        return facts

    def _direct(self) -> dict[str, Any]:
        known = self.secrets
        return {
            "database_url": known.postgres_url("milestone_app"),
            "owner_database_url": known.postgres_url("milestone_owner"),
            "dispatcher_database_url": known.postgres_url("milestone_dispatcher"),
            "redis_url": known.redis_url,
            "smtp_url": f"smtp://127.0.0.1:{known.mail_port}",
            "secret_key": known.secret_key,
        }

    def _make_settings(self, facts: dict[str, Any]) -> Settings:
        known = self.secrets
        values = self._direct()
        for name in ("database_url", "owner_database_url", "dispatcher_database_url"):
            values[name] = values[name].replace(
                f":{known.postgres_port}/", f":{self.port('postgres')}/"
            )
        values["redis_url"] = known.redis_url.replace(
            f":{known.redis_port}/", f":{self.port('redis')}/"
        )
        values["smtp_url"] = f"smtp://127.0.0.1:{self.port('mail')}"
        named = ("quickbooks_url", "discovery_url", "client_id", "client_secret",
                 "webhook_verifier", "sandbox_url")  # fmt: skip
        return make_settings(
            **values,
            **{name: facts[name] for name in named},
            port=known.web_port,
            web_url=f"http://127.0.0.1:{known.web_port}",
            new_company_mode="auto",
        )

    def _roles(self) -> list[Child]:
        wishes = self._wishes
        names = [f"worker-{n}" for n in range(1, wishes.workers + 1)]
        names += [f"dispatcher-{n}" for n in range(1, wishes.dispatchers + 1)]
        return [self._role(name) for name in (*names, "web")]

    def _role(self, name: str) -> Child:
        env = {**environment(self.settings), "PYTHONPATH": str(ROOT)}
        self._role_env[name] = env
        healthz = f"http://127.0.0.1:{self.secrets.web_port}/healthz"
        return Child(
            role=name,
            command=[sys.executable, "-m", "sync.cli", name.split("-")[0]],
            env=env,
            is_ready=(lambda: answers(healthz)) if name == "web" else (lambda: True),
        )

    def _sandbox_child(self) -> Child:
        folder, port = self._wishes.folder, self.secrets.sandbox_port
        files = [self._company_file(n) for n in range(1, self._wishes.companies + 1)]
        chosen = [word for path in files for word in ("--company", str(path))]
        return Child(
            role="sandbox",
            command=[sys.executable, "-m", "sandbox", "--data", str(folder / "sandbox"),
                     "--port", str(port), *chosen],
            env={"PYTHONPATH": str(ROOT)},
            is_ready=lambda: answers(f"http://127.0.0.1:{port}/sandbox/healthz"),
        )  # fmt: skip

    def _company_file(self, number: int) -> Path:
        """Write a company of its own: the shipped one's lists, without its history."""
        content = json.loads(_SEED_COMPANY.read_text(encoding="utf-8"))
        content |= {"name": f"Chaos Counters {number}", "customers": [], "projects": []}
        content["documents"] = []
        path = self._wishes.folder / f"company-{number}.json"
        path.write_text(json.dumps(content))
        return path

    def _note_death(self, role: str, pid: int) -> None:
        code = self._supervisor.exit_code(role)
        self.deaths.append(Death(role=role, pid=pid, at=time.time(), exit_code=code))

    def _note_births(self) -> None:
        for pid in self.pids().values():
            self.born.setdefault(pid, started(pid))


def answers(url: str) -> bool:
    """Tell whether an address answers 200."""
    try:
        return httpx.get(url, timeout=2, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def until(look: Callable[[], bool], *, timeout_s: float) -> bool:
    """Wait for something to be true; tell whether it became so in time."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if look():
            return True
        time.sleep(0.05)
    return False
