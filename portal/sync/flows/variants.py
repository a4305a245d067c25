"""Products with combinations, shop → Odoo: one template with one variant per combination, and none for the shop's gaps.

Each step looks up what Odoo has before it writes, so that a run that was cut off anywhere is simply done again: templates and
attributes have external ids, a variant is known by its set of values. The number of calls does not grow with the batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from portal.clients.errors import Missing, Rejected
from portal.entities import combination
from portal.entities.base import Invalid, OdooFacts, Ref, Values
from portal.entities.compare import difference, fill_only, held, to_tell
from portal.entities.product import PRODUCT
from portal.entities.text import one_line
from portal.models import Mapping, SyncJob
from portal.settings import allowed
from portal.sync import facts
from portal.sync.flows import cut_off, edits, template_variants, texts, variant_agreement
from portal.sync.flows.agreement import Pair, agree
from portal.sync.flows.loading import cell, load
from portal.sync.flows.template_variants import ARCHIVED_TOO, LINE, VARIANT, Item
from portal.sync.flows.templates import write_template
from portal.sync.flows.variants_foreseen import foresee
from portal.sync.foreseen import Change, Foreseen, title
from portal.sync.links import Link, external_id
from portal.sync.work import Work

Row = dict[str, Any]
Key = tuple[str, str]

AT_ONCE = 300
"""Combinations per group of products: well within the time that one call may take."""


def push(work: Work, odoo: OdooFacts, values: dict[int, Values], linked: dict[str, Mapping]) -> None:
    """Settle the products of a batch that have combinations, or had; all others stay open."""
    items = read_shop(work, [(job, job.record, values[job.id], linked.get(job.record))
                             for job in work.open if job.entity == PRODUCT.name])
    if work.store.settings["products"] == "both":
        variant_agreement.settle(work, odoo, items, both=True)
    for item in [item for item in items if item.job in work.open]:
        if _unchanged(item):
            work.done(item.job, f"Product {item.record}: {', '.join(item.did) or 'is unchanged'}.", changed=bool(item.did))
    for group in _groups([item for item in items if item.job in work.open]):
        _together(work, odoo, group)
        work.save()
    for job in work.open:
        mapping = linked.get(job.record)
        if mapping is not None and mapping.data.get("combinations") and job.entity == PRODUCT.name:
            try:
                _simple_again(work, odoo, job, values[job.id], mapping)
            except Missing:
                continue  # deleted in Odoo: left open, to be linked or created again
            except (Rejected, Invalid) as error:
                work.failed(job, error)


def note(values: Values) -> str:
    """What a merchant should know of the kind of a product, as a sentence to append."""
    return " A pack is one product in Odoo; its parts are not counted apart." if values.get("kind") == "pack" else ""


def read_shop(work: Work, products: Sequence[tuple[SyncJob, str, Values, Mapping | None]]) -> list[Item]:
    """Those of these products (job, shop id, values, mapping) that have combinations, with them. Jobs of those that cannot be
    mapped have failed."""
    wanted = {record: (job, values, mapping) for job, record, values, mapping in products if values["kind"] == "combinations"}
    if not wanted:
        return []
    rows: dict[str, list[Row]] = {}
    for row in work.shop.find_any("combinations", "id_product", wanted, combination.FIELDS):
        rows.setdefault(str(row["id_product"]), []).append(row)
    used = {value["id"] for some in rows.values() for row in some for value in row["associations"]["product_option_values"]}
    found = work.shop.read("product_option_values", used, combination.VALUE_FIELDS)
    groups = work.shop.read("product_options", {row["id_attribute_group"] for row in found}, combination.OPTION_FIELDS)
    options = combination.options(groups, found, facts.shop(work.services, work.store))
    items = []
    for record, (job, values, mapping) in wanted.items():
        if record not in rows:
            continue  # nobody made combinations yet: a simple product so far
        try:
            combinations = combination.read(int(record), values, rows[record])
            lines = combination.attribute_values(combinations, options)
        except Invalid as error:
            work.failed(job, error)
            continue
        items.append(Item(job, record, values, combination.template_values(values), combinations, lines, options, mapping))
    mappings = work.mappings("combination", {key for item in items for key in item.keys_ever})
    for item in items:
        item.known = {key: mappings[key] for key in item.keys_ever if key in mappings}
    return items


def _unchanged(item: Item) -> bool:
    alive = {key for key, mapping in item.known.items() if not mapping.data.get("gone")}
    cut_short = any(cut_off.SENDING in mapping.data for mapping in (item.mapping, *item.known.values()) if mapping is not None)
    return (item.mapping is not None and not cut_short and not difference(item.values, item.mapping.base) and alive == item.keys
            and all(_known(item.known[one.key].base, item, one) == _known(one.values, item, one) for one in item.combinations))


def _known(values: Values, item: Item, one: combination.Combination) -> Values:
    """The values but for those that wait for a person."""
    return {name: value for name, value in values.items() if name not in item.undecided.get(one.key, ())}


def _groups(items: Iterable[Item]) -> Iterator[list[Item]]:
    group: list[Item] = []
    for item in items:
        if group and sum(len(one.combinations) for one in [*group, item]) > AT_ONCE:
            yield group
            group = []
        group.append(item)
    if group:
        yield group


def _together(work: Work, odoo: OdooFacts, items: Sequence[Item]) -> None:
    """Bring these products; if any is refused each goes alone, so that only the guilty ones fail."""
    try:
        _bring(work, odoo, items)
    except (Rejected, Invalid) as error:
        if len(items) == 1:
            work.failed(items[0].job, error)
            return
        for item in items:
            item.reset()
            _together(work, odoo, [item])


def _bring(work: Work, odoo: OdooFacts, items: Sequence[Item]) -> None:
    _find_templates(work, items)
    if not allowed(work.store.settings, "product", "ps_to_odoo"):
        for item in items:
            if not item.template or not item.keys <= {*item.adopted, *item.known}:
                raise Invalid(f"Product {item.record} is not in Odoo with all its combinations, and the settings do not let "
                              "them be created. Create them in Odoo with the same references, or let products travel from the "
                              "shop to Odoo.", cause="product:direction")
    if work.store.settings["products"] == "both":
        _agree(work, odoo, [item for item in items if item.how == "linked"])
        items = [item for item in items if item.job in work.open]
    if work.dry_run:
        left = [item for item in items if item.job in work.open]
        foreseen = foresee(work, odoo, left)
        for item in left:
            verb = "change" if item.mapping and item.template else "link" if item.template else "create"
            work.would(item.job, f"would {verb} product {item.record} in Odoo with {len(item.combinations)} variants"
                       + (f" (id {item.template})" if item.template else ""), foreseen[item.job.id])
        return
    if not allowed(work.store.settings, "product", "ps_to_odoo"):
        for item in items:
            _link(work, item)
        return
    _note(work, items)
    _write_templates(work, odoo, items)
    links = template_variants.bring(work, odoo, items) if items else []
    for item in items:
        _done(work, item, links)


def _agree(work: Work, odoo: OdooFacts, items: Sequence[Item]) -> None:
    """Both ways, found in Odoo just now: template and variants meet for the first time. Jobs that fail or rehearse are settled."""
    rows = {row["id"]: row for row in texts.read(work, odoo, [item.template for item in items])}
    pairs = [Pair(item.job, item.record, item.template, {**item.own}, PRODUCT.from_odoo(rows[item.template], odoo))
             for item in items]
    agreed = agree(work, odoo, pairs, both=True)
    left = [item for item in items if item.job.id in agreed]
    for item in left:
        item.agreed = agreed[item.job.id].link
        item.values |= {name: value for name, value in item.agreed.base.items() if name in item.values}
    variant_agreement.settle(work, odoo, left, both=True, found=True)


def _link(work: Work, item: Item) -> None:
    """Products do not travel to Odoo: the link is all, and nothing counts as agreed. Odoo tells what it has afterwards."""
    bare = {"kind": item.own["kind"]}
    links = [Link("product", item.record, item.template, bare, _data(item)),
             *(Link("combination", one.key, item.adopted.get(one.key) or item.known[one.key].odoo_id, {}, {"adopted": True})
               for one in item.combinations)]
    work.done(item.job, f"Product {item.record} linked to Odoo id {item.template} with {len(item.combinations)} variants; nothing "
                        "was written.", links=links, follow=back(work, item.template))


def back(work: Work, template: int) -> list[tuple[str, str, str]]:
    """After a mere link: what Odoo has for the shop, where it may tell."""
    return [("product", "odoo_to_ps", str(template))] if allowed(work.store.settings, "product", "odoo_to_ps") else []


def _find_templates(work: Work, items: Sequence[Item]) -> None:
    """The template of each product that Odoo has: by our mapping, else by the references and barcodes of its combinations."""
    ids = sorted({item.mapping.odoo_id for item in items if item.mapping})
    present = {row["id"] for row in work.odoo.read("product.template", ids, ["active"])}
    kept = {item.job.id: {key: mapping.odoo_id for key, mapping in item.known.items()
                          if mapping.data.get("adopted") and key in item.keys} for item in items}
    rows = work.odoo.read(VARIANT, sorted({number for some in kept.values() for number in some.values()}), ["product_tmpl_id"])
    owner = {row["id"]: row["product_tmpl_id"][0] for row in rows}
    for item in items:
        if item.mapping and item.mapping.odoo_id in present:
            item.template, item.foreign = item.mapping.odoo_id, bool(item.mapping.data.get("foreign"))
            item.adopted = {key: number for key, number in kept[item.job.id].items() if owner.get(number) == item.template}
    _match(work, [item for item in items if not item.template])


def _match(work: Work, items: Sequence[Item]) -> None:
    """Raises `Invalid` where a reference or barcode leads to more than one place, naming them."""
    wanted: dict[Key, list[str]] = {}
    for item in items:
        for one in item.combinations:
            for name in combination.MATCHED:
                if one.values[name]:
                    wanted.setdefault((name, one.values[name]), []).append(one.key)
    by_name = {name: sorted(value for field, value in wanted if field == name) for name in combination.MATCHED}
    terms = [(combination.COLUMNS[name], "in", some) for name, some in by_name.items() if some]
    if not terms:
        return
    rows = work.odoo.search_read(VARIANT, ["|"] * (len(terms) - 1) + terms,
                                 ["product_tmpl_id", "company_id", "default_code", "barcode"], order="id", context=ARCHIVED_TOO)
    found: dict[Key, list[Row]] = {}
    for row in rows:
        if not row["company_id"] or row["company_id"][0] == work.odoo.profile.company_id:
            for name in combination.MATCHED:
                found.setdefault((name, one_line(row[combination.COLUMNS[name]])), []).append(row)
    templates = work.linked_odoo_ids("product", {row["product_tmpl_id"][0] for row in rows})
    for item in items:
        _match_one(item, wanted, found, templates)


def _match_one(item: Item, wanted: dict[Key, list[str]], found: dict[Key, list[Row]], templates: dict[int, str]) -> None:
    hits: dict[int, str] = {}
    for one in item.combinations:
        unique = True
        for name in combination.MATCHED:
            value = one.values[name]
            word = PRODUCT.words[combination.COLUMNS[name]]
            others = sorted({key for key in wanted.get((name, value), ()) if key not in item.keys})
            rows = found.get((name, value), []) if value else []
            for row in rows:
                hits.setdefault(row["product_tmpl_id"][0], f"{word} {value!r}")
            if others:
                raise Invalid(f"Combinations {one.key} and {others[0]} of different products share the {word} {value!r}. Give each "
                              "its own.", cause=f"combination:duplicate:{name}")
            if not rows or len(wanted[name, value]) > 1 or not unique:
                continue  # a reference that several combinations of the product share tells the template only
            if len(rows) > 1:
                raise Invalid(f"Odoo has {len(rows)} variants with the {word} {value!r} of combination {one.key} (ids "
                              f"{', '.join(str(row['id']) for row in rows[:5])}). Merge or archive all but one there, then retry.",
                              cause=f"combination:several:{name}")
            item.adopted[one.key] = rows[0]["id"]
            unique = False
    if len(hits) > 1:
        names = ", ".join(f"{what} in template {template}" for template, what in hits.items())
        raise Invalid(f"The combinations of product {item.record} belong to several products in Odoo ({names}). Make them "
                      "variants of one product there, or change the references.", cause="combination:several-templates")
    if len(set(item.adopted.values())) < len(item.adopted):
        raise Invalid(f"Several combinations of product {item.record} lead to one variant in Odoo. Correct its reference and "
                      "barcode there.", cause="combination:one-variant")
    for template, what in hits.items():
        other = templates.get(template)
        if other not in (None, item.record):
            raise Invalid(f"The {what} belongs to an Odoo product that is linked to product {other} already. Give each its own.",
                          cause="combination:taken")
        item.template, item.foreign, item.how = template, True, "linked"


def _note(work: Work, items: Sequence[Item]) -> None:
    """Note what is about to be written to linked products and variants: the shop may have gone back to what was agreed before a
    write whose answer is lost is looked at again."""
    notes = []
    for item in items:
        known = [(item.mapping, item.values)] if item.mapping is not None and item.template and item.agreed is None else []
        known += [(item.known[one.key], _known(one.values, item, one)) for one in item.combinations if one.key in item.known]
        notes += [edits.about_to_send(mapping, change) for mapping, values in known if (change := to_tell(values, mapping.base))]
    if notes:
        work.keep(notes)


def _write_templates(work: Work, odoo: OdooFacts, items: Sequence[Item]) -> None:
    """What the product itself has: changes of linked ones, differences of found ones, new ones in one call."""
    found = [item.template for item in items if item.how == "linked" and item.agreed is None]
    rows = {row["id"]: row for row in texts.read(work, odoo, found)}
    changes: dict[int, list[str]] = {}
    for item in items:
        if item.how == "linked" and item.agreed is None:
            current = PRODUCT.from_odoo(rows[item.template], odoo)
            changes[item.template] = list(fill_only(held(PRODUCT, item.values, odoo), current))
        elif item.template and item.mapping and item.agreed is None:
            changes[item.template] = list(to_tell(item.values, item.mapping.base) | edits.unsettled(item.mapping, item.values))
    repeated = texts.repeated(work, PRODUCT, odoo, changes)
    for item in [item for item in items if item.template in changes]:
        change, repeats = changes[item.template], repeated.get(item.template, ())
        row = PRODUCT.to_odoo(item.values, odoo, change)
        if row:
            work.before_write([item.job])
            write_template(work.odoo, item.template, row, None)
        texts.write(work, [item.job], PRODUCT, item.template, item.values, change, repeated=repeats)
        if row or PRODUCT.texts(item.values, change, repeats):
            item.did.append(f"{', '.join(name for name in change if name != 'kind')} changed")
    new = [item for item in items if not item.template]
    vals = [PRODUCT.to_odoo(item.values, odoo) for item in new]
    columns = sorted({column for row in vals for column in row})
    table = [[external_id(work.store, Ref("product", item.record)),
              *(cell(row.get(column), boolean=column in PRODUCT.booleans) for column in columns)]
             for item, row in zip(new, vals, strict=True)]
    ids = load(work, [item.job for item in new], "product.template", ["id", *columns], table)
    texts.load_new(work, [item.job for item in new], PRODUCT, [row[0] for row in table], [item.values for item in new])
    for item, odoo_id in zip(new, ids, strict=True):
        item.template, item.how = odoo_id, "created"


def _done(work: Work, item: Item, shared: Sequence[Link]) -> None:
    record = item.record
    base = item.agreed.base if item.agreed else item.values
    links = [*shared, Link("product", record, item.template, base, _data(item))]
    for one in item.combinations:
        values = _known(one.values, item, one)
        if one.key in item.known:
            values |= {name: value for name, value in item.known[one.key].base.items() if name not in values}
        data: Values = {"adopted": True} if one.key in item.adopted else {}
        apart = item.apart.get(one.key)
        links.append(Link("combination", one.key, item.variants[one.key], values, data | ({"odoo": apart} if apart else {})))
    links += _gone(item.known[key] for key in sorted(item.known.keys() - item.keys))
    many = f"{len(item.combinations)} variant" + ("s" if len(item.combinations) > 1 else "")
    what = f"created in Odoo (id {item.template}) with {many}" if item.how == "created" else \
        f"linked to Odoo id {item.template} with {many}" if item.how == "linked" else f"in Odoo (id {item.template})"
    did = f": {', '.join(item.did)}" if item.did and item.how != "created" else ""
    work.done(item.job, " ".join([f"Product {record} {what}{did}.", *item.notes]), changed=bool(item.how or item.did), links=links)


def _data(item: Item) -> Values:
    former = item.agreed.data if item.agreed else item.mapping.data if item.mapping else {}
    apart = former.get("odoo")
    return {"combinations": sorted(item.keys_ever)} | ({"foreign": True} if item.foreign else {}) \
        | ({"odoo": apart} if apart else {})


def _gone(mappings: Iterable[Mapping]) -> list[Link]:
    return [Link("combination", mapping.shop_id, mapping.odoo_id, mapping.base, {**mapping.data, "gone": True})
            for mapping in mappings]


def _simple_again(work: Work, odoo: OdooFacts, job: SyncJob, values: Values, mapping: Mapping) -> None:
    """A product that lost all its combinations: without attribute lines Odoo archives its variants and makes a plain one."""
    if mapping.data.get("foreign"):
        raise Invalid(f"Product {job.record} has no combinations any more, but in Odoo it has variants that people made (template "
                      f"{mapping.odoo_id}). Remove its attributes there, then retry.", cause="combination:foreign-variants")
    if work.dry_run:
        work.would(job, f"would make product {job.record} in Odoo (id {mapping.odoo_id}) a product without variants",
                   Foreseen("change", title(values), mapping.odoo_id,
                            (Change("odoo", "variants", str(len(mapping.data["combinations"])), None),)))
        return
    lines = work.odoo.search_read(LINE, [("product_tmpl_id", "=", mapping.odoo_id)], ["attribute_id"])
    if lines:
        work.before_write([job])
        work.odoo.call(LINE, "unlink", [row["id"] for row in lines])
    rows = work.odoo.search_read(VARIANT, [("product_tmpl_id", "=", mapping.odoo_id)], ["active"], context=ARCHIVED_TOO,
                                 order="active desc, id desc", limit=1)
    data = {"variant_id": rows[0]["id"]} if rows else {}
    work.before_write([job])
    write_template(work.odoo, mapping.odoo_id, PRODUCT.to_odoo(values, odoo, values), data.get("variant_id"))
    texts.write(work, [job], PRODUCT, mapping.odoo_id, values, to_tell(values, mapping.base), repeated=())
    link = Link(PRODUCT.name, job.record, mapping.odoo_id, values, data)
    gone = work.mappings("combination", mapping.data["combinations"])
    work.done(job, f"Product {job.record} lost its combinations; in Odoo (id {mapping.odoo_id}) it has no variants any more. "
                   "Pieces counted on them stay there; move them by hand.", links=[link, *_gone(gone.values())])
