"""What every test can ask for: a configuration in a temporary folder, a database (SQLite and PostgreSQL), a Redis server.

A test that cannot run on this machine is left out and named at the end; with PORTAL_TEST_NOTHING_LEFT_OUT=1 it fails instead.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from redis import Redis, RedisError
from sqlalchemy import Engine, text

from portal import crypto, embedded, migrate, rq_setup
from portal.config import Config
from portal.db import Base, Database, make_engine

SECRET = "test-secret-of-this-run-0123456789"
POSTGRES = os.environ.get("PORTAL_TEST_POSTGRES_URL", "")
ALL = os.environ.get("PORTAL_TEST_NOTHING_LEFT_OUT") == "1"
MISSING = {
    "postgres": "" if POSTGRES else "no PostgreSQL: set PORTAL_TEST_POSTGRES_URL",
    "browser": "" if shutil.which("chromium") else "no browser: install chromium",
    "php": "" if shutil.which("php") else "no PHP: install php-cli",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for marker, why in MISSING.items():
            if why and item.get_closest_marker(marker):
                if ALL:
                    raise pytest.UsageError(f"{item.nodeid} cannot run: {why}")
                item.add_marker(pytest.mark.skip(reason=why))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for why in {why for why in MISSING.values() if why}:
        terminalreporter.write_line(f"LEFT OUT on this machine: {why}", red=True, bold=True)


@pytest.fixture(autouse=True)
def keys() -> None:
    crypto.use_keys([SECRET])


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config.from_env({"PORTAL_DATA_DIR": str(tmp_path / "var"), "PORTAL_SECRET_KEY": SECRET,
                            "PORTAL_ALLOW_PRIVATE_NETWORKS": "1", "PORTAL_DEMO": "0"})


@pytest.fixture(scope="session")
def postgres_engine() -> Iterator[Engine]:
    engine = make_engine(POSTGRES)
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    command.upgrade(migrate.alembic_config(POSTGRES), "head")
    yield engine
    engine.dispose()


@pytest.fixture
def postgres(postgres_engine: Engine) -> Database:
    """The PostgreSQL database, emptied."""
    tables = ", ".join(f'"{table.name}"' for table in Base.metadata.sorted_tables)
    with postgres_engine.begin() as connection:
        connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))
    return Database(postgres_engine)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database with the schema."""
    if request.param == "postgres":
        yield request.getfixturevalue("postgres")
        return
    engine = make_engine(f"sqlite:///{tmp_path / 'portal.sqlite3'}")
    Base.metadata.create_all(engine)
    yield Database(engine)
    engine.dispose()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Config]:
    """The embedded server, started once; the configuration that leads to it."""
    folder = tmp_path_factory.mktemp("redis")
    config = Config.from_env({"PORTAL_DATA_DIR": str(folder), "PORTAL_SECRET_KEY": SECRET})
    process = subprocess.Popen(embedded.command(config), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for_redis(rq_setup.connect_redis(config))
    yield config
    process.terminate()
    process.wait(10)


@pytest.fixture
def redis(redis_server: Config) -> Iterator[Redis]:
    """An empty Redis."""
    client = rq_setup.connect_redis(redis_server)
    client.flushall()
    yield client
    client.close()


def wait_for_redis(client: Redis) -> None:
    """Return as soon as the server answers."""
    deadline = time.monotonic() + 10
    while True:
        try:
            client.ping()
            client.close()
            return
        except RedisError:
            assert time.monotonic() < deadline, "the embedded server does not start"
