"""A small world around `plan_job()`: effects are carried out, people pay, void, edit and decide.

It keeps the facts as QuickBooks would hold them. It knows nothing of the rule.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from hypothesis import strategies as st

from milestone_engine.decisions import (
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
from milestone_engine.job import (
    BilledLine,
    ChangeOrder,
    Contract,
    ContractLine,
    HeldBy,
    InvoiceState,
    Job,
    Policy,
    ProgressInvoice,
    UnappliedPayment,
)
from milestone_engine.plan import BillMilestone, Plan, ReviseInvoice, VoidSentInvoice, plan_job
from milestone_engine.rebalance import OnInvoiced
from milestone_engine.retainage import Retainage
from milestone_engine.schedule import Fixed, Milestone, Percent, Schedule
from milestone_engine.timeline import Event, EventState, Trigger, When, approved

TODAY = date(2026, 5, 1)
MONEY = st.one_of(st.integers(1, 60), st.integers(1, 400_000))


def percent(value: int) -> Percent:
    """Return a share."""
    return Percent(value=Decimal(value))


@st.composite
def jobs(draw: st.DrawFn) -> Job:
    """Return a job before its first invoice: two lines, two to four milestones."""
    shares = draw(st.lists(st.integers(0, 60), min_size=2, max_size=4))
    milestones = tuple(
        Milestone(
            id=f"m{place}",
            label=f"M{place}",
            basis=Fixed(amount_minor=share) if draw(st.integers(0, 6)) == 0 else percent(share),
            trigger=Trigger(when=When.AFTER, event=f"e{place}"),
        )
        for place, share in enumerate(shares)
    )
    events = {f"e{n}": Event(name=f"e{n}", label="", on=TODAY) for n in range(len(shares))}
    ten, five = percent(10), percent(5)
    retainage = st.sampled_from(
        [None, None, Retainage(percent=ten), Retainage(percent=ten, after_half=five)]
    )
    return Job(
        base="1042",
        currency="USD",
        contract=Contract(
            lines=tuple(ContractLine(id=f"1:{n}", amount_minor=draw(MONEY)) for n in range(2))
        ),
        schedule=Schedule(currency="USD", milestones=milestones),
        events=events | {"approved": approved(TODAY)},
        policy=Policy(
            on_invoiced=draw(st.sampled_from(OnInvoiced)), routing=draw(st.sampled_from(Routing))
        ),
        retainage=draw(retainage),
    )


@dataclass
class World:
    """One job, and everything that can happen to it."""

    job: Job
    number: int = 100
    forgotten: bool = False
    orders: dict[str, int] = field(default_factory=dict)

    def plan(self) -> Plan:
        """What is to be done now."""
        return plan_job(self.job, today=TODAY)

    def store(self, plan: Plan) -> None:
        """Keep what a version of the schedule keeps."""
        self.job = replace(self.job, schedule=plan.schedule, bound=plan.bound)

    def decide(self, *decisions: Decision) -> None:
        """Put people's decisions beside those that there are."""
        self.job = replace(self.job, decisions=(*self.job.decisions, *decisions))

    def live(self, *, settled: bool | None = None) -> list[ProgressInvoice]:
        """Invoices that ask for money."""
        return [
            one
            for one in self.job.invoices
            if one.state is InvoiceState.LIVE and settled in (None, one.is_settled)
        ]

    def put(self, invoice: ProgressInvoice) -> None:
        """Put an invoice in place of the one that it was."""
        invoices = [invoice if o.invoice_id == invoice.invoice_id else o for o in self.job.invoices]
        self.job = replace(self.job, invoices=tuple(invoices))

    def invoice(self, invoice_id: str) -> ProgressInvoice:
        """Find an invoice."""
        return next(one for one in self.job.invoices if one.invoice_id == invoice_id)

    def carry_out(self, plan: Plan) -> bool:
        """Do in the books what a plan says; say whether there was anything."""
        done = False
        for effect in plan.effects:
            if isinstance(effect, BillMilestone):
                self.number += 1
                new = _made(effect, str(self.number))
                self.job = replace(self.job, invoices=(*self.job.invoices, new))
            elif isinstance(effect, ReviseInvoice):
                self.put(
                    replace(
                        self.invoice(effect.invoice_id),
                        amount_minor=effect.amount_minor,
                        lines=effect.lines,
                        due_on=effect.due_on,
                        withheld_minor=effect.withheld_minor,
                    )
                )
            elif isinstance(effect, VoidSentInvoice):
                self.lose(self.invoice(effect.invoice_id), InvoiceState.VOIDED)
            else:
                continue
            done = True
        return done

    def lose(self, invoice: ProgressInvoice, state: InvoiceState) -> None:
        """Void or delete an invoice: its money is gone from it."""
        self.put(
            replace(invoice, state=state, amount_minor=0, paid_minor=0, lines=(), withheld_minor=0)
        )

    def complete(self, name: str) -> None:
        """An event has happened."""
        done = replace(self.job.events[name], state=EventState.COMPLETED, completed_on=TODAY)
        self.job = replace(self.job, events=dict(self.job.events) | {name: done})

    def order(self, order_id: str, amount: int) -> None:
        """Give a change order this amount; 0: it is gone."""
        rest = self.job.contract.total_minor - self.orders.get(order_id, 0)
        self.orders[order_id] = max(amount, -rest)
        if not self.orders[order_id]:
            del self.orders[order_id]
        lines = [x for x in self.job.contract.lines if x.id.startswith("1:")]
        lines += [ContractLine(id=f"{o}:1", amount_minor=a) for o, a in self.orders.items()]
        orders = [ChangeOrder(id=o, label=o, amount_minor=a) for o, a in self.orders.items()]
        contract = Contract(lines=tuple(lines), change_orders=tuple(orders))
        self.job = replace(self.job, contract=contract)


def _made(effect: BillMilestone, invoice_id: str) -> ProgressInvoice:
    return ProgressInvoice(
        milestone_id=effect.milestone_id,
        ordinal=effect.ordinal,
        invoice_id=invoice_id,
        doc_number=effect.doc_number,
        state=InvoiceState.LIVE,
        amount_minor=effect.amount_minor,
        paid_minor=0,
        lines=effect.lines,
        issued_on=effect.issue_on,
        due_on=effect.due_on,
        withheld_minor=effect.withheld_minor,
    )


def step(world: World, draw: st.DataObject) -> None:
    """Let something happen, if it can."""
    kinds = [_work, _work, _complete, _pay, _pay, _bounce, _lose, _edit, _order, _route, _swap,
             _hold, _unapplied, _policy]  # fmt: skip
    draw.draw(st.sampled_from(kinds))(world, draw)


def _work(world: World, draw: st.DataObject) -> None:
    plan = world.plan()
    world.store(plan)
    world.carry_out(plan)


def _complete(world: World, draw: st.DataObject) -> None:
    """Anything but the last event, which ends the story."""
    names = [one.trigger.event for one in world.job.schedule.milestones if one.id[0] == "m"]
    world.complete(draw.draw(st.sampled_from(names[:-1])))


def _pay(world: World, draw: st.DataObject) -> None:
    unpaid = world.live(settled=False)
    if unpaid:
        one = draw.draw(st.sampled_from(unpaid))
        part = draw.draw(st.integers(one.paid_minor, one.amount_minor))
        paid = draw.draw(st.sampled_from([one.amount_minor, part]))
        one = replace(one, paid_minor=paid)
        world.put(replace(one, was_settled=one.was_settled or one.is_settled))


def _bounce(world: World, draw: st.DataObject) -> None:
    paid = [one for one in world.live(settled=True) if one.amount_minor > 1]
    if paid:
        one = draw.draw(st.sampled_from(paid))
        count = one.reversals + 1
        world.put(replace(one, paid_minor=0, was_settled=True, reversals=count))
        if draw.draw(st.booleans()):
            world.decide(ReopenPayment(invoice_id=one.invoice_id, reversal=count))


def _lose(world: World, draw: st.DataObject) -> None:
    unpaid = [one for one in world.live() if not one.paid_minor]
    if unpaid:
        one = draw.draw(st.sampled_from(unpaid))
        world.lose(one, draw.draw(st.sampled_from([InvoiceState.VOIDED, InvoiceState.DELETED])))
        said = draw.draw(st.integers(0, 4))
        if said == 0:
            world.forgotten = True
            world.decide(Forget(invoice_id=one.invoice_id, amount_minor=one.gross_minor))
        elif said < 3:
            world.decide(BillAgain(invoice_id=one.invoice_id))


def _edit(world: World, draw: st.DataObject) -> None:
    """A bookkeeper changes an amount, on its first line."""
    unpaid = [one for one in world.live() if not one.paid_minor and one.lines]
    if unpaid:
        one = draw.draw(st.sampled_from(unpaid))
        more = draw.draw(st.integers(1, 50))
        first, *others = one.lines
        lines = (BilledLine(line_id=first.line_id, amount_minor=first.amount_minor + more), *others)
        amount = one.amount_minor + more
        world.put(replace(one, amount_minor=amount, lines=lines, held_by=HeldBy.EDITED))


def _order(world: World, draw: st.DataObject) -> None:
    name = draw.draw(st.sampled_from(["7", "8", "1@edit"]))
    amount = draw.draw(MONEY)
    world.order(name, draw.draw(st.sampled_from([amount, amount, -amount, 0])))


def _route(world: World, draw: st.DataObject) -> None:
    name = draw.draw(st.sampled_from(["7", "8", "1@edit"]))
    routing = draw.draw(st.sampled_from(Routing))
    kept = [
        one
        for one in world.job.decisions
        if not (isinstance(one, RouteChangeOrder) and one.change_order_id == name)
    ]
    world.job = replace(
        world.job, decisions=(*kept, RouteChangeOrder(change_order_id=name, routing=routing))
    )


def _swap(world: World, draw: st.DataObject) -> None:
    """Money moves from one line to another."""
    first, second, *others = world.job.contract.lines
    moved = draw.draw(st.integers(-200, 200))
    lines = (
        replace(first, amount_minor=first.amount_minor - moved),
        replace(second, amount_minor=second.amount_minor + moved),
        *others,
    )
    world.job = replace(world.job, contract=replace(world.job.contract, lines=lines))


def _hold(world: World, draw: st.DataObject) -> None:
    name = draw.draw(st.sampled_from([one.id for one in world.job.schedule.milestones]))
    said = HoldPayment(milestone_id=name)
    if said in world.job.decisions:
        kept = tuple(one for one in world.job.decisions if one != said)
        world.job = replace(world.job, decisions=kept)
    else:
        world.decide(said)


def _unapplied(world: World, draw: st.DataObject) -> None:
    world.number += 1
    name = f"p{world.number}"
    one = UnappliedPayment(payment_id=name, amount_minor=draw.draw(MONEY), received_on=TODAY)
    world.job = replace(world.job, unapplied=(*world.job.unapplied, one))
    milestone = draw.draw(st.sampled_from([one.id for one in world.job.schedule.milestones]))
    said = [ClaimPayment(payment_id=name, milestone_id=milestone), DismissPayment(payment_id=name)]
    world.decide(*draw.draw(st.sampled_from([[], said[:1], said[1:]])))


def _policy(world: World, draw: st.DataObject) -> None:
    on_invoiced = draw.draw(st.sampled_from(OnInvoiced))
    world.job = replace(world.job, policy=replace(world.job.policy, on_invoiced=on_invoiced))


def play_to_the_end(world: World, *, rounds_max: int = 30) -> bool:
    """Say yes to everything, bill and pay all there is; say whether the last event billed."""
    kept = [one for one in world.job.decisions if not isinstance(one, HoldPayment)]
    world.job = replace(world.job, decisions=tuple(kept), unapplied=())
    for name in world.job.events:
        world.complete(name)
    last = [one.id for one in world.job.schedule.milestones if one.id[0] == "m"][-1]
    for _ in range(rounds_max):
        for one in world.job.invoices:
            world.decide(
                BillAgain(invoice_id=one.invoice_id),
                ReopenPayment(invoice_id=one.invoice_id, reversal=max(one.reversal, 1)),
                VoidInvoice(invoice_id=one.invoice_id),
            )
        plan = world.plan()
        world.store(plan)
        if not world.carry_out(plan):
            if not world.live(settled=False):
                return any(one.milestone_id == last for one in world.live())
            for invoice in world.live(settled=False):
                world.put(replace(invoice, paid_minor=invoice.amount_minor))
    raise AssertionError("a job that does not come to its end")
