"""What keeps companies apart and alive: circuits, consents for one company, erasure."""

from sync.store.migrations.beside import run_sql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the database to this shape."""
    run_sql(__file__)
