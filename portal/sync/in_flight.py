"""Sales on their way: pieces the shop has sold that Odoo does not hold back yet.

The shop's quantity falls when an order is placed; Odoo's free quantity falls when the order is confirmed and its pieces are
reserved. Between the two the pieces are *in flight*, and every comparison of both quantities has to count them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from decimal import Decimal

from portal.clients.odoo import Odoo
from sqlalchemy import select

from portal.db import now
from portal.entities import stock
from portal.models import Mapping, Store, SyncJob
from portal.settings import allowed
from portal.sync.services import Services

CONFIRMED = ("sale", "done", "cancel")
"""States of an Odoo order that hold pieces back by themselves (or never will)."""

WATERMARK = "order_seen"
"""Key in `Store.notes`: the highest order id of the shop that was ever noticed."""


def quantities(services: Services, store: Store) -> dict[str, Decimal]:
    """Pieces in flight by stock record key. Empty while orders do not travel to Odoo.

    Counted are the shop's valid orders that Odoo has not confirmed: those known here as waiting, failed or quotation, and
    those placed since the newest one known here.
    """
    if not allowed(store.settings, "order", "ps_to_odoo"):
        return {}
    open_ids = _known_open(services, store) | _newer(services, store)
    if not open_ids:
        return {}
    shop = services.shop(store)
    ids = sorted(open_ids)
    valid = {int(row["id"]) for row in shop.read("orders", ids, ["id", "valid"]) if str(row["valid"]) == "1"}
    found: defaultdict[str, Decimal] = defaultdict(Decimal)
    rows = shop.find_any("order_details", "id_order", sorted(valid),
                         ["id", "id_order", "product_id", "product_attribute_id", "product_quantity",
                          "product_quantity_refunded", "product_quantity_return"]) if valid else []
    for row in rows:
        key = stock.record_key(int(row["product_id"]), int(row["product_attribute_id"] or 0))
        found[key] += Decimal(row["product_quantity"]) - Decimal(row["product_quantity_refunded"] or 0) \
            - Decimal(row["product_quantity_return"] or 0)
    return dict(found)


def unreserved(odoo: Odoo, variants: Collection[int]) -> dict[int, Decimal]:
    """Pieces of confirmed shop orders that Odoo still owes but could not reserve, by variant."""
    if not variants:
        return {}
    reserved = odoo.profile.move_reserved_field
    rows = odoo.search_read(
        "stock.move",
        [("product_id", "in", list(variants)), ("state", "in", ["confirmed", "waiting", "partially_available"]),
         ("picking_code", "=", "outgoing"), ("sale_line_id.order_id.origin", "=like", "PS/%")],
        ["product_id", "product_uom_qty", reserved], order="id")
    found: defaultdict[int, Decimal] = defaultdict(Decimal)
    for row in rows:
        found[row["product_id"][0]] += Decimal(str(row["product_uom_qty"])) - Decimal(str(row[reserved] or 0))
    return dict(found)


def _known_open(services: Services, store: Store) -> set[int]:
    with services.db.read() as session:
        waiting = session.scalars(select(SyncJob.record).where(
            SyncJob.store_id == store.id, SyncJob.entity == "order", SyncJob.direction == "ps_to_odoo",
            SyncJob.state.in_(("pending", "error", "blocked", "running", "dead"))))
        jobs = set(waiting)
        mapped = list(session.scalars(select(Mapping).where(
            Mapping.store_id == store.id, Mapping.target == store.target, Mapping.entity == "order")))
    unconfirmed = {m.odoo_id: m for m in mapped if m.data.get("state") not in CONFIRMED}
    confirmed = {m.shop_id for m in mapped} - {m.shop_id for m in unconfirmed.values()}
    if unconfirmed:
        rows = services.odoo(store).read("sale.order", sorted(unconfirmed), ["state"])
        news = {row["id"]: row["state"] for row in rows if row["state"] in CONFIRMED}
        confirmed |= {unconfirmed[i].shop_id for i in news}
        _remember(services, {unconfirmed[i].id: state for i, state in news.items()})
    return {int(r) for r in (jobs | {m.shop_id for m in unconfirmed.values()}) - confirmed}


def _remember(services: Services, states: dict[int, str]) -> None:
    """Orders that people confirmed or cancelled in Odoo need not be asked for again."""
    if not states:
        return
    with services.db.begin() as session:
        for row in session.scalars(select(Mapping).where(Mapping.id.in_(states))):
            row.data = {**row.data, "state": states[row.id]}
            row.updated_at = now()


def _newer(services: Services, store: Store) -> set[int]:
    """Orders placed since the newest one noticed; on the first call the shop's newest order becomes the mark."""
    with services.db.read() as session:
        notes = session.get_one(Store, store.id).notes
    shop = services.shop(store)
    if WATERMARK not in notes:
        last = shop.find("orders", {}, ["id"], sort="[id_DESC]", limit=1)
        see(services, store, int(last[0]["id"]) if last else 0)
        return set()
    return set(shop.ids("orders", after=int(notes[WATERMARK]), limit=1000))


def see(services: Services, store: Store, order_id: int) -> None:
    """Raise the mark to this order: from now on its job tells whether it is in flight."""
    with services.db.begin() as session:
        row = session.get_one(Store, store.id)
        if int(row.notes.get(WATERMARK, -1)) < order_id:
            row.notes = {**row.notes, WATERMARK: order_id}
