"""The mirror: QuickBooks' documents as we last saw them. It never goes back to
an older revision.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, literal, or_, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from mapping.documents import (
    content_hash,
    contract_id,
    document_of,
    is_deleted,
    keep,
    sync_token,
    updated_at,
)
from sync.store.tables import MirrorRow

Raw = Mapping[str, Any]


def store(
    session: Session,
    realm_no: int,
    entity: str,
    raw: Raw,
    *,
    synced: Raw | None = None,
    is_reread: bool = False,
) -> bool:
    """Keep a document if it is newer than what is there.

    Args:
        entity: its kind, `Estimate`.
        raw: as QuickBooks sent it.
        is_reread: it was just read as it may have changed under the same revision.
        synced: it is the answer to a write of ours: what a person changes later is told from this.

    Returns:
        Whether anything changed.
    """
    if is_deleted(raw):
        return _mark_deleted(session, realm_no, entity, str(raw["Id"]), is_missing=False)
    fields = keep(entity, raw)
    row: dict[str, Any] = {
        "realm_no": realm_no,
        "entity": entity,
        "qbo_id": str(raw["Id"]),
        "sync_token": sync_token(raw),
        "updated_at": updated_at(raw),
        "customer_id": _customer_id(entity, raw),
        "fields": fields,
        "content_hash": content_hash(raw),
        "is_deleted": False,
        "is_missing": False,
    }
    newer = {name: row[name] for name in row if name not in ("realm_no", "entity", "qbo_id")}
    newer["stored_at"] = func.lease_now()
    statement = (
        upsert(MirrorRow)
        .values(row)
        .on_conflict_do_update(
            index_elements=["realm_no", "entity", "qbo_id"],
            set_=newer,
            where=or_(
                MirrorRow.sync_token < row["sync_token"],
                # Lists such as Preferences may change without a new token.
                (MirrorRow.sync_token == row["sync_token"])
                & (MirrorRow.updated_at < row["updated_at"]),
                (MirrorRow.sync_token == row["sync_token"])
                & (MirrorRow.content_hash != row["content_hash"])
                & literal(is_reread),
                # Nobody told that it was deleted; here it is.
                (MirrorRow.sync_token == row["sync_token"])
                & MirrorRow.is_deleted
                & MirrorRow.is_missing,
            ),
        )
        .returning(MirrorRow.qbo_id)
    )
    is_newer = session.scalars(statement).one_or_none() is not None
    if synced is not None:
        # Even if somebody has saved since: what is theirs is told from what was ours.
        stored = session.get_one(MirrorRow, (realm_no, entity, str(raw["Id"])))
        stored.synced = keep(entity, synced)
    return is_newer


def mark_missing(session: Session, realm_no: int, entity: str, qbo_id: str) -> bool:
    """Note that a document is gone though nobody told that it was deleted: should it come again,
    it was not.

    Returns:
        Whether anything changed.
    """
    return _mark_deleted(session, realm_no, entity, qbo_id, is_missing=True)


def rows(
    session: Session, realm_no: int, entity: str, *, ids: Sequence[str]
) -> dict[str, MirrorRow]:
    """Give documents by id; what is not there is left out."""
    found = session.scalars(
        select(MirrorRow).where(
            MirrorRow.realm_no == realm_no, MirrorRow.entity == entity, MirrorRow.qbo_id.in_(ids)
        )
    )
    return {row.qbo_id: row for row in found}


def of_contract(session: Session, realm_no: int, names: Sequence[str]) -> dict[str, MirrorRow]:
    """Give the documents that make a contract, by contract id; what is not there is left out."""
    ids: dict[str, list[str]] = {}
    for name in names:
        entity, qbo_id = document_of(name)
        ids.setdefault(entity, []).append(qbo_id)
    return {
        contract_id(entity, qbo_id): row
        for entity, some in ids.items()
        for qbo_id, row in rows(session, realm_no, entity, ids=some).items()
    }


def of_customers(
    session: Session, realm_no: int, entity: str, *, customer_ids: Sequence[str]
) -> list[MirrorRow]:
    """Give all documents of a kind that name one of these customers, oldest id first."""
    found = session.scalars(
        select(MirrorRow)
        .where(
            MirrorRow.realm_no == realm_no,
            MirrorRow.entity == entity,
            MirrorRow.customer_id.in_(customer_ids),
        )
        .order_by(func.length(MirrorRow.qbo_id), MirrorRow.qbo_id)
    )
    return list(found)


def document(row: MirrorRow) -> Raw:
    """Give a mirrored document as raw JSON; a deleted one as it last stood, with its deletion
    noted.
    """
    return {**row.fields, "status": "Deleted"} if row.is_deleted else row.fields


def _mark_deleted(
    session: Session, realm_no: int, entity: str, qbo_id: str, *, is_missing: bool
) -> bool:
    row = session.get(MirrorRow, (realm_no, entity, qbo_id), with_for_update=True)
    if row is None or row.is_deleted:
        if row is not None and not is_missing:
            row.is_missing = False
        return False
    row.is_deleted = True
    row.is_missing = is_missing
    return True


def _customer_id(entity: str, raw: Raw) -> str | None:
    if entity == "Customer":
        parent = raw.get("ParentRef")
        return str(parent["value"]) if isinstance(parent, Mapping) and "value" in parent else None
    customer = raw.get("CustomerRef")
    return str(customer["value"]) if isinstance(customer, Mapping) and "value" in customer else None
