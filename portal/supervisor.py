"""`portal up`: embedded Redis, sandbox, web, workers and ticker as one process tree."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import http.client
import logging
import os
import socket
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from portal import demo, embedded
from portal.config import Config, ConfigError
from portal.db import Database, now
from portal.models import Heartbeat
from portal.processes import Child, Tree
from portal.runtime import open_services, prepare
from portal.web.first_admin import first_admin_link

logger = logging.getLogger(__name__)

REDIS_SECONDS = 30.0
WEB_SECONDS = 60.0
FREE_SECONDS = 5.0
"""A port may still be held for a moment by what is just ending."""
GRACE_SECONDS = 60.0
"""Beyond the lease, before a worker counts as hanging."""
WATCH_SECONDS = 5.0

Overdue = Callable[[Session, timedelta], Iterable[tuple[str, datetime]]]


def up(config: Config) -> int:
    """Run everything until stopped; the exit code. Raises `ConfigError` when it cannot start."""
    with alone(config):
        refuse_taken_address(config.bind)
        prepare(config)
        services = open_services(config)
        watchdog = Watchdog(services.db, timedelta(seconds=config.lease_seconds + GRACE_SECONDS))
        env = {**os.environ, **config.to_env()}
        with contextlib.closing(services), Tree(watch=watchdog) as tree:
            if not config.redis_url:
                embedded.end_left_over(config)
                tree.add(Child("redis", embedded.command(config), env, needed_by_others=True, repair=lambda: _repair(config)))
                if not tree.wait_for(lambda: embedded.answers(config), seconds=REDIS_SECONDS) and not tree.told_to_stop:
                    raise ConfigError(f"The embedded server does not start; see {embedded.folder(config) / 'server.log'}, or set "
                                      "REDIS_URL to a server you have.")
            ports = demo.ports(config, services.db) if config.demo else None
            if ports is not None:
                tree.add(Child("sandbox", sandbox_command(config, ports), env, quiet=True))
                demo.ensure_store(services, ports)
            tree.add(Child("web", web_command(), env))
            for number in range(config.workers):
                tree.add(Child(f"worker {number + 1}", portal("worker"), env))
            tree.add(Child("ticker", portal("tick", "--every", str(config.tick_seconds)), env))
            if tree.wait_for(lambda: web_answers(config.bind), seconds=WEB_SECONDS):
                _announce(config, services.db)
            elif not tree.told_to_stop:
                logger.error("the web pages do not answer; see the messages above")
            tree.run()
    return 0


def exec_web(config: Config) -> None:
    """Become the web server."""
    command = web_command()
    os.execve(command[0], command, {**os.environ, **config.to_env()})  # noqa: S606


def web_command() -> list[str]:
    """gunicorn with the settings of `portal.gunicorn_conf`."""
    return [sys.executable, "-m", "gunicorn", "-c", "python:portal.gunicorn_conf"]


def sandbox_command(config: Config, ports: demo.Ports) -> list[str]:
    """The bundled PrestaShop and Odoo of the demo store, which keep their data beside the portal's."""
    return [sys.executable, "-m", "portal.sandbox", "--shop-port", str(ports.shop), "--odoo-port", str(ports.odoo),
            "--data-dir", str(config.data_dir / "sandbox")]


def portal(*words: str) -> list[str]:
    """The command line of one of our own commands."""
    return [sys.executable, "-m", "portal", *words]


@contextlib.contextmanager
def alone(config: Config) -> Iterator[None]:
    """One `portal up` per data folder; the lock goes with the process, however that ends."""
    with (config.data_dir / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ConfigError(f"PORTAL_DATA_DIR: a portal is running on {config.data_dir} already. Stop it first, or choose "
                              "another folder.") from None
        yield


def refuse_taken_address(bind: str) -> None:
    """Raise `ConfigError` when the web server could not listen there; better one sentence now than a restart every 30 s."""
    address = _address(bind)
    if address is None:
        return
    deadline = time.monotonic() + FREE_SECONDS
    while True:
        try:
            with socket.create_server(address, family=socket.AF_INET6 if ":" in address[0] else socket.AF_INET):
                return
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise ConfigError(f"PORTAL_BIND: cannot listen on {bind} ({error}). Use an address of this machine and a free "
                                  "port above 1023, such as 127.0.0.1:8000.") from error
            if time.monotonic() > deadline:
                raise ConfigError(f"PORTAL_BIND: {bind} is used by another program. Stop that, or choose another port, such as "
                                  f"PORTAL_BIND={address[0]}:{address[1] + 1}.") from None
            time.sleep(0.1)


def web_answers(bind: str) -> bool:
    """Whether the web server takes requests. A Unix socket is taken on trust."""
    address = _address(bind)
    if address is None:
        return True
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(address[0], address[0])  # noqa: S104
    with contextlib.closing(http.client.HTTPConnection(host, address[1], timeout=2)) as connection:
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status < 500
        except (OSError, http.client.HTTPException):
            return False


class Watchdog:
    """Kills a worker that has been busy with one task for longer than any task may last; SQL leases guard what it held.

    `overdue(session, limit)` names the processes (`host-pid-…`) and since when each is busy. A sign of life left behind by a
    process that is gone is older than the process that has its number now, and is ignored.
    """

    def __init__(self, db: Database, limit: timedelta, overdue: Overdue | None = None) -> None:
        self._db = db
        self._limit = limit
        self._overdue = overdue or busy_for
        self._due = 0.0

    def __call__(self, children: Sequence[Child]) -> None:
        """Look, at most every five seconds; a database that does not answer is not this guard's business."""
        if time.monotonic() < self._due:
            return
        self._due = time.monotonic() + WATCH_SECONDS
        try:
            with self._db.read() as session:
                rows = list(self._overdue(session, self._limit))
        except SQLAlchemyError as error:
            logger.warning("the database does not answer: %s", type(error).__name__)
            return
        for child in children:
            prefix = f"{socket.gethostname()}-{child.process.pid}-" if child.process is not None else None
            if prefix is not None and any(name.startswith(prefix) and since >= child.since for name, since in rows):
                logger.error("%s hangs and is stopped", child.name)
                child.kill()


def busy_for(session: Session, limit: timedelta) -> Iterable[tuple[str, datetime]]:
    """Processes that began a task longer ago than `limit` and have not ended it."""
    query = select(Heartbeat.name, Heartbeat.at).where(Heartbeat.kind == "busy", Heartbeat.at < now() - limit)
    return [(name, at) for name, at in session.execute(query)]


def _address(bind: str) -> tuple[str, int] | None:
    """Host and port of `PORTAL_BIND`; None for a Unix socket."""
    if bind.startswith("unix:"):
        return None
    host, _, port = bind.rpartition(":")
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise ConfigError(f"PORTAL_BIND: {bind!r} is not HOST:PORT. Use for instance 127.0.0.1:8000.")
    return host.strip("[]"), int(port)


def _repair(config: Config) -> None:
    logger.warning("the embedded server does not start with its files; they are put aside and the queue is filled again from SQL")
    embedded.set_aside(config)


def _announce(config: Config, db: Database) -> None:
    print(f"\nOdoo Connector: {config.public_url}", flush=True)  # noqa: T201
    link = first_admin_link(config, db)
    if link:
        print(f"Create the first administrator (once): {link}", flush=True)  # noqa: T201
    print("Stop with Ctrl-C.\n", flush=True)  # noqa: T201
