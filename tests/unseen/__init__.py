"""Cases that nobody has seen, answered by the real command line and checked by the rule's text.

    python -m tests.unseen --cases 20000 --seed 1

`cases.py` makes them by chance: four currencies, percents and parts, fixed amounts beside, pinned
and held milestones, caps, extras, part payments, retainage, cash steps, all policies; tables of
lines with deductions, lines removed and lines part billed. `rule.py` answers them: written from
docs/money-rules.md alone, in exact fractions, from JSON to JSON; it imports nothing of ours.
`__main__.py` streams all of them through `schedule rebalance --jsonl` and `schedule lines --jsonl`
and compares every amount, state and sum. Exit 1 at the first disagreement, which it prints.

What the page does not say is left out of the cases, so that an answer is right or wrong: a cap or
an extra on a pinned or a 0 % milestone; a pin on a sent invoice under `hold`. Where a floor or a
cap lies within one cash step of an amount, the sums and floors alone are checked.
"""
