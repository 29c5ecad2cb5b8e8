"""The contractor's report as one screen of plain text, 80 columns wide."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap

from sync.reports.contractor_facts import (
    Asked,
    Coming,
    ContractorFacts,
    JobName,
    Moved,
    Sent,
    Totals,
)
from sync.words.amounts import day, moment, money, near_day, trigger
from sync.words.findings import say_finding
from sync.words.texts import one_line

WIDTH = 80
#: More lines than this in a section are told by their number: the report is one screen.
ROWS_MAX = 8

_NOTICES = {
    "scheduled": ("payment plan", "payment plans"),
    "due": ("payment due", "payments due"),
    "changed": ("changed plan", "changed plans"),
    "received": ("thank-you", "thank-yous"),
}
_WORK = {
    "bill": "An invoice could not be made",
    "revise": "An invoice could not be brought to its new amount",
    "void": "An invoice could not be voided",
    "mail": "A mail did not go out",
    "decide": "A job could not be worked out",
    "pull": "QuickBooks could not be read",
}
_KINDS = {
    "Estimate": ("estimate", "estimates"),
    "ChangeOrder": ("change order", "change orders"),
    "Invoice": ("invoice", "invoices"),
    "Payment": ("payment", "payments"),
    "Customer": ("customer", "customers"),
    "CreditMemo": ("credit memo", "credit memos"),
    "RefundReceipt": ("refund", "refunds"),
}
_CONNECTION = {
    "reauth_needed": "The connection to QuickBooks has ended: connect the company again.",
    "disconnected": "The company is disconnected from QuickBooks.",
}


def say_report(facts: ContractorFacts) -> str:
    """Say the whole report."""
    lines = [
        f"{one_line(facts.company)}: sync report for {day(facts.today)}",
        f"Since {near_day(facts.since, today=facts.today)}. All amounts are before tax.",
        "",
        *_sync(facts),
        *_section("Needs you", list(_needs(facts)), nothing="nothing"),
        *_section("Plans that changed", [_moved(one) for one in facts.moved]),
        *_section("Invoiced", [[_asked(one)] for one in facts.invoiced]),
        *_section("Paid", [[_asked(one)] for one in facts.paid]),
        *_section("Mails sent", _sent(facts.sent)),
        *_coming_sections(facts),
        *_section("In all", [_total(one) for one in facts.totals], nothing="no jobs yet"),
    ]
    return "\n".join(_spaced(line.rstrip() for line in lines))


def _spaced(lines: Iterable[str]) -> Iterator[str]:
    """Part a quiet section from the entries above it."""
    before = ""
    for line in lines:
        if before.startswith("  ") and line and not line.startswith("  "):
            yield ""
        yield line
        before = line


def _sync(facts: ContractorFacts) -> Iterator[str]:
    if facts.state != "connected":
        yield _CONNECTION.get(facts.state, facts.state)
    if facts.synced_at is None:
        yield "QuickBooks has not been read yet."
        return
    yield f"Last good sync: {moment(facts.synced_at, zone=facts.zone)}"
    counts = [
        f"{count} {_KINDS.get(kind, (kind, kind))[count != 1]}"
        for kind, count in facts.pulled.items()
    ]
    yield from wrap(f"Taken over from QuickBooks: {', '.join(counts) or 'nothing new'}", WIDTH)


def _section(
    title: str, entries: Sequence[Sequence[str]], *, nothing: str = "nothing"
) -> Iterator[str]:
    """Give a section: each entry is one or more lines. A quiet one is a single line."""
    if not entries:
        yield f"{title}: {nothing}"
        return
    yield ""
    yield title
    for entry in entries[:ROWS_MAX]:
        yield from (f"  {line}" for line in entry)
    if len(entries) > ROWS_MAX:
        yield f"  and {len(entries) - ROWS_MAX} more"


def _needs(facts: ContractorFacts) -> Iterator[list[str]]:
    for finding in facts.findings:
        reason, remedy = say_finding(
            finding.code,
            finding.subject,
            finding.facts,
            currency=facts.currency,
            about=_named(facts.bases.get(finding.job_id or 0)),
        )
        yield [*_bullet(reason), *_remedy(remedy)]
    for work in facts.parked:
        about = f" for job {one_line(work.job.base)}" if work.job else ""
        what = _WORK.get(work.kind, f"Work of kind {work.kind} stands still")
        said = f"{what}{about}: {one_line(work.error)}"
        yield [*_bullet(said), *_remedy(f"{work.remedy} (work {work.work_id})".strip())]
    if facts.proposed_count:
        count = facts.proposed_count
        waits = "1 step waits" if count == 1 else f"{count} steps wait"
        yield [*_bullet(f"{waits} for your yes"), *_remedy("milestone-sync plan, then approve")]


def _named(base: str | None) -> str:
    return f"Job {one_line(base)}" if base else ""


def _bullet(text: str) -> list[str]:
    return wrap(text, WIDTH - 2, initial_indent="! ", subsequent_indent="  ")


def _remedy(text: str) -> list[str]:
    return wrap(text, WIDTH - 2, initial_indent="  > ", subsequent_indent="    ") if text else []


def _moved(one: Moved) -> list[str]:
    currency = one.job.currency
    total = money(one.new_total_minor, currency=currency)
    if one.old_total_minor is None:
        said = f"new, contract {total}"
    elif one.old_total_minor == one.new_total_minor:
        said = f"contract stays {total}"
    else:
        said = f"contract {money(one.old_total_minor, currency=currency)} -> {total}"
    lines = [f"{_job(one.job)}: {said}"]
    if one.old_total_minor is None:
        return lines
    for label, old, new in one.payments:
        before = "-" if old is None else money(old, currency=currency)
        shown = f"{before:>14} -> {money(new, currency=currency):>14}"
        lines.append(f"    {_fit(label, 36):<36}{shown}")
    return lines


def _asked(one: Asked) -> str:
    amount = money(one.amount_minor, currency=one.job.currency)
    number = one_line(one.number, limit=16)
    kind = " (revised)" if one.kind == "revise" else ""
    customer = _fit(one.job.customer.replace(":", ", "), 26)
    return f"{number:<10} {_fit(one.label + kind, 24):<24} {customer:<26} {amount:>14}"


def _sent(mails: Sequence[Sent]) -> list[list[str]]:
    """Count the mails by kind, and name the jobs they were about."""
    entries = []
    for notice, names in _NOTICES.items():
        jobs = Counter(_job(one.job) for one in mails if one.notice == notice)
        count = sum(jobs.values())
        if count:
            said = f"{count} {names[count != 1]}: {_listed(jobs)}"
            entries.append(wrap(said, WIDTH - 2, subsequent_indent="  "))
    return entries


def _listed(jobs: Iterable[str]) -> str:
    names = list(jobs)
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"{'; '.join(names[:3])}{more}"


def _coming_sections(facts: ContractorFacts) -> Iterator[str]:
    """Give what is late, what is due, and what will be once the work is done."""
    late = [one for one in facts.coming if one.state == "overdue"]
    expected = [one for one in facts.coming if one.state == "waiting"]
    due = [one for one in facts.coming if one.state not in ("overdue", "waiting")]
    if late:
        yield from _section("Overdue", [[_coming(one, facts)] for one in late])
    yield from _section("Due within 14 days", [[_coming(one, facts)] for one in due])
    if expected:
        title = "Expected within 14 days, once the work is done"
        yield from _section(title, [[_coming(one, facts)] for one in expected])


def _coming(one: Coming, facts: ContractorFacts) -> str:
    amount = money(one.open_minor, currency=one.job.currency)
    when = near_day(one.on, today=facts.today)
    asked = trigger(one.trigger, event_label=one.event_label)
    base = one_line(one.job.base, limit=15)
    return f"{when:<11} {base:<8} {_fit(one.label, 18):<18} {amount:>13}  {_fit(asked, 23)}"


def _total(one: Totals) -> list[str]:
    sums = [
        ("contracts", one.contract_minor),
        ("invoiced", one.billed_minor),
        ("paid", one.paid_minor),
        ("left", one.left_minor),
    ]
    said = ", ".join(f"{name} {money(minor, currency=one.currency)}" for name, minor in sums)
    jobs = "1 job" if one.job_count == 1 else f"{one.job_count} jobs"
    return wrap(f"{jobs}: {said}", WIDTH - 2, subsequent_indent="  ")


def _job(job: JobName) -> str:
    customer = one_line(job.customer, limit=40).replace(":", ", ")
    return f"{one_line(job.base, limit=16)} {customer}".strip()


def _fit(text: str, width: int) -> str:
    return one_line(text, limit=width)
