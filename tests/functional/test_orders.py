"""Change orders whose shape or number does not say what they are: a person's word, the native
entity, credits.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, update
from typer.testing import CliRunner

from config.settings import Settings, variable
from milestone_engine.decisions import RouteChangeOrder, Routing
from sync.cli.main import app
from sync.further_estimates import about_estimate, further_estimate, set_apart
from sync.gather import gather_facts
from sync.job_decisions import CONFIRM, record
from sync.money_beside import about_credit
from sync.store import realms
from sync.store.tables import MeteredCallRow, MirrorRow, RealmRow
from tests.functional.test_decisions import SINK, begun, codes, decide, numbers, take_back
from tests.functional.test_story import LINES, complete, net
from tests.house import House, Services, open_house


@pytest.fixture(scope="module")
def house(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One installation for the module, its seed company at rest."""
    with open_house(services, tmp_path_factory.mktemp("orders")) as opened:
        opened.sync()
        yield opened


def confirm(house: House, base: str, number: str) -> int:
    """Say that a further estimate is a change order of a job."""
    with house.app.database.begin(house.realm_no) as session:
        facts = gather_facts(session, house.realm_no, house.view(base).job_id)
        said = about_estimate(CONFIRM, further_estimate(facts.job, facts.estimates, number))
    return decide(house, base, said)[0]


def separate(house: House, base: str, number: str) -> int:
    """Say that a further estimate is a job of its own."""
    job_id = house.view(base).job_id
    with house.app.database.begin(house.realm_no) as session:
        facts = gather_facts(session, house.realm_no, job_id)
        found = further_estimate(facts.job, facts.estimates, number)
        kept = set_apart(session, facts.job, found)
        decided = record(session, house.realm_no, job_id, kept, author="owner")
    house.work_off()
    return decided


def test_a_candidate_becomes_a_change_order_on_a_yes_and_not_any_more_when_it_is_taken_back(
    house: House,
) -> None:
    """Its number says nothing; a person does, and may think again."""
    customer = begun(house, "7101")
    house.accepted_estimate("7190", SINK, customer_id=customer)
    house.sync()
    assert codes(house, "7101") == ["estimate_candidate"]
    assert house.amounts("7101") == [300_000, 300_000, 600_000]

    decided = confirm(house, "7101", "7190")
    assert codes(house, "7101") == []
    assert house.amounts("7101") == [300_000, 346_667, 693_333]

    take_back(house, "7101", decided)
    assert codes(house, "7101") == ["estimate_candidate"]
    assert house.amounts("7101") == [300_000, 300_000, 600_000]


def test_a_candidate_becomes_a_job_of_its_own_with_its_own_change_orders(house: House) -> None:
    """Two jobs on one sub-customer: each has its invoices, and the number tells whose a change
    order is.
    """
    customer = begun(house, "7102")
    house.accepted_estimate("7191", LINES, customer_id=customer)
    house.sync()
    separate(house, "7102", "7191")

    assert codes(house, "7102") == []
    assert numbers(house, "7191") == [("7191-M1", Decimal("3000.00"))]
    house.accepted_estimate("7191-CO-1", SINK, customer_id=customer)
    house.sync()
    assert house.amounts("7102") == [300_000, 300_000, 600_000]
    assert house.amounts("7191") == [335_000, 335_000, 670_000]


def test_a_separation_taken_back_stands_still_until_its_invoices_are_void(house: House) -> None:
    """What is in QuickBooks stays and nothing is billed twice: only then is the estimate free."""
    customer = begun(house, "7103")
    house.accepted_estimate("7192", LINES, customer_id=customer)
    house.sync()
    decided = separate(house, "7103", "7192")
    take_back(house, "7103", decided)
    assert codes(house, "7192") == ["frozen", "separation_undone"]
    assert codes(house, "7103") == []
    complete(house, "7192", "removal")
    (sent,) = house.sandbox.invoices("7192")

    house.sandbox.operation("Invoice", sent, "void")
    house.sync()
    assert codes(house, "7103") == ["estimate_candidate"]
    confirm(house, "7103", "7192")
    assert house.view("7103").contract_total_minor == 2_400_000
    assert len(house.sandbox.invoices("7192")) == 1


def native(house: House, estimate: Any, number: str, status: str = "Accepted") -> Any:
    """Make a change order as QuickBooks' own document."""
    body = {
        "CustomerRef": estimate["CustomerRef"],
        "DocNumber": number,
        "TxnStatus": status,
        "LinkedTxn": [{"TxnId": estimate["Id"], "TxnType": "Estimate"}],
        "Line": [house.line(*one) for one in SINK],
    }
    return house.sandbox.create("ChangeOrder", body)


def known_as(house: House) -> str:
    """How the company's change orders are read."""
    with house.app.database.begin(house.realm_no) as session:
        return realms.get(session, house.realm_no).native_orders


@pytest.mark.parametrize("is_told", [True, False], ids=["the-feed-tells", "the-feed-refuses"])
def test_a_native_change_order_changes_the_contract_of_the_estimate_that_it_names(
    house: House, *, is_told: bool
) -> None:
    """Pending, accepted, edited, routed, rejected, deleted: as an estimate would."""
    base = f"711{int(is_told)}"
    begun(house, base)
    house.sandbox.admin("settings", {"change_orders_told": is_told})
    (estimate,) = house.sandbox.query("Estimate", f"WHERE DocNumber = '{base}'")
    order = native(house, estimate, f"CO {base}", "Pending")
    house.sync()
    assert known_as(house) == ("told" if is_told else "read")
    assert [one.amount_minor for one in house.view(base).pending] == [140_000]

    house.sandbox.change("ChangeOrder", order, TxnStatus="Accepted")
    house.sync()
    assert house.amounts(base) == [300_000, 346_667, 693_333]
    assert f"CO {base}" in [name for one in house.view(base).changes for name in one.documents]
    assert any(f"CO {base}" in one.as_string() for one in house.mail.sent)

    if is_told:
        house.sandbox.operation("ChangeOrder", order, "delete")
        house.sync()
        assert house.amounts(base) == [300_000, 300_000, 600_000]
        return
    line = house.line("Undermount sink", "2000.00", "TAX")
    house.sandbox.change("ChangeOrder", order, Line=[line])
    house.sync()
    assert house.amounts(base) == [300_000, 366_667, 733_333]
    said = RouteChangeOrder(change_order_id=f"co{order['Id']}", routing=Routing.FINAL)
    decide(house, base, said)
    # Its edit is a change order of its own, and stays shared.
    assert house.amounts(base) == [300_000, 320_000, 780_000]

    house.sandbox.change("ChangeOrder", order, TxnStatus="Rejected")
    house.sync()
    assert house.amounts(base) == [300_000, 300_000, 600_000]
    house.sandbox.change("ChangeOrder", order, TxnStatus="Accepted")
    house.sync()
    assert house.view(base).contract_total_minor == 1_400_000
    house.sandbox.operation("ChangeOrder", order, "delete")
    house.sync()
    assert house.amounts(base) == [300_000, 300_000, 600_000]
    assert codes(house, base) == []
    house.sandbox.admin("settings", {"change_orders_told": True})


def test_a_company_without_change_orders_is_asked_once_and_again_after_a_week(
    house: House,
) -> None:
    """A refused query is remembered: no call at each pull is spent on it."""
    house.sandbox.admin("settings", {"change_orders_kept": False})
    ask_again(house)
    house.sync()
    assert known_as(house) == "none"
    before = calls(house)
    house.sync()
    assert calls(house) == before + 1

    house.sandbox.admin("settings", {"change_orders_kept": True})
    ask_again(house)
    house.sync()
    assert known_as(house) == "told"


def ask_again(house: House) -> None:
    """Let a week go by for the question whether a company has change orders."""
    with house.app.database.begin(house.realm_no) as session:
        mine = update(RealmRow).where(RealmRow.realm_no == house.realm_no)
        long_ago = RealmRow.native_orders_asked_at - timedelta(days=8)
        session.execute(mine.values(native_orders="none", native_orders_asked_at=long_ago))


def calls(house: House) -> int:
    """How many metered reads the company has cost."""
    with house.app.database.begin(house.realm_no) as session:
        return sum(session.scalars(select(MeteredCallRow.calls)))


def credit(house: House, customer: str, amount: str, tax: str = "NON") -> Any:
    """Make a credit memo for a customer."""
    line = house.line("Quartz slab", amount, tax)
    body = {"CustomerRef": {"value": customer}, "Line": [line], "DocNumber": f"CM {customer}"}
    return house.sandbox.create("CreditMemo", body)


def apply_credit(house: House, memo: Any, invoice: Any, amount: Decimal) -> Any:
    """Apply a credit memo to an invoice, as QuickBooks does: a payment over nothing."""
    ends = [(invoice["Id"], "Invoice"), (memo["Id"], "CreditMemo")]
    lines = [{"Amount": amount, "LinkedTxn": [{"TxnId": id, "TxnType": kind}]} for id, kind in ends]
    body = {"CustomerRef": memo["CustomerRef"], "TotalAmt": 0, "Line": lines}
    return house.sandbox.create("Payment", body)


def confirm_credit(house: House, base: str, memo: Any) -> int:
    """Say that a credit memo makes the contract smaller."""
    with house.app.database.begin(house.realm_no) as session:
        facts = gather_facts(session, house.realm_no, house.view(base).job_id)
        said = about_credit(facts, memo["DocNumber"])
    assert said is not None
    return decide(house, base, said)[0]


def finish(house: House, base: str) -> None:
    """Complete a job and pay all that it asks."""
    for event in ("removal", "installation"):
        complete(house, base, event)
        house.sync()
    for one in house.sandbox.invoices(base):
        if one["Balance"]:
            house.pay(one)
    house.sync()


def cash(house: House, customer: str) -> Decimal:
    """What the customer paid in all."""
    found = house.sandbox.query("Payment", f"WHERE CustomerRef = '{customer}'")
    return sum((one["TotalAmt"] for one in found), Decimal(0))


def test_an_applied_credit_that_changes_the_contract_is_no_receipt_and_can_be_taken_back(
    house: House,
) -> None:
    """1,000 less, on the deposit's invoice: that asks for 2,000, the others stay, nothing twice."""
    base = "7121"
    customer = house.new_customer()
    house.accepted_estimate(base, LINES, customer_id=customer)
    house.sync()
    memo = credit(house, customer, "1000.00", "TAX")
    (deposit,) = house.sandbox.invoices(base)
    apply_credit(house, memo, deposit, memo["TotalAmt"])
    house.sync()
    decided = confirm_credit(house, base, memo)

    first = house.view(base).milestones[0]
    assert house.view(base).contract_total_minor == 1_100_000
    assert house.amounts(base) == [200_000, 300_000, 600_000]
    assert (first.billed_minor, first.paid_minor, first.state) == (200_000, 0, "due")
    assert codes(house, base) == []
    assert house.sandbox.read("Invoice", deposit["Id"])["DocNumber"] == deposit["DocNumber"]

    take_back(house, base, decided)
    assert house.amounts(base) == [300_000, 300_000, 600_000]
    assert house.view(base).milestones[0].paid_minor > 0
    confirm_credit(house, base, memo)
    finish(house, base)

    assert house.amounts(base) == [200_000, 300_000, 600_000]
    assert {one.state for one in house.view(base).milestones} == {"paid"}
    asked = sum(one["TotalAmt"] for one in house.sandbox.invoices(base))
    assert cash(house, customer) == asked - memo["TotalAmt"]
    assert sum(net(one) for one in house.sandbox.invoices(base)) == Decimal(12_000)


def test_an_open_credit_that_changes_the_contract_is_told_until_it_is_applied(
    house: House,
) -> None:
    """Confirmed first, applied in two parts afterwards: the same money counts once."""
    customer = house.new_customer()
    house.accepted_estimate("7130", LINES, customer_id=customer)
    house.sync()
    memo = credit(house, customer, "1000.00")
    house.sync()
    assert codes(house, "7130") == ["credit_open"]
    confirm_credit(house, "7130", memo)
    assert codes(house, "7130") == ["credit_unused"]
    assert house.amounts("7130") == [275_000, 275_000, 550_000]

    (deposit,) = house.sandbox.invoices("7130")
    assert net(deposit) == Decimal(2750)
    apply_credit(house, memo, deposit, Decimal("333.33"))
    house.sync()
    assert house.amounts("7130")[0] == 275_000 - 33_333
    assert sum(house.amounts("7130")) == 1_100_000
    apply_credit(house, memo, deposit, Decimal("666.67"))
    house.sync()
    assert house.amounts("7130") == [175_000, 308_333, 616_667]
    assert codes(house, "7130") == []


def test_the_commands_say_what_they_did_and_refuse_what_is_not_there(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """confirm, separate, decisions, undo, route and show, as a person types them."""
    for field in Settings.model_fields:
        value = getattr(house.app.settings, field)
        plain = value.get_secret_value() if hasattr(value, "get_secret_value") else value
        if plain not in (None, ""):
            monkeypatch.setenv(variable(field), str(plain))
    customer = begun(house, "7140")
    estimate = house.accepted_estimate("7193", SINK, customer_id=customer)
    house.accepted_estimate("7194", LINES, customer_id=customer)
    native(house, house.sandbox.query("Estimate", "WHERE DocNumber = '7140'")[0], "CO 7140")
    memo = credit(house, customer, "1000.00")
    house.sync()

    assert "estimate 7193 is a change order of this job" in type_in(
        "job", "confirm", "7140", "7193"
    )
    smaller = f"credit memo {memo['DocNumber']} makes the contract smaller by $1,000.00"
    assert smaller in type_in("job", "confirm", "7140", memo["DocNumber"])
    assert "estimate 7194 is a job of its own" in type_in("job", "separate", "7140", "7194")
    assert "goes: final" in type_in("job", "route", "7140", "CO 7140", "final")
    house.work_off()
    assert type_in("job", "decisions", "7140").count("7194") == 1
    assert "7193" in type_in("job", "show", "7140")
    assert house.view("7140").contract_total_minor == 1_380_000
    assert house.view("7194").contract_total_minor == 1_200_000
    assert type_in("job", "confirm", "7140", "7194") == "no_such_estimate"
    assert type_in("job", "confirm", "7140", "7140") == "no_such_estimate"

    house.sandbox.change("Estimate", estimate, TxnStatus="Rejected")
    house.sync()
    assert type_in("job", "separate", "7140", "7193") == "not_agreed"
    assert codes(house, "7140") == ["credit_unused"]


def type_in(*words: str) -> str:
    """Type a command: what it printed, or why it was refused."""
    done = CliRunner().invoke(app, list(words))
    refused = getattr(done.exception, "code", None)
    return refused if isinstance(refused, str) else " ".join(done.output.split())


def test_a_feed_that_missed_a_change_order_is_not_relied_on(house: House) -> None:
    """The weekly reading finds one that pulls should have told of: from now on all are read."""
    begun(house, "7150")
    (estimate,) = house.sandbox.query("Estimate", "WHERE DocNumber = '7150'")
    order = native(house, estimate, "CO 7150")
    house.sync()
    assert known_as(house) == "told"
    house.sandbox.admin("clock/advance", {"by": "1h"})
    house.sync()
    with house.app.database.begin(house.realm_no) as session:
        session.delete(session.get_one(MirrorRow, (house.realm_no, "ChangeOrder", order["Id"])))
        mine = update(RealmRow).where(RealmRow.realm_no == house.realm_no)
        long_ago = RealmRow.native_orders_asked_at - timedelta(days=8)
        session.execute(mine.values(native_orders_asked_at=long_ago))
    house.sync()
    assert known_as(house) == "read"
    assert house.view("7150").contract_total_minor == 1_340_000
