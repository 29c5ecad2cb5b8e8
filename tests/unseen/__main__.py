"""Make cases, have the real command line answer them, and hold the answers against the page."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from random import Random

from tests.unseen.cases import a_split, a_table
from tests.unseen.rule import wrong_split, wrong_table

Case = dict


def main() -> None:
    """Check both commands; exit 1 where they and the page disagree."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--cases", type=int, default=20_000, help="of each command")
    options.add_argument("--seed", type=int, default=1)
    wanted = options.parse_args()
    wrong = check("rebalance", a_split, wrong_split, count=wanted.cases, seed=wanted.seed)
    wrong += check("lines", a_table, wrong_table, count=wanted.cases, seed=wanted.seed)
    sys.exit(1 if wrong else 0)


def check(
    command: str,
    make: Callable[[Random], Case],
    find_wrong: Callable[[Case, dict], str | None],
    *,
    count: int,
    seed: int,
) -> int:
    """Return how many answers of a command are wrong; print the first few."""
    chance = Random(seed)
    cases = [make(chance) for _ in range(count)]
    answers = answers_of(command, cases)
    wrong = 0
    for case, answer in zip(cases, answers, strict=True):
        said = find_wrong(case, answer)
        if said and wrong < 5:
            print(f"{said}\n  {json.dumps(case)}\n  {json.dumps(answer)}")
        wrong += said is not None
    print(f"schedule {command} --jsonl: {count} unseen cases, {wrong} wrong", flush=True)
    return wrong


def answers_of(command: str, cases: list[Case]) -> list[dict]:
    """Return what the real command line answers, in order."""
    text = "\n".join(map(json.dumps, cases)).encode()
    words = [sys.executable, "-m", "sync.cli", "schedule", command, "--jsonl"]
    ran = subprocess.run(words, input=text, capture_output=True, check=False)
    assert not ran.stderr, ran.stderr.decode()
    return [json.loads(line) for line in ran.stdout.splitlines()]


if __name__ == "__main__":
    main()
