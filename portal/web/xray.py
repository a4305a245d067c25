"""The X-ray of an order: each step on its way to Odoo, and what holds it."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from flask_babel import gettext as _

from portal.entities.base import Ref
from portal.models import Mapping, SyncJob

State = Literal["done", "now", "waits", "trouble", "not_asked"]


@dataclass(frozen=True)
class Step:
    """One step. `note` says more in a sentence; `missing` are records that have to come first."""

    key: Literal["customer", "products", "created", "confirmed", "invoiced", "equal"]
    state: State
    note: str = ""
    missing: tuple[Ref, ...] = ()


def steps(mapping: Mapping | None, change: SyncJob | None, waits_for: Sequence[Ref], settings: MappingOf[str, Any]) -> list[Step]:
    """The steps of an order, from its link and its newest change alone; neither shop nor Odoo is asked."""
    data = mapping.data if mapping is not None else {}
    there = mapping is not None
    cancelled = data.get("state") == "cancel"
    confirmed = data.get("state") in ("sale", "done")
    held = str(data.get("held") or "")
    refused = change is not None and change.state in ("error", "dead") and not waits_for
    found = [
        _needed("customer", there, tuple(ref for ref in waits_for if ref.entity == "customer"), change),
        _needed("products", there, tuple(ref for ref in waits_for if ref.entity != "customer"), change),
        Step("created", "done" if there else "trouble" if refused else "waits",
             change.message if refused and not there and change is not None else ""),
        Step("equal", "waits" if not there else "trouble" if held else "done", held),
        Step("confirmed", "done" if confirmed else "not_asked" if cancelled or not settings["order_confirm"] else
             "trouble" if held else "waits", _("It is cancelled in Odoo.") if cancelled else ""),
        Step("invoiced", "done" if data.get("invoices") else "not_asked" if cancelled or not settings["order_invoice"] else
             "waits"),
    ]
    return found


def _needed(key: Literal["customer", "products"], there: bool, missing: tuple[Ref, ...], change: SyncJob | None) -> Step:
    if missing:
        return Step(key, "trouble" if change is not None and change.state == "dead" else "now", "", missing)
    return Step(key, "done" if there else "waits")
