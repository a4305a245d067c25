"""The rehearsal: start it, watch it, look through what it found, take it along as a table."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, lazy_gettext

from portal.entities import registry
from portal.extensions import reading, release, services, writing
from portal.models import Store
from portal.settings import Direction, SettingError, allowed
from portal.sync import duplicates, rehearsal, rehearsed
from portal.sync.foreseen import KINDS
from portal.sync.rehearsed import Wanted
from portal.web.access import actor, current_store
from portal.web.answers import done, fingerprint_of, live, whole_page_again
from portal.web.wake import wake

pages = Blueprint("rehearsal", __name__)
PAGE = 50
WAYS: tuple[Direction, Direction] = ("ps_to_odoo", "odoo_to_ps")
WORDS = {"create": (lazy_gettext("Create"), "plus"), "link": (lazy_gettext("Link"), "link"),
         "change": (lazy_gettext("Change"), "refresh-cw"), "conflict": (lazy_gettext("In conflict"), "arrow-left-right"),
         "refused": (lazy_gettext("Refused"), "circle-alert"), "nothing": (lazy_gettext("Nothing to do"), "check")}

SHARED = 200
"""Values that several records share, on a page."""


@pages.get("/rehearsal")
def page() -> ResponseReturnValue:
    """Start form, progress, counts, and the findings that match the filter."""
    wanted, after = _wanted(), request.args.get("after", 0, type=int)
    rows = rehearsed.listed(reading(), current_store().id, wanted, after=after, limit=PAGE + 1)
    facts = _facts()
    return render_template(
        "rehearsal.html", fingerprint=fingerprint_of("_rehearsal.html", **facts), wanted=wanted, rows=rows[:PAGE],
        more=rows[PAGE - 1].id if len(rows) > PAGE else None, entities=registry.ENTITIES,
        shared=duplicates.count(reading(), current_store().id), **facts)


@pages.get("/rehearsal/live")
def refresh() -> ResponseReturnValue:
    """Progress and counts alone, while it runs."""
    facts = _facts()
    if facts["run"] is None or facts["run"].state != "reading":
        return whole_page_again()
    return live("_rehearsal.html", **facts)


@pages.get("/rehearsal/duplicates")
def shared_keys() -> ResponseReturnValue:
    """References, barcodes and e-mail addresses that several records share."""
    found = duplicates.listed(reading(), current_store().id, SHARED)
    groups = [(source, [one for one in found if one.source == name]) for name, source in duplicates.SOURCES.items()]
    return render_template("duplicates.html", shown=SHARED, groups=[group for group in groups if group[1]],
                           total=duplicates.count(reading(), current_store().id),
                           run=rehearsal.latest(reading(), current_store().id))


@pages.get("/rehearsal.csv")
def export() -> ResponseReturnValue:
    """The findings that match the filter as CSV."""
    store, wanted, db = current_store(), _wanted(), services().db
    release()
    return Response(rehearsed.table(db, store.id, wanted), content_type="text/csv; charset=utf-8",
                    headers={"Content-Disposition": "attachment; filename=rehearsal.csv"})


@pages.post("/rehearsal/start")
def start() -> ResponseReturnValue:
    """Start a run for the ticked entities. Nothing is written anywhere, so the store may be switched off."""
    here, store = url_for("store.rehearsal.page"), current_store()
    chosen = [entity.name for entity in registry.ENTITIES if entity.name in request.form.getlist("entity")]
    if not chosen:
        return done(here, gettext("Tick at least one kind of record to rehearse."), "error")
    try:
        with writing() as session:
            rehearsal.start(session, session.get_one(Store, store.id), chosen, actor())
    except SettingError as error:
        return done(here, str(error).partition(": ")[2], "error")
    wake()
    return done(here, gettext("The rehearsal has begun. Nothing is written to Odoo or the shop."))


@pages.post("/rehearsal/stop")
def stop() -> ResponseReturnValue:
    """Give up what is running."""
    with writing() as session:
        stopped = rehearsal.cancel(session, current_store().id, actor())
    words = gettext("The rehearsal was stopped.") if stopped else gettext("No rehearsal is running.")
    return done(url_for("store.rehearsal.page"), words, "info")


def _facts() -> dict[str, Any]:
    store, session = current_store(), reading()
    counts = rehearsed.counts(session, store.id)
    return {"run": rehearsal.latest(session, store.id), "counts": counts, "kinds": KINDS, "words": WORDS,
            "choices": [(entity, any(allowed(store.settings, entity.name, way) for way in WAYS))
                        for entity in registry.ENTITIES],
            "table": [(entity, [(kind, counts[entity.name].get(kind, 0)) for kind in KINDS])
                      for entity in registry.ENTITIES if entity.name in counts]}


def _wanted() -> Wanted:
    kind = request.args.get("kind", "")
    return Wanted(request.args.get("entity", ""), kind if kind in KINDS else "", request.args.get("q", "").strip()[:64])
