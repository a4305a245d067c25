"""The shop's stock lines, and which product of Odoo each belongs to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from portal.clients.errors import Rejected
from portal.entities import stock
from portal.entities.base import Invalid
from portal.entities.product import kind
from portal.entities.text import one_line
from portal.models import Mapping, SyncJob
from portal.sync.work import Work

Row = dict[str, Any]


@dataclass(frozen=True)
class Line:
    """One stock line as the shop has it now. `backorders`: it sells below zero."""

    id: int
    quantity: int
    backorders: bool


@dataclass
class Item:
    """A stock record of the shop and its variant in Odoo, with what was agreed before."""

    job: SyncJob
    key: str
    variant: int
    mapping: Mapping | None = None

    @property
    def base(self) -> dict[str, Any]:
        return self.mapping.base if self.mapping else {}

    @property
    def data(self) -> dict[str, Any]:
        return self.mapping.data if self.mapping else {}


def read_lines(work: Work, keys: Iterable[str]) -> tuple[dict[str, Line], set[int]]:
    """The lines of these records by key, and the products whose lines are those of their combinations. One call per 700."""
    products = sorted({stock.parse_key(key)[0] for key in keys})
    rows = work.shop.find_any("stock_availables", "id_product", products,
                              ["id", "id_product", "id_product_attribute", "quantity", "out_of_stock"], slim=True) \
        if products else []
    default = bool(work.shop.profile and work.shop.profile.sells_without_stock)
    lines, combined = {}, set()
    for row in rows:
        product, attribute = int(row["id_product"]), int(row["id_product_attribute"] or 0)
        lines[stock.record_key(product, attribute)] = Line(
            int(row["id"]), int(row["quantity"] or 0), stock.backorders_allowed(int(row["out_of_stock"] or 0), default))
        if attribute:
            combined.add(product)
    return lines, combined


def without_line(item: Item, lines: dict[str, Line], combined: set[int]) -> str:
    """Why there is nothing to write for a record; "" where there is a line."""
    product, attribute = stock.parse_key(item.key)
    if not attribute and product in combined:
        return f"Stock of product {product} is kept by its combinations; the sum line is the shop's own."
    return "" if item.key in lines else f"The shop keeps no stock line for product {item.key}."


def location(work: Work) -> int:
    """The location whose stock counts. Raises `Rejected` where there is none."""
    found = int(work.store.settings["odoo_location"]) or work.odoo.profile.default_location
    if not found:
        raise Rejected("odoo", "Odoo has no internal stock location for this user's company.",
                       remedy="Choose the location in the store's settings.", cause="odoo:no-location")
    return found


def find_items(work: Work) -> list[Item]:
    """For jobs keyed by Odoo variant: their stock records. What has none, or none that can be shown, is settled."""
    storable = work.odoo.profile.storable_values
    ids = sorted({int(job.record) for job in work.open})
    rows = {row["id"]: row for row in work.odoo.search_read(
        "product.product", [("id", "in", ids)], ["display_name", "default_code", "product_tmpl_id", "tracking", *storable],
        context={"active_test": False})}
    combinations = {number: row for number, row in work.mappings_of("combination", ids).items() if not row.data.get("gone")}
    products = work.mappings_of("product", {row["product_tmpl_id"][0] for row in rows.values()})
    known = work.mappings_of("stock", ids)
    keys: dict[int, str] = {}
    unlinked: list[tuple[SyncJob, Row]] = []
    for job in work.open:
        row = rows.get(int(job.record))
        if row is None:
            work.done(job, f"Product {job.record} is no longer in Odoo; the shop keeps what it shows.", changed=False)
            continue
        product = products.get(row["product_tmpl_id"][0])
        why = _not_shown(row, storable, product)
        if why:
            work.done(job, f"Stock of {row['display_name']} is not brought to the shop: {why}.", changed=False)
        elif row["id"] in combinations:
            keys[job.id] = combinations[row["id"]].shop_id
        elif product is not None and product.data.get("variant_id") in (None, row["id"]):
            keys[job.id] = product.shop_id
        elif row["id"] in known:
            keys[job.id] = known[row["id"]].shop_id
        else:
            unlinked.append((job, row))
    keys |= _by_reference(work, unlinked)
    return with_mappings(work, [Item(job, keys[job.id], int(job.record)) for job in work.open if job.id in keys])


def with_mappings(work: Work, items: list[Item]) -> list[Item]:
    """The items with what was agreed before; another variant's agreement does not count."""
    mappings = work.mappings("stock", {item.key for item in items})
    for item in items:
        mapping = mappings.get(item.key)
        item.mapping = mapping if mapping is not None and mapping.odoo_id == item.variant else None
    return items


def _not_shown(row: Row, storable: Row, product: Mapping | None) -> str:
    if any(row.get(name) != value for name, value in storable.items()):
        return "Odoo does not track the inventory of this product"
    if row.get("tracking") not in (False, "none"):
        return "Odoo tracks it by lot or serial number, which the shop does not know"
    if product is not None and product.base.get("kind") == "pack":
        return "it is a pack in the shop, whose parts are counted apart"
    return ""


def _by_reference(work: Work, unlinked: list[tuple[SyncJob, Row]]) -> dict[int, str]:
    """Records for variants whose product is not linked, by the same reference; the others are settled. Two calls at most."""
    texts = sorted({one_line(row["default_code"]) for _, row in unlinked} - {""})
    texts = [text for text in texts if not set(text) & set("|[]")]
    found: dict[str, list[tuple[str, str]]] = {}
    if texts:
        for row in work.shop.find_any("products", "reference", texts, ["id", "reference", "product_type", "cache_is_pack"]):
            found.setdefault(one_line(row["reference"]), []).append((str(row["id"]), kind(row)))
        for row in work.shop.find_any("combinations", "reference", texts, ["id", "id_product", "reference"]):
            found.setdefault(one_line(row["reference"]), []).append((stock.record_key(row["id_product"], row["id"]), "simple"))
    keys = {}
    for job, row in unlinked:
        reference = one_line(row["default_code"])
        hits = found.get(reference, [])
        if len(hits) > 1:
            names = ", ".join(key for key, _ in hits[:5])
            work.failed(job, Invalid(f"The shop has the reference {reference!r} {len(hits)} times ({names}). Give each its own "
                                     "there, then retry.", cause="stock:several"))
        elif not hits:
            work.done(job, f"{row['display_name']} is not in the shop: nothing there has its reference.", changed=False)
        elif hits[0][1] == "pack":
            work.done(job, f"Stock of {row['display_name']} is not brought to the shop: it is a pack there.", changed=False)
        else:
            keys[job.id] = hits[0][0]
    return keys
