"""Uploaded files: kept with their Attachable, so that the journal is all there is on disk."""

from base64 import b64decode, b64encode
from dataclasses import dataclass
from decimal import Decimal

from sandbox.values import Document

CONTENT = "_content"


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file."""

    name: str
    content_type: str
    content: bytes


def facts_of(file: File, *, realm_id: str, id: str) -> Document:
    """Return what an Attachable says about its file, and the file itself under an internal name."""
    return {
        "FileName": file.name,
        "ContentType": file.content_type,
        "Size": Decimal(len(file.content)),
        "FileAccessUri": f"/v3/company/{realm_id}/download/{id}",
        "TempDownloadUri": f"/sandbox/files/{realm_id}/{id}",
        CONTENT: b64encode(file.content).decode(),
    }


def kept_file(attachable: Document | None) -> File | None:
    """Return the file of an Attachable; None if it is gone or a mere note."""
    if attachable is None or CONTENT not in attachable:
        return None
    return File(
        name=attachable["FileName"],
        content_type=attachable["ContentType"],
        content=b64decode(attachable[CONTENT]),
    )
