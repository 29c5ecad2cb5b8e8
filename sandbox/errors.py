"""What goes wrong: one `Fault` for every request that QuickBooks refuses, told apart by its code.

SandboxError        the stand-in cannot go on: a broken company file, a folder that is in use
├── JournalError    the books on disk cannot be read, or another process has them open
└── SeedError       a company file says something that cannot be
Fault               QuickBooks refuses a request; carries the envelope that the client is sent
"""

from collections.abc import Mapping
from typing import Any

from sandbox.values import Document

VALIDATION = "ValidationFault"
SYSTEM = "SystemFault"

INACTIVE = (
    "Something you're trying to use has been made inactive. "
    "Check the fields with accounts, customers, items, vendors or employees."
)


class SandboxError(Exception):
    """The stand-in itself cannot go on; the message says what to do."""


class JournalError(SandboxError):
    """The books on disk are unreadable or already open."""


class SeedError(SandboxError):
    """A company file is wrong; the message names the file's entry."""


class Fault(Exception):
    """One refusal, as QuickBooks words it: code, message, detail, element, HTTP status."""

    def __init__(
        self,
        code: str,
        message: str,
        detail: str = "",
        *,
        element: str = "",
        kind: str = VALIDATION,
        status: int = 400,
    ) -> None:
        super().__init__(f"{code} {message}: {detail}")
        self.code = code
        self.message = message
        self.detail = detail or message
        self.element = element
        self.kind = kind
        self.status = status

    def body(self) -> Document:
        """Return the `Fault` object of the normal JSON envelope (without `time`)."""
        error = {
            "Message": self.message,
            "Detail": self.detail,
            "code": self.code,
            "element": self.element,
        }
        return {"Error": [error], "type": self.kind}


def unknown_property(entity: str, name: str) -> Fault:
    """2010: a field that this entity does not have."""
    return Fault(
        "2010",
        "Request has invalid or unsupported property",
        "Request has invalid or unsupported property : Property Name:Unrecognized field "
        f'"{name}" (class com.intuit.schema.finance.v3.{entity}), not marked as ignorable',
        element=name,
    )


def missing(name: str) -> Fault:
    """2020: a required field is absent."""
    return Fault(
        "2020",
        "Required param missing, need to supply the required value for the API",
        f"Required parameter {name} is missing in the request",
        element=name,
    )


def bad_id(value: object) -> Fault:
    """2030: an id that is not a number."""
    return Fault(
        "2030", "Invalid ID", f"Id should be a valid number. Supplied value:{value}", element="Id"
    )


def bad_characters(name: str, value: str) -> Fault:
    """2040: characters that a name must not have, such as a colon."""
    return Fault(
        "2040",
        "Passed in string has invalid chars",
        f"Property Name:{name} specified is unsupported or invalid. Supplied value:{value}",
        element=name,
    )


def bad_length(name: str, value: str, limit: int) -> Fault:
    """2050: a text longer than its field."""
    return Fault(
        "2050",
        "String length is either shorter or longer than supported by specification",
        "String length specified does not match the supported length. "
        f"Min:0 Max:{limit} supported. Supplied length:{len(value)}",
        element=name,
    )


def bad_value(code: str, what: str, name: str, value: object) -> Fault:
    """2060 to 2210: a value that does not read as its type."""
    return Fault(
        code, f"Invalid {what}", f"{name} is invalid. Supplied value:{value}", element=name
    )


def bad_reference(name: str, value: object) -> Fault:
    """2500: a reference to something that does not exist."""
    return Fault(
        "2500",
        "Invalid Reference Id",
        f"Invalid Reference Id : {name} element id {value} not found",
        element=name,
    )


def not_found(element: str = "") -> Fault:
    """610: the document is gone, or a referenced list object is inactive."""
    return Fault("610", "Object Not Found", f"Object Not Found : {INACTIVE}", element=element)


def stale(who: str) -> Fault:
    """5010: somebody saved first."""
    return Fault(
        "5010",
        "Stale Object Error",
        f"Stale Object Error : You and {who} were working on this at the same time. "
        f"{who} finished before you did, so your work was not saved.",
    )


def duplicate_name(name: str) -> Fault:
    """6240: the name is taken."""
    return Fault(
        "6240",
        "Duplicate Name Exists Error",
        f"The name supplied already exists. : {name}",
        element="DisplayName",
    )


def duplicate_number(entity: str, number: str, holder: str) -> Fault:
    """6140: the document number is taken and the company minds."""
    return Fault(
        "6140",
        "Duplicate Document Number Error",
        "Duplicate Document Number Error : You must specify a different number. This number has "
        f"already been used. DocNumber={number} is assigned to TxnType={entity} "
        f"with TxnId={holder}",
        element="DocNumber",
    )


def business(detail: str, *, element: str = "") -> Fault:
    """6000: the catch-all for what the books do not allow."""
    return Fault(
        "6000",
        "A business validation error has occurred while processing your request",
        f"Business Validation Error: {detail}",
        element=element,
    )


def books_closed() -> Fault:
    """6210: the date lies in a closed period."""
    return Fault(
        "6210",
        "Account Period Closed, Cannot Update Through Services API",
        "The account period has closed and the account books cannot be updated through the QBO "
        "Services API. Please use the QBO website to make these changes.",
    )


def deposited() -> Fault:
    """6540: the payment sits in a bank deposit."""
    return Fault(
        "6540",
        "Deposited Transaction cannot be changed",
        "Deposited Transaction cannot be changed : If you need to change or delete this "
        "transaction, you must delete it from the bank deposit it is on first.",
    )


def unsupported(operation: str) -> Fault:
    """Code 500: QuickBooks has no such operation on this entity."""
    return Fault("500", "Unsupported Operation", f"Operation {operation} is not supported.")


def fault_envelope(fault: Fault, time: str) -> Mapping[str, Any]:
    """Return the whole normal envelope of a refusal."""
    return {"Fault": fault.body(), "time": time}
