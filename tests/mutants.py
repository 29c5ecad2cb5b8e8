"""Break one thing at a time and see whether a test notices.

    python -m tests.mutants milestone_engine/rebalance.py [--only 12,40] [--workers 2]

Every comparison, operator, constant, condition, loop end and statement of a module is changed once,
in a copy of the project; then the tests that concern it run until the first fails. A mutant that no
test notices *survives*: it is printed with its line. docs/mutants.md lists those that may.
"""

from __future__ import annotations

import argparse
import ast
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import hypothesis  # noqa: F401  # as pytest: imported once for all mutants
import pytest

ROOT = Path(__file__).parent.parent
COPIED = ("milestone_engine", "mapping", "sync", "config", "docs", "tests", "pyproject.toml")

#: What runs for each mutant, the quick ones first.
TESTS = (
    "tests/unit/milestone_engine/test_sharing.py",
    "tests/unit/milestone_engine/test_lines.py",
    "tests/unit/milestone_engine/test_rebalance.py",
    "tests/unit/milestone_engine/test_edges.py",
    "tests/unit/milestone_engine/test_explain.py",
    "tests/unit/milestone_engine/test_cases.py",
    "tests/unit/milestone_engine/test_money_rules_page.py",
    "tests/property/test_unseen.py",
    "tests/property/test_small_worlds.py::test_every_pair_is_as_the_page_says",
    "tests/property/test_small_worlds.py::test_every_small_table_with_deductions_ties_out",
)

#: Plain asserts, for what pytest rewrites must not have been imported yet.
OPTIONS = ("-x", "-q", "-n", "0", "-p", "no:cacheprovider", "--assert=plain")

#: The tests take some ten seconds, more on a busy machine; what takes longer runs for ever.
TIMEOUT_S = 60

_OTHER = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.FloorDiv: ast.Mod,
    ast.Mod: ast.FloorDiv, ast.LShift: ast.RShift, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A module with one thing changed."""

    number: int
    line: int
    function: str
    said: str  #: what it was -> what it is
    text: str  #: the whole module


def mutants_of(source: str) -> list[Mutant]:
    """Return every mutant of a module, in the order of its lines."""
    tree = ast.parse(source)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    found = []
    for line, before, after, text in _changes(tree):
        inside = [one for one in functions if one.lineno <= line <= (one.end_lineno or 0)]
        function = inside[-1].name if inside else "module"
        found.append((line, function, f"{before}  ->  {after}", text))
    found.sort(key=lambda row: row[0])
    return [
        Mutant(number=number, line=line, function=function, said=said, text=text)
        for number, (line, function, said, text) in enumerate(found, start=1)
    ]


def _changes(tree: ast.Module) -> Iterator[tuple[int, str, str, str]]:
    """Change the tree in one place, yield it as text, and change it back."""
    for node, statement, field, value in _places(tree):
        before, old = ast.unparse(statement), getattr(node, field)
        setattr(node, field, value)
        after = ast.unparse(statement)
        if after == before:
            after = "pass, or the other end of a loop"
        text = ast.unparse(ast.fix_missing_locations(tree))
        setattr(node, field, old)
        yield statement.lineno, _first_line(before), _first_line(after), text


def _first_line(text: str) -> str:
    return text.split("\n")[0]


def _places(tree: ast.Module) -> Iterator[tuple[ast.AST, ast.stmt, str, object]]:
    """Return (node, its statement, its field, the new value of that)."""
    for statement, owner, name, place in _statements(tree):
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            yield owner, statement, name, _with(owner, name, place, ast.Pass())
        if isinstance(statement, ast.Break | ast.Continue):
            other = ast.Continue() if isinstance(statement, ast.Break) else ast.Break()
            yield owner, statement, name, _with(owner, name, place, other)
        if isinstance(statement, ast.AugAssign):
            yield statement, statement, "op", _OTHER[type(statement.op)]()
        for node in _own_expressions(statement):
            for field, value in _expression_changes(node):
                yield node, statement, field, value
        if isinstance(statement, ast.If):
            yield statement, statement, "test", ast.Constant(True)
            yield statement, statement, "test", ast.Constant(False)


def _statements(tree: ast.Module) -> Iterator[tuple[ast.stmt, ast.AST, str, int]]:
    """Return statements of functions, with their owner, its field and their place in it."""
    for owner in ast.walk(tree):
        for name in ("body", "orelse"):
            rows = getattr(owner, name, None)
            if not isinstance(rows, list) or isinstance(owner, ast.Module | ast.ClassDef):
                continue
            for place, row in enumerate(rows):
                if isinstance(row, ast.stmt) and not isinstance(row, ast.Assert | ast.FunctionDef):
                    yield row, owner, name, place


def _with(owner: ast.AST, name: str, place: int, new: ast.stmt) -> list[ast.stmt]:
    rows = list(getattr(owner, name))
    rows[place] = new
    return rows


def _own_expressions(statement: ast.stmt) -> Iterator[ast.AST]:
    """Return the expressions of a statement, not those of statements within; no annotations."""
    todo: list[ast.AST] = [
        child
        for field, value in ast.iter_fields(statement)
        if field not in ("annotation", "body", "orelse")
        for child in (value if isinstance(value, list) else [value])
        if isinstance(child, ast.expr)
    ]
    if isinstance(statement, ast.Raise | ast.Expr) and isinstance(
        getattr(statement, "value", None), ast.Constant
    ):
        return  # a docstring
    while todo:
        node = todo.pop()
        yield node
        if isinstance(node, ast.JoinedStr) or (
            isinstance(node, ast.keyword) and node.arg == "strict"
        ):
            continue  # messages; `strict=True` is a belief like an assert
        todo.extend(ast.iter_child_nodes(node))


def _expression_changes(node: ast.AST) -> Iterator[tuple[str, object]]:
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        yield "ops", [_OTHER[type(node.ops[0])]()]
    elif isinstance(node, ast.BinOp | ast.BoolOp) and type(node.op) in _OTHER:
        yield "op", _OTHER[type(node.op)]()
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        # `+x` for `-x`; `not not x`, which is as true as x, for `not x`
        if isinstance(node.op, ast.USub):
            yield "op", ast.UAdd()
        else:
            yield "operand", ast.UnaryOp(ast.Not(), node.operand)
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield "value", not node.value
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        yield "value", node.value + 1
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield "value", f"{node.value}XX"


def survivors_of(module: str, mutants: Sequence[Mutant], folders: list[Path]) -> Iterator[Mutant]:
    """Return the mutants that no test notices, several tried at a time: one in each folder."""
    todo, running = list(reversed(mutants)), {}
    while todo or running:
        while todo and folders:
            mutant, folder = todo.pop(), folders.pop()
            (folder / module).write_text(mutant.text, encoding="utf-8")
            running[_start(folder)] = mutant, folder
        process, status = os.wait()
        mutant, folder = running.pop(process)
        folders.append(folder)
        if status == 0:
            yield mutant


def _start(folder: Path) -> int:
    """Run the tests of a folder in a process of their own; return its id. Exit 0: all passed.

    A fork, for importing pytest and hypothesis takes longer than most mutants live.
    """
    process = os.fork()
    if process:
        return process
    try:
        signal.alarm(TIMEOUT_S)
        os.chdir(folder)
        sys.path[0] = str(folder)
        sys.modules.pop("tests", None)
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        ended = pytest.main([*OPTIONS, *TESTS])
        os._exit(0 if ended is pytest.ExitCode.OK else 1)
    finally:
        os._exit(1)  # whatever happened, a child must not clean up after its parent


def main() -> None:
    """Run the mutants of one module, print the survivors and the totals."""
    options = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    options.add_argument("module", help="milestone_engine/rebalance.py")
    options.add_argument("--only", help="numbers of mutants, by commas")
    options.add_argument("--workers", type=int, default=os.cpu_count())
    wanted = options.parse_args()
    sys.dont_write_bytecode = True
    source = (ROOT / wanted.module).read_text(encoding="utf-8")
    mutants = mutants_of(source)
    unchanged = Mutant(number=0, line=0, function="", said="", text=source)
    if wanted.only:
        numbers = {int(number) for number in wanted.only.split(",")}
        mutants = [mutant for mutant in mutants if mutant.number in numbers]
    with tempfile.TemporaryDirectory() as home:
        folders = [_copy(Path(home) / str(number)) for number in range(wanted.workers)]
        if not list(survivors_of(wanted.module, [unchanged], folders)):
            sys.exit("the tests fail on the module as it is")
        count = 0
        for mutant in survivors_of(wanted.module, mutants, folders):
            count += 1
            print(f"{wanted.module}:{mutant.line} {mutant.function} #{mutant.number}")
            print(f"    {mutant.said}", flush=True)
    print(f"{wanted.module}: {len(mutants)} mutants, {count} survived")


def _copy(folder: Path) -> Path:
    folder.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, folder / name, ignore=ignored)
        else:
            shutil.copy(source, folder / name)
    return folder


if __name__ == "__main__":
    main()
