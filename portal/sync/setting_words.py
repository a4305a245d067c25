"""A value of a setting as the form shows it, for the lines of the log that say what was changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.models import Store
from portal.settings import BY_KEY

CHOICES = {"off": "off", "ps_to_odoo": "PrestaShop → Odoo", "odoo_to_ps": "Odoo → PrestaShop", "both": "both ways", "odoo": "Odoo",
           "prestashop": "PrestaShop", "manual": "a person decides"}


def changed(label: str, before: str, after: str) -> str:
    """What the log says of one field."""
    return f"Setting changed: {label}: {after or 'empty'} (was {before or 'empty'})."


def value(store: Store, key: str, of: Any) -> str:
    """A value of a setting in words; a number that has a name in the shop or in Odoo by that name, if it was read."""
    setting = BY_KEY[key]
    if setting.kind == "switch":
        return "on" if of else "off"
    if setting.kind == "choice":
        return CHOICES.get(of, str(of))
    if key == "odoo_location":
        return locations(store.odoo_profile).get(of, str(of)) if of else "the first internal location"
    if key.startswith("state_"):
        return states(store.shop_profile).get(of, str(of)) if of else "the shop's own"
    return str(of)


def locations(profile: Mapping[str, Any] | None) -> dict[int, str]:
    """Id → name of Odoo's stock locations, as it was asked last."""
    return {int(number): str(name) for number, name in (profile or {}).get("locations", ())}


def states(profile: Mapping[str, Any] | None) -> dict[int, str]:
    """Id → name of the shop's order states, as it was asked last."""
    return {int(number): str(name) for number, name in ((profile or {}).get("states") or {}).items()}
