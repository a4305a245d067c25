"""Customers and products, shop → Odoo: read now, map, compare with what was last agreed, write the difference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from functools import partial
from typing import Any

from portal.clients.errors import Missing, Rejected
from portal.entities import combination, registry
from portal.entities.base import Invalid, OdooFacts, RecordEntity
from portal.entities.compare import fill_only, held, is_blank, to_tell
from portal.entities.product import PRODUCT
from portal.models import Mapping, SyncJob
from portal.settings import allowed
from portal.sync import echoes, facts
from portal.sync.flows import addresses, cut_off, edits, refused, texts, variants
from portal.sync.flows.agreement import Pair, agree
from portal.sync.flows.creating import create
from portal.sync.flows.templates import write_template
from portal.sync.foreseen import Foreseen, changes, title
from portal.sync.links import Link
from portal.sync.work import Work

Values = dict[str, Any]


def push(work: Work) -> None:
    """Bring a batch of shop records of one entity to Odoo."""
    entity = registry.record_entity(work.jobs[0].entity)
    values, related = _read_shop(work, entity)
    linked = work.mappings(entity.name, [job.record for job in work.open])
    odoo = facts.odoo(work.services, work.store)
    if not _travels(work, entity):
        needed = work.needed(entity.name) if entity.on_the_fly else {job.record for job in work.open}
        for job in [job for job in work.open if job.record in linked or job.record not in needed]:
            work.done(job, f"{entity.label}s do not travel from the shop to Odoo in this store's settings; nothing was written.",
                      changed=False)
    elif _both_ways(work, entity):
        _agree(work, odoo, values, linked)
    variants.push(work, odoo, values, linked)
    _update(work, entity, odoo, [job for job in work.open if job.record in linked], values, linked)
    fresh = [job for job in work.open if job.id in values]
    if fresh:
        _link_or_create(work, entity, odoo, fresh, values)
    addresses.archive(work, [row for rows in related.values() for row in rows.get("addresses", ())])


def _read_shop(work: Work, entity: RecordEntity) -> tuple[dict[int, Values], dict[str, dict[str, list[dict[str, Any]]]]]:
    """The normalised values by job id; jobs whose record is gone or cannot be mapped are settled here. And the related rows."""
    ids = [int(job.record) for job in work.jobs]
    rows = {str(row["id"]): row for row in work.shop.read(entity.resource, ids, entity.fields)}
    needed = work.needed(entity.name) if entity.on_the_fly else set()
    related: dict[str, dict[str, list[dict[str, Any]]]] = {}
    owners = sorted(rows.keys() | needed)
    for need in entity.related:
        for row in work.shop.find_any(need.resource, need.key_field, owners, need.fields) if owners else ():
            related.setdefault(str(row[need.key_field]), {}).setdefault(need.resource, []).append(row)
    shop = facts.shop(work.services, work.store)
    values: dict[int, Values] = {}
    for job in work.jobs:
        found = rows.get(job.record)
        if found is None and job.record in needed:
            found = entity.remains(int(job.record), related.get(job.record, {}))
        if found is None:
            work.done(job, f"{entity.label} {job.record} is no longer in the shop; Odoo keeps its record.", changed=False)
            continue
        if entity.deleted(found) and job.record not in needed:
            work.done(job, f"{entity.label} {job.record} is left out: it was deleted in the shop.", changed=False)
            continue
        try:
            work.words[job.id] = {str(found[name]) for name in ("reference", "email", "ean13") if found.get(name)}
            values[job.id] = entity.values(found, related.get(job.record, {}), shop)
        except Invalid as error:
            work.failed(job, error)
    return values, related


def _travels(work: Work, entity: RecordEntity) -> bool:
    return allowed(work.store.settings, entity.name, "ps_to_odoo")


def _both_ways(work: Work, entity: RecordEntity) -> bool:
    return entity.name == PRODUCT.name and bool(work.store.settings["products"] == "both")


def _agree(work: Work, odoo: OdooFacts, values: dict[int, Values], linked: dict[str, Mapping]) -> None:
    """Both ways: a three-way for linked products. Those with combinations go on with what their template agreed on."""
    jobs = {linked[job.record].odoo_id: job for job in work.open if job.record in linked}
    rows = texts.read(work, odoo, sorted(jobs))
    pairs = []
    for row in rows:
        job, mapping = jobs[row["id"]], linked[jobs[row["id"]].record]
        pairs.append(Pair(job, job.record, row["id"], values[job.id], PRODUCT.from_odoo(row, odoo), dict(mapping.base),
                          dict(mapping.data)))
    agreed = agree(work, odoo, pairs, both=True)
    for job in [pair.job for pair in pairs if pair.job.id in agreed]:
        outcome, mapping = agreed[job.id], linked[job.record]
        if values[job.id]["kind"] != "combinations" and not mapping.data.get("combinations"):
            work.done(job, outcome.message, changed=outcome.changed, links=[] if outcome.echo else [outcome.link])
        elif not outcome.echo and not work.dry_run:
            work.keep([outcome.link])
            mapping.base, mapping.data = outcome.link.base, outcome.link.data
            values[job.id] |= {name: value for name, value in mapping.base.items()
                               if name != "kind" and name not in combination.COLUMNS}
    if not work.dry_run:
        echoes.note(work.services, work.store, sum(outcome.echo for outcome in agreed.values()))


def _update(work: Work, entity: RecordEntity, odoo: OdooFacts, rows: Sequence[SyncJob], values: dict[int, Values],
            linked: dict[str, Mapping]) -> None:
    """Write what changed since it was last agreed. A record deleted in Odoo is left open, to be linked or created again."""
    changed = {job.id: to_tell(values[job.id], linked[job.record].base) | edits.unsettled(linked[job.record], values[job.id])
               for job in rows}
    numbers = {linked[job.record].odoo_id for job in rows if changed[job.id]} if entity.keeps_edits else set()
    current = edits.current_rows(work, entity, odoo, sorted(numbers))
    shared = work.shared(entity.name, numbers)
    repeated = texts.repeated(work, entity, odoo, {linked[job.record].odoo_id: changed[job.id] for job in rows})
    for job in rows:
        mapping, wanted, change = linked[job.record], values[job.id], changed[job.id]
        theirs = edits.edited(entity, odoo, mapping, change, current[mapping.odoo_id]) if mapping.odoo_id in current else set()
        if entity.yields(wanted) and mapping.odoo_id in shared:
            theirs = set(change)
        old = refused.known(mapping, wanted)
        change = {name: value for name, value in change.items() if name not in theirs | old}
        row = entity.to_odoo(wanted, odoo, change) if change else {}
        data, repeats = cut_off.without_notes(mapping.data), repeated.get(mapping.odoo_id, ())
        name = f"{entity.label} {job.record}"
        if not row and not entity.texts(wanted, change, repeats):
            link = Link(entity.name, job.record, mapping.odoo_id, refused.base(wanted, dict.fromkeys(old)), data)
            text = f"{name} is unchanged." if not theirs else f"{name} is left as it is in Odoo (id {mapping.odoo_id})."
            work.done(job, text, changed=False, links=[link] if change or theirs else [], warnings=_kept(entity, wanted, theirs))
            continue
        if work.dry_run:
            work.would(job, f"would change {', '.join(change)} of {name} in Odoo (id {mapping.odoo_id})",
                       Foreseen("change", title(wanted), mapping.odoo_id, changes("odoo", mapping.base, change)))
            continue
        try:
            work.before_write([job], [edits.about_to_send(mapping, change)])
            out = refused.write(entity, odoo, wanted, change, partial(_write, work, entity, mapping.odoo_id, data))
            texts.write(work, [job], entity, mapping.odoo_id, wanted, change, repeated=repeats)
        except Missing:
            continue
        except Rejected as error:
            work.failed(job, error)
            continue
        data = refused.noted(data, out) if out or not old else data
        link = Link(entity.name, job.record, mapping.odoo_id, refused.base(wanted, {**dict.fromkeys(old), **out}), data)
        words = ", ".join(field for field in change if field not in out)
        text = f"{name}: {words} changed in Odoo (id {mapping.odoo_id})." if words else f"{name} is unchanged."
        work.done(job, text, changed=bool(words), links=[link],
                  warnings=[*_kept(entity, wanted, theirs), *_doubts(entity, odoo, wanted, change, out)])
        if len(work.outcomes) >= 50:
            work.save()


def _read(work: Work, entity: RecordEntity, odoo: OdooFacts, ids: Sequence[int]) -> list[Values]:
    if entity.name == PRODUCT.name:
        return texts.read(work, odoo, ids)
    return work.odoo.read(entity.odoo_model, ids, entity.odoo_fields(odoo), context={"active_test": False}) if ids else []


def _write(work: Work, entity: RecordEntity, odoo_id: int, data: Values, row: Values) -> None:
    """`data`: of the mapping, which knows the variant of a product without combinations."""
    if entity.name == PRODUCT.name:
        write_template(work.odoo, odoo_id, row, None if data.get("combinations") else data.get("variant_id"))
    else:
        work.odoo.write(entity.odoo_model, [odoo_id], row, context=entity.context)


_DOUBTED = {"vat", "country", "state"}


def _doubts(entity: RecordEntity, odoo: OdooFacts, values: Values, change: Collection[str], out: Values) -> list[str]:
    return refused.warnings(out) or (entity.doubts(values, odoo) if _DOUBTED & set(change) else [])


def _kept(entity: RecordEntity, values: Values, names: Collection[str]) -> list[str]:
    """A sentence on what people changed in Odoo and the shop changed otherwise; guests' changes are nobody's business."""
    return [] if not names or entity.yields(values) else [
        f"{', '.join(sorted(names))} was changed in Odoo by hand and in the shop; Odoo keeps its own."]


def _link_or_create(work: Work, entity: RecordEntity, odoo: OdooFacts, rows: Sequence[SyncJob],
                    values: dict[int, Values]) -> None:
    """Match each record with what Odoo has; link where exactly one is found, create where none is."""
    keys = {job.id: entity.match(values[job.id]) for job in rows}
    found = _look_up(work, entity, {key for some in keys.values() for key in some})
    taken = _taken(work, entity, found)
    own = Counter(key for some in keys.values() for key in some[:1])
    hits: list[tuple[SyncJob, dict[str, Any]]] = []
    new: list[SyncJob] = []
    for job in rows:
        try:
            hit = _one_match(entity, job, keys[job.id], found, taken)
        except Invalid as error:
            work.failed(job, error)
            continue
        if hit is not None:
            hits.append((job, hit))
        elif entity.unique_match and any(own[key] > 1 for key in keys[job.id][:1]):
            field, value = keys[job.id][0]
            work.failed(job, Invalid(f"Several {entity.label.lower()} records of the shop share the {entity.words[field]} "
                                     f"{value!r}. Give each its own.", cause=f"{entity.name}:duplicate:{field}"))
        else:
            new.append(job)
    _link(work, entity, odoo, hits, values)
    work.save()
    if not _travels(work, entity) and not entity.on_the_fly:
        for job in new:
            work.failed(job, Invalid(
                f"{entity.label} {job.record} is not in Odoo, and the settings do not let it be created. Create it in Odoo "
                f"with the same reference, or let {entity.label.lower()}s travel from the shop to Odoo.",
                cause=f"{entity.name}:direction"))
        return
    first_of_key: dict[tuple[str, str], SyncJob] = {}
    twins: list[tuple[SyncJob, SyncJob]] = []
    makers: list[SyncJob] = []
    for job in sorted(new, key=lambda job: entity.yields(values[job.id])):
        key = keys[job.id][0] if keys[job.id] else None
        if key is not None and key in first_of_key:
            twins.append((job, first_of_key[key]))
            continue
        if key is not None:
            first_of_key[key] = job
        makers.append(job)
    ids: dict[int, int] = {}
    for start in range(0, len(makers), entity.chunk):
        ids |= create(work, entity, odoo, makers[start:start + entity.chunk], values)
        work.save()
    for job, maker in twins:
        if work.dry_run:
            work.would(job, f"would link {entity.label} {job.record} to the same Odoo record as {maker.record}",
                       Foreseen("link", title(values[job.id])))
        elif maker.id in ids:
            link = Link(entity.name, job.record, ids[maker.id], values[job.id])
            work.done(job, f"{entity.label} {job.record} linked to Odoo id {ids[maker.id]}, as {maker.record}.", links=[link])
        else:
            work.failed(job, Invalid(f"{entity.label} {maker.record} with the same key could not be created.",
                                     cause=f"{entity.name}:twin"))


def _look_up(work: Work, entity: RecordEntity, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Odoo records by match key, archived ones included; one call whatever the number of keys."""
    by_field: dict[str, set[str]] = {}
    for field, value in keys:
        by_field.setdefault(field, set()).add(value)
    terms: list[Any] = []
    for field, wanted in sorted(by_field.items()):
        terms += [(column, "in", sorted(wanted)) for column in entity.match_columns[field]]
    if not terms:
        return {}
    domain = ["|"] * (len(terms) - 1) + terms
    columns = {column for field in by_field for column in entity.match_columns[field]}
    rows = work.odoo.search_read(entity.match_model, domain, sorted({*columns, *entity.match_extra}), order="id",
                                 context={"active_test": False})
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        if row.get("company_id") and row["company_id"][0] != work.odoo.profile.company_id:
            continue
        for field in by_field:
            for value in {entity.normal_key(field, row[column]) for column in entity.match_columns[field]} - {""}:
                found.setdefault((field, value), []).append(row)
    return found


def _taken(work: Work, entity: RecordEntity, found: dict[tuple[str, str], list[dict[str, Any]]]) -> dict[int, str]:
    """Odoo ids that are linked to a shop record already, where one may be linked only once."""
    if not entity.unique_match:
        return {}
    ids = {entity.record_id(row) for rows in found.values() for row in rows}
    return work.linked_odoo_ids(entity.name, ids)


def _one_match(entity: RecordEntity, job: SyncJob, keys: Sequence[tuple[str, str]],
               found: dict[tuple[str, str], list[dict[str, Any]]], taken: dict[int, str]) -> dict[str, Any] | None:
    for field, value in keys:
        rows = entity.narrow(found.get((field, value), []))
        if len(rows) > 1:
            ids = ", ".join(str(entity.record_id(row)) for row in rows[:5])
            raise Invalid(f"Odoo has {len(rows)} records with the {entity.words[field]} {value!r} (ids {ids}). "
                          "Merge or archive all but one there, then retry.", cause=f"{entity.name}:several:{field}")
        if rows:
            other = taken.get(entity.record_id(rows[0]))
            if other is not None and other != job.record:
                raise Invalid(
                    f"The {entity.words[field]} {value!r} belongs to an Odoo record that is linked to "
                    f"{entity.label.lower()} {other} already. Give each its own.", cause=f"{entity.name}:taken:{field}")
            return rows[0]
    return None


def _link(work: Work, entity: RecordEntity, odoo: OdooFacts, hits: Sequence[tuple[SyncJob, dict[str, Any]]],
          values: dict[int, Values]) -> None:
    """Adopt records that Odoo has: fill and correct them where the shop has a value, and erase nothing."""
    ids = sorted({entity.record_id(hit) for _, hit in hits})
    rows = {row["id"]: row for row in _read(work, entity, odoo, ids)}
    if _both_ways(work, entity):
        pairs = [Pair(job, job.record, entity.record_id(hit), values[job.id], entity.from_odoo(rows[entity.record_id(hit)], odoo),
                      data=entity.extra(hit)) for job, hit in hits]
        agreed = agree(work, odoo, pairs, both=True)
        for pair in [pair for pair in pairs if pair.job.id in agreed]:
            work.done(pair.job, agreed[pair.job.id].message, links=[agreed[pair.job.id].link])
        return
    known = set(work.linked_odoo_ids(entity.name, ids)) if any(entity.yields(values[job.id]) for job, _ in hits) else set()
    for job, hit in hits:
        odoo_id = entity.record_id(hit)
        current = entity.from_odoo(rows[odoo_id], odoo)
        change = fill_only(held(entity, values[job.id], odoo), current) if _travels(work, entity) else {}
        if entity.yields(values[job.id]):
            change = {} if odoo_id in known else {name: value for name, value in change.items() if is_blank(current[name])}
        row = entity.to_odoo(values[job.id], odoo, change) if change else {}
        name = f"{entity.label} {job.record}"
        if work.dry_run:
            work.would(job, f"would link {name} to Odoo id {odoo_id}" + (f" and change {', '.join(change)}" if change else ""),
                       Foreseen("link", title(values[job.id]), odoo_id, changes("odoo", current, change)))
            continue
        out: Values = {}
        try:
            if row:
                work.before_write([job])
                out = refused.write(entity, odoo, values[job.id], change, partial(_write, work, entity, odoo_id, entity.extra(hit)))
            texts.write(work, [job], entity, odoo_id, values[job.id], change, repeated=texts.untranslated(current))
        except Rejected as error:
            work.failed(job, error)
            continue
        if _travels(work, entity):
            base, follow = refused.base(values[job.id], out), []
        else:  # nothing counts as agreed; Odoo tells what it has afterwards
            base = {name: value for name, value in values[job.id].items() if name == "kind"}
            follow = variants.back(work, odoo_id) if entity.name == PRODUCT.name else []
        link = Link(entity.name, job.record, odoo_id, base, refused.noted(entity.extra(hit), out))
        words = ", ".join(name for name in change if name not in out)
        work.done(job, f"{name} linked to Odoo id {odoo_id}" + (f"; changed {words}." if words else ".")
                  + variants.note(values[job.id]), links=[link],
                  follow=follow, warnings=_doubts(entity, odoo, values[job.id], change, out))
