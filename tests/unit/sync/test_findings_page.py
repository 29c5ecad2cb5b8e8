"""docs/findings.md against the code: who reads a code in `jobs` finds it on the page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from milestone_engine.errors import REMEDIES
from milestone_engine.needs import GONE, HELD
from sync.words.findings import WORDS

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "findings.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (`.+?`) \| .+ \| .+ \|$", PAGE, re.M)
TOLD = [code for cell in ROWS for code in re.findall(r"`(\w+)`", cell)]
#: The first argument of what becomes a Finding, wherever it is written.
RAISED = re.compile(
    r'(?:DocumentError\(|Finding\(\s*code=|_of_job\(|_of_invoice\(|_finding\()\s*"(\w+)"'
)


def raised() -> Iterator[str]:
    """Every code that a document, a decision or a pull can turn into a finding."""
    for package in ("mapping", "milestone_engine", "sync"):
        for path in sorted((ROOT / package).rglob("*.py")):
            yield from RAISED.findall(path.read_text(encoding="utf-8"))
    yield from (*HELD.values(), *GONE.values())


def test_every_finding_with_words_stands_on_the_page() -> None:
    """Each code once; none that the code does not know."""
    assert sorted(TOLD) == sorted(WORDS)


def test_every_code_that_is_raised_stands_on_the_page() -> None:
    """Nobody is shown a code that the page does not explain; the engine's refusals included."""
    codes = set(raised())
    retainage = {"retainage", "weights", "lines_sum"}  # no estimate leads there

    assert {"frozen", "estimate_converted", "amount_missing"} <= codes
    assert (codes | set(REMEDIES)) - retainage - set(TOLD) == set()
