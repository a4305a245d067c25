"""Stock, shop → Odoo: an inventory count of the configured location, so that Odoo can sell exactly what the shop can.

The count is *quantity in hand*; the shop shows what is *available*. `portal.entities.stock` has the arithmetic. A count is
written as a difference to what was read, checked against what Odoo then sees, and applied; if pieces moved in between, it is
computed again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from portal.clients.errors import Rejected, Throttled
from portal.clients.odoo import is_wizard
from portal.entities import stock
from portal.entities.base import DependencyMissing, Invalid, Ref
from portal.entities.text import number
from portal.models import SyncJob
from portal.settings import allowed
from portal.sync import in_flight
from portal.sync.flows import stock_both
from portal.sync.flows.stock_lines import Item, with_mappings
from portal.sync.foreseen import Change, Foreseen
from portal.sync.links import Link
from portal.sync.work import Work

COUNTING = {"inventory_mode": True}
TRIES = 3


@dataclass
class Count:
    """One product to be counted: its variant, what the main quant holds and should hold."""

    job: SyncJob
    variant: int
    shop_quantity: Decimal
    held: Decimal
    wanted: Decimal
    quant: int = 0
    settles: bool = True
    """Whether the job ends with the count."""

    @property
    def change(self) -> Decimal:
        return self.wanted - self.held


def push(work: Work) -> None:
    """Bring the quantities of a batch of stock records to Odoo; both ways, to where they are missing."""
    if not allowed(work.store.settings, "stock", "ps_to_odoo"):
        for job in work.jobs:
            work.done(job, "Stock does not travel from the shop to Odoo in this store's settings; nothing was written.",
                      changed=False)
        return
    variants = _variants(work, _read_shop(work))
    if not variants:
        return
    if work.store.settings["stock"] == "both":
        _both(work, variants)
        return
    counts = _compare(work, variants)
    if work.dry_run:
        for count in counts:
            work.would(count.job, f"would count {number(count.wanted)} pieces of product {count.job.record} in Odoo "
                                  f"(now {number(count.held)})",
                       Foreseen("change", f"Product {count.job.record}", count.variant,
                                (Change("odoo", "quantity", number(count.held), number(count.wanted)),)))
        return
    write(work, counts)


def _both(work: Work, variants: dict[int, int]) -> None:
    """Both ways; an initial sync starts from what the shop has."""
    storable = work.odoo.profile.storable_values
    rows = {row["id"]: row for row in work.odoo.search_read(
        "product.product", [("id", "in", sorted(set(variants.values())))], ["tracking", *storable], context={"active_test": False})}
    items: dict[bool, list[Item]] = {True: [], False: []}
    for job in [job for job in work.open if job.id in variants]:
        row = rows.get(variants[job.id])
        why = _uncountable(storable, row)
        if row is None:
            work.failed(job, _gone(job, variants[job.id]))
        elif why:
            work.done(job, f"Stock of product {job.record} is not counted: {why}.")
        else:
            items[job.source == "initial"].append(Item(job, job.record, variants[job.id]))
    stock_both.settle(work, with_mappings(work, items[True]), first="shop")
    stock_both.settle(work, with_mappings(work, items[False]))


def _gone(job: SyncJob, variant: int) -> Invalid:
    return Invalid(f"The Odoo product of {job.record} (id {variant}) was deleted. Synchronise the product again.",
                   cause="stock:product-gone")


def _read_shop(work: Work) -> dict[int, Decimal]:
    """The shop's quantity by job id; records that have none are settled."""
    products = sorted({stock.parse_key(job.record)[0] for job in work.open})
    rows = work.shop.find_any("stock_availables", "id_product", products,
                              ["id", "id_product", "id_product_attribute", "quantity"])
    lines = {(int(row["id_product"]), int(row["id_product_attribute"] or 0)): Decimal(str(row["quantity"])) for row in rows}
    combined = {product for product, attribute in lines if attribute}
    found: dict[int, Decimal] = {}
    for job in work.open:
        product, attribute = stock.parse_key(job.record)
        if not attribute and product in combined:
            work.done(job, f"Stock of product {product} is counted by its combinations.", changed=False)
        elif (product, attribute) not in lines:
            work.done(job, f"The shop keeps no stock of product {job.record} any more.", changed=False)
        else:
            found[job.id] = lines[(product, attribute)]
    return found


def _variants(work: Work, quantities: dict[int, Decimal]) -> dict[int, int]:
    """The Odoo variant by job id; an unlinked product is a dependency."""
    rows = [job for job in work.open if job.id in quantities]
    simple = work.mappings("product", [job.record for job in rows if ":" not in job.record])
    combined = work.mappings("combination", [job.record for job in rows if ":" in job.record])
    found: dict[int, int] = {}
    for job in rows:
        product, attribute = stock.parse_key(job.record)
        if attribute and job.record in combined:
            found[job.id] = combined[job.record].odoo_id
        elif not attribute and job.record in simple and simple[job.record].data.get("variant_id"):
            found[job.id] = int(simple[job.record].data["variant_id"])
        elif work.dry_run:
            pieces = number(quantities[job.id])
            work.would(job, f"would count {pieces} pieces once product {product} is in Odoo",
                       Foreseen("create", f"Product {job.record}", changes=(Change("odoo", "quantity", None, pieces),),
                                needs=frozenset({Ref("product", str(product))})))
        else:
            work.failed(job, DependencyMissing(frozenset({Ref("product", str(product))})))
    return found


def _compare(work: Work, variants: dict[int, int]) -> list[Count]:
    """What has to be counted anew; products that cannot be counted or are right already are settled.

    Read in this order: what Odoo holds and has reserved, what is in flight, then the shop. A sale in between then makes the
    target too low for a moment, which the sale's own job mends, and never too high.
    """
    odoo, store = work.odoo, work.store
    location = int(store.settings["odoo_location"]) or odoo.profile.default_location
    if not location:
        raise Rejected("odoo", "Odoo has no internal stock location for this user's company.",
                       remedy="Choose the location in the store's settings.", cause="odoo:no-location")
    ids = sorted(set(variants.values()))
    products = {row["id"]: row for row in odoo.search_read(
        "product.product", [("id", "in", ids)], ["tracking", *odoo.profile.storable_values], context={"active_test": False})}
    quants: dict[int, list[dict[str, Any]]] = {}
    for row in odoo.search_read("stock.quant", [("product_id", "in", ids), ("location_id", "child_of", location)],
                                ["product_id", "location_id", "lot_id", "package_id", "owner_id", "quantity",
                                 "reserved_quantity"]):
        quants.setdefault(row["product_id"][0], []).append(row)
    owed = in_flight.unreserved(odoo, ids)
    on_the_way = in_flight.quantities(work.services, store)
    quantities = _read_shop(work)
    counts = []
    for job in [job for job in work.open if job.id in variants and job.id in quantities]:
        variant = variants[job.id]
        product = products.get(variant)
        why = _uncountable(odoo.profile.storable_values, product)
        if product is None:
            work.failed(job, _gone(job, variant))
            continue
        if why:
            work.done(job, f"Stock of product {job.record} is not counted: {why}.")
            continue
        rows = quants.get(variant, [])
        main = [r for r in rows if r["location_id"][0] == location and not (r["lot_id"] or r["package_id"] or r["owner_id"])]
        held = sum((Decimal(str(r["quantity"])) for r in main), Decimal(0))
        elsewhere = sum((Decimal(str(r["quantity"])) for r in rows), Decimal(0)) - held
        reserved = sum((Decimal(str(r["reserved_quantity"])) for r in rows), Decimal(0)) + owed.get(variant, Decimal(0))
        target = stock.target_on_hand(quantities[job.id], on_the_way.get(job.record, Decimal(0)), reserved,
                                      orders_on=allowed(store.settings, "order", "ps_to_odoo"))
        count = Count(job, variant, quantities[job.id], held, target - elsewhere)
        if count.change == 0:
            _done(work, count, changed=False)
        else:
            counts.append(count)
    return counts


def _uncountable(storable: dict[str, Any], product: dict[str, Any] | None) -> str:
    if product is None:
        return ""
    if any(product.get(name) != value for name, value in storable.items()):
        return "Odoo does not track the inventory of this product"
    if product.get("tracking") not in (False, "none"):
        return "Odoo tracks it by lot or serial number, which the shop does not know"
    return ""


def write(work: Work, counts: Sequence[Count]) -> None:
    """Count together; a refused batch is tried one by one, so that only the guilty product fails."""
    for start in range(0, len(counts), 100):
        chunk = counts[start:start + 100]
        try:
            _count(work, chunk)
        except Rejected as error:
            if len(chunk) == 1:
                work.failed(chunk[0].job, error)
            else:
                for count in chunk:
                    try:
                        _count(work, [count])
                    except Rejected as alone:
                        work.failed(count.job, alone)
        work.save()


def _count(work: Work, counts: Sequence[Count]) -> None:
    """Write the counts, see whether the pieces are still where they were, apply, and look at the result."""
    odoo = work.odoo
    location = int(work.store.settings["odoo_location"]) or odoo.profile.default_location
    left = list(counts)
    for _ in range(TRIES):
        work.before_write([count.job for count in left])
        ids = odoo.create("stock.quant", [{"product_id": count.variant, "location_id": location,
                                           "inventory_quantity": float(count.wanted)} for count in left], context=COUNTING)
        for count, quant in zip(left, ids, strict=True):
            count.quant = quant
        left = _apply(work, left) if odoo.profile.needs_apply_inventory else _not_there_yet(work, left)
        if not left:
            return
    raise Throttled("odoo", "Pieces of these products keep moving in Odoo while they are counted.", retry_after=30)


def _apply(work: Work, counts: Sequence[Count]) -> list[Count]:
    """Apply the counts whose pieces did not move since they were read; those that did come back with a new target."""
    odoo = work.odoo
    seen = {row["id"]: Decimal(str(row["quantity"])) for row in
            odoo.read("stock.quant", [count.quant for count in counts], ["quantity"])}
    moved = [count for count in counts if seen.get(count.quant, count.held) != count.held]
    for count in moved:
        now_held = seen[count.quant]
        count.wanted, count.held = now_held + count.change, now_held
    still = [count for count in counts if count not in moved]
    if still:
        result = odoo.call("stock.quant", "action_apply_inventory", [count.quant for count in still], context=COUNTING)
        if is_wizard(result):
            raise Rejected("odoo", "Odoo asks a question before it applies the count, so nothing was counted.",
                           remedy="Open Inventory > Physical Inventory in Odoo and solve the conflict shown there.",
                           detail=str(result)[:500], cause="odoo:inventory-wizard")
    return moved + _not_there_yet(work, still)


def _not_there_yet(work: Work, counts: Sequence[Count]) -> list[Count]:
    """Settle what Odoo now holds as wanted; return the rest with fresh figures."""
    if not counts:
        return []
    rows = work.odoo.read("stock.quant", [count.quant for count in counts], ["quantity"])
    held = {row["id"]: Decimal(str(row["quantity"])) for row in rows}
    rest = []
    for count in counts:
        if held.get(count.quant, Decimal(0)) == count.wanted:
            if count.settles:
                _done(work, count)
        else:
            count.held = held.get(count.quant, Decimal(0))
            rest.append(count)
    return rest


def _done(work: Work, count: Count, *, changed: bool = True) -> None:
    base = {"shop": str(count.shop_quantity), "odoo": str(count.wanted)}
    link = Link("stock", count.job.record, count.variant, base)
    message = (f"Stock of product {count.job.record}: {number(count.shop_quantity)} in the shop, "
               f"counted {number(count.wanted)} in Odoo.")
    work.done(count.job, message, changed=changed, links=[link])
