"""A planned invoice -> the request body that makes or revises it; QuickBooks' answer -> its lines.

Money belongs to us, coding belongs to people: a revision sets the amounts of our lines and leaves
alone what somebody changed on them since our last write (item, class, tax code, words), every line
that somebody added, and a due date or memo that somebody wrote.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from mapping.answers import billed_coding, line_ids
from mapping.contracts import Coding
from mapping.documents import Estimate, parse_invoice
from mapping.edits import HumanEdits, human_edits, is_line_edited
from mapping.errors import BodyError
from mapping.lines import SHIPPING_ITEM_ID
from mapping.numbers import LONGEST_NUMBER, Marker, doc_number, find_marker, marker
from mapping.ours import our_lines
from mapping.raw import Raw, read_object, read_objects, read_ref, read_text
from milestone_engine.money import minor_units
from milestone_engine.plan import BillMilestone, ReviseInvoice

__all__ = [
    "HumanEdits",
    "Marker",
    "billed_coding",
    "create_body",
    "doc_number",
    "find_marker",
    "human_edits",
    "line_ids",
    "marker",
    "update_body",
]

#: QuickBooks' limits, in characters.
LONGEST_MEMO, LONGEST_DESCRIPTION = 1000, 4000

_DETAIL = "SalesItemLineDetail"
#: Taken from the estimate as they stand, where it has them.
_COPIED = ("CustomerRef", "ProjectRef", "CurrencyRef", "ClassRef", "DepartmentRef")


def create_body(
    planned: BillMilestone,
    *,
    estimate: Estimate,
    coding: Mapping[str, Coding],
    currency: str,
    marker: str,
    memo: str,
    number: str | None,
) -> dict[str, object]:
    """Return the body that makes a milestone's invoice.

    Args:
        planned: what the engine decided.
        estimate: the Job's main one: customer, project, address and mail come from it.
        coding: by contract line id; every line that is billed needs one.
        currency: ISO 4217, of the contract.
        marker: `marker()` of this invoice; the private note.
        memo: what the customer reads; cut at 1,000 characters.
        number: None where QuickBooks numbers by itself.

    Raises:
        BodyError: the facts do not fit together (`amount`, `lines_sum`, `coding_missing`, ...).
    """
    _check_planned(planned)
    if estimate.customer is None:
        raise BodyError("customer_missing", f"estimate {estimate.id} has no customer")
    if number and len(number) > LONGEST_NUMBER:
        raise BodyError("number_length", f"{number} is longer than {LONGEST_NUMBER} characters")
    body: dict[str, object] = {
        **_from_estimate(estimate),
        "TxnDate": planned.issue_on.isoformat(),
        "DueDate": planned.due_on.isoformat(),
        "EmailStatus": "NotSet",
        "PrivateNote": marker,
        "CustomerMemo": {"value": _cut(memo, LONGEST_MEMO)},
        "Line": [
            _new_line(planned, coding, line_id, amount_minor, currency=currency)
            for line_id, amount_minor in _cells(planned).items()
        ],
    }
    if number:
        body["DocNumber"] = number
    return body


def _check_planned(planned: BillMilestone | ReviseInvoice) -> None:
    """Refuse what must never reach QuickBooks: nothing of zero or less, no cent beside a line."""
    if planned.amount_minor <= 0:
        raise BodyError("amount", f"{planned.doc_number} would ask for {planned.amount_minor}")
    total_minor = sum(line.amount_minor for line in planned.lines)
    if total_minor != planned.amount_minor:
        raise BodyError(
            "lines_sum",
            f"the lines of {planned.doc_number} make {total_minor}, not {planned.amount_minor}",
        )


def _from_estimate(estimate: Estimate) -> dict[str, object]:
    """Return what the invoice takes over from the estimate."""
    raw = estimate.raw
    body: dict[str, object] = {}
    for name in _COPIED:
        ref_id = _ref_id(raw, name)
        if ref_id:
            body[name] = {"value": ref_id}
    for name in ("BillEmail", "BillEmailCc"):
        address = read_text(read_object(raw, name), "Address").strip()
        if address:
            body[name] = {"Address": address}
    address_lines = read_object(raw, "ShipAddr")
    if address_lines:
        body["ShipAddr"] = {key: value for key, value in address_lines.items() if key != "Id"}
    taxed_as = read_text(raw, "GlobalTaxCalculation")
    if taxed_as:
        # Our amounts are before tax, also where the estimate's were typed in with it.
        body["GlobalTaxCalculation"] = "TaxExcluded" if taxed_as == "TaxInclusive" else taxed_as
    return body


def _cells(planned: BillMilestone | ReviseInvoice) -> dict[str, int]:
    """Return contract line id -> amount, in order, without zeros."""
    cells = {line.line_id: line.amount_minor for line in planned.lines if line.amount_minor}
    if len(cells) != sum(1 for line in planned.lines if line.amount_minor):
        raise BodyError("line_id_twice", f"{planned.doc_number} bills a contract line twice")
    return cells


def _new_line(
    planned: BillMilestone | ReviseInvoice,
    coding: Mapping[str, Coding],
    line_id: str,
    amount_minor: int,
    *,
    currency: str,
) -> dict[str, object]:
    """Return a line that bills a part of a contract line, coded as the estimate codes it."""
    code = _coding_for(coding, line_id)
    refs = {"ItemRef": code.item_id, "ClassRef": code.class_id, "TaxCodeRef": code.tax_code}
    detail: dict[str, object] = {name: {"value": ref} for name, ref in refs.items() if ref}
    amount = _amount(amount_minor, currency=currency)
    return {
        "DetailType": _DETAIL,
        "Amount": amount,
        "Description": _description(planned, code),
        _DETAIL: {**detail, **_priced(amount, item_id=code.item_id)},
    }


def _coding_for(coding: Mapping[str, Coding], line_id: str) -> Coding:
    code = coding.get(line_id)
    if code is None or not code.item_id:
        raise BodyError("coding_missing", f"nobody knows how to book contract line {line_id}")
    return code


def _amount(amount_minor: int, *, currency: str) -> Decimal:
    """Return minor units as the number that QuickBooks takes, with all decimals of the currency."""
    return Decimal(amount_minor).scaleb(-minor_units(currency))


def _priced(amount: Decimal, *, item_id: str) -> dict[str, object]:
    """Return quantity and price; Amount must be their product. Shipping has neither."""
    return {} if item_id == SHIPPING_ITEM_ID else {"Qty": 1, "UnitPrice": amount}


def _description(planned: BillMilestone | ReviseInvoice, code: Coding) -> str:
    """Return the line's words: "Deposit (1 of 3): Cabinets, supplied"."""
    step = f"{planned.label} ({planned.number} of {planned.of_count})"
    words = code.description or code.item_name
    return _cut(f"{step}: {words}" if words else step, LONGEST_DESCRIPTION)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def update_body(
    planned: ReviseInvoice,
    *,
    current: Raw,
    synced: Raw,
    coding: Mapping[str, Coding],
    line_ids: Mapping[str, str],
    currency: str,
    memo: str,
) -> dict[str, object]:
    """Return the sparse body that brings an invoice to its new amount, and nothing else.

    Args:
        planned: what the engine decided, having seen `current`.
        current: the invoice as QuickBooks holds it now; its SyncToken guards against later edits.
        synced: the invoice as answered to our last write; what differs from it is people's.
        coding: by contract line id.
        line_ids: QuickBooks' line id -> contract line id, as recorded at our last write.
        currency: ISO 4217.
        memo: what the customer reads; left out where a person wrote another one.

    Raises:
        BodyError: `money_edited` where a person changed the money of our lines (theirs now), and
            as in `create_body()`.
    """
    _check_planned(planned)
    edits = human_edits(current, synced, line_ids=line_ids)
    if edits.money:
        raise BodyError("money_edited", f"a person changed the money of {planned.doc_number}")
    body: dict[str, object] = {
        "Id": read_text(current, "Id"),
        "SyncToken": read_text(current, "SyncToken"),
        "sparse": True,
        "Line": _revised_lines(planned, current, synced, coding, line_ids, currency=currency),
    }
    customer_id = _ref_id(current, "CustomerRef")
    if customer_id:
        body["CustomerRef"] = {"value": customer_id}
    if "due_on" not in edits.fields:
        body["DueDate"] = planned.due_on.isoformat()
    if "memo" not in edits.fields:
        body["CustomerMemo"] = {"value": _cut(memo, LONGEST_MEMO)}
    return body


def _revised_lines(
    planned: ReviseInvoice,
    current: Raw,
    synced: Raw,
    coding: Mapping[str, Coding],
    line_ids: Mapping[str, str],
    *,
    currency: str,
) -> list[dict[str, object]]:
    """Return the whole new line set: ours with new money, people's as they are, in their order."""
    ours = our_lines(parse_invoice(current), line_ids=line_ids, synced=parse_invoice(synced))
    before = _before(synced, line_ids)
    cells = _cells(planned)
    rows: list[dict[str, object]] = []
    for line in read_objects(current, "Line"):
        line_id = ours.get(read_text(line, "Id"))
        if line_id is None:
            # QuickBooks writes its subtotal itself.
            if read_text(line, "DetailType") != "SubTotalLineDetail":
                rows.append(dict(line))
        elif line_id in cells:
            amount = _amount(cells.pop(line_id), currency=currency)
            code = coding.get(line_id)
            words = _description(planned, code) if code else ""
            rows.append(_revised_line(line, before.get(line_id, {}), amount, code, words))
        elif line_id in before and is_line_edited(line, before[line_id]):
            # It bills nothing any more; what a person wrote on it stays.
            rows.append(_emptied_line(line))
    added = (
        _new_line(planned, coding, line_id, amount_minor, currency=currency)
        for line_id, amount_minor in cells.items()
    )
    return [*rows, *added]


def _before(synced: Raw, line_ids: Mapping[str, str]) -> dict[str, Raw]:
    """Return our lines as they were answered to our last write, by contract line id."""
    found = ((line_ids.get(read_text(line, "Id")), line) for line in read_objects(synced, "Line"))
    return {line_id: line for line_id, line in found if line_id}


def _revised_line(
    line: Raw, before: Raw, amount: Decimal, code: Coding | None, words: str
) -> dict[str, object]:
    """Return a line of ours with new money; coding that a person changed stays."""
    detail, detail_before = read_object(line, _DETAIL), read_object(before, _DETAIL)
    wanted = _wanted_refs(code)
    kept = {key: value for key, value in detail.items() if key != "TaxInclusiveAmt"}
    for name, ref_id in wanted.items():
        if ref_id and _ref_id(detail, name) == _ref_id(detail_before, name):
            kept[name] = {"value": ref_id}
    kept.update(_priced(amount, item_id=_ref_id(kept, "ItemRef")))
    revised = {**line, "Amount": amount, _DETAIL: kept}
    if words and read_text(line, "Description") == read_text(before, "Description"):
        revised["Description"] = words
    return revised


def _emptied_line(line: Raw) -> dict[str, object]:
    detail = read_object(line, _DETAIL)
    kept = {key: value for key, value in detail.items() if key != "TaxInclusiveAmt"}
    nothing = _priced(Decimal(0), item_id=_ref_id(detail, "ItemRef"))
    return {**line, "Amount": Decimal(0), _DETAIL: {**kept, **nothing}}


def _ref_id(raw: Raw, name: str) -> str:
    found = read_ref(raw, name)
    return found.id if found else ""


def _wanted_refs(code: Coding | None) -> dict[str, str]:
    if code is None:
        return {}
    return {"ItemRef": code.item_id, "ClassRef": code.class_id, "TaxCodeRef": code.tax_code}
