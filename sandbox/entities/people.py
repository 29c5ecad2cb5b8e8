"""Further lists, all open: Vendor, Employee, PaymentMethod, TaxAgency, CompanyCurrency."""

from collections.abc import Mapping

from sandbox.entities.lists import ACTIVE, PHONE
from sandbox.entities.spec import COMMON, Family, Spec, address, email
from sandbox.schema import (
    Field,
    boolean,
    day,
    number,
    queried,
    read_only,
    record,
    reference,
    text,
)

PERSON: Mapping[str, Field] = {
    **COMMON,
    "DisplayName": queried(text(500)),
    "Title": text(16),
    "GivenName": queried(text(100)),
    "MiddleName": queried(text(100)),
    "FamilyName": queried(text(100)),
    "Suffix": text(16),
    "PrintOnCheckName": queried(text(110)),
    "Active": ACTIVE,
    "PrimaryPhone": PHONE,
    "Mobile": PHONE,
    "PrimaryEmailAddr": email(100),
}


def open_list(
    name: str,
    fields: Mapping[str, Field],
    *,
    name_field: str = "Name",
    namespace: str = "",
    has_cdc: bool = True,
) -> Spec:
    """Return a list whose entries keep what is not known of them."""
    return Spec(
        name=name,
        family=Family.NAME,
        fields=fields,
        required=(name_field,),
        name_field=name_field,
        namespace=namespace or name,
        has_cdc=has_cdc,
        is_open=True,
    )


VENDOR = open_list(
    "Vendor",
    {
        **PERSON,
        "CompanyName": queried(text(100)),
        "AcctNum": text(100),
        "TaxIdentifier": text(20),
        "Vendor1099": queried(boolean()),
        "AlternatePhone": PHONE,
        "Fax": PHONE,
        "WebAddr": record(URI=text(1000)),
        "BillAddr": address(),
        "TermRef": reference("Term"),
        "APAccountRef": reference("Account"),
        "CurrencyRef": reference(),
        "Balance": queried(read_only(number())),
        "BillRate": number(),
    },
    name_field="DisplayName",
    namespace="people",
)

EMPLOYEE = open_list(
    "Employee",
    {
        **PERSON,
        "PrimaryAddr": address(),
        "HiredDate": day(),
        "ReleasedDate": day(),
        "BirthDate": day(),
        "EmployeeNumber": text(100),
        "SSN": text(100),
        "BillableTime": boolean(),
        "BillRate": number(),
        "CostRate": number(),
    },
    name_field="DisplayName",
    namespace="people",
)

PAYMENT_METHOD = open_list(
    "PaymentMethod",
    {**COMMON, "Name": queried(text(31)), "Type": queried(text()), "Active": ACTIVE},
)

CUSTOMER_TYPE = open_list(
    "CustomerType", {**COMMON, "Name": queried(text(100)), "Active": ACTIVE}, has_cdc=False
)

TAX_AGENCY = open_list(
    "TaxAgency",
    {
        **COMMON,
        "DisplayName": queried(text(100)),
        "TaxRegistrationNumber": text(100),
        "TaxTrackedOnSales": boolean(),
        "TaxTrackedOnPurchases": boolean(),
        "LastFileDate": day(),
    },
    name_field="DisplayName",
    has_cdc=False,
)

COMPANY_CURRENCY = open_list(
    "CompanyCurrency",
    {**COMMON, "Code": queried(text(3)), "Name": queried(text(100)), "Active": ACTIVE},
    name_field="Code",
)
