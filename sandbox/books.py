"""Everything one sandbox keeps: its companies, its client, tokens, clock, switches and waiting
webhooks, in one journal.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from sandbox.clock import Clock, FixedClock, MovableClock, step_seconds, today
from sandbox.company import Company
from sandbox.errors import SandboxError
from sandbox.grants import Grants
from sandbox.ids import Ids, RandomIds
from sandbox.journal import FileJournal, Journal
from sandbox.outbox import Outbox
from sandbox.seeds import CompanyFile, plant, read_company_file
from sandbox.settings import Settings, changed
from sandbox.values import Document

#: The first company's realm id; the next ones count on.
FIRST_REALM = 9341450000000001


class Books:
    """All state of one sandbox. Hold `lock` while calling it from several threads."""

    def __init__(
        self, journal: Journal, *, clock: MovableClock | None = None, ids: Ids | None = None
    ) -> None:
        """Make empty books on a journal; `open_books()` is the usual way in."""
        self.lock = threading.RLock()
        self.clock = clock or MovableClock()
        self.settings = Settings()
        self.companies: dict[str, Company] = {}
        self.client_id = ""
        self.client_secret = ""
        self.webhook_verifier = ""
        self.redirect_uris: list[str] = []
        self.on_change: Callable[[], None] = _nothing
        self._standing: dict[str, str] = {}
        self._journal = journal
        self._ids = ids or RandomIds()
        self._founding: list[Document] | None = None
        self.grants = Grants(
            clock=self.clock, ids=self._ids, settings=lambda: self.settings, record=self._record
        )
        self.outbox = Outbox(record=self._record)

    @property
    def is_open(self) -> bool:
        """Tell whether the books have been opened once: they have a client and companies."""
        return bool(self.client_id)

    def first_company(self) -> Company:
        """Return the company that the printed facts name."""
        return next(iter(self.companies.values()))

    def advance(self, step: str) -> None:
        """Move the clock forward by a step such as `7d`.

        Raises:
            ValueError: the step does not read.
        """
        self._record({"kind": "clock", "offset_s": self.clock.offset_s + step_seconds(step)})

    def set(self, wishes: Document) -> None:
        """Change switches.

        Raises:
            SettingError: unknown switch or wrong value.
        """
        changed(self.settings, wishes)
        self._record({"kind": "settings", "wishes": wishes})

    def add_redirect(self, uri: str) -> None:
        """Register a redirect URI of the client; the consent page accepts exactly these."""
        if uri not in self.redirect_uris:
            self._record({"kind": "redirect", "uri": uri})

    def found(self, files: Sequence[CompanyFile]) -> None:
        """Open the books for the first time: keys, companies, their documents, as one record."""
        self._founding = []
        keys = {
            "client_id": self._ids.token("AB"),
            "client_secret": self._ids.token(""),
            "webhook_verifier": self._ids.token(""),
        }
        self._record({"kind": "client", **keys})
        for number, file in enumerate(files):
            self._found_company(str(FIRST_REALM + number), file)
        records, self._founding = self._founding, None
        self._journal.append({"kind": "founded", "records": records})

    def facts(self, base_url: str) -> Document:
        """Return what a client needs to know to connect."""
        first = self.first_company().realm_id
        companies = [self._company_facts(company) for company in self.companies.values()]
        return {
            "quickbooks_url": f"{base_url}/v3",
            "discovery_url": f"{base_url}/.well-known/openid_sandbox_configuration",
            "sandbox_url": base_url,
            "realm_id": first,
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "access_token": companies[0]["access_token"],
            "refresh_token": companies[0]["refresh_token"],
            "webhook_verifier": self.webhook_verifier,
            "companies": companies,
        }

    def object_of(self, event: Document) -> Document:
        """Return the object that an event is about, as it stands now; nothing if it is gone."""
        company = self.companies[event["realm_id"]]
        document = company.tables.find(event["entity"], event["entity_id"])
        return {} if document is None else company.render(event["entity"], document)

    def apply(self, record: Document) -> None:
        """Take a record over, whether just made or read from the journal."""
        match record["kind"]:
            case "founded":
                for row in record["records"]:
                    self.apply(row)
            case "client":
                self.client_id = record["client_id"]
                self.client_secret = record["client_secret"]
                self.webhook_verifier = record["webhook_verifier"]
            case "company":
                self.companies[record["realm_id"]] = self._company(
                    record["realm_id"], record["name"], self.clock
                )
                self._standing[record["realm_id"]] = record["standing_token"]
            case "change":
                self.companies[record["realm_id"]].apply(record)
                self.outbox.put(record["events"])
            case "oauth":
                self.grants.apply(record)
            case "webhook":
                self.outbox.apply(record)
            case "clock":
                self.clock.moved_to(record["offset_s"])
            case "settings":
                self.settings = changed(self.settings, record["wishes"])
            case "redirect":
                self.redirect_uris.append(record["uri"])
            case kind:
                raise SandboxError(
                    f"the journal has a record of kind {kind!r}, which this version does not know"
                )

    def _record(self, record: Document) -> None:
        """Journal a record, then let it count."""
        with self.lock:
            if self._founding is not None:
                self._founding.append(record)
            else:
                self._journal.append(record)
            self.apply(record)
        self.on_change()

    def _company(self, realm_id: str, name: str, clock: Clock) -> Company:
        return Company(
            realm_id=realm_id,
            name=name,
            clock=clock,
            ids=self._ids,
            settings=lambda: self.settings,
            record=self._record,
        )

    def _found_company(self, realm_id: str, file: CompanyFile) -> None:
        token = self._ids.token("standing-")
        self._record(
            {"kind": "company", "realm_id": realm_id, "name": file.name, "standing_token": token}
        )
        company = self.companies[realm_id]
        now = self.clock.now()
        company.clock = past = FixedClock(now)
        plant(company, file, clock=past, today=today(now))
        company.clock = self.clock
        self.grants.stand(token=token, realm_id=realm_id)
        self.grants.open_grant(id=f"standing-{realm_id}", realm_id=realm_id)

    def _company_facts(self, company: Company) -> Document:
        return {
            "realm_id": company.realm_id,
            "name": company.name,
            "access_token": self._standing[company.realm_id],
            "refresh_token": self.grants.standing_refresh_token(
                grant_id=f"standing-{company.realm_id}", realm_id=company.realm_id
            ),
        }


def open_books(data_dir: Path, companies: Iterable[Path]) -> tuple[Books, FileJournal]:
    """Open the books of a folder; the first time with companies from files, later with what is
    there.

    Raises:
        JournalError: the folder is in use, or its journal is damaged.
        SeedError: a company file is wrong.
    """
    journal = FileJournal(data_dir)
    try:
        books = Books(journal)
        for record in journal.replay():
            books.apply(record)
        if not books.is_open:
            books.found([read_company_file(path) for path in companies])
    except BaseException:
        journal.close()
        raise
    return books, journal


def month_of(at: datetime) -> str:
    """Return the month that metering counts by."""
    return f"{at.astimezone(UTC):%Y-%m}"


def _nothing() -> None:
    """Stand in for a listener that is not there."""
