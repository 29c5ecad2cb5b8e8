"""Every line of the checklist is somewhere: tested here, elsewhere, or its part is not there.

A part that appears without its test makes this file fail.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import typer
from fastapi.routing import APIRoute
from typer.core import TyperGroup

from sync.bootstrap import App
from sync.cli.main import app as cli
from sync.web import connect, portal, webhooks
from tests.house import House

ROOT = Path(__file__).parents[2]

#: Line -> the test that holds it, where that stands outside of this folder.
ELSEWHERE = {
    "S16": "test_foreign_keys_carry_the_company",
    "S17": "test_a_message_holds_ids_alone",
    "S22": "test_a_reconnect_of_one_company_binds_no_other",
    "S23": "test_what_is_sealed_opens_for_its_purpose_alone",
    "S29": "test_a_peer_below_tls_1_2_is_refused",
    "S39": "test_a_call_that_may_have_arrived_is_unknown",
    "S43": "test_the_journal_is_verified_and_a_past_day_is_shown",
    "S45": "test_the_file_is_sealed",
    "S42": "test_a_company_that_leaves_takes_everything_along",
}
#: Line -> why there is no test yet, and the words of a route, command or setting that would need
#: one.
NOT_YET = {
    "S10": ("a 303 to a cookie session: the page has no form and no second page", ("session",)),
    "S26": ("secrets from files", ("secret_file", "secrets_dir")),
    "S34": ("mails to contractors that can be unsubscribed", ("unsubscribe", "digest")),
    "S35": ("export to a spreadsheet", ("csv", "xlsx", "export")),
    "S36": ("forms that change something", ("board", "ops", "api")),
    "S37": ("a view for the people who run it", ("board", "ops", "admin")),
    "S38": ("buttons", ("board", "ops", "approve/")),
    "S44": ("a gate that knows advisories: no network in the tests", ("audit", "sbom")),
    "S46": ("an independent checker's view: nobody has looked", ()),
}


def words_of_the_program(app: App) -> Iterator[str]:
    """Every route, command and setting."""
    for module in (webhooks, connect, portal):
        yield from (one.path for one in module.router(app).routes if isinstance(one, APIRoute))
    root = typer.main.get_command(cli)
    assert isinstance(root, TyperGroup)
    for name, command in root.commands.items():
        yield name
        if isinstance(command, TyperGroup):
            yield from (f"{name} {inner}" for inner in command.commands)
    yield from type(app.settings).model_fields


def test_no_part_has_appeared_without_its_test(house: House) -> None:
    """Whoever adds `/board`, `/ops`, `/api`, an export or a backup writes their tests first."""
    words = list(words_of_the_program(house.app))
    tested = numbers_tested()
    for line, (_, signs) in NOT_YET.items():
        found = [word for word in words for sign in signs if re.search(rf"\b{sign}", word)]
        assert not found or line in tested, f"{line} needs its test now: {found}"


def test_every_line_of_the_checklist_is_somewhere() -> None:
    """S1 to S46: in this folder, elsewhere under a name that exists, or on the list."""
    tests = "\n".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")
    )
    known = numbers_tested() | set(ELSEWHERE) | set(NOT_YET)

    assert {f"S{number}" for number in range(1, 47)} - known == set()
    assert [name for name in ELSEWHERE.values() if f"def {name}(" not in tests] == []


def numbers_tested() -> set[str]:
    """The lines that have a test in this folder, read off the names of the tests."""
    found: set[str] = set()
    for path in Path(__file__).parent.glob("test_*.py"):
        for name in re.findall(r"def test_(s\d\d\w*)\(", path.read_text(encoding="utf-8")):
            through = re.match(r"s(\d\d)_to_s(\d\d)", name)
            if through:
                found |= {f"S{one}" for one in range(int(through[1]), int(through[2]) + 1)}
            found |= {f"S{int(one)}" for one in re.findall(r"s(\d\d)_", name)}
    return found
