"""What the engine's remaining rules need kept: bindings, several invoices, a cancelled job."""

from sync.store.migrations.beside import run_sql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the database to this shape."""
    run_sql(__file__)
