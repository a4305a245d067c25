"""Orders compared: shop orders without a living order in Odoo, other totals, other states."""

from __future__ import annotations

from functools import partial
from typing import Any

from sqlalchemy import Integer, cast, func, select

from portal.entities import order_states as states
from portal.models import Mapping, Store
from portal.settings import allowed
from portal.sync import facts
from portal.sync.findings import Finding, Page, Repair, on_its_way
from portal.sync.flows.order_states import FLAGS, by_itself
from portal.sync.services import Services

BATCH = 100
CENT = 0.005
SIGNALS = {"sale": "confirmed", "cancel": "cancelled", "done": "confirmed", "draft": "a quotation", "sent": "a quotation"}
Row = dict[str, Any]


def page(services: Services, store: Store, after: int) -> Page:
    """The next orders. Those before the first one that was ever linked are the past before the connector and left out."""
    shop, odoo = services.shop(store), services.odoo(store)
    rows = shop.find("orders", {"id": f">[{after or _first(services, store) - 1}]"},
                     ["id", "reference", "current_state", "total_paid_tax_incl"], limit=BATCH)
    ids = [str(row["id"]) for row in rows]
    with services.db.read() as session:
        links = {link.shop_id: link for link in session.scalars(select(Mapping).where(
            Mapping.store_id == store.id, Mapping.target == store.target, Mapping.entity == "order", Mapping.shop_id.in_(ids)))}
        back = {str(link.odoo_id): link.shop_id for link in links.values()}
        moving = on_its_way(session, store, "order", [*ids, *back])
    moving = {back.get(record, record) for record in moving}
    there = {row["id"]: row for row in odoo.read("sale.order", sorted(link.odoo_id for link in links.values()),
                                                 ["name", "state", "amount_total"])}
    found = Page(moving=moving, looked=len(rows), after=int(rows[-1]["id"]) if rows else after, ended=len(rows) < BATCH)
    for row in rows:
        record = str(row["id"])
        if record not in moving:
            link = links.get(record)
            found.findings += _compare(services, store, row, link, there.get(link.odoo_id) if link else None)
    return found


def _first(services: Services, store: Store) -> int:
    with services.db.read() as session:
        return session.scalar(select(func.min(cast(Mapping.shop_id, Integer))).where(
            Mapping.store_id == store.id, Mapping.target == store.target, Mapping.entity == "order")) or 1


def _compare(services: Services, store: Store, row: Row, link: Mapping | None, order: Row | None) -> list[Finding]:
    profile = services.shop(store).profile
    roles = profile.order_states if profile else {}
    current = int(row["current_state"] or 0)
    void = current in {roles.get(role, -1) for role in states.VOID}
    record, total = str(row["id"]), float(row["total_paid_tax_incl"] or 0)
    to_odoo = Repair("ps_to_odoo", record) if allowed(store.settings, "order", "ps_to_odoo") else None
    if order is None:
        says = f"deleted (was id {link.odoo_id})" if link else "no such order"
        return [] if void else [Finding("missing", record, str(row["reference"]), f"order of {total:.2f}", says, None, to_odoo)]
    name = f"{row['reference']} / {order['name']}"
    if void or order["state"] == "cancel":
        return _ended(store, record, name, void, order, to_odoo)
    assert link is not None
    findings: list[Finding] = []
    if abs(total - float(order["amount_total"])) >= CENT:
        held = str(link.data.get("held") or "")
        draft = order["state"] in ("draft", "sent")
        findings.append(Finding(
            "total", record, name, f"{total:.2f}", f"{order['amount_total']:.2f}", order["id"],
            Repair("ps_to_odoo", record, reset=True) if draft and not held and to_odoo else None,
            "" if draft and not held else held or "It is confirmed in Odoo, which the connector does not touch. Correct it there."))
    if allowed(store.settings, "order", "odoo_to_ps") and order["state"] in ("sale", "done"):
        flags = services.remember("shop order states", store, facts.KEEP_SECONDS,
                                  partial(services.shop(store).find, "order_states", {}, FLAGS))
        target = int(store.settings["state_sale"]) or roles.get(states.ROLES["sale"], 0)
        told = "sale" if link.data.get("told") in ("sale", "done") else ""
        choice = states.decide("sale", told, current, target, {int(flag["id"]): flag for flag in flags}, roles,
                               by_itself=by_itself(store, link))
        if choice.state:
            called = profile.state_name(current) if profile else str(current)
            findings.append(Finding("state", record, name, f"state {called}", "confirmed", order["id"],
                                    Repair("odoo_to_ps", str(order["id"]))))
    return findings


def _ended(store: Store, record: str, name: str, void: bool, order: Row, to_odoo: Repair | None) -> list[Finding]:
    """An order that has ended on one side must have ended on the other."""
    if void == (order["state"] == "cancel"):
        return []
    shop_says, odoo_says = "cancelled or refunded" if void else "alive", SIGNALS.get(str(order["state"]), str(order["state"]))
    repair, why = to_odoo, ""
    if not void and allowed(store.settings, "order", "odoo_to_ps"):
        repair = Repair("odoo_to_ps", str(order["id"]), reset=True)
    elif not void:
        repair, why = None, "Order states do not travel to the shop in this store's settings. Cancel it in the shop."
    return [Finding("state", record, name, shop_says, odoo_says, order["id"], repair, why)]
