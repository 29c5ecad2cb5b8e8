"""`milestone-sync demo`: the story told, tied out, and nothing left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path


def test_the_demo_ties_out_and_leaves_nothing_running() -> None:
    """Under a minute, exit 0, every cent; a worker was killed on the way; no process stays."""
    with tempfile.TemporaryDirectory(prefix="milestone-sync-demo-") as folder:
        ran = subprocess.run(
            [sys.executable, "-m", "sync.cli", "demo", "--json"],
            capture_output=True,
            text=True,
            timeout=110,
            env={**os.environ, "TMPDIR": folder},
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        told = json.loads(ran.stdout)
        assert told["exact"] is True
        assert told["contract_total"] == "13400.00"
        assert told["seconds"] < 60
        assert told["killed"].startswith("worker ")
        assert [(one["number"], one["schedule"], one["open"]) for one in told["invoices"]] == [
            ("2001-M1", "3000.00", "0.00"),
            ("2001-M2", "3466.67", "0.00"),
            ("2001-M3", "6933.33", "0.00"),
        ]
        assert running_in(folder) == []
        assert list(Path(folder).iterdir()) == []


def running_in(folder: str) -> list[str]:
    """Processes whose command line names the folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                words = (entry / "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if folder in words:
                found.append(words)
    return found
