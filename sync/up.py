"""`up`: everything on this machine. Starts what no address is set for, keeps it running, and says
where it is.

`run.json` in the data folder is how other commands find a running one.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from config.settings import Settings, environment, make_settings
from sync import embedded
from sync.embedded import Secrets, write_private
from sync.keys import Keyring
from sync.runner import mark_gone
from sync.store import realms
from sync.store.database import Database, migrate
from sync.supervisor import Child, Supervisor, end_leftovers, is_alive, started

logger = logging.getLogger(__name__)

WORKERS = 2
#: Between two looks at the children.
WATCH_S = 0.1
HTTP_TIMEOUT_S = 20.0


class UpError(Exception):
    """`up` cannot start. The message says why, in one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the command line asked for."""

    folder: Path
    with_sandbox: bool
    companies: tuple[Path, ...] = ()


class Up:
    """One running installation on this machine."""

    def __init__(self, wishes: Wishes) -> None:
        """Take the wishes; nothing starts yet."""
        self._wishes = wishes
        self._folder = embedded.open_folder(wishes.folder)
        self._is_ours = not os.environ.get("DATABASE_URL")
        self._supervisor = Supervisor(
            log_folder=self._folder / "logs",
            pid_file=self._folder / "pids.json",
            on_death=self._note_death,
        )
        self._settings: Settings | None = None
        self._database: Database | None = None
        self._lock: IO[str] | None = None
        self.facts: dict[str, Any] = {}

    @property
    def settings(self) -> Settings:
        """The settings under which everything runs, once it does."""
        assert self._settings is not None
        return self._settings

    def start(self) -> None:
        """Start everything and wait until it is ready.

        Raises:
            UpError: another one runs on this folder.
            EmbeddedError, SupervisorError: a part did not start.
        """
        self._take_folder()
        end_leftovers(self._folder / "pids.json")
        known = embedded.open_secrets(self._folder)
        # A wrong setting is said before anything has been started.
        self._make_settings(known, {})
        self._supervisor.start(*self._services(known))
        if self._is_ours:
            embedded.prepare_postgres(known)
        sandbox = self._sandbox_facts(known) if self._wishes.with_sandbox else {}
        self._settings = self._make_settings(known, sandbox)
        migrate(self._settings.owner_url)
        self._database = Database(self._settings.dispatcher_url, pool_size=2, name="up")
        self._supervisor.start(*self._roles(self._settings))
        if sandbox:
            connect_sandbox(self._settings, sandbox)
        self.facts = self._facts(known, sandbox)
        self._write_run()

    def _take_folder(self) -> None:
        """Take the folder for this process alone; the kernel gives it back when we end, however."""
        lock = (self._folder / "up.lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise UpError(f"already running on {self._folder}") from None
        self._lock = lock

    def watch(self, stop: threading.Event) -> None:
        """Restart what dies until told to stop."""
        while not stop.wait(WATCH_S):
            if self._supervisor.watch():
                self.facts["pids"] = self._pids()
                self._write_run()

    def stop(self) -> None:
        """End everything that was started; what another process started is left alone."""
        if self._lock is None:
            return
        (self._folder / "run.json").unlink(missing_ok=True)
        if self._database is not None:
            self._database.close()
        self._supervisor.stop()
        (self._folder / "up.lock").unlink(missing_ok=True)
        self._lock.close()
        self._lock = None

    def _services(self, known: Secrets) -> list[Child]:
        services = []
        if self._is_ours:
            services.append(embedded.postgres_child(self._folder, known))
        if not os.environ.get("REDIS_URL"):
            services.append(embedded.redis_child(self._folder, known))
        if not os.environ.get("SMTP_URL"):
            services.append(_mail_child(self._folder, known))
        if self._wishes.with_sandbox:
            services.append(_sandbox_child(self._folder, known, self._wishes.companies))
        return services

    def _sandbox_facts(self, known: Secrets) -> dict[str, Any]:
        answer = httpx.get(
            f"{_sandbox_url(known)}/sandbox/info", timeout=HTTP_TIMEOUT_S, trust_env=False
        )
        facts: dict[str, Any] = answer.raise_for_status().json()
        return facts

    def _make_settings(self, known: Secrets, sandbox: Mapping[str, Any]) -> Settings:
        port = os.environ.get("MILESTONE_SYNC_PORT") or known.web_port
        values: dict[str, Any] = {
            "redis_url": os.environ.get("REDIS_URL") or known.redis_url,
            "smtp_url": os.environ.get("SMTP_URL") or f"smtp://127.0.0.1:{known.mail_port}",
            "database_url": os.environ.get("DATABASE_URL"),
            "secret_key": os.environ.get("MILESTONE_SYNC_SECRET_KEY") or known.secret_key,
            "port": port,
            "web_url": os.environ.get("MILESTONE_SYNC_WEB_URL") or f"http://127.0.0.1:{port}",
        }
        if self._is_ours:
            values |= {
                "database_url": known.postgres_url("milestone_app"),
                "owner_database_url": known.postgres_url("milestone_owner"),
                "dispatcher_database_url": known.postgres_url("milestone_dispatcher"),
            }
        if sandbox:
            values |= {
                "quickbooks_url": sandbox["quickbooks_url"],
                "discovery_url": sandbox["discovery_url"],
                "client_id": sandbox["client_id"],
                "client_secret": sandbox["client_secret"],
                "webhook_verifier": sandbox["webhook_verifier"],
                "sandbox_url": sandbox["sandbox_url"],
                "new_company_mode": "auto",
            }
        return make_settings(**values)

    def _roles(self, settings: Settings) -> list[Child]:
        env = environment(settings)
        workers = [_role_child("worker", env, name=f"worker-{n}") for n in range(1, WORKERS + 1)]
        here = f"http://127.0.0.1:{settings.port}"
        web = _role_child("web", env, ready_url=f"{here}/healthz")
        return [web, _role_child("dispatcher", env), *workers]

    def _facts(self, known: Secrets, sandbox: Mapping[str, Any]) -> dict[str, Any]:
        assert self._settings is not None
        named = ("quickbooks_url", "discovery_url", "sandbox_url", "realm_id", "client_id",
                 "client_secret", "access_token", "refresh_token", "webhook_verifier",
                 "companies")  # fmt: skip
        admin = known.postgres_url(embedded.ADMIN) if self._is_ours else self._settings.database_url
        return {
            **{name: sandbox[name] for name in named if name in sandbox},
            "web_url": self._settings.web_url,
            "database_url": admin,
            "redis_url": self._settings.redis_url,
            "data_dir": str(self._folder),
            "mail_dir": str(self._folder / "mail"),
            "pids": self._pids(),
        }

    def _pids(self) -> dict[str, int]:
        return {"up": os.getpid(), **self._supervisor.pids()}

    def _write_run(self) -> None:
        assert self._settings is not None
        run = {
            "pid": os.getpid(),
            "began": started(os.getpid()),
            "environment": environment(self._settings),
            "facts": self.facts,
        }
        write_private(self._folder / "run.json", json.dumps(run, indent=1))

    def _note_death(self, role: str, pid: int) -> None:
        """Tell the ledger that a worker is gone, so that its work need not wait for silence."""
        if not role.startswith("worker") or self._database is None:
            return
        try:
            with self._database.begin() as session:
                mark_gone(session, pid=pid)
        except Exception as exc:
            logger.warning("child.not_marked", extra={"error_class": type(exc).__name__})


def read_run(folder: Path) -> dict[str, Any] | None:
    """Give what a running `up` wrote about itself, or None if none runs on this folder."""
    try:
        run: dict[str, Any] = json.loads((folder / "run.json").read_text())
    except (OSError, ValueError):
        return None
    return run if is_alive(run["pid"], run["began"]) else None


def _python(*arguments: str) -> list[str]:
    return [sys.executable, "-m", *arguments]


def _role_child(role: str, env: Mapping[str, str], *, name: str = "", ready_url: str = "") -> Child:
    return Child(
        role=name or role,
        command=_python("sync.cli", role),
        env=env,
        is_ready=(lambda: _answers(ready_url)) if ready_url else (lambda: True),
    )


def _mail_child(folder: Path, known: Secrets) -> Child:
    (folder / "mail").mkdir(exist_ok=True)
    port = str(known.mail_port)
    return Child(
        role="mail",
        command=_python("sync.mail.catcher", "--port", port, "--folder", str(folder / "mail")),
        is_ready=lambda: not embedded.is_free(known.mail_port),
    )


def _sandbox_child(folder: Path, known: Secrets, companies: tuple[Path, ...]) -> Child:
    chosen = [word for path in companies for word in ("--company", str(path.resolve()))]
    port = str(known.sandbox_port)
    return Child(
        role="sandbox",
        command=_python("sandbox", "--data", str(folder / "sandbox"), "--port", port, *chosen),
        is_ready=lambda: _answers(f"{_sandbox_url(known)}/sandbox/healthz"),
    )


def _sandbox_url(known: Secrets) -> str:
    return f"http://127.0.0.1:{known.sandbox_port}"


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def connect_sandbox(settings: Settings, sandbox: Mapping[str, Any]) -> None:
    """Let ourselves into the sandbox's companies as a person would: by its consent page."""
    with httpx.Client(timeout=HTTP_TIMEOUT_S, trust_env=False) as browser:
        admin, web = sandbox["sandbox_url"], settings.web_url
        browser.post(
            f"{admin}/sandbox/apps/redirects", json={"redirect_uri": f"{web}/oauth/callback"}
        ).raise_for_status()
        browser.post(
            f"{admin}/sandbox/webhooks", json={"url": f"{web}/webhooks/quickbooks"}
        ).raise_for_status()
        keyring = Keyring(*settings.secret_keys)
        database = Database(settings.database_url, pool_size=1, name="up")
        for company in sandbox["companies"]:
            if not _is_connected(database, keyring.realm_hash(company["realm_id"])):
                _consent(browser, web, company["realm_id"])
        database.close()


def _consent(browser: httpx.Client, web: str, realm_id: str) -> None:
    page = browser.get(f"{web}/connect")
    consent = urlsplit(page.headers.get("location", ""))
    if page.status_code != 302:
        raise UpError(f"cannot begin to connect: {page.text[:200]}")
    decided = browser.post(
        f"{consent.scheme}://{consent.netloc}{consent.path}",
        data={**dict(parse_qsl(consent.query)), "realm_id": realm_id, "decision": "accept"},
    )
    back = browser.get(decided.headers["location"])
    if "result=ok" not in back.headers.get("location", ""):
        raise UpError(f"the sandbox's company {realm_id} could not be connected")


def _is_connected(app_database: Database, realm_hash: bytes) -> bool:
    with app_database.begin(lookup=realm_hash) as session:
        realm = realms.by_hash(session, realm_hash)
        return realm is not None and realm.state == "connected"
