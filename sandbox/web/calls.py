"""Reads an HTTP request under `/v3/company/{realm}/` into a Call, and carries a Call out on a
company's books.
"""

from dataclasses import dataclass, field

from sandbox.books import Books, month_of
from sandbox.company import Company
from sandbox.entities import Family, spec_at
from sandbox.errors import Fault, missing, unsupported
from sandbox.meter import Meter
from sandbox.pdf import form_pdf
from sandbox.values import Document, loads

#: Operations that Intuit meters and charges for (CorePlus).
METERED = ("read", "query", "cdc", "pdf")
WRITES = ("create", "update", "void", "delete", "send")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One thing that a client wants of a company."""

    realm_id: str
    operation: str  #: create, update, void, delete, send, read, query, cdc or pdf
    entity: str = ""  #: as it stands in the address, lower case
    id: str = ""
    body: Document = field(default_factory=dict)
    statement: str = ""
    since: str = ""
    send_to: str | None = None
    request_id: str | None = None
    options: frozenset[str] = frozenset()


def read_call(
    realm_id: str, rest: str, *, method: str, params: dict[str, str], content: bytes
) -> Call:
    """Read an address, its parameters and its body.

    Raises:
        Fault: there is no such operation, or the body does not read.
    """
    parts = [part for part in rest.split("/") if part]
    match (method, parts):
        case ("GET", ["query"]):
            return Call(
                realm_id=realm_id, operation="query", statement=_statement(params.get("query", ""))
            )
        case ("POST", ["query"]):
            statement = content.decode(errors="replace") or params.get("query", "")
            return Call(realm_id=realm_id, operation="query", statement=_statement(statement))
        case ("GET", ["cdc"]):
            entities, since = params.get("entities", ""), params.get("changedSince", "")
            return Call(realm_id=realm_id, operation="cdc", entity=entities, since=since)
        case ("GET", [entity]) if _is_single(entity):
            return _call(realm_id, "read", entity, params, id="1")
        case ("GET", [entity, id]):
            return _call(realm_id, "read", entity, params, id=id)
        case ("GET", [entity, id, "pdf"]):
            return _call(realm_id, "pdf", entity, params, id=id)
        case ("POST", [entity, id, "send"]):
            return _call(realm_id, "send", entity, params, id=id)
        case ("POST", [entity]):
            return _write_call(realm_id, entity, params, _body(content))
    raise unsupported("/".join(parts) or "nothing")


def carry_out(
    call: Call, books: Books, meter: Meter, *, actor: str, notify: bool
) -> Document | bytes:
    """Do what a call asks; a PDF comes as bytes, everything else in its envelope.

    Raises:
        Fault: QuickBooks refuses.
    """
    company = books.companies[call.realm_id]
    with books.lock:
        answer = _done(company, call, actor, notify=notify)
    if call.operation in METERED:
        meter.count_read(call.realm_id, month_of(books.clock.now()))
    return answer


def _done(company: Company, call: Call, actor: str, *, notify: bool) -> Document | bytes:
    match call.operation:
        case "read":
            return company.read(call.entity, call.id, options=call.options)
        case "query":
            return company.query(call.statement)
        case "cdc":
            return company.changes(call.entity, call.since)
        case "pdf":
            return _pdf(company, call)
        case "send":
            return company.send(
                call.entity,
                call.id,
                actor=actor,
                send_to=call.send_to,
                request_id=call.request_id,
                notify=notify,
            )
        case "void":
            return company.void(
                call.entity, call.body, actor=actor, request_id=call.request_id, notify=notify
            )
        case "delete":
            return company.delete(
                call.entity, call.body, actor=actor, request_id=call.request_id, notify=notify
            )
    return company.save(
        call.entity,
        call.body,
        actor=actor,
        request_id=call.request_id,
        options=call.options,
        notify=notify,
    )


def _pdf(company: Company, call: Call) -> bytes:
    spec = spec_at(call.entity)
    if spec is None or not spec.can_send:
        raise unsupported(f"pdf {call.entity}")
    document = company.read(spec.name, call.id)[spec.name]
    return form_pdf(spec.name, document, company_name=company.name)


def _call(realm_id: str, operation: str, entity: str, params: dict[str, str], *, id: str) -> Call:
    return Call(
        realm_id=realm_id,
        operation=operation,
        entity=entity.lower(),
        id=id,
        send_to=params.get("sendTo") or None,
        request_id=params.get("requestid") or None,
        options=_options(params),
    )


def _write_call(realm_id: str, entity: str, params: dict[str, str], body: Document) -> Call:
    wish = params.get("operation", "").lower()
    options = _options(params)
    if wish in ("delete", "void"):
        operation = wish
    elif wish in ("", "update", "create"):
        operation = (
            "void"
            if "void" in options
            else "update"
            if body.get("Id") or _is_single(entity)
            else "create"
        )
    else:
        raise unsupported(wish)
    return Call(
        realm_id=realm_id,
        operation=operation,
        entity=entity.lower(),
        body=body,
        request_id=params.get("requestid") or None,
        options=options,
    )


def _options(params: dict[str, str]) -> frozenset[str]:
    return frozenset(
        part.strip().lower() for part in params.get("include", "").split(",") if part.strip()
    )


def _is_single(entity: str) -> bool:
    spec = spec_at(entity)
    return spec is not None and spec.family is Family.SINGLE


def _statement(text: str) -> str:
    if not text.strip():
        raise missing("query")
    return text.strip()


def _body(content: bytes) -> Document:
    try:
        body = loads(content)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Fault(
            "2010",
            "Request has invalid or unsupported property",
            "Property Name:Can not parse the request body as a JSON object",
        )
    return body
