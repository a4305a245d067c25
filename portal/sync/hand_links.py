"""Linking two records by hand, and forgetting a link, each with what will follow from it.

Both records are read before anything is proposed, and nothing is written to either side: the usual flow brings them in step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, exists, or_, select
from sqlalchemy.orm import Session

from portal.entities import registry
from portal.entities.base import Invalid
from portal.entities.compare import fill_only, held
from portal.entities.product import language_of
from portal.models import Mapping, Store, SyncJob
from portal.settings import allowed
from portal.sync import facts, jobs, log, search
from portal.sync.links import Link, save_links
from portal.sync.services import Services

LINKABLE = ("customer", "product", "order")
ARCHIVED_TOO = {"active_test": False}
Row = dict[str, Any]


@dataclass(frozen=True)
class Proposal:
    """Two records that exist, by name, and the link that would be made of them. `warnings` are to be read before."""

    link: Link
    shop_name: str
    odoo_name: str
    warnings: tuple[str, ...]


def find(session: Session, store: Store, *, entity: str = "", text: str = "", before: int = 0, limit: int = 50) -> list[Mapping]:
    """Links of one entity or all, newest first: by the id on either side, by reference, e-mail address or order name."""
    query = select(Mapping).where(Mapping.store_id == store.id, Mapping.target == store.target)
    if entity:
        query = query.where(Mapping.entity == entity)
    if text:
        query = query.where(Mapping.id.in_(_found(session, store, text)))
    if before:
        query = query.where(Mapping.id < before)
    return list(session.scalars(query.order_by(Mapping.id.desc()).limit(limit)))


def _found(session: Session, store: Store, text: str) -> set[int]:
    """The links of the records that are found by a text; with a product also those of its combinations and stock."""
    mine = select(Mapping.id).where(Mapping.store_id == store.id, Mapping.target == store.target)
    records: dict[str, list[str]] = {}
    for hit in search.find(session, store, text):
        records.setdefault(hit.entity, []).append(hit.record)
    ids = {number for entity, some in records.items()
           for number in session.scalars(mine.where(Mapping.entity == entity, Mapping.shop_id.in_(some)))}
    if text.isdecimal():
        ids.update(session.scalars(mine.where(Mapping.entity.in_(("combination", "stock")),
                                              Mapping.shop_id.startswith(f"{text}:", autoescape=True)).limit(500)))
    return ids


def name(row: Mapping) -> str:
    """What a person calls the record, as far as the link knows it."""
    return str(row.base.get("name") or row.data.get("reference") or row.base.get("reference") or "")


def look(services: Services, store: Store, entity: str, shop_id: str, odoo_id: int) -> Proposal:
    """Read both records. Raises `Invalid` where they cannot be linked, with the remedy, and `RemoteError`."""
    if entity not in LINKABLE:
        raise Invalid(f"{entity}: cannot be linked by hand. Possible: {', '.join(LINKABLE)}.")
    if not shop_id.isdecimal() or not 0 < int(shop_id) < 2**31 or not 0 < odoo_id < 2**31:
        raise Invalid("Enter the ids of both records as numbers.")
    shop_id = str(int(shop_id))
    with services.db.read() as session:
        _not_linked(session, store, entity, shop_id, odoo_id)
    return _order(services, store, shop_id, odoo_id) if entity == "order" else _record(services, store, entity, shop_id, odoo_id)


def link(session: Session, store: Store, proposal: Proposal, actor: str) -> None:
    """Make the link and have it brought in step. Raises `Invalid` if one of the records was linked meanwhile."""
    made = proposal.link
    _not_linked(session, store, made.entity, made.shop_id, made.odoo_id)
    save_links(session, store, [made])
    log.write(session, store.id, f"{made.entity.capitalize()} {made.shop_id} of the shop was linked by hand to Odoo id "
              f"{made.odoo_id}.", entity=made.entity, record=made.shop_id, actor=actor)
    if allowed(store.settings, made.entity, "ps_to_odoo"):
        jobs.notice(session, store, made.entity, "ps_to_odoo", made.shop_id, source="link")
    elif allowed(store.settings, made.entity, "odoo_to_ps"):
        jobs.notice(session, store, made.entity, "odoo_to_ps", str(made.odoo_id), source="link")


def consequences(row: Mapping) -> list[str]:
    """What follows from forgetting a link, as sentences."""
    what, where = f"{row.entity} {row.shop_id}", f"Odoo id {row.odoo_id}"
    now = f"Nothing changes in the shop or in Odoo now; {what} and {where} are only no longer known to belong together."
    keeps = "If the connector created the Odoo record, its external id stays there, and the same record is found by it again. To " \
            f"part them for good, also delete the external id of {where} in Odoo (Settings > Technical > External Identifiers)."
    if row.entity == "customer":
        return [now, "At its next change, or its next order, the customer is linked again to the contact with the same e-mail "
                     "address; if there is none, a new contact is created.", keeps]
    if row.entity == "product":
        return [now, "The links of its combinations and what was agreed on its stock are forgotten too.",
                "At its next change the product is linked again to the one with the same reference or barcode; if there is none, "
                "a new one is created.", "Orders with this product wait until it is linked again.", keeps]
    if row.entity == "order":
        return [now, "At its next change the order is found again by its marker (Source document PS/…) and linked. An order that "
                     "was linked by hand has no such marker: a second order is then created in Odoo."]
    if row.entity == "stock":
        return [f"What was last agreed on the quantity of product {row.shop_id} is forgotten. At its next change both quantities "
                "are compared as if for the first time; with both ways, Odoo's quantity then counts."]
    return [f"{row.entity.replace('_', ' ').capitalize()} {row.shop_id} is looked up again by its name or reference at the next "
            "change of its product.", keeps]


def forget(session: Session, store: Store, mapping_id: int, actor: str) -> str:
    """Forget a link, and for a product those of its combinations and stock; what was forgotten, in words.

    Raises `Invalid` if there is no such link, or while the record is being synchronised.
    """
    row = session.get(Mapping, mapping_id)
    if row is None or row.store_id != store.id or row.target != store.target:
        raise Invalid("There is no such link any more.")
    running = session.scalar(select(exists().where(SyncJob.store_id == store.id, SyncJob.entity == row.entity,
                                                   SyncJob.state == "running")))
    if running:
        raise Invalid(f"Records of this kind ({row.entity}) are being synchronised right now. Try again in a moment.")
    mine = (Mapping.store_id == store.id, Mapping.target == store.target)
    more = 0
    if row.entity == "product":
        parts = session.execute(delete(Mapping).where(
            *mine, Mapping.entity.in_(("combination", "stock")),
            or_(Mapping.shop_id == row.shop_id, Mapping.shop_id.startswith(f"{row.shop_id}:", autoescape=True))))
        more = int(parts.rowcount)  # type: ignore[attr-defined]
    session.delete(row)
    words = f"The link of {row.entity} {row.shop_id} to Odoo id {row.odoo_id} was forgotten" \
        + (f", with {more} of its combinations and stock." if more else ".")
    log.write(session, store.id, words, entity=row.entity, record=row.shop_id, actor=actor)
    return words


def _not_linked(session: Session, store: Store, entity: str, shop_id: str, odoo_id: int) -> None:
    mine = select(Mapping).where(Mapping.store_id == store.id, Mapping.target == store.target, Mapping.entity == entity)
    there = session.scalars(mine.where(Mapping.shop_id == shop_id)).first()
    if there is not None:
        raise Invalid(f"{entity.capitalize()} {shop_id} is linked to Odoo id {there.odoo_id} already. Forget that link first.")
    other = session.scalars(mine.where(Mapping.odoo_id == odoo_id)).first()
    if other is not None and entity != "customer":
        raise Invalid(f"Odoo id {odoo_id} is linked to {entity} {other.shop_id} of the shop already. Forget that link first.")


def _record(services: Services, store: Store, entity: str, shop_id: str, odoo_id: int) -> Proposal:
    """A customer or product. The base is chosen such that the next sync fills and corrects Odoo's record and erases nothing."""
    record = registry.record_entity(entity)
    shop, odoo = services.shop(store), facts.odoo(services, store)
    rows = shop.read(record.resource, [shop_id], record.fields)
    if not rows:
        raise Invalid(f"The shop has no {entity} with the id {shop_id}.")
    related = {need.resource: shop.find_any(need.resource, need.key_field, [shop_id], need.fields) for need in record.related}
    if record.deleted(rows[0]):
        raise Invalid(f"{record.label} {shop_id} cannot be linked: it was deleted in the shop.")
    values = record.values(rows[0], related, facts.shop(services, store))
    more = ["product_variant_id", "product_variant_count"] if entity == "product" else []
    fields = [*record.odoo_fields(odoo), "display_name", "company_id", *more]
    found = services.odoo(store).read(record.odoo_model, [odoo_id], fields, context=ARCHIVED_TOO)
    if not found:
        what = "product template" if entity == "product" else "contact"
        raise Invalid(f"Odoo has no {what} with the id {odoo_id}.")
    row = found[0]
    if row["company_id"] and row["company_id"][0] != services.odoo(store).profile.company_id:
        raise Invalid(f"Odoo id {odoo_id} belongs to another company.")
    current = record.from_odoo(row, odoo)
    differ = fill_only(held(record, values, odoo), current)
    data, warnings = _product_data(values, row) if entity == "product" else ({}, [])
    if differ:
        warnings.append(f"These values differ: {', '.join(differ)}. The next sync brings them in step as the settings say.")
    first_contact = entity == "product" and store.settings["products"] != "ps_to_odoo"
    agreed = {name: value for name, value in values.items() if not language_of(name)}  # translations are told by the next sync
    base = {} if first_contact else {**agreed, **{name: current[name] for name in differ}}
    return Proposal(Link(entity, shop_id, odoo_id, base, data), str(values["name"]), str(row["display_name"]), tuple(warnings))


def _product_data(values: Row, row: Row) -> tuple[Row, list[str]]:
    """What the mapping keeps beside the id. Raises `Invalid` where the variants cannot belong together."""
    count = int(row["product_variant_count"] or 0)
    if values["kind"] == "combinations":
        return {"combinations": [], "foreign": True}, [
            "The product has combinations. They are matched with the variants of the Odoo product by their attributes; nothing "
            "that people made there is removed."]
    if count > 1:
        raise Invalid(f"The Odoo product has {count} variants, but the shop's has no combinations. Link one with a single variant.")
    return ({"variant_id": int(row["product_variant_id"][0])} if row["product_variant_id"] else {}), []


def _order(services: Services, store: Store, shop_id: str, odoo_id: int) -> Proposal:
    rows: Sequence[Row] = services.shop(store).read("orders", [shop_id], ["id", "reference", "total_paid_tax_incl"])
    if not rows:
        raise Invalid(f"The shop has no order with the id {shop_id}.")
    found = services.odoo(store).read("sale.order", [odoo_id], ["name", "state", "amount_total", "origin"])
    if not found:
        raise Invalid(f"Odoo has no sales order with the id {odoo_id}.")
    row, reference = found[0], str(rows[0]["reference"])
    warnings = []
    if not str(row["origin"] or "").endswith(f"/{shop_id}"):
        warnings.append("The Odoo order has no marker of the connector: if this link is forgotten later, a second order is "
                        "created.")
    if row["state"] in ("draft", "sent"):
        warnings.append("It is a quotation in Odoo: its lines are replaced by those of the shop's order.")
    data = {"state": row["state"], "name": row["name"], "reference": reference, "held": ""}
    return Proposal(Link("order", shop_id, odoo_id, {}, data), f"{reference}, {float(rows[0]['total_paid_tax_incl']):.2f}",
                    f"{row['name']}, {row['amount_total']:.2f}", tuple(warnings))
