"""The lines of a sales form: items, bundles, texts, the automatic subtotal and the discount."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from sandbox.draft import Draft
from sandbox.errors import Fault, business, missing
from sandbox.rules.references import SHIPPING_ITEM
from sandbox.rules.tax_codes import code_abroad, code_at_home, is_american
from sandbox.values import ZERO, Document, cents, total

ITEM = "SalesItemLineDetail"
GROUP = "GroupLineDetail"
TEXT = "DescriptionOnly"
DISCOUNT = "DiscountLineDetail"
SUBTOTAL = "SubTotalLineDetail"

LINES_MAX = 10_000
TAXED_LINES_MAX = 750


@dataclass(frozen=True, slots=True, kw_only=True)
class Arranged:
    """The lines as they are kept, with what they add up to."""

    lines: list[Document]
    subtotal: Decimal  #: items and bundles, before discount and tax
    discount: Decimal  #: positive, to be subtracted


def arrange(draft: Draft, sent: list[Document], *, old: list[Document]) -> Arranged:
    """Bring sent lines into the order and shape QuickBooks keeps: items, SubTotal, Discount.

    Args:
        sent: what the client sent; SubTotal lines among them are made anew.
        old: the lines before; an Id that is among them stays, others get a new one.

    Raises:
        Fault: 6000, 6070, 6090, 6100 and 2020 for lines that do not add up to a form.
    """
    if len(sent) > LINES_MAX:
        raise business(f"A transaction can have at most {LINES_MAX} lines", element="Line")
    ids = _LineIds(old)
    lines: list[Document] = []
    discounts: list[Document] = []
    for line in sent:
        match line.get("DetailType") or _guessed_type(line):
            case "SalesItemLineDetail":
                lines.append(_item_line(draft, line, ids))
            case "GroupLineDetail":
                lines.append(_group_line(draft, line, ids))
            case "DescriptionOnly":
                lines.append(_text_line(line, ids))
            case "DiscountLineDetail":
                discounts.append(line)
            case "SubTotalLineDetail":
                pass
            case other:
                raise business(f"{other} lines do not belong on this form", element="Line")
    return _closed(lines, discounts, ids)


def item_lines(lines: list[Document]) -> Iterator[Document]:
    """Yield every line that sells something, those inside bundles included."""
    for line in lines:
        if line["DetailType"] == ITEM:
            yield line
        elif line["DetailType"] == GROUP:
            yield from (row for row in line[GROUP].get("Line", ()) if row["DetailType"] == ITEM)


def zeroed(lines: list[Document]) -> list[Document]:
    """Return lines as they stand on a voided form: all there, worth nothing."""
    blank: list[Document] = []
    for line in lines:
        line = {name: value for name, value in line.items() if name != "LinkedTxn"}
        if "Amount" in line:
            line["Amount"] = ZERO
        if line["DetailType"] == ITEM:
            line[ITEM] = {
                **line[ITEM],
                **{name: Decimal(0) for name in ("Qty",) if name in line[ITEM]},
            }
        elif line["DetailType"] == GROUP:
            line[GROUP] = {**line[GROUP], "Line": zeroed(line[GROUP].get("Line", []))}
        blank.append(line)
    return blank


class _LineIds:
    """Hands out line ids: known ones stay, new ones count on from the highest ever used on this
    form.
    """

    def __init__(self, old: list[Document]) -> None:
        known = [
            line["Id"]
            for row in old
            for line in (row, *row.get(GROUP, {}).get("Line", ()))
            if "Id" in line
        ]
        self._free = set(known)
        self._last = max((int(id) for id in known), default=0)
        self._row = 0

    def id_for(self, line: Document) -> str:
        """Return the sent id if it is one of this form's and still free, else a new one."""
        id = line.get("Id")
        if id in self._free:
            self._free.discard(id)
            return str(id)
        self._last += 1
        return str(self._last)

    def row(self) -> int:
        """Return the next line number of the form."""
        self._row += 1
        return self._row


def _guessed_type(line: Document) -> str:
    for kind in (ITEM, GROUP, DISCOUNT, SUBTOTAL):
        if kind in line:
            return kind
    raise missing("DetailType")


def _item_line(draft: Draft, line: Document, ids: _LineIds, *, row: int | None = None) -> Document:
    detail = dict(line.get(ITEM) or {})
    if "ItemRef" not in detail:
        # Without an item a line is documentation: its amount does not count.
        return _text_line(line, ids)
    kept: Document = {"Id": ids.id_for(line), "LineNum": ids.row() if row is None else row}
    if "Description" in line:
        kept["Description"] = line["Description"]
    kept["Amount"] = _amount(line, detail)
    kept["DetailType"] = ITEM
    kept[ITEM] = _sales_detail(draft, detail)
    for name in ("CustomField", "CostAmount", "ProjectRef"):
        if name in line:
            kept[name] = line[name]
    return kept


def _amount(line: Document, detail: Document) -> Decimal:
    """Return the line's amount; it must be quantity times price, where both are given."""
    quantity, price = detail.get("Qty"), detail.get("UnitPrice")
    said = line.get("Amount")
    if said is None and price is None:
        raise missing("Amount")
    # Clients that fill in defaults send zeros for what they do not know.
    if price and (quantity or said is None):
        worked_out = cents(price * (Decimal(1) if quantity is None else quantity))
        if said is None:
            return worked_out
        if cents(said) != worked_out:
            raise Fault(
                "6070",
                "Amount calculation incorrect in the request",
                "Amount calculation incorrect in the request. "
                f"Amount is not equal to UnitPrice * Qty. Supplied value:{said}",
                element="Amount",
            )
    return cents(said or ZERO)


def _sales_detail(draft: Draft, detail: Document) -> Document:
    item = draft.find("Item", detail["ItemRef"]["value"]) or {}
    if item.get("Type") in ("Group", "Category"):
        raise business("A bundle or category cannot stand on an item line", element="ItemRef")
    if "IncomeAccountRef" in item:
        detail["ItemAccountRef"] = dict(item["IncomeAccountRef"])
    wished = detail.get("TaxCodeRef")
    if is_american(draft):
        code = code_at_home(wished, item)
    else:
        code = code_abroad(draft, wished or item.get("SalesTaxCodeRef"))
    if detail["ItemRef"]["value"] == SHIPPING_ITEM:
        detail.pop("Qty", None)
    # What a client's defaults say outside its country means nothing here.
    kept = {name: value for name, value in detail.items() if name != "TaxInclusiveAmt" or value}
    return {**kept, "TaxCodeRef": code}


def _group_line(draft: Draft, line: Document, ids: _LineIds) -> Document:
    detail = line.get(GROUP) or {}
    if "GroupItemRef" not in detail:
        raise missing("GroupItemRef")
    bundle = draft.get("Item", detail["GroupItemRef"]["value"])
    if bundle.get("Type") != "Group":
        raise business(f"{bundle['Name']} is not a bundle", element="GroupItemRef")
    quantity = detail.get("Quantity") or Decimal(1)
    kept: Document = {"Id": ids.id_for(line), "LineNum": ids.row()}
    if line.get("Description") or bundle.get("Description"):
        kept["Description"] = line.get("Description") or bundle["Description"]
    kept["DetailType"] = GROUP
    parts = detail.get("Line") or _parts(draft, bundle, quantity)
    rows = [_item_line(draft, part, ids, row=number) for number, part in enumerate(parts, start=1)]
    kept[GROUP] = {"GroupItemRef": detail["GroupItemRef"], "Quantity": quantity, "Line": rows}
    return kept


def _parts(draft: Draft, bundle: Document, quantity: Decimal) -> list[Document]:
    """Return what a bundle consists of, as lines with the items' own prices."""
    rows: list[Document] = []
    for part in (bundle.get("ItemGroupDetail") or {}).get("ItemGroupLine", ()):
        item = draft.get("Item", part["ItemRef"]["value"])
        detail = {
            "ItemRef": part["ItemRef"],
            "Qty": part.get("Qty", Decimal(1)) * quantity,
            "UnitPrice": item.get("UnitPrice", ZERO),
        }
        if "ClassRef" in item:
            detail["ClassRef"] = item["ClassRef"]
        rows.append({"Description": item.get("Description", item["Name"]), ITEM: detail})
    return rows


def _text_line(line: Document, ids: _LineIds) -> Document:
    kept: Document = {"Id": ids.id_for(line), "LineNum": ids.row(), "DetailType": TEXT}
    if "Description" in line:
        kept["Description"] = line["Description"]
    detail = line.get("DescriptionLineDetail") or line.get("DescriptionOnly") or {}
    kept["DescriptionLineDetail"] = detail
    return kept


def _closed(lines: list[Document], discounts: list[Document], ids: _LineIds) -> Arranged:
    if not any(True for _ in item_lines(lines)) and not any(
        _is_inline_subtotal(line) for line in lines
    ):
        raise business("A form needs at least one line with an item", element="Line")
    if len(discounts) > 1:
        raise business("A form can have one discount line only", element="Line")
    subtotal = total([line["Amount"] for line in item_lines(lines)])
    kept = [*lines, {"Amount": subtotal, "DetailType": SUBTOTAL, SUBTOTAL: {}}]
    discount = ZERO
    for line in discounts:
        made = _discount_line(line, subtotal, ids)
        discount = made["Amount"]
        kept.append(made)
    return Arranged(lines=kept, subtotal=subtotal, discount=discount)


def _is_inline_subtotal(line: Document) -> bool:
    return str(line.get("Description", "")).startswith("Subtotal:")


def _discount_line(line: Document, subtotal: Decimal, ids: _LineIds) -> Document:
    detail = dict(line.get(DISCOUNT) or {})
    percent = detail.get("DiscountPercent") if detail.get("PercentBased") else None
    if percent is None and line.get("Amount") is None:
        raise Fault(
            "6090",
            "Invalid discount line",
            "A discount line needs a percent or an amount",
            element="Line",
        )
    amount = (
        cents(line.get("Amount") or ZERO) if percent is None else cents(subtotal * percent / 100)
    )
    detail["PercentBased"] = percent is not None
    if percent is None:
        detail.pop("DiscountPercent", None)
    kept: Document = {"Id": ids.id_for(line), "LineNum": ids.row()}
    if "Description" in line:
        kept["Description"] = line["Description"]
    return {**kept, "Amount": amount, "DetailType": DISCOUNT, DISCOUNT: detail}
