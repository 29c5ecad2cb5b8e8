"""Which estimates make one Job, and which of them is a change order.

A Job is a project, a sub-customer, or else a single estimate. Its main estimate is the earliest
accepted one; a further accepted one is a change order where its number says so (`1042-CO-1`), and
a candidate that a person has to judge where it does not: it may be an option, or a second quote.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date
from enum import Enum

from mapping.documents import CreditMemo, Customer, Estimate, NativeOrder
from milestone_engine.finding import Finding

#: A longer number leaves no room for `-M12-2` within QuickBooks' 21 characters.
LONGEST_BASE = 15

#: A change order's number: an optional base, then CO and one to three digits (`1042-CO-1`,
#: `1042-CO1`, `CO 3`, `CO#3`). Four digits are an estimate's own number in a company that counts
#: from `CO-1001`.
_CHANGE_ORDER = re.compile(r"(?:(?P<base>.*[^\s_/-])?[\s_/-]+|)CO[\s#_-]*(?P<number>\d{1,3})", re.I)


class EstimateState(Enum):
    """What an estimate's TxnStatus means to us."""

    PENDING = "pending"  #: offered, not a Job yet
    ACCEPTED = "accepted"  #: agreed
    CONVERTED = "converted"  #: agreed, and QuickBooks made an invoice from it
    REJECTED = "rejected"
    CLOSED = "closed"  #: done or abandoned
    DELETED = "deleted"
    UNKNOWN = "unknown"  #: a status we have never heard of: not agreed

    @property
    def is_agreed(self) -> bool:
        """Whether the customer has said yes and the yes still stands."""
        return self in (EstimateState.ACCEPTED, EstimateState.CONVERTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeOrderNumber:
    """What a document number says about a change order."""

    base: str  #: the number in front, "" where none stands there
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDocuments:
    """The estimates of one Job by what they are to it, each group in the order of acceptance."""

    main: Estimate | None  #: None: nothing is agreed yet
    change_orders: tuple[Estimate, ...] = ()  #: agreed: part of the contract
    pending_change_orders: tuple[Estimate, ...] = ()  #: offered: not part of it
    ended_change_orders: tuple[Estimate, ...] = ()  #: rejected, closed or deleted: not part of it
    credits: tuple[CreditMemo, ...] = ()  #: a person said that the contract is smaller by them
    candidates: tuple[Estimate, ...] = ()  #: agreed, but a person must say what they are

    @property
    def estimates(self) -> tuple[Estimate, ...]:
        """The agreed ones that are estimates in QuickBooks: what an invoice can be made from."""
        agreed = (self.main, *self.change_orders)
        return tuple(one for one in agreed if one and not isinstance(one, NativeOrder))

    @property
    def findings(self) -> tuple[Finding, ...]:
        """One `estimate_candidate` per candidate."""
        return tuple(self._candidate(estimate) for estimate in self.candidates)

    def _candidate(self, estimate: Estimate) -> Finding:
        facts = {"number": estimate.doc_number, "of": self.main.doc_number if self.main else ""}
        subject = f"estimate:{estimate.id}"
        return Finding(code="estimate_candidate", subject=subject, facts=facts)


def estimate_state(estimate: Estimate) -> EstimateState:
    """Return what an estimate's status means. Expiry ends nothing, people do."""
    if estimate.is_deleted:
        return EstimateState.DELETED
    try:
        return EstimateState(estimate.status.lower())
    except ValueError:
        return EstimateState.UNKNOWN


def job_key(estimate: Estimate, customers: Mapping[str, Customer]) -> str:
    """Return the key under which estimates of one Job meet.

    `project:447190233`, `customer:318` for a sub-customer or a project's customer row, else
    `estimate:1187`: two estimates of one plain customer are two Jobs.

    Args:
        customers: by id; one that is not there counts as a plain customer.
    """
    if estimate.project_id:
        return f"project:{estimate.project_id}"
    customer = customers.get(estimate.customer.id) if estimate.customer else None
    if customer and customer.is_job:
        return f"customer:{customer.id}"
    return f"estimate:{estimate.id}"


def gather(
    estimates: Sequence[Estimate],
    *,
    main_id: str | None = None,
    confirmed_ids: Collection[str] = (),
    orders: Sequence[NativeOrder] = (),
) -> JobDocuments:
    """Sort the estimates of one job key by what they are to the Job.

    Args:
        estimates: all that share the key, in any order. A deleted one is the last known document
            with its deletion noted: a bare stub has no number by which to know it.
        main_id: the main estimate as it was found before. It stays the main one whatever its state,
            so that a rejected contract freezes the Job and does not hand it to its neighbour.
        confirmed_ids: estimates that a person called change orders whatever their number.
        orders: QuickBooks' own change orders; one that names another Job's estimate plays no part.
    """
    main = _main(sorted(estimates, key=_order), main_id)
    ordered = sorted([*estimates, *_named(orders, estimates, main, confirmed_ids)], key=_order)
    groups: dict[str, list[Estimate]] = {
        "change_orders": [],
        "pending_change_orders": [],
        "ended_change_orders": [],
        "candidates": [],
    }
    for estimate in ordered:
        if main is None or estimate.contract_id != main.contract_id:
            group = _group(estimate, main, confirmed_ids)
            if group:
                groups[group].append(estimate)
    return JobDocuments(
        main=main,
        change_orders=tuple(groups["change_orders"]),
        pending_change_orders=tuple(groups["pending_change_orders"]),
        ended_change_orders=tuple(groups["ended_change_orders"]),
        candidates=tuple(groups["candidates"]),
    )


def _named(
    orders: Sequence[NativeOrder],
    estimates: Sequence[Estimate],
    main: Estimate | None,
    confirmed_ids: Collection[str],
) -> list[NativeOrder]:
    """Return the change orders that name the main estimate, or one that changes it."""
    ids = {one.id for one in estimates if one.id in confirmed_ids or _belongs_to(one, main)}
    ids |= {main.id} if main else set()
    return [one for one in orders if one.changes & ids]


def _main(ordered: Sequence[Estimate], main_id: str | None) -> Estimate | None:
    known = [estimate for estimate in ordered if estimate.id == main_id]
    agreed = [
        estimate
        for estimate in ordered
        if estimate_state(estimate).is_agreed and not change_order_number(estimate.doc_number)
    ]
    return next(iter(known or agreed), None)


def _group(estimate: Estimate, main: Estimate | None, confirmed_ids: Collection[str]) -> str | None:
    """Return the group of a further estimate; None where it does not concern the Job."""
    state = estimate_state(estimate)
    is_change_order = (
        isinstance(estimate, NativeOrder)
        or estimate.id in confirmed_ids
        or _belongs_to(estimate, main)
    )
    if state.is_agreed:
        return "change_orders" if is_change_order else "candidates"
    if not is_change_order or state is EstimateState.UNKNOWN:
        return None
    is_pending = state is EstimateState.PENDING
    return "pending_change_orders" if is_pending else "ended_change_orders"


def _belongs_to(estimate: Estimate, main: Estimate | None) -> bool:
    """Whether an estimate's number makes it a change order of the main one."""
    found = change_order_number(estimate.doc_number)
    if main is None or found is None:
        return False
    names = ("", main.doc_number.casefold(), f"e{main.id}")
    return found.base.casefold() in names


def change_order_number(doc_number: str) -> ChangeOrderNumber | None:
    """Read a document number as a change order's; nested suffixes (`1042-CO-1-CO-2`) count once."""
    found = _CHANGE_ORDER.fullmatch(doc_number.strip())
    if found is None:
        return None
    base = found["base"] or ""
    inner = change_order_number(base)
    return ChangeOrderNumber(base=inner.base if inner else base, number=int(found["number"]))


def base_number(estimate: Estimate, *, taken: Collection[str]) -> str:
    """Return the Job's name for people and the front of its invoice numbers.

    The estimate's own number; `E<id>` where that is blank, too long, or in `taken` (the bases of
    other Jobs).
    """
    number = estimate.doc_number
    others = {base.casefold() for base in taken}
    if not number or len(number) > LONGEST_BASE or number.casefold() in others:
        return f"E{estimate.id}"
    return number


def _order(estimate: Estimate) -> tuple[date, str, int, str]:
    """Sort by the day of acceptance, else of the document; then by age."""
    agreed_on = estimate.accepted_on or estimate.dated_on or date.max
    created = estimate.created_at.astimezone(UTC).isoformat() if estimate.created_at else ""
    return (agreed_on, created, len(estimate.id), estimate.id)
