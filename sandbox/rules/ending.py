"""Void, delete and send: what is left behind, and what else moves."""

from sandbox.clock import stamp
from sandbox.draft import Draft
from sandbox.entities import Family, Spec
from sandbox.errors import Fault, deposited, unsupported
from sandbox.rules.lines import zeroed
from sandbox.rules.links import forget_estimate, links, unlink_estimate
from sandbox.rules.payments import delete_payment, release_payments, void_payment
from sandbox.rules.plain import delete_plain, void_plain
from sandbox.rules.saving import refuse_closed, void_note
from sandbox.values import ZERO, Document

EMAIL_MAX = 100


def void(draft: Draft, spec: Spec, document: Document) -> Document:
    """Void an invoice, credit memo or payment: it stays, with nothing in it.

    Raises:
        Fault: code 500, the entity cannot be voided; 800, a credit is in use; 6210, its period is
            closed.
    """
    if not spec.can_void:
        raise unsupported(f"void {spec.name}")
    if spec.family is Family.PAYMENT:
        return void_payment(draft, document)
    if spec.family is Family.PLAIN:
        return void_plain(draft, spec, document)
    refuse_closed(draft, document["TxnDate"])
    if links(document, "Deposit"):
        raise deposited()
    if spec.name == "CreditMemo":
        _refuse_linked(document)
    elif spec.name == "Invoice":
        release_payments(draft, document)
        unlink_estimate(draft, document)
    blank = draft.get(spec.name, document["Id"])
    blank = {
        **blank,
        "Line": zeroed(blank["Line"]),
        "TotalAmt": ZERO,
        "Balance": ZERO,
        "LinkedTxn": [],
    }
    if "HomeTotalAmt" in blank:
        blank["HomeTotalAmt"] = blank["HomeBalance"] = ZERO
    blank["PrivateNote"] = void_note(document)
    if "TxnTaxDetail" in blank:
        blank["TxnTaxDetail"] = {"TotalTax": ZERO, "TaxLine": []}
    for name in ("Deposit", "RemainingCredit"):
        if name in blank:
            blank[name] = ZERO
    return draft.put(spec.name, blank, operation="Void")


def delete(draft: Draft, spec: Spec, document: Document) -> None:
    """Remove a transaction. List entries cannot be removed, only made inactive.

    Raises:
        Fault: code 500 for a list entry, 800 while payments are linked, 6210 in a closed period,
            6540 when deposited.
    """
    if not spec.can_delete:
        raise unsupported(f"delete {spec.name}")
    if spec.family is Family.PAYMENT:
        delete_payment(draft, document)
        return
    if spec.family is Family.PLAIN:
        delete_plain(draft, spec, document)
        return
    if not spec.is_transaction:
        draft.remove(spec.name, document["Id"])
        return
    if spec.name not in ("Estimate", "ChangeOrder"):
        refuse_closed(draft, document["TxnDate"])
        _refuse_linked(document)
    if spec.name == "Invoice":
        unlink_estimate(draft, document)
    if spec.name == "Estimate":
        forget_estimate(draft, document)
    draft.remove(spec.name, document["Id"])


def send(draft: Draft, spec: Spec, document: Document, *, send_to: str | None) -> Document:
    """Mark a form as sent to its customer, and overwrite its address with the one given.

    Raises:
        Fault: code 500, the entity is not sent; 6420, there is no address; 2210, the address is
            none.
    """
    if not spec.can_send:
        raise unsupported(f"send {spec.name}")
    address = send_to or (document.get("BillEmail") or {}).get("Address")
    if not address:
        raise Fault(
            "6420", "Email address required", "Email address required : supply BillEmail or sendTo"
        )
    if "@" not in address or len(address) > EMAIL_MAX or address != address.strip():
        raise Fault(
            "2210",
            "Invalid Email Address",
            f"Invalid email address : {address}",
            element="BillEmail",
        )
    delivery = {"DeliveryType": "Email", "DeliveryTime": stamp(draft.at)}
    sent = {
        **document,
        "EmailStatus": "EmailSent",
        "BillEmail": {"Address": address},
        "DeliveryInfo": delivery,
    }
    return draft.put(spec.name, sent, operation="Emailed")


def _refuse_linked(document: Document) -> None:
    if links(document, "Deposit"):
        raise deposited()
    if links(document, "Payment"):
        raise Fault(
            "800",
            "Transaction has dependencies",
            "Transaction has dependencies : payments are linked to it; unlink them first",
        )
