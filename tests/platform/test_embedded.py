from __future__ import annotations

import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis

from portal import embedded
from portal.config import Config, ConfigError
from tests.conftest import SECRET, wait_for_redis

pytestmark = pytest.mark.processes
Serve = Callable[[Config], "tuple[subprocess.Popen[bytes], Redis]"]


def at(folder: Path) -> Config:
    return Config.from_env({"PORTAL_DATA_DIR": str(folder), "PORTAL_SECRET_KEY": SECRET})


@pytest.fixture
def serve() -> Iterator[Serve]:
    started: list[tuple[subprocess.Popen[bytes], Redis]] = []

    def _serve(config: Config) -> tuple[subprocess.Popen[bytes], Redis]:
        process = subprocess.Popen(embedded.command(config))
        redis = Redis.from_url(embedded.redis_url(config))
        started.append((process, redis))
        wait_for_redis(redis)
        return started[-1]

    yield _serve
    for process, redis in started:
        redis.close()
        process.kill()
        process.wait(10)


def test_the_server_listens_on_a_socket_of_its_owner_and_on_no_port(serve: Serve, tmp_path: Path) -> None:
    config = at(tmp_path)
    _, redis = serve(config)
    assert redis.config_get("port") == {"port": "0"}
    mode = embedded.socket_path(config).stat().st_mode
    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o700


def test_what_was_written_survives_a_kill(serve: Serve, tmp_path: Path) -> None:
    process, redis = serve(at(tmp_path))
    redis.set("kept", "yes")
    process.kill()
    process.wait(10)
    assert serve(at(tmp_path))[1].get("kept") == b"yes"


def test_a_data_folder_with_a_long_path_gets_its_socket_elsewhere(serve: Serve, tmp_path: Path) -> None:
    config = at(tmp_path / ("long-" * 30))
    _, redis = serve(config)
    assert redis.ping()
    path = embedded.socket_path(config)
    assert len(str(path)) <= 100
    assert path == embedded.socket_path(config)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_folder_that_others_may_enter_is_refused_for_the_socket(tmp_path: Path) -> None:
    config = at(tmp_path / ("other-" * 30))
    embedded.socket_path(config).parent.chmod(0o755)
    with pytest.raises(ConfigError, match="not a private folder"):
        embedded.socket_path(config)


def test_a_server_left_over_from_a_killed_portal_is_ended(serve: Serve, tmp_path: Path) -> None:
    config = at(tmp_path)
    process, _ = serve(config)
    embedded.end_left_over(config)
    assert process.wait(10) == 0
    assert not embedded.answers(config)
    embedded.end_left_over(config)


def test_files_the_server_does_not_start_with_are_put_aside(serve: Serve, tmp_path: Path) -> None:
    config = at(tmp_path)
    process, redis = serve(config)
    redis.set("x", "1")
    process.terminate()
    process.wait(10)
    for file in (tmp_path / "redis" / "appendonlydir").glob("*.aof"):
        file.write_bytes(b"*3\r\n$3\r\nSET\r\nnonsense, and more of it\r\n" * 3)
    broken = subprocess.Popen(embedded.command(config))
    assert broken.wait(10) != 0
    embedded.set_aside(config)
    _, redis = serve(config)
    assert redis.dbsize() == 0
    assert len(list(tmp_path.glob("redis-broken-*/appendonlydir/*.aof"))) > 0


def test_a_server_of_the_system_is_used_where_none_is_bundled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="Install valkey-server or redis-server, or set REDIS_URL"):
        embedded.binary()
    program = tmp_path / "redis-server"
    program.touch(0o755)
    assert embedded.binary() == program
