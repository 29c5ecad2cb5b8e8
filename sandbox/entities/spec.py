"""What an entity is: its fields, what can be done with it, and the fields that every entity has."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from sandbox.schema import (
    Field,
    Fields,
    boolean,
    queried,
    read_only,
    record,
    reference,
    text,
)


class Family(Enum):
    """The kinds of objects that share rules."""

    SALES = "sales"  #: a form with lines, totals and tax: Estimate, Invoice, CreditMemo ...
    PAYMENT = "payment"  #: money, applied to invoices
    NAME = "name"  #: a list entry with a name: Customer, Item, Class, Term ...
    TAX = "tax"  #: tax codes and rates: read by clients, written by the company file
    SINGLE = "single"  #: one per company: Preferences, CompanyInfo
    PLAIN = "plain"  #: a transaction without tax of its own: Bill, Deposit, Transfer ...
    FILE = "file"  #: notes and files: Attachable
    RATE = "rate"  #: ExchangeRate, which has no id
    RECURRING = "recurring"  #: templates of transactions


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """One entity as this stand-in knows it."""

    name: str
    family: Family
    fields: Fields
    required: tuple[str, ...] = ()
    name_field: str = ""  #: the unique name of a list entry
    namespace: str = ""  #: entries of one namespace share their names
    can_void: bool = False
    can_delete: bool = False
    can_send: bool = False
    has_cdc: bool = True
    is_open: bool = False  #: fields that are not known are kept and come back
    wrapped_as: str = ""  #: the name around the object in JSON, where it is not the entity's

    @property
    def json_name(self) -> str:
        """Return the name that stands around the object in JSON."""
        return self.wrapped_as or self.name

    @property
    def is_transaction(self) -> bool:
        """Tell whether the entity is a dated document, not a list entry."""
        return self.family in (Family.SALES, Family.PAYMENT, Family.PLAIN)

    @property
    def path(self) -> str:
        """Return the entity's part of the address: `invoice`."""
        return self.name.lower()


ADDRESS: Mapping[str, Field] = {
    name: text(2000 if name == "Note" else 500)
    for name in (
        "Id",
        "Line1",
        "Line2",
        "Line3",
        "Line4",
        "Line5",
        "City",
        "Country",
        "CountryCode",
        "CountrySubDivisionCode",
        "PostalCode",
        "PostalCodeSuffix",
        "Lat",
        "Long",
        "Tag",
        "Note",
    )
}

#: On every object; none of them is taken from a client but Id, SyncToken and sparse, which the
#: company reads itself.
COMMON: Mapping[str, Field] = {
    "Id": queried(read_only(text())),
    "SyncToken": read_only(text()),
    "MetaData": read_only(
        record(
            CreateTime=queried(text()),
            LastUpdatedTime=queried(text()),
            LastModifiedByRef=reference(),
        )
    ),
    "domain": read_only(text()),
    "sparse": read_only(boolean()),
    "status": read_only(text()),
}


def address() -> Field:
    """Return a postal address."""
    return record(**ADDRESS)


def email(limit: int) -> Field:
    """Return an e-mail field with its limit."""
    return record(Address=text(limit))
