"""The orders that PrestaShop itself computed, from the fixtures."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from portal.entities.odoo_arithmetic import OdooCurrency, OdooSales, OdooTax
from portal.entities.order import OrderSource, source

FIXTURES = Path(__file__).parent.parent / "fixtures" / "orders"
VERSIONS = ("8.1.2", "9.1.4")
MAJORS = (14, 15, 16, 17, 18, 19)


@cache
def recorded(version: str) -> dict[str, Any]:
    """The recorded orders and the shop's reference data."""
    with gzip.open(FIXTURES / f"{version}.json.gz", "rt", encoding="utf-8") as file:
        return json.load(file)  # type: ignore[no-any-return]


def sources(version: str) -> Iterator[tuple[str, OrderSource]]:
    """Each order with the line that says how it was made."""
    shop = recorded(version)
    reference = shop["reference"]
    for entry in shop["orders"]:
        yield entry["what"], source(
            entry["order"], entry["details"], entry["cart_rules"], addresses=entry["addresses"], taxes=reference["taxes"],
            tax_rules=reference["tax_rules"], currencies=reference["currencies"], countries=reference["countries"],
            carriers=reference["carriers"], timezone=shop["timezone"])


@cache
def odoo(major: int, *, rounding: str = "round_per_line", digits: int = 2, kinds: str = "both") -> OdooSales:
    """An Odoo with every rate of the recorded shop, as tax-included, tax-excluded or both kinds of tax."""
    rates = sorted({Decimal(tax["rate"]) for version in VERSIONS for tax in recorded(version)["reference"]["taxes"]})
    return sales(major, rates, rounding, digits, kinds)


def sales(major: int, rates: list[Decimal], rounding: str, digits: int, kinds: str) -> OdooSales:
    """An Odoo with these sales taxes, and with combined ones for 21 % with 3 % and 19 % with 2.5 % on top of each other."""
    taxes = []
    compound = (Decimal("24.63"), Decimal("21.975"))
    for number, rate in enumerate(rate for rate in [*rates, *compound] if rate):
        for offset, included in ((1, True), (2, False)):
            if kinds == "both" or (kinds == "included") == included:
                taxes.append(OdooTax(number * 10 + offset, f"{rate.normalize():f}%{' incl' if included else ''}", rate,
                                     price_include=included))
    currencies = {"EUR": OdooCurrency(1, 2), "USD": OdooCurrency(2, 2, 2), "JPY": OdooCurrency(3, 0, 3)}
    return OdooSales(major, tuple(taxes), currencies, "EUR", rounding, digits,  # type: ignore[arg-type]
                     "tax_ids" if major >= 19 else "tax_id", major >= 18)
