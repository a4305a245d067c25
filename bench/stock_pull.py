"""Odoo's stock to the shop: 5,000 changed quantities. Prints the requests to both sides and the lines per second.

    .venv/bin/python -m bench.stock_pull [version of Odoo] [lines]

The shop should see at most 60 requests for 5,000 lines, and the calls to Odoo should not grow with the lines of a batch.
"""

from __future__ import annotations

import sys
import tempfile
import time

from bench.initial_sync import _portal, _sync
from bench.world import world
from portal.clients import prestashop as shop_client
from portal.models import Store
from portal.sandbox.prestashop import DEMO_KEY as SHOP_KEY
from portal.sync import drain, jobs, known, stores

LINES = 5_000
AT_MOST = 60


def main(version: str = "17", lines: str = str(LINES)) -> None:
    """Print the figures; exit 1 where the shop sees more requests than it should."""
    number = int(lines)
    with world(version, customers=0, products=number, orders=0) as where, tempfile.TemporaryDirectory() as folder:
        services, store = _portal(folder, where)
        _sync(services, store, "product")
        with services.db.begin() as session:
            row = session.get_one(Store, store.id)
            stores.change_store(session, row, {"stock": "odoo_to_ps"}, actor="bench")
            variants = known.all_variants(session, row)
        _change(where.shop)
        with services.db.begin() as session:
            jobs.notice_many(session, session.get_one(Store, store.id), "stock", "odoo_to_ps", [str(v) for v in variants],
                             source="bench")
        shop, odoo, start = where.calls("shop"), where.calls("odoo"), time.monotonic()
        drain.drain(services, store, hurry=False)
        seconds = time.monotonic() - start
        shop, odoo = where.calls("shop") - shop, where.calls("odoo") - odoo
        with services.db.read() as session:
            counts = jobs.counts(session, store.id)
        written = _written(where.shop)
        print(f"stock_pull: {len(variants)} lines, {written} of them now as in Odoo; {shop} shop requests, {odoo} Odoo calls, "
              f"{len(variants) / seconds:.0f} lines/s; queue {counts}")
        allowed = AT_MOST * max(1, -(-len(variants) // LINES))
        if shop > allowed or counts["error"] or counts["dead"]:
            sys.exit(f"more than {allowed} shop requests, or not everything went through")


def _change(url: str) -> None:
    """Give every line of the shop a quantity that Odoo has not got, so that all of them have to be written."""
    shop = shop_client.connect(url, SHOP_KEY, allow_private=True)
    rows = shop.find("stock_availables", {}, ["id", "id_product_attribute"])
    shop.patch("stock_availables", [{"id": row["id"], "quantity": 7} for row in rows])
    shop.close()


def _written(url: str) -> int:
    """Lines that show what Odoo has: nothing yet."""
    shop = shop_client.connect(url, SHOP_KEY, allow_private=True)
    rows = shop.find("stock_availables", {}, ["id", "quantity"])
    shop.close()
    return sum(1 for row in rows if int(row["quantity"] or 0) == 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
