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

from tests.chaos.run import Report, run


def main() -> int:
    """Run from the command line."""
    options = _parser().parse_args()
    logging.disable(logging.WARNING)
    report = run(
        seed=options.seed,
        kills=options.kills,
        companies=options.companies,
        jobs=options.jobs,
        keep=options.keep,
    )
    if options.json:
        print(json.dumps(asdict(report)))
    else:
        _show(report)
    return 1 if report.violations else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=20, help="processes that are killed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--companies", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=6, help="jobs a company")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--keep", type=Path, help="keep the data folder here, with the logs")
    return parser


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
    print(f"violations: {len(report.violations)}")
    for said in report.violations:
        print(f"  {said}")


if __name__ == "__main__":
    sys.exit(main())
