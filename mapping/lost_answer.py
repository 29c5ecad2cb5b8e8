"""The invoice that an unanswered call may have made, among those that were made since.

Our mark tells it. Where a person rewrote the note, the mark is gone: then the number and the money
tell, or, where QuickBooks numbers by itself, the money and our words. What is only like it is not
ours for sure, and no second one is made beside it either: that is for a person to say.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from mapping.answers import line_ids
from mapping.documents import parse_invoice
from mapping.errors import DocumentError
from mapping.lines import money_lines
from mapping.numbers import find_marker
from mapping.raw import Raw, read_objects, read_text
from milestone_engine.plan import BillMilestone


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """Invoices without a mark that may be the one."""

    sure: tuple[Raw, ...]  #: our number and our money, or our money and our words
    perhaps: tuple[Raw, ...]  #: one of these alone


def marked(made: Iterable[Raw], *, marker: str) -> Raw | None:
    """Return the invoice that carries our mark, behind "Voided" too."""
    wanted = find_marker(marker)
    return next((one for one in made if find_marker(read_text(one, "PrivateNote")) == wanted), None)


def alike(
    made: Iterable[Raw],
    *,
    body: Raw,
    planned: BillMilestone,
    currency: str,
    known: Collection[str],
) -> Alike:
    """Return the invoices that may be what our call made, though they carry no mark.

    Args:
        made: the customer's, made since the call.
        body: what we had sent.
        planned: what it was made from.
        currency: ISO 4217.
        known: ids of invoices that belong to a job already.
    """
    sure: list[Raw] = []
    perhaps: list[Raw] = []
    number = read_text(body, "DocNumber").strip().casefold()
    for one in made:
        if read_text(one, "Id") in known or find_marker(read_text(one, "PrivateNote")):
            continue
        is_numbered = number != "" and read_text(one, "DocNumber").strip().casefold() == number
        is_money = _is_money(one, planned, currency=currency)
        words, ours = _words(one), _words(body)
        if is_money and (is_numbered if number else words == ours):
            sure.append(one)
        elif is_numbered or is_money or words & ours:
            perhaps.append(one)
    return Alike(sure=tuple(sure), perhaps=tuple(perhaps))


def _is_money(one: Raw, planned: BillMilestone, *, currency: str) -> bool:
    """Tell whether an invoice bills our lines, and nothing beside them."""
    try:
        found = line_ids(one, planned, currency=currency)
        lines: Sequence[str] = [line.id for line in money_lines(parse_invoice(one).lines)]
    except DocumentError:
        return False
    return sorted(found) == sorted(lines)


def _words(raw: Raw) -> frozenset[str]:
    """Return what stands on the lines: ours name payment and job step, people's do not."""
    words = (read_text(line, "Description").strip() for line in read_objects(raw, "Line"))
    return frozenset(one for one in words if one)
