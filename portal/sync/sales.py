"""What orders need of the Odoo database: taxes, currencies, and products for shipping, wrapping, vouchers and rounding."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from typing import Any, Literal

from portal.clients.errors import Rejected
from portal.clients.odoo import Odoo
from portal.entities.base import Ref
from portal.entities.odoo_arithmetic import OdooCurrency, OdooSales, OdooTax
from portal.entities.order_write import SERVICES
from portal.models import Store
from portal.sync.links import Link, external_id
from portal.sync.services import Services
from portal.sync.work import Work

KEEP_SECONDS = 60.0
"""Short, so that a tax made in Odoo after an order failed for want of it is found by the next try."""


def odoo_sales(services: Services, store: Store, keep: float = KEEP_SECONDS) -> OdooSales:
    """Taxes, currencies and rounding of the database, as they were at most `keep` seconds ago."""
    def read() -> OdooSales:
        odoo = services.odoo(store)
        profile = odoo.profile
        return OdooSales(
            major=profile.major, taxes=_taxes(odoo), currencies=_currencies(odoo), company_currency=profile.company_currency,
            tax_rounding=_rounding(profile.tax_rounding), price_digits=profile.price_digits, tax_field=profile.tax_field,
            has_technical_price=profile.has_technical_price_unit)

    return services.remember("odoo sales", store, keep, read)


def service_products(work: Work, kinds: Collection[str]) -> dict[str, int]:
    """Variant ids of the service products, made where they are missing. Not to be called in a dry run for missing ones.

    They are invoiced as ordered: nobody ever delivers shipping or a voucher, and a database may invoice new products by what was
    delivered (stock on Odoo 14 makes it do so).
    """
    known = {kind: mapping.odoo_id for kind, mapping in work.mappings("service", kinds).items()}
    missing = sorted(set(kinds) - set(known))
    if not missing:
        return known
    odoo = work.odoo
    storable = next(iter(odoo.profile.storable_values))
    work.before_write(work.open)
    result = odoo.load("product.template", ["id", "name", "default_code", storable, "sale_ok", "purchase_ok", "invoice_policy"], [
        [external_id(work.store, Ref("service", kind)), SERVICES[kind], f"PS-{kind.upper()}", "service", "True", "False", "order"]
        for kind in missing])
    if result.ids is None:
        text = result.messages[0].text if result.messages else ""
        raise Rejected("odoo", f"Odoo refused the service product for {missing[0]}: {text}", cause="odoo:service-product",
                       remedy="Give the Odoo user the right to create products.")
    rows = {row["id"]: row for row in odoo.read("product.template", result.ids, ["product_variant_id"])}
    made = {kind: int(rows[number]["product_variant_id"][0]) for kind, number in zip(missing, result.ids, strict=True)}
    work.keep([Link("service", kind, variant) for kind, variant in made.items()])
    return known | made


def _taxes(odoo: Odoo) -> tuple[OdooTax, ...]:
    affected = ["is_base_affected"] if odoo.profile.major >= 15 else []
    rows = odoo.search_read(
        "account.tax", [("company_id", "=", odoo.profile.company_id), ("type_tax_use", "in", ["sale", "none"])],
        ["name", "amount", "amount_type", "price_include", "include_base_amount", "sequence", "active", "children_tax_ids",
         "type_tax_use", *affected], order="sequence, id")
    by_id = {row["id"]: row for row in rows}

    def build(row: dict[str, Any]) -> OdooTax:
        children = tuple(build(by_id[i]) for i in row["children_tax_ids"] if i in by_id and i != row["id"])
        return OdooTax(
            id=row["id"], name=row["name"], amount=Decimal(str(row["amount"])), amount_type=row["amount_type"],
            price_include=bool(row["price_include"]), include_base_amount=bool(row["include_base_amount"]),
            is_base_affected=bool(row.get("is_base_affected", True)), sequence=int(row["sequence"] or 0),
            active=bool(row["active"]), company_id=odoo.profile.company_id, children=children)

    return tuple(build(row) for row in rows if row["type_tax_use"] == "sale")


def _currencies(odoo: Odoo) -> dict[str, OdooCurrency]:
    lists: dict[int, int] = {}
    for row in odoo.search_read("product.pricelist", [("active", "=", True)], ["currency_id", "company_id"], order="id"):
        if not row.get("company_id") or row["company_id"][0] == odoo.profile.company_id:
            lists.setdefault(row["currency_id"][0], row["id"])
    return {row["name"]: OdooCurrency(id=row["id"], digits=int(row["decimal_places"]), pricelist_id=lists.get(row["id"]))
            for row in odoo.search_read("res.currency", [("active", "=", True)], ["name", "decimal_places"])}


def _rounding(name: str) -> Literal["round_per_line", "round_globally"]:
    return "round_globally" if name == "round_globally" else "round_per_line"
