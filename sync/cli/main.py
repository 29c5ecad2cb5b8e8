"""The commands put together. Exit 0: done; 1: something needs a person; 2: wrong use.

What the engine answers alone (`schedule`) starts without the rest: no database, web or queue is
imported for it. Any other command, and the page of help, imports everything.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, MutableMapping
from importlib import import_module
from typing import Any

import typer
from rich.console import Console
from typer.core import TyperGroup

#: Command -> the module that adds it, for those that need nothing else.
_ALONE = {"schedule": "sync.cli.schedule"}

#: Modules that add all other commands, in the order of the page of help.
_TOGETHER = (
    "sync.cli.processes",
    "sync.cli.loop",
    "sync.cli.jobs",
    "sync.cli.company",
    "sync.cli.queue",
    "sync.cli.journal",
    "sync.cli.backup",
)

#: What a command raises that is no fault of the program, by name so that nothing is imported for
#: it: module and class -> its word for programs, "" where it brings its own.
_REFUSALS = {
    ("sync.cli.attach", "WrongUse"): "",
    ("config.settings", "SettingsError"): "settings",
    ("sync.up", "UpError"): "cannot_start",
    ("sync.embedded", "EmbeddedError"): "cannot_start",
    ("sync.supervisor", "SupervisorError"): "cannot_start",
}


class _Commands(MutableMapping[str, Any]):
    """Commands by name; a module is imported when one of its commands is asked for."""

    def __init__(self) -> None:
        self._loaded: dict[str, Any] = {}
        self._has_all = False

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            self._load(name)
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        self._load("")
        return iter(self._loaded)

    def __len__(self) -> int:
        self._load("")
        return len(self._loaded)

    def __setitem__(self, name: str, command: Any) -> None:
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        del self._loaded[name]

    def _load(self, name: str) -> None:
        """Import the module of one command; for any other name all that are not there yet."""
        if name in _ALONE:
            self._add(_ALONE[name])
        elif not self._has_all:
            self._has_all = True
            alone, self._loaded = self._loaded, {}
            for module in _TOGETHER:
                self._add(module)
            for other, module in _ALONE.items():
                if other in alone:
                    self._loaded[other] = alone[other]
                else:
                    self._add(module)

    def _add(self, module: str) -> None:
        found = typer.Typer()
        found.callback()(_nothing)  # a group, even of a single command
        import_module(module).add_commands(found)
        self._loaded |= typer.main.get_group(found).commands


def _nothing() -> None:
    """Only commands of this one are taken."""


class _LazyGroup(TyperGroup):
    """The command line, imported as far as it is called."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = _Commands()


app = typer.Typer(
    name="milestone-sync",
    cls=_LazyGroup,
    help="Milestone payments that follow the job, kept true in QuickBooks Online.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.callback()(_nothing)


def main() -> None:
    """Run the command line; every refusal is one line, never a traceback."""
    try:
        # Without its standalone mode the library returns an exit code instead of raising it.
        sys.exit(app(standalone_mode=False))
    except typer.Abort:
        sys.exit(1)
    except typer.TyperException as exc:
        _wrong_words(exc)
    except Exception as exc:
        if any(kind.__module__ == "sync.errors" for kind in type(exc).__mro__):
            # QuickBooks or a company's state stands in the way: not the words of the command.
            _end(str(exc), code=type(exc).__name__, exit_code=1)
        code = _code_of(exc)
        if code is None:
            raise
        _end(str(exc), code=code)


def _wrong_words(exc: typer.TyperException) -> None:
    """Say what is wrong with the words of the command; without any, show the help."""
    message = getattr(exc, "format_message", lambda: str(exc))()
    if type(exc).__name__ == "NoArgsIsHelpError":
        Console(stderr=True).print(message, highlight=False)
        sys.exit(2)
    _end(" ".join(message.split()), code="wrong_use")


def _code_of(exc: Exception) -> str | None:
    """Return the word for programs of a refusal; None where the program is at fault."""
    for kind in type(exc).__mro__:
        name = (kind.__module__, kind.__name__)
        if name in _REFUSALS:
            return _REFUSALS[name] or str(getattr(exc, "code", ""))
    return None


def _end(message: str, *, code: str, exit_code: int = 2) -> None:
    if "--json" in sys.argv:
        print(json.dumps({"error": {"code": code, "message": message, "at": None}}))
    else:
        said = f"milestone-sync: {message}"
        Console(stderr=True).print(said, style="red", highlight=False, soft_wrap=True)
    sys.exit(exit_code)


if __name__ == "__main__":
    main()
