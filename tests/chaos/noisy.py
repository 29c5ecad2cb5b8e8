"""One company at which everything fails, beside healthy ones: these must not notice.

Quiet and noisy phases take turns in one run, under the same load everywhere; what is measured is
the time from a customer's acceptance in QuickBooks to the first invoice there, by QuickBooks' own
history.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sandbox.grants import APP_ACTOR
from tests.chaos import judge
from tests.chaos.calm import Calm
from tests.chaos.parts import Parts
from tests.chaos.people import Company, offer, open_company
from tests.chaos.recovery import percentile
from tests.chaos.run import Outcome, installation, judge_all_of

#: With the noise the 95th percentile may be so many times the one without.
FACTOR_MAX = 2.0
#: Acceptances of each healthy company in one phase.
ROUNDS = 6
#: Longer than the least time between two pulls of a company.
ROUND_S = 6.5
#: So many jobs a round where nothing works: a backlog that grows.
NOISY_JOBS = 3
_REST_S = 120.0
_MEMO = "25% on approval; 25% after Removal; 50% after Installation"

#: What the noisy company does, by phase.
NOISES: Mapping[str, Sequence[Mapping[str, object]]] = {
    "every request stalls": ({"kind": "stall", "seconds": 60},),
    "every request fails": (
        {"kind": "status", "status": 500, "rate": 0.5},
        {"kind": "status", "status": 503},
    ),
}


@dataclass(slots=True, kw_only=True)
class NoisyReport(Outcome):
    """What the healthy companies saw of the noisy one."""

    healthy: int = 0
    phases: list[dict[str, object]] = field(default_factory=list)
    without: dict[str, float] = field(default_factory=dict)
    beside: dict[str, float] = field(default_factory=dict)
    failures: int = 0  #: requests of the noisy company that went wrong
    idle_after_s: float = 0.0


@dataclass(slots=True)
class _Accepted:
    realm_id: str
    estimate_id: str
    doc_number: str


def run(*, seed: int, healthy: int, rounds: int = ROUNDS, keep: Path | None = None) -> NoisyReport:
    """Do one run and report it."""
    report = NoisyReport(seed=seed, healthy=healthy)
    with installation({"companies": healthy + 1, "proxied": ()}, report, keep=keep) as parts:
        chance = random.Random(f"noisy/{seed}")
        noisy, *others = [open_company(parts, facts) for facts in parts.facts["companies"]]
        offers = {
            company.realm_id: _offers(company, number, chance, 2 * len(NOISES) * rounds * each)
            for number, (company, each) in enumerate(
                [(noisy, NOISY_JOBS), *((one, 1) for one in others)], start=1
            )
        }
        report.violations += Calm(parts, parts.watch).wait(timeout_s=_REST_S)
        waits: dict[bool, list[float]] = {False: [], True: []}
        for name, rules in NOISES.items():
            for is_noisy in (False, True):
                for rule in rules if is_noisy else ():
                    parts.tell_sandbox(
                        "faults", {**rule, "realm_id": noisy.realm_id, "count": None}
                    )
                accepted = _phase(parts, noisy, others, offers, rounds)
                found = _waits_s(parts, accepted)
                report.violations += [f"{one} has no invoice" for one, s in found if s is None]
                times = [s for _, s in found if s is not None]
                waits[is_noisy] += times
                report.phases.append({"noise": name if is_noisy else "", **_figures(times)})
                report.failures += _fired(parts)
                parts.tell_sandbox("faults", method="DELETE")
        report.without, report.beside = _figures(waits[False]), _figures(waits[True])
        _judge(report)
        began = time.monotonic()
        report.violations += Calm(parts, parts.watch).wait(timeout_s=_REST_S)
        report.idle_after_s = round(time.monotonic() - began, 1)
        report.violations += judge_all_of(parts)
    return report


def _offers(
    company: Company, number: int, chance: random.Random, count: int
) -> Iterator[tuple[str, str]]:
    """Make every offer beforehand: what is measured begins with a yes."""
    made = []
    for n in range(1, count + 1):
        base = f"{number}{n:03d}"
        estimate = offer(company, base, memo=_MEMO, cents=chance.randint(40_000, 900_000))
        made.append((str(estimate["Id"]), base))
    return iter(made)


def _phase(
    parts: Parts,
    noisy: Company,
    others: Sequence[Company],
    offers: Mapping[str, Iterator[tuple[str, str]]],
    rounds: int,
) -> list[_Accepted]:
    """Have customers accept for a while; give what the healthy companies' ones did."""
    accepted = []
    for _ in range(rounds):
        ends = time.monotonic() + ROUND_S
        for company in [*[noisy] * NOISY_JOBS, *others]:
            estimate_id, base = next(offers[company.realm_id])
            company.act("accept", f"estimate:#{estimate_id}")
            if company is not noisy:
                accepted.append(_Accepted(company.realm_id, estimate_id, base))
        while time.monotonic() < ends:
            parts.watch()
            time.sleep(0.05)
    return accepted


def _waits_s(parts: Parts, accepted: Sequence[_Accepted]) -> list[tuple[str, float | None]]:
    """Give how long each acceptance waited for its invoice, by QuickBooks' history."""
    wanted = [(one.realm_id, one.doc_number) for one in accepted]
    deadline = time.monotonic() + _REST_S
    while True:
        begun, billed = _moments(judge.history(parts))
        if all(key in billed for key in wanted) or time.monotonic() > deadline:
            break
        parts.watch()
        time.sleep(0.5)
    return [
        (
            one.doc_number,
            (billed[key] - begun[one.realm_id, one.estimate_id]).total_seconds()
            if (key := (one.realm_id, one.doc_number)) in billed
            else None,
        )
        for one in accepted
    ]


def _moments(
    rows: judge.History,
) -> tuple[dict[tuple[str, str], datetime], dict[tuple[str, str], datetime]]:
    """Give when each estimate was accepted, and when the first invoice of each job was made."""
    begun: dict[tuple[str, str], datetime] = {}
    billed: dict[tuple[str, str], datetime] = {}
    for row in rows:
        at, after = datetime.fromisoformat(row["at"]), row["after"] or {}
        if row["entity"] == "Estimate" and after.get("TxnStatus") == "Accepted":
            begun.setdefault((row["realm_id"], str(row["id"])), at)
        if row["entity"] == "Invoice" and row["actor"] == APP_ACTOR:
            base = str(after.get("DocNumber", "")).split("-")[0]
            billed.setdefault((row["realm_id"], base), at)
    return begun, billed


def _figures(times: Sequence[float]) -> dict[str, Any]:
    if not times:
        return {"samples": 0}
    return {
        "samples": len(times),
        "p50 s": round(percentile(times, 0.5), 2),
        "p95 s": round(percentile(times, 0.95), 2),
        "max s": round(max(times), 2),
    }


def _fired(parts: Parts) -> int:
    return sum(rule["fired"] for rule in parts.tell_sandbox("faults")["faults"])


def _judge(report: NoisyReport) -> None:
    if report.failures == 0:
        report.violations.append("nothing went wrong at the noisy company: nothing is shown")
    if not report.without.get("p95 s") or not report.beside.get("p95 s"):
        report.violations.append("nothing was measured")
    elif report.beside["p95 s"] > FACTOR_MAX * report.without["p95 s"]:
        report.violations.append(
            f"p95 beside the noisy company is {report.beside['p95 s']} s,"
            f" {report.without['p95 s']} s without"
        )
