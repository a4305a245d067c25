"""The penny ledger of an order, and the orders that stay a quotation."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext
from sqlalchemy import select

from portal.extensions import reading, services, writing
from portal.models import Store, SyncJob
from portal.sync import ledgers
from portal.web import shown
from portal.web.access import actor, current_store
from portal.web.answers import done

pages = Blueprint("ledgers", __name__)
VERDICTS = {
    "equal": ("good", "circle-check", lazy_gettext("Equal to the cent")),
    "held": ("bad", "circle-alert", lazy_gettext("Stays a quotation")),
    "changed": ("warn", "triangle-alert", lazy_gettext("Changed in the shop after it was confirmed")),
    "settled": ("off", "user", lazy_gettext("Confirmed in Odoo by a person")),
    "cancelled": ("off", "circle-x", lazy_gettext("Cancelled")),
    "foreseen": ("warn", "flask-conical", lazy_gettext("Foreseen by a dry run")),
}
"""Tone, icon and words of each verdict."""
GROUP_PAGE = 50


@pages.get("/orders/<record>/ledger")
def page(record: str) -> ResponseReturnValue:
    """How each cent of the order landed in Odoo, as it was when it was last compared."""
    store = current_store()
    row = ledgers.find(reading(), store, record)
    job = reading().scalars(select(SyncJob).where(
        SyncJob.store_id == store.id, SyncJob.entity == "order", SyncJob.direction == "ps_to_odoo", SyncJob.record == record)
        .order_by(SyncJob.id.desc()).limit(1)).first()
    return render_template("ledger.html", record=record, row=row, job=job, verdicts=VERDICTS,
                           remedy=ledgers.remedy(row) if row else "")


@pages.get("/held")
def held() -> ResponseReturnValue:
    """The orders that a person has to look at, by cause."""
    store = current_store()
    counts = ledgers.held_counts(reading(), store)
    groups: list[dict[str, Any]] = [
        {"cause": cause, "number": number, "title": ledgers.HELD.get(cause, (cause, ""))[0],
         "remedy": ledgers.HELD.get(cause, ("", ledgers.UNKNOWN))[1],
         "rows": ledgers.held(reading(), store, cause, limit=GROUP_PAGE)} for cause, number in counts.items()]
    return render_template("held.html", groups=groups, total=sum(counts.values()), verdicts=VERDICTS)


@pages.post("/held/look-again")
def look_again() -> ResponseReturnValue:
    """Read an order anew, or all that are held for one cause."""
    back = request.form.get("back", "")
    with writing() as session:
        store = session.get_one(Store, current_store().id)
        if "cause" in request.form:
            records = [row.record for row in ledgers.held(session, store, request.form["cause"])]
        else:
            records = [text for text in request.form.getlist("order") if text and len(text) <= 64]
        number = ledgers.look_again(session, store, records, actor())
    services().kick()
    where = url_for("store.ledgers.page", record=records[0]) if back == "ledger" and records else url_for("store.ledgers.held")
    if not number:
        return done(where, _("This order was not compared yet, so there is nothing to look at again."), "error")
    return done(where, ngettext("%(number)s order is being read and compared again.",
                                "%(number)s orders are being read and compared again.", number, number=shown.number(number)))
