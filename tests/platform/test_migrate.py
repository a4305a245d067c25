"""The schema on SQLite and PostgreSQL."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, func, inspect, make_url, select, text

from portal import migrate, module_tables
from portal.config import Config, ConfigError
from portal.db import Base, Database, make_engine
from tests.conftest import SERVER
from tests.platform.rows import fill
from tests.platform.standin import ROOT

assert module_tables  # its tables belong to the schema
UPGRADE = "from portal import migrate; from portal.config import Config; migrate.upgrade(Config.from_env())"
FURTHER = '''
from __future__ import annotations
import sqlalchemy as sa
from alembic import op
revision, down_revision = "9999", "{head}"

def upgrade() -> None:
    {body}
'''


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty(request: pytest.FixtureRequest, config: Config) -> Iterator[Config]:
    """A configuration whose database has no table yet."""
    if request.param == "sqlite":
        yield config
        return
    name = f"portal_empty_{secrets.token_hex(6)}"
    server = make_engine(SERVER).execution_options(isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield replace(config, database_url=make_url(SERVER).set(database=name).render_as_string(hide_password=False))
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


@pytest.fixture
def engine(empty: Config) -> Iterator[Engine]:
    """The same database, brought up to date."""
    migrate.upgrade(empty)
    engine = make_engine(empty.database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the migrations to which a test may add one."""
    folder = tmp_path / "migrations"
    shutil.copytree(migrate.SCRIPTS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(migrate, "SCRIPTS", folder)
    return folder


def add_migration(scripts: Path, body: str) -> None:
    head = sorted((scripts / "versions").glob("*.py"))[-1].name[:4]
    (scripts / "versions" / "9999_further.py").write_text(FURTHER.format(head=head, body=body))


def definitions(engine: Engine) -> dict[str, str]:
    """Every table and index as the database describes it, partial conditions included; columns of a table in alphabetical order."""
    if engine.dialect.name == "sqlite":
        query = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'alembic%'"
    else:
        query = """SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename NOT LIKE 'alembic%'
            UNION ALL SELECT table_name || '.' || column_name,
            data_type || is_nullable || coalesce(character_maximum_length::text, '')
            FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE 'alembic%'
            UNION ALL SELECT conrelid::regclass || '.' || conname, pg_get_constraintdef(oid) FROM pg_constraint
            WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text NOT LIKE 'alembic%'"""
    with engine.connect() as connection:
        return {name: ", ".join(sorted(re.sub(r"[\s\"()]+", " ", part).strip() for part in sql.split(",")))
                for name, sql in connection.execute(text(query))}


def test_the_migrated_schema_is_that_of_the_models(engine: Engine) -> None:
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), Base.metadata) == []
    migrated = definitions(engine)
    with engine.begin() as connection:
        Base.metadata.drop_all(connection)
        Base.metadata.create_all(connection)
    assert migrated == definitions(engine)
    assert any("WHERE" in sql for sql in migrated.values())


def test_everything_can_be_undone_and_done_again(empty: Config, engine: Engine) -> None:
    with migrate.changing(engine) as connection:
        command.downgrade(migrate.alembic_config(connection), "base")
    assert inspect(engine).get_table_names() == ["alembic_version"]
    migrate.upgrade(empty)
    assert "sync_job" in inspect(engine).get_table_names()


@pytest.mark.processes
def test_processes_that_start_at_once_create_one_schema(empty: Config) -> None:
    env = {**os.environ, **empty.to_env(), "PORTAL_SECRET_KEY": empty.secret_keys[0]}
    command = [sys.executable, "-W", "error", "-c", UPGRADE]
    started = [subprocess.Popen(command, cwd=ROOT, env=env, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    assert [process.communicate(timeout=60)[1] for process in started] == [""] * 4
    assert [process.returncode for process in started] == [0] * 4


def test_a_migration_that_fails_in_the_middle_leaves_the_schema_as_it_was(empty: Config, engine: Engine, scripts: Path) -> None:
    add_migration(scripts, 'op.create_table("half", sa.Column("id", sa.Integer())); raise RuntimeError("in the middle")')
    with pytest.raises(RuntimeError, match="in the middle"):
        migrate.upgrade(empty)
    assert "half" not in inspect(engine).get_table_names()
    (scripts / "versions" / "9999_further.py").unlink()
    migrate.upgrade(empty)


def test_changing_a_table_keeps_what_hangs_on_its_rows(empty: Config, engine: Engine, scripts: Path) -> None:
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO role (id, name) VALUES (1, 'admin')"))
        connection.execute(text("""INSERT INTO "user" (id, email, active, fs_uniquifier, created_at)
            VALUES (1, 'a@example.com', true, 'x', '2026-01-01')"""))
        connection.execute(text("INSERT INTO user_role (user_id, role_id) VALUES (1, 1)"))
    engine.dispose()
    add_migration(scripts, 'with op.batch_alter_table("role") as batch: batch.alter_column("name", type_=sa.Text())')
    migrate.upgrade(empty)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM user_role")).scalar() == 1
        assert "TEXT" in str(inspect(connection).get_columns("role")[1]["type"])


def test_a_database_of_a_newer_version_is_refused(empty: Config, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'later'"))
    with pytest.raises(ConfigError, match="written by a newer version"):
        migrate.upgrade(empty)


@pytest.mark.parametrize(("url", "sentence"), [
    ("postgresql+psycopg://user:S3CR3T@127.0.0.1:1/portal", "the database cannot be used"),
    ("sqlite:////nowhere/at/all.sqlite3", "the database cannot be used"),
    ("mysql://user:S3CR3T@host/db", "not an address this portal knows"),
    ("nonsense", "not an address this portal knows"),
])
def test_a_database_that_cannot_be_used_is_named_in_one_sentence(config: Config, url: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=f"^DATABASE_URL: .*{sentence}") as caught:
        migrate.upgrade(replace(config, database_url=url))
    assert "S3CR3T" not in str(caught.value)


def test_what_each_version_stored_survives_to_the_newest(empty: Config) -> None:
    """Rows are added to every table as each version has it, and all of them can be read at the end."""
    engine = make_engine(empty.database_url)
    stored: dict[str, int] = {}
    versions = [script.revision for script in ScriptDirectory(str(migrate.SCRIPTS)).walk_revisions()][::-1]
    for number, version in enumerate(versions, 1):
        with migrate.changing(engine) as connection:
            command.upgrade(migrate.alembic_config(connection), version)
        fill(engine, number=number)
        for table in set(inspect(engine).get_table_names()) - {"alembic_version"}:
            stored[table] = stored.get(table, 0) + 1
    migrate.upgrade(empty)
    with engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            assert connection.scalar(select(func.count()).select_from(table)) == stored.pop(table.name), table.name
    assert not stored
    with Database(engine).read() as session:
        for mapper in Base.registry.mappers:
            assert session.scalars(select(mapper.class_)).all(), f"{mapper.class_.__name__} can be read and decrypted"
    engine.dispose()
