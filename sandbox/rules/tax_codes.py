"""The tax code of a line: TAX or NON in the US, a numbered code of the company elsewhere."""

from sandbox.draft import Draft
from sandbox.errors import Fault, business
from sandbox.values import Document

NO_RATE = "Make sure all your transactions have a GST/HST rate before you save."


def is_american(draft: Draft) -> bool:
    """Tell whether the company is taxed as in the US: by one code per form, TAX or NON on lines."""
    company = draft.find("CompanyInfo", "1") or {}
    return str(company.get("Country") or "US") in ("US", "USA")


def code_abroad(draft: Draft, code: Document | None) -> Document:
    """Return the tax code of a line as it is kept.

    Raises:
        Fault: 6000 there is none, 2500 it does not exist.
    """
    if code is None or not code["value"].isdigit():
        raise business(NO_RATE, element="TaxCodeRef")
    if draft.find("TaxCode", code["value"]) is None:
        raise Fault(
            "2500",
            "Invalid Reference Id",
            f"Invalid Reference Id : TaxCodeRef element id {code['value']} not found",
            element="TaxCodeRef",
        )
    return {"value": code["value"]}


def code_at_home(code: Document | None, item: Document) -> Document:
    """Return the tax code of a line of a US company; without one the item says.

    Raises:
        Fault: 6100 it is neither TAX nor NON.
    """
    code = code or {"value": "TAX" if item.get("Taxable") else "NON"}
    if code["value"] not in ("TAX", "NON"):
        raise Fault(
            "6100",
            "Invalid tax code",
            "Invalid tax code : lines of a US company take TAX or NON. "
            f"Supplied value:{code['value']}",
            element="TaxCodeRef",
        )
    return {"value": code["value"]}
