"""Exchange rates, attachments, recurring transactions and the tax service: objects with rules of
their own.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sandbox.draft import Draft
from sandbox.entities import SPECS, Spec
from sandbox.errors import Fault, bad_value, duplicate_name, missing, unsupported
from sandbox.rules.references import resolve
from sandbox.rules.saving import merged, require
from sandbox.schema import clean
from sandbox.tables import Tables
from sandbox.values import Document

#: What can recur.
TEMPLATES = (
    "Bill",
    "CreditMemo",
    "Deposit",
    "Estimate",
    "Invoice",
    "JournalEntry",
    "Purchase",
    "PurchaseOrder",
    "RefundReceipt",
    "SalesReceipt",
    "Transfer",
    "VendorCredit",
)
RATES_MAX = 20


def save_rate(draft: Draft, spec: Spec, body: Document) -> Document:
    """Set the rate of a currency on a day, home units for one foreign unit."""
    rate = {name: value for name, value in body.items() if value is not None}
    require(spec, rate)
    if rate["Rate"] <= 0:
        raise bad_value("2090", "Number", "Rate", rate["Rate"])
    home = (draft.preferences().get("CurrencyPrefs") or {}).get("HomeCurrency") or {"value": "USD"}
    rate.setdefault("TargetCurrencyCode", home["value"])
    rate.setdefault("AsOfDate", draft.today.isoformat())
    id = f"{rate['SourceCurrencyCode']}-{rate['TargetCurrencyCode']}-{rate['AsOfDate']}"
    old = draft.find(spec.name, id)
    if old is None:
        return draft.create(spec.name, rate, id=id)
    return draft.put(spec.name, {**old, **rate})


def save_attachable(
    draft: Draft, spec: Spec, body: Document, *, old: Document | None, is_sparse: bool
) -> Document:
    """Keep a note or the facts about a file; an update is always a full one."""
    kept = merged(spec, old, resolve(draft, body, spec.fields), is_sparse=is_sparse)
    if old is None and not kept.get("Note") and not kept.get("FileName"):
        raise missing("Note")
    for row in kept.get("AttachableRef", ()):
        ref = row.get("EntityRef")
        kind = (ref or {}).get("type")
        if (
            ref
            and isinstance(kind, str)
            and kind in SPECS
            and draft.find(kind, ref["value"]) is None
        ):
            raise bad_value("2500", "Reference Id", "EntityRef", ref["value"])
    return draft.create(spec.name, kept) if old is None else draft.put(spec.name, kept)


def inner_of(body: Document) -> tuple[str, Document]:
    """Return the kind and the content of a recurring transaction as it is sent.

    Raises:
        Fault: 2020, it holds nothing that can recur.
    """
    for kind in TEMPLATES:
        if isinstance(body.get(kind), dict):
            return kind, body[kind]
    raise missing("Invoice, Bill or another transaction")


def save_template(
    draft: Draft, spec: Spec, kind: str, body: Document, *, old: Document | None
) -> Document:
    """Keep a template; nothing is made from it by itself.

    Raises:
        Fault: 2020 it has no RecurringInfo, 6240 its name is taken, and what speaks against its
            fields.
    """
    if kind not in TEMPLATES:
        raise unsupported(f"recurring {kind}")
    info = body.get("RecurringInfo")
    if not isinstance(info, dict) or not info.get("Name"):
        raise missing("RecurringInfo")
    inner = SPECS[kind]
    sent = clean(kind, body, inner.fields, is_open=True)
    kept = {
        name: value
        for name, value in resolve(draft, sent, inner.fields).items()
        if value is not None
    }
    require(inner, kept)
    kept["Type"] = kind
    amounts = [Decimal(line.get("Amount") or 0) for line in kept.get("Line", ())]
    kept["TotalAmt"] = sum(amounts, Decimal(0))
    _refuse_taken(draft, str(info["Name"]), (old or {}).get("Id"))
    if old is None:
        return draft.create(spec.name, kept)
    stays = {name: old[name] for name in ("Id", "SyncToken", "MetaData", "domain", "sparse")}
    return draft.put(spec.name, {**stays, **kept})


def _refuse_taken(draft: Draft, name: str, id: str | None) -> None:
    for row in draft.tables.rows["RecurringTransaction"].values():
        if row["RecurringInfo"].get("Name") == name and row["Id"] != id:
            raise duplicate_name(name)


def make_tax_code(draft: Draft, body: Mapping[str, Any]) -> str:
    """Make a tax code with its rates, as the tax service does; return the code's id.

    Raises:
        Fault: 2020 without name or rates, 2500 an unknown agency or rate, 6240 the name is taken.
    """
    name = body.get("TaxCode")
    rows = body.get("TaxRateDetails")
    if not isinstance(name, str) or not name:
        raise missing("TaxCode")
    if not isinstance(rows, list) or not rows or len(rows) > RATES_MAX:
        raise missing("TaxRateDetails")
    if draft.tables.holder_of_name("TaxCode", name):
        raise duplicate_name(name)
    details = [_rate_row(draft, row, order) for order, row in enumerate(rows)]
    lists: dict[str, Document] = {"Sales": {"TaxRateDetail": []}, "Purchase": {"TaxRateDetail": []}}
    for side, detail in details:
        lists[side]["TaxRateDetail"].append(detail)
    made = draft.create(
        "TaxCode",
        {
            "Name": name,
            "Description": name,
            "Active": True,
            "Taxable": True,
            "TaxGroup": True,
            "SalesTaxRateList": lists["Sales"],
            "PurchaseTaxRateList": lists["Purchase"],
        },
    )
    return str(made["Id"])


def tax_service_answer(tables: Tables, code: Document) -> Document:
    """Return what the tax service answers: the code and its rates in words of its own."""
    rows: list[Document] = []
    for side in ("Sales", "Purchase"):
        for row in code[f"{side}TaxRateList"]["TaxRateDetail"]:
            rate = tables.find("TaxRate", row["TaxRateRef"]["value"]) or {}
            rows.append(
                {
                    "TaxRateName": rate.get("Name"),
                    "TaxRateId": rate.get("Id"),
                    "RateValue": rate.get("RateValue"),
                    "TaxAgencyId": (rate.get("AgencyRef") or {}).get("value"),
                    "TaxApplicableOn": side,
                }
            )
    return {"TaxCode": code["Name"], "TaxCodeId": code["Id"], "TaxRateDetails": rows}


def _rate_row(draft: Draft, row: object, order: int) -> tuple[str, Document]:
    if not isinstance(row, dict):
        raise bad_value("2010", "object", "TaxRateDetails", row)
    side = "Purchase" if row.get("TaxApplicableOn") == "Purchase" else "Sales"
    id = str(row.get("TaxRateId") or "") or _new_rate(draft, row)
    if draft.find("TaxRate", id) is None:
        raise bad_value("2500", "Reference Id", "TaxRateId", id)
    return side, {
        "TaxRateRef": {"value": id},
        "TaxTypeApplicable": "TaxOnAmount",
        "TaxOrder": Decimal(order),
    }


def _new_rate(draft: Draft, row: Document) -> str:
    fields = SPECS["TaxRate"].fields
    sent = {"Name": row.get("TaxRateName"), "RateValue": row.get("RateValue")}
    rate = clean("TaxRate", sent, fields)
    if not rate["Name"] or rate["RateValue"] is None:
        raise missing("TaxRateName")
    agency = str(row.get("TaxAgencyId") or "")
    if draft.find("TaxAgency", agency) is None:
        raise Fault("2500", "Invalid Reference Id", f"There is no tax agency {agency}")
    if draft.tables.holder_of_name("TaxRate", rate["Name"]):
        raise duplicate_name(rate["Name"])
    made = draft.create(
        "TaxRate",
        {
            **rate,
            "Description": rate["Name"],
            "Active": True,
            "AgencyRef": {"value": agency},
            "SpecialTaxType": "NONE",
            "DisplayType": "ReadOnly",
        },
    )
    return str(made["Id"])
