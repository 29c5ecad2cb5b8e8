"""Change data capture: what changed since a moment, each object once, in its latest state; deleted
ones as stubs.

Source: Intuit's page "Change data capture".
"""

from datetime import datetime, timedelta

from sandbox.clock import read_time, stamp
from sandbox.entities import spec_at
from sandbox.entities.sales import CHANGE_ORDER
from sandbox.errors import Fault, bad_value, missing
from sandbox.settings import Settings
from sandbox.tables import Change, Tables
from sandbox.values import Document

LOOK_BACK = timedelta(days=30)


def changed_since(
    tables: Tables, *, entities: str, since: str, now: datetime, settings: Settings
) -> list[tuple[str, list[Change]]]:
    """Return the latest change of every object that changed, by type, in the order the types were
    asked for.

    Args:
        entities: names separated by commas, in any case.
        since: ISO 8601; without offset it is Pacific.
        settings: how many objects in all, shared by the types: those that changed first are given;
            and what is not known of QuickBooks.

    Raises:
        Fault: no types, an unknown one, or a time that is too old or does not read.
    """
    names = _names(entities, settings)
    at = _since(since, now)
    latest: dict[tuple[str, str], Change] = {}
    for change in tables.changes_since(at):
        is_wanted = change.entity in names and not _is_quiet(change)
        if is_wanted and (settings.cdc_inclusive or change.at > at):
            # An object that changed again moves to the end.
            latest.pop((change.entity, change.id), None)
            latest[change.entity, change.id] = change
    kept = list(latest.values())[: settings.cdc_limit]
    if settings.cdc_newest_first:
        kept.reverse()
    return [(name, [change for change in kept if change.entity == name]) for name in names]


def deleted_stub(id: str, at: datetime) -> Document:
    """Return what is left to say of a deleted object."""
    return {
        "domain": "QBO",
        "status": "Deleted",
        "Id": id,
        "MetaData": {"LastUpdatedTime": stamp(at)},
    }


def _is_quiet(change: Change) -> bool:
    """Tell whether a document was moved without a new SyncToken: nobody is told."""
    before, after = change.before, change.after
    return bool(before and after and before["SyncToken"] == after["SyncToken"])


def _names(entities: str, settings: Settings) -> list[str]:
    names: list[str] = []
    for said in entities.split(","):
        if not said.strip():
            continue
        spec = spec_at(said.strip())
        is_silent = spec is CHANGE_ORDER and not settings.change_orders_told
        if spec is None or not spec.has_cdc or is_silent:
            raise bad_value("2170", "Enumeration", "entities", said.strip())
        names.append(spec.name)
    if not names:
        raise missing("entities")
    return list(dict.fromkeys(names))


def _since(since: str, now: datetime) -> datetime:
    if not since:
        raise missing("changedSince")
    try:
        at = read_time(since)
    except ValueError:
        raise bad_value("2070", "Date", "changedSince", since) from None
    if at < now - LOOK_BACK:
        raise Fault(
            "2060",
            "Invalid Date",
            f"The changedSince date {since} is older than fixed days (30) and not supported",
            element="changedSince",
        )
    return at
