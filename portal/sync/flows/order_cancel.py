"""An order cancelled in the shop: cancel it in Odoo where that undoes nothing that has happened outside."""

from __future__ import annotations

from portal.clients.errors import Rejected
from portal.entities.base import Row
from portal.sync.work import Work


def cancel(work: Work, row: Row) -> str:
    """Cancel a `sale.order` (id, name, state, invoice_ids), unless it is locked or goods have left; what was done, in words.

    Empty if it is cancelled already. 16 to 18 answer a cancellation with a wizard unless the context says otherwise, and some
    refuse in silence, so the state is read back.
    """
    if row["state"] == "cancel":
        return ""
    reason = _why_not(work, row)
    if reason:
        return f"It is cancelled in the shop, but {reason}; it stays as it is in Odoo until somebody decides there."
    work.before_write([])
    work.odoo.call("sale.order", "action_cancel", [row["id"]], context={"disable_cancel_warning": True})
    state = work.odoo.read("sale.order", [row["id"]], ["state"])[0]["state"]
    if state != "cancel":
        raise Rejected("odoo", f"Odoo did not cancel the order {row['name']} (its state is {state}).", cause="odoo:not-cancelled",
                       remedy="Cancel it in Odoo by hand.")
    return "Cancelled, as in the shop." + (" It has an invoice: credit it if it is posted." if row.get("invoice_ids") else "")


def _why_not(work: Work, row: Row) -> str:
    lock = work.odoo.profile.lock_field
    if row["state"] == "done" or (lock and work.odoo.read("sale.order", [row["id"]], [lock])[0][lock]):
        return "the order is locked in Odoo"
    if row["state"] == "sale" and work.odoo.search_count("stock.picking", [("sale_id", "=", row["id"]), ("state", "=", "done")]):
        return "goods have left already"
    return ""
