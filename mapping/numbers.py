"""By what an invoice of ours is known: the marker in its private note, and its number.

The marker stands first, because users append text and QuickBooks cuts at 4,000 characters. It is
derived from the milestone, so that two workers cannot invent two. The number is for people, and may
be changed by them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mapping.errors import BodyError

#: QuickBooks' limit for a DocNumber.
LONGEST_NUMBER = 21

_MILESTONE_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")
#: QuickBooks puts "Voided" before whatever the note says.
_MARKER = re.compile(
    r"\s*(?:voided\b[\s:.,;–—-]*)*ms:(\d{1,18})\.([A-Za-z0-9_-]{1,40})\.(\d{1,6})(?![\w.-])", re.I
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """Which invoice of which milestone of which Job a document is."""

    job_id: int
    milestone_id: str
    ordinal: int


def marker(job_id: int, milestone_id: str, ordinal: int) -> str:
    """Return the text that makes an invoice ours: `ms:12.m1.1`."""
    if not _MILESTONE_ID.fullmatch(milestone_id) or job_id < 0 or ordinal < 1:
        raise BodyError("marker", f"no marker for job {job_id}, {milestone_id!r}, {ordinal}")
    return f"ms:{job_id}.{milestone_id}.{ordinal}"


def find_marker(note: str | None) -> Marker | None:
    """Return the marker at the front of a private note, behind "Voided" too.

    Elsewhere in the note it does not count: a person who writes "replaces ms:12.m1.1" did not make
    an invoice of ours.
    """
    found = _MARKER.match(note or "")
    if found is None:
        return None
    return Marker(job_id=int(found[1]), milestone_id=found[2], ordinal=int(found[3]))


def doc_number(base: str, number: int, ordinal: int) -> str:
    """Return the number of an invoice: `1042-M2`, for the milestone's second one `1042-M2-2`.

    A base that leaves no room is cut: the number is a label, the marker is the key.
    """
    suffix = f"-M{number}" if ordinal == 1 else f"-M{number}-{ordinal}"
    return base[: LONGEST_NUMBER - len(suffix)] + suffix
