"""QuickBooks' JSON for tests: valid by default, override what matters.

Amounts are written as text ("8400.00") and stand in the documents as Decimal, as they do when JSON
is parsed with `parse_float=Decimal`. A keyword that is no argument of a builder is set as a field
of the document: `an_estimate(TxnStatus="Closed")`; None leaves the field out.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from milestone_engine.explain import Derivation
from milestone_engine.job import BilledLine
from milestone_engine.plan import BillMilestone

JSON = dict[str, Any]

_FIXTURES = Path(__file__).parent / "fixtures" / "qbo"


def a_fixture(name: str) -> JSON:
    """Return a payload as QuickBooks sends it, without the entity's name around it."""
    text = (_FIXTURES / f"{name}.json").read_text()
    return next(iter(json.loads(text, parse_float=Decimal).values()))


def a_line(
    id: str = "1",
    amount: str = "12000.00",
    *,
    item: str = "21",
    item_name: str = "Cabinets",
    description: str = "Cabinets, supplied",
    tax_code: str = "NON",
    class_id: str = "",
    class_name: str = "",
    service_on: str = "",
) -> JSON:
    """Return a line that sells an item."""
    detail: JSON = {"ItemRef": {"value": item, "name": item_name}, "Qty": 1}
    detail["UnitPrice"] = Decimal(amount)
    detail["TaxCodeRef"] = {"value": tax_code}
    if class_id:
        detail["ClassRef"] = {"value": class_id, "name": class_name}
    if service_on:
        detail["ServiceDate"] = service_on
    return {
        "Id": id,
        "LineNum": 1,
        "Description": description,
        "Amount": Decimal(amount),
        "DetailType": "SalesItemLineDetail",
        "SalesItemLineDetail": detail,
    }


def a_bundle(id: str, *children: JSON, description: str = "Bath package") -> JSON:
    """Return a bundle; QuickBooks repeats its children's money on it."""
    return {
        "Id": id,
        "LineNum": 1,
        "Description": description,
        "Amount": sum((child["Amount"] for child in children), Decimal(0)),
        "DetailType": "GroupLineDetail",
        "GroupLineDetail": {
            "GroupItemRef": {"value": "52", "name": "Bath package"},
            "Quantity": 1,
            "Line": list(children),
        },
    }


def a_discount(amount: str, *, percent: str = "") -> JSON:
    """Return a discount on the whole document."""
    detail: JSON = {"PercentBased": bool(percent)}
    if percent:
        detail["DiscountPercent"] = Decimal(percent)
    return {
        "Id": "90",
        "Amount": Decimal(amount),
        "DetailType": "DiscountLineDetail",
        "DiscountLineDetail": detail,
    }


def a_text(description: str, *, amount: str = "", service_on: str = "") -> JSON:
    """Return a line of words; the UI may leave an amount on it that means nothing."""
    line: JSON = {"Id": "80", "Description": description, "DetailType": "DescriptionOnly"}
    line["DescriptionLineDetail"] = {"ServiceDate": service_on} if service_on else {}
    if amount:
        line["Amount"] = Decimal(amount)
    return line


def _sales_form(
    *, id: str, number: str, customer_id: str, lines: Sequence[JSON], tax: str, version: int
) -> JSON:
    """Return what sales forms share, with QuickBooks' own subtotal and total."""
    subtotal = sum((_net(line) for line in lines), Decimal(0))
    return {
        "domain": "QBO",
        "sparse": False,
        "Id": id,
        "SyncToken": str(version),
        "MetaData": {
            "CreateTime": "2026-03-02T09:14:11-08:00",
            "LastUpdatedTime": "2026-03-09T16:40:02-08:00",
        },
        "DocNumber": number,
        "TxnDate": "2026-03-02",
        "CurrencyRef": {"value": "USD", "name": "United States Dollar"},
        "CustomerRef": {"value": customer_id, "name": "Whitfield, Dana:Kitchen 2026"},
        "BillEmail": {"Address": "dana@example.com"},
        "LinkedTxn": [],
        "EmailStatus": "NotSet",
        "Line": [
            *lines,
            {"Amount": subtotal, "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": {}},
        ],
        "TxnTaxDetail": {"TotalTax": Decimal(tax)},
        "TotalAmt": subtotal + Decimal(tax),
    }


def _net(line: JSON) -> Decimal:
    """Return what a line adds to the total, as QuickBooks counts."""
    amount = Decimal(line.get("Amount") or 0)
    kind = line.get("DetailType")
    if kind == "DescriptionOnly":
        return Decimal(0)
    return -amount if kind == "DiscountLineDetail" else amount


def _with(document: JSON, fields: JSON) -> JSON:
    return {key: value for key, value in (document | fields).items() if value is not None}


def an_estimate(
    id: str = "1187",
    *,
    number: str = "1042",
    status: str = "Accepted",
    customer_id: str = "318",
    project_id: str = "",
    lines: Sequence[JSON] | None = None,
    tax: str = "0",
    accepted_on: str | None = "2026-03-09",
    memo: str = "",
    note: str = "",
    version: int = 3,
    **fields: Any,
) -> JSON:
    """Return an accepted estimate of 12,000.00 without tax."""
    document = _sales_form(
        id=id,
        number=number,
        customer_id=customer_id,
        lines=[a_line()] if lines is None else lines,
        tax=tax,
        version=version,
    )
    document |= {"TxnStatus": status, "AcceptedDate": accepted_on, "PrivateNote": note}
    document |= {"CustomerMemo": {"value": memo} if memo else None}
    document |= {"ProjectRef": {"value": project_id} if project_id else None}
    return _with(document, fields)


def an_invoice(
    id: str = "1190",
    *,
    number: str = "1042-M1",
    customer_id: str = "318",
    lines: Sequence[JSON] | None = None,
    tax: str = "0",
    settled: str = "0",
    due_on: str = "2026-05-04",
    memo: str = "Milestone 1 of 3",
    note: str = "ms:12.m1.1 estimate 1042",
    version: int = 0,
    **fields: Any,
) -> JSON:
    """Return an unpaid invoice of 2,500.00 without tax; `settled` is what has come in."""
    document = _sales_form(
        id=id,
        number=number,
        customer_id=customer_id,
        lines=[a_line(amount="2500.00")] if lines is None else lines,
        tax=tax,
        version=version,
    )
    document |= {"DueDate": due_on, "PrivateNote": note, "CustomerMemo": {"value": memo}}
    document |= {"Balance": document["TotalAmt"] - Decimal(settled)}
    return _with(document, fields)


def a_payment(
    id: str = "1402",
    *,
    amount: str = "2500.00",
    invoice_id: str = "1190",
    dated_on: str = "2026-03-16",
    customer_id: str = "318",
    **fields: Any,
) -> JSON:
    """Return a payment that is put on one invoice in full."""
    document = {
        "domain": "QBO",
        "sparse": False,
        "Id": id,
        "SyncToken": "0",
        "MetaData": {
            "CreateTime": "2026-03-16T10:02:44-07:00",
            "LastUpdatedTime": "2026-03-16T10:02:44-07:00",
        },
        "TxnDate": dated_on,
        "CustomerRef": {"value": customer_id},
        "TotalAmt": Decimal(amount),
        "UnappliedAmt": Decimal(0),
        "Line": [
            {
                "Amount": Decimal(amount),
                "LinkedTxn": [{"TxnId": invoice_id, "TxnType": "Invoice"}],
            }
        ],
    }
    return _with(document, fields)


def a_customer(
    id: str = "318", *, name: str = "Kitchen 2026", parent_id: str = "300", **fields: Any
) -> JSON:
    """Return a sub-customer: one building job."""
    document = {
        "domain": "QBO",
        "sparse": False,
        "Id": id,
        "SyncToken": "1",
        "DisplayName": name,
        "FullyQualifiedName": f"Whitfield, Dana:{name}",
        "Job": bool(parent_id),
        "ParentRef": {"value": parent_id} if parent_id else None,
        "PrimaryEmailAddr": {"Address": "dana@example.com"},
        "Active": True,
    }
    return _with(document, fields)


def a_bill(line_id: str, amount_minor: int, *, of_count: int) -> BillMilestone:
    """The plan's wish for an invoice of the first milestone, over one line of the contract."""
    return BillMilestone(
        milestone_id="m1",
        label="Deposit",
        number=1,
        of_count=of_count,
        ordinal=1,
        doc_number="1042-M1",
        amount_minor=amount_minor,
        lines=(BilledLine(line_id=line_id, amount_minor=amount_minor),),
        issue_on=date(2026, 5, 1),
        due_on=date(2026, 5, 4),
        why=Derivation(code="share", facts=()),
    )
