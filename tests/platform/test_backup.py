from __future__ import annotations

import json
import os
import sqlite3
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from click.testing import CliRunner
from sqlalchemy import Engine, func, select, text

from portal import backup, crypto, migrate
from portal.backup import BackupError
from portal.cli import main
from portal.config import Config
from portal.db import Database, make_engine
from portal.models import Conflict, Store, SyncJob
from portal.sync import jobs
from tests.conftest import POSTGRES, SECRET
from tests.platform.rows import fill
from tests.sync.factory import make_store

DATABASES = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


@pytest.fixture(params=DATABASES)
def there(request: pytest.FixtureRequest, config: Config) -> Iterator[tuple[Config, Database]]:
    """An installation with a row in every table."""
    if request.param == "postgres":
        request.getfixturevalue("postgres")
        config = replace(config, database_url=POSTGRES)
    migrate.upgrade(config)
    db = Database(make_engine(config.database_url))
    fill(db.engine)
    yield config, db
    db.engine.dispose()


def content(engine: Engine) -> dict[str, list[Any]]:
    """Every row as it is stored."""
    with engine.connect() as connection:
        found = {table.name: sorted(map(repr, connection.execute(select(table)).all())) for table in backup._tables()}
    return found


def test_a_backup_brings_every_row_back(there: tuple[Config, Database], tmp_path: Path) -> None:
    config, db = there
    before = content(db.engine)
    assert all(before.values()), "the test fills every table"
    rows = backup.save(config, tmp_path / "monday")
    with db.begin() as session:
        session.execute(text("DELETE FROM store"))
        session.execute(text("UPDATE sync_job SET queued_at = NULL"))
    make_store(db, "later")
    again, kept = backup.restore(config, tmp_path / "monday")
    assert again == rows == sum(map(len, before.values()))
    after = content(db.engine)
    assert {name for name in before if after[name] != before[name]} <= {"sync_job"}
    assert len(after["sync_job"]) == len(before["sync_job"])
    with db.begin() as session:
        assert session.scalar(select(SyncJob).where(SyncJob.queued_at.is_not(None))) is None, "RQ is told anew"
        last = session.scalar(select(func.max(SyncJob.id)))
        assert jobs.notice(session, session.scalars(select(Store)).one(), "product", "ps_to_odoo", "77", source="test") > last
    backup.restore(config, kept)
    with db.read() as session:
        assert session.scalars(select(Store.name)).all() == ["later"], "what was there before the restore was not lost"


@pytest.mark.postgres
def test_a_backup_of_one_kind_of_database_can_be_brought_into_the_other(config: Config, postgres: Database, tmp_path: Path) -> None:
    migrate.upgrade(config)
    small = make_engine(config.database_url)
    fill(small)
    before = content(small)
    backup.save(config, tmp_path / "small")
    big = replace(config, database_url=POSTGRES)
    backup.restore(big, tmp_path / "small")
    after = content(postgres.engine)
    assert {name for name in before if after[name] != before[name]} <= {"sync_job"}
    backup.save(big, tmp_path / "big")
    backup.restore(config, tmp_path / "big")
    assert {k: len(v) for k, v in content(small).items()} == {k: len(v) for k, v in before.items()}
    small.dispose()


def test_json_null_and_a_missing_value_stay_apart(there: tuple[Config, Database], tmp_path: Path) -> None:
    config, db = there
    with db.begin() as session:
        session.execute(text("UPDATE conflict SET shop_value = 'null'"))
        session.execute(text("UPDATE store SET odoo_profile = NULL"))
    backup.save(config, tmp_path / "file")
    backup.restore(config, tmp_path / "file")
    with db.read() as session:
        assert session.scalars(select(Conflict)).one().shop_value is None
        assert session.scalar(text("SELECT count(*) FROM store WHERE odoo_profile IS NULL")) == 1


def test_the_file_is_for_its_owner_holds_no_secret_and_is_one_file(there: tuple[Config, Database], tmp_path: Path) -> None:
    config, db = there
    folder = tmp_path / "backups"
    folder.mkdir()
    make_store(db, "with keys")
    backup.save(config, folder / "file")
    assert [path.name for path in folder.iterdir()] == ["file"]
    assert stat.S_IMODE((folder / "file").stat().st_mode) == 0o600
    stored = (folder / "file").read_bytes()
    for secret in (b"shop-key-secret", b"odoo-key-secret", SECRET.encode()):
        assert secret not in stored


def test_a_backup_overwrites_nothing(there: tuple[Config, Database], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("last week")
    with pytest.raises(BackupError, match="exists already"):
        backup.save(there[0], tmp_path / "file")
    assert (tmp_path / "file").read_text() == "last week"


def test_a_backup_of_another_secret_is_refused_and_nothing_is_changed(there: tuple[Config, Database], tmp_path: Path) -> None:
    config, db = there
    backup.save(config, tmp_path / "file")
    before = content(db.engine)
    crypto.use_keys(["another secret of 20 signs"])
    with pytest.raises(BackupError, match=r"secret\.key that belongs to the backup"):
        backup.restore(config, tmp_path / "file")
    assert content(db.engine) == before


@pytest.mark.parametrize("kind", ["none", "text", "other", "cut", "newer"])
def test_what_is_no_backup_is_refused_and_nothing_is_changed(config: Config, tmp_path: Path, kind: str) -> None:
    migrate.upgrade(config)
    engine = make_engine(config.database_url)
    fill(engine)
    file = tmp_path / "file"
    backup.save(config, file)
    if kind == "none":
        file.unlink()
    elif kind == "text":
        file.write_text("nothing of the kind " * 100)
    elif kind == "cut":
        os.truncate(file, 3000)
    else:
        with sqlite3.connect(file) as connection:
            connection.execute("DROP TABLE store" if kind == "other" else "UPDATE alembic_version SET version_num = 'later'")
    before = content(engine)
    with pytest.raises(BackupError, match=r"no such file|no backup of the portal|newer version"):
        backup.restore(config, file)
    assert content(engine) == before
    assert not list(config.data_dir.glob("before-restore*"))
    engine.dispose()


def test_a_backup_of_an_older_version_is_brought_up_to_date(config: Config, tmp_path: Path) -> None:
    old = make_engine(f"sqlite:///{tmp_path / 'old'}")
    with migrate.changing(old) as connection:
        command.upgrade(migrate.alembic_config(connection), "0001")
    fill(old, tables={"role", "user", "store"})
    old.dispose()
    migrate.upgrade(config)
    backup.restore(config, tmp_path / "old")
    engine = make_engine(config.database_url)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM store")) == 1
        assert connection.scalar(text("SELECT language FROM \"user\"")) in ("", None)
    engine.dispose()


def test_where_somebody_keeps_the_database_to_himself_nothing_is_changed(there: tuple[Config, Database], tmp_path: Path,
                                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    config, db = there
    backup.save(config, tmp_path / "file")
    before = content(db.engine)
    monkeypatch.setattr(backup, "PATIENCE_SECONDS", 0.2)
    with db.begin() as session:
        session.execute(text("UPDATE store SET name = name"))
        with pytest.raises(BackupError, match="Nothing was changed"):
            backup.restore(config, tmp_path / "file")
    assert content(db.engine) == before


def test_the_commands_say_what_they_did_and_where_the_secret_is(config: Config, tmp_path: Path,
                                                              monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**config.to_env(), "PORTAL_SECRET_KEY": ""}.items():
        monkeypatch.setenv(name, value)
    file = tmp_path / "file"
    said = CliRunner().invoke(main, ["backup", str(file)])
    assert said.exit_code == 0, said.output
    assert f"keep {config.data_dir / 'secret.key'} apart from the backup" in " ".join(said.output.split())
    facts = CliRunner().invoke(main, ["restore", str(file), "--json"])
    assert facts.exit_code == 0, facts.output
    assert Path(json.loads(facts.output)["before"]).is_file()
    refused = CliRunner().invoke(main, ["backup", str(file)])
    assert refused.exit_code == 1
    assert "exists already" in refused.output
