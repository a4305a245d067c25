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
from sqlalchemy import Engine, text

from portal.config import Config
from portal.db import make_engine

SCRIPTS = Path(__file__).parent.parent / "migrations"
_LOCK = 0x0D00C0DE


def upgrade(config: Config) -> None:
    """Apply what is missing; nothing to do costs one query."""
    engine = make_engine(config.database_url)
    try:
        if not _behind(engine):
            return
        with _alone(config, engine):
            if _behind(engine):
                command.upgrade(alembic_config(config.database_url), "head")
    finally:
        engine.dispose()


def alembic_config(url: str) -> AlembicConfig:
    """Alembic's settings for a database address."""
    settings = AlembicConfig()
    settings.set_main_option("script_location", str(SCRIPTS))
    settings.attributes["url"] = url
    return settings


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
