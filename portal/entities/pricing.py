"""Unit prices that make Odoo's own arithmetic arrive at the shop's amounts.

For each amount several ways to say it in Odoo are tried against the model of Odoo's arithmetic: with the tax included in the
price or on top of it, at the shop's own unit price or at one derived from the line's total. When Odoo stores too few decimals
for any single price, the quantity is parted in two: 6 pieces for 3.85 are 5 at 0.64 and 1 at 0.65.
"""

from __future__ import annotations

import decimal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from portal.entities.lines import Item
from portal.entities.money import ZERO, rounded, unit
from portal.entities.odoo_arithmetic import LineSums, OdooTax, Rules, Sums, flattened, line_sums, order_sums

FINE = 4
"""Digits below which a difference does not count: where Odoo rounds the whole order, lines are never quite exact."""

Rank = tuple[Decimal, int, Decimal]

PERFECT: Rank = (ZERO, 1, ZERO)

Pieces = tuple[tuple[int, Decimal], ...]
"""Quantities and unit prices that together are one amount of the shop."""


@dataclass(frozen=True)
class Choice:
    """One way to say an amount in Odoo and what comes out of it. `off`: tax included, minus the shop's amount."""

    pieces: Pieces
    taxes: tuple[OdooTax, ...]
    sums: tuple[LineSums, ...]
    off: Decimal
    off_net: Decimal

    @property
    def rank(self) -> Rank:
        """Lower is better: the total first, then few lines, then the net amount."""
        return abs(rounded(self.off, FINE)), len(self.pieces), abs(rounded(self.off_net, FINE))


@dataclass(frozen=True)
class Pricing:
    """The chosen way of every item and the order totals that follow."""

    choices: tuple[Choice, ...]
    sums: Sums


def price(found: Sequence[Item], rules: Rules, price_digits: int, goal: Decimal) -> Pricing:
    """The best choice for every item. `goal` is the shop's total: once it is met, nothing more is tried."""
    menus = [_menu(item, rules, price_digits) for item in found]
    picked = [menu[0] for menu in menus]
    wanted = sum((item.incl for item in found), ZERO)
    sums = _sums(picked, rules)
    while sums.total not in (goal, wanted):
        better = _improved(menus, picked, sums, wanted, rules)
        if better is None:
            break
        picked, sums = better
    return Pricing(tuple(picked), sums)


def _sums(picked: Sequence[Choice], rules: Rules) -> Sums:
    return order_sums([sums for choice in picked for sums in choice.sums], rules)


def _improved(menus: Sequence[list[Choice]], picked: list[Choice], now: Sums, wanted: Decimal,
              rules: Rules) -> tuple[list[Choice], Sums] | None:
    """The order with one item said another way, nearer to `wanted`; None when there is none.

    An item Odoo can express exactly stays exact, unless Odoo rounds the order as a whole and no line stands for itself.
    """
    best: tuple[Decimal, Rank, int, Choice, Sums] | None = None
    for index, menu in enumerate(menus):
        for choice in menu[1:]:
            if choice is picked[index] or (not rules.globally and abs(choice.off) > abs(menu[0].off)):
                continue
            sums = _sums([*picked[:index], choice, *picked[index + 1:]], rules)
            distance = abs(sums.total - wanted)
            if distance < abs(now.total - wanted) and (best is None or (distance, choice.rank) < best[:2]):
                best = (distance, choice.rank, index, choice, sums)
    if best is None:
        return None
    return [*picked[:best[2]], best[3], *picked[best[2] + 1:]], best[4]


def _menu(item: Item, rules: Rules, digits: int) -> list[Choice]:
    """The ways to say one item, best first; the rest are at most one cent off, for balancing the order as a whole."""
    found: list[Choice] = []
    kinds = [item.options.included, item.options.excluded]
    if kinds[0] == kinds[1]:
        kinds.pop()
    for taxes in kinds:
        if taxes is None:
            continue
        on_top = bool(taxes) and not taxes[0].included
        flat = flattened(taxes)
        for pieces in _ways(item, on_top, rules, digits):
            choice = _choice(item, pieces, taxes, flat, rules)
            found.append(choice)
            if choice.rank == PERFECT:
                return _sorted(found, rules)
    return _sorted(found, rules)


def _sorted(found: list[Choice], rules: Rules) -> list[Choice]:
    found.sort(key=lambda choice: choice.rank)
    return [choice for choice in found if abs(choice.off) <= max(unit(rules.digits), abs(found[0].off))]


def _choice(item: Item, pieces: Pieces, taxes: tuple[OdooTax, ...], flat: tuple[OdooTax, ...], rules: Rules) -> Choice:
    sums = tuple(line_sums(price_unit, Decimal(quantity), flat, rules) for quantity, price_unit in pieces)
    total, net = sum((line.total for line in sums), ZERO), sum((line.untaxed for line in sums), ZERO)
    return Choice(pieces, taxes, sums, total - item.incl, net - item.excl)


def _ways(item: Item, on_top: bool, rules: Rules, digits: int) -> Iterator[Pieces]:
    """Candidates, natural ones first, each once."""
    own, goal = (item.unit_excl, item.excl) if on_top else (item.unit_incl, item.incl)
    if not item.quantity:
        yield ((0, rounded(own, digits)),)
        return
    seen: set[Pieces] = set()
    goals = [goal]
    step = unit(rules.digits)
    if on_top:
        net = item.incl / item.options.rates.factor
        if rules.globally and rules.major >= 18:
            goals.append(net)
        near = rounded(net, rules.digits)
        goals += [near, near - step, near + step]
    elif rules.globally:
        goals += [goal - step, goal + step]
    singles: list[Pieces] = [((item.quantity, rounded(own, digits)),)]
    singles += [((item.quantity, rounded(wanted / item.quantity, digits)),) for wanted in goals]
    parted = [pieces for wanted in goals if (pieces := _parted(wanted, item.quantity, digits))]
    for pieces in [*singles, *parted]:
        if pieces not in seen:
            seen.add(pieces)
            yield pieces


def _parted(wanted: Decimal, quantity: int, digits: int) -> Pieces | None:
    """The quantity in two parts at neighbouring prices that make `wanted`; None when a single price does or none can."""
    low = rounded(wanted / quantity, digits, decimal.ROUND_FLOOR)
    more, rest = divmod(wanted - low * quantity, unit(digits))
    if rest or not more:
        return None
    return ((quantity - int(more), low), (int(more), low + unit(digits)))
