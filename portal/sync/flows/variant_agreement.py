"""Combinations and variants that belong together: what the shop takes over of the values that are a variant's own.

As for products each side is compared with what *it* had (see `agreement`). Only the shop is written here. What the shop has to
tell Odoo is left in the base as a difference, where `variants` finds it; so a try that is cut short is simply done again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from portal.clients.errors import Rejected
from portal.entities import combination
from portal.entities.base import Invalid, OdooFacts, Values
from portal.entities.combination import Combination
from portal.entities.compare import Conflict, difference, fill_only, in_step, same, was_agreed
from portal.entities.product import PRODUCT
from portal.sync import bounces, conflicts
from portal.sync.flows import cut_off
from portal.sync.flows.agreement import OWNERS
from portal.sync.flows.patching import patch
from portal.sync.flows.template_variants import VARIANT, Item
from portal.sync.foreseen import Change, Foreseen, title
from portal.sync.links import Link
from portal.sync.work import Work

ENTITY = "combination"


@dataclass
class Part:
    """One combination and its variant, both as they are now."""

    item: Item
    one: Combination
    variant: int
    base: Values
    data: dict[str, Any]
    odoo: Values
    to_shop: Values = field(default_factory=dict)
    tells: set[str] = field(default_factory=set)
    """What the shop has to tell Odoo."""
    conflicts: tuple[Conflict, ...] = ()
    chosen: list[int] = field(default_factory=list)
    """Conflicts that a person settled and that are written now."""

    @property
    def undecided(self) -> set[str]:
        return {conflict.field for conflict in self.conflicts if conflict.owner == "manual"}


def settle(work: Work, odoo: OdooFacts, items: Sequence[Item], *, both: bool, found: bool = False) -> None:
    """Bring the shop's combinations in step with the variants they are linked to; with `found`, with those found just now.

    Jobs that fail or rehearse are reported. Combinations hold the new values afterwards; `item.tells` says that Odoo has to be
    told something.
    """
    parts = _read(work, odoo, items, found=found)
    if not parts:
        return
    with work.services.db.read() as session:
        chosen = conflicts.chosen(session, work.store, ENTITY, {part.one.key for part in parts}) if both else {}
    for part in parts:
        _compare(work, part, odoo, both=both)
        for row in chosen.get(part.one.key, []):
            _choose(part, odoo, row.id, row.field, conflicts.value_of(row))
        if part.undecided:
            part.item.undecided[part.one.key] = part.undecided
        part.item.tells = part.item.tells or bool(part.tells)
    if work.dry_run:
        _rehearse(work, parts)
        return
    if both and not found:
        parts = _not_to_and_fro(work, parts)
    with work.services.db.begin() as session:
        for part in parts:
            conflicts.keep(session, work.store, ENTITY, part.one.key, part.conflicts)
    acting = [part for part in parts if part.to_shop]
    if acting and not found:
        work.keep([Link(ENTITY, part.one.key, part.variant, part.base, cut_off.noted(part.data, to_shop=part.to_shop, to_odoo={}))
                   for part in acting])
    _write(work, acting)
    left = [part for part in parts if part.item.job in work.open]
    work.keep([link for part in left if not found and (link := _link(part, odoo)) is not None])
    done = [number for part in left for number in part.chosen]
    if done:
        with work.services.db.begin() as session:
            conflicts.written(session, done)


def _read(work: Work, odoo: OdooFacts, items: Sequence[Item], *, found: bool) -> list[Part]:
    """The pairs with what Odoo has now; a variant that was deleted there is left out. One call."""
    linked: list[tuple[Item, Combination, int, Values, dict[str, Any]]] = []
    for item in items:
        for one in item.combinations:
            mapping = item.known.get(one.key)
            if found and mapping is None and one.key in item.adopted:
                linked.append((item, one, item.adopted[one.key], {}, {}))
            elif not found and mapping is not None and not mapping.data.get("gone"):
                linked.append((item, one, mapping.odoo_id, mapping.base, mapping.data))
    rows = {row["id"]: row for row in work.odoo.read(
        VARIANT, sorted({number for _, _, number, _, _ in linked}), [*combination.COLUMNS.values(), combination.IMPACT])} \
        if linked else {}
    return [Part(item, one, number, dict(base), dict(data), combination.seen_in_odoo(rows[number], odoo))
            for item, one, number, base, data in linked if number in rows]


def _compare(work: Work, part: Part, odoo: OdooFacts, *, both: bool) -> None:
    shop = combination.held(part.one.values, odoo)
    part.base, part.data = cut_off.take_up(part.base, part.data, shop, part.odoo,
                                           lambda values: combination.held({**part.one.values, **values}, odoo))
    base = combination.held(part.base, odoo)
    odoo_base = {**base, **part.data.get("odoo", {})}
    if not both:
        part.to_shop = difference(difference(part.odoo, odoo_base), shop) if was_agreed(base) else fill_only(part.odoo, shop)
        return
    settings = work.store.settings
    owners = {name: OWNERS[settings[f"product_owner_{combination.OWNERS.get(name, name)}"]] for name in combination.OWN}
    merge = in_step(base, odoo_base, shop, part.odoo, owners)
    part.to_shop, part.tells, part.conflicts = merge.to_left, set(merge.to_right), merge.conflicts


def _choose(part: Part, odoo: OdooFacts, number: int, name: str, value: Any) -> None:
    """A person's choice stands above the three-way."""
    part.conflicts = tuple(conflict for conflict in part.conflicts if conflict.field != name)
    part.to_shop.pop(name, None)
    part.tells.discard(name)
    if not same(combination.held(part.one.values, odoo)[name], value):
        part.to_shop[name] = value
    if not same(part.odoo[name], value):
        part.tells.add(name)
    part.chosen.append(number)


def _not_to_and_fro(work: Work, parts: Sequence[Part]) -> list[Part]:
    """Those that may be written; the jobs of products of which a combination bounces are reported."""
    planned = []
    for item in {id(part.item): part.item for part in parts}.values():
        mine = [part for part in parts if part.item is item]
        to_shop = {f"{name} of {part.one.key}": value for part in mine for name, value in part.to_shop.items()}
        to_odoo = {f"{name} of {part.one.key}": part.one.values[name] for part in mine for name in part.tells}
        if item.mapping is not None:
            planned.append(bounces.Planned(item.job, item.record, item.mapping.odoo_id, to_shop, to_odoo))
    bounces.begin(work, PRODUCT.name, planned)
    open_ids = {job.id for job in work.open}
    return [part for part in parts if part.item.job.id in open_ids]


def _rehearse(work: Work, parts: Sequence[Part]) -> None:
    """Report the products of which a combination would change on either side, or is in conflict."""
    for item in {id(part.item): part.item for part in parts}.values():
        mine = [part for part in parts if part.item is item and (part.to_shop or part.tells or part.conflicts)]
        if not mine or item.job not in work.open:
            continue
        words = [f"{', '.join(names)} of combination {part.one.key} in {side}"
                 for part in mine for side, names in (("the shop", sorted(part.to_shop)), ("Odoo", sorted(part.tells))) if names]
        work.would(item.job, f"would change {'; '.join(words[:10]) or 'nothing before a person has chosen'}"
                   + ("; …" if len(words) > 10 else ""),
                   Foreseen("conflict" if any(part.conflicts for part in mine) else "change", title(item.own),
                            item.template or None, tuple(change for part in mine for change in _changes(part))))


def _changes(part: Part) -> list[Change]:
    """What each side of a combination would take over, and both values of what waits for a person."""
    shop = part.one.values
    found = [Change("shop", f"{name} of {part.one.key}", shop[name], value) for name, value in part.to_shop.items()]
    found += [Change("odoo", f"{name} of {part.one.key}", part.odoo[name], shop[name]) for name in sorted(part.tells)]
    for name in sorted(part.undecided):
        found += [Change("shop", f"{name} of {part.one.key}", shop[name], None),
                  Change("odoo", f"{name} of {part.one.key}", part.odoo[name], None)]
    return found


def _write(work: Work, parts: Sequence[Part]) -> None:
    """PATCH the combinations, many in a request, and read them back."""
    rows = []
    for part in parts:
        try:
            number = int(part.one.key.partition(":")[2])
            row = combination.to_shop({**part.one.values, **part.to_shop}, part.item.own["weight"], part.to_shop)
            rows.append((part.item.job, {"id": number, **row}))
        except Invalid as error:
            work.failed(part.item.job, error)
    rows = [(job, row) for job, row in rows if job in work.open]
    try:
        patch(work, "combinations", rows)
    except Rejected as error:
        if not error.cause.startswith("shop:right:"):
            raise
        for job in {job.id: job for job, _ in rows}.values():  # the product itself may be written all the same
            work.failed(job, error)
    work.writing = []
    items = {part.item.record: part.item for part in parts if part.item.job in work.open}
    back: dict[str, list[dict[str, Any]]] = {}
    for row in work.shop.find_any("combinations", "id_product", items, combination.FIELDS) if items else ():
        back.setdefault(str(row["id_product"]), []).append(row)
    for record, item in items.items():
        now = {one.key: one for one in combination.read(int(record), item.own, back.get(record, []))}
        for one in item.combinations:
            one.values.update(now[one.key].values if one.key in now else {})
        changed = [part for part in parts if part.item is item]
        names = sorted({name for part in changed for name in part.to_shop})
        item.did.append(f"{', '.join(names)} of {len(changed)} combinations changed in the shop")


def _link(part: Part, odoo: OdooFacts) -> Link | None:
    """The mapping with the new base; None where nothing is new."""
    base, apart = dict(part.base), dict(part.data.get("odoo", {}))
    shop = combination.held(part.one.values, odoo)
    for name in combination.OWN:
        if name in part.undecided:
            continue
        equal = same(shop[name], part.odoo[name])
        if name in part.tells:  # as if agreed on what Odoo has, and then moved in the shop; `variants` writes it
            base[name] = part.odoo[name]
            apart.pop(name, None)
        elif equal or name in part.to_shop or name not in base:
            base[name] = part.one.values[name]
            apart.pop(name, None)
            if not equal:
                apart[name] = part.odoo[name]
    data = {name: value for name, value in cut_off.without_notes(part.data).items() if name != "odoo"} \
        | ({"odoo": apart} if apart else {})
    mapping = part.item.known[part.one.key]
    if base == mapping.base and data == mapping.data:
        return None
    mapping.base, mapping.data = base, data
    return Link(ENTITY, part.one.key, part.variant, base, data)
