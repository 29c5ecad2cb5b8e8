"""The fail points in the code are the ones that the chaos run arms."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from sync import fail_points
from tests.chaos.nemesis import FAIL_POINTS, HELPED_BY

SYNC = Path(__file__).parents[3] / "sync"


def points_in_code() -> list[str]:
    """Every name with which `reach` is called."""
    found = []
    for path in sorted(SYNC.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "fail_points.reach":
                (name,) = node.args
                assert isinstance(name, ast.Constant), f"{path}: a name that is not written out"
                found.append(str(name.value))
    return found


def test_every_fail_point_of_the_code_is_armed_and_no_other() -> None:
    """One that nobody arms proves nothing; one that nobody passes is never reached."""
    assert set(points_in_code()) == set(FAIL_POINTS)
    assert set(HELPED_BY) <= set(FAIL_POINTS)


@pytest.mark.parametrize(
    "said", ["push.asked", "push.asked:2", "push.asked:wait", "push.asked:sleep:long"]
)
def test_what_cannot_be_read_is_refused(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    """A fail point that is armed by mistake must not look like one that was never passed."""
    monkeypatch.setenv(fail_points.VARIABLE, said)

    with pytest.raises(fail_points.FailPointError):
        fail_points.arm_from_environment()
