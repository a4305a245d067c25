"""Initial sync of a whole shop, next to a bare script that sends the same records in `create` batches to the same sandbox.

Ratios count, absolute figures depend on the machine. The sandbox answers a batch in milliseconds, which no Odoo does, so the
first comparison shows the connector's own cost at its largest. The second one lets the sandbox take as long as a real Odoo 17
took (397 partners and 45 products a second): there the connector should take at most 1.5 times the bare script's time.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from bench.world import World, world
from portal import crypto, migrate
from portal.clients import odoo as odoo_client
from portal.clients import prestashop as shop_client
from portal.config import Config
from portal.db import Database, make_engine
from portal.models import Store
from portal.sandbox.odoo_server import DEMO_DATABASE, DEMO_LOGIN
from portal.sandbox.odoo_server import DEMO_KEY as ODOO_KEY
from portal.sandbox.prestashop import DEMO_KEY as SHOP_KEY
from portal.sync import drain, initial, jobs, stores
from portal.sync.services import Services

SIZES = {"customer": 10_000, "product": 10_000, "order": 2_000}


PACED = {"customer": 4_000, "product": 600}
PACE = {"customer": ("res.partner", 397), "product": ("product.template", 45)}
"""Model and records per second of a real Odoo 17, one server process."""


@dataclass
class Figures:
    """What one run cost."""

    records: int
    seconds: float
    cpu: float
    odoo_calls: int
    shop_calls: int

    def line(self, name: str) -> str:
        return (f"{name:22} {self.records / self.seconds:8.0f} records/s  {self.odoo_calls / self.records * 100:6.2f} Odoo calls "
                f"and {self.shop_calls / self.records * 100:5.2f} shop reads per 100  "
                f"{self.cpu / self.records * 1000:6.2f} CPU ms per record")


def main(version: str = "17") -> None:
    """Print the figures of every entity and the ratios."""
    sizes = {"customers": SIZES["customer"], "products": SIZES["product"], "orders": SIZES["order"]}
    with world(version, **sizes) as where, tempfile.TemporaryDirectory() as folder:
        services, store = _portal(folder, where)
        found = {entity: _measure(where, SIZES[entity], partial(_sync, services, store, entity))
                 for entity in ("customer", "product", "order")}
        with services.db.read() as session:
            counts = jobs.counts(session, store.id)
        services.close()
    with world(version, **sizes) as where:
        bare = {entity: _measure(where, SIZES[entity], partial(_bare, where, entity))
                for entity in ("customer", "product")}
    for entity, figures in found.items():
        print(figures.line(entity))
    for entity, figures in bare.items():
        print(figures.line(f"{entity}, bare script"))
        print(f"{'':22} ratio {found[entity].seconds / figures.seconds:.2f}")
    print(f"queue {counts}; peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    _paced(version)


def _paced(version: str) -> None:
    """The same with a sandbox as slow as a real Odoo."""
    sizes = {"customers": PACED["customer"], "products": PACED["product"], "orders": 0}
    seconds: dict[tuple[str, bool], float] = {}
    for bare in (False, True):
        with world(version, **sizes) as where, tempfile.TemporaryDirectory() as folder:
            services, store = _portal(folder, where)
            for entity, (model, per_second) in PACE.items():
                rows = 100 if bare or entity == "product" else 200
                where.slow(model, "create" if bare else "load", rows / per_second)
                run = partial(_bare, where, entity) if bare else partial(_sync, services, store, entity)
                seconds[entity, bare] = _measure(where, PACED[entity], run).seconds
            services.close()
    for entity in PACE:
        ours, theirs = seconds[entity, False], seconds[entity, True]
        print(f"{entity}, pace of a real Odoo: {PACED[entity] / ours:.0f} records/s, bare script {PACED[entity] / theirs:.0f}, "
              f"ratio {ours / theirs:.2f}")


def _portal(folder: str, where: World) -> tuple[Services, Store]:
    config = Config.from_env({"PORTAL_DATA_DIR": folder, "PORTAL_ALLOW_PRIVATE_NETWORKS": "1"})
    crypto.use_keys(config.secret_keys)
    migrate.upgrade(config)
    services = Services(config, Database(make_engine(config.database_url)))
    with services.db.begin() as session:
        store = stores.add_store(session, "bench", ps_url=where.shop, ps_key=SHOP_KEY, odoo_url=where.odoo,
                                 odoo_db=DEMO_DATABASE, odoo_login=DEMO_LOGIN, odoo_key=ODOO_KEY)
        stores.change_store(session, store, {"enabled": True}, actor="bench")
    return services, store


def _sync(services: Services, store: Store, entity: str) -> None:
    with services.db.begin() as session:
        initial.start(session, session.get_one(Store, store.id), entity)
    drain.drain(services, store, hurry=False)


def _bare(where: World, entity: str) -> None:
    """Read the shop page by page and create 100 records per call: no queue, no matching, no memory."""
    shop = shop_client.connect(where.shop, SHOP_KEY, allow_private=True)
    odoo = odoo_client.connect(where.odoo, DEMO_DATABASE, DEMO_LOGIN, ODOO_KEY, allow_private=True)
    odoo.probe()
    resource_name = f"{entity}s"
    after = 0
    while ids := shop.ids(resource_name, after=after, limit=1000):
        after = ids[-1]
        for start in range(0, len(ids), 250):
            page = ids[start:start + 250]
            if entity == "customer":
                rows = shop.read("customers", page, ["id", "firstname", "lastname", "email"])
                addresses = shop.find_any("addresses", "id_customer", page, ["id", "id_customer", "address1", "city", "postcode"])
                first = {row["id_customer"]: row for row in reversed(addresses)}
                values = [{"name": f"{r['firstname']} {r['lastname']}", "email": r["email"], "ref": f"PS-{r['id']}",
                           "street": first.get(r["id"], {}).get("address1", ""), "city": first.get(r["id"], {}).get("city", "")}
                          for r in rows]
                model = "res.partner"
            else:
                rows = shop.read("products", page, ["id", "name", "reference", "price", "wholesale_price", "weight"])
                values = [{"name": next(iter(r["name"].values())) if isinstance(r["name"], dict) else r["name"],
                           "default_code": r["reference"], "list_price": float(r["price"] or 0),
                           "standard_price": float(r["wholesale_price"] or 0), "weight": float(r["weight"] or 0)} for r in rows]
                model = "product.template"
            for part in range(0, len(values), 100):
                odoo.create(model, values[part:part + 100])


def _measure(where: World, records: int, run: Callable[[], None]) -> Figures:
    odoo, shop = where.calls("odoo"), where.calls("shop")
    cpu, start = time.process_time(), time.monotonic()
    run()
    return Figures(records, time.monotonic() - start, time.process_time() - cpu, where.calls("odoo") - odoo,
                   where.calls("shop") - shop)


if __name__ == "__main__":
    main(*sys.argv[1:])
