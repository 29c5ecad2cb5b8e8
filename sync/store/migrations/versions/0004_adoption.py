"""Jobs that were billed before we came, a journal of everything, a restore that is recovered."""

from sync.store.migrations.beside import run_sql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the database to this shape."""
    run_sql(__file__)
