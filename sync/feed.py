"""FEED: what a pull brings.

The change feed since the watermark, or everything where there is none or it is too old. A document
that did not come where its kind was read whole is asked for by its id: only then is it gone. After
a merge of customers, what it may have moved is read again: nothing else may tell.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from sync import native_orders
from sync.bootstrap import App
from sync.errors import FeedTooOld
from sync.quickbooks.gateway import FEED_AGE_MAX, NATIVE_ORDER, Changes, Raw
from sync.store import mirror, realms
from sync.store.tables import InboxRow, JobRow, MirrorRow, RealmRow

logger = logging.getLogger(__name__)

#: Change feeds are asked again from this long before their last answer: the boundary is not
#: documented.
OVERLAP = timedelta(minutes=5)
#: What can be deleted; lists such as customers are only made inactive.
TRANSACTIONS = frozenset(
    {"Estimate", "Invoice", "Payment", "CreditMemo", "RefundReceipt", NATIVE_ORDER}
)
#: What a webhook calls a merge, in its two formats.
MERGED = ("merged", "merge")


def fetch(app: App, realm_no: int) -> Changes:
    """Ask QuickBooks what changed since the watermark; everything, where there is none or it is too
    old.
    """
    with app.database.begin(realm_no) as session:
        realm = realms.get(session, realm_no)
        is_complete = (
            realm.watermark is not None
            and session.scalars(select(realm.watermark > func.business_now() - FEED_AGE_MAX)).one()
        )
        is_due = native_orders.is_due(session, realm)
    if realm.watermark is None or not is_complete:
        return everything(app, realm_no)
    since = realm.watermark - OVERLAP
    try:
        changes = native_orders.changes_since(app, realm, since, is_due=is_due)
    except FeedTooOld:
        # QuickBooks' clock decides what is too old, and it may be ahead of ours.
        logger.warning("realm.feed_too_old", extra={"realm_no": realm_no})
        return everything(app, realm_no)
    return _with_moved(app, realm_no, _with_missing(app, realm_no, changes))


def everything(app: App, realm_no: int) -> Changes:
    """Ask QuickBooks for all that is followed, and for what we know and did not come, by id."""
    changes = _with_missing(app, realm_no, native_orders.everything(app, realm_no))
    return _with_moved(app, realm_no, changes)


def _with_missing(app: App, realm_no: int, changes: Changes) -> Changes:
    """Ask by id for what did not come where a kind was read whole: a page may have been cut short,
    or the document saved meanwhile. What does not come then either is gone.
    """
    with app.database.begin(realm_no) as session:
        missing = _missing(session, realm_no, changes)
    found: list[tuple[str, Raw]] = []
    for entity, ids in missing.items():
        found += [(entity, one) for one in app.gateway.read_many(realm_no, entity, ids)]
    asked = {(entity, qbo_id) for entity, ids in missing.items() for qbo_id in ids}
    came = {(entity, str(raw["Id"])) for entity, raw in found}
    return replace(changes, documents=(*changes.documents, *found), gone=frozenset(asked - came))


def _missing(session: Session, realm_no: int, changes: Changes) -> dict[str, list[str]]:
    """Give the ids of what we know and did not come, by kind.

    What changed within the overlap is left out: the next feed tells of its deletion, and a document
    of ours may be younger than what a query sees.
    """
    came = {(entity, str(raw["Id"])) for entity, raw in changes.documents if "Id" in raw}
    is_told = (MirrorRow.entity != NATIVE_ORDER) & (MirrorRow.updated_at >= changes.as_of - OVERLAP)
    known = session.execute(
        select(MirrorRow.entity, MirrorRow.qbo_id)
        .where(
            MirrorRow.realm_no == realm_no,
            MirrorRow.entity.in_(changes.read_whole & TRANSACTIONS),
            MirrorRow.is_deleted.is_(False),
            or_(MirrorRow.updated_at.is_(None), ~is_told),
        )
        .order_by(MirrorRow.entity, MirrorRow.qbo_id)
    )
    found: dict[str, list[str]] = {}
    for entity, qbo_id in known:
        if (entity, qbo_id) not in came:
            found.setdefault(entity, []).append(qbo_id)
    return found


def _with_moved(app: App, realm_no: int, changes: Changes) -> Changes:
    """Read again by id the documents of merged customers: a merge changes whom they name, and not
    everywhere their revision with it.
    """
    with app.database.begin(realm_no) as session:
        moved = _documents_of(session, realm_no, _merged(session, realm_no, changes))
    found: list[tuple[str, Raw]] = []
    for entity, ids in moved.items():
        found += [(entity, one) for one in app.gateway.read_many(realm_no, entity, ids)]
    reread = frozenset((entity, str(raw["Id"])) for entity, raw in found)
    return replace(changes, documents=(*changes.documents, *found), reread=reread)


def _merged(session: Session, realm_no: int, changes: Changes) -> set[str]:
    """Give the customers that QuickBooks calls merged, or that have just become inactive."""
    inactive = [
        str(raw["Id"])
        for entity, raw in changes.documents
        if entity == "Customer" and raw.get("Active") is False
    ]
    known = mirror.rows(session, realm_no, "Customer", ids=inactive)
    were_active = {one for one, row in known.items() if row.fields.get("Active") is not False}
    told = select(InboxRow.entity_id).where(
        InboxRow.realm_no == realm_no,
        InboxRow.entity == "customer",
        InboxRow.operation.in_(MERGED),
        InboxRow.received_at
        > select(RealmRow.pulled_at - OVERLAP)
        .where(RealmRow.realm_no == realm_no)
        .scalar_subquery(),
    )
    return were_active | set(session.scalars(told))


def _documents_of(
    session: Session, realm_no: int, customer_ids: Collection[str]
) -> dict[str, list[str]]:
    """Give the ids of the documents of those customers on whom jobs stand, by kind."""
    jobs = select(JobRow.customer_id).where(
        JobRow.realm_no == realm_no, JobRow.customer_id.in_(customer_ids)
    )
    names = session.execute(
        select(MirrorRow.entity, MirrorRow.qbo_id).where(
            MirrorRow.realm_no == realm_no,
            MirrorRow.entity.in_(TRANSACTIONS),
            MirrorRow.customer_id.in_(jobs),
            MirrorRow.is_deleted.is_(False),
        )
    )
    found: dict[str, list[str]] = {}
    for entity, qbo_id in names:
        found.setdefault(entity, []).append(qbo_id)
    return found
