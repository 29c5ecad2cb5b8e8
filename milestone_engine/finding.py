"""A broken rule as a value: several may hold at once, none of them stops another job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that needs a person. Words and remedy are rendered from `code` in `sync/words/`."""

    code: str  #: from the list in docs/findings.md: `percent_sum`, `no_schedule`, ...
    subject: str  #: what it is about: `estimate:1187`, `invoice:1190`, `milestone:m2`
    facts: Mapping[str, str] = field(default_factory=dict)  #: what the words need; money as text
