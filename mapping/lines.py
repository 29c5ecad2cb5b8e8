"""The lines of a sales document: read, walked, and turned into net money.

Money stands on sales lines and on the children of bundles. Subtotals repeat it, texts carry none,
and a discount is subtracted from the lines it covers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum

from mapping.errors import DocumentError
from mapping.raw import (
    Raw,
    Ref,
    place,
    read_date,
    read_flag,
    read_number,
    read_object,
    read_objects,
    read_ref,
    read_text,
)
from milestone_engine.money import allocate, minor_units

#: The pseudo item of QuickBooks' shipping line; a document's discount does not cover it.
SHIPPING_ITEM_ID = "SHIPPING_ITEM_ID"
#: QuickBooks allows no bundle inside a bundle; anything deeper than this is not a document.
DEEPEST_LINE = 8
#: QuickBooks' pseudo code for an untaxed line (US); a line without any code carries no tax either.
UNTAXED_CODE = "NON"


class LineKind(Enum):
    """What a line of a sales document is, by its DetailType."""

    SALES = "SalesItemLineDetail"  #: an item sold: money
    GROUP = "GroupLineDetail"  #: a bundle: its money is on its children
    DISCOUNT = "DiscountLineDetail"  #: subtracted from the document
    SUBTOTAL = "SubTotalLineDetail"  #: repeats money that stands above it
    TEXT = "DescriptionOnly"  #: words, whatever its Amount says
    OTHER = ""  #: a kind we do not know


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line as QuickBooks holds it. Amounts stay Decimal until the currency is known."""

    id: str  #: "" where QuickBooks gives none (the subtotal)
    at: str  #: its place in the document: `Line[2]`, `Line[3].GroupLineDetail.Line[0]`
    kind: LineKind
    amount: Decimal | None
    description: str = ""
    item: Ref | None = None
    class_ref: Ref | None = None
    tax_code: Ref | None = None
    account: Ref | None = None
    service_on: date | None = None
    gross_amount: Decimal | None = None  #: with tax, where the document's amounts include it
    percent: Decimal | None = None  #: of a percent discount
    children: tuple[Line, ...] = ()

    @property
    def is_money(self) -> bool:
        """Whether its amount is part of the total: a sales line without an item is only words.

        Source: QuickBooks' reference of the Invoice line, `ItemRef`.
        """
        return self.kind is LineKind.SALES and self.item is not None

    @property
    def is_taxed(self) -> bool:
        """Whether the line says that tax is due on it."""
        return self.tax_code is not None and self.tax_code.id.upper() != UNTAXED_CODE


def parse_lines(raw: Raw, *, at: str = "", depth: int = 0) -> tuple[Line, ...]:
    """Read the `Line` array of a document or of a bundle."""
    where = place(at, "Line")
    if depth > DEEPEST_LINE:
        raise DocumentError("lines_too_deep", f"bundles nested deeper than {DEEPEST_LINE}", at=at)
    return tuple(
        _parse_line(line, at=f"{where}[{index}]", depth=depth)
        for index, line in enumerate(read_objects(raw, "Line", at=at))
    )


def _parse_line(raw: Raw, *, at: str, depth: int) -> Line:
    kind = _kind_of(raw, at=at)
    key = "DescriptionLineDetail" if kind is LineKind.TEXT else kind.value
    inside = place(at, key)
    detail = read_object(raw, key, at=at) if key else {}
    has_children = kind is LineKind.GROUP
    return Line(
        id=read_text(raw, "Id", at=at).strip(),
        at=at,
        kind=kind,
        amount=read_number(raw, "Amount", at=at),
        description=read_text(raw, "Description", at=at),
        item=read_ref(detail, "GroupItemRef" if has_children else "ItemRef", at=inside),
        class_ref=read_ref(detail, "ClassRef", at=inside),
        tax_code=read_ref(detail, "TaxCodeRef", at=inside),
        account=read_ref(detail, "ItemAccountRef", at=inside),
        service_on=read_date(detail, "ServiceDate", at=inside),
        gross_amount=read_number(detail, "TaxInclusiveAmt", at=inside),
        percent=_percent_of(detail, at=inside),
        children=parse_lines(detail, at=inside, depth=depth + 1) if has_children else (),
    )


def _kind_of(raw: Raw, *, at: str) -> LineKind:
    """Return the kind; the spelling of the subtotal's DetailType differs between clients."""
    detail_type = read_text(raw, "DetailType", at=at)
    by_name = {kind.value.lower(): kind for kind in LineKind}
    return by_name.get(detail_type.strip().lower(), LineKind.OTHER)


def _percent_of(detail: Raw, *, at: str) -> Decimal | None:
    if not read_flag(detail, "PercentBased"):
        return None
    return read_number(detail, "DiscountPercent", at=at)


def walk(lines: Sequence[Line]) -> Iterator[Line]:
    """Yield every line and every child of a bundle, in the order they stand."""
    for line in lines:
        yield line
        yield from walk(line.children)


def money_lines(lines: Sequence[Line]) -> list[Line]:
    """Return the lines whose amounts make up the document's total before discount and tax."""
    return [line for line in walk(lines) if line.is_money]


def minor_of(amount: Decimal | None, *, currency: str, at: str) -> int:
    """Return an amount in minor units, exactly.

    Raises:
        DocumentError: `amount_missing`, or `decimals` where it has more decimals than the currency.
    """
    if amount is None:
        raise DocumentError("amount_missing", "an amount is missing", at=at)
    minor = amount.scaleb(minor_units(currency))
    if minor != minor.to_integral_value():
        raise DocumentError("decimals", f"{amount} has more decimals than {currency}", at=at)
    return int(minor)


def net_amounts(lines: Sequence[Line], *, currency: str) -> list[tuple[Line, int]]:
    """Return each money line with its amount in minor units after the document's discounts.

    A discount is what QuickBooks says in `Amount`, also where it is a percent, and is spread by
    largest remainder over the lines it covers (all with a positive amount but shipping).

    Raises:
        DocumentError: an amount cannot be read, or a discount covers no line (`discount_spread`).
    """
    found = money_lines(lines)
    amounts = [_minor_of_line(line, currency=currency) for line in found]
    discounts = [line for line in walk(lines) if line.kind is LineKind.DISCOUNT]
    discount_minor = sum(
        minor_of(line.amount, currency=currency, at=place(line.at, "Amount")) for line in discounts
    )
    if discount_minor == 0:
        return list(zip(found, amounts, strict=True))
    weights = [
        0 if line.item and line.item.id == SHIPPING_ITEM_ID else max(amount, 0)
        for line, amount in zip(found, amounts, strict=True)
    ]
    if not any(weights):
        raise DocumentError("discount_spread", "a discount covers no line", at=discounts[0].at)
    shares = allocate(discount_minor, weights)
    return [
        (line, amount - share) for line, amount, share in zip(found, amounts, shares, strict=True)
    ]


def _minor_of_line(line: Line, *, currency: str) -> int:
    """Return a line's amount; QuickBooks leaves it out on lines that were never priced."""
    amount = Decimal(0) if line.amount is None else line.amount
    return minor_of(amount, currency=currency, at=place(line.at, "Amount"))
