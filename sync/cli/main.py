"""The commands put together. Exit 0: done; 1: something needs a person; 2: wrong use."""

from __future__ import annotations

import sys

import typer
from rich.console import Console

from config.settings import SettingsError
from sync.cli import jobs, loop, processes, queue
from sync.cli.attach import WrongUse, fail
from sync.embedded import EmbeddedError
from sync.supervisor import SupervisorError
from sync.up import UpError

app = typer.Typer(
    name="milestone-sync",
    help="Milestone payments that follow the job, kept true in QuickBooks Online.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
processes.add_commands(app)
loop.add_commands(app)
jobs.add_commands(app)
queue.add_commands(app)


def main() -> None:
    """Run the command line; every refusal is one line, never a traceback."""
    as_json = "--json" in sys.argv
    console = Console(stderr=True)
    try:
        # Without its standalone mode the library returns an exit code instead of raising it.
        sys.exit(app(standalone_mode=False))
    except typer.Abort:
        sys.exit(1)
    except typer.TyperException as exc:
        _wrong_words(console, exc, as_json=as_json)
    except SettingsError as exc:
        _end(console, str(exc), as_json=as_json, code="settings")
    except WrongUse as exc:
        _end(console, str(exc), as_json=as_json, code=exc.code)
    except (UpError, EmbeddedError, SupervisorError) as exc:
        _end(console, str(exc), as_json=as_json, code="cannot_start")


def _wrong_words(console: Console, exc: typer.TyperException, *, as_json: bool) -> None:
    """Say what is wrong with the words of the command; without any, show the help."""
    message = getattr(exc, "format_message", lambda: str(exc))()
    if type(exc).__name__ == "NoArgsIsHelpError":
        console.print(message, highlight=False)
        sys.exit(2)
    _end(console, " ".join(message.split()), as_json=as_json, code="wrong_use")


def _end(console: Console, message: str, *, as_json: bool, code: str) -> None:
    try:
        fail(console, message, as_json=as_json, code=code)
    except typer.Exit as exc:
        sys.exit(exc.exit_code)


if __name__ == "__main__":
    main()
