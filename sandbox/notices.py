"""Which changes QuickBooks tells its webhook subscribers about, and in which words: CloudEvents or
the older envelope.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from sandbox.entities import SPECS, Family
from sandbox.tables import Change
from sandbox.values import Document

CREATE, UPDATE, DELETE, VOID, EMAILED = "Create", "Update", "Delete", "Void", "Emailed"
MERGE = "Merge"

_LIST = frozenset({CREATE, UPDATE, DELETE})
_MONEY = frozenset({CREATE, UPDATE, DELETE, VOID, EMAILED})

#: Entity and the operations it is announced for; others are silent. Source: the table on Intuit's
#: webhooks page.
ANNOUNCED: Mapping[str, frozenset[str]] = {
    "Estimate": frozenset({CREATE, UPDATE, DELETE, EMAILED}),
    "Invoice": _MONEY,
    "Payment": _MONEY,
    "CreditMemo": _MONEY,
    "SalesReceipt": _MONEY,
    "RefundReceipt": _MONEY,
    "ChangeOrder": frozenset({CREATE, UPDATE, DELETE, EMAILED}),
    "PurchaseOrder": frozenset({CREATE, UPDATE, DELETE, EMAILED}),
    "Bill": _LIST,
    "Deposit": _LIST,
    "JournalEntry": _LIST,
    "TimeActivity": _LIST,
    "VendorCredit": _LIST,
    "BillPayment": frozenset({CREATE, UPDATE, DELETE, VOID}),
    "Purchase": frozenset({CREATE, UPDATE, DELETE, VOID}),
    "Transfer": frozenset({CREATE, UPDATE, DELETE, VOID}),
    "Vendor": _LIST,
    "Employee": _LIST,
    "PaymentMethod": _LIST,
    "TaxAgency": frozenset({CREATE, UPDATE}),
    "Customer": frozenset({*_LIST, MERGE}),
    "Item": _LIST,
    "Account": _LIST,
    "Class": _LIST,
    "Department": _LIST,
    "Term": frozenset({CREATE, UPDATE}),
    "Preferences": frozenset({UPDATE}),
}

#: The words CloudEvents uses.
EVENT_WORDS: Mapping[str, str] = {
    CREATE: "created",
    UPDATE: "updated",
    DELETE: "deleted",
    VOID: "voided",
    EMAILED: "emailed",
    MERGE: "merged",
}


def announced(change: Change) -> str | None:
    """Return the operation under which a change is announced, or None."""
    operation = change.operation
    entry = SPECS[change.entity].family is Family.NAME
    before, after = change.before or {}, change.after or {}
    if entry and before.get("Active") is True and after.get("Active") is False:
        operation = DELETE  # a list entry made inactive is announced as deleted
    return operation if operation in ANNOUNCED.get(change.entity, ()) else None


def event(*, id: str, realm_id: str, change: Change, operation: str) -> Document:
    """Return a neutral event: both formats are written from it, and the books keep it."""
    return {
        "id": id,
        "realm_id": realm_id,
        "entity": change.entity,
        "entity_id": change.id,
        "operation": operation,
        "at": change.at.isoformat(),
    }


def cloud_events(
    events: Sequence[Document],
    *,
    source: str,
    void_word: str = EVENT_WORDS[VOID],
    data_of: Callable[[Document], Document] = lambda _: {},
) -> list[Document]:
    """Return the body of one POST in CloudEvents 1.0, as Intuit fills it in.

    Args:
        void_word: Intuit's own pages do not agree on it.
        data_of: gives the object of an event; Intuit normally leaves `data` empty.
    """
    words = {**EVENT_WORDS, VOID: void_word}
    return [
        {
            "specversion": "1.0",
            "id": told["id"],
            "source": source,
            "type": f"qbo.{told['entity'].lower()}.{words[told['operation']]}.v1",
            "datacontenttype": "application/json",
            "time": f"{_utc(told):%Y-%m-%dT%H:%M:%S.%f}000Z",
            "intuitentityid": told["entity_id"],
            "intuitaccountid": told["realm_id"],
            "data": data_of(told),
        }
        for told in events
    ]


def legacy(events: Sequence[Document]) -> Document:
    """Return the body of one POST in the older envelope, grouped by company."""
    by_realm: dict[str, list[Document]] = {}
    for told in events:
        by_realm.setdefault(told["realm_id"], []).append(
            {
                "name": told["entity"],
                "id": told["entity_id"],
                "operation": told["operation"],
                **({"deletedId": told["merged_id"]} if "merged_id" in told else {}),
                "lastUpdated": f"{_utc(told):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z",
            }
        )
    return {
        "eventNotifications": [
            {"realmId": realm_id, "dataChangeEvent": {"entities": entities}}
            for realm_id, entities in by_realm.items()
        ]
    }


def _utc(told: Document) -> datetime:
    return datetime.fromisoformat(told["at"])
