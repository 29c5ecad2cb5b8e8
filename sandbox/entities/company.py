"""Preferences and CompanyInfo: one of each per company."""

from sandbox.entities.spec import COMMON, Family, Spec, address, email
from sandbox.schema import (
    anything,
    boolean,
    day,
    group,
    listing,
    queried,
    read_only,
    record,
    reference,
    text,
)

SALES_FORMS = group(
    CustomTxnNumbers=boolean(),
    AllowDeposit=boolean(),
    AutoApplyCredit=boolean(),
    ETransactionPaymentEnabled=boolean(),
    DefaultTerms=reference("Term"),
    CustomField=listing(
        CustomField=listing(Name=text(), Type=text(), StringValue=text(31), BooleanValue=boolean())
    ),
)

TAX = group(
    UsingSalesTax=boolean(), PartnerTaxEnabled=boolean(), TaxGroupCodeRef=reference("TaxCode")
)

PREFERENCES = Spec(
    name="Preferences",
    family=Family.SINGLE,
    fields={
        **COMMON,
        # Only what rules read is named: QuickBooks adds to these groups all the time.
        "AccountingInfoPrefs": group(BookCloseDate=day()),
        "ProductAndServicesPrefs": group(),
        "SalesFormsPrefs": SALES_FORMS,
        "EmailMessagesPrefs": group(),
        "VendorAndPurchasesPrefs": group(),
        "TimeTrackingPrefs": group(),
        "TaxPrefs": TAX,
        "CurrencyPrefs": group(HomeCurrency=reference(), MultiCurrencyEnabled=boolean()),
        "ReportPrefs": group(),
        "OtherPrefs": group(),
    },
)

COMPANY_INFO = Spec(
    name="CompanyInfo",
    family=Family.SINGLE,
    fields={
        **COMMON,
        "CompanyName": queried(text(1024)),
        "LegalName": text(1024),
        "CompanyAddr": address(),
        "CustomerCommunicationAddr": address(),
        "LegalAddr": address(),
        "CustomerCommunicationEmailAddr": email(100),
        "PrimaryPhone": record(FreeFormNumber=text(30)),
        "CompanyStartDate": text(),
        "EmployerId": text(),
        "FiscalYearStartMonth": text(),
        "Country": text(),
        "Email": email(100),
        "WebAddr": record(URI=text(1000)),
        "SupportedLanguages": text(),
        "DefaultTimeZone": read_only(text()),
        "NameValue": anything(),
    },
)
