"""Lists of changes by state, and one change with its timeline."""

from __future__ import annotations

from flask import Blueprint, abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select

from portal.entities import registry
from portal.extensions import reading, services, writing
from portal.models import JobEvent, SyncJob
from portal.sync import jobs, story
from portal.web.access import actor, current_store
from portal.web.answers import done

pages = Blueprint("jobs", __name__)
PAGE = 50
TABS = {"pending": ("pending", "running", "blocked"), "synced": ("synced",), "error": ("error",), "dead": ("dead",),
        "all": ("pending", "running", "blocked", "synced", "error", "dead", "discarded", "superseded")}


@pages.get("/jobs")
def listing() -> ResponseReturnValue:
    """Changes of one state, newest first, a page at a time."""
    store = current_store()
    tab = request.args.get("state", "pending")
    if tab not in TABS:
        abort(404)
    query = select(SyncJob).where(SyncJob.store_id == store.id, SyncJob.state.in_(TABS[tab]))
    entity, text = request.args.get("entity", ""), request.args.get("q", "").strip()[:64]
    if entity:
        query = query.where(SyncJob.entity == entity)
    if text:
        query = query.where(SyncJob.record == text)
    if before := request.args.get("before", type=int):
        query = query.where(SyncJob.id < before)
    rows = list(reading().scalars(query.order_by(SyncJob.id.desc()).limit(PAGE + 1)))
    return render_template("jobs.html", tab=tab, rows=rows[:PAGE], more=rows[PAGE - 1].id if len(rows) > PAGE else None,
                           counts=jobs.counts(reading(), store.id), entity=entity, text=text, entities=registry.ENTITIES,
                           filtered=bool(entity or text))


@pages.get("/jobs/<int:job_id>")
def page(job_id: int) -> ResponseReturnValue:
    """One change: what it is, why it stands where it stands, and every step so far."""
    store = current_store()
    row = reading().scalars(select(SyncJob).where(SyncJob.id == job_id, SyncJob.store_id == store.id)).first()
    if row is None:
        abort(404)
    events = list(reading().scalars(select(JobEvent).where(JobEvent.job_id == row.id).order_by(JobEvent.id)))
    record = story.shop_record(reading(), store, row)
    mapping = story.linked(reading(), store, row.entity, record) if record is not None else None
    others = list(reading().scalars(
        select(SyncJob).where(SyncJob.store_id == store.id, SyncJob.entity == row.entity, SyncJob.record == row.record,
                              SyncJob.id != row.id).order_by(SyncJob.id.desc()).limit(10)))
    return render_template("job.html", job=row, events=events, mapping=mapping, others=others, record=record,
                           limit=store.settings["max_attempts"])


@pages.post("/jobs/<int:job_id>/discard")
def discard_waiting(job_id: int) -> ResponseReturnValue:
    """Give up one change that is waiting; asks first."""
    store = current_store()
    row = reading().scalars(select(SyncJob).where(SyncJob.id == job_id, SyncJob.store_id == store.id)).first()
    if row is None:
        abort(404)
    if request.form.get("confirmed") != "1":
        return render_template("confirm.html", action="discard", number=1, state="pending", fields={}, ticked=[],
                               target=url_for("store.jobs.discard_waiting", job_id=job_id),
                               back=url_for("store.jobs.page", job_id=job_id))
    with writing() as session:
        number = jobs.discard(session, store.id, [job_id], actor())
    services().kick()
    if not number:
        return done(url_for("store.jobs.page", job_id=job_id), _("It is not waiting any more, so nothing was discarded."), "info")
    return done(url_for("store.jobs.page", job_id=job_id), _("The change was discarded."))
