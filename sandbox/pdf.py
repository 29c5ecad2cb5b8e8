"""A sales form as a small but real PDF: one page of Helvetica, written by hand because nothing more
is needed.
"""

from collections.abc import Iterator
from decimal import Decimal

from sandbox.rules.lines import item_lines
from sandbox.values import ZERO, Document

PAGE = (612, 792)  # US letter, in points
LEFT, RIGHT, TOP, STEP = 56, 556, 730, 16
ROWS_MAX = 36
TEXT_MAX = 70
TITLES = {
    "CreditMemo": "Credit memo",
    "SalesReceipt": "Sales receipt",
    "RefundReceipt": "Refund receipt",
    "ChangeOrder": "Change order",
    "PurchaseOrder": "Purchase order",
    "Payment": "Payment receipt",
}
LINES_OF_THEIR_OWN = ("Payment", "PurchaseOrder")


def form_pdf(entity: str, document: Document, *, company_name: str) -> bytes:
    """Return one form as PDF."""
    return _file(_page(entity, document, company_name))


def _page(entity: str, document: Document, company_name: str) -> bytes:
    rows = list(_rows(entity, document))
    shown = rows[:ROWS_MAX]
    title = f"{TITLES.get(entity, entity)} {document.get('DocNumber', '')}".strip()
    parts = [
        _text(LEFT, TOP, company_name, size=16),
        _text(LEFT, TOP - 24, title, size=13),
        _text(LEFT, TOP - 42, f"{_other_side(document)}    {document['TxnDate']}"),
    ]
    y = TOP - 72
    for label, amount in shown:
        parts.append(_text(LEFT, y, label[:TEXT_MAX]))
        parts.append(_text(RIGHT, y, f"{amount:,.2f}", align_right=True))
        y -= STEP
    if len(rows) > len(shown):
        parts.append(_text(LEFT, y, f"and {len(rows) - len(shown)} more lines"))
    parts.append(
        _text(LEFT, 40, "Made by the milestone-sync sandbox, a stand-in, not Intuit", size=8)
    )
    return b"\n".join(parts)


def _other_side(document: Document) -> str:
    ref = document.get("CustomerRef") or document.get("VendorRef") or {}
    return str(ref.get("name", ""))


def _rows(entity: str, document: Document) -> Iterator[tuple[str, Decimal]]:
    if entity in LINES_OF_THEIR_OWN:
        yield from _plain_rows(document)
        return
    for line in item_lines(document["Line"]):
        detail = line["SalesItemLineDetail"]
        yield str(line.get("Description") or detail["ItemRef"].get("name", "")), line["Amount"]
    for line in document["Line"]:
        if line["DetailType"] == "DiscountLineDetail":
            yield str(line.get("Description", "Discount")), -line["Amount"]
    yield "Tax", (document.get("TxnTaxDetail") or {}).get("TotalTax", ZERO)
    yield "Total", document["TotalAmt"]
    if "Balance" in document:
        yield "Balance due", document["Balance"]


def _plain_rows(document: Document) -> Iterator[tuple[str, Decimal]]:
    """Yield what a payment was for, or what is ordered, and the total."""
    for line in document.get("Line", ()):
        named = [f"{link.get('TxnType')} {link.get('TxnId')}" for link in line.get("LinkedTxn", ())]
        yield str(line.get("Description") or ", ".join(named) or "Line"), line["Amount"]
    yield "Total", document["TotalAmt"]
    if "UnappliedAmt" in document:
        yield "Not applied", document["UnappliedAmt"]


def _text(x: int, y: int, text: str, *, size: int = 10, align_right: bool = False) -> bytes:
    # Helvetica's figures are all 0.556 of the size wide, so amounts line up well enough.
    start = x - int(len(text) * size * 0.53) if align_right else x
    plain = text.encode("cp1252", "replace")
    for char in (b"\\", b"(", b")"):
        plain = plain.replace(char, b"\\" + char)
    return b"BT /F1 %d Tf %d %d Td (%s) Tj ET" % (
        size,
        start,
        y,
        plain.replace(b"\n", b" ").replace(b"\r", b" "),
    )


def _file(content: bytes) -> bytes:
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> >>" % PAGE,
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    out = bytearray(b"%PDF-1.4\n")
    starts: list[int] = []
    for number, body in enumerate(objects, start=1):
        starts.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % start for start in starts)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        table,
    )
    return bytes(out)
