"""One write in the making: what it would change, seen together with what is in the books already.

Rules read and put aside here; nothing counts before the company commits the whole draft as one
record.
"""

from dataclasses import dataclass
from datetime import date, datetime

from sandbox.clock import stamp, today
from sandbox.errors import not_found
from sandbox.settings import Settings
from sandbox.tables import Tables
from sandbox.values import Document


@dataclass(slots=True, kw_only=True)
class Staged:
    """One document as the draft would leave it; `after` None means gone."""

    operation: str
    entity: str
    id: str
    before: Document | None
    after: Document | None
    is_quiet: bool = False  #: moved without a new SyncToken, and told to nobody
    merged_id: str | None = None  #: the entry that went into this one


class Draft:
    """The changes of one write, in order, with reads that already see them."""

    def __init__(self, tables: Tables, settings: Settings, at: datetime) -> None:
        self.tables = tables
        self.settings = settings
        self.at = at
        self.wished_ids: dict[str, str] = {}  #: id of the next new document of an entity
        self._staged: dict[tuple[str, str], Staged] = {}

    @property
    def staged(self) -> list[Staged]:
        """Return what would change, the first touched first."""
        return list(self._staged.values())

    @property
    def today(self) -> date:
        """Return the company's date."""
        return today(self.at)

    def find(self, entity: str, id: str) -> Document | None:
        """Return a document as this draft would leave it, or None."""
        staged = self._staged.get((entity, id))
        return staged.after if staged else self.tables.find(entity, id)

    def get(self, entity: str, id: str) -> Document:
        """Return a document as this draft would leave it.

        Raises:
            Fault: 610, there is none.
        """
        document = self.find(entity, id)
        if document is None:
            raise not_found()
        return document

    def preferences(self) -> Document:
        """Return the company's Preferences."""
        return self.get("Preferences", "1")

    def create(self, entity: str, document: Document, *, id: str | None = None) -> Document:
        """Put a new document aside: gives it its id, token 0 and times."""
        new_id = id or self.wished_ids.pop(entity, None) or self._free_id(entity)
        made = {"domain": "QBO", "sparse": False, "Id": new_id, "SyncToken": "0", **document}
        made["MetaData"] = {"CreateTime": stamp(self.at), "LastUpdatedTime": stamp(self.at)}
        self._staged[entity, new_id] = Staged(
            operation="Create", entity=entity, id=new_id, before=None, after=made
        )
        return made

    def put(
        self,
        entity: str,
        document: Document,
        *,
        operation: str = "Update",
        is_quiet: bool = False,
        merged_id: str | None = None,
    ) -> Document:
        """Put a new version of a document aside; its token rises once, however often it is put.

        Args:
            is_quiet: as long as every put is, the token stays and nobody is told.
            merged_id: the entry that went into this one.
        """
        id = document["Id"]
        staged = self._staged.get((entity, id))
        if staged is None:
            before = self.tables.find(entity, id)
            staged = Staged(
                operation=operation,
                entity=entity,
                id=id,
                before=before,
                after=None,
                is_quiet=is_quiet,
            )
            self._staged[entity, id] = staged
        staged.is_quiet = staged.is_quiet and is_quiet
        staged.merged_id = merged_id or staged.merged_id
        if operation != "Update":
            staged.operation = operation
        if staged.before is not None and not staged.is_quiet:
            document = {**document, "SyncToken": str(int(staged.before["SyncToken"]) + 1)}
            document["MetaData"] = {**document["MetaData"], "LastUpdatedTime": stamp(self.at)}
        staged.after = document
        return document

    def remove(self, entity: str, id: str) -> None:
        """Put the end of a document aside."""
        before = self.tables.find(entity, id)
        self._staged[entity, id] = Staged(
            operation="Delete", entity=entity, id=id, before=before, after=None
        )

    def _free_id(self, entity: str) -> str:
        id = int(self.tables.next_id(entity))
        taken = {int(staged.id) for staged in self._staged.values() if staged.id.isdigit()}
        while id in taken:
            id += 1
        return str(id)
