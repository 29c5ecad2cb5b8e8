"""The README against the code: the tables it prints are what the program has and does."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest
import typer
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from typer.core import TyperGroup

from config.settings import Settings, variable
from milestone_engine import Milestone, Percent, Position, Trigger, When, rebalance
from sync.cli.main import app

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    """The text under a heading, up to the next."""
    return README.split(f"\n## {title}\n")[1].split("\n## ")[0]


def rows(title: str) -> list[list[str]]:
    """The cells of a section's table, without its head."""
    lines = [line for line in section(title).splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[1:]]


def default_of(field: FieldInfo) -> str:
    """A default as the README writes it."""
    if field.is_required():
        return "required"
    value = field.default
    plain = value.get_secret_value() if isinstance(value, SecretStr) else value
    if plain is None:
        return "not set"
    return f"`{plain}`" if plain != "" else "empty"


def test_the_table_of_settings_is_the_settings() -> None:
    """Every variable with its default, in the order of the code; none missing, none invented."""
    told = [(row[0].strip("`"), row[1]) for row in rows("Settings")]

    assert told == [
        (variable(name), default_of(field)) for name, field in Settings.model_fields.items()
    ]


def commands() -> set[str]:
    """Every command of the command line, with its sub-command."""
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    found = set()
    for name, command in root.commands.items():
        below = command.commands if isinstance(command, TyperGroup) else {}
        found |= {f"{name} {inner}" for inner in below} or {name}
        if isinstance(command, TyperGroup) and command.invoke_without_command:
            found.add(name)
    return found


def test_the_table_of_commands_is_the_command_line() -> None:
    """Every command stands in the table, and the table names no other."""
    told = set()
    for row in rows("Commands"):
        for said in re.findall(r"`([^`]+)`", row[0]):
            words = [word for word in said.split() if re.fullmatch(r"[a-z]+(?:-[a-z]+)*", word)]
            told.add(" ".join(words[:2]))

    assert told == commands()


def test_the_worked_example_is_what_the_engine_says() -> None:
    """25/25/50 with the deposit paid: both columns of the printed schedule, to the cent."""
    drawn = re.findall(r"│ [\w ]+│ +\$([\d,.]+) │ +\$([\d,.]+) │", section("A worked example"))
    before, after = ([minor(row[place]) for row in drawn] for place in (0, 1))
    trigger = Trigger(when=When.AFTER, event="approved")
    milestones = [
        Milestone(id=f"m{n}", label="", basis=Percent(value=Decimal(share)), trigger=trigger)
        for n, share in enumerate((25, 25, 50), start=1)
    ]

    def amounts(total_minor: int, paid_minor: int) -> list[int]:
        billed = (paid_minor or None, None, None)
        positions = [
            Position(milestone=one, billed_minor=asked, paid_minor=asked or 0)
            for one, asked in zip(milestones, billed, strict=True)
        ]
        split = rebalance(total_minor, positions, currency="USD")
        return [share.amount_minor for share in split.shares] + [total_minor]

    assert before == amounts(1_200_000, 0)
    assert after == amounts(1_340_000, 300_000)


def minor(text: str) -> int:
    """Cents of a printed amount."""
    return int(text.replace(",", "").replace(".", ""))


PAGES = [
    *("README.md", "ARCHITECTURE.md", "SECURITY.md", "CHANGELOG.md"),
    *(str(path.relative_to(ROOT)) for path in sorted((ROOT / "docs").rglob("*.md"))),
]


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_is_named_exists(page: str) -> None:
    """A path in backticks or behind a link leads somewhere in the tree."""
    text = (ROOT / page).read_text(encoding="utf-8")
    named = re.findall(r"`((?:[\w.-]+/)+[\w.-]+\.(?:py|md|yaml|sql))`", text)
    named += re.findall(r"`([A-Z]+\.md|docker-compose\.yml|Dockerfile)`", text)
    linked = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]

    assert [name for name in named if not (ROOT / name).exists()] == []
    assert [link for link in linked if not (ROOT / page).parent.joinpath(link).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_no_page_names_a_place_of_one_machine(page: str) -> None:
    """No folder of somebody's home or work, no registry's host."""
    text = (ROOT / page).read_text(encoding="utf-8")
    assert re.findall(r"(?<![\w.])/(?:work|root|home|opt|tmp)/|pypi\.|index-url", text) == []


def test_decisions_are_numbered_listed_and_whole() -> None:
    """In order, each in the index under its own title, each with its four parts."""
    folder = ROOT / "docs" / "decisions"
    files = sorted(folder.glob("[0-9]*.md"))
    index = (folder / "README.md").read_text(encoding="utf-8")

    numbers = [int(path.name[:4]) for path in files]
    assert numbers == list(range(1, len(files) + 1))
    for path in files:
        title, *rest = path.read_text(encoding="utf-8").splitlines()
        assert f"| [{path.name[:4]}]({path.name}) | {title.split('. ', 1)[1]} |" in index
        parts = [line for line in rest if line.startswith("## ")]
        assert parts[:4] == ["## Context", "## Options", "## Decision", "## Consequences"]


def test_the_map_names_things_that_exist() -> None:
    """Every test that ARCHITECTURE.md names is in the tests, every `file.py:name` in that file."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    tests = "\n".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")
    )
    named = re.findall(r"`(test_\w+)`", text)
    places = re.findall(r"`([\w/]+\.py):(\w+)`", text)

    assert named
    assert [name for name in named if f"def {name}(" not in tests] == []
    assert places
    for path, name in places:
        source = (ROOT / path).read_text(encoding="utf-8")
        assert re.search(rf"(?:def|class) {name}\b", source), f"{path} has no {name}"
