"""Products: a shop product becomes a product template; and back, where the settings let products travel to the shop."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from portal.entities.base import Invalid, OdooFacts, Related, Row, ShopFacts, Values
from portal.entities.text import html_to_text, lines, number, one_line, text_to_html, translated, yes

_TEXT = {"name": "name", "reference": "default_code", "barcode": "barcode", "description": "description_sale"}
_NUMBER = {"price": "list_price", "cost": "standard_price", "weight": "weight"}
_SHOP_NUMBER = {"price": "price", "cost": "wholesale_price", "weight": "weight"}
_SHOP_DIGITS = 6

_SHOP_TAKES = {
    "name": ("[^<>;=#{}]{1,128}", "needs 1 to 128 characters, none of them < > ; = # { }"),
    "reference": ("[^<>;={}]{0,64}", "may have 64 characters, none of them < > ; = { }"),
    "barcode": ("[0-9]{0,13}", "may only have digits, 13 at most"),
    "price": ("[0-9.]+", "cannot be below zero"),
    "cost": ("[0-9.]+", "cannot be below zero"),
    "weight": ("[0-9.]+", "cannot be below zero"),
}
"""PrestaShop's own rules for these fields."""


class Product:
    """See `RecordEntity`. The mapping of a simple product also keeps its only variant."""

    name = "product"
    label = "Product"
    resource = "products"
    fields: tuple[str, ...] = (
        "id", "name", "reference", "price", "wholesale_price", "weight", "ean13", "upc", "description_short", "active",
        "product_type", "is_virtual", "cache_is_pack", "cache_default_attribute")
    related: tuple[Related, ...] = ()
    odoo_model = "product.template"
    chunk = 100
    context: Mapping[str, Any] = {"active_test": False}
    """So that a product that is created as archived gets its variant's values, too (needed to Odoo 16)."""
    booleans = frozenset({"active", "is_storable", "sale_ok"})
    match_model = "product.product"
    match_columns: Mapping[str, tuple[str, ...]] = {"default_code": ("default_code",), "barcode": ("barcode",)}
    match_extra: tuple[str, ...] = ("product_tmpl_id", "company_id", "active")
    unique_match = True
    keeps_edits = False
    on_the_fly = False
    words: Mapping[str, str] = {"default_code": "reference", "barcode": "barcode"}
    refusable: frozenset[str] = frozenset()
    created_fields: tuple[str, ...] = ("product_variant_id",)

    def values(self, record: Row, related: Mapping[str, list[Row]], shop: ShopFacts) -> Values:
        """Name, reference, sale price without tax, cost, weight, barcode, short description as text, active, kind."""
        name = one_line(translated(record.get("name"), shop.default_language))
        if not name:
            raise Invalid("The product has no name. Enter one in the shop.", cause="product:name")
        values: Values = {
            "name": name,
            "reference": one_line(record.get("reference")),
            "barcode": barcode(record),
            "description": _description(record, shop.default_language),
            "active": yes(record.get("active")),
            "kind": kind(record),
        }
        for key, field in _SHOP_NUMBER.items():
            try:
                values[key] = number(record.get(field), _SHOP_DIGITS)
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

    def yields(self, values: Values) -> bool:
        return False

    def doubts(self, values: Values, odoo: OdooFacts) -> list[str]:
        return []

    def extra(self, row: Row) -> dict[str, Any]:
        variant = row["product_variant_id"] if "product_variant_id" in row else [row["id"]]
        return {"variant_id": int(variant[0])} if variant else {}

    def odoo_fields(self, odoo: OdooFacts) -> list[str]:
        return [*_TEXT.values(), *_NUMBER.values(), "active"]

    def to_odoo(self, values: Values, odoo: OdooFacts, only: Collection[str] | None = None) -> Row:
        """The kind decides the product type at creation only; Odoo refuses to change it once there were movements."""
        wanted = set(values) if only is None else set(only)
        row: Row = {field: values[key] or False for key, field in _TEXT.items() if key in wanted}
        row |= {field: float(number(values[key], _digits(key, odoo))) for key, field in _NUMBER.items() if key in wanted}
        if "active" in wanted:
            row["active"] = values["active"]
        if only is None:
            row |= {"sale_ok": True} | dict(odoo.service if values["kind"] == "virtual" else odoo.storable)
        return row

    def without_refusable(self, row: Row) -> Row:
        return row

    def from_odoo(self, row: Row, odoo: OdooFacts) -> Values:
        values: Values = {key: one_line(row.get(field)) for key, field in _TEXT.items()}
        values |= {key: number(row.get(field), _digits(key, odoo)) for key, field in _NUMBER.items()}
        return values | {"description": lines(row.get("description_sale")), "active": bool(row.get("active"))}

    def to_shop(self, values: Values, shop: ShopFacts, only: Collection[str] | None = None, current: Row | None = None) -> Row:
        """Fields for a PATCH of the values named in `only`, or for a creation that is visible in the back office.

        Texts are sent in all languages of the shop, since a PATCH with one blanks the others: the default language is set, the
        others keep what `current` (the shop's present record with those fields) has, and take the new text where it has none.
        Raises `Invalid` for what the shop would refuse.
        """
        wanted = set(values) if only is None else set(only)
        check_for_shop(values, wanted)
        row: Row = {}
        if "name" in wanted:
            row["name"] = _in_all_languages(values["name"], "name", shop, current)
        if "description" in wanted:
            html = text_to_html(values["description"])
            row["description_short"] = _in_all_languages(html, "description_short", shop, current)
        if "reference" in wanted:
            row["reference"] = values["reference"]
        if "barcode" in wanted:
            row |= barcode_to_shop(values["barcode"])
        row |= {field: number(values[key], _SHOP_DIGITS) for key, field in _SHOP_NUMBER.items() if key in wanted}
        if "active" in wanted:
            row["active"] = int(values["active"])
        if only is None:
            virtual = values.get("kind") == "virtual"
            row |= {"state": 1, "available_for_order": 1, "show_price": 1, "minimal_quantity": 1, "visibility": "both",
                    "product_type": "virtual" if virtual else "standard", "is_virtual": int(virtual),
                    "id_category_default": shop.home_category, "id_tax_rules_group": shop.tax_rules_group,
                    "associations": {"categories": [{"id": shop.home_category}]}}
        return row


def kind(record: Row) -> str:
    """simple, combinations, pack or virtual. Shops that were upgraded may leave `product_type` empty; older flags tell then."""
    told = str(record.get("product_type") or "")
    if told in ("virtual", "pack", "combinations"):
        return told
    if yes(record.get("is_virtual")):
        return "virtual"
    if yes(record.get("cache_is_pack")):
        return "pack"
    return "combinations" if not told and int(record.get("cache_default_attribute") or 0) else "simple"


def barcode(record: Row) -> str:
    """The EAN-13, else the UPC; a row of zeros is nobody's barcode. Check digits are not asked: neither side asks for them.

    Odoo wants each barcode once; two products of the shop that share one cannot both have it there.
    """
    codes = (one_line(record.get(field)) for field in ("ean13", "upc"))
    return next((code for code in codes if code.strip("0")), "")


def barcode_to_shop(text: str) -> Row:
    """The shop's fields for a barcode; none clears the UPC as well, or it would come back."""
    return {"ean13": text} if text else {"ean13": "", "upc": ""}


def check_for_shop(values: Values, wanted: Collection[str]) -> None:
    """Raise `Invalid` for what PrestaShop refuses, said before it is sent."""
    for key, (pattern, rule) in _SHOP_TAKES.items():
        if key in wanted and not re.fullmatch(pattern, values[key]):
            raise Invalid(f"The shop does not take the {key} {values[key]!r}: it {rule}. Change it in Odoo.",
                          cause=f"product:shop:{key}")


def translations(record: Row, shop: ShopFacts) -> dict[str, Values]:
    """Name and description by the shop's language code, for the languages in which the product has a name."""
    found = {iso: {"name": one_line(translated(record.get("name"), language, otherwise_any=False)),
                   "description": _description(record, language)}
             for language, iso in shop.languages.items()}
    return {iso: texts for iso, texts in found.items() if texts["name"]}


def _description(record: Row, language: int) -> str:
    return html_to_text(translated(record.get("description_short"), language, otherwise_any=False))


def _digits(key: str, odoo: OdooFacts) -> int:
    return min(_SHOP_DIGITS, odoo.weight_digits if key == "weight" else odoo.price_digits)


def _in_all_languages(text: str, field: str, shop: ShopFacts, current: Row | None) -> dict[int, str]:
    present = (current or {}).get(field)
    others = present if isinstance(present, Mapping) else {}
    return {language: text if language == shop.default_language else str(others.get(language) or text)
            for language in shop.languages or {shop.default_language: ""}}


PRODUCT = Product()
