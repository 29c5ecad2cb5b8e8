"""A twin of an invoice, made by us and known to be."""

from sync.store.migrations.beside import run_sql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the database to this shape."""
    run_sql(__file__)
