"""What an invoice of ours must have looked like when we sent it, where nobody remembers.

After a restore an invoice that was made since is known by its mark alone. What counts as last
synced is made up of what stands there and of how the contract codes its lines: what differs from
that is taken for a person's, and stays.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

from mapping.answers import without_step
from mapping.contracts import Coding
from mapping.raw import Raw, read_object, read_objects, read_text
from milestone_engine.money import minor_units

_DETAIL = "SalesItemLineDetail"
#: How the memo of every invoice of ours begins (sync/words/invoices.py).
_OUR_MEMO = re.compile(r"Payment \d+ of \d+ for job ")


def synced_as_sent(
    current: Raw, line_ids: Mapping[str, str], coding: Mapping[str, Coding]
) -> dict[str, object]:
    """Return an invoice as we would have sent it: its money as it stands, coded by the contract.

    Args:
        current: as QuickBooks holds it now.
        line_ids: QuickBooks' line id -> contract line id.
        coding: by contract line id.
    """
    lines = []
    for line in read_objects(current, "Line"):
        code = coding.get(line_ids.get(read_text(line, "Id"), ""))
        lines.append(_as_sent(line, code) if code else dict(line))
    return {**current, "Line": lines}


def _as_sent(line: Raw, code: Coding) -> dict[str, object]:
    refs = {"ItemRef": code.item_id, "ClassRef": code.class_id, "TaxCodeRef": code.tax_code}
    detail = {
        **{key: value for key, value in read_object(line, _DETAIL).items() if key not in refs},
        **{name: {"value": ref_id} for name, ref_id in refs.items() if ref_id},
    }
    words = read_text(line, "Description")
    is_ours = without_step(words) in (code.description, code.item_name)
    return {**line, _DETAIL: detail, "Description": words if is_ours else ""}


def lines_added_by_us(
    current: Raw, known: Mapping[str, str], coding: Mapping[str, Coding]
) -> dict[str, str]:
    """Return the lines that a revision of ours must have added: QuickBooks' line id -> contract
    line. They carry our step ("Deposit (1 of 3): ") and the words of a contract line that the
    invoice did not bill before.
    """
    free = {name: code for name, code in coding.items() if name not in known.values()}
    found: dict[str, str] = {}
    for line in read_objects(current, "Line"):
        line_id, words = read_text(line, "Id"), read_text(line, "Description")
        own = without_step(words)
        if not line_id or line_id in known or own == words:
            continue
        names = [name for name, code in free.items() if own in (code.description, code.item_name)]
        if names:
            found[line_id] = names[0]
            del free[names[0]]
    return found


def with_our_memo(synced: Raw, *, current: Raw) -> dict[str, object]:
    """Return what counts as last synced with the memo that stands there, where it is of our words:
    a revision of ours wrote it.
    """
    kept = dict(synced)
    if _OUR_MEMO.match(read_text(read_object(current, "CustomerMemo"), "value")):
        kept["CustomerMemo"] = current["CustomerMemo"]
    return kept


def synced_as_planned(
    synced: Raw, amounts: Mapping[str, int], line_ids: Mapping[str, str], *, currency: str
) -> dict[str, object]:
    """Return what counts as last synced with the money that we would ask: what stands there is a
    person's then.

    Args:
        synced: as `synced_as_sent()` gave it.
        amounts: contract line id -> minor units, as they are planned.
        line_ids: QuickBooks' line id -> contract line id.
        currency: ISO 4217.
    """
    scale = -minor_units(currency)
    lines = []
    for line in read_objects(synced, "Line"):
        name = line_ids.get(read_text(line, "Id"))
        if name is None:
            lines.append(dict(line))
            continue
        amount = Decimal(amounts.get(name, 0)).scaleb(scale)
        detail = {**read_object(line, _DETAIL), "Qty": 1, "UnitPrice": amount}
        lines.append({**line, "Amount": amount, _DETAIL: detail})
    return {**synced, "Line": lines}
