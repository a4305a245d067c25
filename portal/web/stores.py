"""The list of stores, adding one, and *Test connection* before it is saved."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from portal.db import now
from portal.extensions import reading, release, services, writing
from portal.models import Store
from portal.settings import SettingError
from portal.sync import first_run, hooks, stores, view
from portal.web import confirmed, health, store_form, throttle
from portal.web.access import actor, admin_only, visible_stores
from portal.web.answers import done, is_fragment
from portal.web.told import told

pages = Blueprint("stores", __name__)


@pages.get("/")
def home() -> ResponseReturnValue:
    """The only store's dashboard, or the list."""
    mine = visible_stores()
    if len(mine) == 1:
        return redirect(url_for("store.dashboard.page", store_id=mine[0].id))
    return redirect(url_for("stores.listing"))


@pages.get("/stores")
def listing() -> ResponseReturnValue:
    """The user's stores with their state."""
    at, session, config = now(), reading(), services().config
    pulses = [(store, health.pulse(session, store, config)) for store in visible_stores()]
    rows = [(store, pulse.counts, health.judge(pulse, at)) for store, pulse in pulses]
    return render_template("stores.html", rows=rows)


@pages.get("/stores/new")
@admin_only
def new() -> ResponseReturnValue:
    """An empty form."""
    return show_form(None, store_form.stored(None))


@pages.post("/stores/new")
@admin_only
def add() -> ResponseReturnValue:
    """Add the store."""
    entered = store_form.read(request.form, None)
    if entered.errors:
        return show_form(None, entered), 422
    connection, choices = store_form.split(entered.values)
    try:
        with writing() as session:
            store = stores.add_store(session, is_demo=False, **connection)
            stores.change_store(session, store, choices, actor())
            store_id = store.id
    except SettingError as error:
        key, text = store_form.words(error)
        entered.errors[key] = text
        return show_form(None, entered), 422
    services().kick()
    learn(store_id, store_form.SIDES)
    return done(url_for("store.dashboard.page", store_id=store_id), _("%(name)s was added.", name=connection["name"]))


def learn(store_id: int, sides: Iterable[str]) -> None:
    """Ask sides whose connection was just saved who they are, so that nobody has to test again; says which do not answer."""
    release()
    with services().db.read() as session:
        store = session.get_one(Store, store_id)
        session.expunge(store)
    checks = {side: store_form.test(side, request.form, store, services().config) for side in sides}
    with writing() as session:
        stores.save_checks(session, session.get_one(Store, store_id), **checks)
    for side, check in checks.items():
        if not check.ok:
            remedy = next((remedy for ok, _text, remedy in check.steps if not ok), "")
            why = f"{told(check.title)} {told(remedy)}".strip()
            flash(_("%(side)s cannot be used yet: %(reason)s", side=store_form.SIDES[side], reason=why), "error")


@pages.post("/stores/check/<key>")
@admin_only
def check_field(key: str) -> ResponseReturnValue:
    """Whether one field of a store that is not saved yet may stay as it was left."""
    return render_template("_problem.html", text=store_form.problem_of(key, request.form, None))


@pages.post("/stores/test/<side>")
@admin_only
def test(side: str) -> ResponseReturnValue:
    """Test one connection of a store that is not saved yet."""
    return try_connection(side, None)


def try_connection(side: str, store: Store | None) -> ResponseReturnValue:
    """Test with what stands in the form; keeps what was learned where it is the saved connection."""
    if side not in store_form.SIDES:
        abort(404)
    with writing() as session:
        wait = throttle.take(session, throttle.TEST_CONNECTION, str(current_user.id))
    if wait:
        abort(429, _("Too many tests in a row. Try again in %(number)s seconds.", number=int(wait) + 1))
    if store is not None:
        reading().refresh(store)
        reading().expunge(store)
    release()
    check = store_form.test(side, request.form, store, services().config)
    if store is not None and check.profile is not None and store_form.is_what_is_stored(side, request.form, store):
        with writing() as session:
            stores.save_checks(session, session.get_one(Store, store.id), **{side: check})
    found = store_form.named(side, check.profile)
    if is_fragment():
        return render_template("_check.html", side=side, check=check, named=found, values=request.form)
    entered = store_form.read(request.form, store)
    entered.errors = {}
    entered.checks[side] = check
    entered.named |= found
    return show_form(store, entered)


def show_form(store: Store | None, entered: store_form.Entered) -> str:
    """The form as a page, or only the form where htmx asks."""
    more: dict[str, Any] = {}
    if store is not None:
        more["next_step"] = first_run.next_step(first_run.steps(reading(), store))
        facts = view.store_facts(reading(), store, services().config, secrets=confirmed.is_confirmed())
        more |= {"endpoints": facts["endpoints"], "cron_token": facts.get("tokens", {}).get("cron", ""),
                "module": hooks.module_facts(reading(), store.id)}
    template = "_store_form.html" if is_fragment() else "store_form.html"
    return render_template(template, store=store, entered=entered, name_field=store_form.NAME, blocks=store_form.BLOCKS,
                           sides=store_form.SIDES, groups=store_form.grouped(), labels=store_form.labels(), **more)
