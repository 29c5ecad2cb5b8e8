"""People at work: a customer who pays, a bookkeeper who edits and voids, a contractor who reports
events, changes prices and says yes. What they do is drawn once, from the seed, as a list.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

from sqlalchemy import select

from mapping.numbers import find_marker
from milestone_engine.decisions import BillAgain, Decision, ReopenPayment
from milestone_engine.timeline import EventState
from sandbox.company import Company
from sandbox.errors import Fault
from sandbox.people import NotPossible, Person
from sync import ops
from sync.bootstrap import App
from sync.calendar import NoSuchEvent, report_event
from sync.job_decisions import kept_of, record
from sync.planning import PlanMoved, approve
from sync.store.database import business_today
from sync.store.tables import EventRow, JobRow, WorkRow

Document = dict[str, Any]

#: How often each thing is done, against the others.
WEIGHTS: Mapping[str, int] = {
    "reprice": 9,
    "there_and_back": 4,
    "change_order": 5,
    "pay": 12,
    "pay_part": 5,
    "pay_too_much": 2,
    "edit_words": 6,
    "edit_money": 3,
    "edit_number": 1,
    "add_line": 1,
    "void": 2,
    "delete": 2,
    "void_payment": 2,
    "bounce": 1,
    "deposit": 2,
    "convert": 1,
    "copy_invoice": 1,
    "reject": 1,
    "close_books": 1,
    "credit_memo": 2,
    "hand_invoice": 1,
    "move_event": 4,
    "complete_event": 8,
    "bill_again": 2,
    "reopen": 1,
    "approve": 5,
    "wait_hours": 6,
    "wait_days": 7,
    "rename_customer": 1,
    "second_job": 2,
    "revoke_grant": 1,
    "absence": 2,
    "retry_parked": 2,
    "drop_parked": 1,
}

#: Some lives are all prices that move while invoices are out and nobody has paid: then we revise.
HAGGLING: Mapping[str, int] = {
    "reprice": 8,
    "there_and_back": 4,
    "change_order": 2,
    "complete_event": 3,
    "edit_words": 4,
    "edit_money": 1,
    "void": 1,
    "delete": 1,
    "pay_part": 1,
    "approve": 3,
    "wait_hours": 1,
}

#: What is done to an invoice that we are writing.
MEDDLING = (
    "edit_words",
    "edit_words",
    "edit_money",
    "add_line",
    "void",
    "delete",
    "pay",
    "pay_part",
)

PRICES = ("12000.00", "9999.99", "1000.01", "100.00", "33333.33")
#: The words of a schedule; "" leaves it to the template of countertops.
SCHEDULES = ("", "", "50% deposit, 50% on completion", "100% on completion")


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that somebody does at a moment of the run."""

    number: int
    verb: str
    step: int  #: of the scheduler
    side: int = 0  #: in which company


def planned_acts(seed: int, *, steps: int, sides: int) -> list[Act]:
    """Draw what people will do."""
    chance = Random(f"people/{seed}")
    count = chance.choice([4, 6, 8, 12, 16])
    some = {verb: WEIGHTS[verb] for verb in chance.sample(sorted(WEIGHTS), 12)}
    weights = chance.choice([WEIGHTS, some, HAGGLING])
    chosen = chance.choices(list(weights), list(weights.values()), k=count)
    moments = sorted(chance.randrange(steps) for _ in chosen)
    # An accepted estimate stands at the beginning of every life.
    acts = [("accept", 0)] * sides + list(zip(chosen, moments, strict=True))
    return [
        Act(number, verb, step, number if number < sides else chance.randrange(sides))
        for number, (verb, step) in enumerate(acts)
    ]


class People:
    """Everybody who works with one company."""

    def __init__(self, *, company: Company, app: App, realm_no: int, seed: int) -> None:
        """Take the books, and our side of them."""
        self.done: Counter[str] = Counter()
        #: `realm/job.milestone` that somebody asked to bill again.
        self.billed_again: set[str] = set()
        self._company = company
        self._app = app
        self._realm_no = realm_no
        self._seed = seed
        self._numbers = 0
        self._meddled = 0
        self._only: str | None = None  #: the one invoice that somebody has in hand

    def act(self, act: Act) -> None:
        """Do one thing, as far as it can be done now."""
        chance = Random(f"act/{act.number}/{self._seed}")
        doing: Callable[[Random], object] = getattr(self, f"_{act.verb}")
        try:
            did = doing(chance)
        except (NotPossible, Fault, NoSuchEvent, PlanMoved):
            did = False
        if did is not False:
            self.done[act.verb] += 1
        elif act.verb != "complete_event":
            # What cannot be done yet leaves time for the work on site.
            self.act(Act(act.number, "complete_event", act.step, act.side))

    def meddle(self, invoice_id: str) -> None:
        """Do something to this very invoice, at the moment at which we are writing it."""
        self._meddled += 1
        chance = Random(f"meddle/{self._meddled}/{self._seed}")
        verb = chance.choice(MEDDLING)
        doing: Callable[[Random], object] = getattr(self, f"_{verb}")
        self._only = invoice_id
        try:
            did = doing(chance)
        except (NotPossible, Fault):
            did = False
        finally:
            self._only = None
        if did is not False:
            self.done[f"{verb} while we write"] += 1

    # --- the contract

    def _accept(self, chance: Random) -> None:
        customer = self._new_customer()
        self._numbers += 1
        number = f"{1000 + self._numbers}"
        some = Decimal(chance.randrange(5_000, 4_000_000)).scaleb(-2)
        total = chance.choice([*PRICES, *PRICES, "0.05", *[str(some)] * 10])
        lines = self._lines(chance, Decimal(total))
        body: Document = {
            "CustomerRef": {"value": customer},
            "DocNumber": number,
            "TxnStatus": "Accepted",
            "BillEmail": {"Address": f"owner-{self._realm_no}@example.com"},
            "CustomerMemo": {"value": chance.choice(SCHEDULES)},
            "Line": lines,
        }
        self._company.save("Estimate", body, actor="bookkeeper")

    def _second_job(self, chance: Random) -> None:
        self._accept(chance)

    def _reprice(self, chance: Random) -> object:
        estimate = self._some("Estimate", chance)
        if estimate is None:
            return False
        first = next(line for line in estimate["Line"] if "SalesItemLineDetail" in line)
        factor = chance.choice(["1.10", "0.90", "1.50", "0.40", "0.05", "1.01"])
        amount = (first["Amount"] * Decimal(factor)).quantize(Decimal("0.01"))
        return self._person().edit({"document": f"estimate:#{estimate['Id']}", "amount": amount})

    def _there_and_back(self, chance: Random) -> object:
        """A price goes up and back at once; what lies between is for the scheduler."""
        estimate = self._some("Estimate", chance)
        if estimate is None:
            return False
        first = next(line for line in estimate["Line"] if "SalesItemLineDetail" in line)
        said = f"estimate:#{estimate['Id']}"
        up = (first["Amount"] * Decimal("1.25")).quantize(Decimal("0.01"))
        self._person().edit({"document": said, "amount": up})
        return self._person().edit({"document": said, "amount": first["Amount"]})

    def _change_order(self, chance: Random) -> object:
        estimate = self._some("Estimate", chance)
        if estimate is None or "-CO-" in str(estimate.get("DocNumber")):
            return False
        self._numbers += 1
        amount = Decimal(chance.choice(["1400.00", "-500.00", "0.01", "77.77"]))
        body: Document = {
            "CustomerRef": {"value": estimate["CustomerRef"]["value"]},
            "DocNumber": f"{estimate['DocNumber']}-CO-{self._numbers}",
            "TxnStatus": chance.choice(["Accepted", "Accepted", "Pending"]),
            "Line": [self._line("Undermount sink", amount)],
        }
        return self._company.save("Estimate", body, actor="bookkeeper")

    def _close_books(self, chance: Random) -> object:
        """The month is over: nothing up to last week may change."""
        day = self._company.today() - timedelta(days=chance.choice([0, 3, 7]))
        return self._person().close_books({"on": day.isoformat()})

    def _credit_memo(self, chance: Random) -> object:
        estimate = self._some("Estimate", chance)
        if estimate is None:
            return False
        line = self._line("Undermount sink", Decimal(chance.choice(["50.00", "0.01"])))
        body: Document = {"CustomerRef": {"value": estimate["CustomerRef"]["value"]}}
        return self._company.save("CreditMemo", {**body, "Line": [line]}, actor="bookkeeper")

    def _hand_invoice(self, chance: Random) -> object:
        """An invoice of the bookkeeper's own, for something else."""
        estimate = self._some("Estimate", chance)
        if estimate is None:
            return False
        body: Document = {"CustomerRef": {"value": estimate["CustomerRef"]["value"]}}
        line = self._line("Undermount sink", Decimal("640.00"))
        return self._company.save("Invoice", {**body, "Line": [line]}, actor="bookkeeper")

    def _reject(self, chance: Random) -> object:
        estimate = self._some("Estimate", chance)
        if estimate is None:
            return False
        return self._person().reject({"document": f"estimate:#{estimate['Id']}"})

    # --- the money

    def _pay(self, chance: Random) -> object:
        return self._paid(chance, Decimal(1))

    def _pay_part(self, chance: Random) -> object:
        return self._paid(chance, Decimal(chance.choice(["0.5", "0.01", "0.99"])))

    def _pay_too_much(self, chance: Random) -> object:
        return self._paid(chance, Decimal("1.2"))

    def _paid(self, chance: Random, share: Decimal) -> object:
        invoice = self._some("Invoice", chance, lambda one: one.get("Balance", 0) > 0)
        if invoice is None:
            return False
        amount = (invoice["Balance"] * share).quantize(Decimal("0.01"))
        if amount <= 0:
            return False
        said = f"invoice:#{invoice['Id']}"
        return Person(self._company).pay({"document": said, "amount": amount})

    def _void_payment(self, chance: Random) -> object:
        return self._to_payment(chance, "void")

    def _bounce(self, chance: Random) -> object:
        return self._to_payment(chance, "bounce")

    def _deposit(self, chance: Random) -> object:
        return self._to_payment(chance, "deposit")

    def _to_payment(self, chance: Random, verb: str) -> object:
        payment = self._some("Payment", chance, lambda one: one.get("TotalAmt", 0) > 0)
        if payment is None:
            return False
        return self._person().act(verb, {"document": f"payment:#{payment['Id']}"})

    # --- our invoices in their hands

    def _edit_words(self, chance: Random) -> object:
        invoice = self._our_invoice(chance)
        if invoice is None:
            return False
        note = str(invoice.get("PrivateNote") or "")
        due = (self._company.today() + timedelta(days=chance.randrange(5, 40))).isoformat()
        wish: Document = chance.choice(
            [
                {"PrivateNote": f"{note} checked by Ann"},
                {"PrivateNote": "Checked by Ann"},
                {"CustomerMemo": {"value": "As agreed on the phone."}},
                {"DueDate": due},
                {"BillEmail": {"Address": "accounts@example.com"}},
                {"ShipMethodRef": {"value": "Truck"}},
                {"Line": self._reworded(invoice)},
            ]
        )
        return self._edited(invoice, wish)

    def _edit_money(self, chance: Random) -> object:
        invoice = self._our_invoice(chance)
        if invoice is None:
            return False
        first = next(line for line in invoice["Line"] if "SalesItemLineDetail" in line)
        amount = first["Amount"] + Decimal(chance.choice(["10.00", "-0.01", "250.00"]))
        if amount <= 0:
            return False
        return self._person().edit({"document": f"invoice:#{invoice['Id']}", "amount": amount})

    def _add_line(self, chance: Random) -> object:
        invoice = self._our_invoice(chance)
        if invoice is None:
            return False
        line = self._line("Undermount sink", Decimal("45.00"))
        kept = [one for one in invoice["Line"] if one["DetailType"] != "SubTotalLineDetail"]
        return self._edited(invoice, {"Line": [*kept, line]})

    def _edit_number(self, chance: Random) -> object:
        invoice = self._our_invoice(chance)
        if invoice is None:
            return False
        return self._edited(invoice, {"DocNumber": f"R-{chance.randrange(10_000)}"})

    def _void(self, chance: Random) -> object:
        return self._taken(chance, "void")

    def _delete(self, chance: Random) -> object:
        return self._taken(chance, "delete")

    def _taken(self, chance: Random, verb: str) -> object:
        invoice = self._our_invoice(chance)
        if invoice is None:
            return False
        return self._person().act(verb, {"document": f"invoice:#{invoice['Id']}"})

    def _convert(self, chance: Random) -> object:
        estimate = self._some("Estimate", chance)
        if estimate is None:
            return False
        return self._person().convert({"document": f"estimate:#{estimate['Id']}"})

    def _copy_invoice(self, chance: Random) -> object:
        """The books' own "copy": everything but the number."""
        invoice = self._our_invoice(chance)
        if invoice is None:
            return False
        names = ("CustomerRef", "PrivateNote", "CustomerMemo", "BillEmail", "DueDate")
        body = {name: invoice[name] for name in names if name in invoice}
        lines = [
            {name: value for name, value in line.items() if name not in ("Id", "LineNum")}
            for line in invoice["Line"]
            if line["DetailType"] != "SubTotalLineDetail"
        ]
        return self._company.save("Invoice", {**body, "Line": lines}, actor="bookkeeper")

    def _rename_customer(self, chance: Random) -> object:
        estimate = self._some("Estimate", chance)
        if estimate is None:
            return False
        customer = self._company.read("Customer", estimate["CustomerRef"]["value"])["Customer"]
        wish = {"DisplayName": f"Renamed {chance.randrange(1_000_000)}"}
        body = {"Id": customer["Id"], "SyncToken": customer["SyncToken"], "sparse": True, **wish}
        return self._company.save("Customer", body, actor="bookkeeper")

    # --- on our side

    def _move_event(self, chance: Random) -> object:
        days = chance.randrange(1, 20)
        return self._reported(chance, EventState.PLANNED, days)

    def _complete_event(self, chance: Random) -> object:
        return self._reported(chance, EventState.COMPLETED, 0)

    def _reported(self, chance: Random, state: EventState, days: int) -> object:
        with self._app.database.begin(self._realm_no) as session:
            open_ones = (EventRow.state == "planned") & (EventRow.realm_no == self._realm_no)
            rows = session.scalars(
                select(EventRow).where(open_ones).order_by(EventRow.job_id, EventRow.position)
            ).all()
            if not rows:
                return False
            # The first that is open, most of the time: work goes on in its order.
            row = rows[0] if chance.random() < 0.8 else chance.choice(rows)
            today = business_today(session, "America/Denver")
            report_event(
                session,
                self._realm_no,
                row.job_id,
                name=row.name,
                state=state,
                on=today + timedelta(days=days),
                author="contractor",
            )
        return True

    def _bill_again(self, chance: Random) -> object:
        invoice = self._some("Invoice", chance, lambda one: "Voided ms:" in _note(one))
        marker = find_marker(_note(invoice)) if invoice else None
        if invoice is None or marker is None:
            return False
        self.billed_again.add(f"{self._company.realm_id}/{marker.job_id}.{marker.milestone_id}")
        return self._decided(marker.job_id, BillAgain(invoice_id=invoice["Id"]))

    def _reopen(self, chance: Random) -> object:
        invoice = self._our_invoice(chance)
        marker = find_marker(_note(invoice)) if invoice else None
        if invoice is None or marker is None:
            return False
        return self._decided(marker.job_id, ReopenPayment(invoice_id=invoice["Id"], reversal=1))

    def _decided(self, job_id: int, decision: Decision) -> bool:
        with self._app.database.begin(self._realm_no) as session:
            if session.get(JobRow, (self._realm_no, job_id)) is None:
                return False
            record(session, self._realm_no, job_id, kept_of(decision), author="contractor")
        return True

    def approve_all(self) -> bool:
        """Say yes to every plan that waits; tell whether one did."""
        with self._app.database.begin(self._realm_no) as session:
            asked = select(WorkRow.plan_hash).where(
                WorkRow.realm_no == self._realm_no, WorkRow.state == "proposed"
            )
            waiting = {one for one in session.scalars(asked.distinct()) if one}
        for plan_hash in sorted(waiting):
            try:
                with self._app.database.begin(self._realm_no) as session:
                    approve(session, self._realm_no, plan_hash, author="contractor")
            except PlanMoved:
                continue
        return bool(waiting)

    def _approve(self, chance: Random) -> object:
        return self.approve_all()

    def _retry_parked(self, chance: Random) -> object:
        """Try again what waits, as ops do; of what may have happened nobody says it did not."""
        with self._app.database.begin(self._realm_no) as session:
            rows = [
                row
                for row in ops.parked(session, self._realm_no)
                if row.error_class not in ("MailUncertain", "InvoiceUncertain")
            ]
            if not rows:
                return False
            row = chance.choice(rows)
            return ops.retry(session, self._realm_no, row.work_id, author="ops")

    def _drop_parked(self, chance: Random) -> object:
        """Give up what waits."""
        with self._app.database.begin(self._realm_no) as session:
            rows = ops.parked(session, self._realm_no)
            if not rows:
                return False
            row = chance.choice(rows)
            return ops.drop(
                session, self._realm_no, row.work_id, why="settled by hand", author="ops"
            )

    def complete_everything(self) -> None:
        """Report every event that is open as done today."""
        with self._app.database.begin(self._realm_no) as session:
            rows = session.scalars(
                select(EventRow).where(
                    EventRow.realm_no == self._realm_no, EventRow.state == "planned"
                )
            ).all()
            today = business_today(session, "America/Denver")
            for row in rows:
                report_event(
                    session,
                    self._realm_no,
                    row.job_id,
                    name=row.name,
                    state=EventState.COMPLETED,
                    on=today,
                    author="contractor",
                )

    # --- finding things

    def _person(self) -> Person:
        return Person(self._company, name="bookkeeper")

    def _edited(self, document: Document, wish: Document) -> object:
        body = {"Id": document["Id"], "SyncToken": document["SyncToken"], "sparse": True}
        customer = {"CustomerRef": document["CustomerRef"]}
        return self._company.save("Invoice", {**body, **customer, **wish}, actor="bookkeeper")

    def _some(
        self,
        entity: str,
        chance: Random,
        fits: Callable[[Document], bool] = lambda _: True,
    ) -> Document | None:
        tables = self._company.tables
        found = [
            self._company.render(entity, one)
            for one in sorted(tables.rows[entity].values(), key=lambda one: int(one["Id"]))
        ]
        fitting = [one for one in found if fits(one) and self._is_in_hand(entity, one)]
        return chance.choice(fitting) if fitting else None

    def _is_in_hand(self, entity: str, document: Document) -> bool:
        return entity != "Invoice" or self._only in (None, document["Id"])

    def _our_invoice(self, chance: Random) -> Document | None:
        return self._some(
            "Invoice",
            chance,
            lambda one: "ms:" in _note(one) and one.get("TotalAmt", 0) > 0,
        )

    def _new_customer(self) -> str:
        self._numbers += 1
        name = f"Customer {self._numbers}"
        body: Document = {
            "DisplayName": name,
            "PrimaryEmailAddr": {"Address": f"owner-{self._realm_no}@example.com"},
        }
        parent = self._company.save("Customer", body, actor="bookkeeper")["Customer"]
        body = {
            "DisplayName": f"{name} kitchen",
            "Job": True,
            "ParentRef": {"value": parent["Id"]},
        }
        made = self._company.save("Customer", body, actor="bookkeeper")["Customer"]
        return str(made["Id"])

    def _lines(self, chance: Random, total: Decimal) -> list[Document]:
        """Split a price over one to three lines, each with its day of service."""
        if chance.random() < 0.3 or total < 1:
            return [self._line("Quartz slab", total, tax=chance.choice(["TAX", "NON"]), days=9)]
        first = (total / 3).quantize(Decimal("0.01"))
        return [
            self._line("Measurements", first, days=2),
            self._line("Removal", first, days=7),
            self._line("Installation", total - 2 * first, tax="TAX", days=14),
        ]

    def _line(
        self, item: str, amount: Decimal, *, tax: str = "NON", days: int | None = None
    ) -> Document:
        item_id = self._company.tables.holder_of_name("Item", item)
        detail: Document = {"ItemRef": {"value": item_id}, "TaxCodeRef": {"value": tax}}
        if days is not None:
            detail["ServiceDate"] = (self._company.today() + timedelta(days=days)).isoformat()
        return {
            "DetailType": "SalesItemLineDetail",
            "Amount": amount,
            "Description": item,
            "SalesItemLineDetail": detail,
        }

    @staticmethod
    def _reworded(invoice: Document) -> list[Document]:
        return [
            {**line, "Description": f"{line.get('Description', '')} (see photos)"}
            if line["DetailType"] == "SalesItemLineDetail"
            else line
            for line in invoice["Line"]
            if line["DetailType"] != "SubTotalLineDetail"
        ]


def _note(document: Document) -> str:
    return str(document.get("PrivateNote") or "")
