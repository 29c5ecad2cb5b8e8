"""`milestone-sync schedule`: JSON in and out, streams, tables, and a start without the rest."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from config import schedules_folder
from milestone_engine.cases import REBALANCE_STEPS, lines_case, rebalance_case
from milestone_engine.lines_cases import LINES_STEPS
from sync.cli import json_lines
from sync.cli.main import app
from tests.unit.milestone_engine.test_cases import CASE, LINES, a_case

WRONG = a_case(("contract_total", 12000))


def run(*words: str, text: str = ""):
    """Run a command with this on its standard input."""
    return CliRunner().invoke(app, ["schedule", *words], input=text)


@pytest.fixture
def case_file(tmp_path: Path) -> str:
    """A file with the case of the design."""
    path = tmp_path / "case.json"
    path.write_text(json.dumps(CASE, indent=2), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("command", "case", "answer"),
    [("rebalance", CASE, rebalance_case), ("lines", LINES, lines_case)],
)
def test_one_case_is_answered_on_one_line(command, case, answer):
    """From standard input, whatever its layout."""
    ran = run(command, text=json.dumps(case, indent=2))

    assert ran.exit_code == 0
    assert ran.stdout.count("\n") == 1
    assert json.loads(ran.stdout) == answer(case)


def test_a_file_may_be_named(case_file):
    """With --json as with any command."""
    ran = run("rebalance", case_file, "--json")

    assert json.loads(ran.stdout) == rebalance_case(CASE)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param(json.dumps(WRONG), "money_text", id="wrong-case"),
        pytest.param("", "not_json", id="nothing"),
        pytest.param("{", "not_json", id="half"),
        pytest.param('{"contract_total": NaN}', "not_json", id="nan-is-not-json"),
        pytest.param("[" * 100_000, "not_json", id="deep"),
        pytest.param("[]", "wrong_type", id="no-object"),
    ],
)
def test_one_wrong_case_is_an_error_object(text, code):
    """On standard output, exit 2."""
    ran = run("rebalance", text=text)

    assert ran.exit_code == 2
    assert json.loads(ran.stdout)["error"]["code"] == code


def test_a_file_that_is_not_there_is_an_error_object(tmp_path):
    """It names the file."""
    ran = run("lines", str(tmp_path / "none.json"))

    assert ran.exit_code == 2
    assert json.loads(ran.stdout)["error"]["code"] == "not_readable"


def test_a_stream_is_answered_line_by_line():
    """Blank lines are passed over, a wrong case has its error on its line, and the run goes on."""
    lines = [json.dumps(CASE), "", json.dumps(WRONG), "  ", "{", json.dumps(CASE) + "\r"]

    ran = run("rebalance", "--jsonl", text="\n".join(lines))

    found = [json.loads(line) for line in ran.stdout.splitlines()]
    assert ran.exit_code == 1
    assert [found[0], found[3]] == [rebalance_case(CASE)] * 2
    assert [one["error"]["code"] for one in found[1:3]] == ["money_text", "not_json"]


def test_a_stream_without_faults_exits_0():
    """An empty one too."""
    assert run("lines", "--jsonl", text=json.dumps(LINES) + "\n").exit_code == 0
    assert run("lines", "--jsonl").exit_code == 0


class Trickle(io.BytesIO):
    """A source that gives a few bytes at a time, as a slow sender does."""

    def read1(self, size: int | None = -1) -> bytes:
        """Give seven bytes at most."""
        return self.read(7)


def test_lines_may_come_in_pieces():
    """Cut anywhere, with a byte order mark in front and no newline at the end."""
    text = b"\xef\xbb\xbf" + b"\n\n".join([json.dumps(LINES).encode()] * 3)
    sink = io.BytesIO()

    assert json_lines.answer_stream(Trickle(text), sink, LINES_STEPS)

    assert [json.loads(line) for line in sink.getvalue().splitlines()] == [lines_case(LINES)] * 3


def test_helpers_answer_in_order(monkeypatch):
    """Long streams are shared among processes; nobody sees it."""
    monkeypatch.setattr(json_lines, "HELP_AFTER_BYTES", 1)
    monkeypatch.setattr(json_lines, "CHUNK_BYTES", 10_000)
    monkeypatch.setattr(json_lines, "SMALL_BYTES", 1)
    monkeypatch.setattr(json_lines, "_cores", lambda: 2)
    totals = range(12_000, 12_300)
    cases = [a_case(("contract_total", str(total))) for total in totals]
    cases[250] = WRONG
    sink = io.BytesIO()

    text = "\n".join(map(json.dumps, cases)).encode()
    assert not json_lines.answer_stream(io.BytesIO(text), sink, REBALANCE_STEPS)

    found = [json.loads(line) for line in sink.getvalue().splitlines()]
    assert found[250]["error"]["code"] == "money_text"
    del found[250], cases[250]
    assert found == [rebalance_case(case) for case in cases]


def test_who_asks_and_waits_is_answered():
    """The answer to a line is there before the next one is sent."""
    words = [sys.executable, "-m", "sync.cli", "schedule", "rebalance", "--jsonl"]
    asked = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert asked.stdin is not None
    assert asked.stdout is not None

    for _ in range(3):
        asked.stdin.write(json.dumps(CASE).encode() + b"\n")
        asked.stdin.flush()
        assert json.loads(asked.stdout.readline()) == rebalance_case(CASE)

    asked.communicate(timeout=20)
    assert asked.returncode == 0


def test_who_has_read_enough_may_leave(tmp_path):
    """A reader that goes away is no traceback."""
    words = [sys.executable, "-m", "sync.cli", "schedule", "rebalance", "--jsonl"]
    path = tmp_path / "cases.jsonl"
    path.write_text((json.dumps(CASE) + "\n") * 2_000, encoding="utf-8")
    with (
        path.open("rb") as source,
        subprocess.Popen(
            words, stdin=source, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as asked,
    ):
        assert asked.stdout is not None
        assert asked.stderr is not None
        asked.stdout.close()

        assert asked.wait(timeout=20) == 1
        assert asked.stderr.read() == b""


def test_explain_shows_the_derivation(case_file):
    """What is shared, and how each amount was made of it."""
    ran = run("rebalance", case_file, "--explain")

    assert ran.exit_code == 0
    assert "12,000.00 - 2,500.00 locked - 500.00 pinned = 9,000.00 to share" in ran.stdout
    assert "75/75 of 9,000.00" in ran.stdout
    assert "fixed at 500.00" in ran.stdout


def test_explain_is_for_one_case(case_file):
    """A stream of tables serves nobody."""
    assert run("rebalance", case_file, "--explain", "--jsonl").exit_code == 2


@pytest.mark.parametrize("path", sorted(schedules_folder().glob("*.yaml")), ids=lambda p: p.stem)
def test_every_template_of_the_package_is_right(path):
    """Shown as a table, or as JSON."""
    shown, told = run("check", str(path)), run("check", str(path), "--json")

    assert (shown.exit_code, told.exit_code) == (0, 0)
    answer = json.loads(told.stdout)
    assert answer["template"] == path.stem
    for milestone in answer["milestones"]:
        assert milestone["label"].split()[0] in shown.stdout


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        pytest.param("a.yaml", "milestones: [", "not_yaml", id="not-yaml"),
        pytest.param("a.yaml", "milestones:\n- {label: A, percent: 99, after: approved}",
                     "percent_sum at milestones[0].basis", id="percents"),
        pytest.param("a.yml", "milestones:\n- {label: A, percent: 33.5, after: approved}",
                     "float_number at milestones[0].percent", id="float"),
        pytest.param("a.json", json.dumps(WRONG), "money_text at contract_total", id="case"),
        pytest.param("a.json", json.dumps(a_case(("lines.0.id", ""), base=LINES)),
                     "wrong_type at lines[0].id", id="lines"),
        pytest.param("a.json", "", "not_json", id="not-json"),
    ],
)  # fmt: skip
def test_check_says_what_is_wrong_and_where(tmp_path, name, text, said):
    """Exit 2, for people in a line and for programs as the error object."""
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")

    shown, told = run("check", str(path)), run("check", str(path), "--json")

    assert (shown.exit_code, told.exit_code) == (2, 2)
    assert shown.stdout.startswith(said)
    assert json.loads(told.stdout)["error"]["code"] == said.split()[0].strip(":")


@pytest.mark.parametrize("case", [CASE, LINES])
def test_check_shows_a_case(tmp_path, case):
    """Milestones with amounts; for lines one column each."""
    path = tmp_path / "case.json"
    path.write_text(json.dumps(case), encoding="utf-8")

    ran = run("check", str(path))

    assert ran.exit_code == 0
    assert "m2" in ran.stdout
    assert "4,200.00" in ran.stdout or "9,000.00" in ran.stdout


def test_compare_shows_six_rules(case_file):
    """Ours and the field's, and what is wrong with each."""
    shown, told = run("compare", case_file), run("compare", case_file, "--json")

    rules = [one["rule"] for one in json.loads(told.stdout)["rules"]]
    assert rules[0] == "ours"
    assert len(rules) == 6
    assert all(rule in shown.stdout for rule in rules)
    assert "twice" in shown.stdout


def test_compare_refuses_what_rebalance_refuses():
    """The error object, exit 2."""
    ran = run("compare", "-", text=json.dumps(WRONG))

    assert ran.exit_code == 2
    assert json.loads(ran.stdout)["error"]["code"] == "money_text"


def test_the_engine_alone_starts_without_the_rest():
    """No database, web, queue, settings or QuickBooks client is imported for it."""
    code = (
        "import sys; sys.argv = ['milestone-sync', 'schedule', 'rebalance']\n"
        "from sync.cli.main import main\n"
        "try: main()\n"
        "except SystemExit as end: print(end.code or 0)\n"
        "print(*sorted({name.split('.')[0] for name in sys.modules}))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], input=json.dumps(CASE), capture_output=True, text=True
    )

    answer, code, modules = ran.stdout.splitlines()
    assert json.loads(answer) == rebalance_case(CASE)
    assert code == "0"
    heavy = {"sqlalchemy", "fastapi", "dramatiq", "redis", "quickbooks", "httpx",
             "babel", "config", "mapping", "sandbox", "yaml"}  # fmt: skip
    assert not heavy & set(modules.split())


def test_the_page_of_help_has_every_command():
    """Those that are imported late too, each once and in the same order however it was asked."""
    found = typer.main.get_command(app)
    found.commands["schedule"]  # asked for alone first

    names = list(found.commands)

    assert names[-1] == "schedule"
    assert {"demo", "up", "sync", "plan", "jobs", "job", "event"} <= set(names)
    assert len(names) == len(set(names)) == len(found.commands)
    shown = CliRunner().invoke(app, ["--help"])
    assert shown.exit_code == 0
    assert all(f" {name} " in shown.stdout for name in names)
