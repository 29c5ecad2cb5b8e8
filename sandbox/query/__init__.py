"""The query language: `language.py` reads a statement, `run.py` answers it."""

from sandbox.query.language import Statement, invalid, read_statement
from sandbox.query.run import run

__all__ = ["Statement", "invalid", "read_statement", "run"]
