"""What needs a person about a company as a whole: its connection, its share of Intuit's reads, and
what QuickBooks told of it that could not be read.

Each is a finding about `company:7`; all are looked at together, so what is over closes by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from milestone_engine.finding import Finding
from sync.store import findings, realms
from sync.store.database import business_now
from sync.store.tables import UNREADABLE, InboxRow, MeteredCallRow, RealmRow, TimerRow

#: Days before the end of the refresh token at which a person is told, again each time.
WARN_DAYS = (60, 30, 7)
#: Percents of the month's reads: told of; no read without a reason any more; no pull at all.
ALARM_PERCENT, NO_SWEEP_PERCENT, NO_PULL_PERCENT = 80, 95, 100
#: What a finding about the installation itself is about.
APP = "installation"
#: A notification that could not be read is told of for so long after the last one.
UNREAD_TOLD = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanyWatch:
    """What one installation has to know to watch its companies."""

    web_url: str
    reads_per_month: int

    def agree(self, session: Session, realm_no: int) -> None:
        """Make the open findings about a company the ones that hold now."""
        realm = realms.get(session, realm_no)
        now = business_now(session)
        found = [
            *self._connection(realm, now),
            *self._reads(session, realm_no, now),
            *_deliveries(session, realm_no),
        ]
        findings.agree_without_job(session, realm_no, f"company:{realm_no}", found)

    def note_app_refused(self, session: Session, realm_no: int) -> None:
        """Note that Intuit does not know our keys: seen at one company, true of all."""
        finding = Finding(code="app_refused", subject=APP, facts={})
        findings.agree_without_job(session, realm_no, APP, [finding])

    def note_app_known(self, session: Session, realm_no: int) -> None:
        """Note that Intuit has just given us a token."""
        findings.agree_without_job(session, realm_no, APP, [])

    def reconnect_url(self, realm_no: int) -> str:
        """Give the address at which this company, and no other, is connected again."""
        return f"{self.web_url}/connect?company={realm_no}"

    def may_pull(self, session: Session, realm_no: int) -> bool:
        """Tell whether the month's reads allow a pull; read-backs of writes are never asked for."""
        return self._percent(session, realm_no, business_now(session)) < NO_PULL_PERCENT

    def rest_sweep(self, session: Session, realm_no: int) -> None:
        """Let the books rest until next month where reads run out: webhooks still lead to pulls."""
        now = business_now(session)
        if self._percent(session, realm_no, now) >= NO_SWEEP_PERCENT:
            next_month = self.rest(session, realm_no)
            session.execute(
                update(TimerRow)
                .where(TimerRow.realm_no == realm_no, TimerRow.name == "sweep")
                .values(next_at=next_month)
            )

    def rest(self, session: Session, realm_no: int) -> datetime:
        """Let effects go until next month, though the books are not read: no reads are left."""
        now = business_now(session)
        next_month = (now.replace(day=1) + timedelta(days=32)).replace(day=1)
        session.execute(
            update(RealmRow).where(RealmRow.realm_no == realm_no).values(rests_until=next_month)
        )
        return next_month

    def crosses(self, before: int) -> bool:
        """Tell whether one read more, after so many, reaches a mark that people are told of."""
        return any(
            before * 100 // self.reads_per_month
            < mark
            <= (before + 1) * 100 // self.reads_per_month
            for mark in (ALARM_PERCENT, NO_PULL_PERCENT)
        )

    def _connection(self, realm: RealmRow, now: datetime) -> Iterator[Finding]:
        subject, link = f"company:{realm.realm_no}", self.reconnect_url(realm.realm_no)
        if realm.state == "reauth_needed":
            yield Finding(code="connection_lost", subject=subject, facts={"link": link})
        left = days_left(realm, now)
        if realm.state == "connected" and left is not None and left <= WARN_DAYS[0]:
            stage = min(days for days in WARN_DAYS if left <= days)
            assert realm.refresh_expires_at is not None
            facts = {
                "link": link,
                "within": str(stage),
                "on": f"{realm.refresh_expires_at:%Y-%m-%d}",
            }
            yield Finding(code="connection_ending", subject=subject, facts=facts)

    def _reads(self, session: Session, realm_no: int, now: datetime) -> Iterator[Finding]:
        percent = self._percent(session, realm_no, now)
        if percent >= ALARM_PERCENT:
            stage = "all of" if percent >= NO_PULL_PERCENT else f"{ALARM_PERCENT}% of"
            facts = {"stage": stage, "limit": str(self.reads_per_month)}
            yield Finding(code="reads_running_out", subject=f"company:{realm_no}", facts=facts)

    def _percent(self, session: Session, realm_no: int, now: datetime) -> int:
        return reads_in_month(session, realm_no, now) * 100 // self.reads_per_month


def _deliveries(session: Session, realm_no: int) -> Iterator[Finding]:
    asked = select(func.max(InboxRow.received_at)).where(
        InboxRow.realm_no == realm_no,
        InboxRow.operation == UNREADABLE,
        InboxRow.received_at > func.lease_now() - UNREAD_TOLD,
    )
    last = session.scalars(asked).one()
    if last is not None:
        facts = {"on": f"{last:%Y-%m-%d}"}
        yield Finding(code="delivery_unread", subject=f"company:{realm_no}", facts=facts)


def days_left(realm: RealmRow, now: datetime) -> int | None:
    """Tell for how many whole days the company stays connected without a person."""
    if realm.state != "connected" or realm.refresh_expires_at is None:
        return None
    return max((realm.refresh_expires_at - now).days, 0)


def reads_in_month(session: Session, realm_no: int, now: datetime) -> int:
    """Count the calls of the business month that Intuit meters."""
    asked = select(func.coalesce(func.sum(MeteredCallRow.calls), 0)).where(
        MeteredCallRow.realm_no == realm_no, MeteredCallRow.month == now.date().replace(day=1)
    )
    return int(session.scalars(asked).one())
