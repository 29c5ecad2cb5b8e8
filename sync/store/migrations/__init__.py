"""Alembic: how the database came to its shape."""
