"""PostgreSQL and Redis as our own children: where they are kept, what a killed one leaves."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from sync import embedded
from sync.supervisor import Child, Supervisor, SupervisorError, end_leftovers, started
from tests.house import until


@pytest.fixture
def folder() -> Iterator[Path]:
    """A temporary folder that other users can pass through."""
    with tempfile.TemporaryDirectory(prefix="milestone-sync-embedded-") as made:
        yield embedded.open_folder(Path(made))


def supervisor(folder: Path) -> Supervisor:
    """A supervisor whose logs and ids stand in the folder."""
    return Supervisor(log_folder=folder / "logs", pid_file=folder / "pids.json")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has another user to run PostgreSQL as")
def test_a_folder_that_postgres_user_cannot_reach_works_too(folder: Path) -> None:
    """Its parents are closed to others: the cluster is kept elsewhere, and a file says where."""
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    home = embedded.open_folder(closed / "data")
    secrets = embedded.open_secrets(home)
    running = supervisor(home)
    try:
        running.start(embedded.postgres_child(home, secrets))
        embedded.prepare_postgres(secrets)
        with psycopg.connect(secrets.postgres_url("milestone_app")) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        running.stop()
    elsewhere = Path((home / embedded.ELSEWHERE).read_text().strip())
    assert (elsewhere / "postgres" / "PG_VERSION").exists()

    # The same path, made anew: the old cluster and its passwords are not in the way.
    shutil.rmtree(home)
    anew = embedded.open_folder(home)
    embedded.postgres_child(anew, embedded.open_secrets(anew))
    embedded.remove_folder(anew)
    assert not elsewhere.exists()


def test_secrets_are_for_their_owner_and_stay_the_same(folder: Path) -> None:
    """Passwords and keys survive a restart; ports too, while nobody else took them."""
    first = embedded.open_secrets(folder)

    assert embedded.open_secrets(folder) == first
    assert (folder / "secrets.json").stat().st_mode & 0o077 == 0
    assert len({first.admin_password, first.app_password, first.secret_key}) == 3


def test_a_stranger_with_no_password_is_refused(folder: Path) -> None:
    """Loopback is shared by everybody on the machine: both services ask for a password."""
    secrets = embedded.open_secrets(folder)
    running = supervisor(folder)
    try:
        running.start(embedded.postgres_child(folder, secrets))
        wrong = f"postgresql://milestone_admin:x@127.0.0.1:{secrets.postgres_port}/postgres"
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(wrong)
    finally:
        running.stop()


def test_a_killed_child_is_started_again(folder: Path) -> None:
    """By process id; whoever wants to know of the death is told."""
    deaths: list[tuple[str, int]] = []
    running = Supervisor(
        log_folder=folder / "logs",
        pid_file=folder / "pids.json",
        on_death=lambda role, pid: deaths.append((role, pid)),
    )
    running.start(Child(role="sleeper", command=["sleep", "60"]))
    pid = running.pids()["sleeper"]
    try:
        os.kill(pid, signal.SIGKILL)
        until(lambda: running.watch(), timeout_s=10, what="the restart")
        assert running.pids()["sleeper"] != pid
        assert deaths == [("sleeper", pid)]
    finally:
        running.stop()


def test_a_child_that_does_not_come_up_is_named_with_its_last_words(folder: Path) -> None:
    """One line that says which child, and what it said."""
    child = Child(
        role="broken", command=["sh", "-c", "echo no disk >&2; exit 3"], is_ready=lambda: False
    )
    running = supervisor(folder)
    with pytest.raises(SupervisorError, match="broken did not start: no disk"):
        running.start(child)
    running.stop()


def test_leftovers_are_ended_by_id_and_age(folder: Path) -> None:
    """A process that merely has the id of an old child is left alone."""
    running = supervisor(folder)
    running.start(Child(role="sleeper", command=["sleep", "60"]))
    pid = running.pids()["sleeper"]
    pid_file = folder / "pids.json"
    text = pid_file.read_text()

    pid_file.write_text(text.replace(str(started(pid)), "1"))
    end_leftovers(pid_file)
    assert started(pid) is not None

    pid_file.write_text(text)
    end_leftovers(pid_file)
    until(lambda: started(pid) is None, timeout_s=10, what="the end of the leftover")
    running.stop()
