"""`sandbox act ...` and `sandbox fault ...`: people and trouble for a running sandbox."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from sync.cli.attach import DataOption, JsonOption, WrongUse, print_json

FindUrl = Callable[[str | None, Path | None], str]

SandboxUrl = Annotated[str | None, typer.Option("--url", help="the sandbox's address")]
RealmOption = Annotated[str | None, typer.Option("--realm", help="the company; the first if none")]
#: Verbs whose second word is an amount.
WITH_AMOUNT = ("pay",)


def add_commands(commands: typer.Typer, *, find_url: FindUrl) -> None:
    """Add these commands to `sandbox`.

    Args:
        find_url: gives the address of the sandbox that is meant.
    """

    @commands.command()
    def act(
        verb: Annotated[
            str,
            typer.Argument(
                help="pay, accept, reject, edit, void, delete, send, convert, deposit, bounce, "
                "merge, close-books"
            ),
        ],
        words: Annotated[
            list[str] | None,
            typer.Argument(
                help="a document (1042, invoice:1042, payment:#118), then what it needs"
            ),
        ] = None,
        realm: RealmOption = None,
        actor: Annotated[str | None, typer.Option("--as", help="the name in the history")] = None,
        url: SandboxUrl = None,
        data: DataOption = None,
        as_json: JsonOption = False,
    ) -> None:
        """Let a customer or bookkeeper act: `act pay 2011 500`, `act edit 1042 PrivateNote=late`,
        `act close-books 2026-03-31`.
        """
        wishes = {"verb": verb, **_wishes(verb, words or [])}
        if realm:
            wishes["realm_id"] = realm
        if actor:
            wishes["actor"] = actor
        answer = _ask("POST", f"{find_url(url, data)}/sandbox/act", wishes)
        if as_json:
            print_json(answer)
        else:
            print(_sentence(verb, answer))

    @commands.command()
    def fault(
        kind: Annotated[str, typer.Argument(help="show, clear, or the kind of fault to arm")],
        wishes: Annotated[
            list[str] | None,
            typer.Argument(help="entity=invoice operation=create count=2 rate=0.5 seed=7 ..."),
        ] = None,
        url: SandboxUrl = None,
        data: DataOption = None,
        as_json: JsonOption = False,
    ) -> None:
        """Arm a fault: `fault commit_then_504 entity=invoice operation=create count=2`."""
        address = f"{find_url(url, data)}/sandbox/faults"
        if kind == "show":
            answer = _ask("GET", address)
        elif kind == "clear":
            answer = _ask("DELETE", address)
        else:
            answer = _ask("POST", address, {"kind": kind, **_fields(wishes or [])})
        if as_json:
            print_json(answer)
        else:
            print(json.dumps(answer, indent=2))


def _ask(method: str, url: str, body: dict[str, Any] | None = None) -> Any:
    """Ask the sandbox, and give its own reason where it refuses."""
    try:
        answer = httpx.request(method, url, json=body, timeout=10, trust_env=False)
    except httpx.HTTPError as exc:
        raise WrongUse(f"the sandbox does not answer: {exc}", code="sandbox") from None
    if answer.status_code >= 400:
        try:
            reason = str(answer.json()["error"])
        except (ValueError, KeyError, TypeError):
            reason = f"it answers {answer.status_code}"
        raise WrongUse(f"the sandbox does not do that: {reason}", code="sandbox")
    return answer.json()


def _wishes(verb: str, words: list[str]) -> dict[str, Any]:
    """Read the words behind a verb: a document or a day, an amount, fields with their values."""
    if verb == "close-books":
        return {"on": words[0]} if words else {}
    if not words:
        raise WrongUse(f"say which document to {verb}", code="document")
    found: dict[str, Any] = {"document": words[0]}
    fields: dict[str, Any] = {}
    for word in words[1:]:
        if "=" in word:
            fields.update(_fields([word]))
        elif verb in WITH_AMOUNT:
            found["amount"] = word
        else:
            raise WrongUse(f"{word!r} is not a field with its value: NAME=VALUE", code="field")
    for name in ("amount", "on", "by", "into", "send_to"):
        if name in fields:
            found[name] = str(fields.pop(name))
    if fields:
        found["set"] = fields
    return found


def _fields(words: list[str]) -> dict[str, Any]:
    """Read NAME=VALUE; a value that is JSON counts as such."""
    fields: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise WrongUse(f"{word!r} is not NAME=VALUE", code="field")
        try:
            fields[name] = json.loads(value)
        except ValueError:
            fields[name] = value
    return fields


def _sentence(verb: str, answer: dict[str, Any]) -> str:
    for entity, document in answer.items():
        if isinstance(document, dict) and "Id" in document:
            number = document.get("DocNumber") or f"#{document['Id']}"
            total = f", total {document['TotalAmt']}" if "TotalAmt" in document else ""
            return f"{verb}: {entity} {number}{total}"
    return verb
