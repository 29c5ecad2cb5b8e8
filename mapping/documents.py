"""QuickBooks' documents as frozen views over raw JSON.

A view is tolerant: missing, null and unknown fields are fine, and a deleted stub (`{"Id": "33",
"status": "Deleted"}`) parses too. A field of the wrong shape raises DocumentError. `raw` is the
inner object, without the `{"Estimate": ...}` around it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from mapping.errors import DocumentError
from mapping.kept import KEPT_FIELDS, content_hash, keep
from mapping.lines import Line, parse_lines
from mapping.raw import (
    Raw,
    Ref,
    place,
    read_date,
    read_flag,
    read_number,
    read_object,
    read_objects,
    read_ref,
    read_text,
    read_time,
)

__all__ = [
    "KEPT_FIELDS",
    "Applied",
    "CreditMemo",
    "Customer",
    "Estimate",
    "Invoice",
    "Link",
    "NativeOrder",
    "Payment",
    "RefundReceipt",
    "SalesForm",
    "content_hash",
    "contract_id",
    "document_of",
    "is_deleted",
    "keep",
    "parse_change_order",
    "parse_contract_form",
    "parse_credit_memo",
    "parse_customer",
    "parse_estimate",
    "parse_invoice",
    "parse_payment",
    "parse_refund",
    "sync_token",
    "updated_at",
]

#: What QuickBooks puts in front of the private note of a voided document.
VOIDED_NOTE = "voided"
#: What stands in front of an id among the documents of a contract: QuickBooks promises that ids are
#: unique within a kind, and no more.
_CONTRACT_PREFIXES = {"Estimate": "", "ChangeOrder": "co", "CreditMemo": "cm"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One entry of a LinkedTxn list."""

    id: str
    kind: str  #: `Estimate`, `Invoice`, `Payment`, `CreditMemo`, ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesForm:
    """What estimates, invoices and credit memos have in common."""

    id: str
    sync_token: int
    is_deleted: bool
    doc_number: str
    dated_on: date | None
    due_on: date | None
    customer: Ref | None
    project_id: str
    currency: str  #: ISO 4217 as the document says, "" where it does not
    lines: tuple[Line, ...]
    total: Decimal | None  #: with tax
    tax: Decimal | None
    is_tax_inclusive: bool  #: entered with tax; the `amount` of its lines is net all the same
    private_note: str
    customer_memo: str
    links: tuple[Link, ...]
    created_at: datetime | None
    updated_at: datetime | None
    raw: Raw = field(repr=False, compare=False)

    entity: ClassVar[str] = "Estimate"  #: QuickBooks' name, of what can make a contract
    kind: ClassVar[str] = "estimate"  #: in front of its id, as the subject of a finding

    @property
    def contract_id(self) -> str:
        """Its id among the documents that make a contract, whatever their kind."""
        return contract_id(self.entity, self.id)

    @property
    def subject(self) -> str:
        """What a finding about it names."""
        return f"{self.kind}:{self.id}"

    @property
    def is_voided(self) -> bool:
        """Whether it was voided: a zero total alone is not enough, nor is the word in the note."""
        return self.total == 0 and self.private_note.lstrip().lower().startswith(VOIDED_NOTE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate(SalesForm):
    """An estimate: what was offered, and whether it was accepted."""

    status: str  #: TxnStatus as QuickBooks writes it; an open set
    accepted_on: date | None
    expires_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeOrder(Estimate):
    """A change order as QuickBooks' own document: it reads like an estimate, and names the one that
    it changes.
    """

    entity = "ChangeOrder"
    kind = "change_order"

    @property
    def changes(self) -> frozenset[str]:
        """The ids of the estimates that it changes; QuickBooks takes one."""
        return frozenset(link.id for link in self.links if link.kind == "Estimate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice(SalesForm):
    """An invoice. `balance` None means that QuickBooks did not say, not that nothing is open."""

    balance: Decimal | None
    is_sent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditMemo(SalesForm):
    """A credit memo; `remaining` is what has not been applied yet."""

    entity = "CreditMemo"
    kind = "credit"

    remaining: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundReceipt(SalesForm):
    """Money given back. It moves no invoice's balance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """A part of a payment that was put on one document."""

    amount: Decimal
    link: Link


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """Money received, or (with a total of zero) a credit being applied."""

    id: str
    sync_token: int
    is_deleted: bool
    dated_on: date | None
    customer: Ref | None
    project_id: str
    currency: str
    total: Decimal | None
    unapplied: Decimal | None
    applied: tuple[Applied, ...]
    private_note: str
    updated_at: datetime | None
    raw: Raw = field(repr=False, compare=False)

    @property
    def is_voided(self) -> bool:
        """Whether it was voided: nothing received, nothing applied. Zero alone may be a credit."""
        return self.total == 0 and not self.applied


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """A customer, a sub-customer or the customer row of a project."""

    id: str
    sync_token: int
    is_deleted: bool
    display_name: str
    full_name: str  #: `Whitfield, Dana:Kitchen 2026`
    parent_id: str
    is_job: bool  #: a sub-customer or a project's row: one building job
    is_project: bool
    is_active: bool
    email: str  #: may hold several addresses, separated by commas
    currency: str
    raw: Raw = field(repr=False, compare=False)


def parse_estimate(raw: Raw) -> Estimate:
    """Read an Estimate."""
    return Estimate(
        **_sales_form(raw),
        status=read_text(raw, "TxnStatus").strip(),
        accepted_on=read_date(raw, "AcceptedDate"),
        expires_on=read_date(raw, "ExpirationDate"),
    )


def parse_change_order(raw: Raw) -> NativeOrder:
    """Read a ChangeOrder."""
    return NativeOrder(
        **_sales_form(raw),
        status=read_text(raw, "TxnStatus").strip(),
        accepted_on=read_date(raw, "AcceptedDate"),
        expires_on=read_date(raw, "ExpirationDate"),
    )


def parse_contract_form(entity: str, raw: Raw) -> SalesForm:
    """Read a document that can make a contract: an estimate, a change order, a credit memo."""
    if entity == "ChangeOrder":
        return parse_change_order(raw)
    return parse_credit_memo(raw) if entity == "CreditMemo" else parse_estimate(raw)


def contract_id(entity: str, qbo_id: str) -> str:
    """Return a document's id among those that make a contract: `1187`, `co1190`, `cm1201`."""
    return f"{_CONTRACT_PREFIXES[entity]}{qbo_id}"


def document_of(name: str) -> tuple[str, str]:
    """Return kind and id of a document that makes a contract; the inverse of `contract_id()`."""
    for entity in ("ChangeOrder", "CreditMemo"):
        prefix = _CONTRACT_PREFIXES[entity]
        if name.startswith(prefix):
            return entity, name.removeprefix(prefix)
    return "Estimate", name


def parse_invoice(raw: Raw) -> Invoice:
    """Read an Invoice."""
    is_sent = read_text(raw, "EmailStatus") == "EmailSent"
    return Invoice(**_sales_form(raw), balance=read_number(raw, "Balance"), is_sent=is_sent)


def parse_credit_memo(raw: Raw) -> CreditMemo:
    """Read a CreditMemo."""
    remaining = read_number(raw, "RemainingCredit")
    if remaining is None:
        remaining = read_number(raw, "Balance")
    return CreditMemo(**_sales_form(raw), remaining=remaining)


def parse_refund(raw: Raw) -> RefundReceipt:
    """Read a RefundReceipt."""
    return RefundReceipt(**_sales_form(raw))


def parse_payment(raw: Raw) -> Payment:
    """Read a Payment."""
    return Payment(
        id=_id_of(raw),
        sync_token=sync_token(raw),
        is_deleted=is_deleted(raw),
        dated_on=read_date(raw, "TxnDate"),
        customer=read_ref(raw, "CustomerRef"),
        project_id=_ref_id(raw, "ProjectRef"),
        currency=_ref_id(raw, "CurrencyRef"),
        total=read_number(raw, "TotalAmt"),
        unapplied=read_number(raw, "UnappliedAmt"),
        applied=_applied(raw),
        private_note=read_text(raw, "PrivateNote"),
        updated_at=updated_at(raw),
        raw=raw,
    )


def parse_customer(raw: Raw) -> Customer:
    """Read a Customer."""
    return Customer(
        id=_id_of(raw),
        sync_token=sync_token(raw),
        is_deleted=is_deleted(raw),
        display_name=read_text(raw, "DisplayName"),
        full_name=read_text(raw, "FullyQualifiedName") or read_text(raw, "DisplayName"),
        parent_id=_ref_id(raw, "ParentRef"),
        is_job=read_flag(raw, "Job"),
        is_project=read_flag(raw, "IsProject"),
        is_active=raw.get("Active") is not False,
        email=read_text(read_object(raw, "PrimaryEmailAddr"), "Address", at="PrimaryEmailAddr"),
        currency=_ref_id(raw, "CurrencyRef"),
        raw=raw,
    )


def is_deleted(raw: Raw) -> bool:
    """Whether this is the stub that stands for a deleted document."""
    return read_text(raw, "status").strip().lower() == "deleted"


def sync_token(raw: Raw) -> int:
    """Return the revision; 0 where there is none, as in a deleted stub.

    A deletion is final: it wins whatever its token.
    """
    text = read_text(raw, "SyncToken").strip()
    if not text:
        return 0
    if not (text.isascii() and text.isdigit()):
        raise DocumentError("sync_token", f"expected digits, found {text[:40]!r}", at="SyncToken")
    return int(text)


def updated_at(raw: Raw) -> datetime | None:
    """Return when QuickBooks last changed the document, with its offset."""
    return read_time(read_object(raw, "MetaData"), "LastUpdatedTime", at="MetaData")


def _sales_form(raw: Raw) -> dict[str, Any]:
    """Read the fields that every sales form has."""
    stamps = read_object(raw, "MetaData")
    return {
        "id": _id_of(raw),
        "sync_token": sync_token(raw),
        "is_deleted": is_deleted(raw),
        "doc_number": read_text(raw, "DocNumber").strip(),
        "dated_on": read_date(raw, "TxnDate"),
        "due_on": read_date(raw, "DueDate"),
        "customer": read_ref(raw, "CustomerRef"),
        "project_id": _ref_id(raw, "ProjectRef"),
        "currency": _ref_id(raw, "CurrencyRef").upper(),
        "lines": parse_lines(raw),
        "total": read_number(raw, "TotalAmt"),
        "tax": read_number(read_object(raw, "TxnTaxDetail"), "TotalTax", at="TxnTaxDetail"),
        "is_tax_inclusive": read_text(raw, "GlobalTaxCalculation") == "TaxInclusive",
        "private_note": read_text(raw, "PrivateNote"),
        "customer_memo": read_text(read_object(raw, "CustomerMemo"), "value", at="CustomerMemo"),
        "links": _links(raw),
        "created_at": read_time(stamps, "CreateTime", at="MetaData"),
        "updated_at": updated_at(raw),
        "raw": raw,
    }


def _id_of(raw: Raw) -> str:
    document_id = read_text(raw, "Id").strip()
    if not document_id:
        raise DocumentError("id_missing", "the document has no Id", at="Id")
    return document_id


def _ref_id(raw: Raw, key: str) -> str:
    found = read_ref(raw, key)
    return found.id if found else ""


def _links(raw: Raw, *, at: str = "") -> tuple[Link, ...]:
    inside = place(at, "LinkedTxn")
    return tuple(
        Link(id=read_text(link, "TxnId", at=inside), kind=read_text(link, "TxnType", at=inside))
        for link in read_objects(raw, "LinkedTxn", at=at)
    )


def _applied(raw: Raw) -> tuple[Applied, ...]:
    """Read what a payment was put on; a line names one document, its amount is the line's."""
    found: list[Applied] = []
    for index, line in enumerate(read_objects(raw, "Line")):
        at = f"Line[{index}]"
        amount = read_number(line, "Amount", at=at)
        if amount is not None:
            found += (Applied(amount=amount, link=link) for link in _links(line, at=at))
    return tuple(found)
