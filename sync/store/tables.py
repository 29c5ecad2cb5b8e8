"""The tables as SQLAlchemy sees them. The migrations decide; `tests/functional/test_schema.py`
compares the two.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import BigInteger, Date, DateTime, Identity, Numeric, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

#: Tables that belong to no company. Every other one has row-level security; a test holds this list.
WITHOUT_TENANT = frozenset({"alembic_version", "business_clock", "oauth_state", "process"})


#: The operation of what was delivered and could not be read; of no company: it may be anybody's.
UNREADABLE = "unreadable"


class Row(DeclarativeBase):
    """Base of all row classes."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text,
        int: BigInteger,
        Decimal: Numeric,
        date: Date,
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[str]: JSONB,
        list[dict[str, Any]]: JSONB,
    }


class BusinessClockRow(Row):
    """How far the business clock is ahead of the real one."""

    __tablename__ = "business_clock"
    only_one: Mapped[bool] = mapped_column(primary_key=True)
    offset_s: Mapped[int]


class ProcessRow(Row):
    """One running process of ours; it renews `seen_at` every few seconds."""

    __tablename__ = "process"
    process_id: Mapped[str] = mapped_column(primary_key=True)
    role: Mapped[str]
    host: Mapped[str]
    pid: Mapped[int]
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    gone_at: Mapped[datetime | None]


class OAuthStateRow(Row):
    """A consent under way: the hash of its `state`, bound to the hash of the browser's session."""

    __tablename__ = "oauth_state"
    state_hash: Mapped[bytes] = mapped_column(primary_key=True)
    session_hash: Mapped[bytes]
    created_at: Mapped[datetime]
    realm_no: Mapped[int | None]  #: the company that is to be connected again, and no other


class RealmRow(Row):
    """One connected QuickBooks company. The only place where Intuit's realmId stands, sealed."""

    __tablename__ = "realm"
    realm_no: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    realm_id_sealed: Mapped[bytes]
    realm_id_hmac: Mapped[bytes]
    name: Mapped[str]
    currency: Mapped[str]
    country: Mapped[str]
    zone: Mapped[str]
    mode: Mapped[str]
    policy: Mapped[dict[str, Any]]
    preferences: Mapped[dict[str, Any]]
    access_token_sealed: Mapped[bytes | None]
    refresh_token_sealed: Mapped[bytes | None]
    access_expires_at: Mapped[datetime | None]
    refresh_expires_at: Mapped[datetime | None]
    refresh_lease_until: Mapped[datetime | None]
    token_version: Mapped[int]
    state: Mapped[str]
    watermark: Mapped[datetime | None]
    synced_at: Mapped[datetime | None]
    pulled_at: Mapped[datetime | None]  #: as `synced_at`, on the real clock
    webhook_seen_at: Mapped[datetime | None]
    blocked_until: Mapped[datetime | None]
    connected_at: Mapped[datetime]
    native_orders: Mapped[str]  #: whether it has change orders as documents, and how they are read
    native_orders_asked_at: Mapped[datetime | None]
    rests_until: Mapped[datetime | None]  #: no reads are left: effects do not wait for a pull
    trouble: Mapped[int]  #: calls in a row that found nobody
    paced_until: Mapped[datetime | None]  #: while Redis is away: the next call's earliest time


class MirrorRow(Row):
    """A QuickBooks document as we last saw it: the fields we use, and its hash."""

    __tablename__ = "mirror"
    realm_no: Mapped[int] = mapped_column(primary_key=True)
    entity: Mapped[str] = mapped_column(primary_key=True)
    qbo_id: Mapped[str] = mapped_column(primary_key=True)
    sync_token: Mapped[int]
    updated_at: Mapped[datetime | None]
    customer_id: Mapped[str | None]
    fields: Mapped[dict[str, Any]]
    content_hash: Mapped[str]
    is_deleted: Mapped[bool]
    is_missing: Mapped[bool]  #: of a deleted one: nobody told so, it did not come any more
    synced: Mapped[dict[str, Any] | None]  #: as it stood when we last wrote it ourselves
    stored_at: Mapped[datetime]


class JobRow(Row):
    """One building job. `look_at` says that its Plan must be made again, and from when on."""

    __tablename__ = "job"
    realm_no: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    key: Mapped[str]
    base: Mapped[str]
    estimate_id: Mapped[str]
    customer_id: Mapped[str]
    currency: Mapped[str]
    state: Mapped[str]
    version: Mapped[int]
    look_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    journal_count: Mapped[int | None]  #: how many entries its journal has, and how the last is
    journal_head: Mapped[str | None]  #: chained; None before the first, or where nobody counted yet


class JobDocumentRow(Row):
    """Which document belongs to which job, and as what."""

    __tablename__ = "job_document"
    realm_no: Mapped[int] = mapped_column(primary_key=True)
    entity: Mapped[str] = mapped_column(primary_key=True)
    qbo_id: Mapped[str] = mapped_column(primary_key=True)
    job_id: Mapped[int]
    role: Mapped[str]
    first_total_minor: Mapped[int | None]
    milestone_id: Mapped[str | None]
    ordinal: Mapped[int | None]
    lines: Mapped[dict[str, Any] | None]
    is_live: Mapped[bool]
    was_settled: Mapped[bool]  #: it was seen settled once: open again means taken back
    is_settled: Mapped[bool]  #: when it was last looked at
    reversals: Mapped[int]  #: how often it was seen open again after it was settled
    is_adopted: Mapped[bool]  #: a person made it: we never change it


class EventRow(Row):
    """A dated entry in the job calendar."""

    __tablename__ = "event"
    realm_no: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    label: Mapped[str]
    position: Mapped[int]
    on_date: Mapped[date | None]
    state: Mapped[str]
    completed_on: Mapped[date | None]
    source: Mapped[str]
    words: Mapped[list[str]]  #: what finds its date in the texts of estimate lines


class ScheduleRow(Row):
    """One version of a job's payment schedule."""

    __tablename__ = "schedule"
    realm_no: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    contract_total_minor: Mapped[int]
    credit_minor: Mapped[int]
    unallocated_minor: Mapped[int]
    tax_rate_percent: Mapped[Decimal | None]
    source: Mapped[str]
    cause: Mapped[str]
    created_at: Mapped[datetime]
    on_day: Mapped[date]
    bound: Mapped[list[dict[str, Any]]]  #: where change orders were put when they came
    on_account_minor: Mapped[int]
    previews: Mapped[list[dict[str, Any]]]  #: what pending change orders would do
    proposal: Mapped[dict[str, Any] | None]  #: a milestone for money that has no place
    wordings: Mapped[list[str]]  #: what the law wants to stand beside the plan


class MilestoneRow(Row):
    """One payable step in one version of a schedule."""

    __tablename__ = "milestone"
    realm_no: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    milestone_id: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int]
    label: Mapped[str]
    basis: Mapped[dict[str, Any]]
    trigger: Mapped[dict[str, Any]]
    pinned_minor: Mapped[int | None]
    held: Mapped[bool]
    cap_minor: Mapped[int | None]
    extra_minor: Mapped[int]
    share: Mapped[str]
    state: Mapped[str]
    amount_minor: Mapped[int]
    billed_minor: Mapped[int | None]
    paid_minor: Mapped[int]
    issue_on: Mapped[date | None]
    due_on: Mapped[date | None]
    why: Mapped[dict[str, Any]]
    pool: Mapped[str]  #: the change order whose own schedule it is in; "": the contract's


class ContractLineRow(Row):
    """One contract line in one version of a schedule."""

    __tablename__ = "contract_line"
    realm_no: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    line_id: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int]
    amount_minor: Mapped[int]
    description: Mapped[str]


class ReceiptRow(Row):
    """What stands on one of our invoices and what was received on it. Recomputed, never
    incremented.
    """

    __tablename__ = "receipt"
    realm_no: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(primary_key=True)
    invoice_id: Mapped[str] = mapped_column(primary_key=True)
    milestone_id: Mapped[str]
    doc_number: Mapped[str]
    state: Mapped[str]
    billed_minor: Mapped[int]
    paid_minor: Mapped[int]
    tax_minor: Mapped[int]
    outside_minor: Mapped[int]
    due_on: Mapped[date | None]
    settled_on: Mapped[date | None]


class DecisionRow(Row):
    """What a person decided: a fact with author and time."""

    __tablename__ = "decision"
    realm_no: Mapped[int] = mapped_column(primary_key=True)
    decision_id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    job_id: Mapped[int | None]
    kind: Mapped[str]
    subject: Mapped[str]
    facts: Mapped[dict[str, Any]]
    author: Mapped[str]
    decided_at: Mapped[datetime]


class InboxRow(Row):
    """One event of a verified notification, stored before it was answered."""

    __tablename__ = "inbox"
    inbox_id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    realm_no: Mapped[int | None]
    event_key: Mapped[str]
    entity: Mapped[str]
    entity_id: Mapped[str]
    operation: Mapped[str]
    occurred_at: Mapped[datetime | None]
    received_at: Mapped[datetime]
    body_sealed: Mapped[bytes | None]  #: only where it could not be read


class WorkRow(Row):
    """One row of the ledger: something to be done, its tries and its end."""

    __tablename__ = "work"
    realm_no: Mapped[int] = mapped_column(primary_key=True)
    work_id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    kind: Mapped[str]
    queue: Mapped[str]
    job_id: Mapped[int | None]
    lane: Mapped[str]  #: at most one row of a lane runs at a time: `job/17`, `pull`
    target: Mapped[str | None]  #: at most one unfinished effect a target: `job/17/invoice/m1`
    effect_key: Mapped[str | None]
    coalesce_key: Mapped[str | None]
    priority: Mapped[int]
    state: Mapped[str]
    payload: Mapped[dict[str, Any]]
    fingerprint: Mapped[str | None]
    plan_hash: Mapped[str | None]
    attempts: Mapped[int]
    first_tried_at: Mapped[datetime | None]
    not_before: Mapped[datetime | None]  #: on the business clock
    retry_at: Mapped[datetime]  #: on the real clock
    token: Mapped[int]
    process_id: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    asked_at: Mapped[datetime | None]
    request_id: Mapped[str | None]
    result: Mapped[dict[str, Any] | None]
    error_class: Mapped[str | None]
    error: Mapped[str | None]
    remedy: Mapped[str | None]
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None]


class AttemptRow(Row):
    """One try of a row of work."""

    __tablename__ = "attempt"
    realm_no: Mapped[int] = mapped_column(primary_key=True)
    work_id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    process_id: Mapped[str]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    error_class: Mapped[str | None]
    error: Mapped[str | None]
    intuit_tid: Mapped[str | None]


class TimerRow(Row):
    """Something that recurs for a company, on the business clock. A missed turn
    is caught up once.
    """

    __tablename__ = "timer"
    realm_no: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    every_s: Mapped[int]
    next_at: Mapped[datetime]


class JournalRow(Row):
    """Who changed what of a job, why, from what to what. Append only, each entry chained to the one
    before.
    """

    __tablename__ = "journal"
    realm_no: Mapped[int] = mapped_column(primary_key=True)
    entry_no: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    job_id: Mapped[int]
    job_version: Mapped[int]
    at: Mapped[datetime]
    cause: Mapped[str]
    author: Mapped[str]
    before: Mapped[dict[str, Any]]
    after: Mapped[dict[str, Any]]
    chain: Mapped[str]
    chain_form: Mapped[int]  #: 1: over before, after, cause, version; 2: over the whole entry


class FindingRow(Row):
    """What needs a person, open until the rule holds again."""

    __tablename__ = "finding"
    realm_no: Mapped[int] = mapped_column(primary_key=True)
    finding_id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    job_id: Mapped[int | None]
    code: Mapped[str]
    subject: Mapped[str]
    facts: Mapped[dict[str, Any]]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class PortalLinkRow(Row):
    """A customer's way to the timeline of one job; the token itself is stored nowhere."""

    __tablename__ = "portal_link"
    realm_no: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(primary_key=True)
    serial: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[bytes]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class MeteredCallRow(Row):
    """How many calls that cost money a company made in a month."""

    __tablename__ = "metered_call"
    realm_no: Mapped[int] = mapped_column(primary_key=True)
    month: Mapped[date] = mapped_column(primary_key=True)
    calls: Mapped[int]
