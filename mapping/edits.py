"""An invoice now against the same invoice as last synced -> what people changed on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from mapping.documents import Invoice, parse_invoice
from mapping.lines import Line, LineKind, money_lines, net_amounts, walk
from mapping.numbers import find_marker
from mapping.ours import our_lines
from mapping.raw import Raw, Ref, read_number, read_object, read_objects, read_ref, read_text
from milestone_engine.money import format_money

#: Our word for a field of the document -> the field. All of it is coding: it belongs to people.
_REFS = {"terms": "SalesTermRef", "class": "ClassRef", "location": "DepartmentRef"}
_TEXTS = {"number": "DocNumber", "issued_on": "TxnDate", "due_on": "DueDate", "note": "PrivateNote"}


#: What makes a person's edit one of money: the invoice is theirs then, and stays as they made it.
MONEY_FIELDS = frozenset(
    {"lines.amount", "lines.quantity", "lines.removed", "discount", "tax", "deleted", "voided"}
)

#: Whose an invoice is. We never send another one; a person's choice stays, and is told.
_IDENTITY = ("CustomerRef", "ProjectRef")


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """A field of money or identity that says another thing than what we wrote."""

    field: str  #: in our words: `money`, `number`, `customer`, `marker`
    ours: str
    theirs: str


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
        Money is edited where an amount, quantity or price of our lines moved, where one is gone,
        where a discount came in or QuickBooks' tax was overridden, and where the invoice was voided
        or deleted. Lines added beside ours are no money edit.
        What is a money edit here makes `ProgressInvoice.held_by` EDITED.
    """
    now, then = parse_invoice(current), parse_invoice(synced)
    if now.is_deleted or now.is_voided:
        return HumanEdits(money=True, fields=("deleted" if now.is_deleted else "voided",))
    if line_ids is None:
        line_ids = {line.id: line.id for line in money_lines(then.lines) if line.id}
    fields = _form_edits(current, synced) | _line_edits(now, then, line_ids)
    counts, before = (
        _quantities(raw, one, then, line_ids) for raw, one in ((current, now), (synced, then))
    )
    if any(counts[name] != before[name] for name in counts.keys() & before.keys()):
        fields.add("lines.quantity")
    if (now.tax or 0) != (then.tax or 0) and not any(map(_moves_tax, fields)):
        fields.add("tax")
    return HumanEdits(money=bool(fields & MONEY_FIELDS), fields=tuple(sorted(fields)))


def _moves_tax(field: str) -> bool:
    """Whether an edit of this field makes QuickBooks reckon the tax anew."""
    return field in (
        *("lines.amount", "lines.quantity", "lines.removed", "lines.added", "lines.beside"),
        *("lines.tax_code", "lines.item", "discount", "ship_to", "issued_on", "customer"),
    )


def _quantities(
    raw: Raw, invoice: Invoice, synced: Invoice, line_ids: Mapping[str, str]
) -> dict[str, tuple[Decimal | None, Decimal | None]]:
    """Return quantity and price of our lines, by contract line."""
    ours = our_lines(invoice, line_ids=line_ids, synced=synced)
    found = {}
    for line in read_objects(raw, "Line"):
        contract = ours.get(read_text(line, "Id"))
        detail = read_object(line, _DETAIL)
        if contract is not None and read_number(line, "Amount"):
            found[contract] = (read_number(detail, "Qty"), read_number(detail, "UnitPrice"))
    return found


def conflicts(
    current: Raw, synced: Raw, *, line_ids: Mapping[str, str], currency: str
) -> tuple[Conflict, ...]:
    """Return what people changed of an invoice's money and identity, with both values.

    Coding (class, terms, words, dates) is people's and no conflict. What is voided or deleted has
    findings of its own.

    Args:
        current: as QuickBooks holds it now.
        synced: as answered to our last write.
        line_ids: QuickBooks' line id -> contract line id.
        currency: ISO 4217.
    """
    now, then = parse_invoice(current), parse_invoice(synced)
    if now.is_deleted or now.is_voided:
        return ()
    pairs = {
        "number": (then.doc_number, now.doc_number),
        "customer": _customers(then, now),
        "project": (then.project_id, now.project_id),
        "marker": (_marker(then), _marker(now)),
    }
    found = [
        Conflict(field=field, ours=ours or "nothing", theirs=theirs or "nothing")
        for field, (ours, theirs) in pairs.items()
        if ours != theirs
    ]
    if human_edits(current, synced, line_ids=line_ids).money:
        ours, theirs = (
            _money(raw, one, then, line_ids, currency=currency)
            for raw, one in ((synced, then), (current, now))
        )
        found.append(Conflict(field="money", ours=ours, theirs=theirs))
    return tuple(found)


def _customers(then: Invoice, now: Invoice) -> tuple[str, str]:
    """Return both customers by name; nothing where only the name is another."""
    before, after = then.customer, now.customer
    if (before and before.id) == (after and after.id):
        return "", ""
    return _named(before), _named(after)


def _named(customer: Ref | None) -> str:
    return (customer.name or customer.id) if customer else ""


def _marker(invoice: Invoice) -> str:
    found = find_marker(invoice.private_note)
    return f"ms:{found.job_id}.{found.milestone_id}.{found.ordinal}" if found else ""


def _money(
    raw: Raw, invoice: Invoice, synced: Invoice, line_ids: Mapping[str, str], *, currency: str
) -> str:
    """Say what our lines come to, each with its quantity where that is not one, and the tax."""
    ours = our_lines(invoice, line_ids=line_ids, synced=synced)
    amounts = net_amounts(invoice.lines, currency=currency)
    total = sum(amount for line, amount in amounts if line.id in ours)
    said = [format_money(total, currency=currency)]
    many = _quantities(raw, invoice, synced, line_ids).values()
    said += [f"{count} x {price}" for count, price in many if count not in (None, 1)]
    said += [f"tax {invoice.tax}"] if invoice.tax else []
    return ", ".join(said)


def _form_edits(current: Raw, synced: Raw) -> set[str]:
    found = {
        word
        for word, name in _TEXTS.items()
        if read_text(current, name).strip() != read_text(synced, name).strip()
    }
    found |= {word for word, name in _REFS.items() if _ref(current, name) != _ref(synced, name)}
    if _memo(current) != _memo(synced):
        found.add("memo")
    if _ref(current, "CustomerRef") != _ref(synced, "CustomerRef"):
        found.add("customer")
    if _place(current) != _place(synced):
        found.add("ship_to")
    return found


def _place(raw: Raw) -> dict[str, object]:
    """Return where the work is: QuickBooks gives the address a new id with every save."""
    return {key: value for key, value in read_object(raw, "ShipAddr").items() if key != "Id"}


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
    for name in (*_TEXTS.values(), *_REFS.values(), "CustomerMemo", *_IDENTITY):
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
