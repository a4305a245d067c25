"""Amounts: reading, rounding as PrestaShop and Odoo round, and sharing out to the cent. Decimal only."""

from __future__ import annotations

import decimal
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

ZERO = Decimal(0)

ROUND_MODES = (decimal.ROUND_UP, decimal.ROUND_DOWN, decimal.ROUND_HALF_UP, decimal.ROUND_HALF_DOWN, decimal.ROUND_HALF_EVEN)
"""PrestaShop's `round_mode` 0-4 in this order; 5, half to odd, has no name here and is treated as half up."""


def amount(value: Any) -> Decimal:
    """A number of the webservice or of Odoo as Decimal; nothing is 0. Raises ValueError for what is none."""
    if value in (None, False, ""):
        return ZERO
    try:
        number = Decimal(str(value))
    except decimal.InvalidOperation:
        raise ValueError(f"{value!r} is not a number") from None
    if not number.is_finite():
        raise ValueError(f"{value!r} is not a number")
    return number


def unit(digits: int) -> Decimal:
    """The smallest amount with so many digits: 2 gives 0.01, 0 gives 1."""
    return Decimal((0, (1,), -digits))


def rounded(value: Decimal, digits: int, mode: str = decimal.ROUND_HALF_UP) -> Decimal:
    """`value` with so many digits; halves go away from zero, as in Odoo and in PrestaShop's default."""
    return value.quantize(unit(digits), mode)


def shop_rounding(round_mode: Any) -> str:
    """The rounding an order's `round_mode` names."""
    number = int(round_mode or 2)
    return ROUND_MODES[number] if str(round_mode or "0").isdigit() and 0 <= number < len(ROUND_MODES) else decimal.ROUND_HALF_UP


def share(total: Decimal, weights: Sequence[Decimal], digits: int) -> list[Decimal]:
    """`total` in parts proportional to `weights`, each with so many digits, by largest remainder: the parts sum to `total`.

    With all weights 0 the first part takes everything.
    """
    whole = sum(weights, ZERO)
    if not whole:
        return [total if index == 0 else ZERO for index in range(len(weights))]
    exact = [total * weight / whole for weight in weights]
    parts = [rounded(part, digits, decimal.ROUND_FLOOR) for part in exact]
    step = unit(digits)
    missing = int((total - sum(parts, ZERO)) / step)
    by_remainder = sorted(range(len(parts)), key=lambda i: (parts[i] - exact[i], i))
    for index in by_remainder[:missing]:
        parts[index] += step
    return parts
