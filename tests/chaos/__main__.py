"""`python -m tests.chaos`: real processes, killed and cut off, judged from outside.

Exit 0: every promise was kept; 1: one was broken, and is printed.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from dataclasses import asdict
from pathlib import Path

from tests.chaos import burst, dropped, noisy
from tests.chaos.run import Outcome, Report, run

#: There is always another job to work on.
ENDLESS = 10_000


def main() -> int:
    """Run from the command line."""
    options = _parser().parse_args()
    logging.disable(logging.WARNING)
    report = _run(options)
    if options.json:
        print(json.dumps(asdict(report)))
    elif isinstance(report, Report):
        _show(report)
    else:
        _show_figures(report)
    return 1 if report.violations else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=20, help="processes that are killed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--companies", type=int, help="how many (by default 3; 6 with --noisy)")
    parser.add_argument("--jobs", type=int, default=6, help="jobs a company")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--keep", type=Path, help="keep the data folder here, with the logs")
    parser.add_argument(
        "--only-workers",
        action="store_true",
        help="kill workers at work, one after the other, and nothing else",
    )
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument(
        "--webhooks-dropped", action="store_true", help="instead of kills: no webhook ever comes"
    )
    instead.add_argument(
        "--burst", type=int, metavar="N", help="instead of kills: N webhooks in a minute"
    )
    instead.add_argument(
        "--noisy", action="store_true", help="instead of kills: one company at which all fails"
    )
    return parser


def _run(options: argparse.Namespace) -> Outcome:
    seed, keep = options.seed, options.keep
    if options.webhooks_dropped:
        return dropped.run(seed=seed, companies=options.companies or 3, jobs=3, keep=keep)
    if options.burst:
        return burst.run(
            seed=seed, count=options.burst, companies=options.companies or 5, keep=keep
        )
    if options.noisy:
        return noisy.run(seed=seed, healthy=(options.companies or 6) - 1, keep=keep)
    return run(
        seed=seed,
        kills=options.kills,
        companies=options.companies or 3,
        jobs=ENDLESS if options.only_workers else options.jobs,
        only_workers=options.only_workers,
        keep=keep,
    )


def _show_figures(report: Outcome) -> None:
    for name, value in asdict(report).items():
        if name == "violations":
            continue
        rows = value if isinstance(value, list) else [value]
        for row in rows:
            said = ", ".join(f"{k} {v}" for k, v in row.items()) if isinstance(row, dict) else row
            print(f"{name.replace('_', ' ')}: {said}")
    _show_violations(report)


def _show(report: Report) -> None:
    print(f"seed {report.seed}, {report.took_s} s in all, idle {report.idle_after_s} s after")
    for name in ("kills", "faults", "people", "resumed", "parked", "errors_logged"):
        found = getattr(report, name)
        total = f" ({sum(found.values())})" if name in ("kills", "faults") else ""
        print(f"{name.replace('_', ' ')}{total}:")
        for key, value in found.items():
            print(f"  {value:>8}  {key}")
    for said in report.slowest:
        print(f"  slow: {said}")
    print(f"{report.our_writes} writes of ours, {report.mails} mails accepted")
    if report.not_reached:
        print(f"armed but not reached: {', '.join(report.not_reached)}")
    _show_violations(report)


def _show_violations(report: Outcome) -> None:
    print(f"violations: {len(report.violations)}")
    for said in report.violations:
        print(f"  {said}")


if __name__ == "__main__":
    sys.exit(main())
