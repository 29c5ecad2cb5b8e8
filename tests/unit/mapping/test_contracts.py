"""Estimates -> contract."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.contracts import Coding, contract_of
from mapping.documents import parse_estimate
from mapping.jobs import gather
from milestone_engine.job import ChangeOrder
from tests.builders import a_discount, a_fixture, a_line, an_estimate


def _mapped(*raws, first_totals=None, home_currency=None):
    documents = gather([parse_estimate(raw) for raw in raws])
    return contract_of(documents, first_totals=first_totals or {}, home_currency=home_currency)


def _change(id="1300", number="1042-CO-1", amount="1400.00", **fields):
    return an_estimate(
        id=id,
        number=number,
        accepted_on="2026-04-01",
        lines=[a_line("1", amount, item="40", item_name="Sink", description="Sink")],
        **fields,
    )


def _codes(mapped):
    return [finding.code for finding in mapped.findings]


def test_an_estimate_becomes_lines_with_their_coding():
    """Pre-tax money on the engine's side, item, class and tax code beside it."""
    mapped = _mapped(a_fixture("estimate_us_ast"))

    assert [(line.id, line.amount_minor) for line in mapped.contract.lines] == [
        ("1187:1", 840_000),
        ("1187:2", 360_000),
    ]
    assert mapped.contract.total_minor == 1_200_000
    assert mapped.coding["1187:1"] == Coding(
        item_id="21",
        item_name="Cabinets",
        class_id="5000000000000017",
        class_name="Kitchen",
        tax_code="TAX",
        description="Cabinets, supplied",
        account="79",
    )
    assert (mapped.currency, mapped.findings, mapped.is_sound) == ("USD", (), True)


def test_a_line_without_words_is_called_by_its_item():
    """People must see what they are billed for."""
    lines = [a_line("1", description="", item_name="Cabinets"), a_line("2", description="Oak")]

    mapped = _mapped(an_estimate(lines=lines))

    assert [line.description for line in mapped.contract.lines] == ["Cabinets", "Oak"]


def test_the_tax_rate_is_tax_over_the_whole_contract():
    """8 % on 8,400 of 12,000 is about 5.6 % of what is not billed yet."""
    assert _mapped(a_fixture("estimate_us_ast")).tax_rate_percent == Decimal("5.6000")


def test_no_tax_detail_is_no_rate():
    """Unknown is not zero."""
    assert _mapped(an_estimate(TxnTaxDetail=None)).tax_rate_percent is None
    assert _mapped(an_estimate(tax="0")).tax_rate_percent == 0


def test_bundles_and_discounts_become_net_lines():
    """Children carry the money, less their share of the discount."""
    mapped = _mapped(a_fixture("estimate_bundle_discount"), home_currency="USD")

    assert [(line.id, line.amount_minor) for line in mapped.contract.lines] == [
        ("1201:5", 81_000),
        ("1201:6", 40_500),
        ("1201:7", 103_500),
    ]
    assert mapped.is_sound


def test_a_discount_makes_the_contract_smaller():
    """E51: 10 % on 10,000."""
    raw = an_estimate(lines=[a_line("1", "10000.00"), a_discount("1000.00", percent="10")])

    assert _mapped(raw).contract.total_minor == 900_000


def test_amounts_entered_with_tax_are_taken_net():
    """Outside the US: `Amount` is net, `TaxInclusiveAmt` is not."""
    mapped = _mapped(a_fixture("estimate_tax_inclusive"))

    assert (mapped.contract.total_minor, mapped.currency) == (100_000, "GBP")
    assert mapped.tax_rate_percent == 20


def test_amounts_that_still_hold_their_tax_are_refused():
    """If an answer had gross amounts in `Amount`, we would bill tax on tax."""
    raw = a_fixture("estimate_tax_inclusive")
    raw["Line"][0]["Amount"] = Decimal(1200)

    mapped = _mapped(raw)

    assert (_codes(mapped), mapped.is_sound) == (["tax_inclusive"], False)


def test_a_change_order_adds_its_lines_and_is_named():
    """The demo's sink."""
    mapped = _mapped(an_estimate(), _change())

    assert mapped.contract.total_minor == 1_340_000
    assert mapped.contract.change_orders == (
        ChangeOrder(id="1300", label="1042-CO-1", amount_minor=140_000),
    )
    assert mapped.coding["1300:1"].item_name == "Sink"
    assert mapped.totals == {"1187": 1_200_000, "1300": 140_000}


def test_a_change_order_may_take_away():
    """A negative line makes a deduction."""
    mapped = _mapped(an_estimate(), _change(amount="-500.00"))

    assert mapped.contract.total_minor == 1_150_000
    assert mapped.is_sound


def test_an_estimate_edited_in_place_is_a_change_order():
    """Same id, new total: the difference is named after the estimate, whatever its revision."""
    mapped = _mapped(an_estimate(version=5), first_totals={"1187": 1_000_000})

    assert mapped.contract.change_orders == (
        ChangeOrder(id="1187@edit", label="1042", amount_minor=200_000),
    )


def test_a_change_order_edited_in_place_shows_both_steps():
    """What was first agreed, and what it became."""
    mapped = _mapped(
        an_estimate(), _change(version=2), first_totals={"1187": 1_200_000, "1300": 100_000}
    )

    assert [(c.id, c.amount_minor) for c in mapped.contract.change_orders] == [
        ("1300", 100_000),
        ("1300@edit", 40_000),
    ]


def test_a_swap_of_scope_is_no_change_order():
    """E04: other lines, the same total."""
    raw = an_estimate(lines=[a_line("1", "10500.00"), a_line("2", "1500.00")])

    assert _mapped(raw, first_totals={"1187": 1_200_000}).contract.change_orders == ()


def test_a_candidate_is_reported_and_adds_nothing():
    """The contract stays sound: the rest of the Job goes on."""
    mapped = _mapped(an_estimate(), _change(number="1060"))

    assert (_codes(mapped), mapped.is_sound) == (["estimate_candidate"], True)
    assert mapped.contract.total_minor == 1_200_000


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        pytest.param(an_estimate(lines=[]), "net_total", id="nothing"),
        pytest.param(an_estimate(lines=[a_line(amount="-1.00")]), "net_total", id="negative"),
        pytest.param(an_estimate(lines=[a_line(amount="1.005")]), "decimals", id="half-a-cent"),
        pytest.param(an_estimate(TotalAmt=Decimal(1)), "total_mismatch", id="misread"),
        pytest.param(
            an_estimate(lines=[a_line("1"), a_line("1")]), "line_id_twice", id="one-id-twice"
        ),
        pytest.param(an_estimate(CurrencyRef=None), "currency_unknown", id="no-currency"),
        pytest.param(
            an_estimate(CurrencyRef={"value": "XYZ"}), "currency_unknown", id="no-such-currency"
        ),
    ],
)
def test_what_cannot_be_mapped_is_a_finding(raw, code):
    """With the estimate as its subject; nothing is raised."""
    mapped = _mapped(raw)

    assert _codes(mapped) == [code]
    assert mapped.findings[0].subject == "estimate:1187"
    assert not mapped.is_sound


def test_findings_name_the_facts_that_their_words_need():
    """The amount, the currency, the place."""
    assert dict(_mapped(an_estimate(lines=[])).findings[0].facts) == {
        "total": "0.00",
        "currency": "USD",
    }
    found = _mapped(an_estimate(lines=[a_line(amount="1.005")])).findings[0]
    assert found.facts["at"] == "Line[0].Amount"
    found = _mapped(an_estimate(CurrencyRef={"value": "XYZ"})).findings[0]
    assert dict(found.facts) == {"currency": "XYZ"}
    found = _mapped(an_estimate(TotalAmt=Decimal("1.00"), tax="5.00")).findings[0]
    assert found.facts["message"] == "lines and tax make 12005.00, QuickBooks says 1.00"
    assert found.facts["at"] == "TotalAmt"


def test_several_faults_all_show():
    """Each estimate is read on its own."""
    mapped = _mapped(
        an_estimate(lines=[a_line(amount="1.005")]), _change(), _change(id="2", number="7")
    )

    assert _codes(mapped) == ["decimals", "estimate_candidate"]


def test_the_home_currency_counts_where_no_other_is_named():
    """Companies without multicurrency."""
    raw = an_estimate(CurrencyRef=None, lines=[a_line(amount="1200")])

    mapped = _mapped(raw, home_currency="JPY")

    assert (mapped.currency, mapped.contract.total_minor) == ("JPY", 1200)


def test_two_currencies_in_one_contract_are_refused():
    """They cannot be added."""
    mapped = _mapped(an_estimate(), _change(CurrencyRef={"value": "EUR"}))

    assert (_codes(mapped), mapped.is_sound) == (["currency_mixed"], False)
    assert mapped.findings[0].subject == "estimate:1300"
    assert dict(mapped.findings[0].facts) == {"currency": "EUR", "expected": "USD"}


def test_without_an_agreed_estimate_there_is_an_empty_contract():
    """The caller has nothing to plan."""
    mapped = _mapped(an_estimate(status="Pending"))

    assert (mapped.contract.total_minor, mapped.coding, mapped.findings) == (0, {}, ())


amounts = st.lists(st.integers(min_value=1, max_value=10**8), min_size=1, max_size=8)


@given(amounts, amounts)
def test_the_contract_is_the_sum_of_what_quickbooks_totals(main, change):
    """Whatever the lines: total after the pull = sum of TotalAmt less tax."""
    lines = [
        [a_line(str(i), str(Decimal(a) / 100)) for i, a in enumerate(x)] for x in (main, change)
    ]
    raws = (
        an_estimate(lines=lines[0], tax="7.77"),
        an_estimate(id="2", number="1042-CO-1", lines=lines[1], tax="0.01"),
    )

    mapped = _mapped(*raws)

    assert mapped.contract.total_minor == sum(main) + sum(change)
    assert sum(mapped.totals.values()) == mapped.contract.total_minor
    assert set(mapped.coding) == {line.id for line in mapped.contract.lines}
