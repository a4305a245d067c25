"""Products: a shop product becomes a product template."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

from portal.entities.base import Invalid, OdooFacts, Related, Row, ShopFacts, Values
from portal.entities.text import html_to_text, number, one_line, translated

_TEXT = {"name": "name", "reference": "default_code", "barcode": "barcode", "description": "description_sale"}
_NUMBER = {"price": "list_price", "cost": "standard_price", "weight": "weight"}
_DIGITS = {"price": 6, "cost": 6, "weight": 6}


class Product:
    """See `RecordEntity`. The mapping of a simple product also keeps its only variant."""

    name = "product"
    label = "Product"
    resource = "products"
    fields = ("id", "name", "reference", "price", "wholesale_price", "weight", "ean13", "upc", "description_short", "active",
              "product_type", "is_virtual", "cache_is_pack")
    related: tuple[Related, ...] = ()
    odoo_model = "product.template"
    chunk = 100
    context: Mapping[str, Any] = {}
    booleans = frozenset({"active", "is_storable", "sale_ok"})
    match_model = "product.product"
    match_columns: Mapping[str, tuple[str, ...]] = {"default_code": ("default_code",), "barcode": ("barcode",)}
    match_extra = ("product_tmpl_id", "company_id", "active")
    unique_match = True
    on_the_fly = False
    words: Mapping[str, str] = {"default_code": "reference", "barcode": "barcode"}
    created_fields: tuple[str, ...] = ("product_variant_id",)

    def values(self, record: Row, related: Mapping[str, list[Row]], shop: ShopFacts) -> Values:
        """Name, reference, sale and cost price, weight, barcode, short description as text, active, kind."""
        name = one_line(translated(record.get("name"), shop.default_language))
        if not name:
            raise Invalid("The product has no name. Enter one in the shop.", cause="product:name")
        values: Values = {
            "name": name,
            "reference": one_line(record.get("reference")),
            "barcode": one_line(record.get("ean13")) or one_line(record.get("upc")),
            "description": html_to_text(translated(record.get("description_short"), shop.default_language)),
            "active": str(record.get("active") or "0") in ("1", "True"),
            "kind": kind(record),
        }
        for key, field in (("price", "price"), ("cost", "wholesale_price"), ("weight", "weight")):
            try:
                values[key] = number(record.get(field), _DIGITS[key])
            except ValueError:
                raise Invalid(f"The product's {key} {record.get(field)!r} is not a number. Correct it in the shop.",
                              cause=f"product:{key}") from None
        return values

    def match(self, values: Values) -> list[tuple[str, str]]:
        keys = [("default_code", values["reference"]), ("barcode", values["barcode"])]
        return [(field, value) for field, value in keys if value]

    def normal_key(self, name: str, value: Any) -> str:
        return one_line(value)

    def narrow(self, rows: Sequence[Row]) -> list[Row]:
        return list(rows)

    def record_id(self, row: Row) -> int:
        return int(row["product_tmpl_id"][0])

    def extra(self, row: Row) -> dict[str, Any]:
        variant = row["product_variant_id"] if "product_variant_id" in row else [row["id"]]
        return {"variant_id": int(variant[0])} if variant else {}

    def odoo_fields(self, odoo: OdooFacts) -> list[str]:
        return [*_TEXT.values(), *_NUMBER.values(), "active"]

    def to_odoo(self, values: Values, odoo: OdooFacts, only: Collection[str] | None = None) -> Row:
        """The kind decides the product type at creation only; Odoo refuses to change it once there were movements."""
        wanted = set(values) if only is None else set(only)
        row: Row = {field: values[key] or False for key, field in _TEXT.items() if key in wanted}
        row |= {field: float(Decimal(values[key])) for key, field in _NUMBER.items() if key in wanted}
        if "active" in wanted:
            row["active"] = values["active"]
        if only is None:
            row |= {"sale_ok": True} | dict(odoo.service if values["kind"] == "virtual" else odoo.storable)
        return row

    def from_odoo(self, row: Row, odoo: OdooFacts) -> Values:
        values: Values = {key: one_line(row.get(field)) for key, field in _TEXT.items() if key != "description"}
        values |= {key: number(row.get(field), _DIGITS[key]) for key, field in _NUMBER.items()}
        return values | {"description": html_to_text(str(row.get("description_sale") or "").replace("\n", "<br>")),
                         "active": bool(row.get("active"))}


def kind(record: Row) -> str:
    """simple, combinations, pack or virtual."""
    told = str(record.get("product_type") or "")
    if told == "virtual" or str(record.get("is_virtual") or "0") == "1":
        return "virtual"
    if told == "pack" or str(record.get("cache_is_pack") or "0") == "1":
        return "pack"
    return "combinations" if told == "combinations" else "simple"


PRODUCT = Product()
