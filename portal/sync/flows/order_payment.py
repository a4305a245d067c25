"""Payments the shop received, recorded on the posted invoice: each amount exactly once.

Odoo is asked first: payments of the order carry its memo, and the invoice tells what is open. A payment whose answer was lost may
still be under way, so the job waits before it looks again.
"""

from __future__ import annotations

from collections.abc import Sequence

from portal.entities import payment
from portal.entities.base import Row
from portal.entities.order_source import OrderSource
from portal.models import SyncJob
from portal.sync import facts
from portal.sync.work import Work


def pay(work: Work, job: SyncJob, found: OrderSource, invoices: Sequence[Row]) -> list[str]:
    """Record what the shop received and Odoo lacks; what was done, in words. Raises `Invalid` where there is no journal."""
    if not payment.wanted(found, (), invoices):
        return []
    memo_field = "memo" if work.odoo.profile.has("account.payment", "memo") else "ref"
    made = work.odoo.search_read("account.payment", [(memo_field, "=like", payment.memo_pattern(found))], ["amount", "state"])
    payments = payment.wanted(found, made, invoices)
    if not payments:
        return []
    journal = payment.journal(str(found.order["module"]), work.store.settings["payment_journals"], _journals(work))
    day = payment.paid_on(found, work.shop.find_any("order_payments", "order_reference", [found.order["reference"]], payment.READ))
    words = []
    for one in payments:
        context = {"active_model": "account.move", "active_ids": [one.invoice], "active_id": one.invoice}
        values = {"journal_id": journal, "amount": float(one.amount), "currency_id": one.currency,
                  "communication": payment.memo(work.store.name, found), "payment_difference_handling": "open",
                  **({"payment_date": day} if day else {})}
        work.before_write([job])
        [wizard] = work.odoo.create("account.payment.register", [values], context=context)
        work.odoo.call("account.payment.register", "action_create_payments", [wizard], context=context)
        work.writing = []
        words.append(f"Payment of {one.amount} {found.currency} recorded.")
    return words


def _journals(work: Work) -> list[Row]:
    """Where money comes in, as Odoo sorts them."""
    return work.services.remember("odoo journals", work.store, facts.KEEP_SECONDS, lambda: work.odoo.search_read(
        "account.journal", [("type", "in", ["bank", "cash", "credit"]), ("company_id", "=", work.odoo.profile.company_id)],
        ["code", "name", "type"]))
