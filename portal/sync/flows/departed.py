"""What orders sell that the shop does not have any more: old orders outlive products and combinations.

Odoo's product of the same reference takes the place, else one service product for all of them; the line's own text says what
was sold. A product that is linked stays linked when the shop deletes it, so this is about what was gone before it was ever linked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from portal.entities.base import Ref, Row
from portal.entities.order_source import OrderSource, product_ref
from portal.entities.product import KIND_FIELDS, kind
from portal.entities.text import one_line
from portal.sync import sales
from portal.sync.work import Work

STAND_IN = "departed"
"""The service product's key."""


class Sold(Protocol):
    """An order with what it sells that is gone."""

    found: OrderSource
    gone: frozenset[Ref]


def find(work: Work, unlinked: Collection[Ref]) -> frozenset[Ref]:
    """Those of these unlinked products and combinations that the shop does not have: deleted, or sold as a simple product
    before it got combinations. Two reads at most."""
    products = {ref for ref in unlinked if ref.entity == "product"}
    combinations = {ref: ref.record.rpartition(":")[2] for ref in unlinked if ref.entity == "combination"}
    there = work.shop.read("products", [ref.record for ref in products], KIND_FIELDS) if products else []
    simple = {str(row["id"]) for row in there if kind(row) != "combinations"}
    alive = {str(row["id"]) for row in work.shop.read("combinations", combinations.values(), ["id"])} if combinations else set()
    return frozenset({ref for ref in products if ref.record not in simple}
                     | {ref for ref, number in combinations.items() if number not in alive})


def stand_ins(work: Work, orders: Iterable[Sold]) -> dict[Ref, int]:
    """The Odoo variant for each that is gone; the service product is made when it is first needed."""
    gone = {ref: reference for item in orders for ref, reference in _references(item).items()}
    if not gone:
        return {}
    found = _by_reference(work, {reference for reference in gone.values() if reference})
    rest = {ref for ref, reference in gone.items() if reference not in found}
    service = sales.service_products(work, {STAND_IN})[STAND_IN] if rest else 0
    return {ref: found.get(reference, service) for ref, reference in gone.items()}


def warnings(item: Sold) -> list[str]:
    """A sentence for each product that is gone, for the story of the order."""
    return [f"{one_line(row.get('product_name')) or ref.record} is not in the shop any more; its line stands for it in Odoo."
            for ref, row in _rows(item).items()]


def _references(item: Sold) -> Mapping[Ref, str]:
    return {ref: one_line(row.get("product_reference")) for ref, row in _rows(item).items()}


def _rows(item: Sold) -> dict[Ref, Row]:
    return {product_ref(row): row for row in item.found.details if product_ref(row) in item.gone}


def _by_reference(work: Work, references: Collection[str]) -> dict[str, int]:
    """Odoo's only active product of each reference."""
    if not references:
        return {}
    rows = work.odoo.search_read("product.product", [("default_code", "in", sorted(references)),
                                                     ("company_id", "in", [False, work.odoo.profile.company_id])], ["default_code"])
    several = {row["default_code"] for n, row in enumerate(rows) if row["default_code"] in {r["default_code"] for r in rows[:n]}}
    return {row["default_code"]: row["id"] for row in rows if row["default_code"] not in several}
