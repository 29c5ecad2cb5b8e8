"""What a person sets for one company: how much it may do by itself, its policy, its time zone.

A setting is a decision on record. It holds for every job from then on: all of them are looked at
again, and what was planned under the old setting and not asked of QuickBooks yet is planned anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, insert, update
from sqlalchemy.orm import Session

from sync import work
from sync.effects import EFFECT_KINDS
from sync.store import realms
from sync.store.tables import DecisionRow, JobRow, RealmRow, WorkRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be set; None leaves it as it is."""

    mode: str | None = None  #: observe, approve, auto
    zone: str | None = None  #: of the company's jobs: `America/New_York`
    policy: Mapping[str, Any] | None = None  #: keys of `gather.policy_of()`; others stay


def set_company(session: Session, realm_no: int, wish: Wish, *, author: str) -> bool:
    """Set what is wished for, in the caller's transaction.

    Returns:
        Whether anything is different now.
    """
    realm = realms.get(session, realm_no)
    before = {"mode": realm.mode, "zone": realm.zone, "policy": realm.policy}
    after = {
        "mode": wish.mode or realm.mode,
        "zone": wish.zone or realm.zone,
        "policy": {**realm.policy, **(wish.policy or {})},
    }
    if after == before:
        return False
    session.execute(update(RealmRow).where(RealmRow.realm_no == realm_no).values(**after))
    session.execute(
        insert(DecisionRow).values(
            realm_no=realm_no,
            job_id=None,
            kind="company_set",
            subject=f"company:{realm_no}",
            facts={"before": before, "after": after},
            author=author,
            decided_at=func.business_now(),
        )
    )
    _plan_anew(session, realm_no)
    return True


def _plan_anew(session: Session, realm_no: int) -> None:
    session.execute(
        update(WorkRow)
        .where(
            WorkRow.realm_no == realm_no,
            WorkRow.kind.in_(EFFECT_KINDS),
            WorkRow.state.in_(["proposed", "ready", "sent"]),
            WorkRow.asked_at.is_(None),
        )
        .values(state="cancelled", error="the company was set otherwise", done_at=func.lease_now())
    )
    session.execute(
        update(JobRow).where(JobRow.realm_no == realm_no).values(look_at=work.due_now())
    )
