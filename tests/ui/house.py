"""A portal as a merchant has it: pages, a worker process, a queue server; and shops with their Odoo beside it."""

from __future__ import annotations

import dataclasses
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import select
from werkzeug.serving import make_server

from portal import create_app, migrate, rq_setup
from portal.config import Config
from portal.db import Database
from portal.models import Drift, Heartbeat, Store
from portal.sandbox.odoo_server import DEMO_DATABASE, DEMO_LOGIN, make_odoo_server
from portal.sandbox.odoo_server import DEMO_KEY as ODOO_KEY
from portal.sandbox.prestashop import DEMO_KEY as SHOP_KEY
from portal.sandbox.prestashop import make_shop_server
from portal.sync import stores, tick
from portal.sync.services import Services
from portal.web.accounts import create_user
from portal.web.first_admin import first_admin_link
from tests.conftest import SECRET
from tests.world import World, eventually

ADMIN = "ada@example.com"
PASSWORD = "correct horse battery"


@dataclasses.dataclass
class House:
    """A running portal. `stack` ends what was started beside it."""

    services: Services
    url: str
    stack: ExitStack
    worker: subprocess.Popen[bytes] | None = None
    cookies: Any = None
    """Of somebody who logged in."""

    @property
    def db(self) -> Database:
        return self.services.db

    def beat(self) -> None:
        """One round of the ticker, which otherwise comes every few seconds."""
        tick.tick(self.services, self.services.queue())

    def open_worker(self, world: World) -> None:
        """Start the worker, and wait for its first sign of life."""
        if self.worker is None:
            self.worker = world.start_worker()
            world.workers.clear()
            self.stack.callback(self._end_worker)
            eventually(self._worker_lives, "the worker starts")
        self.beat()

    def servers(self, *, demo: bool = True) -> World:
        """A shop and an Odoo that no store of the portal joins yet."""
        shop = self.stack.enter_context(make_shop_server(0, demo=demo))
        odoo = self.stack.enter_context(make_odoo_server(0, version="17"))
        return World(self.services, Store(), shop, odoo)

    def join(self, name: str, *, demo: bool = True, **choices: object) -> World:
        """A shop and an Odoo that a store of the portal joins; only what the test does makes work for it."""
        world = self.servers(demo=demo)
        with self.db.begin() as session:
            world.store = stores.add_store(session, name, ps_url=world.shop.url, ps_key=SHOP_KEY, odoo_url=world.odoo.url,
                                           odoo_db=DEMO_DATABASE, odoo_login=DEMO_LOGIN, odoo_key=ODOO_KEY)
            stores.change_store(session, world.store, {"enabled": True, "poll_minutes": 0, **choices}, actor="test")
        self.open_worker(world)
        return world

    def first_link(self) -> str:
        """What `portal up` prints on an empty installation."""
        link = first_admin_link(self.services.config, self.db)
        assert link is not None
        return link

    def drifts(self, store: Store) -> list[Drift]:
        with self.db.read() as session:
            return list(session.scalars(select(Drift).where(Drift.store_id == store.id)))

    def _worker_lives(self) -> bool:
        with self.db.read() as session:
            return session.scalar(select(Heartbeat.name).where(Heartbeat.kind == "worker").limit(1)) is not None

    def _end_worker(self) -> None:
        assert self.worker is not None
        self.worker.terminate()
        self.worker.wait(20)


@contextmanager
def open_house(folder: Path, queue_server: Config, *, admin: bool) -> Iterator[House]:
    """Start the pages; with `admin` somebody may log in already."""
    config = Config.from_env({"PORTAL_DATA_DIR": str(folder), "PORTAL_SECRET_KEY": SECRET, "PORTAL_ALLOW_PRIVATE_NETWORKS": "1",
                              "PORTAL_DEMO": "0", "REDIS_URL": rq_setup.redis_url(queue_server)})
    redis = rq_setup.connect_redis(config)
    redis.flushall()
    redis.close()
    with ExitStack() as stack:
        server = make_server("127.0.0.1", 0, lambda *_: [], threaded=True)
        url = f"http://127.0.0.1:{server.server_port}"
        config = dataclasses.replace(config, public_url=url)
        migrate.upgrade(config)
        server.app = app = create_app(config)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        stack.callback(server.server_close)
        stack.callback(thread.join)
        stack.callback(server.shutdown)
        with app.app_context():
            services = app.extensions["portal"]
            stack.callback(services.close)
            if admin:
                with services.db.begin() as session:
                    create_user(session, ADMIN, PASSWORD, admin=True)
        yield House(services, url, stack)
