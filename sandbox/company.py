"""One company's books: everything a client can do with them, without HTTP.

Every method takes and returns plain dicts in QuickBooks' own shape and raises a `Fault` where
QuickBooks refuses. A write becomes one record: journalled first, applied second, so that the same
code brings the books back after a crash.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import InvalidOperation
from hashlib import sha256

from sandbox.cdc import changed_since, deleted_stub
from sandbox.clock import Clock, answer_time, today
from sandbox.draft import Draft
from sandbox.entities import SPECS, Family, Spec, spec_at
from sandbox.entities.sales import CHANGE_ORDER
from sandbox.errors import Fault, bad_value, not_found, unsupported
from sandbox.files import File, facts_of, kept_file
from sandbox.ids import Ids
from sandbox.query import invalid, read_statement, run
from sandbox.records import change_record, events_of, mail_of
from sandbox.request_memory import Remembered, RequestMemory
from sandbox.rules import ending, entry
from sandbox.rules.entry import current
from sandbox.rules.names import add_project, merge_customers
from sandbox.rules.plain import deposit
from sandbox.rules.special import make_tax_code, tax_service_answer
from sandbox.settings import Settings
from sandbox.shown import shown
from sandbox.tables import Change, Tables
from sandbox.values import Document, to_json

NO_OPTIONS: frozenset[str] = frozenset()

Record = Callable[[Document], None]


class Company:
    """The books of one realm."""

    def __init__(
        self,
        *,
        realm_id: str,
        name: str,
        clock: Clock,
        ids: Ids,
        settings: Callable[[], Settings],
        record: Record,
    ) -> None:
        """Open empty books.

        Args:
            record: journals a change record and then gives it to `apply()`; whoever owns the
                journal supplies it.
        """
        self.realm_id = realm_id
        self.name = name
        self.clock = clock
        self.tables = Tables()
        self.mails: list[Document] = []
        self._ids = ids
        self._settings = settings
        self._record = record
        self._requests = RequestMemory()

    def today(self) -> date:
        """Return the company's date."""
        return today(self.clock.now())

    # --- reading

    def read(self, entity: str, id: str, *, options: frozenset[str] = NO_OPTIONS) -> Document:
        """Return one document in its envelope.

        Raises:
            Fault: 610, it is not there (any more).
        """
        spec = self._spec(entity)
        if spec.family is Family.SINGLE:
            id = "1"
        document = self.tables.find(spec.name, id)
        if document is None:
            raise not_found()
        return self._envelope(spec.json_name, self.render(spec.name, document, options=options))

    def query(self, statement: str, *, lag_s: float = 0) -> Document:
        """Return the answer to a query.

        Args:
            lag_s: what is younger than this, in books' time, is not seen yet.

        Raises:
            Fault: 4000 it does not read, 4001 it makes no sense.
        """
        asked = read_statement(statement)
        is_kept = self._settings().change_orders_kept
        if spec_at(asked.entity) is CHANGE_ORDER and not is_kept:
            raise invalid(f"Metadata not found for Entity: {asked.entity}")
        answer = run(
            asked,
            self.tables,
            today=self.today(),
            render=self.render,
            seen_to=self.clock.now() - timedelta(seconds=lag_s) if lag_s else None,
        )
        return {"QueryResponse": answer, "time": answer_time(self.clock.now())}

    def changes(self, entities: str, since: str) -> Document:
        """Return what changed since a moment (change data capture).

        Raises:
            Fault: unknown entity, unreadable or too old time.
        """
        now = self.clock.now()
        found = changed_since(
            self.tables, entities=entities, since=since, now=now, settings=self._settings()
        )
        answers = [self._captured(name, changes) for name, changes in found]
        return {"CDCResponse": [{"QueryResponse": answers}], "time": answer_time(now)}

    def render(
        self, entity: str, document: Document, *, options: frozenset[str] = NO_OPTIONS
    ) -> Document:
        """Return a stored document as QuickBooks shows it: with balances worked out and nothing
        internal.
        """
        return shown(entity, document, tables=self.tables, realm_id=self.realm_id, options=options)

    # --- writing

    def save(
        self,
        entity: str,
        body: Document,
        *,
        actor: str,
        request_id: str | None = None,
        options: frozenset[str] = NO_OPTIONS,
        notify: bool = True,
        new_id: str | None = None,
    ) -> Document:
        """Create a document, or update it if the body has an Id; return it in its envelope.

        Args:
            body: as QuickBooks takes it; `"sparse": true` changes only what it names.
            actor: who does it, for the history.
            request_id: a repeated one gets the first answer and changes nothing.
            options: of `include=`, in lower case: `allowduplicatedocnum`.
            notify: False loses the webhook events of this change.
            new_id: the id of a new document; for company files alone.
        """
        spec = self._spec(entity)

        def change(draft: Draft) -> str:
            if new_id is not None:
                draft.wished_ids[spec.name] = new_id
            return entry.save(draft, spec, body, options=options)

        return self._write(change, spec, actor, request_id=request_id, notify=notify, body=body)

    def void(
        self,
        entity: str,
        body: Document,
        *,
        actor: str,
        request_id: str | None = None,
        notify: bool = True,
    ) -> Document:
        """Void a document; the body names Id and SyncToken."""
        spec = self._spec(entity)
        return self._write(
            lambda draft: ending.void(draft, spec, current(draft, spec, body))["Id"],
            spec,
            actor,
            request_id=request_id,
            notify=notify,
        )

    def delete(
        self,
        entity: str,
        body: Document,
        *,
        actor: str,
        request_id: str | None = None,
        notify: bool = True,
    ) -> Document:
        """Delete a document; the body names Id and SyncToken."""
        spec = self._spec(entity)

        def remove(draft: Draft) -> str:
            document = current(draft, spec, body)
            ending.delete(draft, spec, document)
            return str(document["Id"])

        return self._write(remove, spec, actor, request_id=request_id, notify=notify)

    def send(
        self,
        entity: str,
        id: str,
        *,
        actor: str,
        send_to: str | None = None,
        request_id: str | None = None,
        notify: bool = True,
    ) -> Document:
        """Mail a form to its customer: the sandbox keeps the mail in `mails`."""
        spec = self._spec(entity)
        return self._write(
            lambda draft: ending.send(draft, spec, draft.get(spec.name, id), send_to=send_to)["Id"],
            spec,
            actor,
            request_id=request_id,
            notify=notify,
        )

    def attach(
        self,
        body: Document,
        *,
        content: bytes,
        content_type: str,
        file_name: str,
        actor: str,
        request_id: str | None = None,
    ) -> Document:
        """Keep an uploaded file with what is said about it; return its Attachable."""
        spec = SPECS["Attachable"]
        file = File(name=file_name, content_type=content_type, content=content)

        def change(draft: Draft) -> str:
            id = entry.save(draft, spec, {"FileName": file_name, **body}, options=NO_OPTIONS)
            facts = facts_of(file, realm_id=self.realm_id, id=id)
            draft.put(spec.name, {**draft.get(spec.name, id), **facts})
            return id

        return self._write(change, spec, actor, request_id=request_id)

    def file_of(self, id: str) -> File:
        """Return an uploaded file.

        Raises:
            Fault: 610, there is none: the attachment is gone or a mere note.
        """
        file = kept_file(self.tables.find("Attachable", id))
        if file is None:
            raise not_found()
        return file

    def make_tax_code(
        self, body: Document, *, actor: str, request_id: str | None = None
    ) -> Document:
        """Make a tax code with its rates, as the tax service does: the answer has no envelope."""
        answer = self._write(
            lambda draft: make_tax_code(draft, body), SPECS["TaxCode"], actor, request_id=request_id
        )
        return tax_service_answer(self.tables, answer["TaxCode"])

    # --- what people do on QuickBooks' own pages, without an API

    def add_project(self, *, customer_id: str, name: str, actor: str) -> Document:
        """Make a project under a customer; only QuickBooks' pages (and its GraphQL) can."""
        project_id = f"4471{int(self.tables.next_id('Customer')):06d}"
        return self._write(
            lambda draft: add_project(
                draft, customer_id=customer_id, name=name, project_id=project_id
            )["Id"],
            SPECS["Customer"],
            actor,
        )

    def merge_customers(self, *, kept_id: str, merged_id: str, actor: str) -> Document:
        """Let one customer go into another; return the one that stays."""
        return self._write(
            lambda draft: merge_customers(draft, kept_id=kept_id, merged_id=merged_id)["Id"],
            SPECS["Customer"],
            actor,
        )

    def deposit_payment(self, id: str, *, actor: str) -> Document:
        """Put a payment into a bank deposit; from then on it is frozen (6540)."""
        spec = SPECS["Payment"]
        return self._write(
            lambda draft: deposit(draft, draft.get("Payment", id))["Id"], spec, actor
        )

    def found(self, entity: str, document: Document, *, actor: str) -> Document:
        """Write an entry that no client can create: Preferences, CompanyInfo, TaxCode, TaxRate. For
        company files.
        """
        spec = self._spec(entity)
        id = document.get("Id") or ("1" if spec.family is Family.SINGLE else None)
        body = {name: value for name, value in document.items() if name != "Id"}
        return self._write(lambda draft: draft.create(spec.name, body, id=id)["Id"], spec, actor)

    # --- from the journal

    def apply(self, record: Document) -> None:
        """Take a change record over, whether just made or read from the journal."""
        at = datetime.fromisoformat(record["at"])
        for row in record["changes"]:
            change = Change(
                seq=len(self.tables.history) + 1,
                at=at,
                actor=record["actor"],
                operation=row["operation"],
                entity=row["entity"],
                id=row["id"],
                before=self.tables.find(row["entity"], row["id"]),
                after=row["after"],
                request_id=record["request_id"],
            )
            self.tables.apply(change)
            if change.operation == "Emailed" and change.after is not None:
                self.mails.append(mail_of(change))
        if record["request_id"]:
            answer, fingerprint = self._answer(record), record.get("fingerprint", "")
            first = Remembered(at=at, answer=answer, fingerprint=fingerprint)
            self._requests.keep(record["request_id"], first)

    # --- helpers

    def _spec(self, entity: str) -> Spec:
        spec = spec_at(entity)
        if spec is None:
            raise unsupported(entity)
        return spec

    def _envelope(self, name: str, document: Document) -> Document:
        return {name: document, "time": answer_time(self.clock.now())}

    def _captured(self, name: str, changes: list[Change]) -> Document:
        if not changes:
            return {}
        rows = []
        for change in changes:
            document = self.tables.find(name, change.id)
            rows.append(
                deleted_stub(change.id, change.at)
                if document is None
                else self.render(name, document)
            )
        return {SPECS[name].json_name: rows, "startPosition": 1, "maxResults": len(rows)}

    def _write(
        self,
        change: Callable[[Draft], str],
        spec: Spec,
        actor: str,
        *,
        request_id: str | None = None,
        notify: bool = True,
        body: Document | None = None,
    ) -> Document:
        """Run one change as a whole: remembered, journalled, applied, answered."""
        settings = self._settings()
        fingerprint = _fingerprint(body) if request_id and body is not None else ""
        known = self._requests.recall(
            request_id,
            now=self.clock.now(),
            kept_s=settings.remember_requests_s,
            fingerprint=fingerprint if settings.refuse_changed_repeats else "",
        )
        if known is not None:
            return known
        draft = Draft(self.tables, settings, self._now())
        try:
            main = (spec.name, change(draft))
        except InvalidOperation:
            raise bad_value("2140", "Amount", spec.name, "more digits than fit") from None
        except Fault as refusal:
            if request_id and settings.remember_refusals:
                first = Remembered(at=draft.at, answer=None, refusal=refusal)
                self._requests.keep(request_id, first)
            raise
        record = change_record(
            draft, realm_id=self.realm_id, main=main, actor=actor, request_id=request_id
        )
        if fingerprint:
            record["fingerprint"] = fingerprint
        if notify:
            record["events"] = events_of(draft, realm_id=self.realm_id, actor=actor, ids=self._ids)
        self._record(record)
        return self._answer(record)

    def _now(self) -> datetime:
        """Return the time of the next change; never before the last one."""
        now = self.clock.now()
        return max(now, self.tables.history[-1].at) if self.tables.history else now

    def _answer(self, record: Document) -> Document:
        """Return what the client is told of a change: the document itself, or the stub of a deleted
        one.
        """
        main = record["changes"][0]
        time = answer_time(datetime.fromisoformat(record["at"]))
        name = SPECS[main["entity"]].json_name
        if main["after"] is None:
            return {name: {"domain": "QBO", "status": "Deleted", "Id": main["id"]}, "time": time}
        return {name: self.render(main["entity"], main["after"]), "time": time}


def _fingerprint(body: Document) -> str:
    return sha256(to_json(body)).hexdigest()[:32]
