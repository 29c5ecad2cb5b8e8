"""What QuickBooks knows of each entity, as tables of fields.

    spec.py      what a Spec says: fields, required ones, what can be done with the entity
    sales.py     Estimate, Invoice, CreditMemo, Payment
    lists.py     Customer, Item, Account, Class, Department, Term, TaxCode, TaxRate
    company.py   Preferences, CompanyInfo

`SPECS` finds a Spec by its name, `spec_at()` by its part of the address.
"""

from collections.abc import Mapping

from sandbox.entities.company import COMPANY_INFO, PREFERENCES
from sandbox.entities.lists import (
    ACCOUNT,
    CLASS,
    CUSTOMER,
    DEPARTMENT,
    ITEM,
    TAX_CODE,
    TAX_RATE,
    TERM,
)
from sandbox.entities.sales import CREDIT_MEMO, ESTIMATE, INVOICE, PAYMENT
from sandbox.entities.spec import Family, Spec

SPECS: Mapping[str, Spec] = {
    spec.name: spec
    for spec in (
        COMPANY_INFO,
        PREFERENCES,
        ACCOUNT,
        TAX_RATE,
        TAX_CODE,
        TERM,
        CLASS,
        DEPARTMENT,
        ITEM,
        CUSTOMER,
        ESTIMATE,
        INVOICE,
        PAYMENT,
        CREDIT_MEMO,
    )
}

_BY_PATH: Mapping[str, Spec] = {spec.path: spec for spec in SPECS.values()}


def spec_at(path: str) -> Spec | None:
    """Return the entity of an address part or of a name in any case, or None."""
    return _BY_PATH.get(path.lower())


__all__ = ["SPECS", "Family", "Spec", "spec_at"]
