"""Transactions outside sales: bills and what pays them, purchases, deposits, transfers, time.

Their lines are added up and their links kept true on both sides; tax and postings are not worked
out.
"""

from collections.abc import Iterator
from decimal import Decimal

from sandbox.draft import Draft
from sandbox.entities import SPECS, Spec
from sandbox.errors import bad_reference, business, deposited
from sandbox.rules.links import linked, links, unlinked
from sandbox.rules.references import resolve
from sandbox.rules.saving import merged, refuse_closed, require, void_note
from sandbox.values import ZERO, Document, cents, total

#: What a line of these entities may point to and what moves there: the balance, or only the link.
PAYS = {"BillPayment": ("Bill", "VendorCredit")}
COLLECTS = {"Deposit": ("Payment", "SalesReceipt", "RefundReceipt")}
OWED = ("Bill", "VendorCredit")
#: These carry their amount themselves, or none at all.
WITHOUT_TOTAL = ("Transfer", "CreditCardPayment", "TimeActivity", "InventoryAdjustment")

Targets = dict[tuple[str, str], Decimal]


def save_plain(
    draft: Draft, spec: Spec, body: Document, *, old: Document | None, is_sparse: bool
) -> Document:
    """Create or update one of these transactions, with what follows for those it points to.

    Raises:
        Fault: 2020 something is missing, 2500 a link to nothing, 6000 lines that do not fit, 6210
            a closed period, 6540 something deposited twice.
    """
    document = merged(spec, old, resolve(draft, body, spec.fields), is_sparse=is_sparse)
    require(spec, document)
    document.setdefault("TxnDate", (old or {}).get("TxnDate") or draft.today.isoformat())
    refuse_closed(draft, document["TxnDate"], (old or {}).get("TxnDate"))
    _fill_in(draft, spec, document)
    before = _targets(draft, spec, old or {})
    after = _targets(draft, spec, document)
    document["Line"] = _lines(draft, spec, document, after)
    if not document["Line"]:
        document.pop("Line")
    if spec.name not in WITHOUT_TOTAL and spec.name != "BillPayment":
        document["TotalAmt"] = _sum(spec, document)
    if spec.name in OWED:
        document["Balance"] = document["TotalAmt"] - _settled(draft, spec, old)
        if document["Balance"] < 0:
            raise business("More has been paid than would be left", element="TotalAmt")
    saved = draft.create(spec.name, document) if old is None else draft.put(spec.name, document)
    _move(draft, spec, saved["Id"], before, after)
    return saved


def void_plain(draft: Draft, spec: Spec, document: Document) -> Document:
    """Void one: it stays with nothing in it, and what it had paid is open again."""
    refuse_closed(draft, document["TxnDate"])
    _move(draft, spec, document["Id"], _targets(draft, spec, document), {})
    lines = [{**line, "Amount": ZERO, "LinkedTxn": []} for line in document.get("Line", ())]
    blank = {**document, "TotalAmt": ZERO, "PrivateNote": void_note(document)}
    if lines:
        blank["Line"] = [] if spec.name in PAYS else lines
    return draft.put(spec.name, blank, operation="Void")


def delete_plain(draft: Draft, spec: Spec, document: Document) -> None:
    """Remove one; what it had paid or collected is free again."""
    refuse_closed(draft, document["TxnDate"])
    if spec.name in OWED and links(document, "BillPayment"):
        raise business("Bill payments are linked to it; delete them first", element="LinkedTxn")
    _move(draft, spec, document["Id"], _targets(draft, spec, document), {})
    draft.remove(spec.name, document["Id"])


def deposit(draft: Draft, payment: Document) -> Document:
    """Put a payment into a bank deposit of its own, as a bookkeeper does on the bank's pages."""
    line = {
        "Amount": payment["TotalAmt"],
        "LinkedTxn": [{"TxnId": payment["Id"], "TxnType": "Payment", "TxnLineId": "0"}],
    }
    body: Document = {"Line": [line], "DepositToAccountRef": _bank(draft)}
    save_plain(draft, SPECS["Deposit"], body, old=None, is_sparse=False)
    return draft.get("Payment", payment["Id"])


def _bank(draft: Draft) -> Document:
    """Return the first bank account, or any account of a company that has none."""
    accounts = list(draft.tables.rows["Account"].values())
    banks = [row for row in accounts if row.get("AccountType") == "Bank"] or accounts
    if not banks:
        raise business("The company has no account to deposit to", element="DepositToAccountRef")
    return {"value": banks[0]["Id"], "name": banks[0]["Name"]}


def _fill_in(draft: Draft, spec: Spec, document: Document) -> None:
    currency = (draft.preferences().get("CurrencyPrefs") or {}).get("HomeCurrency")
    document.setdefault("CurrencyRef", dict(currency or {"value": "USD"}))
    if not document.get("ExchangeRate"):
        document.pop("ExchangeRate", None)
    if spec.name == "PurchaseOrder":
        document.setdefault("POStatus", "Open")
    if spec.name == "Bill":
        document.setdefault("DueDate", document["TxnDate"])
    if spec.name == "BillPayment":
        document["TotalAmt"] = cents(document["TotalAmt"])
    for name in ("Amount",):
        if document.get(name) is not None:
            document[name] = cents(document[name])


def _lines(draft: Draft, spec: Spec, document: Document, targets: Targets) -> list[Document]:
    """Number the lines, and give those that collect a payment its amount."""
    rows: list[Document] = []
    for number, line in enumerate(document.get("Line", ()), start=1):
        row = {"Id": str(number), "LineNum": number, **line}
        if not row.get("LineNum"):
            row["LineNum"] = number
        if row.get("Amount") is None:
            linked_to = [targets[key] for key in _keys(spec, line) if key in targets]
            row["Amount"] = total(linked_to)
        row["Amount"] = cents(row["Amount"])
        rows.append(row)
    return rows


def _sum(spec: Spec, document: Document) -> Decimal:
    lines = document.get("Line", ())
    if spec.name == "JournalEntry":
        return _balanced(lines)
    return total([line["Amount"] for line in lines])


def _balanced(lines: list[Document]) -> Decimal:
    """Return one side of a journal entry; both must be the same."""
    sides = {"Debit": ZERO, "Credit": ZERO}
    for line in lines:
        side = (line.get("JournalEntryLineDetail") or {}).get("PostingType")
        if side in sides:
            sides[side] += line["Amount"]
    if sides["Debit"] != sides["Credit"]:
        raise business("Please balance debits and credits.", element="Line")
    return sides["Debit"]


def _settled(draft: Draft, spec: Spec, old: Document | None) -> Decimal:
    return ZERO if old is None else old["TotalAmt"] - old["Balance"]


def _keys(spec: Spec, line: Document) -> Iterator[tuple[str, str]]:
    kinds = (*PAYS.get(spec.name, ()), *COLLECTS.get(spec.name, ()))
    for link in line.get("LinkedTxn") or ():
        kind, id = str(link.get("TxnType", "")), str(link.get("TxnId", ""))
        if kind in kinds and id not in ("", "0"):
            yield kind, id


def _targets(draft: Draft, spec: Spec, document: Document) -> Targets:
    """Return what a document's lines point to, with the amount that each takes."""
    found: Targets = {}
    for line in document.get("Line", ()):
        for key in _keys(spec, line):
            there = draft.find(*key)
            if there is None:
                raise bad_reference("LinkedTxn", key[1])
            amount = line.get("Amount")
            found[key] = cents(there["TotalAmt"] if amount is None else amount)
    return found


def _move(draft: Draft, spec: Spec, id: str, before: Targets, after: Targets) -> None:
    for key in dict.fromkeys((*before, *after)):
        document = draft.find(*key)
        if document is None:
            continue
        if key in after and key not in before:
            document = _taken(spec, id, key[0], document)
        elif key not in after:
            document = unlinked(document, spec.name, id)
        if spec.name in PAYS:
            more = after.get(key, ZERO) - before.get(key, ZERO)
            if more > document["Balance"]:
                raise business(
                    f"The amount applied is more than what is open on {key[0]} {key[1]}",
                    element="Amount",
                )
            document = {**document, "Balance": document["Balance"] - more}
        draft.put(key[0], document)


def _taken(spec: Spec, id: str, kind: str, document: Document) -> Document:
    if spec.name in COLLECTS and links(document, spec.name):
        raise deposited()
    return linked(document, spec.name, id)
