"""What the loop asks of QuickBooks, through python-quickbooks on a session of our own. Raw JSON in
and out.

Reads are tried again here for blips (seconds); everything longer belongs to the row of work. A
write is sent once: who does not get an answer reads back.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, TypeVar

from quickbooks.client import QuickBooks
from sqlalchemy.dialects.postgresql import insert as upsert
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from mapping.documents import is_deleted, updated_at
from sync.company_watch import CompanyWatch, reads_in_month
from sync.errors import (
    AccessExpired,
    FeedTooOld,
    Gone,
    OutcomeUnknown,
    QuickBooksUnavailable,
    ReadsUsedUp,
    RejectedWrite,
    SyncError,
)
from sync.ports import CallLimits, Clock, QuickBooksTransport
from sync.quickbooks import queries
from sync.quickbooks.circuit import Circuit
from sync.quickbooks.faults import inactive_reference
from sync.quickbooks.tokens import Access, Tokens
from sync.quickbooks.transport import LibrarySession
from sync.store.database import Database, business_now, dump_json
from sync.store.tables import MeteredCallRow

logger = logging.getLogger(__name__)

T = TypeVar("T")
Raw = Mapping[str, Any]

MINOR_VERSION = 75
#: The documents that the mirror follows.
FOLLOWED = (
    "CompanyInfo",
    "Preferences",
    "Customer",
    "Estimate",
    "Invoice",
    "Payment",
    "CreditMemo",
    "RefundReceipt",
)
#: The native change order: followed where a company has it (`sync/native_orders.py`).
NATIVE_ORDER = "ChangeOrder"
#: One CDC answer holds at most this many objects, all kinds together; at this number it may be cut.
CDC_OBJECTS_MAX = 1000
#: Beyond this age QuickBooks' change feed is no longer complete: everything is read again.
FEED_AGE_MAX = timedelta(days=29)
READ_TRIES_MAX = 3
PAGES_MAX = 1000
#: Whether a new month has begun is looked at this often.
READS_WAIT_S = 3600.0


class NativeOrders(Enum):
    """How a company's native change orders are read."""

    UNKNOWN = "unknown"  #: nobody could say whether it has any
    NONE = "none"  #: it does not have that entity
    TOLD = "told"  #: the change feed tells of them
    READ = "read"  #: the feed is silent about them: all are read at each pull


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Documents that changed, by kind, and QuickBooks' own time of the answer."""

    documents: tuple[tuple[str, Raw], ...]
    as_of: datetime
    #: Kinds of which this is everything there is.
    read_whole: frozenset[str] = frozenset()
    #: Documents that did not come where their kind was read whole, nor when asked for by id.
    gone: frozenset[tuple[str, str]] = frozenset()
    #: Documents that were read by id as they may have changed under the same revision.
    reread: frozenset[tuple[str, str]] = frozenset()
    native: NativeOrders | None = None  #: found out about change orders on the way; None: nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where the next page of all documents of a kind begins."""

    since: datetime | None = None
    start: int = 1

    def after(self, page: Sequence[Raw]) -> _Place:
        """Give the place after a full page.

        Where more rows than a page share one moment, positions count among them; the pages then
        share a row: if it is not where it was, one of them has moved away and others moved up.
        """
        last = updated_at(page[-1])
        since = last.replace(microsecond=0) if last is not None else None
        if since is None or since == self.since:
            return replace(self, start=self.start + queries.PAGE_SIZE - 1)
        return _Place(since=since)


class _Client(QuickBooks):  # type: ignore[misc]
    """The package's client, aimed where the settings say."""

    base_url = ""

    @property
    def api_url(self) -> str:
        return self.base_url


class Gateway:
    """QuickBooks for one installation; every call names its company."""

    def __init__(
        self,
        *,
        transport: QuickBooksTransport,
        tokens: Tokens,
        limits: CallLimits,
        database: Database,
        base_url: str,
        clock: Clock,
        watch: CompanyWatch,
    ) -> None:
        """Take the wire, the keys to it, and where calls that cost money are counted."""
        self._transport = transport
        self._tokens = tokens
        self._limits = limits
        self._database = database
        self._base_url = base_url
        self._clock = clock
        self._watch = watch
        self._circuit = Circuit(database)

    def close(self) -> None:
        """Close every connection."""
        self._transport.close()
        self._limits.close()

    def changes_since(self, realm_no: int, since: datetime, *, also: Sequence[str] = ()) -> Changes:
        """Give every followed document that changed since a moment, in one metered call.

        Args:
            realm_no: the company.
            since: the moment.
            also: kinds that not every company has.

        Raises:
            RejectedWrite: the feed does not know one of `also`.
        """
        self._assert_may_pull(realm_no)
        followed = (*FOLLOWED, *also)
        body = self._changes(realm_no, followed, since)
        if len(body.documents) < CDC_OBJECTS_MAX:
            return body
        found: list[tuple[str, Raw]] = []
        read_whole: set[str] = set()
        for entity in followed:
            part = self._changes(realm_no, (entity,), since)
            if len(part.documents) < CDC_OBJECTS_MAX:
                found += part.documents
            else:
                # What the cut answer tells of deletions is told nowhere else.
                told = [one for one in part.documents if is_deleted(one[1])]
                found += [*self.all_of(realm_no, entity), *told]
                read_whole.add(entity)
        return Changes(documents=tuple(found), as_of=body.as_of, read_whole=frozenset(read_whole))

    def everything(self, realm_no: int) -> Changes:
        """Give every followed document: the first sight of a company."""
        self._assert_may_pull(realm_no)
        # The time before the first page: a change made during paging is seen again, none is missed.
        first = self._read(realm_no, lambda client: client.query(queries.everything(FOLLOWED[0])))
        found: list[tuple[str, Raw]] = []
        for entity in FOLLOWED:
            found += self.all_of(realm_no, entity)
        return Changes(documents=tuple(found), as_of=_time(first), read_whole=frozenset(FOLLOWED))

    def all_of(self, realm_no: int, entity: str) -> list[tuple[str, Raw]]:
        """Give all documents of a kind, page by page, each once.

        Every page begins at the moment at which the one before ended: what is saved meanwhile moves
        to the end and is met again there, and no other row takes its place.
        """
        found: dict[str, Raw] = {}
        place = _Place()
        for _ in range(PAGES_MAX):
            statement = queries.everything(entity, since=place.since, start=place.start)
            page = self._query(realm_no, entity, statement)
            is_joined = place.start == 1 or (bool(page) and str(page[0]["Id"]) in found)
            found |= {str(one["Id"]): one for one in page}
            if not is_joined:
                place = _Place(since=place.since)
            elif len(page) < queries.PAGE_SIZE:
                return [(entity, one) for one in found.values()]
            else:
                place = place.after(page)
        raise QuickBooksUnavailable(f"more than {PAGES_MAX} pages of {entity}")

    def deleted_since(self, realm_no: int, entity: str, since: datetime) -> list[str]:
        """Give the ids of documents of one kind that were deleted since a moment: the read-back of
        an unanswered write, which the month's reads never hold up.

        Raises:
            FeedTooOld: the feed does not reach back so far, or its answer is cut.
        """
        told = self._changes(realm_no, (entity,), since).documents
        if len(told) >= CDC_OBJECTS_MAX:
            raise FeedTooOld(f"the feed of {entity} is cut")
        return [str(raw["Id"]) for _, raw in told if is_deleted(raw)]

    def made_since(
        self, realm_no: int, entity: str, *, customer_id: str, since: datetime
    ) -> list[Raw]:
        """Read back what was made for a customer since a moment."""
        statement = queries.made_since(entity, customer_id=customer_id, since=since)
        return self._query(realm_no, entity, statement)

    def read(self, realm_no: int, entity: str, qbo_id: str) -> Raw | None:
        """Read one document, or None if there is none."""
        found = self._query(realm_no, entity, queries.by_ids(entity, [qbo_id]))
        return found[0] if found else None

    def read_many(self, realm_no: int, entity: str, ids: Sequence[str]) -> list[Raw]:
        """Read documents by their ids; what there is none of is left out."""
        found: list[Raw] = []
        for start in range(0, len(ids), queries.PAGE_SIZE):
            part = ids[start : start + queries.PAGE_SIZE]
            found += self._query(realm_no, entity, queries.by_ids(entity, part))
        return found

    def company(self, access: Access) -> Raw:
        """Read the CompanyInfo with tokens that are not stored yet: proves
        which company they open.
        """
        client = self._client(access)
        url = f"{self._base_url}/company/{access.realm_id}/companyinfo/{access.realm_id}"
        return _document(client.make_request("GET", url, params={}), "CompanyInfo")

    def create(self, realm_no: int, entity: str, body: Raw, *, request_id: str) -> Raw:
        """Create a document, once: the same `request_id` gives the first answer again."""
        try:
            return self._write(
                realm_no,
                entity,
                lambda client: client.create_object(
                    entity, dump_json(body), request_id=request_id, params={}
                ),
            )
        except Gone as exc:
            raise inactive_reference(exc) from None

    def update(self, realm_no: int, entity: str, body: Raw, *, request_id: str) -> Raw:
        """Change a document; `body` is sparse and carries the SyncToken it was decided on."""
        assert body.get("sparse") is True
        assert "SyncToken" in body
        try:
            return self._write(
                realm_no,
                entity,
                lambda client: client.update_object(
                    entity, dump_json(body), request_id=request_id, params={}
                ),
            )
        except Gone as exc:
            # QuickBooks says the same of a document that is gone and of a name on it that is
            # inactive: only a look tells which, and without it the same plan would come for ever.
            now = self.read(realm_no, entity, str(body["Id"]))
            if now is not None and str(now["SyncToken"]) == str(body["SyncToken"]):
                raise inactive_reference(exc) from None
            raise

    def void(self, realm_no: int, entity: str, body: Raw, *, request_id: str) -> Raw:
        """Void a document."""
        return self._write(
            realm_no,
            entity,
            lambda client: client.update_object(
                entity, dump_json(body), request_id=request_id, params={"operation": "void"}
            ),
        )

    def pdf(self, realm_no: int, entity: str, qbo_id: str) -> bytes:
        """Give a document as PDF, as QuickBooks prints it."""
        refused: Access | None = None
        for _ in range(2):
            access = self._tokens.access(realm_no, refused=refused)
            with self._limits.call(realm_no, is_write=False):
                answer = self._transport.exchange(
                    "GET",
                    f"{self._base_url}/company/{access.realm_id}/{entity.lower()}/{qbo_id}/pdf",
                    headers={
                        "Authorization": f"Bearer {access.access_token}",
                        "Accept": "application/pdf",
                    },
                    params={"minorversion": str(MINOR_VERSION)},
                    body=b"",
                )
            if answer.status != 401:
                break
            refused = access
        self._meter(realm_no)
        if answer.status != 200 or not answer.body.startswith(b"%PDF"):
            raise QuickBooksUnavailable(f"no PDF of {entity} {qbo_id}: {answer.status}")
        return answer.body

    def _assert_may_pull(self, realm_no: int) -> None:
        """Keep what is left of the month's reads for the read-backs of writes."""
        with self._database.begin(realm_no) as session:
            if not self._watch.may_pull(session, realm_no):
                raise ReadsUsedUp("the month's reads are used up", retry_after_s=READS_WAIT_S)

    def _changes(self, realm_no: int, entities: Sequence[str], since: datetime) -> Changes:
        # The package drops a datetime's zone (defect 16); a text with its offset passes through.
        moment = since.isoformat(timespec="seconds")
        body = self._read(
            realm_no, lambda client: client.change_data_capture(",".join(entities), moment)
        )
        found: list[tuple[str, Raw]] = []
        for response in body.get("CDCResponse", []):
            for part in response.get("QueryResponse", []):
                if "Fault" in part:
                    raise QuickBooksUnavailable("a part of the change feed failed")
                found += [
                    (name, one)
                    for name in part
                    if isinstance(part[name], list)
                    for one in part[name]
                ]
        return Changes(documents=tuple(found), as_of=_time(body))

    def _query(self, realm_no: int, entity: str, statement: str) -> list[Raw]:
        body = self._read(realm_no, lambda client: client.query(statement))
        return list(body.get("QueryResponse", {}).get(entity, []))

    def _read(self, realm_no: int, call: Callable[[_Client], Any]) -> Raw:
        for attempt in Retrying(
            stop=stop_after_attempt(READ_TRIES_MAX),
            wait=wait_random_exponential(multiplier=0.2, max=3),
            retry=retry_if_exception_type((QuickBooksUnavailable, OutcomeUnknown)),
            sleep=self._clock.sleep,
            reraise=True,
        ):
            with attempt:
                body: Raw = self._with_access(realm_no, call)
        self._meter(realm_no)
        return body

    def _write(self, realm_no: int, entity: str, call: Callable[[_Client], Any]) -> Raw:
        return _document(self._with_access(realm_no, call, is_write=True), entity)

    def _with_access(
        self, realm_no: int, call: Callable[[_Client], T], *, is_write: bool = False
    ) -> T:
        access = self._tokens.access(realm_no)
        try:
            return self._call_once(realm_no, access, call, is_write=is_write)
        except AccessExpired:
            renewed = self._tokens.access(realm_no, refused=access)
        try:
            return self._call_once(realm_no, renewed, call, is_write=is_write)
        except AccessExpired as exc:
            # A fresh token and refused: it may be another company's. No loop: the row waits.
            facts = {"realm_no": realm_no, "intuit_tid": exc.intuit_tid}
            logger.error("realm.access_refused", extra=facts)
            raise

    def _call_once(
        self, realm_no: int, access: Access, call: Callable[[_Client], T], *, is_write: bool
    ) -> T:
        self._circuit.enter(realm_no, access)
        with self._limits.call(realm_no, is_write=is_write):
            try:
                found = call(self._client(access))
            except (QuickBooksUnavailable, OutcomeUnknown):
                self._circuit.failed(realm_no)
                raise
            except SyncError:
                self._circuit.answered(realm_no, access)
                raise
        self._circuit.answered(realm_no, access)
        return found

    def _client(self, access: Access) -> _Client:
        # One client a call: the package's objects are not safe between threads, and cost nothing to
        # make.
        client = _Client(minorversion=MINOR_VERSION, company_id=access.realm_id, use_decimal=True)
        client.base_url = self._base_url
        client.session = LibrarySession(self._transport, access.access_token)
        return client

    def _meter(self, realm_no: int) -> None:
        with self._database.begin(realm_no) as session:
            month = business_now(session).date().replace(day=1)
            before = reads_in_month(session, realm_no, business_now(session))
            counted = upsert(MeteredCallRow).values(realm_no=realm_no, month=month, calls=1)
            session.execute(
                counted.on_conflict_do_update(
                    index_elements=["realm_no", "month"],
                    set_={"calls": MeteredCallRow.calls + 1},
                )
            )
            # The first of a month closes what the last one opened.
            if before == 0 or self._watch.crosses(before):
                self._watch.agree(session, realm_no)


def _document(body: Raw, entity: str) -> Raw:
    found = body.get(entity)
    if not isinstance(found, Mapping):
        # It was a 200: something happened, and we cannot tell what.
        raise OutcomeUnknown(f"the answer holds no {entity}")
    return found


def _time(body: Raw) -> datetime:
    try:
        return datetime.fromisoformat(str(body["time"]))
    except (KeyError, ValueError):
        raise RejectedWrite("QuickBooks' answer does not tell its time") from None
