"""Orders, equal to the cent: from the shop's rows to one Odoo order whose total is the shop's, or a reason why not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from portal.entities.base import Invalid, Ref
from portal.entities.lines import Item, Kind, items
from portal.entities.money import ZERO, amount, rounded, unit
from portal.entities.odoo_arithmetic import OdooSales, Sums
from portal.entities.order_source import READS, OrderSource, Read, needs, source
from portal.entities.pricing import Pricing, price
from portal.entities.tax import TaxFinder, TaxMap

__all__ = ["READS", "Difference", "OrderPlan", "OrderSource", "PlanLine", "Read", "Tolerance", "Verdict", "correction", "judge",
           "needs", "plan", "source"]

ROUNDING_TEXT = "Rounding PrestaShop"


@dataclass(frozen=True)
class Tolerance:
    """How large a rounding line may be, in the currency's smallest unit: so many per line of the order, at most so many."""

    per_line: int = 1
    most: int = 5

    def of(self, lines: int, digits: int) -> Decimal:
        """The largest rounding line for an order with so many lines."""
        return min(self.per_line * lines, self.most) * unit(digits)


@dataclass(frozen=True)
class PlanLine:
    """One line to be created in Odoo. `item` is the place of the shop's amount in `OrderPlan.items`; -1: rounding.

    `excl` and `incl` are what Odoo is expected to show for the line.
    """

    kind: Kind
    ref: Ref | None
    service: str | None
    text: str
    quantity: int
    price_unit: Decimal
    taxes: tuple[int, ...]
    tax_names: tuple[str, ...]
    included: bool
    item: int
    excl: Decimal
    incl: Decimal


@dataclass(frozen=True)
class OrderPlan:
    """How an order will look in Odoo, and whether it may be confirmed.

    `verdict` exact: Odoo's total will be the shop's. rounding_line: it will, with one line of `rounding`, for the reasons in
    `rounding_causes` (shop: its total is not the sum of its lines; odoo: Odoo cannot express the lines). held: it cannot be;
    the order stays a quotation, `reason` says why and `cause` groups. `notes` tell what would make more orders exact.
    """

    source: OrderSource
    items: tuple[Item, ...]
    lines: tuple[PlanLine, ...]
    expected: Sums
    shop_incl: Decimal
    shop_excl: Decimal
    rounding: Decimal
    rounding_causes: tuple[str, ...]
    tolerance: Decimal
    net_tolerance: Decimal
    digits: int
    verdict: Literal["exact", "rounding_line", "held"]
    reason: str = ""
    cause: str = ""
    notes: tuple[str, ...] = ()

    @property
    def currency(self) -> str:
        return self.source.currency


@dataclass(frozen=True)
class Difference:
    """One amount on both sides."""

    what: str
    shop: Decimal
    odoo: Decimal

    @property
    def off(self) -> Decimal:
        return self.odoo - self.shop


@dataclass(frozen=True)
class Verdict:
    """Whether Odoo's order equals the shop's; only an equal one may be confirmed. `cause` groups what is unequal."""

    equal: bool
    reason: str
    rows: tuple[Difference, ...]
    cause: str = ""


def plan(found: OrderSource, odoo: OdooSales, tax_map: TaxMap | None = None, *,
         tolerance: Tolerance | None = None) -> OrderPlan:
    """Choose the lines and foresee the totals.

    Raises Invalid for what cannot be mapped at all (currency, tax), with a `cause` such as `tax:20%:FR`: such an order waits
    and nothing is created. An order that can be created but would not be equal comes back as held.
    """
    currency = odoo.currencies.get(found.currency)
    if currency is None:
        raise Invalid(f"The order is in {found.currency}, which is not active in Odoo. Activate the currency there.",
                      cause=f"currency:{found.currency}")
    if currency.pricelist_id is None and found.currency != odoo.company_currency:
        raise Invalid(f"Odoo has no price list in {found.currency}, so an order cannot be written in it. In Odoo tick Pricelists "
                      f"under Sales > Configuration > Settings and save, then make one in {found.currency} under Sales > "
                      "Products > Pricelists, and retry.",
                      cause=f"pricelist:{found.currency}")
    all_items = items(found, TaxFinder(odoo, found.country, tax_map, found.state))
    if not all_items:
        raise Invalid("The order has no lines. Delete it in the shop, or add its products there.", cause="order:empty")
    goal, goal_net = found.money("total_paid_tax_incl"), found.money("total_paid_tax_excl")
    rules = odoo.rules(currency.digits)
    pricing = price(all_items, rules, odoo.price_digits, goal)
    lines = _lines(all_items, pricing, currency.digits)
    whole = sum((item.incl for item in all_items), ZERO)
    rounding = goal - pricing.sums.total
    causes = () if not rounding else tuple(
        name for name, off in (("shop", goal - whole), ("odoo", whole - pricing.sums.total)) if off)
    limit = (tolerance or Tolerance()).of(len(all_items), found.digits)
    step = max(unit(found.digits), unit(currency.digits))
    net_limit = step * sum(1 + abs(item.quantity) for item in all_items)
    sums = pricing.sums
    reason, cause = _held(found, rounding, causes, limit, odoo.price_digits)
    if not reason and rounding:
        lines = (*lines, _rounding_line(rounding))
        sums = Sums(sums.untaxed + rounding, sums.tax)
    doubts = list(dict.fromkeys(item.doubt for item in all_items if item.doubt))
    if not reason and doubts:
        reason, cause = f"{' '.join(doubts)} Check the tax of the quotation in Odoo, then confirm it there.", "order:tax_unknown"
    if not reason and abs(sums.untaxed - goal_net) > net_limit:
        reason, cause = _wrong_tax(found, sums), "order:tax"
    verdict: Literal["exact", "rounding_line", "held"] = "held" if reason else "rounding_line" if rounding else "exact"
    return OrderPlan(found, all_items, lines, sums, goal, goal_net, rounding, causes, limit, net_limit, currency.digits,
                     verdict, reason, cause, _notes(all_items, causes, odoo))


def judge(made: OrderPlan, read_back: Mapping[str, Any]) -> Verdict:
    """Compare what Odoo computed (`amount_untaxed`, `amount_tax`, `amount_total`, as read) with the shop's totals.

    Equal means: the total to the cent, and the net amount within what the shop's separate rounding of net and gross explains.
    Raises Invalid when an amount is missing.
    """
    try:
        untaxed, tax, total = (rounded(amount(read_back[field]), 6)
                               for field in ("amount_untaxed", "amount_tax", "amount_total"))
    except (KeyError, ValueError):
        raise Invalid("Odoo did not tell the order's amounts.", cause="order:read_back") from None
    found = made.source
    rows = (Difference("Total without tax", made.shop_excl, untaxed),
            Difference("Tax", made.shop_incl - made.shop_excl, tax),
            Difference("Total", made.shop_incl, total))
    if total != made.shop_incl:
        off = total - made.shop_incl
        reason = made.reason or (f"The shop's total is {_money(found, made.shop_incl)}, Odoo computes {_money(found, total)}: "
                                 f"{_money(found, abs(off))} too {'much' if off > 0 else 'little'}.")
        return Verdict(False, reason, rows, made.cause or "order:total")
    if made.verdict == "held":
        return Verdict(False, made.reason, rows, made.cause)
    if abs(untaxed - made.shop_excl) > made.net_tolerance:
        return Verdict(False, _wrong_tax(made.source, Sums(untaxed, tax)), rows, "order:tax")
    return Verdict(True, "", rows)


def correction(made: OrderPlan, read_back: Mapping[str, Any]) -> PlanLine | None:
    """The rounding line that would make an unequal order in Odoo equal: to be added, or to replace the one that is there.

    None when Odoo is equal already or the difference is larger than the tolerance.
    """
    off = made.shop_incl - rounded(amount(read_back["amount_total"]), made.digits)
    planned = made.rounding if made.verdict == "rounding_line" else ZERO
    if made.verdict == "held" or not off or abs(planned + off) > made.tolerance:
        return None
    return _rounding_line(planned + off)


def _lines(all_items: tuple[Item, ...], pricing: Pricing, digits: int) -> tuple[PlanLine, ...]:
    lines: list[PlanLine] = []
    for index, (item, choice) in enumerate(zip(all_items, pricing.choices, strict=True)):
        for (quantity, price_unit), sums in zip(choice.pieces, choice.sums, strict=True):
            lines.append(PlanLine(
                item.kind, item.ref, item.service, item.text, quantity, price_unit, tuple(tax.id for tax in choice.taxes),
                tuple(tax.name for tax in choice.taxes), bool(choice.taxes) and choice.taxes[0].included, index,
                rounded(sums.untaxed, digits), rounded(sums.total, digits)))
    return tuple(lines)


def _rounding_line(off: Decimal) -> PlanLine:
    return PlanLine("rounding", None, "rounding", ROUNDING_TEXT, 1, off, (), (), False, -1, off, off)


def _held(found: OrderSource, rounding: Decimal, causes: tuple[str, ...], limit: Decimal, price_digits: int) -> tuple[str, str]:
    """Why the order may not be confirmed, and the cause key; two empty texts when it may."""
    if not rounding:
        return "", ""
    if rounding != rounded(rounding, price_digits):
        return (f"Odoo keeps only {price_digits} decimals of a price, too few for amounts in {found.currency}. "
                "Raise the decimal accuracy of “Product Price” in Odoo.", "order:decimals")
    if abs(rounding) <= limit:
        return "", ""
    off, most = _money(found, abs(rounding)), _money(found, limit)
    if "shop" not in causes:
        return (f"Odoo cannot express the lines of this order: {off} would remain. Add sales taxes that are included in the "
                "price, or raise the decimal accuracy of “Product Price” in Odoo.", "order:odoo")
    lines_tax = sum((line_total(row, "incl") - line_total(row, "excl") for row in found.details), ZERO)
    total_tax = found.money("total_products_wt") - found.money("total_products")
    if not lines_tax and total_tax > limit:
        return (f"The shop's total contains {_money(found, total_tax)} tax on products, but the product lines carry none. Correct "
                "the order in the shop (usually a VAT exemption applied to one and not to the other).", "order:exemption")
    if abs(found.money("total_paid_tax_incl") - _unrounded(found)) <= unit(found.digits):
        return (f"The shop rounds each line and the total on its own, which leaves {off}; the settings allow a rounding line of "
                f"{most}. Raise “Rounding line, cents at most” in the store's settings, then retry.", "order:rounding")
    way = "more" if rounding > 0 else "less"
    return (f"The shop's total is {off} {way} than its lines, shipping and vouchers add up to; rounding explains at most "
            f"{most}. Correct the order in the shop (usually an edit that was broken off), or the quotation in Odoo.",
            "order:shop_total")


def line_total(row: Mapping[str, Any], kind: Literal["excl", "incl"]) -> Decimal:
    """A shop line's total without (`excl`) or with tax."""
    return amount(row[f"total_price_tax_{kind}"])


def _unrounded(found: OrderSource) -> Decimal:
    """The shop's own sum: unit prices times quantities with all their decimals, less vouchers, and the charges."""
    goods = sum((amount(row["unit_price_tax_incl"]) * int(row["product_quantity"]) for row in found.details), ZERO)
    return goods - found.money("total_discounts_tax_incl") + found.money("total_shipping_tax_incl") \
        + found.money("total_wrapping_tax_incl")


def _wrong_tax(found: OrderSource, sums: Sums) -> str:
    tax = found.money("total_paid_tax_incl") - found.money("total_paid_tax_excl")
    return (f"The total agrees, but the tax does not: {_money(found, tax)} in the shop, {_money(found, sums.tax)} in Odoo. Check "
            "the taxes of the order's lines and the choice on the tax page.")


def _money(found: OrderSource, value: Decimal) -> str:
    return f"{rounded(value, found.digits)} {found.currency}"


def _notes(all_items: tuple[Item, ...], causes: tuple[str, ...], odoo: OdooSales) -> tuple[str, ...]:
    if "odoo" not in causes:
        return ()
    lacking = dict.fromkeys((item.options.missing, item.options.rates.label) for item in all_items if item.options.missing)
    notes = [f"Odoo has no {kind} sales tax of {label}; with it this order would need no rounding line."
             for kind, label in lacking]
    if odoo.price_digits < 6:
        notes.append("With 6 decimals for “Product Price” in Odoo, prices could follow the shop's more closely.")
    return tuple(notes)
