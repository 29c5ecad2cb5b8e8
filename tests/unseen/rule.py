"""The page as a program: sections 1, 2, 4 and 5, in exact fractions, JSON in and JSON out."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import floor

DECIMALS = {"USD": 2, "CHF": 2, "JPY": 0, "KWD": 3}


@dataclass
class Row:
    """One milestone: what it is by section 1, and what it gets by section 2."""

    kind: str  #: locked, held, pinned or open
    paid: int
    billed: int | None
    amount: int = 0
    weight: Fraction = Fraction(0)
    extra: int = 0
    floor: int = 0
    cap: int | None = None

    def at(self, level: Fraction) -> Fraction:
        """Rule 2: clamp(level * weight + extra, floor, cap)."""
        amount = max(level * self.weight + self.extra, Fraction(self.floor))
        return amount if self.cap is None else min(amount, Fraction(self.cap))


@dataclass
class Page:
    """What the page says of a case."""

    rows: list[Row]
    credit: int = 0
    unallocated: int = 0
    on_account: int = 0
    is_exact: bool = True  #: False: amounts may differ, sums not


def units(text: str, currency: str) -> int:
    """Return an amount in minor units."""
    return int(Fraction(text) * 10 ** DECIMALS[currency])


def page_of(case: dict) -> Page:
    """Return what sections 1 and 2 say of a case."""
    currency = case["currency"]
    policy = case.get("on_invoiced") or "revise"
    total = units(case["contract_total"], currency)
    rows = [row_of(one, policy, currency) for one in case["milestones"]]
    page = Page(rows)
    page.on_account = sum(
        row.paid - row.billed for row in rows if row.billed is not None and row.paid > row.billed
    )
    shares = [row for row in rows if row.kind == "open"]
    purse = total - sum(row.amount for row in rows if row.kind != "open")
    step = units(case["cash_step"], currency) if case.get("cash_step") else 1
    rest = share(page, shares, purse, step) if shares else purse
    if rest > 0 and shares and not any(row.weight for row in shares):
        shares[-1].amount += rest  # rule 4
        rest = 0
    if rest > 0 and not shares:  # rule 5
        free = [row for row in rows if row.kind == "pinned" and row.billed is None]
        if free:
            free[-1].amount += rest
            rest = 0
    for row in yielding(rows):  # rule 6
        if rest < 0:
            given = min(-rest, row.amount - row.paid)
            row.amount -= given
            rest += given
    page.credit, page.unallocated = max(-rest, 0), max(rest, 0)
    return page


def row_of(one: dict, policy: str, currency: str) -> Row:
    """Section 1: locked, held, pinned or open."""

    def amount(name: str) -> int | None:
        return None if one.get(name) is None else units(one[name], currency)

    billed, paid = amount("billed"), amount("paid") or 0
    basis = one["basis"]
    row = Row(kind="open", paid=paid, billed=billed)
    if billed is not None and (paid >= billed or (billed >= 100 and paid == billed - 1)):
        row.kind, row.amount = "locked", billed
    elif billed is not None and one.get("held"):
        row.kind, row.amount = "held", billed
    elif one.get("pinned") is not None:
        row.kind, row.amount = "pinned", max(amount("pinned") or 0, paid)
    elif billed is not None and policy == "hold":
        row.kind, row.amount = "pinned", max(billed, paid)
    elif "fixed" in basis:
        row.kind, row.amount = "pinned", max(units(basis["fixed"], currency), paid)
    else:
        row.weight = Fraction(basis.get("percent") or basis["parts"])
        row.extra = amount("extra") or 0
        row.floor = billed if billed is not None and policy == "supplement" else paid
        row.cap = amount("cap")
        if row.cap is not None:
            row.cap = max(row.cap, row.floor)
    return row


def share(page: Page, rows: list[Row], purse: int, step: int) -> int:
    """Rules 2 and 3: give the open ones their amounts; return what is left, or missing."""
    level = level_of(rows, purse)
    exact = [row.at(level) for row in rows]
    missing = sum(exact) - purse
    if missing > 0:  # all fall to their floors; a 0 % one has only its extra to give
        for row, amount in zip(rows, exact, strict=True):
            row.amount = int(amount)
        for row in reversed(rows):
            if not row.weight and missing > 0:
                given = min(int(missing), row.amount - row.floor)
                row.amount -= given
                missing -= given
        return -int(missing)
    shared = [
        place for place, row in enumerate(rows)
        if row.weight and row.floor < exact[place] and (row.cap is None or exact[place] < row.cap)
    ]  # fmt: skip
    for row, amount in zip(rows, exact, strict=True):
        row.amount = floor(amount)
    round_off(page, [rows[place] for place in shared], [exact[place] for place in shared], step)
    return purse - int(sum(exact))


def level_of(rows: list[Row], purse: int) -> Fraction:
    """Return the level that uses up the purse, or the one where nothing falls or rises further."""
    weighty = [row for row in rows if row.weight]
    if not weighty:
        return Fraction(0)
    bounds = [(row, row.floor) for row in weighty]
    bounds += [(row, row.cap) for row in weighty if row.cap is not None]
    levels = sorted({Fraction(bound - row.extra) / row.weight for row, bound in bounds})
    levels.append(levels[-1] + 1)  # beyond the last bend the sum rises evenly, or not at all
    sums = [sum(row.at(level) for row in rows) for level in levels]
    if purse <= sums[0]:
        return levels[0]
    for place in range(1, len(levels)):
        low, high = sums[place - 1], sums[place]
        is_last = place == len(levels) - 1
        if high > low and (purse <= high or is_last):
            return levels[place - 1] + (purse - low) * (levels[place] - levels[place - 1]) / (
                high - low
            )
    return levels[-1]


def round_off(page: Page, rows: list[Row], exact: list[Fraction], step: int) -> None:
    """Rule 3: down to the step, the steps left to the largest fractions, the later on a tie."""
    left = int(sum(exact))
    parts = []
    for row, amount in zip(rows, exact, strict=True):
        row.amount = floor(amount / step) * step
        parts.append(amount - row.amount)
        left -= row.amount
        if row.amount < row.floor:
            page.is_exact = False  # the step meets a floor
    order = sorted(range(len(rows)), key=lambda place: (parts[place], place), reverse=True)
    for place in order[: left // step]:
        rows[place].amount += step
    if left % step:
        rows[-1].amount += left % step
    if any(row.cap is not None and row.amount > row.cap for row in rows):
        page.is_exact = False  # the step meets a cap


def yielding(rows: list[Row]) -> list[Row]:
    """Rule 6: pinned ones from the last backwards, then floors of sent invoices likewise."""
    backwards = rows[::-1]
    return [row for row in backwards if row.kind == "pinned"] + [
        row for row in backwards if row.kind == "open"
    ]


def nets_of(case: dict, page: Page) -> list[int]:
    """Section 5: amounts less what is withheld, rounded down; billed ones came first."""
    nets = [row.amount for row in page.rows]
    retainage = case.get("retainage")
    if not retainage:
        return nets
    total, before = units(case["contract_total"], case["currency"]), 0
    places = range(len(nets))
    for place in sorted(places, key=lambda place: page.rows[place].billed is None):
        percent = retainage["percent"]
        if retainage.get("after_half") is not None and 2 * before >= total:
            percent = retainage["after_half"]
        before += page.rows[place].amount
        nets[place] -= floor(page.rows[place].amount * Fraction(percent) / 100)
    return nets


def wrong_split(case: dict, answer: dict) -> str | None:
    """Return what is wrong with the answer to a case of `schedule rebalance`."""
    if "error" in answer:
        return f"refused: {answer['error']}"
    page, currency = page_of(case), case["currency"]

    def minor(text: str) -> int:
        decimals = len(text.partition(".")[2])
        assert decimals == DECIMALS[currency], text
        return units(text, currency)

    found = answer["milestones"]
    amounts = [minor(one["amount"]) for one in found]
    total = minor_total = units(case["contract_total"], currency)
    if sum(amounts) != minor_total + minor(answer["credit"]) - minor(answer["unallocated"]):
        return f"sum of {amounts} is not that of {total}"
    if [one["state"] for one in found] != [row.kind for row in page.rows]:
        return f"states should be {[row.kind for row in page.rows]}"
    if any(amount < row.paid and row.kind not in ("locked", "held")
           for amount, row in zip(amounts, page.rows, strict=True)):  # fmt: skip
        return "an amount is below what is paid"
    if not page.is_exact:
        return None
    for name, ours, theirs in (
        ("amounts", amounts, [row.amount for row in page.rows]),
        ("credit", minor(answer["credit"]), page.credit),
        ("unallocated", minor(answer["unallocated"]), page.unallocated),
        ("on_account", minor(answer["on_account"]), page.on_account),
        ("due", [minor(one["due"]) for one in found],
         [max(row.amount - row.paid, 0) for row in page.rows]),
        ("net", [minor(one["net"]) for one in found], nets_of(case, page)),
        ("paid", [minor(one["paid"]) for one in found], [row.paid for row in page.rows]),
    ):  # fmt: skip
        if ours != theirs:
            return f"{name} {ours}, by the page {theirs}"
    return None


def wrong_table(case: dict, answer: dict) -> str | None:
    """Return what is wrong with the answer to a case of `schedule lines`, by section 4."""
    if "error" in answer:
        return f"refused: {answer['error']}"
    currency = case["currency"]
    left = {one["id"]: units(one["amount"], currency) for one in case["lines"]}
    for one in case.get("already", []):
        left[one["line"]] = left.get(one["line"], 0) - units(one["amount"], currency)
    rows = {one["id"]: units(one["amount"], currency) for one in case["milestones"]}
    whole = sum(left.values())
    cells = {(one["milestone"], one["line"]): units(one["amount"], currency)
             for one in answer["cells"]}  # fmt: skip
    if set(cells) != {(row, line) for row in rows for line in left}:
        return "cells are missing, or too many"
    for row, amount in rows.items():
        if sum(cells[row, line] for line in left) != amount:
            return f"row {row} does not add up"
    for line, amount in left.items():
        if whole and sum(cells[row, line] for row in rows) != amount:
            return f"column {line} does not add up"
    for (row, line), cell in cells.items():
        if whole and abs(cell - Fraction(rows[row] * left[line], whole)) >= 1:
            return f"cell {row}, {line} is a unit off"
    return None
