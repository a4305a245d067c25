"""The automation rules by which Odoo 17 and later call the portal, and the clicks that make them by hand. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from portal import settings as store_settings
from portal.models import Store

FIRST_VERSION = 17


@dataclass(frozen=True)
class Rule:
    """An automation rule: the model watched, the fields that trigger it (none: any), those sent along, and which records count.

    Group-restricted fields such as the cost must not be sent (17 and 18 refuse them).
    """

    entity: str
    model: str
    label: str
    triggers: tuple[str, ...]
    sent: tuple[str, ...]
    domain: str = "[]"


RULES: tuple[Rule, ...] = (
    Rule("product", "product.template", "Product", (), ("write_date",)),
    Rule("product", "product.product", "Product Variant", ("default_code", "barcode", "weight", "standard_price", "active"),
         ("product_tmpl_id", "write_date")),
    Rule("product", "product.template.attribute.value", "Product Template Attribute Value", ("price_extra",),
         ("product_tmpl_id", "write_date")),
    Rule("stock", "stock.quant", "Quants", ("quantity", "reserved_quantity"), ("product_id", "location_id", "quantity"),
         "[('location_id.usage', '=', 'internal')]"),
    Rule("order", "sale.order", "Sales Order", ("state",), ("state", "name"), "[('origin', '=like', 'PS/%')]"),
    Rule("order", "stock.picking", "Transfer", ("date_done", "carrier_tracking_ref"), ("sale_id",), "[('sale_id', '!=', False)]"),
)

LABELS: Mapping[tuple[str, str], str] = {("product.product", "write_date"): "Write Date"}
"""What Odoo calls a field of one model, where it differs from `NAMES`."""
NAMES: Mapping[str, str] = {
    "write_date": "Last Updated on", "default_code": "Internal Reference", "barcode": "Barcode", "weight": "Weight",
    "standard_price": "Cost", "active": "Active", "product_tmpl_id": "Product Template", "price_extra": "Extra Price",
    "quantity": "Quantity", "reserved_quantity": "Reserved Quantity", "product_id": "Product", "location_id": "Location",
    "state": "Status", "name": "Order Reference", "date_done": "Date of Transfer", "carrier_tracking_ref": "Tracking Reference",
    "sale_id": "Sales Order",
}


def wanted(store: Store) -> list[Rule]:
    """The rules that the directions of a store ask for."""
    return [rule for rule in RULES if store_settings.allowed(store.settings, rule.entity, "odoo_to_ps")]


def name_of(store: Store, rule: Rule) -> str:
    """What the rule is called in Odoo; by it the connector finds its own."""
    return f"PrestaShop connector {store.key}: {rule.model}"


def instructions(store: Store, major: int, url: str) -> tuple[str, ...]:
    """The clicks that make the rules by hand in Odoo 17 and later, one step a line."""
    save = "On save" if major <= 18 else "On create and edit"
    steps = ["Log in to Odoo as an administrator. If Settings > Technical is not shown, activate the developer mode first: "
             "Settings, at the very bottom.",
             "Open Settings > Technical > Automation > Automation Rules. If it is not there, install the app Automation Rules "
             "(base_automation) under Apps."]
    for rule in wanted(store):
        steps.append(
            f"New. Name: {name_of(store, rule)}. Model: {rule.label} ({rule.model}). Trigger: {save}."
            + (f" When updating: {_fields(rule, rule.triggers)}." if rule.triggers else " When updating: leave it empty.")
            + (f" Apply on: Edit domain, {rule.domain}." if rule.domain != "[]" else "")
            + f" Then Add an action > Send Webhook Notification. URL: {url} Fields: {_fields(rule, rule.sent)}. "
              "Save and close, then save the rule.")
    return (*steps, "Change one product in Odoo and look here again: the last call is shown.")


def _fields(rule: Rule, names: tuple[str, ...]) -> str:
    return ", ".join(f"{LABELS.get((rule.model, name), NAMES[name])} ({name})" for name in names)
