"""Records that would go to and fro between shop and Odoo for ever: which, why, and *Thaw*."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select

from portal.extensions import reading, services, writing
from portal.models import Mapping, Store
from portal.sync import bounces
from portal.web import back_offices, shown
from portal.web.access import actor, current_store
from portal.web.answers import done

pages = Blueprint("frozen", __name__)
MOST = 200


@pages.get("/frozen")
def page() -> ResponseReturnValue:
    """The frozen records, the longest frozen first."""
    store = current_store()
    rows = bounces.listed(reading(), store, limit=MOST)
    linked = {row.shop_id: row for row in reading().scalars(select(Mapping).where(
        Mapping.store_id == store.id, Mapping.target == store.target, Mapping.entity == "product",
        Mapping.shop_id.in_({row.record.partition(":")[0] for row in rows})))}
    titled = [(row, back_offices.title(linked.get(row.record.partition(":")[0]))) for row in rows]
    return render_template("frozen.html", rows=titled, total=bounces.count(reading(), store), what_thaws=bounces.REMEDY)


@pages.post("/frozen/thaw")
def thaw() -> ResponseReturnValue:
    """Let one record go on."""
    store, entity, record = current_store(), request.form.get("entity", ""), request.form.get("record", "")
    with writing() as session:
        thawed = bounces.thaw(session, session.get_one(Store, store.id), entity, record, actor())
    services().kick()
    here = url_for("store.frozen.page")
    return done(here, _("It goes on now.")) if thawed else done(here, _("It is not frozen any more."), "info")


@pages.post("/frozen/thaw-all")
def thaw_all() -> ResponseReturnValue:
    """Let all of them go on."""
    number = bounces.thaw_all(services().db, current_store(), actor())
    services().kick()
    return done(url_for("store.frozen.page"), ngettext("%(number)s record goes on now.", "%(number)s records go on now.", number,
                                                       number=shown.number(number)))
