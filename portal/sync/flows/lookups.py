"""Records that Odoo named and that only lead to one of ours: a quant or move to its product, a picking to its order.

The endpoint may not ask Odoo, so it stores a job of the internal entity `lookup` ("stock.picking:12"); here Odoo is asked, one
call per model, and what is found is noticed. Nothing is written to either side.
"""

from __future__ import annotations

from collections.abc import Sequence

from portal.models import SyncJob
from portal.settings import allowed
from portal.sync import known
from portal.sync.work import Work

LOOKUP = "lookup"
_LEADS: dict[str, dict[str, str]] = {
    "product.product": {"product_tmpl_id": "product"},
    "product.template.attribute.value": {"product_tmpl_id": "product"},
    "stock.quant": {"product_id": "stock"},
    "stock.move": {"product_id": "stock"},
    "stock.picking": {"sale_id": "order"},
}
"""By model: its fields and the entity whose record they name."""

Found = tuple[str, str, str]


def wanted(model: str) -> tuple[str, ...]:
    """The entities a record of this model can lead to."""
    return tuple(_LEADS[model].values())


def push(work: Work) -> None:
    """Find out what each record leads to and notice it."""
    by_model: dict[str, list[SyncJob]] = {}
    for job in work.jobs:
        by_model.setdefault(job.record.partition(":")[0], []).append(job)
    for model, rows in by_model.items():
        _look_up(work, model, rows)


def _look_up(work: Work, model: str, rows: Sequence[SyncJob]) -> None:
    leads = _LEADS[model]
    ids = {int(job.record.partition(":")[2]): job for job in rows}
    found = {row["id"]: row for row in work.odoo.search_read(
        model, [("id", "in", sorted(ids))], list(leads), context={"active_test": False})}
    follow: dict[int, list[Found]] = {}
    for number, job in ids.items():
        row = found.get(number, {})
        follow[job.id] = [(entity, "odoo_to_ps", str(row[name][0])) for name, entity in leads.items()
                          if row.get(name) and allowed(work.store.settings, entity, "odoo_to_ps")]
    linked = _linked(work, [what for some in follow.values() for what in some])
    for job in rows:
        there = [what for what in follow[job.id] if what in linked]
        words = ", ".join(f"{entity} {record}" for entity, _, record in there) or "nothing that is linked to the shop"
        work.done(job, f"{job.record} of Odoo leads to {words}.", changed=False, follow=there)


def _linked(work: Work, found: Sequence[Found]) -> set[Found]:
    """What has a shop record; a product may be new to the shop."""
    ids = {entity: {int(record) for what, _, record in found if what == entity} for entity in ("stock", "order")}
    with work.services.db.read() as session:
        there = {"stock": known.variants(session, work.store, ids["stock"]),
                 "order": known.orders(session, work.store, ids["order"])}
    return {what for what in found if what[0] == "product" or int(what[2]) in there[what[0]]}
