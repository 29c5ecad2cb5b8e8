"""Accounts: their type says what they are, and a subtype alone says the type."""

from decimal import Decimal

from sandbox.draft import Draft
from sandbox.errors import bad_value, missing
from sandbox.rules.currency import home_currency
from sandbox.values import Document

#: Source: Intuit's page "Account", table of account types.
CLASSIFICATION = {
    "Bank": "Asset",
    "Other Current Asset": "Asset",
    "Fixed Asset": "Asset",
    "Other Asset": "Asset",
    "Accounts Receivable": "Asset",
    "Equity": "Equity",
    "Expense": "Expense",
    "Other Expense": "Expense",
    "Cost of Goods Sold": "Expense",
    "Accounts Payable": "Liability",
    "Credit Card": "Liability",
    "Long Term Liability": "Liability",
    "Other Current Liability": "Liability",
    "Income": "Revenue",
    "Other Income": "Revenue",
}
#: The type that an account gets which names its subtype alone.
TYPE_OF = {
    "Checking": "Bank",
    "CashOnHand": "Bank",
    "AccountsReceivable": "Accounts Receivable",
    "AccountsPayable": "Accounts Payable",
    "UndepositedFunds": "Other Current Asset",
    "Inventory": "Other Current Asset",
    "CreditCard": "Credit Card",
    "SalesOfProductIncome": "Income",
    "ServiceFeeIncome": "Income",
    "DiscountsRefundsGiven": "Income",
    "SuppliesMaterialsCogs": "Cost of Goods Sold",
}


def finish_account(draft: Draft, entry: Document, old: Document | None) -> None:
    """Fill in an account's type and classification.

    Raises:
        Fault: 2020 a new one has neither type nor subtype, 2170 the type does not exist.
    """
    subtype = entry.get("AccountSubType")
    if "AccountType" not in entry and subtype in TYPE_OF:
        entry["AccountType"] = TYPE_OF[subtype]
    kind = entry.get("AccountType")
    if kind is None:
        if old is None and subtype is None and "Classification" not in entry:
            raise missing("AccountType")
        return
    if kind not in CLASSIFICATION:
        raise bad_value("2170", "Enumeration", "AccountType", kind)
    entry["Classification"] = CLASSIFICATION[kind]
    entry.setdefault("CurrentBalance", Decimal(0))
    entry.setdefault("CurrentBalanceWithSubAccounts", Decimal(0))
    entry.setdefault("CurrencyRef", {"value": home_currency(draft)})
