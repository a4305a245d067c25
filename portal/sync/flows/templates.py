"""Product templates of Odoo, archived ones included.

Reference, barcode, cost and weight of a product without variants stand on its only variant. To version 16 a template reaches that
variant only while it is active (measured on 14): of an archived one they read as empty, a write changes the template alone, and one
that also makes the product active again comes too early for the variant. On the variant itself they can be written always.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from portal.clients.odoo import Odoo
from portal.entities.product import PRODUCT

Row = dict[str, Any]
ON_VARIANT = frozenset({"default_code", "barcode", "standard_price", "weight"})
ARCHIVED_TOO = {"active_test": False}


def read_templates(odoo: Odoo, ids: Sequence[int], fields: Sequence[str]) -> list[Row]:
    """The templates that exist, in the order of their ids. Two calls at most; none without ids."""
    if not ids:
        return []
    rows = odoo.read(PRODUCT.odoo_model, ids, [*{*fields, "active"}])
    archived = [row["id"] for row in rows if not row["active"]]
    if not archived or odoo.profile.archived_templates_show_all:
        return rows
    again = {row["id"]: row for row in odoo.read(PRODUCT.odoo_model, archived, fields, context=ARCHIVED_TOO)}
    return [again.get(row["id"], row) for row in rows]


def write_template(odoo: Odoo, number: int, row: Mapping[str, Any], variant: int | None) -> None:
    """Write values of a template; `variant`: its only one, to hold those that are a variant's. Two calls at most.

    Raises what `Odoo.write` raises.
    """
    on_variant = {name: value for name, value in row.items() if name in ON_VARIANT} if variant else {}
    on_template = {name: value for name, value in row.items() if name not in on_variant}
    if on_template:
        odoo.write(PRODUCT.odoo_model, [number], on_template)
    if variant and on_variant:
        odoo.write(PRODUCT.match_model, [variant], on_variant)
