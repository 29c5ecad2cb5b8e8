"""The documents of one company in memory, with the indexes that keep every read and write away from
full scans.

Documents are never changed in place: a write puts a new dict in the place of the old one, so
history and remembered answers can share them.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from sandbox.entities import SPECS, Family
from sandbox.values import ZERO, Document

#: Transactions share one number range, as in QuickBooks; so do the people of the name list; other
#: lists have their own.
FIRST_TXN_ID = 101

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One step in the life of one document."""

    seq: int  #: position in the company's history, from 1
    at: datetime  #: books' time, aware UTC
    actor: str  #: who did it: `client:<name>`, `bookkeeper`, `customer`, `seed` ...
    operation: str  #: Create, Update, Void, Delete or Emailed
    entity: str
    id: str
    before: Document | None
    after: Document | None
    request_id: str | None


def sequence_of(entity: str) -> str:
    """Return the name of the number range an entity takes its ids from."""
    return "txn" if SPECS[entity].is_transaction else SPECS[entity].namespace or entity


class Tables:
    """Documents by entity and id, what was done to them, and where to find them by name, number or
    customer.
    """

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Document]] = {name: {} for name in SPECS}
        self.history: list[Change] = []
        self.actors: dict[tuple[str, str], str] = {}
        self._times: list[datetime] = []
        self._days: dict[str, dict[str, dict[str, None]]] = defaultdict(lambda: defaultdict(dict))
        self._lives: dict[tuple[str, str], list[Change]] = defaultdict(list)
        self._last_ids: dict[str, int] = defaultdict(int)
        self._last_numbers: dict[str, int] = defaultdict(int)
        self._names: dict[tuple[str, str], str] = {}
        self._numbers: dict[tuple[str, str], set[str]] = defaultdict(set)
        self._of_customer: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
        self._children: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
        self._projects: dict[str, str] = {}
        self._owed: dict[str, Decimal] = defaultdict(lambda: ZERO)
        self._credits: dict[str, dict[tuple[str, str], None]] = defaultdict(dict)

    def find(self, entity: str, id: str) -> Document | None:
        """Return a document, or None."""
        return self.rows[entity].get(id)

    def next_id(self, entity: str) -> str:
        """Return the id that the next new document gets."""
        sequence = sequence_of(entity)
        first = FIRST_TXN_ID if sequence == "txn" else 1
        return str(max(self._last_ids[sequence] + 1, first))

    def next_number(self, entity: str) -> str:
        """Return the next document number, where the company leaves numbering to QuickBooks."""
        return str(max(self._last_numbers[entity] + 1, 1001))

    def holder_of_name(self, namespace: str, name: str) -> str | None:
        """Return the id of the list entry with this name, whatever its case."""
        return self._names.get((namespace, name.lower()))

    def holders_of_number(self, entity: str, number: str) -> set[str]:
        """Return the ids of the documents with this number."""
        return self._numbers.get((entity, number), set())

    def of_customer(self, entity: str, customer_id: str) -> list[str]:
        """Return the ids of a customer's own documents of one kind, in no order."""
        return list(self._of_customer.get((entity, customer_id), ()))

    def children(self, entity: str, id: str) -> list[str]:
        """Return the ids of the entries directly below one entry of a list."""
        return list(self._children.get((entity, id), ()))

    def project_customer(self, project_id: str) -> str | None:
        """Return the customer id that mirrors a project, or None."""
        return self._projects.get(project_id)

    def open_credits(self, customer_id: str) -> list[tuple[str, str]]:
        """Return (entity, id) of payments and credit memos with money left, oldest first."""
        return sorted(self._credits.get(customer_id, ()), key=lambda credit: int(credit[1]))

    def owed(self, customer_id: str) -> Decimal:
        """Return what one customer owes, without the jobs below."""
        return self._owed.get(customer_id, ZERO)

    def owed_with_jobs(self, customer_id: str) -> Decimal:
        """Return what a customer and all jobs below owe."""
        below = self.children("Customer", customer_id)
        return self.owed(customer_id) + sum((self.owed_with_jobs(child) for child in below), ZERO)

    def on_days(self, entity: str, is_wanted: Callable[[str], bool]) -> list[str]:
        """Return the ids of the documents whose date is wanted; dates are ISO text."""
        days = self._days.get(entity, {})
        return [id for day, ids in days.items() if is_wanted(day) for id in ids]

    def history_of(self, entity: str, id: str) -> list[Change]:
        """Return what was done to one document, oldest first."""
        return list(self._lives.get((entity, id), ()))

    def changes_since(self, at: datetime) -> Iterator[Change]:
        """Yield the changes at or after a moment, oldest first."""
        for index in range(bisect_left(self._times, at), len(self.history)):
            yield self.history[index]

    def apply(self, change: Change) -> None:
        """Take one change over: the only place where documents and indexes move."""
        rows = self.rows[change.entity]
        if change.after is None:
            rows.pop(change.id, None)
        else:
            rows[change.id] = change.after
        self.actors[change.entity, change.id] = change.actor
        self.history.append(change)
        self._times.append(change.at)
        self._lives[change.entity, change.id].append(change)
        self._count(change)
        self._index(change.entity, change.id, change.before, add=False)
        self._index(change.entity, change.id, change.after, add=True)

    def _count(self, change: Change) -> None:
        sequence = sequence_of(change.entity)
        if change.id.isdigit():
            self._last_ids[sequence] = max(self._last_ids[sequence], int(change.id))
        number = (change.after or {}).get("DocNumber")
        if number and number.isdigit() and len(number) < 16:
            self._last_numbers[change.entity] = max(self._last_numbers[change.entity], int(number))

    def _index(self, entity: str, id: str, document: Document | None, *, add: bool) -> None:
        if document is None:
            return
        spec = SPECS[entity]
        if spec.name_field:
            self._index_entry(entity, id, document, add=add)
        if "DocNumber" in document:
            numbers = self._numbers[entity, document["DocNumber"]]
            numbers.add(id) if add else numbers.discard(id)
        if "TxnDate" in document:
            _mark(self._days[entity][document["TxnDate"]], id, add=add)
        if spec.family in (Family.SALES, Family.PAYMENT):
            self._index_money(entity, id, document, add=add)

    def _index_entry(self, entity: str, id: str, document: Document, *, add: bool) -> None:
        key = (SPECS[entity].namespace, unique_name(entity, document).lower())
        if add:
            self._names[key] = id
        elif self._names.get(key) == id:
            del self._names[key]
        parent = document.get("ParentRef")
        if parent:
            _mark(self._children[entity, parent["value"]], id, add=add)
        if document.get("_project_id"):
            self._projects[document["_project_id"]] = id

    def _index_money(self, entity: str, id: str, document: Document, *, add: bool) -> None:
        if "CustomerRef" not in document:
            return
        customer_id = document["CustomerRef"]["value"]
        _mark(self._of_customer[entity, customer_id], id, add=add)
        owed, left = _owed_and_left(entity, document)
        self._owed[customer_id] += owed if add else -owed
        if left:
            _mark(self._credits[customer_id], (entity, id), add=add)


def unique_name(entity: str, document: Document) -> str:
    """Return the name that must be unique: people by display name, everything else by its full
    path.
    """
    spec = SPECS[entity]
    if spec.namespace == "people":
        return str(document[spec.name_field])
    return str(document.get("FullyQualifiedName") or document[spec.name_field])


def _owed_and_left(entity: str, document: Document) -> tuple[Decimal, Decimal]:
    """Return what a document adds to its customer's balance, and the credit that is left on it."""
    if entity == "Invoice":
        return document["Balance"], ZERO
    if entity == "Payment":
        return -document["UnappliedAmt"], document["UnappliedAmt"]
    if entity == "CreditMemo":
        return -document["Balance"], document["Balance"]
    return ZERO, ZERO


def _mark(marks: dict[Key, None], key: Key, *, add: bool) -> None:
    if add:
        marks[key] = None
    else:
        marks.pop(key, None)
