"""Odoo's stock to the shop, one way and both ways: 5,000 changed quantities; and a poll of 50,000 products of which 20 changed.
Prints the requests to both sides and the lines per second.

    .venv/bin/python -m bench.stock_pull [version of Odoo] [lines] [products polled]

The shop should see at most 60 requests for 5,000 lines, and the calls to Odoo should not grow with the lines of a batch. A poll
should cost the shop at most 3 requests and Odoo a number that does not grow with the products.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence

from bench.initial_sync import _portal, _sync
from bench.world import world
from portal.clients import prestashop as shop_client
from portal.clients.odoo import Odoo
from portal.models import Store
from portal.sandbox.prestashop import DEMO_KEY as SHOP_KEY
from portal.sync import drain, jobs, known, poll, stores
from portal.sync.flows.stock import COUNTING
from portal.sync.services import Services

LINES = 5_000
AT_MOST = 60
POLLED = 50_000
CHANGED = 20
POLL_AT_MOST = {"shop": 3, "odoo": 10}
"""One call for each model watched, and one for each entity that has to be told apart."""


def main(version: str = "17", lines: str = str(LINES), polled: str = str(POLLED)) -> None:
    """Print the figures of both; exit 1 where a side sees more requests than it should."""
    _pull(version, int(lines))
    _poll(version, int(polled))


def _poll(version: str, number: int) -> None:
    with world(version, customers=0, products=number, orders=0) as where, tempfile.TemporaryDirectory() as folder:
        services, store = _portal(folder, where)
        _sync(services, store, "product")
        with services.db.begin() as session:
            stores.change_store(session, session.get_one(Store, store.id), {"products": "both", "stock": "both"}, actor="bench")
        where.age()
        poll.poll(services, store.id, force=True)
        with services.db.begin() as session:
            variants = known.all_variants(session, session.get_one(Store, store.id))[-CHANGED:]
        odoo = services.odoo(store)
        odoo.write("product.product", variants, {"standard_price": 3.21})
        before, start = {side: where.calls(side) for side in POLL_AT_MOST}, time.monotonic()
        found = poll.poll(services, store.id, force=True)
        seconds = time.monotonic() - start
        used = {side: where.calls(side) - before[side] for side in POLL_AT_MOST}
        print(f"poll: {number} products, {len(variants)} changed in Odoo, found {found}; {used['shop']} shop requests, "
              f"{used['odoo']} Odoo calls, {seconds:.2f} s")
        if any(used[side] > most for side, most in POLL_AT_MOST.items()) or found.get("odoo", 0) < len(variants):
            sys.exit(f"more than {POLL_AT_MOST} requests, or not every change was found")


def _pull(version: str, number: int) -> None:
    with world(version, customers=0, products=number, orders=0) as where, tempfile.TemporaryDirectory() as folder:
        services, store = _portal(folder, where)
        _sync(services, store, "product")
        for pieces, direction in ((7, "odoo_to_ps"), (9, "both")):
            with services.db.begin() as session:
                row = session.get_one(Store, store.id)
                stores.change_store(session, row, {"stock": direction}, actor="bench")
                variants = known.all_variants(session, row)
            _tell(services, store, variants)
            counted = _count(services.odoo(store), variants, pieces)
            shop, odoo = where.calls("shop"), where.calls("odoo")
            seconds = _tell(services, store, counted)
            shop, odoo = where.calls("shop") - shop, where.calls("odoo") - odoo
            with services.db.read() as session:
                counts = jobs.counts(session, store.id)
            print(f"stock_pull {direction}: {len(counted)} lines changed in Odoo, {_shown(where.shop, pieces)} lines of the shop "
                  f"show it; {shop} shop requests, {odoo} Odoo calls, {len(counted) / seconds:.0f} lines/s; queue {counts}")
            allowed = AT_MOST * max(1, -(-len(counted) // LINES))
            if shop > allowed or counts["error"] or counts["dead"]:
                sys.exit(f"more than {allowed} shop requests, or not everything went through")


def _tell(services: Services, store: Store, variants: Sequence[int]) -> float:
    """Odoo reports these variants, and the portal works; the seconds it took."""
    with services.db.begin() as session:
        jobs.notice_many(session, session.get_one(Store, store.id), "stock", "odoo_to_ps", list(map(str, variants)),
                         source="bench")
    start = time.monotonic()
    drain.drain(services, store, hurry=False)
    return time.monotonic() - start


def _count(odoo: Odoo, variants: Sequence[int], pieces: int) -> list[int]:
    """Count so many pieces of every variant that Odoo keeps stock of; their ids."""
    domain = [("id", "in", list(variants)), *((name, "=", value) for name, value in odoo.profile.storable_values.items())]
    counted = [int(row["id"]) for row in odoo.search_read("product.product", domain, ["id"], order="id")]
    for start in range(0, len(counted), 500):
        quants = odoo.create("stock.quant", [{"product_id": variant, "location_id": odoo.profile.default_location,
                                              "inventory_quantity": pieces} for variant in counted[start:start + 500]],
                             context=COUNTING)
        if odoo.profile.needs_apply_inventory:
            odoo.call("stock.quant", "action_apply_inventory", quants, context=COUNTING)
    return counted


def _shown(url: str, pieces: int) -> int:
    """Lines of the shop that show this quantity."""
    shop = shop_client.connect(url, SHOP_KEY, allow_private=True)
    rows = shop.find("stock_availables", {}, ["id", "quantity"])
    shop.close()
    return sum(1 for row in rows if int(row["quantity"] or 0) == pieces)


if __name__ == "__main__":
    main(*sys.argv[1:])
