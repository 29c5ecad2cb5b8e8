"""The books on disk: one append-only file of JSON lines, written before anything is answered, read
again at start.

A line is written and handed to the operating system before the change is applied in memory. So a
killed process loses nothing that it answered; a machine that loses power may lose the last moments.
A last line that was cut short is dropped: its answer was never sent.
"""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Protocol

from sandbox.errors import JournalError
from sandbox.values import Document, loads, to_json

FILE_NAME = "books.jsonl"


class Journal(Protocol):
    """Where records go before they count."""

    def append(self, record: Document) -> None:
        """Keep one record; when this returns, it will be there after a crash."""
        ...


class MemoryJournal:
    """Keeps records in a list: for use inside another process, such as a simulation."""

    def __init__(self) -> None:
        self.records: list[Document] = []

    def append(self, record: Document) -> None:
        """Keep one record for as long as this object lives."""
        self.records.append(record)


class FileJournal:
    """The journal of one data folder; holds a lock on it while open."""

    def __init__(self, data_dir: Path) -> None:
        data_dir.mkdir(parents=True, exist_ok=True)
        self._path = data_dir / FILE_NAME
        self._file: IO[bytes] = open(self._path, "a+b")  # noqa: SIM115 - open as long as the process
        os.chmod(self._path, 0o600)  # it holds tokens
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            self._file.close()
            raise JournalError(
                f"{self._path} is in use by another sandbox; stop that one first"
            ) from exc

    def replay(self) -> Iterator[Document]:
        """Yield every record in order, and cut off a last line that was torn.

        Raises:
            JournalError: a line in the middle cannot be read: the file was damaged by somebody
                else.
        """
        self._file.seek(0)
        good = 0
        for number, line in enumerate(self._file, start=1):
            record = _record(line)
            if record is None:
                if self._file.readline():
                    raise JournalError(f"{self._path} line {number} cannot be read")
                break
            good += len(line)
            yield record
        self._file.truncate(good)
        self._file.seek(0, os.SEEK_END)

    def append(self, record: Document) -> None:
        """Write one line and hand it to the operating system.

        Raises:
            OSError: the disk is full or gone; the line is taken back as far as that goes.
        """
        end = self._file.tell()
        try:
            self._file.write(to_json(record) + b"\n")
            self._file.flush()
        except OSError:
            os.ftruncate(self._file.fileno(), end)
            raise

    def close(self) -> None:
        """Let go of the folder."""
        self._file.close()


def _record(line: bytes) -> Document | None:
    if not line.endswith(b"\n"):
        return None
    try:
        record = loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None
