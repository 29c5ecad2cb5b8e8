"""PostgreSQL for simulations: real, in a hurry, on a clock of ours."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import text

from sync import embedded
from sync.store.database import Database
from tests.house import Services, start_services
from tests.simulation.clock import OVERRIDE
from tests.simulation.database import SimDatabase
from tests.simulation.world import Databases


@contextmanager
def fast_services() -> Iterator[Services]:
    """Start PostgreSQL that does not wait for its disk: what is proved is our order of things."""
    with tempfile.TemporaryDirectory(prefix="milestone-sync-simulation-") as folder:
        os.chmod(folder, 0o755)
        services = start_services(Path(folder))
        try:
            for setting in ("fsync", "synchronous_commit", "full_page_writes", "autovacuum"):
                services.administer(f"ALTER SYSTEM SET {setting} = off")
            services.administer("SELECT pg_reload_conf()")
            yield services
        finally:
            services.stop()


@contextmanager
def databases(services: Services) -> Iterator[Databases]:
    """Make one database with the simulated clock, open as each of the three roles."""
    name = services.new_database()
    owner = Database(_driver(services.url(embedded.ADMIN, name)), pool_size=3, name="owner")
    with owner.begin() as session:
        session.execute(text(OVERRIDE))
        tables = session.execute(
            text(
                "SELECT string_agg(quote_ident(tablename), ', ') FROM pg_tables"
                " WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
            )
        ).scalar_one()
    opened = Databases(
        app=SimDatabase(_driver(services.url("milestone_app", name))),
        dispatcher=SimDatabase(_driver(services.url("milestone_dispatcher", name))),
        owner=owner,
        tables=tables,
    )
    try:
        yield opened
    finally:
        for database in (opened.app, opened.dispatcher, opened.owner):
            database.close()
        services.drop_database(name)


def _driver(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://")
