"""What each invoice of a Job is to ask: those that stand, those to bring to a new amount, new ones.

A milestone's amount less what stands on it is the difference. More is asked on the newest invoice
that can move (`revise`) or on a further one (`supplement`, or where none can move); less is taken
from the newest unsettled invoice first, never below what is paid on it. Held and settled invoices
never move.

Retainage: an invoice asks the net. What is withheld is fixed by the rate at its billing, in the
order of billing: live invoices first, then new ones in the order of the schedule. All that is
withheld is one more milestone, the release, asked after the event of the last milestone. So net
amounts and release add up to the gross amounts, and lines are spread over them like over any
invoices: the release takes what is left of every line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from milestone_engine.amounts import Amounts
from milestone_engine.job import Policy, ProgressInvoice
from milestone_engine.rebalance import OnInvoiced, ShareState
from milestone_engine.retainage import Retainage, rate, withhold
from milestone_engine.schedule import Fixed, Milestone
from milestone_engine.standing import Standing, gross_paid_on
from milestone_engine.timeline import Trigger, When

#: The milestone that bills what was withheld. It is in no schedule.
RELEASE = "retainage-release"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What one invoice of a milestone is to ask."""

    milestone_id: str
    ordinal: int
    invoice: ProgressInvoice | None  #: None: to be made
    gross_minor: int
    withheld_minor: int
    is_free: bool  #: it may be made or changed
    is_blocked: bool = False  #: an invoice of its milestone is gone, and nobody decided about it

    @property
    def amount_minor(self) -> int:
        """The net: what it asks."""
        return self.gross_minor - self.withheld_minor

    @property
    def is_standing(self) -> bool:
        """Whether its invoice asks just that already."""
        return self.invoice is not None and self.invoice.amount_minor == self.amount_minor


def asks_of(amounts: Amounts, policy: Policy) -> tuple[Ask, ...]:
    """Return what each invoice is to ask, milestone by milestone, the release last."""
    found: list[Ask] = []
    for name, share in amounts.shares.items():
        is_fixed = share.state in (ShareState.LOCKED, ShareState.HELD)
        asked = _asks(name, share.amount_minor, amounts.standing(name), policy, is_fixed=is_fixed)
        found += asked
    found = _withheld(found, amounts.retainage, amounts.contract.total_minor)
    # Who gets money back is not asked for what was withheld: one is set off against the other.
    released = max(sum(one.withheld_minor for one in found) - amounts.credit_minor, 0)
    standing = amounts.standing(RELEASE)
    if released or standing.live:
        is_fixed = standing.is_settled and released <= (standing.billed_minor or 0)
        is_fixed = is_fixed or standing.is_held
        found += _asks(RELEASE, released, standing, policy, is_fixed=is_fixed)
    return tuple(found)


def release_milestone(milestones: Sequence[Milestone], amount_minor: int) -> Milestone:
    """Return the milestone that bills what was withheld: after the event of the last one."""
    return Milestone(
        id=RELEASE,
        label="Retainage",
        basis=Fixed(amount_minor=amount_minor),
        trigger=Trigger(when=When.AFTER, event=milestones[-1].trigger.event),
    )


def _asks(
    name: str, amount_minor: int, standing: Standing, policy: Policy, *, is_fixed: bool
) -> list[Ask]:
    """Return what the invoices of one milestone are to ask, gross."""
    asks = [
        Ask(
            milestone_id=name,
            ordinal=one.ordinal,
            invoice=one,
            gross_minor=one.gross_minor,
            withheld_minor=one.withheld_minor,
            is_free=not one.is_settled and one.invoice_id not in standing.held,
        )
        for one in standing.live
    ]
    difference = amount_minor - (standing.billed_minor or 0)
    if is_fixed or not difference:
        return asks
    if difference < 0:
        return _lowered(asks, -difference)
    free = [place for place, one in enumerate(asks) if one.is_free]
    if free and policy.on_invoiced is not OnInvoiced.SUPPLEMENT:
        last = asks[free[-1]]
        asks[free[-1]] = replace(last, gross_minor=last.gross_minor + difference)
        return asks
    new = Ask(
        milestone_id=name,
        ordinal=standing.last_ordinal + 1,
        invoice=None,
        gross_minor=difference,
        withheld_minor=0,
        is_free=True,
        is_blocked=bool(standing.undecided),
    )
    return [*asks, new]


def _lowered(asks: list[Ask], missing: int) -> list[Ask]:
    """Take an amount from the newest invoices that can move."""
    for place in range(len(asks) - 1, -1, -1):
        one = asks[place]
        if one.is_free and one.invoice is not None:
            given = min(missing, one.gross_minor - gross_paid_on(one.invoice))
            asks[place] = replace(one, gross_minor=one.gross_minor - given)
            missing -= given
    return asks


def _withheld(asks: Sequence[Ask], retainage: Retainage | None, whole_minor: int) -> list[Ask]:
    """Return the asks with what is withheld of each."""
    billed = sum(one.gross_minor for one in asks if one.invoice is not None)
    found = []
    for one in asks:
        if one.invoice is not None:
            found.append(replace(one, withheld_minor=_of_revised(one, one.invoice, retainage)))
            continue
        withheld = 0
        if retainage is not None:
            percent = rate(retainage, billed_minor=billed, whole_minor=whole_minor)
            withheld = withhold(one.gross_minor, percent)
        billed += one.gross_minor
        found.append(replace(one, withheld_minor=withheld))
    return found


def _of_revised(ask: Ask, invoice: ProgressInvoice, retainage: Retainage | None) -> int:
    """Return what is withheld of a sent invoice: stored, or at its own rate if it is changed."""
    if ask.gross_minor == invoice.gross_minor or not invoice.withheld_minor:
        return invoice.withheld_minor
    rates = (retainage.percent, retainage.after_half) if retainage else ()
    withheld = ask.gross_minor * invoice.withheld_minor // invoice.gross_minor
    for percent in rates:
        if percent and withhold(invoice.gross_minor, percent) == invoice.withheld_minor:
            withheld = withhold(ask.gross_minor, percent)
            break
    # What is paid on it is asked, whatever rounding says.
    return min(withheld, ask.gross_minor - invoice.paid_minor)
