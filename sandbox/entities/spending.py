"""What a company buys and owes: Bill, BillPayment, VendorCredit, Purchase, PurchaseOrder.

These entities are open: what is not named here passes through and comes back.
"""

from collections.abc import Mapping

from sandbox.entities.sales import LINKED_TXN
from sandbox.entities.spec import COMMON, Family, Spec, address
from sandbox.schema import (
    Field,
    anything,
    boolean,
    day,
    listing,
    number,
    queried,
    read_only,
    record,
    reference,
    text,
)

ACCOUNT_DETAIL = record(
    AccountRef=reference("Account"),
    CustomerRef=reference("Customer"),
    ClassRef=reference("Class"),
    TaxCodeRef=reference(),
    TaxAmount=number(),
    BillableStatus=text(),
)

ITEM_DETAIL = record(
    ItemRef=reference("Item"),
    CustomerRef=reference("Customer"),
    ClassRef=reference("Class"),
    UnitPrice=number(),
    Qty=number(),
    TaxCodeRef=reference(),
    BillableStatus=text(),
)

EXPENSE_LINE = listing(
    Id=text(),
    LineNum=number(),
    Description=text(4000),
    Amount=number(),
    DetailType=text(),
    LinkedTxn=LINKED_TXN,
    AccountBasedExpenseLineDetail=ACCOUNT_DETAIL,
    ItemBasedExpenseLineDetail=ITEM_DETAIL,
)

#: Of every transaction outside sales.
PLAIN: Mapping[str, Field] = {
    **COMMON,
    "DocNumber": queried(text(21)),
    "TxnDate": queried(day()),
    "PrivateNote": text(4000),
    "CurrencyRef": reference(),
    "ExchangeRate": number(),
    "DepartmentRef": reference("Department"),
    "TxnTaxDetail": anything(),
    "TotalAmt": queried(number()),
    "HomeTotalAmt": read_only(number()),
    "Amount": queried(number()),
    "LinkedTxn": LINKED_TXN,
    "Line": listing(Id=text(), LineNum=number(), Amount=number(), LinkedTxn=LINKED_TXN),
}

FROM_VENDOR: Mapping[str, Field] = {
    **PLAIN,
    "VendorRef": queried(reference("Vendor")),
    "APAccountRef": queried(reference("Account")),
    "Line": EXPENSE_LINE,
}


def spending(
    name: str,
    fields: Mapping[str, Field],
    *required: str,
    can_void: bool = False,
    can_send: bool = False,
) -> Spec:
    """Return one of these entities."""
    return Spec(
        name=name,
        family=Family.PLAIN,
        fields=fields,
        required=required,
        can_void=can_void,
        can_delete=True,
        can_send=can_send,
        is_open=True,
    )


BILL = spending(
    "Bill",
    {
        **FROM_VENDOR,
        "DueDate": queried(day()),
        "SalesTermRef": queried(reference("Term")),
        "Balance": queried(read_only(number())),
        "VendorAddr": address(),
    },
    "VendorRef",
    "Line",
)

VENDOR_CREDIT = spending(
    "VendorCredit",
    {**FROM_VENDOR, "Balance": queried(read_only(number()))},
    "VendorRef",
    "Line",
)

BILL_PAYMENT = spending(
    "BillPayment",
    {
        **FROM_VENDOR,
        "PayType": queried(text()),
        "CheckPayment": record(BankAccountRef=reference("Account"), PrintStatus=text()),
        "CreditCardPayment": record(CCAccountRef=reference("Account")),
        "ProcessBillPayment": boolean(),
    },
    "VendorRef",
    "TotalAmt",
    "PayType",
    "Line",
    can_void=True,
)

PURCHASE = spending(
    "Purchase",
    {
        **PLAIN,
        "AccountRef": queried(reference("Account")),
        "PaymentType": queried(text()),
        "EntityRef": queried(reference(is_typed=True)),
        "PaymentMethodRef": reference("PaymentMethod"),
        "Credit": boolean(),
        "Line": EXPENSE_LINE,
    },
    "AccountRef",
    "PaymentType",
    "Line",
    can_void=True,
)

PURCHASE_ORDER = spending(
    "PurchaseOrder",
    {
        **FROM_VENDOR,
        "DueDate": queried(day()),
        "POStatus": queried(text()),
        "POEmail": record(Address=text(100)),
        "VendorAddr": address(),
        "ShipAddr": address(),
        "EmailStatus": text(),
    },
    "VendorRef",
    "Line",
    can_send=True,
)
