"""Describes the sandbox's API as OpenAPI, for fuzzers:

    python -m tests.sandbox_openapi REALM > api.json

The description is made from the entities' own tables of fields, loosely: every field may also be of
another type than it should, for it is the answers to nonsense that a fuzzer is after.
"""

import json
import sys
from typing import Any

from sandbox.entities import SPECS, Spec
from sandbox.people import VERBS
from sandbox.schema import Field, Fields, Kind

Schema = dict[str, Any]

DEPTH_MAX = 2
IDS = ["1", "2", "3", "101", "102", "103", "104", "105", "110", "115", "120", "TAX", "NON", "x", ""]
WORDS: list[Any] = [
    "",
    "1",
    "a:b",
    "0",
    "-1",
    "1e400",
    "2026-02-30",
    "2026-03-01",
    None,
    True,
    "\t",
]
STATEMENTS = (
    "select * from {0}",
    "select count(*) from {0} where Id in ('1','2')",
    "select Id, MetaData.CreateTime from {0} where Active = true orderby Id desc startposition 1",
    "select * from {0} where TxnDate >= '2026-01-01' and TotalAmt > 1 maxresults 1001",
    "select * from {0} where DocNumber like '%1%' order by TxnDate",
    "select * from {0} where MetaData.LastUpdatedTime > 'never'",
)


def describe(realm_id: str) -> Schema:
    """Return the OpenAPI document of one company's API and the sandbox's own calls."""
    base = f"/v3/company/{realm_id}"
    paths: Schema = {}
    for spec in SPECS.values():
        paths[f"{base}/{spec.path}"] = {"post": _save(spec)}
        paths[f"{base}/{spec.path}/{{id}}"] = {"get": _call([_id()])}
        paths[f"{base}/{spec.path}/{{id}}/pdf"] = {"get": _call([_id()])}
        paths[f"{base}/{spec.path}/{{id}}/send"] = {"post": _call([_id(), _text("sendTo")])}
    paths[f"{base}/query"] = {"get": _call([_statement()]), "post": _call([], _query_body())}
    paths[f"{base}/cdc"] = {"get": _call([_text("entities"), _text("changedSince")])}
    paths[f"{base}/batch"] = {"post": _call([_text("requestid")], _json(_batch()))}
    paths[f"{base}/upload"] = {"post": _call([], {"multipart/form-data": {"schema": _files()}})}
    paths[f"{base}/taxservice/taxcode"] = {"post": _call([], _json(_tax_service()))}
    paths["/sandbox/act"] = {"post": _call([], _json(_act()))}
    paths["/sandbox/history"] = {"get": _call([_text("since"), _text("entity"), _text("limit")])}
    return {
        "openapi": "3.0.2",
        "info": {"title": "milestone-sync sandbox", "version": "1"},
        "paths": paths,
    }


def _save(spec: Spec) -> Schema:
    operation = {
        "name": "operation",
        "in": "query",
        "schema": {"enum": ["", "create", "update", "delete", "void", "melt"]},
    }
    body = _object(spec.fields, depth=0)
    body["required"] = list(spec.required)
    return _call([operation, _text("requestid"), _text("include")], _json(body))


def _object(fields: Fields, *, depth: int) -> Schema:
    names: Schema = {name: _field(known, depth=depth) for name, known in fields.items()}
    names["Id"] = {"enum": [*IDS, 1]}
    names["SyncToken"] = {"enum": ["0", "1", "2", 0, "", None]}
    return {"type": "object", "properties": names}


def _field(known: Field, *, depth: int) -> Schema:
    proper = _proper(known, depth=depth)
    return {"anyOf": [proper, {"enum": WORDS}]}


def _proper(known: Field, *, depth: int) -> Schema:
    match known.kind:
        case Kind.BOOL:
            return {"type": "boolean"}
        case Kind.NUMBER:
            return {"anyOf": [{"type": "number"}, {"enum": [0, 1, -1, 100, 1e15, "12.50", "1e9"]}]}
        case Kind.DATE:
            return {"enum": ["2026-01-31", "0001-01-01", "9999-12-31", "20260131", "2026-1-1"]}
        case Kind.REF:
            return {"type": "object", "properties": {"value": {"enum": [*IDS, 1]}}}
        case Kind.OBJECT | Kind.GROUP if depth < DEPTH_MAX:
            return _object(known.inside, depth=depth + 1)
        case Kind.LIST if depth < DEPTH_MAX:
            return {"type": "array", "maxItems": 4, "items": _object(known.inside, depth=depth + 1)}
        case Kind.TEXT if known.choices:
            return {"enum": sorted(known.choices)}
        case Kind.TEXT:
            return {"type": "string"}
    return {}


def _batch() -> Schema:
    entities = {name: {"type": "object"} for name in ("Invoice", "Customer", "Payment", "Bill")}
    item = {
        "type": "object",
        "properties": {
            "bId": {"enum": ["1", "2", 3, None, "a-long-item-id"]},
            "operation": {"enum": ["create", "update", "delete", "void", "send", None]},
            "optionsData": {"enum": ["void", "include=allowduplicatedocnum", None, 1]},
            "Query": {"enum": [row.format("Invoice") for row in STATEMENTS]},
            "CDCQuery": {"enum": [{}, {"Entities": "Invoice", "ChangedSince": "2026-01-01"}]},
            **entities,
        },
    }
    return {
        "type": "object",
        "properties": {"BatchItemRequest": {"type": "array", "maxItems": 40, "items": item}},
    }


def _tax_service() -> Schema:
    row = {
        "type": "object",
        "properties": {
            "TaxRateName": {"type": "string"},
            "TaxRateId": {"enum": [*IDS, 1]},
            "RateValue": {"anyOf": [{"type": "number"}, {"enum": WORDS}]},
            "TaxAgencyId": {"enum": [*IDS, 1]},
            "TaxApplicableOn": {"enum": ["Sales", "Purchase", "Moon"]},
        },
    }
    rows = {"anyOf": [{"type": "array", "maxItems": 3, "items": row}, {"enum": WORDS}]}
    return {
        "type": "object",
        "properties": {"TaxCode": {"type": "string"}, "TaxRateDetails": rows},
    }


def _files() -> Schema:
    return {
        "type": "object",
        "properties": {
            "file_metadata_01": {"type": "string"},
            "file_content_01": {"type": "string", "format": "binary"},
        },
    }


def _act() -> Schema:
    return {
        "type": "object",
        "properties": {
            "verb": {"enum": [*VERBS, "fly"]},
            "document": {"enum": ["1042", "invoice:1042", "#101", "payment:#103", "estimate:1043"]},
            "amount": {"anyOf": [{"type": "number"}, {"enum": WORDS}]},
            "set": {"type": "object"},
            "on": {"enum": ["2026-01-31", "2020-01-01", "soon", None]},
        },
        "required": ["verb"],
    }


def _statement() -> Schema:
    texts = [row.format(name) for row in STATEMENTS for name in SPECS]
    return {
        "name": "query",
        "in": "query",
        "schema": {"anyOf": [{"enum": texts}, {"type": "string"}]},
    }


def _query_body() -> Schema:
    return {"application/text": {"schema": {"type": "string"}}}


def _id() -> Schema:
    return {"name": "id", "in": "path", "required": True, "schema": {"enum": IDS[:-1]}}


def _text(name: str) -> Schema:
    return {"name": name, "in": "query", "schema": {"type": "string"}}


def _json(schema: Schema) -> Schema:
    return {"application/json": {"schema": schema}}


def _call(parameters: list[Schema], content: Schema | None = None) -> Schema:
    call: Schema = {"parameters": parameters, "responses": {"default": {"description": "any"}}}
    if content:
        call["requestBody"] = {"content": content, "required": True}
    return call


if __name__ == "__main__":
    json.dump(describe(sys.argv[1]), sys.stdout)
