"""Driving the shop over HTTP: what a shopper or merchant does, as POST /_sandbox/<action> with JSON arguments.

POST /_sandbox/place_order {"customer": 1, "lines": [{"product": 1, "quantity": 2}]}   -> {"result": 22}
GET  /_sandbox/         the actions;  GET /_sandbox/calls  how often each method met each resource
GET  /_sandbox/log      the last requests;  GET /_sandbox/mails  what customers were sent
POST /_sandbox/reset    forgets calls, log and mails;  POST /_sandbox/faults  arms a fault, see `faults`
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from . import prestashop_actions as actions
from . import prestashop_orders as orders
from .faults import Fault
from .prestashop_answer import Refused, error_body
from .prestashop_service import Answer
from .shop_demo import seed_bulk

if TYPE_CHECKING:
    from .prestashop import ShopServer

ACTIONS: dict[str, Callable[..., Any]] = {
    action.__name__: action
    for action in (
        actions.add_customer, actions.edit_customer, actions.add_address, actions.edit_address, actions.add_product,
        actions.add_combination, actions.edit_product, actions.delete_product, actions.set_stock, actions.stock,
        orders.place_order, orders.set_state, orders.cancel_order, orders.refund, seed_bulk,
    )
}  # fmt: skip


def scripted_error(fault: Fault) -> Answer:
    """An armed error in the webservice's own form; its `error` may be a code such as "85"."""
    code = int(fault.error) if fault.error.isdigit() else 85
    return Answer(fault.status or 400, error_body([(code, fault.message)], True), "application/json")


def control(owner: ShopServer, method: str, name: str, query: str, body: bytes) -> tuple[int, Any]:
    """Carries out one control request; returns a status and what to answer as JSON."""
    shop = owner.shop
    try:
        arguments = {**dict(parse_qsl(query)), **json.loads(body or b"{}")}
    except (TypeError, ValueError) as error:
        return 400, {"error": f"the body is no JSON object: {error}"}
    scripted = owner.faults.control(method, f"/_sandbox/{name}", arguments)
    if scripted is not None:
        return scripted
    if method == "GET":
        facts: dict[str, Callable[[], Any]] = {
            "": lambda: {"version": shop.version, "actions": sorted(ACTIONS)},
            "calls": lambda: dict(sorted(owner.calls.items())),
            "log": lambda: list(owner.log),
            "mails": lambda: shop.mails,
        }
        return (200, facts[name]()) if name in facts else (404, {"error": f"nothing called {name}"})
    if name == "reset":
        owner.calls.clear()
        owner.log.clear()
        shop.mails.clear()
        return 200, {"result": None}
    if name not in ACTIONS:
        return 404, {"error": f"no action {name}", "actions": sorted(ACTIONS)}
    try:
        return 200, {"result": ACTIONS[name](shop, **arguments)}
    except (TypeError, ValueError, LookupError, Refused) as error:
        return 400, {"error": f"{type(error).__name__}: {error}"}
