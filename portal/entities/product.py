"""Products: a shop product becomes a product template; and back, where the settings let products travel to the shop."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from portal.entities.base import Invalid, OdooFacts, Related, Row, ShopFacts, Values
from portal.entities.text import html_to_text, lines, number, one_line, text_to_html, translated, yes

_TEXT = {"name": "name", "reference": "default_code", "barcode": "barcode", "description": "description_sale"}
_SHOP_TEXT = {"name": "name", "description": "description_short"}
"""What the shop has in several languages, and Odoo as well."""
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
KIND_FIELDS = ("id", "product_type", "is_virtual", "cache_is_pack", "cache_default_attribute")
"""What `kind` has to know."""


class Product:
    """See `RecordEntity`. The mapping of a simple product also keeps its only variant."""

    name = "product"
    label = "Product"
    resource = "products"
    fields: tuple[str, ...] = (
        "id", "name", "reference", "price", "wholesale_price", "weight", "ean13", "upc", "description_short", "active",
        *KIND_FIELDS[1:])
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
        """Name, reference, sale price without tax, cost, weight, barcode, short description as text, active, kind; and name and
        description in the other languages that both sides have, "" where they are as in the main one."""
        texts = _texts(record, shop)
        if not texts["name"]:
            raise Invalid("The product has no name. Enter one in the shop.", cause="product:name")
        values: Values = {
            **texts,
            "reference": one_line(record.get("reference")),
            "barcode": barcode(record),
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

    def deleted(self, record: Row) -> bool:
        return False

    def remains(self, record: int, related: Mapping[str, list[Row]]) -> Row | None:
        return None

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
        values |= {"description": lines(row.get("description_sale")), "active": bool(row.get("active"))}
        for key in [key for key in row if language_of(key)]:
            text = lines(row[key]) if field_of(key) == "description" else one_line(row[key])
            values[key] = "" if text == values[field_of(key)] else text
        return values

    def texts(self, values: Values, only: Collection[str] | None, repeated: Collection[str] = ()) -> dict[str, Row]:
        """A blank means: as the main text, which is then written. An empty text is not: it would erase all languages in Odoo."""
        found: dict[str, Row] = {}
        for key in [key for key in values if language_of(key)]:
            name = field_of(key)
            told = bool(values[key]) if only is None else key in only
            along = not values[key] and key in repeated and name in (only or ())
            text = (values[key] or values[name]) if told else values[name] if along else ""
            if text:
                found.setdefault(language_of(key), {})[_TEXT[name]] = text
        return found

    def to_shop(self, values: Values, shop: ShopFacts, only: Collection[str] | None = None, current: Row | None = None) -> Row:
        """Fields for a PATCH of the values named in `only`, or for a creation that is visible in the back office.

        Texts are sent in all languages of the shop, since a PATCH with one blanks the others: the main language and the shared
        ones are set, the others keep what `current` (the shop's present record with those fields) has; one that is empty or
        repeats the main text takes the new one.
        Raises `Invalid` for what the shop would refuse.
        """
        wanted = set(values) if only is None else set(only)
        check_for_shop(values, wanted)
        row: Row = {}
        for name, field in _SHOP_TEXT.items():
            if any(field_of(key) == name for key in wanted):
                row[field] = _in_all_languages(values, name, wanted, shop, (current or {}).get(field))
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
    for key in wanted:
        pattern, rule = _SHOP_TAKES.get(field_of(key), ("(?s).*", ""))
        empty = not values.get(key) and language_of(key)  # then it is the main text
        if not empty and not re.fullmatch(pattern, str(values.get(key, ""))):
            raise Invalid(f"The shop does not take the {key} {values[key]!r}: it {rule}. Change it in Odoo.",
                          cause=f"product:shop:{key}")


def in_language(name: str, code: str) -> str:
    """The key of a text in another language than the main one: `name (fr_FR)`."""
    return f"{name} ({code})"


def language_of(key: str) -> str:
    """Odoo's code of the language that a value's key names; "" for values that are in none."""
    name, _, code = key.partition(" (")
    return code.rstrip(")") if name in _SHOP_TEXT else ""


def field_of(key: str) -> str:
    """The value's name without its language."""
    return key.partition(" (")[0]


def _texts(record: Row, shop: ShopFacts) -> Values:
    """Name and description in the main language, else in any that has them; and what the shared languages have of their own."""
    found: Values = {}
    for name, field in _SHOP_TEXT.items():
        read, told = html_to_text if name == "description" else one_line, record.get(field)
        own = {language: read(translated(told, language, otherwise_any=False))
               for language in (shop.default_language, *shop.shared)}
        every = told.values() if isinstance(told, Mapping) else ()
        found[name] = own[shop.default_language] or next((text for text in map(read, every) if text), "")
        found |= {in_language(name, code): "" if own[language] == found[name] else own[language]
                  for language, code in shop.shared.items()}
    return found


def _digits(key: str, odoo: OdooFacts) -> int:
    return min(_SHOP_DIGITS, odoo.weight_digits if key == "weight" else odoo.price_digits)


def _in_all_languages(values: Values, name: str, wanted: Collection[str], shop: ShopFacts, present: Any) -> dict[int, str]:
    """A text field of the shop as a whole, from the values and what is there now."""
    read, write = (html_to_text, text_to_html) if name == "description" else (one_line, str)
    there = {int(language): str(text) for language, text in present.items()} if isinstance(present, Mapping) else {}
    old = read(there.get(shop.default_language, ""))
    main = write(values[name]) if name in wanted or shop.default_language not in there else there[shop.default_language]
    found: dict[int, str] = {}
    for language in shop.languages or {shop.default_language: ""}:
        key = in_language(name, shop.shared.get(language, ""))
        own = values.get(key, "") if key in wanted or language not in there else ""
        repeats = language == shop.default_language or key in wanted or read(there.get(language, "")) in ("", old)
        found[language] = write(own) if own else main if repeats else there[language]
    return found


PRODUCT = Product()
