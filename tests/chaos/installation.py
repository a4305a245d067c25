"""A whole installation on the sandbox for one run: web and workers as processes that can be killed, database, Redis, shop, Odoo.

Processes are forked from a clean server that has everything imported, so that starting one takes milliseconds.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import multiprocessing
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from sqlalchemy import text, update

from portal import crypto, embedded, migrate, processes, rq_setup
from portal.config import Config
from portal.db import Base, Database, make_engine, now
from portal.models import Circuit, SyncJob
from portal.sandbox.odoo_server import DEMO_KEY as ODOO_KEY
from portal.sandbox.odoo_server import make_odoo_server
from portal.sandbox.prestashop import DEMO_KEY as SHOP_KEY
from portal.sandbox.prestashop import make_shop_server
from portal.sync import hook_message, stores, tick
from portal.sync import queue as rq_queue
from portal.sync.services import Services
from tests.chaos import patches
from tests.conftest import SECRET, wait_for_redis
from tests.invariants import check
from tests.world import READING, ROOT, World, add_enabled_store, environment, eventually

PRELOADED = ["portal.worker", "portal.web.inbound", "portal.web.stores", "portal.sync.tasks", "portal.web.metrics",
             "portal.migrate", "tests.chaos.installation", "tests.chaos.warm"]
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(PRELOADED)
BUSY_SECONDS = 20.0


class RedisServer:
    """The embedded server, which can be killed and started again, with or without what it held."""

    def __init__(self, folder: Path) -> None:
        self.config = Config.from_env({"PORTAL_DATA_DIR": str(folder), "PORTAL_SECRET_KEY": SECRET})
        self.url = rq_setup.redis_url(self.config)
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start it unless it runs; returns when it answers."""
        if self.process is None:
            self.process = subprocess.Popen(embedded.command(self.config), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                            preexec_fn=processes.dying_with(os.getpid()))
            wait_for_redis(rq_setup.connect_redis(self.config))

    def kill(self, *, empty: bool = False) -> None:
        """kill -9; `empty`: what it held is gone."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
        if empty:
            shutil.rmtree(embedded.folder(self.config), ignore_errors=True)


@dataclasses.dataclass
class Installation(World):
    """A world whose web pages, too, are a process, and whose Redis can be killed."""

    redis: RedisServer = dataclasses.field(kw_only=True)
    folder: Path = dataclasses.field(kw_only=True)
    web: ForkServerProcess | None = None
    forked: list[ForkServerProcess] = dataclasses.field(default_factory=list)
    tokens: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.services.config.public_url

    # processes

    def fork_worker(self, patch: str = "", argument: str = "", **env: str) -> ForkServerProcess:
        """A worker process, at work in a moment; `patch` names one of `tests.chaos.patches`."""
        log = str(self.folder / "workers.log")
        process = FORKS.Process(target=_worker, args=({**self._environment(), **env}, log, patch, argument), daemon=True)
        process.start()
        self.forked.append(process)
        return process

    def kill_worker(self, number: int) -> None:
        """kill -9."""
        process = self.forked.pop(number)
        process.kill()
        process.join(10)

    def kill_workers(self) -> None:
        while self.forked:
            self.kill_worker(0)
        super().kill_workers()

    def start_web(self, *, wait: bool = True, **env: str) -> None:
        """Start the web process unless it runs; returns when it answers, unless told not to `wait`."""
        if self.web is None:
            self.web = FORKS.Process(target=_web, args=({**self._environment(), **env}, str(self.folder / "web.log")), daemon=True)
            self.web.start()
            if not wait:
                return
            deadline = time.monotonic() + BUSY_SECONDS
            while self.call("GET", "/healthz")[0] != 200:
                assert time.monotonic() < deadline, "the web process does not answer"
                time.sleep(0.01)

    def kill_web(self) -> None:
        """kill -9."""
        if self.web is not None:
            self.web.kill()
            self.web.join(10)
            self.web = None

    def end(self) -> None:
        self.kill_web()
        self.kill_workers()
        self.odoo.stop()
        self.shop.stop()
        self.services.close()

    def _environment(self) -> dict[str, str]:
        return environment(self.services.config)

    def reached(self) -> bool:
        """Whether a patched worker has come to its point."""
        return (self.folder / "sign").exists()

    # callers from outside

    def call(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> tuple[int, Any]:
        """One request; (status, JSON answer), status 0 where none came."""
        request = urllib.request.Request(self.url + path, body, headers or {}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, _json(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, _json(error.read())
        except (OSError, ValueError):
            return 0, None

    def hook(self, changes: list[tuple[str, int]]) -> tuple[int, Any]:
        """What the shop's module sends; changes are (entity, id of the record)."""
        rows = [{"entity": entity, "id": number, "combination": 0, "shop": 1, "version": 1} for entity, number in changes]
        body = json.dumps({"module": "1.0.0", "prestashop": self.shop.shop.version, "batch": secrets.token_hex(8), "backlog": 0,
                           "rescan": "", "changes": rows}).encode()
        signed = hook_message.sign([self.tokens["hooks"]], int(now().timestamp()), body)
        return self.call("POST", "/hooks/prestashop", body, {**signed, hook_message.STORE_HEADER: self.store.key,
                                                             "Content-Type": "application/json"})

    def webhook(self, **fields: object) -> tuple[int, Any]:
        """What Odoo is set up to send."""
        body = json.dumps({"token": self.tokens["webhook"], **fields}).encode()
        return self.call("POST", "/webhook", body, {"Content-Type": "application/json"})

    def cron(self) -> tuple[int, Any]:
        return self.call("GET", f"/cron?token={self.tokens['cron']}")

    # time and state

    def pass_time(self, *, leases: bool = True) -> None:
        """As if every waiting time were over; `leases`: those of workers too, which must be dead."""
        past = now() - timedelta(seconds=1)
        waiting = ("pending", "error", "blocked")
        with self.db.begin() as session:
            if session.get_bind().dialect.name == "postgresql":  # nobody else has both the running and the waiting rows
                session.execute(text("LOCK TABLE sync_job IN EXCLUSIVE MODE"))
            if leases:
                session.execute(update(SyncJob).where(SyncJob.state == "running").values(lease_until=past))
            session.execute(update(SyncJob).where(SyncJob.state.in_(waiting)).values(due_at=past))
            session.execute(update(SyncJob).where(SyncJob.queued_at.is_not(None)).values(queued_at=past - timedelta(hours=1)))
            session.execute(update(Circuit).where(Circuit.state == "open").values(probe_at=past))

    def writes(self) -> int:
        """Calls so far that may change something on either side."""
        return self.writing_calls().total()

    def writing_calls(self) -> Counter[str]:
        """Which they were. `http.…` is none: a worker that was killed left half a message, which names no model."""
        odoo = {call: n for call, n in list(self.odoo.calls.items())
                if call.rpartition(".")[2] not in READING and not call.startswith("http.")}
        shop = {call: n for call, n in list(self.shop.calls.items()) if call.split()[0] in ("PATCH", "POST", "PUT", "DELETE")}
        return Counter(odoo | shop)

    def running(self) -> int:
        return len(self.jobs("running"))

    def recover(self) -> None:
        """What happens by itself after a while, when what was broken is whole again and what hung is dead."""
        self.kill_workers()
        self.redis.start()
        for server in (self.odoo, self.shop):
            server.faults.clear()
            server.faults.wait_late()
            if not server.serving:
                server.start()
        self.pass_time()
        tick.tick(self.services, self.services.queue())
        self.fork_worker()

    def until(self, state: str, *job_ids: int) -> None:
        """Wait until these changes have come to a state."""
        eventually(lambda: all(self.job(number).state == state for number in job_ids), f"{job_ids} come to {state}")

    def check(self) -> None:
        """What must hold after every fault: I1 to I7 of docs/reliability.md."""
        self.redis.start()
        check(self.db)
        doubled = self.doubled()
        assert not doubled, doubled
        queue = self.services.queue()
        assert queue is not None
        with self.db.read() as session:
            rq_queue.mirror_dead(session, queue)
            assert rq_queue.mirror_dead(session, queue) == 0, "the failed registry is not what SQL says"
        logs = "".join(path.read_text(errors="replace") for path in self.folder.glob("*.log"))
        for secret in (ODOO_KEY, SHOP_KEY, SECRET, *self.tokens.values()):
            assert secret not in logs, "a secret stands in the log of a process"

    def doubled(self) -> list[str]:
        """Records that Odoo was made to create twice."""
        made = Counter((row["model"], row["key"]) for row in self.odoo.db.creates
                       if row["model"] in ("product.template", "sale.order"))
        return [f"{model} {key} was created {number} times" for (model, key), number in made.items() if number > 1 and key]

    def log_of_processes(self) -> str:
        """The last lines of web and workers, to be shown when something is wrong."""
        return "\n".join(f"{path.name}:\n{path.read_text(errors='replace')[-6000:]}" for path in sorted(self.folder.glob("*.log")))


@contextmanager
def install(folder: Path, redis: RedisServer, *, url: str, version: str, shop_version: str, **choices: object,
            ) -> Iterator[Installation]:
    """Set it up with an empty shop; web and workers are not started."""
    config = Config.from_env({"PORTAL_DATA_DIR": str(folder), "PORTAL_SECRET_KEY": SECRET, "PORTAL_ALLOW_PRIVATE_NETWORKS": "1",
                              "PORTAL_DEMO": "0", "DATABASE_URL": url, "REDIS_URL": redis.url,
                              "PORTAL_BIND": f"127.0.0.1:{_free_port()}"})
    crypto.use_keys([SECRET])
    database = Database(make_engine(config.database_url))
    services = Services(config, database, rq_setup.connect_redis(config))
    shop = make_shop_server(0, version=shop_version, demo=False).start()
    odoo = make_odoo_server(0, version=version).start()
    store = add_enabled_store(database, shop, odoo, **choices)
    world = Installation(services, store, shop, odoo, redis=redis, folder=folder)
    with database.read() as session:
        world.tokens = {kind: stores.token_value(session, store, kind) for kind in stores.TOKEN_KINDS}
    try:
        yield world
    finally:
        world.end()


def empty_sqlite(template: Path, target: Path) -> str:
    """A database with the schema; the template is made once."""
    if not template.exists():
        template.parent.mkdir(parents=True, exist_ok=True)
        migrate.upgrade(Config.from_env({"PORTAL_DATA_DIR": str(template.parent), "PORTAL_SECRET_KEY": SECRET,
                                         "DATABASE_URL": f"sqlite:///{template}"}))
    shutil.copy(template, target)
    return f"sqlite:///{target}"


def empty_postgres(url: str) -> str:
    """The PostgreSQL database, emptied."""
    engine = make_engine(url)
    tables = ", ".join(f'"{table.name}"' for table in Base.metadata.sorted_tables)
    with engine.begin() as connection:
        connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))
    engine.dispose()
    return url


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _json(raw: bytes) -> Any:
    with contextlib.suppress(ValueError):
        return json.loads(raw)
    return None


def _become(env: dict[str, str], log: str) -> None:
    os.environ.clear()
    os.environ.update(env)
    os.chdir(ROOT)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(file, 1)
    os.dup2(file, 2)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _worker(env: dict[str, str], log: str, patch: str, argument: str) -> None:
    _become(env, log)
    from portal.worker import work

    if patch:
        getattr(patches, patch)(argument)

    raise SystemExit(work())


def _web(env: dict[str, str], log: str) -> None:
    _become(env, log)
    from werkzeug.serving import make_server

    from portal import create_app

    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    config = Config.from_env()
    host, _, port = config.bind.rpartition(":")
    make_server(host, int(port), create_app(), threaded=True).serve_forever()
