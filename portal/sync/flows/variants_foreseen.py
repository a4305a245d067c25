"""What a dry run says of products with combinations."""

from __future__ import annotations

from collections.abc import Sequence

from portal.entities.base import OdooFacts, Values
from portal.entities.compare import difference, fill_only, held
from portal.entities.product import PRODUCT
from portal.sync.flows import texts
from portal.sync.flows.template_variants import Item
from portal.sync.foreseen import Change, Foreseen, changes, new, title
from portal.sync.work import Work


def foresee(work: Work, odoo: OdooFacts, items: Sequence[Item]) -> dict[int, Foreseen]:
    """What a dry run says of these products and their variants, by job id."""
    found = [item.template for item in items if item.how == "linked"]
    rows = {row["id"]: row for row in texts.read(work, odoo, found)}
    facts: dict[int, Foreseen] = {}
    for item in items:
        number, name = item.template or None, title(item.values)
        if item.how == "linked":
            current = PRODUCT.from_odoo(rows[item.template], odoo)
            change = changes("odoo", current, fill_only(held(PRODUCT, item.values, odoo), current))
            facts[item.job.id] = Foreseen("link", name, number, change + _variants_of(item, set(item.adopted)))
        elif item.template and item.mapping:
            change = changes("odoo", item.mapping.base, difference(item.values, item.mapping.base))
            alive = {key for key, mapping in item.known.items() if not mapping.data.get("gone")}
            facts[item.job.id] = Foreseen("change", name, number, change + _variants_of(item, alive))
        else:
            own = new("odoo", item.values, leave=("kind",))
            facts[item.job.id] = Foreseen("create", name, None, own + _variants_of(item, set()))
    return facts


def _variants_of(item: Item, before: set[str]) -> tuple[Change, ...]:
    """Combinations that come, change or go."""
    return tuple(
        Change("odoo", f"variant {key}", _variant(item.known[key].base if key in item.known else None) if key in before else None,
               _variant(next((one.values for one in item.combinations if one.key == key), None)))
        for key in sorted(before | item.keys)
        if key not in before or key not in item.keys or key not in item.known
        or item.known[key].base != next(one.values for one in item.combinations if one.key == key))


def _variant(values: Values | None) -> str | None:
    """A variant in a few words; None where there is none."""
    if values is None:
        return None
    return ", ".join(f"{name} {value}" for name, value in values.items() if value not in ("", "0", None)) or "—"
