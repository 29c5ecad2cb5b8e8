"""Sales forms, Estimate to ChangeOrder: from what a client sent to a form with numbers, totals, tax
and links.
"""

from datetime import date, timedelta
from decimal import Decimal

from sandbox.draft import Draft
from sandbox.entities import Spec
from sandbox.errors import (
    Fault,
    bad_reference,
    bad_value,
    business,
    deposited,
    duplicate_number,
    missing,
)
from sandbox.rules.currency import settle_currency, show_at_home
from sandbox.rules.lines import TAXED_LINES_MAX, arrange
from sandbox.rules.links import finish_change_order, link_estimate, links
from sandbox.rules.payments import applied_to, apply_credits, refit
from sandbox.rules.references import resolve
from sandbox.rules.saving import merged, refuse_closed, require
from sandbox.rules.tax import OVERRIDDEN, tax_detail
from sandbox.rules.tax_abroad import net_amounts
from sandbox.rules.tax_codes import is_american
from sandbox.values import ZERO, Document, cents

ALLOW_DUPLICATE = "allowduplicatedocnum"
#: They promise money, they do not book it.
NOT_POSTING = ("Estimate", "ChangeOrder")


def save_form(
    draft: Draft,
    spec: Spec,
    body: Document,
    *,
    old: Document | None,
    is_sparse: bool,
    options: frozenset[str] = frozenset(),
) -> Document:
    """Create or update one sales form, with everything that follows for other documents."""
    resolved = resolve(draft, body, spec.fields)
    form = merged(spec, old, resolved, is_sparse=is_sparse)
    require(spec, form)
    if old is not None and links(old, "Deposit"):
        raise deposited()
    if spec.name not in NOT_POSTING:
        refuse_closed(
            draft, form.get("TxnDate") or draft.today.isoformat(), (old or {}).get("TxnDate")
        )
    _fill_in(draft, spec, form, old)
    _number(draft, spec, form, old, options)
    _add_up(draft, form, resolved, old)
    form = draft.create(spec.name, form) if old is None else draft.put(spec.name, form)
    match spec.name:
        case "Invoice":
            form = _finish_invoice(draft, form, old)
        case "CreditMemo":
            form = _finish_credit(draft, form, old)
        case "SalesReceipt" | "RefundReceipt":
            form = draft.put(spec.name, {**form, "Balance": ZERO})
        case "ChangeOrder":
            form = finish_change_order(draft, form)
    if "ExchangeRate" in form:
        show_at_home(draft, form)
    return form


def _fill_in(draft: Draft, spec: Spec, form: Document, old: Document | None) -> None:
    """Put in what QuickBooks puts in when a client does not say."""
    form.setdefault("TxnDate", (old or {}).get("TxnDate") or draft.today.isoformat())
    # Receipts may be for nobody in particular.
    customer = draft.get("Customer", form["CustomerRef"]["value"]) if "CustomerRef" in form else {}
    settle_currency(draft, form, customer)
    form.setdefault("ApplyTaxAfterDiscount", False)
    form.setdefault("PrintStatus", "NotSet")
    form.setdefault("EmailStatus", "NotSet")
    form.setdefault("LinkedTxn", [])
    form["CustomField"] = _custom_fields(draft, form.get("CustomField", []), old)
    for name in ("BillAddr", "ShipAddr"):
        if old is None and name not in form and name in customer:
            form[name] = {part: value for part, value in customer[name].items() if part != "Id"}
    _fill_in_project(draft, form, customer)
    if form["EmailStatus"] == "NeedToSend" and not (form.get("BillEmail") or {}).get("Address"):
        raise missing("BillEmail")
    if is_american(draft):
        form.pop("GlobalTaxCalculation", None)
    else:
        form.setdefault("GlobalTaxCalculation", "TaxExcluded")
    if spec.name not in ("Invoice", "ChangeOrder"):
        # Links are made from the invoice and from the payment.
        form["LinkedTxn"] = (old or {}).get("LinkedTxn", [])
    if spec.name in NOT_POSTING:
        form.setdefault("TxnStatus", "Pending")
    if spec.name == "Invoice":
        _fill_in_terms(draft, form, customer)


def _fill_in_project(draft: Draft, form: Document, customer: Document) -> None:
    wished = form.get("ProjectRef")
    if wished is None and customer.get("IsProject"):
        form["ProjectRef"] = {"value": customer["_project_id"]}
    elif wished is not None and draft.tables.project_customer(wished["value"]) is None:
        raise bad_reference("ProjectRef", wished["value"])


def _fill_in_terms(draft: Draft, form: Document, customer: Document) -> None:
    preferences = draft.preferences().get("SalesFormsPrefs") or {}
    term_ref = (
        form.get("SalesTermRef") or customer.get("SalesTermRef") or preferences.get("DefaultTerms")
    )
    if "DueDate" in form:
        return
    term = draft.find("Term", term_ref["value"]) if term_ref else None
    if term_ref and term:
        form.setdefault("SalesTermRef", {"value": term["Id"], "name": term["Name"]})
    days = int((term or {}).get("DueDays", 0))
    try:
        due_on = date.fromisoformat(form["TxnDate"]) + timedelta(days=days)
    except OverflowError:
        raise bad_value("2060", "Date", "DueDate", f"{form['TxnDate']} + {days}") from None
    form["DueDate"] = due_on.isoformat()


def _custom_fields(draft: Draft, sent: list[Document], old: Document | None) -> list[Document]:
    """Return the company's sales-form fields with the values that were sent.

    Raises:
        Fault: 3000, a field that neither the company nor the form has.
    """
    values = {str(field.get("DefinitionId")): field for field in sent}
    rows: list[Document] = []
    for key, name in sorted(_field_names(draft).items()):
        row = {"DefinitionId": key, "Name": name, "Type": "StringType"}
        value = values.pop(key, {}).get("StringValue")
        rows.append(row if value is None else {**row, "StringValue": value})
    # A field that the company has given up stays on the forms that have it.
    kept = {str(field.get("DefinitionId")) for field in (old or {}).get("CustomField", ())}
    for key, field in values.items():
        if key not in kept:
            detail = f"The company has no custom field {key}"
            raise Fault("3000", "Invalid custom field", detail, element="CustomField")
        rows.append(field)
    return rows


def _field_names(draft: Draft) -> dict[str, str]:
    """Return the names of the company's sales-form fields by their DefinitionId."""
    named: dict[str, str] = {}
    for group in (draft.preferences().get("SalesFormsPrefs") or {}).get("CustomField", ()):
        for field in group.get("CustomField", ()):
            name = str(field.get("Name", ""))
            if name.startswith("SalesFormsPrefs.SalesCustomName") and field.get("StringValue"):
                named[name[-1]] = field["StringValue"]
    return named


def _number(
    draft: Draft, spec: Spec, form: Document, old: Document | None, options: frozenset[str]
) -> None:
    """Number the form by the company's rule, and refuse a number that is taken."""
    own_numbers = (draft.preferences().get("SalesFormsPrefs") or {}).get("CustomTxnNumbers", False)
    wants_number = form.pop("AutoDocNumber", False) or form.get("DocNumber") == "AUTO_GENERATE"
    if wants_number:
        form.pop("DocNumber", None)
    if "DocNumber" not in form and (wants_number or not own_numbers):
        kept = (old or {}).get("DocNumber")
        form["DocNumber"] = kept or draft.tables.next_number(spec.name)
    number = form.get("DocNumber")
    if number is None or number == (old or {}).get("DocNumber") or ALLOW_DUPLICATE in options:
        return
    others = draft.tables.holders_of_number(spec.name, number) - {form.get("Id", "")}
    if others and own_numbers and draft.settings.refuse_duplicate_numbers:
        raise duplicate_number(spec.name, number, min(others, key=int))


def _add_up(draft: Draft, form: Document, sent: Document, old: Document | None) -> None:
    """Arrange the lines and work out tax and total; a client's own totals never count."""
    lines_changed = old is None or form["Line"] is not old["Line"]
    sent_lines = net_amounts(draft, form, form["Line"]) if lines_changed else form["Line"]
    arranged = arrange(draft, sent_lines, old=(old or {}).get("Line", []))
    form["Line"] = arranged.lines
    told = sent.get("TxnTaxDetail")
    if (
        told is None
        and not lines_changed
        and (form.get("TxnTaxDetail") or {}).get("TaxReviewStatus") == OVERRIDDEN
    ):
        told = form["TxnTaxDetail"]
    tax = tax_detail(draft, form, arranged, sent=told)
    form.pop("TxnTaxDetail", None)
    if tax is not None:
        form["TxnTaxDetail"] = tax
        if tax["TotalTax"] and len(arranged.lines) > TAXED_LINES_MAX:
            raise business(
                f"A taxable transaction can have at most {TAXED_LINES_MAX} lines", element="Line"
            )
    form["TotalAmt"] = (
        arranged.subtotal - arranged.discount + (ZERO if tax is None else tax["TotalTax"])
    )
    if form["TotalAmt"] < 0:
        raise business(
            "You need to have a transaction amount that is 0 or greater.", element="TotalAmt"
        )


def _finish_invoice(draft: Draft, invoice: Document, old: Document | None) -> Document:
    deposit = _deposit(draft, invoice)
    invoice = {**invoice, "Balance": invoice["TotalAmt"] - deposit}
    if deposit:
        invoice["Deposit"] = deposit
    elif "Deposit" in invoice:
        invoice["Deposit"] = ZERO
    for switch in (
        "AllowIPNPayment",
        "AllowOnlinePayment",
        "AllowOnlineCreditCardPayment",
        "AllowOnlineACHPayment",
    ):
        invoice.setdefault(switch, False)
    paid = applied_to(draft, "Invoice", old or {})
    invoice["Balance"] -= sum(paid.values(), ZERO)
    invoice = draft.put("Invoice", invoice)
    invoice = link_estimate(draft, invoice, old)
    if invoice["Balance"] < 0:
        invoice = refit(draft, invoice, paid)
    if old is None and (draft.preferences().get("SalesFormsPrefs") or {}).get("AutoApplyCredit"):
        invoice = apply_credits(draft, invoice)
    return invoice


def _deposit(draft: Draft, invoice: Document) -> Decimal:
    deposit = cents(invoice.get("Deposit") or ZERO)
    if not deposit:
        return ZERO
    if not (draft.preferences().get("SalesFormsPrefs") or {}).get("AllowDeposit"):
        raise Fault(
            "5030",
            "Feature Not Supported Error",
            "Deposits are switched off in this company",
            element="Deposit",
        )
    if deposit > invoice["TotalAmt"] or deposit < 0:
        raise business("The deposit must not be more than the total", element="Deposit")
    return deposit


def _finish_credit(draft: Draft, credit: Document, old: Document | None) -> Document:
    used = sum(applied_to(draft, "CreditMemo", old or {}).values(), ZERO)
    left = credit["TotalAmt"] - used
    if left < 0:
        raise business("More of this credit is in use than would be left", element="TotalAmt")
    return draft.put("CreditMemo", {**credit, "Balance": left, "RemainingCredit": left})
