"""What the engine costs: `python -m benchmarks.engine [--json]`.

Every figure stands beside its peer, measured in the same run in turns, and beside the limit of
their ratio. Exit 1 if a limit is missed.

- **rebalance**: values in, values out, explanation included, after the first milestone was paid.
  The peer is a bare split with Decimal: every part but the last is `(total * percent /
  100).quantize(Decimal("0.01"))`, the last is what they leave. It knows no floors, no states and no
  reasons.
- **linear**: per milestone, 1,000 against 96.
- **lines**: 750 x 12 against rounding every cell alone, `(milestone * line / sum).quantize(cent)`,
  which ties out nowhere; growth from 10 x 3 to 750 x 24 against cells * log(cells).
- **jsonl**: `schedule rebalance --jsonl` and `schedule lines --jsonl` over many different cases,
  start-up taken off, against json.loads and json.dumps of the same text, alone and together with
  the processes that help. An answer of `lines` is a product, lines times milestones, where its case
  is their sum: beyond tables of this size the answer alone is longer than the limit allows for.
- **memory**: of that command at 100,000 cases against 20,000.
- **start**: of `schedule rebalance` against an empty interpreter.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

from milestone_engine import (
    Milestone,
    Percent,
    Position,
    Trigger,
    When,
    format_money,
    rebalance,
    spread_lines,
)

CENT = Decimal("0.01")
ROUNDS = 9
TRIGGER = Trigger(when=When.AFTER, event="removal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measurement beside its peer."""

    name: str
    ours: float  #: median, in `unit`
    peer: float
    unit: str
    limit: float | None  #: of ours / peer; None: for information

    @property
    def ratio(self) -> float:
        """How many times the peer ours is."""
        return self.ours / self.peer

    @property
    def is_met(self) -> bool:
        """Whether the limit holds."""
        return self.limit is None or self.ratio <= self.limit


def main() -> None:
    """Measure everything, and print it."""
    options = argparse.ArgumentParser(description="What the engine costs.")
    options.add_argument("--json", action="store_true", help="print JSON")
    options.add_argument("--quick", action="store_true", help="no streams, no start-up")
    wanted = options.parse_args()
    figures = [*_rebalances(), *_lines()]
    if not wanted.quick:
        figures += [*_streams(), _start()]
    if wanted.json:
        rows = [{**asdict(one), "ratio": one.ratio, "met": one.is_met} for one in figures]
        print(json.dumps(rows, indent=2))
    else:
        _print_table(figures)
    sys.exit(0 if all(one.is_met for one in figures) else 1)


def _print_table(figures: Sequence[Figure]) -> None:
    print(f"{'':38}{'ours':>12}{'peer':>12}  {'':6}{'times':>7}{'limit':>7}")
    for one in figures:
        limit = "" if one.limit is None else f"{one.limit:g}"
        said = "" if one.is_met else "  missed"
        print(
            f"{one.name:38}{one.ours:12.2f}{one.peer:12.2f}  {one.unit:6}"
            f"{one.ratio:7.2f}{limit:>7}{said}"
        )


def medians(*works: Callable[[], object], times: int) -> list[float]:
    """Return microseconds per call of each work, measured in turns so that noise meets all."""
    seconds: list[list[float]] = [[] for _ in works]
    for _ in range(ROUNDS):
        for work, found in zip(works, seconds, strict=True):
            began = time.perf_counter()
            for _ in range(times):
                work()
            found.append((time.perf_counter() - began) / times * 1e6)
    return [statistics.median(found) for found in seconds]


def percents_of(count: int) -> list[str]:
    """Return percents that add up to 100: 33.33, 33.33, 33.34."""
    part = Decimal(100 / Decimal(count)).quantize(CENT)
    return [str(part)] * (count - 1) + [str(100 - part * (count - 1))]


def positions_of(count: int) -> list[Position]:
    """Return a schedule whose first milestone is paid."""
    first = 1_000_000 // count
    return [
        Position(
            milestone=Milestone(
                id=f"m{place}", label="", basis=Percent(value=Decimal(text)), trigger=TRIGGER
            ),
            billed_minor=None if place else first,
            paid_minor=0 if place else first,
        )
        for place, text in enumerate(percents_of(count))
    ]


def bare_split(count: int) -> Callable[[], object]:
    """Return the peer of rebalance: each part quantized, the remainder to the last."""
    shares, total = [Decimal(text) for text in percents_of(count)], Decimal("12000.00")

    def split() -> list[Decimal]:
        parts = [(total * share / 100).quantize(CENT) for share in shares[:-1]]
        parts.append(total - sum(parts))
        return parts

    return split


def _rebalances() -> list[Figure]:
    figures = []
    for count, limit in ((3, 12.0), (12, 6.0)):
        rows = positions_of(count)
        ours, peer = medians(
            lambda rows=rows: rebalance(1_200_000, rows, currency="USD"),  # type: ignore[misc]
            bare_split(count),
            times=2_000,
        )
        name = f"rebalance, {count} milestones"
        figures.append(Figure(name=name, ours=ours, peer=peer, unit="us", limit=limit))
    few, many = positions_of(96), positions_of(1_000)  # percents with decimals, both
    ours, peer = medians(
        lambda: rebalance(1_200_000, many, currency="USD"),
        lambda: rebalance(1_200_000, few, currency="USD"),
        times=30,
    )
    figures.append(
        Figure(
            name="rebalance, per milestone, 1000:96",
            ours=ours / 1_000,
            peer=peer / 96,
            unit="us",
            limit=1.5,  # the collector walks what 1,000 results hold: 1.0 without it
        )
    )
    return figures


def table_of(lines: int, milestones: int) -> tuple[list[int], list[int]]:
    """Return lines, some of them deductions, and milestone amounts of the same sum."""
    chance = random.Random(lines * milestones)
    left = [chance.randint(-20_000, 500_000) for _ in range(lines)]
    whole = sum(left)
    cuts = sorted(chance.randint(0, whole) for _ in range(milestones - 1))
    edges = [0, *cuts, whole]
    return left, [high - low for low, high in pairwise(edges)]


def _lines() -> list[Figure]:
    left, amounts = table_of(750, 12)
    whole = Decimal(sum(left)) / 100
    lines = [Decimal(amount) / 100 for amount in left]
    milestones = [Decimal(amount) / 100 for amount in amounts]

    def each_alone() -> list[list[Decimal]]:
        return [[(one * line / whole).quantize(CENT) for line in lines] for one in milestones]

    ours, peer = medians(lambda: spread_lines(left, amounts), each_alone, times=10)
    small, large = table_of(10, 3), table_of(750, 24)
    least, most = medians(
        lambda: [spread_lines(*small) for _ in range(100)], lambda: spread_lines(*large), times=5
    )
    return [
        Figure(name="lines, 750 x 12", ours=ours / 1e3, peer=peer / 1e3, unit="ms", limit=5.0),
        Figure(
            name="lines, per cell*log, 750x24:10x3",
            ours=most / (18_000 * math.log(18_000)) * 1e3,
            peer=least / 100 / (30 * math.log(30)) * 1e3,
            unit="ns",
            limit=1.0,
        ),
    ]


def case_of(chance: random.Random, count: int) -> str:
    """Return one case as text: sums, policy and what is billed and paid by chance."""
    total = chance.randrange(100_000, 5_000_000)
    milestones = []
    for place, text in enumerate(percents_of(count), start=1):
        billed, paid = None, "0.00"
        if chance.random() < 0.3:
            share = int(total * Decimal(text) / 100)
            billed = format_money(share, currency="USD")
            kept = chance.choice((share, share, share // 3, 0))
            paid = format_money(kept, currency="USD")
        basis = {"percent": text}
        milestones.append({"id": f"m{place}", "basis": basis, "billed": billed, "paid": paid})
    return json.dumps(
        {
            "currency": "USD",
            "contract_total": format_money(total, currency="USD"),
            "on_invoiced": chance.choice(("revise", "revise", "hold", "supplement")),
            "milestones": milestones,
        }
    )


def lines_case_of(chance: random.Random, lines: int, milestones: int) -> str:
    """Return one case of `schedule lines` as text."""
    left = [chance.randint(1_000, 500_000) for _ in range(lines)]
    cuts = sorted(chance.randint(0, sum(left)) for _ in range(milestones - 1))
    amounts = [high - low for low, high in pairwise([0, *cuts, sum(left)])]
    rows = {
        name: [
            {"id": f"{name[0]}{place}", "amount": format_money(amount, currency="USD")}
            for place, amount in enumerate(column, start=1)
        ]
        for name, column in (("lines", left), ("milestones", amounts))
    }
    return json.dumps({"currency": "USD", **rows})


def _streams() -> list[Figure]:
    chance = random.Random(7)
    streams = [
        ("rebalance", f"{count} milestones", [case_of(chance, count) for _ in range(30_000)])
        for count in (3, 12)
    ]
    for lines, milestones in ((4, 3), (8, 3)):
        cases = [lines_case_of(chance, lines, milestones) for _ in range(30_000)]
        streams.append(("lines", f"{lines} x {milestones}", cases))
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cases.jsonl"
        for command, name, cases in streams:
            path.write_text("\n".join(cases) + "\n", encoding="utf-8")
            (peer,) = medians(
                lambda cases=cases: [json.dumps(json.loads(one)) for one in cases],  # type: ignore[misc]
                times=1,
            )
            for who, cores in (("alone", "1"), ("with helpers", None)):
                seconds = _stream_seconds(command, path, cores=cores)
                seconds -= _stream_seconds(command, None, cores=cores)
                figures.append(
                    Figure(
                        name=f"{command} --jsonl {who}, {name}",
                        ours=seconds / len(cases) * 1e6,
                        peer=peer / len(cases),
                        unit="us",
                        limit=3.0,
                    )
                )
        figures.append(_memory(Path(folder), cases=[case_of(chance, 3) for _ in range(20_000)]))
    return figures


def _stream_seconds(command: str, path: Path | None, *, cores: str | None) -> float:
    found = []
    words = _command(command, cores)
    for _ in range(3):
        with open(path or os.devnull, "rb") as source:
            began = time.perf_counter()
            subprocess.run(words, stdin=source, stdout=subprocess.DEVNULL, check=True)
            found.append(time.perf_counter() - began)
    return statistics.median(found)


def _command(command: str, cores: str | None) -> list[str]:
    """Return the words that start a command; on one core it has no helpers."""
    pin = "import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]); " if cores else ""
    code = (
        f"{pin}import sys; sys.argv = ['milestone-sync', 'schedule', '{command}', '--jsonl']; "
        "from sync.cli.main import main; main()"
    )
    return [sys.executable, "-c", code]


def _memory(folder: Path, *, cases: Sequence[str]) -> Figure:
    """Return the most memory of a long stream beside that of a shorter one, without helpers."""
    peaks = []
    for times in (5, 1):
        path = folder / f"memory{times}.jsonl"
        with path.open("w", encoding="utf-8") as sink:
            for _ in range(times):
                sink.writelines(f"{one}\n" for one in cases)
        code = (
            "import os, re, sys; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]); "
            "from milestone_engine.cases import REBALANCE_STEPS; "
            "from sync.cli.json_lines import answer_stream; "
            "answer_stream(open(sys.argv[1], 'rb'), open(os.devnull, 'wb'), REBALANCE_STEPS); "
            "print(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read()).group(1))"
        )
        ran = subprocess.run(
            [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
        )
        peaks.append(int(ran.stdout) / 1024)
    ours, peer = peaks
    return Figure(name="memory, 100,000 : 20,000", ours=ours, peer=peer, unit="MiB", limit=1.05)


def _start() -> Figure:
    """Return what the command takes to start and end beside an empty interpreter."""
    found = []
    for command in (_command("rebalance", None), [sys.executable, "-c", ""]):
        seconds = []
        for _ in range(7):
            began = time.perf_counter()
            subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
            seconds.append(time.perf_counter() - began)
        found.append(statistics.median(seconds) * 1e3)
    return Figure(name="start of `schedule`", ours=found[0], peer=found[1], unit="ms", limit=None)


if __name__ == "__main__":
    main()
