"""The rules of law that come with the package, as the YAML says them. Knows nothing of their sense.

`milestone_engine.legal.parse_rules()` reads what `read_legal()` returns.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml


def legal_folder() -> Path:
    """Say where the rules are: one file a place."""
    return Path(__file__).parent / "legal"


def read_legal(folder: Path | None = None) -> list[Any]:
    """Return the content of every file, in the order of their names."""
    found = sorted((folder or legal_folder()).glob("*.yaml"))
    return [yaml.safe_load(path.read_text(encoding="utf-8")) for path in found]
