"""Effects wait for books that were read, and the journal has its end on record."""

from sync.store.migrations.beside import run_sql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the database to this shape."""
    run_sql(__file__)
