"""How many pieces the shop has ever sold, counted over a window of orders that can still change.

Both ways needs the *growth* of that sum since the last agreement: sales less what was cancelled or put back into stock. The sum
over all orders above a fixed one grows by the same, as long as the orders below do not change any more, so an agreement keeps
that order's id and the sum at the time (its *mark*).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from portal.db import now
from portal.entities import stock
from portal.models import Store
from portal.settings import allowed
from portal.sync import in_flight
from portal.sync.services import Services

FINAL_DAYS = 90
"""Orders older than this are taken for final."""
KEEP_SECONDS = 3600.0
DETAILS = ("id", "id_order", "product_id", "product_attribute_id", "product_quantity", "product_quantity_reinjected")

_NONE = Decimal(0)


@dataclass(frozen=True)
class Sold:
    """Pieces by stock record and order."""

    orders: dict[str, dict[int, Decimal]]
    final: int
    """The newest order that cannot change any more."""

    def pieces(self, key: str, after: int) -> Decimal:
        """Pieces in orders above `after`."""
        return sum((pieces for order, pieces in self.orders.get(key, {}).items() if order > after), _NONE)


def count(services: Services, store: Store, keys: Collection[str], after: int | None) -> Sold:
    """The shop's valid orders above `after` (None: above the final ones) with these records. Nothing while orders do not travel:
    Odoo then knows of no sale, and one is a decrease like any other."""
    if not allowed(store.settings, "order", "ps_to_odoo"):
        return Sold({}, 0)
    shop = services.shop(store)
    final = _final(services, store)
    floor = final if after is None else min(after, final)
    products = sorted({stock.parse_key(key)[0] for key in keys})
    rows = shop.find_any("order_details", "product_id", products, DETAILS, also={"id_order": f">[{floor}]"}, slim=True)
    numbers = sorted({int(row["id_order"]) for row in rows})
    void = in_flight.void_states(shop)
    valid = {int(row["id"]) for row in shop.read("orders", numbers, ["id", "current_state"])
             if int(row["current_state"]) not in void} if numbers else set()
    found: defaultdict[str, defaultdict[int, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for row in rows:
        if int(row["id_order"]) in valid:
            key = stock.record_key(int(row["product_id"]), int(row["product_attribute_id"] or 0))
            found[key][int(row["id_order"])] += Decimal(row["product_quantity"]) - Decimal(row["product_quantity_reinjected"] or 0)
    return Sold({key: dict(orders) for key, orders in found.items()}, final)


def _final(services: Services, store: Store) -> int:
    def read() -> int:
        day = (now() - timedelta(days=FINAL_DAYS)).strftime("%Y-%m-%d %H:%M:%S")
        rows = services.shop(store).find("orders", {"date_add": f"<[{day}]"}, ["id", "date_add"], sort="[id_DESC]", limit=1,
                                         dated=True)
        return int(rows[0]["id"]) if rows else 0

    return services.remember("final order", store, KEEP_SECONDS, read)
