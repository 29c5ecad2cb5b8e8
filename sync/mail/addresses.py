"""Mail addresses as QuickBooks keeps them: several in one field, typed by people."""

from __future__ import annotations

import re

from sync.errors import MailRefused

#: RFC 5321: a path of 256 characters, angle brackets included.
ADDRESS_LENGTH_MAX = 254
ADDRESSES_MAX = 20

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")


def recipients(text: str) -> tuple[str, ...]:
    """Read mail addresses from QuickBooks' field: separated by commas, each once.

    Raises:
        MailRefused: none is there, too many are, or one is not an address. The message does not
            repeat it: it ends up in logs.
    """
    found: dict[str, str] = {}
    parts = [part.strip(" \t") for part in re.split("[,;]", text)]
    for number, part in enumerate(filter(None, parts), start=1):
        address = ascii_address(part)
        if address is None:
            raise MailRefused(f"address {number} of the customer is not a mail address")
        found.setdefault(address.casefold(), address)
    if not found:
        raise MailRefused("the customer has no mail address")
    if len(found) > ADDRESSES_MAX:
        raise MailRefused(f"{len(found)} addresses are more than {ADDRESSES_MAX}")
    return tuple(found.values())


def ascii_address(text: str) -> str | None:
    """Give an address in plain ASCII (a domain in other letters as punycode), or None."""
    local, at, domain = text.rpartition("@")
    try:
        ascii_domain = domain.encode("idna").decode("ascii") if at else ""
    except UnicodeError:
        return None
    is_address = _LOCAL.fullmatch(local) and _DOMAIN.fullmatch(ascii_domain) and len(local) <= 64
    address = f"{local}@{ascii_domain}"
    return address if is_address and len(address) <= ADDRESS_LENGTH_MAX else None
