"""The database: engine, SQLite set-up and the unit of work. No Flask.

SQLite is used in WAL mode, and a unit of work begins with BEGIN IMMEDIATE: with a deferred BEGIN two processes that read and
then write lose updates or fail at once with "database is locked", whatever the busy timeout.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import Connection, DateTime, Engine, Table, create_engine, event, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.types import TypeDecorator

BUSY_SECONDS = 15
"""How long a unit of work waits for SQLite's write lock."""
ASK_SECONDS = 0.001
"""How often it asks for it. SQLite's own waiting asks ever more seldom, so that who has waited longest comes last: under load after
seconds, though the lock is free half of the time."""
NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """The base of every model."""


Base.metadata.naming_convention = NAMING


class UtcDateTime(TypeDecorator[datetime]):
    """An instant. Stored in UTC without offset (SQLite has none), aware in Python."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without zone cannot be stored")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


def now() -> datetime:
    """The current instant. Every module of the portal takes the time from here, so that tests can set the clock."""
    return datetime.now(UTC)


def clock(session: Session) -> datetime:
    """The instant by which leases are given and lost: the database's, which machines with clocks of their own share."""
    if session.get_bind().dialect.name == "postgresql":
        return cast(datetime, session.scalar(select(func.clock_timestamp())))
    return now()


def table_of(model: type[Base]) -> Table:
    """The bare table of a model. A statement on it costs half of what one costs that makes objects."""
    return cast(Table, model.__table__)


def dialect(session: Session) -> str:
    """`sqlite` or `postgresql`."""
    return session.get_bind().dialect.name


def insert_into(session: Session, table: type[Base] | Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that can say what to do where the row is there already, also when another process makes it at this moment."""
    return insert_on(dialect(session), table)


def insert_on(database: str, table: type[Base] | Table) -> postgresql.Insert | sqlite.Insert:
    """The same by the name of the dialect, for statements that are made once and kept."""
    return postgresql.insert(table) if database == "postgresql" else sqlite.insert(table)


def make_engine(url: str) -> Engine:
    """An engine for SQLite or PostgreSQL with this project's settings."""
    engine = create_engine(url, **engine_options(url))
    configure(engine)
    return engine


def engine_options(url: str) -> dict[str, Any]:
    """Arguments for `create_engine`, the same in the web process and in workers."""
    if url.startswith("sqlite"):
        return {"connect_args": {"timeout": BUSY_SECONDS}}
    return {"pool_pre_ping": True, "pool_size": 10, "max_overflow": 10,
            "connect_args": {"connect_timeout": 5, "tcp_user_timeout": 10_000}}  # a server that vanishes is noticed within seconds


def configure(engine: Engine) -> None:
    """Install the SQLite set-up on an engine; nothing to do elsewhere."""
    if engine.dialect.name != "sqlite":
        return

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", f"busy_timeout={BUSY_SECONDS * 1000}", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def on_begin(connection: Any) -> None:
        mode = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
        if mode == "IMMEDIATE":
            _begin_immediate(connection)
        else:
            connection.exec_driver_sql(f"BEGIN {mode}")


def _begin_immediate(connection: Connection) -> None:
    """Ask for the write lock for as long as the connection's busy timeout allows."""
    driver = cast(sqlite3.Connection, connection.connection.dbapi_connection)
    (patience,) = driver.execute("PRAGMA busy_timeout").fetchone()
    driver.execute("PRAGMA busy_timeout=0")
    until = time.monotonic() + patience / 1000
    try:
        while not _begun(driver):
            if time.monotonic() > until:
                connection.exec_driver_sql("BEGIN IMMEDIATE")  # once more by way of SQLAlchemy, whose errors callers know
                return
            time.sleep(ASK_SECONDS)
    finally:
        driver.execute(f"PRAGMA busy_timeout={patience}")


def _begun(driver: sqlite3.Connection) -> bool:
    try:
        driver.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise
        return False
    return True


class Database:
    """Sessions for the parts that do not live in a web request, and units of work for all."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._turn = threading.Lock() if engine.dialect.name == "sqlite" else None
        self._sessions = sessionmaker(engine, expire_on_commit=False)

    @contextmanager
    def begin(self) -> Iterator[Session]:
        """A unit of work: one transaction that may write, committed at the end, rolled back on any exception.

        Never make a remote call inside it.
        """
        with self.turn(BUSY_SECONDS), self._sessions() as session:
            session.connection(execution_options={"sqlite_begin": "IMMEDIATE"})
            try:
                yield session
            except BaseException:
                session.rollback()
                raise
            session.commit()

    @contextmanager
    def turn(self, seconds: float) -> Iterator[None]:
        """Whose turn it is among the threads of this process to write to SQLite; `TimeoutError` when it does not come.

        SQLite lets those who wait for its lock sleep and ask again, in no order and ever more seldom: threads that could take turns
        would spend most of their time asleep.
        """
        if self._turn is None:
            yield
        elif self._turn.acquire(timeout=seconds):
            try:
                yield
            finally:
                self._turn.release()
        else:
            raise PoolTimeout("another thread of this process holds the write lock")

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that only reads and never takes the write lock."""
        with self._sessions() as session:
            yield session

