"""Foreign text (names, labels, descriptions from QuickBooks), made fit to stand on a line of ours.

What is dropped has no ink of its own but moves what stands around it: line ends, control
characters, marks that turn the direction of writing, zero-width spaces. Letters of every script and
emoji stay.
"""

from __future__ import annotations

import unicodedata

#: Longer than any name we have seen; a text of 4 KB must not push the money off the page.
LENGTH_MAX = 120

#: Joiners have no ink either, but emoji and some scripts are spelled with them.
_JOINERS = frozenset("\u200c\u200d")
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def one_line(text: str, *, limit: int = LENGTH_MAX) -> str:
    """Give a foreign text as one harmless line of at most `limit` characters."""
    shown = "".join(_shown(character) for character in text[: 4 * limit])
    line = " ".join(shown.split())
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"


def _shown(character: str) -> str:
    if character.isspace():
        return " "
    if character in _JOINERS or unicodedata.category(character) not in _HIDDEN:
        return character
    return " " if unicodedata.category(character) in ("Cc", "Zl", "Zp") else ""
