"""Who is told when a store is in trouble: the addresses, a test, and what is wrong now."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from portal.extensions import reading, release, services, writing
from portal.models import Store
from portal.settings import SettingError
from portal.sync import alert_post, alerts
from portal.web.access import actor, current_store
from portal.web.answers import done

pages = Blueprint("alerts", __name__)


@pages.get("/alerts")
def page() -> ResponseReturnValue:
    """Where alerts go, how the last ones fared, and what is wrong now."""
    return _show({}, {})


@pages.post("/alerts")
def save() -> ResponseReturnValue:
    """Set both addresses. An empty webhook address keeps the present one, which is never shown; ticking *Remove* removes it."""
    typed = {"email": request.form.get("email", "")[:2000]}
    if webhook := request.form.get("webhook", "").strip():
        typed["webhook"] = webhook
    elif request.form.get("webhook_remove") == "1":
        typed["webhook"] = ""
    errors: dict[str, str] = {}
    changed = False
    with writing() as session:
        store = session.get_one(Store, current_store().id)
        for kind, target in typed.items():
            try:
                changed |= alert_post.set_channel(session, store, kind, target, services().config, actor())
            except SettingError as error:
                errors[kind] = str(error).partition(": ")[2]
    if errors:
        return _show(typed, errors), 422
    entered = changed and any(typed.values())
    return done(url_for("store.alerts.page"),
                gettext("Saved. Send a test to see that it arrives.") if entered else gettext("Saved."))


@pages.post("/alerts/test")
def test() -> ResponseReturnValue:
    """Send a test now and say how it went, channel by channel."""
    store, config = current_store(), services()
    release()
    results = alert_post.test(config, store)
    here = url_for("store.alerts.page")
    if not results:
        return done(here, gettext("Enter an e-mail address or a webhook first."), "error")
    problems = [f"{alert_post.KINDS[kind]}: {problem}" for kind, problem in results.items() if problem]
    if problems:
        return done(here, " ".join(problems), "error")
    return done(here, gettext("The test was sent by: %(ways)s.", ways=", ".join(alert_post.KINDS[kind] for kind in results)))


def _show(typed: dict[str, Any], errors: dict[str, str]) -> str:
    session, store = reading(), current_store()
    rows = {row.kind: row for row in alerts.channels(session, store.id)}
    places = {kind: alert_post.shown(kind, row.target) for kind, row in rows.items()}
    return render_template("alerts.html", channels=rows, places=places, kinds=alert_post.KINDS, errors=errors,
                           email=typed.get("email", places.get("email", "")), troubles=alerts.active(session, store.id),
                           mail_server=bool(services().config.smtp_url))
