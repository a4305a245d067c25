"""Orders as PrestaShop computes them, at random but repeatable: the rules are those measured on real shops.

Prices are typed with or without tax, unit prices keep six decimals, lines are rounded per item, per line or not at all, up, down or
half in four ways, and the total adds unrounded amounts; vouchers are unrounded and their sum is rounded; shipping's two amounts are
rounded separately. Some lines carry two taxes or ecotax, some customers none, and some orders are edited afterwards.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Any

from portal.entities.money import ROUND_MODES
from portal.entities.order import OrderSource
from portal.entities.tax import Rates, rates

RATES = tuple(Decimal(text) for text in ("20", "10", "5.5", "2.1", "19", "7", "21", "25"))
PARTS = tuple(Decimal(text) for text in ("5", "9.975", "3", "2.5"))
"""Rates that occur only beside another one."""
SEVERAL = (rates(PARTS[:2]), rates([Decimal(21), PARTS[2]], compound=True), rates([Decimal(19), PARTS[3]], compound=True))
"""Two taxes on a line: added as in Quebec, and one on top of the other."""
NUMBERS = {rate: number for number, rate in enumerate((*RATES, *PARTS), start=1)}
CURRENCIES = (("EUR", 2, Decimal(1)), ("USD", 2, Decimal("1.0837")), ("JPY", 0, Decimal("162.37")))
SIX = Decimal("0.000001")
COUNTRY = {"20": "FR", "10": "FR", "5.5": "FR", "2.1": "FR", "19": "DE", "7": "DE", "21": "ES", "25": "DK"}
ECOTAX_RATE = Decimal(20)


@dataclass
class Cart:
    """An order while it is being computed. `mode` is PrestaShop's rounding 0 to 5."""

    digits: int
    round_type: int
    mode: int
    details: list[dict[str, Any]] = field(default_factory=list)
    rules: list[dict[str, Any]] = field(default_factory=list)
    excl: Decimal = Decimal(0)
    incl: Decimal = Decimal(0)

    def cents(self, value: Decimal) -> Decimal:
        """The amount in whole cents, as the shop rounds."""
        step = Decimal(1).scaleb(-self.digits)
        if self.mode < len(ROUND_MODES):
            return value.quantize(step, ROUND_MODES[self.mode])
        low = value.quantize(step, ROUND_FLOOR)  # half to odd
        return low if value - low == step / 2 and int(low / step) % 2 else value.quantize(step, ROUND_HALF_UP)

    def add(self, number: int, tax: Rates, unit_excl: Decimal, unit_incl: Decimal, quantity: int, ecotax: Decimal) -> None:
        """A line; its amounts count towards the total as the order's rounding has it."""
        if self.round_type == 1:
            excl, incl = self.cents(unit_excl) * quantity, self.cents(unit_incl) * quantity
        else:
            excl, incl = unit_excl * quantity, unit_incl * quantity
        shown = [self.cents(value) if self.round_type == 2 else value for value in (excl, incl)]
        self.excl += excl
        self.incl += incl
        taxed = [{"id": NUMBERS[part]} for part in tax.parts] if unit_excl != unit_incl or not unit_excl else []
        self.details.append({
            "id": number, "id_order": 1, "product_id": number, "product_attribute_id": 0, "product_name": f"Product {number}",
            "product_quantity": quantity, "unit_price_tax_excl": str(unit_excl), "unit_price_tax_incl": str(unit_incl),
            "total_price_tax_excl": str(shown[0]), "total_price_tax_incl": str(shown[1]), "ecotax": str(ecotax),
            "ecotax_tax_rate": str(ECOTAX_RATE if ecotax else 0),
            "tax_computation_method": 2 if tax.compound else 1 if len(tax.parts) > 1 else 0,
            "id_tax_rules_group": NUMBERS[tax.parts[-1]], "associations": {"taxes": taxed} if taxed else {}})

    def voucher(self, name: str, excl: Decimal, incl: Decimal, free_shipping: bool = False) -> None:
        self.rules.append({"id": len(self.rules) + 1, "id_order": 1, "name": name, "value": str(incl.quantize(SIX)),
                           "value_tax_excl": str(excl.quantize(SIX)), "free_shipping": str(int(free_shipping)), "deleted": "0"})


def orders(count: int, seed: int = 1) -> Iterator[OrderSource]:
    """So many orders; the same seed gives the same orders."""
    chance = random.Random(seed)
    for number in range(1, count + 1):
        yield order(number, chance)


def order(number: int, chance: random.Random) -> OrderSource:
    """One order, mostly of one to six lines."""
    currency, digits, change = chance.choices(CURRENCIES, (6, 2, 2))[0]
    cart = Cart(digits, chance.choices((1, 2, 3), (2, 6, 2))[0], chance.choices((2, 0, 1, 3, 4, 5), (15, 1, 1, 1, 1, 1))[0])
    choice = [rates([rate]) for rate in chance.sample(RATES, chance.choices((1, 2, 3), (6, 3, 1))[0])]
    if chance.random() < 0.1:
        choice[-1] = chance.choice(SEVERAL)
    exempt = chance.random() < 0.05
    for line in range(1, chance.choices((1, 2, 3, 4, 6, 14), (30, 30, 20, 10, 9, 1))[0] + 1):
        tax = chance.choice(choice)
        ecotax = (Decimal(chance.randint(2, 500)) / 100 * change).quantize(SIX) if chance.random() < 0.08 else Decimal(0)
        net, gross = _price(chance, tax, change, ecotax)
        cart.add(line, tax, net, net if exempt else gross, chance.randint(1, 12), ecotax)
    if cart.mode == 2 and chance.random() < 0.03:
        _edit(cart, chance.randrange(len(cart.details)))
    average = chance.random() < 0.05 and not exempt
    ship_tax = Rates() if exempt else chance.choice((rates([choice[0].parts[-1]]), Rates()))
    ship_excl = _typed(chance, 3, 20) * change if chance.random() < 0.7 else Decimal(0)
    wrap_tax = Rates() if exempt else choice[-1]
    wrap_excl = Decimal("2.5") * change if chance.random() < 0.15 else Decimal(0)
    mixed = cart.incl / cart.excl if cart.excl else Decimal(1)
    shipping, wrapping = ((cart.cents(excl), cart.cents(excl * (mixed if average else tax.factor)))
                          for excl, tax in ((ship_excl, ship_tax), (wrap_excl, wrap_tax)))
    _vouchers(cart, chance, change, shipping)
    discount = tuple(cart.cents(sum((Decimal(rule[name]) for rule in cart.rules), Decimal(0)))
                     for name in ("value_tax_excl", "value"))
    paid = [cart.cents(goods - off + ship + wrap)
            for goods, off, ship, wrap in zip((cart.excl, cart.incl), discount, shipping, wrapping, strict=True)]
    row = {
        "id": number, "reference": f"REF{number:06d}", "id_customer": 1 + number % 50, "id_address_delivery": 1,
        "id_address_invoice": 1, "date_add": "2026-03-29 12:00:00", "round_mode": cart.mode, "round_type": cart.round_type,
        "carrier_tax_rate": str(ship_tax.percent if any(shipping) and not average else Decimal(0)),
        "total_products": str(cart.cents(cart.excl)), "total_products_wt": str(cart.cents(cart.incl))}
    for name, pair in (("paid", paid), ("discounts", discount), ("shipping", shipping), ("wrapping", wrapping)):
        row[f"total_{name}_tax_excl"], row[f"total_{name}_tax_incl"] = (str(value) for value in pair)
    known = (*(rates([rate]) for rate in NUMBERS), *SEVERAL)
    return OrderSource(row, tuple(cart.details), tuple(cart.rules), {number: rate for rate, number in NUMBERS.items()}, currency,
                       digits, COUNTRY.get(str(choice[0].parts[0]), "CA"), known_rates=known, carrier="My carrier",
                       carrier_reference=1, timezone="Europe/Paris")


def _typed(chance: random.Random, low: int, high: int) -> Decimal:
    """A price as people type them: often .99 or .90, sometimes with odd decimals."""
    whole = Decimal(chance.randint(low, high))
    return whole + chance.choice((Decimal("0.99"), Decimal("0.90"), Decimal("0.5"), Decimal(chance.randint(0, 99)) / 100,
                                  Decimal(chance.randint(0, 999999)) * SIX))


def _price(chance: random.Random, tax: Rates, change: Decimal, ecotax: Decimal) -> tuple[Decimal, Decimal]:
    """Unit prices without and with tax after a reduction, in the order's currency, ecotax at its own rate inside."""
    typed = _typed(chance, 0, chance.choice((5, 40, 400)))
    net = (typed / tax.factor).quantize(SIX) if chance.random() < 0.7 else typed
    if chance.random() < 0.2:  # an amount taken off, down to nothing
        net = max(net - Decimal(chance.choice((1, 3, 10))), Decimal(0))
    net = net * change * (1 - chance.choice((0, 0, 0, 5, 10, 15, Decimal("33.33"))) / Decimal(100))
    own = 1 + ECOTAX_RATE / 100
    return (net + ecotax).quantize(SIX), (net * tax.factor + ecotax * own).quantize(SIX)


def _edit(cart: Cart, which: int) -> None:
    """The merchant changes a line's price in the back office: it is in whole cents afterwards, and so are all lines."""
    row = cart.details[which]
    excl, incl = (cart.cents(Decimal(row[f"unit_price_tax_{kind}"])) for kind in ("excl", "incl"))
    row |= {"unit_price_tax_excl": str(excl), "unit_price_tax_incl": str(incl)}
    for kind, unit in (("excl", excl), ("incl", incl)):
        whole = unit * row["product_quantity"]
        setattr(cart, kind, getattr(cart, kind) - Decimal(row[f"total_price_tax_{kind}"]) + whole)
        row[f"total_price_tax_{kind}"] = str(whole)


def _vouchers(cart: Cart, chance: random.Random, change: Decimal, shipping: tuple[Decimal, Decimal]) -> None:
    """None to three vouchers: a percentage of the cart, of some lines or of the cheapest product, a fixed amount with or without
    tax or for more than there is, a product's, a gift, free shipping alone or with a percentage. Never more than the goods."""
    left = cart.incl
    average = cart.incl / cart.excl if cart.excl else Decimal(1)
    kinds = ("percent", "some", "cheapest", "fixed", "net", "whole", "product", "gift", "shipping", "shipping and percent")
    for kind in chance.sample(kinds, chance.choices((0, 1, 2, 3), (6, 2, 1, 1))[0]):
        line = min(cart.details, key=_unit) if kind == "cheapest" else chance.choice(cart.details)
        unit = Decimal(line["unit_price_tax_excl"]), Decimal(line["unit_price_tax_incl"])
        part = Decimal(chance.choice((5, 10, 20))) / 100
        free = kind.startswith("shipping")
        if free and not any(shipping):
            continue
        if kind == "shipping":
            excl, incl = Decimal(0), Decimal(0)
        elif kind in ("percent", "shipping and percent"):
            excl, incl = cart.excl * part, cart.incl * part
        elif kind == "some":
            some = [row for row in cart.details if row["id"] % 2]
            excl, incl = (sum((Decimal(row[f"unit_price_tax_{tax}"]) * row["product_quantity"] for row in some), Decimal(0)) * part
                          for tax in ("excl", "incl"))
        elif kind in ("fixed", "net"):
            amount = Decimal(chance.choice((1, 3, 5, 10))) * change
            excl, incl = (amount / average, amount) if kind == "fixed" else (amount, amount * average)
        elif kind == "whole":
            excl, incl = cart.excl, cart.incl
        elif kind == "product":
            excl, incl = (value * line["product_quantity"] / 4 for value in unit)
        elif kind == "cheapest":
            excl, incl = (value * part for value in unit)
        else:
            excl, incl = unit
        if incl <= left and (incl or free):
            left -= incl
            cart.voucher(f"Voucher {kind}", excl + (shipping[0] if free else 0), incl + (shipping[1] if free else 0), free)


def _unit(row: dict[str, Any]) -> Decimal:
    return Decimal(row["unit_price_tax_incl"])
