"""Bad input on the command line: whatever comes in, a line has its answer or its error object."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from milestone_engine import REMEDIES
from milestone_engine.cases import REBALANCE_STEPS
from milestone_engine.lines_cases import LINES_STEPS, MAX_CELLS
from milestone_engine.readers import CASE_REMEDIES
from sync.cli import json_lines
from sync.cli.main import app

CODES = REMEDIES.keys() | CASE_REMEDIES.keys()

#: Every key that a case may have.
FULL = {
    "currency": "USD",
    "contract_total": "100.00",
    "on_invoiced": "revise",
    "cash_step": "0.05",
    "retainage": {"percent": "10", "after_half": "5"},
    "milestones": [
        {"id": "m1", "basis": {"percent": "50"}, "billed": "50.00", "paid": "10.00",
         "pinned": "60.00", "held": True, "cap": "100.00", "extra": "1.00", "label": "Deposit"},
        {"id": "m2", "basis": {"percent": "50"}},
    ],
}  # fmt: skip
FULL_LINES = {
    "currency": "USD",
    "lines": [{"id": "a", "amount": "10.00"}, {"id": "b", "amount": "-1.00"}],
    "milestones": [{"id": "m", "amount": "8.00"}],
    "already": [{"milestone": "x", "line": "a", "amount": "1.00"}],
}
COMMANDS = {"rebalance": (FULL, REBALANCE_STEPS), "lines": (FULL_LINES, LINES_STEPS)}

#: JSON values, some of them no JSON, that are put in every place of a case.
WRONG_VALUES = [
    "null", "[]", "{}", "true", "5", "-5", "1.5", "-0", "1e400", "9" * 400, "-" + "9" * 5_000,
    "18446744073709551616", "NaN", "Infinity", "-Infinity", "[[[[{}]]]]", "[" * 100_000, '""',
    '"NaN"', '"-0"', '"1e5"', '"+5"', '" 5 "', '"5."', '".5"', '"5\\n"', '"1,000.00"', '"1_000"',
    '"0x10"', '"\u0665\u0666"', '"\u00b2"', '"\uff15"', '"1\u066b00"', '"\\ud800"', '"\\u0000"',
    '"' + "1" * 100_000 + '"', '"1' + "0" * 30 + '"', '"999999999999999.99"', '"\U0001f600"',
]  # fmt: skip

#: Lines that are no case at all, or one in an unusual dress.
WRONG_LINES = [
    b"[" * 100_000, b'{"a":' * 100_000, b"x", b"//", b"\x00", b"\xff\xfe", b"\xed\xa0\x80",
    "\u00a0".encode(), '{"currency": "USD"}'.encode("utf-16-le").replace(b"\n", b""),
    b'{"":1}', b'{"' + b"k" * 100_000 + b'":1}', b"{} {}", b'"', b"tru", b"\xef\xbb\xbf{}",
]  # fmt: skip


def places(value: object, at: tuple = ()) -> Iterator[tuple]:
    """Every place of a case, the case itself aside."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, one in list(inner):
        yield (*at, key)
        if isinstance(one, dict | list):
            yield from places(one, (*at, key))


def with_raw(case: dict, at: tuple, raw: str) -> bytes:
    """Return a case as text with this text in one of its places."""
    changed = json.loads(json.dumps(case))
    inner = changed
    for key in at[:-1]:
        inner = inner[key]
    inner[at[-1]] = "@@@"
    return json.dumps(changed).replace('"@@@"', raw).encode()


def streamed(command: str, text: bytes) -> list[dict]:
    """Return what comes out of a stream, and hold it to its promises."""
    sink = io.BytesIO()
    is_right = json_lines.answer_stream(io.BytesIO(text), sink, COMMANDS[command][1])
    answers = [json.loads(line) for line in sink.getvalue().splitlines()]
    lines = [line for line in text.removeprefix(b"\xef\xbb\xbf").split(b"\n") if line.strip()]
    assert len(answers) == len(lines)
    assert is_right == all("error" not in answer for answer in answers)
    for answer in answers:
        check_refusal(answer)
    return answers


def check_refusal(answer: dict) -> None:
    """Hold an error object to the published form."""
    if "error" not in answer:
        return
    assert list(answer["error"]) == ["code", "message", "at"]
    assert answer["error"]["code"] in CODES
    assert len(answer["error"]["message"]) < 500
    assert answer["error"]["at"] is None or 0 < len(answer["error"]["at"]) < 100


@pytest.mark.parametrize("command", COMMANDS)
def test_every_wrong_value_in_every_place_is_answered(command):
    """With an answer or an error object, line by line."""
    case = COMMANDS[command][0]
    rows = [with_raw(case, at, raw) for at in places(case) for raw in WRONG_VALUES]

    answers = streamed(command, b"\n".join([*rows, *WRONG_LINES, json.dumps(case).encode()]))

    assert "error" not in answers[-1]
    wrong = answers[len(rows) : -1]
    assert all("error" in answer for answer in wrong)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    "dress",
    [
        pytest.param(lambda text: b"\xef\xbb\xbf" + text, id="byte-order-mark"),
        pytest.param(lambda text: text.replace(b"\n", b"\r\n"), id="crlf"),
        pytest.param(lambda text: b"\n \n\t\n" + text + b"\n\n", id="blank-lines"),
        pytest.param(lambda text: text.rstrip(b"\n"), id="no-newline-at-the-end"),
        pytest.param(lambda text: text.replace(b", ", b",\t  "), id="blanks"),
    ],
)
def test_another_dress_of_a_stream_is_the_same_stream(command, dress):
    """Ends of lines, marks and blanks mean nothing."""
    text = (json.dumps(COMMANDS[command][0]) + "\n").encode() * 3

    assert streamed(command, dress(text)) == streamed(command, text)


@settings(max_examples=300, deadline=None)
@given(st.data(), st.sampled_from(sorted(COMMANDS)))
def test_bytes_changed_anywhere_are_answered(data, command):
    """Some bytes of a right case taken out, put in or exchanged."""
    text = bytearray(json.dumps(COMMANDS[command][0]).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(start + 6, len(text))))
        text[start:end] = data.draw(
            st.binary(max_size=3) | st.sampled_from([b"\n", b'"', b"{", b"null", b"9" * 30, b"-"])
        )

    streamed(command, bytes(text))


def test_ten_thousand_milestones_are_a_case_like_any():
    """Sum exact; for lines there is a limit to the table."""
    many = [{"id": f"m{place}", "basis": {"parts": 1}} for place in range(10_000)]
    case = {"currency": "USD", "contract_total": "1000000.01", "milestones": many}
    rows = [{"id": f"m{place}", "amount": "1.00"} for place in range(MAX_CELLS // 1_000 + 1)]
    table = {"currency": "USD", "lines": rows, "milestones": rows}

    (answer,) = streamed("rebalance", json.dumps(case).encode())
    (refused,) = streamed("lines", json.dumps(table).encode())

    assert answer["milestones"][-1]["amount"] == "100.01"
    assert refused["error"]["code"] == "too_many_cells"


@pytest.mark.parametrize("command", ["check", "rebalance", "compare", "lines"])
def test_one_wrong_case_is_refused_in_every_command(command, tmp_path):
    """Exit 2 with a published code, never a traceback; a right one exits 0."""
    path = tmp_path / "case.json"
    case = FULL_LINES if command == "lines" else FULL
    rows = [with_raw(case, at, raw) for at in places(case) for raw in WRONG_VALUES[::3]]
    for text in [*rows[::3], *WRONG_LINES, json.dumps(case).encode()]:
        path.write_bytes(text)

        ran = CliRunner().invoke(app, ["schedule", command, str(path), "--json"])

        answer = json.loads(ran.stdout)
        assert ran.exit_code == (2 if "error" in answer else 0), text[:200]
        check_refusal(answer)


def test_a_line_of_fifty_megabytes_is_a_line(tmp_path):
    """The real command: refused in its place, the next line answered, exit 1."""
    path = tmp_path / "cases.jsonl"
    long = b'{"currency":"' + b"x" * 50_000_000 + b'"}\n'
    path.write_bytes(long + json.dumps(FULL).encode())
    words = [sys.executable, "-m", "sync.cli", "schedule", "rebalance", "--jsonl", str(path)]

    ran = subprocess.run(words, capture_output=True, timeout=60)

    first, second = (json.loads(line) for line in ran.stdout.splitlines())
    assert (ran.returncode, ran.stderr) == (1, b"")
    assert first["error"]["code"] == "currency_unknown"
    assert "milestones" in second


@pytest.mark.parametrize("command", ["check", "compare", "rebalance"])
def test_a_file_name_that_is_no_utf_8_is_refused(command):
    """It is shown as well as it can be."""
    words = [sys.executable, "-m", "sync.cli", "schedule", command, b"/none/\xff.json"]

    ran = subprocess.run(words, capture_output=True, timeout=60)

    assert ran.returncode == 2
    assert b"not_readable" in ran.stdout
    assert ran.stderr == b""


@pytest.mark.parametrize("words", [["check"], ["compare"], ["rebalance", "--explain"]])
def test_a_terminal_without_the_letters_shows_the_table(words, tmp_path):
    """Ids are free text, and not every terminal has all of it."""
    path = tmp_path / "case.json"
    milestones = [{"id": "\U0001f600", "basis": {"parts": 1}}]
    case = {"currency": "USD", "contract_total": "1.00", "milestones": milestones}
    path.write_text(json.dumps(case), encoding="utf-8")

    ran = subprocess.run(
        [sys.executable, "-m", "sync.cli", "schedule", *words, str(path)],
        capture_output=True,
        env={"PYTHONIOENCODING": "latin-1"},
        timeout=60,
    )

    assert (ran.returncode, ran.stderr) == (0, b"")
    assert rb"\U0001f600" in ran.stdout
