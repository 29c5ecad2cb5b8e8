"""Estimate, Invoice, CreditMemo, SalesReceipt, RefundReceipt, ChangeOrder and Payment: every field
that QuickBooks knows on them.
"""

from collections.abc import Mapping

from sandbox.entities.spec import COMMON, Family, Spec, address, email
from sandbox.schema import (
    Field,
    anything,
    boolean,
    choice,
    day,
    listing,
    number,
    queried,
    read_only,
    record,
    reference,
    text,
)

ESTIMATE_STATUSES = ("Pending", "Accepted", "Rejected", "Closed", "Converted")

LINKED_TXN = listing(TxnId=text(), TxnType=text(), TxnLineId=text())

MARKUP_INFO = record(
    PercentBased=boolean(),
    Value=number(),
    Percent=number(),
    PriceLevelRef=reference(),
    MarkUpIncomeAccountRef=reference(),
)

SALES_ITEM_DETAIL = record(
    ItemRef=reference("Item"),
    ClassRef=reference("Class"),
    UnitPrice=number(),
    RatePercent=number(),
    PriceLevelRef=reference(),
    MarkupInfo=MARKUP_INFO,
    Qty=number(),
    UOMSetRef=reference(),
    ItemAccountRef=reference(),
    InventorySiteRef=reference(),
    TaxCodeRef=reference(),
    TaxClassificationRef=reference(),
    ServiceDate=day(),
    TaxInclusiveAmt=number(),
    DiscountRate=number(),
    DiscountAmt=number(),
    DeferredRevenue=boolean(),
)

DISCOUNT_DETAIL = record(
    PercentBased=boolean(),
    DiscountPercent=number(),
    DiscountAccountRef=reference("Account"),
    DiscountRef=reference(),
    Discount=record(
        PercentBased=boolean(),
        DiscountPercent=number(),
        DiscountRef=reference(),
        DiscountAccountRef=reference(),
    ),
    ServiceDate=day(),
    ClassRef=reference("Class"),
    TaxCodeRef=reference(),
)

CUSTOM_FIELD = listing(
    DefinitionId=text(),
    Name=text(),
    Type=text(),
    StringValue=text(31),
    BooleanValue=boolean(),
    DateValue=day(),
    NumberValue=number(),
)

LINE_TYPES = (
    "SalesItemLineDetail",
    "GroupLineDetail",
    "DescriptionOnly",
    "DiscountLineDetail",
    "SubTotalLineDetail",
    "PaymentLineDetail",
)

PLAIN_LINE: Mapping[str, Field] = {
    "Id": text(),
    "LineNum": number(),
    "Description": text(4000),
    "Amount": number(),
    "Received": number(),
    "DetailType": choice(*LINE_TYPES),
    "LinkedTxn": LINKED_TXN,
    "SalesItemLineDetail": SALES_ITEM_DETAIL,
    "DiscountLineDetail": DISCOUNT_DETAIL,
    "SubTotalLineDetail": record(ItemRef=reference(), ServiceDate=day()),
    # python-quickbooks writes this spelling; QuickBooks lets it pass.
    "SubtotalLineDetail": record(ItemRef=reference(), ServiceDate=day()),
    "DescriptionLineDetail": record(ServiceDate=day(), TaxCodeRef=reference()),
    "DescriptionOnly": record(ServiceDate=day(), TaxCodeRef=reference()),
    "CustomField": CUSTOM_FIELD,
    "CostAmount": number(),
    "HomeCostAmount": number(),
    "ProjectRef": reference(),
    "LineEx": anything(),
}

GROUP_DETAIL = record(
    GroupItemRef=reference("Item"),
    Quantity=number(),
    UOMSetRef=reference(),
    ServiceDate=day(),
    Line=listing(**PLAIN_LINE),
)

LINE = listing(**PLAIN_LINE, GroupLineDetail=GROUP_DETAIL)

TAX_DETAIL = record(
    DefaultTaxCodeRef=reference(),
    TxnTaxCodeRef=reference(),
    TotalTax=number(),
    TaxReviewStatus=text(),
    UseAutomatedSalesTax=boolean(),
    TaxLine=listing(
        Id=text(),
        LineNum=number(),
        Description=text(),
        Amount=number(),
        DetailType=text(),
        TaxLineDetail=record(
            TaxRateRef=reference(),
            PercentBased=boolean(),
            TaxPercent=number(),
            NetAmountTaxable=number(),
            TaxInclusiveAmount=number(),
            OverrideDeltaAmount=number(),
            ServiceDate=day(),
        ),
    ),
)

FORM: Mapping[str, Field] = {
    **COMMON,
    "DocNumber": queried(text(21)),
    "AutoDocNumber": boolean(),
    "TxnDate": queried(day()),
    "TxnSource": text(),
    "DepartmentRef": queried(reference("Department")),
    "CurrencyRef": reference(),
    "ExchangeRate": number(),
    "PrivateNote": text(4000),
    "LinkedTxn": LINKED_TXN,
    "Line": LINE,
    "TxnTaxDetail": TAX_DETAIL,
    "CustomerRef": queried(reference("Customer")),
    "ProjectRef": queried(reference()),
    "CustomerMemo": record(value=text(1000), id=text()),
    "BillAddr": address(),
    "ShipAddr": address(),
    "ShipFromAddr": address(),
    "FreeFormAddress": boolean(),
    "ClassRef": queried(reference("Class")),
    "SalesTermRef": queried(reference("Term")),
    "GlobalTaxCalculation": text(),
    "TotalAmt": queried(read_only(number())),
    "HomeTotalAmt": read_only(number()),
    "ApplyTaxAfterDiscount": boolean(),
    "PrintStatus": choice("NotSet", "NeedToPrint", "PrintComplete"),
    "EmailStatus": choice("NotSet", "NeedToSend", "EmailSent"),
    "BillEmail": email(100),
    "BillEmailCc": email(200),
    "BillEmailBcc": email(200),
    "CustomField": CUSTOM_FIELD,
    "RecurDataRef": read_only(reference()),
    "TaxExemptionRef": read_only(reference()),
    "DeliveryInfo": read_only(anything()),
    "TrackingNum": text(31),
    "TxnApprovalInfo": read_only(anything()),
    "Tag": anything(),
}

SHIPPED: Mapping[str, Field] = {
    "DueDate": queried(day()),
    "ShipDate": queried(day()),
    "ShipMethodRef": reference(),
}

ESTIMATE = Spec(
    name="Estimate",
    family=Family.SALES,
    required=("CustomerRef", "Line"),
    can_delete=True,
    can_send=True,
    fields={
        **FORM,
        **SHIPPED,
        "TxnStatus": choice(*ESTIMATE_STATUSES),
        "AcceptedBy": text(100),
        "AcceptedDate": day(),
        "ExpirationDate": day(),
        "TotalCostAmount": number(),
        "HomeTotalCostAmount": number(),
    },
)

INVOICE = Spec(
    name="Invoice",
    family=Family.SALES,
    required=("CustomerRef", "Line"),
    can_void=True,
    can_delete=True,
    can_send=True,
    fields={
        **FORM,
        **SHIPPED,
        "Balance": queried(read_only(number())),
        "HomeBalance": read_only(number()),
        "Deposit": number(),
        "DepositToAccountRef": reference("Account"),
        "PONumber": text(15),
        "AllowIPNPayment": boolean(),
        "AllowOnlinePayment": boolean(),
        "AllowOnlineCreditCardPayment": boolean(),
        "AllowOnlineACHPayment": boolean(),
        "AllowOnlinePayPalPayment": boolean(),
        "InvoiceLink": read_only(text()),
        "EInvoiceStatus": read_only(text()),
        "ECloudStatusTimeStamp": read_only(text()),
        "InvoiceStatus": read_only(text()),
        "invoiceStatus": read_only(text()),
        "invoiceStatusLog": read_only(anything()),
    },
)

CREDIT_MEMO = Spec(
    name="CreditMemo",
    family=Family.SALES,
    required=("CustomerRef", "Line"),
    can_void=True,
    can_delete=True,
    can_send=True,
    fields={
        **FORM,
        "Balance": queried(read_only(number())),
        "HomeBalance": read_only(number()),
        "RemainingCredit": read_only(number()),
        "InvoiceRef": reference("Invoice"),
        "PaymentMethodRef": reference("PaymentMethod"),
        "PaymentRefNum": text(21),
        "DepositToAccountRef": reference("Account"),
    },
)

#: Receipts: money that changed hands with the document itself.
PAID: Mapping[str, Field] = {
    "Balance": queried(read_only(number())),
    "HomeBalance": read_only(number()),
    "PaymentMethodRef": reference("PaymentMethod"),
    "PaymentRefNum": text(21),
    "PaymentType": text(),
    "DepositToAccountRef": reference("Account"),
    "CheckPayment": record(
        CheckNum=text(), Status=text(), NameOnAcct=text(), AcctNum=text(), BankName=text()
    ),
    "CreditCardPayment": anything(),
    "TransactionLocationType": text(),
}

SALES_RECEIPT = Spec(
    name="SalesReceipt",
    family=Family.SALES,
    required=("Line",),
    can_void=True,
    can_delete=True,
    can_send=True,
    fields={**FORM, **SHIPPED, **PAID},
)

REFUND_RECEIPT = Spec(
    name="RefundReceipt",
    family=Family.SALES,
    required=("Line", "DepositToAccountRef"),
    can_void=True,
    can_delete=True,
    can_send=True,
    fields={**FORM, **PAID},
)

CHANGE_ORDER = Spec(
    name="ChangeOrder",
    family=Family.SALES,
    required=("CustomerRef", "Line", "LinkedTxn"),
    can_delete=True,
    can_send=True,
    fields={
        **FORM,
        **SHIPPED,
        "TxnStatus": choice(*ESTIMATE_STATUSES),
        "AcceptedBy": text(100),
        "AcceptedDate": day(),
        "ExpirationDate": day(),
    },
)

PAYMENT = Spec(
    name="Payment",
    family=Family.PAYMENT,
    required=("CustomerRef", "TotalAmt"),
    can_void=True,
    can_delete=True,
    can_send=True,
    fields={
        **COMMON,
        "TxnDate": queried(day()),
        "TxnSource": text(),
        "CustomerRef": queried(reference("Customer")),
        "ProjectRef": queried(reference()),
        "ARAccountRef": reference("Account"),
        "DepositToAccountRef": reference("Account"),
        "PaymentMethodRef": reference("PaymentMethod"),
        "PaymentRefNum": queried(text(21)),
        "PrivateNote": text(4000),
        "CurrencyRef": reference(),
        "ExchangeRate": number(),
        "TotalAmt": queried(number()),
        "UnappliedAmt": queried(read_only(number())),
        "HomeTotalAmt": read_only(number()),
        "ProcessPayment": boolean(),
        "CreditCardPayment": anything(),
        "TransactionLocationType": text(),
        "TaxExemptionRef": read_only(reference()),
        "TxnStatus": text(),
        "LinkedTxn": read_only(LINKED_TXN),
        "Line": listing(
            Id=text(), LineNum=number(), Amount=number(), LinkedTxn=LINKED_TXN, LineEx=anything()
        ),
    },
)
