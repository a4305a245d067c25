"""Products, Odoo → shop: read now, find the shop's product, write the difference; create what the shop has not got.

The record key is the template's id. Deletions are never copied: a product deleted on one side stays on the other. An archived
template becomes inactive in the shop, and back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from portal.clients.errors import Rejected
from portal.entities.base import Invalid, OdooFacts, Row, Values
from portal.entities.order_write import SERVICES
from portal.entities.product import PRODUCT
from portal.entities.text import one_line
from portal.models import Mapping, SyncJob
from portal.settings import allowed
from portal.sync import echoes, facts
from portal.sync.flows import texts
from portal.sync.flows import variants as variants_flow
from portal.sync.flows.agreement import Pair, agree, read_shop
from portal.sync.flows.template_variants import Item
from portal.sync.flows.variant_agreement import settle
from portal.sync.foreseen import Foreseen, new, title
from portal.sync.links import Link
from portal.sync.work import Work

AT_ONCE = 50
"""Products per PATCH; what was written is saved after each."""
KEYS = {"reference": ("default_code", "reference"), "barcode": ("barcode", "ean13")}
"""What finds a product, by priority: a value's name, its Odoo column, its shop field."""


@dataclass
class Template:
    """A template of Odoo on its way to the shop."""

    job: SyncJob
    row: Row
    values: Values

    @property
    def id(self) -> int:
        return int(self.row["id"])

    @property
    def several(self) -> bool:
        return int(self.row["product_variant_count"] or 0) > 1

    @property
    def variant(self) -> int:
        return int(self.row["product_variant_id"][0]) if self.row["product_variant_id"] and not self.several else 0


@dataclass
class Found:
    """What the shop has under the references and barcodes asked for."""

    products: dict[tuple[str, str], list[Row]] = field(default_factory=dict)
    combinations: dict[tuple[str, str], list[Row]] = field(default_factory=dict)
    taken: dict[str, int] = field(default_factory=dict)
    """Shop product → the template it is linked to."""


def push(work: Work) -> None:
    """Bring a batch of Odoo products to the shop."""
    if not allowed(work.store.settings, PRODUCT.name, "odoo_to_ps"):
        for job in work.jobs:
            work.done(job, "Products do not travel from Odoo to the shop in this store's settings; nothing was written.",
                      changed=False)
        return
    odoo = facts.odoo(work.services, work.store)
    templates = _read(work, odoo)
    linked = work.mappings_of(PRODUCT.name, [one.id for one in templates])
    fresh = _match(work, [one for one in templates if one.id not in linked])
    for start in range(0, len(templates), AT_ONCE):
        some = [one for one in templates[start:start + AT_ONCE] if one.id in linked or fresh.get(one.id)]
        _agree(work, odoo, some, linked, fresh)
        work.save()
    _create(work, [one for one in templates if one.id not in linked and fresh.get(one.id) == ""])


def _read(work: Work, odoo: OdooFacts) -> list[Template]:
    """The templates as they are now; what has no place in the shop is settled."""
    kind = next(iter(odoo.service))
    fields = [kind, "sale_ok", "company_id", "product_variant_id", "product_variant_count"]
    ids = sorted({int(job.record) for job in work.jobs})
    rows = {str(row["id"]): row for row in texts.read(work, odoo, ids, fields)}
    found = []
    for job in work.jobs:
        row = rows.get(job.record)
        if row is None:
            work.done(job, f"Product {job.record} is no longer in Odoo; the shop keeps its own.", changed=False)
        elif row["company_id"] and row["company_id"][0] != work.odoo.profile.company_id:
            work.done(job, f"Product {job.record} belongs to another company in Odoo.", changed=False)
        else:
            values = PRODUCT.from_odoo(row, odoo)
            found.append(Template(job, row, values | {"kind": "virtual" if row[kind] == odoo.service[kind] else "simple"}))
    return found


# --- finding ----------------------------------------------------------------------------------------------------------


def _match(work: Work, templates: Sequence[Template]) -> dict[int, str]:
    """The shop's product for each unlinked template, "" for one to be created; the others are settled. Five reads at most."""
    own = {row.odoo_id for row in work.mappings("service", SERVICES).values()}
    wanted, several = [], []
    for one in templates:
        name = f"Product {one.id} ({one.values['name']})"
        if one.variant in own:
            work.done(one.job, f"{name} is one of the connector's own lines for orders.", changed=False)
        elif not one.row["active"]:
            work.done(one.job, f"{name} is archived in Odoo and not in the shop.", changed=False)
        elif not one.row["sale_ok"]:
            work.done(one.job, f"{name} is not for sale in Odoo (Can be Sold), so it is not brought to the shop.", changed=False)
        elif one.several:
            several.append(one)
        else:
            wanted.append(one)
    _match_variants(work, several)
    found = _look_up(work, wanted)
    matched: dict[int, str] = {}
    claimed: dict[tuple[str, str], int] = {}
    for one in wanted:
        try:
            matched[one.id] = _one_match(one, found)
            keys = [(name, one.values[name]) for name in KEYS if one.values[name]]
            other = next((claimed[key] for key in keys if key in claimed), None)
            if matched[one.id]:
                found.taken[matched[one.id]] = one.id
            elif other is not None:
                raise Invalid(f"Products {other} and {one.id} of Odoo share a reference or barcode. Give each its own.",
                              cause="product:duplicate")
            elif not keys and one.job.uncertain:
                raise Invalid(f"Product {one.id} may have been created in the shop, but has neither reference nor barcode to find "
                              "it by. Give it a reference in Odoo and, if it is there, in the shop.", cause="product:no-key")
            claimed |= dict.fromkeys(keys, one.id)
        except Invalid as error:
            matched.pop(one.id, None)
            work.failed(one.job, error)
    return matched


def _match_variants(work: Work, templates: Sequence[Template]) -> None:
    """Unlinked templates with several variants: the shop's flow links them to the product whose combinations have their
    references, and then tells this one to look again. Two calls."""
    ids = [one.id for one in templates]
    rows = work.odoo.search_read("product.product", [("product_tmpl_id", "in", ids)], ["product_tmpl_id", "default_code"]) \
        if ids else []
    codes: dict[int, set[str]] = {}
    for row in rows:
        codes.setdefault(row["product_tmpl_id"][0], set()).add(one_line(row["default_code"]))
    texts = sorted({text for some in codes.values() for text in some if text and _searchable(text)})
    products: dict[str, set[str]] = {}
    for row in work.shop.find_any("combinations", "reference", texts, ["id", "id_product", "reference"]) if texts else ():
        products.setdefault(one_line(row["reference"]), set()).add(str(row["id_product"]))
    for one in templates:
        found = {product for code in codes.get(one.id, ()) for product in products.get(code, ())}
        name = f"Product {one.id} ({one.values['name']})"
        if len(found) == 1:
            [product] = found
            work.done(one.job, f"{name} belongs to product {product} of the shop by the references of its variants.", changed=False,
                      follow=[("product", "ps_to_odoo", product)])
        else:
            work.failed(one.job, Invalid(
                f"{name} has {one.row['product_variant_count']} variants, and "
                + (f"several products of the shop have their references ({', '.join(sorted(found))})" if found else
                   "no product of the shop has combinations with their references")
                + ". Create it in the shop with combinations of the same references.", cause="product:variants"))


def _look_up(work: Work, templates: Sequence[Template]) -> Found:
    """Products and combinations of the shop with these references or barcodes. Texts that cannot be searched fail their job."""
    found = Found()
    for name, (_, shop_field) in KEYS.items():
        texts = sorted({one.values[name] for one in templates if one.values[name] and _searchable(one.values[name])})
        if not texts:
            continue
        for row in work.shop.find_any("products", shop_field, texts, ["id", shop_field]):
            found.products.setdefault((name, one_line(row[shop_field])), []).append(row)
        for row in work.shop.find_any("combinations", shop_field, texts, ["id", "id_product", shop_field]):
            found.combinations.setdefault((name, one_line(row[shop_field])), []).append(row)
    ids = {str(row["id"]) for rows in found.products.values() for row in rows}
    found.taken = {record: mapping.odoo_id for record, mapping in work.mappings(PRODUCT.name, ids).items()}
    return found


def _searchable(text: str) -> bool:
    return not set(text) & set("|[]")


def _one_match(one: Template, found: Found) -> str:
    """The id of the shop's product, or "". Raises `Invalid` where it is not clear which."""
    for name in KEYS:
        value = one.values[name]
        if not value:
            continue
        if not _searchable(value):
            raise Invalid(f"The shop cannot be searched for the {name} {value!r}. Use none of | [ ] in it.",
                          cause=f"product:search:{name}")
        rows = found.products.get((name, value), [])
        if len(rows) > 1:
            raise Invalid(f"The shop has {len(rows)} products with the {name} {value!r} (ids "
                          f"{', '.join(str(row['id']) for row in rows[:5])}). Give each its own there, then retry.",
                          cause=f"product:several:{name}")
        if rows:
            other = found.taken.get(str(rows[0]["id"]))
            if other not in (None, one.id):
                raise Invalid(f"The {name} {value!r} belongs to product {rows[0]['id']} of the shop, which is linked to product "
                              f"{other} of Odoo already. Give each its own.", cause=f"product:taken:{name}")
            return str(rows[0]["id"])
        parts = found.combinations.get((name, value), [])
        if parts:
            raise Invalid(f"The {name} {value!r} belongs to a combination of product {parts[0]['id_product']} in the shop. Make "
                          "the product a variant in Odoo too, or change its reference.", cause=f"product:combination:{name}")
    return ""


# --- writing ----------------------------------------------------------------------------------------------------------


def _agree(work: Work, odoo: OdooFacts, templates: Sequence[Template], linked: dict[int, Mapping], fresh: dict[int, str]) -> None:
    """Bring linked products, and those found just now, in step."""
    shop = facts.shop(work.services, work.store)
    ids = {one.id: linked[one.id].shop_id if one.id in linked else fresh[one.id] for one in templates}
    rows = read_shop(work, list(ids.values()), shop)
    pairs, variants = [], {}
    for one in templates:
        if ids[one.id] not in rows:
            work.done(one.job, f"Product {ids[one.id]} was deleted in the shop or has no name there; Odoo keeps its own.",
                      changed=False)
            continue
        current, values = rows[ids[one.id]]
        mapping = linked.get(one.id)
        base, data = (mapping.base, mapping.data) if mapping else ({}, {"variant_id": one.variant} if one.variant else {})
        pairs.append(Pair(one.job, ids[one.id], one.id, values, one.values, dict(base), dict(data), current))
        variants[one.job.id] = one.variant
    both = work.store.settings["products"] == "both"
    agreed = agree(work, odoo, pairs, both=both)
    items = {item.job.id: item for item in _parts(work, [pair for pair in pairs if pair.job.id in agreed], linked)}
    settle(work, odoo, list(items.values()), both=both)
    dropped = 0
    for pair in [pair for pair in pairs if pair.job.id in agreed and pair.job in work.open]:
        outcome, item = agreed[pair.job.id], items.get(pair.job.id)
        did = f" Product {pair.shop_id}: {', '.join(item.did)}." if item and item.did else ""
        follow = _stock(work, [variants[pair.job.id]]) if pair.fresh else []
        if item and item.tells:
            follow.append((PRODUCT.name, "ps_to_odoo", pair.shop_id))
        echo = outcome.echo and not did and not (item and item.tells)
        dropped += echo
        work.done(pair.job, outcome.message + did, changed=outcome.changed or bool(did),
                  links=[] if outcome.echo else [outcome.link], follow=follow)
    if not work.dry_run:
        echoes.note(work.services, work.store, dropped)


def _parts(work: Work, pairs: Sequence[Pair], linked: dict[int, Mapping]) -> list[Item]:
    """Those with combinations, to be compared with the variants they are linked to."""
    wanted = [pair for pair in pairs if pair.data.get("combinations")]
    return variants_flow.read_shop(work, [(pair.job, pair.shop_id, pair.shop, linked.get(pair.odoo_id)) for pair in wanted])


def _create(work: Work, templates: Sequence[Template]) -> None:
    """Create products one by one, since only the last of several would tell its id; each is linked at once."""
    shop = facts.shop(work.services, work.store)
    made: list[tuple[Template, str]] = []
    for one in templates:
        name = f"product {one.values['reference'] or one.values['name']}"
        if work.dry_run:
            work.would(one.job, f"would create {name} in the shop",
                       Foreseen("create", title(one.values), one.id, new("shop", one.values, leave=("kind",))))
            continue
        try:
            row = PRODUCT.to_shop(one.values, shop)
            work.before_write([one.job])
            number = str(work.shop.create(PRODUCT.resource, row)["id"])
        except (Invalid, Rejected) as error:
            work.failed(one.job, error)
            continue
        work.keep([Link(PRODUCT.name, number, one.id, {}, {"variant_id": one.variant})])
        made.append((one, number))
    back = read_shop(work, [number for _, number in made], shop)
    for one, number in made:
        values = back[number][1] if number in back else one.values
        link = Link(PRODUCT.name, number, one.id, values, {"variant_id": one.variant})
        work.done(one.job, f"Product {one.values['name']!r} created in the shop (id {number}, Odoo id {one.id}).", links=[link],
                  follow=_stock(work, [one.variant]))
    work.save()


def _stock(work: Work, variants: Iterable[int]) -> list[tuple[str, str, str]]:
    """A product that is new to the shop has no pieces there yet."""
    if not allowed(work.store.settings, "stock", "odoo_to_ps"):
        return []
    return [("stock", "odoo_to_ps", str(variant)) for variant in variants if variant]
