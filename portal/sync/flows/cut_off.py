"""Writes that were begun and not seen to end.

A write whose answer was lost, or whose worker was killed, may stand on the other side without having been agreed on. It would look
like a person's edit there, and a later edit on the side it came from would meet a conflict that is none, or, where that side went
back to what it had, leave the two different for ever. So what is about to be written is noted in the mapping first, and the next
try begins from what of it came about.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from portal.entities.base import Values
from portal.entities.compare import same

SENDING = "sending"
"""Key in a mapping's data: the values of writes that were begun and not seen to end."""
REMEMBERED = 20


def noted(data: Mapping[str, Any], *, to_shop: Values, to_odoo: Values) -> dict[str, Any]:
    """A mapping's data with a note of what is about to be written."""
    begun = [*data.get(SENDING, ()), {"shop": dict(to_shop), "odoo": dict(to_odoo)}][-REMEMBERED:]
    return {**data, SENDING: begun}


def without_notes(data: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping's data once both sides are in step."""
    return {name: value for name, value in data.items() if name != SENDING}


def take_up(base: Values, data: Mapping[str, Any], shop: Values, odoo: Values,
            held: Callable[[Values], Values]) -> tuple[Values, dict[str, Any]]:
    """Base and data as they are with the writes that came about counted as agreed; the notes stay.

    `shop` and `odoo`: what each side has now, the shop's as Odoo can hold it, which is what `held` makes of values.
    """
    base, apart = dict(base), dict(data.get("odoo", {}))
    for begun in data.get(SENDING, ()):
        for name, value in begun["shop"].items():
            if name in shop and same(shop[name], value):
                base[name] = value
                apart.pop(name, None)
        expected = held(begun["odoo"])
        for name, value in begun["odoo"].items():
            if name in odoo and same(odoo[name], expected[name]):
                base[name] = value
                apart.pop(name, None)
    rest = {name: value for name, value in data.items() if name != "odoo"}
    return base, rest | ({"odoo": apart} if apart else {})
