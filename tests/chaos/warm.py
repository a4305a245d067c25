"""Imported by the server that processes are forked from: everything a worker does has been done once there."""

from __future__ import annotations

import gc
import logging
import tempfile
from pathlib import Path

from portal import crypto, migrate
from portal.config import Config
from portal.db import Database, make_engine
from portal.sandbox.prestashop_actions import add_address, add_customer, add_product
from portal.sandbox.prestashop_orders import place_order
from portal.sync.services import Services
from tests.conftest import SECRET
from tests.world import make_world


def warm_up() -> None:
    """One of each change in a world of its own; no thread and no file is left."""
    crypto.use_keys([SECRET])
    with tempfile.TemporaryDirectory(prefix="chaos-warm-") as folder:
        config = Config.from_env({"PORTAL_DATA_DIR": str(Path(folder)), "PORTAL_SECRET_KEY": SECRET,
                                  "PORTAL_ALLOW_PRIVATE_NETWORKS": "1", "PORTAL_DEMO": "0"})
        migrate.upgrade(config)
        services = Services(config, Database(make_engine(config.database_url)))
        with make_world(services.db, services, demo=False, order_confirm=True) as world:
            customer = add_customer(world.shop.shop, firstname="Ada", lastname="Byron", email="ada@example.com")
            add_address(world.shop.shop, customer, "FR", postcode="75001")
            product = add_product(world.shop.shop, "Thing", "10", "REF", quantity=5)
            order = place_order(world.shop.shop, customer, [{"product": product, "quantity": 1}])
            for entity, record in (("customer", customer), ("product", product), ("stock", product), ("order", order)):
                world.notice(entity, record)
            world.drain()
        services.close()
    gc.freeze()


logging.disable(logging.INFO)
warm_up()
