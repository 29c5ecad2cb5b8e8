"""Preferences and CompanyInfo: one of each, only ever updated."""

from sandbox.draft import Draft
from sandbox.entities import Spec
from sandbox.rules.references import resolve
from sandbox.values import Document

#: What a client cannot turn on or off, group and name.
READ_ONLY = {("SalesFormsPrefs", "UsingProgressInvoicing")}


def save_single(draft: Draft, spec: Spec, body: Document, *, old: Document) -> Document:
    """Update the one Preferences or CompanyInfo; groups are merged name by name, whatever `sparse`
    says.
    """
    kept = dict(old)
    for name, value in resolve(draft, body, spec.fields).items():
        if value is None:
            kept.pop(name, None)
        elif isinstance(value, dict) and isinstance(old.get(name), dict):
            allowed = {key: part for key, part in value.items() if (name, key) not in READ_ONLY}
            merged = {**old[name], **allowed}
            kept[name] = {key: part for key, part in merged.items() if part is not None}
        else:
            kept[name] = value
    return draft.put(spec.name, kept)
