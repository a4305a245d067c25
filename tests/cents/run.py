"""Run generated and recorded orders through the plan and the model of Odoo, and count."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from portal.entities.base import Invalid
from portal.entities.odoo_arithmetic import OdooSales
from portal.entities.order import OrderPlan, OrderSource, judge, plan
from tests.cents.generator import NUMBERS, orders
from tests.cents.odoo_model import created
from tests.cents.truth import MAJORS, VERSIONS, odoo, sales, sources

ROUNDINGS = ("round_per_line", "round_globally")
KINDS = ("both", "included", "excluded")


@dataclass
class Count:
    """What became of the orders. `unequal_confirmed` must stay 0."""

    orders: int = 0
    equal: int = 0
    unequal_confirmed: int = 0
    rounding: Counter[str] = field(default_factory=Counter)
    parted: int = 0
    held: list[tuple[str, str, str]] = field(default_factory=list)

    def add(self, source: OrderSource, sales_of: OdooSales, label: str) -> OrderPlan | None:
        """Plan one order, create it in the model, judge it."""
        self.orders += 1
        try:
            made = plan(source, sales_of)
        except Invalid as error:
            self.held.append((label, error.cause, error.message))
            return None
        totals = created(made, sales_of)
        verdict = judge(made, totals)
        same = totals["amount_total"] == source.money("total_paid_tax_incl")
        self.equal += verdict.equal and same
        self.unequal_confirmed += verdict.equal and not same
        if not verdict.equal:
            self.held.append((label, made.cause, verdict.reason))
        if made.verdict == "rounding_line":
            self.rounding["+".join(made.rounding_causes)] += 1
        self.parted += len({line.item for line in made.lines}) < len(made.lines)
        return made

    @property
    def line(self) -> str:
        return f"orders={self.orders} unequal_confirmed={self.unequal_confirmed} equal={self.equal}"


def together(counts: Iterable[Count]) -> Count:
    """The sum of several counts."""
    whole = Count()
    for count in counts:
        whole.orders += count.orders
        whole.equal += count.equal
        whole.unequal_confirmed += count.unequal_confirmed
        whole.rounding += count.rounding
        whole.parted += count.parted
        whole.held += count.held
    return whole


PROFILES: list[tuple[int, str, int, str]] = list(itertools.product(MAJORS, ROUNDINGS, (2, 6), KINDS))
"""Every Odoo the orders are tried on: version, rounding method, decimals of a price, kinds of tax it has."""


def generated(count: int, seed: int = 1) -> Count:
    """Generated orders, each on one profile in turn."""
    found = Count()
    known = [sales(major, list(NUMBERS), rounding, digits, kinds) for major, rounding, digits, kinds in PROFILES]
    for number, source in enumerate(orders(count, seed)):
        found.add(source, known[number % len(known)], f"order {number + 1} on profile {number % len(known)}")
    return found


def recorded(chosen: Iterable[tuple[int, str, int, str]]) -> Count:
    """Every recorded order on each of the profiles."""
    found = Count()
    for major, rounding, digits, kinds in chosen:
        sales_of = odoo(major, rounding=rounding, digits=digits, kinds=kinds)
        for version in VERSIONS:
            for _, source in sources(version):
                found.add(source, sales_of, f"{version} order {source.record} on Odoo {major} {rounding} {digits} {kinds}")
    return found
