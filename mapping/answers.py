"""QuickBooks' answer to our write -> which of its line ids bills which contract line.

Line ids are QuickBooks' to give, also on an update, so they are read from every answer and stored
with it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from mapping.contracts import Coding, coding_of
from mapping.documents import Invoice, parse_invoice
from mapping.errors import DocumentError
from mapping.lines import Line, money_lines
from mapping.raw import Raw, read_objects, read_text
from milestone_engine.money import minor_units
from milestone_engine.plan import BillMilestone, ReviseInvoice

#: What `invoices.py` puts before a line's own words: "Deposit (1 of 3): ".
_STEP = re.compile(r".{1,200}? \(\d+ of \d+\)(?:: )?")


def line_ids(
    answer: Raw,
    planned: BillMilestone | ReviseInvoice,
    *,
    currency: str,
    known: Mapping[str, str] | None = None,
    current: Raw | None = None,
) -> dict[str, str]:
    """Return QuickBooks' line id -> contract line id for the lines that we just wrote.

    Args:
        answer: the invoice as QuickBooks answered.
        planned: what was sent: one line per contract line with an amount, in order.
        currency: ISO 4217.
        known: line ids recorded before, of a revision.
        current: the invoice as it was before a revision: lines on it that are not in `known` are
            people's.

    Raises:
        DocumentError: `answer_lines` where a line that we sent is not in the answer.
    """
    before = parse_invoice(current).lines if current else ()
    strangers = {line.id for line in money_lines(before)} - set(known or {})
    free = {
        line.id: line
        for line in money_lines(parse_invoice(answer).lines)
        if line.id and line.id not in strangers
    }
    scale = -minor_units(currency)
    wanted = {
        line.line_id: Decimal(line.amount_minor).scaleb(scale)
        for line in planned.lines
        if line.amount_minor
    }
    found = _same_as_known(free, wanted, known or {})
    for line_id, amount in wanted.items():
        if line_id not in found.values():
            found[_next_with(amount, free, found, line_id)] = line_id
    return found


def written_lines(found: Raw, body: Raw) -> dict[str, Raw]:
    """Return QuickBooks' line id -> the line that we sent, whatever people did to it since.

    A new document's lines are numbered in the order in which they were sent. On an update a line
    keeps its id; one that we added is known by its amount.

    Args:
        found: the invoice, read back after our write.
        body: what we had sent.
    """
    sent = list(read_objects(body, "Line"))
    if not read_text(body, "Id"):
        return {str(number): line for number, line in enumerate(sent, start=1)}
    written: dict[str, Raw] = {
        read_text(line, "Id"): line for line in sent if read_text(line, "Id")
    }
    free = [line for line in money_lines(parse_invoice(found).lines) if line.id not in written]
    for line in sent:
        match = next((one for one in free if one.amount == line.get("Amount")), None)
        if not read_text(line, "Id") and match is not None:
            written[match.id] = line
            free.remove(match)
    return written


def _same_as_known(
    free: Mapping[str, Line], wanted: Mapping[str, Decimal], known: Mapping[str, str]
) -> dict[str, str]:
    """Return the lines that kept their id over a revision."""
    return {
        id: line_id
        for id, line_id in known.items()
        if id in free and line_id in wanted and free[id].amount == wanted[line_id]
    }


def _next_with(
    amount: Decimal, free: Mapping[str, Line], found: Mapping[str, str], line_id: str
) -> str:
    """Return the id of the next line with this amount: QuickBooks keeps the order we sent."""
    for id, line in free.items():
        if id not in found and line.amount == amount:
            return id
    raise DocumentError("answer_lines", f"the line for {line_id} of {amount} is not in the answer")


def billed_coding(invoice: Invoice, ids: Mapping[str, str]) -> dict[str, Coding]:
    """Return how an invoice of ours books its contract lines.

    For lines that have left the contract since: what was billed of them is carried as a deduction
    on later invoices, and must be booked where it was (E79).

    Args:
        invoice: as QuickBooks holds it.
        ids: QuickBooks' line id -> contract line id.
    """
    return {
        ids[line.id]: _plain(coding_of(line))
        for line in money_lines(invoice.lines)
        if line.id in ids
    }


def _plain(coding: Coding) -> Coding:
    return replace(coding, description=without_step(coding.description))


def without_step(description: str) -> str:
    """Return a line's own words, without the step that we put before them."""
    found = _STEP.match(description)
    return description[found.end() :] if found else description
