"""The log of a store."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from portal.entities import registry
from portal.extensions import reading
from portal.models import LogEntry
from portal.web.access import current_store

pages = Blueprint("log", __name__)
PAGE = 100
LEVELS = ("info", "warning", "error")


@pages.get("/log")
def page() -> ResponseReturnValue:
    """Entries, newest first, filtered by level, entity, dry run and words."""
    level, entity = request.args.get("level", ""), request.args.get("entity", "")
    dry_run, text = request.args.get("dry_run", ""), request.args.get("q", "").strip()[:100]
    query = select(LogEntry).where(LogEntry.store_id == current_store().id)
    if level:
        query = query.where(LogEntry.level == level)
    if entity:
        query = query.where(LogEntry.entity == entity)
    if dry_run in ("0", "1"):
        query = query.where(LogEntry.dry_run.is_(dry_run == "1"))
    if text:
        query = query.where(LogEntry.message.icontains(text, autoescape=True))
    if before := request.args.get("before", type=int):
        query = query.where(LogEntry.id < before)
    rows = list(reading().scalars(query.order_by(LogEntry.id.desc()).limit(PAGE + 1)))
    return render_template("log.html", rows=rows[:PAGE], more=rows[PAGE - 1].id if len(rows) > PAGE else None, levels=LEVELS,
                           entities=registry.ENTITIES, level=level, entity=entity, dry_run=dry_run, text=text)
