"""Connections, transactions and tenants.

Every transaction belongs to one company, or to none: the tenant is set when it begins
(`after_begin`) and dies with it, so nothing leaks through the pool. While a transaction is open no
port may be called; `assert_no_transaction` is what the ports call.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import simplejson
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, Select, create_engine, event, func, select, text
from sqlalchemy.orm import Session, SessionTransaction, sessionmaker

#: A statement that takes longer than this is at fault, not slow.
STATEMENT_TIMEOUT_MS = 10_000
LOCK_TIMEOUT_MS = 2_000
IDLE_TIMEOUT_MS = 15_000
CONNECT_TIMEOUT_S = 5

_open: ContextVar[int] = ContextVar("open_transactions", default=0)


def assert_no_transaction(port: str) -> None:
    """Stop a call to the outside world that is made while a transaction is open."""
    assert _open.get() == 0, f"{port} called inside a database transaction"


def dump_json(value: object) -> str:
    """Write JSON with Decimals as numbers, dates as ISO text and keys in order."""
    return simplejson.dumps(value, use_decimal=True, default=_plain, sort_keys=True)


def load_json(text_or_bytes: str | bytes) -> Any:
    """Read JSON with every fraction as a Decimal: money never meets a float."""
    return simplejson.loads(text_or_bytes, use_decimal=True)


class Database:
    """A pool of connections of one database role."""

    def __init__(self, url: str, *, pool_size: int = 10, name: str = "milestone-sync") -> None:
        """Prepare the pool; nothing connects before the first transaction."""
        self.engine = _engine(url, pool_size=pool_size, name=name)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)
        event.listen(self._sessions, "after_begin", _set_tenant)

    @contextmanager
    def begin(
        self, realm_no: int | None = None, *, lookup: bytes | None = None
    ) -> Iterator[Session]:
        """Open one transaction for one company (or for none) and commit it at the end.

        Args:
            realm_no: the company whose rows can be seen and written.
            lookup: a keyed hash by which a row may be found before its company is known.
        """
        depth = _open.set(_open.get() + 1)
        try:
            with self._sessions() as session:
                session.info["realm_no"], session.info["lookup"] = realm_no, lookup
                with session.begin():
                    yield session
        finally:
            _open.reset(depth)

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


def become(session: Session, realm_no: int | None, *, lookup: bytes | None = None) -> None:
    """Let the rest of an open transaction see another company: for one notification that tells of
    several.
    """
    session.execute(_set_config(realm_no, lookup))


def lease_now(session: Session) -> datetime:
    """Tell the real time by the database's clock: leases, back-off, limits."""
    now: datetime = session.scalars(select(func.lease_now())).one()
    return now


def business_now(session: Session) -> datetime:
    """Tell the business time, in UTC: due dates, token expiry, mail."""
    now: datetime = session.scalars(select(func.business_now())).one()
    return now


def business_today(session: Session, zone: str) -> date:
    """Tell what day it is for a company."""
    return business_now(session).astimezone(ZoneInfo(zone)).date()


def migrate(url: str) -> None:
    """Bring the database to the newest shape. Running it again changes nothing."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    engine = _engine(url, pool_size=1, name="migrate")
    try:
        with engine.connect() as connection:
            connection.execute(
                text("SELECT pg_advisory_lock(hashtext('milestone-sync migrations'))")
            )
            connection.commit()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
    finally:
        engine.dispose()


def _engine(url: str, *, pool_size: int, name: str) -> Engine:
    options = (
        f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c lock_timeout={LOCK_TIMEOUT_MS}"
        f" -c idle_in_transaction_session_timeout={IDLE_TIMEOUT_MS} -c timezone=UTC"
    )
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_pre_ping=True,
        hide_parameters=True,
        json_serializer=dump_json,
        json_deserializer=load_json,
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_S,
            "options": options,
            "application_name": name,
        },
    )


def _set_tenant(session: Session, _transaction: SessionTransaction, connection: Connection) -> None:
    realm_no, lookup = session.info.get("realm_no"), session.info.get("lookup")
    if realm_no is not None or lookup is not None:
        connection.execute(_set_config(realm_no, lookup))


def _set_config(realm_no: int | None, lookup: bytes | None) -> Select[tuple[str, str]]:
    return select(
        func.set_config("milestone.realm_no", "" if realm_no is None else str(realm_no), True),
        func.set_config("milestone.lookup", "" if lookup is None else lookup.hex(), True),
    )


def _plain(value: object) -> object:
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not JSON")
