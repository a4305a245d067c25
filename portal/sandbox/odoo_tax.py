"""Odoo's tax arithmetic: what a line and a document amount to. Exact decimals, halves away from zero.

Up to 17 a line's net amount is always rounded to the cent; 18 and 19 keep it raw under "round globally".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from .odoo_models import Env

CENT = Decimal("0.01")
FINE = Decimal("0.0000001")  # tax amounts under "round globally"
HUNDRED = Decimal(100)


@dataclass(frozen=True)
class Amounts:
    """A line: its net amount, the amount of each tax, in the precision the version keeps."""

    net: Decimal
    taxes: tuple[tuple[int, Decimal], ...] = ()
    included: bool = False  # the price contained a tax

    @property
    def tax(self) -> Decimal:
        return sum((amount for _, amount in self.taxes), Decimal(0))


def cents(number: Decimal) -> Decimal:
    return number.quantize(CENT, ROUND_HALF_UP)


def exact(number: Any) -> Decimal:
    """A float as the decimal it shows."""
    return Decimal(repr(float(number)))


def globally(env: Env) -> bool:
    return bool(env.value("res.company", env.company, "tax_calculation_rounding_method") == "round_globally")


def line_amounts(env: Env, taxes: Iterable[int], price: Any, quantity: Any, discount: Any = 0.0) -> Amounts:
    """What one line amounts to with these taxes."""
    each = exact(price) * (1 - exact(discount) / HUNDRED)
    base = each * exact(quantity)
    fine = FINE if globally(env) else CENT
    if env.major <= 17 or fine == CENT:
        base = cents(base)
    sign = -1 if base < 0 else 1
    base, count = abs(base), abs(exact(quantity))
    rows = [(number, env.db.tables["account.tax"].rows[number]) for number in _flat(env, taxes)]
    inside = [(number, row) for number, row in rows if env.value("account.tax", number, "price_include")]
    net = _without(base, inside, count)
    if env.major <= 17:
        net = cents(net)
    found: list[tuple[int, Decimal]] = []
    left, affected = base - net, net
    for number, row in rows:
        amount = _amount(row, affected, net, count).quantize(fine, ROUND_HALF_UP)
        if env.major <= 17 and inside and number == inside[-1][0]:
            amount = left  # what remains of the price goes to the last tax inside it
        left -= amount if (number, row) in inside else 0
        affected += amount if row.get("include_base_amount") else 0
        found.append((number, sign * amount))
    if inside and env.major >= 18:  # the tax is rounded, the net amount is the rest
        numbers = {number for number, _ in inside}
        net = base - sum(abs(amount) for number, amount in found if number in numbers)
    return Amounts(sign * net, tuple(found), bool(inside))


def _flat(env: Env, taxes: Iterable[int]) -> list[int]:
    """The taxes in order, groups replaced by their children."""
    rows = env.db.tables["account.tax"].rows
    found: list[int] = []
    for number in sorted(taxes, key=lambda n: (rows[n].get("sequence", 1), n)):
        group = rows[number].get("amount_type") == "group"
        found += _flat(env, rows[number].get("children_tax_ids", [])) if group else [number]
    return found


def _without(base: Decimal, inside: list[tuple[int, dict[str, Any]]], count: Decimal) -> Decimal:
    """The price without the taxes it contains."""
    fixed = sum((exact(row["amount"]) * count for _, row in inside if row["amount_type"] == "fixed"), Decimal(0))
    percent = sum((exact(row["amount"]) for _, row in inside if row["amount_type"] == "percent"), Decimal(0))
    division = sum((exact(row["amount"]) for _, row in inside if row["amount_type"] == "division"), Decimal(0))
    return (base - fixed) / (1 + percent / HUNDRED) * (HUNDRED - division) / HUNDRED


def _amount(row: dict[str, Any], base: Decimal, net: Decimal, count: Decimal) -> Decimal:
    rate, kind = exact(row["amount"]), row["amount_type"]
    base = net if row.get("is_base_affected") is False else base
    if kind == "fixed":
        return rate * count
    if kind == "division":
        return base / (1 - rate / HUNDRED) - base if rate < HUNDRED else Decimal(0)
    return base * rate / HUNDRED


def document_amounts(env: Env, lines: Iterable[Amounts]) -> tuple[Decimal, Decimal]:
    """(untaxed, tax) of an order or invoice, in cents."""
    lines = list(lines)
    net = sum((line.net for line in lines), Decimal(0))
    if not globally(env) or env.major <= 15:
        return cents(net), cents(sum((line.tax for line in lines), Decimal(0)))
    per_tax: dict[int, Decimal] = {}
    for line in lines:
        for number, amount in line.taxes:
            per_tax[number] = per_tax.get(number, Decimal(0)) + amount
    tax = sum((cents(amount) for amount in per_tax.values()), Decimal(0))
    if env.major >= 18 and any(line.included for line in lines):
        total = net + sum((line.tax for line in lines), Decimal(0))
        return cents(total) - tax, tax
    return cents(net), tax
