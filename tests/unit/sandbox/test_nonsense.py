"""Whatever a client sends, the answer is a document or a Fault: never anything else.

Proper bodies with nonsense put into them get deeper than nonsense alone.
"""

import contextlib
import copy
import random
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.books import Books
from sandbox.clock import FixedClock, MovableClock
from sandbox.company import Company
from sandbox.entities import SPECS
from sandbox.errors import Fault
from sandbox.journal import MemoryJournal
from sandbox.people import VERBS, NotPossible, Person
from sandbox.seeds import read_company_file, shipped_files
from sandbox.values import loads, to_json

NONSENSE: list[Any] = [
    None, "", "0", "x", "-1", 0, -1, 1, True, False, [], {}, [1], [None], [[]], {"value": 1},
    {"value": None}, {"value": ""}, {"value": "99999"}, {"value": []}, "a:b", "\t", "2026-02-30",
    "9999-12-31", "0001-01-01", Decimal("1E+14"), Decimal("-0.005"), Decimal("0E-30"), 10**30,
    "1e400", "NaN", "Infinity", "é" * 5000, "\u0000", [{}], [{"TxnId": "1", "TxnType": "Invoice"}],
    [{"TxnId": 5, "TxnType": ["x"]}], {"any": "thing"},
]  # fmt: skip


def new_books(journal: MemoryJournal) -> Books:
    """Make books on a day that stands still."""
    return Books(journal, clock=MovableClock(FixedClock(datetime(2026, 5, 4, 18, 0, tzinfo=UTC))))


def a_company(journal: MemoryJournal) -> Company:
    """Open the company that has one of everything."""
    books = new_books(journal)
    books.found([read_company_file(shipped_files()[0].parent / "sampler.json")])
    return books.first_company()


JOURNAL = MemoryJournal()
COMPANY = a_company(JOURNAL)


def some_body(entity: str) -> dict[str, Any]:
    """Return a proper body: one of the entity's own documents, or a plausible new one."""
    rows = list(COMPANY.tables.rows[entity].values())
    if rows:
        return dict(loads(to_json(rows[-1])))
    line = {
        "Amount": 10,
        "DetailType": "AccountBasedExpenseLineDetail",
        "AccountBasedExpenseLineDetail": {"AccountRef": {"value": "80"}},
        "LinkedTxn": [],
    }
    return {
        "VendorRef": {"value": "1"},
        "CustomerRef": {"value": "1"},
        "AccountRef": {"value": "35"},
        "DepositToAccountRef": {"value": "35"},
        "FromAccountRef": {"value": "35"},
        "ToAccountRef": {"value": "36"},
        "BankAccountRef": {"value": "35"},
        "CreditCardAccountRef": {"value": "42"},
        "PaymentType": "Cash",
        "PayType": "Check",
        "NameOf": "Employee",
        "TotalAmt": 10,
        "Amount": 10,
        "Line": [line],
    }


def places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the way to every node below a body."""
    found: list[tuple[Any, ...]] = []
    rows = node.items() if isinstance(node, dict) else enumerate(node)
    for key, part in rows:
        found.append((*path, key))
        if isinstance(part, dict | list):
            found.extend(places(part, (*path, key)))
    return found


def put(body: Any, path: tuple[Any, ...], value: Any) -> None:
    """Put a value at the end of a way, if the way is still there."""
    for key in path[:-1]:
        try:
            body = body[key]
        except (KeyError, IndexError, TypeError):
            return
    if isinstance(body, dict) or (isinstance(body, list) and path[-1] in range(len(body))):
        body[path[-1]] = value


def a_body(chance: random.Random) -> tuple[str, dict[str, Any]]:
    """Return an entity and a body of its own with up to four pieces of nonsense in it."""
    entity = chance.choice(sorted(SPECS))
    body = copy.deepcopy(some_body(entity))
    if chance.random() < 0.5:
        body.pop("Id", None)
        body.pop("DocNumber", None)
    if chance.random() < 0.5:
        body["sparse"] = True
    ways = places(body) + [(name,) for name in SPECS[entity].fields]
    for _ in range(chance.randrange(5)):
        put(body, chance.choice(ways), copy.deepcopy(chance.choice(NONSENSE)))
    if entity == "RecurringTransaction":
        kind = chance.choice(["Invoice", "Bill", "Transfer"])
        info = {"Name": str(chance.random()), "RecurType": "Automated"}
        inner = body.get(kind, body)
        body = {kind: {**inner, "RecurringInfo": info} if isinstance(inner, dict) else inner}
    return entity, body


def attempt(entity: str, body: dict[str, Any], verb: str) -> None:
    """Do it; a Fault is a fine answer."""
    try:
        body = loads(to_json(body))
        if verb == "save":
            COMPANY.save(entity, body, actor="client:test")
        elif verb == "void":
            COMPANY.void(entity, body, actor="client:test")
        else:
            COMPANY.delete(entity, body, actor="client:test")
    except Fault:
        pass


QUICK = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@QUICK
@given(seed=st.integers(0, 2**32))
def test_nonsense_in_a_body_is_refused_or_kept(seed: int) -> None:
    """Nothing but a Fault comes out, and the books can still be read."""
    chance = random.Random(seed)
    entity, body = a_body(chance)

    attempt(entity, body, chance.choice(["save"] * 6 + ["void", "delete"]))

    COMPANY.query(f"SELECT * FROM {entity} MAXRESULTS 5")


WORDS = [
    "SELECT", "*", "COUNT(*)", "FROM", "WHERE", "AND", "IN", "LIKE", "ORDERBY", "ORDER BY", "DESC",
    "STARTPOSITION", "MAXRESULTS", "(", ")", ",", "=", "!=", "<", ">=", "'", "'a\\'b'", "''", "1",
    "0", "-1", "1001", "true", "CURRENT_DATE", "'2026-01-01'", "'%a%'", "Id", "TxnDate", "Balance",
    "MetaData.LastUpdatedTime", "CustomerRef", "Active", "Line", "DocNumber", "Name", "\\", "\n",
    "99999999999999999999", "1.5", ".5", "é",
]  # fmt: skip


@QUICK
@given(
    words=st.lists(st.sampled_from(WORDS), max_size=12),
    entity=st.sampled_from(sorted(SPECS)),
    is_whole=st.booleans(),
)
def test_nonsense_in_a_query_is_refused(words: list[str], entity: str, is_whole: bool) -> None:
    """4000 or 4001."""
    start = f"SELECT * FROM {entity} WHERE " if is_whole else ""
    try:
        COMPANY.query(start + " ".join(words))
    except Fault as fault:
        assert fault.code in ("4000", "4001", "4002")  # noqa: PT017 - answers are fine too


@QUICK
@given(
    verb=st.sampled_from(sorted(VERBS)),
    document=st.sampled_from(["1001", "invoice:1002", "#101", "estimate:2001", "payment:#103", ""]),
    amount=st.sampled_from([None, 1, 0, -5, "x", "1e400", 10**20, "12.345"]),
    fields=st.dictionaries(st.sampled_from(["Line", "TxnDate", "x"]), st.sampled_from(NONSENSE)),
    on=st.sampled_from([None, "", "2026-01-31", "soon", 5]),
)
def test_people_can_be_told_nonsense(
    verb: str, document: str, amount: Any, fields: Any, on: Any
) -> None:
    """They say so."""
    wishes = {"document": document, "amount": amount, "set": fields, "on": on}
    with contextlib.suppress(Fault, NotPossible):
        Person(COMPANY).act(verb, wishes)


@pytest.mark.parametrize("text", ["", ",", "Invoice,", "moon", "Invoice,Moon", "TaxCode"])
def test_nonsense_in_change_data_capture(text: str) -> None:
    """A Fault, or the types that read."""
    with contextlib.suppress(Fault):
        COMPANY.changes(text, "2026-05-01")


def test_books_full_of_nonsense_read_again_as_they_are() -> None:
    """Whatever was let in can be written to disk and read from there."""
    for seed in range(400):
        chance = random.Random(seed)
        attempt(*a_body(chance), "save")

    again = new_books(MemoryJournal())
    for record in JOURNAL.records:
        again.apply(loads(to_json(record)))

    assert again.first_company().tables.rows == COMPANY.tables.rows
