"""The variants of templates that Odoo has: attribute lines, one variant per combination, and what each variant holds.

What Odoo has is read after every step that makes Odoo create or archive variants by itself, and only the difference is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from portal.entities import combination
from portal.entities.base import Invalid, OdooFacts, Values
from portal.entities.combination import Combination, Options
from portal.entities.compare import is_blank, same, to_tell
from portal.entities.text import number
from portal.models import Mapping, SyncJob
from portal.sync.flows import attributes, edits
from portal.sync.flows.attributes import Brought
from portal.sync.flows.loading import load
from portal.sync.links import Link
from portal.sync.work import Work

Row = dict[str, Any]
LINE, OFFER, VARIANT = "product.template.attribute.line", "product.template.attribute.value", "product.product"
SET = "product_template_attribute_value_ids"
OFFER_FIELDS = ("product_tmpl_id", "attribute_id", "product_attribute_value_id", "price_extra", "ptav_active")
VARIANT_FIELDS = ("product_tmpl_id", SET, "active", combination.IMPACT, *combination.COLUMNS.values())
ARCHIVED_TOO = {"active_test": False}


@dataclass
class Item:
    """One product with combinations on its way, and what was found out and done about it."""

    job: SyncJob
    record: str
    """The product in the shop."""
    own: Values
    """What the shop has of the product itself."""
    values: Values
    """Of the template."""
    combinations: list[Combination]
    lines: dict[int, list[int]]
    """Shop attributes with the values in use."""
    options: Options
    mapping: Mapping | None
    known: dict[str, Mapping] = field(default_factory=dict)
    """Mappings of its combinations, gone ones too."""
    template: int = 0
    how: str = ""
    """`created` or `linked` just now."""
    foreign: bool = False
    """The template was made by people in Odoo: nothing of theirs is removed."""
    adopted: dict[str, int] = field(default_factory=dict)
    """Variants found by reference or barcode, whatever their attributes are."""
    variants: dict[str, int] = field(default_factory=dict)
    """The outcome: variant by combination."""
    agreed: Link | None = None
    """What the template agreed on when it was found just now (both ways)."""
    undecided: dict[str, set[str]] = field(default_factory=dict)
    """By combination: values that nobody may write before a person chooses."""
    apart: dict[str, Values] = field(default_factory=dict)
    """By combination: what Odoo has where it is not as in the shop."""
    tells: bool = False
    """Whether the shop has something to tell Odoo."""
    did: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def keys(self) -> set[str]:
        return {one.key for one in self.combinations}

    @property
    def keys_ever(self) -> set[str]:
        """Combinations of now and of the past."""
        return self.keys | set(self.mapping.data.get("combinations", []) if self.mapping else [])

    @property
    def needs_lines(self) -> bool:
        """Whether any combination is to be found by its values."""
        return not self.keys <= self.adopted.keys()

    def reset(self) -> None:
        """As before the first try."""
        self.template, self.how, self.foreign = 0, "", False
        self.adopted, self.variants, self.did, self.notes = {}, {}, [], []
        self.agreed, self.apart = None, {}


@dataclass
class Plan:
    """What has to be written for a group of products."""

    archive: list[int] = field(default_factory=list)
    activate: list[int] = field(default_factory=list)
    unbar: list[int] = field(default_factory=list)
    """Variants that hand their barcode on."""
    create: list[tuple[Item, Combination, Row]] = field(default_factory=list)
    update: list[tuple[int, Row, Row]] = field(default_factory=list)
    """Variant, its values now, its values to be."""
    extras: list[list[str]] = field(default_factory=list)


def bring(work: Work, odoo: OdooFacts, items: Sequence[Item]) -> list[Link]:
    """Give every combination of these products its variant; the links of the attributes. Every item has its template.

    Raises `Invalid` and `Rejected` without saying which product is to blame.
    """
    jobs = [item.job for item in items]
    by_values = [item for item in items if item.needs_lines]
    used: dict[int, set[int]] = {}
    for item in by_values:
        for attribute, values in item.lines.items():
            used.setdefault(attribute, set()).update(values)
    brought = attributes.bring(work, jobs, items[0].options, used)
    before, lone = _write_lines(work, by_values, brought)
    templates = sorted({item.template for item in items})
    offers = _by_template(work.odoo.search_read(OFFER, [("product_tmpl_id", "in", templates)], OFFER_FIELDS, order="id"))
    variants = _by_template(_variants(work, templates))
    plan = Plan()
    for item in items:
        here = [row for row in offers.get(item.template, []) if row["ptav_active"]]
        lone_here = lone.get(item.template, set())
        _plan(item, plan, brought, here, variants.get(item.template, []), before.get(item.template), lone_here, odoo)
        _plan_extras(item, plan, brought, here, odoo)
    _write(work, jobs, plan, odoo)
    _read_back(items, _variants(work, templates), odoo)
    return list(brought.links.values())


def _read_back(items: Sequence[Item], rows: Sequence[Row], odoo: OdooFacts) -> None:
    """Where Odoo has something else after all: what it cannot hold, what people keep there, impacts that are no sums of extras."""
    by_id = {row["id"]: row for row in rows}
    for item in items:
        for one in item.combinations:
            row = by_id.get(item.variants[one.key])
            if row is not None:
                wanted, now = combination.held(one.values, odoo), combination.seen_in_odoo(row, odoo)
                item.apart[one.key] = {name: value for name, value in now.items() if not same(value, wanted[name])
                                       and name not in item.undecided.get(one.key, ())}


def _variants(work: Work, templates: Sequence[int]) -> list[Row]:
    return work.odoo.search_read(VARIANT, [("product_tmpl_id", "in", list(templates))], VARIANT_FIELDS, order="id",
                                 context=ARCHIVED_TOO)


def _by_template(rows: Iterable[Row]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = {}
    for row in rows:
        found.setdefault(row["product_tmpl_id"][0], []).append(row)
    return found


def _write_lines(work: Work, items: Sequence[Item], brought: Brought,
                 ) -> tuple[dict[int, set[int]], dict[int, set[int]]]:
    """Attribute lines with at least the values in use. By template: the variants that people had before (where one of theirs gets
    more values), and the attributes of which it has one value that the shop does not know."""
    if not items:
        return {}, {}
    rows = _by_template(work.odoo.search_read(LINE, [("product_tmpl_id", "in", sorted({item.template for item in items}))],
                                              ["product_tmpl_id", "attribute_id", "value_ids"], order="id"))
    others = {row["attribute_id"][0] for some in rows.values() for row in some} - set(brought.attribute.values())
    ours = work.linked_odoo_ids("attribute", others)
    remove: list[int] = []
    create: list[Row] = []
    extend: list[list[str]] = []
    lone: dict[int, set[int]] = {}
    touched: list[int] = []
    for item in items:
        present = {row["attribute_id"][0]: row for row in rows.get(item.template, [])}
        wanted = {brought.attribute[attribute]: {brought.value[value] for value in values}
                  for attribute, values in item.lines.items()}
        if len(wanted) < len(item.lines):
            names = ", ".join(item.options.attributes[attribute] for attribute in item.lines)
            raise Invalid(f"Two attributes of the product ({names}) are one and the same in Odoo. Rename one of them in the shop "
                          "and in Odoo.", cause="combination:same-attribute")
        more = {attribute: row for attribute, row in present.items()
                if attribute not in wanted and attribute not in brought.never}
        lone[item.template] = {attribute for attribute, row in more.items() if len(row["value_ids"]) == 1}
        parting = more.keys() - lone[item.template]
        if (item.foreign and wanted.keys() - present.keys()) or any(item.foreign or a not in ours for a in parting):
            raise Invalid(f"The product exists in Odoo (template {item.template}) with other attributes than in the shop "
                          f"({', '.join(item.options.attributes[attribute] for attribute in item.lines)}). Give each of its "
                          "variants there the reference of a combination, or give it the same attributes.",
                          cause="combination:other-attributes")
        remove += [present[attribute]["id"] for attribute in parting]
        create += [{"product_tmpl_id": item.template, "attribute_id": attribute, "value_ids": [[6, 0, sorted(values)]]}
                   for attribute, values in wanted.items() if attribute not in present]
        longer = {attribute: sorted({*present[attribute]["value_ids"], *values}) for attribute, values in wanted.items()
                  if attribute in present and values - set(present[attribute]["value_ids"])}
        extend += [[str(present[attribute]["id"]), ",".join(map(str, values))] for attribute, values in longer.items()]
        touched += [item.template] if item.foreign and longer else []
    before = {template: {row["id"] for row in rows}
              for template, rows in _by_template(_variants(work, touched) if touched else ()).items()}
    jobs = [item.job for item in items]
    if remove:
        work.before_write(jobs)
        work.odoo.call(LINE, "unlink", remove)
    if create:
        work.before_write(jobs)
        work.odoo.create(LINE, create)
    load(work, jobs, LINE, [".id", "value_ids/.id"], extend)
    return before, lone


def _plan(item: Item, plan: Plan, brought: Brought, offers: Sequence[Row], variants: Sequence[Row], before: set[int] | None,
          lone: set[int], odoo: OdooFacts) -> None:
    """Match combinations and variants; what is missing, different or too much."""
    value_of = {row["id"]: row["product_attribute_value_id"][0] for row in offers}
    offer_of = {value: offer for offer, value in value_of.items()}
    lone_offers = [row["id"] for row in offers if row["attribute_id"][0] in lone]
    by_id = {row["id"]: row for row in variants}
    by_set: dict[frozenset[int], list[Row]] = {}
    for row in variants:
        by_set.setdefault(frozenset(row[SET]) - set(lone_offers), []).append(row)
    found: dict[str, Row] = {key: by_id[number] for key, number in item.adopted.items() if number in by_id}
    taken = {row["id"] for row in found.values()}
    sets: dict[frozenset[int], str] = {}
    for one in item.combinations:
        if one.key in found:
            continue
        wanted = frozenset(offer_of[brought.value[value]] for value in one.options)
        if wanted in sets:
            raise Invalid(f"Combinations {sets[wanted]} and {one.key} are the same in Odoo, because two of their values have one "
                          "name. Rename one of them in the shop.", cause="combination:same-value")
        sets[wanted] = one.key
        mapped = item.known[one.key].odoo_id if one.key in item.known else 0
        hits = [row for row in by_set.get(wanted, []) if row["id"] not in taken]
        if hits:
            found[one.key] = min(hits, key=lambda row: (row["id"] != mapped, not row["active"], row["id"]))
            taken.add(found[one.key]["id"])
        else:
            plan.create.append((item, one, {"product_tmpl_id": item.template, SET: [[6, 0, sorted([*wanted, *lone_offers])]],
                                            "active": item.values["active"]}))
    item.variants = {key: row["id"] for key, row in found.items()}
    changed = _changes(item, found, plan, odoo)
    gone = {mapping.odoo_id for key, mapping in item.known.items() if key not in item.keys}
    rest = [row for row in variants if row["id"] not in taken]
    surplus = [row["id"] for row in rest if row["active"] and (row["id"] in gone or (
        not (row["default_code"] or row["barcode"]) and (not item.foreign or (before is not None and row["id"] not in before))))]
    barcodes = {one.values["barcode"] for one in item.combinations} - {""}
    plan.unbar += [row["id"] for row in rest if row["barcode"] in barcodes
                   and (row["id"] in gone or not (row["active"] or item.foreign))]
    plan.archive += surplus
    plan.activate += [row["id"] for row in found.values() if item.values["active"] and not row["active"]]
    created = len(item.combinations) - len(found)
    item.did += [f"{count} {what}" for count, what in ((created, "variants created"), (changed, "variants changed"),
                                                       (len(surplus), "variants archived")) if count]
    former = item.mapping.data.get("variant_id") if item.mapping else None
    if former and item.mapping and item.mapping.base.get("kind") != "combinations" and former not in taken and former in by_id:
        item.notes.append(f"Pieces counted on its former single variant (id {former}) stay there; move them by hand.")


def _changes(item: Item, found: dict[str, Row], plan: Plan, odoo: OdooFacts) -> int:
    """What differs: for a linked variant from what was agreed, for a new one from what it holds. People's values stay where the
    shop has none."""
    count = 0
    for one in item.combinations:
        if one.key not in found:
            continue
        row, mapping = found[one.key], item.known.get(one.key)
        current = combination.from_odoo(row, odoo)
        undecided = item.undecided.get(one.key, ())
        if mapping is not None and mapping.odoo_id == row["id"]:
            told = to_tell(one.values, mapping.base) | edits.unsettled(mapping, one.values)
            change = [name for name in current if name in told and name not in undecided]
        else:
            change = [name for name in current if not (item.foreign and is_blank(one.values[name])) and name not in undecided]
        now, then = combination.to_odoo(current, odoo), combination.to_odoo({**current, **{n: one.values[n] for n in change}}, odoo)
        if now != then:
            plan.update.append((row["id"], now, then))
            count += 1
    return count


def _plan_extras(item: Item, plan: Plan, brought: Brought, offers: Sequence[Row], odoo: OdooFacts) -> None:
    """Price extras, if the shop's impacts changed. Where they cannot be expressed, the product's price holds for all variants."""
    if any("impact" in names for names in item.undecided.values()):
        return
    impacts = {one.key: one.values["impact"] for one in item.combinations}
    agreed = {key: mapping.base.get("impact") for key, mapping in item.known.items() if not mapping.data.get("gone")}
    cut_short = any("impact" in edits.unsettled(item.known[one.key], one.values) for one in item.combinations
                    if one.key in item.known)
    if (impacts == agreed and not cut_short) or (item.foreign and set(impacts.values()) == {"0"}):
        return
    if not item.needs_lines:
        item.notes.append("The price impacts of its combinations are left to the attributes it has in Odoo.")
        return
    extras = combination.price_extras(item.combinations, item.options)
    if extras is None:
        item.notes.append("The prices of its combinations are not sums of extras per attribute value, so Odoo shows the product's "
                          "price for all of them; orders carry the real price.")
        extras = dict.fromkeys((value for one in item.combinations for value in one.options), combination.NO_EXTRA)
    wanted = {brought.value[value]: number(extra, odoo.price_digits) for value, extra in extras.items()}
    for row in offers:
        extra = wanted.get(row["product_attribute_value_id"][0])
        if extra is not None and extra != number(row["price_extra"], odoo.price_digits):
            plan.extras.append([str(row["id"]), extra])
            if "price extras changed" not in item.did:
                item.did.append("price extras changed")


def _write(work: Work, jobs: Sequence[SyncJob], plan: Plan, odoo: OdooFacts) -> None:
    """In an order in which nothing is in the way of the next: what parts first, then what comes."""
    for ids, values in ((plan.archive, {"active": False}), (plan.unbar, {"barcode": False}), (plan.activate, {"active": True})):
        if ids:
            work.before_write(jobs)
            work.odoo.write(VARIANT, sorted(set(ids)), values)
    if plan.create:
        work.before_write(jobs)
        rows = [{**row, **combination.to_odoo(one.values, odoo)} for _, one, row in plan.create]
        created = work.odoo.create(VARIANT, [{**row, "weight": float(row["weight"]), "standard_price": float(row["standard_price"]),
                                              "default_code": row["default_code"] or False, "barcode": row["barcode"] or False}
                                             for row in rows])
        for (item, one, _), odoo_id in zip(plan.create, created, strict=True):
            item.variants[one.key] = odoo_id
    columns = [column for column in combination.COLUMNS.values()
               if any(now[column] != then[column] for _, now, then in plan.update)]
    load(work, jobs, VARIANT, [".id", *columns],
         [[str(odoo_id), *(then[column] for column in columns)] for odoo_id, _, then in plan.update])
    load(work, jobs, OFFER, [".id", "price_extra"], plan.extras)
