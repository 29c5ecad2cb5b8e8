"""A company in memory, opened on a fixed day, and short ways to say what a client sends."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.books import Books
from sandbox.clock import FixedClock, MovableClock
from sandbox.company import Company
from sandbox.errors import Fault
from sandbox.journal import MemoryJournal
from sandbox.seeds import read_company_file, shipped_files

OPENED = datetime(2026, 5, 4, 18, 0, tzinfo=UTC)


class CountedIds:
    """Ids that count up, so that a test can be repeated."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def event_id(self) -> str:
        return f"event-{next(self._numbers)}"

    def token(self, prefix: str) -> str:
        return f"{prefix}{next(self._numbers):04d}"


class Client:
    """What a client does with one company, in few words."""

    def __init__(self, company: Company, clock: FixedClock) -> None:
        self.company = company
        self.clock = clock

    def save(self, entity: str, body: dict[str, Any], **options: Any) -> dict[str, Any]:
        return self.company.save(entity, body, actor="client:test", **options)[entity]

    def change(self, entity: str, document: dict[str, Any], **fields: Any) -> dict[str, Any]:
        """Send a sparse update."""
        return self.save(entity, {**known(document), "sparse": True, **fields})

    def void(self, entity: str, document: dict[str, Any]) -> dict[str, Any]:
        return self.company.void(entity, known(document), actor="client:test")[entity]

    def delete(self, entity: str, document: dict[str, Any]) -> dict[str, Any]:
        return self.company.delete(entity, known(document), actor="client:test")[entity]

    def read(self, entity: str, id: str, *options: str) -> dict[str, Any]:
        return self.company.read(entity, id, options=frozenset(options))[entity]

    def again(self, entity: str, document: dict[str, Any]) -> dict[str, Any]:
        """Read a document that the client knows an older version of."""
        return self.read(entity, document["Id"])

    def ask(self, statement: str) -> list[dict[str, Any]]:
        answer = self.company.query(statement)["QueryResponse"]
        return next((rows for rows in answer.values() if isinstance(rows, list)), [])

    def id_of(self, entity: str, name: str) -> str:
        """Return the id of a list entry by its name."""
        id = self.company.tables.holder_of_name({"Customer": "people"}.get(entity, entity), name)
        assert id is not None, name
        return id

    def prefer(self, **groups: dict[str, Any]) -> None:
        """Change the company's preferences."""
        self.change("Preferences", self.read("Preferences", "1"), **groups)

    def wait(self, **step: float) -> None:
        self.clock.at += timedelta(**step)

    def invoice(self, amount: object = 100, **fields: Any) -> dict[str, Any]:
        return self.save("Invoice", self.form(amount, **fields))

    def estimate(self, amount: object = 100, **fields: Any) -> dict[str, Any]:
        return self.save("Estimate", self.form(amount, **fields))

    def pay(self, total: object, *invoices: tuple[dict[str, Any], object], **fields: Any) -> Any:
        lines = [
            {"Amount": amount, "LinkedTxn": [{"TxnId": invoice["Id"], "TxnType": "Invoice"}]}
            for invoice, amount in invoices
        ]
        body = {"CustomerRef": self.customer(), "TotalAmt": total, "Line": lines, **fields}
        return self.save("Payment", body)

    def form(self, amount: object = 100, **fields: Any) -> dict[str, Any]:
        return {"CustomerRef": self.customer(), "Line": [self.line(amount)], **fields}

    def line(self, amount: object, *, item: str = "Installation", **detail: Any) -> dict[str, Any]:
        sold = {"ItemRef": {"value": self.id_of("Item", item)}, **detail}
        return {"Amount": amount, "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": sold}

    def customer(self, name: str = "Lindqvist, Maja") -> dict[str, str]:
        return {"value": self.id_of("Customer", name)}


def known(document: dict[str, Any]) -> dict[str, Any]:
    """Return what an update needs to know of a document."""
    return {"Id": document["Id"], "SyncToken": document["SyncToken"]}


@pytest.fixture
def clock() -> FixedClock:
    """The time underneath the books' own clock; stands still until a test moves it."""
    return FixedClock(OPENED)


@pytest.fixture
def journal() -> MemoryJournal:
    """Where the books of a test write to."""
    return MemoryJournal()


@pytest.fixture
def books(clock: FixedClock, journal: MemoryJournal) -> Books:
    """Books with the countertop contractor, just opened."""
    books = Books(journal, clock=MovableClock(clock), ids=CountedIds())
    books.found([read_company_file(shipped_files()[0])])
    return books


@pytest.fixture
def company(books: Books) -> Company:
    """The countertop contractor's company."""
    return books.first_company()


@pytest.fixture
def client(company: Company, clock: FixedClock) -> Client:
    """A client of the countertop contractor's company."""
    return Client(company, clock)


@pytest.fixture
def refused() -> Any:
    """Return what to put a refused call under: `with refused("5010"): ...`."""

    def refusing(code: str) -> Any:
        return pytest.raises(Fault, match=f"^{code} ")

    return refusing
