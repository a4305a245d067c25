"""How Odoo computes a sales order: a model of its tax engine, used to choose prices and to predict totals.

Odoo remains the judge: totals are read back after creation. The model only has to be right so that what is sent comes out
equal at the first attempt. Facts: 14-17 round each line's base first and take an included tax as the remainder; 18 and later
compute the included tax and take the base as the remainder. With "round globally" 14 and 15 round the sum of all taxes, 16 and
later the sum per tax; 18 and later round the base for the whole order too, and 19 keeps the included total when every tax of
the order is included in the price.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from portal.entities.money import ZERO, rounded

HUNDRED = Decimal(100)
EXTRA_DIGITS = 5
"""Odoo 14-17 keep five more digits of each line's tax when they round globally."""


@dataclass(frozen=True)
class OdooTax:
    """A sales tax as Odoo stores it. `amount` is a percentage, or an amount per piece for a fixed tax."""

    id: int
    name: str
    amount: Decimal
    amount_type: str = "percent"
    price_include: bool = False
    include_base_amount: bool = False
    is_base_affected: bool = True
    sequence: int = 1
    active: bool = True
    company_id: int = 0
    children: tuple[OdooTax, ...] = ()

    @property
    def included(self) -> bool:
        """Whether prices with this tax contain it; a group is what its members are."""
        return all(child.included for child in self.children) if self.children else self.price_include


@dataclass(frozen=True)
class OdooCurrency:
    """An active currency: its id, its decimal places, and the price list in it, if there is one."""

    id: int
    digits: int
    pricelist_id: int | None = None


@dataclass(frozen=True)
class OdooSales:
    """What a sales order meets in this Odoo, from the capability probe."""

    major: int
    taxes: tuple[OdooTax, ...]
    currencies: Mapping[str, OdooCurrency]
    company_currency: str
    tax_rounding: Literal["round_per_line", "round_globally"] = "round_per_line"
    price_digits: int = 2
    tax_field: str = "tax_id"
    has_technical_price: bool = False

    def rules(self, digits: int) -> Rules:
        """The arithmetic for a currency with so many digits."""
        return Rules(self.major, self.tax_rounding == "round_globally", digits)


@dataclass(frozen=True)
class Rules:
    """Major version, whether taxes are rounded for the whole order, digits of the currency."""

    major: int
    globally: bool
    digits: int


@dataclass(frozen=True)
class LineSums:
    """A line's base and its taxes in sequence; unrounded where Odoo has not rounded yet."""

    untaxed: Decimal
    taxes: tuple[tuple[OdooTax, Decimal], ...]

    @property
    def total(self) -> Decimal:
        return self.untaxed + sum((tax for _, tax in self.taxes), ZERO)


@dataclass(frozen=True)
class Sums:
    """An order's `amount_untaxed`, `amount_tax`, `amount_total`."""

    untaxed: Decimal
    tax: Decimal

    @property
    def total(self) -> Decimal:
        return self.untaxed + self.tax


def flattened(taxes: Iterable[OdooTax]) -> tuple[OdooTax, ...]:
    """The taxes in the order Odoo applies them, groups replaced by their members."""
    found: list[OdooTax] = []
    for tax in sorted(taxes, key=lambda tax: (tax.sequence, tax.id)):
        found += flattened(tax.children) if tax.amount_type == "group" else [tax]
    return tuple(found)


def line_sums(price_unit: Decimal, quantity: Decimal, taxes: Sequence[OdooTax], rules: Rules) -> LineSums:
    """One order line without discount. `taxes` as `flattened` gives them."""
    base = price_unit * quantity
    if rules.major < 18:
        return _line_to_17(rounded(base, rules.digits), quantity, taxes, rules)
    return _line_from_18(base if rules.globally else rounded(base, rules.digits), quantity, taxes, rules)


def order_sums(lines: Sequence[LineSums], rules: Rules) -> Sums:
    """The order's totals."""
    if not rules.globally:
        untaxed = sum((line.untaxed for line in lines), ZERO)
        return Sums(rounded(untaxed, rules.digits), rounded(sum((line.total for line in lines), ZERO) - untaxed, rules.digits))
    untaxed = rounded(sum((line.untaxed for line in lines), ZERO), rules.digits)
    per_tax: dict[int, Decimal] = {}
    for line in lines:
        for tax, value in line.taxes:
            per_tax[tax.id] = per_tax.get(tax.id, ZERO) + value
    if rules.major < 16:
        return Sums(untaxed, rounded(sum(per_tax.values(), ZERO), rules.digits))
    taxed = sum((rounded(value, rules.digits) for value in per_tax.values()), ZERO)
    if rules.major >= 19 and all(tax.price_include for line in lines for tax, _ in line.taxes):
        untaxed = rounded(sum((line.total for line in lines), ZERO), rules.digits) - taxed
    return Sums(untaxed, taxed)


def _line_to_17(base: Decimal, quantity: Decimal, taxes: Sequence[OdooTax], rules: Rules) -> LineSums:
    """First strip included taxes from the price, last one first; then add each tax up again, in order."""
    if not taxes:
        return LineSums(base, ())
    sign = -1 if base < 0 else 1
    base = abs(base)
    goals: dict[int, Decimal] = {}
    fixed = percent = division = ZERO
    awaited = True
    for index in range(len(taxes) - 1, -1, -1):
        tax = taxes[index]
        if tax.include_base_amount:
            base = _stripped(base, fixed, percent, division)
            fixed = percent = division = ZERO
            awaited = True
        if tax.price_include:
            if tax.amount_type == "percent":
                percent += tax.amount
            elif tax.amount_type == "division":
                division += tax.amount
            else:
                fixed += abs(quantity) * tax.amount
            if awaited and tax.amount:
                goals[index] = base
                awaited = False
    untaxed = rounded(_stripped(base, fixed, percent, division), rules.digits)
    digits = rules.digits + (EXTRA_DIGITS if rules.globally else 0)
    base, pending, mixed = untaxed, ZERO, False
    found: list[tuple[OdooTax, Decimal]] = []
    for index, tax in enumerate(taxes):
        if tax.price_include and not mixed and index in goals:
            value = goals[index] - (base + pending)
            pending = ZERO
        else:
            affected = rules.major < 15 or tax.price_include or tax.is_base_affected
            value = _tax_on_top(tax, base if affected else untaxed, quantity, tax.amount)
        value = rounded(value, digits)
        if tax.price_include and index not in goals:
            pending += value
        if tax.include_base_amount:
            base += value
            mixed = mixed or not tax.price_include
        found.append((tax, sign * value))
    return LineSums(sign * untaxed, tuple(found))


def _stripped(base: Decimal, fixed: Decimal, percent: Decimal, division: Decimal) -> Decimal:
    return (base - fixed) / (1 + percent / HUNDRED) * (HUNDRED - division) / HUNDRED


def _tax_on_top(tax: OdooTax, base: Decimal, quantity: Decimal, batch: Decimal) -> Decimal:
    """A tax added to `base`; `batch` is the percentage of all division taxes computed together."""
    if tax.amount_type == "fixed":
        return abs(quantity) * tax.amount
    if tax.amount_type == "division":
        rest = 1 - batch / HUNDRED
        return base * tax.amount / HUNDRED / (rest or 1)
    return base * tax.amount / HUNDRED


@dataclass
class _Open:
    """A tax of a line while Odoo 18 and later compute it."""

    tax: OdooTax
    batch: list[int] = field(default_factory=list)
    value: Decimal | None = None
    for_tax: Decimal = ZERO
    for_base: Decimal = ZERO


def _line_from_18(base: Decimal, quantity: Decimal, taxes: Sequence[OdooTax], rules: Rules) -> LineSums:
    """Fixed taxes first, then included ones from the last, then the others from the first; the base is what remains."""
    if not taxes:
        return LineSums(base, ())
    states = [_Open(tax) for tax in taxes]
    for batch in _batches(taxes):
        for index in batch:
            states[index].batch = batch
    order = range(len(states))
    steps = [i for i in reversed(order) if taxes[i].amount_type == "fixed"]
    steps += [i for i in reversed(order) if taxes[i].price_include and i not in steps]
    steps += [i for i in order if i not in steps]
    for index in steps:
        state = states[index]
        together = sum((taxes[other].amount for other in state.batch), ZERO)
        value = _value(state.tax, base + state.for_tax, quantity, together)
        state.value = value if rules.globally else rounded(value, rules.digits)
        _pass_on(index, states)
    first = states[0]
    untaxed = base + first.for_base
    if first.tax.price_include:
        untaxed -= sum((states[other].value or ZERO for other in first.batch), ZERO)
    return LineSums(untaxed, tuple((state.tax, state.value or ZERO) for state in states))


def _value(tax: OdooTax, base: Decimal, quantity: Decimal, together: Decimal) -> Decimal:
    if tax.amount_type == "fixed":
        return quantity * tax.amount
    if not tax.price_include:
        return _tax_on_top(tax, base, quantity, together)
    if tax.amount_type == "division":
        return base * tax.amount / HUNDRED
    return base * tax.amount / (HUNDRED + together)


def _batches(taxes: Sequence[OdooTax]) -> list[list[int]]:
    """Neighbouring taxes of one kind are computed together."""
    batches: list[list[int]] = []
    later: OdooTax | None = None
    for index in range(len(taxes) - 1, -1, -1):
        tax = taxes[index]
        head = taxes[batches[-1][0]] if batches else None
        alike = head is not None and later is not None and (
            (tax.amount_type, tax.price_include, tax.include_base_amount)
            == (head.amount_type, head.price_include, head.include_base_amount)
            and not (tax.include_base_amount and later.is_base_affected))
        if alike:
            batches[-1].append(index)
        else:
            batches.append([index])
        later = tax
    return batches


def _pass_on(index: int, states: Sequence[_Open]) -> None:
    """Let a computed tax change what the others are computed on."""
    state = states[index]
    before = range(min(state.batch))
    after = range(max(state.batch) + 1, len(states))
    changes: list[tuple[int, int]] = []
    if state.tax.price_include:
        changes += [(i, -1) for i in after if not (state.tax.include_base_amount and states[i].tax.is_base_affected)]
        changes += [(i, -1) for i in before]
    elif state.tax.include_base_amount:
        changes += [(i, 1) for i in after if states[i].tax.is_base_affected]
    for other, sign in changes:
        states[other].for_base += sign * (state.value or ZERO)
        if states[other].value is None:
            states[other].for_tax += sign * (state.value or ZERO)
