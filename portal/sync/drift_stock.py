"""Quantities of linked products compared: what the stock flow would write if it ran now is the difference."""

from __future__ import annotations

from sqlalchemy import select

from portal.models import Mapping, Store
from portal.settings import Direction
from portal.sync import rehearsal
from portal.sync.findings import Finding, Page, Repair, on_its_way
from portal.sync.services import Services

BATCH = 100


def page(services: Services, store: Store, after: int) -> Page:
    """The next linked products and combinations, in the direction of the settings (both ways: as a change in the shop)."""
    direction: Direction = "odoo_to_ps" if store.settings["stock"] == "odoo_to_ps" else "ps_to_odoo"
    with services.db.read() as session:
        links = list(session.scalars(select(Mapping).where(
            Mapping.store_id == store.id, Mapping.target == store.target, Mapping.entity.in_(("product", "combination")),
            Mapping.id > after).order_by(Mapping.id).limit(BATCH)))
        keys = {variant: link.shop_id for link in links if (variant := _variant(link))}
        moving = on_its_way(session, store, "stock", [*keys.values(), *map(str, keys)])
    moving = {record for variant, key in keys.items() for record in (key,) if {key, str(variant)} & moving}
    found = Page(moving=moving, looked=len(keys), after=links[-1].id if links else after, ended=len(links) < BATCH)
    still = {variant: key for variant, key in keys.items() if key not in moving}
    records = {(str(variant) if direction == "odoo_to_ps" else key): key for variant, key in still.items()}
    for outcome in rehearsal.foresee(services, store, "stock", direction, list(records), source="drift"):
        if outcome.foreseen is None or outcome.foreseen.kind != "change":
            continue
        says = {"shop": "", "odoo": ""}
        for change in outcome.foreseen.changes:
            says[change.side] = f"{change.before}, should be {change.after}"
        record = outcome.job.record
        found.findings.append(Finding(
            "stock", records[record], f"Product {records[record]}", says["shop"] or "as it should be",
            says["odoo"] or "as it should be", outcome.foreseen.odoo_id, Repair(direction, record)))
    return found


def _variant(link: Mapping) -> int:
    """The Odoo variant of a simple product or a living combination; 0 for what has no stock of its own."""
    if link.entity == "combination":
        return 0 if link.data.get("gone") else link.odoo_id
    return 0 if link.base.get("kind") in ("combinations", "pack") else int(link.data.get("variant_id") or 0)
