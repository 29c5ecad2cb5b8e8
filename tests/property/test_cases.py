"""Laws of the JSON cases: anything in, an answer or a refusal out; every answer exact."""

from __future__ import annotations

import json
from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from milestone_engine import REMEDIES, EngineError, format_money, minor_units
from milestone_engine.cases import error_object, lines_case, parse_case, rebalance_case
from milestone_engine.laboratory import comparison
from milestone_engine.readers import CASE_REMEDIES
from tests.property.oracle import answer as by_the_page

CURRENCIES = st.sampled_from(["USD", "USD", "EUR", "JPY", "KWD", "CHF", "CLF"])
POLICIES = st.sampled_from(["revise", "hold", "supplement"])

any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@st.composite
def money_texts(draw: st.DrawFn, currency: str, *, low: int = 0, high: int = 2_000_000) -> str:
    """Return an amount of a currency as people write it, sometimes without its decimals."""
    text = format_money(draw(st.integers(low, high)), currency=currency)
    whole, _, decimals = text.partition(".")
    return whole if decimals and not decimals.strip("0") and draw(st.booleans()) else text


@st.composite
def percents(draw: st.DrawFn, count: int) -> list[str]:
    """Return percents that add up to 100, with up to two decimals."""
    cuts = sorted(draw(st.lists(st.integers(0, 10_000), min_size=count - 1, max_size=count - 1)))
    edges = [0, *cuts, 10_000]
    hundredths = [high - low for low, high in pairwise(edges)]
    return [f"{part // 100}.{part % 100:02d}" for part in hundredths]


@st.composite
def cases(draw: st.DrawFn) -> dict:
    """Return a case that is right, with everything that a case may have."""
    currency = draw(CURRENCIES)
    count = draw(st.integers(1, 6))
    basis = [{"percent": text} for text in draw(percents(count))]
    if draw(st.booleans()):
        basis = [{"parts": draw(st.integers(1, 5))} for _ in range(count)]
    for place in draw(st.lists(st.integers(0, count), max_size=2, unique=True)):
        basis.insert(place, {"fixed": draw(money_texts(currency, high=50_000))})
    milestones = []
    for place, one in enumerate(basis):
        milestone = {"id": f"m{place}", "basis": one}
        if draw(st.booleans()):
            milestone["billed"] = draw(money_texts(currency))
            milestone["paid"] = draw(
                st.sampled_from(["0", milestone["billed"]]) | money_texts(currency)
            )
        for name, low in (("pinned", 0), ("cap", 0), ("extra", -50_000)):
            if draw(st.integers(0, 5)) == 0:
                milestone[name] = draw(money_texts(currency, low=low))
        if draw(st.integers(0, 5)) == 0:
            milestone["held"] = draw(st.booleans())
        milestones.append(milestone)
    case = {
        "currency": currency,
        "contract_total": draw(money_texts(currency)),
        "on_invoiced": draw(POLICIES),
        "milestones": milestones,
    }
    if draw(st.integers(0, 3)) == 0:
        case["retainage"] = {"percent": "10", "after_half": draw(st.sampled_from([None, "5"]))}
    return case


@st.composite
def lines_cases(draw: st.DrawFn) -> dict:
    """Return lines, signed, with what is billed of them and milestones that meet what is left."""
    currency = draw(CURRENCIES)

    def text(amount: int) -> str:
        return format_money(amount, currency=currency)

    amounts = draw(st.lists(st.integers(-2_000, 100_000), min_size=1, max_size=6))
    billed = [draw(st.integers(0, max(amount, 0))) for amount in amounts]
    left = sum(amounts) - sum(billed)
    if left < 0:
        amounts.append(-left)
        billed.append(0)
        left = 0
    cuts = sorted(draw(st.lists(st.integers(0, left), max_size=4)))
    edges = [0, *cuts, left]
    return {
        "currency": currency,
        "lines": [{"id": f"l{n}", "amount": text(one)} for n, one in enumerate(amounts)],
        "milestones": [
            {"id": f"m{n}", "amount": text(high - low)}
            for n, (low, high) in enumerate(pairwise(edges))
        ],
        "already": [
            {"milestone": "m-before", "line": f"l{n}", "amount": text(one)}
            for n, one in enumerate(billed)
            if one
        ],
    }


@st.composite
def broken(draw: st.DrawFn, whole: st.SearchStrategy[dict]) -> object:
    """Return a case with anything at all put in one of its places."""
    case = json.loads(json.dumps(draw(whole)))
    found: object = case
    while True:
        keys = list(range(len(found))) if isinstance(found, list) else sorted(found)
        if not keys:
            return case
        key = draw(st.sampled_from(keys))
        inner = found[key]
        if not isinstance(inner, dict | list) or draw(st.booleans()):
            found[key] = draw(any_json)
            return case
        found = inner


def answered(answer, raw: object) -> dict:
    """Return an answer, or the error object; any other exception is a fault."""
    try:
        return answer(raw)
    except EngineError as error:
        found = error_object(error)
        assert found["error"]["code"] in REMEDIES.keys() | CASE_REMEDIES.keys()
        assert isinstance(found["error"]["message"], str)
        assert found["error"]["at"] is None or found["error"]["at"]
        return found


@given(st.one_of(any_json, broken(cases())))
def test_any_json_is_answered_or_refused(raw):
    """Never a traceback, by the rule or in the laboratory; the answer is JSON again."""
    for answer in (rebalance_case, comparison):
        found = answered(answer, raw)

        assert json.loads(json.dumps(found, allow_nan=False)) == found


@given(st.one_of(any_json, broken(lines_cases())))
def test_any_json_of_lines_is_answered_or_refused(raw):
    """As for schedules."""
    found = answered(lines_case, raw)

    assert json.loads(json.dumps(found, allow_nan=False)) == found


@given(cases())
def test_an_answer_keeps_every_cent(case):
    """Sum, floors, due, net and decimals of the currency, for all policies and currencies."""
    answer = rebalance_case(case)

    exponent = minor_units(case["currency"])
    rows = answer["milestones"]
    amounts = [Decimal(row["amount"]) for row in rows]
    total = Decimal(case["contract_total"])
    assert sum(amounts) == total + Decimal(answer["credit"]) - Decimal(answer["unallocated"])
    for row, amount, given_ in zip(rows, amounts, case["milestones"], strict=True):
        assert -amount.as_tuple().exponent == exponent
        assert row["id"] == given_["id"]
        paid = Decimal(given_.get("paid", "0"))
        assert amount >= 0
        assert Decimal(row["due"]) == max(amount - paid, 0)
        assert row["state"] in ("locked", "held") or amount >= paid
        assert Decimal(row["net"]) <= amount
        assert "retainage" in case or row["net"] == row["amount"]
        if row["state"] in ("locked", "held"):
            assert amount == Decimal(given_["billed"])


@given(cases())
def test_an_answer_is_what_the_page_says(case):
    """Every amount against exact fractions."""
    read = parse_case(case)

    expected = by_the_page(read.total_minor, read.positions, read.on_invoiced)

    exponent = minor_units(case["currency"])
    found = [
        int(Decimal(one["amount"]).scaleb(exponent)) for one in rebalance_case(case)["milestones"]
    ]
    assert found == expected.amounts


@given(cases())
def test_ours_asks_the_contract(case):
    """In the laboratory our rule asks nothing beyond the contract, and nothing twice."""
    ours = comparison(case)["rules"][0]

    assert ours["rule"] == "ours"
    assert not Decimal(ours["too_much"])
    assert not Decimal(ours["twice"])
    # What has no place is proposed as a milestone of its own, and is not too little.
    assert not Decimal(ours["too_little"])
    assert ours["unallocated"] == rebalance_case(case)["unallocated"]


@given(lines_cases())
def test_lines_tie_out_both_ways(case):
    """Rows are the milestones, columns what is left of the lines, cells next to the exact value."""
    cells = lines_case(case)["cells"]

    left = {line["id"]: Decimal(line["amount"]) for line in case["lines"]}
    for one in case["already"]:
        left[one["line"]] -= Decimal(one["amount"])
    todo = {one["id"]: Decimal(one["amount"]) for one in case["milestones"]}
    whole = sum(left.values())
    unit = Decimal(1).scaleb(-minor_units(case["currency"]))
    assert len(cells) == len(left) * len(todo)
    for name, amount in todo.items():
        row = [cell for cell in cells if cell["milestone"] == name]
        assert [cell["line"] for cell in row] == list(left)
        assert sum(Decimal(cell["amount"]) for cell in row) == amount
    if whole:
        for name, amount in left.items():
            column = [cell for cell in cells if cell["line"] == name]
            assert sum(Decimal(cell["amount"]) for cell in column) == amount
            for cell in column:
                exact = todo[cell["milestone"]] * amount
                assert abs(Decimal(cell["amount"]) * whole - exact) < unit * whole
