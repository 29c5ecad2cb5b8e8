"""Links between an invoice and the one estimate it came from, kept on both sides."""

from sandbox.draft import Draft
from sandbox.errors import Fault, bad_reference, business, missing
from sandbox.rules.lines import ITEM
from sandbox.values import Document

#: The statuses from which an estimate can be invoiced.
OPEN_STATUSES = ("Pending", "Accepted")

REFUSED = (
    "You've attempted to invoice for a charge, credit, billable expense, time, or estimate that "
    "does not exist or has already been invoiced"
)


def links(document: Document, kind: str) -> list[str]:
    """Return the ids of the documents of one kind that a document is linked to."""
    found = (link for link in document.get("LinkedTxn", ()) if link.get("TxnType") == kind)
    return [link.get("TxnId", "") for link in found]


def linked(document: Document, kind: str, id: str) -> Document:
    """Return the document with one more link."""
    rest = [
        link for link in document.get("LinkedTxn", ()) if link != {"TxnId": id, "TxnType": kind}
    ]
    return {**document, "LinkedTxn": [*rest, {"TxnId": id, "TxnType": kind}]}


def unlinked(document: Document, kind: str, id: str) -> Document:
    """Return the document with one link less."""
    rest = [
        link
        for link in document.get("LinkedTxn", ())
        if (link["TxnType"], link["TxnId"]) != (kind, id)
    ]
    return {**document, "LinkedTxn": rest}


def link_estimate(draft: Draft, invoice: Document, old: Document | None) -> Document:
    """Make the invoice's link to its estimate true on both sides; links to payments are not the
    client's to write.

    Raises:
        Fault: 6000 when the estimate is gone, closed, already invoiced, or more than one; 620 for
            another customer's.
    """
    wished = list(dict.fromkeys(links(invoice, "Estimate")))
    if len(wished) > 1:
        raise business(REFUSED, element="LinkedTxn")
    before = links(old, "Estimate") if old else []
    for id in before:
        if id not in wished:
            _release(draft, id, invoice["Id"])
    payments = [link for link in (old or {}).get("LinkedTxn", ()) if link["TxnType"] != "Estimate"]
    estimates = [{"TxnId": id, "TxnType": "Estimate"} for id in wished]
    invoice = {**invoice, "LinkedTxn": [*estimates, *payments]}
    for id in wished:
        if id not in before:
            _take(draft, id, invoice)
    return draft.put("Invoice", {**invoice, "Line": _lines_linked(invoice["Line"], estimates)})


def finish_change_order(draft: Draft, order: Document) -> Document:
    """Make sure that a change order names the one estimate that it changes.

    The estimate keeps no link back. Source: Intuit's Prompt-Library, "Project change orders".

    Raises:
        Fault: 2020 it names none, 2500 one that is not there.
    """
    wished = links(order, "Estimate")
    if not wished:
        raise missing("LinkedTxn")
    for id in wished:
        if draft.find("Estimate", id) is None:
            raise bad_reference("LinkedTxn", id)
    return order


def unlink_estimate(draft: Draft, invoice: Document) -> None:
    """Let the estimate of an invoice go that is about to be voided or deleted."""
    for id in links(invoice, "Estimate"):
        _release(draft, id, invoice["Id"])


def forget_estimate(draft: Draft, estimate: Document) -> None:
    """Take the link off the invoice of an estimate that is about to be deleted."""
    for id in links(estimate, "Invoice"):
        invoice = unlinked(draft.get("Invoice", id), "Estimate", estimate["Id"])
        draft.put("Invoice", {**invoice, "Line": _lines_linked(invoice["Line"], [])})


def _take(draft: Draft, estimate_id: str, invoice: Document) -> None:
    estimate = draft.find("Estimate", estimate_id)
    if estimate is None or estimate["TxnStatus"] not in OPEN_STATUSES or links(estimate, "Invoice"):
        raise business(REFUSED, element="LinkedTxn")
    if _top_customer(draft, estimate) != _top_customer(draft, invoice):
        raise Fault(
            "620",
            "Transaction cannot be linked",
            "The estimate belongs to another customer",
            element="LinkedTxn",
        )
    taken = linked(estimate, "Invoice", invoice["Id"])
    if draft.settings.link_converts_estimate:
        taken["TxnStatus"] = "Converted"
    draft.put("Estimate", taken, is_quiet=not draft.settings.link_touches_estimate)


def _release(draft: Draft, estimate_id: str, invoice_id: str) -> None:
    estimate = draft.find("Estimate", estimate_id)
    if estimate is None:
        return
    released = unlinked(estimate, "Invoice", invoice_id)
    if draft.settings.unlink_reopens_estimate and estimate["TxnStatus"] == "Converted":
        released["TxnStatus"] = "Accepted"
    draft.put("Estimate", released, is_quiet=not draft.settings.link_touches_estimate)


def _top_customer(draft: Draft, document: Document) -> str:
    id: str = document["CustomerRef"]["value"]
    while True:
        parent = (draft.find("Customer", id) or {}).get("ParentRef")
        if parent is None:
            return id
        id = parent["value"]


def _lines_linked(lines: list[Document], estimates: list[Document]) -> list[Document]:
    """Item lines repeat the header's link to the estimate, as QuickBooks shows it."""
    marked: list[Document] = []
    for line in lines:
        line = {name: value for name, value in line.items() if name != "LinkedTxn"}
        if estimates and line["DetailType"] == ITEM:
            line["LinkedTxn"] = [dict(link) for link in estimates]
        marked.append(line)
    return marked
