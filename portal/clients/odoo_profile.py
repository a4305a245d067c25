"""What one Odoo can do and how it calls things. Differences between versions are named here, and only here.

Where a field tells, the field decides and not the number: in-between versions of Odoo Online carry fields of the next one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

PROBED: Mapping[str, tuple[str, ...]] = {
    "res.partner": ("mobile", "title", "vat", "company_registry", "customer_rank", "lang"),
    "res.company": ("tax_calculation_rounding_method",),
    "product.template": ("type", "detailed_type", "is_storable", "barcode", "weight", "tracking", "taxes_id", "invoice_policy",
                         "description_sale", "list_price"),
    "product.product": ("free_qty", "qty_available", "standard_price"),
    "stock.quant": ("inventory_quantity", "inventory_quantity_set", "inventory_diff_quantity", "is_outdated"),
    "stock.move": ("quantity", "quantity_done", "picked", "reserved_availability", "sale_line_id", "picking_code"),
    "stock.picking": ("move_ids", "move_lines", "sale_id", "carrier_tracking_ref"),
    "sale.order": ("locked", "delivery_status", "carrier_id", "commitment_date", "fiscal_position_id", "picking_ids"),
    "sale.order.line": ("tax_id", "tax_ids", "product_uom", "product_uom_id", "technical_price_unit", "is_delivery",
                        "product_packaging_id", "price_unit"),
    "sale.advance.payment.inv": ("consolidated_billing", "deduct_down_payments"),
    "account.move": ("payment_state", "payment_reference", "delivery_date"),
    "account.payment": ("memo", "ref"),
    "account.tax": ("price_include", "price_include_override", "country_id"),
}
"""The fields whose presence is asked for at connect, by model."""


@dataclass(frozen=True)
class Profile:
    """Facts found by `Odoo.probe`, kept with the store as JSON. `fields`: those of `PROBED` that exist, by model."""

    version: str
    major: int
    uid: int
    transport: str = "json-rpc"
    user_name: str = ""
    lang: str = ""
    langs: tuple[str, ...] = ()
    company_id: int = 0
    company_name: str = ""
    company_currency: str = ""
    tax_rounding: str = "round_per_line"
    price_digits: int = 2
    weight_digits: int = 2
    locations: tuple[tuple[int, str], ...] = ()
    default_location: int = 0
    key_expires: str | None = None
    modules_missing: tuple[str, ...] = ()
    rights_missing: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As JSON values; `from_json` is the way back."""
        return {**dataclasses.asdict(self), "locations": [list(pair) for pair in self.locations],
                "fields": {model: list(names) for model, names in self.fields.items()}}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Profile:
        """Read what `to_json` wrote, also an older or newer release's. Raises `TypeError` if essentials are missing."""
        known = {f.name for f in dataclasses.fields(cls)}
        values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value
                                  for name, value in document.items() if name in known}
        values["locations"] = tuple((int(number), str(name)) for number, name in document.get("locations", ()))
        values["fields"] = {model: tuple(names) for model, names in document.get("fields", {}).items()}
        return cls(**values)

    def has(self, model: str, name: str) -> bool:
        """Whether a probed field exists. Raises `KeyError` for a field that `PROBED` does not list."""
        if name not in PROBED[model]:
            raise KeyError(f"{model}.{name} is not among the probed fields")
        return name in self.fields.get(model, ())

    @property
    def storable_values(self) -> dict[str, Any]:
        """The product values that mean "stock is kept"."""
        if self.has("product.template", "is_storable"):
            return {"type": "consu", "is_storable": True}
        if self.has("product.template", "detailed_type"):
            return {"detailed_type": "product"}
        return {"type": "product"}

    @property
    def archived_templates_show_all(self) -> bool:
        """An archived product template shows what stands on its only variant, as an active one does (17 and later)."""
        return self.major >= 17

    @property
    def has_mobile(self) -> bool:
        """A contact's mobile number has a field of its own (to 18)."""
        return self.has("res.partner", "mobile")

    @property
    def has_title(self) -> bool:
        """Contacts have a title (to 18)."""
        return self.has("res.partner", "title")

    @property
    def tax_field(self) -> str:
        """Taxes of an order line."""
        return "tax_ids" if self.has("sale.order.line", "tax_ids") else "tax_id"

    @property
    def uom_field(self) -> str:
        """Unit of an order line."""
        return "product_uom_id" if self.has("sale.order.line", "product_uom_id") else "product_uom"

    @property
    def has_technical_price_unit(self) -> bool:
        """A price counts as entered by hand only if it differs from `technical_price_unit` (18 and later)."""
        return self.has("sale.order.line", "technical_price_unit")

    @property
    def has_delivery_status(self) -> bool:
        """Orders say how far they are delivered (16 and later)."""
        return self.has("sale.order", "delivery_status")

    @property
    def lock_field(self) -> str | None:
        """The boolean of a locked order (17 and later); None where the state "done" means locked."""
        return "locked" if self.has("sale.order", "locked") else None

    @property
    def needs_apply_inventory(self) -> bool:
        """A count takes effect only by `action_apply_inventory` (15 and later); before, writing it applies it."""
        return self.has("stock.quant", "inventory_quantity_set")

    @property
    def move_reserved_field(self) -> str:
        """What is reserved for a stock move that is not done."""
        return "reserved_availability" if self.has("stock.move", "reserved_availability") else "quantity"

    @property
    def move_done_field(self) -> str:
        """What a stock move really moved."""
        return "quantity_done" if self.has("stock.move", "quantity_done") else "quantity"

    @property
    def has_picked(self) -> bool:
        """A move's quantity counts as done only when `picked` (17 and later)."""
        return self.has("stock.move", "picked")

    @property
    def picking_moves_field(self) -> str:
        """The moves of a delivery."""
        return "move_ids" if self.has("stock.picking", "move_ids") else "move_lines"

    @property
    def lot_model(self) -> str:
        """Lots and serial numbers."""
        return "stock.lot" if self.major >= 16 else "stock.production.lot"

    @property
    def groups_field(self) -> str:
        """The groups of a user."""
        return "group_ids" if self.major >= 19 else "groups_id"

    @property
    def price_include_values(self) -> dict[str, Any]:
        """The values that make a tax one that prices include. For reading and searching, `price_include` works everywhere."""
        if self.has("account.tax", "price_include_override"):
            return {"price_include_override": "tax_included"}
        return {"price_include": True}

    @property
    def rounds_globally(self) -> bool:
        """Taxes are rounded once per document instead of per line."""
        return self.tax_rounding == "round_globally"

    @property
    def has_webhook_action(self) -> bool:
        """Odoo can call a webhook by itself (17 and later)."""
        return self.major >= 17

    def invoice_wizard(self, orders: Sequence[int]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Values and context for `sale.advance.payment.inv`; `create_invoices` needs the same context.

        From 17 on each order gets an invoice of its own; before, several orders of one customer in one call share one.
        """
        values: dict[str, Any] = {"advance_payment_method": "delivered"}
        if self.has("sale.advance.payment.inv", "consolidated_billing"):
            values["consolidated_billing"] = False
        return values, {"active_model": "sale.order", "active_ids": list(orders), "active_id": orders[0]}
