"""What every template can use: times, labels, the user's stores, icons."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Flask, current_app, g, url_for
from flask_login import current_user
from markupsafe import Markup, escape

from portal.entities import registry
from portal.extensions import reading
from portal.models import Mapping
from portal.sync import circuit, jobs
from portal.web.access import visible_stores

STATES = {
    "pending": ("Pending", "clock"), "running": ("Running", "refresh-cw"), "blocked": ("Waiting for another record", "clock"),
    "synced": ("Synced", "circle-check"), "error": ("Error, will be tried again", "triangle-alert"),
    "dead": ("Dead letter", "circle-alert"), "discarded": ("Discarded", "circle-x"), "superseded": ("Replaced by a newer change",
                                                                                                    "circle-x"),
}
DIRECTIONS = {"ps_to_odoo": "PrestaShop → Odoo", "odoo_to_ps": "Odoo → PrestaShop"}
CHOICES = {"off": "Off", **DIRECTIONS, "both": "Both ways", "odoo": "Odoo", "prestashop": "PrestaShop",
           "manual": "A person decides"}


def init_app(app: Flask) -> None:
    """Install filters and context."""
    app.jinja_env.filters["when"] = when
    app.jinja_env.filters["number"] = number
    app.jinja_env.filters["entity_label"] = entity_label
    app.jinja_env.filters["record_label"] = record_label
    app.jinja_env.globals.update(STATES=STATES, DIRECTIONS=DIRECTIONS, CHOICES=CHOICES, step_url=step_url)
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
    """What a merchant calls the record of a change or a mapping: "Customer 12"."""
    record = job.shop_id if isinstance(job, Mapping) else job.record
    return f"{job.entity.replace('_', ' ').capitalize()} {record}"


def _context() -> dict[str, Any]:
    if not (current_user and current_user.is_authenticated):
        return {"my_stores": [], "store": None}
    store = g.get("store")
    found: dict[str, Any] = {"my_stores": visible_stores(), "store": store}
    if store is not None:
        found["dead_count"] = jobs.dead_count(reading(), store.id)
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
