"""Where a job is, in ISO codes, and which days are public holidays there.

QuickBooks keeps addresses as people type them ("CA", "California", "USA", nothing). What cannot be
told for certain is left out: then no law and no holiday is taken for the job's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import holidays

from mapping.addresses import Address

#: Countries as people write them, beside the two-letter codes.
_COUNTRIES = {
    "USA": "US",
    "U.S.A.": "US",
    "UNITED STATES": "US",
    "UNITED STATES OF AMERICA": "US",
    "CANADA": "CA",
    "CAN": "CA",
    "MEXICO": "MX",
    "UNITED KINGDOM": "GB",
    "UK": "GB",
    "GREAT BRITAIN": "GB",
    "AUSTRALIA": "AU",
    "FRANCE": "FR",
    "GERMANY": "DE",
    "IRELAND": "IE",
    "SPAIN": "ES",
    "SWITZERLAND": "CH",
    "JAPAN": "JP",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A country and, where it is known, a part of it."""

    country: str  #: ISO 3166-1: `US`
    region: str = ""  #: the part behind the hyphen of ISO 3166-2: `CA`; "" where it is not known

    @property
    def code(self) -> str:
        """The place in ISO 3166-2, or the country alone."""
        return f"{self.country}-{self.region}" if self.region else self.country


def place_of(addresses: Iterable[Address], *, home_country: str) -> Place:
    """Give the place of the first address that tells its region; else the country alone.

    Args:
        addresses: of the job, the nearest first.
        home_country: the company's, ISO 3166-1: what an address without a country is in.
    """
    country_alone = ""
    for address in addresses:
        country = _country(address.country) if address.country else home_country
        region = _region(country, address.region)
        if region:
            return Place(country=country, region=region)
        country_alone = country_alone or (country if address.country else "")
    return Place(country=country_alone or home_country)


@lru_cache(maxsize=512)
def public_holidays(place: Place, first_year: int, last_year: int) -> frozenset[date]:
    """Give the public holidays of a place; none where they are not known."""
    years = range(first_year, last_year + 1)
    try:
        return frozenset(
            holidays.country_holidays(place.country, subdiv=place.region or None, years=years)
        )
    except NotImplementedError:
        return frozenset()


def _country(text: str) -> str:
    plain = " ".join(text.upper().split())
    return _COUNTRIES.get(plain, plain if len(plain) == 2 and plain.isalpha() else "")


@lru_cache(maxsize=512)
def _region(country: str, text: str) -> str:
    """Give the code of a region that is written as a code or by its name; "" for any other."""
    try:
        known = holidays.country_holidays(country)
    except NotImplementedError:
        return ""
    plain = " ".join(text.split())
    if plain.upper() in known.subdivisions:
        return plain.upper()
    names = {name.casefold(): code for name, code in known.subdivisions_aliases.items()}
    return names.get(plain.casefold(), "")
