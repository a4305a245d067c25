"""Odoo's webhooks: make and remove the rules, or the clicks by which an administrator does, and wait for the first call."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, ngettext
from flask_login import current_user

from portal.clients.errors import RemoteError
from portal.extensions import reading, release, services, writing
from portal.models import Store
from portal.sync import webhooks
from portal.web import confirmed, throttle
from portal.web.access import actor, current_store
from portal.web.answers import done, fingerprint_of, live

pages = Blueprint("webhooks", __name__)
ACTIONS = ("install", "remove", "check")


@pages.get("/webhooks")
def page() -> ResponseReturnValue:
    """How far the set-up has come and what to do next. Odoo is not asked, so the page comes at once."""
    facts = _facts()
    return render_template("webhooks.html", fingerprint=fingerprint_of("_webhooks.html", **facts), **facts)


@pages.get("/webhooks/live")
def refresh() -> ResponseReturnValue:
    """The part that waits for the first call."""
    return live("_webhooks.html", **_facts())


@pages.post("/webhooks/<action>")
def act(action: str) -> ResponseReturnValue:
    """Make or renew the rules in Odoo, remove them, or look what is there."""
    if action not in ACTIONS:
        abort(404)
    with writing() as session:
        wait = throttle.take(session, throttle.TEST_CONNECTION, str(current_user.id))
    if wait:
        abort(429, gettext("Too many tries in a row. Try again in %(seconds)s seconds.", seconds=int(wait) + 1))
    here, who = url_for("store.webhooks.page"), actor()
    store, config = _apart(current_store()), services()
    release()
    try:
        if action == "remove":
            number = webhooks.remove(config, store, who)
            return done(here, ngettext("%(num)s rule was removed from Odoo.", "%(num)s rules were removed from Odoo.", number))
        setup = webhooks.install(config, store, who) if action == "install" else webhooks.show(config, store)
    except RemoteError as error:
        return done(here, f"{error.message} {error.remedy}".strip(), "error")
    return done(here, setup.message, "info" if setup.instructions else "success")


def _apart(store: Store) -> Store:
    """The store, usable while no database connection is held."""
    reading().refresh(store)
    reading().expunge(store)
    return store


def _facts() -> dict[str, Any]:
    store, shown = current_store(), confirmed.is_confirmed()
    return {"standing": webhooks.standing(services(), store, secrets=shown), "shown": shown,
            "poll_minutes": store.settings["poll_minutes"]}
