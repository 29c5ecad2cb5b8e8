"""How an amount was made, as data: a code and its facts. `sync/words/` makes sentences of them.

A fact whose name ends in `_minor` is money in minor units; all others are plain whole numbers. The
share of an open milestone before rounding is `shared_minor * weight / weight_sum` exactly; its
amount is that share rounded down, plus `unit`, what rounding gave it (0 or 1; more or less than
that where there is a cash step), plus `extra_minor`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

Fact = tuple[str, int]

#: Every code a Derivation may carry, and the facts that it has beside those of the whole split.
CODES: Mapping[str, str] = MappingProxyType(
    {
        "locked": "billed and paid: it stays what was billed (billed_minor, paid_minor)",
        "held": "its sent invoice cannot move (billed_minor)",
        "hold": "sent, and the policy is to leave sent invoices alone (billed_minor)",
        "pinned": "a person set it (set_minor)",
        "fixed": "a fixed amount (fixed_minor; extra_minor, cap_minor where they took part)",
        "paid_floor": "pinned below what is paid, which stays (wanted_minor, paid_minor)",
        "share": "its share by weight (shared_minor, weight_sum, weight, unit; extra_minor)",
        "floor": "a share below what is paid, or billed under `supplement` (floor_minor, weight)",
        "cap": "a share above its limit (cap_minor, weight)",
        "extra": "0 %: only what was bound to it (extra_minor)",
        "rest": "it takes what no weight could take (base_minor, rest_minor)",
        "gave_way": "the contract is too small for it (wanted_minor, given_minor)",
    }
)

#: Codes of a Plan that no split has, and their facts.
PLAN_CODES: Mapping[str, str] = MappingProxyType(
    {"forgotten": "its invoice is gone and a person said not to bill it (forgotten_minor)"}
)

#: Facts that every Derivation of one split begins with: rule 1 of the money rules, as it came out.
SPLIT_FACTS = ("total_minor", "locked_minor", "pinned_minor", "extras_minor", "pool_minor")


@dataclass(frozen=True, slots=True, kw_only=True)
class Derivation:
    """How one amount was made."""

    code: str  #: from CODES, in a Plan from PLAN_CODES too
    facts: tuple[Fact, ...]  #: name and value, in the order of the calculation

    def fact(self, name: str) -> int:
        """Return one fact.

        Raises:
            KeyError: this derivation has no such fact.
        """
        return dict(self.facts)[name]

    def as_dict(self) -> dict[str, int]:
        """Return the facts as a dictionary, in order."""
        return dict(self.facts)
