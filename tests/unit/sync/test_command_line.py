"""The command line's promises: exit codes, one line for what is wrong, no traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """Run a command with no installation anywhere near."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MILESTONE")}
    kept.pop("DATABASE_URL", None)
    return subprocess.run(
        [sys.executable, "-m", "sync.cli", *words],
        capture_output=True,
        text=True,
        timeout=60,
        env={**kept, "MILESTONE_SYNC_DATA": "/nonexistent"},
    )


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["bogus"], id="no-such-command"),
        pytest.param(["job", "show"], id="missing-argument"),
        pytest.param(["jobs", "--bogus"], id="no-such-option"),
        pytest.param(["jobs"], id="nothing-runs"),
        pytest.param(["sandbox", "clock", "sideways"], id="sandbox-verb"),
        pytest.param(["queue", "drop", "1"], id="missing-reason"),
    ],
)
def test_wrong_use_is_one_line_and_exit_2(words: list[str]) -> None:
    """And with --json an error object, on standard output."""
    plain = run(*words)
    assert plain.returncode == 2
    assert plain.stderr.startswith("milestone-sync: ")
    assert len(plain.stderr.splitlines()) == 1

    as_json = run(*words, "--json")
    assert as_json.returncode == 2
    assert set(json.loads(as_json.stdout)["error"]) == {"code", "message", "at"}
    assert "Traceback" not in as_json.stderr


def test_help_names_every_command() -> None:
    """What a newcomer types first."""
    shown = run("--help")
    assert shown.returncode == 0
    for word in ("demo", "up", "sync", "plan", "approve", "jobs", "job", "event", "report",
                 "queue", "sandbox", "worker", "dispatcher", "web"):  # fmt: skip
        assert word in shown.stdout
