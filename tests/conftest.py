"""Real PostgreSQL and Redis for every test that needs them: started here, on free ports, ended by
process id.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.house import House, Services, open_house, start_services

# A machine at work is slow now and then: time is measured in benchmarks/, not here.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


#: They take longest; begun last, one worker would wait for the other.
FIRST = ("test_up.py", "test_demo.py", "test_small_worlds.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest; the order of all others stays."""
    items.sort(key=lambda item: FIRST.index(item.path.name) if item.path.name in FIRST else 9)


@pytest.fixture(scope="session")
def services() -> Iterator[Services]:
    """PostgreSQL and Redis, once per session."""
    with tempfile.TemporaryDirectory(prefix="milestone-sync-test-") as folder:
        running = start_services(Path(folder))
        try:
            yield running
        finally:
            running.stop()


@pytest.fixture
def house(services: Services, tmp_path: Path) -> Iterator[House]:
    """One installation on an empty database, connected to a sandbox of its own; no workers run."""
    with open_house(services, tmp_path) as opened:
        yield opened
