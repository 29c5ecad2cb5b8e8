"""Pages for people: what this is, and what stands in the books. Plain tables, no JavaScript."""

from decimal import Decimal

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.templating import Jinja2Templates

from sandbox.books import Books
from sandbox.company import Company
from sandbox.entities import spec_at
from sandbox.schema import INTERNAL
from sandbox.tables import Change
from sandbox.values import Document, dumps

ROWS_MAX = 200
#: What a bookkeeper looks at, with the words above the tables.
SHOWN = {
    "Estimate": "Estimates",
    "ChangeOrder": "Change orders",
    "Invoice": "Invoices",
    "Payment": "Payments",
    "CreditMemo": "Credit memos",
    "SalesReceipt": "Sales receipts",
    "RefundReceipt": "Refund receipts",
    "Deposit": "Bank deposits",
}
#: Lines that carry no words of their own.
LINE_WORDS = {"SubTotalLineDetail": "Subtotal", "DiscountLineDetail": "Discount"}
#: These are left out while there are none.
IF_ANY = ("ChangeOrder", "SalesReceipt", "RefundReceipt", "Deposit")


class Pages:
    """The sandbox's own pages."""

    def __init__(self, books: Books, templates: Jinja2Templates) -> None:
        self._books = books
        self._templates = templates
        templates.env.filters["money"] = money

    def routes(self) -> list[Route]:
        """Return the addresses."""
        return [
            Route("/", self.index),
            Route("/sandbox", self.index),
            Route("/sandbox/", self.index),
            Route("/companies/{realm_id}", self.company),
            Route("/companies/{realm_id}/{entity}/{id}", self.document),
        ]

    async def index(self, request: Request) -> Response:
        """Show what this is and which companies there are."""
        with self._books.lock:
            rows = [(company, _counts(company)) for company in self._books.companies.values()]
            now = self._books.clock.now()
        return self._page(
            request,
            "index.html",
            {"rows": rows, "now": now, "offset_s": self._books.clock.offset_s},
        )

    async def company(self, request: Request) -> Response:
        """Show one company's estimates, invoices, payments and credits, newest first."""
        company = self._books.companies.get(request.path_params["realm_id"])
        if company is None:
            return self._missing(request)
        with self._books.lock:
            tables = [
                (entity, title, _newest(company, entity), len(company.tables.rows[entity]))
                for entity, title in SHOWN.items()
                if entity not in IF_ANY or company.tables.rows[entity]
            ]
            closed = _closed_to(company)
        values = {"company": company, "tables": tables, "closed": closed}
        return self._page(request, "company.html", values)

    async def document(self, request: Request) -> Response:
        """Show the life of one document: who did what to it, before and after."""
        company = self._books.companies.get(request.path_params["realm_id"])
        spec = spec_at(request.path_params["entity"])
        if company is None or spec is None:
            return self._missing(request)
        id = request.path_params["id"]
        with self._books.lock:
            steps = company.tables.history_of(spec.name, id)
            now = company.tables.find(spec.name, id)
        if not steps:
            return self._missing(request)
        rows = [(step, _difference(step)) for step in steps]
        return self._page(
            request,
            "document.html",
            {
                "company": company,
                "entity": spec.name,
                "id": id,
                "rows": rows,
                "now": now,
                "number": (now or steps[-1].before or {}).get("DocNumber") or f"#{id}",
                "lines": _lines(now),
            },
        )

    def _page(self, request: Request, name: str, values: Document) -> Response:
        return self._templates.TemplateResponse(request, name, values)

    def _missing(self, request: Request) -> Response:
        return self._templates.TemplateResponse(
            request, "complaint.html", {"what": "there is no such page"}, status_code=404
        )


def money(value: object) -> str:
    """Return an amount for people: 12,000.00."""
    return f"{value:,.2f}" if isinstance(value, Decimal | int) else ""


def _counts(company: Company) -> dict[str, int]:
    return {entity: len(company.tables.rows[entity]) for entity in SHOWN}


def _newest(company: Company, entity: str) -> list[Document]:
    rows = company.tables.rows[entity]
    return [row for _, row in zip(range(ROWS_MAX), reversed(rows.values()), strict=False)]


def _closed_to(company: Company) -> str | None:
    preferences = company.tables.find("Preferences", "1") or {}
    day = (preferences.get("AccountingInfoPrefs") or {}).get("BookCloseDate")
    return None if day is None else str(day)


def _lines(document: Document | None) -> list[tuple[str, object, object, object]]:
    """Return a form's lines as a bookkeeper reads them: what, how many, at, amount."""
    rows: list[tuple[str, object, object, object]] = []
    for line in (document or {}).get("Line", ()):
        detail = line.get("SalesItemLineDetail") or line.get("DiscountLineDetail") or {}
        links = [
            f"{link.get('TxnType')} #{link.get('TxnId')}" for link in line.get("LinkedTxn", ())
        ]
        item = (detail.get("ItemRef") or {}).get("name")
        kind = LINE_WORDS.get(str(line.get("DetailType")), "")
        what = line.get("Description") or item or kind or ", ".join(links)
        rows.append(
            (str(what or ""), detail.get("Qty"), detail.get("UnitPrice"), line.get("Amount"))
        )
    return rows


def _difference(step: Change) -> list[tuple[str, str, str]]:
    """Return the fields that a step changed, with their values before and after."""
    before, after = step.before or {}, step.after or {}
    names = dict.fromkeys((*before, *after))
    names = {name: None for name in names if name != "MetaData" and not name.startswith(INTERNAL)}
    changed = [name for name in names if before.get(name) != after.get(name)]
    return [(name, _text(before.get(name)), _text(after.get(name))) for name in changed]


def _text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else dumps(value)
