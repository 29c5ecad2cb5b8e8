"""What our writes in QuickBooks may never do, judged row by row from the sandbox's history.

A row is what `GET /sandbox/history` gives: seq, realm_id, actor, operation, entity, id, before,
after. `ours` is the actor under which our writes stand there; whoever else acts is a person.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from email.message import EmailMessage
from typing import Any

from tests.checker.mails import check_mails
from tests.checker.violation import Violation

Row = Mapping[str, Any]

_MARKER = re.compile(r"\s*(?:voided\b[\s:.,;-]*)*ms:(\d+)\.([\w-]+)\.(\d+)", re.I)
#: What QuickBooks works out by itself, and what other documents do to an invoice.
_WORKED_OUT = frozenset(
    {
        "SyncToken", "MetaData", "Balance", "TotalAmt", "HomeBalance", "HomeTotalAmt",
        "TxnTaxDetail", "LinkedTxn", "EmailStatus", "DeliveryInfo", "InvoiceLink", "domain",
        "sparse", "LineNum", "status", "RecurDataRef", "HomeAmtTotal", "AllowOnlinePayment",
    }
)  # fmt: skip
_GONE = "(gone)"


@dataclass(slots=True, kw_only=True)
class _Invoice:
    """One invoice of ours, as its history has it so far."""

    key: str  #: company and marker without the ordinal: `9341/7.m2`
    ordinal: int
    number: str
    is_live: bool = True
    taken_by: str = ""  #: the person who voided or deleted it
    edits: dict[str, Any] = field(default_factory=dict)  #: path -> the value a person gave it
    theirs: set[str] = field(default_factory=set)  #: ids of lines that people added
    is_money_edited: bool = False

    @property
    def marker(self) -> str:
        """Give company and marker, as they stand on the invoice."""
        return f"{self.key}.{self.ordinal}"


@dataclass(slots=True)
class HistoryChecker:
    """Feed it every row once, in order; `violations` says what was broken."""

    ours: str
    #: QuickBooks remembers every `requestid` here: then two invoices are never made. Where it
    #: forgets, a write that was cut off may make a second one, also of one that a person has taken
    #: away since; it is to be gone at the end.
    is_strict: bool = True
    #: `realm/job.milestone` of milestones that a person asked to bill again, or forgot.
    billed_again: set[str] = field(default_factory=set)
    violations: list[Violation] = field(default_factory=list)
    our_writes: int = 0
    _invoices: dict[tuple[str, str], _Invoice] = field(default_factory=dict)
    _mine: set[tuple[str, str, str]] = field(default_factory=set)

    def feed(self, row: Row) -> None:
        """Judge one row."""
        is_ours = row["actor"] == self.ours
        self.our_writes += is_ours
        if is_ours and row["operation"] == "Create":
            self._mine.add((row["realm_id"], row["entity"], row["id"]))
        if is_ours and row["operation"] != "Create":
            self._judge_foreign(row)
        if row["entity"] != "Invoice":
            return
        if row["operation"] == "Create":
            if is_ours:
                self._created(row)
            return
        known = self._invoices.get((row["realm_id"], row["id"]))
        if known is None:
            return
        if is_ours:
            self._judge_our_change(known, row)
        else:
            _note_edits(known, row)
        if row["operation"] in ("Void", "Delete"):
            known.is_live = False
            known.taken_by = "" if is_ours else row["actor"]

    def finish(self, *, explained: Collection[tuple[str, str]] = ()) -> list[Violation]:
        """Give the twins that still stand; `explained` ones (company, id) a person was told of."""
        by_key = Counter(self.live().values())
        taken = {one.marker for one in self._invoices.values() if one.taken_by}
        found = []
        for where, key in self.live().items():
            if where in explained:
                continue
            if by_key[key] > 1:
                said = f"{key} stands {by_key[key]} times, one is {where[1]}"
                found.append(Violation(rule="twin", message=said))
            if key in taken and not self.is_strict:
                said = f"{key} was taken away by a person and stands again as {where[1]}"
                found.append(Violation(rule="revived", message=said))
        return found

    def live(self) -> Mapping[tuple[str, str], str]:
        """Give the invoices of ours that stand: (company, id) -> company and marker."""
        return {where: one.marker for where, one in self._invoices.items() if one.is_live}

    def _created(self, row: Row) -> None:
        after = row["after"]
        marker = _MARKER.match(str(after.get("PrivateNote") or ""))
        if marker is None:
            self._say("unmarked", row, "an invoice of ours without a marker")
            return
        key = f"{row['realm_id']}/{marker[1]}.{marker[2]}"
        made = _Invoice(key=key, ordinal=int(marker[3]), number=str(after.get("DocNumber") or ""))
        for other in self._invoices.values():
            if other.key != key:
                continue
            if other.ordinal == made.ordinal and not self.is_strict:
                continue  # judged at the end: it must not stand there
            if other.ordinal == made.ordinal:
                what = "a second invoice" if other.is_live else "made again after it was taken away"
                self._say("twin" if other.is_live else "revived", row, f"{key}: {what}")
            elif other.taken_by and key not in self.billed_again:
                said = f"{key}.{other.ordinal} was taken away by {other.taken_by}"
                self._say("revived", row, f"{said}, and billed again without being asked")
        if Decimal(str(after.get("TotalAmt") or 0)) <= 0:
            self._say("nothing", row, f"{key}: an invoice over {after.get('TotalAmt')}")
        self._invoices[row["realm_id"], row["id"]] = made

    def _judge_foreign(self, row: Row) -> None:
        is_mine = (row["realm_id"], row["entity"], row["id"]) in self._mine
        # What an invoice of ours does to its neighbours, QuickBooks does: an estimate is linked, a
        # payment has money left over when the invoice it pays comes down.
        moved = {path.split("[")[0] for path in _changed(row)}
        if not is_mine and moved - {"LinkedTxn", "TxnStatus", "Line", "UnappliedAmt"}:
            self._say("foreign", row, f"wrote {row['entity']} {row['id']}, which we did not make")

    def _judge_our_change(self, known: _Invoice, row: Row) -> None:
        if not known.is_live:
            self._say("revived", row, f"{known.key}: written after it was taken away")
        if row["operation"] in ("Void", "Delete") and _is_paid(row["before"]):
            self._say("paid", row, f"{known.key}: taken back though somebody had paid on it")
        if row["operation"] != "Update":
            return
        now = dict(_flat(row["after"] or {}))
        for path, value in known.edits.items():
            if now.get(path, _GONE) != value:
                said = f"{known.key}: {path} was {value!r} by a person, we made it"
                self._say("overwritten", row, f"{said} {now.get(path, _GONE)!r}")
        if known.is_money_edited and _ours(known, row["before"]) != _ours(known, row["after"]):
            self._say("overwritten", row, f"{known.key}: money that a person set was changed")

    def _say(self, rule: str, row: Row, message: str) -> None:
        self.violations.append(Violation(rule=rule, seq=row["seq"], message=message))


def check_history(
    rows: Sequence[Row], mails: Sequence[EmailMessage], *, ours: str
) -> list[Violation]:
    """Judge a whole history and all mails that were accepted."""
    checker = HistoryChecker(ours)
    for row in sorted(rows, key=lambda one: (one["realm_id"], one["seq"])):
        checker.feed(row)
    return [*checker.violations, *checker.finish(), *check_mails(mails)]


def _note_edits(known: _Invoice, row: Row) -> None:
    """Remember what a person changed, unless it was taken away altogether."""
    if row["operation"] != "Update":
        return
    known.edits |= _changed(row)
    before, after = _amounts(row["before"]), _amounts(row["after"])
    known.theirs |= set(after) - set(before)
    known.is_money_edited |= any(after.get(id) != amount for id, amount in before.items())


def _changed(row: Row) -> dict[str, Any]:
    before, after = dict(_flat(row["before"] or {})), dict(_flat(row["after"] or {}))
    paths = sorted(set(before) | set(after))
    return {
        path: after.get(path, _GONE)
        for path in paths
        if before.get(path, _GONE) != after.get(path, _GONE)
    }


def _ours(known: _Invoice, document: Mapping[str, Any] | None) -> Decimal:
    """Give what our lines of an invoice ask for before tax."""
    amounts = _amounts(document)
    return sum((amounts[id] for id in set(amounts) - known.theirs), Decimal(0))


def _is_paid(document: Mapping[str, Any] | None) -> bool:
    total, left = ((document or {}).get(name) for name in ("TotalAmt", "Balance"))
    return None not in (total, left) and Decimal(str(left)) < Decimal(str(total))


def _amounts(document: Mapping[str, Any] | None) -> dict[str, Decimal]:
    """Give the money of every line, by its id."""
    return {
        str(line.get("Id")): Decimal(str(line.get("Amount") or 0))
        for line in (document or {}).get("Line") or []
        if line.get("DetailType") != "SubTotalLineDetail"
    }


def _flat(value: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Give every leaf of a document with its path; lines by their id."""
    for name, inner in value.items():
        if name in _WORKED_OUT:
            continue
        here = f"{path}.{name}" if path else name
        if isinstance(inner, Mapping):
            yield from _flat(inner, here)
        elif name == "Line" and isinstance(inner, list):
            for line in inner:
                if line.get("DetailType") != "SubTotalLineDetail":
                    yield from _flat(line, f"{here}[{line.get('Id')}]")
        elif isinstance(inner, list):
            yield here, repr(inner)
        elif inner is not None and inner != "":
            yield here, inner
