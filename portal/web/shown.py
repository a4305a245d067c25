"""What every template can use: times, labels, the user's stores, icons."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from flask import Flask, current_app, g, url_for
from flask_babel import lazy_gettext
from flask_login import current_user
from markupsafe import Markup, escape

from portal.entities import registry
from portal.extensions import reading
from portal.models import Conflict, Mapping
from portal.sync import circuit, conflicts, jobs
from portal.web.access import visible_stores

STATES = {
    "pending": ("Pending", "clock"), "running": ("Running", "refresh-cw"), "blocked": ("Waiting for another record", "clock"),
    "synced": ("Synced", "circle-check"), "error": ("Error, will be tried again", "triangle-alert"),
    "dead": ("Dead letter", "circle-alert"), "discarded": ("Discarded", "circle-x"), "superseded": ("Replaced by a newer change",
                                                                                                    "circle-x"),
}
DIRECTIONS = {"ps_to_odoo": "PrestaShop → Odoo", "odoo_to_ps": "Odoo → PrestaShop"}
EVENTS = {
    "queued": ("Noticed", "plus"), "coalesced": ("Noticed again", "plus"), "started": ("Attempt", "play"), "sent": ("Sent", "zap"),
    "synced": ("Synced", "circle-check"), "failed": ("Failed", "triangle-alert"), "dead": ("Put aside as a dead letter", "inbox"),
    "postponed": ("Postponed", "clock"), "blocked": ("Waits for another record", "clock"), "woken": ("Goes on", "play"),
    "lease_lost": ("The worker was lost", "triangle-alert"), "retried": ("Retried", "rotate-ccw"),
    "discarded": ("Discarded", "trash-2"), "superseded": ("Replaced by a newer change", "undo-2"),
    "dry_run": ("Dry run", "flask-conical"),
}
"""What the steps of a change are called: (words, icon)."""
SOURCES = {
    "initial": "by the initial sync", "poll": "when both sides were asked", "hook": "by the shop's module",
    "webhook": "by Odoo's webhook", "person": "by a person", "dependency": "because another record needs it",
    "follow-up": "after another change", "scan": "by a full comparison", "pull": "by Pull stock",
    "conflict": "after a conflict was settled",
}
"""By whom a change was noticed."""
FIELDS = {"name": lazy_gettext("Name"), "description": lazy_gettext("Description"), "active": lazy_gettext("Active"),
          "price": lazy_gettext("Price"), "cost": lazy_gettext("Cost"), "reference": lazy_gettext("Reference"),
          "barcode": lazy_gettext("Barcode"), "weight": lazy_gettext("Weight"), "impact": lazy_gettext("Price impact")}
"""What a merchant calls the fields of a product."""
CHOICES = {"off": "Off", **DIRECTIONS, "both": "Both ways", "odoo": "Odoo", "prestashop": "PrestaShop",
           "manual": "A person decides"}


def init_app(app: Flask) -> None:
    """Install filters and context."""
    app.jinja_env.filters["when"] = when
    app.jinja_env.filters["number"] = number
    app.jinja_env.filters["entity_label"] = entity_label
    app.jinja_env.filters["record_label"] = record_label
    app.jinja_env.filters["record_name"] = record_name
    app.jinja_env.filters["noticed"] = noticed
    app.jinja_env.globals.update(STATES=STATES, DIRECTIONS=DIRECTIONS, CHOICES=CHOICES, EVENTS=EVENTS, SOURCES=SOURCES,
                                 FIELDS=FIELDS, step_url=step_url, ledger_url=ledger_url)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.context_processor(_context)


def when(at: datetime | None) -> Markup:
    """A point in time; the browser shows it in the user's own zone, and how long ago it was."""
    if at is None:
        return Markup("never")
    text = at.strftime("%Y-%m-%d %H:%M:%S UTC")
    return Markup('<time datetime="{0}" title="{1}">{1}</time>').format(escape(at.isoformat(timespec="seconds")), text)


def number(value: int) -> str:
    """1234567 → 1,234,567."""
    return f"{value:,}"


def entity_label(name: str) -> str:
    """What a merchant calls an entity."""
    try:
        return registry.by_name(name).label
    except KeyError:
        return name.replace("_", " ").capitalize() or "—"


def record_label(job: Any) -> str:
    """What a merchant calls the record of a change, a mapping or a conflict: "Customer 12"."""
    return record_name(job.entity, job.shop_id if isinstance(job, Mapping | Conflict) else job.record)


def record_name(entity: str, record: str) -> str:
    """What a merchant calls a record: "Customer 12"."""
    return f"{entity.replace('_', ' ').capitalize()} {record}"


def noticed(event: Any) -> str:
    """What a step of a change says; who noticed it in a merchant's words."""
    found = re.fullmatch(r"noticed(?: again)? \((\S+)\)", event.message)
    return SOURCES.get(found[1], found[1]) if found else str(event.message)


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
