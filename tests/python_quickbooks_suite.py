"""Runs the integration suite of python-quickbooks, unchanged, against a sandbox of its own:

    python -m tests.python_quickbooks_suite FOLDER

FOLDER is a checkout of github.com/ej2/python-quickbooks; nothing of it is copied or changed. The
suite is told where to go as its authors mean it: four environment variables, and three settings
made before it imports anything (`docs/sandbox.md`).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
COMPANY = ROOT / "sandbox" / "companies" / "sampler.json"
PLUGIN = "point_at_sandbox"
SUITE_WITHIN_S = 900
LATENCY_MS = 300

#: The three settings, as a pytest plugin outside the suite's folder.
PLUGIN_TEXT = """
import os
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
import intuitlib.config
intuitlib.config.DISCOVERY_URL["sandbox"] = os.environ["SANDBOX_DISCOVERY_URL"]
from quickbooks.client import QuickBooks
QuickBooks.sandbox_api_url_v3 = os.environ["SANDBOX_QUICKBOOKS_URL"]
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the suite, say how it went; 0 if every test passed."""
    options = _parser().parse_args(arguments)
    suite = options.folder.resolve()
    if not (suite / "tests" / "integration").is_dir():
        sys.stderr.write(f"{suite} has no tests/integration: is it a python-quickbooks checkout?\n")
        return 2
    with tempfile.TemporaryDirectory(prefix="python-quickbooks-suite-") as scratch:
        outcome = run_suite(suite, Path(scratch), extra=options.pytest)
    sys.stdout.write(f"{json.dumps(outcome)}\n")
    return 0 if outcome["failed"] == 0 and outcome["passed"] else 1


def run_suite(suite: Path, scratch: Path, *, extra: list[str]) -> dict[str, Any]:
    """Run a suite's folder against a fresh sandbox; return passed, failed and the failures' names.

    Args:
        scratch: an empty folder for the sandbox's books and the plugin.
        extra: further arguments for pytest, such as `-k invoice`.
    """
    command = [sys.executable, "-m", "sandbox", "--data", str(scratch / "books"), "--json"]
    sandbox = subprocess.Popen(
        [*command, "--company", str(COMPANY)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert sandbox.stdout is not None
        facts = json.loads(sandbox.stdout.readline())
        _move_away(facts)
        return _run_pytest(suite, scratch, facts, extra)
    finally:
        sandbox.terminate()
        sandbox.wait(10)


def _move_away(facts: Mapping[str, Any]) -> None:
    """Make the sandbox as slow as Intuit is from afar: the suite names what it creates after the
    second of creation, and counts on its tests being seconds apart.
    """
    request = urllib.request.Request(
        f"{facts['sandbox_url']}/sandbox/settings",
        data=json.dumps({"latency_ms": LATENCY_MS}).encode(),
        headers={"Content-Type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=10).close()


def _run_pytest(
    suite: Path, scratch: Path, facts: Mapping[str, Any], extra: list[str]
) -> dict[str, Any]:
    (scratch / f"{PLUGIN}.py").write_text(PLUGIN_TEXT)
    report = scratch / "report.xml"
    environment = {
        **os.environ,
        "PYTHONPATH": f"{suite}{os.pathsep}{scratch}",
        "CLIENT_ID": facts["client_id"],
        "CLIENT_SECRET": facts["client_secret"],
        "COMPANY_ID": facts["realm_id"],
        "REFRESH_TOKEN": facts["refresh_token"],
        "SANDBOX_DISCOVERY_URL": facts["discovery_url"],
        "SANDBOX_QUICKBOOKS_URL": facts["quickbooks_url"],
    }
    command = [sys.executable, "-m", "pytest", "-p", PLUGIN, "-p", "no:cacheprovider", "-q"]
    command += [f"--junitxml={report}", f"--rootdir={suite}", "-c", os.devnull]
    subprocess.run(
        [*command, *extra, "tests/integration"],
        cwd=suite,
        env={**environment, "PYTHONDONTWRITEBYTECODE": "1"},
        timeout=SUITE_WITHIN_S,
        check=False,
    )
    return _read_report(report)


def _read_report(report: Path) -> dict[str, Any]:
    passed, failures = 0, []
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failures.append(f"{case.get('classname')}.{case.get('name')}")
        elif case.find("skipped") is None:
            passed += 1
    return {"passed": passed, "failed": len(failures), "failures": failures}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.python_quickbooks_suite")
    parser.add_argument("folder", type=Path, help="a checkout of ej2/python-quickbooks")
    parser.add_argument("pytest", nargs="*", help="further arguments for pytest, after --")
    return parser


if __name__ == "__main__":
    sys.exit(main())
