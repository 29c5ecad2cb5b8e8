"""The worked examples of the money rules by their number, and the corners between them."""

from __future__ import annotations

import pytest

from milestone_engine import (
    EngineError,
    OnInvoiced,
    Parts,
    PositionError,
    ScheduleError,
    ShareState,
    rebalance,
)
from tests.unit.milestone_engine.builders import (
    amounts,
    at,
    cents,
    fixed,
    paid,
    parts,
    positions,
)

REVISE, HOLD, SUPPLEMENT = OnInvoiced

NOTHING_PAID = (at("25"), at("25"), at("50"))
M1_PAID = (paid("25", "2,500"), at("25"), at("50"))
M1_M2_PAID = (paid("25", "2,500"), paid("25", "2,500"), at("50"))
ALL_PAID = (paid("25", "2,500"), paid("25", "2,500"), paid("50", "5,000"))
M2_SENT = (paid("25", "2,500"), at("25", "2,500"), at("50"))
M1_PART_PAID = (at("25", "2,500", "1,000"), at("25"), at("50"))
DEPOSIT = (at(fixed("1,000")), at("50"), at("50"))

EXAMPLES = [
    pytest.param("12,000", NOTHING_PAID, REVISE, "3,000 / 3,000 / 6,000", id="E02"),
    pytest.param("9,000", NOTHING_PAID, REVISE, "2,250 / 2,250 / 4,500", id="E03"),
    pytest.param("10,000", M1_PAID, REVISE, "2,500 / 2,500 / 5,000", id="E04"),
    pytest.param("8,600", NOTHING_PAID, REVISE, "2,150 / 2,150 / 4,300", id="E05"),
    pytest.param("12,000", M1_PAID, REVISE, "2,500 / 3,166.67 / 6,333.33", id="E06"),
    pytest.param("9,000", M1_PAID, REVISE, "2,500 / 2,166.67 / 4,333.33", id="E07"),
    pytest.param("12,000", M1_M2_PAID, REVISE, "2,500 / 2,500 / 7,000", id="E08"),
    pytest.param("2,500", M1_PAID, REVISE, "2,500 / 0 / 0", id="E11"),
    pytest.param("10,000", M1_PART_PAID, REVISE, "2,500 / 2,500 / 5,000", id="E16"),
    pytest.param("12,000", M1_PART_PAID, REVISE, "3,000 / 3,000 / 6,000", id="E17"),
    pytest.param("12,000", M1_PART_PAID, HOLD, "2,500 / 3,166.67 / 6,333.33", id="E18"),
    pytest.param("12,000", M2_SENT, REVISE, "2,500 / 3,166.67 / 6,333.33", id="E20"),
    pytest.param("12,000", M2_SENT, HOLD, "2,500 / 2,500 / 7,000", id="E21"),
    pytest.param("12,000", M2_SENT, SUPPLEMENT, "2,500 / 3,166.67 / 6,333.33", id="E22"),
    pytest.param(
        "12,000",
        (paid("25", "2,500"), at("25", "2,500", held=True), at("50")),
        REVISE,
        "2,500 / 2,500 / 7,000",
        id="E25",
    ),
    pytest.param("12,000", M1_M2_PAID, REVISE, "2,500 / 2,500 / 7,000", id="E26"),
    pytest.param("10,000", DEPOSIT, REVISE, "1,000 / 4,500 / 4,500", id="E27"),
    pytest.param("12,000", DEPOSIT, REVISE, "1,000 / 5,500 / 5,500", id="E28"),
    pytest.param(
        "9,000",
        (paid(fixed("1,000"), "1,000"), at("50"), at("50")),
        REVISE,
        "1,000 / 4,000 / 4,000",
        id="E29",
    ),
    pytest.param(
        "8,000",
        (at("25", cap="800"), at("25"), at("50")),
        REVISE,
        "800 / 2,400 / 4,800",
        id="E32",
    ),
    pytest.param(
        "10,000",
        (at("25"), at("25"), at("0"), at("50")),
        REVISE,
        "2,500 / 2,500 / 0 / 5,000",
        id="E33",
    ),
    pytest.param(
        "10,000",
        (at("33.33"), at("33.33"), at("33.34")),
        REVISE,
        "3,333 / 3,333 / 3,334",
        id="E35",
    ),
    pytest.param(
        "5.47", (at("33.34"), at("33.33"), at("33.33")), REVISE, "1.83 / 1.82 / 1.82", id="E37"
    ),
    pytest.param(
        "100", (at(Parts()), at(Parts()), at(Parts())), REVISE, "33.33 / 33.33 / 33.34", id="E39a"
    ),
    pytest.param(
        "20,000",
        (at(Parts()), at(Parts()), at(Parts())),
        REVISE,
        "6,666.66 / 6,666.67 / 6,666.67",
        id="E39b",
    ),
    pytest.param(
        "0.02", (at(Parts()), at(Parts()), at(Parts())), REVISE, "0 / 0.01 / 0.01", id="E44"
    ),
    pytest.param(
        "1,000",
        (at(Parts()), at(Parts()), at(Parts())),
        REVISE,
        "333.33 / 333.33 / 333.34",
        id="E45",
    ),
    pytest.param("10,000", M1_PAID, REVISE, "2,500 / 2,500 / 5,000", id="E49"),
    pytest.param("9,000", NOTHING_PAID, REVISE, "2,250 / 2,250 / 4,500", id="E51"),
    pytest.param(
        "12,000",
        (at("25", "2,500", "1,250"), at("25"), at("50")),
        REVISE,
        "3,000 / 3,000 / 6,000",
        id="E53",
    ),
    pytest.param(
        "12,000",
        (paid("25", "2,500"), paid("25", "2,500"), at("50", "5,000", "1,000")),
        REVISE,
        "2,500 / 2,500 / 7,000",
        id="E56",
    ),
    pytest.param("12,000", M1_PAID, REVISE, "2,500 / 3,166.67 / 6,333.33", id="E57"),
    pytest.param(
        "12,000",
        (at("25", "2,500", "0", held=True), at("25"), at("50")),
        REVISE,
        "2,500 / 3,166.67 / 6,333.33",
        id="E58",
    ),
    pytest.param(
        "10,000",
        (paid("25", "2,500"), at("25", "2,600", pinned="2,600"), at("50")),
        REVISE,
        "2,500 / 2,600 / 4,900",
        id="E62-pinned",
    ),
    pytest.param(
        "10,000",
        (paid("25", "2,500"), at("25", "2,600", held=True), at("50")),
        REVISE,
        "2,500 / 2,600 / 4,900",
        id="E62-held",
    ),
    pytest.param(
        "10,000",
        (paid("25", "2,500"), at("25"), at("25"), at("50")),
        REVISE,
        "2,500 / 1,875 / 1,875 / 3,750",
        id="E63",
    ),
    pytest.param("10,000", (paid("25", "2,500"), at("50")), REVISE, "2,500 / 7,500", id="E64"),
    pytest.param("10,000", (paid("25", "2,500"), at("50")), REVISE, "2,500 / 7,500", id="E65"),
    pytest.param("6,100", M1_M2_PAID, REVISE, "2,500 / 2,500 / 1,100", id="E68-work-done-6100"),
    pytest.param("11,200", M1_PAID, REVISE, "2,500 / 2,900 / 5,800", id="E70-spread"),
    pytest.param(
        "11,200",
        (paid("25", "2,500"), at("25"), at("50", extra="1,200")),
        REVISE,
        "2,500 / 2,500 / 6,200",
        id="E70-final",
    ),
    pytest.param(
        "11,200",
        (paid("25", "2,500"), at("25", extra="1,200"), at("50")),
        REVISE,
        "2,500 / 3,700 / 5,000",
        id="E70-next",
    ),
    pytest.param(
        "11,200",
        (*M1_PAID, at(fixed("1,200"))),
        REVISE,
        "2,500 / 2,500 / 5,000 / 1,200",
        id="E70-separate",
    ),
    pytest.param("1,200", (at("50"), at("50")), REVISE, "600 / 600", id="E70-own"),
    pytest.param("11,200", M1_PAID, REVISE, "2,500 / 2,900 / 5,800", id="E71-if-approved"),
    pytest.param("4,000", (at("50"), at("50")), REVISE, "2,000 / 2,000", id="E75-own"),
    pytest.param("14,000", M1_PAID, REVISE, "2,500 / 3,833.33 / 7,666.67", id="E75-merged"),
    pytest.param("6,000", M1_PAID, REVISE, "2,500 / 1,166.67 / 2,333.33", id="E79"),
    pytest.param("10,000", M1_PAID, REVISE, "2,500 / 2,500 / 5,000", id="E85"),
]


@pytest.mark.parametrize(("total", "rows", "on_invoiced", "expected"), EXAMPLES)
def test_worked_example(total, rows, on_invoiced, expected):
    """The amounts are those of the page, and nothing is left over, missing or worth a warning."""
    split = rebalance(cents(total), positions(*rows), currency="USD", on_invoiced=on_invoiced)

    assert amounts(split) == expected
    assert (split.credit_minor, split.unallocated_minor, split.warnings) == (0, 0, ())


@pytest.mark.parametrize(
    ("total", "rows", "expected", "credit", "unallocated", "warned"),
    [
        pytest.param("2,000", M1_PAID, "2,500 / 0 / 0", "500", "0", [], id="E12"),
        pytest.param("4,600", M1_M2_PAID, "2,500 / 2,500 / 0", "400", "0", [], id="E13"),
        pytest.param(
            "800", DEPOSIT, "800 / 0 / 0", "0", "0", [("gave_way", "m1", 20000)], id="E30"
        ),
        pytest.param(
            "10,500",
            (paid("100", "10,000"), at("0")),
            "10,000 / 500",
            "0",
            "0",
            [("zero_weights", "m2", 50000)],
            id="E34",
        ),
        pytest.param("3,200", M1_M2_PAID, "2,500 / 2,500 / 0", "1,800", "0", [], id="E68"),
        pytest.param("10,850", ALL_PAID, "2,500 / 2,500 / 5,000", "0", "850", [], id="E72"),
        pytest.param("9,600", ALL_PAID, "2,500 / 2,500 / 5,000", "400", "0", [], id="E73"),
        pytest.param("0", NOTHING_PAID, "0 / 0 / 0", "0", "0", [], id="total-zero"),
        pytest.param("0", M1_PAID, "2,500 / 0 / 0", "2,500", "0", [], id="total-zero-all-back"),
        pytest.param(
            "1,500",
            (at(fixed("1,000")), at(fixed("2,000")), at(fixed("3,000"))),
            "1,000 / 500 / 0",
            "0",
            "0",
            [("gave_way", "m3", 300000), ("gave_way", "m2", 150000)],
            id="several-fixed-give-way-from-the-last",
        ),
        pytest.param(
            "500",
            (at(fixed("1,000"), "1,000", "900"), at("100")),
            "900 / 0",
            "400",
            "0",
            [("gave_way", "m1", 10000)],
            id="fixed-gives-way-down-to-what-is-paid",
        ),
        pytest.param(
            "2,000",
            (at(fixed("1,000"), "1,500", "1,200"), at("100")),
            "1,200 / 800",
            "0",
            "0",
            [("below_paid", "m1", 20000)],
            id="fixed-below-what-is-paid-keeps-what-is-paid",
        ),
        pytest.param(
            "1,000",
            (at("50", pinned="600"), at("50", "700", held=True)),
            "300 / 700",
            "0",
            "0",
            [("gave_way", "m1", 30000)],
            id="a-pin-gives-way-held-does-not",
        ),
        pytest.param(
            "500",
            (at("50", "700", "100", held=True), at("50")),
            "700 / 0",
            "200",
            "0",
            [],
            id="held-never-gives-way",
        ),
        pytest.param(
            "12,000",
            (paid("25", "2,500"), at(fixed("4,000")), at("50", pinned="1,000")),
            "2,500 / 4,000 / 5,500",
            "0",
            "0",
            [("rest_to_pinned", "m3", 450000)],
            id="no-open-one-the-last-pinned-takes-it",
        ),
        pytest.param(
            "12,000",
            (at(fixed("4,000")), at(fixed("5,000"), "5,000")),
            "7,000 / 5,000",
            "0",
            "0",
            [("rest_to_pinned", "m1", 300000)],
            id="no-open-one-an-invoice-is-passed-over",
        ),
        pytest.param(
            "1,000",
            (at("50", cap="300"), at("50", cap="400")),
            "300 / 400",
            "0",
            "300",
            [],
            id="what-exceeds-all-caps-is-unallocated",
        ),
        pytest.param(
            "1,000",
            (at("50", "500", "450", cap="300"), at("50")),
            "450 / 550",
            "0",
            "0",
            [("over_cap", "m1", 15000)],
            id="a-cap-yields-to-what-is-paid",
        ),
        pytest.param(
            "1,000",
            (at("0", cap="300"), at("0", cap="400")),
            "300 / 400",
            "0",
            "300",
            [("zero_weights", "m2", 40000), ("zero_weights", "m1", 30000)],
            id="zero-weights-fill-their-caps-from-the-last",
        ),
        pytest.param(
            "1,000",
            (at("60", cap="300"), at("40", cap="400"), at("0")),
            "300 / 400 / 0",
            "0",
            "300",
            [],
            id="a-weight-of-zero-takes-nothing-while-others-have-weights",
        ),
        pytest.param(
            "1,000",
            (at(fixed("800"), cap="500"), at("100")),
            "500 / 500",
            "0",
            "0",
            [],
            id="a-fixed-amount-is-capped",
        ),
        pytest.param(
            "1,000",
            (at("50", pinned="800", cap="500"), at("100")),
            "800 / 200",
            "0",
            "0",
            [("over_cap", "m1", 30000)],
            id="a-pin-is-not-capped-but-warned-of",
        ),
        pytest.param(
            "2,000",
            (at(fixed("1,000"), extra="200"), at("100")),
            "1,200 / 800",
            "0",
            "0",
            [],
            id="a-change-order-bound-to-a-fixed-amount",
        ),
        pytest.param(
            "1,000",
            (at("50"), at("50", extra="-800")),
            "900 / 100",
            "0",
            "0",
            [],
            id="a-negative-extra",
        ),
        pytest.param(
            "600",
            (at("50"), at("50", extra="-800")),
            "600 / 0",
            "0",
            "0",
            [],
            id="a-negative-extra-stops-at-zero",
        ),
        pytest.param(
            "1,000",
            (at("50"), at("50", extra="1,200")),
            "0 / 1,000",
            "0",
            "0",
            [],
            id="an-extra-above-all-that-is-left",
        ),
        pytest.param(
            "1,000",
            (at("100"), at("0", extra="700"), at("0", extra="600")),
            "0 / 700 / 300",
            "0",
            "0",
            [("gave_way", "m3", 30_000)],
            id="extras-of-zero-weights-give-way-from-the-last",
        ),
    ],
)
def test_what_has_no_place(total, rows, expected, credit, unallocated, warned):
    """Credit, unallocated money and warnings where the total and the milestones do not meet."""
    split = rebalance(cents(total), positions(*rows), currency="USD")

    assert amounts(split) == expected
    assert (split.credit_minor, split.unallocated_minor) == (cents(credit), cents(unallocated))
    assert [(w.code, w.milestone_id, w.amount_minor) for w in split.warnings] == warned


def test_a_milestone_that_gives_way_twice_is_warned_of_once():
    """First its extra, down to what was billed; then what was billed, down to what is missing."""
    rows = positions(at("0", "300", "100", extra="500"))

    split = rebalance(cents("150"), rows, currency="USD", on_invoiced=SUPPLEMENT)

    assert amounts(split) == "150"
    (warning,) = split.warnings
    assert (warning.code, warning.amount_minor) == ("gave_way", 35_000)
    facts = dict(split.shares[0].why.facts)
    assert (facts["wanted_minor"], facts["given_minor"]) == (50_000, 35_000)


def test_E10_a_change_and_its_reversal_are_no_change():  # noqa: N802
    """+2,000 approved and reversed with nothing billed between: the old amounts to the cent."""
    before = rebalance(cents("10,000"), positions(*M1_PAID), currency="USD")
    rebalance(cents("12,000"), positions(*M1_PAID), currency="USD")

    after = rebalance(cents("10,000"), positions(*M1_PAID), currency="USD")

    assert after == before
    assert amounts(after) == "2,500 / 2,500 / 5,000"


def test_E40_twelve_parts():  # noqa: N802
    """50,000 in 12 parts: the later ones take the odd cents."""
    split = rebalance(cents("50,000"), parts(*[1] * 12), currency="USD")

    assert [share.amount_minor for share in split.shares] == [416666] * 4 + [416667] * 8


def test_percents_of_different_scales_keep_their_ratio():
    """Halves, tenths and whole percents: 12.5 : 37.5 : 49.9 : 0.1."""
    rows = positions(at("12.5"), at("37.5"), at("49.9"), at("0.1"))

    in_tenths = rebalance(cents("1,000"), rows, currency="USD")
    in_halves = rebalance(cents("1,000"), positions(at("12.5"), at("50")), currency="USD")

    assert amounts(in_tenths) == "125 / 375 / 499 / 1"
    assert amounts(in_halves) == "200 / 800"


def test_E42_thousandths():  # noqa: N802
    """KWD has three decimals."""
    split = rebalance(1_000_000, parts(1, 1, 1), currency="KWD")

    assert [share.amount_minor for share in split.shares] == [333333, 333333, 333334]


@pytest.mark.parametrize(
    ("total", "rows", "due"),
    [
        pytest.param("10,000", M1_PART_PAID, ["1,500", "2,500", "5,000"], id="E16"),
        pytest.param("12,000", M1_PART_PAID, ["2,000", "3,000", "6,000"], id="E17"),
        pytest.param(
            "10,000",
            (at("25", "2,500", "1,250"), at("25"), at("50")),
            ["1,250", "2,500", "5,000"],
            id="E53",
        ),
        pytest.param(
            "12,000",
            (paid("25", "2,500"), paid("25", "2,500"), at("50", "5,000", "1,000")),
            ["0", "0", "6,000"],
            id="E56",
        ),
        pytest.param(
            "12,000",
            (at("25", "2,500", "0", held=True), at("25"), at("50")),
            ["2,500", "3,166.67", "6,333.33"],
            id="E58-due-again",
        ),
    ],
)
def test_what_is_due(total, rows, due):
    """Due is the amount less what is paid on it; dates play no part."""
    split = rebalance(cents(total), positions(*rows), currency="USD")

    assert [share.due_minor for share in split.shares] == [cents(text) for text in due]


def test_E55_an_overpayment_is_on_account():  # noqa: N802
    """2,600 on an invoice of 2,500 does not change the split; an underpayment takes none of it."""
    rows = positions(at("25", "2,500", "2,600"), at("25", "2,500", "2,499.99"), at("50"))

    split = rebalance(cents("10,000"), rows, currency="USD")

    assert amounts(split) == "2,500 / 2,500 / 5,000"
    assert split.on_account_minor == cents("100")
    assert split.shares[0].due_minor == 0


@pytest.mark.parametrize(
    ("billed", "received", "state"),
    [
        pytest.param("1.00", "0.99", ShareState.LOCKED, id="one-short-of-100"),
        pytest.param("0.99", "0.98", ShareState.OPEN, id="one-short-of-99"),
        pytest.param("1.00", "0.98", ShareState.OPEN, id="two-short"),
        pytest.param("0", "0", ShareState.LOCKED, id="an-invoice-of-nothing"),
    ],
)
def test_one_unit_short_counts_as_paid(billed, received, state):
    """From 100 units on."""
    rows = positions(at("50", billed, received), at("50"))

    split = rebalance(cents("100"), rows, currency="USD")

    assert split.shares[0].state is state
    if state is ShareState.LOCKED:
        assert split.shares[0].amount_minor == cents(billed)


@pytest.mark.parametrize("on_invoiced", OnInvoiced)
def test_locked_counts_before_everything_else(on_invoiced):
    """A pin, a hold, an extra, a cap or a fixed basis of a settled milestone mean nothing."""
    rows = positions(
        at("25", "2,500", "2,500", pinned="9", held=True, cap="1", extra="77"),
        at(fixed("1"), "500", "500"),
        at("75"),
    )

    split = rebalance(cents("10,000"), rows, currency="USD", on_invoiced=on_invoiced)

    assert amounts(split) == "2,500 / 500 / 7,000"
    assert [share.state.value for share in split.shares] == ["locked", "locked", "open"]
    assert split.warnings == ()


def test_held_means_nothing_without_an_invoice():
    """There is nothing to hold: it shares like the others."""
    split = rebalance(cents("10,000"), positions(at("25", held=True), at("75")), currency="USD")

    assert amounts(split) == "2,500 / 7,500"
    assert split.shares[0].state is ShareState.OPEN


def test_a_person_counts_before_the_policy():
    """Under `hold` an amount that a person set still moves the invoice."""
    rows = positions(at("25", "2,500", "100", pinned="2,700"), at("75"))

    split = rebalance(cents("10,000"), rows, currency="USD", on_invoiced=HOLD)

    assert amounts(split) == "2,700 / 7,300"


def test_hold_counts_before_a_fixed_amount():
    """The invoice stays, though the fixed amount is another by now."""
    rows = positions(at(fixed("1,000"), "800"), at("100"))

    split = rebalance(cents("10,000"), rows, currency="USD", on_invoiced=HOLD)

    assert amounts(split) == "800 / 9,200"


@pytest.mark.parametrize(
    ("on_invoiced", "expected"),
    [
        pytest.param(REVISE, "2,250 / 2,250 / 4,500", id="revise-follows"),
        pytest.param(HOLD, "2,500 / 2,166.67 / 4,333.33", id="hold-stays"),
        pytest.param(SUPPLEMENT, "2,500 / 2,166.67 / 4,333.33", id="supplement-floors-at-billed"),
    ],
)
def test_a_sent_invoice_when_the_total_falls(on_invoiced, expected):
    """Under `supplement` what was billed is a floor for the share."""
    rows = positions(at("25", "2,500"), at("25"), at("50"))

    split = rebalance(cents("9,000"), rows, currency="USD", on_invoiced=on_invoiced)

    assert amounts(split) == expected


def test_rule_6_takes_pins_first_then_sent_invoices_then_gives_credit():
    """Open ones fall, a pin gives way, then a floor of `supplement`, each down to what is paid."""
    rows = positions(
        paid("10", "100"),
        at("20", "300", "50"),
        at("20", "400", "80"),
        at("20", "500", "500", pinned="1"),
        at("20", pinned="250"),
        at("10", "90", "10", held=True),
        at("10"),
    )

    splits = [
        amounts(rebalance(cents(total), rows, currency="USD", on_invoiced=SUPPLEMENT))
        for total in ("1,700", "1,500", "1,390", "1,300", "1,000", "820", "800")
    ]

    assert splits == [
        "100 / 300 / 400 / 500 / 250 / 90 / 60",
        "100 / 300 / 400 / 500 / 110 / 90 / 0",
        "100 / 300 / 400 / 500 / 0 / 90 / 0",
        "100 / 300 / 310 / 500 / 0 / 90 / 0",
        "100 / 230 / 80 / 500 / 0 / 90 / 0",
        "100 / 50 / 80 / 500 / 0 / 90 / 0",
        "100 / 50 / 80 / 500 / 0 / 90 / 0",
    ]
    assert rebalance(80000, rows, currency="USD", on_invoiced=SUPPLEMENT).credit_minor == 2000


@pytest.mark.parametrize(
    ("total", "rows", "expected"),
    [
        pytest.param("100.05", parts(1, 1, 1), "33.35 / 33.35 / 33.35", id="it-fits"),
        pytest.param("100.00", parts(1, 1, 1), "33.30 / 33.35 / 33.35", id="later-ones-rise"),
        pytest.param("100.03", parts(1, 1, 1), "33.30 / 33.35 / 33.38", id="less-than-a-coin"),
        pytest.param(
            "100.03",
            positions(at("25", "17.13", "17.13"), at("25"), at("50")),
            "17.13 / 27.65 / 55.25",
            id="a-billed-amount-need-not-fit",
        ),
        pytest.param(
            "100.01",
            positions(at("50", "60", "50.03"), at("50")),
            "50.03 / 49.98",
            id="a-floor-that-is-no-coin",
        ),
        pytest.param(
            "100.00",
            positions(at("50", cap="49.98"), at("50")),
            "49.98 / 50.02",
            id="a-cap-that-is-no-coin",
        ),
        pytest.param(
            "100.02",
            positions(at("50"), at("50"), at("0")),
            "50 / 50.02 / 0",
            id="a-weight-of-zero-gets-no-small-change",
        ),
        pytest.param(
            "100.03",
            positions(at("50"), at("50", cap="50.02")),
            "50.01 / 50.02",
            id="small-change-stops-at-a-cap",
        ),
    ],
)
def test_cash_step(total, rows, expected):
    """CHF is paid in coins of 0.05; what is less than a coin goes to the last that shares."""
    split = rebalance(cents(total), rows, currency="CHF", cash_step_minor=5)

    assert [share.amount_minor for share in split.shares] == [
        cents(text) for text in expected.split(" / ")
    ]


@pytest.mark.parametrize(
    ("rows", "total", "code", "place"),
    [
        pytest.param((), "1", "no_milestones", "milestones", id="no-milestones"),
        pytest.param((at("50"), at("50", None, "1")), "1", "paid_without_billed",
                     "milestones[1].paid", id="paid-without-billed"),
        pytest.param((at("50", "1", "-1"),), "1", "negative", "milestones[0].paid", id="paid"),
        pytest.param((at("50", "-1"),), "1", "negative", "milestones[0].billed", id="billed"),
        pytest.param((at("50", None, "-1"),), "1", "paid_without_billed", "milestones[0].paid",
                     id="paid-below-zero-without-billed"),
        pytest.param((at("50"), at("50", pinned="-1")), "1", "negative", "milestones[1].pinned",
                     id="pinned"),
        pytest.param((at("50", cap="-1"),), "1", "negative", "milestones[0].cap", id="cap"),
        pytest.param((at("50"), at(Parts())), "1", "mixed_basis", "milestones[1].basis",
                     id="mixed"),
        pytest.param((at("50"),), "-1", "negative_total", "contract_total", id="total"),
    ],
)  # fmt: skip
def test_refusals(rows, total, code, place):
    """What has no meaning is refused with a code and a place."""
    with pytest.raises(EngineError) as caught:
        rebalance(cents(total), positions(*rows), currency="USD")

    assert (caught.value.code, caught.value.at) == (code, place)


def test_refuses_an_id_that_is_there_twice():
    """Two milestones of one id could not be told apart."""
    rows = positions(at("50"), at("50"))

    with pytest.raises(ScheduleError, match="twice"):
        rebalance(1, [rows[0], rows[0]], currency="USD")


def test_refuses_a_coin_of_nothing():
    """A cash step is at least one unit."""
    with pytest.raises(PositionError) as caught:
        rebalance(1, positions(at("50")), currency="CHF", cash_step_minor=0)

    assert caught.value.code == "cash_step"


def test_refuses_a_currency_that_does_not_exist():
    """The currency is checked though the calculation is in units."""
    with pytest.raises(EngineError) as caught:
        rebalance(1, positions(at("50")), currency="XXX")

    assert caught.value.code == "currency_unknown"


def test_a_thousand_milestones():
    """Bounds everywhere and a thousand milestones are no burden."""
    rows = positions(
        *(
            at(Parts(count=1 + n % 7), "9", f"0.{n % 90 + 10}", cap=f"{1 + n % 5}")
            for n in range(1000)
        )
    )

    split = rebalance(cents("2,000"), rows, currency="USD")

    assert sum(share.amount_minor for share in split.shares) == cents("2,000")
