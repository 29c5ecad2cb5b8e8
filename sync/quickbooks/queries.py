"""QuickBooks' query language, escaped. Field and entity names come from our code alone, values from
anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

PAGE_SIZE = 1000
VALUE_CHARACTERS_MAX = 500


def literal(value: str) -> str:
    """Quote a value: backslash first, then apostrophe. Control characters never belong into one.

    Raises:
        ValueError: the value is longer than any we ask for, or holds a control character.
    """
    if len(value) > VALUE_CHARACTERS_MAX or any(ord(sign) < 32 for sign in value):
        raise ValueError("not a value to ask QuickBooks for")
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def by_ids(entity: str, ids: Sequence[str]) -> str:
    """Ask for documents by their ids, at most a page of them."""
    listed = ", ".join(literal(one) for one in ids[:PAGE_SIZE])
    return f"SELECT * FROM {entity} WHERE Id IN ({listed}) MAXRESULTS {PAGE_SIZE}"


def made_since(entity: str, *, customer_id: str, since: datetime) -> str:
    """Ask for what was made for a customer since a moment: the read-back of an unanswered write."""
    return (
        f"SELECT * FROM {entity} WHERE CustomerRef = {literal(customer_id)}"
        f" AND MetaData.CreateTime >= {literal(since.isoformat(timespec='seconds'))}"
        f" MAXRESULTS {PAGE_SIZE}"
    )


def everything(entity: str, *, start: int) -> str:
    """Ask for one page of all documents of a kind, oldest change first."""
    return (
        f"SELECT * FROM {entity} ORDERBY MetaData.LastUpdatedTime"
        f" STARTPOSITION {start} MAXRESULTS {PAGE_SIZE}"
    )
