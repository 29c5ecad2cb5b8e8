"""An invoice now against the same invoice as last synced -> what people changed on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mapping.documents import Invoice, parse_invoice
from mapping.lines import Line, LineKind, money_lines, walk
from mapping.ours import our_lines
from mapping.raw import Raw, read_object, read_objects, read_ref, read_text

#: Our word for a field of the document -> the field. All of it is coding: it belongs to people.
_REFS = {"terms": "SalesTermRef", "class": "ClassRef", "location": "DepartmentRef"}
_TEXTS = {"number": "DocNumber", "issued_on": "TxnDate", "due_on": "DueDate", "note": "PrivateNote"}


@dataclass(frozen=True, slots=True, kw_only=True)
class HumanEdits:
    """What a person changed since our last write."""

    money: bool  #: the money of our lines: the invoice's amount is theirs now
    fields: tuple[str, ...]  #: in our words, sorted: `due_on`, `lines.class`, `lines.added`, ...


def human_edits(
    current: Raw, synced: Raw, *, line_ids: Mapping[str, str] | None = None
) -> HumanEdits:
    """Return what people changed on an invoice since our last write.

    Args:
        current: as QuickBooks holds it now.
        synced: as answered to our last write.
        line_ids: QuickBooks' line id -> contract line id, of our lines; None: all lines of
            `synced` are ours.

    Returns:
        Money is edited where an amount of our lines moved, where one is gone, where a discount came
        in, and where the invoice was voided or deleted. Lines added beside ours are no money edit.
        What is a money edit here makes `ProgressInvoice.held_by` EDITED.
    """
    now, then = parse_invoice(current), parse_invoice(synced)
    if now.is_deleted or now.is_voided:
        return HumanEdits(money=True, fields=("deleted" if now.is_deleted else "voided",))
    if line_ids is None:
        line_ids = {line.id: line.id for line in money_lines(then.lines) if line.id}
    fields = _form_edits(current, synced) | _line_edits(now, then, line_ids)
    is_money = bool(fields & {"lines.amount", "lines.removed", "discount"})
    return HumanEdits(money=is_money, fields=tuple(sorted(fields)))


def _form_edits(current: Raw, synced: Raw) -> set[str]:
    found = {
        word
        for word, name in _TEXTS.items()
        if read_text(current, name).strip() != read_text(synced, name).strip()
    }
    found |= {word for word, name in _REFS.items() if _ref(current, name) != _ref(synced, name)}
    if _memo(current) != _memo(synced):
        found.add("memo")
    return found


def _ref(raw: Raw, name: str) -> str:
    found = read_ref(raw, name)
    return found.id if found else ""


def _memo(raw: Raw) -> str:
    return read_text(read_object(raw, "CustomerMemo"), "value").strip()


def _line_edits(now: Invoice, then: Invoice, line_ids: Mapping[str, str]) -> set[str]:
    """Return what changed on our lines, and whether others came, went or changed."""
    ours = our_lines(now, line_ids=line_ids, synced=then)
    by_contract = {line_ids[line.id]: line for line in walk(then.lines) if line.id in line_ids}
    found: set[str] = set()
    for line in walk(now.lines):
        if line.id in ours and ours[line.id] in by_contract:
            found |= _differences(line, by_contract.pop(ours[line.id]))
    if any(line.amount for line in by_contract.values()):
        found.add("lines.removed")
    if _discounts(now) != _discounts(then):
        found.add("discount")
    beside_now, beside_then = _beside(now, ours), _beside(then, line_ids)
    if beside_now != beside_then:
        found.add("lines.added" if len(beside_now) > len(beside_then) else "lines.beside")
    return found


def _differences(line: Line, before: Line) -> set[str]:
    pairs = {
        "lines.amount": (line.amount or 0, before.amount or 0),
        "lines.description": (line.description.strip(), before.description.strip()),
        "lines.item": (line.item, before.item),
        "lines.class": (line.class_ref, before.class_ref),
        "lines.tax_code": (line.tax_code, before.tax_code),
        "lines.service_date": (line.service_on, before.service_on),
    }
    return {word for word, (now, then) in pairs.items() if _key(now) != _key(then)}


def _key(value: object) -> object:
    """Return what tells two values apart: of a reference only the id, names are QuickBooks' own."""
    return getattr(value, "id", value)


def _discounts(invoice: Invoice) -> list[object]:
    lines = walk(invoice.lines)
    return [line.amount for line in lines if line.kind is LineKind.DISCOUNT and line.amount]


def _beside(invoice: Invoice, ours: Mapping[str, str]) -> list[object]:
    """Return the lines that are not ours, without QuickBooks' subtotal."""
    quiet = (LineKind.SUBTOTAL, LineKind.DISCOUNT)
    return [
        (line.description.strip(), line.amount, _key(line.item))
        for line in walk(invoice.lines)
        if line.id not in ours and line.kind not in quiet
    ]


def synced_after(
    answer: Raw,
    *,
    current: Raw,
    synced: Raw,
    known: Mapping[str, str],
    written: Mapping[str, str],
) -> dict[str, object]:
    """Return what counts as last synced after a revision: the answer, with people's edits left out.

    The answer to our own write holds what people had changed before it. Were that taken for ours,
    their next edit would look like none, and the revision after it would overwrite them.

    Args:
        answer: QuickBooks' answer to the revision.
        current: the invoice as it was before the revision.
        synced: what counted as last synced until then.
        known: line id -> contract line id, as recorded before the revision.
        written: the same, for the answer.
    """
    kept: dict[str, object] = dict(answer)
    for name in (*_TEXTS.values(), *_REFS.values(), "CustomerMemo"):
        if _differs(current, synced, name):
            _take_over(kept, synced, name)
    before = {
        known[str(one.get("Id"))]: one for one in _rows(synced) if str(one.get("Id")) in known
    }
    ours = our_lines(parse_invoice(current), line_ids=known, synced=parse_invoice(synced))
    now = {ours[str(one.get("Id"))]: one for one in _rows(current) if str(one.get("Id")) in ours}
    kept["Line"] = [
        _line_without_edits(line, now.get(contract), before.get(contract))
        for line in _rows(answer)
        for contract in [written.get(str(line.get("Id")), "")]
    ]
    return kept


def as_written(found: Raw, body: Raw, *, written: Mapping[str, Raw]) -> dict[str, object]:
    """Return an invoice as it was answered to our write, though it was read only later.

    Where an answer is lost, what is read back may hold what people changed since. Were that taken
    for ours, the next revision would overwrite them.

    Args:
        found: the invoice as it was read back.
        body: what we had sent.
        written: QuickBooks' line id -> the line that we had sent.
    """
    kept: dict[str, object] = dict(found)
    for name in (*_TEXTS.values(), *_REFS.values(), "CustomerMemo"):
        if name in body and _differs(found, body, name):
            kept[name] = body[name]
    standing = {read_text(line, "Id"): line for line in _rows(found)}
    kept["Line"] = [
        {**standing.get(id, {}), **line, "Id": id, _DETAIL: _detail_as_written(standing, id, line)}
        for id, line in written.items()
    ]
    return kept


def is_first_answer(found: Raw, body: Raw) -> bool:
    """Tell whether nobody has saved an invoice since our write: QuickBooks counts the saves."""
    before = read_text(body, "SyncToken")
    return read_text(found, "SyncToken") == (str(int(before) + 1) if before else "0")


def _detail_as_written(standing: Mapping[str, Raw], id: str, line: Raw) -> dict[str, object]:
    return {**read_object(standing.get(id, {}), _DETAIL), **read_object(line, _DETAIL)}


_DETAIL = "SalesItemLineDetail"
_CODING = ("ItemRef", "ClassRef", "TaxCodeRef", "ServiceDate")


def is_line_edited(now: Raw, before: Raw) -> bool:
    """Tell whether a person changed words or coding of a line since our last write."""
    if _differs(now, before, "Description"):
        return True
    details = read_object(now, _DETAIL), read_object(before, _DETAIL)
    return any(_differs(*details, name) for name in _CODING)


def _line_without_edits(line: Raw, now: Raw | None, before: Raw | None) -> dict[str, object]:
    kept: dict[str, object] = dict(line)
    if now is None or before is None:
        return kept
    if _differs(now, before, "Description"):
        _take_over(kept, before, "Description")
    detail: dict[str, object] = dict(read_object(line, _DETAIL))
    for name in _CODING:
        if _differs(read_object(now, _DETAIL), read_object(before, _DETAIL), name):
            _take_over(detail, read_object(before, _DETAIL), name)
    kept[_DETAIL] = detail
    return kept


def _rows(raw: Raw) -> Sequence[Raw]:
    return list(read_objects(raw, "Line"))


def _differs(now: Raw, then: Raw, name: str) -> bool:
    """Whether a field says something else; of a reference only the id counts."""
    if name.endswith("Ref"):
        return _ref(now, name) != _ref(then, name)
    if name == "CustomerMemo":
        return _memo(now) != _memo(then)
    return read_text(now, name).strip() != read_text(then, name).strip()


def _take_over(kept: dict[str, object], source: Raw, name: str) -> None:
    if name in source:
        kept[name] = source[name]
    else:
        kept.pop(name, None)
