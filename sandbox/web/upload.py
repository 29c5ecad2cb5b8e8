"""Reads the multipart body of an upload, as leniently as QuickBooks: clients write it with bare
line feeds, in base64 or not, with or without metadata.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from email.message import Message

from sandbox.errors import Fault, missing
from sandbox.values import Document, loads

PARTS_MAX = 40
NAME = re.compile(r"file_(metadata|content)_(\w+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One file of an upload, with what the client says about it."""

    metadata: Document
    content: bytes
    content_type: str
    file_name: str


def read_uploads(content: bytes, content_type: str) -> list[Upload]:
    """Return the files of a multipart body, in its order.

    Raises:
        Fault: 2010 it does not read, 2020 there is no file in it.
    """
    header = Message()
    header["content-type"] = content_type
    boundary = header.get_param("boundary")
    if not isinstance(boundary, str) or not boundary:
        raise _unreadable("a multipart body with a boundary is expected")
    metadata: dict[str, Document] = {}
    files: list[tuple[str, Message, bytes]] = []
    for head, body in _parts(content, boundary.encode()):
        found = NAME.search(str(head.get_param("name", header="content-disposition") or ""))
        if found is None:
            continue
        if found[1].lower() == "metadata":
            metadata[found[2]] = _metadata(body)
        else:
            files.append((found[2], head, body))
    if not files:
        raise missing("file_content_0")
    return [_upload(metadata.get(key, {}), head, body) for key, head, body in files]


def _parts(content: bytes, boundary: bytes) -> list[tuple[Message, bytes]]:
    rows: list[tuple[Message, bytes]] = []
    for part in content.split(b"--" + boundary)[1 : PARTS_MAX + 1]:
        if part.startswith(b"--"):
            break
        head, blank, body = re.sub(rb"\A\r?\n", b"", part).partition(_gap(part))
        if not blank:
            raise _unreadable("a part without a body")
        rows.append((_head(head), re.sub(rb"\r?\n\Z", b"", body)))
    return rows


def _gap(part: bytes) -> bytes:
    """Return the blank line that ends the head of a part, in the part's own line endings."""
    return b"\r\n\r\n" if b"\r\n\r\n" in part else b"\n\n"


def _head(head: bytes) -> Message:
    message = Message()
    for line in head.decode("utf-8", "replace").splitlines():
        name, colon, value = line.partition(":")
        if colon and re.fullmatch(r"[A-Za-z-]+", name.strip()):
            message[name.strip()] = value.strip()
    return message


def _metadata(body: bytes) -> Document:
    try:
        said = loads(body)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise _unreadable("the metadata is not a JSON object")
    return said


def _upload(metadata: Document, head: Message, body: bytes) -> Upload:
    if str(head.get("content-transfer-encoding", "")).lower() == "base64":
        try:
            body = base64.b64decode(b"".join(body.split()), validate=True)
        except binascii.Error:
            raise _unreadable("the file is not base64") from None
    said = metadata.get("FileName") or head.get_param("filename", header="content-disposition")
    kind = str(metadata.get("ContentType") or head.get("content-type") or "")
    return Upload(
        metadata=metadata,
        content=body,
        content_type=kind or "application/octet-stream",
        file_name=said if isinstance(said, str) else "upload",
    )


def _unreadable(why: str) -> Fault:
    return Fault(
        "2010",
        "Request has invalid or unsupported property",
        f"Property Name:Can not parse the upload: {why}",
    )
