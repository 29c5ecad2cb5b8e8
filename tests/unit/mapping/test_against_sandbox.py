"""Our mapping against the sandbox's books: two programs that share no code must agree on money."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib.resources import files
from typing import Any

import pytest
import yaml

from mapping.contracts import contract_of
from mapping.documents import (
    content_hash,
    parse_customer,
    parse_estimate,
    parse_invoice,
    parse_payment,
)
from mapping.events import event_dates
from mapping.invoices import (
    create_body,
    doc_number,
    find_marker,
    human_edits,
    line_ids,
    marker,
    update_body,
)
from mapping.jobs import gather, job_key
from mapping.receipts import progress_invoice
from mapping.schedules import ChosenSchedule, choose_schedule, parse_template
from milestone_engine.explain import Derivation
from milestone_engine.job import BilledLine, HeldBy, InvoiceState
from milestone_engine.plan import BillMilestone, ReviseInvoice
from sandbox.books import Books
from sandbox.clock import FixedClock, MovableClock
from sandbox.company import Company
from sandbox.journal import MemoryJournal
from sandbox.seeds import read_company_file, shipped_files

OPENED = datetime(2026, 5, 4, 18, 0, tzinfo=UTC)
TEMPLATES = [
    parse_template(yaml.safe_load(path.read_text()), name=path.name.removesuffix(".yaml"))
    for path in sorted(files("config").joinpath("schedules").iterdir(), key=lambda p: p.name)
    if path.name.endswith(".yaml")
]
WHY = Derivation(code="share", facts=())


@pytest.fixture(scope="module")
def companies() -> list[Company]:
    """Both seed companies, as they are on 4 May 2026."""
    books = Books(MemoryJournal(), clock=MovableClock(FixedClock(OPENED)))
    books.found([read_company_file(path) for path in shipped_files()])
    return list(books.companies.values())


def _all(company: Company, entity: str) -> list[dict[str, Any]]:
    found = company.query(f"select * from {entity} maxresults 1000")["QueryResponse"]
    return found.get(entity, [])


def _jobs(company: Company) -> dict[str, list[Any]]:
    customers = {raw["Id"]: parse_customer(raw) for raw in _all(company, "Customer")}
    groups: dict[str, list[Any]] = {}
    for raw in _all(company, "Estimate"):
        estimate = parse_estimate(raw)
        groups.setdefault(job_key(estimate, customers), []).append(estimate)
    return groups


def _mapped(company: Company, number: str):
    """Return the documents, contract and schedule of the Job with this number."""
    groups = _jobs(company).values()
    (estimates,) = [g for g in groups if any(e.doc_number == number for e in g)]
    documents = gather(estimates)
    mapped = contract_of(documents, first_totals={}, home_currency="USD")
    chosen = choose_schedule(documents.main, mapped.coding, templates=TEMPLATES, currency="USD")
    return documents, mapped, chosen


def test_every_agreed_estimate_maps_to_the_total_that_the_books_hold(companies):
    """Bundles, discounts and change orders included; only gifts come to nothing."""
    broken = []
    for company in companies:
        for estimates in _jobs(company).values():
            documents = gather(estimates)
            if documents.main is None:
                continue
            mapped = contract_of(documents, first_totals={}, home_currency="USD")
            agreed = (documents.main, *documents.change_orders)
            net = sum(((e.total or 0) - (e.tax or 0) for e in agreed), Decimal(0))
            assert mapped.contract.total_minor == net * 100
            broken += [
                (documents.main.doc_number, f.code) for f in mapped.findings if not mapped.is_sound
            ]
    assert sorted(broken) == [("1049", "net_total"), ("519", "net_total")]


@pytest.mark.parametrize(
    ("company", "number", "source", "percents"),
    [
        (0, "1042", "template:countertop", ["25", "25", "50"]),
        (0, "1043", "private_note", ["25", "25", "50"]),
        (0, "1044", "private_note", ["50", "50"]),
        (0, "1046", "private_note", ["100"]),
        (1, "512", "private_note", ["20", "40", "40"]),
        (1, "513", "template:landscaping", ["30", "30", "40"]),
    ],
)
def test_the_seed_jobs_have_the_schedules_that_they_tell_of(
    companies, company, number, source, percents
):
    """By their own words or by their items."""
    _, _, chosen = _mapped(companies[company], number)

    assert isinstance(chosen, ChosenSchedule)
    assert chosen.source == source
    assert [str(m.basis.value) for m in chosen.schedule.milestones] == percents


def test_percents_that_do_not_add_up_are_found_in_the_books(companies):
    """1048: 40 + 35 + 30."""
    _, _, chosen = _mapped(companies[0], "1048")

    assert isinstance(chosen, tuple)
    assert [(f.code, f.facts["sum"]) for f in chosen] == [("percent_sum", "105")]


def test_the_timeline_of_a_seed_job_is_dated_by_its_lines(companies):
    """Measured in 6 days, removed in 20, installed in 27."""
    documents, _, chosen = _mapped(companies[0], "1042")

    assert event_dates([documents.main], chosen.events) == {
        "measurements": date(2026, 5, 10),
        "removal": date(2026, 5, 24),
        "installation": date(2026, 5, 31),
    }


class Billing:
    """One milestone's invoice in the books, from its creation on."""

    def __init__(self, company: Company) -> None:
        self.company = company
        documents, mapped, _ = _mapped(company, "1042")
        self.estimate, self.coding = documents.main, mapped.coding
        self.lines = mapped.contract.lines
        self.bill = BillMilestone(
            milestone_id="m1",
            amount_minor=300_000,
            lines=self.cells(4),
            issue_on=date(2026, 5, 4),
            due_on=date(2026, 5, 10),
            **self.names(),
        )
        body = create_body(
            self.bill,
            estimate=self.estimate,
            coding=self.coding,
            currency="USD",
            marker=marker(12, "m1", 1),
            memo="Milestone 1 of 3",
            number=self.bill.doc_number,
        )
        self.synced = self.save(body)
        self.ids = line_ids(self.synced, self.bill, currency="USD")

    def names(self) -> dict[str, Any]:
        numbers = {"number": 1, "of_count": 3, "ordinal": 1}
        return {"label": "Deposit", "doc_number": doc_number("1042", 1, 1), "why": WHY, **numbers}

    def cells(self, divisor: int) -> tuple[BilledLine, ...]:
        return tuple(
            BilledLine(line_id=line.id, amount_minor=line.amount_minor // divisor)
            for line in self.lines
        )

    def save(self, body: dict[str, Any], entity: str = "Invoice") -> dict[str, Any]:
        # The books answer with their own objects; over HTTP nobody could write into them.
        return deepcopy(self.company.save(entity, body, actor="test")[entity])

    def now(self) -> dict[str, Any]:
        return deepcopy(self.company.read("Invoice", self.synced["Id"])["Invoice"])

    def change(self, **fields: Any) -> None:
        """Edit the invoice as a bookkeeper does."""
        now = self.now()
        self.save({"Id": now["Id"], "SyncToken": now["SyncToken"], "sparse": True, **fields})

    def pay(self, amount: str) -> None:
        links = [{"TxnId": self.synced["Id"], "TxnType": "Invoice"}]
        line = {"Amount": Decimal(amount), "LinkedTxn": links}
        customer = {"value": self.estimate.customer.id}
        body = {"CustomerRef": customer, "TotalAmt": Decimal(amount), "Line": [line]}
        self.save(body | {"TxnDate": "2026-05-06"}, "Payment")

    def revise(self, divisor: int) -> None:
        """Bring the invoice to another part of the contract, as `push` does."""
        lines = self.cells(divisor)
        planned = ReviseInvoice(
            milestone_id="m1",
            amount_minor=sum(line.amount_minor for line in lines),
            lines=lines,
            due_on=date(2026, 5, 12),
            invoice_id=self.synced["Id"],
            **self.names(),
        )
        current = self.now()
        body = update_body(
            planned,
            current=current,
            synced=self.synced,
            coding=self.coding,
            line_ids=self.ids,
            currency="USD",
            memo="Milestone 1 of 3, revised",
        )
        self.synced = self.save(body)
        self.ids = line_ids(self.synced, planned, currency="USD", known=self.ids, current=current)

    def receipt(self):
        return progress_invoice(
            parse_invoice(self.now()),
            milestone_id="m1",
            ordinal=1,
            line_ids=self.ids,
            synced=parse_invoice(self.synced),
            payments=[parse_payment(raw) for raw in _all(self.company, "Payment")],
            currency="USD",
        )


@pytest.fixture
def billing() -> Billing:
    """A quarter of the contract of 1042, billed."""
    books = Books(MemoryJournal(), clock=MovableClock(FixedClock(OPENED)))
    books.found([read_company_file(shipped_files()[0])])
    return Billing(books.first_company())


def test_an_invoice_of_ours_is_what_we_planned(billing):
    """The books took every line as it was sent, and added tax of their own."""
    found = billing.receipt()

    assert (found.amount_minor, found.paid_minor, found.outside_minor) == (300_000, 0, 0)
    assert found.lines == tuple(line for line in billing.cells(4) if line.amount_minor)
    assert found.tax_minor > 0
    assert (found.doc_number, found.held_by) == ("1042-M1", None)
    assert found.due_on == date(2026, 5, 10)
    assert find_marker(billing.now()["PrivateNote"]) is not None


def test_a_payment_of_everything_is_the_whole_contract_part(billing):
    """Tax is paid along, and is no contract money."""
    billing.pay(str(billing.now()["TotalAmt"]))

    found = billing.receipt()

    assert (found.paid_minor, found.settled_on) == (300_000, date(2026, 5, 6))
    assert human_edits(billing.now(), billing.synced, line_ids=billing.ids).fields == ()
    assert content_hash(billing.now()) == content_hash(billing.synced)


def test_half_a_payment_is_half_the_contract_part(billing):
    """Rounded down to the cent."""
    total = billing.now()["TotalAmt"]
    half = (total / 2).quantize(Decimal("0.01"))
    billing.pay(str(half))

    assert billing.receipt().paid_minor == int(half * 100) * 300_000 // int(total * 100)


def test_a_revision_keeps_the_bookkeepers_work(billing):
    """A permit added, a class and the memo changed: all of it stands after we doubled the money."""
    now = billing.now()
    lines = [line for line in now["Line"] if "Id" in line]
    other = next(c["Id"] for c in _all(billing.company, "Class") if c["Name"] == "Baths")
    lines[0]["SalesItemLineDetail"]["ClassRef"] = {"value": other}
    item = lines[0]["SalesItemLineDetail"]["ItemRef"]
    permit = {
        "DetailType": "SalesItemLineDetail",
        "Amount": Decimal("150.00"),
        "Description": "Permit",
        "SalesItemLineDetail": {"ItemRef": item, "TaxCodeRef": {"value": "NON"}},
    }
    billing.change(Line=[permit, *lines], CustomerMemo={"value": "Thank you, Dana"})

    billing.revise(2)

    found, now = billing.receipt(), billing.now()
    assert (found.amount_minor, found.outside_minor) == (600_000, 15_000)
    assert found.held_by is None
    assert now["CustomerMemo"] == {"value": "Thank you, Dana"}
    assert now["DueDate"] == "2026-05-12"
    ours = next(line for line in now["Line"] if line.get("Id") == lines[0]["Id"])
    assert ours["SalesItemLineDetail"]["ClassRef"]["value"] == other
    assert [line.get("Description") for line in now["Line"]].count("Permit") == 1


def test_a_second_revision_knows_the_lines_of_the_first(billing):
    """Line ids are read from every answer."""
    billing.revise(2)
    billing.revise(3)

    found = billing.receipt()

    assert found.amount_minor == sum(line.amount_minor for line in billing.cells(3))
    assert found.held_by is None


def test_money_that_the_bookkeeper_changed_is_theirs(billing):
    """E62: what stands there counts, and is named as an edit."""
    lines = [line for line in billing.now()["Line"] if "Id" in line]
    lines[0] = lines[0] | {"Amount": lines[0]["Amount"] + 100}
    lines[0]["SalesItemLineDetail"] |= {"UnitPrice": lines[0]["Amount"]}
    billing.change(Line=lines)

    found = billing.receipt()

    assert (found.amount_minor, found.held_by) == (310_000, HeldBy.EDITED)
    assert human_edits(billing.now(), billing.synced, line_ids=billing.ids).money


def test_a_voided_invoice_is_still_known_as_ours(billing):
    """The marker stands behind "Voided"."""
    now = billing.now()
    known = {"Id": now["Id"], "SyncToken": now["SyncToken"]}
    billing.company.void("Invoice", known, actor="test")

    assert billing.receipt().state is InvoiceState.VOIDED
    found = find_marker(billing.now()["PrivateNote"])
    assert found is not None
    assert (found.job_id, found.milestone_id, found.ordinal) == (12, "m1", 1)
