"""What people decide about one job: written down with author and time, read by the next Plan.

The table only grows: a decision is taken back by a row that says so. Of two about one question the
newer stands. The engine's values are `milestone_engine.decisions`; here is how they are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from milestone_engine.decisions import (
    AgreeValue,
    BillAgain,
    ClaimPayment,
    Decision,
    DismissPayment,
    Forget,
    HoldPayment,
    ReopenPayment,
    RouteChangeOrder,
    Routing,
    VoidInvoice,
)
from sync import families, work
from sync.store import journal
from sync.store.adoptions import ADOPT, Adoption, adoption_of
from sync.store.schedules import terms_json, terms_of
from sync.store.tables import DecisionRow, JobRow

#: A job is called off. No value of the engine: it is a state of the Job.
CANCEL = "cancel_job"
#: A further accepted estimate is a change order of the job, or a job of its own. No values of the
#: engine either: they say which documents make the contract, before there is a Job.
CONFIRM, SEPARATE = "confirm_estimate", "separate_estimate"
#: A credit memo is a change of the contract and no receipt.
CONFIRM_CREDIT = "confirm_credit"
#: An effect is not wanted any more: read where a plan becomes rows of work.
GIVE_UP = "give_up"
UNDO = "undo"
_OF_DOCUMENTS = (CONFIRM, SEPARATE, CONFIRM_CREDIT)


class NoSuchDecision(Exception):
    """The job has no such decision, or it was taken back already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One decision as the table keeps it."""

    kind: str
    subject: str  #: `invoice:2041`, `milestone:m2`, `job`
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What people have decided about a job and not taken back."""

    rows: tuple[DecisionRow, ...]
    is_unadopted: bool = False  #: the yes to take the job over was taken back, and none stands

    @property
    def adoption(self) -> Adoption | None:
        """The yes to take over a job that was billed before."""
        return next((adoption_of(row) for row in self.rows if row.kind == ADOPT), None)

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """The engine's values."""
        return tuple(_READ[row.kind](row) for row in self.rows if row.kind in _READ)

    @property
    def confirmed_ids(self) -> frozenset[str]:
        """Estimates that a person called change orders, whatever their number."""
        return frozenset(_name(row) for row in self.rows if row.kind == CONFIRM)

    @property
    def separated_ids(self) -> frozenset[str]:
        """Estimates that a person called jobs of their own."""
        return frozenset(_name(row) for row in self.rows if row.kind == SEPARATE)

    @property
    def credit_ids(self) -> frozenset[str]:
        """Credit memos by which a person said that the contract is smaller."""
        return frozenset(_name(row) for row in self.rows if row.kind == CONFIRM_CREDIT)

    @property
    def is_cancelled(self) -> bool:
        """Whether the job was called off."""
        return any(row.kind == CANCEL for row in self.rows)


def record(session: Session, realm_no: int, job_id: int, kept: Kept, *, author: str) -> int:
    """Write a decision down and have its job looked at again.

    Returns:
        Its number, by which it can be taken back.
    """
    decision_id = session.scalars(
        insert(DecisionRow)
        .values(
            realm_no=realm_no,
            job_id=job_id,
            kind=kept.kind,
            subject=kept.subject,
            facts=dict(kept.facts),
            author=author,
            decided_at=func.business_now(),
        )
        .returning(DecisionRow.decision_id)
    ).one()
    said = {"no": decision_id, "kind": kept.kind, "subject": kept.subject}
    journal.add(
        session,
        realm_no,
        job_id,
        cause=journal.DECISION,
        author=author,
        after={**said, "facts": dict(kept.facts)},
    )
    work.look_again(session, realm_no, job_id)
    if kept.kind == UNDO or _QUESTIONS.get(kept.kind) == "unapplied payment":
        _tell_kin(session, realm_no, job_id)
    return decision_id


def _tell_kin(session: Session, realm_no: int, job_id: int) -> None:
    """Have the jobs looked at that the same money could have been meant for."""
    mine = (JobRow.realm_no == realm_no) & (JobRow.job_id == job_id)
    customer_id = session.scalars(select(JobRow.customer_id).where(mine)).one()
    for other in families.sharing(session, realm_no, customer_id) - {job_id}:
        work.look_again(session, realm_no, other)


def undo(session: Session, realm_no: int, job_id: int, decision_id: int, *, author: str) -> None:
    """Take a decision back by another one.

    Raises:
        NoSuchDecision: none of this number stands on the job.
    """
    known = {row.decision_id: row for row in standing(session, realm_no, job_id).rows}
    if decision_id not in known:
        raise NoSuchDecision(f"no decision {decision_id} stands on this job")
    kept = Kept(kind=UNDO, subject=f"decision:{decision_id}", facts={})
    record(session, realm_no, job_id, kept, author=author)
    if known[decision_id].kind == SEPARATE:
        # The job that it opened stands still from now on.
        mine = JobRow.estimate_id == _name(known[decision_id])
        other = select(JobRow.job_id).where(JobRow.realm_no == realm_no, mine)
        for one in session.scalars(other).all():
            work.look_again(session, realm_no, one)


def standing(session: Session, realm_no: int, job_id: int) -> Standing:
    """Read what people have decided about a job: the newest word on each question."""
    rows = session.scalars(
        select(DecisionRow)
        .where(
            DecisionRow.realm_no == realm_no,
            DecisionRow.job_id == job_id,
            DecisionRow.kind.in_([*_READ, *_OF_DOCUMENTS, CANCEL, ADOPT, GIVE_UP, UNDO]),
        )
        .order_by(DecisionRow.decision_id)
    ).all()
    newest = _newest(rows)
    was_adopted = any(row.kind == ADOPT for row in rows)
    is_adopted = any(row.kind == ADOPT for row in newest)
    return Standing(rows=newest, is_unadopted=was_adopted and not is_adopted)


def set_apart_ever(
    session: Session, realm_no: int, estimate_ids: Collection[str]
) -> frozenset[str]:
    """Give those of some estimates that a person once called jobs of their own."""
    subjects = [f"estimate:{one}" for one in estimate_ids]
    found = session.scalars(
        select(DecisionRow.subject).where(
            DecisionRow.realm_no == realm_no,
            DecisionRow.kind == SEPARATE,
            DecisionRow.subject.in_(subjects),
        )
    )
    return frozenset(one.partition(":")[2] for one in found)


def is_rejoined(session: Session, realm_no: int, estimate_id: str) -> bool:
    """Whether an estimate was called a job of its own, and that was taken back."""
    jobs = session.scalars(
        select(DecisionRow.job_id).where(
            DecisionRow.realm_no == realm_no,
            DecisionRow.kind == SEPARATE,
            DecisionRow.subject == f"estimate:{estimate_id}",
        )
    )
    said = [standing(session, realm_no, one) for one in set(jobs) if one is not None]
    return bool(said) and not any(estimate_id in one.separated_ids for one in said)


def claimed_by_others(session: Session, realm_no: int, job_id: int) -> frozenset[str]:
    """Give the payments and credits that people claimed for other jobs of the company."""
    others = session.scalars(
        select(DecisionRow.job_id)
        .where(
            DecisionRow.realm_no == realm_no,
            DecisionRow.kind.in_((_KINDS[ClaimPayment], CONFIRM_CREDIT)),
            DecisionRow.job_id != job_id,
        )
        .distinct()
    )
    said = [standing(session, realm_no, other) for other in others.all() if other is not None]
    payments = {
        one.payment_id
        for decided in said
        for one in decided.decisions
        if isinstance(one, ClaimPayment)
    }
    return frozenset(payments.union(*(decided.credit_ids for decided in said)))


def kept_of(decision: Decision) -> Kept:
    """Give a decision of the engine as the table keeps it."""
    kind = _KINDS[type(decision)]
    facts: dict[str, Any] = {}
    if isinstance(decision, HoldPayment):
        subject = f"milestone:{decision.milestone_id}"
    elif isinstance(decision, RouteChangeOrder):
        subject = f"change_order:{decision.change_order_id}"
        facts = {
            "routing": decision.routing.value,
            "milestones": [terms_json(one) for one in decision.milestones],
        }
    elif isinstance(decision, AgreeValue):
        subject = "job"
        facts = {"amount_minor": decision.amount_minor, "on": decision.on.isoformat()}
    elif isinstance(decision, ClaimPayment | DismissPayment):
        subject = f"payment:{decision.payment_id}"
        if isinstance(decision, ClaimPayment):
            facts = {"milestone_id": decision.milestone_id}
    else:
        subject = f"invoice:{decision.invoice_id}"
        if isinstance(decision, Forget):
            facts = {"amount_minor": decision.amount_minor}
        elif isinstance(decision, ReopenPayment):
            facts = {"reversal": decision.reversal}
    return Kept(kind=kind, subject=subject, facts=facts)


def _newest(rows: Sequence[DecisionRow]) -> tuple[DecisionRow, ...]:
    undone = {row.subject for row in rows if row.kind == UNDO}
    newest: dict[tuple[str, str], DecisionRow] = {}
    for row in rows:
        if row.kind != UNDO and f"decision:{row.decision_id}" not in undone:
            question = (_QUESTIONS.get(row.kind, row.kind), row.subject)
            newest.pop(question, None)
            newest[question] = row
    return tuple(newest.values())


def _name(row: DecisionRow) -> str:
    return row.subject.partition(":")[2]


_KINDS: Mapping[type, str] = {
    BillAgain: "bill_again",
    Forget: "forget_invoice",
    HoldPayment: "hold_payment",
    ReopenPayment: "reopen_payment",
    RouteChangeOrder: "route_change_order",
    AgreeValue: "agree_value",
    ClaimPayment: "claim_payment",
    DismissPayment: "dismiss_payment",
    VoidInvoice: "void_invoice",
}

#: Kinds that answer the same question about the same thing.
_QUESTIONS = {
    "bill_again": "gone invoice",
    "forget_invoice": "gone invoice",
    "claim_payment": "unapplied payment",
    "dismiss_payment": "unapplied payment",
    CONFIRM_CREDIT: "unapplied payment",
    CONFIRM: "further estimate",
    SEPARATE: "further estimate",
}

_READ: Mapping[str, Callable[[DecisionRow], Decision]] = {
    "bill_again": lambda row: BillAgain(invoice_id=_name(row)),
    "forget_invoice": lambda row: Forget(
        invoice_id=_name(row), amount_minor=row.facts["amount_minor"]
    ),
    "hold_payment": lambda row: HoldPayment(milestone_id=_name(row)),
    "reopen_payment": lambda row: ReopenPayment(
        invoice_id=_name(row), reversal=row.facts.get("reversal", 1)
    ),
    "route_change_order": lambda row: RouteChangeOrder(
        change_order_id=_name(row),
        routing=Routing(row.facts["routing"]),
        milestones=tuple(terms_of(one) for one in row.facts.get("milestones", ())),
    ),
    "agree_value": lambda row: AgreeValue(
        amount_minor=row.facts["amount_minor"], on=date.fromisoformat(row.facts["on"])
    ),
    "claim_payment": lambda row: ClaimPayment(
        payment_id=_name(row), milestone_id=row.facts["milestone_id"]
    ),
    "dismiss_payment": lambda row: DismissPayment(payment_id=_name(row)),
    "void_invoice": lambda row: VoidInvoice(invoice_id=_name(row)),
}
