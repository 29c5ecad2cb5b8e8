"""The composition root: Settings -> App. The one place that builds clients; nothing is built at
import.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import yaml

from config import schedules_folder
from config.legal import read_legal
from config.settings import Settings
from mapping.schedules import Template, parse_template
from milestone_engine.legal import LegalRule, parse_rules
from sync.company_watch import CompanyWatch
from sync.keys import Keyring
from sync.mail.smtp import SmtpTransport
from sync.ports import CallLimits, Clock, Ids, MailTransport, OutsideClock, QuickBooksTransport
from sync.quickbooks.gateway import Gateway
from sync.quickbooks.limits import Limits
from sync.quickbooks.oauth import OAuth
from sync.quickbooks.tokens import Tokens
from sync.quickbooks.transport import HttpTransport
from sync.store.database import Database

#: How long the sandbox may take to tell its time.
CLOCK_TIMEOUT_S = 1.0


class RandomIds:
    """Identifiers by chance."""

    def request_id(self) -> str:
        """Give 32 hexadecimal digits."""
        return uuid.uuid4().hex


class SystemClock:
    """The machine's own clock."""

    def monotonic(self) -> float:
        """Give the seconds since the machine started, or so."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class SandboxClock:
    """The sandbox's movable clock, asked over HTTP."""

    def __init__(self, sandbox_url: str) -> None:
        """Take the sandbox's address."""
        self._client = httpx.Client(base_url=sandbox_url, timeout=CLOCK_TIMEOUT_S, trust_env=False)

    def now(self) -> datetime | None:
        """Tell its time in UTC, or None while it does not answer."""
        try:
            answer = self._client.get("/sandbox/clock").raise_for_status().json()
            return datetime.fromisoformat(answer["now"]).astimezone(UTC)
        except (httpx.HTTPError, ValueError, KeyError):
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """Everything a use case needs, built once per process."""

    settings: Settings
    database: Database
    keyring: Keyring
    oauth: OAuth
    tokens: Tokens
    gateway: Gateway
    mail: MailTransport
    ids: Ids
    clock: Clock
    templates: Sequence[Template]
    legal: Sequence[LegalRule]
    watch: CompanyWatch

    def close(self) -> None:
        """Let go of every connection."""
        self.database.close()
        self.gateway.close()


def build_app(
    settings: Settings,
    *,
    transport: QuickBooksTransport | None = None,
    mail: MailTransport | None = None,
    ids: Ids | None = None,
    limits: CallLimits | None = None,
    clock: Clock | None = None,
) -> App:
    """Build the App; ports that are not given are the real ones."""
    clock = clock or SystemClock()
    database = Database(settings.database_url, pool_size=settings.threads + 4)
    keyring = Keyring(*settings.secret_keys)
    oauth = OAuth(
        client_id=settings.client_id,
        client_secret=settings.client_secret.get_secret_value(),
        discovery_url=settings.discovery_url,
        redirect_uri=f"{settings.web_url}/oauth/callback",
    )
    watch = CompanyWatch(web_url=settings.web_url, reads_per_month=settings.reads_per_month)
    tokens = Tokens(database=database, keyring=keyring, oauth=oauth, clock=clock, watch=watch)
    gateway = Gateway(
        transport=transport or HttpTransport(),
        tokens=tokens,
        limits=limits or Limits(settings.redis_url, database=database, clock=clock),
        database=database,
        base_url=settings.quickbooks_url,
        clock=clock,
        watch=watch,
    )
    return App(
        settings=settings,
        database=database,
        keyring=keyring,
        oauth=oauth,
        tokens=tokens,
        gateway=gateway,
        mail=mail or SmtpTransport(settings.smtp_url),
        ids=ids or RandomIds(),
        clock=clock,
        templates=read_templates(settings.schedules or schedules_folder()),
        legal=parse_rules(read_legal()),
        watch=watch,
    )


def outside_clock(settings: Settings) -> OutsideClock | None:
    """Give the clock that the business clock follows, if one is set."""
    return SandboxClock(settings.sandbox_url) if settings.sandbox_url else None


def read_templates(folder: Path) -> Sequence[Template]:
    """Read the schedule templates of a folder, in the order of their file names."""
    return tuple(
        parse_template(yaml.safe_load(path.read_text(encoding="utf-8")), name=path.stem)
        for path in sorted(folder.glob("*.yaml"))
    )
