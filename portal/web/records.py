"""One record: its timeline across both directions, the X-ray of an order, and *Sync this record now*. And the search for one."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from portal.entities import registry
from portal.extensions import reading, services, writing
from portal.models import Store
from portal.settings import allowed
from portal.sync import bounces, conflicts, jobs, log, search, story
from portal.web import back_offices, xray
from portal.web.access import actor, current_store
from portal.web.answers import done, fingerprint_of, live

pages = Blueprint("records", __name__)
finder = Blueprint("search", __name__)
TRAVELS_AS = {"combination": "product"}
"""A combination travels with its product."""


@pages.get("/records/<entity>/<record>")
def page(entity: str, record: str) -> ResponseReturnValue:
    """Everything about one record, by its shop id."""
    facts = _facts(entity, record)
    return render_template("record.html", fingerprint=fingerprint_of("_record.html", **facts), **facts)


@pages.get("/records/<entity>/<record>/live")
def refresh(entity: str, record: str) -> ResponseReturnValue:
    """The part of it that refreshes itself."""
    return live("_record.html", **_facts(entity, record))


@pages.post("/records/<entity>/<record>/sync")
def sync(entity: str, record: str) -> ResponseReturnValue:
    """*Sync this record now*: read it again and write what differs, in a direction the settings allow."""
    _facts(entity, record)
    here = url_for("store.records.page", entity=entity, record=record)
    store, name = current_store(), TRAVELS_AS.get(entity, entity)
    number = record.partition(":")[0] if name != entity else record
    with writing() as session:
        row = session.get_one(Store, store.id)
        if allowed(row.settings, name, "ps_to_odoo"):
            jobs.notice(session, row, name, "ps_to_odoo", number, source="person")
        elif allowed(row.settings, name, "odoo_to_ps") and (there := story.counterparts(session, row, name, number)):
            jobs.notice(session, row, name, "odoo_to_ps", there[0], source="person")
        else:
            return done(here, _("It does not travel with the present settings. Choose a direction there first."), "error")
        log.write(session, row.id, "Sync this record now.", entity=name, record=number, actor=actor())
        waits = not row.settings["enabled"]
    services().kick()
    return done(here, _("It waits until synchronization is enabled.") if waits else _("It is being read and compared now."))


@finder.get("/search")
def find() -> ResponseReturnValue:
    """The record a person means: straight to its page where there is one only."""
    store, text = current_store(), request.args.get("q", "").strip()[:search.LONGEST]
    hits = search.find(reading(), store, text)
    if len(hits) == 1:
        return redirect(url_for("store.records.page", entity=hits[0].entity, record=hits[0].record))
    rows = [(hit, story.linked(reading(), store, hit.entity, hit.record)) for hit in hits]
    return render_template("search.html", text=text, rows=[(hit, row, back_offices.title(row)) for hit, row in rows],
                           most=len(hits) == search.MOST)


def _facts(entity: str, record: str) -> dict[str, Any]:
    store = current_store()
    if entity not in search.ENTITIES or len(record) > 64:
        abort(404)
    found = story.of_record(reading(), store, entity, record)
    if not found.known:
        abort(404, _("Nothing is known of this record. It was neither noticed nor linked yet."))
    mapping, newest = found.mapping, next(iter(found.changes), None)
    return {
        "entity": entity, "record": record, "story": found, "mapping": mapping, "newest": newest,
        "name": back_offices.title(mapping), "xray": xray.steps(mapping, newest, found.waits_for, store.settings)
        if entity == "order" else [],
        "frozen": bounces.of_record(reading(), store, entity, record), "what_thaws": bounces.REMEDY,
        "conflicts": conflicts.of_record(reading(), store, entity, record),
        "odoo_page": back_offices.odoo_page(store, entity, mapping.odoo_id) if mapping is not None else "",
        "shop_page": back_offices.shop_page(store, entity, record),
        "shopper_page": back_offices.shown_to_shoppers(store, entity, record),
        "travels": any(allowed(store.settings, TRAVELS_AS.get(entity, entity), way) for way in ("ps_to_odoo", "odoo_to_ps"))
        if TRAVELS_AS.get(entity, entity) in {e.name for e in registry.ENTITIES} else False,
    }
