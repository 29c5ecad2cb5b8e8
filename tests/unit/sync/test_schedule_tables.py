"""What people see of `schedule`: no amount is cut, whatever the width and however many columns."""

from __future__ import annotations

import json
import re

import pytest
from rich.cells import cell_len
from typer.testing import CliRunner

from milestone_engine.cases import lines_case, rebalance_case
from milestone_engine.laboratory import comparison
from sync.cli.main import app
from sync.words.derivations import grouped

WIDTHS = (40, 80, 120)

TWELVE = {
    "currency": "USD",
    "contract_total": "50000.00",
    "milestones": [{"id": f"m{n}", "basis": {"parts": 1}} for n in range(12)],
}
HARD = {
    "currency": "USD",
    "contract_total": "1234567.89",
    "on_invoiced": "supplement",
    "cash_step": "0.05",
    "retainage": {"percent": "10", "after_half": "5"},
    "milestones": [
        {"id": "a3f1c9d2-77aa-4d1e-9b1c-000000000001", "label": "Deposit",
         "basis": {"fixed": "100000"}, "cap": "1000.00"},
        {"id": "m2", "label": "Half paid", "basis": {"percent": "25"}, "billed": "300000",
         "paid": "120000.50"},
        {"id": "m3", "label": "Extra", "basis": {"percent": "75"}, "extra": "-1200"},
    ],
}  # fmt: skip
NINE_LINES = {
    "currency": "USD",
    "lines": [{"id": f"1187:{n}", "amount": "1234567.89"} for n in range(9)],
    "milestones": [{"id": f"m{n}", "amount": "1234567.89"} for n in range(9)],
}
PAID = {
    "currency": "USD",
    "contract_total": "5000",
    "milestones": [
        {"id": "a", "basis": {"percent": "100"}, "billed": "10000", "paid": "10000"},
    ],
}


def shown(command: str, case: dict, *, width: int = 80) -> str:
    """Return what a terminal of this width shows."""
    ran = CliRunner().invoke(
        app,
        ["schedule", *command.split(), "-"],
        input=json.dumps(case),
        env={"COLUMNS": str(width)},
    )
    assert ran.exit_code == 0
    return ran.stdout


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    ("command", "case", "amounts"),
    [
        pytest.param("compare", TWELVE,
                     [amount for rule in comparison(TWELVE)["rules"] for amount in rule["amounts"]],
                     id="twelve"),
        pytest.param("compare", HARD,
                     [amount for rule in comparison(HARD)["rules"] for amount in rule["amounts"]],
                     id="hard"),
        pytest.param("rebalance --explain", HARD,
                     [one[name] for one in rebalance_case(HARD)["milestones"]
                      for name in ("amount", "paid", "due", "net")], id="explain"),
        pytest.param("check", NINE_LINES,
                     [cell["amount"] for cell in lines_case(NINE_LINES)["cells"]], id="lines"),
    ],
)  # fmt: skip
def test_no_amount_is_cut(command, case, amounts, width):
    """Every amount stands there whole, and no line is wider than the terminal."""
    text = shown(command, case, width=width)

    found = re.findall(r"-?[\d,]+\.\d\d", text)
    assert not {grouped(amount) for amount in amounts} - set(found)
    assert "…" not in text
    assert max(map(cell_len, text.splitlines())) <= width


def test_an_amount_that_is_wider_than_the_terminal_stays_whole():
    """A line that is too long is better than money that is not all there."""
    assert "1,234,567.89 │" in shown("rebalance --explain", HARD, width=20)


def test_a_label_is_shown_and_not_its_id():
    """The id is for programs; it is shown where two milestones have one label."""
    twins = TWELVE | {"milestones": [{**one, "label": "Part"} for one in TWELVE["milestones"]]}

    assert "Deposit" in shown("compare", HARD)
    assert "a3f1c9d2" not in shown("compare", HARD) + shown("check", HARD)
    assert "Part (m7)" in shown("check", twins)


def test_an_explanation_ends_with_totals_and_the_release():
    """What is withheld of each invoice is the release; with it the net is the contract."""
    rows = {
        line.split("│")[1].strip(): [cell.strip() for cell in line.split("│")[2:-1]]
        for line in shown("rebalance --explain", HARD, width=120).splitlines()
        if "│" in line
    }
    withheld = sum(
        int(one["amount"].replace(".", "")) - int(one["net"].replace(".", ""))
        for one in rebalance_case(HARD)["milestones"]
    )

    release = rows["release at the end"][-1]
    assert int(re.sub(r"\D", "", release)) == withheld
    assert rows["total"][1] == rows["total"][-1] == "1,234,567.89"
    assert rows["total"][-2] == release


def test_what_needs_a_person_is_a_sentence():
    """Warnings, a credit, money on account; a raw code tells nobody anything."""
    small = {
        "currency": "USD",
        "contract_total": "800",
        "milestones": [{"id": "a", "label": "Deposit", "basis": {"fixed": "1000"}}],
    }

    assert "! Deposit asks 200.00 less than planned: the contract is too small" in " ".join(
        shown("check", small).split()
    )
    assert "5,000.00 is more than the contract: a credit to the customer" in shown("check", PAID)


def test_ours_says_what_it_proposes():
    """A credit and a new milestone stand in the verdict and below the amounts."""
    credit = shown("compare", PAID, width=120)
    more = shown("compare", PAID | {"contract_total": "10850"}, width=120)

    assert "gives 5,000.00 back" in credit
    assert re.search(r"credit, proposed +│ +-5,000.00", credit)
    assert "proposes a new milestone of 850.00" in more
    assert re.search(r"new milestone, proposed +│ +850.00", more)


def test_lines_that_are_left_are_told():
    """Beside the table of nothing."""
    case = {
        "currency": "USD",
        "lines": [{"id": "l1", "amount": "5000"}, {"id": "l2", "amount": "-5000"}],
        "milestones": [{"id": "m1", "amount": "0"}],
    }

    text = shown("check", case)

    assert "! 5,000.00 of line l1 is left" in text
    assert "! -5,000.00 of line l2 is left" in text


def test_no_lines_are_nothing_to_bill():
    """No table of nothing."""
    assert "nothing to bill" in shown("check", {"currency": "USD", "lines": [], "milestones": []})


def test_currencies_without_decimals_add_up():
    """Yen."""
    case = TWELVE | {"currency": "JPY", "contract_total": "50000"}

    assert re.search(r"total +│ +│ +50,000 │", shown("check", case))
