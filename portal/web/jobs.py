"""Lists of changes by state, one change with its timeline, and the dead letters with retry and discard."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement, func, select
from werkzeug.wrappers import Response

from portal.entities import registry
from portal.extensions import reading, services, writing
from portal.models import JobEvent, SyncJob
from portal.sync import jobs, log, story
from portal.web.access import actor, current_store
from portal.web.answers import done

pages = Blueprint("jobs", __name__)
PAGE = 50
GROUP_PAGE = 25
LONGEST_SELECTION = 500
TABS = {"pending": ("pending", "running", "blocked"), "synced": ("synced",), "error": ("error",), "dead": ("dead",),
        "all": ("pending", "running", "blocked", "synced", "error", "dead", "discarded", "superseded")}
_ACTIONS = {"retry": ("Retry", "retried"), "discard": ("Discard", "discarded")}


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


@pages.get("/dead")
def dead() -> ResponseReturnValue:
    """The dead letters, grouped by cause, the largest group first."""
    store = current_store()
    number = func.count().label("number")
    causes = reading().execute(
        select(SyncJob.cause, number, func.max(SyncJob.id)).where(SyncJob.store_id == store.id, SyncJob.state == "dead")
        .group_by(SyncJob.cause).order_by(number.desc(), SyncJob.cause)).all()
    groups = [(cause, n, reading().get_one(SyncJob, newest), _newest_of(store.id, cause)) for cause, n, newest in causes]
    return render_template("dead.html", groups=groups, total=sum(n for _, n, _ in causes))


@pages.post("/dead/<action>")
def act(action: str) -> ResponseReturnValue:
    """Retry or discard one dead letter, the selection, one cause or all; asks first unless it is one retry."""
    if action not in _ACTIONS:
        abort(404)
    store = current_store()
    ids = _chosen(store.id)
    if ids is not None and not ids:
        return _back("Nothing was selected. Tick the dead letters first.", "error")
    number = jobs.counts(reading(), store.id)["dead"] if ids is None else len(ids)
    asked = request.form.get("confirmed") == "1"
    if not asked and not (action == "retry" and number == 1):
        label = _ACTIONS[action][0]
        return render_template("confirm.html", action=action, label=label, number=number, form=request.form)
    return _retry(ids) if action == "retry" else _discard(ids)


@pages.post("/jobs/<int:job_id>/discard")
def discard_waiting(job_id: int) -> ResponseReturnValue:
    """Give up one change that is waiting; asks first."""
    store = current_store()
    row = reading().scalars(select(SyncJob).where(SyncJob.id == job_id, SyncJob.store_id == store.id)).first()
    if row is None:
        abort(404)
    if request.form.get("confirmed") != "1":
        return render_template("confirm.html", action="discard", label="Discard", number=1, form=request.form,
                               target=url_for("store.jobs.discard_waiting", job_id=job_id),
                               back=url_for("store.jobs.page", job_id=job_id))
    with writing() as session:
        number = jobs.discard(session, store.id, [job_id], actor())
    services().kick()
    if not number:
        return done(url_for("store.jobs.page", job_id=job_id), "It is not waiting any more, so nothing was discarded.", "info")
    return done(url_for("store.jobs.page", job_id=job_id), "The change was discarded.")


def _chosen(store_id: int) -> Sequence[int] | None:
    """The ids a form names: ticked ones, those of a cause, or None for all dead letters."""
    if request.form.get("all") == "1":
        return None
    if "cause" in request.form:
        return list(reading().scalars(select(SyncJob.id).where(*_dead_of(store_id, request.form["cause"]))))
    return sorted({int(text) for text in request.form.getlist("job") if text.isdecimal() and len(text) < 19})


def _retry(ids: Sequence[int] | None) -> Response:
    store = current_store()
    retried = merged = missing = 0
    with writing() as session:
        for part in _parts(ids):
            result = jobs.retry(session, store.id, part, actor())
            retried, merged, missing = retried + result.retried, merged + result.merged, missing + result.missing
        words = f"{retried:,} will be tried again"
        words += f", {merged:,} joined a newer change that is waiting already" if merged else ""
        words += f", {missing:,} were no dead letters any more" if missing else ""
        log.write(session, store.id, f"Dead letters: {words}.", actor=actor())
    services().kick()
    return _back(f"{words}.", "success" if retried or merged else "info")


def _discard(ids: Sequence[int] | None) -> Response:
    store = current_store()
    with writing() as session:
        number = sum(jobs.discard(session, store.id, part, actor()) for part in _parts(ids))
        log.write(session, store.id, f"Dead letters: {number:,} discarded.", actor=actor())
    services().kick()
    return _back(f"{number:,} discarded.", "success" if number else "info")


def _parts(ids: Sequence[int] | None) -> list[Sequence[int] | None]:
    if ids is None:
        return [None]
    return [ids[i:i + LONGEST_SELECTION] for i in range(0, len(ids), LONGEST_SELECTION)]


def _newest_of(store_id: int, cause: str) -> list[SyncJob]:
    return list(reading().scalars(select(SyncJob).where(*_dead_of(store_id, cause)).order_by(SyncJob.id.desc()).limit(GROUP_PAGE)))


def _dead_of(store_id: int, cause: str) -> tuple[ColumnElement[bool], ...]:
    return SyncJob.store_id == store_id, SyncJob.state == "dead", SyncJob.cause == cause


def _back(message: str, kind: str) -> Response:
    return done(url_for("store.jobs.dead"), message, kind)
