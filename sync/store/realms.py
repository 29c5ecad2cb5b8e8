"""Connected companies: find, read, note what QuickBooks says of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from sync.store.database import become
from sync.store.tables import RealmRow

Raw = Mapping[str, Any]


def get(session: Session, realm_no: int) -> RealmRow:
    """Give a company's row."""
    return session.scalars(select(RealmRow).where(RealmRow.realm_no == realm_no)).one()


def by_hash(session: Session, realm_hash: bytes) -> RealmRow | None:
    """Find a company by the keyed hash of its id; the transaction must have been begun with it."""
    return session.scalars(
        select(RealmRow).where(RealmRow.realm_id_hmac == realm_hash)
    ).one_or_none()


def by_hashes(session: Session, realm_hashes: Sequence[bytes]) -> RealmRow | None:
    """Find a company by its hash under any of several keys; the transaction stays with the one that
    found it, or with the last.
    """
    found = None
    for one in reversed(realm_hashes):
        if found is None:
            become(session, None, lookup=one)
            found = by_hash(session, one)
    return found


def note_company(session: Session, realm_no: int, entity: str, raw: Raw) -> bool:
    """Keep what we use of CompanyInfo (name, country) and Preferences (numbers, currency, closed
    books).

    Returns:
        Whether any of it says something else than before: every job may hang on it.
    """
    values = _of_company_info(raw) if entity == "CompanyInfo" else _of_preferences(raw)
    known = get(session, realm_no)
    if all(getattr(known, name) == value for name, value in values.items()):
        return False
    session.execute(update(RealmRow).where(RealmRow.realm_no == realm_no).values(**values))
    return True


def _of_company_info(raw: Raw) -> dict[str, Any]:
    return {"name": str(raw.get("CompanyName") or ""), "country": str(raw.get("Country") or "US")}


def _of_preferences(raw: Raw) -> dict[str, Any]:
    forms = raw.get("SalesFormsPrefs") or {}
    currency = (raw.get("CurrencyPrefs") or {}).get("HomeCurrency") or {}
    accounting = raw.get("AccountingInfoPrefs") or {}
    return {
        "currency": str(currency.get("value") or "USD"),
        "preferences": {
            "multi_currency": bool((raw.get("CurrencyPrefs") or {}).get("MultiCurrencyEnabled")),
            "custom_numbers": bool(forms.get("CustomTxnNumbers")),
            "online_payment": bool(forms.get("ETransactionPaymentEnabled")),
            "book_close_date": accounting.get("BookCloseDate"),
        },
    }
