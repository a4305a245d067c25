"""Orders, shop → Odoo: one create for header and lines, then confirm and invoice as separate steps that act only if needed.

Every try first looks for the order's marker (`origin` = PS/<store>/<id_order>, with the shop's reference in `client_order_ref`),
so that an order whose answer was lost is adopted and never made twice. What Odoo computed is read back: an order is confirmed
only when it equals the shop's total to the cent.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from portal.clients.errors import Rejected
from portal.clients.odoo import is_wizard
from portal.entities import order, order_changes, order_write
from portal.entities.base import DependencyMissing, Invalid, Ref, Row
from portal.entities.odoo_arithmetic import OdooSales
from portal.entities.order import OrderPlan, Tolerance
from portal.entities.order_source import READS, OrderSource, needs, source
from portal.entities.order_write import OdooIds
from portal.entities.tax import TaxMap
from portal.models import Mapping, SyncJob
from portal.settings import allowed
from portal.sync import facts, in_flight, ledgers, sales, taxes
from portal.sync.flows import order_cancel, order_foreseen
from portal.sync.ledgers import Judged
from portal.sync.links import Link
from portal.sync.work import Work

CHUNK = 20
"""Orders per create; more risks Odoo's time limit."""
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

    @property
    def record(self) -> str:
        return self.job.record


def push(work: Work) -> None:
    """Bring a batch of shop orders to Odoo."""
    orders = _plan(work, _read(work))
    if not orders:
        return
    _find(work, orders)
    if work.dry_run:
        order_foreseen.would(work, orders)
        return
    _create(work, [item for item in orders if item.row is None])
    for item in [item for item in orders if item.row is not None and not item.created]:
        _renew(work, item)
    _finish(work, [item for item in orders if item.job in work.open])


# --- reading ----------------------------------------------------------------------------------------------------------


def _read(work: Work) -> dict[str, list[Row]]:
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


def _plan(work: Work, rows: dict[str, list[Row]]) -> list[Open]:
    """Join the rows and plan each order; orders that are gone, wait for something or cannot be mapped are settled."""
    by_id = {str(row["id"]): row for row in rows["orders"]}
    began = time.monotonic()
    known = work.mappings("order", [job.record for job in work.jobs])
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
                                     timezone=(profile.timezone if profile else "") or "UTC")
        except Invalid as error:
            work.failed(job, error)
        work.words[job.id] = {str(row["reference"])}
    missing = _missing(work, sources)
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
            found.append(Open(job, sources[job.id], _planned(work, sources[job.id], chosen, began), known.get(job.record),
                              needs=missing[job.id]))
        except Invalid as error:
            work.failed(job, error)
    return found


def _planned(work: Work, found: OrderSource, chosen: TaxMap, began: float) -> OrderPlan:
    """The plan; where something is missing in Odoo, its taxes and currencies are read once more in this batch, since a person
    may just have added it."""
    settings = work.store.settings
    tolerance = Tolerance(settings["rounding_per_line"], settings["rounding_most"])
    try:
        return order.plan(found, _sales(work), chosen, tolerance=tolerance)
    except Invalid as error:
        if not error.cause.startswith(("tax:", "currency:", "pricelist:")):
            raise
        fresh = sales.odoo_sales(work.services, work.store, keep=time.monotonic() - began)
        return order.plan(found, fresh, chosen, tolerance=tolerance)


def _missing(work: Work, sources: dict[int, OrderSource]) -> dict[int, frozenset[Ref]]:
    """What each order needs that is not linked yet. A combination comes with its product."""
    wanted = {number: needs(found) for number, found in sources.items()}
    linked: dict[str, set[str]] = {}
    for entity in ("customer", "product", "combination"):
        records = {ref.record for refs in wanted.values() for ref in refs if ref.entity == entity}
        linked[entity] = set(work.mappings(entity, records)) if records else set()
    return {number: frozenset(Ref("product", ref.record.partition(":")[0]) if ref.entity == "combination" else ref
                              for ref in refs if ref.record not in linked[ref.entity])
            for number, refs in wanted.items()}


def _find(work: Work, orders: Sequence[Open]) -> None:
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


# --- writing ----------------------------------------------------------------------------------------------------------


def _values(work: Work, orders: Sequence[Open]) -> dict[int, Row]:
    """Odoo values for each order by job id. Raises `DependencyMissing` where a product was unlinked meanwhile."""
    ids = _ids(work, orders)
    return {item.job.id: order_write.to_odoo(item.plan, _sales(work), ids[item.job.id]) for item in orders}


def _ids(work: Work, orders: Sequence[Open]) -> dict[int, OdooIds]:
    """What each order's references are in Odoo, by job id."""
    refs = {ref for item in orders for ref in needs(item.found)}
    linked = {entity: work.mappings(entity, {ref.record for ref in refs if ref.entity == entity})
              for entity in ("customer", "product", "combination")}
    services = sales.service_products(work, {name for item in orders for name in order_write.services(item.plan)})
    products = {Ref("product", record): int(m.data["variant_id"]) for record, m in linked["product"].items()
                if m.data.get("variant_id")}
    products |= {Ref("combination", record): m.odoo_id for record, m in linked["combination"].items()}
    found = {}
    for item in orders:
        partner = linked["customer"][str(item.found.order["id_customer"])].odoo_id
        found[item.job.id] = OdooIds(
            store=work.store.name, partner=partner, invoice_address=partner, delivery_address=partner, products=products,
            services=services, company=work.odoo.profile.company_id)
    return found


def _create(work: Work, orders: Sequence[Open]) -> None:
    for start in range(0, len(orders), CHUNK):
        chunk = orders[start:start + CHUNK]
        try:
            _create_chunk(work, chunk)
        except Rejected as error:
            if len(chunk) == 1:
                work.failed(chunk[0].job, error)
                continue
            for item in chunk:
                try:
                    _create_chunk(work, [item])
                except Rejected as alone:
                    work.failed(item.job, alone)
        work.save()


def _create_chunk(work: Work, orders: Sequence[Open]) -> None:
    values = _values(work, orders)
    work.before_write([item.job for item in orders])
    ids = work.odoo.create("sale.order", [values[item.job.id] for item in orders])
    work.writing = []
    rows = {row["id"]: row for row in work.odoo.read("sale.order", ids, STATE_FIELDS)}
    for item, number in zip(orders, ids, strict=True):
        item.row, item.created = rows[number], True
    work.keep([_link(item) for item in orders])


def _renew(work: Work, item: Open) -> None:
    """An order that is there already: adopted if it was not linked, its lines renewed if the shop's order changed meanwhile."""
    assert item.row is not None
    known = item.mapping.base.get("digest") if item.mapping else None
    if known == order_changes.digest(item.plan) or (known is None and item.row["state"] not in ("draft", "sent")):
        return
    if item.row["state"] not in ("draft", "sent"):
        before = item.mapping.base.get("snapshot", {}) if item.mapping else {}
        changes = "; ".join(order_changes.differences(before, item.plan))
        ledgers.keep(work, [Judged(item.record, item.plan, item.row, "changed", f"Changed in the shop: {changes}",
                                   "order:changed")])
        work.done(item.job, f"Order {item.record} was changed in the shop after it was confirmed in Odoo ({item.row['name']}), "
                            f"which is left as it is. {changes}", links=[_link(item, held=f"Changed in the shop: {changes}")])
        return
    values = _values(work, [item])[item.job.id]
    work.before_write([item.job])
    work.odoo.write("sale.order", [item.row["id"]],
                    {"order_line": [(5, 0, 0), *values["order_line"]], "note": values.get("note", False)})
    item.row = work.odoo.read("sale.order", [item.row["id"]], STATE_FIELDS)[0]
    item.created = True


# --- the steps after creation -----------------------------------------------------------------------------------------


def _finish(work: Work, orders: Sequence[Open]) -> None:
    """Prove the totals, then cancel, confirm and invoice as far as the settings say and the order's state asks for."""
    standing: list[tuple[Open, Judged, str]] = []
    for item in orders:
        assert item.row is not None
        verdict = order.judge(item.plan, item.row)
        try:
            if not verdict.equal:
                verdict = _correct(work, item, verdict)
            words = _steps(work, item) if verdict.equal or _is_cancelled(work, item) else ""
        except Rejected as error:
            work.failed(item.job, error)
            continue
        standing.append((item, _judged(work, item, verdict), words))
    ledgers.keep(work, [judged for _, judged, _ in standing])
    for item, judged, words in standing:
        assert item.row is not None
        name = item.row["name"]
        held = judged.reason if judged.verdict == "held" else ""
        if held and work.store.settings["order_confirm"]:
            work.keep([_link(item, held=held)])
            work.failed(item.job, Invalid(f"Order {item.record} stays a quotation in Odoo ({name}): {held}", cause=judged.cause))
            continue
        if held:
            words = f"It stays a quotation: {held}"
        elif judged.verdict == "settled":
            words = f"A person confirmed it in Odoo as it stands there: {judged.reason}"
        message = f"Order {item.record} {'created' if item.created else 'found'} in Odoo ({name}). {words}".strip()
        work.done(item.job, message, changed=item.created or bool(words), follow=_stock(work, item),
                  links=[_link(item, held=held)])
    work.save()
    in_flight.note_seen(work.services, work.store, [int(item.record) for item in orders])


def _judged(work: Work, item: Open, verdict: order.Verdict) -> Judged:
    """What the comparison means for the order: only a quotation can be held, and what a person confirmed is theirs."""
    assert item.row is not None
    state = item.row["state"]
    what = ("equal" if verdict.equal else "cancelled" if state == "cancel" or _is_cancelled(work, item)
            else "held" if state in ("draft", "sent") else "settled")
    return Judged(item.record, item.plan, item.row, what, verdict.reason, verdict.cause)


def _correct(work: Work, item: Open, verdict: order.Verdict) -> order.Verdict:
    """Where Odoo computed otherwise than foreseen, within the tolerance: add or replace the rounding line and look again."""
    assert item.row is not None
    line = order.correction(item.plan, item.row)
    if line is None or item.row["state"] not in ("draft", "sent"):
        return verdict
    number, ids = item.row["id"], _ids(work, [item])[item.job.id]
    old = work.odoo.search_read(
        "sale.order.line", [("order_id", "=", number), ("product_id", "=", ids.services["rounding"])], ["id"])
    work.before_write([item.job])
    work.odoo.write("sale.order", [number], {"order_line": [
        *((2, row["id"], 0) for row in old), (0, 0, order_write.line_values(line, item.plan, _sales(work), ids, 9999))]})
    item.row = work.odoo.read("sale.order", [number], STATE_FIELDS)[0]
    return order.judge(item.plan, item.row)


def _steps(work: Work, item: Open) -> str:
    """Bring the Odoo order to where the settings want it; what was done, in words."""
    assert item.row is not None
    number, done = item.row["id"], []
    if _is_cancelled(work, item):
        done += [words] if (words := order_cancel.cancel(work, item.row)) else []
    elif work.store.settings["order_confirm"]:
        if item.row["state"] in ("draft", "sent"):
            work.before_write([])
            work.odoo.call("sale.order", "action_confirm", [number])
            done.append("Confirmed.")
        if work.store.settings["order_invoice"]:
            done += _invoice(work, item)
    if done:
        item.row = work.odoo.read("sale.order", [number], STATE_FIELDS)[0]
    return " ".join(done)


def _invoice(work: Work, item: Open) -> list[str]:
    """Create and post the invoice, unless it is there; nothing to invoice yet is no error."""
    assert item.row is not None
    odoo, number = work.odoo, item.row["id"]
    invoices = odoo.read("sale.order", [number], ["invoice_ids"])[0]["invoice_ids"]
    done = []
    if not invoices:
        values, context = odoo.profile.invoice_wizard([number])
        work.before_write([])
        [wizard] = odoo.create("sale.advance.payment.inv", [values], context=context)
        try:
            odoo.call("sale.advance.payment.inv", "create_invoices", [wizard], context=context)
        except Rejected as error:
            if "nothing to invoice" in f"{error.message} {error.detail}".lower() or "no invoiceable" in \
                    f"{error.message} {error.detail}".lower():
                return ["There is nothing to invoice yet."]
            raise
        invoices = odoo.read("sale.order", [number], ["invoice_ids"])[0]["invoice_ids"]
        done.append("Invoiced.")
    drafts = [row["id"] for row in odoo.read("account.move", invoices, ["state"]) if row["state"] == "draft"]
    if drafts:
        work.before_write([])
        result = odoo.call("account.move", "action_post", drafts)
        if is_wizard(result):
            raise Rejected("odoo", "Odoo asks a question before it posts the invoice.", cause="odoo:invoice-wizard",
                           remedy="Post the invoice in Odoo.")
    return done


def _sales(work: Work) -> OdooSales:
    return sales.odoo_sales(work.services, work.store)


def _is_cancelled(work: Work, item: Open) -> bool:
    profile = work.shop.profile
    states = profile.order_states if profile else {}
    return int(item.found.order["current_state"] or 0) in {states.get("canceled", -1), states.get("error", -1)}


def _stock(work: Work, item: Open) -> list[tuple[str, str, str]]:
    """A sale changes what has to be on hand in Odoo, so the stock of its products is looked at again."""
    if not allowed(work.store.settings, "stock", "ps_to_odoo"):
        return []
    refs = {ref.record for ref in needs(item.found) if ref.entity in ("product", "combination")}
    return [("stock", "ps_to_odoo", record) for record in sorted(refs)]


def _link(item: Open, *, held: str = "") -> Link:
    assert item.row is not None
    base = {"digest": order_changes.digest(item.plan), "snapshot": order_changes.snapshot(item.plan)}
    data = item.mapping.data if item.mapping else {}
    return Link("order", item.record, item.row["id"], base, {
        **data, "state": item.row["state"], "name": item.row["name"], "reference": item.found.order["reference"], "held": held,
        "invoices": len(item.row["invoice_ids"]), "needs": sorted(f"{ref.entity} {ref.record}" for ref in needs(item.found))})
