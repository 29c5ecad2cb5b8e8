"""Named places at which a crash matters. Nothing happens there unless one is armed, by the chaos
run (`tests/chaos`), before the process starts.

`MILESTONE_SYNC_FAIL_POINT=push.answered:exit` ends the process as `kill -9` would, the first time
it passes there; `push.answered:3:exit` the third time; `push.answered:sleep:20` waits there once.
"""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass, field

VARIABLE = "MILESTONE_SYNC_FAIL_POINT"
#: What a shell says of a process that was killed by signal 9.
EXIT_CODE = 137


class FailPointError(Exception):
    """The variable cannot be read. The message says what is expected."""


@dataclass(slots=True)
class _Armed:
    name: str
    nth: int
    sleep_s: float | None  #: None: the process ends
    passed: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def reach(self, name: str) -> None:
        if name != self.name:
            return
        with self.lock:
            self.passed += 1
            is_turn = self.passed == self.nth
        if not is_turn:
            return
        if self.sleep_s is None:
            os._exit(EXIT_CODE)
        time.sleep(self.sleep_s)


_armed: _Armed | None = None


def reach(name: str) -> None:
    """Pass a named place. Costs one look at a variable while nothing is armed."""
    if _armed is not None:
        _armed.reach(name)


def arm_from_environment() -> None:
    """Arm what the environment names, once, when a process of ours begins.

    Raises:
        FailPointError: the variable is set and cannot be read.
    """
    global _armed
    said = os.environ.get(VARIABLE, "")
    _armed = _read(said) if said else None


def _read(said: str) -> _Armed:
    name, *rest = said.split(":")
    nth = int(rest.pop(0)) if rest and rest[0].isdigit() else 1
    try:
        if rest == ["exit"]:
            return _Armed(name, nth, None)
        word, seconds = rest
        if word == "sleep":
            return _Armed(name, nth, float(seconds))
    except ValueError:
        pass
    raise FailPointError(f"{VARIABLE} must be NAME:exit, NAME:3:exit or NAME:sleep:SECONDS")
