"""docs/schedule-command.md: every example is run, word for word, and every code is on the page."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from milestone_engine.errors import REMEDIES
from milestone_engine.readers import CASE_REMEDIES
from sync.cli.main import app

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "schedule-command.md").read_text(encoding="utf-8")

FILES = dict(re.findall(r"<!-- file (\S+) -->\n```jsonl?\n(.*?\n)```\n", PAGE, re.DOTALL))
EXAMPLES = re.findall(
    r"<!-- exit (\d) -->\n```console\n\$ milestone-sync schedule (.*?)\n(.*?)```\n"
    r"(?:```json\n(.*?)```\n)?",
    PAGE,
    re.DOTALL,
)


def documents(text: str) -> list[str]:
    """Return the JSON documents of a text in one layout, keys in their order."""
    found, decoder, text = [], json.JSONDecoder(), text.strip()
    while text:
        value, end = decoder.raw_decode(text)
        found.append(json.dumps(value))
        text = text[end:].lstrip()
    return found


@pytest.mark.parametrize(("code", "words", "shown", "answer"), EXAMPLES)
def test_an_example_says_what_the_program_says(tmp_path, monkeypatch, code, words, shown, answer):
    """The exit code, tables to the letter, JSON to the key."""
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        Path(name).write_text(text, encoding="utf-8")
    given, _, source = words.partition(" < ")

    ran = CliRunner().invoke(
        app,
        ["schedule", *given.split()],
        input=FILES[source] if source else None,
        env={"COLUMNS": "80"},
    )

    assert ran.exit_code == int(code)
    if answer:
        assert documents(ran.stdout) == documents(answer)
    else:
        assert [line.rstrip() for line in ran.stdout.splitlines()] == shown.splitlines()


def test_every_command_has_an_example():
    """And every file of the page is used by one."""
    told = " ".join(words for _, words, _, _ in EXAMPLES)

    assert len(EXAMPLES) >= 7
    assert all(name in told for name in ("rebalance", "--explain", "lines", "--jsonl", "compare"))
    assert all(name in told for name in FILES)


@pytest.mark.parametrize(("table", "remedies"), [("engine", REMEDIES), ("json", CASE_REMEDIES)])
def test_every_code_is_on_the_page_with_what_to_do(table, remedies):
    """The published list, no more and no less."""
    rows = PAGE.split(f"<!-- {table} -->\n")[1].split("\n\n")[0].splitlines()[2:]
    told = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]

    assert {code.strip("`"): remedy for code, remedy in told} == dict(remedies)


def test_the_last_of_two_equal_keys_counts():
    """The page says so."""
    text = (
        '{"currency": "USD", "lines": [], "lines": [], "milestones": [{"a": 1}], "milestones": []}'
    )

    ran = CliRunner().invoke(app, ["schedule", "lines"], input=text)

    assert ran.stdout == '{"cells":[]}\n'


def test_the_readme_names_the_page():
    """A page that nobody finds helps nobody."""
    assert "docs/schedule-command.md" in (ROOT / "README.md").read_text(encoding="utf-8")
