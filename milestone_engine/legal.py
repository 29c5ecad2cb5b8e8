"""The legal guard: what the law of a place limits in a schedule, as caps and findings.

Rules are data (`config/legal/`), each with its source; a company may switch any of them off. A cap
holds in the engine whatever the schedule says, and a finding tells at set-up that the schedule asks
for more. What is billed already stays as it is: the guard looks at plans, not at the past.

Example (E32): home improvement in California, 8,000 at 25/25/50. The down payment may be the lesser
of 1,000 and 10 percent: the first milestone is capped at 800, and 7,200 go 2,400 / 4,800.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import Enum
from typing import Any

from milestone_engine.errors import EngineError
from milestone_engine.finding import Finding
from milestone_engine.money import format_money, parse_money
from milestone_engine.rebalance import rebalance
from milestone_engine.retainage import Retainage
from milestone_engine.schedule import Milestone, Percent, Schedule, parse_percent
from milestone_engine.split import Position
from milestone_engine.timeline import APPROVED, Trigger, When


class LegalError(EngineError):
    """The data of the guard is not what it should be: a fault of ours, not of a contractor's."""


class LegalKind(Enum):
    """What a rule limits."""

    DOWN_PAYMENT = "down_payment"  #: what is asked before the work begins, all together
    RETAINAGE = "retainage"  #: the percent withheld from each payment
    WORDING = "wording"  #: words that stand beside the payment plan


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalRule:
    """One limit that a law sets."""

    id: str  #: what a company names to switch it off: `us-ca-down-payment`
    place: str  #: ISO 3166-2: `US-CA`
    kind: LegalKind
    work: frozenset[str]  #: kinds of work it is for: `home_improvement`, `private`
    percent: Percent | None = None  #: of the contract, or withheld; None: of wording
    text: str = ""  #: of wording: what has to be said
    amount_minor: int | None = None  #: the lesser of the two counts; None: percent alone
    currency: str | None = None  #: of the amount; a contract in another one has the percent alone
    source: str
    in_force_from: date  #: for contracts signed on this day or later
    read_on: date  #: when the source was read


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What decides which rules a job is under."""

    place: str | None  #: ISO 3166-2; None: not said, so no rule applies
    work: frozenset[str]
    signed_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """What the law makes of one schedule."""

    caps: Mapping[str, int]  #: milestone id -> the most it may come to
    retainage_max: Percent | None  #: the most that may be withheld; None: no limit
    findings: tuple[Finding, ...]
    wordings: tuple[str, ...] = ()  #: what has to stand beside the payment plan


def parse_rules(files: Iterable[object]) -> tuple[LegalRule, ...]:
    """Read rules as the files of `config/legal/` hold them, one value a file.

    Raises:
        LegalError: the data is not what it should be.
    """
    found: list[LegalRule] = []
    for raw in files:
        try:
            found += [_rule(one, place=raw["place"]) for one in raw["rules"]]  # type: ignore[index]
        except (KeyError, TypeError, ValueError, EngineError) as error:
            raise LegalError(f"a rule of law that cannot be read: {error!r}") from error
    return tuple(found)


def guard_schedule(
    rules: Sequence[LegalRule],
    schedule: Schedule,
    *,
    site: Site,
    total_minor: int,
    retainage: Retainage | None = None,
    switched_off: Collection[str] = (),
) -> Guard:
    """Return the caps on a schedule, and a finding for each limit that it goes beyond.

    Args:
        rules: all that are known; those of other places and kinds of work are passed over.
        schedule: as it was agreed.
        site: where and what the job is.
        total_minor: the contract total before tax.
        retainage: what is withheld, if anything.
        switched_off: ids of rules that the company does not want.
    """
    caps: dict[str, int] = {}
    findings: list[Finding] = []
    percents: list[Percent] = []
    wordings: list[str] = []
    for rule in rules:
        if rule.id in switched_off or not _applies(rule, site):
            continue
        if rule.percent is None:
            wordings.append(rule.text)
        elif rule.kind is LegalKind.RETAINAGE:
            percents.append(rule.percent)
            findings += _retainage_findings(rule, retainage)
        else:
            limit = _limit(rule, total_minor, schedule.currency)
            asked = _down_payments(schedule, total_minor)
            findings += _down_payment_findings(rule, schedule, asked, limit)
            for name, amount in asked.items():
                caps[name] = min(caps.get(name, limit), amount, limit)
                limit -= min(amount, limit)
    retainage_max = min(percents, key=lambda percent: percent.value, default=None)
    return Guard(
        caps=caps,
        retainage_max=retainage_max,
        findings=tuple(findings),
        wordings=tuple(wordings),
    )


def with_caps(milestones: Sequence[Milestone], guard: Guard) -> tuple[Milestone, ...]:
    """Return the milestones with the law's caps; a lower one that was there stays."""
    return tuple(
        replace(one, cap_minor=_lower(one.cap_minor, guard.caps[one.id]))
        if one.id in guard.caps
        else one
        for one in milestones
    )


def lawful_retainage(retainage: Retainage, guard: Guard) -> Retainage:
    """Return what may be withheld: no rate above the limit."""
    most = guard.retainage_max
    if most is None:
        return retainage
    after = retainage.after_half
    return Retainage(
        percent=_lower_percent(retainage.percent, most),
        after_half=None if after is None else _lower_percent(after, most),
    )


def _rule(raw: Mapping[str, Any], *, place: str) -> LegalRule:
    amount, currency = raw.get("amount"), raw.get("currency")
    for name in ("in_force_from", "read_on"):
        if not isinstance(raw[name], date):
            raise ValueError(f"{name} is no date")
    kind = LegalKind(raw["kind"])
    is_wording = kind is LegalKind.WORDING
    if is_wording != bool(raw.get("text")) or is_wording == ("percent" in raw):
        raise ValueError("a wording has a text, any other rule a percent")
    return LegalRule(
        id=raw["id"],
        place=place,
        kind=kind,
        work=frozenset(raw["work"]),
        percent=None if is_wording else parse_percent(raw["percent"]),
        text=" ".join(raw.get("text", "").split()),
        amount_minor=None if amount is None else parse_money(amount, currency=raw["currency"]),
        currency=currency,
        source=raw["source"],
        in_force_from=raw["in_force_from"],
        read_on=raw["read_on"],
    )


def _applies(rule: LegalRule, site: Site) -> bool:
    return (
        rule.place == site.place
        and not rule.work.isdisjoint(site.work)
        and rule.in_force_from <= site.signed_on
    )


def _limit(rule: LegalRule, total_minor: int, currency: str) -> int:
    """Return the most in minor units. It may not be exceeded, so it is rounded down."""
    assert rule.percent is not None
    part = total_minor * rule.percent.numerator // (100 * rule.percent.denominator)
    if rule.amount_minor is None or rule.currency != currency:
        return part
    return min(rule.amount_minor, part)


def _down_payments(schedule: Schedule, total_minor: int) -> dict[str, int]:
    """Return what is asked before the work begins: milestone id -> its amount without a guard.

    These are the first milestones, as long as they are due on approval or before one and the same
    event: whatever is due later has that event behind it.
    """
    positions = [
        Position(milestone=one, billed_minor=None, paid_minor=0) for one in schedule.milestones
    ]
    shares = rebalance(total_minor, positions, currency=schedule.currency).shares
    first_event = None
    found: dict[str, int] = {}
    for one, share in zip(schedule.milestones, shares, strict=True):
        if not _is_approval(one.trigger):
            if one.trigger.when is not When.BEFORE or first_event not in (None, one.trigger.event):
                break
            first_event = one.trigger.event
        found[one.id] = share.amount_minor
    return found


def _is_approval(trigger: Trigger) -> bool:
    return trigger.event == APPROVED


def _down_payment_findings(
    rule: LegalRule, schedule: Schedule, asked: Mapping[str, int], limit_minor: int
) -> list[Finding]:
    total = sum(asked.values())
    if total <= limit_minor:
        return []
    facts = {
        "asked": format_money(total, currency=schedule.currency),
        "limit": format_money(limit_minor, currency=schedule.currency),
    }
    first = next(iter(asked))
    return [_finding("legal_down_payment", f"milestone:{first}", rule, facts)]


def _retainage_findings(rule: LegalRule, retainage: Retainage | None) -> list[Finding]:
    if retainage is None or rule.percent is None:
        return []
    rates = [rate for rate in (retainage.percent, retainage.after_half) if rate is not None]
    highest = max(rates, key=lambda rate: rate.value)
    if highest.value <= rule.percent.value:
        return []
    facts = {"asked": f"{highest.value:f}", "limit": f"{rule.percent.value:f}"}
    return [_finding("legal_retainage", "retainage", rule, facts)]


def _finding(code: str, subject: str, rule: LegalRule, facts: Mapping[str, str]) -> Finding:
    return Finding(
        code=code, subject=subject, facts={**facts, "rule": rule.id, "source": rule.source}
    )


def _lower(cap_minor: int | None, legal_minor: int) -> int:
    return legal_minor if cap_minor is None else min(cap_minor, legal_minor)


def _lower_percent(rate: Percent, most: Percent) -> Percent:
    return rate if rate.value <= most.value else most
