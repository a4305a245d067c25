"""Sales on their way: pieces the shop has sold that Odoo does not hold back yet.

The shop's quantity falls when an order is placed; Odoo's free quantity falls when the order is confirmed and its pieces are
reserved. Between the two the pieces are *in flight*, and every comparison of both quantities has to count them.

Orders that were placed before the connector first looked (*old* ones, `START`) are told apart: the quantities that both sides began
with do without their pieces. What the shop had already sent when such an order came to Odoo is nobody's any more and is not in
flight; where both sides set quantities, the others are told by `arrived`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import func, or_, select

from portal.clients.odoo import Odoo
from portal.clients.prestashop import Shop
from portal.db import now
from portal.entities import stock
from portal.models import Mapping, Store, SyncJob
from portal.settings import allowed
from portal.sync.services import Services

HOLDING = ("sale", "done")
"""States of an Odoo order that hold pieces back by themselves."""
CONFIRMED = (*HOLDING, "cancel")
"""The same, and those that never will."""

PAGE = 1000

WATERMARK = "order_seen"
"""Key in `Store.notes`: the highest order id of the shop that was ever noticed."""
START = "order_start"
"""Key in `Store.notes`: the shop's newest order when the connector first looked; those up to it are *old*."""


@dataclass(frozen=True)
class Sales:
    """Sales on their way, as of one look at the shop."""

    pieces: dict[str, Decimal] = field(default_factory=dict)
    """In flight, by stock record key."""
    late: dict[str, int] = field(default_factory=dict)
    """Stock records of orders that are stuck or that nobody has noticed yet, each with the newest such order."""
    newest: int = 0
    """The newest order that was taken into account."""
    coming: dict[str, Decimal] = field(default_factory=dict)
    """The part of `pieces` of old orders that Odoo does not have yet."""
    start: int = 0
    """The newest old order."""


@dataclass(frozen=True)
class Arrived:
    """Pieces of old orders by stock record key: of those that were open when they came to Odoo, and of those that the shop had sent
    before and that Odoo holds pieces back for."""

    open: dict[str, Decimal]
    sent: dict[str, Decimal]


def quantities(services: Services, store: Store) -> dict[str, Decimal]:
    """Pieces in flight by stock record key. See `look`."""
    return look(services, store).pieces


def look(services: Services, store: Store) -> Sales:
    """What is in flight, and what of it is late. Nothing while orders do not travel to Odoo.

    Counted are the shop's orders that Odoo has not confirmed: those known here as waiting, failed or quotation, and those
    placed since the newest one known here. Cancelled orders and those with a payment error are not: the shop gives their
    pieces back.
    """
    if not allowed(store.settings, "order", "ps_to_odoo"):
        return Sales()
    newer, newest = _newer(services, store)
    start = _start(services, store)
    known, confirmed, mapped = _known(services, store, newer)
    _raise_mark(services, store, newer, known | confirmed)
    open_ids = (known | newer) - confirmed
    if not open_ids:
        return Sales(newest=newest, start=start)
    shop = services.shop(store)
    void, sent = void_states(shop), sent_states(shop)
    states = {int(row["id"]): int(row["current_state"]) for row in shop.read("orders", sorted(open_ids), ["id", "current_state"])}
    gone = {n for n, state in states.items() if n <= start and (mapped[n].get("sent") if n in mapped else state in sent)}
    valid = {n for n, state in states.items() if state not in void and n not in gone}
    stuck = _stuck(services, store, valid)
    found: defaultdict[str, Decimal] = defaultdict(Decimal)
    coming: defaultdict[str, Decimal] = defaultdict(Decimal)
    late: dict[str, int] = {}
    rows = shop.find_any("order_details", "id_order", sorted(valid),
                         ["id", "id_order", "product_id", "product_attribute_id", "product_quantity",
                          "product_quantity_refunded", "product_quantity_return"]) if valid else []
    for row in rows:
        key, order = stock.line_key(row), int(row["id_order"])
        found[key] += stock.line_pieces(row)
        if order <= start and order not in mapped:
            coming[key] += stock.line_pieces(row)
        if order in stuck:
            late[key] = max(order, late.get(key, 0))
    return Sales(dict(found), late, newest, dict(coming), start)


def arrived(services: Services, store: Store) -> Arrived:
    """Pieces of old orders that weigh on what Odoo can deliver, all told. Odoo's count has to grow by what these grow, because
    the shop's quantity never held them. The database alone answers."""
    start = str(_start(services, store))
    digits = func.length(Mapping.shop_id)
    is_old = or_(digits < len(start), (digits == len(start)) & (Mapping.shop_id <= start))
    open_ones: defaultdict[str, Decimal] = defaultdict(Decimal)
    sent_ones: defaultdict[str, Decimal] = defaultdict(Decimal)
    with services.db.read() as session:
        for data in session.scalars(select(Mapping.data).where(
                Mapping.store_id == store.id, Mapping.target == store.target, Mapping.entity == "order", is_old)):
            for key, pieces in data.get("pieces", {}).items():
                if not data.get("sent"):
                    open_ones[key] += Decimal(pieces)
                elif data.get("state") in HOLDING:
                    sent_ones[key] += Decimal(pieces)
    return Arrived(dict(open_ones), dict(sent_ones))


def may_be_old(store: Store, order: int) -> bool:
    """Whether an order was there before the connector first looked, as far as this store's notes tell."""
    start = store.notes.get(START)
    return start is None or order <= int(start)


def is_behind(services: Services, store: Store, sales: Sales) -> bool:
    """Whether the shop has taken an order since that look. One cheap call; False while orders do not travel."""
    return allowed(store.settings, "order", "ps_to_odoo") and bool(services.shop(store).ids("orders", after=sales.newest, limit=1))


def void_states(shop: Shop) -> set[int]:
    """States in which the shop has given an order's pieces back: cancelled, payment error."""
    states = shop.profile.order_states if shop.profile else {}
    return {states.get("canceled", -1), states.get("error", -1)}


def sent_states(shop: Shop) -> set[int]:
    """States in which an order's pieces have left the house."""
    states = shop.profile.order_states if shop.profile else {}
    return {states.get("shipping", -1), states.get("delivered", -1)}


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


def noted(notes: dict[str, Any], mark: int) -> dict[str, Any]:
    """A store's notes with the mark raised; the first one is the start, too."""
    first = {} if WATERMARK in notes else {START: mark}
    return {**notes, **first, WATERMARK: max(mark, int(notes.get(WATERMARK, 0)))}


def _start(services: Services, store: Store) -> int:
    with services.db.read() as session:
        return int(session.get_one(Store, store.id).notes.get(START, 0))


def _known(services: Services, store: Store, newer: Collection[int]) -> tuple[set[int], set[int], dict[int, dict[str, Any]]]:
    """Of the orders known here and these newer ones: those still open, those confirmed (or cancelled) in Odoo, and what is kept of
    those that Odoo has as quotations."""
    state = Mapping.data["state"].as_string()
    orders = select(Mapping).where(Mapping.store_id == store.id, Mapping.target == store.target, Mapping.entity == "order")
    with services.db.read() as session:
        waiting = {int(record) for record in session.scalars(select(SyncJob.record).where(
            SyncJob.store_id == store.id, SyncJob.entity == "order", SyncJob.direction == "ps_to_odoo",
            SyncJob.state.in_(("pending", "error", "blocked", "running", "dead"))))}
        unconfirmed = {m.odoo_id: m for m in session.scalars(orders.where(or_(state.is_(None), state.not_in(CONFIRMED))))}
        asked = [str(number) for number in waiting | set(newer)]
        confirmed: set[int] = set()
        for start in range(0, len(asked), 500):
            some = orders.where(state.in_(CONFIRMED), Mapping.shop_id.in_(asked[start:start + 500]))
            confirmed |= {int(row.shop_id) for row in session.scalars(some)}
    if unconfirmed:
        rows = services.odoo(store).read("sale.order", sorted(unconfirmed), ["state"])
        news = {row["id"]: row["state"] for row in rows if row["state"] in CONFIRMED}
        confirmed |= {int(unconfirmed[i].shop_id) for i in news}
        _remember(services, {unconfirmed[i].id: state for i, state in news.items()})
    mapped = {int(m.shop_id): m.data for m in unconfirmed.values()}
    return waiting | set(mapped), confirmed, mapped


def _remember(services: Services, states: dict[int, str]) -> None:
    """Orders that people confirmed or cancelled in Odoo need not be asked for again."""
    if not states:
        return
    with services.db.begin() as session:
        for row in session.scalars(select(Mapping).where(Mapping.id.in_(states))):
            row.data = {**row.data, "state": states[row.id]}
            row.updated_at = now()


def _stuck(services: Services, store: Store, order_ids: Collection[int]) -> set[int]:
    """Which of these orders failed, wait for something, or were never noticed."""
    wanted = [str(number) for number in order_ids]
    latest: dict[str, str] = {}
    with services.db.read() as session:
        for start in range(0, len(wanted), 500):
            rows = session.execute(select(SyncJob.record, SyncJob.state).where(
                SyncJob.store_id == store.id, SyncJob.entity == "order", SyncJob.direction == "ps_to_odoo",
                SyncJob.record.in_(wanted[start:start + 500])).order_by(SyncJob.id))
            latest.update({row.record: row.state for row in rows})
            mapped = session.scalars(select(Mapping.shop_id).where(
                Mapping.store_id == store.id, Mapping.target == store.target, Mapping.entity == "order",
                Mapping.shop_id.in_(wanted[start:start + 500])))
            for record in mapped:
                latest.setdefault(record, "synced")
    return {int(record) for record in wanted if latest.get(record, "unseen") in ("unseen", "error", "dead", "blocked")}


def _newer(services: Services, store: Store) -> tuple[set[int], int]:
    """Orders placed since the newest one noticed, and the shop's newest; the first call makes that one the mark."""
    with services.db.read() as session:
        notes = session.get_one(Store, store.id).notes
    shop = services.shop(store)
    if WATERMARK not in notes:
        last = shop.find("orders", {}, ["id"], sort="[id_DESC]", limit=1)
        mark = int(last[0]["id"]) if last else 0
        with services.db.begin() as session:
            row = session.get_one(Store, store.id, with_for_update=True)
            row.notes = noted(row.notes, mark)
        return set(), mark
    newest = int(notes[WATERMARK])
    found: set[int] = set()
    while ids := shop.ids("orders", after=newest, limit=PAGE):
        found.update(ids)
        newest = ids[-1]
        if len(ids) < PAGE:
            break
    return found, newest


def _raise_mark(services: Services, store: Store, newer: Collection[int], known: Collection[int]) -> None:
    """Raise the mark up to the first order that nobody told us of; ids the shop does not have are no gap."""
    mark = 0
    for number in sorted(newer):
        if number not in known:
            break
        mark = number
    if mark:
        with services.db.begin() as session:
            row = session.get_one(Store, store.id, with_for_update=True)
            row.notes = noted(row.notes, mark)


def note_seen(services: Services, store: Store, order_ids: Collection[int]) -> None:
    """Raise the mark over orders that are known here without a gap; a gap may be an order nobody told us of."""
    with services.db.begin() as session:
        row = session.get_one(Store, store.id, with_for_update=True)
        mark = int(row.notes.get(WATERMARK, -1))
        known = set(order_ids)
        while mark >= 0 and mark + 1 in known:
            mark += 1
        if mark != int(row.notes.get(WATERMARK, -1)):
            row.notes = {**row.notes, WATERMARK: mark}
