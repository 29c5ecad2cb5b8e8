"""Which lines of an invoice are ours, whatever people did to it since.

When we make an invoice we record which of QuickBooks' line ids bills which contract line. People
move, re-type and add lines, and QuickBooks then gives new ids: a line that lost its id is known
again by its item, its words and its money.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from mapping.documents import Invoice
from mapping.lines import Line, money_lines


def our_lines(
    invoice: Invoice, *, line_ids: Mapping[str, str], synced: Invoice | None
) -> dict[str, str]:
    """Return which lines of the invoice bill which contract lines.

    Args:
        invoice: as QuickBooks holds it now.
        line_ids: QuickBooks' line id -> contract line id, as recorded at our last write.
        synced: the invoice as it was answered to our last write.

    Returns:
        QuickBooks' line id now -> contract line id. A line of ours that is gone is not in it.
    """
    standing = {line.id: line for line in money_lines(invoice.lines) if line.id}
    found = {line_id: contract for line_id, contract in line_ids.items() if line_id in standing}
    before = {line.id: line for line in money_lines(synced.lines)} if synced else {}
    strangers = [line for line in standing.values() if line.id not in before]
    for line_id, contract in line_ids.items():
        old = before.get(line_id)
        if line_id in found or old is None:
            continue
        match = next((line for line in strangers if _looks_like(line) == _looks_like(old)), None)
        if match is not None:
            found[match.id] = contract
            strangers.remove(match)
    return found


def _looks_like(line: Line) -> tuple[str, str, Decimal | None]:
    return (line.item.id if line.item else "", line.description.strip(), line.amount)
