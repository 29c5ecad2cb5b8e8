"""JSON cases: what is read, what is refused and where, what comes out."""

from __future__ import annotations

import copy

import pytest

from milestone_engine import REMEDIES, EngineError
from milestone_engine.cases import error_object, lines_case, parse_case, rebalance_case
from milestone_engine.readers import CASE_REMEDIES

#: The case of design section 4.
CASE = {
    "currency": "USD",
    "contract_total": "12000.00",
    "on_invoiced": "revise",
    "milestones": [
        {"id": "m1", "basis": {"percent": "25"}, "billed": "2500.00", "paid": "2500.00"},
        {"id": "m2", "basis": {"percent": "75"}, "billed": None, "paid": "0.00"},
        {"id": "m3", "basis": {"fixed": "500.00"}, "billed": None, "paid": "0"},
    ],
}

LINES = {
    "currency": "USD",
    "lines": [{"id": "l1", "amount": "8400.00"}, {"id": "l2", "amount": "3600.00"}],
    "milestones": [{"id": "m1", "amount": "3000.00"}, {"id": "m2", "amount": "6000.00"}],
    "already": [
        {"milestone": "m0", "line": "l1", "amount": "2100.00"},
        {"milestone": "m0", "line": "l2", "amount": "900.00"},
    ],
}


def a_case(*changes, base=CASE):
    """Return a case with some places changed: ("milestones.1.paid", "1.00"); `...` leaves out."""
    case = copy.deepcopy(base)
    for path, value in changes:
        *steps, last = [int(step) if step.isdecimal() else step for step in path.split(".")]
        found = case
        for step in steps:
            found = found[step]
        if value is ...:
            del found[last]
        else:
            found[last] = value
    return case


def refusal(answer, case):
    """Return code and place of a refusal, and hold its message to having said something."""
    with pytest.raises(EngineError) as caught:
        answer(case)
    told = error_object(caught.value)["error"]
    assert told["code"] in REMEDIES.keys() | CASE_REMEDIES.keys()
    assert told["message"].endswith(".")
    return told["code"], told["at"]


def amounts(case):
    """Return the amounts of an answer."""
    return [one["amount"] for one in rebalance_case(case)["milestones"]]


def test_the_answer_is_that_of_the_design():
    """Every key, money as text with all decimals, what is null stays null."""
    answer = rebalance_case(CASE)

    assert list(answer) == ["milestones", "credit", "on_account", "unallocated", "warnings"]
    assert answer["milestones"][0] == {
        "id": "m1",
        "state": "locked",
        "amount": "2500.00",
        "billed": "2500.00",
        "paid": "2500.00",
        "due": "0.00",
        "net": "2500.00",
        "why": {
            "code": "locked",
            "facts": {
                "total": "12000.00",
                "locked": "2500.00",
                "pinned": "500.00",
                "extras": "0.00",
                "pool": "9000.00",
                "billed": "2500.00",
                "paid": "2500.00",
            },
        },
    }
    assert [
        (one["state"], one["amount"], one["billed"], one["due"]) for one in answer["milestones"][1:]
    ] == [("open", "9000.00", None, "9000.00"), ("pinned", "500.00", None, "500.00")]
    assert answer["milestones"][1]["why"]["facts"]["weight_sum"] == 75
    assert answer["warnings"] == []


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param([("on_invoiced", ...)], id="revise-is-the-default"),
        pytest.param([("milestones.1.billed", ...)], id="billed-may-be-absent"),
        pytest.param([("milestones.1.paid", ...)], id="paid-may-be-absent"),
        pytest.param([("milestones.1.paid", None)], id="paid-may-be-null"),
        pytest.param([("contract_total", "12000")], id="decimals-may-be-absent"),
        pytest.param([("contract_total", "012000.0")], id="some-decimals-and-a-leading-zero"),
        pytest.param(
            [("milestones.1.held", False), ("milestones.1.pinned", None), ("cash_step", None),
             ("retainage", None), ("milestones.1.cap", None), ("milestones.1.extra", "0.00"),
             ("milestones.1.label", "Rest"), ("milestones.0.held", None)],
            id="what-is-optional-may-be-nothing"),
    ],
)  # fmt: skip
def test_another_writing_is_the_same_case(changes):
    """What may be absent or written otherwise changes nothing."""
    assert rebalance_case(a_case(*changes)) == rebalance_case(CASE)


@pytest.mark.parametrize("count", [3, "3"])
def test_parts_may_be_a_number_or_text(count):
    """{"parts": 3} and {"parts": "3"}: the weight."""
    changes = (("milestones.0.basis", {"parts": 1}), ("milestones.0.billed", None),
               ("milestones.0.paid", "0"), ("milestones.1.basis", {"parts": count}))  # fmt: skip

    assert amounts(a_case(*changes)) == ["2875.00", "8625.00", "500.00"]


def test_percents_need_not_add_up_once_something_is_billed():
    """Only the ratio counts then (E63)."""
    case = a_case(("milestones.1.basis", {"percent": "50"}))

    assert amounts(case) == ["2500.00", "9000.00", "500.00"]


def test_an_invoice_of_nothing_is_billed():
    """Billed "0.00" is an invoice, and settled; null is none."""
    case = a_case(("milestones.0.billed", "0.00"), ("milestones.0.paid", "0.00"))

    assert rebalance_case(case)["milestones"][0]["state"] == "locked"


def test_a_contract_of_nothing_is_a_contract():
    """Everything gives way to what is paid, and that is a credit."""
    answer = rebalance_case(a_case(("contract_total", "0.00")))

    assert [one["amount"] for one in answer["milestones"]] == ["2500.00", "0.00", "0.00"]
    assert answer["credit"] == "2500.00"


def test_a_warning_says_which_and_how_much():
    """Code, milestone and amount."""
    answer = rebalance_case(a_case(("contract_total", "2600")))

    assert answer["warnings"] == [{"code": "gave_way", "milestone": "m3", "amount": "400.00"}]


@pytest.mark.parametrize(
    ("retainage", "nets"),
    [
        pytest.param({"percent": "10"}, ["2250.00", "8100.00", "450.00"], id="one-rate"),
        pytest.param({"percent": "10", "after_half": "5"}, ["2250.00", "8100.00", "475.00"],
                     id="steps-down-after-half"),
        pytest.param({"percent": "0"}, ["2500.00", "9000.00", "500.00"], id="nothing-withheld"),
    ],
)  # fmt: skip
def test_net_is_what_the_invoice_asks(retainage, nets):
    """Amounts stay gross; what is withheld is rounded down."""
    answer = rebalance_case(a_case(("retainage", retainage)))

    assert [one["net"] for one in answer["milestones"]] == nets
    assert [one["amount"] for one in answer["milestones"]] == ["2500.00", "9000.00", "500.00"]


def test_the_rate_of_a_billed_milestone_comes_before_those_to_be_billed():
    """The last was billed first: at the first rate, and half is billed for the others."""
    case = a_case(("retainage", {"percent": "10", "after_half": "5"}),
                  ("milestones.0.billed", None), ("milestones.0.paid", "0"),
                  ("milestones.1.billed", "9000.00"))  # fmt: skip

    nets = [one["net"] for one in rebalance_case(case)["milestones"]]

    assert nets == ["2731.25", "7762.50", "475.00"]


def test_weights_too_large_for_a_json_number_are_text():
    """Many readers of JSON keep 53 bits."""
    fine = "0.00000000000000000001"
    case = a_case(("milestones.1.basis", {"percent": fine}), ("milestones.0.billed", "2500.00"))

    facts = rebalance_case(case)["milestones"][1]["why"]["facts"]

    assert facts["weight"] == 1
    case = a_case(("milestones.2.basis", {"percent": fine}))
    facts = rebalance_case(case)["milestones"][1]["why"]["facts"]
    assert facts["weight"] == "7500000000000000000000"


@pytest.mark.parametrize(
    ("path", "value", "code", "at"),
    [
        ("currency", "usd", "currency_unknown", "currency"),
        ("currency", 840, "currency_unknown", "currency"),
        ("currency", ["USD"], "currency_unknown", "currency"),
        ("currency", None, "missing_key", "currency"),
        ("contract_total", ..., "missing_key", "contract_total"),
        ("contract_total", 12000, "money_text", "contract_total"),
        ("contract_total", 1.5, "money_text", "contract_total"),
        ("contract_total", float("nan"), "money_text", "contract_total"),
        ("contract_total", "NaN", "money_text", "contract_total"),
        ("contract_total", "1e3", "money_text", "contract_total"),
        ("contract_total", "12,000", "money_text", "contract_total"),
        ("contract_total", " 5", "money_text", "contract_total"),
        ("contract_total", "5.", "money_text", "contract_total"),
        ("contract_total", ".05", "money_text", "contract_total"),
        ("contract_total", "", "money_text", "contract_total"),
        ("contract_total", "\u0661\u0662.00", "money_text", "contract_total"),
        ("contract_total", "1.005", "decimals", "contract_total"),
        ("contract_total", "1.000", "decimals", "contract_total"),
        ("contract_total", "1234567890123456.00", "too_large", "contract_total"),
        ("contract_total", "-0.01", "negative_total", "contract_total"),
        ("contract_total", {}, "money_text", "contract_total"),
        ("contract_total", True, "money_text", "contract_total"),
        ("on_invoiced", "keep", "on_invoiced", "on_invoiced"),
        ("on_invoiced", ["hold"], "on_invoiced", "on_invoiced"),
        ("cash_step", "0.00", "cash_step", "cash_step"),
        ("cash_step", 5, "money_text", "cash_step"),
        ("retainage", "10", "wrong_type", "retainage"),
        ("retainage", {}, "missing_key", "retainage.percent"),
        ("retainage", {"percent": "101"}, "retainage", "retainage.percent"),
        ("retainage", {"percent": "1", "after_half": 5}, "percent_text", "retainage.after_half"),
        ("retainage", {"percent": "1", "rate": "5"}, "unknown_key", "retainage.rate"),
        ("milestones", ..., "no_milestones", "milestones"),
        ("milestones", [], "no_milestones", "milestones"),
        ("milestones", {}, "wrong_type", "milestones"),
        ("milestones.1", "m2", "wrong_type", "milestones[1]"),
        ("milestones.1.id", "m1", "duplicate_id", "milestones[1].id"),
        ("milestones.1.id", 2, "wrong_type", "milestones[1].id"),
        ("milestones.1.id", "", "wrong_type", "milestones[1].id"),
        ("milestones.1.id", ..., "missing_key", "milestones[1].id"),
        ("milestones.1.basis", ..., "missing_key", "milestones[1].basis"),
        ("milestones.1.basis", "75", "basis", "milestones[1].basis"),
        ("milestones.1.basis", {}, "basis", "milestones[1].basis"),
        ("milestones.1.basis", {"share": "75"}, "basis", "milestones[1].basis"),
        ("milestones.1.basis", {"percent": "75", "fixed": "1"}, "basis", "milestones[1].basis"),
        ("milestones.1.basis", {"percent": "75", "parts": 1}, "mixed_basis", "milestones[1].basis"),
        ("milestones.1.basis", {"parts": 1}, "mixed_basis", "milestones[1].basis"),
        ("milestones.1.basis", {"parts": 0}, "parts", "milestones[1].basis"),
        ("milestones.1.basis", {"parts": True}, "parts", "milestones[1].basis"),
        ("milestones.1.basis", {"parts": 10**5000}, "parts", "milestones[1].basis"),
        ("milestones.1.basis", {"parts": "1.5"}, "parts", "milestones[1].basis"),
        ("milestones.1.basis", {"parts": "\u00b2"}, "parts", "milestones[1].basis"),
        ("milestones.1.basis", {"percent": 75}, "percent_text", "milestones[1].basis"),
        ("milestones.1.basis", {"percent": "x"}, "percent_text", "milestones[1].basis"),
        ("milestones.1.basis", {"percent": "-75"}, "negative", "milestones[1].basis"),
        ("milestones.1.basis", {"fixed": 5}, "money_text", "milestones[1].basis"),
        ("milestones.1.basis", {"fixed": "-5"}, "negative", "milestones[1].basis"),
        ("milestones.1.billed", "-1.00", "negative", "milestones[1].billed"),
        ("milestones.1.billed", 2500, "money_text", "milestones[1].billed"),
        ("milestones.1.paid", "-1", "negative", "milestones[1].paid"),
        ("milestones.1.paid", "1.00", "paid_without_billed", "milestones[1].paid"),
        ("milestones.1.paid", 0, "money_text", "milestones[1].paid"),
        ("milestones.1.pinned", "-1", "negative", "milestones[1].pinned"),
        ("milestones.0.pinned", "-1", "negative", "milestones[0].pinned"),
        ("milestones.1.cap", "-1", "negative", "milestones[1].cap"),
        ("milestones.1.cap", "x", "money_text", "milestones[1].cap"),
        ("milestones.1.extra", 1, "money_text", "milestones[1].extra"),
        ("milestones.1.held", "yes", "wrong_type", "milestones[1].held"),
        ("milestones.1.held", 1, "wrong_type", "milestones[1].held"),
        ("milestones.1.label", 1, "wrong_type", "milestones[1].label"),
        ("milestones.1.pined", "1", "unknown_key", "milestones[1].pined"),
        ("policy", "hold", "unknown_key", "policy"),
    ],
)  # fmt: skip
def test_what_has_no_meaning_is_refused_at_its_place(path, value, code, at):
    """A code of the published list, and where it is."""
    assert refusal(rebalance_case, a_case((path, value))) == (code, at)


@pytest.mark.parametrize(
    ("percent", "told"),
    [
        pytest.param("74.99", "99.99, not 100; for thirds and the like use parts.", id="E35"),
        pytest.param("76", "101, not 100; for thirds and the like use parts.", id="one-too-much"),
        pytest.param("76.01", "101.01, not 100.", id="more-than-one-too-much"),
        pytest.param("80", "105, not 100.", id="E36"),
        pytest.param("0", "25, not 100.", id="far-below"),
    ],
)
def test_percents_that_miss_100_are_told_their_sum(percent, told):
    """At the last of them; parts where it looks like rounded thirds, and that only once."""
    changes = [("milestones.1.basis", {"percent": percent})]
    case = a_case(("milestones.0.billed", None), ("milestones.0.paid", "0"), *changes)

    with pytest.raises(EngineError) as caught:
        rebalance_case(case)

    message = error_object(caught.value)["error"]["message"]
    assert message == f"The percents add up to {told} Make the percents add up to exactly 100."
    assert (caught.value.code, caught.value.at) == ("percent_sum", "milestones[1].basis")


@pytest.mark.parametrize("wrong", [None, [], "text", 5, 1.5, True])
@pytest.mark.parametrize("answer", [rebalance_case, lines_case])
def test_a_case_is_an_object(answer, wrong):
    """Whatever else is JSON is refused; there is no place in it."""
    assert refusal(answer, wrong) == ("wrong_type", None)


def test_lines_are_those_of_the_design():
    """One cell per milestone and line, milestone by milestone."""
    cells = lines_case(LINES)["cells"]

    assert [(cell["milestone"], cell["line"], cell["amount"]) for cell in cells] == [
        ("m1", "l1", "2100.00"),
        ("m1", "l2", "900.00"),
        ("m2", "l1", "4200.00"),
        ("m2", "l2", "1800.00"),
    ]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param([("already", ...), ("milestones.0.amount", "6000")],
                     ["4200.00", "1800.00", "4200.00", "1800.00"], id="already-may-be-absent"),
        pytest.param([("lines.1.amount", "-3600"), ("milestones.0.amount", "900"),
                      ("milestones.1.amount", "900")],
                     ["3150.00", "-2250.00", "3150.00", "-2250.00"], id="a-deduction"),
        pytest.param([("lines.1.amount", "900"), ("milestones.0.amount", "2300"),
                      ("milestones.1.amount", "4000")],
                     ["2300.00", "0.00", "4000.00", "0.00"], id="a-line-that-is-billed-up"),
        pytest.param([("already.1.line", "l3"), ("milestones.0.amount", "3000")],
                     ["2100.00", "1200.00", "-300.00", "4200.00", "2400.00", "-600.00"],
                     id="a-removed-line-is-given-back"),
        pytest.param([("milestones", []), ("already.0.amount", "8400"),
                      ("already.1.amount", "3600")], [], id="nothing-left-and-nothing-to-bill"),
        pytest.param([("milestones.0.id", "m0"), ("milestones.1.amount", "6000.00")],
                     ["2100.00", "900.00", "4200.00", "1800.00"],
                     id="already-may-name-a-milestone-of-the-case"),
    ],
)  # fmt: skip
def test_lines_come_out_exact(changes, expected):
    """Signed lines, removed lines, lines that are billed up."""
    cells = lines_case(a_case(*changes, base=LINES))["cells"]

    assert [cell["amount"] for cell in cells] == expected


@pytest.mark.parametrize(
    ("path", "value", "code", "at"),
    [
        ("milestones.1.amount", "6000.01", "lines_sum", "milestones"),
        ("milestones.1.amount", "-6000", "negative", "milestones[1].amount"),
        ("milestones.1.amount", 6000, "money_text", "milestones[1].amount"),
        ("milestones.1.amount", ..., "missing_key", "milestones[1].amount"),
        ("milestones.1.id", "m1", "duplicate_id", "milestones[1].id"),
        ("milestones", [], "no_milestones", "milestones"),
        ("milestones", ..., "no_milestones", "milestones"),
        ("lines", [], "lines_sum", "milestones"),
        ("lines.0.id", "l2", "duplicate_id", "lines[1].id"),
        ("lines.1.amount", "3600.001", "decimals", "lines[1].amount"),
        ("lines.1.label", "sink", "unknown_key", "lines[1].label"),
        ("lines.0", None, "wrong_type", "lines[0]"),
        ("already", {}, "wrong_type", "already"),
        ("already.1.line", ..., "missing_key", "already[1].line"),
        ("already.1.amount", 900, "money_text", "already[1].amount"),
        ("contract_total", "1", "unknown_key", "contract_total"),
        ("currency", "XXX", "currency_unknown", "currency"),
    ],
)  # fmt: skip
def test_lines_that_have_no_meaning_are_refused_at_their_place(path, value, code, at):
    """As for schedules."""
    assert refusal(lines_case, a_case((path, value), base=LINES)) == (code, at)


def test_a_refusal_says_what_to_do():
    """Code, message with the remedy behind it, place: the error object of the design."""
    with pytest.raises(EngineError) as caught:
        rebalance_case(a_case(("contract_total", 12000)))

    assert error_object(caught.value) == {
        "error": {
            "code": "money_text",
            "message": "12000 is no amount written as text. "
            'Write money as text with a point and no separators, such as "12000.00".',
            "at": "contract_total",
        }
    }


def test_a_long_value_is_shown_shortened():
    """A message stays a message."""
    with pytest.raises(EngineError) as caught:
        rebalance_case(a_case(("on_invoiced", "hold" * 1000)))

    assert len(caught.value.message) < 100


BASES = 'Give exactly one of {"percent": "25"}, {"parts": 1} and {"fixed": "500.00"}.'


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        pytest.param("contract_total", "-1", "The contract total is -1.00. Use a contract total"
                     " of zero or more; what is taken back ends at zero.", id="negative-total"),
        pytest.param("milestones.1.paid", "5", "Milestone 'm2' is paid 5.00 but not billed."
                     " Give the billed amount that the money was received on.", id="unbilled"),
        pytest.param("cash_step", "0", "The smallest coin is 0.00. Give the smallest coin as an"
                     " amount above zero, or leave it out.", id="coin"),
        pytest.param("milestones.1.basis", {"percent": "25", "fixed": "1"},
                     f"The basis is given by 'percent' and 'fixed'. {BASES}", id="two-bases"),
        pytest.param("milestones.1.basis", {"share": "3"},
                     f"The basis is given by 'share'. {BASES}", id="unknown-basis"),
        pytest.param("milestones.1.basis", {}, f"The basis is empty. {BASES}", id="no-basis"),
        pytest.param("milestones.1.basis", dict.fromkeys("abcde"),
                     f"The basis is given by 'a' and 'b' and 'c' and 2 more. {BASES}", id="many"),
        pytest.param("milestones.1.held", "yes", "Held is 'yes'. Write true or false, without"
                     " quotation marks.", id="held"),
        pytest.param("milestones.1.label", 1, "The label is 1. Write it as text, in quotation"
                     " marks.", id="label"),
        pytest.param("milestones.1", None, "Null stands where an object belongs. Write an object"
                     ' in braces, such as {"id": "m1"}.', id="object"),
        pytest.param("milestones", "m1", "'m1' stands where a list belongs. Write a list in"
                     " brackets, or leave it out.", id="list"),
        pytest.param("milestones.1.id", 2, "2 is no id. Write it as text that is not empty,"
                     ' such as "m1".', id="id"),
    ],
)  # fmt: skip
def test_a_refusal_speaks_in_sentences_and_in_money(path, value, said):
    """What is wrong, with amounts as money, and once what to do about it."""
    with pytest.raises(EngineError) as caught:
        rebalance_case(a_case((path, value)))

    assert error_object(caught.value)["error"]["message"] == said


def test_the_laboratorys_way_speaks_in_money_too():
    """`Case.split()` refuses as the command line does."""
    with pytest.raises(EngineError, match=r"^the contract total is -1\.00$"):
        parse_case(a_case(("contract_total", "-1"))).split()


@pytest.mark.parametrize(
    ("currency", "amount", "said"),
    [
        ("JPY", "1.5", "1.5 has 1 decimal, JPY has none."),
        ("USD", "1.005", "1.005 has 3 decimals, USD has 2."),
    ],
)
def test_too_many_decimals_are_counted_in_plain_words(currency, amount, said):
    """One is no plural, and none is no number."""
    with pytest.raises(EngineError) as caught:
        rebalance_case(a_case(("currency", currency), ("contract_total", amount)))

    assert error_object(caught.value)["error"]["message"].startswith(said)
