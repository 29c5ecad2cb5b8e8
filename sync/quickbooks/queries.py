"""QuickBooks' query language, escaped. Field and entity names come from our code alone, values from
anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

PAGE_SIZE = 1000
#: Kinds whose inactive entries a query hides unless it is asked for them.
LISTS = frozenset({"Customer"})
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
    conditions = [f"Id IN ({listed})", *_hidden_too(entity)]
    return f"SELECT * FROM {entity} WHERE {' AND '.join(conditions)} MAXRESULTS {PAGE_SIZE}"


def made_since(entity: str, *, customer_id: str, since: datetime) -> str:
    """Ask for what was made for a customer since a moment: the read-back of an unanswered write."""
    return (
        f"SELECT * FROM {entity} WHERE CustomerRef = {literal(customer_id)}"
        f" AND MetaData.CreateTime >= {literal(since.isoformat(timespec='seconds'))}"
        f" MAXRESULTS {PAGE_SIZE}"
    )


def everything(entity: str, *, since: datetime | None = None, start: int = 1) -> str:
    """Ask for one page of all documents of a kind, oldest change first.

    Args:
        entity: its kind.
        since: only what changed at this moment or later: the bound that moves from page to page.
        start: the page's first row, from 1; beyond the first only among rows of one moment.
    """
    conditions = _hidden_too(entity)
    if since is not None:
        moment = literal(since.isoformat(timespec="seconds"))
        conditions.append(f"MetaData.LastUpdatedTime >= {moment}")
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return (
        f"SELECT * FROM {entity}{where} ORDERBY MetaData.LastUpdatedTime"
        f" STARTPOSITION {start} MAXRESULTS {PAGE_SIZE}"
    )


def _hidden_too(entity: str) -> list[str]:
    """Give the condition without which QuickBooks hides what was made inactive."""
    return ["Active IN (true, false)"] if entity in LISTS else []
