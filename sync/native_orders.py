"""QuickBooks' own change orders, which few companies have.

Whether one has them is asked at its first sight and again now and then: a refused query says no. A
company that has them is followed through the change feed; where the feed refuses the kind, or is
found to be silent about one, all of them are read at each pull.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from mapping.documents import sync_token, updated_at
from sync.bootstrap import App
from sync.errors import (
    AccessExpired,
    OutcomeUnknown,
    QuickBooksUnavailable,
    RealmDisconnected,
    RejectedWrite,
)
from sync.quickbooks.gateway import NATIVE_ORDER, Changes, NativeOrders
from sync.store import mirror
from sync.store.tables import RealmRow

logger = logging.getLogger(__name__)

#: A company may buy the feature: it is asked again this long after it said no, and its feed is
#: checked against a full reading as often.
ASK_AGAIN = timedelta(days=7)
#: Where nobody could say, sooner: the answer was lost.
ASK_AGAIN_UNKNOWN = timedelta(days=1)


def is_due(session: Session, realm: RealmRow) -> bool:
    """Whether it is time to ask a company for its change orders."""
    asked_at = realm.native_orders_asked_at
    if asked_at is None:
        return True
    is_unknown = realm.native_orders == NativeOrders.UNKNOWN.value
    wait = ASK_AGAIN_UNKNOWN if is_unknown else ASK_AGAIN
    return session.scalars(select(func.business_now() > asked_at + wait)).one()


def everything(app: App, realm_no: int) -> Changes:
    """Give every followed document, change orders among them where the company has them."""
    return _asked(app, realm_no, app.gateway.everything(realm_no), is_known=False)


def changes_since(app: App, realm: RealmRow, since: datetime, *, is_due: bool) -> Changes:
    """Give every followed document that changed since a moment.

    Args:
        app: the installation.
        realm: the company.
        since: the moment.
        is_due: it is time to ask whether the company has change orders, or the feed misses any.
    """
    state = NativeOrders(realm.native_orders)
    if state is NativeOrders.TOLD:
        try:
            changes = app.gateway.changes_since(realm.realm_no, since, also=(NATIVE_ORDER,))
        except RejectedWrite:
            changes, state = app.gateway.changes_since(realm.realm_no, since), NativeOrders.READ
    else:
        changes = app.gateway.changes_since(realm.realm_no, since)
    if state is not NativeOrders.READ and not is_due:
        return changes
    is_known = state in (NativeOrders.TOLD, NativeOrders.READ)
    found = _asked(app, realm.realm_no, changes, is_known=is_known)
    if state is NativeOrders.READ and found.native is NativeOrders.TOLD:
        return replace(found, native=NativeOrders.READ)
    return found


def note(session: Session, realm_no: int, changes: Changes) -> None:
    """Keep what was found out, after the documents were stored."""
    if changes.native is None:
        return
    session.execute(
        update(RealmRow)
        .where(RealmRow.realm_no == realm_no)
        .values(native_orders=changes.native.value, native_orders_asked_at=func.business_now())
    )


def with_silence(
    session: Session, realm: RealmRow, changes: Changes, *, told_until: datetime | None
) -> Changes:
    """Note that the feed is not to be relied on where it did not tell of a change order in time.

    Args:
        session: open, before the documents are stored.
        realm: the company.
        changes: as they were read now.
        told_until: what changed before this moment, earlier pulls were told of.
    """
    was_told = realm.native_orders == NativeOrders.TOLD.value
    if not was_told or changes.native is not NativeOrders.TOLD or told_until is None:
        return changes
    orders = [raw for entity, raw in changes.documents if entity == NATIVE_ORDER]
    ids = [str(raw["Id"]) for raw in orders]
    known = mirror.rows(session, realm.realm_no, NATIVE_ORDER, ids=ids)
    for raw in orders:
        row, changed_at = known.get(str(raw["Id"])), updated_at(raw)
        is_news = row is None or sync_token(raw) > row.sync_token
        if is_news and changed_at is not None and changed_at < told_until:
            return replace(changes, native=NativeOrders.READ)
    return changes


def _asked(app: App, realm_no: int, changes: Changes, *, is_known: bool) -> Changes:
    """Give the changes with all change orders of the company; without them where it has none.

    Of a company that is known to have them a lost answer is no answer: the pull is tried again.
    """
    try:
        orders = app.gateway.all_of(realm_no, NATIVE_ORDER)
    except RejectedWrite:
        return replace(changes, native=NativeOrders.NONE)
    except (AccessExpired, RealmDisconnected):
        if is_known:
            raise
        # All else was answered just now: it is this kind that is refused.
        return replace(changes, native=NativeOrders.NONE)
    except (QuickBooksUnavailable, OutcomeUnknown):
        if is_known:
            raise
        logger.warning("orders.unknown", extra={"realm_no": realm_no})
        return replace(changes, native=NativeOrders.UNKNOWN)
    return replace(
        changes,
        documents=(*changes.documents, *orders),
        read_whole=changes.read_whole | {NATIVE_ORDER},
        native=NativeOrders.TOLD,
    )
