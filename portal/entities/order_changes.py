"""Whether the shop changed an order after it was sent, and what."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from portal.entities.order import OrderPlan


def snapshot(made: OrderPlan) -> dict[str, Any]:
    """What was sent, in a form to be kept: to see later whether and what the shop changed."""
    order = made.source.order
    return {
        "total": str(made.shop_incl), "net": str(made.shop_excl), "currency": made.currency,
        "customer": str(order.get("id_customer", "")), "delivery": str(order.get("id_address_delivery", "")),
        "invoice": str(order.get("id_address_invoice", "")), "carrier": made.source.carrier,
        "lines": [[item.kind, item.ref.record if item.ref else "", item.text, item.quantity, str(item.excl), str(item.incl)]
                  for item in made.items],
    }


def digest(made: OrderPlan) -> str:
    """A short text that changes when the order's contents in the shop change, and only then."""
    return hashlib.sha256(json.dumps(snapshot(made), sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def differences(before: Mapping[str, Any], made: OrderPlan) -> list[str]:
    """What the shop changed since `before`, a `snapshot`, in a merchant's words; empty when nothing."""
    now = snapshot(made)
    words = {"total": "Total", "net": "Total without tax", "currency": "Currency", "customer": "Customer",
             "delivery": "Delivery address", "invoice": "Invoice address", "carrier": "Carrier"}
    found = [f"{label}: {before.get(key)} → {now[key]}" for key, label in words.items() if before.get(key) != now[key]]
    old, new = [list(line) for line in before.get("lines", [])], [list(line) for line in now["lines"]]
    found += [f"Removed: {_words(line)}" for line in old if old.count(line) > new.count(line)]
    found += [f"Added: {_words(line)}" for line in new if new.count(line) > old.count(line)]
    return found


def _words(line: list[Any]) -> str:
    return f"{line[3]} × {line[2]}, {line[5]} with tax"
