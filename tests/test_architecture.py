"""What is absent: imports against the direction, work at import, floats beside money."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("milestone_engine", "mapping", "sync", "config", "sandbox")

#: package -> our packages that it may import, itself aside.
MAY_IMPORT = {
    "milestone_engine": set(),
    "mapping": {"milestone_engine"},
    "config": set(),
    "sandbox": set(),
    "sync": {"milestone_engine", "mapping", "config"},
}
#: The only places of `sync` that may know the sandbox.
KNOWS_SANDBOX = ("sync/cli/", "sync/demo/")
#: Third-party packages that the pure rooms may import: none.
PURE = ("milestone_engine", "mapping")


def modules(package: str) -> Iterator[tuple[str, ast.Module]]:
    """Every module of a package, parsed."""
    for path in sorted((ROOT / package).rglob("*.py")):
        yield str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.AST) -> Iterator[str]:
    """The first word of everything a module imports, wherever the import stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the direction"
            yield (node.module or "").split(".")[0]


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_point_one_way(package: str) -> None:
    """milestone_engine <- mapping <- sync -> config; the sandbox shares code with nobody."""
    for name, tree in modules(package):
        ours = set(imported(tree)) & set(PACKAGES) - {package}
        allowed = set(MAY_IMPORT[package])
        if name.startswith(KNOWS_SANDBOX):
            allowed.add("sandbox")
        assert ours <= allowed, f"{name} imports {ours - allowed}"


@pytest.mark.parametrize("package", PURE)
def test_the_pure_rooms_import_the_standard_library_alone(package: str) -> None:
    """No third-party package, no network, no database, no clock stands behind a decision."""
    known = sys.stdlib_module_names | set(PACKAGES)
    banned = {"socket", "http", "urllib", "sqlite3", "logging", "threading", "subprocess", "random"}
    for name, tree in modules(package):
        found = set(imported(tree))
        assert found <= known, f"{name} imports {found - known}"
        assert not found & banned, f"{name} imports {found & banned}"


@pytest.mark.parametrize("package", PURE)
def test_no_float_stands_where_money_lives(package: str) -> None:
    """No float literal and no float(); naming the type to refuse it is fine."""
    for name, tree in modules(package):
        for node in ast.walk(tree):
            is_literal = isinstance(node, ast.Constant) and isinstance(node.value, float)
            called = node.func if isinstance(node, ast.Call) else None
            is_call = isinstance(called, ast.Name) and called.id == "float"
            place = f"{name}:{getattr(node, 'lineno', 0)}"
            assert not is_literal, place
            assert not is_call, place


def test_the_clock_is_asked_in_few_places() -> None:
    """Business time and lease time come from the database; a wall clock stands in few modules."""
    allowed = {"config/log_setup.py", "sync/mail/catcher.py"}
    asking = {"now", "utcnow", "today"}
    for package in ("milestone_engine", "mapping", "sync", "config"):
        for name, tree in modules(package):
            for node in ast.walk(tree):
                if isinstance(node, ast.Attribute) and node.attr in asking:
                    owner = node.value
                    is_clock = isinstance(owner, ast.Name) and owner.id in ("datetime", "date")
                    assert not is_clock or name in allowed, f"{name}:{node.lineno}"


def test_importing_a_module_does_nothing() -> None:
    """No settings and no services are needed, and dramatiq is left without a default broker."""
    names = [
        str(path.relative_to(ROOT)).removesuffix(".py").replace("/", ".").removesuffix(".__init__")
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if "migrations" not in path.parts and path.name != "__main__.py"
    ]
    code = (
        f"import importlib, dramatiq.broker\nfor name in {names!r}: importlib.import_module(name)\n"
        "assert dramatiq.broker.global_broker is None"
    )
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-W", "ignore::DeprecationWarning", "-c", code],
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
    )
    assert ran.returncode == 0, ran.stderr[-2000:]


def test_there_is_no_utils_module() -> None:
    """A small function lives with its caller until a second one needs it."""
    found = [path for package in PACKAGES for path in (ROOT / package).rglob("util*.py")]
    assert found == []


def test_every_package_tells_its_tour() -> None:
    """Every `__init__.py` begins with what the package is."""
    for package in PACKAGES:
        for name, tree in modules(package):
            if name.endswith("__init__.py"):
                assert ast.get_docstring(tree), f"{name} has no docstring"
