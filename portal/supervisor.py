"""`portal up`: embedded Redis, sandbox, web, workers and ticker as one process tree.

A child that ends is started again after 0.2 s, doubling to 30 s while it keeps ending. SIGINT and SIGTERM stop all in order. On
Linux the kernel ends the children if this process is killed.
"""

from __future__ import annotations

import ctypes
import fcntl
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import FrameType

from redis import RedisError
from sqlalchemy import select

from portal import demo, embedded, rq_setup
from portal.config import Config, ConfigError
from portal.db import Database, now
from portal.models import Heartbeat
from portal.runtime import open_services, prepare

logger = logging.getLogger(__name__)

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 30.0
STEADY_SECONDS = 20.0
"""A child that lived this long starts with the first pause again."""
STOP_SECONDS = 20.0
_PR_SET_PDEATHSIG = 1


@dataclass
class Child:
    """One process to keep alive."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause: float = FIRST_PAUSE
    due: float = 0.0
    starts: int = field(default=0)

    def start(self) -> None:
        """Start the process; it dies with this one."""
        self.process = subprocess.Popen(self.command, env=dict(self.env), preexec_fn=_die_with_parent,  # noqa: S603, PLW1509
                                        stdin=subprocess.DEVNULL)
        self.started = time.monotonic()
        self.starts += 1

    def look(self) -> None:
        """Start it again if it ended, after its pause."""
        at = time.monotonic()
        if self.process is not None and self.process.poll() is None:
            return
        if self.process is not None:
            lived = at - self.started
            self.pause = FIRST_PAUSE if lived > STEADY_SECONDS else min(self.pause * 2, LONGEST_PAUSE)
            if self.starts > 1 or self.process.returncode != 0:
                logger.warning("%s ended (%s); starting it again in %.1f s", self.name, self.process.returncode, self.pause)
            self.process = None
            self.due = at + self.pause
        if at >= self.due:
            self.start()

    def stop(self, deadline: float) -> None:
        """Ask the process to end and wait; kill it at the deadline."""
        if self.process is None:
            return
        try:
            self.process.wait(max(deadline - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Supervisor:
    """Keeps children alive until told to stop."""

    def __init__(self, children: Sequence[Child], *, watch: Callable[[], None] = lambda: None) -> None:
        self.children = list(children)
        self._watch = watch
        self._stopping = False

    def run(self) -> None:
        """Start what is missing and look after it; returns after SIGINT or SIGTERM, with every child ended."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)
        try:
            while not self._stopping:
                for child in self.children:
                    child.look()
                self._watch()
                time.sleep(0.1)
        finally:
            self.stop()

    def stop(self) -> None:
        """End the children in the opposite order of their start; the embedded server last, since workers need it to finish."""
        deadline = time.monotonic() + STOP_SECONDS
        first = [child for child in self.children if child.name != "redis"]
        for child in first:
            if child.process is not None and child.process.poll() is None:
                child.process.terminate()
        for child in [*reversed(first), *(c for c in self.children if c.name == "redis")]:
            if child.name == "redis" and child.process is not None and child.process.poll() is None:
                child.process.terminate()
            child.stop(deadline)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True


def up(config: Config) -> int:
    """Run everything until stopped; the exit code."""
    lock = (config.data_dir / "up.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise ConfigError(f"PORTAL_DATA_DIR: a portal is running on {config.data_dir} already. Stop it first, or choose another "
                          "folder.") from None
    prepare(config)
    env = {**os.environ, **config.to_env()}
    children: list[Child] = []
    if not config.redis_url:
        children.append(Child("redis", embedded.command(config), env))
        children[0].start()
        _wait_for_redis(config)
    services = open_services(config)
    ports = demo.ports(config, services.db) if config.demo else None
    if ports is not None:
        children.append(Child("sandbox", _portal("sandbox", "--shop-port", str(ports.shop), "--odoo-port", str(ports.odoo)), env))
        children[-1].start()
        demo.ensure_store(services, ports)
    children.append(Child("web", web_command(config), env))
    children += [Child(f"worker {n + 1}", _portal("worker"), env) for n in range(config.workers)]
    children.append(Child("ticker", _portal("tick", "--every", str(config.tick_seconds)), env))
    _announce(config, services.db)
    Supervisor(children, watch=_watchdog(config, services.db, children)).run()
    services.close()
    return 0


def exec_web(config: Config) -> None:
    """Become the web server."""
    command = web_command(config)
    os.execve(command[0], command, {**os.environ, **config.to_env()})  # noqa: S606


def web_command(config: Config) -> list[str]:
    """gunicorn with one process and eight threads; its access log leaves query strings out, since they may hold a token."""
    return [sys.executable, "-m", "gunicorn", "wsgi:app", "--chdir", str(Path(__file__).parent.parent), "-b", config.bind,
            "-k", "gthread", "-w", "1", "--threads", "8", "--no-control-socket", "--log-level", "warning",
            "--access-logformat", '%(h)s "%(m)s %(U)s" %(s)s %(b)s %(M)sms', "--graceful-timeout", "10"]


def _portal(*words: str) -> list[str]:
    return [sys.executable, "-m", "portal", *words]


def _wait_for_redis(config: Config) -> None:
    redis = rq_setup.connect_redis(config)
    deadline = time.monotonic() + 10
    while True:
        try:
            redis.ping()
            redis.close()
            return
        except RedisError:
            if time.monotonic() > deadline:
                raise ConfigError("REDIS_URL: the embedded server does not start; see the messages above.") from None
            time.sleep(0.02)


def _watchdog(config: Config, db: Database, children: Sequence[Child]) -> Callable[[], None]:
    """Kill a worker that has been busy with one task for longer than any task may last."""
    limit = timedelta(seconds=config.lease_seconds + 60)
    last = [time.monotonic()]

    def watch() -> None:
        if time.monotonic() - last[0] < 5:
            return
        last[0] = time.monotonic()
        with db.read() as session:
            hung = {row.name for row in session.scalars(select(Heartbeat).where(Heartbeat.kind == "busy", Heartbeat.at < now() - limit))}
        for child in children:
            if child.process is not None and any(name.split("-")[-2:-1] == [str(child.process.pid)] for name in hung):
                logger.error("%s hangs and is stopped", child.name)
                child.process.kill()

    return watch


def _announce(config: Config, db: Database) -> None:
    from portal.web.first_admin import first_admin_link

    print(f"\nOdoo Connector: {config.public_url}", flush=True)  # noqa: T201
    link = first_admin_link(config, db)
    if link:
        print(f"Create the first administrator (once): {link}", flush=True)  # noqa: T201
    print("Stop with Ctrl-C.\n", flush=True)  # noqa: T201


def _die_with_parent() -> None:
    """In the child, before exec. Its own process group, so that Ctrl-C reaches only the supervisor, which ends all in order."""
    os.setpgid(0, 0)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
