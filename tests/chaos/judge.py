"""What must be true at the end, told from QuickBooks' own history, the mails that were accepted,
and what we say of each job.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from mapping.invoices import find_marker
from sync.keys import Keyring
from sync.reports.job_reading import view_job
from sync.reports.job_view import JobView
from sync.store.database import Database
from sync.store.tables import JobRow, RealmRow
from tests.chaos.parts import Parts

History = Sequence[Mapping[str, Any]]


def history(parts: Parts) -> list[Mapping[str, Any]]:
    """Give everything that happened in every company, oldest first."""
    found: list[Mapping[str, Any]] = []
    for company in parts.facts["companies"]:
        since = 0
        while True:
            rows = parts.tell_sandbox(f"history?realm={company['realm_id']}&since={since}")
            if not rows:
                break
            found += rows
            since = max(int(row["seq"]) for row in rows)
    return found


def judge(parts: Parts, rows: History) -> list[str]:
    """Give every rule that is broken, in words; none is the hope."""
    live = _live_invoices(rows)
    said = [*_twins(live), *_mails_twice(parts), *_unfinished(parts)]
    settings = parts.own_settings()
    database = Database(settings.database_url, pool_size=1, name="judge")
    try:
        for realm_no, realm_id in realm_ids(parts).items():
            parked = _parked_jobs(parts, realm_no)
            with database.begin(realm_no) as session:
                jobs = session.scalars(select(JobRow).where(JobRow.realm_no == realm_no)).all()
                views = [view_job(session, realm_no, job.job_id) for job in jobs]
            for view in views:
                invoices = live.get(realm_id, {})
                said += _tie_out(view, invoices, is_parked=view.job_id in parked)
    finally:
        database.close()
    return said


def _live_invoices(rows: History) -> dict[str, dict[str, Mapping[str, Any]]]:
    """Give the invoices with our marker that stand in the books, by company and id."""
    live: dict[str, dict[str, Mapping[str, Any]]] = defaultdict(dict)
    for row in rows:
        if row["entity"] != "Invoice":
            continue
        after = row["after"]
        if after is None or row["operation"].lower() in ("delete", "void"):
            live[row["realm_id"]].pop(str(row["id"]), None)
        elif find_marker(str(after.get("PrivateNote") or "")):
            live[row["realm_id"]][str(row["id"])] = after
    return live


def _twins(live: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[str]:
    """No two live invoices carry one marker."""
    said = []
    for realm_id, invoices in live.items():
        seen = Counter(str(find_marker(str(one["PrivateNote"]))) for one in invoices.values())
        said += [f"{realm_id}: {n} live invoices of {mark}" for mark, n in seen.items() if n > 1]
    return said


def _mails_twice(parts: Parts) -> list[str]:
    """No mail was accepted twice."""
    ids = Counter(str(one.message["Message-ID"]) for one in parts.mail.accepted)
    said = [f"mail {name} was accepted {n} times" for name, n in ids.items() if n > 1]
    with parts.admin() as admin:
        # The same occasion under two rows would be two Message-IDs.
        rows = admin.execute(
            "SELECT realm_no, job_id, concat_ws('/', payload->>'notice', payload->>'milestone_id',"
            " payload->>'occasion'), array_agg(work_id) FROM work WHERE kind = 'mail'"
            " GROUP BY 1, 2, 3"
        ).fetchall()
    accepted = {name.split("@")[0].strip("<") for name in ids}
    for realm_no, job_id, occasion, work_ids in rows:
        sent = [one for one in work_ids if f"{realm_no}.{one}" in accepted]
        if len(sent) > 1:
            said.append(f"{len(sent)} mails went out for {realm_no}/{job_id}: {occasion}")
    return said


def _unfinished(parts: Parts) -> list[str]:
    """Every row of work has ended, waits for its day, or is parked with a reason."""
    with parts.admin() as admin:
        rows = admin.execute(
            "SELECT realm_no, work_id, kind, state, error FROM work"
            " WHERE state IN ('sent', 'running')"
            "    OR (state = 'ready' AND (not_before IS NULL OR not_before <= business_now()))"
            "    OR (state = 'parked' AND coalesce(error, '') = '')"
        ).fetchall()
        away = admin.execute("SELECT realm_no, state FROM realm WHERE state <> 'connected'")
        said = [f"company {realm_no} is {state}" for realm_no, state in away]
    return said + [f"left over: {row}" for row in rows]


def _tie_out(
    view: JobView, invoices: Mapping[str, Mapping[str, Any]], *, is_parked: bool
) -> list[str]:
    """QuickBooks' live invoices of a job are what its schedule says is billed; what is due is
    billed.
    """
    mine: dict[str, int] = defaultdict(int)
    for invoice in invoices.values():
        mark = find_marker(str(invoice["PrivateNote"]))
        if mark is not None and mark.job_id == view.job_id:
            mine[mark.milestone_id] += _net(invoice)
    said = []
    total = sum(one.amount_minor for one in view.milestones) + view.unallocated_minor
    # What was paid beyond a price that fell since is a credit: it stays on its payments.
    wanted = view.contract_total_minor + view.credit_minor
    if total != wanted:
        said.append(f"job {view.base}: milestones make {total}, not {wanted}")
    for one in view.milestones:
        billed = one.billed_minor or 0
        if mine.get(one.id, 0) != billed:
            said.append(f"job {view.base} {one.id}: billed {billed}, QuickBooks {mine[one.id]}")
        is_due = one.issue_on is not None and one.issue_on <= view.today and one.amount_minor > 0
        is_person = view.findings or is_parked or view.state != "active"
        if is_due and not is_person and billed != one.amount_minor:
            said.append(f"job {view.base} {one.id}: due {one.amount_minor}, billed {billed}")
    return said


def _net(invoice: Mapping[str, Any]) -> int:
    """Give an invoice's contract money in cents: its total less tax."""
    tax = (invoice.get("TxnTaxDetail") or {}).get("TotalTax") or 0
    return int((Decimal(str(invoice["TotalAmt"])) - Decimal(str(tax))) * 100)


def _parked_jobs(parts: Parts, realm_no: int) -> set[int]:
    with parts.admin() as admin:
        rows = admin.execute(
            "SELECT job_id FROM work WHERE realm_no = %s AND state = 'parked'", [realm_no]
        ).fetchall()
    return {job_id for (job_id,) in rows}


def realm_ids(parts: Parts) -> dict[int, str]:
    """Give QuickBooks' id of each company by our number."""
    settings = parts.own_settings()
    keyring = Keyring(settings.secret_key.get_secret_value())
    owner = Database(
        parts.secrets.postgres_url("milestone_admin").replace(
            "postgresql://", "postgresql+psycopg://"
        ),
        pool_size=1,
    )
    try:
        with owner.begin() as session:
            rows = session.scalars(select(RealmRow)).all()
            return {
                row.realm_no: keyring.open(row.realm_id_sealed, purpose="realm_id") for row in rows
            }
    finally:
        owner.close()
