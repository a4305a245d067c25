"""Which shop record is which record in Odoo: look it up, link by hand, forget."""

from __future__ import annotations

from flask import Blueprint, abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from portal.clients.errors import RemoteError
from portal.entities import registry
from portal.entities.base import Invalid
from portal.extensions import reading, release, services, writing
from portal.models import Mapping, Store
from portal.sync import hand_links, jobs
from portal.web.access import actor, current_store
from portal.web.answers import done

pages = Blueprint("mappings", __name__)
PAGE = 50


@pages.get("/mappings")
def page() -> ResponseReturnValue:
    """Links of one entity or all, found by id, reference or e-mail address, newest first."""
    store = current_store()
    entity, text = request.args.get("entity", ""), request.args.get("q", "").strip()[:64]
    rows = hand_links.find(reading(), store, entity=entity, text=text, before=request.args.get("before", 0, type=int),
                           limit=PAGE + 1)
    return render_template("mappings.html", rows=rows[:PAGE], more=rows[PAGE - 1].id if len(rows) > PAGE else None,
                           counts=jobs.mapping_counts(reading(), store), entities=registry.ENTITIES, entity=entity, text=text,
                           name_of=hand_links.name, linkable=hand_links.LINKABLE)


@pages.route("/mappings/link", methods=["GET", "POST"])
def link() -> ResponseReturnValue:
    """Enter two ids; both records are read and shown by name; then the link is confirmed."""
    store, form = current_store(), request.form if request.method == "POST" else request.args
    entered = {key: form.get(key, "").strip()[:20] for key in ("entity", "shop_id", "odoo_id")}
    found, problem = None, ""
    if request.method == "POST":
        config = services()
        release()
        try:
            found = hand_links.look(config, store, entered["entity"], entered["shop_id"], _number(entered["odoo_id"]))
            if form.get("confirmed") == "1":
                with writing() as session:
                    hand_links.link(session, session.get_one(Store, store.id), found, actor())
                config.kick()
                return done(url_for("store.mappings.page", entity=entered["entity"], q=entered["shop_id"]),
                            gettext("The records are linked and will be brought in step."))
        except Invalid as error:
            found, problem = None, error.message
        except RemoteError as error:
            found, problem = None, f"{error.message} {error.remedy}".strip()
    return render_template("mapping_link.html", entered=entered, found=found, problem=problem,
                           linkable=[registry.by_name(name) for name in hand_links.LINKABLE]), 422 if problem else 200


@pages.route("/mappings/<int:mapping_id>/forget", methods=["GET", "POST"])
def forget(mapping_id: int) -> ResponseReturnValue:
    """What follows from forgetting a link; then forget it."""
    store = current_store()
    row = reading().get(Mapping, mapping_id)
    if row is None or row.store_id != store.id or row.target != store.target:
        abort(404)
    if request.method == "GET":
        return render_template("mapping_forget.html", row=row, name=hand_links.name(row), consequences=hand_links.consequences(row))
    back = url_for("store.mappings.page", entity=row.entity)
    try:
        with writing() as session:
            words = hand_links.forget(session, session.get_one(Store, store.id), mapping_id, actor())
    except Invalid as error:
        return done(back, error.message, "error")
    return done(back, words)


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0
