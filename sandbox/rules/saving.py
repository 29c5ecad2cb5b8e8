"""What every create and update has in common: full and sparse bodies, required fields, closed
periods.
"""

from sandbox.draft import Draft
from sandbox.entities import Spec
from sandbox.errors import books_closed, missing
from sandbox.values import Document

VOIDED = "Voided"
NOTE_MAX = 4000


def merged(spec: Spec, old: Document | None, body: Document, *, is_sparse: bool) -> Document:
    """Return the new version of a document, before any rule looked at it.

    A sparse body changes only what it names. A full one nulls every writable field that it leaves
    out. What only the server writes always stays.
    """
    sent = {name: value for name, value in body.items() if value is not None}
    if old is None:
        return sent
    if is_sparse:
        return {name: value for name, value in {**old, **body}.items() if value is not None}
    kept = {name: value for name, value in old.items() if not _is_writable(spec, name)}
    return {**kept, **sent}


def require(spec: Spec, document: Document) -> None:
    """Refuse a document without a field it must have.

    Raises:
        Fault: 2020.
    """
    for name in spec.required:
        if document.get(name) in (None, []):
            raise missing(name)


def refuse_closed(draft: Draft, *dates: str | None) -> None:
    """Refuse a change to a posting document that is, was or would be dated in a closed period.

    Raises:
        Fault: 6210.
    """
    closed_to = (draft.preferences().get("AccountingInfoPrefs") or {}).get("BookCloseDate")
    # Dates are ISO text, so they compare as text.
    if closed_to and any(day is not None and day <= closed_to for day in dates):
        raise books_closed()


def void_note(document: Document) -> str:
    """Return the private note of a voided document: "Voided" in front of what was there."""
    note = document.get("PrivateNote")
    if note and note.startswith(VOIDED):
        return str(note)
    return f"{VOIDED} - {note}"[:NOTE_MAX] if note else VOIDED


def _is_writable(spec: Spec, name: str) -> bool:
    known = spec.fields.get(name)
    return known is not None and known.is_written
