"""Lists: unique names, paths of parents, and what becomes of an entry that is made inactive."""

from decimal import Decimal

from sandbox.draft import Draft
from sandbox.entities import SPECS, Spec
from sandbox.errors import bad_characters, bad_value, business, duplicate_name, missing
from sandbox.rules.accounts import finish_account
from sandbox.rules.references import resolve
from sandbox.rules.saving import merged, require
from sandbox.tables import unique_name
from sandbox.values import Document

DELETED_MARK = " (deleted)"
LEVEL_MAX = 5
TERM_DAYS_MAX = 999
FORBIDDEN = (":", "\t", "\n")
#: How a nested entry says that it is one.
NESTED_SWITCH = {
    "Customer": "Job",
    "Item": "SubItem",
    "Account": "SubAccount",
    "Class": "SubClass",
    "Department": "SubDepartment",
}
SELLABLE = ("Service", "NonInventory", "Inventory")


def save_entry(
    draft: Draft, spec: Spec, body: Document, *, old: Document | None, is_sparse: bool
) -> Document:
    """Create or update one list entry."""
    entry = merged(spec, old, resolve(draft, body, spec.fields), is_sparse=is_sparse)
    entry.setdefault("Active", True)
    if spec.name == "Customer":
        _finish_customer(draft, entry)
    elif spec.namespace == "people":
        _finish_person(draft, entry)
    elif spec.name == "Account":
        finish_account(draft, entry, old)
    require(spec, entry)
    _check_characters(spec, entry)
    _nest(draft, spec, entry)
    _mark_inactive(spec, entry, old)
    if spec.name == "Item":
        _finish_item(entry)
    if spec.name == "Term":
        _finish_term(entry)
    _refuse_taken_name(draft, spec, entry)
    saved = draft.create(spec.name, entry) if old is None else draft.put(spec.name, entry)
    if old is not None and old.get("FullyQualifiedName") != saved.get("FullyQualifiedName"):
        _rename_below(draft, spec, saved)
    return saved


def add_project(draft: Draft, *, customer_id: str, name: str, project_id: str) -> Document:
    """Make a project, as QuickBooks' own pages do: a job of the customer with `IsProject` and a
    project id of its own.
    """
    body = {"DisplayName": name, "ParentRef": {"value": customer_id}, "Job": True}
    entry = save_entry(draft, SPECS["Customer"], body, old=None, is_sparse=False)
    return draft.put("Customer", {**entry, "IsProject": True, "_project_id": project_id})


def merge_customers(draft: Draft, *, kept_id: str, merged_id: str) -> Document:
    """Let one customer go into another, as QuickBooks' own pages do: its documents name the other
    from then on, and it becomes inactive. Return the one that stays.

    Raises:
        Fault: it is the same one, or has customers below it.
    """
    kept, merged = draft.get("Customer", kept_id), draft.get("Customer", merged_id)
    if kept_id == merged_id or draft.tables.children("Customer", merged_id):
        raise business(f"{merged['DisplayName']} cannot be merged", element="Customer")
    is_quiet = not draft.settings.merge_touches_documents
    for entity in SPECS:
        for id in draft.tables.of_customer(entity, merged_id):
            moved = {**draft.get(entity, id), "CustomerRef": _reference(kept)}
            draft.put(entity, moved, is_quiet=is_quiet)
    gone = {**merged, "Active": False}
    _mark_inactive(SPECS["Customer"], gone, merged)
    draft.put("Customer", gone)
    return draft.put("Customer", kept, operation="Merge", merged_id=merged_id)


def _reference(entry: Document) -> Document:
    return {"value": entry["Id"], "name": entry["DisplayName"]}


def _finish_person(draft: Draft, entry: Document) -> None:
    """Give a person or company on the name list the name under which it is found."""
    if not entry.get("DisplayName"):
        parts = [
            entry.get(part) for part in ("Title", "GivenName", "MiddleName", "FamilyName", "Suffix")
        ]
        said = " ".join(part for part in parts if part) or entry.get("CompanyName")
        if not said:
            raise missing("DisplayName")
        entry["DisplayName"] = said
    entry.setdefault("PrintOnCheckName", entry["DisplayName"])


def _finish_customer(draft: Draft, entry: Document) -> None:
    _finish_person(draft, entry)
    entry.setdefault("Taxable", True)
    entry.setdefault("BillWithParent", False)
    entry.setdefault("PreferredDeliveryMethod", "Print")
    entry.setdefault("IsProject", False)
    currency = (draft.preferences().get("CurrencyPrefs") or {}).get("HomeCurrency") or {
        "value": "USD"
    }
    entry.setdefault("CurrencyRef", dict(currency))


def _check_characters(spec: Spec, entry: Document) -> None:
    name = entry[spec.name_field]
    if any(char in name for char in FORBIDDEN):
        raise bad_characters(spec.name_field, name)


def _nest(draft: Draft, spec: Spec, entry: Document) -> None:
    """Work out path and level from the parent."""
    switch = NESTED_SWITCH.get(spec.name)
    if switch is None:
        return
    parent_ref = entry.get("ParentRef")
    entry[switch] = parent_ref is not None
    if parent_ref is None:
        entry["FullyQualifiedName"] = entry[spec.name_field]
        entry.pop("Level", None)
        return
    parent = draft.get(spec.name, parent_ref["value"])
    level = int(parent.get("Level", 0)) + 1
    if level >= LEVEL_MAX or _is_below(draft, spec, parent, entry.get("Id")):
        raise business(
            f"{spec.name} {entry[spec.name_field]} cannot be nested there", element="ParentRef"
        )
    entry["Level"] = level
    entry["FullyQualifiedName"] = f"{parent['FullyQualifiedName']}:{entry[spec.name_field]}"


def _is_below(draft: Draft, spec: Spec, document: Document, id: str | None) -> bool:
    """Tell whether a list entry is, or lies below, the one with an id."""
    while document["Id"] != id:
        parent = document.get("ParentRef")
        if parent is None:
            return False
        document = draft.get(spec.name, parent["value"])
    return True


def _mark_inactive(spec: Spec, entry: Document, old: Document | None) -> None:
    """An inactive name makes room for another: QuickBooks writes "(deleted)" behind it."""
    name = entry[spec.name_field]
    was_active = old is None or old.get("Active", True)
    if was_active and not entry["Active"] and not name.endswith(DELETED_MARK):
        marked = f"{name}{DELETED_MARK}"
    elif entry["Active"] and name.endswith(DELETED_MARK):
        marked = name.removesuffix(DELETED_MARK)
    else:
        return
    entry[spec.name_field] = marked
    if "FullyQualifiedName" in entry:
        entry["FullyQualifiedName"] = entry["FullyQualifiedName"].removesuffix(name) + marked


def _finish_item(entry: Document) -> None:
    entry.setdefault("Type", "Service")
    entry.setdefault("Taxable", False)
    entry.setdefault("TrackQtyOnHand", False)
    if entry["Type"] in SELLABLE:
        entry.setdefault("UnitPrice", Decimal(0))
        if "IncomeAccountRef" not in entry:
            raise missing("IncomeAccountRef")
    if entry["Type"] == "Inventory" and not entry.get("QtyOnHand") and "InvStartDate" not in entry:
        raise bad_value("2020", "Inventory item", "InvStartDate", None)


def _finish_term(entry: Document) -> None:
    entry["Type"] = "DATE_DRIVEN" if "DayOfMonthDue" in entry else "STANDARD"
    for name in ("DueDays", "DiscountDays", "DayOfMonthDue", "DiscountDayOfMonth"):
        most = TERM_DAYS_MAX if name.endswith("Days") else 31
        if not 0 <= entry.get(name, 0) <= most:
            raise bad_value("2090", "Number", name, entry[name])


def _refuse_taken_name(draft: Draft, spec: Spec, entry: Document) -> None:
    name = unique_name(spec.name, entry)
    holder = draft.tables.holder_of_name(spec.namespace, name)
    if holder is not None and holder != entry.get("Id"):
        raise duplicate_name(name)


def _rename_below(draft: Draft, spec: Spec, parent: Document) -> None:
    for id in draft.tables.children(spec.name, parent["Id"]):
        child = draft.get(spec.name, id)
        path = f"{parent['FullyQualifiedName']}:{child[spec.name_field]}"
        level = int(parent.get("Level", 0)) + 1
        saved = draft.put(spec.name, {**child, "FullyQualifiedName": path, "Level": level})
        _rename_below(draft, spec, saved)
