"""Attributes and their values, shop → Odoo: by our mapping, else by name, else created. They belong to no product in particular.

A call or two for any number of them; the links go out with the jobs that needed them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from portal.entities.base import Invalid, Ref
from portal.entities.combination import Options, same_name
from portal.entities.product import in_language
from portal.models import SyncJob
from portal.sync.flows.loading import load
from portal.sync.links import Link, external_id
from portal.sync.work import Work

Row = dict[str, Any]


@dataclass
class Brought:
    """Odoo ids by shop id, and the links that say so."""

    attribute: dict[int, int] = field(default_factory=dict)
    value: dict[int, int] = field(default_factory=dict)
    links: dict[tuple[str, int], Link] = field(default_factory=dict)
    never: frozenset[int] = frozenset()
    """Odoo attributes that make no variants."""


def bring(work: Work, jobs: Sequence[SyncJob], known: Options, used: Mapping[int, set[int]]) -> Brought:
    """See that Odoo has these attributes with these values; created ones make variants only where the shop has combinations.

    Raises `Invalid` where a name is not unique in Odoo, or where an attribute there never makes variants.
    """
    brought = Brought()
    if not used:
        return brought
    rows = {row["id"]: row for row in work.odoo.search_read("product.attribute", [], ["name", "create_variant"], order="id")}
    brought.never = frozenset(odoo_id for odoo_id, row in rows.items() if row["create_variant"] == "no_variant")
    names = {number: known.attributes[number] for number in used}
    brought.attribute = _find(work, "attribute", names, rows, "an attribute")
    brought.attribute |= _create(work, jobs, "attribute", {n: [name, "dynamic"] for n, name in names.items()
                                                           if n not in brought.attribute}, ["name", "create_variant"])
    for number, odoo_id in brought.attribute.items():
        if odoo_id in brought.never:
            raise Invalid(f"Odoo's attribute {rows[odoo_id]['name']!r} (id {odoo_id}) never makes variants, but the shop has "
                          "combinations of it. Rename it in Odoo, so that another one is made.", cause="combination:no-variant")
        brought.links["attribute", number] = Link("attribute", str(number), odoo_id, {"name": names[number]})
    values = work.odoo.search_read("product.attribute.value", [("attribute_id", "in", sorted(set(brought.attribute.values())))],
                                   ["name", "attribute_id"], order="id")
    missing: dict[int, list[str]] = {}
    for number, some in sorted(used.items()):
        inside = {row["id"]: row for row in values if row["attribute_id"][0] == brought.attribute[number]}
        wanted = {value: known.values[value] for value in sorted(some)}
        brought.value |= _find(work, "attribute_value", wanted, inside, f"a value of the attribute {names[number]!r}")
        missing |= {value: [name, str(brought.attribute[number])] for value, name in wanted.items() if value not in brought.value}
    brought.value |= _create(work, jobs, "attribute_value", missing, ["name", "attribute_id/.id"])
    for value, odoo_id in brought.value.items():
        brought.links["attribute_value", value] = Link("attribute_value", str(value), odoo_id, {"name": known.values[value]})
    for code, texts in known.translations.items():
        for entity in ("attribute", "attribute_value"):
            mine = {number: text for (kind, number), text in texts.items() if kind == entity}
            _translate(work, jobs, brought, entity, code, mine)
    return brought


def _translate(work: Work, jobs: Sequence[SyncJob], brought: Brought, entity: str, code: str, texts: Mapping[int, str]) -> None:
    """Names in another language of the shop, where nobody in Odoo gave another one."""
    links = {number: brought.links[entity, number] for number in texts if (entity, number) in brought.links}
    if not links:
        return
    model, key = f"product.{entity.replace('_', '.')}", in_language("name", code)
    known = work.mappings(entity, [str(number) for number in links])
    ids = sorted({link.odoo_id for link in links.values()})
    main = {row["id"]: row["name"] for row in work.odoo.read(model, ids, ["name"])}
    told = {row["id"]: row["name"] for row in work.odoo.read(model, ids, ["name"], context={"lang": code})}
    for number, link in links.items():
        now, before = told[link.odoo_id], known[str(number)].base.get(key) if str(number) in known else None
        if now != texts[number] and now in (main[link.odoo_id], before):
            work.before_write(jobs)
            work.odoo.write(model, [link.odoo_id], {"name": texts[number]}, context={"lang": code})
        link.base[key] = texts[number]


def _find(work: Work, entity: str, names: Mapping[int, str], rows: Mapping[int, Row], what: str) -> dict[int, int]:
    """Odoo ids by shop id, for what is linked already or has the same name."""
    linked = work.mappings(entity, [str(number) for number in names])
    by_name: dict[str, list[int]] = {}
    for odoo_id, row in rows.items():
        by_name.setdefault(same_name(row["name"]), []).append(odoo_id)
    found: dict[int, int] = {}
    for number, name in names.items():
        hits = by_name.get(same_name(name), [])
        mapping = linked.get(str(number))
        if mapping is not None and mapping.odoo_id in rows:
            found[number] = mapping.odoo_id
        elif len(hits) > 1:
            raise Invalid(f"Odoo has {what} called {name!r} {len(hits)} times (ids {', '.join(map(str, hits))}). Rename or merge "
                          "them there, then retry.", cause=f"combination:several:{entity}")
        elif hits:
            found[number] = hits[0]
    return found


def _create(work: Work, jobs: Sequence[SyncJob], entity: str, cells: Mapping[int, list[str]], header: list[str]) -> dict[int, int]:
    """Create what has no counterpart; what the shop has twice under one name becomes one."""
    first: dict[tuple[str, ...], int] = {}
    for number, (name, rest) in sorted(cells.items()):
        first.setdefault((same_name(name), rest), number)
    table = [[external_id(work.store, Ref(entity, str(number))), *cells[number]] for number in first.values()]
    ids = dict(zip(first, load(work, jobs, f"product.{entity.replace('_', '.')}", ["id", *header], table), strict=True))
    return {number: ids[same_name(name), rest] for number, (name, rest) in cells.items()}
