"""What QuickBooks knows of each entity, as tables of fields.

    spec.py      what a Spec says: fields, required ones, what can be done with the entity
    sales.py     Estimate, Invoice, CreditMemo, SalesReceipt, RefundReceipt, ChangeOrder, Payment
    lists.py     Customer, Item, Account, Class, Department, Term, TaxCode, TaxRate
    company.py   Preferences, CompanyInfo
    people.py    Vendor, Employee, PaymentMethod, CustomerType, TaxAgency, CompanyCurrency
    spending.py  Bill, BillPayment, VendorCredit, Purchase, PurchaseOrder
    banking.py   Deposit, Transfer, CreditCardPayment, JournalEntry, TimeActivity ...
    special.py   ExchangeRate, Attachable, RecurringTransaction

`SPECS` finds a Spec by its name, `spec_at()` by its part of the address.
"""

from collections.abc import Mapping

from sandbox.entities.banking import (
    CREDIT_CARD_PAYMENT,
    DEPOSIT,
    INVENTORY_ADJUSTMENT,
    JOURNAL_ENTRY,
    TIME_ACTIVITY,
    TRANSFER,
)
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
from sandbox.entities.people import (
    COMPANY_CURRENCY,
    CUSTOMER_TYPE,
    EMPLOYEE,
    PAYMENT_METHOD,
    TAX_AGENCY,
    VENDOR,
)
from sandbox.entities.sales import (
    CHANGE_ORDER,
    CREDIT_MEMO,
    ESTIMATE,
    INVOICE,
    PAYMENT,
    REFUND_RECEIPT,
    SALES_RECEIPT,
)
from sandbox.entities.spec import Family, Spec
from sandbox.entities.special import ATTACHABLE, EXCHANGE_RATE, RECURRING_TRANSACTION
from sandbox.entities.spending import (
    BILL,
    BILL_PAYMENT,
    PURCHASE,
    PURCHASE_ORDER,
    VENDOR_CREDIT,
)

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
        SALES_RECEIPT,
        REFUND_RECEIPT,
        CHANGE_ORDER,
        VENDOR,
        EMPLOYEE,
        PAYMENT_METHOD,
        CUSTOMER_TYPE,
        TAX_AGENCY,
        COMPANY_CURRENCY,
        EXCHANGE_RATE,
        BILL,
        VENDOR_CREDIT,
        BILL_PAYMENT,
        PURCHASE,
        PURCHASE_ORDER,
        DEPOSIT,
        TRANSFER,
        CREDIT_CARD_PAYMENT,
        JOURNAL_ENTRY,
        TIME_ACTIVITY,
        INVENTORY_ADJUSTMENT,
        ATTACHABLE,
        RECURRING_TRANSACTION,
    )
}

_BY_PATH: Mapping[str, Spec] = {spec.path: spec for spec in SPECS.values()}


def spec_at(path: str) -> Spec | None:
    """Return the entity of an address part or of a name in any case, or None."""
    return _BY_PATH.get(path.lower())


__all__ = ["SPECS", "Family", "Spec", "spec_at"]
