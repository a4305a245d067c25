"""Order states, Odoo → shop: read what Odoo's order has come to, read the shop's state, add a history row where it goes forward.

The lane of orders makes it one state write per shop at a time: parallel ones deadlock in PrestaShop 8 and lose rows (measured).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy import select

from portal.clients.errors import Ambiguous, Rejected
from portal.entities import order_states as states
from portal.models import Mapping, Store, SyncJob
from portal.settings import allowed
from portal.sync import facts
from portal.sync.foreseen import Change, Foreseen
from portal.sync.links import Link
from portal.sync.work import Work

FLAGS = ["paid", "shipped", "delivery"]
CONFIRMED_HERE = "confirmed_here"
"""Key in a mapping's data: the connector confirmed the order in Odoo, no person."""


@dataclass
class Open:
    """One order: its job and mapping, what Odoo says of it, and what the shop has."""

    job: SyncJob
    mapping: Mapping
    row: dict[str, Any]
    signal: str
    tracking: str
    doubt: str = ""
    """What of the tracking numbers the shop cannot take."""
    current: int = 0
    carrier: dict[str, Any] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)
    later: bool = False
    """Whether the shop is told of the signal another time."""

    @property
    def shop_id(self) -> int:
        return int(self.mapping.shop_id)


def push(work: Work) -> None:
    """Tell the shop how far a batch of Odoo orders (by `sale.order` id) has come."""
    if not allowed(work.store.settings, "order", "odoo_to_ps"):
        for job in work.jobs:
            work.done(job, "Order states do not travel to the shop: switched off in the settings.", changed=False)
        return
    orders = _read_shop(work, _read_odoo(work))
    for item in orders:
        try:
            _bring(work, item)
        except Rejected as error:
            work.failed(item.job, error)
        work.save()


# --- reading ----------------------------------------------------------------------------------------------------------


def _read_odoo(work: Work) -> list[Open]:
    """Two calls for the batch: the orders and their outgoing deliveries."""
    linked = _linked(work)
    odoo, profile = work.odoo, work.odoo.profile
    optional = ["delivery_status"] if profile.has_delivery_status else []
    rows = {row["id"]: row for row in odoo.read("sale.order", sorted(linked), ["name", "state", *optional])}
    tracked = ["carrier_tracking_ref"] if profile.has("stock.picking", "carrier_tracking_ref") else []
    deliveries: dict[int, list[dict[str, Any]]] = {}
    for row in odoo.search_read("stock.picking", [("sale_id", "in", sorted(rows)), ("picking_type_id.code", "=", "outgoing")],
                                ["sale_id", "state", *tracked], order="id") if rows else ():
        deliveries.setdefault(row["sale_id"][0], []).append(row)
    found = []
    for job in work.jobs:
        number = int(job.record)
        if number not in linked:
            work.done(job, f"Order {number} of Odoo is not one of the shop's.", changed=False)
        elif number not in rows:
            work.done(job, f"Order {number} was deleted in Odoo; the shop keeps its own.", changed=False)
        else:
            mine = deliveries.get(number, [])
            meaning = states.signal(rows[number], mine, has_delivery_status=profile.has_delivery_status)
            numbers = states.tracking(mine)
            found.append(Open(job, linked[number], rows[number], meaning, numbers.text, numbers.note))
    return found


def _linked(work: Work) -> dict[int, Mapping]:
    ids = [int(job.record) for job in work.jobs]
    with work.services.db.read() as session:
        rows = session.scalars(select(Mapping).where(
            Mapping.store_id == work.store.id, Mapping.target == work.store.target, Mapping.entity == "order",
            Mapping.odoo_id.in_(ids)))
        return {row.odoo_id: row for row in rows}


def _read_shop(work: Work, orders: Sequence[Open]) -> list[Open]:
    if not orders:
        return []
    rows = {int(row["id"]): row for row in work.shop.read("orders", [item.shop_id for item in orders], ["current_state"])}
    tracked = [item.shop_id for item in orders if item.tracking and item.tracking != item.mapping.data.get("tracking")]
    carriers = {int(row["id_order"]): row for row in work.shop.find_any(
        "order_carriers", "id_order", tracked, ["id_order", "tracking_number"])} if tracked else {}
    for item in orders:
        if item.shop_id not in rows:
            work.done(item.job, f"Order {item.shop_id} is no longer in the shop; Odoo keeps its own.", changed=False)
            continue
        item.current = int(rows[item.shop_id]["current_state"] or 0)
        item.carrier = carriers.get(item.shop_id, {})
    return [item for item in orders if item.shop_id in rows]


# --- writing ----------------------------------------------------------------------------------------------------------


def _bring(work: Work, item: Open) -> None:
    choice = _decide(work, item)
    item.later = choice.later
    new_tracking = item.carrier and str(item.carrier["tracking_number"] or "") != item.tracking
    name = f"Order {item.shop_id} ({item.row['name']})"
    if work.dry_run and (choice.state or new_tracking):
        called = _called(work, choice.state)
        parts = [f"the state {called}"] * bool(choice.state) + [f"tracking number {item.tracking}"] * bool(new_tracking)
        rows = (Change("shop", "state", _called(work, item.current), called),) * bool(choice.state) + \
            (Change("shop", "tracking", str(item.carrier.get("tracking_number") or ""), item.tracking),) * bool(new_tracking)
        work.would(item.job, f"would give {name} in the shop {' and '.join(parts)}",
                   Foreseen("change", str(item.mapping.data.get("reference", "")), item.mapping.odoo_id, rows))
        return
    if new_tracking:
        _write_tracking(work, item)
    if choice.state:
        item.current = int(work.shop.read("orders", [item.shop_id], ["current_state"])[0]["current_state"] or 0)
        choice = _decide(work, item)
    if choice.state:
        _write_state(work, item, choice.state)
    text = " ".join(item.words) or f"{name}: the shop is left as it is, {choice.why}."
    new_doubt = item.doubt and item.doubt != item.mapping.data.get("tracking_doubt")
    work.done(item.job, f"{text} {item.doubt}".rstrip(), changed=bool(item.words), links=[_link(item)], follow=_invoice(work, item),
              warnings=[item.doubt] if new_doubt else ())


def _invoice(work: Work, item: Open) -> list[tuple[str, str, str]]:
    """A delivered order whose invoice waited for that: it is looked at once more."""
    waits = item.signal == "done" and work.store.settings["order_invoice"] and not item.mapping.data.get("invoiced")
    return [("order", "ps_to_odoo", item.mapping.shop_id)] if waits else []


def _decide(work: Work, item: Open) -> states.Decision:
    roles = work.shop.profile.order_states if work.shop.profile else {}
    flags = work.services.remember("shop order states", work.store, facts.KEEP_SECONDS,
                                   partial(work.shop.find, "order_states", {}, FLAGS))
    chosen = int(work.store.settings[f"state_{item.signal}"]) if item.signal else 0
    target = chosen or roles.get(states.ROLES.get(item.signal, ""), 0)
    return states.decide(item.signal, str(item.mapping.data.get("told", "")), item.current, target,
                         {int(row["id"]): row for row in flags}, roles, by_itself=by_itself(work.store, item.mapping))


def by_itself(store: Store, mapping: Mapping) -> bool:
    """Whether the connector confirmed the order and the state for that is the shop's default."""
    return bool(mapping.data.get(CONFIRMED_HERE)) and not int(store.settings["state_sale"])


def _write_state(work: Work, item: Open, state: int) -> None:
    """Add the history row. After an answer that says nothing the shop is asked: a row too many would do harm."""
    mailed = {"sendemail": "1"} if work.store.settings["state_emails"] else None
    work.before_write([item.job])
    try:
        work.shop.create("order_histories", {"id_order": item.shop_id, "id_order_state": state}, params=mailed)
    except Ambiguous:
        now = work.shop.read("orders", [item.shop_id], ["current_state"])
        if not now or int(now[0]["current_state"] or 0) != state:
            raise
    work.writing = []
    item.current = state
    item.words.append(f"Order {item.shop_id} is in state {_called(work, state)} in the shop now, as {item.row['name']} in Odoo.")


def _called(work: Work, state: int) -> str:
    profile = work.shop.profile
    return profile.state_name(state) if profile else str(state)


def _write_tracking(work: Work, item: Open) -> None:
    work.before_write([item.job])
    work.shop.patch("order_carriers", [{"id": item.carrier["id"], "tracking_number": item.tracking}])
    work.writing = []
    item.words.append(f"Order {item.shop_id} has the tracking number {item.tracking} in the shop now.")


def _link(item: Open) -> Link:
    data = {**item.mapping.data, "state": item.row["state"], "shop_state": item.current}
    if item.signal and not item.later:
        data["told"] = item.signal
    if item.carrier:
        data["tracking"] = item.tracking
    if item.doubt:
        data["tracking_doubt"] = item.doubt
    return Link("order", item.mapping.shop_id, item.mapping.odoo_id, item.mapping.base, data)
