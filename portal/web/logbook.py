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
MOST_NEWS = 1000
"""New entries are counted up to here."""


@pages.get("/log")
def page() -> ResponseReturnValue:
    """Entries, newest first, filtered by level, entity, period, dry run, who and words; all of it stands in the address."""
    wanted, store_id, before = _wanted(), current_store().id, request.args.get("before", 0, type=int)
    newest = 0 if before else logbook.newest(reading(), store_id)
    found = logbook.find(reading(), store_id, wanted, before=before, limit=PAGE)
    return render_template("log.html", found=found, wanted=wanted, levels=LEVELS, entities=registry.ENTITIES, kept=_kept(),
                           newest=newest, news=0, most_news=MOST_NEWS,
                           since=request.args.get("since", "") if wanted.since else "",
                           until=request.args.get("until", "") if wanted.until else "",
                           filtered=wanted != Wanted())


@pages.get("/log/live")
def refresh() -> ResponseReturnValue:
    """How many matching entries there are since the page was opened; 204 while the reader has seen that number already."""
    after, seen = (request.args.get(name, 0, type=int) for name in ("after", "seen"))
    news = logbook.newer(reading(), current_store().id, _wanted(), after, most=MOST_NEWS)
    if news == seen:
        return "", 204
    return render_template("_log_news.html", kept=_kept(), newest=after, news=news, most_news=MOST_NEWS)


@pages.get("/log.csv")
def export() -> ResponseReturnValue:
    """What matches the filter as CSV, streamed."""
    store, wanted, db, zone = current_store(), _wanted(), services().db, zones.of_page()
    number = store.id
    release()
    return Response(logbook.table(db, number, wanted, zone), content_type="text/csv; charset=utf-8",
                    headers={"Content-Disposition": "attachment; filename=log.csv"})


def _kept() -> dict[str, Any]:
    """The filter as it stands in the address."""
    return {name: value for name, value in request.args.items() if name not in ("before", "after", "seen")}


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
