"""Refusals of the engine: a call that cannot be right raises, with a code, a place and what to do.

EngineError                what every caller may catch; `code`, `message`, `at`
├── MoneyError             text that is no amount of this currency, or no currency at all
├── AllocationError        a total that cannot be split: no weights, a negative one, only zeros
├── ScheduleError          a schedule, a milestone or an event that cannot be
├── PositionError          facts or policy that rebalance() cannot work with
├── LinesError             lines and milestone amounts that do not meet
└── RetainageError         a percent withheld that cannot be

Broken data of the world outside is a `Finding` (finding.py) and stops nothing; these are for input
that has no meaning.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import ClassVar

#: Every code an EngineError may carry, and what a person does about it. Published: codes are added,
#: never renamed.
REMEDIES: Mapping[str, str] = MappingProxyType(
    {
        "cash_step": "Give the smallest coin as an amount above zero, or leave it out.",
        "currency_unknown": "Use the three letters of an active ISO 4217 currency, such as USD.",
        "decimals": "Write no more decimals than the currency has.",
        "duplicate_id": "Give every milestone and every line an id of its own.",
        "lines_sum": "Make the milestone amounts add up to what is left to bill of the lines.",
        "milestone_settled": "Keep a milestone that is billed or paid; change the others.",
        "milestone_unknown": "Name a milestone of this schedule.",
        "mixed_basis": "Share by percent or by parts, not by both; fixed amounts may stand beside.",
        "money_text": 'Write money as text with a point and no separators, such as "12000.00".',
        "negative": "Use an amount of zero or more.",
        "negative_total": "Use a contract total of zero or more; what is taken back ends at zero.",
        "no_milestones": "Give the schedule at least one milestone.",
        "offset": "Use a whole number of days from 0 to 3650.",
        "paid_without_billed": "Give the billed amount that the money was received on.",
        "parts": "Use a whole number of parts, at least 1.",
        "percent_sum": "Make the percents add up to exactly 100.",
        "percent_text": 'Write a percent as text with at most 20 decimals, such as "33.33".',
        "retainage": "Withhold between 0 and 100 percent.",
        "too_large": "Use an amount of at most 15 digits before the point.",
        "weights": "Give at least one weight above zero and none below.",
    }
)


class EngineError(Exception):
    """Input that has no meaning: the message says what, which and how much, the code what to do.

    A message with amounts is given in pieces, `("a contract total of ", -100)`. The engine knows
    minor units and says "-100 units"; who knows the currency writes them as money with `said()`.
    """

    default_code: ClassVar[str] = "weights"

    def __init__(
        self,
        message: str | tuple[str | int, ...],
        *,
        code: str | None = None,
        at: str | None = None,
    ) -> None:
        self._pieces = (message,) if isinstance(message, str) else message
        self.message = self.said(_in_units)
        super().__init__(self.message)
        self.code = code or self.default_code
        self.at = at  #: the place in the input: `milestones[2].basis`; None where there is only one

    @property
    def remedy(self) -> str:
        """What a person does about it."""
        return REMEDIES[self.code]

    def said(self, money: Callable[[int], str]) -> str:
        """Return the message with its amounts written as the caller writes money."""
        return "".join(one if isinstance(one, str) else money(one) for one in self._pieces)


def _in_units(amount_minor: int) -> str:
    return f"{amount_minor} unit" if abs(amount_minor) == 1 else f"{amount_minor} units"


class MoneyError(EngineError):
    """Text that is no amount of its currency, or a currency that does not exist."""

    default_code = "money_text"


class AllocationError(EngineError):
    """A total that cannot be split by the weights given."""

    default_code = "weights"


class ScheduleError(EngineError):
    """A schedule, milestone, trigger or event that cannot be."""

    default_code = "no_milestones"


class PositionError(EngineError):
    """Facts, total or policy that `rebalance()` cannot work with."""

    default_code = "negative"


class LinesError(EngineError):
    """Contract lines and milestone amounts that do not meet."""

    default_code = "lines_sum"


class RetainageError(EngineError):
    """A percent withheld that is outside 0 to 100."""

    default_code = "retainage"
