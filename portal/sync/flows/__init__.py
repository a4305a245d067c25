"""The flows: one module per way of working, chosen by entity and direction."""

from __future__ import annotations

from collections.abc import Callable

from portal.sync.flows import lookups, order_states, orders, product_back, record, stock, stock_back
from portal.sync.work import Work

Flow = Callable[[Work], None]

FLOWS: dict[tuple[str, str], Flow] = {
    ("customer", "ps_to_odoo"): record.push,
    ("product", "ps_to_odoo"): record.push,
    ("stock", "ps_to_odoo"): stock.push,
    ("order", "ps_to_odoo"): orders.push,
    ("product", "odoo_to_ps"): product_back.push,
    ("stock", "odoo_to_ps"): stock_back.push,
    ("order", "odoo_to_ps"): order_states.push,
    (lookups.LOOKUP, "odoo_to_ps"): lookups.push,
}


def flow_for(entity: str, direction: str) -> Flow:
    """The flow that brings an entity in a direction; raises `LookupError` where there is none."""
    return FLOWS[(entity, direction)]
