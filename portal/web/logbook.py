"""The log of a store: what happened, and who changed what."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from portal.entities import registry
from portal.extensions import reading, release, services
from portal.sync import logbook
from portal.sync.logbook import LEVELS, Wanted
from portal.web import zones
from portal.web.access import current_store

pages = Blueprint("log", __name__)
PAGE = 100


@pages.get("/log")
def page() -> ResponseReturnValue:
    """Entries, newest first, filtered by level, entity, period, dry run, who and words; all of it stands in the address."""
    wanted = _wanted()
    found = logbook.find(reading(), current_store().id, wanted, before=request.args.get("before", 0, type=int), limit=PAGE)
    kept: dict[str, Any] = {name: value for name, value in request.args.items() if name != "before"}
    return render_template("log.html", found=found, wanted=wanted, levels=LEVELS, entities=registry.ENTITIES, kept=kept,
                           since=request.args.get("since", "") if wanted.since else "",
                           until=request.args.get("until", "") if wanted.until else "",
                           filtered=wanted != Wanted())


@pages.get("/log.csv")
def export() -> ResponseReturnValue:
    """What matches the filter as CSV, streamed."""
    store, wanted, db, zone = current_store(), _wanted(), services().db, zones.of_page()
    number = store.id
    release()
    return Response(logbook.table(db, number, wanted, zone), content_type="text/csv; charset=utf-8",
                    headers={"Content-Disposition": "attachment; filename=log.csv"})


def _wanted() -> Wanted:
    args = request.args
    level, until = args.get("level", ""), _day(args.get("until", ""))
    return Wanted(level if level in LEVELS else "", args.get("entity", "")[:32], args.get("q", "").strip()[:100],
                  {"1": True, "0": False}.get(args.get("dry_run", "")), args.get("who") == "people", _day(args.get("since", "")),
                  until + timedelta(days=1) if until else None, args.get("direction", "")[:12])


def _day(text: str) -> datetime | None:
    """The beginning of a day that is given as 2026-03-01, in the zone of the page."""
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=zones.of_page())
    except ValueError:
        return None
