"""What a dry run says of orders."""

from __future__ import annotations

from collections.abc import Sequence

from portal.entities import order_changes
from portal.sync import ledgers
from portal.sync.flows.order_batch import Open
from portal.sync.foreseen import Change, Foreseen, Kind
from portal.sync.ledgers import Judged
from portal.sync.work import Work


def would(work: Work, orders: Sequence[Open]) -> None:
    """Each order as it would be made, with its ledger, or what became of the one that Odoo has."""
    new = [item for item in orders if item.row is None]
    if new:
        ledgers.keep(work, [Judged(item.record, item.plan, None, "foreseen", item.plan.reason, item.plan.cause) for item in new])
    for item in orders:
        _would(work, item)


def _would(work: Work, item: Open) -> None:
    plan, row = item.plan, item.row
    total = f"{plan.shop_incl} {plan.currency}"
    stays = f" It would stay a quotation: {plan.reason}" if plan.verdict == "held" else ""
    first = f", after {', '.join(f'{ref.entity} {ref.record}' for ref in sorted(item.needs))}" if item.needs else ""
    changed = (Change("odoo", "total", f"{row['amount_total']} {plan.currency}" if row else None, total),
               Change("odoo", "lines", None, str(len(plan.lines))))
    name = str(item.found.order["reference"])
    if row is None:
        kind: Kind = "refused" if stays and work.store.settings["order_confirm"] else "create"
        work.would(item.job, f"would create order {item.record} with {len(plan.lines)} lines, total {total}{first}.{stays}",
                   Foreseen(kind, name, None, changed, item.needs))
        return
    known = item.mapping.base.get("digest") if item.mapping else None
    same = known == order_changes.digest(plan) or (known is None and row["state"] not in ("draft", "sent"))
    if same:
        kind, words = "nothing" if item.mapping else "link", "is in Odoo already"
    elif row["state"] in ("draft", "sent"):
        kind, words = "change", "is a quotation whose lines would be renewed"
    else:
        kind, words = "conflict", "was changed in the shop after it was confirmed, and would be left as it is"
    work.would(item.job, f"order {item.record} {words} ({row['name']}).{stays}",
               Foreseen(kind, name, row["id"], changed[:1] if kind in ("change", "conflict") else (), item.needs))
