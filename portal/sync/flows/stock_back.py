"""Stock, Odoo → shop: the free quantity of the configured location, less what is on its way and the buffer, on the shop's lines.

The record key is the variant's id. `portal.entities.stock` has the arithmetic and the order of reading. The shop takes absolute
quantities, so a sale between reading and writing would be undone: after each write the shop is asked for newer orders, and if
there are any everything is read and written again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from decimal import Decimal

from portal.entities import stock
from portal.models import SyncJob
from portal.settings import allowed
from portal.sync import echoes, in_flight
from portal.sync.flows import stock_both
from portal.sync.flows.patching import patch
from portal.sync.flows.stock_lines import Item, find_items, location, read_lines, without_line
from portal.sync.foreseen import Change, Foreseen
from portal.sync.in_flight import Sales
from portal.sync.links import Link
from portal.sync.work import Later, Work

TRIES = 4
"""Rounds while orders keep coming in."""
WAIT_SECONDS = 60.0
"""After which an increase that waits for a late order is looked at again."""


def push(work: Work) -> None:
    """Bring the quantities of a batch of variants to the shop; both ways, to where they are missing."""
    if not allowed(work.store.settings, "stock", "odoo_to_ps"):
        for job in work.jobs:
            work.done(job, "Stock does not travel from Odoo to the shop in this store's settings; nothing was written.",
                      changed=False)
        return
    items = find_items(work)
    if work.store.settings["stock"] == "both":
        stock_both.settle(work, items)
    elif items:
        _publish(work, items)


def _publish(work: Work, items: Sequence[Item]) -> None:
    before: dict[int, int] = {}
    for _ in range(TRIES):
        sales = in_flight.look(work.services, work.store)
        free = _free(work, {item.variant for item in items})
        lines, combined = read_lines(work, {item.key for item in items})
        buffer = Decimal(int(work.store.settings["stock_buffer"]))
        wanted: dict[int, tuple[Item, int, int]] = {}
        waiting = {job.id for job in work.open}
        for item in [item for item in items if item.job.id in waiting]:
            why = without_line(item, lines, combined)
            if why:
                work.done(item.job, why, changed=False)
                continue
            line = lines[item.key]
            target = stock.publishable(free.get(item.variant, Decimal(0)), sales.pieces.get(item.key, Decimal(0)), buffer,
                                       backorders=line.backorders)
            before.setdefault(item.job.id, line.quantity)
            wanted[item.job.id] = item, target, stock.held_back(line.quantity, target, late=item.key in sales.late)
        if work.dry_run:
            _would(work, wanted, before)
            return
        rows = [(item.job, {"id": lines[item.key].id, "quantity": now}) for item, _, now in wanted.values()
                if now != lines[item.key].quantity]
        _patch(work, rows)
        if not rows or not in_flight.is_behind(work.services, work.store, sales):
            break
    _settle(work, wanted, before, free, sales)


def _patch(work: Work, rows: Sequence[tuple[SyncJob, dict[str, int]]]) -> None:
    """Hundreds of lines in a request. Several variants may lead to one line only by mistake; each line is written once."""
    patch(work, "stock_availables", list({row["id"]: (job, row) for job, row in rows}.values()))


def _free(work: Work, variants: Collection[int]) -> dict[int, Decimal]:
    """On hand − reserved − owed to confirmed orders of the shop, at the location and below."""
    rows = work.odoo.read("product.product", sorted(variants), ["free_qty"], context={"location": location(work)})
    owed = in_flight.unreserved(work.odoo, variants)
    return {row["id"]: Decimal(str(row["free_qty"] or 0)) - owed.get(row["id"], Decimal(0)) for row in rows}


def _would(work: Work, wanted: dict[int, tuple[Item, int, int]], before: dict[int, int]) -> None:
    for number, (item, target, now) in wanted.items():
        if now == before[number]:
            work.done(item.job, f"Stock of product {item.key}: {now} in the shop already.", changed=False)
        else:
            work.would(item.job, f"would set the stock of product {item.key} in the shop to {target} (now {before[number]})",
                       Foreseen("change", f"Product {item.key}", item.variant,
                                (Change("shop", "quantity", str(before[number]), str(target)),)))


def _settle(work: Work, wanted: dict[int, tuple[Item, int, int]], before: dict[int, int], free: dict[int, Decimal],
            sales: Sales) -> None:
    dropped = 0
    waiting = {job.id for job in work.open}
    for number, (item, target, now) in wanted.items():
        if number not in waiting:
            continue
        if now != target:
            work.failed(item.job, Later(
                f"Stock of product {item.key}: {now} in the shop, {target} wanted. The increase waits until order "
                f"{sales.late[item.key]} has reached Odoo.", seconds=WAIT_SECONDS, cause="stock:late"))
            continue
        base = {"shop": str(now), "odoo": str(free.get(item.variant, Decimal(0)))}
        changed = now != before[number]
        echo = not changed and item.base == base
        dropped += echo
        message = f"Stock of product {item.key}: {before[number]} → {now} in the shop." if changed else \
            f"Stock of product {item.key}: {now} in the shop already."
        work.done(item.job, message, changed=changed, links=[] if echo else [Link("stock", item.key, item.variant, base)])
    echoes.note(work.services, work.store, dropped)
