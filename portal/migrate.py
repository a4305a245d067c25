"""Bringing the schema up to date. Safe to call from many processes at once."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import ArgumentError, OperationalError

from portal.config import Config, ConfigError
from portal.db import make_engine

SCRIPTS = Path(__file__).parent.parent / "migrations"
_LOCK = 0x0D00C0DE


def upgrade(config: Config) -> None:
    """Apply what is missing, all or nothing; nothing to do costs one query.

    Raises `ConfigError` when the database cannot be used.
    """
    engine = _engine(config)
    try:
        if not _behind(engine):
            return
        with _alone(config, engine), changing(engine) as connection:
            command.upgrade(alembic_config(connection), "head")
    except OperationalError as error:
        raise ConfigError(f"DATABASE_URL: the database cannot be used ({str(error.orig).splitlines()[0]}). Check that it runs and "
                          "that the address, the user and the password are right.") from error
    except CommandError as error:
        raise ConfigError("DATABASE_URL: the database was written by a newer version of the portal. Install that version, or "
                          "restore a backup from before the upgrade.") from error
    finally:
        engine.dispose()


@contextmanager
def changing(engine: Engine) -> Iterator[Connection]:
    """A connection for migrations. SQLite changes a table by replacing it, and dropping the old one would delete, by cascade,
    all that hangs on its rows: so foreign keys are off here. The pragma only works outside of a transaction."""
    with engine.connect().execution_options(sqlite_begin="IMMEDIATE") as connection:
        if engine.dialect.name == "sqlite":
            driver = connection.connection.driver_connection
            assert driver is not None
            driver.execute("PRAGMA foreign_keys=OFF")
        yield connection
        connection.invalidate()  # the setting ends with the connection


def alembic_config(connection: Connection) -> AlembicConfig:
    """Alembic's settings for the database at the other end of a connection."""
    settings = AlembicConfig()
    settings.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    settings.attributes["connection"] = connection
    return settings


def _engine(config: Config) -> Engine:
    try:
        return make_engine(config.database_url)
    except (ArgumentError, ImportError) as error:
        raise ConfigError("DATABASE_URL: not an address this portal knows. Use sqlite:///FILE or "
                          "postgresql+psycopg://USER:PASSWORD@HOST/DATABASE.") from error


def _behind(engine: Engine) -> bool:
    head = ScriptDirectory(str(SCRIPTS)).get_current_head()
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() != head


@contextmanager
def _alone(config: Config, engine: Engine) -> Iterator[None]:
    """One migrating process at a time: an advisory lock in PostgreSQL, a lock file beside SQLite."""
    if engine.dialect.name == "postgresql":
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
            try:
                yield
            finally:
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _LOCK})
        return
    with (config.data_dir / "migrate.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
