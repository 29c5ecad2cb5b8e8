"""Child processes: start, watch, restart, end. By process id, never by name.

A child dies with us even when we are killed (the kernel is asked to see to it), and a next start on
the same data folder ends whatever still runs of an earlier one.
"""

from __future__ import annotations

import ctypes
import json
import logging
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

logger = logging.getLogger(__name__)

START_TIMEOUT_S = 60.0
#: Longer than a worker's grace: what it has under way may finish.
STOP_TIMEOUT_S = 40.0
RESTART_DELAY_S = 0.2
#: A child that keeps dying is restarted ever more slowly, up to this.
RESTART_DELAY_S_MAX = 5.0
_PR_SET_PDEATHSIG = 1


class SupervisorError(Exception):
    """A child did not come up. The message names it and the end of its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """How one child process is run."""

    role: str
    command: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    is_ready: Callable[[], bool] = lambda: True
    before_restart: Callable[[], None] = lambda: None


@dataclass(slots=True)
class _Running:
    child: Child
    process: subprocess.Popen[bytes]
    started_at: float
    delay_s: float = RESTART_DELAY_S
    restart_at: float | None = None


class Supervisor:
    """Keeps children running, in the order they were started; ends them in reverse."""

    def __init__(
        self,
        *,
        log_folder: Path,
        pid_file: Path,
        on_death: Callable[[str, int], None] = lambda role, pid: None,
    ) -> None:
        """Say where logs and process ids go, and who wants to know of a death (role, pid)."""
        self._log_folder = log_folder
        self._pid_file = pid_file
        self._on_death = on_death
        self._running: dict[str, _Running] = {}
        self._batches: list[list[str]] = []

    def start(self, *children: Child) -> None:
        """Start children side by side and wait until each is ready."""
        self._batches.append([child.role for child in children])
        for child in children:
            self._running[child.role] = _Running(child, self._spawn(child), time.monotonic())
            self._write_pids()
        for child in children:
            self._await_ready(child)

    def pids(self) -> dict[str, int]:
        """Tell the process id of every child by its role."""
        return {role: running.process.pid for role, running in self._running.items()}

    def exit_code(self, role: str) -> int | None:
        """Tell how a child's newest process ended; None while it runs."""
        return self._running[role].process.returncode

    def watch(self) -> bool:
        """Restart what died; tell whether any process id has changed."""
        changed = False
        for role, running in self._running.items():
            if running.restart_at is None and running.process.poll() is not None:
                self._note_death(role, running)
            if running.restart_at is not None and time.monotonic() >= running.restart_at:
                running.child.before_restart()
                running.process = self._spawn(running.child)
                running.started_at, running.restart_at = time.monotonic(), None
                self._write_pids()
                changed = True
        return changed

    def stop(self) -> None:
        """End every child, the last started first, each by its own signal; kill
        what does not go.
        """
        # What was started together ends together; what others stand on ends after them.
        for batch in reversed(self._batches):
            ending = [self._running.pop(role) for role in batch if role in self._running]
            for running in ending:
                if running.process.poll() is None:
                    running.process.send_signal(running.child.stop_signal)
            for running in ending:
                self._await_end(running.process)
        self._batches.clear()
        self._pid_file.unlink(missing_ok=True)

    def _spawn(self, child: Child) -> subprocess.Popen[bytes]:
        log = (self._log_folder / f"{child.role}.log").open("ab")
        with log:
            return subprocess.Popen(
                list(child.command),
                env={**os.environ, **child.env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                user=child.user,
                start_new_session=True,
                preexec_fn=_die_with_parent(child.stop_signal),
            )

    def _await_ready(self, child: Child) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not child.is_ready():
            running = self._running[child.role]
            if running.process.poll() is not None or time.monotonic() > deadline:
                raise SupervisorError(f"{child.role} did not start: {self._log_end(child.role)}")
            time.sleep(0.05)

    def _log_end(self, role: str) -> str:
        text = (self._log_folder / f"{role}.log").read_text(errors="replace")
        return " | ".join(text.strip().splitlines()[-3:]) or "its log is empty"

    def _note_death(self, role: str, running: _Running) -> None:
        lived_s = time.monotonic() - running.started_at
        running.delay_s = (
            RESTART_DELAY_S if lived_s > 10 else min(running.delay_s * 2, RESTART_DELAY_S_MAX)
        )
        running.restart_at = time.monotonic() + running.delay_s
        facts = {"child": role, "pid": running.process.pid, "exit": running.process.returncode}
        logger.warning("child.died", extra=facts)
        self._on_death(role, running.process.pid)

    def _await_end(self, process: subprocess.Popen[bytes]) -> None:
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _write_pids(self) -> None:
        known = {role: [pid, started(pid)] for role, pid in self.pids().items()}
        self._pid_file.write_text(json.dumps(known))


def end_leftovers(pid_file: Path) -> None:
    """End the children of an earlier run that was killed. A process id that was given to another
    since is left alone.
    """
    if not pid_file.exists():
        return
    left = [pid for pid, began in json.loads(pid_file.read_text()).values() if is_alive(pid, began)]
    for pid in left:
        _signal(pid, signal.SIGINT)
        _signal(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_TIMEOUT_S
    while any(started(pid) is not None for pid in left) and time.monotonic() < deadline:
        time.sleep(0.05)
    for pid in left:
        _signal(pid, signal.SIGKILL)
    pid_file.unlink(missing_ok=True)


def is_alive(pid: int, began: int | None) -> bool:
    """Tell whether the process that had this id and began then still runs."""
    return began is not None and started(pid) == began


def started(pid: int) -> int | None:
    """Tell when a process started (kernel ticks since boot): with the id, it names one process for
    ever.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return None
    return None if fields[0] == "Z" else int(fields[19])


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _die_with_parent(number: signal.Signals) -> Callable[[], None]:
    libc = ctypes.CDLL(None)

    def ask_kernel() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, int(number))

    return ask_kernel
