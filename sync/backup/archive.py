"""The file of a backup: lines of text in frames, each compressed, sealed and numbered.

    magic, archive id (16 bytes), then frames: length (4 bytes), sealed bytes

A frame opens only with the installation's key, in its own archive, at its own place, and the last
one knows that it is the last: what was cut, swapped or altered does not open.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from sync.keys import Keyring, SealError

MAGIC = b"milestone-sync backup 1\n"
#: Lines of about this many characters make a frame.
FRAME_CHARS = 1_000_000
#: No frame is longer; a length beyond it is no backup of ours.
FRAME_BYTES_MAX = 256_000_000


class ArchiveError(Exception):
    """The file is no backup of this installation, or is not whole."""


def write(path: Path, lines: Iterable[str], *, keyring: Keyring) -> int:
    """Write lines into a new file that only its owner can read; tell its size in bytes.

    The file appears under its name only once it is whole.

    Raises:
        ArchiveError: a file of this name is there already.
    """
    if path.exists():
        raise ArchiveError(f"{path} is there already")
    part = path.with_name(f"{path.name}.part")
    archive_id = os.urandom(16)
    opened = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(opened, "wb") as file:
        file.write(MAGIC + archive_id)
        frames = _ahead(_chunks(lines))
        for number, (chunk, is_last) in enumerate(frames):
            packed = zlib.compress(chunk.encode())
            purpose = _purpose(archive_id, number, is_last=is_last)
            sealed = keyring.seal_bytes(packed, purpose=purpose)
            file.write(len(sealed).to_bytes(4, "big") + sealed)
        file.flush()
        os.fsync(file.fileno())
        size = file.tell()
    part.rename(path)
    return size


def read(path: Path, *, keyring: Keyring) -> Iterator[str]:
    """Give the lines of a file.

    Raises:
        ArchiveError: it cannot be opened with this key, was altered, or ends too early.
    """
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise ArchiveError(f"{path} is no backup of milestone-sync")
        archive_id = file.read(16)
        number, is_last = 0, False
        while not is_last:
            chunk, is_last = _frame(file, archive_id, number, keyring)
            yield from chunk.split("\n")
            number += 1
        if file.read(1):
            raise ArchiveError("something stands behind the end of the backup")


def _frame(file: BinaryIO, archive_id: bytes, number: int, keyring: Keyring) -> tuple[str, bool]:
    head = file.read(4)
    length = int.from_bytes(head, "big")
    if len(head) < 4 or length > FRAME_BYTES_MAX:
        raise ArchiveError(f"the backup ends before its end, at frame {number}")
    sealed = file.read(length)
    for is_last in (False, True):
        try:
            packed = keyring.open_bytes(
                sealed, purpose=_purpose(archive_id, number, is_last=is_last)
            )
        except SealError:
            continue
        return zlib.decompress(packed).decode(), is_last
    raise ArchiveError(f"frame {number} does not open: another secret key, or it was altered")


def _purpose(archive_id: bytes, number: int, *, is_last: bool) -> str:
    return f"backup/{archive_id.hex()}/{number}/{'last' if is_last else 'more'}"


def _chunks(lines: Iterable[str]) -> Iterator[str]:
    waiting: list[str] = []
    size = 0
    for line in lines:
        waiting.append(line)
        size += len(line)
        if size >= FRAME_CHARS:
            yield "\n".join(waiting)
            waiting, size = [], 0
    yield "\n".join(waiting)


def _ahead(chunks: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """Give each chunk, and whether it is the last."""
    before: str | None = None
    for chunk in chunks:
        if before is not None:
            yield before, False
        before = chunk
    if before is not None:
        yield before, True
