"""Planned invoice -> request body."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.contracts import Coding, contract_of
from mapping.documents import parse_estimate
from mapping.errors import BodyError
from mapping.invoices import create_body, human_edits, line_ids, marker, update_body
from mapping.jobs import gather
from milestone_engine.explain import Derivation
from milestone_engine.job import BilledLine
from milestone_engine.plan import BillMilestone, ReviseInvoice
from tests.builders import a_fixture, a_line, a_text, an_estimate, an_invoice

ESTIMATE = parse_estimate(a_fixture("estimate_us_ast"))
CODING = contract_of(gather([ESTIMATE]), first_totals={}).coding
WHY = Derivation(code="share", facts=())
LINE_IDS = {"1": "1187:1", "2": "1187:2"}


def _lines(**amounts):
    """Return billed lines: `_lines(l1=210_000)` is contract line 1187:1."""
    return tuple(
        BilledLine(line_id=f"1187:{name.removeprefix('l')}", amount_minor=amount)
        for name, amount in amounts.items()
    )


def _bill(lines=None, **fields):
    lines = _lines(l1=210_000, l2=90_000) if lines is None else lines
    facts = {
        "milestone_id": "m1",
        "label": "Deposit",
        "number": 1,
        "of_count": 3,
        "ordinal": 1,
        "doc_number": "1042-M1",
        "amount_minor": sum(line.amount_minor for line in lines),
        "lines": lines,
        "issue_on": date(2026, 5, 1),
        "due_on": date(2026, 5, 4),
        "why": WHY,
    }
    return BillMilestone(**(facts | fields))


def _revise(lines, **fields):
    facts = {
        "milestone_id": "m1",
        "label": "Deposit",
        "number": 1,
        "of_count": 3,
        "ordinal": 1,
        "doc_number": "1042-M1",
        "invoice_id": "1190",
        "amount_minor": sum(line.amount_minor for line in lines),
        "lines": lines,
        "due_on": date(2026, 5, 8),
        "why": WHY,
    }
    return ReviseInvoice(**(facts | fields))


def _create(planned, *, estimate=ESTIMATE, coding=CODING, currency="USD", **arguments):
    given = {"marker": marker(12, "m1", 1), "memo": "Milestone 1 of 3", "number": "1042-M1"}
    return create_body(
        planned, estimate=estimate, coding=coding, currency=currency, **(given | arguments)
    )


def _update(planned, *, current, synced=None, coding=CODING, line_ids=LINE_IDS, memo="Now more"):
    synced = a_fixture("invoice_milestone") if synced is None else synced
    return update_body(
        planned,
        current=current,
        synced=synced,
        coding=coding,
        line_ids=line_ids,
        currency="USD",
        memo=memo,
    )


def _money(body):
    return [(line.get("Id"), line["Amount"]) for line in body["Line"]]


def test_a_milestone_becomes_an_invoice_of_its_contract_lines():
    """Item, class and tax code of the estimate; words that name the milestone."""
    body = _create(_bill())

    assert body == {
        "CustomerRef": {"value": "318"},
        "ProjectRef": {"value": "447190233"},
        "CurrencyRef": {"value": "USD"},
        "BillEmail": {"Address": "dana@example.com"},
        "TxnDate": "2026-05-01",
        "DueDate": "2026-05-04",
        "DocNumber": "1042-M1",
        "EmailStatus": "NotSet",
        "PrivateNote": "ms:12.m1.1",
        "CustomerMemo": {"value": "Milestone 1 of 3"},
        "Line": [
            {
                "DetailType": "SalesItemLineDetail",
                "Amount": Decimal("2100.00"),
                "Description": "Deposit (1 of 3): Cabinets, supplied",
                "SalesItemLineDetail": {
                    "ItemRef": {"value": "21"},
                    "ClassRef": {"value": "5000000000000017"},
                    "TaxCodeRef": {"value": "TAX"},
                    "Qty": 1,
                    "UnitPrice": Decimal("2100.00"),
                },
            },
            {
                "DetailType": "SalesItemLineDetail",
                "Amount": Decimal("900.00"),
                "Description": "Deposit (1 of 3): Removal and installation",
                "SalesItemLineDetail": {
                    "ItemRef": {"value": "30"},
                    "TaxCodeRef": {"value": "NON"},
                    "Qty": 1,
                    "UnitPrice": Decimal("900.00"),
                },
            },
        ],
    }


def test_zero_cells_are_left_out_and_deductions_stay():
    """E79: a line removed after it was part billed comes back as a negative one."""
    body = _create(_bill(_lines(l1=300_000, l2=-100_000)))
    assert [amount for _, amount in _money(body)] == [Decimal(3000), Decimal(-1000)]

    body = _create(_bill(_lines(l1=0, l2=100)))
    assert [amount for _, amount in _money(body)] == [Decimal(1)]


@pytest.mark.parametrize(
    ("currency", "text"), [("USD", "2500.00"), ("JPY", "250000"), ("KWD", "250.000")]
)
def test_numbers_have_the_decimals_of_their_currency(currency, text):
    """Exactly, as Decimal."""
    body = _create(_bill(_lines(l1=250_000)), currency=currency)

    assert str(body["Line"][0]["Amount"]) == text


def test_only_what_the_caller_gives_is_sent():
    """No number where QuickBooks numbers by itself, no terms, no link (decision 0005)."""
    body = _create(_bill(), number=None)

    assert not {"DocNumber", "SalesTermRef", "LinkedTxn", "GlobalTaxCalculation"} & set(body)


def test_address_location_and_mail_follow_the_estimate():
    """The address decides the tax rate."""
    raw = a_fixture("estimate_us_ast") | {
        "ShipAddr": {"Id": "9", "Line1": "1 Main St", "City": "Provo"},
        "DepartmentRef": {"value": "4", "name": "North"},
        "BillEmailCc": {"Address": "sam@example.com"},
    }

    body = _create(_bill(), estimate=parse_estimate(raw))

    assert body["ShipAddr"] == {"Line1": "1 Main St", "City": "Provo"}
    assert body["DepartmentRef"] == {"value": "4"}
    assert body["BillEmailCc"] == {"Address": "sam@example.com"}


@pytest.mark.parametrize(
    ("estimate", "invoice"),
    [("TaxInclusive", "TaxExcluded"), ("TaxExcluded", "TaxExcluded"), ("NotApplicable",) * 2],
)
def test_outside_the_us_amounts_are_sent_before_tax(estimate, invoice):
    """Also where the estimate was typed in with tax: ours are net."""
    raw = a_fixture("estimate_us_ast") | {"GlobalTaxCalculation": estimate}

    assert _create(_bill(), estimate=parse_estimate(raw))["GlobalTaxCalculation"] == invoice


def test_shipping_has_neither_quantity_nor_price():
    """QuickBooks' pseudo item."""
    coding = {"1187:1": Coding(item_id="SHIPPING_ITEM_ID")}

    (line,) = _create(_bill(_lines(l1=5_000)), coding=coding)["Line"]

    assert line["SalesItemLineDetail"] == {"ItemRef": {"value": "SHIPPING_ITEM_ID"}}
    assert line["Amount"] == Decimal(50)


def test_texts_keep_within_quickbooks_limits():
    """What is too long is cut."""
    coding = {"1187:1": Coding(item_id="1", description="d" * 5000)}

    body = _create(_bill(_lines(l1=5_000)), coding=coding, memo="m" * 2000)

    assert len(body["CustomerMemo"]["value"]) == 1000
    assert len(body["Line"][0]["Description"]) == 4000


@pytest.mark.parametrize(
    ("planned", "code"),
    [
        pytest.param(_bill(_lines(l1=0)), "amount", id="zero"),
        pytest.param(_bill(_lines(l1=-100)), "amount", id="negative"),
        pytest.param(_bill(amount_minor=1), "lines_sum", id="lines-do-not-add-up"),
        pytest.param(_bill(_lines(l9=100)), "coding_missing", id="unknown-line"),
        pytest.param(
            _bill((*_lines(l1=100), *_lines(l1=100))), "line_id_twice", id="one-line-twice"
        ),
    ],
)
def test_what_must_not_be_sent_is_refused(planned, code):
    """No document of zero or less, no cent that is on no line."""
    with pytest.raises(BodyError) as caught:
        _create(planned)

    assert caught.value.code == code


def test_an_estimate_without_a_customer_is_refused():
    """Nobody could pay."""
    with pytest.raises(BodyError, match="no customer"):
        _create(_bill(), estimate=parse_estimate(an_estimate(CustomerRef=None)))


def test_a_number_that_does_not_fit_is_refused():
    """QuickBooks would refuse it after the fact."""
    assert _create(_bill(), number="1" * 21)["DocNumber"] == "1" * 21
    with pytest.raises(BodyError, match="longer than 21") as caught:
        _create(_bill(), number="1" * 22)
    assert caught.value.code == "number_length"


def test_a_memo_of_exactly_the_limit_is_not_cut():
    """1,000 characters fit."""
    assert _create(_bill(), memo="m" * 1000)["CustomerMemo"]["value"] == "m" * 1000


def test_a_revision_sends_new_money_and_nothing_else():
    """Sparse, the current revision, the whole set of lines."""
    current = a_fixture("invoice_milestone")

    body = _update(_revise(_lines(l1=250_000, l2=110_000)), current=current)

    assert (body["Id"], body["SyncToken"], body["sparse"]) == ("1190", "1", True)
    assert _money(body) == [("1", Decimal("2500.00")), ("2", Decimal("1100.00"))]
    assert all(
        line["SalesItemLineDetail"]["UnitPrice"] == line["Amount"]
        and line["SalesItemLineDetail"]["Qty"] == 1
        for line in body["Line"]
    )
    assert body["DueDate"] == "2026-05-08"
    assert body["CustomerMemo"] == {"value": "Now more"}
    assert set(body) == {
        *("Id", "SyncToken", "sparse", "Line", "CustomerRef", "DueDate", "CustomerMemo")
    }


def test_what_people_changed_on_our_lines_is_carried():
    """Class, words, item and tax code; the rest follows the contract."""
    current = a_fixture("invoice_milestone")
    detail = current["Line"][0]["SalesItemLineDetail"]
    detail["ClassRef"] = {"value": "7", "name": "Remodel"}
    current["Line"][0]["Description"] = "Deposit, as agreed with Sam"
    current["Line"][1]["SalesItemLineDetail"]["ItemRef"] = {"value": "44", "name": "Labor"}

    first, second = _update(_revise(_lines(l1=250_000, l2=110_000)), current=current)["Line"]

    assert first["SalesItemLineDetail"]["ClassRef"] == {"value": "7", "name": "Remodel"}
    assert first["Description"] == "Deposit, as agreed with Sam"
    assert first["SalesItemLineDetail"]["ItemRef"]["value"] == "21"
    assert second["SalesItemLineDetail"]["ItemRef"]["value"] == "44"
    assert second["Description"] == "Deposit (1 of 3): Removal and installation"


def test_coding_that_nobody_changed_by_hand_follows_the_estimate():
    """The estimate was re-coded since the invoice was made."""
    coding = CODING | {
        "1187:1": replace(
            CODING["1187:1"],
            item_id="99",
            class_id="8",
            tax_code="NON",
            description="Cabinets, oak",
        )
    }
    current = a_fixture("invoice_milestone")

    first = _update(_revise(_lines(l1=250_000, l2=1)), current=current, coding=coding)["Line"][0]

    assert first["Description"] == "Deposit (1 of 3): Cabinets, oak"
    detail = first["SalesItemLineDetail"]
    assert [detail[name] for name in ("ItemRef", "ClassRef", "TaxCodeRef")] == [
        {"value": "99"},
        {"value": "8"},
        {"value": "NON"},
    ]


def test_lines_that_people_added_are_carried_as_they_are():
    """Where they stand, with fields that we do not know; QuickBooks' subtotal is its own."""
    permit = a_line("3", "150.00", description="Permit") | {"Custom": [1]}
    thanks = a_text("Thank you")
    current = a_fixture("invoice_milestone")
    current["Line"][1:1] = [permit, thanks]

    body = _update(_revise(_lines(l1=250_000, l2=110_000)), current=current)

    assert body["Line"][1:3] == [permit, thanks]
    assert [line.get("Id") for line in body["Line"]] == ["1", "3", "80", "2"]


def test_due_date_and_memo_that_people_changed_are_left_alone():
    """Not sent at all: a sparse update keeps them."""
    current = a_fixture("invoice_milestone") | {
        "DueDate": "2026-06-30",
        "CustomerMemo": {"value": "Thanks, Dana"},
    }

    body = _update(_revise(_lines(l1=300_000, l2=1)), current=current)

    assert not {"DueDate", "CustomerMemo"} & set(body)


def test_a_contract_line_that_came_later_is_added():
    """A change order's line on an invoice that is out."""
    coding = {**CODING, "1300:1": Coding(item_id="40", item_name="Sink", tax_code="TAX")}
    lines = (*_lines(l1=210_000, l2=90_000), BilledLine(line_id="1300:1", amount_minor=35_000))

    body = _update(_revise(lines), current=a_fixture("invoice_milestone"), coding=coding)

    assert _money(body)[-1] == (None, Decimal("350.00"))
    assert body["Line"][-1]["Description"] == "Deposit (1 of 3): Sink"


def test_a_contract_line_that_is_not_billed_any_more_is_taken_off():
    """A line array is the whole set: what is not in it goes."""
    body = _update(_revise(_lines(l1=300_000)), current=a_fixture("invoice_milestone"))

    assert _money(body) == [("1", Decimal("3000.00"))]


def test_a_line_that_left_the_contract_keeps_its_coding():
    """Nothing is known of it any more but what stands on the invoice."""
    coding = {"1187:1": CODING["1187:1"]}

    body = _update(
        _revise(_lines(l1=300_000, l2=-10_000)),
        current=a_fixture("invoice_milestone"),
        coding=coding,
    )

    assert body["Line"][1]["SalesItemLineDetail"]["ItemRef"]["value"] == "30"
    assert body["Line"][1]["Amount"] == Decimal(-100)


def test_amounts_with_tax_are_not_sent_back():
    """Outside the US the old gross amount would contradict the new net one."""
    current = a_fixture("invoice_milestone")
    current["Line"][0]["SalesItemLineDetail"]["TaxInclusiveAmt"] = Decimal(2520)

    body = _update(_revise(_lines(l1=250_000, l2=1)), current=current)

    assert "TaxInclusiveAmt" not in body["Line"][0]["SalesItemLineDetail"]


def test_a_revised_shipping_line_has_no_price_either():
    """QuickBooks' pseudo item, again."""
    current = a_fixture("invoice_milestone")
    current["Line"][0]["SalesItemLineDetail"] = {"ItemRef": {"value": "SHIPPING_ITEM_ID"}}

    body = _update(
        _revise(_lines(l1=5_000)), current=current, synced=current, coding={}, line_ids=LINE_IDS
    )

    assert body["Line"][0]["SalesItemLineDetail"] == {"ItemRef": {"value": "SHIPPING_ITEM_ID"}}
    assert body["Line"][0]["Amount"] == Decimal(50)


def test_an_invoice_whose_money_people_changed_is_never_overwritten():
    """Even if somebody asks for it."""
    current = a_fixture("invoice_milestone")
    current["Line"][0]["Amount"] = Decimal(2200)

    with pytest.raises(BodyError) as caught:
        _update(_revise(_lines(l1=250_000)), current=current)

    assert caught.value.code == "money_edited"


@pytest.mark.parametrize(
    "current",
    [a_fixture("invoice_voided"), {"Id": "1190", "status": "Deleted"}],
    ids=["void", "gone"],
)
def test_an_invoice_that_is_gone_is_never_revived(current):
    """Voided and deleted stay so."""
    with pytest.raises(BodyError):
        _update(_revise(_lines(l1=250_000)), current=current)


def test_a_revision_does_not_touch_what_it_was_given():
    """The mirror's copy stays what QuickBooks said."""
    current = a_fixture("invoice_milestone")

    _update(_revise(_lines(l1=250_000, l2=110_000)), current=current)

    assert current == a_fixture("invoice_milestone")


amounts = st.lists(st.integers(min_value=-(10**6), max_value=10**8), min_size=1, max_size=10)


@given(amounts, st.data())
def test_a_body_bills_exactly_what_was_planned(cells, data):
    """The sum of its lines is the milestone's amount, on creation and on every revision after."""
    lines = tuple(BilledLine(line_id=f"9:{i}", amount_minor=cell) for i, cell in enumerate(cells))
    total = sum(cells)
    if total <= 0:
        lines = (*lines, BilledLine(line_id="9:rest", amount_minor=1 - total))
    coding = {line.line_id: Coding(item_id="1", tax_code="NON") for line in lines}
    planned = _bill(lines)

    body = _create(planned, coding=coding)

    sent = [line | {"Id": str(i)} for i, line in enumerate(body["Line"], start=1)]
    answer = an_invoice(lines=sent)
    assert answer["TotalAmt"] * 100 == planned.amount_minor
    ids = line_ids(answer, planned, currency="USD")
    again = data.draw(st.permutations(lines))
    revised = _revise(
        tuple(replace(line, amount_minor=abs(line.amount_minor) + 1) for line in again)
    )
    permit = a_line("77", "150.00", description="Permit")
    current = an_invoice(lines=[permit, *sent])
    update = _update(revised, current=current, synced=answer, coding=coding, line_ids=ids)
    assert sum(line["Amount"] for line in update["Line"]) * 100 == revised.amount_minor + 15_000
    assert not human_edits(current, answer, line_ids=ids).money
