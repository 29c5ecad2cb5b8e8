"""One job's life in any order: estimate, change orders, bills, payments, voids, refunds.

The machine keeps the facts as QuickBooks would hold them, in the order in which they came in, and
asks the engine after every step. The oracle says the same from exact fractions, and a second
bookkeeper, who heard of everything in another order, must come to the same split.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from milestone_engine import (
    Milestone,
    OnInvoiced,
    Parts,
    Percent,
    Position,
    ShareState,
    Split,
    Trigger,
    When,
    is_settled,
    rebalance,
)
from tests.property.oracle import answer

TRIGGER = Trigger(when=When.AFTER, event="removal")
MONEY = st.one_of(st.integers(0, 50), st.integers(0, 1_000_000))


@dataclass
class Invoice:
    """A live or voided invoice of one milestone."""

    milestone: int
    amount: int
    is_void: bool = False
    payments: list[int] = field(default_factory=list)  #: applied to it, in order

    @property
    def paid(self) -> int:
        """What is applied to it now."""
        return sum(self.payments)


class Life(RuleBasedStateMachine):
    """One job, and everything that can happen to its money."""

    @initialize(
        shares=st.one_of(
            st.lists(st.integers(0, 100), min_size=1, max_size=5),
            st.lists(st.integers(1, 5), min_size=1, max_size=5).map(lambda n: [-one for one in n]),
        ),
        total=MONEY,
        policy=st.sampled_from(OnInvoiced),
    )
    def accept_the_estimate(self, shares: list[int], total: int, policy: OnInvoiced) -> None:
        """Percents, or parts where they are written below zero."""
        self.milestones = [
            Milestone(
                id=f"m{place}",
                label="",
                basis=Percent(value=Decimal(one)) if one >= 0 else Parts(count=-one),
                trigger=TRIGGER,
            )
            for place, one in enumerate(shares)
        ]
        self.total, self.policy = total, policy
        self.change_orders: list[int] = []
        self.invoices: list[Invoice] = []
        self.refunded = 0
        self.locked: dict[int, int] = {}

    @rule(amount=st.one_of(st.integers(-50, 50), st.integers(-300_000, 300_000)))
    def approve_a_change_order(self, amount: int) -> None:
        """The contract never falls below zero."""
        amount = max(amount, -self.total)
        self.change_orders.append(amount)
        self.total += amount

    @precondition(lambda self: self.change_orders)
    @rule()
    def reverse_the_last_change_order(self) -> None:
        """With nothing billed or paid between, that is no change."""
        amount = self.change_orders[-1]
        if self.total - amount >= 0:
            before = self.split()
            self.total -= amount
            middle = self.split()
            self.total += amount
            assert self.split() == before
            self.total -= amount
            assert self.split() == middle
            self.change_orders.pop()

    @rule(data=st.data())
    def bill(self, data: st.DataObject) -> None:
        """Bill what the engine says, where there is no live invoice; nothing for zero."""
        free = [
            place
            for place in range(len(self.milestones))
            if self.live(place) is None and self.split().shares[place].amount_minor > 0
        ]
        if free:
            place = data.draw(st.sampled_from(free))
            amount = self.split().shares[place].amount_minor
            before = self.split()
            self.invoices.append(Invoice(milestone=place, amount=amount))
            self.moved_at_most(before, 0 if self.policy is OnInvoiced.REVISE else 1)

    @precondition(lambda self: any(not one.is_void for one in self.invoices))
    @rule(data=st.data())
    def revise(self, data: st.DataObject) -> None:
        """Bring a sent invoice to what the engine says now, by the policy."""
        one = data.draw(st.sampled_from([one for one in self.invoices if not one.is_void]))
        share = self.split().shares[one.milestone]
        if share.state is ShareState.OPEN and share.amount_minor > 0:
            before = self.split()
            one.amount = share.amount_minor
            if not is_settled(billed_minor=one.amount, paid_minor=one.paid):
                self.moved_at_most(before, 0 if self.policy is OnInvoiced.REVISE else 1)

    @precondition(lambda self: any(not one.is_void for one in self.invoices))
    @rule(data=st.data(), way=st.sampled_from(["full", "part", "over", "short"]))
    def pay(self, data: st.DataObject, way: str) -> None:
        """In full, in part, too much, or one unit short."""
        one = data.draw(st.sampled_from([one for one in self.invoices if not one.is_void]))
        missing = max(one.amount - one.paid, 0)
        amount = {
            "full": missing,
            "part": data.draw(st.integers(0, missing)),
            "over": missing + data.draw(st.integers(1, 500)),
            "short": max(missing - 1, 0),
        }[way]
        one.payments.append(amount)

    @precondition(lambda self: any(one.payments for one in self.invoices))
    @rule(data=st.data())
    def unapply(self, data: st.DataObject) -> None:
        """A payment goes back to the customer's account, or bounces."""
        one = data.draw(st.sampled_from([one for one in self.invoices if one.payments]))
        one.payments.pop(data.draw(st.integers(0, len(one.payments) - 1)))

    @precondition(lambda self: any(not one.is_void and not one.paid for one in self.invoices))
    @rule(data=st.data())
    def void(self, data: st.DataObject) -> None:
        """An unpaid invoice is voided: its milestone is unbilled again (E85)."""
        one = data.draw(
            st.sampled_from([one for one in self.invoices if not one.is_void and not one.paid])
        )
        one.is_void = True

    @rule(amount=MONEY)
    def refund(self, amount: int) -> None:
        """A refund moves no balance: it is a finding, and no split changes."""
        before = self.split()
        self.refunded += amount
        assert self.split() == before

    @rule(random=st.randoms(use_true_random=False))
    def hear_of_it_in_another_order(self, random) -> None:
        """Webhooks come as they like."""
        before = self.split()
        random.shuffle(self.invoices)
        for one in self.invoices:
            random.shuffle(one.payments)
        assert self.split() == before

    @rule(policy=st.sampled_from(OnInvoiced))
    def change_the_policy(self, policy: OnInvoiced) -> None:
        """The company thinks otherwise about sent invoices."""
        self.policy = policy

    @invariant()
    def is_as_the_page_says(self) -> None:
        """Every amount against exact fractions."""
        split = self.split()
        expected = answer(self.total, self.positions(), self.policy)
        assert [share.amount_minor for share in split.shares] == expected.amounts
        assert split.credit_minor == expected.credit
        assert split.unallocated_minor == expected.unallocated

    @invariant()
    def keeps_every_cent(self) -> None:
        """The sum law, and what was received is on milestones or on account."""
        split = self.split()
        amounts = [share.amount_minor for share in split.shares]
        assert sum(amounts) == self.total + split.credit_minor - split.unallocated_minor
        received = sum(one.paid for one in self.invoices if not one.is_void)
        due = sum(share.due_minor for share in split.shares)
        short = sum(
            max(share.amount_minor - share.paid_minor, 0)
            for share in split.shares
            if share.state is ShareState.LOCKED
        )
        assert due - short >= 0
        assert sum(amounts) - due == received - split.on_account_minor

    @invariant()
    def moves_a_locked_amount_only_with_its_facts(self) -> None:
        """As long as an invoice and its payments stand, its milestone stands."""
        now = {}
        for place in range(len(self.milestones)):
            one = self.live(place)
            if one is not None and is_settled(billed_minor=one.amount, paid_minor=one.paid):
                now[place] = one.amount
        shares = self.split().shares
        for place, amount in now.items():
            assert shares[place].state is ShareState.LOCKED
            assert shares[place].amount_minor == amount

    def moved_at_most(self, before: Split, units: int) -> None:
        """Hold the others to where they were: to bill what was planned is no change.

        What is billed is in whole units and no exact share any more. Where it stands from now on
        (`hold`, `supplement`) the others share again, and the odd unit may fall elsewhere.
        """
        for old, new in zip(before.shares, self.split().shares, strict=True):
            assert abs(old.amount_minor - new.amount_minor) <= units

    def live(self, place: int) -> Invoice | None:
        """Return a milestone's live invoice."""
        found = [one for one in self.invoices if one.milestone == place and not one.is_void]
        assert len(found) <= 1
        return found[0] if found else None

    def positions(self) -> list[Position]:
        """Return the facts as the engine is given them."""
        found = []
        for place, milestone in enumerate(self.milestones):
            one = self.live(place)
            found.append(
                Position(
                    milestone=milestone,
                    billed_minor=None if one is None else one.amount,
                    paid_minor=0 if one is None else one.paid,
                )
            )
        return found

    def split(self) -> Split:
        """Ask the engine."""
        return rebalance(self.total, self.positions(), currency="USD", on_invoiced=self.policy)


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
