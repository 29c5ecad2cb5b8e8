"""Several currencies: the form's own, its rate, and what it is worth at home."""

from decimal import Decimal

from sandbox.draft import Draft
from sandbox.errors import business
from sandbox.values import Document, cents

ONE = Decimal(1)


def home_currency(draft: Draft) -> str:
    """Return the code of the currency the books are kept in."""
    wish = (draft.preferences().get("CurrencyPrefs") or {}).get("HomeCurrency") or {}
    return str(wish.get("value", "USD"))


def settle_currency(draft: Draft, form: Document, customer: Document) -> None:
    """Give a document its currency and rate; without several currencies a sent rate means nothing.

    Raises:
        Fault: 6000, the customer deals in another currency.
    """
    own = customer.get("CurrencyRef") or {"value": home_currency(draft)}
    if not (draft.preferences().get("CurrencyPrefs") or {}).get("MultiCurrencyEnabled"):
        form.setdefault("CurrencyRef", dict(own))
        form.pop("ExchangeRate", None)
        return
    form.setdefault("CurrencyRef", dict(own))
    code = form["CurrencyRef"]["value"]
    if customer and code != own["value"]:
        raise business(
            f"The transaction is in {code}, its customer deals in {own['value']}",
            element="CurrencyRef",
        )
    if code == home_currency(draft):
        form["ExchangeRate"] = ONE
    elif not form.get("ExchangeRate"):
        form["ExchangeRate"] = rate_of(draft, code, str(form["TxnDate"]))


def rate_of(draft: Draft, code: str, day: str) -> Decimal:
    """Return home units for one unit of a currency, by the latest rate up to a day, or 1."""
    rows = [
        row
        for row in draft.tables.rows["ExchangeRate"].values()
        if row["SourceCurrencyCode"] == code and row["AsOfDate"] <= day
    ]
    rows.sort(key=lambda row: str(row["AsOfDate"]))
    return Decimal(rows[-1]["Rate"]) if rows else ONE


def show_at_home(draft: Draft, form: Document) -> None:
    """Put the home amounts on a form, where the company deals in several currencies."""
    rate = form.get("ExchangeRate")
    if rate is None or not (draft.preferences().get("CurrencyPrefs") or {}).get(
        "MultiCurrencyEnabled"
    ):
        return
    form["HomeTotalAmt"] = cents(form["TotalAmt"] * rate)
    if "Balance" in form:
        form["HomeBalance"] = cents(form["Balance"] * rate)
