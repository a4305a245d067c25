"""Combinations: each becomes a variant of the template that its product becomes. Pure.

A shop combination is a set of option values ("M", "Blue"); an Odoo variant is a set of attribute values. Odoo knows a variant by
that set and makes it at most once per template, and so do we. The shop's price of a combination is an *impact* on the product's
price, Odoo's is an extra on each value: `price_extras` finds extras that add up to the impacts, where there are any.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from portal.entities.base import Invalid, OdooFacts, Row, ShopFacts, Values
from portal.entities.product import barcode, barcode_to_shop, check_for_shop
from portal.entities.stock import record_key
from portal.entities.text import number, one_line, translated

FIELDS = ("id", "id_product", "reference", "ean13", "upc", "price", "wholesale_price", "weight", "product_option_values[id]")
OPTION_FIELDS = ("id", "name", "public_name")
VALUE_FIELDS = ("id", "id_attribute_group", "name")

COLUMNS: Mapping[str, str] = {"reference": "default_code", "barcode": "barcode", "weight": "weight", "cost": "standard_price"}
"""What a variant has of its own in Odoo. A template with several variants shows none of it and ignores what is written there."""

IMPACT = "price_extra"
"""The sum of a variant's price extras, as Odoo computes it; what stands for it in the shop is the impact."""

OWN = (*COLUMNS, "impact")
"""What a combination has of its own on both sides."""

OWNERS: Mapping[str, str] = {"impact": "price"}
"""Whose choice of owner holds for a value that is no product's."""

MATCHED = ("reference", "barcode")
"""What finds an existing variant, by priority."""

NO_EXTRA = Decimal(0)

_PLACES = 6
_NOISE = Fraction(1, 10_000)
"""Impacts typed with tax are kept without, rounded to six decimals: sums may be off by that."""


@dataclass(frozen=True)
class Combination:
    """`key` as in stock and orders ("12:34"); `options`: ids of its option values, ascending; `values` in normal form."""

    key: str
    options: tuple[int, ...]
    values: Values


@dataclass(frozen=True)
class Options:
    """The attributes of a shop and their values, by id: names, and which attribute a value belongs to."""

    attributes: Mapping[int, str]
    values: Mapping[int, str]
    attribute_of: Mapping[int, int]
    translations: Mapping[str, Mapping[tuple[str, int], str]] = field(default_factory=dict)
    """By Odoo's language code: ("attribute" or "attribute_value", id) → name, where it is another than the main one."""


def read(product: int, own: Values, records: Iterable[Row]) -> list[Combination]:
    """The combinations of a product from the shop's records; `own` are the values of the product itself.

    The weight is the product's plus the impact. A cost of 0 means the product's cost, as in PrestaShop. A lone combination also
    falls back on the product's reference and barcode; several could not share them. Raises `Invalid`.
    """
    rows = sorted(records, key=lambda row: int(row["id"]))
    found = []
    for row in rows:
        key = record_key(product, int(row["id"]))
        options = tuple(sorted({int(value["id"]) for value in row.get("associations", {}).get("product_option_values", ())}))
        values: Values = {"reference": one_line(row.get("reference")), "barcode": barcode(row)}
        if len(rows) == 1:
            values = {name: value or own[name] for name, value in values.items()}
        for name, column in (("impact", "price"), ("cost", "wholesale_price"), ("weight", "weight")):
            try:
                values[name] = number(row.get(column), _PLACES)
            except ValueError:
                raise Invalid(f"The {name} {row.get(column)!r} of combination {key} is not a number. Correct it in the shop.",
                              cause=f"combination:{name}") from None
        values["cost"] = own["cost"] if values["cost"] == "0" else values["cost"]
        values["weight"] = number(max(Decimal(0), Decimal(own["weight"]) + Decimal(values["weight"])), _PLACES)
        found.append(Combination(key, options, values | {"options": ",".join(map(str, options))}))
    return found


def options(attributes: Iterable[Row], values: Iterable[Row], shop: ShopFacts) -> Options:
    """Names in the main language, and in the others that Odoo has, too. An attribute's own name tells apart what shoppers see
    under one public name."""
    kept = [("attribute", row) for row in attributes] + [("attribute_value", row) for row in values]
    main = {(kind, int(row["id"])): _name(row.get("name"), shop.default_language)
            or _name(row.get("public_name"), shop.default_language) for kind, row in kept}
    found: dict[str, dict[tuple[str, int], str]] = {}
    for language, code in shop.shared.items():
        for kind, row in kept:
            text = one_line(translated(row.get("name"), language, otherwise_any=False))
            if text and text != main[kind, int(row["id"])]:
                found.setdefault(code, {})[kind, int(row["id"])] = text
    return Options({number: name for (kind, number), name in main.items() if kind == "attribute"},
                   {number: name for (kind, number), name in main.items() if kind == "attribute_value"},
                   {int(row["id"]): int(row["id_attribute_group"]) for kind, row in kept if kind == "attribute_value"}, found)


def same_name(name: Any) -> str:
    """The form in which two names of attributes or values are the same."""
    return one_line(name).casefold()


def attribute_values(combinations: Sequence[Combination], known: Options) -> dict[int, list[int]]:
    """The attributes of a product, each with the values its combinations use, ascending.

    Raises `Invalid` where Odoo could not tell the combinations apart: each needs exactly one value of every attribute.
    """
    used: dict[int, set[int]] = {}
    shape: frozenset[int] | None = None
    seen: dict[tuple[int, ...], str] = {}
    for one in combinations:
        unknown = [value for value in one.options
                   if not (known.values.get(value) and known.attributes.get(known.attribute_of[value]))]
        if unknown or not one.options:
            raise Invalid(f"Combination {one.key} has " + (f"an attribute value without a name (id {unknown[0]})" if unknown else
                          "no attribute values") + ". Correct it in the shop.", cause="combination:options")
        attributes = [known.attribute_of[value] for value in one.options]
        shape = frozenset(attributes) if shape is None else shape
        if len(set(attributes)) < len(attributes) or frozenset(attributes) != shape:
            names = ", ".join(sorted(known.attributes[attribute] for attribute in shape | set(attributes)))
            raise Invalid(f"Combination {one.key} does not have exactly one value of each attribute ({names}), and Odoo needs "
                          "that. Generate the combinations of the product anew in the shop.", cause="combination:shape")
        if one.options in seen:
            raise Invalid(f"Combinations {seen[one.options]} and {one.key} have the same attribute values. Delete one of them in "
                          "the shop.", cause="combination:twice")
        seen[one.options] = one.key
        for value, attribute in zip(one.options, attributes, strict=True):
            used.setdefault(attribute, set()).add(value)
    return {attribute: sorted(values) for attribute, values in sorted(used.items())}


def template_values(values: Values) -> Values:
    """What a product with combinations itself has in Odoo: all but what is its variants'."""
    return {name: value for name, value in values.items() if name not in COLUMNS}


def to_odoo(values: Values, odoo: OdooFacts, only: Collection[str] = tuple(COLUMNS)) -> Row:
    """Odoo values of a variant, as text for numbers, so that `create` and `load` both take them."""
    return {column: number(values[name], _digits(name, odoo)) if name in ("weight", "cost") else values[name]
            for name, column in COLUMNS.items() if name in only}


def from_odoo(row: Row, odoo: OdooFacts) -> Values:
    """A variant of Odoo in the normal form of a combination's values."""
    return {name: number(row.get(column), _digits(name, odoo)) if name in ("weight", "cost") else one_line(row.get(column))
            for name, column in COLUMNS.items()}


def seen_in_odoo(row: Row, odoo: OdooFacts) -> Values:
    """A variant of Odoo over the `OWN` values; the row has `COLUMNS` and `IMPACT`."""
    return from_odoo(row, odoo) | {"impact": number(row.get(IMPACT), _digits("impact", odoo))}


def held(values: Mapping[str, Any], odoo: OdooFacts) -> Values:
    """Those of the `OWN` values that are given, as this Odoo can hold them."""
    return {name: number(value, _digits(name, odoo)) if name in ("weight", "cost", "impact") and value else value
            for name, value in values.items() if name in OWN}


def to_shop(values: Values, own_weight: str, only: Collection[str]) -> Row:
    """The shop's fields for the values named in `only`. The shop keeps the weight as a difference to the product's.

    Raises `Invalid` for what PrestaShop would refuse.
    """
    check_for_shop(values, only)
    row: Row = {}
    if "reference" in only:
        row["reference"] = values["reference"]
    if "barcode" in only:
        row |= barcode_to_shop(values["barcode"])
    if "cost" in only:
        row["wholesale_price"] = number(values["cost"], _PLACES)
    if "weight" in only:
        row["weight"] = number(Decimal(values["weight"]) - Decimal(own_weight), _PLACES)
    if "impact" in only:
        row["price"] = number(values["impact"], _PLACES)
    return row


def price_extras(combinations: Sequence[Combination], known: Options) -> dict[int, Decimal] | None:
    """Price extras by option value that add up to every combination's impact; None if there are none.

    Of the many solutions the plainest: the values of the combination with the least impact have no extra. An impact that even
    this one has stands with all values of the first attribute.
    """
    rows: list[tuple[int, dict[int, Fraction], Fraction]] = []  # in echelon form: pivot, coefficients, sum
    for one in combinations:
        row, total = {value: Fraction(1) for value in one.options}, Fraction(one.values["impact"])
        for pivot, other, its_total in rows:
            factor = row.get(pivot, Fraction(0))
            if factor:
                row = {value: rest for value in row.keys() | other.keys()
                       if (rest := row.get(value, Fraction(0)) - factor * other.get(value, Fraction(0)))}
                total -= factor * its_total
        if row:
            pivot = min(row)
            rows.append((pivot, {value: part / row[pivot] for value, part in row.items()}, total / row[pivot]))
        elif abs(total) > _NOISE:
            return None
    extras = {value: Fraction(0) for one in combinations for value in one.options}
    for pivot, row, total in reversed(rows):
        extras[pivot] = total - sum((part * extras[value] for value, part in row.items() if value != pivot), Fraction(0))
    if not combinations:
        return {}
    plain = min(combinations, key=lambda one: abs(Fraction(one.values["impact"])))
    zero = {known.attribute_of[value]: extras[value] for value in plain.options}
    first = min(zero)
    zero[first] -= sum(zero.values())
    extras = {value: extra - zero[known.attribute_of[value]] for value, extra in extras.items()}
    return {value: Decimal(number(Decimal(extra.numerator) / Decimal(extra.denominator), _PLACES))
            for value, extra in extras.items()}


def _name(value: Any, language: int) -> str:
    return one_line(translated(value, language))


def _digits(name: str, odoo: OdooFacts) -> int:
    return min(_PLACES, odoo.weight_digits if name == "weight" else odoo.price_digits)
