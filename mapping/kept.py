"""What we keep of QuickBooks' documents, and how we tell whether one says something else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal

from mapping.addresses import place_part
from mapping.raw import Raw

_EVERY_DOCUMENT = ("Id", "SyncToken", "MetaData", "status", "sparse", "domain")
_SALES_FORM = (
    *("DocNumber", "TxnDate", "DueDate", "CustomerRef", "ProjectRef"),
    *("CurrencyRef", "ExchangeRate"),
    *("Line", "TxnTaxDetail", "TotalAmt", "GlobalTaxCalculation", "ApplyTaxAfterDiscount"),
    *("BillEmail", "BillEmailCc", "BillEmailBcc", "ShipAddr", "EmailStatus", "CustomField"),
    *("ClassRef", "DepartmentRef", "SalesTermRef", "PrivateNote", "CustomerMemo", "LinkedTxn"),
)
#: The fields that the mirror stores, by entity; the `Line` array is kept whole.
#: All else (phones, links that open the document) is left in QuickBooks. Of a customer's addresses
#: the region and country stay: laws and holidays go by them.
KEPT_FIELDS: Mapping[str, frozenset[str]] = {
    "Estimate": frozenset(
        (*_EVERY_DOCUMENT, *_SALES_FORM, "TxnStatus", "AcceptedDate", "ExpirationDate")
    ),
    "ChangeOrder": frozenset(
        (*_EVERY_DOCUMENT, *_SALES_FORM, "TxnStatus", "AcceptedDate", "ExpirationDate")
    ),
    "Invoice": frozenset((*_EVERY_DOCUMENT, *_SALES_FORM, "Balance", "Deposit", "DeliveryInfo")),
    "CreditMemo": frozenset((*_EVERY_DOCUMENT, *_SALES_FORM, "Balance", "RemainingCredit")),
    "RefundReceipt": frozenset((*_EVERY_DOCUMENT, *_SALES_FORM, "Balance")),
    "Payment": frozenset(
        (
            *(*_EVERY_DOCUMENT, "TxnDate", "CustomerRef", "ProjectRef", "CurrencyRef", "Line"),
            *("ExchangeRate", "TotalAmt", "UnappliedAmt", "PaymentRefNum", "PrivateNote"),
        )
    ),
    "Customer": frozenset(
        (
            *(*_EVERY_DOCUMENT, "DisplayName", "FullyQualifiedName", "GivenName", "FamilyName"),
            *("Job", "IsProject", "ParentRef", "Level", "BillWithParent", "PrimaryEmailAddr"),
            *("Active", "CurrencyRef", "Taxable", "BillAddr", "ShipAddr"),
        )
    ),
}

#: Left out of the hash, because they move though nobody changed what the document says:
#: the revision, its time and the wrapping of the answer; what mailing, printing and viewing leave
#: behind; what payments, credits and links from elsewhere do to it. A payment shows in its own
#: document and in `Balance`, which is read and not hashed.
VOLATILE_FIELDS = frozenset(
    (
        *("SyncToken", "MetaData", "sparse", "domain", "time"),
        *("EmailStatus", "DeliveryInfo", "PrintStatus", "InvoiceLink"),
        *("EInvoiceStatus", "ECloudStatusTimeStamp", "invoiceStatus", "invoiceStatusLog"),
        *("Balance", "HomeBalance", "RemainingCredit", "BalanceWithJobs", "LinkedTxn"),
    )
)


def keep(entity: str, raw: Raw) -> dict[str, object]:
    """Return the part of a document that the mirror stores."""
    kept = {key: value for key, value in raw.items() if key in KEPT_FIELDS[entity]}
    if entity == "Customer":
        for name in ("BillAddr", "ShipAddr"):
            address = kept.get(name)
            if isinstance(address, Mapping):
                kept[name] = place_part(address)
    return kept


def content_hash(raw: Raw) -> str:
    """Return a hash of what the document says.

    Equal for equal content: the order of fields, nulls, the spelling of numbers (12000, 12000.00)
    and VOLATILE_FIELDS play no part.
    """
    said = {key: value for key, value in raw.items() if key not in VOLATILE_FIELDS}
    canonical = json.dumps(_canonical(said), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _canonical(value: object) -> object:
    """Return the value with one spelling for each number and without nulls."""
    if isinstance(value, Mapping):
        return {str(key): _canonical(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_canonical(item) for item in value]
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return {"number": f"{Decimal(value).normalize():f}"}
    return value
