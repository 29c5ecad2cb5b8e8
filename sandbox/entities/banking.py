"""Money and time moved inside a company: Deposit, Transfer, CreditCardPayment, JournalEntry,
TimeActivity, InventoryAdjustment. Open entities, as in `spending.py`.
"""

from collections.abc import Mapping
from dataclasses import replace

from sandbox.entities.sales import LINKED_TXN
from sandbox.entities.spec import Spec
from sandbox.entities.spending import PLAIN, spending
from sandbox.schema import (
    Field,
    boolean,
    day,
    listing,
    number,
    queried,
    record,
    reference,
    text,
)

DEPOSIT_LINE = listing(
    Id=text(),
    LineNum=number(),
    Description=text(4000),
    Amount=number(),
    DetailType=text(),
    LinkedTxn=LINKED_TXN,
    DepositLineDetail=record(
        AccountRef=reference("Account"),
        Entity=reference(),
        PaymentMethodRef=reference("PaymentMethod"),
        ClassRef=reference("Class"),
        CheckNum=text(),
    ),
)

JOURNAL_LINE = listing(
    Id=text(),
    LineNum=number(),
    Description=text(4000),
    Amount=number(),
    DetailType=text(),
    LinkedTxn=LINKED_TXN,
    JournalEntryLineDetail=record(
        PostingType=text(),
        AccountRef=reference("Account"),
        ClassRef=reference("Class"),
        DepartmentRef=reference("Department"),
    ),
)


def moved(**accounts: Field) -> Mapping[str, Field]:
    """Return the fields of an amount that goes from one account to another."""
    return {**PLAIN, **accounts}


DEPOSIT = spending(
    "Deposit",
    {
        **PLAIN,
        "DepositToAccountRef": queried(reference("Account")),
        "Line": DEPOSIT_LINE,
    },
    "DepositToAccountRef",
    "Line",
)

TRANSFER = spending(
    "Transfer",
    moved(FromAccountRef=reference("Account"), ToAccountRef=reference("Account")),
    "Amount",
    "FromAccountRef",
    "ToAccountRef",
)

CREDIT_CARD_PAYMENT: Spec = replace(
    spending(
        "CreditCardPayment",
        moved(
            BankAccountRef=reference("Account"),
            CreditCardAccountRef=reference("Account"),
            VendorRef=reference("Vendor"),
        ),
        "Amount",
        "BankAccountRef",
        "CreditCardAccountRef",
    ),
    wrapped_as="CreditCardPaymentTxn",
)

JOURNAL_ENTRY = spending(
    "JournalEntry", {**PLAIN, "Adjustment": boolean(), "Line": JOURNAL_LINE}, "Line"
)

TIME_ACTIVITY: Spec = replace(
    spending(
        "TimeActivity",
        {
            **PLAIN,
            "NameOf": queried(text()),
            "EmployeeRef": queried(reference("Employee")),
            "VendorRef": queried(reference("Vendor")),
            "CustomerRef": queried(reference("Customer")),
            "ItemRef": reference("Item"),
            "ClassRef": reference("Class"),
            "BillableStatus": queried(text()),
            "Taxable": boolean(),
            "HourlyRate": number(),
            "CostRate": number(),
            "Hours": number(),
            "Minutes": number(),
            "BreakHours": number(),
            "BreakMinutes": number(),
            "StartTime": text(),
            "EndTime": text(),
            "StartDate": day(),
            "Description": text(4000),
        },
        "NameOf",
    ),
    has_cdc=False,
)

INVENTORY_ADJUSTMENT = spending(
    "InventoryAdjustment",
    {**PLAIN, "AdjustAccountRef": reference("Account")},
    "AdjustAccountRef",
    "Line",
)
