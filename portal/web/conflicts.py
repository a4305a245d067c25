"""The conflict list: fields that shop and Odoo changed differently, and the choice between both values."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy import select

from portal.extensions import reading, services, writing
from portal.models import Conflict, Mapping, Store
from portal.sync import conflicts
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
    titled = list(zip(rows[:PAGE], _titles(store, rows[:PAGE]), strict=True))
    return render_template("conflicts.html", rows=titled, settled=settled,
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


def _titles(store: Store, rows: Sequence[Conflict]) -> list[str]:
    """What people call the records: a combination has no name of its own."""
    keys = [(row.entity, row.shop_id) for row in rows]
    products = [("product", shop_id.partition(":")[0]) for _, shop_id in keys]
    wanted = {*keys, *products}
    linked = {(row.entity, row.shop_id): row for row in reading().scalars(select(Mapping).where(
        Mapping.store_id == store.id, Mapping.target == store.target, Mapping.entity.in_({entity for entity, _ in wanted}),
        Mapping.shop_id.in_({shop_id for _, shop_id in wanted})))}
    return [back_offices.title(linked.get(key)) or back_offices.title(linked.get(product) if key[0] == "combination" else None)
            for key, product in zip(keys, products, strict=True)]
