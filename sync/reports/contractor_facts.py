"""What happened in one company since the business day before, as facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from milestone_engine.timeline import Trigger
from sync.store.tables import FindingRow


@dataclass(frozen=True, slots=True, kw_only=True)
class JobName:
    """A job as the contractor knows it."""

    base: str
    customer: str
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An invoice made or revised, or money received on one, before tax."""

    job: JobName
    number: str
    label: str
    amount_minor: int
    on: date
    kind: str  #: bill, revise, paid


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A job whose plan changed: old and new amounts by payment, in order. No old one: a new job."""

    job: JobName
    old_total_minor: int | None
    new_total_minor: int
    payments: tuple[tuple[str, int | None, int], ...]  #: label, before, now; those that moved


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One mail that went out."""

    job: JobName
    notice: str
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """A payment that is due, or may be expected, within the days ahead."""

    job: JobName
    label: str
    open_minor: int
    on: date
    state: str  #: overdue, due, upcoming, waiting
    trigger: Trigger
    event_label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """Work that waits for a person."""

    work_id: int
    job: JobName | None
    kind: str
    error: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Sums over all jobs of one currency, before tax."""

    currency: str
    job_count: int
    contract_minor: int
    billed_minor: int
    paid_minor: int
    left_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractorFacts:
    """Everything the contractor's report says."""

    realm_no: int
    company: str
    currency: str
    zone: str
    state: str  #: connected, reauth_needed, disconnected
    mode: str
    synced_at: datetime | None
    today: date
    since: date
    pulled: Mapping[str, int]  #: documents taken over, by kind
    moved: tuple[Moved, ...]
    invoiced: tuple[Asked, ...]
    paid: tuple[Asked, ...]
    sent: tuple[Sent, ...]
    coming: tuple[Coming, ...]
    findings: tuple[FindingRow, ...]
    bases: Mapping[int, str]  #: job_id -> the job's name for people
    parked: tuple[Parked, ...]
    proposed_count: int
    totals: tuple[Totals, ...]
