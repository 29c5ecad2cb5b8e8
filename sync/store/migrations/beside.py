"""What every migration does: it runs the SQL that stands beside it."""

from __future__ import annotations

from pathlib import Path

from alembic import op


def run_sql(migration: str) -> None:
    """Run the SQL file of a migration's own name: it is the shape, word for word."""
    sql = Path(migration).with_suffix(".sql").read_text(encoding="utf-8")
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute(sql)
