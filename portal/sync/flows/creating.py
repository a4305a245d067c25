"""New records in Odoo, by `load` with an external id, which Odoo creates or updates in one transaction: if the answer is lost, the
next try finds what the first one made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from portal.clients.errors import Rejected, Throttled
from portal.entities.base import OdooFacts, RecordEntity, Ref, Values
from portal.models import SyncJob
from portal.sync.flows import refused, texts, variants
from portal.sync.flows.loading import cell
from portal.sync.foreseen import Foreseen, new, title
from portal.sync.links import Link, external_id
from portal.sync.work import Work


def create(work: Work, entity: RecordEntity, odoo: OdooFacts, rows: Sequence[SyncJob], values: dict[int, Values],
           out: Values | None = None) -> dict[int, int]:
    """Create records together; if the batch is refused only the guilty ones fail. Odoo ids by job id.

    `out`: the values to leave out of a record that was refused with them.
    """
    if work.dry_run:
        for job in rows:
            work.would(job, f"would create {entity.label.lower()} {job.record} in Odoo",
                       Foreseen("create", title(values[job.id]), changes=new("odoo", values[job.id], leave=("kind",))))
        return {}
    vals = [entity.to_odoo(values[job.id], odoo) for job in rows]
    if out:
        vals = [entity.without_refusable(some) for some in vals]
    columns = sorted({key for some in vals for key in some})
    header = ["id", *(f"{c}/.id" if c.endswith("_id") else c for c in columns)]
    table = [[external_id(work.store, Ref(entity.name, job.record)),
              *(cell(some.get(column), boolean=column in entity.booleans) for column in columns)]
             for job, some in zip(rows, vals, strict=True)]
    work.before_write(rows)
    try:
        result = work.odoo.load(entity.odoo_model, header, table, context=entity.context)
    except Rejected as error:
        if len(rows) == 1:
            return _without(work, entity, odoo, rows[0], values, out, error)
        half = len(rows) // 2
        return create(work, entity, odoo, rows[:half], values) | create(work, entity, odoo, rows[half:], values)
    if result.ids is None:
        return _apart(work, entity, odoo, rows, values, out, result.messages)
    texts.load_new(work, rows, entity, [row[0] for row in table], [values[job.id] for job in rows])
    fields = list(entity.created_fields)
    made = work.odoo.read(entity.odoo_model, result.ids, fields, context={"active_test": False}) if fields else []
    extras = {row["id"]: entity.extra(row) for row in made}
    for job, odoo_id in zip(rows, result.ids, strict=True):
        left_out = out or {}
        link = Link(entity.name, job.record, odoo_id, refused.base(values[job.id], left_out),
                    refused.noted(extras.get(odoo_id, {}), left_out))
        work.done(job, f"{entity.label} {job.record} created in Odoo (id {odoo_id}).{variants.note(values[job.id])}", links=[link],
                  warnings=refused.warnings(left_out) or entity.doubts(values[job.id], odoo))
    return {job.id: odoo_id for job, odoo_id in zip(rows, result.ids, strict=True)}


def _apart(work: Work, entity: RecordEntity, odoo: OdooFacts, rows: Sequence[SyncJob], values: dict[int, Values],
           out: Values | None, messages: Sequence[Any]) -> dict[int, int]:
    """A refused batch wrote nothing. Rows that Odoo named are tried alone (18 and 19 also name innocent ones)."""
    text = messages[0].text if messages else "Odoo refused the record without saying why."
    if any(message.transient for message in messages):
        raise Throttled("odoo", f"Odoo was busy with the same records: {text}", retry_after=5)
    if len(rows) == 1:
        error = Rejected("odoo", f"Odoo refused {entity.label.lower()} {rows[0].record}: {text}",
                         remedy="Correct the record in the shop, then retry.", cause=f"odoo:load:{entity.name}")
        return _without(work, entity, odoo, rows[0], values, out, error)
    named = {message.row for message in messages}
    rest = [job for i, job in enumerate(rows) if i not in named]
    groups = [[job] for i, job in enumerate(rows) if i in named] if rest or len(named) == len(rows) else [[j] for j in rows]
    ids: dict[int, int] = {}
    for group in [*([rest] if rest else []), *groups]:
        ids |= create(work, entity, odoo, group, values)
        work.save()
    return ids


def _without(work: Work, entity: RecordEntity, odoo: OdooFacts, job: SyncJob, values: dict[int, Values], out: Values | None,
             error: Rejected) -> dict[int, int]:
    """Once more without what a good record may lack; if that was done already, the record itself is refused."""
    rest = refused.present(entity, values[job.id])
    if out is None and rest:
        return create(work, entity, odoo, [job], values, rest)
    work.failed(job, error)
    return {}
