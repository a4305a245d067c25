"""A whole shop reaches every Odoo, through the real clients and the sandbox's real HTTP servers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from portal.config import Config
from portal.db import Database
from portal.models import Store
from portal.sandbox.odoo_server import DEMO_DATABASE, DEMO_KEY, DEMO_LOGIN, OdooServer, make_odoo_server
from portal.sandbox.prestashop import DEMO_KEY as SHOP_KEY
from portal.sandbox.prestashop import ShopServer, make_shop_server
from portal.sync import drain, initial, jobs, stores
from portal.sync.services import Services
from tests.invariants import check

VERSIONS = ["14", "15", "16", "17", "18", "19"]


@dataclass
class World:
    """A shop, an Odoo, and a store that joins them."""

    services: Services
    store: Store
    shop: ShopServer
    odoo: OdooServer

    def set(self, **choices: object) -> None:
        with self.services.db.begin() as session:
            stores.change_store(session, session.get_one(Store, self.store.id), choices, actor="test")

    def sync(self, *entities: str) -> dict[str, int]:
        """Initial sync of the entities, in the foreground; the counters afterwards."""
        with self.services.db.begin() as session:
            for entity in entities:
                initial.start(session, session.get_one(Store, self.store.id), entity)
        return self.drain()

    def drain(self) -> dict[str, int]:
        result = drain.drain(self.services, self.store)
        assert not result.stopped, result.stopped
        check(self.services.db)
        with self.services.db.read() as session:
            return jobs.counts(session, self.store.id)


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def world(db: Database, config: Config, version: str) -> Iterator[World]:
    with make_shop_server(0) as shop, make_odoo_server(0, version=version) as odoo:
        with db.begin() as session:
            store = stores.add_store(session, "shop", ps_url=shop.url, ps_key=SHOP_KEY, odoo_url=odoo.url,
                                     odoo_db=DEMO_DATABASE, odoo_login=DEMO_LOGIN, odoo_key=DEMO_KEY)
            stores.change_store(session, store, {"enabled": True, "stock": "ps_to_odoo"}, actor="test")
        services = Services(config, db)
        yield World(services, store, shop, odoo)
        for _, client, _ in services._clients.values():
            client.close()


def test_the_demo_shop_arrives_whole_and_a_second_run_changes_nothing(world: World) -> None:
    counts = world.sync("customer", "product", "stock")
    assert counts["dead"] == 0, counts
    assert counts["error"] == 0
    writes = dict(world.odoo.calls)
    world.sync("customer", "product", "stock")
    news = {call: n - writes.get(call, 0) for call, n in world.odoo.calls.items() if n != writes.get(call, 0)}
    assert not [call for call in news if call[1] in ("create", "write", "load", "action_apply_inventory")], news
