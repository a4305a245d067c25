"""Orders as PrestaShop computes them, at random but repeatable: the rules are those measured on real shops.

Prices are typed with or without tax, unit prices keep six decimals, lines are rounded per item, per line or not at all, and the
total adds unrounded amounts; vouchers are unrounded and their sum is rounded; shipping's two amounts are rounded separately.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from portal.entities.order import OrderSource
from portal.entities.tax import rates

RATES = tuple(Decimal(text) for text in ("20", "10", "5.5", "2.1", "19", "7", "21", "25"))
CURRENCIES = (("EUR", 2, Decimal(1)), ("USD", 2, Decimal("1.0837")), ("JPY", 0, Decimal("162.37")))
SIX = Decimal("0.000001")
COUNTRY = {"20": "FR", "10": "FR", "5.5": "FR", "2.1": "FR", "19": "DE", "7": "DE", "21": "ES", "25": "DK"}


@dataclass
class Cart:
    """An order while it is being computed."""

    digits: int
    round_type: int
    details: list[dict[str, Any]] = field(default_factory=list)
    rules: list[dict[str, Any]] = field(default_factory=list)
    excl: Decimal = Decimal(0)
    incl: Decimal = Decimal(0)

    def cents(self, value: Decimal) -> Decimal:
        return value.quantize(Decimal(1).scaleb(-self.digits), ROUND_HALF_UP)

    def add(self, number: int, rate: Decimal, unit_excl: Decimal, unit_incl: Decimal, quantity: int) -> None:
        if self.round_type == 1:
            excl, incl = self.cents(unit_excl) * quantity, self.cents(unit_incl) * quantity
        else:
            excl, incl = unit_excl * quantity, unit_incl * quantity
        shown = [self.cents(value) if self.round_type == 2 else value for value in (excl, incl)]
        self.excl += excl
        self.incl += incl
        self.details.append({
            "id": number, "id_order": 1, "product_id": number, "product_attribute_id": 0, "product_name": f"Product {number}",
            "product_quantity": quantity, "unit_price_tax_excl": str(unit_excl), "unit_price_tax_incl": str(unit_incl),
            "total_price_tax_excl": str(shown[0]), "total_price_tax_incl": str(shown[1]), "ecotax": "0.000000",
            "ecotax_tax_rate": "0", "tax_computation_method": 0, "id_tax_rules_group": 1 + RATES.index(rate),
            "associations": {"taxes": [{"id": 1 + RATES.index(rate)}]}})

    def voucher(self, name: str, excl: Decimal, incl: Decimal, free_shipping: bool = False) -> None:
        self.rules.append({"id": len(self.rules) + 1, "id_order": 1, "name": name, "value": str(incl.quantize(SIX)),
                           "value_tax_excl": str(excl.quantize(SIX)), "free_shipping": str(int(free_shipping)), "deleted": "0"})


def orders(count: int, seed: int = 1) -> Iterator[OrderSource]:
    """So many orders; the same seed gives the same orders."""
    chance = random.Random(seed)
    for number in range(1, count + 1):
        yield order(number, chance)


def order(number: int, chance: random.Random) -> OrderSource:
    """One order of one to six lines."""
    currency, digits, change = chance.choices(CURRENCIES, (6, 2, 2))[0]
    cart = Cart(digits, chance.choices((1, 2, 3), (2, 6, 2))[0])
    choice = chance.sample(RATES, chance.choices((1, 2, 3), (6, 3, 1))[0])
    for line in range(1, chance.choices((1, 2, 3, 4, 6), (3, 3, 2, 1, 1))[0] + 1):
        rate = chance.choice(choice)
        cart.add(line, rate, *_price(chance, rate, change), chance.randint(1, 12))
    ship_rate = chance.choice((choice[0], Decimal(0)))
    ship_excl = _typed(chance, 3, 20) * change if chance.random() < 0.7 else Decimal(0)
    shipping = cart.cents(ship_excl), cart.cents(ship_excl * (1 + ship_rate / 100))
    wrap_rate = choice[-1]
    wrap_excl = Decimal("2.5") * change if chance.random() < 0.15 else Decimal(0)
    wrapping = cart.cents(wrap_excl), cart.cents(wrap_excl * (1 + wrap_rate / 100))
    _vouchers(cart, chance, change, shipping)
    discount = tuple(cart.cents(sum((Decimal(rule[name]) for rule in cart.rules), Decimal(0)))
                     for name in ("value_tax_excl", "value"))
    paid = [cart.cents(goods - off + ship + wrap)
            for goods, off, ship, wrap in zip((cart.excl, cart.incl), discount, shipping, wrapping, strict=True)]
    row = {
        "id": number, "reference": f"REF{number:06d}", "id_customer": 1 + number % 50, "id_address_delivery": 1,
        "id_address_invoice": 1, "date_add": "2026-03-29 12:00:00", "round_mode": 2, "round_type": cart.round_type,
        "carrier_tax_rate": str(ship_rate if any(shipping) else Decimal(0)),
        "total_products": str(cart.cents(cart.excl)), "total_products_wt": str(cart.cents(cart.incl))}
    for name, pair in (("paid", paid), ("discounts", discount), ("shipping", shipping), ("wrapping", wrapping)):
        row[f"total_{name}_tax_excl"], row[f"total_{name}_tax_incl"] = (str(value) for value in pair)
    return OrderSource(row, tuple(cart.details), tuple(cart.rules), {1 + i: rate for i, rate in enumerate(RATES)}, currency,
                       digits, COUNTRY[str(choice[0])], known_rates=tuple(rates([rate]) for rate in RATES), carrier="My carrier",
                       carrier_reference=1, timezone="Europe/Paris")


def _typed(chance: random.Random, low: int, high: int) -> Decimal:
    """A price as people type them: often .99 or .90, sometimes with odd decimals."""
    whole = Decimal(chance.randint(low, high))
    return whole + chance.choice((Decimal("0.99"), Decimal("0.90"), Decimal("0.5"), Decimal(chance.randint(0, 99)) / 100,
                                  Decimal(chance.randint(0, 999999)) * SIX))


def _price(chance: random.Random, rate: Decimal, change: Decimal) -> tuple[Decimal, Decimal]:
    """Unit prices without and with tax after a reduction, in the order's currency."""
    factor = 1 + rate / 100
    typed = _typed(chance, 0, chance.choice((5, 40, 400)))
    net = (typed / factor).quantize(SIX) if chance.random() < 0.7 else typed
    net = net * change * (1 - chance.choice((0, 0, 0, 5, 10, 15, Decimal("33.33"))) / Decimal(100))
    return net.quantize(SIX), (net * factor).quantize(SIX)


def _vouchers(cart: Cart, chance: random.Random, change: Decimal, shipping: tuple[Decimal, Decimal]) -> None:
    """None to three vouchers: a percentage, a fixed amount, a product's, a gift, free shipping; never more than the goods."""
    left = cart.incl
    average = cart.incl / cart.excl if cart.excl else Decimal(1)
    for kind in chance.sample(("percent", "fixed", "product", "gift", "shipping"), chance.choices((0, 1, 2, 3), (6, 2, 1, 1))[0]):
        line = chance.choice(cart.details)
        unit = Decimal(line["unit_price_tax_excl"]), Decimal(line["unit_price_tax_incl"])
        if kind == "shipping" and any(shipping):
            cart.voucher("Free shipping", *shipping, free_shipping=True)
            continue
        if kind == "percent":
            part = Decimal(chance.choice((5, 10, 20))) / 100
            excl, incl = cart.excl * part, cart.incl * part
        elif kind == "fixed":
            incl = Decimal(chance.choice((1, 3, 5, 10))) * change
            excl = incl / average
        elif kind == "product":
            excl, incl = (value * line["product_quantity"] / 4 for value in unit)
        elif kind == "gift":
            excl, incl = unit
        else:
            continue
        if incl <= left:
            left -= incl
            cart.voucher(f"Voucher {kind}", excl, incl)
