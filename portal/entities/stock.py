"""Stock: the arithmetic between the shop's available quantity and Odoo's quantities.

**Words.** `shop` is the quantity the shop shows. `free` is Odoo's on hand − reserved, where `reserved` includes pieces that
confirmed orders are owed and could not reserve. `in_flight` are pieces of valid shop orders that Odoo has not confirmed, less
pieces of orders that the shop cancelled and Odoo still holds as confirmed. `buffer` are pieces kept back from the shop.

**Derivation.** Let T be all pieces ever ordered in the shop (cancelled ones taken off again) and C those of them that Odoo
confirmed. A sale lowers the shop at once and Odoo's free quantity when it is confirmed, so apart from sales each side holds a
constant: shop + T and free + C. In step they are equal but for the buffer, and with in_flight = T − C:

    shop = free − in_flight − buffer                     (the right-hand side is called `view`, Odoo as the shop should see it)

- To Odoo: on hand = shop + in_flight + reserved.
- To the shop: the view, in whole pieces, not below zero.
- Both ways, since `base` (the shop's quantity when both were last in step), with `sold` = growth of T since then: what people
  did is `shop − base + sold` in the shop and `view − base + sold` in Odoo. A sale is in neither. Each side gets the other's.
- An order placed before both were first in step may come to Odoo later. Its pieces then weigh on the view, and the shop, which
  showed its quantity without them, does not move: Odoo's count grows by what has `arrived` in that way.

**Order of reading.** Nothing here is read in one instant, so read such that a sale or confirmation in between errs to the safe
side, too few for sale, and the next run corrects it. For the shop: in flight before free, and the shop's newest order and
quantity last, just before the write. For Odoo: reserved before in flight, in flight before the shop's quantity.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from typing import Literal

from portal.entities.base import Row

_NONE = Decimal(0)


def record_key(product: int, combination: int = 0) -> str:
    """The record key of a stock line: "12" for a product, "12:34" for its combination."""
    return f"{product}:{combination}" if combination else str(product)


def parse_key(key: str) -> tuple[int, int]:
    """Product and combination (0: none) of a record key. Raises ValueError for what is none."""
    product, _, combination = key.partition(":")
    return int(product), int(combination or 0)


def line_key(row: Row) -> str:
    """The stock record of a shop's `order_details` row."""
    return record_key(int(row["product_id"]), int(row["product_attribute_id"] or 0))


def line_pieces(row: Row) -> Decimal:
    """The pieces that a shop's `order_details` row still sells: refunded and returned ones taken off."""
    given_back = Decimal(row["product_quantity_refunded"] or 0) + Decimal(row["product_quantity_return"] or 0)
    return Decimal(row["product_quantity"]) - given_back


def target_on_hand(shop: Decimal, in_flight: Decimal, reserved: Decimal, *, orders_on: bool) -> Decimal:
    """What Odoo must hold so that it can sell what the shop can.

    Where orders do not travel, Odoo knows of no sale and simply holds what the shop shows. Never below zero: a shop that sold
    what it has not got owes pieces, it does not hold fewer than none.
    """
    return max(_NONE, shop + in_flight + reserved if orders_on else shop)


def publishable(free: Decimal, in_flight: Decimal, buffer: Decimal, *, backorders: bool = False) -> int:
    """What the shop may show: whole pieces that Odoo can deliver, less those on their way and the buffer.

    Below zero only where the shop sells without stock (back-orders): there the figure says how many are owed.
    """
    pieces = int((free - in_flight - buffer).to_integral_value(rounding=ROUND_FLOOR))
    return pieces if backorders else max(0, pieces)


def backorders_allowed(out_of_stock: int, shop_default: bool) -> bool:
    """Whether a stock line sells below zero: its `out_of_stock` is 0 (no), 1 (yes) or 2 (as PS_ORDER_OUT_OF_STOCK says)."""
    return out_of_stock == 1 or (out_of_stock == 2 and shop_default)


def held_back(shop: int, target: int, *, late: bool) -> int:
    """What to write to the shop now. While orders arrive late, in flight is too low: decreases go out, increases wait."""
    return min(shop, target) if late else target


@dataclass(frozen=True)
class Agreement:
    """What brings both sides in step: the shop's new quantity, pieces to add to Odoo's on hand, and the new base.

    `base` is to be kept once both are written. `sold` is counted from now on, except where `late` was told: then the base has
    moved but the count goes on from the old mark. `conflict`: people changed both sides; both changes count.
    """

    shop: int
    on_hand: Decimal
    base: Decimal
    conflict: bool = False


def both_ways(base: Decimal | None, shop: Decimal, free: Decimal, in_flight: Decimal, sold: Decimal, buffer: Decimal = _NONE, *,
              arrived: Decimal = _NONE, late: bool = False, backorders: bool = False,
              first: Literal["shop", "odoo"] = "odoo") -> Agreement:
    """Three-way on the quantity, with sales taken out of both deltas (see the derivation above).

    `base` None: they were never in step, and the side named by `first` tells the quantity. While orders are late an unnoticed
    sale looks like a decrease by hand, so Odoo is not touched and the shop only lowered; what people did in the shop stays
    in the difference to the base. A decrease by hand never takes pieces from Odoo that orders are owed. `arrived`: see above, since
    the base; while orders are late it is left for the next time.
    """
    view = free - in_flight - buffer + arrived
    if base is None:
        base = sold + (shop if first == "odoo" else view)
    by_shop = shop - base + sold
    if late:
        lowered = held_back(int(shop), publishable(shop + view - base + sold, _NONE, _NONE, backorders=backorders), late=True)
        return Agreement(lowered, _NONE, base + lowered - shop)
    applied = max(by_shop, min(_NONE, in_flight - free - arrived)) if by_shop < 0 else by_shop
    target = publishable(view + applied, _NONE, _NONE, backorders=backorders)
    odoo_moved = publishable(view, _NONE, _NONE, backorders=backorders) != base - sold
    return Agreement(target, applied + arrived, Decimal(target), conflict=by_shop != 0 and odoo_moved)
