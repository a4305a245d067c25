"""Initial sync: one card per entity in the order in which they build on each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, abort, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.entities import registry
from portal.extensions import reading, services, writing
from portal.models import Store
from portal.settings import SettingError
from portal.sync import initial
from portal.web.access import actor, current_store
from portal.web.answers import done, fingerprint_of, live
from portal.web.wake import wake

pages = Blueprint("initial", __name__)
REFERS_TO = {"product": ("customer",), "stock": ("product",), "order": ("customer", "product")}
"""What comes first: an order needs its customer and its products. Products follow customers only to keep one order of work."""


@pages.get("/initial")
def page() -> ResponseReturnValue:
    """The cards."""
    found = _cards()
    return render_template("initial.html", fingerprint=fingerprint_of("_initial.html", cards=found), cards=found)


@pages.get("/initial/live")
def refresh() -> ResponseReturnValue:
    """The cards alone."""
    return live("_initial.html", cards=_cards())


@pages.post("/initial/<entity>/start")
def start(entity: str) -> ResponseReturnValue:
    """Start, or go on with, one entity."""
    card = next((card for card in _cards() if card["entity"] == entity), None)
    if card is None:
        abort(404)
    if card["reason"]:
        return done(url_for("store.initial.page"), card["reason"], "error")
    try:
        with writing() as session:
            initial.start(session, session.get_one(Store, current_store().id), entity, actor())
    except SettingError as error:
        return done(url_for("store.initial.page"), str(error), "error")
    wake()
    return done(url_for("store.initial.page"), f"Initial sync of {card['label'].lower()} was started.")


@pages.post("/initial/<entity>/cancel")
def cancel(entity: str) -> ResponseReturnValue:
    """Stop one entity; what was not sent yet is discarded."""
    if entity not in {e.name for e in registry.ENTITIES}:
        abort(404)
    with writing() as session:
        number = initial.cancel(session, session.get_one(Store, current_store().id), entity, actor())
    services().kick()
    return done(url_for("store.initial.page"), f"Stopped. {number:,} changes that had not been sent were discarded.")


def cards(progress: Sequence[Mapping[str, Any]], *, enabled: bool) -> list[dict[str, Any]]:
    """The cards in order, each with the reason why its button is disabled, or "".

    An entity waits for those its records refer to; entities that are switched off are passed over.
    """
    found: list[dict[str, Any]] = []
    unfinished = {row["entity"]: row["label"].lower() for row in progress if row["allowed"] and row["state"] != "finished"}
    for row in progress:
        missing = [unfinished[name] for name in REFERS_TO.get(row["entity"], ()) if name in unfinished]
        reason = ""
        if not row["allowed"]:
            reason = f"{row['label']} do not travel. Change that in the settings."
        elif not enabled:
            reason = "Enable synchronization first."
        elif missing:
            reason = f"First finish {' and '.join(missing)}."
        ended = row["done"] + row["failed"]
        found.append({**row, "reason": reason, "running": row["state"] in ("reading", "queued"), "ended": ended,
                      "total": max(row["noticed"], ended)})
    return found


def _cards() -> list[dict[str, Any]]:
    return cards(initial.progress(reading(), current_store()), enabled=current_store().settings["enabled"])
