"""People at work in a company's books: a customer who pays, a bookkeeper who edits and deposits.

Everything is done as a client would do it, by the same rules; only the name in the history differs.
"""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.company import Company
from sandbox.entities import spec_at
from sandbox.rules.lines import ITEM, item_lines
from sandbox.rules.links import links
from sandbox.values import Document, cents

#: Where a document is looked for that is named by its number alone.
SEARCHED = (
    "Invoice",
    "Estimate",
    "Payment",
    "CreditMemo",
    "SalesReceipt",
    "RefundReceipt",
    "ChangeOrder",
    "Deposit",
    "Bill",
)
BOUNCED = "Bounced"
CUSTOMER, BOOKKEEPER = "customer", "bookkeeper"


class NotPossible(ValueError):
    """What somebody is told to do cannot be done; the message says why."""


class Person:
    """Somebody who works in one company's books."""

    def __init__(self, company: Company, *, name: str | None = None) -> None:
        """Make a person.

        Args:
            name: what the history says; None is `customer` or `bookkeeper`, by what is done.
        """
        self._company = company
        self._name = name

    def act(self, verb: str, wishes: Mapping[str, Any]) -> Document:
        """Do one thing and return the document it was done to, in its envelope.

        Args:
            verb: one of VERBS.
            wishes: `document` (1042, invoice:1042, invoice:#118), and what the verb needs besides:
                `amount`, `set`, `on`, `into`, `send_to`.

        Raises:
            NotPossible: the verb or the document does not exist.
            Fault: QuickBooks refuses.
        """
        if verb not in VERBS:
            raise NotPossible(f"there is no {verb!r}; there are: {', '.join(VERBS)}")
        return VERBS[verb](self, wishes)

    def pay(self, wishes: Mapping[str, Any]) -> Document:
        """Pay an invoice, in full or so much of it; what is more stays unapplied."""
        _, invoice = self._found(wishes, "Invoice")
        amount = cents(_amount(wishes.get("amount"), default=invoice["Balance"]))
        link = {"TxnId": invoice["Id"], "TxnType": "Invoice"}
        applied = min(amount, invoice["Balance"])
        body: Document = {
            "CustomerRef": {"value": invoice["CustomerRef"]["value"]},
            "TotalAmt": amount,
            "Line": [{"Amount": applied, "LinkedTxn": [link]}] if applied else [],
            **_dated(wishes),
        }
        return self._company.save("Payment", body, actor=self._name or CUSTOMER)

    def accept(self, wishes: Mapping[str, Any]) -> Document:
        """Accept an estimate, as its customer."""
        entity, estimate = self._found(wishes, "Estimate")
        known = (estimate.get("CustomerRef") or {}).get("name", CUSTOMER)
        signed = {
            "TxnStatus": "Accepted",
            "AcceptedBy": str(wishes.get("by") or known)[:100],
            "AcceptedDate": str(wishes.get("on") or self._today()),
        }
        return self._changed(entity, estimate, signed, actor=self._name or CUSTOMER)

    def reject(self, wishes: Mapping[str, Any]) -> Document:
        """Decline an estimate, as its customer."""
        entity, estimate = self._found(wishes, "Estimate")
        actor = self._name or CUSTOMER
        return self._changed(entity, estimate, {"TxnStatus": "Rejected"}, actor=actor)

    def edit(self, wishes: Mapping[str, Any]) -> Document:
        """Change fields of a document, or with `amount` the price of its first line."""
        entity, document = self._found(wishes)
        fields = wishes.get("set") or {}
        if not isinstance(fields, Mapping):
            raise NotPossible("set must be an object: the fields and their new values")
        fields = dict(fields)
        if wishes.get("amount") is not None:
            fields["Line"] = _repriced(document, cents(_amount(wishes["amount"])))
        if not fields:
            raise NotPossible("say what to edit: set, or amount")
        return self._changed(entity, document, fields)

    def void(self, wishes: Mapping[str, Any]) -> Document:
        """Void a document."""
        entity, document = self._found(wishes)
        return self._company.void(entity, _known(document), actor=self._name or BOOKKEEPER)

    def delete(self, wishes: Mapping[str, Any]) -> Document:
        """Delete a document."""
        entity, document = self._found(wishes)
        return self._company.delete(entity, _known(document), actor=self._name or BOOKKEEPER)

    def send(self, wishes: Mapping[str, Any]) -> Document:
        """Mail a document."""
        entity, document = self._found(wishes)
        to = wishes.get("send_to")
        actor = self._name or BOOKKEEPER
        return self._company.send(
            entity, document["Id"], actor=actor, send_to=str(to) if to else None
        )

    def convert(self, wishes: Mapping[str, Any]) -> Document:
        """Make an invoice of an estimate: same customer, same lines, linked."""
        _, estimate = self._found(wishes, "Estimate")
        lines = [
            {name: value for name, value in line.items() if name not in ("Id", "LineNum")}
            for line in estimate["Line"]
            if line["DetailType"] != "SubTotalLineDetail"
        ]
        body: Document = {
            "CustomerRef": {"value": estimate["CustomerRef"]["value"]},
            "Line": lines,
            "LinkedTxn": [{"TxnId": estimate["Id"], "TxnType": "Estimate"}],
            **_dated(wishes),
        }
        for name in ("BillEmail", "BillAddr", "ProjectRef", "DepartmentRef"):
            if name in estimate:
                body[name] = estimate[name]
        return self._company.save("Invoice", body, actor=self._name or BOOKKEEPER)

    def deposit(self, wishes: Mapping[str, Any]) -> Document:
        """Put a payment into a bank deposit; from then on it is frozen."""
        _, payment = self._found(wishes, "Payment")
        return self._company.deposit_payment(payment["Id"], actor=self._name or BOOKKEEPER)

    def bounce(self, wishes: Mapping[str, Any]) -> Document:
        """The bank gives a payment back: out of its deposit, if need be, and voided."""
        actor = self._name or BOOKKEEPER
        _, payment = self._found(wishes, "Payment")
        for id in links(payment, "Deposit"):
            banked = self._company.read("Deposit", id)["Deposit"]
            self._company.delete("Deposit", _known(banked), actor=actor)
        payment = self._company.read("Payment", payment["Id"])["Payment"]
        said = payment.get("PrivateNote")
        note = f"{BOUNCED} - {said}"[:4000] if said else BOUNCED
        noted = self._changed("Payment", payment, {"PrivateNote": note})["Payment"]
        return self._company.void("Payment", _known(noted), actor=actor)

    def merge(self, wishes: Mapping[str, Any]) -> Document:
        """Merge a customer into another one; both are named by their ids."""
        _, merged = self._found(wishes, "Customer")
        _, kept = self._found({"document": wishes.get("into")}, "Customer")
        return self._company.merge_customers(
            kept_id=kept["Id"], merged_id=merged["Id"], actor=self._name or BOOKKEEPER
        )

    def close_books(self, wishes: Mapping[str, Any]) -> Document:
        """Close the books up to a day, or open them again without one."""
        day = wishes.get("on")
        if day:
            try:
                date.fromisoformat(str(day))
            except ValueError:
                raise NotPossible(f"{day!r} is not a date such as 2026-03-31") from None
        preferences = self._company.read("Preferences", "1")["Preferences"]
        return self._changed(
            "Preferences", preferences, {"AccountingInfoPrefs": {"BookCloseDate": day or None}}
        )

    def _changed(
        self, entity: str, document: Document, fields: Document, *, actor: str | None = None
    ) -> Document:
        body = {**_known(document), "sparse": True, **fields}
        return self._company.save(entity, body, actor=actor or self._name or BOOKKEEPER)

    def _today(self) -> str:
        return str(self._company.today().isoformat())

    def _found(self, wishes: Mapping[str, Any], *kinds: str) -> tuple[str, Document]:
        """Return the document that is meant, by number or id, with its entity."""
        said = str(wishes.get("document") or "").strip()
        if not said:
            raise NotPossible("say which document: its number, or entity:#id")
        entity, colon, number = said.rpartition(":")
        spec = spec_at(entity) if colon else None
        if colon and spec is None:
            raise NotPossible(f"there is no entity {entity!r}")
        if spec and kinds and spec.name not in kinds:
            raise NotPossible(f"that is done to {' or '.join(kinds)}, not to {spec.name}")
        searched = (spec.name,) if spec else kinds or SEARCHED
        for kind in searched:
            found = self._by_number(kind, number if colon else said)
            if found is not None:
                return kind, found
        raise NotPossible(f"there is no {' or '.join(searched)} {said}")

    def _by_number(self, kind: str, said: str) -> Document | None:
        tables = self._company.tables
        if said.startswith("#"):
            return tables.find(kind, said[1:])
        ids = tables.holders_of_number(kind, said)
        if ids:
            return tables.find(kind, max(ids, key=int))
        if kind == "Payment":
            for payment in tables.rows["Payment"].values():
                if payment.get("PaymentRefNum") == said:
                    return payment
        return tables.find(kind, said)


Verb = Callable[[Person, Mapping[str, Any]], Document]

VERBS: Mapping[str, Verb] = {
    "pay": Person.pay,
    "accept": Person.accept,
    "reject": Person.reject,
    "edit": Person.edit,
    "void": Person.void,
    "delete": Person.delete,
    "send": Person.send,
    "convert": Person.convert,
    "deposit": Person.deposit,
    "bounce": Person.bounce,
    "merge": Person.merge,
    "close-books": Person.close_books,
}


def _known(document: Document) -> Document:
    return {"Id": document["Id"], "SyncToken": document["SyncToken"]}


def _dated(wishes: Mapping[str, Any]) -> Document:
    return {"TxnDate": str(wishes["on"])} if wishes.get("on") else {}


def _amount(said: object, *, default: Decimal | None = None) -> Decimal:
    if said is None and default is not None:
        return default
    try:
        amount = Decimal(str(said))
    except InvalidOperation:
        raise NotPossible(f"{said!r} is not an amount") from None
    if not amount.is_finite() or abs(amount) >= Decimal(10) ** 15:
        raise NotPossible(f"{said!r} is not an amount")
    return amount


def _repriced(document: Document, amount: Decimal) -> list[Document]:
    """Return a form's lines with another price on the first line that sells something."""
    lines = list(document.get("Line", ()))
    first = next(iter(item_lines(lines)), None)
    if first is None or first not in lines:
        raise NotPossible("its first line has no price of its own")
    sold = {name: value for name, value in first[ITEM].items() if name not in ("Qty", "UnitPrice")}
    place = lines.index(first)
    detail = {**sold, "Qty": Decimal(1), "UnitPrice": amount}
    lines[place] = {**first, "Amount": amount, ITEM: detail}
    return lines
