"""A shop, an Odoo and a store that joins them: the sandbox's real HTTP servers and the portal's real code."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select, update

from portal.config import Config
from portal.db import Database, now
from portal.models import Circuit, Store, SyncJob
from portal.sandbox.odoo_server import DEMO_DATABASE, DEMO_LOGIN, OdooServer, make_odoo_server
from portal.sandbox.odoo_server import DEMO_KEY as ODOO_KEY
from portal.sandbox.prestashop import DEMO_KEY as SHOP_KEY
from portal.sandbox.prestashop import ShopServer, make_shop_server
from portal.sync import drain, initial, jobs, stores
from portal.sync.services import Services
from tests.invariants import check

ROOT = Path(__file__).parent.parent
PATIENCE = 90.0
"""Seconds after which a test that waits for an event gives up."""


@dataclass
class World:
    """The two servers, the store, and what a merchant, a shopper and a fault can do to them."""

    services: Services
    store: Store
    shop: ShopServer
    odoo: OdooServer
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def db(self) -> Database:
        return self.services.db

    def set(self, **choices: object) -> None:
        """Change settings of the store."""
        with self.db.begin() as session:
            stores.change_store(session, session.get_one(Store, self.store.id), choices, actor="test")
            self.store = session.get_one(Store, self.store.id)

    def notice(self, entity: str, record: object) -> int:
        """A hook of the shop; the job's id."""
        with self.db.begin() as session:
            job_id = jobs.notice(session, session.get_one(Store, self.store.id), entity, "ps_to_odoo", str(record), source="test")
        self.services.kick()
        return job_id

    def sync(self, *entities: str) -> dict[str, int]:
        """Initial sync of the entities, in the foreground; the counters afterwards."""
        with self.db.begin() as session:
            for entity in entities:
                initial.start(session, session.get_one(Store, self.store.id), entity)
        return self.drain()

    def drain(self, *, expect_stop: bool = False) -> dict[str, int]:
        """Process the queue in the foreground; the counters."""
        result = drain.drain(self.services, self.store)
        assert bool(result.stopped) == expect_stop, result.stopped
        check(self.db)
        return self.counts()

    def counts(self) -> dict[str, int]:
        with self.db.read() as session:
            return jobs.counts(session, self.store.id)

    def job(self, job_id: int) -> SyncJob:
        with self.db.read() as session:
            return session.get_one(SyncJob, job_id)

    def jobs(self, *states: str) -> list[SyncJob]:
        with self.db.read() as session:
            return list(session.scalars(select(SyncJob).where(SyncJob.state.in_(states)).order_by(SyncJob.id)))

    def circuit(self, side: str) -> str:
        with self.db.read() as session:
            row = session.get(Circuit, (self.store.id, side))
        return row.state if row else "closed"

    def odoo_rows(self, model: str, **values: object) -> list[dict[str, object]]:
        """Odoo's records of a model whose fields have these values, archived ones included."""
        client = self.services.odoo(self.store)
        return client.search_read(model, [(name, "=", value) for name, value in values.items()], ["id", "display_name"],
                                  context={"active_test": False})

    def written(self) -> int:
        """Calls so far that change something in Odoo."""
        return sum(n for call, n in self.odoo.calls.items() if call.rpartition(".")[2] not in READING)

    def pass_time(self) -> None:
        """As if every lease, waiting time and probe were over."""
        past = now() - timedelta(seconds=1)
        with self.db.begin() as session:
            session.execute(update(SyncJob).where(SyncJob.state == "running").values(lease_until=past))
            session.execute(update(SyncJob).where(SyncJob.state.in_(("pending", "error", "blocked"))).values(due_at=past))
            session.execute(update(Circuit).where(Circuit.probe_at.is_not(None)).values(probe_at=past))

    def start_worker(self) -> subprocess.Popen[bytes]:
        """A real worker process."""
        config = self.services.config
        process = subprocess.Popen([sys.executable, str(ROOT / "worker.py")], cwd=ROOT, env=environment(config),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.workers.append(process)
        return process

    def kill_workers(self) -> None:
        """kill -9."""
        for process in self.workers:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.wait(10)
        self.workers.clear()


READING = {"search_read", "has_group", "read", "search_count", "search", "fields_get", "authenticate", "version", "context_get",
           "check_access_rights", "has_access", "get_external_id"}


def environment(config: Config) -> dict[str, str]:
    """What a child process needs to come to the same configuration."""
    return {**os.environ, **config.to_env(), "PORTAL_SECRET_KEY": config.secret_keys[0], "PORTAL_ALLOW_PRIVATE_NETWORKS": "1",
            "PYTHONPATH": str(ROOT)}


@contextmanager
def make_world(db: Database, services: Services, *, version: str = "17", shop_version: str = "9.1.4",
               demo: bool = True, **choices: object) -> Iterator[World]:
    """Start both servers and add an enabled store."""
    with make_shop_server(0, version=shop_version, demo=demo) as shop, make_odoo_server(0, version=version) as odoo:
        world = World(services, add_enabled_store(db, shop, odoo, **choices), shop, odoo)
        try:
            yield world
        finally:
            world.kill_workers()
            services.forget(world.store)


def add_enabled_store(db: Database, shop: ShopServer, odoo: OdooServer, **choices: object) -> Store:
    """The store that joins the two servers."""
    with db.begin() as session:
        store = stores.add_store(session, "shop", ps_url=shop.url, ps_key=SHOP_KEY, odoo_url=odoo.url,
                                 odoo_db=DEMO_DATABASE, odoo_login=DEMO_LOGIN, odoo_key=ODOO_KEY)
        stores.change_store(session, store, {"enabled": True, "stock": "ps_to_odoo", **choices}, actor="test")
    return store


def eventually(condition: Callable[[], bool], what: str) -> None:
    """Wait for something that another process brings about; fail with `what` when it does not come."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.02)
