"""The drift report: compare now, look through what differs, have it repaired."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, lazy_gettext, ngettext
from sqlalchemy import select

from portal.entities import registry
from portal.extensions import reading, services, writing
from portal.models import Drift, Store
from portal.settings import SettingError
from portal.sync import drift, findings
from portal.web.access import actor, current_store
from portal.web.answers import done, fingerprint_of, live, whole_page_again
from portal.web.wake import wake

pages = Blueprint("drift", __name__)
PAGE = 50
REPAIRED_AT_ONCE = 500
KINDS = {"missing": lazy_gettext("Missing in Odoo"), "total": lazy_gettext("Other total"), "state": lazy_gettext("Other state"),
         "stock": lazy_gettext("Other quantity"), "price": lazy_gettext("Other price"),
         "active": lazy_gettext("Active on one side only")}


@pages.get("/drift")
def page() -> ResponseReturnValue:
    """What differs, oldest first, filtered by entity and kind."""
    store = current_store()
    entity, kind = request.args.get("entity", ""), request.args.get("kind", "")
    rows = drift.listed(reading(), store.id, entity=entity, kind=kind, after=request.args.get("after", 0, type=int), limit=PAGE + 1)
    facts = _facts()
    return render_template("drift.html", rows=rows[:PAGE], more=rows[PAGE - 1].id if len(rows) > PAGE else None, entity=entity,
                           kind=kind, repairable=_repairable(entity, kind),
                           fingerprint=fingerprint_of("_drift.html", **facts), **facts)


@pages.get("/drift/live")
def refresh() -> ResponseReturnValue:
    """The progress alone, while there is any."""
    facts = _facts()
    if facts["run"] is None or facts["run"].state != "reading":
        return whole_page_again()
    return live("_drift.html", **facts)


@pages.post("/drift/start")
def start() -> ResponseReturnValue:
    """Compare now. Only reads, so the store may be switched off."""
    here = url_for("store.drift.page")
    try:
        with writing() as session:
            drift.start(session, session.get_one(Store, current_store().id), actor())
    except SettingError as error:
        return done(here, str(error).partition(": ")[2], "error")
    wake()
    return done(here, gettext("Shop and Odoo are being compared. Nothing is written."))


@pages.post("/drift/repair")
def repair() -> ResponseReturnValue:
    """Repair one finding, the ticked ones, or all that match the filter, which asks first."""
    store, here = current_store(), url_for("store.drift.page")
    entity, kind = request.form.get("entity", ""), request.form.get("kind", "")
    every = request.form.get("all") == "1"
    ticked = request.form.getlist("one") or request.form.getlist("job")
    ids = [int(text) for text in ticked if text.isdecimal() and len(text) < 19][:REPAIRED_AT_ONCE]
    if not every and not ids:
        return done(here, gettext("Nothing was selected. Tick the differences first."), "error")
    if every and request.form.get("confirmed") != "1":
        return render_template("drift_repair.html", number=_repairable(entity, kind), entity=entity, kind=kind, kinds=KINDS)
    asked = refused = 0
    with writing() as session:
        row = session.get_one(Store, store.id)
        if every:
            for part in _parts(entity, kind):
                done_now, left = findings.repair(session, row, part, actor())
                asked, refused = asked + done_now, refused + left
        else:
            chosen = list(session.scalars(select(Drift).where(Drift.store_id == store.id, Drift.id.in_(ids))))
            if not chosen:
                abort(404)
            asked, refused = findings.repair(session, row, chosen, actor())
    services().kick()
    words = ngettext("%(num)s difference is being repaired.", "%(num)s differences are being repaired.", asked)
    if refused:
        words += " " + gettext("%(number)s cannot be repaired from here, or are on their way already.", number=refused)
    return done(here, words, "success" if asked else "info")


def _parts(entity: str, kind: str) -> list[list[Drift]]:
    """The findings of a filter, page by page."""
    found, after = [], 0
    while rows := drift.listed(reading(), current_store().id, entity=entity, kind=kind, after=after, limit=REPAIRED_AT_ONCE):
        found.append([row for row in rows if row.state == "open" and row.repair])
        after = rows[-1].id
    return found


def _repairable(entity: str, kind: str) -> int:
    return drift.repairable(reading(), current_store().id, entity=entity, kind=kind)


def _facts() -> dict[str, Any]:
    session, store = reading(), current_store()
    counts = drift.counts(session, store.id)
    labels = {entity.name: entity.label for entity in registry.ENTITIES}
    return {"run": drift.latest(session, store.id), "total": sum(counts.values()), "kinds": KINDS,
            "groups": [(entity, labels[entity], kind, n) for (entity, kind), n in sorted(counts.items())]}
