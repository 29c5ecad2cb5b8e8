"""`python -m sandbox`: the stand-in alone."""

import argparse
import logging
import sys
from collections.abc import Mapping
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.serve import serve
from sandbox.values import dumps


def main(arguments: list[str] | None = None) -> int:
    """Run the sandbox until it is stopped; 2 if it cannot start."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    show = _show_json if options.json else _show_text
    try:
        serve(
            data_dir=options.data,
            port=options.port,
            host=options.host,
            companies=options.company,
            on_ready=show,
        )
    except (SandboxError, OSError) as exc:
        sys.stderr.write(f"sandbox: {exc}\n")
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox", description="A stand-in for QuickBooks Online. It is not Intuit."
    )
    parser.add_argument("--data", type=Path, required=True, help="folder for the books")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument(
        "--company", type=Path, action="append", default=[], help="company file; may be repeated"
    )
    parser.add_argument("--json", action="store_true", help="print the facts as one line of JSON")
    return parser


def _show_json(facts: Mapping[str, object]) -> None:
    sys.stdout.write(f"{dumps(facts)}\n")
    sys.stdout.flush()


def _show_text(facts: Mapping[str, object]) -> None:
    sys.stdout.write("A stand-in for QuickBooks Online, not Intuit.\n")
    for name, value in facts.items():
        if name != "companies":
            sys.stdout.write(f"  {name:17} {value}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
