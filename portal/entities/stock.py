"""Stock: the arithmetic between the shop's available quantity and Odoo's quantities.

The shop lowers its quantity when an order is placed. Odoo lowers its *free* quantity (on hand − reserved) when the order is
confirmed, and its quantity *on hand* when the goods leave. An order between the two is *in flight*. At rest the two mirror each
other:

    shop = free − in flight          free = on hand − reserved
"""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal


def record_key(product: int, combination: int = 0) -> str:
    """The record key of a stock line: "12" for a product, "12:34" for its combination."""
    return f"{product}:{combination}" if combination else str(product)


def parse_key(key: str) -> tuple[int, int]:
    """Product and combination (0: none) of a record key."""
    product, _, combination = key.partition(":")
    return int(product), int(combination or 0)


def target_on_hand(shop: Decimal, in_flight: Decimal, reserved: Decimal, *, orders_on: bool) -> Decimal:
    """What Odoo must hold so that it can sell what the shop can.

    From `shop = on hand − reserved − in flight`. Where orders do not travel, Odoo knows of no sale and simply holds what the
    shop shows. Never below zero: a shop that sells what it has not got owes pieces, it does not hold fewer than none.
    """
    return max(Decimal(0), shop + in_flight + reserved if orders_on else shop)


def publishable(free: Decimal, in_flight: Decimal, buffer: Decimal) -> int:
    """What the shop may show: whole pieces that Odoo can deliver, less those on their way and the buffer; never negative."""
    return max(0, int((free - in_flight - buffer).to_integral_value(rounding=ROUND_FLOOR)))
