"""Reads an HTTP request under `/v3/company/{realm}/` into a Call, and carries a Call out on a
company's books.
"""

from collections.abc import Callable

from sandbox.books import Books, month_of
from sandbox.clock import answer_time
from sandbox.company import Company
from sandbox.entities import Family, spec_at
from sandbox.errors import Fault, missing, unsupported
from sandbox.meter import Meter
from sandbox.pdf import form_pdf
from sandbox.values import Document, loads
from sandbox.web.batch import read_batch, run_batch
from sandbox.web.call import Call
from sandbox.web.upload import read_uploads


def read_call(
    realm_id: str,
    rest: str,
    *,
    method: str,
    params: dict[str, str],
    content: bytes,
    content_type: str = "",
) -> Call:
    """Read an address, its parameters and its body.

    Raises:
        Fault: there is no such operation, or the body does not read.
    """
    parts = [part for part in rest.split("/") if part]
    if parts:
        parts[0] = parts[0].lower()
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
        case ("GET", ["download", id]):
            return _call(realm_id, "download", "attachable", params, id=id)
        case ("GET", [entity, id]):
            return _call(realm_id, "read", entity, params, id=id)
        case ("GET", [entity, id, "pdf"]):
            return _call(realm_id, "pdf", entity, params, id=id)
        case ("POST", [entity, id, "send"]):
            return _call(realm_id, "send", entity, params, id=id)
        case ("POST", ["upload"]):
            return Call(
                realm_id=realm_id,
                operation="upload",
                entity="attachable",
                content=content,
                content_type=content_type,
                request_id=params.get("requestid") or None,
            )
        case ("POST", ["batch"]):
            return _sent(realm_id, "batch", "batch", params, content)
        case ("POST", ["taxservice", code]) if code.lower() == "taxcode":
            return _sent(realm_id, "taxservice", "taxcode", params, content)
        case ("POST", [entity]):
            return _write_call(realm_id, entity, params, _body(content))
    raise unsupported("/".join(parts) or "nothing")


def carry_out(
    call: Call,
    books: Books,
    meter: Meter,
    *,
    actor: str,
    notify: bool,
    lag_s: float = 0,
    before_item: Callable[[Call], None] = lambda _: None,
) -> Document | bytes:
    """Do what a call asks; a PDF comes as bytes, everything else in its envelope.

    Args:
        notify: False loses the webhook events of a change.
        lag_s: queries do not see what is younger than this, books' time.
        before_item: called with every item of a batch; a Fault that it raises is the item's answer.

    Raises:
        Fault: QuickBooks refuses.
    """
    company = books.companies[call.realm_id]
    lag_s = max(lag_s, books.settings.query_lag_s)

    def perform(one: Call) -> Document | bytes:
        answer = _done(company, one, actor, notify=notify, lag_s=lag_s)
        if one.operation in books.settings.metered.split(","):
            meter.count_read(one.realm_id, month_of(books.clock.now()))
        return answer

    def perform_item(one: Call) -> Document:
        before_item(one)
        answer = perform(one)
        return answer if isinstance(answer, dict) else {}

    with books.lock:
        if call.operation != "batch":
            return perform(call)
        items = read_batch(
            call.body, request_id=call.request_id, items_max=books.settings.batch_items_max
        )
        answers = run_batch(
            items[::-1] if books.settings.batch_reversed else items,
            realm_id=call.realm_id,
            request_id=call.request_id,
            perform=perform_item,
        )
        return {"BatchItemResponse": answers, "time": answer_time(books.clock.now())}


def _done(
    company: Company, call: Call, actor: str, *, notify: bool, lag_s: float
) -> Document | bytes:
    match call.operation:
        case "read":
            return company.read(call.entity, call.id, options=call.options)
        case "query":
            return company.query(call.statement, lag_s=lag_s)
        case "cdc":
            return company.changes(call.entity, call.since)
        case "pdf":
            return _pdf(company, call)
        case "download":
            # Where the file is, as text; whoever asks there gets it without a token.
            company.file_of(call.id)
            return f"/sandbox/files/{call.realm_id}/{call.id}".encode()
        case "upload":
            return _uploaded(company, call, actor)
        case "taxservice":
            return company.make_tax_code(call.body, actor=actor, request_id=call.request_id)
        case _:
            return _written(company, call, actor, notify=notify)


def _written(company: Company, call: Call, actor: str, *, notify: bool) -> Document:
    match call.operation:
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


def _uploaded(company: Company, call: Call, actor: str) -> Document:
    rows: list[Document] = []
    for number, upload in enumerate(read_uploads(call.content, call.content_type)):
        request_id = f"{call.request_id}:{number}"[:50] if call.request_id else None
        answer = company.attach(
            upload.metadata,
            content=upload.content,
            content_type=upload.content_type,
            file_name=upload.file_name,
            actor=actor,
            request_id=request_id,
        )
        rows.append({"Attachable": answer["Attachable"]})
    return {"AttachableResponse": rows, "time": answer_time(company.clock.now())}


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


def _sent(
    realm_id: str, operation: str, entity: str, params: dict[str, str], content: bytes
) -> Call:
    return Call(
        realm_id=realm_id,
        operation=operation,
        entity=entity,
        body=_body(content),
        request_id=params.get("requestid") or None,
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
