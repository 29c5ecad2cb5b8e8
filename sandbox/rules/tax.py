"""US sales tax: one rate set per company, asked of the company and not of the client, rounded once
per rate.
"""

from decimal import Decimal

from sandbox.draft import Draft
from sandbox.rules.lines import ITEM, Arranged, item_lines
from sandbox.rules.tax_abroad import tax_abroad
from sandbox.rules.tax_codes import is_american
from sandbox.values import ZERO, Document, cents, total

OVERRIDDEN = "AST_TAX_OVERRIDE"


def tax_detail(
    draft: Draft, form: Document, arranged: Arranged, *, sent: Document | None
) -> Document | None:
    """Return the form's `TxnTaxDetail`, or None where the company charges no sales tax.

    Args:
        form: its customer and `ApplyTaxAfterDiscount` count.
        arranged: the form's lines.
        sent: what the client sent as TxnTaxDetail in this very request; a `TotalTax` in it that
            differs from the computed one is honoured and spread over the rates.
    """
    preferences = draft.preferences().get("TaxPrefs") or {}
    if not preferences.get("UsingSalesTax"):
        return None
    if not is_american(draft):
        return tax_abroad(draft, form, arranged)
    taxable = _taxable(draft, form, arranged)
    code = _tax_code(draft, preferences, sent)
    if code is None or not taxable:
        detail: Document = {"TotalTax": ZERO, "TaxLine": []}
    else:
        rows = [_tax_line(rate, taxable) for rate in _rates(draft, code)]
        detail = {
            "TxnTaxCodeRef": {"value": code["Id"]},
            "TotalTax": total([row["Amount"] for row in rows]),
        }
        detail["TaxLine"] = rows
    return _overridden(detail, sent)


def _taxable(draft: Draft, form: Document, arranged: Arranged) -> Decimal:
    customer_ref = form.get("CustomerRef") or {}
    customer = draft.find("Customer", customer_ref.get("value", "")) or {}
    if customer.get("Taxable") is False:
        return ZERO
    marked = [
        line for line in item_lines(arranged.lines) if line[ITEM]["TaxCodeRef"]["value"] == "TAX"
    ]
    taxable = total([line["Amount"] for line in marked])
    if form.get("ApplyTaxAfterDiscount") and arranged.subtotal:
        taxable -= cents(arranged.discount * taxable / arranged.subtotal)
    return taxable


def _tax_code(draft: Draft, preferences: Document, sent: Document | None) -> Document | None:
    """Automated sales tax puts the company's own code in the place of any that a client sends."""
    wished = (sent or {}).get("TxnTaxCodeRef")
    if preferences.get("PartnerTaxEnabled") or wished is None:
        wished = preferences.get("TaxGroupCodeRef")
    return draft.find("TaxCode", wished["value"]) if wished else None


def _rates(draft: Draft, code: Document) -> list[Document]:
    rows = (code.get("SalesTaxRateList") or {}).get("TaxRateDetail", ())
    return [draft.get("TaxRate", row["TaxRateRef"]["value"]) for row in rows]


def _tax_line(rate: Document, taxable: Decimal) -> Document:
    percent: Decimal = Decimal(rate["RateValue"])
    return {
        "Amount": cents(taxable * percent / 100),
        "DetailType": "TaxLineDetail",
        "TaxLineDetail": {
            "TaxRateRef": {"value": rate["Id"]},
            "PercentBased": True,
            "TaxPercent": percent,
            "NetAmountTaxable": taxable,
        },
    }


def _overridden(detail: Document, sent: Document | None) -> Document:
    """Spread a client's own tax total over the rates; the last rate takes the odd cents."""
    wished = (sent or {}).get("TotalTax")
    rows = detail["TaxLine"]
    if (
        wished is None
        or not rows
        or cents(wished) == detail["TotalTax"]
        or (sent or {}).get("UseAutomatedSalesTax")
    ):
        return detail
    computed, left = detail["TotalTax"], cents(wished)
    spread: list[Document] = []
    for row in rows:
        share = (
            left
            if row is rows[-1]
            else cents(cents(wished) * row["Amount"] / computed if computed else ZERO)
        )
        left -= share
        note = {**row["TaxLineDetail"], "OverrideDeltaAmount": share - row["Amount"]}
        spread.append({**row, "Amount": share, "TaxLineDetail": note})
    return {**detail, "TotalTax": cents(wished), "TaxLine": spread, "TaxReviewStatus": OVERRIDDEN}
