"""The command: many seeds on all cores, what was fired, what was broken, and a failing seed shrunk
to what it needs.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import text

from sync import embedded
from sync.store.database import Database
from tests.house import Services, start_services
from tests.simulation.clock import OVERRIDE
from tests.simulation.database import SimDatabase
from tests.simulation.run import Outcome, run_seed
from tests.simulation.world import Databases


@contextmanager
def fast_services() -> Iterator[Services]:
    """PostgreSQL that does not wait for its disk: what is proved here is our order of things."""
    with tempfile.TemporaryDirectory(prefix="milestone-sync-sim-") as folder:
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
    """One database with the simulated clock, as each of the three roles."""
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


def run_seeds(services: Services, seeds: list[int]) -> Iterator[Outcome]:
    """Run seeds one after the other, in this process."""
    with databases(services) as opened:
        for seed in seeds:
            yield run_seed(seed, opened)


def main() -> int:
    """Run what is asked for; 1 if anything was broken."""
    asked = argparse.ArgumentParser(prog="python -m tests.simulation")
    asked.add_argument("--seeds", type=int, default=100)
    asked.add_argument("--from", dest="first", type=int, default=0)
    asked.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    asked.add_argument("--json", action="store_true")
    asked.add_argument("-v", "--verbose", action="store_true")
    wish = asked.parse_args()
    logging.basicConfig(level=logging.INFO if wish.verbose else logging.CRITICAL)
    began = time.monotonic()
    seeds = list(range(wish.first, wish.first + wish.seeds))
    fired: Counter[str] = Counter()
    figures: Counter[str] = Counter()
    done: Counter[str] = Counter()
    broken: list[Outcome] = []
    with fast_services() as services:
        for outcome in run_seeds(services, seeds):
            fired += outcome.fired
            figures += outcome.figures
            done += outcome.done
            if outcome.violations:
                broken.append(outcome)
                for one in outcome.violations[:5]:
                    print(f"seed {outcome.seed}: {one}", flush=True)
    took_s = time.monotonic() - began
    print(json.dumps({"fired": fired, "figures": figures, "acts": done}, indent=1, sort_keys=True))
    print(f"{len(seeds)} seeds, {len(broken)} broken, {took_s:.0f} s")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
