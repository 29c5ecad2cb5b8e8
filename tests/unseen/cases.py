"""Cases by chance, as JSON values: what the page speaks about, and nothing else."""

from __future__ import annotations

from itertools import pairwise
from random import Random

from tests.unseen.rule import DECIMALS


def money(amount: int, currency: str) -> str:
    """Return minor units as text."""
    decimals = DECIMALS[currency]
    digits = str(abs(amount)).rjust(decimals + 1, "0")
    text = f"{digits[:-decimals]}.{digits[-decimals:]}" if decimals else digits
    return f"-{text}" if amount < 0 else text


def a_split(chance: Random) -> dict:
    """Return a case of `schedule rebalance`."""
    currency = chance.choice(list(DECIMALS))
    size = chance.choice((30, 3_000, 100_000, 10_000_000, 10**12))
    total = chance.randint(0, size)
    count = chance.choice((1, 2, 3, 3, 3, 4, 5, 6, 8, 12))
    policy = chance.choice(("revise", "hold", "supplement"))
    is_settled = chance.random() < 0.7
    bases = _bases(chance, count, is_settled=is_settled)
    for _ in range(chance.choice((0, 0, 0, 1, 2))):
        fixed = {"fixed": money(chance.randint(0, max(total // 4, 1)), currency)}
        bases.insert(chance.randint(0, len(bases)), fixed)
    case: dict = {
        "currency": currency,
        "contract_total": money(total, currency),
        "on_invoiced": policy,
        "milestones": [],
    }
    share = max(total // len(bases), 1)
    for place, basis in enumerate(bases):
        one = {"id": f"m{place + 1}", "basis": basis}
        if is_settled and chance.random() < 0.45:
            _bill(chance, one, share, currency)
        case["milestones"].append(one)
    if is_settled and not any("billed" in one for one in case["milestones"]):
        _bill(chance, case["milestones"][0], share, currency)
    _add_rare(chance, case, share)
    return case


def _bases(chance: Random, count: int, *, is_settled: bool) -> list[dict]:
    """Return percents that add up to 100 (any, once something is settled), or parts."""
    if chance.random() < 0.35:
        return [{"parts": chance.choice((1, 1, 1, 2, 5))} for _ in range(count)]
    if is_settled and chance.random() < 0.3:
        return [
            {"percent": chance.choice(("0", "5", "10", "12.5", "33.33", "60"))}
            for _ in range(count)
        ]
    scale = chance.choice((1, 10, 100))
    cuts = sorted(chance.randint(0, 100 * scale) for _ in range(count - 1))
    edges = [0, *cuts, 100 * scale]
    parts = [high - low for low, high in pairwise(edges)]
    return [{"percent": money_like(part, scale)} for part in parts]


def money_like(part: int, scale: int) -> str:
    """Return part / scale as a decimal."""
    whole, rest = divmod(part, scale)
    return f"{whole}.{rest:0{len(str(scale)) - 1}d}" if scale > 1 else str(whole)


def _bill(chance: Random, one: dict, share: int, currency: str) -> None:
    billed = chance.choice((share, share, chance.randint(0, 2 * share), 100, 99))
    paid = chance.choice(
        (0, billed, billed, billed // 3, max(billed - 1, 0), max(billed - 2, 0), billed + 7)
    )
    one["billed"], one["paid"] = money(billed, currency), money(paid, currency)


def _add_rare(chance: Random, case: dict, share: int) -> None:
    """Add pins, holds, caps, extras, a retainage or a cash step, where the page speaks of them."""
    currency, policy = case["currency"], case["on_invoiced"]
    has_step = chance.random() < 0.15
    for one in case["milestones"]:
        kind = chance.random()
        is_weighty = "fixed" not in one["basis"] and _weighs(one)
        if kind < 0.08 and not (policy == "hold" and "billed" in one):
            one["pinned"] = money(chance.randint(0, 2 * share), currency)
        elif kind < 0.14 and "billed" in one:
            one["held"] = True
        elif kind < 0.24 and is_weighty:
            one["extra"] = money(chance.randint(-share, share), currency)
        if 0.2 < kind < 0.34 and is_weighty:
            one["cap"] = money(chance.randint(0, 2 * share), currency)
    if has_step:
        case["cash_step"] = money(chance.choice((5, 10, 20, 100)), currency)
    if chance.random() < 0.2:
        case["retainage"] = {"percent": chance.choice(("5", "10", "7.5"))}
        if chance.random() < 0.5:
            case["retainage"]["after_half"] = chance.choice(("0", "5", "2.5"))


def _weighs(one: dict) -> bool:
    return "parts" in one["basis"] or bool(one["basis"]["percent"].strip("0."))


def a_table(chance: Random) -> dict:
    """Return a case of `schedule lines`."""
    currency = chance.choice(list(DECIMALS))
    size = chance.choice((10, 3_000, 100_000, 10**9))
    lines = {f"l{n}": chance.randint(-size // 5, size) for n in range(chance.randint(1, 12))}
    billed = []
    for line, amount in lines.items():
        if amount > 0 and chance.random() < 0.3:
            billed.append((line, chance.randint(0, amount)))
    if chance.random() < 0.2:
        billed.append(("removed", chance.randint(1, size)))
    left = sum(lines.values()) - sum(amount for _, amount in billed)
    if left <= 0:
        lines["last"] = 1 - left + chance.randint(0, size)
        left += lines["last"]
    cuts = sorted(chance.randint(0, left) for _ in range(chance.randint(0, 7)))
    edges = [0, *cuts, left]
    milestones = [high - low for low, high in pairwise(edges)]

    def rows(amounts: list[tuple[str, int]]) -> list[dict]:
        return [{"id": name, "amount": money(amount, currency)} for name, amount in amounts]

    return {
        "currency": currency,
        "lines": rows(list(lines.items())),
        "milestones": rows([(f"m{n}", amount) for n, amount in enumerate(milestones)]),
        "already": [
            {"milestone": "m-before", "line": line, "amount": money(amount, currency)}
            for line, amount in billed
        ],
    }
