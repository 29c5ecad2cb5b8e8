"""A promise that was broken."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """Which promise, where in the history, and what happened."""

    rule: str
    message: str
    seq: int = 0

    def __str__(self) -> str:
        """Say it in a line."""
        where = f" (#{self.seq})" if self.seq else ""
        return f"{self.rule}{where}: {self.message}"
