"""The tables that the first path needs, with tenants and roles from the start."""

from sync.store.migrations.beside import run_sql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the database to this shape."""
    run_sql(__file__)
