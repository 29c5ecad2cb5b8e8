"""What did not come: documents whose deletion is a guess, notifications that nobody could read."""

from sync.store.migrations.beside import run_sql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the database to this shape."""
    run_sql(__file__)
