"""Sales on their way: pieces the shop has sold that Odoo does not hold back yet.

The shop's quantity falls when an order is placed; Odoo's free quantity falls when the order is confirmed and its pieces are
reserved. Between the two the pieces are *in flight*, and every comparison of both quantities has to count them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from decimal import Decimal

from sqlalchemy import select

from portal.clients.odoo import Odoo
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

    Counted are the shop's orders that Odoo has not confirmed: those known here as waiting, failed or quotation, and those
    placed since the newest one known here. Cancelled orders and those with a payment error are not: the shop gives their
    pieces back.
    """
    if not allowed(store.settings, "order", "ps_to_odoo"):
        return {}
    known, confirmed = _known(services, store)
    open_ids = (known | _newer(services, store)) - confirmed
    if not open_ids:
        return {}
    shop = services.shop(store)
    states = shop.profile.order_states if shop.profile else {}
    void = {states.get("canceled", -1), states.get("error", -1)}
    valid = {int(row["id"]) for row in shop.read("orders", sorted(open_ids), ["id", "current_state"])
             if int(row["current_state"]) not in void}
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
         ("picking_id.picking_type_id.code", "=", "outgoing"), ("sale_line_id.order_id.origin", "=like", "PS/%")],
        ["product_id", "product_uom_qty", reserved], order="id")
    found: defaultdict[int, Decimal] = defaultdict(Decimal)
    for row in rows:
        found[row["product_id"][0]] += Decimal(str(row["product_uom_qty"])) - Decimal(str(row[reserved] or 0))
    return dict(found)


def _known(services: Services, store: Store) -> tuple[set[int], set[int]]:
    """Orders known here as still open, and those confirmed (or cancelled) in Odoo."""
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
    return {int(r) for r in jobs | {m.shop_id for m in unconfirmed.values()}}, {int(r) for r in confirmed}


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
        with services.db.begin() as session:
            row = session.get_one(Store, store.id)
            row.notes = {**row.notes, WATERMARK: int(last[0]["id"]) if last else 0}
        return set()
    return set(shop.ids("orders", after=int(notes[WATERMARK]), limit=1000))


def note_seen(services: Services, store: Store, order_ids: Collection[int]) -> None:
    """Raise the mark over orders that are known here without a gap; a gap may be an order nobody told us of."""
    with services.db.begin() as session:
        row = session.get_one(Store, store.id)
        mark = int(row.notes.get(WATERMARK, -1))
        known = set(order_ids)
        while mark >= 0 and mark + 1 in known:
            mark += 1
        if mark != int(row.notes.get(WATERMARK, -1)):
            row.notes = {**row.notes, WATERMARK: mark}
