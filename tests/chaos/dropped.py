"""Webhooks that never come: one sweep of the books later everything is in sync.

Twice: in a company in which webhooks never worked (it is looked at every quarter of an hour), and
in one in which they worked until now (every day). The books' clock is moved in steps; what is told
is the books' time from the change to the moment at which nothing is left to do.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import select

from sync.pull import CALM_SWEEP_S, SWEEP_S
from sync.reports.job_reading import view_job
from sync.store.database import Database
from sync.store.tables import JobRow
from tests.chaos import judge
from tests.chaos.calm import Calm
from tests.chaos.parts import Parts, until
from tests.chaos.people import Company, open_company, sign
from tests.chaos.run import Outcome, installation, judge_all_of

#: After the sweep has begun, the work that it leads to takes real time, which passes in the books
#: as well.
WORK_S_MAX = 60.0
#: The clock is moved by so many parts of an interval at a time.
STEPS = 30
_REST_S = 60.0
_MEMO = "25% on approval; 25% after Removal; 50% after Installation"


@dataclass(slots=True, kw_only=True)
class DroppedReport(Outcome):
    """What came of the changes that nobody told us of."""

    rounds: list[dict[str, object]] = field(default_factory=list)


def run(*, seed: int, companies: int, jobs: int, keep: Path | None = None) -> DroppedReport:
    """Do one run and report it."""
    report = DroppedReport(seed=seed)
    with installation({"companies": companies}, report, keep=keep) as parts:
        chance = random.Random(f"dropped/{seed}")
        books = [open_company(parts, facts) for facts in parts.facts["companies"]]
        base = _numbers()
        (told,) = parts.tell_sandbox("webhooks")
        _remove(parts, told["url"])
        _round(parts, books, base, chance, report, name="never worked", interval_s=SWEEP_S, n=jobs)
        parts.tell_sandbox("webhooks", {"url": told["url"]})
        _let_them_work(parts, books, base)
        _remove(parts, told["url"])
        _round(parts, books, base, chance, report, name="worked until now",
               interval_s=CALM_SWEEP_S, n=jobs)  # fmt: skip
        # What was found silently has brought the short interval back.
        _round(parts, books, base, chance, report, name="found silent since",
               interval_s=SWEEP_S, n=jobs)  # fmt: skip
        report.violations += judge_all_of(parts)
    return report


def _remove(parts: Parts, url: str) -> None:
    parts.tell_sandbox(f"webhooks?url={quote(url, safe='')}", method="DELETE")


def _numbers() -> Iterator[str]:
    return (str(number) for number in range(1001, 9999))


def _let_them_work(parts: Parts, books: list[Company], base: Iterator[str]) -> None:
    """Have every company told of a change by webhook, and at rest."""
    for company in books:
        sign(company, next(base), memo=_MEMO, cents=90_000)
    until(lambda: _count(parts, "webhook_seen_at IS NULL") == 0, timeout_s=_REST_S)
    Calm(parts, parts.watch).wait(timeout_s=_REST_S)
    until(lambda: not _differences(parts, books), timeout_s=_REST_S)
    with parts.admin() as admin:
        # Every change was told: one more pull finds all of it known and sets the long interval.
        admin.execute("UPDATE timer SET next_at = business_now() WHERE name = 'sweep'")
    Calm(parts, parts.watch).wait(timeout_s=_REST_S)


def _round(
    parts: Parts, books: list[Company], base: Iterator[str], chance: random.Random,
    report: DroppedReport, *, name: str, interval_s: int, n: int,
) -> None:  # fmt: skip
    found_interval_s = _count(parts, "", what="max(every_s) FROM timer WHERE name = 'sweep'")
    # People come at any time between two sweeps.
    parts.tell_sandbox("clock/advance", {"by": f"{chance.randint(1, interval_s // 3)}s"})
    Calm(parts, parts.watch).wait(timeout_s=_REST_S)
    began = _now(parts)
    changes = sum(_act(company, base, chance, n) for company in books)
    unseen = len(_differences(parts, books))
    real_began = time.monotonic()
    sweeps_before = _pulls(parts)
    swept_after_s = 0.0
    while (passed := (_now(parts) - began).total_seconds()) < 2 * interval_s:
        parts.watch()
        if not swept_after_s and _pulls(parts) >= sweeps_before + len(books):
            swept_after_s = passed
        if swept_after_s or passed > interval_s:
            # The clock has done its part: what is left is work.
            if not _differences(parts, books):
                break
            time.sleep(0.3)
            if time.monotonic() - real_began > 4 * _REST_S:
                break
            continue
        parts.tell_sandbox("clock/advance", {"by": f"{interval_s // STEPS}s"})
        Calm(parts, parts.watch).wait(timeout_s=_REST_S)
    in_sync_after_s = (_now(parts) - began).total_seconds()
    left = _differences(parts, books)
    report.rounds.append(
        {
            "webhooks": name,
            "interval_s": found_interval_s,
            "changes": changes,
            "differences_before": unseen,
            "in_sync_after_s": round(in_sync_after_s, 1),
            "real_s": round(time.monotonic() - real_began, 1),
            "differences_after": len(left),
        }
    )
    report.violations += [f"{name}: {one}" for one in left[:10]]
    if found_interval_s != interval_s:
        report.violations.append(f"{name}: the interval is {found_interval_s} s, not {interval_s}")
    if unseen == 0:
        report.violations.append(f"{name}: nothing was unknown before the sweep: nothing is shown")
    if in_sync_after_s > interval_s + WORK_S_MAX:
        report.violations.append(f"{name}: in sync only after {in_sync_after_s:.0f} s")


def _act(company: Company, base: Iterator[str], chance: random.Random, n: int) -> int:
    """Sign new jobs, change prices, pay invoices; tell how much was done."""
    done = 0
    for known in list(company.jobs):
        found = company.query("Estimate", f"WHERE DocNumber = '{known}'")
        raised = found[0]["Line"][0]["Amount"] + Decimal(chance.choice((-40, 25, 130)))
        company.act("edit", f"estimate:#{found[0]['Id']}", amount=str(raised))
        done += 1
        for invoice in company.invoices(known):
            if invoice["Balance"] > 0:
                company.act("pay", f"invoice:#{invoice['Id']}")
                done += 1
                break
    for _ in range(n):
        sign(company, next(base), memo=_MEMO, cents=chance.randint(40_000, 900_000))
        done += 1
    return done


def _differences(parts: Parts, books: list[Company]) -> list[str]:
    """Give where our jobs and QuickBooks' documents disagree, in contract sums and in payments."""
    said = []
    database = Database(parts.own_settings().database_url, pool_size=1, name="dropped")
    try:
        numbers = {realm_id: no for no, realm_id in judge.realm_ids(parts).items()}
        for company in books:
            realm_no = numbers[company.realm_id]
            with database.begin(realm_no) as session:
                rows = session.scalars(select(JobRow).where(JobRow.realm_no == realm_no)).all()
                views = {row.base: view_job(session, realm_no, row.job_id) for row in rows}
            for base in company.jobs:
                (estimate,) = company.query("Estimate", f"WHERE DocNumber = '{base}'")
                invoices = company.invoices(base)
                total = int(estimate["TotalAmt"] * 100)
                paid = int(sum(one["TotalAmt"] - one["Balance"] for one in invoices) * 100)
                view = views.get(base)
                if view is None:
                    said.append(f"{base} is no job")
                elif (view.contract_total_minor, view.paid_minor) != (total, paid):
                    said.append(
                        f"{base}: {view.contract_total_minor}, paid {view.paid_minor};"
                        f" QuickBooks {total}, paid {paid}"
                    )
    finally:
        database.close()
    return said or _unbilled(parts)


def _unbilled(parts: Parts) -> list[str]:
    """Give what the judge from outside says, where nothing else differs."""
    return judge.judge(parts, judge.history(parts))


def _now(parts: Parts) -> datetime:
    return datetime.fromisoformat(parts.tell_sandbox("clock")["now"])


def _pulls(parts: Parts) -> int:
    return _count(parts, "", what="count(*) FROM work WHERE kind = 'pull' AND state = 'done'")


def _count(parts: Parts, where: str, *, what: str = "") -> int:
    with parts.admin() as admin:
        asked = what or f"count(*) FROM realm WHERE {where}"
        (count,) = admin.execute(f"SELECT {asked}".encode()).fetchone() or (0,)
    return int(count)
