from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from portal.config import Config, ConfigError
from tests.platform.standin import ROOT

READ = "from portal.config import Config; print(Config.from_env().secret_keys[0])"


@pytest.mark.processes
def test_processes_that_start_at_once_agree_on_one_secret(tmp_path: Path) -> None:
    env = {**os.environ, "PORTAL_DATA_DIR": str(tmp_path / "var")}
    env.pop("PORTAL_SECRET_KEY", None)
    command = [sys.executable, "-c", READ]
    started = [subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True) for _ in range(8)]
    keys = [process.communicate(timeout=60)[0].strip() for process in started]
    assert len(set(keys)) == 1
    assert len(keys[0]) >= 43
    assert [path.name for path in (tmp_path / "var").iterdir()] == ["secret.key"]


def test_the_secret_and_the_data_folder_are_for_their_owner_only(tmp_path: Path) -> None:
    Config.from_env({"PORTAL_DATA_DIR": str(tmp_path / "var")})
    assert stat.S_IMODE((tmp_path / "var").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "var" / "secret.key").stat().st_mode) == 0o600


def test_an_emptied_secret_is_an_error_and_not_a_new_secret(tmp_path: Path) -> None:
    (tmp_path / "secret.key").touch()
    with pytest.raises(ConfigError, match=r"secret\.key: .* Restore the file"):
        Config.from_env({"PORTAL_DATA_DIR": str(tmp_path)})


def test_a_child_comes_to_the_same_configuration(tmp_path: Path) -> None:
    config = Config.from_env({"PORTAL_DATA_DIR": str(tmp_path), "PORTAL_BIND": "127.0.0.1:8123"})
    assert Config.from_env(config.to_env()) == config


@pytest.mark.parametrize("given", ["postgres://u:p@h/d", "postgresql://u:p@h/d", "postgresql+psycopg://u:p@h/d"])
def test_every_usual_form_of_a_postgresql_address_is_understood(tmp_path: Path, given: str) -> None:
    config = Config.from_env({"PORTAL_DATA_DIR": str(tmp_path), "DATABASE_URL": given})
    assert config.database_url == "postgresql+psycopg://u:p@h/d"


@pytest.mark.parametrize(("name", "value"), [
    ("PORTAL_SECRET_KEY", "short"), ("PORTAL_WORKERS", "0"), ("PORTAL_WORKERS", "many"), ("PORTAL_DEMO", "perhaps"),
])
def test_a_wrong_setting_is_named(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"^{name}: "):
        Config.from_env({"PORTAL_DATA_DIR": str(tmp_path), name: value})
