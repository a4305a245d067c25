"""What every template can use: times, labels, the user's stores, icons."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from flask import Flask, current_app, g, has_request_context, url_for
from flask_babel import format_decimal, lazy_gettext
from flask_babel import gettext as _
from flask_login import current_user
from markupsafe import Markup, escape

from portal.entities import registry
from portal.extensions import reading
from portal.models import Conflict, Mapping
from portal.sync import circuit, conflicts, jobs
from portal.web.access import visible_stores
from portal.web.told import told
from portal.web.zones import exact

_replaced = lazy_gettext("Replaced by a newer change")
STATES = {
    "pending": (lazy_gettext("Pending"), "clock"), "running": (lazy_gettext("Running"), "refresh-cw"),
    "blocked": (lazy_gettext("Held back"), "clock"), "synced": (lazy_gettext("Synced"), "circle-check"),
    "error": (lazy_gettext("Error, will be tried again"), "triangle-alert"),
    "dead": (lazy_gettext("Dead letter"), "circle-alert"), "discarded": (lazy_gettext("Discarded"), "circle-x"),
    "superseded": (_replaced, "circle-x"),
}
DIRECTIONS = {"ps_to_odoo": "PrestaShop → Odoo", "odoo_to_ps": "Odoo → PrestaShop"}
EVENTS = {
    "queued": (lazy_gettext("Noticed"), "plus"), "coalesced": (lazy_gettext("Noticed again"), "plus"),
    "started": (lazy_gettext("Attempt"), "play"), "sent": (lazy_gettext("Sent"), "zap"),
    "synced": (lazy_gettext("Synced"), "circle-check"), "failed": (lazy_gettext("Failed"), "triangle-alert"),
    "dead": (lazy_gettext("Put aside as a dead letter"), "inbox"), "postponed": (lazy_gettext("Postponed"), "clock"),
    "blocked": (lazy_gettext("Waits for another record"), "clock"), "woken": (lazy_gettext("Goes on"), "play"),
    "frozen": (lazy_gettext("Frozen"), "pause"),
    "lease_lost": (lazy_gettext("The worker was lost"), "triangle-alert"), "retried": (lazy_gettext("Retried"), "rotate-ccw"),
    "discarded": (lazy_gettext("Discarded"), "trash-2"), "superseded": (_replaced, "undo-2"),
    "dry_run": (lazy_gettext("Dry run"), "flask-conical"),
}
"""What the steps of a change are called: (words, icon)."""
SOURCES = {
    "initial": lazy_gettext("by the initial sync"), "poll": lazy_gettext("when both sides were asked"),
    "hook": lazy_gettext("by the shop's module"), "webhook": lazy_gettext("by Odoo's webhook"),
    "person": lazy_gettext("by a person"), "dependency": lazy_gettext("because another record needs it"),
    "follow-up": lazy_gettext("after another change"), "scan": lazy_gettext("by a full comparison"),
    "pull": lazy_gettext("by Pull stock"), "conflict": lazy_gettext("after a conflict was settled"),
}
"""By whom a change was noticed."""
STEPS = {"rehearse": lazy_gettext("Rehearse"), "initial": lazy_gettext("Start the initial sync"),
         "enable": lazy_gettext("Enable synchronization")}
"""The steps of the first run that follow on the settings."""
FIELDS = {"name": lazy_gettext("Name"), "description": lazy_gettext("Description"), "active": lazy_gettext("Active"),
          "price": lazy_gettext("Price"), "cost": lazy_gettext("Cost"), "reference": lazy_gettext("Reference"),
          "barcode": lazy_gettext("Barcode"), "weight": lazy_gettext("Weight"), "impact": lazy_gettext("Price impact"),
          "variant": lazy_gettext("Variant"), "variants": lazy_gettext("Variants"), "quantity": lazy_gettext("Quantity"),
          "email": lazy_gettext("E-mail"), "company": lazy_gettext("Company"), "street": lazy_gettext("Street"),
          "zip": lazy_gettext("Postcode"), "city": lazy_gettext("City"), "country": lazy_gettext("Country"),
          "phone": lazy_gettext("Phone"), "vat": lazy_gettext("VAT number"), "language": lazy_gettext("Language"),
          "guest": lazy_gettext("Guest"), "state": lazy_gettext("State"), "total": lazy_gettext("Total"),
          "lines": lazy_gettext("Lines"), "tracking": lazy_gettext("Tracking number")}
"""What a merchant calls the fields of a record."""
CHOICES = {"off": lazy_gettext("Off"), **DIRECTIONS, "both": lazy_gettext("Both ways"), "odoo": "Odoo",
           "prestashop": "PrestaShop", "manual": lazy_gettext("A person decides")}
RECORDS = {"customer": lazy_gettext("Customer"), "product": lazy_gettext("Product"), "combination": lazy_gettext("Combination"),
           "stock": lazy_gettext("Stock"), "order": lazy_gettext("Order")}
"""What a merchant calls one record."""


def init_app(app: Flask) -> None:
    """Install filters and context."""
    app.jinja_env.filters["when"] = when
    app.jinja_env.filters["number"] = number
    app.jinja_env.filters["entity_label"] = entity_label
    app.jinja_env.filters["record_label"] = record_label
    app.jinja_env.filters["record_name"] = record_name
    app.jinja_env.filters["noticed"] = noticed
    app.jinja_env.filters["field_label"] = field_label
    app.jinja_env.globals.update(STATES=STATES, DIRECTIONS=DIRECTIONS, CHOICES=CHOICES, EVENTS=EVENTS, SOURCES=SOURCES,
                                 STEPS=STEPS, step_url=step_url, ledger_url=ledger_url)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.context_processor(_context)


def when(at: datetime | None, coming: bool = False) -> Markup:
    """A point in time in the zone of the page; the browser shows how long ago it was, and this when pointed at.

    `coming`: what is to happen then, and happens now once that moment has passed.
    """
    if at is None:
        return escape(_("never"))
    text = exact(at)
    mark = Markup(" data-coming") if coming else ""
    return Markup('<time datetime="{0}" title="{1}"{2}>{1}</time>').format(escape(at.isoformat(timespec="seconds")), text, mark)


def number(value: int) -> str:
    """1234567 → 1,234,567, as the reader's language writes it."""
    return str(format_decimal(value)) if has_request_context() else f"{value:,}"


def entity_label(name: str) -> str:
    """What a merchant calls an entity."""
    try:
        return str(_(registry.by_name(name).label))
    except KeyError:
        return name.replace("_", " ").capitalize() or "—"


def record_label(job: Any) -> str:
    """What a merchant calls the record of a change, a mapping or a conflict: "Customer 12"."""
    return record_name(job.entity, job.shop_id if isinstance(job, Mapping | Conflict) else job.record)


def record_name(entity: str, record: str) -> str:
    """What a merchant calls a record: "Customer 12"."""
    return f"{RECORDS.get(entity) or entity.replace('_', ' ').capitalize()} {record}"


def field_label(field: str) -> str:
    """What a merchant calls a field; what follows the first word, such as a language, stays: "name (fr_FR)"."""
    word, space, rest = field.partition(" ")
    return f"{FIELDS.get(word, word)}{space}{rest}"


def noticed(event: Any) -> str:
    """What a step of a change says; who noticed it in a merchant's words."""
    found = re.fullmatch(r"noticed(?: again)? \((\S+)\)", event.message)
    return str(SOURCES.get(found[1], found[1])) if found else told(event.message)


def _context() -> dict[str, Any]:
    if not (current_user and current_user.is_authenticated):
        return {"my_stores": [], "store": None}
    store = g.get("store")
    found: dict[str, Any] = {"my_stores": visible_stores(), "store": store}
    if store is not None:
        found["dead_count"] = jobs.dead_count(reading(), store.id)
        found["conflict_count"] = conflicts.counts(reading(), store)["open"]
        found["trouble"] = bool(found["dead_count"] or circuit.trouble(reading(), store.id))
    return found


def step_url(key: str) -> str:
    """The page on which a step of the first run is taken."""
    if key == "rehearse" and "store.rehearsal.page" in current_app.view_functions:
        return url_for("store.rehearsal.page")
    endpoint, anchor = {"connect": ("store.settings.page", "ps_url"), "choose": ("store.settings.page", "customers"),
                        "rehearse": ("store.dashboard.page", "dry"), "initial": ("store.initial.page", None),
                        "enable": ("store.dashboard.page", "enable")}[key]
    return url_for(endpoint, _anchor=anchor)


def ledger_url(record: str) -> str:
    """The penny ledger of an order; "" where this portal has none."""
    endpoint = "store.ledgers.page"
    return url_for(endpoint, record=record) if endpoint in current_app.view_functions else ""
