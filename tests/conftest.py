"""What every test can ask for: a configuration in a temporary folder, a database (SQLite and PostgreSQL), a Redis server.

A test that cannot run on this machine is left out and named at the end; with PORTAL_TEST_NOTHING_LEFT_OUT=1 it fails instead.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import time
import zlib
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from alembic import command
from redis import Redis, RedisError
from sqlalchemy import Engine, make_url, text

from portal import crypto, embedded, logs, migrate, processes, rq_setup
from portal.config import Config
from portal.db import Base, Database, make_engine

if TYPE_CHECKING:
    from playwright.sync_api import Browser as Chromium

SECRET = "test-secret-of-this-run-0123456789"
SERVER = os.environ.get("PORTAL_TEST_POSTGRES_URL", "")
DATABASE = f"portal_test_{secrets.token_hex(6)}"
POSTGRES = make_url(SERVER).set(database=DATABASE).render_as_string(hide_password=False) if SERVER else ""
"""A database of this run alone, so that runs side by side do not meet; `postgres_engine` creates it."""
ALL = os.environ.get("PORTAL_TEST_NOTHING_LEFT_OUT") == "1"
MISSING = {
    "postgres": "" if SERVER else "no PostgreSQL: set PORTAL_TEST_POSTGRES_URL to a server that may be given databases",
    "browser": "" if any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))) else "no browser: install chromium",
    "php": "" if shutil.which("php") else "no PHP: install php-cli",
}


ON_BOTH = ("test_queue.py", "test_jobs.py", "test_notices.py", "test_leases.py", "test_outcomes.py", "test_people.py",
           "test_summer_time_ends", "tests/faults", "tests/platform", "tests/chaos", "tests/web")
"""Where every test runs on SQLite and on PostgreSQL: the queue and what depends on the database."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Elsewhere, with a PostgreSQL server at hand, each test runs on one of both, always the same and about half on each."""
    if SERVER:
        config.hook.pytest_deselected(items=[item for item in items if _on_the_other(item)])
        items[:] = [item for item in items if not _on_the_other(item)]
    for item in items:
        for marker, why in MISSING.items():
            if why and item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=why))


def _on_the_other(item: pytest.Item) -> bool:
    words = getattr(item, "callspec", None)
    database = words.params.get("db") if words else None
    if database is None or any(part in item.nodeid for part in ON_BOTH):
        return False
    chosen = zlib.crc32(item.nodeid.replace(str(database), "").encode()) % 2
    return bool(database != ("sqlite", "postgres")[chosen])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where nothing may be left out, a test that is, fails."""
    report = yield
    if ALL and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    left_out = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in terminalreporter.stats.get("skipped", []))
    for why, number in left_out.items():
        terminalreporter.write_line(f"LEFT OUT on this machine: {number} tests: {why}", red=True, bold=True)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """One headless browser for all tests."""
    with open_chromium() as browser:
        yield browser


@contextmanager
def open_chromium() -> Iterator[Chromium]:
    """A headless browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"])
        yield browser
        browser.close()


@pytest.fixture(autouse=True)
def keys() -> None:
    """The keys of this run, and none of the secrets that another test taught the process to hide."""
    logs._known.clear()
    crypto.use_keys([SECRET])


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config.from_env({"PORTAL_DATA_DIR": str(tmp_path / "var"), "PORTAL_SECRET_KEY": SECRET,
                            "PORTAL_ALLOW_PRIVATE_NETWORKS": "1", "PORTAL_DEMO": "0"})


@pytest.fixture(scope="session")
def postgres_engine() -> Iterator[Engine]:
    server = make_engine(SERVER).execution_options(isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {DATABASE}"))
    engine = make_engine(POSTGRES)
    with engine.connect() as connection:
        command.upgrade(migrate.alembic_config(connection), "head")
    yield engine
    engine.dispose()
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {DATABASE} WITH (FORCE)"))
    server.dispose()


@pytest.fixture
def postgres(postgres_engine: Engine) -> Database:
    """The PostgreSQL database, emptied."""
    tables = ", ".join(f'"{table.name}"' for table in Base.metadata.sorted_tables)
    with postgres_engine.begin() as connection:
        connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))
    return Database(postgres_engine)


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with the schema, to be copied: making its tables takes longer than most tests."""
    path = tmp_path_factory.mktemp("schema") / "portal.sqlite3"
    engine = make_engine(f"sqlite:///{path}")
    Base.metadata.create_all(engine)
    engine.dispose()
    return path


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def db(request: pytest.FixtureRequest, tmp_path: Path, empty_file: Path) -> Iterator[Database]:
    """An empty database with the schema."""
    if request.param == "postgres":
        yield request.getfixturevalue("postgres")
        return
    engine = make_engine(f"sqlite:///{shutil.copy(empty_file, tmp_path / 'portal.sqlite3')}")
    yield Database(engine)
    engine.dispose()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Config]:
    """The embedded server, started once; the configuration that leads to it."""
    with queue_server(tmp_path_factory.mktemp("redis")) as config:
        yield config


@contextmanager
def queue_server(folder: Path) -> Iterator[Config]:
    """Start the embedded server with its files in this folder."""
    config = Config.from_env({"PORTAL_DATA_DIR": str(folder), "PORTAL_SECRET_KEY": SECRET})
    process = subprocess.Popen(embedded.command(config), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               preexec_fn=processes.dying_with(os.getpid()))
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
