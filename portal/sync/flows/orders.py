"""Orders, shop → Odoo: one create for header and lines, then confirm and invoice as separate steps that act only if needed.

Every try first looks for the order's marker (`origin` = PS/<store>/<id_order>, with the shop's reference in `client_order_ref`),
so that an order whose answer was lost is adopted and never made twice. What Odoo computed is read back: an order is confirmed
only when it equals the shop's total to the cent.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping as Map
from collections.abc import Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from portal.clients.errors import Rejected
from portal.entities import order, order_changes, order_write, stock
from portal.entities.base import DependencyMissing, Invalid, Ref, Row
from portal.entities.odoo_arithmetic import OdooSales
from portal.entities.order_source import needs
from portal.entities.order_write import OdooIds
from portal.settings import allowed
from portal.sync import in_flight, ledgers, sales
from portal.sync.flows import (
    addresses,
    departed,
    order_batch,
    order_cancel,
    order_foreseen,
    order_invoice,
    order_payment,
    order_refunds,
)
from portal.sync.flows.order_batch import STATE_FIELDS, Open
from portal.sync.flows.order_states import CONFIRMED_HERE
from portal.sync.ledgers import Judged
from portal.sync.links import Link
from portal.sync.work import Work

QUOTATION, CONFIRMED = ("draft", "sent"), ("sale", "done")
CHUNK = 20
"""Orders per create; more risks Odoo's time limit."""


def push(work: Work) -> None:
    """Bring a batch of shop orders to Odoo."""
    if not allowed(work.store.settings, "order", "ps_to_odoo"):
        for job in work.jobs:
            work.done(job, "Orders do not travel from the shop to Odoo in this store's settings; nothing was written.",
                      changed=False)
        return
    orders = order_batch.plan(work, order_batch.read(work))
    if not orders:
        return
    order_batch.find(work, orders)
    if work.dry_run:
        order_foreseen.would(work, orders)
        return
    _create(work, [item for item in orders if item.row is None])
    for item in [item for item in orders if item.row is not None and not item.created]:
        _renew(work, item)
    _finish(work, [item for item in orders if item.job in work.open])


# --- writing ----------------------------------------------------------------------------------------------------------


def _values(work: Work, orders: Sequence[Open]) -> dict[int, Row]:
    """Odoo values for each order by job id; an order that cannot be told to Odoo is reported and left out."""
    linked = _customers(work, orders)
    asked = [addresses.Asked(item.job, str(item.found.order["id_customer"]), linked[item.job.id], item.delivery, item.invoice)
             for item in orders]
    places = addresses.resolve(work, asked)
    ids = _ids(work, [item for item in orders if item.job.id in places], linked, places)
    values = {}
    for item in [item for item in orders if item.job.id in places]:
        item.warnings = [*places[item.job.id].warnings, *departed.warnings(item)]
        try:
            values[item.job.id] = order_write.to_odoo(item.plan, _sales(work), ids[item.job.id])
        except (DependencyMissing, Invalid) as error:  # a product was unlinked meanwhile, or the date is none
            work.failed(item.job, error)
    return values


def _customers(work: Work, orders: Sequence[Open]) -> dict[int, int]:
    """The customer's contact in Odoo of each order, by job id."""
    linked = work.mappings("customer", {str(item.found.order["id_customer"]) for item in orders})
    return {item.job.id: linked[str(item.found.order["id_customer"])].odoo_id for item in orders}


def _ids(work: Work, orders: Sequence[Open], partners: dict[int, int],
         places: Map[int, addresses.Places] = MappingProxyType({})) -> dict[int, OdooIds]:
    """What each order's references are in Odoo, by job id."""
    refs = {ref for item in orders for ref in needs(item.found)}
    linked = {entity: work.mappings(entity, {ref.record for ref in refs if ref.entity == entity})
              for entity in ("product", "combination")}
    services = sales.service_products(work, {name for item in orders for name in _services(item)})
    products = {Ref("product", record): int(m.data["variant_id"]) for record, m in linked["product"].items()
                if m.data.get("variant_id")}
    products |= {Ref("combination", record): m.odoo_id for record, m in linked["combination"].items()}
    products |= departed.stand_ins(work, orders)
    found = {}
    for item in orders:
        partner, place = partners[item.job.id], places.get(item.job.id)
        found[item.job.id] = OdooIds(
            store=work.store.name, partner=partner, invoice_address=place.invoice if place else partner,
            delivery_address=place.delivery if place else partner, products=products, services=services,
            company=work.odoo.profile.company_id)
    return found


def _services(item: Open) -> frozenset[str]:
    """The service products of the order's lines; a refund may give back shipping."""
    return order_write.services(item.plan) | ({"shipping"} if item.slips else frozenset())


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
    orders = [item for item in orders if item.job.id in values]
    if not orders:
        return
    work.before_write([item.job for item in orders])
    ids = work.odoo.create("sale.order", [values[item.job.id] for item in orders])
    work.writing = []
    rows = {row["id"]: row for row in work.odoo.read("sale.order", ids, STATE_FIELDS)}
    for item, number in zip(orders, ids, strict=True):
        item.row, item.created = rows[number], True
    work.keep([_link(work, item) for item in orders])


def _renew(work: Work, item: Open) -> None:
    """An order that is there already: adopted if it was not linked, its lines renewed if the shop's order changed meanwhile."""
    assert item.row is not None
    known = item.mapping.base.get("digest") if item.mapping else None
    if known == order_changes.digest(item.plan) or (known is None and item.row["state"] not in QUOTATION):
        return
    if item.row["state"] not in QUOTATION:
        before = item.mapping.base.get("snapshot", {}) if item.mapping else {}
        item.changed = "; ".join(order_changes.differences(before, item.plan))
        return
    values = _values(work, [item]).get(item.job.id)
    if values is None:
        return
    work.before_write([item.job])
    header = {name: values[name] for name in ("partner_invoice_id", "partner_shipping_id", "fiscal_position_id", "payment_term_id")}
    work.odoo.write("sale.order", [item.row["id"]],
                    {**header, "order_line": [(5, 0, 0), *values["order_line"]], "note": values.get("note", False)})
    work.writing = []
    item.row = work.odoo.read("sale.order", [item.row["id"]], STATE_FIELDS)[0]
    item.created = True


# --- the steps after creation -----------------------------------------------------------------------------------------


def _finish(work: Work, orders: Sequence[Open]) -> None:
    """Prove the totals, then go on as far as the settings say and the order's state asks for."""
    standing: list[tuple[Open, Judged, str]] = []
    broken: list[tuple[Open, Judged, Exception]] = []
    for item in orders:
        assert item.row is not None
        verdict = order.judge(item.plan, item.row)
        try:
            if not verdict.equal:
                verdict = _correct(work, item, verdict)
            words = _steps(work, item, verdict)
        except (Rejected, Invalid) as error:
            broken.append((item, _judged(work, item, verdict), error))
            continue
        standing.append((item, _judged(work, item, verdict), words))
    ledgers.keep(work, [judged for _, judged, _ in (*standing, *broken)])
    for item, judged, cause in broken:
        work.keep([_link(work, item, held=_held(judged))])
        work.failed(item.job, cause)
    for item, judged, words in standing:
        assert item.row is not None
        if judged.verdict == "held" and work.store.settings["order_confirm"]:
            work.keep([_link(work, item, held=judged.reason)])
            work.failed(item.job, Invalid(f"Order {item.record} stays a quotation in Odoo ({item.row['name']}): {judged.reason}",
                                          cause=judged.cause))
            continue
        work.done(item.job, f"{_what(item)} {words}".strip(), changed=item.created or bool(words or item.changed),
                  follow=[*_stock(work, item), *_state(work, item)], warnings=item.warnings,
                  links=[_link(work, item, held=_held(judged))])
    work.save()
    in_flight.note_seen(work.services, work.store, [int(item.record) for item in orders])


def _judged(work: Work, item: Open, verdict: order.Verdict) -> Judged:
    """What the comparison means for the order: only a quotation can be held, and what a person confirmed is theirs."""
    assert item.row is not None
    if item.changed:
        return Judged(item.record, item.plan, item.row, "changed", f"Changed in the shop: {item.changed}", "order:changed")
    state = item.row["state"]
    what = ("equal" if verdict.equal else "cancelled" if state == "cancel" or _is_cancelled(work, item)
            else "held" if state in QUOTATION else "settled")
    return Judged(item.record, item.plan, item.row, what, verdict.reason, verdict.cause)


def _held(judged: Judged) -> str:
    """What keeps the order from being as the shop has it; "" where nothing does or a person took it over."""
    return judged.reason if judged.verdict in ledgers.WAITING else ""


def _what(item: Open) -> str:
    assert item.row is not None
    name = item.row["name"]
    if item.changed:
        return (f"Order {item.record} was changed in the shop after it was confirmed in Odoo ({name}), which is left as it is. "
                f"{item.changed}")
    return f"Order {item.record} {'created' if item.created else 'found'} in Odoo ({name})."


def _correct(work: Work, item: Open, verdict: order.Verdict) -> order.Verdict:
    """Where Odoo computed otherwise than foreseen, within the tolerance: add or replace the rounding line and look again."""
    assert item.row is not None
    line = order.correction(item.plan, item.row)
    if line is None or item.row["state"] not in QUOTATION:
        return verdict
    number, ids = item.row["id"], _ids(work, [item], _customers(work, [item]))[item.job.id]
    old = work.odoo.search_read(
        "sale.order.line", [("order_id", "=", number), ("product_id", "=", ids.services["rounding"])], ["id"])
    work.before_write([item.job])
    work.odoo.write("sale.order", [number], {"order_line": [
        *((2, row["id"], 0) for row in old), (0, 0, order_write.line_values(line, item.plan, _sales(work), ids, 9999))]})
    item.row = work.odoo.read("sale.order", [number], STATE_FIELDS)[0]
    return order.judge(item.plan, item.row)


def _steps(work: Work, item: Open, verdict: order.Verdict) -> str:
    """Bring the Odoo order to where the settings want it; what was done, in words.

    An unequal order is neither confirmed nor invoiced, but one that people or an edit in the shop made unequal after it was
    invoiced still gets its payments and refunds.
    """
    assert item.row is not None
    number, settings = item.row["id"], work.store.settings
    done: list[str] = []
    if _is_cancelled(work, item):
        done += [words] if (words := order_cancel.cancel(work, item.row)) else []
    elif not verdict.equal and item.row["state"] in QUOTATION:
        return f"It stays a quotation: {verdict.reason}"
    else:
        placed = int(item.found.order["current_state"] or 0)  # 0: the checkout still goes on
        if settings["order_confirm"] and placed and item.row["state"] in QUOTATION:
            work.before_write([])
            work.odoo.call("sale.order", "action_confirm", [number])
            item.confirmed_here = True
            done.append("Confirmed.")
        if item.row["state"] in CONFIRMED or done:
            done += _money(work, item, verdict)
        if not verdict.equal and not item.changed:
            done.append(f"A person confirmed it in Odoo as it stands there: {verdict.reason}")
    if done:
        item.row = work.odoo.read("sale.order", [number], STATE_FIELDS)[0]
    return " ".join(done)


def _money(work: Work, item: Open, verdict: order.Verdict) -> list[str]:
    """Invoice, payments and refunds of a confirmed order, as far as the settings ask for them."""
    assert item.row is not None
    settings, number = work.store.settings, item.row["id"]
    words: list[str] = []
    if settings["order_invoice"] and settings["order_confirm"] and verdict.equal:
        invoices, words = order_invoice.invoice(work, item.job, number)
    elif item.slips or settings["order_payment"]:
        invoices = order_invoice.read(work, number)
    else:
        return []
    item.invoiced = any(row["state"] == "posted" for row in invoices)
    if settings["order_payment"]:
        words += order_payment.pay(work, item.job, item.found, invoices)
    if item.slips:
        ids = _ids(work, [item], _customers(work, [item]))[item.job.id]
        words += order_refunds.credit(work, item.job, item.found, item.slips, invoices, ids, _sales(work), str(item.row["name"]))
    return words


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
    refs = {ref.record for ref in needs(item.found) - item.gone if ref.entity in ("product", "combination")}
    return [("stock", "ps_to_odoo", record) for record in sorted(refs)]


def _state(work: Work, item: Open) -> list[tuple[str, str, str]]:
    """The shop hears of a confirmation, whoever confirmed, also where no poll or webhook would tell of it."""
    told = item.mapping.data.get("told") if item.mapping else None
    if item.row is None or item.row["state"] not in CONFIRMED or told or not allowed(work.store.settings, "order", "odoo_to_ps"):
        return []
    return [("order", "odoo_to_ps", str(item.row["id"]))]


def _if_old(work: Work, item: Open) -> dict[str, Any]:
    """What stock has to know of an order that may be older than the connector; see `in_flight`."""
    if not in_flight.may_be_old(work.store, int(item.record)) or _is_cancelled(work, item):
        return {}
    pieces: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in item.found.details:
        pieces[stock.line_key(row)] += stock.line_pieces(row)
    sent = int(item.found.order["current_state"] or 0) in in_flight.sent_states(work.shop)
    return {"pieces": {key: str(number) for key, number in pieces.items() if number}, "sent": sent}


def _link(work: Work, item: Open, *, held: str = "") -> Link:
    assert item.row is not None
    base = {"digest": order_changes.digest(item.plan), "snapshot": order_changes.snapshot(item.plan)}
    data = item.mapping.data if item.mapping else _if_old(work, item)
    return Link("order", item.record, item.row["id"], base, {
        **data, "state": item.row["state"], "name": item.row["name"], "reference": item.found.order["reference"], "held": held,
        "invoices": len(item.row["invoice_ids"]), "needs": sorted(f"{ref.entity} {ref.record}" for ref in needs(item.found)),
        **({"invoiced": True} if item.invoiced else {}), **({CONFIRMED_HERE: True} if item.confirmed_here else {})})
