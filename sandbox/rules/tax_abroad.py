"""Tax outside the US: a numbered code on every line, several rates under a code, prices with or
without tax.
"""

from collections import defaultdict
from decimal import Decimal

from sandbox.draft import Draft
from sandbox.rules.lines import ITEM, Arranged, item_lines
from sandbox.values import ZERO, Document, cents, total

INCLUSIVE = "TaxInclusive"


def tax_abroad(draft: Draft, form: Document, arranged: Arranged) -> Document:
    """Return the form's `TxnTaxDetail`: one line per rate, rounded once per rate.

    A discount lowers what is taxed, in the proportion of the lines.
    """
    bases: dict[str, Decimal] = defaultdict(lambda: ZERO)
    if form.get("GlobalTaxCalculation") != "NotApplicable":
        for line in item_lines(arranged.lines):
            for rate_id in _rate_ids(draft, line):
                bases[rate_id] += line["Amount"]
    share = (
        1 - arranged.discount / arranged.subtotal
        if arranged.discount and arranged.subtotal
        else Decimal(1)
    )
    rows = [_row(draft, id, cents(base * share)) for id, base in bases.items()]
    return {"TotalTax": total([row["Amount"] for row in rows]), "TaxLine": rows}


def net_amounts(draft: Draft, form: Document, lines: list[Document]) -> list[Document]:
    """Return lines whose amounts are net, where they were sent with tax inside.

    QuickBooks keeps the gross beside it as `TaxInclusiveAmt`.
    """
    if form.get("GlobalTaxCalculation") != INCLUSIVE:
        return lines
    kept: list[Document] = []
    for line in lines:
        detail = line.get(ITEM) or {}
        # A line that carries both has been here before.
        if (
            line.get("Amount") is None
            or "TaxCodeRef" not in detail
            or detail.get("TaxInclusiveAmt")
        ):
            kept.append(line)
            continue
        percent = sum((Decimal(r["RateValue"]) for r in _rates(draft, line)), ZERO)
        net = cents(line["Amount"] * 100 / (100 + percent))
        sold = {name: value for name, value in detail.items() if name != "UnitPrice"}
        kept.append({**line, "Amount": net, ITEM: {**sold, "TaxInclusiveAmt": line["Amount"]}})
    return kept


def _rate_ids(draft: Draft, line: Document) -> list[str]:
    return [rate["Id"] for rate in _rates(draft, line)]


def _rates(draft: Draft, line: Document) -> list[Document]:
    code = draft.find("TaxCode", line[ITEM]["TaxCodeRef"]["value"]) or {}
    rows = (code.get("SalesTaxRateList") or {}).get("TaxRateDetail", ())
    return [draft.get("TaxRate", row["TaxRateRef"]["value"]) for row in rows]


def _row(draft: Draft, rate_id: str, base: Decimal) -> Document:
    percent = Decimal(draft.get("TaxRate", rate_id)["RateValue"])
    return {
        "Amount": cents(base * percent / 100),
        "DetailType": "TaxLineDetail",
        "TaxLineDetail": {
            "TaxRateRef": {"value": rate_id},
            "PercentBased": True,
            "TaxPercent": percent,
            "NetAmountTaxable": base,
        },
    }
