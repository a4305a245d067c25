"""The taxes of a store: which Odoo taxes each rate of the shop becomes, what is missing, and the choice."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext, ngettext
from flask_login import current_user

from portal.clients.errors import RemoteError
from portal.extensions import reading, release, services, writing
from portal.models import Store
from portal.settings import SettingError
from portal.sync import taxes
from portal.web import shown, throttle
from portal.web.access import actor, current_store
from portal.web.answers import done
from portal.web.store_form import words
from portal.web.told import told

pages = Blueprint("taxes", __name__)
KINDS = (("included", lazy_gettext("Prices with tax"), lazy_gettext("The tax is contained in the price.")),
         ("excluded", lazy_gettext("Prices without tax"), lazy_gettext("Odoo adds the tax to the price.")))


@pages.get("/taxes")
def page() -> ResponseReturnValue:
    """Every rate of every place with its Odoo taxes; on top what orders wait for."""
    store = current_store()
    row = taxes.find(reading(), store)
    found = taxes.facts(reading(), store)
    places: dict[str, dict[str, Any]] = {}
    for line in found["lines"]:
        place = places.setdefault(line["place"], {"code": line["place"], "name": line["place_name"], "lines": []})
        place["lines"].append(line)
    taxed = [place for place in places.values() if any(line["rate"] != "0%" or line["chosen"] for line in place["lines"])]
    untaxed = [place for place in places.values() if place not in taxed]
    return render_template("taxes.html", read_at=row.at if row else None, missing=found["missing"], taxed=taxed, untaxed=untaxed,
                           kinds=KINDS)


@pages.post("/taxes/read")
def read() -> ResponseReturnValue:
    """Ask shop and Odoo for their taxes now; orders whose tax is there go on."""
    store, back = current_store(), url_for("store.taxes.page")
    with writing() as session:
        wait = throttle.take(session, throttle.TEST_CONNECTION, str(current_user.id))
    if wait:
        abort(429, _("Too often in a row. Try again in %(number)s seconds.", number=int(wait) + 1))
    reading().refresh(store)
    reading().expunge(store)
    release()
    try:
        number = taxes.refresh(services(), store)
    except RemoteError as error:
        return done(back, f"{told(error.message)} {told(error.remedy)}".strip(), "error")
    services().kick()
    return done(back, _("The taxes of shop and Odoo were read.") + _tried(number))


@pages.get("/taxes/choice")
def choice() -> ResponseReturnValue:
    """The Odoo taxes that make one rate in one place, to choose from."""
    line = _line(request.args.get("place", ""), request.args.get("rate", ""), request.args.get("group", 0, type=int))
    if line is None:
        return redirect(url_for("store.taxes.page"))
    return _form(line)


@pages.post("/taxes/choice")
def choose() -> ResponseReturnValue:
    """Save the choice, or go back to the proposal; the orders that wait for the tax are tried again."""
    place, rate = request.form.get("place", ""), request.form.get("rate", "")
    group = request.form.get("group", 0, type=int)
    automatic = request.form.get("automatic") == "1"
    picked = [int(text) for kind, _title, _help in KINDS for text in request.form.get(kind, "").split("+")
              if text.isdecimal() and len(text) < 10]
    line = _line(place, rate, group)
    if line is None:
        return done(url_for("store.taxes.page"), _("This rate is not among the shop's taxes any more. Read the taxes again."),
                    "error")
    if not picked and not automatic and rate != "0%":
        return _form(line, _("Choose at least one of the two kinds, or go back to the proposal.")), 422
    try:
        with writing() as session:
            store = session.get_one(Store, current_store().id)
            number = taxes.choose(session, store, place, rate, group, () if automatic else picked, actor())
    except SettingError as error:
        return _form(line, words(error)[1]), 422
    services().kick()
    return done(url_for("store.taxes.page"), _("The choice for %(rate)s in %(place)s was saved.", rate=rate,
                                               place=line["place_name"]) + _tried(number))


def _line(place: str, rate: str, group: int) -> dict[str, Any] | None:
    row = taxes.find(reading(), current_store())
    return taxes.line(reading(), current_store(), place, rate, group) if row is not None else None


def _form(line: dict[str, Any], problem: str = "") -> str:
    waiting = sum(item["orders"] for item in taxes.facts(reading(), current_store())["missing"]
                  if (item["place"], item["rate"]) == (line["place"].partition("-")[0], line["rate"]))
    return render_template("tax_choice.html", line=line, kinds=KINDS, problem=problem, waiting=waiting)


def _tried(number: int) -> str:
    if not number:
        return ""
    return " " + str(ngettext("%(number)s order that was waiting will be tried again.",
                          "%(number)s orders that were waiting will be tried again.", number, number=shown.number(number)))
