"""The flows: one module per way of working, chosen by entity and direction."""

from __future__ import annotations

from collections.abc import Callable

from portal.sync.flows import lookups, order_states, orders, product_back, record, stock, stock_back
from portal.sync.work import Later, Work

UNKNOWN_SECONDS = 60.0

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
    """The flow that brings an entity in a direction. One that is not known here was noticed by a newer version, whose worker
    will take it: raises `Later`."""
    flow = FLOWS.get((entity, direction))
    if flow is None:
        raise Later(f"This worker does not know {entity} {direction}; it waits for one of the version that noticed it.",
                    seconds=UNKNOWN_SECONDS, cause="portal:version")
    return flow
