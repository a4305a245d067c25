"""Order states, Odoo → shop: what Odoo's order means for the shop's, and whether the shop may be told. Pure.

Odoo's `state` alone does not say that goods have left, and "done" of 14 to 16 only means *locked*. So three signals are read
from the order and its deliveries: `sale` (confirmed), `done` (everything delivered) and `cancel`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

ROLES: Mapping[str, str] = {"sale": "preparation", "done": "delivered", "cancel": "canceled"}
"""The shop's own state for each signal, by its PS_OS_… setting."""
VOID = ("canceled", "refund", "error")
"""Roles of states that end an order; PrestaShop has put the goods back (error: until it is paid after all)."""

_UNTOUCHED, _PAID, _PREPARING, _SHIPPED, _DELIVERED = 1, 2, 3, 4, 5
_AT_LEAST = {"sale": _PREPARING, "done": _SHIPPED}
_TRACKING = re.compile(r"[~:#,%&_=()\[\].? +\-@/a-zA-Z0-9]{1,64}")
"""What PrestaShop accepts as a tracking number (Validate::isTrackingNumber)."""


@dataclass(frozen=True)
class Decision:
    """`state`: id of the shop's state to be written, 0 to leave the order as it is; `why` in words; `later`: ask again then."""

    state: int
    why: str
    later: bool = False


@dataclass(frozen=True)
class Tracking:
    """`text`: the tracking number for the shop, "" for none; `note`: what of it the shop cannot take, in words."""

    text: str = ""
    note: str = ""


def signal(order: Mapping[str, Any], deliveries: Collection[Mapping[str, Any]], *, has_delivery_status: bool) -> str:
    """`sale`, `done`, `cancel`, or "" for a quotation. `deliveries`: the order's outgoing pickings with their `state`."""
    if order["state"] == "cancel":
        return "cancel"
    if order["state"] not in ("sale", "done"):
        return ""
    if has_delivery_status:
        return "done" if order["delivery_status"] == "full" else "sale"
    states = {row["state"] for row in deliveries} - {"cancel"}
    return "done" if states == {"done"} else "sale"


def decide(found: str, told: str, current: int, target: int, flags: Mapping[int, Mapping[str, Any]],
           roles: Mapping[str, int], *, by_itself: bool = False) -> Decision:
    """Whether the shop's order, now in state `current`, gets the state `target` for a signal.

    `told`: the signal the shop was told last; what people do to the shop's order after that is theirs. `flags`: paid, shipped
    and delivery ("0" or "1") of the shop's states. States only go forward; a cancellation goes through from any live state.
    `by_itself`: the connector confirmed the order and nobody chose the state: that must not make an unpaid order a paid one.
    """
    void = {roles.get(role, -1) for role in VOID}
    if not found:
        return Decision(0, "it is a quotation in Odoo")
    if found == told:
        return Decision(0, "the shop knows it already")
    if not target:
        return Decision(0, f"no state of the shop is chosen for {found}")
    if current == target:
        return Decision(0, "the shop's order is in that state already")
    if found == "cancel":
        return Decision(0, "the shop's order has ended already") if current in void else Decision(target, "")
    if current in void - {roles.get("error", -1)}:
        return Decision(0, "the shop's order is cancelled or refunded")
    if max(_rank(target, flags, roles), _AT_LEAST[found]) <= _rank(current, flags, roles):
        return Decision(0, "the shop's order is further already")
    if by_itself and found == "sale" and _is_paid(target, flags) and not _is_paid(current, flags):
        return Decision(0, "it is not paid yet, and the state for confirmed orders would mark it as paid", later=True)
    return Decision(target, "")


def tracking(deliveries: Collection[Mapping[str, Any]]) -> Tracking:
    """The tracking numbers of what has left or is about to, as far as the shop can take them."""
    numbers = dict.fromkeys(str(row.get("carrier_tracking_ref") or "").strip() for row in deliveries
                            if row["state"] != "cancel")
    taken: list[str] = []
    notes = []
    for number in filter(None, numbers):
        plain = _plain(number)
        if not plain or not _TRACKING.fullmatch(", ".join([*taken, plain])):
            notes.append(f"The shop cannot take the tracking number {number[:100]!r}: it has room for 64 plain letters, digits and "
                         "signs.")
            continue
        taken.append(plain)
        if plain != number:
            notes.append(f"The tracking number {number!r} is {plain!r} in the shop, which takes plain letters only.")
    return Tracking(", ".join(taken), " ".join(notes))


def _plain(number: str) -> str:
    """The number in the letters that PrestaShop takes: accents are left out, and so is what has no plain form."""
    letters = unicodedata.normalize("NFKD", number)
    return "".join(letter for letter in letters if _TRACKING.fullmatch(letter)).strip()


def _is_paid(state: int, flags: Mapping[int, Mapping[str, Any]]) -> bool:
    return str(flags.get(state, {}).get("paid", "0")) == "1"


def _rank(state: int, flags: Mapping[int, Mapping[str, Any]], roles: Mapping[str, int]) -> int:
    has = {name: str(flags.get(state, {}).get(name, "0")) == "1" for name in ("paid", "shipped", "delivery")}
    if state == roles.get("error"):
        return 0
    if state == roles.get("delivered"):
        return _DELIVERED
    if has["shipped"]:
        return _SHIPPED
    if has["delivery"] or state == roles.get("preparation"):
        return _PREPARING
    return _PAID if has["paid"] else _UNTOUCHED
