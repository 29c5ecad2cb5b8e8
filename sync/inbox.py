"""INBOX: a webhook delivery is verified on its raw bytes, stored, and only then answered.

What it tells only orders a pull. An event that tells of a state we have already (the echo of our
own writes) orders nothing.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from mapping.errors import DocumentError
from mapping.notifications import Notified, Unread, parse_notification
from sync import fail_points
from sync.bootstrap import App
from sync.pull import order_pull
from sync.store import realms
from sync.store.database import become
from sync.store.tables import UNREADABLE, InboxRow, MirrorRow, RealmRow, WorkRow

logger = logging.getLogger(__name__)

#: A burst is pulled at once, and then at most this often.
BURST_S = 5.0
#: A call goes out a little after its row was taken; so much more keeps two calls that far apart.
BURST_SLACK_S = 0.5
#: That webhooks are seen to work is noted this often.
SEEN_EVERY = timedelta(minutes=1)
#: A delivery of which a part could not be read; the companies of that part are known.
UNREADABLE_PART = "unreadable_part"


@dataclass(slots=True)
class _Told:
    """What deliveries tell one company."""

    events: list[Notified] = field(default_factory=list)
    unread: set[bytes] = field(default_factory=set)  #: bodies with a part that cannot be read


def is_signed(body: bytes, signature: str, *, verifiers: Sequence[str]) -> bool:
    """Tell whether Intuit signed these bytes with one of our verifier tokens. Constant time, any
    input.
    """
    try:
        given = base64.b64decode(signature, validate=True)
    except (ValueError, binascii.Error):
        return False
    made = [hmac.digest(one.encode(), body, hashlib.sha256) for one in verifiers if one]
    return sum(hmac.compare_digest(given, one) for one in made) > 0


def receive(app: App, *bodies: bytes) -> int:
    """Store signed deliveries, all in one transaction, and order what they ask for.

    Returns:
        How many events were new. A body that cannot be read, or not all of it, is kept sealed for a
        person; whom it may concern is pulled (where nobody knows whom: `sync/dispatch.py`).
    """
    told: dict[str, _Told] = {}
    for body in bodies:
        _read(app, body, told)
    fail_points.reach("inbox.received")
    stored = 0
    with app.database.begin() as session:
        # Always in one order: two deliveries that wait for each other's rows would both fail.
        for realm_id, of_realm in sorted(told.items()):
            stored += _receive_for(session, app, app.keyring.realm_hashes(realm_id), of_realm)
    fail_points.reach("inbox.stored")
    return stored


def _read(app: App, body: bytes, told: dict[str, _Told]) -> None:
    """Add to what each company is told."""
    try:
        delivery = parse_notification(body)
    except DocumentError as exc:
        _keep_unread(app, body, operation=UNREADABLE)
        logger.error("inbox.unreadable", extra={"error_code": exc.code})
        return
    if delivery.unread:
        _note_unread(app, body, delivery.unread)
    for event in delivery.events:
        told.setdefault(event.realm_id, _Told()).events.append(event)
    for one in delivery.unread:
        if one.realm_id:
            told.setdefault(one.realm_id, _Told()).unread.add(body)


def _receive_for(session: Session, app: App, realm_hashes: Sequence[bytes], told: _Told) -> int:
    """Store what one company is told; the session is the company's afterwards."""
    realm = realms.by_hashes(session, realm_hashes)
    if realm is None or realm.state == "disconnected":
        logger.warning("inbox.unknown_company", extra={"event_count": len(told.events)})
        return 0
    become(session, realm.realm_no)
    new = _store(session, realm.realm_no, told.events)
    if new:
        _note_seen(session, realm.realm_no)
    is_news = [_store_unread(session, app, realm.realm_no, body) for body in sorted(told.unread)]
    if any(is_news) or any(not _is_echo(session, realm.realm_no, event) for event in new):
        _order(session, realm.realm_no)
    return len(new)


def _store_unread(session: Session, app: App, realm_no: int, body: bytes) -> bool:
    """Note that a company was told something that could not be read: people see it in the report.

    Returns:
        Whether it is the first time.
    """
    row = {
        "realm_no": realm_no,
        "event_key": f"unread:{realm_no}:{hashlib.sha256(body).hexdigest()}",
        "entity": "",
        "entity_id": "",
        "operation": UNREADABLE,
    }
    stored = upsert(InboxRow).values(row).on_conflict_do_nothing().returning(InboxRow.event_key)
    is_news = session.scalars(stored).one_or_none() is not None
    app.watch.agree(session, realm_no)
    return is_news


def _note_seen(session: Session, realm_no: int) -> None:
    """Note that webhooks work; now and then is enough, or a burst would queue for this one row."""
    seen_at = RealmRow.webhook_seen_at
    session.execute(
        update(RealmRow)
        .where(
            RealmRow.realm_no == realm_no,
            or_(seen_at.is_(None), seen_at < func.business_now() - SEEN_EVERY),
        )
        .values(webhook_seen_at=func.business_now())
    )


def _store(session: Session, realm_no: int, events: Sequence[Notified]) -> list[Notified]:
    """Store the events of one company; give those that were not known."""
    if not events:
        return []
    by_key = {event.event_key: event for event in events}
    rows = [
        {
            "realm_no": realm_no,
            "event_key": event.event_key,
            "entity": event.entity,
            "entity_id": event.entity_id,
            "operation": event.operation,
            "occurred_at": event.occurred_at,
        }
        for _, event in sorted(by_key.items())
    ]
    stored = upsert(InboxRow).values(rows).on_conflict_do_nothing().returning(InboxRow.event_key)
    return [by_key[key] for key in session.scalars(stored)]


def _is_echo(session: Session, realm_no: int, event: Notified) -> bool:
    """Tell whether the mirror already holds the document as it was when the event happened, or
    newer.

    A second event of the same second is none: somebody may have saved right after us.
    """
    if event.occurred_at is None:
        return False
    known = session.scalars(
        select(MirrorRow.updated_at).where(
            MirrorRow.realm_no == realm_no,
            func.lower(MirrorRow.entity) == event.entity,
            MirrorRow.qbo_id == event.entity_id,
            MirrorRow.is_deleted.is_(False),
            MirrorRow.synced.is_not(None),
        )
    ).one_or_none()
    # QuickBooks writes whole seconds into documents and fractions into events.
    if known is None or event.occurred_at >= known + timedelta(seconds=1):
        return False
    others = session.scalars(
        select(func.count()).where(
            InboxRow.realm_no == realm_no,
            InboxRow.entity == event.entity,
            InboxRow.entity_id == event.entity_id,
            InboxRow.occurred_at.between(known, known + timedelta(seconds=1)),
            InboxRow.event_key != event.event_key,
        )
    ).one()
    return others == 0


def _order(session: Session, realm_no: int) -> None:
    """Order a pull; how long it has to wait is asked only after it was written down.

    Asked before, it would be told of the last pull but one where the last has just begun.
    """
    work_id = order_pull(session, realm_no, delay_s=BURST_S)
    if work_id is not None:
        wait = timedelta(seconds=_wait_s(session, realm_no))
        session.execute(
            update(WorkRow)
            .where(WorkRow.realm_no == realm_no, WorkRow.work_id == work_id)
            .values(retry_at=func.lease_now() + wait)
        )


def _wait_s(session: Session, realm_no: int) -> float:
    """Tell how long the next pull has to wait so that a burst makes one pull and not a hundred."""
    since = func.extract("epoch", func.lease_now() - func.max(WorkRow.first_tried_at))
    waited = session.scalars(
        select(since).where(WorkRow.realm_no == realm_no, WorkRow.kind == "pull")
    ).one()
    return 0.0 if waited is None else max(0.0, BURST_S + BURST_SLACK_S - float(waited))


def _note_unread(app: App, body: bytes, unread: Sequence[Unread]) -> None:
    """Keep a delivery of which a part could not be read. Where that part does not say whose it is,
    it may be anybody's.
    """
    is_anybodys = any(not one.realm_id for one in unread)
    _keep_unread(app, body, operation=UNREADABLE if is_anybodys else UNREADABLE_PART)
    facts = {"error_code": unread[0].code, "event_count": len(unread)}
    logger.error("inbox.unreadable", extra=facts)


def _keep_unread(app: App, body: bytes, *, operation: str) -> None:
    digest = hashlib.sha256(body).hexdigest()
    sealed = app.keyring.seal(body.decode(errors="replace"), purpose="inbox")
    with app.database.begin() as session:
        session.execute(
            upsert(InboxRow)
            .values(
                realm_no=None,
                event_key=f"unread:{digest}",
                entity="",
                entity_id="",
                operation=operation,
                body_sealed=sealed,
            )
            .on_conflict_do_nothing()
        )
