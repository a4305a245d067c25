"""The one `create` that puts a planned order into Odoo: header and all lines, nothing left for Odoo to choose."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from portal.entities.base import DependencyMissing, Invalid, Ref
from portal.entities.odoo_arithmetic import OdooSales
from portal.entities.order import OrderPlan, PlanLine
from portal.entities.text import clean, one_line

SERVICES: Mapping[str, str] = {
    "shipping": "Shipping", "wrapping": "Gift wrapping", "discount": "Voucher", "ecotax": "Ecotax", "rounding": "Rounding",
    "departed": "Product that the shop does not have any more"}
"""The service products an order may need, by key, with the name for one that has to be made. `shipping:<id_reference>` may
name another product for one carrier."""
STEP = 10
"""Between the sequence numbers of an order's lines; by them a line is found again in Odoo."""


@dataclass(frozen=True)
class OdooIds:
    """What the order's references are in Odoo. `store` is the name of the store, part of the marker."""

    store: str
    partner: int
    invoice_address: int
    delivery_address: int
    products: Mapping[Ref, int]
    services: Mapping[str, int]
    company: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


def marker(store: str, record: str) -> str:
    """`PS/<store>/<id_order>`: the order's `origin`, by which it is found again."""
    return f"PS/{store}/{record}"


def services(made: OrderPlan) -> frozenset[str]:
    """The services the plan needs, and `rounding`, which a correction may need."""
    return frozenset({line.service for line in made.lines if line.service} | {"rounding"})


def to_odoo(made: OrderPlan, odoo: OdooSales, ids: OdooIds) -> dict[str, Any]:
    """Values for one `sale.order` create.

    Taxes are named on every line, also when there are none; no discount, fiscal position or payment term may change a price.
    Raises DependencyMissing for products that are not in Odoo yet, Invalid for a missing service product or a bad date.
    """
    missing = {line.ref for line in made.lines if line.ref and line.ref not in ids.products}
    if missing:
        raise DependencyMissing(frozenset(missing))
    order = made.source.order
    values: dict[str, Any] = {
        "partner_id": ids.partner,
        "partner_invoice_id": ids.invoice_address,
        "partner_shipping_id": ids.delivery_address,
        "origin": marker(ids.store, made.source.record),
        "client_order_ref": one_line(order.get("reference")),
        "date_order": utc(str(order.get("date_add") or ""), made.source.timezone),
        "fiscal_position_id": False,
        "payment_term_id": False,
        "order_line": [(0, 0, line_values(line, made, odoo, ids, number * STEP)) for number, line in enumerate(made.lines, 1)],
    }
    pricelist = odoo.currencies[made.currency].pricelist_id
    if pricelist is not None:
        values["pricelist_id"] = pricelist
    elif odoo.major >= 17:
        values["pricelist_id"] = False
    if ids.company is not None:
        values["company_id"] = ids.company
    note = _note(made, markup=odoo.major >= 15)
    if note:
        values["note"] = note
    return {**values, **ids.extra}


def line_values(line: PlanLine, made: OrderPlan, odoo: OdooSales, ids: OdooIds, sequence: int) -> dict[str, Any]:
    """Values of one order line. Where Odoo keeps a technical price, another one marks the price as typed by hand, so that a
    later change of the quantity does not replace it by the price list's."""
    values: dict[str, Any] = {
        "sequence": sequence,
        "product_id": ids.products[line.ref] if line.ref else service_product(line, made, ids),
        "name": line.text,
        "product_uom_qty": line.quantity,
        "price_unit": float(line.price_unit),
        "discount": 0,
        odoo.tax_field: [(6, 0, list(line.taxes))],
    }
    if odoo.has_technical_price:
        values["technical_price_unit"] = 0 if line.price_unit else -1
    return values


def utc(text: str, timezone: str) -> str:
    """The shop's local time as Odoo wants it: UTC, `YYYY-MM-DD HH:MM:SS`. Raises Invalid for what is no time."""
    try:
        local = datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=ZoneInfo(timezone))
    except ValueError:
        raise Invalid(f"The order's date {text!r} is not a date. Correct it in the shop.", cause="order:date") from None
    except ZoneInfoNotFoundError:
        raise Invalid(f"The shop's time zone {timezone!r} is unknown. Correct it in the shop's settings.",
                      cause="order:timezone") from None
    return local.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def service_product(line: PlanLine, made: OrderPlan, ids: OdooIds) -> int:
    """The product of a line that is none of the shop's, such as shipping. Raises Invalid where Odoo has none."""
    key = str(line.service)
    own = f"{key}:{made.source.carrier_reference}"
    found = ids.services.get(own) if key == "shipping" and own in ids.services else ids.services.get(key)
    if found is None:
        raise Invalid(f"Odoo has no service product for “{SERVICES[key]}”. Choose one in the store's order settings.",
                      cause=f"service:{key}")
    return found


def _note(made: OrderPlan, *, markup: bool) -> str:
    """Gift message and the shop's note; as HTML from Odoo 15 on."""
    order = made.source.order
    gift = str(order.get("gift") or "0") == "1"
    message = clean(order.get("gift_message"))
    parts = [f"Gift message: {message}" if message else "Gift wrapping"] if gift else []
    parts += [text for text in [clean(order.get("note"))] if text]
    text = "\n\n".join(parts)
    return html.escape(text).replace("\n", "<br/>") if markup else text
