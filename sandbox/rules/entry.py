"""The way into the rules: which document a body means, and which rule saves it."""

from sandbox.draft import Draft
from sandbox.entities import Family, Spec
from sandbox.errors import bad_id, missing, stale, unsupported
from sandbox.rules.forms import save_form
from sandbox.rules.names import save_entry
from sandbox.rules.payments import save_payment
from sandbox.rules.plain import save_plain
from sandbox.rules.single import save_single
from sandbox.rules.special import inner_of, save_attachable, save_rate, save_template
from sandbox.schema import clean
from sandbox.values import Document


def current(draft: Draft, spec: Spec, body: Document) -> Document:
    """Return the document that a body means, if the body knows its latest version.

    Of a recurring transaction the body may be wrapped in its kind, as QuickBooks shows it.

    Raises:
        Fault: 2020 or 2030 without proper Id and SyncToken, 610 it is gone, 5010 somebody saved
            first.
    """
    if spec.family is Family.RECURRING and "Id" not in body:
        body = inner_of(body)[1]
    id = "1" if spec.family is Family.SINGLE else body.get("Id")
    token = body.get("SyncToken")
    if id in (None, ""):
        raise missing("Id")
    if not str(id).isdigit():
        raise bad_id(id)
    document = draft.get(spec.name, str(id))
    if token in (None, ""):
        raise missing("SyncToken")
    if str(token) != document["SyncToken"]:
        raise stale(draft.tables.actors.get((spec.name, str(id)), "another user"))
    return document


def save(draft: Draft, spec: Spec, body: Document, *, options: frozenset[str]) -> str:
    """Create what a body describes, or update what it means; return its id.

    Raises:
        Fault: whatever QuickBooks has against it.
    """
    if spec.family is Family.RECURRING:
        return _save_template(draft, spec, body)
    is_update = body.get("Id") or spec.family is Family.SINGLE
    old = current(draft, spec, body) if is_update else None
    sent = clean(spec.name, body, spec.fields, is_open=spec.is_open)
    is_sparse = str(body.get("sparse", False)).lower() == "true"
    match spec.family:
        case Family.SALES:
            saved = save_form(draft, spec, sent, old=old, is_sparse=is_sparse, options=options)
        case Family.PAYMENT:
            saved = save_payment(draft, spec, sent, old=old, is_sparse=is_sparse)
        case Family.NAME:
            saved = save_entry(draft, spec, sent, old=old, is_sparse=is_sparse)
        case Family.PLAIN:
            saved = save_plain(draft, spec, sent, old=old, is_sparse=is_sparse)
        case Family.FILE:
            saved = save_attachable(draft, spec, sent, old=old, is_sparse=is_sparse)
        case Family.RATE:
            saved = save_rate(draft, spec, sent)
        case Family.SINGLE if old is not None:
            saved = save_single(draft, spec, sent, old=old)
        case _:
            raise unsupported(f"save {spec.name}")
    return str(saved["Id"])


def _save_template(draft: Draft, spec: Spec, body: Document) -> str:
    kind, inner = inner_of(body)
    old = current(draft, spec, inner) if inner.get("Id") else None
    return str(save_template(draft, spec, kind, inner, old=old)["Id"])
