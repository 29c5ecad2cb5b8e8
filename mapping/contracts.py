"""Estimates -> Contract: net lines before tax, the change orders they hold, and how to code them.

A contract line keeps its identity as `<estimate_id>:<line_id>`; what a bookkeeper needs to see on
an invoice (item, class, tax code, words) stays beside it as Coding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal

from mapping.documents import CreditMemo, SalesForm
from mapping.errors import DocumentError
from mapping.jobs import JobDocuments
from mapping.lines import Line, minor_of, net_amounts
from milestone_engine.errors import MoneyError
from milestone_engine.finding import Finding
from milestone_engine.job import ChangeOrder, Contract, ContractLine
from milestone_engine.money import format_money, minor_units

#: Findings of a contract that leave it sound; every other one says that its sums are not known.
HARMLESS_CODES = frozenset({"estimate_candidate"})

#: Decimals of the tax rate shown beside amounts that are not billed yet: "plus about x tax".
_RATE_STEP = Decimal("0.0001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Coding:
    """How one contract line is booked: what an invoice line that bills a part of it carries."""

    item_id: str
    item_name: str = ""
    class_id: str = ""
    class_name: str = ""
    tax_code: str = ""
    description: str = ""
    account: str = ""  #: id of the income account, as QuickBooks told it; never sent


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedContract:
    """The contract of a Job with what QuickBooks needs to bill it."""

    contract: Contract
    coding: Mapping[str, Coding]  #: by contract line id
    tax_rate_percent: Decimal | None  #: tax over the whole contract; None where no estimate says
    currency: str  #: ISO 4217, "" where it is not known
    totals: Mapping[str, int] = field(default_factory=dict)  #: estimate id -> its net total now
    findings: tuple[Finding, ...] = ()

    @property
    def is_sound(self) -> bool:
        """Whether money may be planned on it."""
        return all(finding.code in HARMLESS_CODES for finding in self.findings)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """What one document adds to the contract; a credit memo takes away."""

    estimate: SalesForm
    lines: tuple[ContractLine, ...]
    coding: Mapping[str, Coding]

    @property
    def total_minor(self) -> int:
        return sum(line.amount_minor for line in self.lines)

    @property
    def tax(self) -> Decimal | None:
        """Its tax as the contract counts it; None where an estimate does not say."""
        if isinstance(self.estimate, CreditMemo):
            return -(self.estimate.tax or Decimal(0))
        return self.estimate.tax


def contract_of(
    documents: JobDocuments,
    *,
    first_totals: Mapping[str, int],
    home_currency: str | None = None,
) -> MappedContract:
    """Return the contract that the Job's agreed estimates make.

    Args:
        documents: the Job's estimates; the main one counts whatever its state (who freezes a Job
            whose estimate was rejected still has to show it).
        first_totals: estimate id -> its net total in minor units when it was first agreed. A total
            that differs now is an edit in place and becomes a change order of its own.
        home_currency: of the company, where the estimates name none.

    Returns:
        Always a contract; `findings` say what is wrong with it, `is_sound` whether it may be used.
    """
    if documents.main is None:
        return _nothing(documents, documents.findings)
    estimates = (documents.main, *documents.change_orders, *documents.credits)
    currency, findings = _currency_of(estimates, home_currency)
    if findings:
        return _nothing(documents, findings)
    parts: list[_Part] = []
    for estimate in estimates:
        try:
            parts.append(_part(estimate, currency=currency))
        except DocumentError as error:
            findings.append(error.as_finding(estimate.subject))
    findings += _sum_findings(parts, currency)
    return _mapped(documents, parts, first_totals, currency, findings)


def pending_of(documents: JobDocuments, *, currency: str) -> tuple[ChangeOrder, ...]:
    """Return the change orders that were offered and not approved; one that cannot be read is left
    out until it is.
    """
    found = []
    for estimate in documents.pending_change_orders:
        with suppress(DocumentError):
            part = _part(estimate, currency=currency)
            label = estimate.doc_number or f"E{estimate.id}"
            found.append(
                ChangeOrder(id=estimate.contract_id, label=label, amount_minor=part.total_minor)
            )
    return tuple(found)


def _nothing(documents: JobDocuments, findings: Sequence[Finding]) -> MappedContract:
    return MappedContract(
        contract=Contract(lines=()),
        coding={},
        tax_rate_percent=None,
        currency="",
        findings=tuple(findings),
    )


def _mapped(
    documents: JobDocuments,
    parts: Sequence[_Part],
    first_totals: Mapping[str, int],
    currency: str,
    findings: Sequence[Finding],
) -> MappedContract:
    contract = Contract(
        lines=tuple(line for part in parts for line in part.lines),
        change_orders=_change_orders(documents, parts, first_totals),
    )
    return MappedContract(
        contract=contract,
        coding={line_id: coding for part in parts for line_id, coding in part.coding.items()},
        tax_rate_percent=_tax_rate(parts, contract.total_minor, currency),
        currency=currency,
        totals={part.estimate.contract_id: part.total_minor for part in parts},
        findings=(*findings, *documents.findings),
    )


def _currency_of(
    estimates: Sequence[SalesForm], home_currency: str | None
) -> tuple[str, list[Finding]]:
    """Return the one currency of all estimates, or why there is none."""
    named = {one.subject: one.currency or (home_currency or "") for one in estimates}
    main = estimates[0]
    try:
        minor_units(named[main.subject])
    except MoneyError:
        facts = {"currency": named[main.subject]}
        return "", [Finding(code="currency_unknown", subject=main.subject, facts=facts)]
    return named[main.subject], [
        Finding(
            code="currency_mixed",
            subject=subject,
            facts={"currency": currency, "expected": named[main.subject]},
        )
        for subject, currency in named.items()
        if currency != named[main.subject]
    ]


def _part(estimate: SalesForm, *, currency: str) -> _Part:
    """Map one estimate's lines, and check their sum against QuickBooks' own total."""
    lines: list[ContractLine] = []
    coding: dict[str, Coding] = {}
    sign = -1 if isinstance(estimate, CreditMemo) else 1
    for line, amount in net_amounts(estimate.lines, currency=currency):
        line_id = f"{estimate.contract_id}:{line.id or line.at}"
        if line_id in coding:
            raise DocumentError("line_id_twice", f"two lines have the id {line.id}", at=line.at)
        coding[line_id] = coding_of(line)
        description = line.description or coding[line_id].item_name
        lines.append(ContractLine(id=line_id, amount_minor=sign * amount, description=description))
    part = _Part(estimate=estimate, lines=tuple(lines), coding=coding)
    _check_total(part, currency=currency)
    return part


def coding_of(line: Line) -> Coding:
    """Return how a document's line is booked."""
    return Coding(
        item_id=line.item.id if line.item else "",
        item_name=line.item.name if line.item else "",
        class_id=line.class_ref.id if line.class_ref else "",
        class_name=line.class_ref.name if line.class_ref else "",
        tax_code=line.tax_code.id if line.tax_code else "",
        description=line.description,
        account=line.account.id if line.account else "",
    )


def _check_total(part: _Part, *, currency: str) -> None:
    """Refuse an estimate whose lines do not add up to QuickBooks' total: we misread its money."""
    estimate = part.estimate
    if estimate.total is None:
        return
    tax_minor = minor_of(estimate.tax or Decimal(0), currency=currency, at="TxnTaxDetail.TotalTax")
    total_minor = minor_of(estimate.total, currency=currency, at="TotalAmt")
    net_minor = -part.total_minor if isinstance(estimate, CreditMemo) else part.total_minor
    if net_minor + tax_minor != total_minor:
        ours = format_money(net_minor + tax_minor, currency=currency)
        raise DocumentError(
            "tax_inclusive" if estimate.is_tax_inclusive else "total_mismatch",
            f"lines and tax make {ours}, QuickBooks says {estimate.total}",
            at="TotalAmt",
        )


def _sum_findings(parts: Sequence[_Part], currency: str) -> list[Finding]:
    """Return a finding where the contract comes to nothing or less."""
    total_minor = sum(part.total_minor for part in parts)
    if total_minor > 0 or not parts:
        return []
    facts = {"total": format_money(total_minor, currency=currency), "currency": currency}
    subject = f"estimate:{parts[0].estimate.id}"
    return [Finding(code="net_total", subject=subject, facts=facts)]


def _change_orders(
    documents: JobDocuments, parts: Sequence[_Part], first_totals: Mapping[str, int]
) -> tuple[ChangeOrder, ...]:
    """Return one entry per further document, and one per estimate edited in place, oldest first."""
    found: list[ChangeOrder] = []
    for part in parts:
        estimate = part.estimate
        first_minor = first_totals.get(estimate.contract_id, part.total_minor)
        label = estimate.doc_number or f"E{estimate.id}"
        if documents.main is None or estimate.contract_id != documents.main.contract_id:
            found.append(
                ChangeOrder(id=estimate.contract_id, label=label, amount_minor=first_minor)
            )
        if part.total_minor != first_minor:
            # One id for all edits: the amount is what they come to since the estimate was agreed,
            # and what is bound to a milestone must find its change order again.
            change_minor = part.total_minor - first_minor
            edit_id = f"{estimate.contract_id}@edit"
            found.append(ChangeOrder(id=edit_id, label=label, amount_minor=change_minor))
    return tuple(found)


def _tax_rate(parts: Sequence[_Part], total_minor: int, currency: str) -> Decimal | None:
    """Return tax in percent of the whole contract, from the estimates' own tax; about right."""
    if total_minor <= 0 or any(part.tax is None for part in parts):
        return None
    tax = sum((part.tax or Decimal(0) for part in parts), Decimal(0))
    net = Decimal(total_minor).scaleb(-minor_units(currency))
    return (tax * 100 / net).quantize(_RATE_STEP, rounding=ROUND_HALF_EVEN)
