"""Payments: how much of them stands on which invoice, and what moves on the other side when that
changes.
"""

from decimal import Decimal

from sandbox.draft import Draft
from sandbox.entities import SPECS, Spec
from sandbox.errors import Fault, business, deposited, missing, not_found
from sandbox.rules.links import linked, links, unlinked
from sandbox.rules.references import resolve
from sandbox.rules.saving import merged, refuse_closed, require, void_note
from sandbox.values import ZERO, Document, cents, total

NAME_VALUE = "{http://schema.intuit.com/finance/v3}NameValue"

#: What a payment line can point to in this stand-in, with the field that holds what is open there.
OPEN_FIELD = {"Invoice": "Balance", "CreditMemo": "Balance"}

Applied = dict[tuple[str, str], Decimal]


def save_payment(
    draft: Draft, spec: Spec, body: Document, *, old: Document | None, is_sparse: bool
) -> Document:
    """Create or update a payment and move the balances of what it is applied to.

    Raises:
        Fault: 6540 in a bank deposit, 6210 in a closed period, 620 and 6000 for lines that cannot
            be applied.
    """
    if old is not None:
        _refuse_deposited(old)
    payment = merged(spec, old, resolve(draft, body, spec.fields), is_sparse=is_sparse)
    require(spec, payment)
    payment.setdefault("TxnDate", (old or {}).get("TxnDate") or draft.today.isoformat())
    refuse_closed(draft, payment["TxnDate"], (old or {}).get("TxnDate"))
    _fill_in(draft, payment)
    wanted = _wanted(payment.get("Line", []))
    payment = draft.create("Payment", payment) if old is None else payment
    _move(draft, payment["Id"], _applied(old), wanted, customer_id=payment["CustomerRef"]["value"])
    return _put(draft, payment, wanted)


def void_payment(draft: Draft, payment: Document) -> Document:
    """Void a payment: it stays with nothing in it, and what it had paid is open again."""
    _refuse_deposited(payment)
    refuse_closed(draft, payment["TxnDate"])
    _move(draft, payment["Id"], _applied(payment), {}, customer_id=payment["CustomerRef"]["value"])
    blank = {
        **payment,
        "TotalAmt": ZERO,
        "UnappliedAmt": ZERO,
        "Line": [],
        "PrivateNote": void_note(payment),
    }
    return draft.put("Payment", blank, operation="Void")


def delete_payment(draft: Draft, payment: Document) -> None:
    """Remove a payment; what it had paid is open again."""
    _refuse_deposited(payment)
    refuse_closed(draft, payment["TxnDate"])
    _move(draft, payment["Id"], _applied(payment), {}, customer_id=payment["CustomerRef"]["value"])
    draft.remove("Payment", payment["Id"])


def applied_to(draft: Draft, entity: str, document: Document) -> dict[str, Decimal]:
    """Return what each payment has put on an invoice, or taken from a credit memo; oldest payment
    first.
    """
    found: dict[str, Decimal] = {}
    for id in links(document, "Payment"):
        payment = draft.find("Payment", id)
        amount = _applied(payment).get((entity, document["Id"]))
        if amount is not None:
            found[id] = amount
    return found


def refit(draft: Draft, invoice: Document, paid: dict[str, Decimal]) -> Document:
    """Take money back off an invoice that is now worth less than was paid on it; the latest payment
    gives first.

    Args:
        invoice: already in the draft, with a balance below zero.
        paid: what each payment had put on it, oldest first.
    """
    for id, amount in reversed(list(paid.items())):
        too_much = -draft.get("Invoice", invoice["Id"])["Balance"]
        if too_much <= 0:
            break
        _reapply(draft, id, ("Invoice", invoice["Id"]), amount - min(too_much, amount))
    return draft.get("Invoice", invoice["Id"])


def release_payments(draft: Draft, invoice: Document) -> None:
    """Take every payment off an invoice that is voided; the money stays with the customer,
    unapplied.
    """
    for id in applied_to(draft, "Invoice", invoice):
        _reapply(draft, id, ("Invoice", invoice["Id"]), ZERO)


def apply_credits(draft: Draft, invoice: Document) -> Document:
    """Use the customer's open credits on a new invoice, oldest first, as the preference
    AutoApplyCredit asks.
    """
    customer_id = invoice["CustomerRef"]["value"]
    for entity, id in draft.tables.open_credits(customer_id):
        invoice = draft.get("Invoice", invoice["Id"])
        credit = draft.get(entity, id)
        left = credit["UnappliedAmt" if entity == "Payment" else "Balance"]
        amount = min(left, invoice["Balance"])
        if amount <= 0:
            continue
        if entity == "Payment":
            _reapply(draft, id, ("Invoice", invoice["Id"]), amount)
        else:
            _use_credit(draft, invoice, credit, amount)
    return draft.get("Invoice", invoice["Id"])


def _use_credit(draft: Draft, invoice: Document, credit: Document, amount: Decimal) -> None:
    """A credit memo is applied by a payment over nothing that points to both."""
    lines = [
        {"Amount": amount, "LinkedTxn": [{"TxnId": invoice["Id"], "TxnType": "Invoice"}]},
        {"Amount": amount, "LinkedTxn": [{"TxnId": credit["Id"], "TxnType": "CreditMemo"}]},
    ]
    body = {"CustomerRef": invoice["CustomerRef"], "TotalAmt": ZERO, "Line": lines}
    save_payment(draft, SPECS["Payment"], body, old=None, is_sparse=False)


def _fill_in(draft: Draft, payment: Document) -> None:
    payment["TotalAmt"] = cents(payment["TotalAmt"])
    if payment["TotalAmt"] < 0:
        raise business("A payment must not be negative", element="TotalAmt")
    customer = draft.get("Customer", payment["CustomerRef"]["value"])
    payment.setdefault("CurrencyRef", customer.get("CurrencyRef", {"value": "USD"}))
    payment.setdefault("ProcessPayment", False)
    payment.setdefault("LinkedTxn", [])
    payment.pop("ExchangeRate", None)
    if "DepositToAccountRef" not in payment:
        account_id = draft.tables.holder_of_name("Account", "Undeposited Funds")
        if account_id:
            payment["DepositToAccountRef"] = {"value": account_id}


def _refuse_deposited(payment: Document) -> None:
    if links(payment, "Deposit"):
        raise deposited()


def _wanted(lines: list[Document]) -> Applied:
    """Read where a payment is to go: an amount per document it points to."""
    wanted: Applied = {}
    for line in lines:
        for link in line.get("LinkedTxn", ()):
            key = (link.get("TxnType", ""), link.get("TxnId", ""))
            if key[0] not in OPEN_FIELD:
                raise business(
                    f"A payment cannot be linked to a transaction of type {key[0]}",
                    element="LinkedTxn",
                )
            if line.get("Amount") is None:
                raise missing("Amount")
            if line["Amount"] <= 0:
                raise business("A payment line needs a positive amount", element="Amount")
            wanted[key] = wanted.get(key, ZERO) + cents(line["Amount"])
    return wanted


def _applied(payment: Document | None) -> Applied:
    return _wanted((payment or {}).get("Line", []))


def _move(
    draft: Draft, payment_id: str, before: Applied, after: Applied, *, customer_id: str
) -> None:
    """Move balances and links on the far side by the difference between two states of a payment."""
    for key in dict.fromkeys((*before, *after)):
        entity, id = key
        was, now = before.get(key, ZERO), after.get(key, ZERO)
        document = draft.find(entity, id)
        if document is None:
            if now:
                raise not_found("LinkedTxn")
            continue
        if now > was:
            _refuse_misfit(draft, entity, document, now - was, customer_id)
        _settle(draft, entity, document, now - was, payment_id, is_linked=bool(now))


def _settle(
    draft: Draft,
    entity: str,
    document: Document,
    more: Decimal,
    payment_id: str,
    *,
    is_linked: bool,
) -> None:
    was_linked = payment_id in links(document, "Payment")
    if not more and was_linked == is_linked:
        return
    moved = (linked if is_linked else unlinked)(document, "Payment", payment_id)
    moved["Balance"] = document["Balance"] - more
    if entity == "CreditMemo":
        moved["RemainingCredit"] = moved["Balance"]
    draft.put(entity, moved)


def _refuse_misfit(
    draft: Draft, entity: str, document: Document, more: Decimal, customer_id: str
) -> None:
    if not _is_same_family(draft, document["CustomerRef"]["value"], customer_id):
        raise Fault(
            "620",
            "Transaction cannot be linked",
            f"{entity} {document['Id']} belongs to another customer",
            element="LinkedTxn",
        )
    if more > document["Balance"]:
        raise business(
            f"The amount applied is more than what is open on {entity} {document['Id']}: "
            f"{document['Balance']}",
            element="Amount",
        )


def _is_same_family(draft: Draft, customer_id: str, payer_id: str) -> bool:
    """Tell whether the payer is the customer or stands above it."""
    id: str | None = customer_id
    while id is not None:
        if id == payer_id:
            return True
        parent = (draft.find("Customer", id) or {}).get("ParentRef")
        id = parent["value"] if parent else None
    return False


def _reapply(draft: Draft, payment_id: str, key: tuple[str, str], amount: Decimal) -> None:
    """Change what one payment puts on one document."""
    payment = draft.get("Payment", payment_id)
    before = _applied(payment)
    after = {other: value for other, value in before.items() if other != key}
    if amount:
        after[key] = amount
    if not payment["TotalAmt"]:
        # A credit memo applied by a payment over nothing gives back what the invoice no longer
        # takes.
        after = _rebalanced(after, amount)
    _move(draft, payment_id, before, after, customer_id=payment["CustomerRef"]["value"])
    _put(draft, payment, after)


def _rebalanced(applied: Applied, amount: Decimal) -> Applied:
    credits = {
        key: min(value, amount)
        for key, value in applied.items()
        if key[0] == "CreditMemo" and amount
    }
    return {**{key: value for key, value in applied.items() if key[0] != "CreditMemo"}, **credits}


def _put(draft: Draft, payment: Document, applied: Applied) -> Document:
    """Write the payment's lines and what is left of it."""
    used = total([amount for (kind, _), amount in applied.items() if kind == "Invoice"])
    credit = total([amount for (kind, _), amount in applied.items() if kind == "CreditMemo"])
    left = payment["TotalAmt"] + credit - used
    if left < 0:
        raise business("The lines of a payment add up to more than its total", element="TotalAmt")
    rows = [_line(draft, kind, id, amount) for (kind, id), amount in applied.items()]
    return draft.put("Payment", {**payment, "UnappliedAmt": left, "Line": rows})


def _line(draft: Draft, kind: str, id: str, amount: Decimal) -> Document:
    document = draft.get(kind, id)
    facts = {
        "txnId": id,
        "txnOpenBalance": str(document[OPEN_FIELD[kind]] + amount),
        "txnReferenceNumber": document.get("DocNumber", ""),
    }
    extra = [
        {"name": NAME_VALUE, "value": {"Name": name, "Value": value}}
        for name, value in facts.items()
    ]
    return {
        "Amount": amount,
        "LinkedTxn": [{"TxnId": id, "TxnType": kind}],
        "LineEx": {"any": extra},
    }
