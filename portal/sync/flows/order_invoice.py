"""The invoice of a confirmed order: created and posted once, whatever is lost on the way."""

from __future__ import annotations

from portal.clients.errors import Rejected
from portal.clients.odoo import is_wizard
from portal.entities.base import Row
from portal.models import SyncJob
from portal.sync.work import Work

FIELDS = ["name", "state", "move_type", "payment_state", "amount_total", "amount_residual", "currency_id", "partner_id",
          "partner_shipping_id", "journal_id", "invoice_date"]
NOTHING = ("nothing to invoice", "no invoiceable", "no items are available to invoice")
"""How Odoo says that nothing can be invoiced yet, by version."""


def read(work: Work, number: int) -> list[Row]:
    """The invoices of a `sale.order`, credit notes left out."""
    ids = work.odoo.read("sale.order", [number], ["invoice_ids"])[0]["invoice_ids"]
    return [row for row in work.odoo.read("account.move", ids, FIELDS) if row["move_type"] == "out_invoice"]


def invoice(work: Work, job: SyncJob, number: int) -> tuple[list[Row], list[str]]:
    """Create and post the invoice unless it is there; the order's invoices, and what was done, in words.

    One invoice for the whole order: while lines wait for their delivery there is none, which is no error. One that people
    cancelled is not made again. A creation whose answer is lost may still be under way: the job then waits as an uncertain one
    does, and looks first.
    """
    words = []
    rows = read(work, number)
    if not rows:
        if not _ready(work, number):
            return [], ["The invoice waits until everything is delivered."]
        values, context = work.odoo.profile.invoice_wizard([number])
        work.before_write([job])
        [wizard] = work.odoo.create("sale.advance.payment.inv", [values], context=context)
        try:
            work.odoo.call("sale.advance.payment.inv", "create_invoices", [wizard], context=context)
        except Rejected as error:
            work.writing = []
            if any(text in f"{error.message} {error.detail}".lower() for text in NOTHING):
                return [], ["There is nothing to invoice yet."]
            raise
        work.writing = []
        rows = read(work, number)
        words.append("Invoiced.")
    drafts = [row["id"] for row in rows if row["state"] == "draft"]
    if drafts:
        post(work, drafts, "invoice")
        rows = read(work, number)
    return rows, words


def _ready(work: Work, number: int) -> bool:
    """Whether every line can be invoiced in full. Odoo would invoice shipping at once and the goods, by their policy, later."""
    lines = work.odoo.search_read("sale.order.line", [("order_id", "=", number), ("display_type", "=", False)],
                                  ["product_uom_qty", "qty_to_invoice"])
    return all(line["qty_to_invoice"] == line["product_uom_qty"] for line in lines)


def post(work: Work, ids: list[int], what: str) -> None:
    """Post drafts. Raises `Rejected` where Odoo asks a question instead."""
    work.before_write([])
    if is_wizard(work.odoo.call("account.move", "action_post", ids)):
        raise Rejected("odoo", f"Odoo asks a question before it posts the {what}.", cause=f"odoo:{what.replace(' ', '-')}-wizard",
                       remedy=f"Post the {what} in Odoo.")
