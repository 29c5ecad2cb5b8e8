"""A finished write as one journal record: what changed, who did it, what subscribers are told."""

from sandbox.draft import Draft, Staged
from sandbox.ids import Ids
from sandbox.notices import announced, event
from sandbox.tables import Change
from sandbox.values import Document


def change_record(
    draft: Draft, *, realm_id: str, main: tuple[str, str], actor: str, request_id: str | None
) -> Document:
    """Return the record of a draft, without events.

    Args:
        main: entity and id of the document that the client is answered with; it comes first.
    """
    staged = sorted(draft.staged, key=lambda row: (row.entity, row.id) != main)
    return {
        "kind": "change",
        "realm_id": realm_id,
        "at": draft.at.isoformat(),
        "actor": actor,
        "request_id": request_id,
        "changes": [
            {"operation": row.operation, "entity": row.entity, "id": row.id, "after": row.after}
            for row in staged
        ],
        "events": [],
    }


def events_of(draft: Draft, *, realm_id: str, actor: str, ids: Ids) -> list[Document]:
    """Return the webhook events that a draft sets off, in the order of its changes."""
    told: list[Document] = []
    for row in draft.staged:
        change = _as_change(draft, row, actor)
        operation = announced(change)
        is_silent = row.entity == "ChangeOrder" and not draft.settings.change_orders_told
        if operation is not None and not is_silent and not row.is_quiet:
            one = event(id=ids.event_id(), realm_id=realm_id, change=change, operation=operation)
            told.append(one | ({"merged_id": row.merged_id} if row.merged_id else {}))
    return told


def mail_of(change: Change) -> Document:
    """Return what the sandbox keeps of a mail that QuickBooks would have sent."""
    document = change.after or {}
    return {
        "at": change.at.isoformat(),
        "entity": change.entity,
        "id": change.id,
        "doc_number": document.get("DocNumber"),
        "to": document["BillEmail"]["Address"],
        "cc": (document.get("BillEmailCc") or {}).get("Address"),
        "actor": change.actor,
    }


def _as_change(draft: Draft, row: Staged, actor: str) -> Change:
    return Change(
        seq=0,
        at=draft.at,
        actor=actor,
        operation=row.operation,
        entity=row.entity,
        id=row.id,
        before=row.before,
        after=row.after,
        request_id=None,
    )
