"""Where a Job is: the parts of QuickBooks' addresses that say so, as people typed them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mapping.raw import Raw

#: Of an address only these are kept in the mirror where it is a person's own.
PLACE_FIELDS = ("CountrySubDivisionCode", "Country")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """An address's region and country; "" where they are not given."""

    region: str
    country: str


def addresses_of(raw: Raw) -> tuple[Address, ...]:
    """Return the addresses of an estimate or customer: where the work is, then where bills go."""
    found = [raw.get(name) for name in ("ShipAddr", "BillAddr")]
    return tuple(
        Address(region=_text(one, "CountrySubDivisionCode"), country=_text(one, "Country"))
        for one in found
        if isinstance(one, Mapping)
    )


def place_part(raw: Raw) -> Raw:
    """Return an address without what would find the house."""
    return {name: raw[name] for name in PLACE_FIELDS if name in raw}


def _text(raw: Raw, name: str) -> str:
    value = raw.get(name)
    return value.strip() if isinstance(value, str) else ""
