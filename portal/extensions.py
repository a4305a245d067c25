"""What the web process shares: the request's database session, CSRF protection, log-in, and the services of `portal.sync`."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask, current_app
from flask_security.core import Security
from flask_sqlalchemy import SQLAlchemy
from flask_wtf.csrf import CSRFProtect
from sqlalchemy import event
from sqlalchemy.orm import Session

from portal.config import Config
from portal.db import Base, Database, configure, engine_options
from portal.rq_setup import connect_redis
from portal.sync.services import Services

BUSY_MILLISECONDS = 3000
"""A page or endpoint waits no longer for SQLite's write lock or a row of PostgreSQL; the caller is then asked to come again."""
TURN_SECONDS = 2.0
"""Nor longer than this for the other threads of the web process before that."""

db = SQLAlchemy(metadata=Base.metadata)
csrf = CSRFProtect()
security = Security()


def init_database(app: Flask, config: Config) -> None:
    """Give Flask-SQLAlchemy the engine every other process has, and the services their use of it."""
    app.config["SQLALCHEMY_DATABASE_URI"] = config.database_url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(config.database_url)
    db.init_app(app)
    with app.app_context():
        configure(db.engine)
        event.listen(db.engine, "connect", _wait_shorter)
        app.extensions["portal"] = Services(config, Database(db.engine), connect_redis(config, web=True))


def services() -> Services:
    """The services of this process: configuration, database, queue."""
    return current_app.extensions["portal"]  # type: ignore[no-any-return]


def reading() -> Session:
    """The request's session, for looking things up."""
    return db.session()


@contextmanager
def writing() -> Iterator[Session]:
    """A unit of work in the request's session: takes the write lock, commits at the end, rolls back on any exception.

    What was read before is read again, so that decisions rest on what is true under the lock. Never call a remote side inside.
    """
    session = db.session()
    session.rollback()
    with services().db.turn(TURN_SECONDS):
        session.connection(execution_options={"sqlite_begin": "IMMEDIATE"})
        try:
            yield session
        except BaseException:
            session.rollback()
            raise
        session.commit()


def release() -> None:
    """End the request's transaction, before something slow such as a remote call."""
    db.session.rollback()


def _wait_shorter(connection: Any, _record: Any) -> None:
    if isinstance(connection, sqlite3.Connection):
        connection.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
    else:
        connection.execute(f"SET lock_timeout = {BUSY_MILLISECONDS}")
        connection.commit()
