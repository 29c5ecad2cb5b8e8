"""docs/money-rules.md, row by row: what the page says is what the engine does."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from itertools import zip_longest
from pathlib import Path

import pytest

from milestone_engine import EngineError
from milestone_engine.cases import error_object, lines_case, rebalance_case
from milestone_engine.decisions import Routing
from milestone_engine.laboratory import comparison
from milestone_engine.money import format_money
from tests.unit.milestone_engine.jobs import amounts as plan_amounts
from tests.unit.milestone_engine.jobs import planned, with_order
from tests.unit.milestone_engine.test_plan_change_orders import HALVES, A, routed

PAGE = (Path(__file__).parents[3] / "docs" / "money-rules.md").read_text(encoding="utf-8")

#: Words behind a milestone's share -> key of the case.
_FACTS = {"billed": "billed", "paid": "paid", "set": "pinned", "limit": "cap", "extra": "extra"}


def rows(table: str) -> list:
    """Return the rows of the table behind a mark, as lists of cells."""
    found = PAGE.split(f"<!-- {table} -->\n")[1].split("\n\n")[0].splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in found]
    return [pytest.param(*row, id=f"{row[0] or table}-{n}") for n, row in enumerate(cells, 1)]


def plain(text: str) -> str:
    """Return an amount without separators."""
    return text.replace(",", "")


def amounts(text: str) -> list[str]:
    """Return the amounts between slashes, in the least writing."""
    return [least(part) for part in text.split(" / ")]


def least(text: str) -> str:
    """Return an amount without separators and without decimals that are zeros."""
    whole, _, decimals = plain(text.strip()).partition(".")
    return f"{whole}.{decimals}" if decimals.strip("0") else whole


def a_milestone(text: str, place: int) -> dict:
    """Return "25 % billed 2,500 paid 1,000" as a milestone of a case."""
    share, unit, *words = text.split()
    kind = {"%": "percent", "part": "parts", "fixed": "fixed"}[unit]
    found = {"id": f"m{place}", "basis": {kind: plain(share)}}
    for word, value in zip_longest(words, words[1:], fillvalue=""):
        if word == "held":
            found["held"] = True
        elif word in _FACTS and value != "nothing":
            found[_FACTS[word]] = plain(value)
    if "paid" in found and "billed" not in found:
        found["billed"] = found["paid"]
    return found


def a_case(total: str, milestones: str, said: str = "") -> dict:
    """Return a row's contract as a case."""
    amount, *words = total.split()
    case = {
        "currency": next((word for word in words if word.isupper()), "USD"),
        "contract_total": plain(amount),
        "milestones": [
            a_milestone(text, place) for place, text in enumerate(milestones.split("; "), 1)
        ],
    }
    if "coin" in words:
        case["cash_step"] = words[-1]
    policy = re.search("`(hold|supplement)`", said)
    return case | ({"on_invoiced": policy.group(1)} if policy else {})


@pytest.mark.parametrize(("number", "said", "total", "milestones", "expected"), rows("split"))
def test_the_engine_does_what_the_examples_say(number, said, total, milestones, expected):
    """Amounts, credit, on account, unallocated, and a warning where the page has one."""
    answer = rebalance_case(a_case(total, milestones, said))

    shares, *others = re.split(", (?=[a-z])", expected)
    told = dict(other.rsplit(" ", 1) for other in others if other != "warned")
    assert [least(one["amount"]) for one in answer["milestones"]] == amounts(shares)
    for name in ("credit", "on account", "unallocated"):
        assert least(answer[name.replace(" ", "_")]) == least(told.get(name, "0"))
    assert ("warned" in others) == bool(answer["warnings"])


@pytest.mark.parametrize(("number", "total", "milestones", "code", "said"), rows("refused"))
def test_the_engine_refuses_what_the_page_refuses(number, total, milestones, code, said):
    """The code, and the figure or the words that matter."""
    with pytest.raises(EngineError) as caught:
        rebalance_case(a_case(total, milestones))

    assert caught.value.code == code.strip("`")
    assert said.lower() in error_object(caught.value)["error"]["message"].lower()


@pytest.mark.parametrize(("number", "left", "milestones", "expected"), rows("lines"))
def test_lines_come_out_as_the_page_says(number, left, milestones, expected):
    """Every cell."""
    named = {
        name: [
            {"id": f"{name}{place}", "amount": plain(amount)}
            for place, amount in enumerate(text.split("; "), 1)
        ]
        for name, text in (("lines", left), ("milestones", milestones))
    }

    cells = lines_case({"currency": "USD", **named})["cells"]

    told = [least(cell) for row in expected.split(" / ") for cell in row.split(", ")]
    assert [least(cell["amount"]) for cell in cells] == told


@pytest.mark.parametrize(
    ("number", "withheld", "total", "milestones", "invoices", "release"), rows("retainage")
)
def test_invoices_ask_the_net(number, withheld, total, milestones, invoices, release):
    """Net per milestone; what is withheld in all is the release."""
    percents = re.findall(r"([\d.]+) %", withheld)
    retainage = dict(zip(("percent", "after_half"), percents, strict=False))

    answer = rebalance_case({**a_case(total, milestones), "retainage": retainage})

    nets = [one["net"] for one in answer["milestones"]]
    assert [least(net) for net in nets] == amounts(invoices)
    assert Decimal(plain(total)) - sum(map(Decimal, nets)) == Decimal(plain(release))


@pytest.mark.parametrize(("rule", "expected", "wrong"), rows("compare"))
def test_others_do_what_the_page_says(rule, expected, wrong):
    """E06 under each rule, and what is wrong with it."""
    case = a_case("12,000", "25 % paid 2,500; 25 %; 50 %")

    found = {one["rule"]: one for one in comparison(case)["rules"]}[rule.strip("`")]

    told = dict(reversed(part.split(" ", 1)) for part in wrong.split(", ") if part)
    assert [least(amount) for amount in found["amounts"]] == amounts(expected)
    for name in ("too_little", "too_much", "twice"):
        assert least(found[name]) == least(told.get(name.replace("_", " "), "0"))


@pytest.mark.parametrize(("routing", "said", "expected"), rows("routing"))
def test_a_change_order_goes_where_the_page_says(routing, said, expected):
    """E70 by a plan: the routing as a person's decision, `own` with 50/50."""
    chosen = Routing(routing.strip("`"))
    job = replace(with_order(A, 120_000), decisions=(routed(chosen, milestones=HALVES),))

    found = plan_amounts(planned(job))

    assert [least(format_money(one, currency="USD")) for one in found] == amounts(expected)


@pytest.mark.parametrize(("number", "said", "follows"), rows("people"))
def test_what_people_do_has_tests_of_its_number(number, said, follows):
    """test_e26_..., test_e76_e77_e78_...: the page names no example that nothing holds."""
    named = set()
    for path in Path(__file__).parent.glob("test_*.py"):
        for numbers in re.findall(r"def test_((?:[eE]\d+_)+)", path.read_text(encoding="utf-8")):
            named |= set(numbers.upper().strip("_").split("_"))

    assert number in named


def test_the_page_has_rows_in_every_table():
    """A table that is not found would pass in silence."""
    assert len(rows("split")) > 45
    assert all(rows(name) for name in ("refused", "lines", "retainage", "compare"))
    assert len(rows("people")) == 34
    assert len(rows("routing")) == len(Routing)
