"""docs/field-ownership.md held to its word: every field that a person can edit is edited on a live
invoice, the price is raised, and what the page says of the edit is looked for.

Coding is edited all at once on one invoice; each field of money or identity on an invoice of its
own. Three passes of the loop for all of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sandbox.entities.sales import INVOICE
from sync.store import findings
from tests.functional.test_push import raise_price
from tests.house import House, Services, open_house

PAGE = (Path(__file__).parents[2] / "docs" / "field-ownership.md").read_text(encoding="utf-8")
FATES = ("stays", "stays, told", "stays, pinned", "read only", "no field here")
LINES = [("Quartz slab", "8400.00", "TAX", 2), ("Installation", "3600.00", "NON", 14)]
DETAIL = "SalesItemLineDetail"

Body = dict[str, Any]
Edit = Callable[[Body], Body]


def page_rows() -> dict[str, str]:
    """The page's fields, each with what becomes of a person's edit."""
    found = {}
    for row in re.findall(r"^\| (.+) \|$", PAGE, re.M):
        cells = [cell.strip() for cell in row.split(" | ")]
        if cells[0] != "field":
            found[cells[0].replace("`", "")] = cells[-1]
    return found


ROWS = page_rows()

#: What a bookkeeper types into each field that is theirs, or that they may take over.
CODING: Mapping[str, Any] = {
    "TxnDate": "2026-10-01",
    "DueDate": "2030-01-01",
    "CustomerMemo": {"value": "Hello Elena"},
    "ClassRef": {"value": "2"},
    "DepartmentRef": {"value": "2"},
    "SalesTermRef": {"value": "3"},
    "BillEmail": {"Address": "other@example.com"},
    "BillEmailCc": {"Address": "cc@example.com"},
    "BillEmailBcc": {"Address": "bcc@example.com"},
    "BillAddr": {"Line1": "1 Bill Street", "City": "Provo"},
    "ShipAddr": {"Line1": "2 Ship Street", "City": "Provo"},
    "ShipFromAddr": {"Line1": "3 Yard Street", "City": "Provo"},
    "FreeFormAddress": True,
    "ShipDate": "2026-12-24",
    "ShipMethodRef": {"value": "UPS"},
    "TrackingNum": "1Z999",
    "PONumber": "PO-77",
    "CustomField": [
        {"DefinitionId": "1", "Name": "CO #", "Type": "StringType", "StringValue": "9"}
    ],
    "Tag": [{"Name": "kitchens"}],
    "AllowOnlineCreditCardPayment": True,
    "AllowOnlineACHPayment": True,
    "AllowOnlinePayPalPayment": True,
    "AllowOnlinePayment": True,
    "PrintStatus": "NeedToPrint",
    "EmailStatus": "NeedToSend",
    "Deposit": Decimal("50.00"),
    "DepositToAccountRef": {"value": "1"},
    "ApplyTaxAfterDiscount": True,
    "TxnSource": "Phone",
}

LINE_CODING: Mapping[str, Any] = {
    "Line.Description": "As agreed on the phone",
    f"Line.{DETAIL}.ItemRef": "6",
    f"Line.{DETAIL}.ClassRef": "3",
    f"Line.{DETAIL}.TaxCodeRef": "NON",
    f"Line.{DETAIL}.ServiceDate": "2026-12-01",
}


def sales(body: Body) -> list[Body]:
    """The lines of an invoice without QuickBooks' subtotal."""
    return [line for line in body["Line"] if line["DetailType"] != "SubTotalLineDetail"]


def on_line(**fields: Any) -> Edit:
    """Change fields of the first line; those of its detail in one of their own."""

    def edit(now: Body) -> Body:
        lines = sales(now)
        detail = {**lines[0][DETAIL], **fields.pop("detail", {})}
        lines[0] = {**lines[0], **fields, DETAIL: detail}
        return {"Line": lines}

    return edit


@dataclass(frozen=True, slots=True, kw_only=True)
class Single:
    """An edit of money or identity, on an invoice of its own."""

    field: str
    edit: Edit
    read: Callable[[Body], Any]
    finding: str  #: behind `invoice:<id>`
    theirs: str  #: a part of what the finding names as theirs


def net(body: Body) -> Decimal:
    """Contract money, before tax."""
    return Decimal(body["TotalAmt"]) - Decimal(body["TxnTaxDetail"]["TotalTax"])


def first(body: Body) -> Body:
    """The first line's detail."""
    found: Body = sales(body)[0][DETAIL]
    return found


SINGLES = [
    Single(
        field="DocNumber",
        edit=lambda now: {"DocNumber": f"X{now['Id']}"},
        read=lambda now: now["DocNumber"],
        finding="/number",
        theirs="X",
    ),
    Single(
        field="CustomerRef",
        edit=lambda now: {"CustomerRef": {"value": "1"}},
        read=lambda now: now["CustomerRef"]["value"],
        finding="/customer",
        theirs="Whitfield",
    ),
    Single(
        field="ProjectRef",
        edit=lambda now: {"ProjectRef": {"value": "4471000012"}},
        read=lambda now: now["ProjectRef"]["value"],
        finding="/project",
        theirs="4471000012",
    ),
    Single(
        field="PrivateNote, the mark",
        edit=lambda now: {"PrivateNote": "no mark any more"},
        read=lambda now: now["PrivateNote"],
        finding="/marker",
        theirs="nothing",
    ),
    Single(
        field="TxnTaxDetail",
        edit=lambda now: {"TxnTaxDetail": {**now["TxnTaxDetail"], "TotalTax": Decimal("150.00")}},
        read=lambda now: now["TxnTaxDetail"]["TotalTax"],
        finding="",
        theirs="tax 150",
    ),
    Single(
        field="Line",
        edit=lambda now: {"Line": sales(now)[1:]},
        read=lambda now: net(now),
        finding="",
        theirs="900.00",
    ),
    Single(
        field="Line.Amount",
        edit=lambda now: on_line(
            Amount=Decimal("2000.00"), detail={"Qty": 1, "UnitPrice": Decimal("2000.00")}
        )(now),
        read=lambda now: sales(now)[0]["Amount"],
        finding="",
        theirs="2900.00",
    ),
    Single(
        field=f"Line.{DETAIL}.Qty",
        edit=lambda now: on_line(detail={"Qty": 2, "UnitPrice": Decimal("1050.00")})(now),
        read=lambda now: first(now)["Qty"],
        finding="",
        theirs="2 x 1050",
    ),
    Single(
        field=f"Line.{DETAIL}.UnitPrice",
        edit=lambda now: on_line(detail={"Qty": 4, "UnitPrice": Decimal("525.00")})(now),
        read=lambda now: first(now)["UnitPrice"],
        finding="",
        theirs="4 x 525",
    ),
    Single(
        field="a discount",
        edit=lambda now: {
            "Line": [
                *sales(now),
                {
                    "Amount": Decimal("100.00"),
                    "DetailType": "DiscountLineDetail",
                    "DiscountLineDetail": {"PercentBased": False},
                },
            ]
        },
        read=lambda now: net(now),
        finding="",
        theirs="2900.00",
    ),
]

BESIDE = {
    "a line that a person added": "Fuel surcharge",
    "a line of text": "Thank you for waiting",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Edited:
    """What the invoices look like after the edits, and after the price was raised."""

    house: House
    coded: tuple[Body, Body]
    singles: Mapping[str, tuple[Body, Body]]


@pytest.fixture(scope="module")
def edited(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edited]:
    """Every edit made, every price raised, and the loop at rest again."""
    with open_house(services, tmp_path_factory.mktemp("fields")) as house:
        bases = [str(8000 + number) for number in range(len(SINGLES) + 1)]
        estimates = [house.accepted_estimate(base, LINES) for base in bases]
        house.sync()
        made = [house.sandbox.invoices(base)[0] for base in bases]
        before = [code(house, made[0])]
        before += [
            house.sandbox.change("Invoice", invoice, **one.edit(invoice))
            for one, invoice in zip(SINGLES, made[1:], strict=True)
        ]
        house.sync()
        for estimate in estimates:
            raise_price(house, estimate, "400.00")
        house.sync()
        after = [house.sandbox.read("Invoice", one["Id"]) for one in made]
        pairs = list(zip(before, after, strict=True))
        singles = {one.field: pair for one, pair in zip(SINGLES, pairs[1:], strict=True)}
        yield Edited(house=house, coded=pairs[0], singles=singles)


def code(house: House, invoice: Body) -> Body:
    """Edit all that is coding on one invoice, its first line and lines beside it included."""
    lines = on_line(
        Description=LINE_CODING["Line.Description"],
        detail={
            name.rpartition(".")[2]: {"value": value} if name.endswith("Ref") else value
            for name, value in LINE_CODING.items()
            if name != "Line.Description"
        },
    )(invoice)["Line"]
    extra = {
        "DetailType": DETAIL,
        "Amount": Decimal("35.00"),
        "Description": BESIDE["a line that a person added"],
        DETAIL: {"ItemRef": {"value": "9"}, "TaxCodeRef": {"value": "NON"}},
    }
    text = {"DetailType": "DescriptionOnly", "Description": BESIDE["a line of text"]}
    note = f"{invoice['PrivateNote']} ask Dana for the key"
    wishes = {**CODING, "PrivateNote": note, "Line": [lines[1], extra, lines[0], text]}
    return dict(house.sandbox.change("Invoice", invoice, **wishes))


def test_the_page_names_every_field_of_an_invoice_and_every_edit() -> None:
    """No field of the sandbox's Invoice is missing, and each that can be edited is edited here."""
    assert set(ROWS.values()) <= set(FATES)
    assert set(INVOICE.fields) - set(ROWS) == set()

    tried = {*CODING, *LINE_CODING, *BESIDE, *(one.field for one in SINGLES)}
    elsewhere = {"PrivateNote", "LinkedTxn", "Line.LineNum", "any other field of a line"}
    assert {name for name, fate in ROWS.items() if fate.startswith("stays")} == tried | elsewhere


@pytest.mark.parametrize("field", sorted(CODING))
def test_coding_of_the_invoice_stays(edited: Edited, field: str) -> None:
    """As the bookkeeper made it, after the price has changed."""
    before, after = edited.coded

    assert ROWS[field] == "stays"
    assert before[field] == after[field]
    typed = CODING[field]
    kept = after[field]
    assert kept == typed or typed.items() <= kept.items() or typed[0].items() <= kept[0].items()


def test_the_invoice_was_revised_all_the_same(edited: Edited) -> None:
    """The price change stands on it: 3,100 of the contract and 35 that a person added."""
    _, after = edited.coded

    assert net(after) == Decimal("3135.00")
    assert after["PrivateNote"].endswith("ask Dana for the key")


@pytest.mark.parametrize("field", sorted(LINE_CODING))
def test_coding_of_a_line_stays(edited: Edited, field: str) -> None:
    """On the line that it was made on, which stands third now: people's order stays too."""
    _, after = edited.coded
    line = sales(after)[2]
    found = line if field == "Line.Description" else line[DETAIL]
    value = found[field.rpartition(".")[2]]

    assert ROWS[field] == "stays"
    assert (value["value"] if isinstance(value, dict) else value) == LINE_CODING[field]


@pytest.mark.parametrize("field", sorted(BESIDE))
def test_lines_beside_ours_stay(edited: Edited, field: str) -> None:
    """In their place and with their money."""
    before, after = edited.coded

    for body in (before, after):
        assert BESIDE[field] in [line.get("Description") for line in sales(body)]
    assert [line["Amount"] for line in sales(after) if "Fuel" in line["Description"]] == [35]


@pytest.mark.parametrize("one", [pytest.param(one, id=one.field) for one in SINGLES])
def test_money_and_identity_stay_and_are_told_with_both_values(edited: Edited, one: Single) -> None:
    """The person's value stands after the price has changed, and a finding names both."""
    before, after = edited.singles[one.field]
    house = edited.house

    assert one.read(after) == one.read(before)
    with house.app.database.begin(house.realm_no) as session:
        rows = findings.open_ones(session, house.realm_no)
    about = [row for row in rows if row.subject == f"invoice:{after['Id']}{one.finding}"]
    code = "invoice_differs" if ROWS[one.field] == "stays, told" else "invoice_edited"
    assert [row.code for row in about] == [code]
    assert one.theirs in about[0].facts["theirs"]
    assert about[0].facts["ours"] != about[0].facts["theirs"]
    if code == "invoice_edited":
        assert after["SyncToken"] == before["SyncToken"]
