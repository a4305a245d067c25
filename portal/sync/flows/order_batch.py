"""A batch of shop orders on its way: read with all around them, planned, and looked up in Odoo."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from portal.entities import order
from portal.entities.base import DependencyMissing, Invalid, Ref, Row
from portal.entities.order import OrderPlan, Tolerance
from portal.entities.order_source import READS, OrderSource, needs, source
from portal.entities.tax import TaxMap
from portal.models import Mapping, SyncJob
from portal.sync import facts, sales, taxes
from portal.sync.flows import departed, order_refunds
from portal.sync.work import Work

STATE_FIELDS = ["name", "state", "origin", "client_order_ref", "amount_untaxed", "amount_tax", "amount_total", "invoice_ids"]


@dataclass
class Open:
    """One order on its way: what the shop says, what was planned, and the order in Odoo once it is there."""

    job: SyncJob
    found: OrderSource
    plan: OrderPlan
    mapping: Mapping | None = None
    row: Row | None = None
    created: bool = False
    needs: frozenset[Ref] = frozenset()
    """In a dry run: what would have to reach Odoo first."""
    gone: frozenset[Ref] = frozenset()
    """What it sells that the shop does not have any more and Odoo never had."""
    delivery: Row | None = None
    invoice: Row | None = None
    """The shop's rows of its two addresses."""
    slips: list[Row] = field(default_factory=list)
    """Refunds that Odoo does not have yet."""
    warnings: list[str] = field(default_factory=list)
    invoiced: bool = False
    confirmed_here: bool = False
    changed: str = ""
    """What the shop changed after the order was confirmed in Odoo."""

    @property
    def record(self) -> str:
        return self.job.record


def read(work: Work) -> dict[str, list[Row]]:
    """The rows of `READS` by resource; small tables are read once in a while."""
    rows: dict[str, list[Row]] = {}
    for read in READS:
        if read.rare:
            rows[read.resource] = work.services.remember(
                f"shop {read.resource}", work.store, facts.KEEP_SECONDS,
                partial(work.shop.find, read.resource, {}, read.fields))
            continue
        values: set[Any] = set()
        for place in read.values:
            resource, _, field = place.partition(".")
            values |= {job.record for job in work.jobs} if resource == "job" else {row[field] for row in rows[resource]}
        rows[read.resource] = work.shop.find_any(read.resource, read.by, sorted(values - {0, ""}), read.fields) if values else []
    return rows


def plan(work: Work, rows: dict[str, list[Row]]) -> list[Open]:
    """Join the rows and plan each order; orders that are gone, wait for something or cannot be mapped are settled."""
    by_id = {str(row["id"]): row for row in rows["orders"]}
    began = time.monotonic()
    known = work.mappings("order", [job.record for job in work.jobs])
    slips = order_refunds.slips(work, list(by_id))
    places = {int(row["id"]): row for row in rows["addresses"]}
    profile = work.shop.profile
    sources: dict[int, OrderSource] = {}
    for job in work.jobs:
        row = by_id.get(job.record)
        if row is None:
            work.done(job, f"Order {job.record} is no longer in the shop; Odoo keeps its own.", changed=False)
            continue
        try:
            sources[job.id] = source(row, rows["order_details"], rows["order_cart_rules"], addresses=rows["addresses"],
                                     taxes=rows["taxes"], tax_rules=rows["tax_rules"], currencies=rows["currencies"],
                                     countries=rows["countries"], states=rows["states"], carriers=rows["carriers"],
                                     timezone=(profile.timezone if profile else "") or "UTC",
                                     tax_address="invoice" if profile and profile.taxes_by_invoice else "delivery")
        except Invalid as error:
            work.failed(job, error)
        work.words[job.id] = {str(row["reference"])}
    missing, gone = _missing(work, sources)
    taxes.note(work.services, work.store)
    with work.services.db.read() as session:
        chosen = taxes.chosen(session, work.store)
    found = []
    for job in work.jobs:
        if job.id not in sources:
            continue
        if missing[job.id] and not work.dry_run:
            work.failed(job, DependencyMissing(missing[job.id]))
            continue
        try:
            header = sources[job.id].order
            if not int(header["id_customer"] or 0):
                raise Invalid("The order has no customer. Give it one in the shop.", cause="order:customer")
            found.append(Open(job, sources[job.id], _planned(work, sources[job.id], chosen, began), known.get(job.record),
                              needs=missing[job.id], gone=gone[job.id],
                              delivery=places.get(int(header["id_address_delivery"] or 0)),
                              invoice=places.get(int(header["id_address_invoice"] or 0)), slips=slips.get(job.record, [])))
        except Invalid as error:
            work.failed(job, error)
    return found


def _planned(work: Work, found: OrderSource, chosen: TaxMap, began: float) -> OrderPlan:
    """The plan; where something is missing in Odoo, its taxes and currencies are read once more in this batch, since a person
    may just have added it."""
    settings = work.store.settings
    tolerance = Tolerance(settings["rounding_per_line"], settings["rounding_most"])
    try:
        return order.plan(found, sales.odoo_sales(work.services, work.store), chosen, tolerance=tolerance)
    except Invalid as error:
        if not error.cause.startswith(("tax:", "currency:", "pricelist:")):
            raise
        fresh = sales.odoo_sales(work.services, work.store, keep=time.monotonic() - began)
        return order.plan(found, fresh, chosen, tolerance=tolerance)


def _missing(work: Work, sources: dict[int, OrderSource]) -> tuple[dict[int, frozenset[Ref]], dict[int, frozenset[Ref]]]:
    """What each order needs that is not linked yet, and what it sells that never will be. A combination comes with its product."""
    wanted = {number: needs(found) for number, found in sources.items()}
    linked: set[Ref] = set()
    for entity in ("customer", "product", "combination"):
        records = {ref.record for refs in wanted.values() for ref in refs if ref.entity == entity}
        known = work.mappings(entity, records) if records else {}
        linked |= {Ref(entity, record) for record, row in known.items() if entity != "product" or row.data.get("variant_id")}
    unlinked = {number: refs - linked for number, refs in wanted.items()}
    gone = departed.find(work, frozenset().union(*unlinked.values()))
    return ({number: frozenset(Ref("product", ref.record.partition(":")[0]) if ref.entity == "combination" else ref
                               for ref in refs - gone) for number, refs in unlinked.items()},
            {number: refs & gone for number, refs in unlinked.items()})


def find(work: Work, orders: Sequence[Open]) -> None:
    """The orders that Odoo has: by mapping, else by marker. One call."""
    linked = [item.mapping.odoo_id for item in orders if item.mapping]
    references = sorted({str(item.found.order["reference"]) for item in orders if not item.mapping})
    domain: list[Any] = [("id", "in", linked)]
    if references:
        domain = ["|", ("id", "in", linked), "&", ("client_order_ref", "in", references), ("origin", "=like", "PS/%")]
    rows = work.odoo.search_read("sale.order", domain, STATE_FIELDS, order="id")
    by_id = {row["id"]: row for row in rows}
    for item in orders:
        if item.mapping and item.mapping.odoo_id in by_id:
            item.row = by_id[item.mapping.odoo_id]
            continue
        same = [row for row in rows if str(row["origin"]).endswith(f"/{item.record}")
                and row["client_order_ref"] == item.found.order["reference"]]
        if len(same) > 1:
            names = ", ".join(row["name"] for row in same)
            work.failed(item.job, Invalid(f"Odoo has order {item.record} several times ({names}). Cancel and delete all but one "
                                          "there, then retry.", cause="order:several"))
        elif same:
            item.row = same[0]
    settled = {item.job.id for item in orders} - {job.id for job in work.open}
    orders[:] = [item for item in orders if item.job.id not in settled]  # type: ignore[index]
