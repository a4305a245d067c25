"""Backups: every row of the database in one file, taken and brought back while everything runs. SQLite and PostgreSQL alike.

The file is an SQLite database of the schema it was taken from, so it can be looked into, kept for years, and brought back into
either kind of database. Stored keys stay encrypted in it, and the secret that reads them is not part of it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from alembic import command
from sqlalchemy import JSON, Connection, Engine, MetaData, String, Table, create_engine, func, insert, inspect, select, text
from sqlalchemy.exc import DatabaseError, OperationalError

from portal import migrate
from portal.config import Config, ConfigError
from portal.crypto import Encrypted, UndecryptableError
from portal.db import Base, make_engine

CHUNK = 1000
PATIENCE_SECONDS = 15
"""How long a restore waits for those who are writing at this moment."""


class BackupError(Exception):
    """Why there is no backup, or why this one was not brought back; nothing was changed then."""


def save(config: Config, file: Path) -> int:
    """Write every row as it is at one moment to a new file that only its owner can read; their number.

    Raises `BackupError`; a file that is there already is left alone.
    """
    if file.exists():
        raise BackupError(f"{file} exists already. Choose another name, so that no backup is lost.")
    try:
        part = _private_file(file.parent)
    except OSError as error:
        raise BackupError(f"{file}: cannot be written ({error.strerror}).") from error
    source, target = make_engine(config.database_url), make_engine(f"sqlite:///{part}")
    try:
        with migrate.changing(target) as connection:
            command.upgrade(migrate.alembic_config(connection), "head")
        with _one_moment(source) as now_there, target.begin() as there:
            rows = _copy(now_there, there)
        with target.connect() as connection:
            connection.connection.execute("PRAGMA journal_mode=DELETE")
        target.dispose()
        os.link(part, file)  # refuses, unlike a rename, where somebody was quicker
    except OSError as error:
        raise BackupError(f"{file}: cannot be written ({error.strerror}).") from error
    except OperationalError as error:
        raise BackupError(f"{file}: cannot be written ({error.orig}). Is the disk full?") from error
    finally:
        source.dispose()
        target.dispose()
        _remove(part)
    return rows


def restore(config: Config, file: Path) -> tuple[int, Path]:
    """Make the database what it was when the backup was taken; the number of rows, and where what was there is kept.

    All or nothing, in one transaction: workers that hold a change lose it, and what they found out is not written. Backups of
    older versions are brought up to date first. Raises `BackupError`.
    """
    with _up_to_date(config, file) as copy:
        before = config.data_dir / f"before-restore-{datetime.now().astimezone():%Y%m%d-%H%M%S-%f}.backup"
        save(config, before)
        source, target = make_engine(f"sqlite:///{copy}"), make_engine(config.database_url)
        try:
            with source.connect() as from_backup, _alone(target) as there:
                rows = _copy(from_backup, there)
                there.execute(text("UPDATE sync_job SET queued_at = NULL"))  # RQ was told of them in another life
                _go_on_counting(there)
        except OperationalError as error:
            raise BackupError(f"The database is in use or cannot be written ({str(error.orig).splitlines()[0]}). Nothing was "
                              "changed; try again.") from error
        finally:
            source.dispose()
            target.dispose()
    return rows, before


def _copy(source: Connection, target: Connection) -> int:
    """Replace everything in the target by what the source holds; the number of rows."""
    rows = 0
    tables = _tables()
    for table in reversed(tables):
        target.execute(table.delete())
    for table in tables:
        for chunk in source.execution_options(stream_results=True).execute(select(table)).mappings().partitions(CHUNK):
            target.execute(insert(table), [dict(row) for row in chunk])
            rows += len(chunk)
    return rows


def _tables() -> list[Table]:
    """Every table with its values as they are stored: keys stay encrypted, and a missing value stays apart from JSON's null."""
    metadata = MetaData()
    for table in Base.metadata.sorted_tables:
        for column in table.to_metadata(metadata).columns:
            if isinstance(column.type, Encrypted):
                column.type = String()
            elif isinstance(column.type, JSON) and column.nullable:
                column.type = JSON(none_as_null=True)
    return metadata.sorted_tables


@contextlib.contextmanager
def _one_moment(engine: Engine) -> Iterator[Connection]:
    """A connection that sees the database as it is now, whatever others write meanwhile, and holds nobody up."""
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        yield connection


@contextlib.contextmanager
def _alone(engine: Engine) -> Iterator[Connection]:
    """A transaction in which nobody else writes."""
    patience = int(PATIENCE_SECONDS * 1000)
    with engine.connect().execution_options(sqlite_begin="IMMEDIATE") as connection:
        if engine.dialect.name == "sqlite":
            connection.connection.execute(f"PRAGMA busy_timeout={patience}")
        with connection.begin():
            if engine.dialect.name == "postgresql":
                names = ", ".join(f'"{table.name}"' for table in Base.metadata.sorted_tables)
                connection.execute(text(f"SET LOCAL lock_timeout = {patience}"))
                connection.execute(text(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE"))
            yield connection


def _go_on_counting(connection: Connection) -> None:
    """PostgreSQL's numbers of new rows begin after the last restored one."""
    if connection.dialect.name != "postgresql":
        return
    for table in Base.metadata.sorted_tables:
        column = table.autoincrement_column
        if column is not None and column.default is None:
            last = connection.scalar(select(func.max(column)))
            connection.execute(select(func.setval(func.pg_get_serial_sequence(f'"{table.name}"', column.name), last or 1,
                                                  last is not None)))


@contextlib.contextmanager
def _up_to_date(config: Config, file: Path) -> Iterator[Path]:
    """A copy of the backup with the schema of this version; raises `BackupError` where it is none or its keys cannot be read."""
    if not file.is_file():
        raise BackupError(f"{file}: there is no such file.")
    copy = _private_file(config.data_dir)
    try:
        shutil.copyfile(file, copy)
        _check_kind(copy, file)
        try:
            migrate.upgrade(replace(config, database_url=f"sqlite:///{copy}"))
        except ConfigError as error:
            raise BackupError(f"{file}: this backup was written by a newer version of the portal. Install that version first.") \
                from error
        _check_keys(copy, file)
        yield copy
    finally:
        _remove(copy)


def _check_kind(copy: Path, file: Path) -> None:
    engine = create_engine(f"sqlite:///{copy}")
    try:
        if not {"alembic_version", "store", "sync_job"} <= set(inspect(engine).get_table_names()):
            raise BackupError(f"{file}: this is no backup of the portal.")
    except DatabaseError as error:
        raise BackupError(f"{file}: this is no backup of the portal, or it is damaged.") from error
    finally:
        engine.dispose()


def _check_keys(copy: Path, file: Path) -> None:
    engine = make_engine(f"sqlite:///{copy}")
    encrypted = [column for table in Base.metadata.sorted_tables for column in table.columns if isinstance(column.type, Encrypted)]
    try:
        with engine.connect() as connection:
            for column in encrypted:
                connection.execute(select(column)).all()
    except UndecryptableError as error:
        raise BackupError(f"{file}: the keys in this backup cannot be read with the secret of this installation. Put the "
                          "secret.key that belongs to the backup into the data folder, or set PORTAL_SECRET_KEY to it, and try "
                          "again.") from error
    finally:
        engine.dispose()


def _private_file(folder: Path) -> Path:
    """A new empty file that only its owner can read."""
    handle, name = tempfile.mkstemp(prefix=".backup-", dir=folder)
    os.close(handle)
    return Path(name)


def _remove(path: Path) -> None:
    for name in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
        name.unlink(missing_ok=True)
