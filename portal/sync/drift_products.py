"""Linked products compared as both sides are now: price and active, and whether Odoo still has them."""

from __future__ import annotations

from sqlalchemy import select

from portal.entities.base import Invalid, OdooFacts, Values
from portal.entities.compare import held, same
from portal.entities.product import PRODUCT
from portal.models import Conflict, Mapping, Store
from portal.settings import allowed
from portal.sync import facts
from portal.sync.findings import Finding, Page, Repair, master, on_its_way
from portal.sync.flows.templates import read_templates
from portal.sync.services import Services

BATCH = 100
COMPARED = ("price", "active")


def page(services: Services, store: Store, after: int) -> Page:
    """The next linked products: one read on each side."""
    with services.db.read() as session:
        links = list(session.scalars(select(Mapping).where(
            Mapping.store_id == store.id, Mapping.target == store.target, Mapping.entity == PRODUCT.name, Mapping.id > after)
            .order_by(Mapping.id).limit(BATCH)))
        back = {str(link.odoo_id): link.shop_id for link in links}
        # Job records of the two directions are ids of different worlds: an id met in either counts as on its way.
        moving = on_its_way(session, store, PRODUCT.name, [*(link.shop_id for link in links), *back])
        undecided = {(row.shop_id, row.field) for row in session.scalars(select(Conflict).where(
            Conflict.store_id == store.id, Conflict.target == store.target, Conflict.entity == PRODUCT.name,
            Conflict.state == "open", Conflict.winner == "manual"))}
    moving |= {back[record] for record in moving if record in back}
    found = Page(moving=moving, looked=len(links), after=links[-1].id if links else after, ended=len(links) < BATCH)
    if not links:
        return found
    shop, odoo = facts.shop(services, store), facts.odoo(services, store)
    ours = {str(row["id"]): row for row in services.shop(store).read(PRODUCT.resource, [link.shop_id for link in links],
                                                                     PRODUCT.fields)}
    theirs = {row["id"]: row for row in read_templates(
        services.odoo(store), sorted({link.odoo_id for link in links}), PRODUCT.odoo_fields(odoo))}
    for link in links:
        if link.shop_id in moving or link.shop_id not in ours:
            continue
        try:
            values = PRODUCT.values(ours[link.shop_id], {}, shop)
        except Invalid:
            continue
        if link.odoo_id not in theirs:
            found.findings.append(_gone(store, link, values))
            continue
        current = PRODUCT.from_odoo(theirs[link.odoo_id], odoo)
        found.findings += _differences(store, link, values, current, odoo, undecided)
    return found


def _gone(store: Store, link: Mapping, values: Values) -> Finding:
    back = allowed(store.settings, PRODUCT.name, "ps_to_odoo")
    return Finding("missing", link.shop_id, str(values["name"]), "there", f"deleted (was id {link.odoo_id})", None,
                   Repair("ps_to_odoo", link.shop_id, reset=True) if back else None,
                   "" if back else master(store, PRODUCT.name, "products"))


def _differences(store: Store, link: Mapping, values: Values, current: Values, odoo: OdooFacts,
                 undecided: set[tuple[str, str]]) -> list[Finding]:
    shop = held(PRODUCT, values, odoo)
    base = held(PRODUCT, {**values, **link.base}, odoo)
    apart = link.data.get("odoo", {})
    findings = []
    for name in COMPARED:
        if same(shop[name], current[name]):
            continue
        if name in apart and same(shop[name], base[name]) and same(current[name], apart[name]):
            continue  # left different on purpose
        repair, why = _repair(store, link, name, values, current)
        if (link.shop_id, name) in undecided:
            repair, why = None, "Both sides changed it. Choose one in the conflict list."
        findings.append(Finding(name, link.shop_id, str(values["name"]), _word(values[name]), _word(current[name]), link.odoo_id,
                                repair, why))
    return findings


def _repair(store: Store, link: Mapping, name: str, values: Values, current: Values) -> tuple[Repair | None, str]:
    """A job in the direction of the settings. One way it writes only what its source changed, so the base is set to what the
    other side has; both ways the three-way finds out by itself."""
    way = store.settings["products"]
    if way == "ps_to_odoo":
        return Repair("ps_to_odoo", link.shop_id, {name: current[name]}), ""
    if way == "odoo_to_ps":
        return Repair("odoo_to_ps", str(link.odoo_id), {name: values[name]}), ""
    if way == "both":
        return Repair("ps_to_odoo", link.shop_id), ""
    return None, master(store, PRODUCT.name, "products")


def _word(value: object) -> str:
    return {True: "active", False: "not active"}[value] if isinstance(value, bool) else str(value)
