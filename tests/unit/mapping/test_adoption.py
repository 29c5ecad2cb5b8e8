"""Invoices that people made: which are a job's, and which contract lines they bill."""

from __future__ import annotations

from typing import Any

import pytest

from mapping.adoption import Claim, adopted_invoice, contract_lines, invoices_of, is_own_invoice
from mapping.contracts import MappedContract, contract_of
from mapping.documents import parse_estimate, parse_invoice
from mapping.jobs import JobDocuments
from milestone_engine.job import HeldBy, InvoiceState
from tests.builders import JSON, a_line, an_estimate, an_invoice

LINES = [
    a_line("1", "8400.00", item="21", description="Cabinets, supplied"),
    a_line("2", "3600.00", item="30", item_name="Installation", description="Installation"),
]
ESTIMATE = parse_estimate(an_estimate(lines=LINES))


def mapped() -> MappedContract:
    """The contract of 12,000.00 on two lines."""
    return contract_of(JobDocuments(main=ESTIMATE), first_totals={}, home_currency="USD")


def linked(to: str = "1187", **fields: Any) -> JSON:
    """An invoice linked to an estimate."""
    return an_invoice(note="", LinkedTxn=[{"TxnId": to, "TxnType": "Estimate"}], **fields)


@pytest.mark.parametrize(
    ("invoice", "key", "claim"),
    [
        pytest.param(linked(number="77"), "estimate:1187", Claim.LINKED, id="linked"),
        pytest.param(linked("9", number="77"), "customer:318", None, id="to-another-estimate"),
        pytest.param(an_invoice(number="77", note=""), "customer:318", Claim.CUSTOMER, id="own"),
        pytest.param(an_invoice(number="77", note=""), "estimate:1187", None, id="plain-customer"),
        pytest.param(
            an_invoice(number="77", note="", TxnDate="2026-03-01"), "customer:318", None, id="older"
        ),
        pytest.param(an_invoice(number="1042-A"), "estimate:1187", Claim.NUMBER, id="its-number"),
        pytest.param(an_invoice(number="10421"), "estimate:1187", None, id="a-longer-number"),
        pytest.param(
            an_invoice(number="7", ProjectRef={"value": "5"}), "project:5", Claim.CUSTOMER,
            id="own-project",
        ),
        pytest.param(an_invoice(number="7"), "project:5", None, id="beside-the-project"),
    ],
)  # fmt: skip
def test_an_invoice_is_claimed_by_link_place_or_number(
    invoice: JSON, key: str, claim: Claim | None
) -> None:
    """And by nothing else: what nobody can tell is told and left alone."""
    found = invoices_of(
        [ESTIMATE],
        [parse_invoice(invoice)],
        ours=(),
        is_own=lambda one: is_own_invoice(one, key),
    )

    assert [one for _, one in found.claimed] == ([claim] if claim else [])
    assert len(found.others) == (0 if claim else 1)


def test_voided_deleted_and_known_invoices_are_nobodys() -> None:
    """They ask for nothing, or belong to a job already."""
    voided = an_invoice("1", lines=[a_line(amount="0")], note="Voided ms:1.m1.1")
    gone = {"Id": "2", "status": "Deleted"}
    ours = an_invoice("3")
    found = invoices_of(
        [ESTIMATE],
        [parse_invoice(one) for one in (voided, gone, ours)],
        ours={"3"},
        is_own=lambda _: True,
    )

    assert (found.claimed, found.others) == ((), ())


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param(
            [a_line("1", "2100.00", item="21"), a_line("2", "900.00", item="30")],
            {"1": "1187:1", "2": "1187:2"},
            id="by-item",
        ),
        pytest.param(
            [a_line("1", "2100.00", item="21"), a_line("2", "150.00", item="99")],
            {"1": "1187:1"},
            id="another-item-is-from-outside",
        ),
        pytest.param(
            [a_line("1", "3000.00", item="99", description="25 percent")],
            {"1": ""},
            id="one-line-for-all",
        ),
    ],
)
def test_lines_bill_what_sells_the_same(lines: list[JSON], expected: dict[str, str]) -> None:
    """By item; where none is known, all of it is the contract's."""
    invoice = parse_invoice(an_invoice(lines=lines, note=""))

    assert contract_lines(invoice, mapped().coding, currency="USD") == expected


def test_one_line_for_all_is_spread_over_the_contract_to_the_cent() -> None:
    """3,000.01 of 12,000.00: 70 to 30, exact."""
    invoice = parse_invoice(
        an_invoice(lines=[a_line("1", "3000.01", item="99")], note="", settled="1000.00")
    )
    contract = mapped()
    read = adopted_invoice(
        invoice,
        milestone_id="before",
        ordinal=1,
        contract=contract.contract,
        coding=contract.coding,
        payments=(),
        currency="USD",
    )

    assert (read.amount_minor, read.paid_minor, read.held_by) == (
        300_001, 100_000, HeldBy.ADOPTED,
    )  # fmt: skip
    assert {one.line_id: one.amount_minor for one in read.lines} == {
        "1187:1": 210_001, "1187:2": 90_000,
    }  # fmt: skip


def test_two_lines_of_one_item_add_up() -> None:
    """A person split the slab over two lines: both are that contract line."""
    lines = [a_line("1", "1000.00", item="21"), a_line("2", "500.00", item="21")]
    contract = mapped()
    read = adopted_invoice(
        parse_invoice(an_invoice(lines=lines, note="")),
        milestone_id="m1",
        ordinal=1,
        contract=contract.contract,
        coding=contract.coding,
        payments=(),
        currency="USD",
    )

    assert {one.line_id: one.amount_minor for one in read.lines} == {"1187:1": 150_000}
    assert read.state is InvoiceState.LIVE
