"""The conflict list: fields that shop and Odoo changed differently, and the choice between both values."""

from __future__ import annotations

from flask import Blueprint, abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from portal.extensions import reading, services, writing
from portal.models import Conflict, Mapping, Store
from portal.sync import conflicts, story
from portal.web import back_offices
from portal.web.access import actor, current_store
from portal.web.answers import done

pages = Blueprint("conflicts", __name__)
PAGE = 50


@pages.get("/conflicts")
def page() -> ResponseReturnValue:
    """The open conflicts, or the settled ones, newest first."""
    store, settled = current_store(), request.args.get("settled") == "1"
    rows = conflicts.listed(reading(), store, settled=settled, before=request.args.get("before", 0, type=int), limit=PAGE + 1)
    counts = conflicts.counts(reading(), store)
    return render_template("conflicts.html", rows=[(row, _title(store, row)) for row in rows[:PAGE]], settled=settled,
                           more=rows[PAGE - 1].id if len(rows) > PAGE else None, open_count=counts["open"],
                           settled_count=sum(counts[state] for state in conflicts.SETTLED))


@pages.post("/conflicts/<int:conflict_id>")
def settle(conflict_id: int) -> ResponseReturnValue:
    """Choose a side's value after all, or leave everything as it is."""
    store, choice = current_store(), request.form.get("choice", "")
    row = reading().get(Conflict, conflict_id)
    if row is None or row.store_id != store.id or row.target != store.target or choice not in ("prestashop", "odoo", "keep"):
        abort(404)
    here = url_for("store.records.page", entity=request.form["entity"], record=request.form["record"]) \
        if request.form.get("entity") and request.form.get("record") else url_for("store.conflicts.page")
    with writing() as session:
        owner = session.get_one(Store, store.id)
        if choice == "keep":
            settled = conflicts.dismiss(session, owner, conflict_id, actor())
        else:
            settled = conflicts.apply(session, owner, conflict_id, "prestashop" if choice == "prestashop" else "odoo", actor())
    if not settled:
        return done(here, gettext("Somebody has settled it already."), "info")
    services().kick()
    if choice == "keep":
        return done(here, gettext("It stays as it is."))
    if store.settings["products"] != "both":
        return done(here, gettext("Kept in mind. It is written once products travel both ways again."), "info")
    return done(here, gettext("The value is on its way to both sides."))


def _title(store: Store, row: Conflict) -> str:
    """What people call the record: a combination has no name of its own."""
    found: Mapping | None = story.linked(reading(), store, row.entity, row.shop_id)
    product = story.linked(reading(), store, "product", row.shop_id.partition(":")[0]) if row.entity == "combination" else None
    return back_offices.title(found) or back_offices.title(product)
