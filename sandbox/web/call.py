"""A Call: one thing that a client wants of a company, however it came."""

from dataclasses import dataclass, field

from sandbox.values import Document

#: Operations that change the books.
WRITES = ("create", "update", "void", "delete", "send", "upload", "taxservice", "batch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One thing that a client wants of a company."""

    realm_id: str
    operation: str  #: create, update, void, delete, send, read, query, cdc, pdf, batch ...
    entity: str = ""  #: as it stands in the address, lower case
    id: str = ""
    body: Document = field(default_factory=dict)
    statement: str = ""
    since: str = ""
    send_to: str | None = None
    request_id: str | None = None
    options: frozenset[str] = frozenset()
    content: bytes = b""  #: of an upload, with its content type
    content_type: str = ""
