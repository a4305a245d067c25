"""Refunds: a slip of the shop (`order_slip`) as a small order of its own, so that the same arithmetic makes it equal."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from portal.entities.base import Invalid, Row
from portal.entities.money import ZERO, amount, rounded, unit
from portal.entities.order import OrderPlan
from portal.entities.order_source import OrderSource, money
from portal.entities.order_write import OdooIds, service_product

READ = ("id", "id_order", "total_products_tax_excl", "total_products_tax_incl", "total_shipping_tax_excl",
        "total_shipping_tax_incl", "amount", "date_add",
        "order_slip_details[id_order_detail,product_quantity,amount_tax_excl,amount_tax_incl]")


def marker(store: str, record: str, slip: object) -> str:
    """`PS/<store>/<id_order>/R<slip>`: the credit note's reference, by which it is found again."""
    return f"PS/{store}/{record}/R{slip}"


def source(found: OrderSource, slip: Row) -> OrderSource:
    """The slip as an order: its lines with the amounts given back, its shipping, no vouchers.

    A line's two unit prices are lowered alike where less than the price was given back, so that their tax can still be seen.
    Raises Invalid when a line of the slip is not in the order.
    """
    by_id = {int(row["id"]): row for row in found.details}
    details = []
    for part in (slip.get("associations") or {}).get("order_slip_details", ()):
        row = by_id.get(int(part["id_order_detail"]))
        if row is None:
            raise Invalid(f"Refund {slip['id']} names a line that order {found.record} does not have. Check it in the shop.",
                          cause="refund:line")
        details.append(_line(row, part))
    sums = {kind: {what: rounded(money(slip, f"total_{what}_tax_{kind}", "refund"), found.digits)
                   for what in ("products", "shipping")} for kind in ("incl", "excl")}
    header = {**found.order, "gift": "0", "gift_message": "", "note": "",
              "total_products": slip["total_products_tax_excl"], "total_products_wt": slip["total_products_tax_incl"]}
    for kind, whole in sums.items():
        header |= {f"total_discounts_tax_{kind}": "0", f"total_wrapping_tax_{kind}": "0",
                   f"total_shipping_tax_{kind}": str(whole["shipping"]), f"total_paid_tax_{kind}": str(sum(whole.values(), ZERO))}
    return dataclasses.replace(found, order=header, details=tuple(details), cart_rules=())


def chosen_amount(found: OrderSource, slip: Row) -> str:
    """Why the credit note should be looked at: the merchant gave back another amount than the lines' (for instance less a
    voucher). PrestaShop keeps it without saying whether it contains tax. "" when it is the lines' own, with or without tax."""
    told = amount(slip.get("amount"))
    totals = [money(slip, f"total_products_tax_{kind}", "refund") for kind in ("incl", "excl")]
    if not told or any(abs(told - total) <= unit(found.digits) for total in totals):
        return ""
    return (f"The shop gave back {rounded(told, found.digits)} {found.currency} for products whose refund adds up to "
            f"{rounded(totals[0], found.digits)}, and does not tell with which tax. Correct the draft in Odoo, then post it.")


def to_odoo(made: OrderPlan, ids: OdooIds, invoice: Row, *, reference: str, origin: str, day: str) -> dict[str, Any]:
    """Values for one `account.move` create: a draft credit note of the invoice, nothing left for Odoo to choose."""
    lines = [{
        "sequence": number * 10,
        "product_id": ids.products[line.ref] if line.ref else service_product(line, made, ids),
        "name": line.text,
        "quantity": line.quantity,
        "price_unit": float(line.price_unit),
        "discount": 0,
        "tax_ids": [(6, 0, list(line.taxes))],
    } for number, line in enumerate(made.lines, 1)]
    values = {"move_type": "out_refund", "ref": reference, "invoice_origin": origin, "reversed_entry_id": invoice["id"],
              "fiscal_position_id": False, "invoice_payment_term_id": False,
              "invoice_line_ids": [(0, 0, line) for line in lines]}
    values |= {field: invoice[field][0] for field in ("partner_id", "partner_shipping_id", "currency_id", "journal_id")
               if invoice.get(field)}
    return values | ({"invoice_date": day} if day else {})


def _line(row: Row, part: Mapping[str, Any]) -> Row:
    quantity = max(int(part["product_quantity"] or 0), 1)
    excl, incl = (money(dict(part), f"amount_tax_{kind}", "refund") for kind in ("excl", "incl"))
    full = money(row, "unit_price_tax_incl", "line") * quantity
    part_of = incl / full if full and abs(incl - full) > Decimal("0.01") * quantity else Decimal(1)
    return {**row, "product_quantity": quantity, "total_price_tax_excl": str(excl), "total_price_tax_incl": str(incl),
            **{name: str(rounded(money(row, name, "line") * part_of, 6))
               for name in ("unit_price_tax_excl", "unit_price_tax_incl", "ecotax")}}

