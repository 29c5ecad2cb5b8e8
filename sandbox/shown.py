"""A stored document as QuickBooks shows it: balances worked out, nothing of the stand-in's own."""

from sandbox.schema import INTERNAL
from sandbox.tables import Tables
from sandbox.values import Document

INVOICE_LINK = "invoicelink"
LINK_HOST = "https://connect.example.com"


def shown(
    entity: str,
    document: Document,
    *,
    tables: Tables,
    realm_id: str,
    options: frozenset[str] = frozenset(),
) -> Document:
    """Return a document as it is answered.

    Args:
        options: of `include=`, in lower case: `invoicelink`.
    """
    match entity:
        case "RecurringTransaction":
            return {document["Type"]: _without(document, "Type")}
        case "ExchangeRate":
            return _without(document, "Id")
        case "Attachable":
            return _without(document)
        case "Customer":
            balances = {
                "Balance": tables.owed(document["Id"]),
                "BalanceWithJobs": tables.owed_with_jobs(document["Id"]),
            }
            return {**_without(document), **balances}
        case "Invoice" if INVOICE_LINK in options and _has_link(tables, document):
            link = f"{LINK_HOST}/t/scs-v1-{realm_id}-{document['Id']}"
            return {**document, "InvoiceLink": link}
    return document


def _has_link(tables: Tables, invoice: Document) -> bool:
    sales = (tables.find("Preferences", "1") or {}).get("SalesFormsPrefs") or {}
    online = invoice.get("AllowOnlineCreditCardPayment") or invoice.get("AllowOnlineACHPayment")
    return bool(sales.get("ETransactionPaymentEnabled") and online and invoice.get("BillEmail"))


def _without(document: Document, hidden: str = "") -> Document:
    """Return a document without what is the stand-in's own, and without one more field."""
    return {
        name: value
        for name, value in document.items()
        if name != hidden and not name.startswith(INTERNAL)
    }
