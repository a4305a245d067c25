"""Refunds of the shop as credit notes of the posted invoice: one per slip, equal to the cent or left as a draft that says why."""

from __future__ import annotations

from collections.abc import Sequence

from portal.entities import order, refund
from portal.entities.base import Row
from portal.entities.odoo_arithmetic import OdooSales
from portal.entities.order_source import OrderSource
from portal.entities.order_write import OdooIds
from portal.models import SyncJob
from portal.sync.flows import order_invoice
from portal.sync.links import Link
from portal.sync.work import Work

ENTITY = "refund"
FIELDS = ["name", "ref", "state", "amount_untaxed", "amount_tax", "amount_total"]


def slips(work: Work, orders: Sequence[str]) -> dict[str, list[Row]]:
    """The slips of these orders that are not done with yet, by order. One call to the shop."""
    if not orders or not (work.store.settings["order_refunds"] and work.store.settings["order_invoice"]):
        return {}
    rows = work.shop.find_any("order_slip", "id_order", sorted(orders), refund.READ)
    done = {number for number, mapping in work.mappings(ENTITY, [str(row["id"]) for row in rows]).items()
            if mapping.data.get("done")}
    found: dict[str, list[Row]] = {}
    for row in rows:
        if str(row["id"]) not in done:
            found.setdefault(str(row["id_order"]), []).append(row)
    return found


def credit(work: Work, job: SyncJob, found: OrderSource, open_slips: Sequence[Row], invoices: Sequence[Row], ids: OdooIds,
           odoo: OdooSales, origin: str) -> list[str]:
    """Bring the slips to Odoo; what was done, in words. Without a posted invoice they wait."""
    posted = [row for row in invoices if row["state"] == "posted"]
    if not open_slips:
        return []
    if not posted:
        return [f"{len(open_slips)} refund{'s' * (len(open_slips) > 1)} of the shop wait for the posted invoice."]
    references = {refund.marker(work.store.name, found.record, slip["id"]): slip for slip in open_slips}
    there = {row["ref"]: row for row in work.odoo.search_read(
        "account.move", [("move_type", "=", "out_refund"), ("ref", "in", sorted(references))], FIELDS)}
    words = []
    for reference, slip in references.items():
        words.append(_one(work, job, found, slip, there.get(reference), posted[-1], ids, odoo, reference, origin))
    return [text for text in words if text]


def _one(work: Work, job: SyncJob, found: OrderSource, slip: Row, row: Row | None, invoice: Row, ids: OdooIds, odoo: OdooSales,
         reference: str, origin: str) -> str:
    made = order.plan(refund.source(found, slip), odoo)
    if row is None:
        day = str(slip.get("date_add") or "")[:10]
        values = refund.to_odoo(made, ids, invoice, reference=reference, origin=origin, day=day if day[:4] != "0000" else "")
        work.before_write([job])
        [number] = work.odoo.create("account.move", [values])
        work.writing = []
        [row] = work.odoo.read("account.move", [number], FIELDS)
    verdict = order.judge(made, row)
    held = refund.chosen_amount(found, slip) or verdict.reason
    if row["state"] == "draft" and not held:
        order_invoice.post(work, [row["id"]], "credit note")
    work.keep([Link(ENTITY, str(slip["id"]), row["id"], data={"order": found.record, "done": True, "held": held})])
    total = f"{made.shop_incl} {made.currency}"
    if held:
        return f"Refund {slip['id']} ({total}) is a draft credit note in Odoo. {held}"
    return f"Refund {slip['id']} ({total}) credited."
