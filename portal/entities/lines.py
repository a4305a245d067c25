"""What a shop order charges, amount by amount: products, ecotax, shipping, wrapping and vouchers, each with its real tax."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from portal.entities.base import Invalid, Ref, Row
from portal.entities.money import ZERO, rounded, share, shop_rounding, unit
from portal.entities.order_source import OrderSource, detail_rates, money, product_ref
from portal.entities.tax import UNTAXED, Options, Rates, TaxFinder, best_fit, rates, real_rates
from portal.entities.text import one_line

Kind = Literal["product", "ecotax", "shipping", "wrapping", "voucher", "rounding"]


@dataclass(frozen=True)
class Item:
    """One amount of the order as the shop charges it, in the order's currency, vouchers negative.

    `excl` and `incl` are the line's amounts in whole cents; `unit_excl` and `unit_incl` keep PrestaShop's six decimals.
    `service` names the Odoo service product when there is no shop product. `detail` is the shop's order line. `doubt` says why
    the tax may be wrong; such an order is not confirmed.
    """

    kind: Kind
    text: str
    quantity: int
    unit_excl: Decimal
    unit_incl: Decimal
    excl: Decimal
    incl: Decimal
    options: Options
    ref: Ref | None = None
    service: str | None = None
    detail: int = 0
    doubt: str = ""


def items(source: OrderSource, finder: TaxFinder) -> tuple[Item, ...]:
    """Every amount of the order. Raises Invalid when a tax is missing in Odoo."""
    goods: list[Item] = []
    for row in source.details:
        goods += _goods(row, source, finder)
    shipping = _charge(source, finder, goods, "shipping")
    wrapping = _charge(source, finder, goods, "wrapping")
    return (*goods, *shipping, *wrapping, *_vouchers(source, goods, shipping))


def _goods(row: Row, source: OrderSource, finder: TaxFinder) -> list[Item]:
    """A product line, and its ecotax on a line of its own when that is taxed at another rate (it is inside the price)."""
    unit_excl, unit_incl = (money(row, f"unit_price_tax_{kind}", "line") for kind in ("excl", "incl"))
    mode = shop_rounding(source.order.get("round_mode"))
    excl, incl = (rounded(money(row, f"total_price_tax_{kind}", "line"), source.digits, mode) for kind in ("excl", "incl"))
    quantity, group = int(row["product_quantity"]), int(row.get("id_tax_rules_group") or 0)
    name = one_line(row.get("product_name")) or one_line(row.get("product_reference")) or f"Product {row['product_id']}"
    nominal = detail_rates(row, source.tax_rates)
    eco_rates = rates([money(row, "ecotax_tax_rate", "line")])
    ecotax = _ecotax(unit_excl, unit_incl, money(row, "ecotax", "line"), nominal, eco_rates, unit(source.digits))
    wanted, doubt = nominal, ""
    if not ecotax:
        real = real_rates(unit_excl, unit_incl, nominal, source.digits, _seen(source))
        wanted = nominal if real is None else real
        if real is None:
            doubt = (f"“{name}”: its prices {unit_excl} without and {unit_incl} with tax do not differ by {nominal.label}, the tax "
                     "of the line, nor by any other tax of the shop.")
    apart = ecotax * eco_rates.factor
    apart_excl, apart_incl = (rounded(part * quantity, source.digits) for part in (ecotax, apart))
    number = int(row["id"])
    found = [Item("product", name, quantity, unit_excl - ecotax, unit_incl - apart, excl - apart_excl, incl - apart_incl,
                  finder.options(wanted, group), product_ref(row), detail=number, doubt=doubt)]
    if ecotax:
        found.append(Item("ecotax", f"Ecotax: {name}", quantity, ecotax, apart, apart_excl, apart_incl,
                          finder.options(eco_rates), service="ecotax", detail=number))
    return found


def _ecotax(excl: Decimal, incl: Decimal, named: Decimal, nominal: Rates, eco_rates: Rates, step: Decimal) -> Decimal:
    """The part of a unit price that is ecotax taxed at its own rate; 0 when there is none or its rate is the product's.

    A customer group's reduction lowers the ecotax inside the price below the one the shop names, so it is worked out. A price
    that was edited in the back office is in whole cents (`step`), so it fits less sharply.
    """
    apart = eco_rates.factor - nominal.factor
    if not named or not apart:
        return ZERO
    part = (incl - excl * nominal.factor) / apart
    if abs(part - named) < Decimal("0.0005"):
        return named
    if Decimal("0.0005") < part < named:
        return rounded(part, 6)
    edited = not excl % step and not incl % step and not nominal.fits(excl, incl, step)
    return named if edited and nominal.fits(excl - named, incl - named * eco_rates.factor, step) else ZERO


def _seen(source: OrderSource) -> list[Rates]:
    """The tax combinations of the order's products, then the others of its country."""
    own = [detail_rates(row, source.tax_rates) for row in source.details]
    return list(dict.fromkeys([*own, *source.known_rates]))


def _charge(source: OrderSource, finder: TaxFinder, goods: Sequence[Item], what: Literal["shipping", "wrapping"]) -> list[Item]:
    """Shipping or gift wrapping. Its two amounts are rounded separately and its tax is not named: it is recognised by them.

    With PrestaShop's "average tax" setting the charge carries the mixture of the products' taxes and is split alike.
    """
    excl, incl = (rounded(source.money(f"total_{what}_tax_{kind}"), source.digits) for kind in ("excl", "incl"))
    if not excl and not incl:
        return []
    text = f"Shipping: {source.carrier}" if what == "shipping" and source.carrier else what.capitalize()
    candidates = _seen(source)
    if what == "shipping":
        carrier = rates([source.money("carrier_tax_rate")])
        same = [wanted for wanted in candidates if abs(wanted.factor - carrier.factor) < Decimal("0.000001")]
        candidates = [*same, carrier, *candidates]
    wanted = best_fit(excl, incl, candidates, source.digits)
    parts = _by_tax(goods)
    weights = [net * options.rates.factor for options, net in parts]
    mixed = excl * sum(weights, ZERO) / sum((net for _, net in parts), ZERO) if parts else excl
    likely = bool(parts) and abs(mixed - incl) <= (incl - excl) * Decimal("0.03") + 2 * unit(source.digits)
    if wanted is None and not likely:  # taxed as in another country: so are the demo orders of every new shop
        wanted = best_fit(excl, incl, [rates([rate]) for rate in source.tax_rates.values()], source.digits)
    if wanted is not None or not parts:
        same_tax = [item.options for item in goods if item.options.rates == wanted]
        options = same_tax[0] if same_tax else finder.options(wanted or UNTAXED)
        doubt = _doubt(what, excl, incl) if wanted is None else ""
        return [Item(what, text, 1, excl, incl, excl, incl, options, service=what, doubt=doubt)]
    return [Item(what, f"{text} ({options.rates.label})", 1, part_excl, part_incl, part_excl, part_incl, options, service=what,
                 doubt="" if likely else _doubt(what, excl, incl))
            for (options, _), part_excl, part_incl in zip(parts, share(excl, [n for _, n in parts], source.digits),
                                                          share(incl, weights, source.digits), strict=True)
            if part_incl or part_excl]


def _doubt(what: str, excl: Decimal, incl: Decimal) -> str:
    return f"The tax of the order's {what} ({excl} without, {incl} with tax) is none of the shop's taxes."


def _by_tax(found: Sequence[Item]) -> list[tuple[Options, Decimal]]:
    """Net amount per Odoo tax, in the order of the lines; what is free of charge weighs nothing."""
    sums: dict[Options, Decimal] = {}
    for item in found:
        sums[item.options] = sums.get(item.options, ZERO) + item.excl
    return [(options, net) for options, net in sums.items() if net > 0]


@dataclass(frozen=True)
class _Rule:
    name: str
    excl: Decimal
    incl: Decimal
    free_shipping: bool = False


def _vouchers(source: OrderSource, goods: Sequence[Item], shipping: Sequence[Item]) -> list[Item]:
    """One negative line per voucher and tax; all together exactly the order's discount, tax included and excluded."""
    total_incl, total_excl = (rounded(source.money(f"total_discounts_tax_{kind}"), source.digits) for kind in ("incl", "excl"))
    rules = [_Rule(one_line(row.get("name")) or "Voucher", money(row, "value_tax_excl", "voucher"),
                   money(row, "value", "voucher"), str(row.get("free_shipping")) == "1")
             for row in source.cart_rules if str(row.get("deleted") or "0") == "0"]
    known_incl, known_excl = sum((r.incl for r in rules), ZERO), sum((r.excl for r in rules), ZERO)
    if abs(known_incl - total_incl) >= unit(source.digits):
        rest = _Rule("Discount without a voucher", total_excl - known_excl, total_incl - known_incl)
        rules.append(rest)
        known_incl = total_incl
    if not rules or not (total_incl or known_incl):
        return []
    found: list[Item] = []
    cents = _settled([rule.incl for rule in rules], total_incl, source.digits)
    nets = _settled([rule.excl for rule in rules], total_excl, source.digits)
    for rule, incl, excl in zip(rules, cents, nets, strict=True):
        found += _one_voucher(rule, incl, excl, goods, shipping, source.digits)
    return found


def _settled(values: Sequence[Decimal], total: Decimal, digits: int) -> list[Decimal]:
    """The values in whole cents summing to `total`: each as it is, rounded; what is left over is shared one cent each."""
    step = unit(digits)
    found = [rounded(value, digits) for value in values]
    missing = total - sum(found, ZERO)
    order = sorted(range(len(found)), key=lambda i: (found[i] - values[i], i), reverse=missing < 0)
    for index in range(int(abs(missing) / step)):
        found[order[index % len(order)]] += step if missing > 0 else -step
    return found


def _one_voucher(rule: _Rule, incl: Decimal, excl: Decimal, goods: Sequence[Item], shipping: Sequence[Item],
                 digits: int) -> list[Item]:
    """Free shipping takes back the shipping lines first; the rest belongs to one product's tax or to all in proportion."""
    found: list[Item] = []
    if rule.free_shipping:
        for item in shipping:
            part_incl, part_excl = min(item.incl, incl), min(item.excl, excl) if item.incl <= incl else excl
            found.append(_voucher(rule.name, part_incl, part_excl, item.options))
            incl, excl = incl - part_incl, excl - part_excl
            rule = _Rule(rule.name, rule.excl - part_excl, rule.incl - part_incl)
    if not incl and not excl:
        return [item for item in found if item.incl or item.excl]
    parts = _by_tax(goods) or [(item.options, Decimal(1)) for item in (*goods, *shipping)][:1]
    if not parts:
        raise Invalid("The order has a discount but neither products nor shipping. Correct it in the shop.",
                      cause="order:empty")
    parts = _of_voucher(rule, parts, digits)
    weights = [net * options.rates.factor for options, net in parts]
    shares = zip(parts, share(incl, weights, digits), share(excl, [net for _, net in parts], digits), strict=True)
    for (options, _), part_incl, part_excl in shares:
        name = f"{rule.name} ({options.rates.label})" if len(parts) > 1 else rule.name
        found.append(_voucher(name, part_incl, part_excl, options))
    return [item for item in found if item.incl or item.excl]


def _of_voucher(rule: _Rule, parts: list[tuple[Options, Decimal]], digits: int) -> list[tuple[Options, Decimal]]:
    """The one tax that explains the voucher's two values, or the cart's mixture; where neither does, since the voucher is for
    some of the products, the mixture that does."""
    net = sum((net for _, net in parts), ZERO)
    mixture = sum((net * options.rates.factor for options, net in parts), ZERO) / net
    if len(parts) == 1 or not rule.excl:
        return parts
    best = min(parts, key=lambda part: abs(rule.incl - rule.excl * part[0].rates.factor))
    single, mixed = (abs(rule.incl - rule.excl * factor) for factor in (best[0].rates.factor, mixture))
    likely = [best] if single < mixed else parts
    return likely if min(single, mixed) <= unit(digits) else _tilted(rule.incl / rule.excl, parts) or likely


def _tilted(factor: Decimal, parts: list[tuple[Options, Decimal]]) -> list[tuple[Options, Decimal]]:
    """The net amounts, shifted between the taxes so that together they carry `factor`; of those with several taxes the one
    nearest to the cart's. Empty where the factor lies outside of what the taxes can make."""
    whole = sum((net for _, net in parts), ZERO)
    factors = [options.rates.factor for options, _ in parts]
    mean = sum((net * own for (_, net), own in zip(parts, factors, strict=True)), ZERO) / whole
    spread = sum((net * (own - mean) ** 2 for (_, net), own in zip(parts, factors, strict=True)), ZERO) / whole
    if not spread or not min(factors) <= factor <= max(factors):
        return []
    shifted = [(options, net * (1 + (factor - mean) * (own - mean) / spread))
               for (options, net), own in zip(parts, factors, strict=True)]
    if all(net >= 0 for _, net in shifted):
        return shifted
    low = max((part for part in parts if part[0].rates.factor <= factor), key=lambda part: part[0].rates.factor)
    high = min((part for part in parts if part[0].rates.factor >= factor), key=lambda part: part[0].rates.factor)
    if low is high:
        return [low]
    return [(low[0], high[0].rates.factor - factor), (high[0], factor - low[0].rates.factor)]


def _voucher(name: str, incl: Decimal, excl: Decimal, options: Options) -> Item:
    return Item("voucher", name, 1, -excl, -incl, -excl, -incl, options, service="discount")
