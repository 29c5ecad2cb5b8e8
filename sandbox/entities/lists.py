"""The lists that sales forms point to: customers, items, accounts, classes, terms, tax."""

from sandbox.entities.spec import COMMON, Family, Spec, address, email
from sandbox.schema import (
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

PHONE = record(FreeFormNumber=text(30))
ACTIVE = queried(boolean())
FULL_NAME = queried(read_only(text()))

CUSTOMER = Spec(
    name="Customer",
    family=Family.NAME,
    required=("DisplayName",),
    name_field="DisplayName",
    namespace="people",
    fields={
        **COMMON,
        "DisplayName": queried(text(500)),
        "Title": text(16),
        "GivenName": queried(text(100)),
        "MiddleName": queried(text(100)),
        "FamilyName": queried(text(100)),
        "Suffix": text(16),
        "FullyQualifiedName": FULL_NAME,
        "CompanyName": queried(text(100)),
        "PrintOnCheckName": queried(text(110)),
        "Active": ACTIVE,
        "Job": queried(boolean()),
        "IsProject": read_only(boolean()),
        "ParentRef": reference("Customer"),
        "RootCustomerRef": read_only(reference()),
        "ClientEntityId": read_only(text()),
        "Level": read_only(number()),
        "BillWithParent": boolean(),
        "PrimaryEmailAddr": email(100),
        "PrimaryPhone": PHONE,
        "AlternatePhone": PHONE,
        "Mobile": PHONE,
        "Fax": PHONE,
        "WebAddr": record(URI=text(1000)),
        "BillAddr": address(),
        "ShipAddr": address(),
        "Notes": text(2000),
        "Taxable": queried(boolean()),
        "DefaultTaxCodeRef": reference("TaxCode"),
        "TaxExemptionReasonId": text(),
        "ResaleNum": text(16),
        "BusinessNumber": text(10),
        "PrimaryTaxIdentifier": text(20),
        "SecondaryTaxIdentifier": text(20),
        "SalesTermRef": reference("Term"),
        "PaymentMethodRef": reference(),
        "ARAccountRef": reference("Account"),
        "CurrencyRef": reference(),
        "CustomerTypeRef": reference(),
        "PreferredDeliveryMethod": text(),
        "Balance": queried(read_only(number())),
        "BalanceWithJobs": read_only(number()),
        "OpenBalanceDate": day(),
        "Source": text(),
        "V4IDPseudonym": read_only(text()),
    },
)

ITEM = Spec(
    name="Item",
    family=Family.NAME,
    required=("Name",),
    name_field="Name",
    namespace="Item",
    fields={
        **COMMON,
        "Name": queried(text(100)),
        "Sku": queried(text(100)),
        "Description": text(4000),
        "Active": ACTIVE,
        "SubItem": boolean(),
        "ParentRef": reference("Item"),
        "Level": read_only(number()),
        "FullyQualifiedName": FULL_NAME,
        "Taxable": boolean(),
        "SalesTaxIncluded": boolean(),
        "UnitPrice": queried(number()),
        "RatePercent": number(),
        "Type": queried(
            choice("Service", "NonInventory", "Inventory", "Group", "Category", "Bundle")
        ),
        "IncomeAccountRef": reference("Account"),
        "PurchaseDesc": text(1000),
        "PurchaseTaxIncluded": boolean(),
        "PurchaseCost": number(),
        "ExpenseAccountRef": reference("Account"),
        "COGSAccountRef": reference("Account"),
        "AssetAccountRef": reference("Account"),
        "PrefVendorRef": reference(),
        "SalesTaxCodeRef": reference("TaxCode"),
        "PurchaseTaxCodeRef": reference("TaxCode"),
        "TaxClassificationRef": reference(),
        "TrackQtyOnHand": boolean(),
        "QtyOnHand": number(),
        "InvStartDate": day(),
        "ReorderPoint": number(),
        "DeferredRevenue": boolean(),
        "AbatementRate": number(),
        "ReverseChargeRate": number(),
        "ServiceType": text(),
        "ItemCategoryType": text(),
        "ClassRef": reference("Class"),
        "Source": text(),
        "PrintGroupedItems": boolean(),
        "ItemGroupDetail": record(
            ItemGroupLine=listing(ItemRef=reference("Item"), Qty=number(), UOMRef=reference())
        ),
    },
)

ACCOUNT = Spec(
    name="Account",
    family=Family.NAME,
    required=("Name",),
    name_field="Name",
    namespace="Account",
    fields={
        **COMMON,
        "Name": queried(text(100)),
        "SubAccount": queried(boolean()),
        "ParentRef": reference("Account"),
        "FullyQualifiedName": FULL_NAME,
        "Description": text(4000),
        "Active": ACTIVE,
        "Classification": queried(text()),
        "AccountType": queried(text()),
        "AccountSubType": queried(text()),
        "AcctNum": text(20),
        "CurrentBalance": queried(read_only(number())),
        "CurrentBalanceWithSubAccounts": read_only(number()),
        "CurrencyRef": reference(),
        "TaxCodeRef": reference("TaxCode"),
        "AccountAlias": text(),
        "TxnLocationType": text(),
    },
)


def _small_list(name: str, switch: str) -> Spec:
    """Return a list of names that can nest: Class and Department."""
    return Spec(
        name=name,
        family=Family.NAME,
        required=("Name",),
        name_field="Name",
        namespace=name,
        fields={
            **COMMON,
            "Name": queried(text(100)),
            switch: queried(boolean()),
            "ParentRef": reference(name),
            "FullyQualifiedName": FULL_NAME,
            "Active": ACTIVE,
            "Address": address(),
        },
    )


CLASS = _small_list("Class", "SubClass")
DEPARTMENT = _small_list("Department", "SubDepartment")

TERM = Spec(
    name="Term",
    family=Family.NAME,
    required=("Name",),
    name_field="Name",
    namespace="Term",
    fields={
        **COMMON,
        "Name": queried(text(31)),
        "Active": ACTIVE,
        "Type": read_only(text()),
        "DueDays": number(),
        "DiscountDays": number(),
        "DiscountPercent": number(),
        "DayOfMonthDue": number(),
        "DueNextMonthDays": number(),
        "DiscountDayOfMonth": number(),
    },
)

RATE_LIST = record(
    TaxRateDetail=listing(
        TaxRateRef=reference("TaxRate"), TaxTypeApplicable=text(), TaxOrder=number()
    )
)

TAX_CODE = Spec(
    name="TaxCode",
    family=Family.TAX,
    name_field="Name",
    namespace="TaxCode",
    has_cdc=False,
    fields={
        **COMMON,
        "Name": queried(text(100)),
        "Description": text(100),
        "Active": ACTIVE,
        "Hidden": boolean(),
        "Taxable": boolean(),
        "TaxGroup": boolean(),
        "TaxCodeConfigType": text(),
        "SalesTaxRateList": RATE_LIST,
        "PurchaseTaxRateList": RATE_LIST,
    },
)

TAX_RATE = Spec(
    name="TaxRate",
    family=Family.TAX,
    name_field="Name",
    namespace="TaxRate",
    has_cdc=False,
    fields={
        **COMMON,
        "Name": queried(text(100)),
        "Description": text(100),
        "Active": ACTIVE,
        "RateValue": number(),
        "AgencyRef": reference(),
        "TaxReturnLineRef": reference(),
        "SpecialTaxType": text(),
        "DisplayType": text(),
        "EffectiveTaxRate": anything(),
        "OriginalTaxRate": text(),
    },
)
