"""`portal up` as a process of its own on the sandbox, and what can be seen of it from outside."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import func, select

from bench.callers import Caller, call
from bench.pages import logged_in
from bench.world import World, world
from portal import create_app, rq_setup, supervisor
from portal.config import Config
from portal.db import Database
from portal.models import Store, SyncJob
from portal.runtime import open_services, prepare
from portal.sandbox.odoo_server import DEMO_DATABASE, DEMO_LOGIN
from portal.sandbox.odoo_server import DEMO_KEY as ODOO_KEY
from portal.sandbox.prestashop import DEMO_KEY as SHOP_KEY
from portal.sync import jobs, stores

PATIENCE = 900.0


@dataclass
class Watch:
    """The most that each process has taken, and that RQ has held, looked at twice a second."""

    config: Config
    root: int
    jobs: int = 0
    began: float = 0.0
    megabytes: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    cpu: dict[str, float] = field(default_factory=dict)
    """Processor seconds by kind of process when `reset` was called."""
    ended: threading.Event = field(default_factory=threading.Event)

    def look(self) -> None:
        queue = rq_setup.make_queue(rq_setup.connect_redis(self.config))
        while not self.ended.wait(0.5):
            with contextlib.suppress(Exception):
                self.jobs = max(self.jobs, queue.count)
            for name, size, _ in _processes(self.root):
                self.megabytes[name] = max(self.megabytes[name], size)

    def reset(self) -> None:
        """Begin to measure."""
        self.jobs = 0
        self.megabytes.clear()
        self.cpu, self.began = self._used(), time.monotonic()

    def line(self) -> str:
        seconds = time.monotonic() - self.began
        used = {name: (now - self.cpu.get(name, 0)) / seconds for name, now in self._used().items()}
        each = (f"{name} {size} MB, {used.get(name, 0):.0%}" for name, size in sorted(self.megabytes.items()))
        return f"at most {self.jobs} jobs in RQ; memory and processor: {'; '.join(each)}"

    def _used(self) -> dict[str, float]:
        used: dict[str, float] = defaultdict(float)
        for name, _, seconds in _processes(self.root):
            used[name] += seconds
        return used


@dataclass
class Installation:
    """The running portal, its store, and a person who looks at the dashboard."""

    db: Database
    store: Store
    caller: Caller
    cookie: str
    watch: Watch
    sandbox: World
    looks: list[float] = field(default_factory=list)

    def fill(self, number: int) -> None:
        """So many changes of an initial sync, of records the shop does not have (any more): each is read and settled."""
        for start in range(0, number, 1000):
            with self.db.begin() as session:
                jobs.notice_many(session, session.get_one(Store, self.store.id), "customer", "ps_to_odoo",
                                 [str(1_000_000 + n) for n in range(start, min(start + 1000, number))], source="initial")

    def noticed(self) -> int:
        """How often the shop's changes were noticed so far: each row counts what was coalesced with it."""
        with self.db.read() as session:
            return session.scalar(select(func.sum(SyncJob.version)).where(SyncJob.direction == "ps_to_odoo")) or 0

    def unknown(self, numbers: Sequence[int]) -> tuple[int, int]:
        """Of the changes that answers named: how many there are, and how many of them SQL does not have."""
        named = set(numbers)
        with self.db.read() as session:
            there = set(session.scalars(select(SyncJob.id)))
        return len(named), len(named - there)

    def left(self) -> int:
        with self.db.read() as session:
            return session.scalar(select(func.count()).where(SyncJob.state.in_(("pending", "error", "running")))) or 0

    def until_done(self) -> None:
        self._until(lambda: self.left() == 0)

    def until_synced(self, number: int) -> None:
        self._until(lambda: self._state(number) == "synced")

    def look(self, seconds: float) -> None:
        """The dashboard's part that refreshes itself, ten times a second."""
        self.looks.clear()
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            began = time.perf_counter()
            connection = http.client.HTTPConnection(self.caller.host, self.caller.port, timeout=30)
            connection.request("GET", f"/stores/{self.store.id}/live", headers={"Cookie": self.cookie, "HX-Request": "true"})
            assert connection.getresponse().status in (200, 204)
            connection.close()
            self.looks.append((time.perf_counter() - began) * 1000)
            time.sleep(0.1)

    def slowest_looks(self) -> float:
        return statistics.quantiles(self.looks, n=20, method="inclusive")[18]

    def _state(self, number: int) -> str:
        with self.db.read() as session:
            return session.get_one(SyncJob, number).state

    def _until(self, condition: object) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():  # type: ignore[operator]
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.05)


@contextmanager
def installed(folder: str, url: str, *, people: int, goods: int) -> Iterator[Installation]:
    """Start everything, with a shop of so many customers and products, all of them known in Odoo."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        bind = "{}:{}".format(*probe.getsockname())
    env = {"PORTAL_DATA_DIR": folder, "PORTAL_BIND": bind, "PORTAL_DEMO": "0", "PORTAL_ALLOW_PRIVATE_NETWORKS": "1",
           "DATABASE_URL": url, "PORTAL_LOG_LEVEL": "WARNING"}
    config = prepare(Config.from_env(env))
    services = open_services(config)
    with world("17", customers=people, products=goods, orders=0) as sandbox:
        with services.db.begin() as session:
            store = stores.add_store(session, "bench", ps_url=sandbox.shop, ps_key=SHOP_KEY, odoo_url=sandbox.odoo,
                                     odoo_db=DEMO_DATABASE, odoo_login=DEMO_LOGIN, odoo_key=ODOO_KEY)
            stores.change_store(session, store, {"enabled": True, "products": "both"}, actor="bench")
        with services.db.read() as session:
            tokens = {kind: stores.token_value(session, store, kind) for kind in stores.TOKEN_KINDS}
        browser = logged_in(create_app(config))
        name = browser.application.config["SESSION_COOKIE_NAME"]
        cookie = f"{name}={browser.get_cookie(name).value}"
        process = subprocess.Popen([sys.executable, "-m", "portal", "up"], env={**os.environ, **env}, stdout=subprocess.DEVNULL)
        watch = Watch(config, process.pid)
        looking = threading.Thread(target=watch.look, daemon=True)
        try:
            host, _, port = bind.rpartition(":")
            portal = Installation(services.db, store, Caller(host, int(port), store.key, **tokens), cookie, watch, sandbox)
            portal._until(lambda: supervisor.web_answers(bind))
            looking.start()
            for entity in ("customer", "product"):
                portal.until_synced(call(portal.caller, [portal.caller.hook(entity, 1)], rate=1).jobs[0])
            yield portal
        finally:
            watch.ended.set()
            process.terminate()
            process.wait(60)
            services.close()


def _processes(root: int) -> Iterator[tuple[str, int, float]]:
    """Name, resident memory in MB and processor seconds of every process below one."""
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            parents[int(path.name)] = int((path / "stat").read_text().rpartition(")")[2].split()[1])
    for number in parents:
        above = number
        while above in parents and above != root:
            above = parents[above]
        if above != root:
            continue
        with contextlib.suppress(OSError, ValueError):
            words = Path(f"/proc/{number}/cmdline").read_bytes().decode().split("\0")
            pages = int(Path(f"/proc/{number}/statm").read_text().split()[1])
            ticks = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[11:13]
            yield _name(words), pages * os.sysconf("SC_PAGE_SIZE") // 2**20, sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def _name(words: Sequence[str]) -> str:
    for word, name in (("gunicorn", "web"), ("worker", "worker"), ("tick", "ticker"), ("up", "supervisor")):
        if word in words:
            return name
    return "Redis"
