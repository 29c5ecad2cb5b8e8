"""The engine alone, JSON in and out: schedule check, rebalance, lines, compare.

    milestone-sync schedule rebalance case.json --explain
    milestone-sync schedule rebalance --jsonl < cases.jsonl > answers.jsonl

With `--jsonl` every line of input is a case and has one line of output, in order: the answer or the
error object.
"""

from __future__ import annotations

import codecs
import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, NoReturn

import orjson
import typer

from milestone_engine.cases import (
    REBALANCE_STEPS,
    answered,
    error_object,
    lines_case,
    rebalance_case,
)
from milestone_engine.errors import REMEDIES, EngineError
from milestone_engine.lines_cases import LINES_STEPS
from milestone_engine.readers import Json, Steps
from sync.cli.json_lines import answer_stream, parse_json

if TYPE_CHECKING:
    from mapping.templates import Template

FileArgument = Annotated[str, typer.Argument(metavar="FILE", help="JSON; - reads standard input")]
JsonlOption = Annotated[bool, typer.Option("--jsonl", help="one case a line, any number of them")]
JsonOption = Annotated[bool, typer.Option("--json", help="print JSON")]

#: Shows an answer; the case may say more.
Show = Callable[[Json, Json], None]


class _FileError(EngineError):
    """A file that cannot be read, or a template that is wrong."""

    @property
    def remedy(self) -> str:
        """What a person does about it, where the message does not say it."""
        return _FILE_REMEDIES.get(self.code) or REMEDIES.get(self.code, "")


_FILE_REMEDIES = {
    "not_readable": "Name a file that can be read, or - for standard input.",
    "not_yaml": "Mend the YAML; config/schedules/README.md shows a template.",
}


def add_commands(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    schedule = typer.Typer(
        help="The milestone engine alone: no database, no QuickBooks.", no_args_is_help=True
    )
    schedule.command("check")(check)
    schedule.command("rebalance")(rebalance)
    schedule.command("lines")(lines)
    schedule.command("compare")(compare)
    app.add_typer(schedule, name="schedule")


def check(
    file: Annotated[str, typer.Argument(metavar="FILE", help="a template (YAML) or a JSON case")],
    as_json: JsonOption = False,
) -> None:
    """Say what is wrong with a schedule template or a case, and where; else show it."""
    from sync.cli.schedule_tables import show_case, show_template, template_json

    _show_what_can_be_shown()
    is_template = file.endswith((".yaml", ".yml"))
    try:
        if is_template:
            template = _template(file)
            answer = template_json(template)
        else:
            case: Any = parse_json(_read(file))
            answer = (lines_case if _is_lines(case) else rebalance_case)(case)
    except EngineError as error:
        _end(error, as_json=as_json)
    if as_json:
        _print(answer)
    elif is_template:
        show_template(template)
    else:
        show_case(answer, case)


def rebalance(
    file: FileArgument = "-",
    jsonl: JsonlOption = False,
    explain: Annotated[bool, typer.Option("--explain", help="how each amount was made")] = False,
    as_json: JsonOption = False,
) -> None:
    """Share a contract total over its milestones by the rule."""
    show: Show = _print_answer
    if explain and not as_json:
        if jsonl:
            raise typer.BadParameter("--explain shows one case; leave out --jsonl")
        from sync.cli.schedule_tables import show_case as show

        _show_what_can_be_shown()
    _run(file, REBALANCE_STEPS, jsonl=jsonl, show=show)


def lines(
    file: FileArgument = "-", jsonl: JsonlOption = False, as_json: JsonOption = False
) -> None:
    """Spread milestone amounts over contract lines, exact by row and by column."""
    _run(file, LINES_STEPS, jsonl=jsonl, show=_print_answer)


def compare(
    file: Annotated[str, typer.Argument(metavar="FILE", help="a JSON case; - is standard input")],
    as_json: JsonOption = False,
) -> None:
    """Show one job under our rule and under the field's others: who asks what, and what is lost."""
    from milestone_engine.laboratory import comparison
    from sync.cli.schedule_tables import show_comparison

    _show_what_can_be_shown()
    try:
        case: Any = parse_json(_read(file))
        found = comparison(case)
    except EngineError as error:
        _end(error, as_json=True)
    _print(found) if as_json else show_comparison(found, case)


def _run(file: str, steps: Steps, *, jsonl: bool, show: Show) -> None:
    """Answer one case, or all of a stream."""
    try:
        if not jsonl:
            case: Any = parse_json(_read(file))
            show(answered(case, steps), case)
            return
        with _opened(file) as source:
            is_right = answer_stream(source, sys.stdout.buffer, steps)
    except EngineError as error:
        _end(error, as_json=True)
    except BrokenPipeError:
        # Whoever read the answers has enough; nothing may be written at the end either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        is_right = False
    raise typer.Exit(0 if is_right else 1)


def _show_what_can_be_shown() -> None:
    """Let a terminal that lacks a letter of an id or a label show its number instead."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _is_lines(case: object) -> bool:
    return isinstance(case, dict) and "lines" in case


def _template(file: str) -> Template:
    """Read a template.

    Raises:
        EngineError: it is none; the codes are those of `mapping.templates` beside the engine's.
    """
    import yaml

    from mapping.errors import TemplateError
    from mapping.templates import parse_template

    try:
        raw = yaml.safe_load(_read(file))
        return parse_template(raw, name=Path(file).stem)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _FileError(f"not YAML: {error}", code="not_yaml") from None
    except TemplateError as error:
        raise _FileError(error.message, code=error.code, at=error.at or None) from None


def _read(file: str) -> bytes:
    with _opened(file) as source:
        return source.read().removeprefix(codecs.BOM_UTF8)


@contextmanager
def _opened(file: str) -> Iterator[BinaryIO]:
    if file == "-":
        yield sys.stdin.buffer
        return
    try:
        source = Path(file).open("rb")  # noqa: SIM115  # what goes wrong later is no matter of the file
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or str(error)
        name = os.fsencode(file).decode(errors="replace")  # a name need not be UTF-8
        raise _FileError(f"{name}: {said}", code="not_readable", at=name) from None
    with source:
        yield source


def _print(found: Json) -> None:
    sys.stdout.buffer.write(orjson.dumps(found, option=orjson.OPT_APPEND_NEWLINE))


def _print_answer(answer: Json, case: Json) -> None:
    _print(answer)


def _end(error: EngineError, *, as_json: bool) -> NoReturn:
    """Say what is wrong and where, and exit 2."""
    found = error_object(error)
    if as_json:
        _print(found)
    else:
        told = found["error"]
        print(f"{told['code']}{f' at {error.at}' if error.at else ''}: {told['message']}")
    raise typer.Exit(2)
