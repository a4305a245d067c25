"""A shop order as the Webservice gives it: what to read, what it refers to, its rows in one place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from portal.entities import address
from portal.entities.base import Invalid, Ref, Row
from portal.entities.money import amount
from portal.entities.tax import Rates, rates


@dataclass(frozen=True)
class Read:
    """One list to read for a batch of orders: records whose field `by` holds one of the `values`, or all of them.

    `values` names where the values come from: a row read earlier and its field, such as `orders.id`.
    """

    resource: str
    fields: tuple[str, ...]
    by: str = "id"
    values: tuple[str, ...] = ()
    rare: bool = False


READS: tuple[Read, ...] = (
    Read("orders", (
        "id", "reference", "id_customer", "id_address_delivery", "id_address_invoice", "id_currency", "id_lang", "id_carrier",
        "id_shop", "current_state", "valid", "module", "payment", "date_add", "date_upd", "note", "gift", "gift_message",
        "round_mode", "round_type", "carrier_tax_rate", "total_paid_tax_incl", "total_paid_tax_excl", "total_paid_real",
        "total_products", "total_products_wt", "total_discounts_tax_incl", "total_discounts_tax_excl",
        "total_shipping_tax_incl", "total_shipping_tax_excl", "total_wrapping_tax_incl", "total_wrapping_tax_excl"),
        values=("job.record",)),
    Read("order_details", (
        "id", "id_order", "product_id", "product_attribute_id", "product_name", "product_reference", "product_quantity",
        "product_quantity_refunded", "product_quantity_return", "unit_price_tax_excl", "unit_price_tax_incl",
        "total_price_tax_excl", "total_price_tax_incl", "ecotax", "ecotax_tax_rate", "tax_computation_method",
        "id_tax_rules_group", "taxes[id]"),
        by="id_order", values=("orders.id",)),
    Read("order_cart_rules", ("id", "id_order", "name", "value", "value_tax_excl", "free_shipping", "deleted"),
         by="id_order", values=("orders.id",)),
    Read("addresses", address.FIELDS,
         values=("orders.id_address_delivery", "orders.id_address_invoice")),
    Read("taxes", ("id", "rate"), rare=True),
    Read("tax_rules", ("id", "id_tax_rules_group", "id_country", "id_state", "id_tax", "behavior"), rare=True),
    Read("tax_rule_groups", ("id", "name"), rare=True),
    Read("currencies", ("id", "iso_code", "precision"), rare=True),
    Read("countries", ("id", "iso_code"), rare=True),
    Read("states", ("id", "iso_code"), rare=True),
    Read("carriers", ("id", "id_reference", "name"), rare=True),
)
"""Four lists per 100 orders; those marked `rare` are small, change seldom and are read once per batch at most."""


@dataclass(frozen=True)
class OrderSource:
    """One order with its lines and the few facts around it. Amounts in the order's currency."""

    order: Row
    details: tuple[Row, ...]
    cart_rules: tuple[Row, ...]
    tax_rates: Mapping[int, Decimal]
    currency: str
    digits: int
    country: str
    state: str = ""
    known_rates: tuple[Rates, ...] = ()
    carrier: str = ""
    carrier_reference: int = 0
    timezone: str = "UTC"

    @property
    def record(self) -> str:
        """The shop's `id_order`, the key of the order."""
        return str(self.order["id"])

    def money(self, field: str) -> Decimal:
        """An amount of the order. Raises Invalid naming the field."""
        return money(self.order, field, "order")


def money(row: Row, field: str, what: str) -> Decimal:
    """An amount of a row; raises Invalid naming the field when it is missing or no number."""
    try:
        return amount(row[field])
    except KeyError:
        raise Invalid(f"The shop did not tell the {what}'s {field}. Allow the Webservice key to read it.",
                      cause=f"order:{field}") from None
    except ValueError:
        raise Invalid(f"The {what}'s {field} {row[field]!r} is not a number. Correct it in the shop.",
                      cause=f"order:{field}") from None


def source(order: Row, details: Iterable[Row], cart_rules: Iterable[Row], *, addresses: Iterable[Row] = (),
           taxes: Iterable[Row] = (), tax_rules: Iterable[Row] = (), currencies: Iterable[Row] = (),
           countries: Iterable[Row] = (), states: Iterable[Row] = (), carriers: Iterable[Row] = (), timezone: str = "UTC",
           tax_address: Literal["delivery", "invoice"] = "delivery") -> OrderSource:
    """Join the rows of `READS` into one order; rows of other orders are ignored.

    `tax_address` is the shop's PS_TAX_ADDRESS_TYPE. Raises Invalid when the currency is unknown.
    """
    number = int(order["id"])
    currency = _by_id(currencies, order.get("id_currency"))
    if currency is None:
        raise Invalid(f"The order's currency (number {order.get('id_currency')}) does not exist in the shop any more. "
                      "Restore it there.", cause="currency:unknown")
    address = _by_id(addresses, order.get(f"id_address_{tax_address}")) or {}
    country = _by_id(countries, address.get("id_country")) or {}
    state = _by_id(states, address.get("id_state")) or {}
    carrier = _by_id(carriers, order.get("id_carrier")) or {}
    tax_rates = {int(tax["id"]): amount(tax["rate"]) for tax in taxes}
    rules = [rule for rule in tax_rules if int(rule["id_country"] or 0) == int(address.get("id_country") or 0)
             and int(rule["id_state"] or 0) in (0, int(address.get("id_state") or 0))]
    return OrderSource(
        order=order,
        details=tuple(sorted((row for row in details if int(row["id_order"]) == number), key=lambda row: int(row["id"]))),
        cart_rules=tuple(sorted((row for row in cart_rules if int(row["id_order"]) == number), key=lambda row: int(row["id"]))),
        tax_rates=tax_rates, currency=str(currency["iso_code"]).upper(), digits=int(currency.get("precision") or 0),
        country=str(country.get("iso_code") or ""), state=str(state.get("iso_code") or ""), known_rates=_known(rules, tax_rates),
        carrier=str(carrier.get("name") or ""), carrier_reference=int(carrier.get("id_reference") or 0), timezone=timezone)


def needs(found: OrderSource) -> frozenset[Ref]:
    """The customer and the products that must be in Odoo before the order: `product 12`, or `combination 12:34`."""
    refs = {product_ref(row) for row in found.details}
    if int(found.order.get("id_customer") or 0):
        refs.add(Ref("customer", str(found.order["id_customer"])))
    return frozenset(refs)


def product_ref(row: Row) -> Ref:
    """The product or combination an order line sells."""
    product, combination = int(row["product_id"]), int(row.get("product_attribute_id") or 0)
    return Ref("combination", f"{product}:{combination}") if combination else Ref("product", str(product))


def detail_rates(row: Row, tax_rates: Mapping[int, Decimal]) -> Rates:
    """The rates the shop names for a line; taxes deleted since then are unknown and left out."""
    ids = [int(tax["id"]) for tax in (row.get("associations") or {}).get("taxes", ())]
    return rates((tax_rates[number] for number in ids if number in tax_rates),
                 compound=int(row.get("tax_computation_method") or 0) == 2)


def _by_id(rows: Iterable[Row], number: object) -> Row | None:
    wanted = int(str(number or 0))
    return next((row for row in rows if int(row["id"]) == wanted), None)


def _known(rules: Sequence[Row], tax_rates: Mapping[int, Decimal]) -> tuple[Rates, ...]:
    """Every combination of rates that the shop's tax rules can make in this country: for shipping and wrapping, whose
    taxes an order does not name. `behavior` 0: the first tax only, 1: rates added, 2: one after another."""
    found: list[Rates] = []
    for group in sorted({int(rule["id_tax_rules_group"]) for rule in rules}):
        found += group_rates([rule for rule in rules if int(rule["id_tax_rules_group"]) == group], tax_rates)
    return tuple(dict.fromkeys(wanted for wanted in found if wanted.parts))


def group_rates(rules: Sequence[Row], tax_rates: Mapping[int, Decimal]) -> list[Rates]:
    """Every combination of rates that the rules of one tax group can make in one place."""
    mine = [rule for rule in rules if int(rule["id_tax"]) in tax_rates]
    parts = [tax_rates[int(rule["id_tax"])] for rule in mine]
    behavior = max((int(rule["behavior"] or 0) for rule in mine), default=0)
    combined = [rates(parts, compound=behavior == 2)] if len(parts) > 1 and behavior else []
    return [*(rates([part]) for part in parts), *combined]
