"""Small shop orders for tests, as the Webservice gives them."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any

from portal.entities.odoo_arithmetic import OdooCurrency, OdooSales, OdooTax
from portal.entities.order import OrderSource, source

TAXES = [{"id": 1, "rate": "20.000"}, {"id": 2, "rate": "5.500"}, {"id": 3, "rate": "5.000"}, {"id": 4, "rate": "9.975"},
         {"id": 5, "rate": "21.000"}]


def detail(number: int, quantity: int, excl: str, incl: str, total_excl: str, total_incl: str, taxes: tuple[int, ...] = (1,),
           **more: Any) -> dict[str, Any]:
    return {"id": number, "id_order": 7, "product_id": 10 + number, "product_attribute_id": 0, "product_name": f"Shirt {number}",
            "product_quantity": quantity, "unit_price_tax_excl": excl, "unit_price_tax_incl": incl,
            "total_price_tax_excl": total_excl, "total_price_tax_incl": total_incl, "ecotax": "0.000000",
            "ecotax_tax_rate": "20.000", "tax_computation_method": 0, "id_tax_rules_group": 1,
            "associations": {"taxes": [{"id": tax} for tax in taxes]}, **more}


def order(details: list[dict[str, Any]], paid: tuple[str, str], *, shipping: tuple[str, str] = ("0", "0"),
          wrapping: tuple[str, str] = ("0", "0"), discounts: tuple[str, str] = ("0", "0"),
          rules: list[dict[str, Any]] | None = None, carrier_rate: str = "0", currency: str = "EUR", **more: Any) -> OrderSource:
    """An order of these lines; pairs are without and with tax."""
    row: dict[str, Any] = {
        "id": 7, "reference": "ABCDEFGHI", "id_customer": 3, "id_address_delivery": 4, "id_address_invoice": 5, "id_currency": 1,
        "id_carrier": 2, "date_add": "2026-07-01 10:30:00", "round_mode": 2, "round_type": 2, "carrier_tax_rate": carrier_rate,
        "gift": "0", "gift_message": "", "note": "",
        "total_products": str(sum(D(line["total_price_tax_excl"]) for line in details)),
        "total_products_wt": str(sum(D(line["total_price_tax_incl"]) for line in details)), **more}
    for name, pair in (("paid", paid), ("shipping", shipping), ("wrapping", wrapping), ("discounts", discounts)):
        row[f"total_{name}_tax_excl"], row[f"total_{name}_tax_incl"] = pair
    digits = 0 if currency == "JPY" else 2
    return source(row, details, rules or [], addresses=[{"id": 4, "id_country": 8, "id_state": 0}], taxes=TAXES,
                  currencies=[{"id": 1, "iso_code": currency, "precision": digits}], countries=[{"id": 8, "iso_code": "FR"}],
                  carriers=[{"id": 2, "id_reference": 9, "name": "Snail"}], timezone="Europe/Paris")


def voucher(number: int, name: str, excl: str, incl: str, **more: Any) -> dict[str, Any]:
    return {"id": number, "id_order": 7, "name": name, "value": incl, "value_tax_excl": excl, "free_shipping": "0", "deleted": "0",
            **more}


def odoo(major: int = 17, *, digits: int = 2, kinds: str = "both", rates: tuple[str, ...] = ("20", "5.5", "5", "9.975", "21"),
         globally: bool = False) -> OdooSales:
    taxes = []
    for number, rate in enumerate(rates, 1):
        if kinds in ("both", "included"):
            taxes.append(OdooTax(number * 10 + 1, f"{rate}% incl", D(rate), price_include=True))
        if kinds in ("both", "excluded"):
            taxes.append(OdooTax(number * 10 + 2, f"{rate}%", D(rate)))
    currencies = {"EUR": OdooCurrency(1, 2), "JPY": OdooCurrency(2, 0, 22), "USD": OdooCurrency(3, 2)}
    return OdooSales(major, tuple(taxes), currencies, "EUR", "round_globally" if globally else "round_per_line", digits,
                     "tax_ids" if major >= 19 else "tax_id", major >= 18)
