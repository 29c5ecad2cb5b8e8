"""Who a Job's customer is and where they are written to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mapping.documents import Customer, Estimate
from mapping.errors import DocumentError
from mapping.raw import read_object, read_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """The customer of a Job."""

    name: str  #: "" where QuickBooks does not say
    email: str  #: may hold several addresses, separated by commas; "" where none is known


def recipient_of(estimate: Estimate | None, family: Sequence[Customer]) -> Recipient:
    """Return who gets the mails of a Job.

    Args:
        estimate: the main one; its own address goes before the customer's.
        family: the customer, then those above it: a sub-customer without an address of its own is
            written to at its parent's.
    """
    name = next((one.full_name for one in family if one.full_name), "")
    email = next((one.email for one in family if one.email), "")
    if estimate is not None:
        name = name or (estimate.customer.name if estimate.customer else "")
        email = _bill_email(estimate) or email
    return Recipient(name=name, email=email)


def _bill_email(estimate: Estimate) -> str:
    try:
        return read_text(read_object(estimate.raw, "BillEmail"), "Address", at="BillEmail")
    except DocumentError:
        return ""  # of no shape we know: the customer's own is used
